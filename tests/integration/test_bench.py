"""`./dev bench --h2`: rows and ratios come out, and who did not do the work has no number. What a ratio and a goal are."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
from sluice import die_with_the_tests

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import cpu  # noqa: E402
import equal_work  # noqa: E402
import h2_rows  # noqa: E402
import loads  # noqa: E402
import rounds  # noqa: E402
from contenders import CONTENDERS  # noqa: E402
from processes import Wrong  # noqa: E402
from rows import Row  # noqa: E402

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
    printed, rows = bench(folder, "--only", "floor,sluice,nginx,haproxy")
    assert list(rows) == ["h2c", "one", "grpc", "open"]
    for name, row in rows.items():
        contenders = {"sluice", "nginx", "haproxy"} | ({"floor"} if name in ("h2c", "open") else set())
        assert row["wrong"] == {}
        assert set(row["medians"]) == contenders
        assert all(number > 0 for number in row["medians"].values())
        assert row["medians"][row["best_peer"]] == min(row["medians"]["nginx"], row["medians"]["haproxy"])
        assert row["to_peer"]["median"] == pytest.approx(row["medians"]["sluice"] / row["medians"][row["best_peer"]])
        assert ("to_floor" in row) == ("floor" in contenders)
        line = next(line for line in printed.splitlines() if line.startswith(name.ljust(15)) and ("met" in line or "missed" in line))
        if h2_rows.ROWS[name].base:
            assert f"{row['to_peer']['median']:.2f}" in line and row["best_peer"] in line


@measures
def test_all_other_rows_run_too(folder):
    others = [name for name in h2_rows.ROWS if name not in h2_rows.QUICK]
    _, found = bench(folder, "--only", "sluice,haproxy", "--tiny", "--rows", ",".join(others))
    assert list(found) == others
    for name, row in found.items():
        assert row["wrong"] == {}, name
        assert set(row["medians"]) == {"sluice", "haproxy"}


@measures
def test_a_contender_that_answers_nothing_right_is_named_and_has_no_number(folder):
    """A forwarder that knows no HTTP/2 stands where the floor does: what comes back is HTTP/1.1."""
    programs = folder / "bin"
    programs.mkdir()
    for name, program in (("origin", "origin"), ("sluiced", "sluiced"), ("h2floor", "floor")):
        (programs / name).symlink_to(BIN / program)
    printed, results = bench(folder, "--only", "floor,sluice", "--rows", "h2c,idle", bin_dir=programs)
    for name in ("h2c", "idle"):
        assert list(results[name]["medians"]) == ["sluice"]
        assert f"floor has no number in {name}: " in printed


ROW = Row("as h2load reports it", h2=True, answer=10)
LOAD = h2_rows.H2Load(1000, 1)


def report(succeeded=1000, good=1000, data=10_000):
    return (f"requests: 1000 total, 1000 started, 1000 done, {succeeded} succeeded, {1000 - succeeded} failed, 0 errored, 0 timeout\n"
            f"status codes: {good} 2xx, 0 3xx, 0 4xx, {1000 - good} 5xx\n"
            f"traffic: 20.00KB (20480) total, 1.95KB (2000) headers (space savings 80.00%), 9.77KB ({data}) data\n")


def test_a_report_counts_only_when_all_requests_were_answered_whole():
    LOAD.check(ROW, report())
    for wrong, says in ((report(succeeded=999), "999 of 1000 requests succeeded"), (report(good=998), "998 of 1000 requests succeeded"),
                        (report(data=9_990), "bodies of 9990 bytes in all instead of 10000"), ("", "0 of 1000 requests succeeded")):
        with pytest.raises(Wrong, match=says):
            LOAD.check(ROW, wrong)


def test_a_report_of_wrk_counts_only_when_none_failed_and_bodies_were_whole():
    row = Row("as wrk reports it", answer=1000)
    good = {"requests": 100, "bytes": 110_000, "us": 1, "errors": 0}
    loads.Wrk(1).check(row, good)
    for wrong, says in (({"errors": 1}, "100 requests were answered, 1 failed"), ({"requests": 0}, "0 requests were answered"),
                        ({"bytes": 99_000}, "99000 bytes for 100 answers"), ({"bytes": 400_000}, "400000 bytes for 100 answers")):
        with pytest.raises(Wrong, match=says):
            loads.Wrk(1).check(row, good | wrong)


def test_the_origins_say_whether_a_contender_did_the_work():
    """1,000 requests by one client at a time; seen: (connections, requests) of each origin."""
    cpu.check_origins(CONTENDERS["nginx"], 1000, 1, [(1, 950), (1, 50)])
    cpu.check_origins(CONTENDERS["floor"], 1000, 1, [(1000, 1000), (0, 0)])  # has one backend, and a connection for each client's
    for seen, says in (([(1, 900), (1, 50)], "950 requests came to the origins, 1000 were answered"),
                       ([(1, 1900), (1, 100)], "2000 requests came to the origins, 1000 were answered"),
                       ([(1, 500), (1, 500)], "500 of 1000 requests went to the backend with 5 %"),
                       ([(950, 950), (50, 50)], "1000 connections to backends for 1000 requests")):
        with pytest.raises(Wrong, match=says):
            cpu.check_origins(CONTENDERS["nginx"], 1000, 1, seen)


class Heads:
    """What a witness keeps."""

    def __init__(self, heads, connections=1):
        self.heads, self.connections = heads, connections


def test_a_contender_that_leaves_a_field_out_does_other_work():
    def seen(bare, connections=1):
        head = ["get / http/1.1", "x-forwarded-for: 127.0.0.1", "x-request-id: 1"]
        return [Heads([head] * (950 - bare) + [head[:2]] * bare, connections), Heads([head] * 50)]

    equal_work.check_requests(CONTENDERS["nginx"], seen(0))
    equal_work.check_requests(CONTENDERS["nghttpx"], seen(950))  # says so of itself
    with pytest.raises(Wrong, match="3 of 1000 requests came to a backend without x-request-id"):
        equal_work.check_requests(CONTENDERS["nginx"], seen(3))
    with pytest.raises(Wrong, match="10 connections to backends for 1000 requests"):
        equal_work.check_requests(CONTENDERS["nginx"], seen(0, connections=9))


def test_an_access_log_has_a_line_for_each_request_or_is_not_there(folder):
    equal_work.check_log(folder, False)
    (folder / "access.log").write_text('127.0.0.1 - - "GET / HTTP/1.1" 200 2\n' * 600)
    (folder / "stderr.log").write_text('{"request":{"method":"GET","uri":"/"}}\n' * 400 + "another word of the program\n")
    equal_work.check_log(folder, True)
    with pytest.raises(Wrong, match="1000 lines in the access log after 1000 requests, instead of 0"):
        equal_work.check_log(folder, False)


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_who_failed_once_is_no_peer():
    numbers = [{"sluice": 10, "nginx": 10, "h2o": 5}, {"sluice": 30, "nginx": 100}, {"sluice": 90, "nginx": 60}]
    summary = rounds.summarize(rounds.Result(numbers, {"h2o": "999 of 1000 requests succeeded"}), ["sluice", "nginx", "h2o"])
    assert summary["medians"] == {"sluice": 30, "nginx": 60}
    assert summary["best_peer"] == "nginx"
    assert summary["to_peer"] == summary["to_nginx"] == {"median": 1, "lowest": 0.3, "highest": 1.5}
    assert "to_floor" not in summary


@pytest.mark.parametrize("row,said", [(Row("a ratio", base="nginx", goal=1), "met"), (Row("a ratio", base="nginx", goal=0.99), "missed"),
                                      (Row("a number", goal=30), "met"), (Row("a number", goal=29), "missed"), (Row("no goal"), ""),
                                      (Row("nothing to compare", base="floor", goal=1), "")])
def test_a_goal_is_met_by_the_ratio_that_it_is_for_or_by_the_number(row, said):
    numbers = [{"sluice": 10, "nginx": 10}, {"sluice": 30, "nginx": 100}, {"sluice": 90, "nginx": 60}]
    assert rounds.verdict(row, rounds.summarize(rounds.Result(numbers), ["sluice", "nginx"])) == said


def test_the_order_rotates_so_that_each_is_first_in_turn():
    assert [rounds.rotated(["a", "b", "c"], number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert rounds.rotated([], 3) == []
