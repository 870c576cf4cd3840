"""Upgrade: tunnels between a client and a server that we did not write (python3-websockets)."""
import asyncio
import hashlib
import threading

import pytest
import websockets
from client import Closed
from sluice import config_of, service
from waiting import wait_until


class EchoServer:
    """A websockets server in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.codes = []
        self.open = 0
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)

        async def serve():
            self.server = await websockets.serve(self._echo, "127.0.0.1", 0, max_size=None, ping_interval=None)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()
        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    async def _echo(self, socket, _path=None):
        self.open += 1
        try:
            async for message in socket:
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        finally:
            self.open -= 1
            self.codes.append(socket.close_code)

    def stop(self):
        async def close():
            self.server.close()
            await self.server.wait_closed()
        asyncio.run_coroutine_threadsafe(close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture
def echo():
    server = EchoServer()
    yield server
    server.stop()


def connect(daemon, **options):
    return websockets.connect(f"ws://{daemon.address()}/chat", max_size=None, ping_interval=None, **options)


def test_websocket_echo_is_byte_exact_and_closes_cleanly(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}))
    messages = ["text", "ü" * 1000, b"\0\1\2", bytes(range(256)) * 4096, b"", "x" * 200_000]

    async def talk():
        async with connect(daemon) as socket:
            for message in messages:
                await socket.send(message)
                assert await asyncio.wait_for(socket.recv(), 10) == message
            await socket.close(4001, "done")
        return socket.close_code

    assert asyncio.run(talk()) == 4001
    wait_until(lambda: echo.codes == [4001], what="the server to see the close code")
    wait_until(lambda: daemon.pool("blue")["in_flight"] == 0, what="the tunnel to be over")


def test_many_tunnels_at_once(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}, workers=2))

    async def one(i):
        async with connect(daemon) as socket:
            digest, back = hashlib.sha256(), hashlib.sha256()
            for n in range(20):
                message = bytes([i, n]) * 1000
                digest.update(message)
                await socket.send(message)
                back.update(await asyncio.wait_for(socket.recv(), 10))
            assert digest.digest() == back.digest()

    async def all_of_them():
        await asyncio.gather(*(one(i) for i in range(30)))

    asyncio.run(all_of_them())


def test_server_that_vanishes_ends_the_tunnel(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}))

    async def talk():
        async with connect(daemon) as socket:
            await socket.send("x")
            assert await socket.recv() == "x"
            for one in list(echo.server.websockets):
                echo.loop.call_soon_threadsafe(one.transport.abort)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)

    asyncio.run(talk())


def test_client_that_vanishes_ends_the_tunnel(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}))

    async def talk():
        socket = await connect(daemon)
        await socket.send("x")
        assert await socket.recv() == "x"
        assert echo.open == 1
        socket.transport.abort()

    asyncio.run(talk())
    wait_until(lambda: echo.open == 0, what="the server's side to be closed")


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


def test_D1_tunnels_of_a_drained_backend_wait_or_are_closed_now(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"], "green": [f"127.0.0.1:{echo.port}"]})}))

    async def talk():
        async with connect(daemon) as socket:
            await socket.send("x")
            assert await socket.recv() == "x"
            daemon.ctl("drain", "api/blue", "--websockets", "wait", "--force", check=0)
            await socket.send("still")
            assert await socket.recv() == "still", "wait: the tunnel stays"
            daemon.ctl("ready", "api/blue", check=0)
            daemon.ctl("drain", "api/blue", "--websockets", "now", "--force", check=0)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)

    asyncio.run(talk())


def test_D1_spread_closes_each_tunnel_at_its_own_time(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"], "green": [f"127.0.0.1:{echo.port}"]})}))

    async def talk():
        sockets = [await connect(daemon) for _ in range(10)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        daemon.ctl("drain", "api/blue", "--websockets", "spread:1s", "--force", check=0)

        async def end_of(socket):
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            return loop.time() - began
        return await asyncio.gather(*(end_of(s) for s in sockets))

    ends = sorted(asyncio.run(talk()))
    assert ends[-1] < 3 and ends[-1] - ends[0] > 0.2, ends


def test_upgrade_refused_is_an_ordinary_answer(simple):
    daemon, blue = simple()
    with daemon.client() as client:
        answer = client.request(target="/chat", headers=UPGRADE)
        assert answer.status == 200 and answer.get("Upgrade") is None
        assert blue.seen("/chat")[0].get("Upgrade") == "websocket"
        assert blue.seen("/chat")[0].get("Connection", "").lower() == "upgrade"
        assert client.request(target="/after").status == 200


def test_bytes_sent_before_101_are_no_tunnel(simple):
    """A request smuggled behind an Upgrade is parsed as a request when the backend does not switch."""
    daemon, blue = simple()
    blue.on("/chat", lambda c, r: c.answer(403, "no"))
    with daemon.client() as client:
        client.send_request(target="/chat", headers=UPGRADE)
        client.send_request(target="/second", headers={"X-Forwarded-For": "6.6.6.6"})
        assert client.read().status == 403
        assert client.read().status == 200
    assert "6.6.6.6" not in (blue.seen("/second")[0].get("X-Forwarded-For") or "")


def test_raw_tunnel_passes_bytes_both_ways_and_half_close(simple):
    daemon, blue = simple()

    def switch(connection, request):
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ACCEPT + "\r\nhello")
        got = connection.exactly(10)
        connection.send(got[::-1])
        connection.close()

    blue.on("/raw", switch)
    with daemon.client() as client:
        client.send_request(target="/raw", headers=UPGRADE)
        assert client.read().status == 101
        assert client.exactly(5) == b"hello"
        client.send(b"0123456789")
        assert client.exactly(10) == b"9876543210"
        with pytest.raises(Closed):
            client.exactly(1)


def test_unrequested_101_is_502(simple):
    daemon, blue = simple(retries={"attempts": 1})
    blue.on("/x", lambda c, r: c.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"))
    assert daemon.fetch("/x").status == 502


def test_X5_a_silent_tunnel_ends_at_its_limit(simple):
    daemon, blue = simple(timeouts={"tunnel": "300ms"})

    def switch(connection, request):
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ACCEPT + "\r\n")
        connection.wait_closed(10)

    blue.on("/raw", switch)
    with daemon.client() as client:
        client.send_request(target="/raw", headers=UPGRADE)
        assert client.read().status == 101
        assert client.closed(3)


# -- what a conformance suite asks of a server, asked through the proxy (Autobahn's chapters 1 to 7, with another library on both sides)

def in_the_loop(daemon, scenario, **options):
    async def run():
        async with connect(daemon, **options) as socket:
            return await asyncio.wait_for(scenario(socket), 30)
    return asyncio.run(run())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536, 70000, 1 << 20])
@pytest.mark.parametrize("kind", [str, bytes])
def test_frames_of_every_length_form(sluice, echo, size, kind):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}))
    message = "\u00e4b" * (size // 2) + "x" * (size % 2) if kind is str else bytes(range(256)) * (size // 256) + b"y" * (size % 256)

    async def scenario(socket):
        await socket.send(message)
        return await socket.recv()
    assert in_the_loop(daemon, scenario) == message
    assert in_the_loop(daemon, scenario, compression=None) == message


def test_fragments_pings_and_close_codes(sluice, echo):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{echo.port}"]})}))

    async def fragments(socket):
        await socket.send(["first ", "", "second ", "third"])
        got = [await socket.recv()]
        pongs = [await socket.ping(payload) for payload in (b"", b"x", b"\x00" * 125)]
        await asyncio.gather(*pongs)
        await socket.send(b"after the pings")
        return got + [await socket.recv()]
    assert in_the_loop(daemon, fragments) == ["first second third", b"after the pings"]

    for code in (1000, 1001, 1003, 1007, 1011, 3000, 4999):
        async def close(socket):
            await socket.close(code, "\u00fcber" * 20)
            return socket.close_code
        assert in_the_loop(daemon, close) == code
    wait_until(lambda: len(echo.codes) == 8, 5, "every close frame to reach the server")
    assert echo.codes[1:] == [1000, 1001, 1003, 1007, 1011, 3000, 4999]
