#!/usr/bin/python3
"""What a request costs, and a connection, a change, a scrape: Sluice beside a blind forwarder (the floor), nginx, HAProxy and others, in turns.

In each round every contender gets the same load once, the order rotating, so that a disturbance of the machine hits all alike. A contender
that did other work than was asked for has no number. rows.py and h2_rows.py have the rows, contenders.py how each is configured;
README.md beside this file says what differs. A whole run writes RESULTS.md.
"""
import argparse
import json
import pathlib
import resource
import signal
import subprocess
import sys
import time

import driver
import h2_rows
import latency
import plot
import results
import rows as h1_rows
import table
from contenders import CONTENDERS
from processes import Failed, two_cpus

ROOT = pathlib.Path(__file__).resolve().parent.parent
LATENCY = "latency"
RESULTS = ROOT / "bench/RESULTS.md"


def parse_arguments(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--h2", action="store_true", help="HTTP/2 and gRPC instead")
    parser.add_argument("--rows", help="comma-separated (default: all); --list says which there are")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    parser.add_argument("--only", help=f"comma-separated, of {', '.join(CONTENDERS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="of load for each contender and round, over HTTP/1")
    parser.add_argument("--quick", action="store_true", help="two short rounds of the first rows (--h2: one of four) unless --rows says others")
    parser.add_argument("--tiny", action="store_true", help="one round of as little as can be, which is what the tests run; no number means anything")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin", help="where sluiced, the floors and the loads are")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE", help="write them there (default: bench/RESULTS.md, of a whole run alone)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all summaries there")
    given = parser.parse_args(words)
    known = h2_rows.ROWS if given.h2 else h1_rows.TABLE | h1_rows.LOGGED | {LATENCY: h1_rows.Row("latency overhead, and its plot")}
    quick = h2_rows.QUICK if given.h2 else h1_rows.QUICK
    given.whole = not (given.rows or given.only or given.quick or given.tiny)
    given.rows = given.rows.split(",") if given.rows else quick if given.quick else list(known)
    given.only = given.only.split(",") if given.only else [name for name, one in CONTENDERS.items() if (one.h2 if given.h2 else one.h1)]
    for kind, asked, there in (("row", given.rows, known), ("contender", given.only, CONTENDERS)):
        if unknown := [name for name in asked if name not in there]:
            parser.error(f"no such {kind}: {', '.join(unknown)}")
    if given.rounds < 1 or given.seconds < 1:
        parser.error("--rounds, --seconds: one at least")
    given.known = known
    return given


def options_of(given):
    only, missing = driver.installed(given.only)
    more = {}
    if given.quick:
        more = {"rounds": 1, "shortened": 20} if given.h2 else {"rounds": 2}
    if given.tiny:
        more = {"rounds": 1, "shortened": 20, "instructions": (100, 200), "connections": 50, "changes": 10, "fewer": 50}
    return driver.Options(only, given.bin_dir.resolve(), **{"rounds": given.rounds, "seconds": given.seconds, "missing": missing} | more)


def measure(given, options):
    """({section: text}, {row: summary}, the plot or None)"""
    circumstances = results.circumstances(options)
    chosen = {name: given.known[name] for name in given.rows if name != LATENCY}
    driver.print_legend(options, chosen)
    summaries = driver.run(options, chosen) if chosen else {}
    sections, drawn = sections_of(given, options, summaries, circumstances), None
    if LATENCY in given.rows:
        kinds = latencies(options)
        summaries[LATENCY] = {kind.says: latency.summary(kind) for kind in kinds}
        said = table.latency_lines(list(summaries[LATENCY].items()), latency.PERCENTILES)
        print("\n" + said)
        sections["Latency overhead"] = circumstances + "\n" + said
        if panels := [(kind.says, latency.lines(kind)) for kind in kinds if kind.rounds]:
            drawn = plot.svg(panels)
            sections["Latency overhead"] += "\n![Latency by percentile](latency.svg)\n"
    return sections, summaries, drawn


def latencies(options):
    """What could not be measured takes no table with it."""
    try:
        return latency.measure(options)
    except driver.UNMEASURED as problem:
        print(f"no latencies: {problem}")
        return [latency.Latencies("not measured", {}, wrong={"sluice": str(problem)})]


def sections_of(given, options, summaries, circumstances):
    names = {"HTTP/2 and gRPC": h2_rows.ROWS} if given.h2 else {"The table": h1_rows.TABLE, "With access logs": h1_rows.LOGGED}
    sections = {}
    for title, rows in names.items():
        if found := {name: summaries[name] for name in rows if name in summaries}:
            wrong = "".join(f"\n- {said}" for said in table.wrong_ones(found))
            sections[title] = circumstances + "\n" + table.markdown(rows, found, options.only) + wrong
    return sections


def wrong_of_sluice(summaries):
    plain = [summary for name, summary in summaries.items() if name != LATENCY] + list(summaries.get(LATENCY, {}).values())
    return any("sluice" in summary["wrong"] for summary in plain)


def main(words):
    given = parse_arguments(words)
    if given.list:
        for name, row in given.known.items():
            print(f"{name:18}{row.says}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if two_cpus()[0] is None:
        print("only one CPU core: the load generator and the contenders share it")
    begin = time.monotonic()
    try:
        sections, summaries, drawn = measure(given, options_of(given))
    except (Failed, subprocess.SubprocessError) as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{(time.monotonic() - begin) / 60:.1f} minutes")
    if path := given.results or (RESULTS if given.whole else None):
        results.write(path, sections)
        if drawn:
            (path.parent / "latency.svg").write_text(drawn)
        print(f"written: {path}")
    if given.json:
        given.json.write_text(json.dumps(summaries, indent=1) + "\n")
    return 1 if wrong_of_sluice(summaries) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
