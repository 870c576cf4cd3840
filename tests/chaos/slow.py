#!/usr/bin/python3
"""slowhttptest in all its modes, 1,000 connections each, and what another client notices of it.

  slow.py [--seconds N] [--connections N]       of each mode; 10 and 1,000 unless told

Prints for each mode the median and the 99th percentile of a keep-alive client beside it, against its quiet value, and what became of
the slow connections. With two cores or more, what would be on other machines (slowhttptest, and the backend whose answers it does not read)
is kept off the core of the daemon, the client and its backend. Exit 1 when a request of that client failed or none of the slow connections was ended by a limit of ours.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from chaos import Member  # noqa: E402
from client import Client  # noqa: E402
from sluice import Sluice, config_of, die_with_the_tests, service  # noqa: E402

LIMIT = "1s"  # ours, of each kind; a head is limited as a whole, a body and an answer from piece to piece
# mode -> (words, path, whether our limits end such connections)
MODES = {"slow headers": (["-H", "-i", "1"], "/", True), "slow body": (["-B", "-i", "2", "-s", "8192"], "/", True),
         "range": (["-R"], "/", False), "slow read": (["-X", "-w", "1", "-y", "64", "-n", "2", "-z", "8", "-k", "1"], "/big/4000000", True)}


CORES = sorted(os.sched_getaffinity(0))
ELSEWHERE = {CORES[0]}
HERE_TOO = set(CORES[1:]) or ELSEWHERE


def elsewhere():
    die_with_the_tests()
    os.sched_setaffinity(0, ELSEWHERE)


class Other(threading.Thread):
    """A client that asks and asks; how long each answer took, in seconds."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.took, self.failed, self.ended = address, [], [], threading.Event()
        self.start()

    def run(self):
        with Client(self.address, timeout=20) as client:
            while not self.ended.is_set():
                begun = time.monotonic()
                try:
                    status = client.request().status
                    if status != 200:
                        self.failed.append(status)
                except Exception as error:  # whatever it is, it is a failed request
                    return self.failed.append(repr(error))
                self.took.append(time.monotonic() - begun)
                self.ended.wait(0.001)

    def finish(self):
        self.ended.set()
        self.join(30)
        return self

    def percentile(self, share):
        return sorted(self.took)[min(len(self.took) - 1, int(len(self.took) * share))] * 1000 if self.took else float("nan")


def attack(daemon, url, words, connections, seconds, folder):
    """(the most descriptors that the daemon had meanwhile, those it had just before the end)."""
    command = ["slowhttptest", *words, "-c", str(connections), "-r", str(max(200, connections // 2)), "-l", str(seconds), "-p", "5", "-u", url,
               "-o", str(folder / "report")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=elsewhere)
    begun, seen = time.monotonic(), [daemon.descriptors()]
    while process.poll() is None:
        if time.monotonic() - begun < seconds - 0.5:  # it closes them itself at its end
            seen.append(daemon.descriptors())
        if time.monotonic() - begun > seconds + 60:
            process.kill()
        time.sleep(0.5)  # to count is work, too
    return max(seen), seen[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=1000)
    args = parser.parse_args()
    if not shutil.which("slowhttptest"):
        sys.exit("slowhttptest is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-slow-"))
    os.sched_setaffinity(0, HERE_TOO)
    honest, big = Member("honest", folder, False), Member("big", folder, False)
    os.sched_setaffinity(big.process.pid, ELSEWHERE)
    config = config_of({"api": service({"blue": [honest.address]}), "big": service({"blue": [big.address]})},
                       routes=[{"path": "/big", "service": "big"}, {"path": "/", "service": "api"}], workers=2)
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": LIMIT, "body_timeout": LIMIT, "idle_timeout": LIMIT}]
    daemon = Sluice(folder / "d", config)
    problems = []
    try:
        web = daemon.address()
        quiet = Other(web)
        time.sleep(args.seconds)
        quiet.finish()
        print(f"quiet          median {quiet.percentile(0.5):6.2f} ms  p99 {quiet.percentile(0.99):6.2f} ms  {len(quiet.took)} requests")
        for name, (words, path, ends) in MODES.items():
            other = Other(web)
            most, left = attack(daemon, f"http://{web}{path}", words, args.connections, args.seconds, folder)
            other.finish()
            ratio = other.percentile(0.99) / quiet.percentile(0.99)
            print(f"{name:14} median {other.percentile(0.5):6.2f} ms  p99 {other.percentile(0.99):6.2f} ms  {len(other.took)} requests,"
                  f" {len(other.failed)} failed; p99 is {ratio:.1f} times the quiet one; {most} descriptors at most, {left} in the end", flush=True)
            problems += [f"{name}: a client beside it got {failure}" for failure in other.failed[:3]]
            if ends and left > most - args.connections // 10:
                problems.append(f"{name}: hardly any slow connection was ended")
        print(f"memory at the end {daemon.rss_kib() // 1024} MiB")
        daemon.finish()
    finally:
        honest.kill(), big.kill()
        if daemon.process.poll() is None:
            daemon.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print("FAILED:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
