"""What a request may cost, in instructions of user space, allocations and system calls. A change that makes one dearer fails here and says
by how much; one that makes it cheaper by more than the tolerance fails too, so that the budget follows and keeps what was won."""
import contextlib
import os
import pathlib
import re
import resource
import socket
import subprocess

import pytest
from backend import free_port
from callgrind import Watched, run_to_its_end
from client import fetch
from sluice import binary, config_of, die_with_the_tests, service
from tls import Authority
from waiting import wait_until

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin"))
pytestmark = pytest.mark.skipif(not (BIN / "pieces").exists(), reason="the benchmarks are built without sanitizers only")

TOLERANCE = 0.03

# Instructions. A request is measured from the proxy's listener to a backend over HTTP/1.1 and back, the access log being off.
PIECES = {"small_head": 1000, "browser_head": 3255, "route_match": 292, "split": 198, "sticky": 389, "slot_lookup": 166}
# OpenSSL takes and gives back its buffers with each record: an idle connection over TLS would otherwise hold 34 kB.
ALLOCATIONS = {"small": 0, "browser": 0, "tls": 6, "h2": 0}
REQUESTS = {"small": 8190, "browser": 12320, "tls": 22900, "h2": 11460}

BROWSER = {
    "connection": "keep-alive",
    "cache-control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-user": "?1",
    "sec-fetch-dest": "document",
    "referer": "https://shop.example.com/products/shoes/running?page=2&sort=price",
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en-US,en;q=0.9,de;q=0.8",
    "cookie": "_ga=GA1.2.1234567890.1690000000; _gid=GA1.2.987654321.1700000000; session=5f2d8c1ab94e4b0e9f3c7d6a1b2c3d4e; theme=dark",
    "if-none-match": 'W/"5f2d8c1a-1b2c"',
}


def within(budgets, measured):
    wrong = [f"{name}: {count:.0f} instructions, the budget is {budgets[name]} ({count / budgets[name] - 1:+.1%})"
             for name, count in measured.items() if abs(count / budgets[name] - 1) > TOLERANCE]
    assert not wrong, "; ".join(wrong) + ". If the change is worth it, or made it cheaper, write the new number into " + __file__


def test_the_pieces_of_a_request_cost_what_they_may(folder):
    def cost(name):
        few, many = (run_to_its_end(folder, [binary("pieces"), name, count]) for count in (2_000, 22_000))
        return (many - few) / 20_000

    within(PIECES, {name: cost(name) for name in PIECES})


@pytest.fixture
def proxied(folder):
    """The text of a configuration, with two origins behind it and a port for each kind of request."""
    with contextlib.ExitStack() as stack:
        def origin():
            child = stack.enter_context(subprocess.Popen([binary("origin")], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests))
            stack.callback(child.terminate)
            return int(child.stdout.readline())

        cert, key = Authority(folder / "ca").issue("proxy", "127.0.0.1")
        ports = {name: free_port() for name in REQUESTS}
        pools = f'pools: {{blue: {{backends: ["127.0.0.1:{origin()}"]}}, green: {{backends: ["127.0.0.1:{origin()}"]}}}}, split: {{blue: 95%, green: 5%}}'
        file = folder / "budgets.yaml"
        file.write_text(f"""
listeners:
  - {{name: small, bind: "127.0.0.1:{ports['small']}"}}
  - {{name: browser, bind: "127.0.0.1:{ports['browser']}"}}
  - {{name: tls, bind: "127.0.0.1:{ports['tls']}", tls: {{certificates: [{{cert: {cert}, key: {key}}}]}}}}
  - {{name: h2, bind: "127.0.0.1:{ports['h2']}"}}
admin: {{socket: {folder}/admin.sock}}
state_dir: {folder}/state
workers: 1
access_log: off
services:
  api: {{{pools}}}
  users: {{{pools}, sticky: {{keys: ["cookie:session"]}}}}
routes: [{{path: /products, service: users}}, {{service: api}}]
""")
        yield file, ports


def load(name, ports, count):
    """`count` requests, each answered with 200, over 8 connections."""
    words = ["h2load", "-t1", f"-n{count}", "-c8"]
    words += ["-m32"] if name == "h2" else ["--h1"]
    for field, value in BROWSER.items() if name == "browser" else ():
        words += ["-H", f"{field}: {value}"]
    path = "/products/shoes/running?page=3&sort=price" if name == "browser" else "/"
    done = subprocess.run([*words, f"http{'s' if name == 'tls' else ''}://127.0.0.1:{ports[name]}{path}"], capture_output=True, text=True, timeout=100)
    assert f"{count} succeeded" in done.stdout and f"status codes: {count} 2xx" in done.stdout, done.stdout + done.stderr


def answers(port):
    with contextlib.suppress(OSError):
        return fetch(f"127.0.0.1:{port}").status == 200


FEW, MANY = 1_000, 3_000
MEMORY = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def test_requests_cost_what_they_may_and_allocate_nothing(folder, proxied):
    file, ports = proxied
    daemon = Watched(folder, [binary("sluiced"), "--config", file])
    try:
        wait_until(lambda: answers(ports["small"]), timeout=60, what="the proxy's first answer")
        cost, allocated = {}, {}
        for name in REQUESTS:
            load(name, ports, FEW)  # connections to backends, buffers, tables: what the first requests make
            daemon.since()
            few, many = (load(name, ports, count) or daemon.since() for count in (FEW, MANY))
            cost[name] = (many.instructions - few.instructions) / (MANY - FEW)
            allocated[name] = (many.calls(MEMORY) - few.calls(MEMORY)) / (MANY - FEW)
            assert few.calls(MEMORY) > 0  # eight connections' own, so that counting is known to work
    finally:
        daemon.stop()
    within(REQUESTS, cost)
    # Pools give back what nobody needs for a second: a load begins with some blocks more or less than the one before.
    wrong = {name: count for name, count in allocated.items() if abs(count - ALLOCATIONS[name]) > 0.2}
    assert not wrong, f"allocations of a request: {wrong}"


def test_a_small_request_takes_four_system_calls(folder, proxied):
    """recv and send on both sides; epoll_wait is shared by what is ready, and counted apart."""
    file, ports = proxied

    def calls(count):
        out = folder / f"strace.{count}"
        daemon = subprocess.Popen(["strace", "-f", "-c", "-o", out, binary("sluiced"), "--config", file], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_the_tests)
        try:
            wait_until(lambda: answers(ports["small"]), timeout=60, what="the proxy's first answer")
            load("small", ports, count)
        finally:
            subprocess.run(["pkill", "-TERM", "-s", str(daemon.pid), "sluiced"], check=True)
            daemon.wait(timeout=60)
        return {name: int(number) for number, name in re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", out.read_text(), re.M)}

    few, many = calls(FEW), calls(MANY)
    each = {name: (count - few.get(name, 0)) / (MANY - FEW) for name, count in many.items()}
    each.pop("total", None)
    each.pop("epoll_wait", None)
    assert sum(each.values()) == pytest.approx(4, abs=0.05), {name: count for name, count in each.items() if count > 0.001}


IDLE = 700  # bytes of resident memory


def test_an_idle_connection_costs_little_and_a_burst_leaves_little_behind(sluice, backend):
    """What served the burst goes back some seconds after its last request, the connections going or staying."""
    count = 4_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    daemon = sluice(config_of({"api": service({"blue": [backend("blue-1")]})}, workers=1))
    port = int(daemon.address().rpartition(":")[2])
    with contextlib.ExitStack() as clients:
        def ask(client):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")

        def connect():
            ask(clients.enter_context(socket.create_connection(("127.0.0.1", port))))

        for _ in range(100):
            connect()
        before = daemon.rss_kib()
        for _ in range(count):
            connect()
        wait_until(lambda: (daemon.rss_kib() - before) * 1024 / count < IDLE, what=lambda: f"{count} connections in less than {daemon.rss_kib() - before} KiB")
    wait_until(lambda: daemon.rss_kib() - before < 1024, what=lambda: f"less than {daemon.rss_kib() - before} KiB to be left")
