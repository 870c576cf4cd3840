"""What HTTP/2 and gRPC cost: Sluice beside a blind HTTP/2 proxy (the floor), nginx, HAProxy, nghttpx and h2o, measured in turns.

Each row is another way of using it (h2_rows.py), for which every contender is started anew: one worker alone on its CPU core,
the origins and h2load on the other. In each round every contender gets the same load once, the order rotating. A contender that
did not answer every request rightly has no number. h2_contenders.py says how each is configured, h2_memory.py how memory is read.
"""
import argparse
import contextlib
import dataclasses
import json
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import h2_memory
from h2_contenders import CONTENDERS, PEERS, Place
from h2_rows import CALL, MESSAGE, ROWS, Row, Wrong, load
from processes import Failed, Process, certificate, free_port, start_printing_port, tool, two_cpus

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMORY = {
    "idle": "bytes of memory for an idle h2c connection that had one request",
    "idle8": f"the same {h2_memory.SETTLED} s later",
    "open": "bytes of memory for a request that waits for its answer, the connection to its backend included",
}
QUICK = ["h2c", "one", "grpc", "open"]


@dataclasses.dataclass
class Result:
    """Of one row: each round's numbers, and why a contender has none."""

    rounds: list = dataclasses.field(default_factory=list)
    wrong: dict = dataclasses.field(default_factory=dict)


# --- processes


class Stand:
    """The origins and the contenders of one row, until its stack ends."""

    def __init__(self, stack, options, row, origins=None):
        self.stack, self.options, self.row = stack, options, row
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-bench-")))
        self.load_cpu, self.proxy_cpu = two_cpus()
        self.origins = origins or [self.origin(number) for number in range(2)]
        self.pem = certificate(self.folder) if row.tls else None
        self.running = {name: self.start(name) for name in options.only if CONTENDERS[name].can(row)}

    def origin(self, number):
        log = self.folder / f"origin{number}.log"
        if self.row.grpc:
            return self.grpc_origin(log)
        return start_printing_port(self.stack, [self.options.bin_dir / "origin", "--body", self.row.answer, "--upload",
                                                self.row.upload], self.load_cpu, log)

    def grpc_origin(self, log):
        """nghttpd, which answers every call with the message that is in a file, and grpc-status 0."""
        answer = self.folder / "root" / CALL[1:]
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_bytes(MESSAGE)
        types = self.folder / "types"
        types.write_text("application/grpc grpc\n")
        port = free_port()
        Process(self.stack, [tool("nghttpd"), "--no-tls", "-a", "127.0.0.1", "-d", self.folder / "root", f"--mime-types-file={types}",
                             "--trailer", "grpc-status: 0", "-m", "1000", port], self.load_cpu, log)
        wait_for_port(port)
        return port

    def start(self, name):
        folder = self.folder / name
        folder.mkdir()
        place = Place(folder, free_port(), self.origins, self.options.bin_dir, self.pem, self.row.grpc)
        command = CONTENDERS[name].command(place)
        if shutil.which(str(command[0])) is None:
            raise Failed(f"{command[0]} is missing; ./dev bench builds it")
        process = Process(self.stack, command, self.proxy_cpu, folder / "stderr.log")
        wait_for_port(place.port, process, name)
        return process, place.port


def wait_for_port(port, process=None, name=None):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process:
            process.require_alive(name)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise Failed(f"{name or 'an origin'} did not listen within 10 s")


# --- measuring


def cpu_row(options, row):
    """CPU microseconds per request."""
    result = Result()
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options, row)
        # Warms caches and connections to backends; not counted.
        in_order(result, stand, list(stand.running), lambda name: turn(stand, name, row.shortened(10)))
        for number in range(options.rounds):
            names = rotated([name for name in stand.running if name not in result.wrong], number)
            result.rounds.append(in_order(result, stand, names, lambda name: turn(stand, name, row)))
    return result


def in_order(result, stand, names, measure):
    """{name: number} of those that did the work."""
    numbers = {}
    for name in names:
        try:
            numbers[name] = measure(name)
        except Wrong as problem:
            result.wrong[name] = str(problem)
        try:
            stand.running[name][0].require_alive(name)
        except Failed as problem:  # says more than that requests failed
            result.wrong[name] = str(problem)
            numbers.pop(name, None)
    return numbers


def rotated(names, number):
    begin = number % max(1, len(names))
    return names[begin:] + names[:begin]


def turn(stand, name, row):
    process, port = stand.running[name]
    before = process.cpu_ns()
    load(row, port, stand.folder / name, stand.load_cpu)
    return (process.cpu_ns() - before) / 1e3 / row.requests


def idle_rows(options):
    """Row idle, and idle8, of the same connections, if it is wanted."""
    now, later = Result(), Result()
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options, Row("idle", 1, 1, 1))
        idle = {}

        def begin(name):
            idle[name] = h2_memory.Idle(*stand.running[name])
            stack.callback(idle[name].close)
            return idle[name].bytes_each()

        now.rounds.append(in_order(now, stand, list(stand.running), begin))
        if "idle8" not in options.rows:
            return {"idle": now}
        later.wrong.update(now.wrong)
        later.rounds.append(in_order(later, stand, [name for name in idle if name not in now.wrong],
                                     lambda name: idle[name].bytes_each_later()))
    return {"idle": now, "idle8": later}


def open_row(options):
    result = Result()
    with contextlib.ExitStack() as stack:
        backends = [h2_memory.SilentBackend(stack) for _ in range(2)]
        stand = Stand(stack, options, Row("open", 1, 1, 1), [backend.port for backend in backends])
        result.rounds.append(in_order(result, stand, list(stand.running),
                                      lambda name: h2_memory.bytes_per_open_stream(*stand.running[name], backends)))
    return {"open": result}


def measure(options):
    """{row: its result}, each printed as soon as it is there."""
    results = {}
    for name in options.rows:
        if name in ROWS:
            results[name] = cpu_row(options, ROWS[name].shortened(options.shortened))
        elif name not in results:
            results.update(open_row(options) if name == "open" else idle_rows(options))
        print_row(name, summarize(results[name], options.only), options.only)
    return {name: results[name] for name in options.rows}


# --- results


def summarize(result, names):
    """Medians, and Sluice's ratios to the best peer and to the floor: medians of each round's ratio, with the lowest and the highest."""
    whole = {name: [numbers[name] for numbers in result.rounds] for name in names
             if all(name in numbers for numbers in result.rounds)}
    summary = {"medians": {name: statistics.median(values) for name, values in whole.items()}, "wrong": result.wrong}
    peers = [name for name in PEERS if name in whole]
    if peers:
        summary["best_peer"] = min(peers, key=summary["medians"].get)
    for key, base in (("to_best_peer", summary.get("best_peer")), ("to_floor", "floor")):
        if base in whole and "sluice" in whole:
            ratios = [own / other for own, other in zip(whole["sluice"], whole[base]) if other > 0]
            summary[key] = {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)} if ratios else None
    return summary


def print_head(names):
    print(f"\n{'':8}" + "".join(f"{name:>9}" for name in names) + f"  {'best peer':10}{'sluice to it':>21}{'sluice to floor':>21}")


def print_row(name, summary, names):
    def number(contender):
        if contender in summary["wrong"]:
            return "wrong"
        value = summary["medians"].get(contender)
        return "-" if value is None else f"{value:.1f}" if name in ROWS and value < 1000 else f"{value:.0f}"

    def ratio(key):
        found = summary.get(key)
        return f"{found['median']:7.2f} ({found['lowest']:.2f}-{found['highest']:.2f})" if found else "-"

    print(f"{name:8}" + "".join(f"{number(contender):>9}" for contender in names) +
          f"  {summary.get('best_peer', '-'):10}{ratio('to_best_peer'):>21}{ratio('to_floor'):>21}", flush=True)


def print_legend(options):
    print(f"{options.rounds} rounds, one worker per contender; CPU us per request, or bytes:")
    for name in options.rows:
        print(f"  {name:8}{ROWS[name].says if name in ROWS else MEMORY[name]}")
    print("Nobody writes an access log; of the rest of Sluice's work (95/5 over two pools, X-Request-ID, X-Forwarded-For):")
    for name in options.only:
        if CONTENDERS[name].cannot:
            print(f"  {name:8}{CONTENDERS[name].cannot}")


def print_wrong(summaries):
    for row, summary in summaries.items():
        for name, what in summary["wrong"].items():
            print(f"{name} has no number in {row}: {what}")


# --- the command line


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    rows = [*ROWS, *MEMORY]
    parser.add_argument("--h2", action="store_true", required=True)
    parser.add_argument("--rows", help=f"comma-separated, of {', '.join(rows)} (default: all)")
    parser.add_argument("--only", default=",".join(CONTENDERS), help=f"comma-separated, of {', '.join(CONTENDERS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="of the rows of CPU; memory is read once")
    parser.add_argument("--quick", action="store_true", help=f"one short round; of {', '.join(QUICK)} unless --rows says others")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin", help="where sluiced, h2floor and origin are")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every round and the summary there")
    options = parser.parse_args()
    options.rows = options.rows.split(",") if options.rows else QUICK if options.quick else rows
    options.only = options.only.split(",")
    for kind, asked, known in (("row", options.rows, rows), ("contender", options.only, CONTENDERS)):
        if unknown := [name for name in asked if name not in known]:
            parser.error(f"no such {kind}: {', '.join(unknown)}")
    if options.rounds < 1:
        parser.error("--rounds: one at least")
    options.shortened = 20 if options.quick else 1
    options.rounds = 1 if options.quick else options.rounds
    options.bin_dir = options.bin_dir.resolve()
    return options


def leave_out_missing(options):
    for name in list(options.only):
        if CONTENDERS[name].optional:
            try:
                tool(name)
            except Failed:
                print(f"{name} is not installed, so it is not measured")
                options.only.remove(name)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    leave_out_missing(options)
    print_legend(options)
    if two_cpus()[0] is None:
        print("only one CPU core: the load generator and the contenders share it")
    print_head(options.only)
    try:
        results = measure(options)
    except (Failed, subprocess.SubprocessError) as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    summaries = {name: summarize(result, options.only) for name, result in results.items()}
    print_wrong(summaries)
    if options.json:
        options.json.write_text(json.dumps({"summary": summaries, "rounds": {name: result.rounds for name, result in results.items()}},
                                           indent=1) + "\n")
    return 1 if any("sluice" in summary["wrong"] for summary in summaries.values()) else 0
