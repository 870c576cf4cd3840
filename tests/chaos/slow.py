#!/usr/bin/python3
"""slowhttptest in all its modes, 1,000 connections each, and what another client notices of it.

  slow.py [--seconds N] [--connections N] [--rounds N] [--proxy sluice|nginx|haproxy]     of each attack; 8, 1,000, 3 and sluice unless told

Each attack stands beside a quiet time just before it, for what is quiet wanders by the second on a shared machine. Prints for each mode
the median and the 99th percentile of a keep-alive client in both (the median over the rounds, and of the rounds' ratios), the processor
time that the proxy took, and what became of the slow connections. With two cores or more, what would be on other machines (slowhttptest,
and the backends that it asks) is kept off the core of the proxy, the client and its backend. Exit 1 when a request of that client failed
or hardly any slow connection was ended by a limit of ours: slowhttptest says how many were,
and where it does not read (slow read) the proxy's descriptors do.
"""
import argparse
import collections
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from members import Member
from client import Client
from sluice import Sluice, config_of, die_with_the_tests, service
from waiting import wait_until

LIMIT = "1s"  # the proxy's, of each kind
BIG = 4_000_000  # bytes of the answer that is not read
# mode -> (words, path, whether our limits end such connections)
MODES = {"slow headers": (["-H", "-i", "1"], "/attacked", True), "slow body": (["-B", "-i", "2", "-s", "8192"], "/attacked", True),
         "range": (["-R"], "/attacked", False), "slow read": (["-X", "-w", "1", "-y", "64", "-n", "2", "-z", "8", "-k", "1"], "/big", True)}
CORES = sorted(os.sched_getaffinity(0))
ELSEWHERE = {CORES[0]}
HERE_TOO = set(CORES[1:]) or ELSEWHERE


def elsewhere():
    die_with_the_tests()
    os.sched_setaffinity(0, ELSEWHERE)


def start(command, preexec, stdout=subprocess.DEVNULL):
    return subprocess.Popen(list(map(str, command)), stdout=stdout, stderr=subprocess.DEVNULL, preexec_fn=preexec)


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return "127.0.0.1:%d" % listener.getsockname()[1]


def answers(address):
    try:
        with Client(address, timeout=5) as client:
            return client.request(target="/attacked").status
    except OSError:
        return None


# --- the proxies, each with the same limits, two workers, and three backends by path

def ours(folder, routes):
    config = config_of({name: service({"blue": [address]}) for name, address in routes.items()},
                       routes=[{"path": "/" if name == "honest" else f"/{name}", "service": name} for name in routes], workers=2)
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": LIMIT, "body_timeout": LIMIT, "idle_timeout": LIMIT}]
    return Sluice(folder / "d", config)


def nginx_config(folder, inside):
    temp = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    return (f"daemon off; {user} worker_processes 2; worker_rlimit_nofile 8192; pid {folder}/pid; error_log {folder}/error.log crit; "
            f"events {{ worker_connections 4096; }} http {{ access_log off; {temp} {inside} }}")


def nginx(folder, routes, address):
    locations = "".join(f"location /{'' if name == 'honest' else name} {{ proxy_pass http://{name}; proxy_http_version 1.1; proxy_set_header Connection ''; }}"
                        for name in routes)
    upstreams = "".join(f"upstream {name} {{ server {backend}; keepalive 64; }}" for name, backend in routes.items())
    (folder / "nginx.conf").write_text(nginx_config(folder, f"client_header_timeout {LIMIT}; client_body_timeout {LIMIT}; send_timeout {LIMIT}; "
                                                            f"keepalive_requests 100000000; {upstreams} server {{ listen {address}; {locations} }}"))
    return ["/usr/sbin/nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]


def haproxy(folder, routes, address):
    rules = "".join(f"  use_backend {name} if {{ path_beg /{name} }}\n" for name in routes if name != "honest")
    backends = "".join(f"backend {name}\n  server one {backend}\n" for name, backend in routes.items())
    (folder / "haproxy.cfg").write_text(
        f"global\n  nbthread 2\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 1s\n  timeout server 60s\n  timeout client {LIMIT}\n"
        f"  timeout http-request {LIMIT}\n  http-reuse always\nfrontend web\n  bind {address}\n{rules}  default_backend honest\n{backends}")
    return ["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"]


class Theirs:
    """Another proxy, for the parts of Sluice's interface that are asked here."""

    def __init__(self, make, folder, routes):
        self.web = free_address()
        self.process = start(make(folder, routes, self.web), die_with_the_tests)
        wait_until(lambda: answers(self.web) == 200, what="the proxy to answer")

    def address(self):
        return self.web

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [str(self.process.pid), *children]

    def descriptors(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def rss_kib(self):
        return sum(int(line.split()[1]) for pid in self.pids() for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))

    def finish(self):
        self.process.terminate()
        self.process.wait(10)


def processor_time(proxy):
    """Seconds that the proxy has computed, by the scheduler's account."""
    pids = proxy.pids() if isinstance(proxy, Theirs) else [proxy.process.pid]
    return sum(int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[0]) for pid in pids for task in os.listdir(f"/proc/{pid}/task")) / 1e9


# --- who asks, and who attacks

class Other(threading.Thread):
    """A client that asks and asks; how long each answer took, in seconds."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy, self.address = proxy, proxy.address()
        self.took, self.failed, self.ended = [], [], threading.Event()
        self.begun, self.spent = time.monotonic(), processor_time(proxy)
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
        """Median and p99 in ms, and the share of a core that the proxy took meanwhile."""
        share = (processor_time(self.proxy) - self.spent) / (time.monotonic() - self.begun)
        self.ended.set()
        self.join(30)
        took = sorted(self.took)
        at = lambda quantile: took[min(len(took) - 1, int(len(took) * quantile))] * 1000 if took else float("nan")  # noqa: E731
        return at(0.5), at(0.99), share


def attack(proxy, url, words, connections, seconds, folder):
    """(the most descriptors that the proxy had meanwhile, those it had just before the end, how many connections it ended)."""
    said = folder / "said"
    with open(said, "w") as out:
        process = start(["slowhttptest", *words, "-c", connections, "-r", max(200, connections // 2), "-l", seconds, "-p", "5", "-u", url, "-g", "-o",
                         folder / "report"], elsewhere, out)
    begun, seen = time.monotonic(), [proxy.descriptors()]
    while process.poll() is None:
        if time.monotonic() - begun < seconds - 0.5:  # it closes them itself at its end
            seen.append(proxy.descriptors())
        if time.monotonic() - begun > seconds + 60:
            process.kill()
        time.sleep(0.5)  # to count is work, too
    noticed = connections if "No open connections left" in said.read_text() else closed(folder / "report.csv")
    return max(seen), seen[-1], max(noticed, max(seen) - seen[-1])


def closed(report):
    """How many connections were found closed until the last second that slowhttptest's report shows."""
    rows = [line.split(",") for line in report.read_text().splitlines()[1:]]
    return max((int(row[1]) for row in rows), default=0)


def rounds(proxy, args, folder):
    """Prints a line a mode; what was wrong."""
    problems, quiet, busy, ends_of = [], collections.defaultdict(list), collections.defaultdict(list), collections.defaultdict(list)
    for _ in range(args.rounds):
        for mode, (words, path, ends) in MODES.items():
            for beside in (quiet, busy):
                other = Other(proxy)
                if beside is quiet:
                    time.sleep(args.seconds / 2)
                else:
                    ends_of[mode].append(attack(proxy, f"http://{proxy.address()}{path}", words, args.connections, args.seconds, folder))
                beside[mode].append(other.finish())
                problems += [f"{mode}: a client beside it got {failure}" for failure in other.failed[:3]]
            if ends and ends_of[mode][-1][2] < args.connections // 10:
                problems.append(f"{mode}: hardly any slow connection was ended")
    for mode in MODES:
        (q50, q99, qcpu), (b50, b99, bcpu) = (map(statistics.median, zip(*side[mode])) for side in (quiet, busy))
        ratio = statistics.median(b[1] / q[1] for q, b in zip(quiet[mode], busy[mode]))
        most, left, ended = ends_of[mode][-1]
        print(f"{mode:14} median {q50:5.2f} -> {b50:5.2f} ms  p99 {q99:5.2f} -> {b99:5.2f} ms, {ratio:.1f} times; processor {qcpu:4.0%} -> {bcpu:4.0%};"
              f" {most} descriptors at most, {left} in the end, {ended} connections ended", flush=True)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--proxy", choices=["sluice", "nginx", "haproxy"], default="sluice")
    args = parser.parse_args()
    for tool in ("slowhttptest", "nginx", *([args.proxy] if args.proxy == "haproxy" else [])):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            sys.exit(f"{tool} is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-slow-"))
    folder.chmod(0o755)
    (folder / "big").write_bytes(bytes(BIG))
    (folder / "files").mkdir()
    big = free_address()
    (folder / "files/nginx.conf").write_text(nginx_config(folder / "files", f"server {{ listen {big}; root {folder}; }}"))
    files = start(["/usr/sbin/nginx", "-c", folder / "files/nginx.conf", "-e", folder / "files/error.log"], elsewhere)
    os.sched_setaffinity(0, HERE_TOO)
    honest, attacked = Member("honest", folder, False), Member("attacked", folder, False)
    os.sched_setaffinity(attacked.process.pid, ELSEWHERE)
    routes = {"attacked": attacked.address, "big": big, "honest": honest.address}
    proxy, problems = None, []
    try:
        proxy = ours(folder, routes) if args.proxy == "sluice" else Theirs({"nginx": nginx, "haproxy": haproxy}[args.proxy], folder, routes)
        problems = rounds(proxy, args, folder)
        print(f"memory at the end {proxy.rss_kib() // 1024} MiB")
        proxy.finish()
    finally:
        honest.kill(), attacked.kill(), files.terminate()
        if proxy and proxy.process.poll() is None:
            proxy.process.kill()
        files.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
    for problem in problems:
        print("FAILED:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
