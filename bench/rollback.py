#!/usr/bin/python3
"""How long a rollback takes: Sluice's verbs beside rewriting nginx's upstream and `nginx -s reload`, under the same load.

Each round moves all traffic from one origin to the other and back. Two numbers a move: how long the command took to return, and
when the last request reached the side that was left, counted from the command's begin. Every origin writes down the arrival of each request, on the clock that this script reads.

  rollback.py [--rounds 20] [--connections 32] [--bin-dir build/release/bin]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from many import Api
from processes import free_port, tool, wait_for_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
SETTLE = 0.4  # seconds between two moves: both sides' last requests have arrived by then


def clock():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Sluice:
    def __init__(self, folder, port, addresses, bin_dir):
        self.socket, self.ctl = f"{folder}/admin.sock", bin_dir / "sluicectl"
        pools = {name: {"backends": [address]} for name, address in addresses.items()}
        config = {"listeners": [{"name": "web", "bind": f"127.0.0.1:{port}"}], "admin": {"socket": self.socket}, "state_dir": f"{folder}/state",
                  "workers": 2, "access_log": "off", "routes": [{"service": "api"}],
                  "services": {"api": {"pools": pools, "split": {"blue": "100%", "green": "0%"}}}}
        (folder / "state").mkdir()
        (folder / "sluice.yaml").write_text(json.dumps(config))
        self.process = subprocess.Popen([bin_dir / "sluiced", "--config", folder / "sluice.yaml"], stderr=subprocess.DEVNULL)
        wait_for_port(port)
        self.api = Api(self.socket)

    def by_cli(self, *words):
        subprocess.run([self.ctl, "--socket", self.socket, *words], check=True, stdout=subprocess.DEVNULL)

    def moves(self):
        """(name, to green, back to blue)."""
        yield ("cutover / rollback, sluicectl", lambda: self.by_cli("cutover", "api=green"), lambda: self.by_cli("rollback", "api"))
        yield ("cutover / rollback, one API call", lambda: self.api.call("POST", "/v1/cutover", {"services": {"api": "green"}}),
               lambda: self.api.call("POST", "/v1/services/api/rollback"))
        yield ("split to 0 % and back, sluicectl", lambda: self.by_cli("split", "api", "green=100%", "blue=0%"),
               lambda: self.by_cli("split", "api", "blue=100%", "green=0%"))


class Nginx:
    def __init__(self, folder, port, addresses, _bin_dir):
        self.folder, self.port, self.addresses = folder, port, addresses
        self.program = tool("nginx")
        self.point_to("blue")
        self.process = subprocess.Popen([*self.command(), "-g", "daemon off;"])
        wait_for_port(port)

    def command(self):
        return [self.program, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log", "-p", str(self.folder)]

    def point_to(self, color):
        (self.folder / "nginx.conf").write_text(f"""
worker_processes 2;
pid {self.folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b; fastcgi_temp_path {self.folder}/c;
  uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
  keepalive_requests 1000000;
  upstream api {{ server {self.addresses[color]}; keepalive 64; }}
  server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
""")

    def move_to(self, color):
        self.point_to(color)
        subprocess.run([*self.command(), "-s", "reload"], check=True)

    def moves(self):
        yield ("nginx: new upstream, -s reload", lambda: self.move_to("green"), lambda: self.move_to("blue"))


def last_arrival(origin, begin, end):
    times = [arrived for arrived, _, _ in origin.records() if begin <= arrived < end]
    return max(times, default=begin)


def measure(move, left):
    begin = clock()
    move()
    took = clock() - begin
    time.sleep(SETTLE)
    return took / 1e6, (last_arrival(left, begin, clock()) - begin) / 1e6


def run(contender, bin_dir, rounds, connections):
    from load import Loader, Recorder  # noqa: PLC0415  (they read SLUICE_BIN when they are loaded)
    rows = []
    with tempfile.TemporaryDirectory(prefix="sluice-rollback-") as name:
        folder = pathlib.Path(name)
        blue, green = Recorder(folder, "blue"), Recorder(folder, "green")
        port = free_port()
        proxy = contender(folder, port, {"blue": blue.address, "green": green.address}, bin_dir)
        load = Loader(port, connections=connections, pace_us=2000)
        try:
            for label, away, back in proxy.moves():
                time.sleep(SETTLE)
                results = []
                for _ in range(rounds):
                    results += [measure(away, blue), measure(back, green)]
                rows.append((label, results))
            told = load.finish()
        finally:
            proxy.process.terminate()
            proxy.process.wait()
            for one in (load, blue, green):
                one.stop()
    return rows, told


def show(rows):
    print(f"{'':36}{'command returns, ms':>24}{'last request on the old side, ms':>36}")
    print(f"{'':36}{'median':>12}{'max':>12}{'median':>24}{'max':>12}")
    for label, results in rows:
        took, last = zip(*results)
        print(f"{label:36}{statistics.median(took):12.1f}{max(took):12.1f}{statistics.median(last):24.1f}{max(last):12.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    os.environ["SLUICE_BIN"] = str(options.bin_dir.resolve())
    rows = []
    for contender in (Sluice, Nginx):
        more, told = run(contender, options.bin_dir.resolve(), options.rounds, options.connections)
        rows += more
        print(f"{contender.__name__}: {told['requests']} requests, {told['failed']} failed {told['failures'] or ''}", file=sys.stderr)
    show(rows)


if __name__ == "__main__":
    main()
