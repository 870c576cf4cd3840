"""The HTTP/2 and gRPC clients of the chaos run, as clients.py are those of HTTP/1: many streams on few connections, in clear and over TLS.

  h2clients.py HOST PORT TLSPORT CA      until its stdin ends; then one JSON object on stdout: what was done, and everything that failed

What a client of HTTP/2 sends again by itself is sent again: streams above a GOAWAY's last, and those that are refused.
"""
import asyncio
import contextlib
import logging
import random
import socket
import ssl
import sys
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from clients import WHERE, Ledger, ids

PATIENCE = 15
GRPC = [("content-type", "application/grpc"), ("te", "trailers")]


class Stream:
    def __init__(self):
        self.head, self.body, self.trailers = None, bytearray(), {}
        self.changed, self.over = asyncio.Event(), None  # "ok", "reset", "gone", "unprocessed"
        self.slow = False  # gives credit only now and then
        self.owed = 0

    def end(self, how):
        self.over = self.over or how
        self.changed.set()


class Connection(asyncio.Protocol):
    def __init__(self):
        self.streams, self.lost, self.rest, self.room = {}, False, b"", asyncio.Event()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="latin1", validate_outbound_headers=False))

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 20)
        self.flush()

    def connection_lost(self, _error):
        self.lost = True
        self.room.set()
        for stream in self.streams.values():
            stream.end("gone")

    def flush(self):
        if data := self.h2.data_to_send():
            self.transport.write(data)

    def close(self):
        self.lost = True
        self.transport.abort()

    def data_received(self, data):
        self.rest += data
        try:
            while len(self.rest) >= 9 and len(self.rest) >= 9 + (size := int.from_bytes(self.rest[:3], "big")):
                frame, self.rest = self.rest[:9 + size], self.rest[9 + size:]
                if frame[3] == 7:  # h2 itself would end here
                    self.leave(int.from_bytes(frame[9:13], "big"))
                    continue
                for event in self.h2.receive_data(frame):
                    self.take(event)
            self.flush()
        except h2.exceptions.ProtocolError as error:
            self.ledger.wrong.append({"kind": "h2", "asked": "sound frames", "got": repr(error), "at": time.monotonic()})
            self.close()

    def leave(self, last):
        """No further stream, and those above `last` never were."""
        self.lost = True
        for number, stream in self.streams.items():
            if number > last:
                stream.end("unprocessed")

    def take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.room.set()
            for waiting in self.streams.values():
                waiting.changed.set()
        if isinstance(event, h2.events.DataReceived):
            self.credit(stream, event)
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.head = dict(event.headers)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
        elif isinstance(event, h2.events.StreamReset):
            stream.end("unprocessed" if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM else "reset")
        elif isinstance(event, h2.events.StreamEnded):
            stream.end("ok")
        stream.changed.set()

    def credit(self, stream, event):
        size = event.flow_controlled_length
        if stream is None or not stream.slow:
            return self.h2.acknowledge_received_data(size, event.stream_id)
        stream.owed += size

    def pay(self, number, stream):
        if stream.owed and not self.lost:
            self.h2.acknowledge_received_data(stream.owed, number)
            self.flush()
        stream.owed = 0

    def open(self, fields, end, body=b""):
        """`body`: goes with the head, whole. Of others the proxy has passed something on before it has all: they are not sent again."""
        number = self.h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream()
        self.h2.send_headers(number, fields, end_stream=end)
        if body:
            self.h2.send_data(number, body, end_stream=True)
        self.flush()
        return number, stream

    async def room_for(self, size):
        while self.h2.outbound_flow_control_window < size and not self.lost:
            self.room.clear()
            await self.room.wait()

    async def upload(self, number, stream, body):
        while body and not stream.over:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size, random.choice((1, 100, 16384, 16384, 16384)))
            if room <= 0:
                stream.changed.clear()
                await stream.changed.wait()
                continue
            self.h2.send_data(number, body[:room], end_stream=room >= len(body))
            self.flush()
            body = body[room:]

    def forget(self, number, stream):
        """Also that it was asked, if there is no end of it."""
        self.pay(number, stream)
        if not stream.over and not self.lost:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self.h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
                self.flush()
        self.streams.pop(number, None)


class Link:
    """A connection that is made anew when it is lost. `kind`: what its requests are called."""

    def __init__(self, ledger, kind, host, port, tls):
        self.ledger, self.kind, self.address, self.tls, self.connection = ledger, kind, (host, port), tls, None
        self.opening = asyncio.Lock()

    async def get(self):
        async with self.opening:
            if self.connection is None or self.connection.lost or self.connection.h2.open_outbound_streams > 80:
                name = "a" if self.tls else None
                _, self.connection = await asyncio.get_running_loop().create_connection(Connection, *self.address, ssl=self.tls, server_hostname=name)
                self.connection.ledger = self.ledger
        return self.connection

    async def ask(self, fields, body=b"", slow=False):
        """The stream, at its end, however it came."""
        for _ in range(6):
            connection = await self.get()
            whole = len(body) <= 5000 and not slow
            await connection.room_for(len(body) if whole else 0)
            number, stream = connection.open(fields, not body, body if whole else b"")
            stream.slow = slow
            try:
                await connection.upload(number, stream, b"" if whole else body)
                while not stream.over:
                    stream.changed.clear()
                    await stream.changed.wait()
                    if slow:
                        await asyncio.sleep(0.05)
                        connection.pay(number, stream)
            finally:
                connection.forget(number, stream)
            if stream.over != "unprocessed":
                break
            await asyncio.sleep(0.01)
        return stream


class Clients(Ledger):
    def __init__(self, host, port, tls_port, ca):
        super().__init__()
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        self.links = [Link(self, "h2c", host, port, None), Link(self, "h2c", host, port, None), Link(self, "h2", host, tls_port, context)]
        self.plain = (host, port)

    def fields(self, link, method, own, path, more=()):
        pseudo = [(":protocol", "websocket")] if method == "CONNECT" else []
        return [(":method", method), (":scheme", "https" if link.tls else "http"), (":authority", "a"), (":path", path), *pseudo, ("x-id", own), *more]

    async def exchange(self, link, kind, own, method="GET", target="/e", body=b"", slow=False):
        where, begun = random.choice(WHERE), time.monotonic()
        stream = await self.ask(link, kind, begun, where, self.fields(link, method, own, where + target), body, slow)
        if stream:
            self.judge(kind, begun, own, int(stream.head[":status"]), stream.head, bytes(stream.body), where)

    async def ask(self, link, kind, begun, where, fields, body, slow=False):
        """A stream that ended well; None: what became of it is noted."""
        try:
            stream = await asyncio.wait_for(link.ask(fields, body, slow), PATIENCE)
        except (OSError, asyncio.TimeoutError, h2.exceptions.ProtocolError) as error:  # of a connection that has just ended, the last
            self.note(kind, begun, "late" if isinstance(error, asyncio.TimeoutError) else "cut", repr(error), where)
            return await asyncio.sleep(0.05)
        if stream.over == "ok":
            return stream
        self.note(kind, begun, "broken" if stream.head else "cut", stream.over, where)

    async def get(self, link):
        await self.exchange(link, f"{link.kind} GET", f"g2-{next(ids)}")
        await asyncio.sleep(random.random() * 0.04)

    async def put(self, link):
        await self.exchange(link, f"{link.kind} PUT", f"u2-{next(ids)}", "PUT", body=b"x" * random.choice((1, 10, 5000)))
        await asyncio.sleep(random.random() * 0.08)

    async def post(self, link):
        await self.exchange(link, f"{link.kind} POST", f"p2-{next(ids)}", "POST", body=b"x" * random.choice((1, 5000, 100_000)))
        await asyncio.sleep(random.random() * 0.08)

    async def slow(self, link):
        await self.exchange(link, f"{link.kind} slow", f"s2-{next(ids)}", target="/big", slow=True)

    async def grpc(self, link):
        """A unary call; no client of gRPC sends one again that a backend may have seen."""
        own, begun, kind = f"pc-{next(ids)}", time.monotonic(), f"{link.kind} gRPC"
        message = b"m" * random.choice((0, 10, 3000))
        stream = await self.ask(link, kind, begun, "/two", self.fields(link, "POST", own, "/t.Test/Echo", GRPC), b"\0" + len(message).to_bytes(4, "big") + message)
        if stream:
            status = stream.trailers.get("grpc-status", stream.head.get("grpc-status"))
            if status == "0":
                self.judge(kind, begun, own, 200, {}, bytes(stream.body[5:]), "/two")
            else:
                self.note(kind, begun, f"status {status}", stream.head.get("x-sluice-error", ""), "/two")
        await asyncio.sleep(random.random() * 0.02)

    async def cancel(self, link):
        """Resets a stream at any point; nothing is expected."""
        with contextlib.suppress(OSError, asyncio.TimeoutError, h2.exceptions.ProtocolError):
            fields = self.fields(link, "POST", "abort", random.choice(WHERE) + "/big")
            await asyncio.wait_for(link.ask(fields, b"x" * 3000, True), random.random() * 0.05)
        self.note(f"{link.kind} cancel", 0, "ok")
        await asyncio.sleep(0.1)  # a proxy takes a rapid reset for an attack

    async def abort(self, _link):
        """A connection of its own, that ends at any point."""
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            link = Link(self, "", *self.plain, None)
            connection = await link.get()
            for _ in range(random.randrange(10)):
                number, _stream = connection.open(self.fields(link, "POST", "abort", random.choice(WHERE) + "/big"), False)
                if random.random() < 0.5:
                    connection.h2.send_data(number, b"x" * 300, end_stream=random.random() < 0.5)
            connection.flush()
            await asyncio.sleep(random.random() * 0.05)
            connection.close()
        self.note("h2c abort", 0, "ok")
        await asyncio.sleep(0.05)

    async def tunnel(self, link):
        """A WebSocket (RFC 8441); its bytes come back."""
        begun, where, kind = time.monotonic(), random.choice(WHERE), f"{link.kind} tunnel"
        try:
            connection = await asyncio.wait_for(link.get(), PATIENCE)
            number, stream = connection.open(self.fields(link, "CONNECT", "t", where + "/ws", [("sec-websocket-version", "13")]), False)
            try:
                await asyncio.wait_for(self.talk(connection, number, stream), PATIENCE)
            finally:
                connection.forget(number, stream)
            status = stream.head and int(stream.head[":status"])
            self.note(kind, begun, "ok" if stream.over == "ok" and status == 200 else str(status) if status != 200 else stream.over, "", where)
        except (OSError, asyncio.TimeoutError, h2.exceptions.ProtocolError) as error:
            self.note(kind, begun, "cut", repr(error), where)
        await asyncio.sleep(0.1)

    async def talk(self, connection, number, stream):
        while not stream.head and not stream.over:
            await self.change(stream)
        for left in range(9, -1, -1):
            own = f"t{next(ids)}".encode() * random.randrange(1, 500)
            before = len(stream.body)
            if not stream.over and stream.head[":status"] == "200":
                await connection.upload(number, stream, own) if left else connection.h2.end_stream(number)
                connection.flush()
            while left and len(stream.body) - before < len(own) and not stream.over:
                await self.change(stream)
            if left and not stream.over and bytes(stream.body[before:]) != own:
                self.wrong.append({"kind": "tunnel", "asked": own[:50].decode(), "got": bytes(stream.body[before:before + 50]).decode("latin1"), "at": time.monotonic()})
        while not stream.over:
            await self.change(stream)

    @staticmethod
    async def change(stream):
        stream.changed.clear()
        await stream.changed.wait()

    async def forever(self, one, link):
        while not self.ended:
            await one(link)

    def crowd(self):
        crowd = [(self.get, 4), (self.put, 1), (self.post, 2), (self.slow, 1), (self.grpc, 3), (self.cancel, 1), (self.tunnel, 1)]
        tasks = [asyncio.create_task(self.forever(one, link)) for link in self.links for one, n in crowd for _ in range(n)]
        return tasks + [asyncio.create_task(self.forever(self.abort, None)) for _ in range(2)]


async def main():
    clients = Clients(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    await clients.run(clients.crowd())


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of every peer that left
    logging.getLogger("asyncio").setLevel(logging.ERROR); asyncio.run(main(), debug=False)
