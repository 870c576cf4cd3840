"""From one worker to two: an argument, for with two cores there is none left for a load that could show the scaling. A second worker
costs a request nothing when it executes no instruction more than with one, and when no worker waits for a lock: futex is the
system call in which threads wait for each other. What is left to share is the kernel's."""
import contextlib
import re
import signal
import subprocess

from h2_rows import H2Load
from instructions import Shape, count_all, ratio
from loads import Turn
from processes import Wrong, child_setup, tool, wait_for_port
from rounds import Result
from rows import Row
from stand import Stand

CONNECTIONS = 64  # the kernel deals them out to both workers


def measure(options, rows):
    results = {}
    if "workers-x" in rows:
        results["workers-x"] = instructions(options)
    if "futexes" in rows:
        results["futexes"] = futexes(options)
    return results


def instructions(options):
    asked = {workers: ("sluice", Shape(place={"workers": workers}, connections=CONNECTIONS)) for workers in (1, 2)}
    counts = count_all(options, asked)
    for count in counts.values():
        if isinstance(count, Wrong):
            return Result([], {"sluice": str(count)})
    return ratio(Result([{"sluice": counts[2]}]), Result([{"sluice": counts[1]}]))


def futexes(options):
    """Calls of all threads while 10,000 requests are answered."""
    with contextlib.ExitStack() as stack:
        row = Row("traced")
        stand = Stand(stack, options.with_only(["sluice"]), row, workers=2)
        process, port = stand.running["sluice"]
        turn = Turn(port, stand.load_cpu, stand.folder, options.bin_dir, 1, options.shortened)
        load = H2Load(10_000, CONNECTIONS, h1=True)
        report = stand.folder / "strace"
        tracer = subprocess.Popen([tool("strace"), "-f", "-c", "-e", "trace=futex", "-o", report, "-p", str(process.pid)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: child_setup(stand.load_cpu))
        stack.callback(tracer.kill)
        if "attached" not in tracer.stderr.readline():
            return Result([], {"sluice": "strace could not attach"})
        try:
            done = load.run(row, turn)
        except Wrong as problem:
            return Result([], {"sluice": str(problem)})
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=10)
        wait_for_port(port, process, "sluice")
        return Result([{"sluice": calls_of(report.read_text()) * 10_000 / done}])


def calls_of(report):
    """The fourth column of strace's table, in the row of the system call; without one there was no call."""
    found = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?futex$", report, re.MULTILINE)
    return int(found.group(1)) if found else 0
