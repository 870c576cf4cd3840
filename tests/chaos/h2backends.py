"""A backend of the chaos run that speaks HTTP/2 and gRPC (python3-h2), as backends.py speaks HTTP/1: the same words on stdin, the
same LOG, and LOG.errors gets whatever the proxy does that HTTP/2 forbids.

  h2backends.py NAME PORT RELAY LOG

A gRPC call is a POST with `application/grpc`; one that is carried out is in LOG. Further words than backends.py has:
  goaway   now and then an answer is the last of its connection         leave        GOAWAY twice on all connections, and on each new one at once
  decline  REFUSED_STREAM to half of all                                unavailable  503, grpc-status 14
  rst      half of all streams are reset                                deaf         reads nothing
  windows  streams' windows shrink and grow, to 0 as well               few          one stream at a time on a connection
"""
import asyncio
import logging
import pathlib
import random
import socket
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import h2.windows
from backends import run

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from h2outbox import drain  # noqa: E402

Codes, Settings = h2.errors.ErrorCodes, h2.settings.SettingCodes


def consume(self, size, rest=h2.windows.WindowManager.window_consumed):
    """h2 refuses an empty frame, which may end a stream, where SETTINGS have made a window negative; RFC 9113 6.9.1 allows it."""
    if size:
        rest(self, size)


h2.windows.WindowManager.window_consumed = consume
MOST = 2 ** 31 - 1
GARBAGE = [b"HTTP/1.1 200 OK\r\n\r\n", b"\0\0\5\4\0\0\0\0\0hello", b"\xff\xff\xff\0\0\0\0\0\1", b"\0\0\4\0\0\0\0\0\0data", b"\0\0\4\1\4\0\0\0\1\xff\xff\xff\xff",
           b"\0\0\4\x08\0\0\0\0\0\0\0\0\0", b"\0\0\0\x09\4\0\0\0\1", b"\0\0\4\0\1\0\0\x7f\1data", b"\0\0\5\5\4\0\0\0\1\0\0\0\2\x82"]


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Request:
    def __init__(self, headers):
        self.fields = dict(headers)
        self.size, self.prefix = 0, b""
        self.grpc = self.fields.get("content-type", "").startswith("application/grpc")
        self.own = self.fields.get("x-id", "?")


class Connection(asyncio.Protocol):
    def __init__(self, backend):
        self.backend, self.requests, self.outbox = backend, {}, {}
        self.highest, self.last, self.silent, self.spoiled = 0, MOST, False, False
        self.wanted, self.unacknowledged = {}, True  # SETTINGS: that are to be said, and whether some were
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin1", validate_outbound_headers=False))

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.backend.connections.add(self)
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={Settings.MAX_CONCURRENT_STREAMS: 100, Settings.ENABLE_CONNECT_PROTOCOL: 1})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 20)
        self.flush()
        if self.backend.mode == "leave":
            self.leave(0)
        if self.backend.mode == "few":
            self.backend.limit(self)
        if self.backend.mode == "deaf":
            transport.pause_reading()

    def connection_lost(self, _error):
        self.backend.connections.discard(self)
        self.silent = True

    def flush(self):
        if data := self.h2.data_to_send():
            self.transport.write(data)

    def data_received(self, data):
        if self.silent:
            return
        try:
            events = self.h2.receive_data(data)
            reset = {event.stream_id for event in events if isinstance(event, h2.events.StreamReset)}  # h2 takes no answer to these
            for stream in reset:
                self.forget(stream)
            for event in events:
                if getattr(event, "stream_id", None) not in reset:
                    self.take(event)
            self.flush()
        except h2.exceptions.ProtocolError as error:
            if not self.spoiled:
                self.backend.errors.write(f"{self.backend.mode}: {error!r}\n")
            self.transport.abort()

    def take(self, event):
        stream = getattr(event, "stream_id", None)
        request = self.requests.get(stream)
        if isinstance(event, h2.events.RequestReceived):
            self.begin(stream, Request(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            if request:
                request.size += len(event.data)
                request.prefix = (request.prefix + event.data)[:5]
                if request.fields[":method"] == "CONNECT":
                    self.send(stream, event.data)
        elif isinstance(event, h2.events.StreamEnded) and request:
            self.backend.answer(self, stream, request)
        elif isinstance(event, h2.events.SettingsAcknowledged):
            self.unacknowledged = False
            self.backend.say_settings(self)
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            for waiting in list(self.outbox):
                self.drain(waiting)

    def begin(self, stream, request):
        if stream > self.last:
            return  # it was told
        self.highest = stream
        self.requests[stream] = request
        if self.backend.mode == "decline" and random.random() < 0.5:
            self.reset(stream, Codes.REFUSED_STREAM)
        elif request.fields[":method"] == "CONNECT":
            self.h2.send_headers(stream, [(":status", "200")])

    def forget(self, stream):
        self.requests.pop(stream, None)
        self.outbox.pop(stream, None)
        self.end_if_left()

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.flush()
        self.forget(stream)

    # --- leaving

    def leave(self, last):
        self.flush()
        self.last = min(self.last, last)
        self.transport.write(frame(7, 0, 0, self.last.to_bytes(4, "big") + bytes(4)))
        self.end_if_left()

    def end_if_left(self):
        """FIN, and reads on: a RST would overtake what was sent."""
        if self.last != MOST and not self.requests and not self.silent:
            self.silent = True
            self.flush()
            self.transport.write_eof()

    # --- what is sent

    def send(self, stream, data, end=None):
        """`end`: True, or the trailers."""
        self.outbox.setdefault(stream, []).extend([data] * bool(data) + [end] * bool(end))
        self.drain(stream)

    def drain(self, stream):
        drain(self.h2, self.outbox, stream)
        self.flush()

    def finish(self, stream, data, end):
        """The last of an answer."""
        box = self.outbox.setdefault(stream, [])
        box.extend([data, end] if data else [end])
        self.drain(stream)
        self.watch(stream)

    def watch(self, stream):
        """Forgets the stream once all of it went out."""
        if not self.outbox.get(stream):
            return self.forget(stream)
        if not self.silent:
            asyncio.get_running_loop().call_later(0.01, self.watch, stream)

    def spoil(self, data):
        self.flush()
        self.spoiled = True
        self.transport.write(data)


class Backend:
    def __init__(self, name, log):
        self.name, self.mode, self.connections = name, "ok", set()
        self.log, self.errors = open(log, "a", buffering=1), open(log + ".errors", "a", buffering=1)
        self.tasks = set()

    async def listen(self, port):
        return await asyncio.get_running_loop().create_server(lambda: Connection(self), "127.0.0.1", port, backlog=512, reuse_address=True)

    def begin(self, coroutine):
        self.tasks.add(task := asyncio.get_running_loop().create_task(coroutine))
        task.add_done_callback(self.tasks.discard)

    def set_mode(self, mode):
        before, self.mode = self.mode, mode
        for connection in list(self.connections):
            if before == "deaf":
                connection.transport.resume_reading()
            if before == "few" or mode == "few":
                self.limit(connection)
            if mode == "deaf":
                connection.transport.pause_reading()
            if mode == "leave":
                self.begin(self.leave(connection))
        if mode == "windows":
            self.begin(self.move_windows())

    def limit(self, connection):
        self.set(connection, Settings.MAX_CONCURRENT_STREAMS, 1 if self.mode == "few" else 100)

    def set(self, connection, code, value):
        connection.wanted[code] = value
        self.say_settings(connection)

    @staticmethod
    def say_settings(connection):
        """One after the other: with any acknowledgement h2 holds the proxy to all that was said."""
        if connection.silent or connection.unacknowledged or not connection.wanted:
            return
        connection.h2.update_settings(connection.wanted)
        connection.wanted, connection.unacknowledged = {}, True
        connection.flush()

    async def leave(self, connection):
        connection.leave(MOST)
        await asyncio.sleep(0.05)  # as long as requests may be on their way
        if not connection.silent:
            connection.leave(connection.highest)

    async def move_windows(self):
        while self.mode == "windows":
            for connection in list(self.connections):
                self.set(connection, Settings.INITIAL_WINDOW_SIZE, random.choice((0, 1, 100, 5000, 65535)))
            await asyncio.sleep(0.03)
        for connection in list(self.connections):
            self.set(connection, Settings.INITIAL_WINDOW_SIZE, 65535)

    # --- answers

    def answer(self, connection, stream, request):
        """All of the request is there."""
        if request.fields[":method"] == "CONNECT":
            return connection.finish(stream, b"", True)
        if self.mode == "unavailable":
            return self.refuse(connection, stream, request)
        if request.fields[":method"] == "POST":
            self.log.write(request.own + "\n")
        if self.mode == "hang":
            return connection.requests.pop(stream)
        if self.mode == "reset":
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return connection.transport.abort()
        if self.mode == "garbage":
            return connection.spoil(random.choice(GARBAGE))
        if self.mode == "rst" and random.random() < 0.5:
            return connection.reset(stream, random.choice((Codes.INTERNAL_ERROR, Codes.CANCEL, Codes.NO_ERROR)))
        self.tell(connection, stream, request)

    def refuse(self, connection, stream, request):
        fields = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14")] if request.grpc else [(":status", "503")]
        connection.h2.send_headers(stream, fields, end_stream=True)
        connection.forget(stream)

    def tell(self, connection, stream, request):
        body, target = f"{request.own} {self.name} {request.size}\n".encode(), request.fields[":path"]
        if "/big" in target:
            body += body * (200_000 // len(body))
        fields = [(":status", "200"), ("x-backend", self.name)]
        end = True
        if request.grpc:
            body = b"\0" + len(body).to_bytes(4, "big") + body
            fields, end = [(":status", "200"), ("content-type", "application/grpc")], [("grpc-status", "0")]
        elif random.random() < 0.8:
            fields.append(("content-length", str(len(body))))
        connection.h2.send_headers(stream, fields)
        if self.mode in ("truncate", "half-close"):
            return self.cut(connection, stream, body[:-5])
        if self.mode == "drip":
            return self.begin(self.drip(connection, stream, body, end))
        connection.finish(stream, body, end)
        if self.mode == "poison" and end is True and not connection.outbox.get(stream):
            connection.spoil(frame(0, 1, stream, b"POISONED"))
        if self.mode == "goaway" and random.random() < 0.1:
            connection.leave(connection.highest)

    def cut(self, connection, stream, body):
        connection.send(stream, body)
        if self.mode == "truncate":
            return connection.reset(stream, Codes.INTERNAL_ERROR)
        connection.silent = True
        connection.transport.write_eof()

    async def drip(self, connection, stream, body, end):
        for at in range(0, min(len(body), 120), 3):
            if stream not in connection.requests:
                return
            connection.send(stream, body[at:at + 3])
            await asyncio.sleep(0.002)
        if stream in connection.requests:
            connection.finish(stream, body[120:], end)


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of every peer that left
    asyncio.run(run(Backend(sys.argv[1], sys.argv[4]), int(sys.argv[2]), int(sys.argv[3])))
