"""Takes a table's rows to who measures them, and prints each as soon as it is there."""
import dataclasses
import http.client
import shutil
import subprocess

import changes
import cpu
import h2_memory
import instructions
import memory
import scrape
import sharing
import sizes
import start
import table
from contenders import CONTENDERS
from processes import Failed, Wrong, tool
from rounds import Result, summarize

# Each takes the options and {name: Row}, and gives {name: Result}.
MEASURES = {
    "cpu": cpu.measure,
    "instructions": instructions.measure,
    "sharing": sharing.measure,
    "idle": memory.measure_idle,
    "active": memory.measure_active,
    "changes": changes.measure,
    "scrape": scrape.measure,
    "sizes": sizes.measure,
    "start": start.measure,
    "h2idle": h2_memory.measure_idle,
    "h2open": h2_memory.measure_open,
}
# Why there is no number; a daemon that ends in the midst shows as one of them.
UNMEASURED = (Failed, Wrong, OSError, http.client.HTTPException, subprocess.SubprocessError)
LAST = 400  # characters of why something failed: a log's end says most
# Of what is measured with a tool that may be missing.
NEEDS = {"instructions": ("valgrind",), "sharing": ("valgrind", "strace")}


@dataclasses.dataclass(frozen=True)
class Options:
    """How much is measured, and of whom."""

    only: tuple                # contenders
    bin_dir: object
    rounds: int = 5
    seconds: int = 1           # of load for each contender and round
    shortened: int = 1         # loads that go by number: so much less
    instructions: tuple = (2_000, 12_000)  # requests of the two runs
    connections: int = 1_000   # whose memory is looked at
    changes: int = 100
    fewer: int = 1             # services, routes and the like: so many times fewer
    missing: tuple = ()        # contenders that are not installed

    def with_only(self, names):
        return dataclasses.replace(self, only=tuple(names))

    def without(self, names):
        return self.with_only(name for name in self.only if name not in names)


def run(options, rows):
    """{row: its summary}, in the order of the rows."""
    table.print_head(options.only)
    summaries = {}
    for name, row in rows.items():
        if name in summaries or lacks(row):
            continue
        # Rows of CPU stand for themselves; others come out of one measurement.
        together = {name: row} if row.by == "cpu" else {other: one for other, one in rows.items() if one.by == row.by}
        for other, result in attempt(options, together).items():
            summaries[other] = summarize(result, options.only)
            table.print_row(other, rows[other], summaries[other], options.only)
    for said in table.wrong_ones(summaries):
        print(said)
    return {name: summaries[name] for name in rows if name in summaries}


def attempt(options, rows):
    """{row: its result}; what could not be measured takes no other row with it."""
    row = next(iter(rows.values()))
    try:
        return MEASURES[row.by](options, rows)
    except UNMEASURED as problem:
        names = [name for name in options.only if not row.only or name in row.only]
        return {name: Result([], {one: str(problem)[-LAST:] for one in names}) for name in rows}


def lacks(row):
    return [name for name in NEEDS.get(row.by, ()) if not shutil.which(name)]


def print_legend(options, rows):
    print(f"{options.rounds} rounds, one worker for each contender, alone on its core:")
    for name, row in rows.items():
        print(f"  {name:15}{row.says}" + (f" (left out: no {lacks(row)[0]} here)" if lacks(row) else ""))
    print("All split 95/5 over two backends, keep connections to them and add X-Forwarded-For and X-Request-ID; nobody writes an access log "
          "unless a row says so. Of this:")
    for name in options.only:
        if CONTENDERS[name].cannot:
            print(f"  {name:10}{CONTENDERS[name].cannot}")


def installed(names):
    """(those that can be measured, those that are not installed and need not be)"""
    missing = []
    for name in names:
        if CONTENDERS[name].optional:
            try:
                tool(name)
            except Failed:
                print(f"{name} is not installed, so it is not measured")
                missing.append(name)
    return tuple(name for name in names if name not in missing), tuple(missing)
