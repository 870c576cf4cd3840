"""A scripted HTTP/2 backend (python3-h2) that records what it gets. A thread per connection; behaviours by path:

    /             tells what arrived, as JSON              /echo         the body back, as it comes, with the trailers
    /bytes/N      a body of N bytes, without a length      /sized/N      the same with Content-Length
    /status/CODE  that status, without a body              /sink         reads the body, tells its length
    /hints        103, then 200                            /trailers     a body, then trailers
    /never        reads the head and answers nothing       /stall        the same; gives no credit for the body either
    /early        answers whole before it has read the body, then RST_STREAM(NO_ERROR)
    /reset        RST_STREAM(INTERNAL_ERROR)               /partial      a head, a piece, then the same
    /refuse/N     REFUSED_STREAM, the first N times        /leave/N      likewise GOAWAY below the stream, then the end
    /goaway       answers, and says GOAWAY with it         /close        closes the connection
    /delay/MS     answers after MS milliseconds            /sizes        a wrong Content-Length

A WebSocket (RFC 8441), where `tunnels`, is echoed, whatever its path.
"""
import json
import socket
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from backend import pattern
from h2outbox import drain


class Request:
    def __init__(self, connection, stream, headers):
        self.connection, self.stream = connection, stream
        self.headers = [(name.decode("latin1"), value.decode("latin1")) for name, value in headers]
        self.body, self.size, self.trailers, self.ended, self.reset = b"", 0, [], False, None
        self.over = False  # we have reset it

    def get(self, name, default=None):
        return next((value for known, value in self.headers if known == name), default)

    method = property(lambda self: self.get(":method"))
    target = property(lambda self: self.get(":path"))
    path = property(lambda self: self.target.split("?")[0])

    def __repr__(self):
        return f"<{self.method} {self.target} {self.size} bytes ended={self.ended} reset={self.reset}>"


class Connection:
    def __init__(self, backend, sock, number):
        self.backend, self.sock, self.number = backend, sock, number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, validate_outbound_headers=False,
                                                                       normalize_outbound_headers=False))
        self.streams, self.outbox = {}, {}  # of a stream: pieces, then a list of trailers or True for the end
        self.lock = threading.RLock()
        self.pings, self.goaway, self.ended, self.leaving, self.silent = 0, None, False, False, False

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.sendall(data)

    def serve(self):
        try:
            with self.lock:
                self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
                    h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.backend.limit,
                    h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: int(self.backend.tunnels)})
                self.h2.initiate_connection()
                self.h2.increment_flow_control_window(1 << 20)  # of the connection: a stalled stream is not all
                self.flush()
            while data := self.sock.recv(65536):
                with self.lock:
                    for event in self.h2.receive_data(data):
                        self.take(event)
                    if not self.silent:
                        self.flush()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.backend.errors.append(error)
        finally:
            self.ended = True
            self.sock.close()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close_later(self):
        """As a server that leaves: once nothing is under way; what comes meanwhile is not looked at."""
        self.leaving = True
        if all(request.ended or request.over for request in self.streams.values()) and not any(self.outbox.values()):
            self.flush()
            self.end_sending()

    def end_sending(self):
        """And reads on: a RST would overtake what was sent."""
        self.leaving = self.silent = True
        self.sock.shutdown(socket.SHUT_WR)

    def take(self, event):
        stream = getattr(event, "stream_id", None)
        request = self.streams.get(stream)
        if self.leaving and stream and not request:
            return  # above the last that it takes
        if isinstance(event, h2.events.RequestReceived):
            request = self.streams[stream] = Request(self, stream, event.headers)
            request.ended = event.stream_ended is not None
            self.backend.take(request)
            if not request.path.startswith("/stall"):
                self.backend.begin(request)
        elif isinstance(event, h2.events.DataReceived):
            request.size += len(event.data)
            request.body += event.data if request.size < 1 << 20 else b""
            if request.path != "/stall":
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            self.backend.more(request, event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            request.trailers = [(name.decode("latin1"), value.decode("latin1")) for name, value in event.headers]
        elif isinstance(event, h2.events.StreamEnded) and request:
            request.ended = True
            if not request.over:
                self.backend.end(request)
            if self.leaving and not self.silent:
                self.close_later()
        elif isinstance(event, h2.events.StreamReset):
            if request:
                request.reset = int(event.error_code)
            self.outbox.pop(stream, None)
        elif isinstance(event, h2.events.WindowUpdated):
            for waiting in [stream] if stream else list(self.outbox):
                self.drain(waiting)
        elif isinstance(event, h2.events.PingReceived):
            self.pings += 1
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code)

    # --- out

    def head(self, stream, status=200, headers=(), end=False):
        self.h2.send_headers(stream, [(":status", str(status)), *headers], end_stream=end)

    def send(self, stream, data=b"", end=False):
        """`end`: True, or the trailers."""
        box = self.outbox.setdefault(stream, [])
        if data:
            box.append(data)
        if end:
            box.append(end)
        self.drain(stream)

    def drain(self, stream):
        drain(self.h2, self.outbox, stream)

    def answer(self, stream, body=b"", status=200, headers=()):
        self.head(stream, status, headers, end=not body)
        if body:
            self.send(stream, body, True)

    def reset(self, stream, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.outbox.pop(stream, None)
        self.streams[stream].over = True
        self.h2.reset_stream(stream, code)

    def leave(self, last, code=0):
        """Says GOAWAY, and goes on as if it had not: h2 itself would end here."""
        self.flush()
        self.sock.sendall(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + int(code).to_bytes(4, "big"))


class H2Backend:
    """Listens at once. `tls`: an ssl.SSLContext."""

    def __init__(self, name="h2", tls=None, limit=100, tunnels=False, port=0):
        self.name, self.tls, self.limit, self.tunnels = name, tls, limit, tunnels
        self.lock = threading.Lock()
        self.requests, self.connections, self.errors, self.counts = [], [], [], {}
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    address = property(lambda self: f"127.0.0.1:{self.port}")

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.tls:
                    sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError as error:
                if self.listener.fileno() < 0:
                    return
                self.errors.append(error)
                continue
            connection = Connection(self, sock, len(self.connections))
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def stop(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def open_connections(self):
        return [connection for connection in self.connections if not connection.ended]

    def seen(self, path=None):
        with self.lock:
            return [request for request in self.requests if path is None or request.path == path]

    # --- behaviour

    def take(self, request):
        with self.lock:
            self.requests.append(request)
            self.counts[request.path] = self.counts.get(request.path, 0) + 1

    def begin(self, request):
        """The head is there; a connection's lock is held."""
        conn, stream = request.connection, request.stream
        kind, _, rest = request.path[1:].partition("/")
        if request.method == "CONNECT":
            conn.head(stream)
        elif self.counts[request.path] <= self.refusals(request):
            if kind == "refuse":
                return conn.reset(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            request.over = True
            conn.leave(max(stream - 2, 0))
            conn.end_sending()
        elif kind == "echo":
            conn.head(stream)
        elif kind == "early":
            conn.answer(stream, b"early")
            if not request.ended:
                conn.reset(stream, h2.errors.ErrorCodes.NO_ERROR)
        elif kind == "reset":
            conn.reset(stream)
        elif kind == "partial":
            conn.head(stream, headers=[("content-length", "100")])
            conn.send(stream, b"piece")
            conn.flush()
            conn.reset(stream)
        elif kind == "close":
            conn.close()

    @staticmethod
    def refusals(request):
        kind, _, rest = request.path[1:].partition("/")
        return int(rest) if kind in ("refuse", "leave") else 0

    def more(self, request, data):
        if request.path == "/echo" or request.method == "CONNECT":
            request.connection.send(request.stream, data)

    def end(self, request):
        """All of the request is there."""
        conn, stream = request.connection, request.stream
        kind, _, rest = request.path[1:].partition("/")
        is_head = request.method == "HEAD"
        if request.method == "CONNECT" or kind == "echo":
            conn.send(stream, b"", request.trailers or True)
        elif kind in ("never", "stall", "early", "reset", "partial", "close") or self.counts[request.path] <= self.refusals(request):
            return
        elif kind == "bytes" or kind == "sized":
            sized = [("content-length", rest)] if kind == "sized" else []
            conn.head(stream, headers=sized, end=is_head)
            if not is_head:
                conn.send(stream, pattern(int(rest)), True)
        elif kind == "status":
            conn.head(stream, int(rest), end=True)
        elif kind == "sink":
            conn.answer(stream, str(request.size).encode())
        elif kind == "hints":
            conn.head(stream, 103, [("link", "</a>; rel=preload")])
            conn.answer(stream, b"hinted")
        elif kind == "trailers":
            conn.head(stream, headers=[("trailer", "checksum")])
            conn.send(stream, b"body", [("checksum", "1"), ("grpc-status", "0")])
        elif kind == "goaway":
            conn.answer(stream, b"bye")
            conn.leave(stream)
        elif kind == "sizes":
            conn.head(stream, headers=[("content-length", "3")])
            conn.send(stream, b"four", True)
        elif kind == "delay":
            threading.Thread(target=self.later, args=(request, int(rest) / 1000), daemon=True).start()
        else:
            told = {"backend": self.name, "method": request.method, "target": request.target, "headers": request.headers,
                    "body": request.body.decode("latin1"), "trailers": request.trailers}
            body = json.dumps(told).encode()
            conn.head(stream, headers=[("content-type", "application/json"), ("content-length", str(len(body)))], end=is_head)
            if not is_head:
                conn.send(stream, body, True)

    @staticmethod
    def later(request, seconds):
        time.sleep(seconds)
        try:
            with request.connection.lock:
                request.connection.answer(request.stream, b"late")
                request.connection.flush()
        except (OSError, h2.exceptions.ProtocolError):
            pass
