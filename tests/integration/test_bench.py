"""`./dev bench --h2`: rows and ratios come out, and who did not do the work has no number."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
from sluice import die_with_the_tests

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import compare_h2  # noqa: E402
import h2_rows  # noqa: E402

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin")).resolve()
measures = pytest.mark.skipif(not (BIN / "h2floor").exists(), reason="the benchmarks are built without sanitizers only")


def bench(folder, *options, bin_dir=BIN):
    """What it printed, and what it wrote for machines."""
    results = folder / "results.json"
    done = subprocess.run([sys.executable, BENCH / "compare.py", "--h2", "--quick", "--bin-dir", bin_dir, "--json", results, *options],
                          capture_output=True, text=True, timeout=100, preexec_fn=die_with_the_tests)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(results.read_text())


@measures
def test_rows_come_out_with_a_number_for_each_contender_that_can_and_sluices_ratios(folder):
    printed, results = bench(folder, "--only", "floor,sluice,nginx,haproxy")
    rows = results["summary"]
    assert list(rows) == ["h2c", "one", "grpc", "open"]
    for name, row in rows.items():
        contenders = {"sluice", "nginx", "haproxy"} | ({"floor"} if name in ("h2c", "open") else set())
        assert row["wrong"] == {}
        assert set(row["medians"]) == contenders
        assert all(number > 0 for number in row["medians"].values())
        assert row["medians"][row["best_peer"]] == min(row["medians"]["nginx"], row["medians"]["haproxy"])
        assert row["to_best_peer"]["median"] == pytest.approx(row["medians"]["sluice"] / row["medians"][row["best_peer"]])
        assert ("to_floor" in row) == ("floor" in contenders)
        line = next(line.split() for line in printed.splitlines() if line.startswith(name.ljust(8)) and row["best_peer"] in line)
        assert f"{row['to_best_peer']['median']:.2f}" in line


@measures
def test_a_contender_that_answers_nothing_right_is_named_and_has_no_number(folder):
    """A forwarder that knows no HTTP/2 stands where the floor does: what comes back is HTTP/1.1."""
    programs = folder / "bin"
    programs.mkdir()
    for name, program in (("origin", "origin"), ("sluiced", "sluiced"), ("h2floor", "floor")):
        (programs / name).symlink_to(BIN / program)
    printed, results = bench(folder, "--only", "floor,sluice", "--rows", "h2c,idle", bin_dir=programs)
    for name in ("h2c", "idle"):
        assert list(results["summary"][name]["medians"]) == ["sluice"]
        assert f"floor has no number in {name}: " in printed


ROW = h2_rows.Row("as h2load reports it", requests=1000, connections=1, streams=1, answer=10)


def report(succeeded=1000, good=1000, data=10_000):
    return (f"requests: 1000 total, 1000 started, 1000 done, {succeeded} succeeded, {1000 - succeeded} failed, 0 errored, 0 timeout\n"
            f"status codes: {good} 2xx, 0 3xx, 0 4xx, {1000 - good} 5xx\n"
            f"traffic: 20.00KB (20480) total, 1.95KB (2000) headers (space savings 80.00%), 9.77KB ({data}) data\n")


def test_a_report_counts_only_when_all_requests_were_answered_whole():
    h2_rows.check(ROW, report())
    for wrong, says in ((report(succeeded=999), "999 of 1000 requests succeeded"), (report(good=998), "998 of 1000 requests succeeded"),
                        (report(data=9_990), "bodies of 9990 bytes in all instead of 10000"), ("", "0 of 1000 requests succeeded")):
        with pytest.raises(h2_rows.Wrong, match=says):
            h2_rows.check(ROW, wrong)


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_who_failed_once_is_no_peer():
    rounds = [{"sluice": 10, "nginx": 10, "h2o": 5}, {"sluice": 30, "nginx": 100}, {"sluice": 90, "nginx": 60}]
    summary = compare_h2.summarize(compare_h2.Result(rounds, {"h2o": "999 of 1000 requests succeeded"}), ["sluice", "nginx", "h2o"])
    assert summary["medians"] == {"sluice": 30, "nginx": 60}
    assert summary["best_peer"] == "nginx"
    assert summary["to_best_peer"] == {"median": 1, "lowest": 0.3, "highest": 1.5}
    assert "to_floor" not in summary
