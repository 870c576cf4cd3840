#!/usr/bin/python3
"""WebSockets that leave a drained pool: how the pool that gets them fares while they come back.

So many WebSockets are open on one origin; the pool is drained, each client comes back within a second, to the other origin, whose openings cost
it CPU time as an application's do. Beside them requests that are due at fixed times ask the other origin through the daemon; latency counts from
when they were due. Quiet is what these took before the drain. One line for each policy:

  moved_websockets.py [--count 10000] [--policies paced:100/s,spread:20s,now] [--request-ms 2] [--opening-ms 1] [--bin-dir build/release/bin]

On a machine that has other things to do: chrt -r 5 moved_websockets.py ..., for then they do not disturb it.
"""
import argparse
import asyncio
import json
import multiprocessing
import pathlib
import random
import resource
import socket
import subprocess
import tempfile
import time

from many import Api
from processes import free_port, wait_for_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
OPENING = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EACH = 0.02  # seconds between two requests of the probe
CLOSE = b"\x88\x82\0\0\0\0\x03\xe9"


def enough_descriptors(count):
    """The daemon has two for each WebSocket. Exits when this user may not have so many."""
    wanted = 2 * count + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except ValueError:
        raise SystemExit(f"{count} WebSockets need {wanted} descriptors, this user may have {hard}: --count {(hard - 200) // 2}")


class Origin(asyncio.Protocol):
    """A request costs `request` seconds of CPU, an opening `opening`."""
    request = opening = 0.0

    @staticmethod
    def work(seconds):
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    def connection_made(self, transport):
        self.transport, self.opened, self.got = transport, False, b""

    def data_received(self, data):
        if self.opened:
            self.got = (self.got + data)[-8:]
            if b"\x88\x82" in self.got:
                self.transport.write(b"\x88\x02\x03\xe9")
                self.transport.close()
            return
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head, self.got = self.got[:end], self.got[end + 4:]
            if b"Upgrade: websocket" in head:
                self.work(self.opening)
                self.opened = True
                self.transport.write(ACCEPTED)
            else:
                self.work(self.request)
                self.transport.write(ANSWER)


def serve(port, request, opening):
    Origin.request, Origin.opening = request, opening

    async def run():
        server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()
    asyncio.run(run())


class Client(asyncio.Protocol):
    """One WebSocket, which comes back within a second when it is closed, once."""
    opened = closed = back = code_1001 = refused = 0

    def __init__(self, at, again=True):
        self.at, self.again, self.head, self.is_open = at, again, b"", False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(OPENING)

    def data_received(self, data):
        if not self.is_open:
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            self.is_open = self.head.startswith(b"HTTP/1.1 101")
            if not self.is_open:
                Client.refused += 1
                return self.transport.close()
            if self.again:
                Client.opened += 1
            else:
                Client.back += 1
        elif data.startswith(b"\x88\x02\x03\xe9"):
            Client.code_1001 += 1
            self.transport.write(CLOSE)

    def connection_lost(self, _error):
        if not self.again:
            return
        Client.closed += 1
        loop = asyncio.get_running_loop()
        loop.call_later(random.random(), lambda: loop.create_task(loop.create_connection(lambda: Client(self.at, False), *self.at)))


def swarm(port, count, told):
    enough_descriptors(count)

    async def run():
        loop, at = asyncio.get_running_loop(), ("127.0.0.1", port)
        for first in range(0, count, 50):
            await asyncio.gather(*(loop.create_connection(lambda: Client(at), *at) for _ in range(first, min(count, first + 50))))
            while Client.opened < first + 40:
                await asyncio.sleep(0.005)
        while Client.opened < count:
            await asyncio.sleep(0.01)
        while True:
            told.update(opened=Client.opened, closed=Client.closed, back=Client.back, code_1001=Client.code_1001, refused=Client.refused)
            await asyncio.sleep(0.05)
    asyncio.run(run())


def probe(port, stop, out):
    """Latencies of requests that are due at fixed times, by when they were due."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(60)
    due = time.monotonic()
    while not stop.is_set():
        due += EACH
        time.sleep(max(0, due - time.monotonic()))
        sock.sendall(REQUEST)
        got = b""
        while not got.endswith(b"ok"):
            got += sock.recv(1000)
        out.append((due, time.monotonic() - due))


def p99(latencies):
    ordered = sorted(latencies)
    return ordered[int(len(ordered) * 0.99)] * 1000 if ordered else float("nan")


def move(policy, count, costs, bin_dir):
    manager = multiprocessing.Manager()
    told, latencies, stop = manager.dict(), manager.list(), manager.Event()
    running = []

    def start(function, *args):
        running.append(multiprocessing.Process(target=function, args=args, daemon=True))
        running[-1].start()

    with tempfile.TemporaryDirectory(prefix="sluice-") as name:
        folder = pathlib.Path(name)
        blue, green, web = free_port(), free_port(), free_port()
        for port in (blue, green):
            start(serve, port, *(costs if port == green else (0, 0)))
            wait_for_port(port)
        pools = {"blue": {"backends": [f"127.0.0.1:{blue}"]}, "green": {"backends": [f"127.0.0.1:{green}"]}}
        config = {"listeners": [{"name": "web", "bind": f"127.0.0.1:{web}"}], "admin": {"socket": f"{folder}/admin.sock"},
                  "state_dir": f"{folder}/state", "workers": 2, "routes": [{"service": "api"}], "shutdown_timeout": "1s",
                  "services": {"api": {"pools": pools, "split": {"blue": "100%", "green": "0%"}, "limits": {"in_flight": 4 * count}}}}
        (folder / "state").mkdir()
        (folder / "sluice.yaml").write_text(json.dumps(config))
        daemon = subprocess.Popen([bin_dir / "sluiced", "--config", folder / "sluice.yaml"], stderr=subprocess.DEVNULL)
        try:
            wait_for_port(web)
            api = Api(f"{folder}/admin.sock")
            start(swarm, web, count, told)
            while told.get("opened", 0) < count:
                time.sleep(0.05)
            api.call("POST", "/v1/cutover", {"services": {"api": "green"}})
            start(probe, web, stop, latencies)
            time.sleep(10)
            began = time.monotonic()
            subprocess.run([bin_dir / "sluicectl", "--socket", f"{folder}/admin.sock", "drain", "api/blue", "--websockets", policy,
                            "--timeout", "0"], check=True, stdout=subprocess.DEVNULL)
            while told["back"] < count and time.monotonic() - began < 15 * 60:
                time.sleep(0.05)
            ended = time.monotonic()
            stop.set()
            running[-1].join(70)
            seen = list(latencies)
            quiet = p99([one for due, one in seen if due < began])
            moving = [one for due, one in seen if began <= due < ended]
            return {"policy": policy, "seconds": ended - began, "quiet_p99_ms": quiet, "p99_ms": p99(moving), "max_ms": max(moving) * 1000, **dict(told)}
        finally:
            daemon.terminate()
            daemon.wait(20)
            for process in running:
                process.terminate()
                process.join(5)
            manager.shutdown()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--policies", default="paced:100/s,spread:20s,now")
    parser.add_argument("--request-ms", type=float, default=2)
    parser.add_argument("--opening-ms", type=float, default=1)
    parser.add_argument("--bin-dir", type=pathlib.Path, default=ROOT / "build/release/bin")
    args = parser.parse_args()
    enough_descriptors(args.count)
    print(f"{args.count} WebSockets; of the target's CPU time a request costs {args.request_ms:g} ms, an opening {args.opening_ms:g} ms")
    for policy in args.policies.split(","):
        got = move(policy, args.count, (args.request_ms / 1000, args.opening_ms / 1000), args.bin_dir)
        print(f"{policy:12} {got['seconds']:6.1f} s   p99 {got['quiet_p99_ms']:7.2f} ms quiet, {got['p99_ms']:8.2f} ms while they come "
              f"({got['p99_ms'] / got['quiet_p99_ms']:.1f} times), longest {got['max_ms']:8.2f} ms   {got['code_1001']} closed with 1001, "
              f"{got['back']} back, {got['refused']} refused", flush=True)


if __name__ == "__main__":
    main()
