#!/usr/bin/python3
"""What a request costs: Sluice beside a blind TCP forwarder (the floor), nginx and HAProxy, measured in turns.

Each contender has one worker, alone on its CPU core; the origins and the load generator (wrk, 64 keep-alive connections, a
small GET) share the other core. In each round every contender gets the same load once, the order rotating, so that a
disturbance of the machine hits all alike. CPU per request is what the scheduler accounts to all threads of the
contender's processes during its turn (/proc/PID/task/*/schedstat), divided by the requests that were answered.

Equal work: every proxy but the floor splits the requests 95/5 over two backends, keeps connections to both, adds
X-Forwarded-For and a request id, and writes no access log. README.md beside this file says what differs.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import compare_h2
from processes import Failed, Process, certificate, child_setup, free_port, start_printing_port, tool, two_cpus

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALL = ("floor", "sluice", "nginx", "haproxy")

# wrk prints its own results for people; this asks it for numbers, errors included.
WRK_REPORT = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"errors":%d,"p50":%d,"p99":%d}\\n', summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


# --- the contenders' configurations: each function writes what it needs into `folder` and returns the command line


def floor(_folder, port, origins, bin_dir, _pem):
    return [bin_dir / "floor", origins[0], port]


def sluice(folder, port, origins, bin_dir, pem):
    config = folder / "sluice.yaml"
    tls = f", tls: {{certificates: [{{cert: {pem}, key: {pem}}}]}}" if pem else ""
    config.write_text(f"""
listeners: [{{name: bench, bind: "127.0.0.1:{port}"{tls}}}]
admin: {{socket: {folder}/admin.sock}}
state_dir: {folder}/state
workers: 1
access_log: off
services:
  bench:
    pools:
      stable: {{backends: ["127.0.0.1:{origins[0]}"]}}
      canary: {{backends: ["127.0.0.1:{origins[1]}"]}}
    split: {{stable: 95%, canary: 5%}}
routes: [{{path: /, service: bench}}]
""")
    (folder / "state").mkdir()
    return [bin_dir / "sluiced", "--config", config]


def nginx(folder, port, origins, _bin_dir, pem):
    tls = f"ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m;" if pem else ""
    temp = "".join(f"  {kind}_temp_path {folder}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    # Weights in one upstream; split_clients over two costs nginx the same (measured: 0.97 to 1.00).
    config.write_text(f"""
daemon off;
worker_processes 1;
{"user root;" if os.geteuid() == 0 else ""}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
{temp}
  upstream bench {{
    server 127.0.0.1:{origins[0]} weight=95;
    server 127.0.0.1:{origins[1]} weight=5;
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port}{" ssl" if pem else ""};
    {tls}
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Request-ID $request_id;
    }}
  }}
}}
""")
    return [tool("nginx"), "-c", config, "-e", folder / "error.log"]


def haproxy(folder, port, origins, _bin_dir, pem):
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 1s
  option forwardfor
  unique-id-format %{{+X}}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-ID
  http-reuse always
listen bench
  bind 127.0.0.1:{port}{f" ssl crt {pem} alpn http/1.1" if pem else ""}
  balance roundrobin
  server stable 127.0.0.1:{origins[0]} weight 95
  server canary 127.0.0.1:{origins[1]} weight 5
""")
    return [tool("haproxy"), "-db", "-f", config]


CONTENDERS = {"floor": floor, "sluice": sluice, "nginx": nginx, "haproxy": haproxy}


# --- measuring


def connect(port, secure):
    client = socket.create_connection(("127.0.0.1", port), timeout=1)
    if not secure:
        return client
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    return anyone.wrap_socket(client)


def wait_until_it_answers(name, process, port, secure, upload):
    what = b"POST / HTTP/1.1\r\nContent-Length: %d" % upload if upload else b"GET / HTTP/1.1"
    request = what + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" + b"x" * upload
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        process.require_alive(name)
        with contextlib.suppress(OSError), connect(port, secure) as client:
            client.sendall(request)
            if client.recv(16).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.05)
    raise Failed(f"{name} did not answer with 200 within 10 s:\n{process.log.read_text()}")


class Bench:
    def __init__(self, stack, options):
        self.options = options
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-bench-")))
        self.load_cpu, self.proxy_cpu = two_cpus()
        self.report = self.folder / "report.lua"
        upload = f"wrk.method, wrk.body = 'POST', string.rep('x', {options.upload})" if options.upload else ""
        self.report.write_text(upload + WRK_REPORT)
        self.wrk = tool("wrk")
        self.origins = [start_printing_port(stack, [options.bin_dir / "origin", "--body", options.body, "--upload", options.upload], self.load_cpu,
                                            self.folder / f"origin{i}.log") for i in range(2)]
        self.pem = certificate(self.folder) if options.tls else None
        self.running = {name: self.start(stack, name) for name in options.only}

    def start(self, stack, name):
        folder = self.folder / name
        folder.mkdir()
        port = free_port()
        command = CONTENDERS[name](folder, port, self.origins, self.options.bin_dir, self.pem)
        if shutil.which(str(command[0])) is None:
            raise Failed(f"{command[0]} is missing; ./dev bench builds it")
        process = Process(stack, command, self.proxy_cpu, folder / "stderr.log")
        wait_until_it_answers(name, process, port, self.options.tls, self.options.upload)
        return process, port

    def load(self, port, seconds):
        command = [self.wrk, "-t1", f"-c{self.options.connections}", f"-d{seconds}s", "--latency", "-s", self.report,
                   *(["-H", "Connection: close"] if self.options.close else []),
                   f"http{'s' if self.options.tls else ''}://127.0.0.1:{port}/"]
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + 30, check=True, preexec_fn=lambda: child_setup(self.load_cpu))
        return json.loads(done.stdout.splitlines()[-1])

    def turn(self, name):
        """One contender's share of a round."""
        process, port = self.running[name]
        before = process.cpu_ns()
        result = self.load(port, self.options.seconds)
        spent = process.cpu_ns() - before
        process.require_alive(name)
        if result["errors"] or not result["requests"]:
            raise Failed(f"{name}: {result['errors']} of {result['requests']} requests failed; no cost is reported")
        seconds = result["us"] / 1e6
        return {"cpu_us": spent / 1e3 / result["requests"], "rps": result["requests"] / seconds,
                "busy": spent / 1e9 / seconds, "p50_ms": result["p50"] / 1e3, "p99_ms": result["p99"] / 1e3}


def measure(options):
    with contextlib.ExitStack() as stack:
        bench = Bench(stack, options)
        names = list(options.only)
        for name in names:
            bench.load(bench.running[name][1], 1)  # warm caches and upstream connections; not counted
        rounds = []
        for number in range(options.rounds):
            turn = number % len(names)
            rounds.append({name: bench.turn(name) for name in names[turn:] + names[:turn]})
            print(f"  round {number + 1} of {options.rounds}: " +
                  "  ".join(f"{name} {rounds[-1][name]['cpu_us']:.2f} us" for name in names), flush=True)
        return rounds


def summarize(rounds, names):
    """Medians; the ratios are medians of each round's ratio, for what disturbs a round disturbs both sides of it."""
    summary = {}
    for name in names:
        summary[name] = {key: statistics.median(r[name][key] for r in rounds) for key in rounds[0][name]}
        for base in ("floor", "nginx"):
            if base in names:
                ratios = [r[name]["cpu_us"] / r[base]["cpu_us"] for r in rounds]
                summary[name][f"to_{base}"] = statistics.median(ratios)
    return summary


def print_table(summary):
    def ratio(row, base):
        return f"{row[base]:10.2f}" if base in row else " " * 9 + "-"

    print(f"\n{'':10}{'CPU us/req':>12}{'to floor':>10}{'to nginx':>10}{'req/s':>10}{'busy':>7}"
          f"{'p50 ms':>9}{'p99 ms':>9}")
    for name, row in summary.items():
        print(f"{name:10}{row['cpu_us']:12.2f}{ratio(row, 'to_floor')}{ratio(row, 'to_nginx')}{row['rps']:10.0f}"
              f"{row['busy']:7.0%}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--h2", action="store_true", help="HTTP/2 and gRPC instead, by options of its own: --h2 --help")
    parser.add_argument("--only", default=",".join(ALL), help=f"comma-separated, of {', '.join(ALL)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of load per contender and round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 2 seconds")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--body", type=int, default=128, help="bytes of each answer's body")
    parser.add_argument("--upload", type=int, default=0, help="bytes of each request's body, by POST (default: GET)")
    parser.add_argument("--tls", action="store_true", help="TLS to the contenders (ECDSA P-256, TLS 1.3); without the floor, which has none")
    parser.add_argument("--close", action="store_true", help="a connection for each request; with --tls a whole handshake")
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin",
                        help="where sluiced, floor and origin are")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every round and the summary there")
    options = parser.parse_args()
    options.only = ["sluice" if name == "sluiced" else name for name in options.only.split(",")]
    if unknown := [name for name in options.only if name not in ALL]:
        parser.error(f"no such contender: {', '.join(unknown)}")
    if options.tls:
        options.only = [name for name in options.only if name != "floor"]
    if options.quick:
        options.rounds, options.seconds = 3, 2
    options.bin_dir = options.bin_dir.resolve()
    return options


def main():
    if "--h2" in sys.argv:
        return compare_h2.main()
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"{options.rounds} rounds of {options.seconds} s each for {', '.join(options.only)}: {options.connections} "
          f"{'connections, each for one request' if options.close else 'keep-alive connections'}"
          f"{', TLS' if options.tls else ''}, {f'POST of {options.upload}, answers' if options.upload else 'GET'} of {options.body} bytes, one worker per contender")
    if two_cpus()[0] is None:
        print("only one CPU core: the load generator and the contenders share it")
    try:
        rounds = measure(options)
    except (Failed, subprocess.SubprocessError) as problem:
        print(f"compare.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    summary = summarize(rounds, options.only)
    print_table(summary)
    if options.json:
        options.json.write_text(json.dumps({"options": {"connections": options.connections, "body": options.body,
                                                        "seconds": options.seconds},
                                            "rounds": rounds, "summary": summary}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
