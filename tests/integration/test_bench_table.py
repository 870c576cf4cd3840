"""`./dev bench`: every row of the table runs, here with as little load as can be, and who does other work is called wrong."""
import json
import os
import pathlib
import platform
import subprocess
import sys

import pytest
from sluice import die_with_the_tests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import rows  # noqa: E402

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin")).resolve()
pytestmark = pytest.mark.skipif(not (BIN / "pacer").exists(), reason="the benchmarks are built without sanitizers only")


def bench(folder, *options, bin_dir=BIN, status=0):
    """What it printed, what it wrote for machines, and its results."""
    numbers, results = folder / "results.json", folder / "RESULTS.md"
    done = subprocess.run([sys.executable, ROOT / "bench/compare.py", "--tiny", "--bin-dir", bin_dir, "--json", numbers, "--results", results,
                           *options], capture_output=True, text=True, timeout=280, preexec_fn=die_with_the_tests)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, json.loads(numbers.read_text()), results.read_text()


def rows_by(*measures):
    return [name for name, row in rows.TABLE.items() if row.by in measures]


def check(found, wanted, contenders):
    """Each row has a number of each contender that has one in it, and nobody did other work."""
    assert list(found) == wanted
    for name, summary in found.items():
        row = (rows.TABLE | rows.LOGGED)[name]
        assert summary["wrong"] == {}, name
        assert set(summary["medians"]) == {one for one in contenders if (not row.only or one in row.only) and not (one == "floor" and row.tls)}, name


def test_rows_of_cpu(folder):
    wanted = rows_by("cpu")
    printed, found, results = bench(folder, "--only", "floor,sluice,nginx", "--rows", ",".join(wanted))
    check(found, wanted, {"floor", "sluice", "nginx"})
    for name in wanted:
        assert all(number > 0 for number in found[name]["medians"].values())
        line = next(line for line in printed.splitlines()[1:] if line.startswith(name.ljust(15)) and " us " in line)
        ratio = found[name][f"to_{rows.TABLE[name].base}"]["median"]
        assert f"{ratio:.2f}" in line
        assert f"| `{name}` |" in results
    assert "## The table" in results and platform.node() not in results


def test_rows_of_cpu_with_access_logs(folder):
    wanted = list(rows.LOGGED)
    _, found, results = bench(folder, "--only", "sluice", "--rows", ",".join(wanted))
    check(found, wanted, {"sluice"})
    assert "## With access logs" in results and "## The table" not in results


def test_rows_of_instructions_and_of_a_second_worker(folder):
    wanted = rows_by("instructions", "sharing")
    _, found, _ = bench(folder, "--only", "sluice", "--rows", ",".join(wanted))
    check(found, wanted, {"sluice"})
    assert found["routes-x"]["medians"]["sluice"] == pytest.approx(found["routes"]["medians"]["sluice"] / found["instructions"]["medians"]["sluice"])
    assert found["browser"]["medians"]["sluice"] > found["instructions"]["medians"]["sluice"] > 1000


def test_rows_of_memory_and_of_changes(folder):
    wanted = rows_by("idle", "active", "changes", "scrape", "sizes", "start", "h2open")
    _, found, _ = bench(folder, "--only", "sluice,nginx", "--rows", ",".join(wanted))
    idle = [name for name in wanted if rows.TABLE[name].by == "idle"]
    assert idle == ["idle", "idle-tls"]
    check(found, wanted, {"sluice", "nginx"})
    assert found["cutover-p99"]["medians"]["sluice"] >= found["cutover"]["medians"]["sluice"] > 0
    assert found["metrics-lines"]["medians"]["sluice"] > 0


def test_latency_and_its_plot(folder):
    printed, found, results = bench(folder, "--only", "sluice,nginx", "--rows", "latency")
    for kind in found["latency"].values():
        assert kind["wrong"] == {} and set(kind["added"]) == {"sluice", "nginx"}
        assert list(kind["direct"]) == ["50", "99", "99.9"]
    assert "80 % of each one's saturation, or what the load keeps up with" in printed and "![Latency by percentile](latency.svg)" in results
    drawing = (folder / "latency.svg").read_text()
    assert drawing.count("<polyline") == 3 * 3  # the origin alone, and two proxies, in each of three panels


def test_the_first_rows_are_the_quick_ones_and_rows_that_are_not_there_are_refused(folder):
    listed = subprocess.run([sys.executable, ROOT / "bench/compare.py", "--list"], capture_output=True, text=True, check=True).stdout.split("\n")
    assert [line.split()[0] for line in listed if line] == [*rows.TABLE, *rows.LOGGED, "latency"]
    done = subprocess.run([sys.executable, ROOT / "bench/compare.py", "--rows", "get,gte"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no such row: gte" in done.stderr


# A program in Sluice's place: what it is told by sluice.yaml it does by the blind forwarder.
FORWARDER = """#!/bin/sh
port=$(sed -n 's/.*bind: "127.0.0.1:\\([0-9]*\\)".*/\\1/p' "$2")
origin=$(sed -n 's/.*stable: {{backends: \\["127.0.0.1:\\([0-9]*\\)".*/\\1/p' "$2")
exec {floor} "$origin" "$port"
"""


def test_a_contender_that_does_less_than_the_work_is_called_wrong(folder):
    """A forwarder that adds no field stands where Sluice does."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("origin", "floor"):
        (programs / name).symlink_to(BIN / name)
    (programs / "sluiced").write_text(FORWARDER.format(floor=BIN / "floor"))
    (programs / "sluiced").chmod(0o755)
    printed, found, results = bench(folder, "--only", "floor,sluice", "--rows", "get", bin_dir=programs, status=1)
    assert list(found["get"]["medians"]) == ["floor"]
    assert "1000 of 1000 requests came to a backend without x-forwarded-for" in found["get"]["wrong"]["sluice"]
    assert "sluice has no number in get: " in printed and "sluice has no number in get: " in results
    assert "| wrong |" in results


def test_what_cannot_be_measured_takes_no_other_row_with_it(folder):
    programs = folder / "bin"
    programs.mkdir()
    for name in ("origin", "floor", "pacer"):
        (programs / name).symlink_to(BIN / name)
    (programs / "sluiced").write_text("#!/bin/sh\necho no configuration pleases me >&2\nexit 3\n")
    (programs / "sluiced").chmod(0o755)
    _, found, results = bench(folder, "--only", "floor,sluice", "--rows", "cutover,m-route,latency", bin_dir=programs, status=1)
    assert list(found) == ["cutover", "m-route", "latency"]
    for summary in (found["cutover"], found["m-route"], found["latency"]["not measured"]):
        assert "sluice ended with status 3:\nno configuration pleases me" in summary["wrong"]["sluice"]
    assert "latency.svg" not in results
