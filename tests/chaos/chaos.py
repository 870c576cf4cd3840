#!/usr/bin/python3
"""Chaos: a daemon under mixed clients, while one thing after the other goes wrong and shares are shifted all the while.

  chaos.py [--seconds N] [--seed N]

Clients and backends speak HTTP/1, HTTP/2 and gRPC, in every pairing. Backends crash, hang, reset, half-close, cut and garble their
answers, say GOAWAY, refuse and reset streams, move windows and limits; the network drops, loses, refuses and cuts connections; a relay
delays and slices; descriptors run out; the disk is full. One backend is hurt at a time, so every pool has an eligible one:
what is safe to repeat must not fail, but for answers that broke off in the middle. Prints what it did and what it counted. Exit 1
when the daemon crashed, leaked, gave an answer to the wrong request, carried a POST out twice, lost an idempotent request, or a gRPC
call that no backend had begun.

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

from members import ALLOWED, BEHAVIOURS, EVERYBODY, GRACE, HERE, HTTP2, NETWORK, PY, REPEATABLE, SERVICES, Member, allows, run
from sluice import BAD_WORDS, Sluice, die_with_the_tests, service
from tls import Authority

MIB = 1024
# By how much the daemon may grow between two quiet moments; sanitizers keep freed memory for a while.
GROWTH = {"release": 16 * MIB, "asan": 400 * MIB, "tsan": 400 * MIB}.get(os.environ.get("SLUICE_SANITIZE", "release"), 16 * MIB)


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


class Chaos:
    def __init__(self, folder, seconds, seed):
        self.folder, self.seconds, self.random = folder, seconds, random.Random(seed)
        self.inside = os.environ.get("SLUICE_CHAOS_INSIDE") == "yes"
        self.members = [Member(name, folder, name in ("green-2", "green-4"), service) for service, numbers in (("api", "12"), ("two", "34"))
                        for name in (f"{pool}-{number}" for pool in ("blue", "green") for number in numbers)]
        self.authority = Authority(folder / "tls")
        self.windows, self.counts, self.problems, self.changes = [], collections.Counter(), [], collections.Counter()
        self.unlucky = 0  # requests without an eligible backend: one after the other was hurt while they lasted
        (folder / "d" / "state").mkdir(parents=True)
        self.small_disk = self.inside and run("mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder / "d" / "state")).returncode == 0
        self.filter = self.inside and shutil.which("nft") is not None and self.make_filter()
        self.daemon = Sluice(folder / "d", self.config())
        self.web, self.tls = self.daemon.address(), self.daemon.address("tls")

    def make_filter(self):
        return all(run("nft", *words.split()).returncode == 0 for words in (
            "add table inet chaos", "add chain inet chaos in { type filter hook input priority 0 ; }"))

    def config(self):
        cert, key = self.authority.issue("web", "127.0.0.1", "a")
        limits = {"bind": "127.0.0.1:0", "header_timeout": "15s", "body_timeout": "10s"}
        listeners = [{"name": "web", **limits}, {"name": "tls", "tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}, **limits}]
        routes = [{"path": "/two/", "service": "two"}, {"path": "/t.Test/", "service": "two"}, {"path": "/", "service": "api"}]
        return {"listeners": listeners, "workers": 2, "access_log": {"path": str(self.folder / "access.log"), "format": "json"}, "shutdown_timeout": "3s",
                "services": {name: self.service(name) for name in SERVICES}, "routes": routes}

    def service(self, name):
        pools = {pool: [{"name": m.name, "address": m.address} for m in self.members if (m.service, m.pool) == (name, pool)] for pool in ("blue", "green")}
        made = service(pools, {"blue": "50%", "green": "50%"}, timeouts={"connect": "1s", "response": "3s", "tunnel": "10s"},
                       retries={"attempts": 3, "budget": "100%", "on": ["connect", "reset", "timeout", 502, 503, 504], "on_grpc": ["unavailable"]},
                       outlier={"consecutive_errors": 5, "ejection": "200ms", "min_available": 1})
        for pool in made["pools"].values():
            pool["protocol"] = "h2" if name == "two" else "h1"
        return made

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
        path = f"/v1/services/{victim.service}/pools/{victim.pool}/backends/{victim.name}/"
        self.change("drain", "POST", path + "drain", {"timeout": "5s"})
        yield
        self.change("ready", "POST", path + "ready")

    def fault(self, name, victim):
        if name in BEHAVIOURS:
            return self.behaviour(victim, name)
        return {"crash": lambda: self.crash(victim), "drop": lambda: self.rule(victim, "drop"),
                "loss": lambda: self.rule(victim, "numgen", "random", "mod", "100", "<", "15", "drop"),
                "refuse": lambda: self.rule(victim, "reject", "with", "tcp", "reset"),
                "kill": lambda: self.kill_connections("dst", "127.0.0.1", "dport", "=", str(victim.port)),
                "clients": lambda: self.kill_connections("dst", "127.0.0.1", "(", *" or ".join(f"dport = {a.rsplit(':', 1)[1]}" for a in (self.web, self.tls)).split(), ")"),
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
        name = self.random.choice(list(SERVICES))
        self.change("split", "PUT", f"/v1/services/{name}/split", {"blue": f"{100 - green}%", "green": f"{green}%"})
        if self.random.random() < 0.3:
            self.change("cutover", "POST", "/v1/cutover", {"services": {name: self.random.choice(["blue", "green"])}})

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
            pools = [pool for service in self.daemon.status()["services"].values() for pool in service["pools"].values()]
            away = {name: b for pool in pools for name, b in pool["backends"].items() if b["health"] not in ("up", "unknown")}
            if not away:
                return
        self.problems.append(f"a backend does not come back after {self.windows[-1:]}: {away}")

    # -- the run

    def names(self):
        names = [n for n in ALLOWED if (n not in NETWORK or (self.inside if n in ("kill", "clients") else self.filter))]
        return [n for n in names if n != "disk" or self.small_disk]

    def start_clients(self, script, *words):
        return subprocess.Popen([PY, str(HERE / script), *self.web.rsplit(":", 1), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests)

    def victim_of(self, name):
        if name in EVERYBODY:
            return None
        # Bytes behind an answer that a relay delays until the next request is out are an answer to it, as far as anyone can tell.
        return self.random.choice([m for m in self.members if not (name == "poison" and m.relayed or name in HTTP2 and m.service != "two")])

    def run(self):
        clients = [self.start_clients("clients.py"), self.start_clients("h2clients.py", self.tls.rsplit(":", 1)[1], self.authority.cert)]
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
            victim = self.victim_of(name)
            window = [name, time.monotonic(), float("inf"), victim]
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
        self.report(self.end(clients), memory, descriptors)

    def end(self, clients):
        """What they tell, in one."""
        told = {"done": {}, "failures": [], "wrong": [], "broken_clients": []}
        for process in clients:
            process.stdin.close()
            process.stdin = None
        for process in clients:
            out, errors = process.communicate(timeout=60)
            if errors:
                self.problems.append(f"clients: {errors[-1500:]}")
            for key, value in json.loads(out or "{}").items():
                told[key].update(value) if key == "done" else told[key].extend(value)
        return told

    def judge(self, told):
        lost = []
        for failure in told["failures"]:
            near = [(name, victim) for name, begun, ended, victim in self.windows
                    if begun - 0.1 < failure["ended"] and failure["begun"] < ended + GRACE
                    and (victim is None or failure["where"] in (None, SERVICES[victim.service]))]
            if not failure["kind"].endswith((*REPEATABLE, "gRPC")) or any(allows(name, victim, failure["kind"], failure["outcome"]) for name, victim in near):
                continue
            pools = collections.Counter((victim.service, victim.pool) for victim in {victim for _, victim in near if victim})
            if any(count > 1 for count in pools.values()):
                self.unlucky += 1
            else:
                lost.append({**failure, "near": [(name, victim and victim.name) for name, victim in near]})
        if lost:
            print("  in order        ", ", ".join(f"{n} {v.name if v else 'all'} {b:.2f}-{e:.2f}" for n, b, e, v in self.windows))
        return lost

    def posts_twice(self):
        carried_out = collections.Counter(line for m in self.members for line in m.log.read_text().split() if line.startswith("p"))
        return [own for own, times in carried_out.items() if times > 1], len(carried_out)

    def under_way(self):
        """What is counted of requests, streams and connections of HTTP/2, where it is not 0."""
        pools = {f"{name}/{pool}": value["in_flight"] for name in SERVICES for pool, value in self.daemon.service(name)["pools"].items()}
        gauges = {name: self.daemon.metric(name) for name in ("sluice_http2_connections", "sluice_http2_streams", "sluice_backend_streams")}
        return {name: value for name, value in {**pools, **gauges}.items() if value}

    def settle(self):
        """After the clients: nothing in flight."""
        until = time.monotonic() + 15
        while left := self.under_way():
            if time.monotonic() > until:
                return self.problems.append(f"counted although nobody asks: {left}")
            time.sleep(0.05)

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
        print("  idempotent lost  ", sum(not f["kind"].endswith("gRPC") for f in lost), f", and {self.unlucky} that lived through the hurt of both backends of a pool", sep="")
        print("  calls lost       ", sum(f["kind"].endswith("gRPC") for f in lost), sep="")
        print("  POSTs twice      ", f"{len(twice)} of {posts}", sep="")
        self.problems += [f"an answer to another request: {w}" for w in told["wrong"][:5]]
        self.problems += [f"lost: {f}" for f in sorted(lost, key=lambda f: f["kind"] == "slow")[:10]] + [f"carried out twice: {p}" for p in twice[:5]]
        self.problems += [f"{m.name} was sent what HTTP/2 forbids: {e}" for m in self.members for e in m.errors()[:3]]
        self.problems += [f"a client of ours broke: {b}" for b in told["broken_clients"][:5]]
        self.problems += [f"the log says: {line}" for line in complaints[:5]]
        if code != 0:
            self.problems.append(f"the daemon ended with {code}")
        if growth > GROWTH:
            self.problems.append(f"memory grew by {growth} KiB")
        for kind, least in (("GET", 5), ("h2c GET", 1), ("h2 GET", 0.5), ("h2c gRPC", 1), ("h2 gRPC", 0.5)):
            if told["done"].get(kind, 0) < least * self.seconds:
                self.problems.append(f"hardly any {kind} was answered")

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
