#!/usr/bin/python3
"""The floods of HTTP/2, one after the other, and what another HTTP/2 client notices of each.

  floods.py [--seconds N] [--connections N] [--rounds N]      of each flood; 6, 16 and 3 unless told

So many connections send as fast as they can, and connect again when they are ended. Each flood stands beside a quiet time just before it,
for what is quiet wanders by the second on a shared machine. With two cores or more the attackers and their backend are kept off the core
of the proxy, the other client and its backend. Prints for each flood the median and the 99th percentile of the other client in both (the
median over the rounds, and of the rounds' ratios), how many connections were ended and by what, and the daemon's memory. `all taken` is no
flood: honest clients that ask for what the zero window asks for. Exit 1 when a flood was not ended by a limit, when a request of the other
client failed, or when the daemon grew.
"""
import argparse
import collections
import contextlib
import multiprocessing
import os
import pathlib
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time

from members import Member
from h2frames import CONTINUATION, END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, Peer
from slow import ELSEWHERE, HERE_TOO
from sluice import Sluice, config_of, die_with_the_tests, service

MOST_GROWTH = 2 * 1024  # KiB for each connection of a flood
BIG = "/big/100000"


def get(peer, stream, path="/attacked"):
    return peer.frame(HEADERS, END_HEADERS | 1, stream, peer.block([(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)]))


def rapid_reset(peer):
    """CVE-2023-44487."""
    for stream in range(1, 1 << 30, 200):
        yield b"".join(get(peer, s) + peer.frame(RST_STREAM, 0, s, struct.pack(">I", 8)) for s in range(stream, stream + 200, 2))


def pings(peer):
    """CVE-2019-9512."""
    while True:
        yield peer.frame(PING, 0, 0, bytes(8)) * 500


def settings(peer):
    """CVE-2019-9515."""
    while True:
        yield peer.frame(SETTINGS, 0, 0) * 500


def continuations(peer):
    """CVE-2024-27316: a block that never ends."""
    yield peer.frame(HEADERS, 0, 1, peer.block([(":method", "GET")]))
    while True:
        yield peer.frame(CONTINUATION, 0, 1, b"\0\1a\1b" * 100) * 10


def zero_window(peer):
    """CVE-2019-9511, 9517: answers that are asked for and not taken."""
    yield b"".join(get(peer, stream, BIG) for stream in range(1, 200, 2))


FLOODS = {"rapid reset": rapid_reset, "PING": pings, "SETTINGS": settings, "CONTINUATION": continuations, "zero window": zero_window}
HONEST = "all taken"  # no flood: what the answers of the last one cost others when they are taken


def flood(address, kind, until):
    """One connection; what ended it: the code of GOAWAY, `closed`, `reset` (its streams), or `nothing`. None: there was no time."""
    if kind == HONEST:
        return take_all(address)
    peer = Peer(address, settings={4: 0} if kind == "zero window" else None, credit=False)
    with peer:
        peer.until(lambda: peer.settings)  # acknowledged: nothing may be said within a block
        peer.answers_pings = False
        for data in FLOODS[kind](peer):
            if not peer.raw(data) or peer.closed or peer.goaway:
                break
            if time.monotonic() > until and kind != "zero window":
                return None
        own = 20 if kind == "zero window" else 5  # seconds in which the limit must end it
        resets = lambda: [a.reset for a in list(peer.answers.values()) if a.reset]  # noqa: E731
        peer.until(lambda: peer.closed or peer.goaway or (kind == "zero window" and len(resets()) >= 100), own)
        if peer.goaway:
            return peer.goaway[1]
        return "closed" if peer.closed else "reset" if len(resets()) >= 100 else "nothing"


def take_all(address):
    with Peer(address) as peer:
        peer.until(lambda: peer.settings)
        peer.raw(next(zero_window(peer)))
        return "itself" if peer.until(lambda: sum(a.ended for a in list(peer.answers.values())) >= 100, 20) else "nothing"


def attack(address, kind, connections, seconds, told):
    """In a process of its own: so many at once, again and again."""
    die_with_the_tests()
    os.sched_setaffinity(0, ELSEWHERE)
    until, outcomes = time.monotonic() + seconds, collections.Counter()

    def one():
        while time.monotonic() < until:
            with contextlib.suppress(OSError):  # the machine has no more descriptors, or ports
                if how := flood(address, kind, until):
                    outcomes[how] += 1

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(dict(outcomes))


class Other(threading.Thread):
    """A client that asks and asks on one connection; how long each answer took, in seconds."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.took, self.failed, self.ended = address, [], [], threading.Event()
        self.start()

    def run(self):
        with Peer(self.address) as peer:
            peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = 1
            while not self.ended.is_set() and not self.failed:
                begun = time.monotonic()
                peer.request(stream)
                try:
                    answer = peer.answer(stream, 20)
                    if answer.status != 200:
                        self.failed.append(repr(answer))
                except AssertionError as error:
                    self.failed.append(str(error))
                self.took.append(time.monotonic() - begun)
                peer.answers.pop(stream, None)
                stream += 2
                self.ended.wait(0.001)

    def finish(self):
        """Median and p99 in ms."""
        self.ended.set()
        self.join(30)
        took = sorted(self.took)
        return tuple(took[min(len(took) - 1, int(len(took) * quantile))] * 1000 for quantile in (0.5, 0.99))


def rounds(daemon, args):
    """Prints a line a flood; what was wrong."""
    problems, quiet, busy, ends = [], collections.defaultdict(list), collections.defaultdict(list), collections.defaultdict(collections.Counter)
    address, told = daemon.address(), multiprocessing.Queue()
    grown = collections.defaultdict(int)
    for _ in range(args.rounds):
        for kind in [*FLOODS, HONEST]:
            for beside in (quiet, busy):
                other, before = Other(address), daemon.rss_kib()
                if beside is quiet:
                    time.sleep(args.seconds / 2)
                else:
                    process = multiprocessing.Process(target=attack, args=(address, kind, args.connections, args.seconds, told))
                    process.start()
                    while process.is_alive():
                        grown[kind] = max(grown[kind], daemon.rss_kib() - before)
                        process.join(0.2)
                    ends[kind].update(told.get(timeout=30))
                beside[kind].append(other.finish())
                problems += [f"{kind}: a client beside it got {failure}" for failure in other.failed]
    for kind in [*FLOODS, HONEST]:
        (q50, q99), (b50, b99) = (map(statistics.median, zip(*side[kind])) for side in (quiet, busy))
        ratio = statistics.median(b[1] / q[1] for q, b in zip(quiet[kind], busy[kind]))
        print(f"{kind:13} median {q50:5.2f} -> {b50:5.2f} ms  p99 {q99:5.2f} -> {b99:5.2f} ms, {ratio:.1f} times; grown by {grown[kind]} KiB at most; ended by",
              ", ".join(f"{how} {count}" for how, count in ends[kind].most_common()), flush=True)
        if ends[kind]["nothing"]:
            problems.append(f"{kind}: {ends[kind]['nothing']} connections were not ended")
        if grown[kind] > MOST_GROWTH * args.connections:
            problems.append(f"{kind}: the daemon grew by {grown[kind]} KiB")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-floods-"))
    os.sched_setaffinity(0, HERE_TOO)
    honest, attacked = Member("honest", folder, False), Member("attacked", folder, False)
    os.sched_setaffinity(attacked.process.pid, ELSEWHERE)
    config = config_of({"honest": service({"blue": [honest.address]}), "attacked": service({"blue": [attacked.address]})},
                       routes=[*({"path": path, "service": "attacked"} for path in ("/attacked", "/big")), {"path": "/", "service": "honest"}], workers=2)
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s"}]
    daemon, problems = None, []
    try:
        daemon = Sluice(folder / "d", config)
        problems = rounds(daemon, args)
        daemon.finish()
    finally:
        honest.kill(), attacked.kill()
        if daemon and daemon.process.poll() is None:
            daemon.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print("FAILED:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
