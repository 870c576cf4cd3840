#!/usr/bin/python3
"""Chaos: a daemon under mixed clients, while one thing after the other goes wrong and shares are shifted all the while.

  chaos.py [--seconds N] [--seed N]

Backends crash, hang, reset, half-close, cut and garble their answers; the network drops, loses, refuses and cuts connections; a
relay delays and slices; descriptors run out; the disk is full. One backend is hurt at a time, so every pool has an eligible one:
what is safe to repeat must not fail, but for answers that broke off in the middle. Prints what it did and what it counted. Exit 1
when the daemon crashed, leaked, gave an answer to the wrong request, carried a POST out twice or lost an idempotent request.

Everything runs in namespaces of its own (network, mounts), which end with it. Where there are none, the network is left alone.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from sluice import BAD_WORDS, Sluice, die_with_the_tests, service  # noqa: E402

PY = "/usr/bin/python3"
GRACE = 0.3  # seconds that a fault may be felt by requests that begin after its end
MIB = 1024
# By how much the daemon may grow between two quiet moments; sanitizers keep freed memory for a while.
GROWTH = {"release": 16 * MIB, "asan": 400 * MIB, "tsan": 400 * MIB}.get(os.environ.get("SLUICE_SANITIZE", "release"), 16 * MIB)

REPEATABLE = {"GET", "PUT", "pipeline", "slow"}
MIDDLE = {"broken", "cut"}  # an answer had begun; the reset that says so may overtake its bytes
# fault -> what may happen to repeatable requests because of it
ALLOWED = {
    "crash": MIDDLE, "hang": set(), "reset": set(), "garbage": set(), "half-close": MIDDLE, "truncate": MIDDLE,
    "drip": set(), "poison": set(), "drop": MIDDLE, "loss": MIDDLE, "refuse": MIDDLE, "kill": MIDDLE,
    "clients": {"cut", "broken", "late"}, "files": {"cut", "broken", "late", "503", "502"}, "disk": set(), "reload": set(), "drain": set(),
}
NETWORK = {"drop", "loss", "refuse", "kill", "clients"}


def enter_namespaces():
    """Goes on in new ones; False when the kernel does not let us, or when we are there already."""
    if os.environ.get("SLUICE_CHAOS_INSIDE"):
        return
    rights = [] if os.geteuid() == 0 else ["-r"]
    for command in (["unshare", *rights, "-n", "-m"], ):
        if subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0:
            os.environ["SLUICE_CHAOS_INSIDE"] = "yes"
            os.execvp(command[0], [*command, "sh", "-c", 'ip link set lo up; exec "$@"', "sh", PY, *sys.argv])
    os.environ["SLUICE_CHAOS_INSIDE"] = "no"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


class Member:
    """A backend process, and the relay in front of it if it has one."""

    def __init__(self, name, folder, relayed):
        self.name, self.log, self.relayed, self.port, self.relay = name, folder / f"{name}.posts", relayed, 0, 0
        self.log.touch()
        self.start()

    def start(self):
        self.process = subprocess.Popen([PY, str(HERE / "backends.py"), self.name, str(self.port), str(self.relay), str(self.log)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests)
        own, relay = map(int, self.process.stdout.readline().split())
        self.port, self.relay = own, relay

    address = property(lambda self: f"127.0.0.1:{self.relay if self.relayed else self.port}")

    def mode(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Chaos:
    def __init__(self, folder, seconds, seed):
        self.folder, self.seconds, self.random = folder, seconds, random.Random(seed)
        self.inside = os.environ.get("SLUICE_CHAOS_INSIDE") == "yes"
        self.members = [Member(name, folder, name == "green-2") for name in ("blue-1", "blue-2", "green-1", "green-2")]
        self.windows, self.counts, self.problems, self.changes = [], collections.Counter(), [], collections.Counter()
        self.unlucky = 0  # requests without an eligible backend: one after the other was hurt while they lasted
        (folder / "d" / "state").mkdir(parents=True)
        self.small_disk = self.inside and run("mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder / "d" / "state")).returncode == 0
        self.filter = self.inside and shutil.which("nft") is not None and self.make_filter()
        self.daemon = Sluice(folder / "d", self.config())
        self.web = self.daemon.address()

    def make_filter(self):
        return all(run("nft", *words.split()).returncode == 0 for words in (
            "add table inet chaos", "add chain inet chaos in { type filter hook input priority 0 ; }"))

    def config(self):
        pools = {colour: [{"name": m.name, "address": m.address} for m in self.members if m.name.startswith(colour)] for colour in ("blue", "green")}
        api = service(pools, {"blue": "50%", "green": "50%"}, timeouts={"connect": "500ms", "response": "1s", "tunnel": "10s"},
                      retries={"attempts": 3, "budget": "100%", "on": ["connect", "reset", "timeout", 502, 503, 504]},
                      outlier={"consecutive_errors": 5, "ejection": "200ms", "min_available": 1})
        return {"listeners": [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": "5s", "body_timeout": "5s"}], "workers": 2,
                "access_log": {"path": str(self.folder / "access.log"), "format": "json"}, "shutdown_timeout": "3s", "services": {"api": api},
                "routes": [{"path": "/", "service": "api"}]}

    # -- faults: each is a context; what is awaited stands in `hold`

    @contextlib.contextmanager
    def behaviour(self, victim, word):
        victim.mode(word)
        yield
        victim.mode("ok")

    @contextlib.contextmanager
    def crash(self, victim):
        victim.kill()
        yield
        victim.start()

    @contextlib.contextmanager
    def rule(self, victim, *words):
        run("nft", "add", "rule", "inet", "chaos", "in", "tcp", "dport", str(victim.port), *words)
        yield
        run("nft", "flush", "chain", "inet", "chaos", "in")

    @contextlib.contextmanager
    def kill_connections(self, *where):
        for _ in range(3):
            run("ss", "-K", *where)
            self.hold(0.2)
        yield

    @contextlib.contextmanager
    def few_files(self):
        pid = self.daemon.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.daemon.descriptors() + 3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        yield
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    @contextlib.contextmanager
    def full_disk(self):
        ballast = self.daemon.state_dir / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        yield
        ballast.unlink()

    @contextlib.contextmanager
    def reload(self):
        self.daemon.signal(1)
        yield

    @contextlib.contextmanager
    def drain(self, victim):
        path = f"/v1/services/api/pools/{victim.name.split('-')[0]}/backends/{victim.name}/"
        self.change("drain", "POST", path + "drain", {"timeout": "5s"})
        yield
        self.change("ready", "POST", path + "ready")

    def fault(self, name, victim):
        if name in ("hang", "reset", "garbage", "half-close", "truncate", "drip", "poison"):
            return self.behaviour(victim, name)
        return {"crash": lambda: self.crash(victim), "drop": lambda: self.rule(victim, "drop"),
                "loss": lambda: self.rule(victim, "numgen", "random", "mod", "100", "<", "15", "drop"),
                "refuse": lambda: self.rule(victim, "reject", "with", "tcp", "reset"),
                "kill": lambda: self.kill_connections("dst", "127.0.0.1", "dport", "=", str(victim.port)),
                "clients": lambda: self.kill_connections("dst", "127.0.0.1", "dport", "=", self.web.rsplit(":", 1)[1]),
                "files": self.few_files, "disk": self.full_disk, "reload": self.reload, "drain": lambda: self.drain(victim)}[name]()

    # -- the operator

    def change(self, verb, method, path, body=None):
        reply = self.daemon.api(method, path, body)
        self.changes[verb] += 1
        if reply.status != 200 and not self.excused("disk", "files"):
            self.problems.append(f"{verb} was answered {reply}")

    def excused(self, *names):
        return bool(self.windows) and self.windows[-1][0] in names

    def shift(self):
        green = self.random.choice([0, 1, 25, 50, 50, 75, 99, 100])
        self.change("split", "PUT", "/v1/services/api/split", {"blue": f"{100 - green}%", "green": f"{green}%"})
        if self.random.random() < 0.3:
            self.change("cutover", "POST", "/v1/cutover", {"services": {"api": self.random.choice(["blue", "green"])}})

    def hold(self, seconds):
        """Time goes by; shares are shifted, the daemon is looked at."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self.shift()
            except OSError as error:
                if not self.excused("files"):
                    self.problems.append(f"the admin socket: {error!r}")
            if self.daemon.process.poll() is not None:
                raise SystemExit(f"FAILED: the daemon ended with {self.daemon.process.returncode}:\n{self.daemon.stderr()[-4000:]}")
            time.sleep(min(0.1, max(0.0, until - time.monotonic())))

    def wait_eligible(self):
        """Every backend takes part again: the next one to be hurt has others beside it."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            self.hold(0.1)
            pools = self.daemon.service()["pools"].values()
            away = {name: b for pool in pools for name, b in pool["backends"].items() if b["health"] not in ("up", "unknown")}
            if not away:
                return
        self.problems.append(f"a backend does not come back after {self.windows[-1:]}: {away}")

    # -- the run

    def names(self):
        names = [n for n in ALLOWED if (n not in NETWORK or (self.inside if n in ("kill", "clients") else self.filter))]
        return [n for n in names if n != "disk" or self.small_disk]

    def run(self):
        clients = subprocess.Popen([PY, str(HERE / "clients.py"), *self.web.rsplit(":", 1)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests)
        self.hold(1)
        memory, descriptors = [self.daemon.rss_kib()], [self.daemon.descriptors()]
        end = time.monotonic() + self.seconds
        queue = []
        while time.monotonic() < end:
            if not queue:
                queue = self.names()
                self.random.shuffle(queue)
            name = queue.pop()
            self.counts[name] += 1
            # Bytes behind an answer that a relay delays until the next request is out are an answer to it, as far as anyone can tell.
            victim = self.random.choice([m for m in self.members if name != "poison" or not m.relayed])
            window = [name, time.monotonic(), float("inf"), victim.name]
            self.wait_eligible()
            window[1] = time.monotonic()
            self.windows.append(window)
            with self.fault(name, victim):
                self.hold(self.random.uniform(0.3, 0.9))
            window[2] = time.monotonic()
            self.hold(0.5)
            memory.append(self.daemon.rss_kib())
            descriptors.append(self.daemon.descriptors())
        self.hold(1)
        out, errors = clients.communicate(timeout=60)
        if errors:
            self.problems.append(f"clients: {errors[-1500:]}")
        self.report(json.loads(out), memory, descriptors)

    def judge(self, told):
        lost = []
        for failure in told["failures"]:
            near = [(name, victim) for name, begun, ended, victim in self.windows
                    if begun - 0.1 < failure["ended"] and failure["begun"] < ended + GRACE]
            if failure["kind"] not in REPEATABLE or any(failure["outcome"] in ALLOWED[name] for name, _ in near):
                continue
            pools = collections.Counter(victim.split("-")[0] for victim in {victim for _, victim in near})
            if any(count > 1 for count in pools.values()):
                self.unlucky += 1
            else:
                lost.append({**failure, "near": near})
        if lost:
            print("  in order        ", ", ".join(f"{n} {v} {b:.2f}-{e:.2f}" for n, b, e, v in self.windows))
        return lost

    def posts_twice(self):
        carried_out = collections.Counter(line for m in self.members for line in m.log.read_text().split() if line.startswith("p"))
        return [own for own, times in carried_out.items() if times > 1], len(carried_out)

    def settle(self):
        """After the clients: nothing in flight, no descriptor too many."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            if all(self.daemon.pool(p)["in_flight"] == 0 for p in ("blue", "green")):
                return
            time.sleep(0.05)
        self.problems.append("requests are in flight although nobody asks")

    def report(self, told, memory, descriptors):
        self.settle()
        lost, (twice, posts) = self.judge(told), self.posts_twice()
        log = self.daemon.stderr()
        complaints = [line for line in log.splitlines() if BAD_WORDS.search(line)]
        code = self.daemon.stop(timeout=30)
        middle = memory[len(memory) // 3:] or memory
        growth = middle[-1] - middle[0]
        outcomes = collections.Counter(f"{f['kind']} {f['outcome']}" + (f" {f['error']}" if f["error"] and len(f["error"]) < 20 else "") for f in told["failures"])
        print(f"chaos, {self.seconds} s{'' if self.inside else ' (no namespaces here: the network was left alone)'}")
        print("  went wrong      ", ", ".join(f"{n} x {c}" for n, c in sorted(self.counts.items())))
        print("  changes         ", ", ".join(f"{n} {c}" for n, c in sorted(self.changes.items())))
        print("  requests        ", ", ".join(f"{n} {c}" for n, c in sorted(told["done"].items())))
        print("  failed          ", ", ".join(f"{n} {c}" for n, c in sorted(outcomes.items())) or "none")
        print("  memory          ", f"{memory[0] // MIB} MiB at first, {max(memory) // MIB} at most, {memory[-1] // MIB} at the end")
        print("  descriptors     ", f"{descriptors[0]} at first, {max(descriptors)} at most, {descriptors[-1]} at the end")
        print("  crashes          ", 0 if code == 0 and not complaints else 1, sep="")
        print("  wrong answers    ", len(told["wrong"]), sep="")
        print("  idempotent lost  ", len(lost), f", and {self.unlucky} that lived through the hurt of both backends of a pool", sep="")
        print("  POSTs twice      ", f"{len(twice)} of {posts}", sep="")
        self.problems += [f"an answer to another request: {w}" for w in told["wrong"][:5]]
        self.problems += [f"lost: {f}" for f in lost[:10]] + [f"carried out twice: {p}" for p in twice[:5]]
        self.problems += [f"a client of ours broke: {b}" for b in told["broken_clients"][:5]]
        self.problems += [f"the log says: {line}" for line in complaints[:5]]
        if code != 0:
            self.problems.append(f"the daemon ended with {code}")
        if growth > GROWTH:
            self.problems.append(f"memory grew by {growth} KiB")
        if told["done"].get("GET", 0) < 20 * self.seconds:
            self.problems.append("hardly any request was answered")

    def close(self):
        for member in self.members:
            member.kill()
        if self.daemon.process.poll() is None:
            self.daemon.process.kill()
            self.daemon.process.wait()
        if self.small_disk:
            run("umount", str(self.folder / "d" / "state"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    enter_namespaces()
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-chaos-"))
    chaos = Chaos(folder, args.seconds, seed)
    try:
        chaos.run()
    finally:
        chaos.close()
        shutil.rmtree(folder, ignore_errors=True)
    for problem in chaos.problems:
        print("FAILED:", problem)
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
