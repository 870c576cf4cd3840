"""The fast helpers of the load tests: recorder (an origin that writes down what it gets) and loader (keep-alive clients)."""
import collections
import json
import pathlib
import signal
import struct
import subprocess
import time

from sluice import binary, die_with_the_tests


class Recorder:
    """An origin process; `records()` are (arrived_ns, sent_ns, seq) of every request it got, on the monotonic clock."""

    def __init__(self, folder, name, threads=1):
        self.name, self.threads = name, threads
        self.log = pathlib.Path(folder) / f"{name}.records"
        self.port = 0
        self.start()

    address = property(lambda self: f"127.0.0.1:{self.port}")

    def start(self):
        self.process = subprocess.Popen([binary("recorder"), "--name", self.name, "--log", str(self.log), "--port", str(self.port),
                                         "--threads", str(self.threads)], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests)
        self.port = int(self.process.stdout.readline().split()[1])
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is None:
            self.kill()

    def records(self):
        with open(self.log, "rb") as file:
            count, = struct.unpack("<Q", file.read(8))
            return list(struct.iter_unpack("<QQQ", file.read(24 * count)))


class Loader:
    """Load until `finish`, which returns what the clients saw."""

    def __init__(self, port, connections=64, path="/", host="load.test", pace_us=0):
        self.process = subprocess.Popen([binary("loader"), "--port", str(port), "--connections", str(connections), "--path", path,
                                         "--host", host, "--pace-us", str(pace_us)], stdout=subprocess.PIPE, text=True,
                                        preexec_fn=die_with_the_tests)

    def finish(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=30)
        return json.loads(out)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def send(daemon, requests, connections=8):
    """Exactly so many requests over kept connections; how many each backend answered. Every one must succeed."""
    done = subprocess.run([binary("loader"), "--port", daemon.address().rsplit(":", 1)[1], "--connections", str(connections),
                           "--requests", str(requests)], capture_output=True, text=True, timeout=60)
    told = json.loads(done.stdout)
    assert told["failed"] == 0 and told["requests"] == requests, told
    return collections.Counter(told["answered"])


class Ledger:
    """Who might have got requests when. Every change is noted with the times just before it was sent and just after its
    reply; `misrouted` then finds requests that were sent after a reply, arrived before the next change was begun, and went
    to someone that the table in force gave nothing (C2, S2, D2)."""

    def __init__(self):
        self.closed = {}   # name -> since when (ns) it gets nothing
        self.windows = []  # (name, from, to)
        self.took = []     # seconds a change took

    def change(self, act, closed=(), opened=()):
        begun = time.monotonic_ns()
        for name in opened:
            if name in self.closed:
                self.windows.append((name, self.closed.pop(name), begun))
        result = act()
        replied = time.monotonic_ns()
        self.took.append((replied - begun) / 1e9)
        for name in closed:
            self.closed.setdefault(name, replied)
        return result

    def misrouted(self, records_by_name):
        now = time.monotonic_ns()
        windows = self.windows + [(name, since, now) for name, since in self.closed.items()]
        wrong = []
        for name, records in records_by_name.items():
            mine = sorted((start, end) for n, start, end in windows if n == name)
            at = 0
            for arrived, sent, seq in sorted(records, key=lambda r: r[1]):
                while at < len(mine) and mine[at][1] <= sent:
                    at += 1
                if at < len(mine) and mine[at][0] < sent and arrived < mine[at][1]:
                    wrong.append((name, seq, (sent - mine[at][0]) / 1e6))
        return wrong

    def median_ms(self):
        return sorted(self.took)[len(self.took) // 2] * 1000
