"""Long connections leave a drain at a pace (`--websockets paced:N/s`): how fast, in which order, with which words, and who slows it."""
import asyncio
import threading
import time

import pytest
from client import Client
from sluice import config_of, service
from waiting import stays_true, wait_until

OPENING = ("GET /ws HTTP/1.1\r\nHost: test.local\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()
ACCEPTED = ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").encode()
GOING_AWAY = b"\x88\x02\x03\xe9"


class WebSockets:
    """A server of WebSockets that keeps what its clients say; an opening takes `delay` seconds."""

    def __init__(self):
        self.loop, self.delay, self.said, self.open = asyncio.new_event_loop(), 0, [], set()
        ready = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096))
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert ready.wait(10)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(self.delay)
            writer.write(ACCEPTED)
            self.open.add(writer)
            said = b""
            while piece := await reader.read(1000):
                said += piece
                if said[-8:-6] == b"\x88\x82":  # a Close frame of a client: answered, and the end
                    writer.write(GOING_AWAY)
                    break
            self.said.append(said)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    def say(self, data):
        def all_of_them():
            for writer in self.open:
                writer.write(data)
        self.loop.call_soon_threadsafe(all_of_them)

    def stop(self):
        async def close():
            self.server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        asyncio.run_coroutine_threadsafe(close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Clients:
    """Clients of WebSockets: when each was closed, and what it had got. One that is closed comes back, if it is told to."""

    def __init__(self, daemon, comes_back=False):
        host, port = daemon.address().split(":")
        self.at, self.comes_back, self.ends, self.back = (host, int(port)), comes_back, {}, 0
        self.loop, self.opened, self.tasks = asyncio.new_event_loop(), 0, set()  # a loop alone does not keep its tasks
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def one(self, number):
        self.tasks.add(asyncio.current_task())
        reader, writer = await asyncio.open_connection(*self.at)
        try:
            writer.write(OPENING)
            head = await reader.readuntil(b"\r\n\r\n")
            if number is None:
                self.back += head.startswith(b"HTTP/1.1 101")
                await reader.read(100)
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self.opened += 1
            got = await reader.read(4)
            ended = time.monotonic()
            writer.write(b"\x88\x82\0\0\0\0\x03\xe9")
            rest = await reader.read(100)
            self.ends[number] = (ended, got, rest)
            if self.comes_back:
                self.tasks.add(asyncio.ensure_future(self.one(None)))
        finally:
            writer.close()

    def open(self, count):
        first = self.opened
        for number in range(first, first + count):  # one after the other, so that their order is known
            going = asyncio.run_coroutine_threadsafe(self.one(number), self.loop)
            wait_until(lambda: going.done() or self.opened == number + 1, 10, "a WebSocket")  # noqa: B023
            assert not going.done(), going.exception()

    def stop(self):
        async def end():
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


@pytest.fixture
def moved(sluice):
    """moved(count, workers) -> (daemon, clients, blue, green): so many WebSockets on blue, which has no share any more."""
    made = []

    def start(count, workers=2, comes_back=False):
        blue, green = WebSockets(), WebSockets()
        made.extend([blue, green])
        daemon = sluice(config_of({"api": service({"blue": [blue.address], "green": [green.address]})}, workers=workers))
        clients = Clients(daemon, comes_back)
        made.append(clients)
        clients.open(count)
        daemon.ctl("cutover", "api=green", check=0)
        return daemon, clients, blue, green
    yield start
    for one in reversed(made):
        one.stop()


def drain_of(daemon, pool="blue"):
    return next(iter(daemon.pool(pool)["backends"].values())).get("drain")


def test_D1_the_pace_holds_the_order_is_chance_and_both_sides_are_told(moved):
    daemon, clients, blue, _ = moved(300)
    began = time.monotonic()
    daemon.ctl("drain", "api/blue", "--websockets", "paced:100/s", "--timeout", "60s", check=0)
    pace = drain_of(daemon)["pace"]
    assert pace["asked"] == 100 and pace["now"] == 100 and 0 < pace["left"] <= 300
    assert "leave at 100 a second" in daemon.ctl("status", "api", check=0).out
    wait_until(lambda: len(clients.ends) == 300, 30, "all to be closed")
    times = sorted(end - began for end, _, _ in clients.ends.values())
    assert times[-1] > 2.5, "never faster than asked"
    for second in range(3):  # how many in each second: at most what was asked, and what one lot may come late
        assert len([one for one in times if second <= one < second + 1]) <= 125, times
    assert {(got, rest) for _, got, rest in clients.ends.values()} == {(GOING_AWAY, b"")}, "1001, then the end"
    order = [number for number, _ in sorted(clients.ends.items(), key=lambda one: one[1][0])]
    inversions = sum(a > b for i, a in enumerate(order) for b in order[i + 1:])
    assert 0.35 < inversions / (300 * 299 / 2) < 0.65, "as of a shuffled deck, where it is a half"
    wait_until(lambda: drain_of(daemon)["finished"], 10, "the drain's end")
    assert (drain_of(daemon)["clean"], drain_of(daemon)["forced"]) == (300, 0)
    wait_until(lambda: len(blue.said) == 300, 10, "the server to be told")
    assert all(len(said) == 8 and bytes(b ^ said[2 + i % 4] for i, b in enumerate(said[6:])) == b"\x03\xe9" for said in blue.said)


def test_D1_a_target_that_suffers_slows_it(moved):
    daemon, clients, _, green = moved(400, comes_back=True)
    green.delay = 0.5
    daemon.ctl("drain", "api/blue", "--websockets", "paced:40/s", "--timeout", "5m", check=0)
    wait_until(lambda: drain_of(daemon)["pace"]["now"] <= 5, 30, "the pace to fall")
    assert "before" in drain_of(daemon)["pace"]["slowed"] or "wait for an answer" in drain_of(daemon)["pace"]["slowed"]
    assert " of 40 a second" in daemon.ctl("status", "api", check=0).out
    green.delay = 0
    wait_until(lambda: drain_of(daemon)["pace"]["now"] >= 10, 30, "the pace to rise again")


def test_undrain_stops_it(moved):
    daemon, clients, _, _ = moved(60)
    daemon.ctl("drain", "api/blue", "--websockets", "paced:20/s", check=0)
    wait_until(lambda: len(clients.ends) >= 5, 10, "the first ones")
    daemon.ctl("ready", "api/blue", check=0)
    wait_until(lambda: drain_of(daemon) is None, 10, "the drain to be over")
    left = daemon.pool("blue")["in_flight"]
    assert left > 0
    wait_until(lambda: daemon.backend(next(iter(daemon.pool("blue")["backends"])), "blue")["tunnels"] <= left, 10, "those that were told")
    ended = len(clients.ends)
    stays_true(lambda: len(clients.ends) <= ended + 3, 1)


def test_a_pace_that_the_timeout_does_not_allow_is_refused(moved):
    daemon, clients, _, _ = moved(50)
    done = daemon.ctl("drain", "api/blue", "--websockets", "paced:1/s", check=9)
    assert "paced:1/s needs 50s for 50 long connections, the timeout is 30s; nothing was changed" in done.err
    words = done.err.split("\n")[1]
    assert "--timeout 80s" in words and "paced:2/s" in words and "--force" in words
    daemon.ctl("drain", "api/blue", "--websockets", "paced:1/s", "--timeout", "80s", check=0)
    daemon.ctl("ready", "api/blue", check=0)
    daemon.ctl("drain", "api/blue", "--websockets", "paced:1/s", "--force", "--timeout", "500ms", "--wait", check=8)
    assert daemon.ctl("remove", next(iter(daemon.pool("blue")["backends"])), "--websockets", "paced:0/s").code != 0


def test_D1_a_message_under_way_is_not_cut(moved):
    daemon, _, blue, _ = moved(0, workers=1)
    daemon.ctl("rollback", "api", check=0)
    with Client(daemon.address()) as client:
        client.send(OPENING)
        assert client.head().status == 101
        wait_until(lambda: blue.open, 5, "the server's side")
        blue.say(b"\x82\x05he")  # two of five bytes
        assert client.exactly(4) == b"\x82\x05he"
        daemon.ctl("cutover", "api=green", check=0)
        daemon.ctl("drain", "api/blue", "--websockets", "now", check=0)
        blue.say(b"llo")
        assert client.exactly(7) == b"llo" + GOING_AWAY
        client.send(b"\x88\x82\0\0\0\0\x03\xe9")
        assert client.rest() == b""


@pytest.mark.parametrize("policy", ["paced:20/s", "now", "spread:300ms"])
def test_D1_an_event_stream_ends_behind_an_event(sluice, backend, policy):
    go_on = threading.Event()

    def events(connection, _request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send("9\r\ndata: a\n\n\r\n")
        connection.send("6\r\ndata: \r\n")
        assert go_on.wait(30)
        connection.send("3\r\nb\n\n\r\n")
        connection.wait_closed(30)
    blue, green = backend("blue").on("/events", events), backend("green")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]})}))
    with Client(daemon.address()) as client:
        client.send_request(target="/events")
        answer = client.head()
        while not client.buffer.endswith(b"6\r\ndata: \r\n"):
            client.more()
        daemon.ctl("cutover", "api=green", check=0)
        wait_until(lambda: next(iter(daemon.pool("blue")["backends"].values()))["tunnels"] == 1, 5, "it counts as a tunnel")
        daemon.ctl("drain", "api/blue", "--websockets", policy, check=0)
        wait_until(lambda: drain_of(daemon).get("pace", {"left": 0})["left"] == 0, 5, "it to be told")
        go_on.set()
        client.read_body(answer)
        assert answer.body == b"data: a\n\ndata: b\n\n", "a whole answer"
        assert client.request(target="/next").status == 200, "and the connection goes on"
    wait_until(lambda: drain_of(daemon)["finished"], 10, "the drain's end")
    assert (drain_of(daemon)["clean"], drain_of(daemon)["forced"]) == (1, 0)
