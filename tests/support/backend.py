"""A scripted backend that records what it gets. A thread per connection; behaviours by path, replaceable by `on`.

    /                an answer that names the backend and tells what arrived, as JSON
    /echo            the body back, streamed, with the request's framing
    /delay/MS        answers after MS milliseconds        /never      never answers
    /status/CODE     that status                          /bytes/N    a body of N bytes, Content-Length
    /chunked/N       N chunks                             /drip/N/MS  N chunks with MS between them
    /trailers        chunked with trailers                /until-close/N  no framing: N bytes, then close
    /close           closes without an answer             /reset      the same with RST
    /partial/N       promises 2*N bytes, sends N, closes  /partial-chunked  no last chunk
    /garbage         bytes that are no HTTP               /hints      103, then 200
    /keep-then-close answers and closes without saying so
    /sink            reads the body, tells its length and hash
"""
import hashlib
import json
import pathlib
import socket
import threading
import time

PATTERN = bytes(range(256)) * 256  # 64 KiB; bodies are made of it, so that misplaced bytes show


def pattern(n):
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


class Gone(Exception):
    """The proxy closed the connection."""


class Request:
    def __init__(self, method, target, version, headers, connection):
        self.method, self.target, self.version, self.headers, self.connection = method, target, version, headers, connection
        self.arrived = time.monotonic()
        self.body = b""
        self.body_length = 0
        self.body_hash = None
        self.complete = False
        self.trailers = []

    path = property(lambda self: self.target.split("?")[0])

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        return f"<{self.method} {self.target} on {self.connection.number}>"


class Connection:
    def __init__(self, backend, sock, number):
        self.backend, self.sock, self.number = backend, sock, number
        self.buffer = b""
        self.opened = time.monotonic()
        self.closed_by_peer = None  # when the proxy closed it
        self.answered = 0

    def more(self):
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            self.closed_by_peer = self.closed_by_peer or time.monotonic()
            raise Gone() from error
        if not data:
            self.closed_by_peer = self.closed_by_peer or time.monotonic()
            raise Gone()
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def fields(self):
        headers = []
        while line := self.line():
            name, _, value = line.partition(b":")
            headers.append((name.decode("latin1"), value.strip(b" \t").decode("latin1")))
        return headers

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def pieces(self, n):
        while n:
            if not self.buffer:
                self.more()
            data, self.buffer = self.buffer[:n], self.buffer[n:]
            n -= len(data)
            yield data

    def send(self, data):
        try:
            self.sock.sendall(data.encode("latin1") if isinstance(data, str) else data)
        except OSError as error:
            self.closed_by_peer = self.closed_by_peer or time.monotonic()
            raise Gone() from error

    def answer(self, status=200, body=b"", headers=(), reason="X"):
        body = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} {reason}"]
        lines += [f"{k}: {v}" for k, v in (headers.items() if isinstance(headers, dict) else headers)]
        if status >= 200 and status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin1") + b"\r\n\r\n" + body)
        self.answered += 1

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        # shutdown first: a close() alone does not wake a thread that is in recv()
        try:
            if not self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8).startswith(b"\1"):
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def wait_closed(self, timeout=5.0):
        """True when the proxy closes this connection within the time."""
        self.sock.settimeout(timeout)
        try:
            while True:
                self.more()
        except Gone:
            return not isinstance(self.closed_by_peer, type(None))


class Backend:
    """Listens at once. `handler(connection, request)` takes over every path that `on` does not name."""

    def __init__(self, name="backend", handler=None, port=0, keep_body=1 << 20, host="127.0.0.1", rcvbuf=None, read_body=True):
        self.name, self.handler, self.keep_body, self.host, self.rcvbuf = name, handler, keep_body, host, rcvbuf
        self.read_body = read_body
        self.lock = threading.Lock()
        self.requests, self.connections, self.threads, self.scripts = [], [], [], {}
        self.release = threading.Event()  # /never and held handlers end when it is set
        self.port = port
        self.running = False
        self.start()

    @property
    def address(self):
        if self.host.startswith("/"):
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def start(self):
        is_socket = self.host.startswith("/")
        family = socket.AF_UNIX if is_socket else socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        if is_socket:
            pathlib.Path(self.host).unlink(missing_ok=True)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.rcvbuf:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.rcvbuf)
        self.listener.bind(self.host if is_socket else (self.host, self.port))
        self.listener.listen(1024)
        if not is_socket:
            self.port = self.listener.getsockname()[1]
        self.running = True
        self.acceptor = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.acceptor.start()
        return self

    def stop(self):
        """Closes the listener and every connection, like a process that was killed."""
        if not self.running:
            return
        self.running = False
        self.release.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_connections()
        deadline = time.monotonic() + 2  # a handler that still waits for its test is left behind, as a daemon thread
        for thread in [self.acceptor, *self.threads]:
            thread.join(max(0, deadline - time.monotonic()))
        self.release.clear()

    def close_connections(self):
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            connection.close()

    def on(self, path, handler):
        self.scripts[path] = handler
        return self

    def forget(self):
        with self.lock:
            self.requests.clear()

    def seen(self, path=None):
        with self.lock:
            return [r for r in self.requests if path is None or r.path == path]

    def open_connections(self):
        with self.lock:
            return [c for c in self.connections if c.sock.fileno() >= 0 and c.closed_by_peer is None]

    # -- the threads

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                connection = Connection(self, sock, len(self.connections))
                self.connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self.threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            while self.running and connection.sock.fileno() >= 0:
                self._one(connection)
        except (Gone, OSError, ValueError):
            pass
        finally:
            connection.sock.close()

    def _one(self, connection):
        line = connection.line()
        method, target, version = line.decode("latin1").split(" ")
        request = Request(method, target, version, connection.fields(), connection)
        with self.lock:
            self.requests.append(request)
        script = self.scripts.get(request.path)
        streaming = request.path in ("/echo",) or getattr(script or self.handler, "reads_body", False) or not self.read_body
        if not streaming:
            self.receive_body(connection, request)
        if script:
            script(connection, request)
        elif self.handler:
            self.handler(connection, request)
        else:
            self._behave(connection, request)

    def receive_body(self, connection, request):
        digest = hashlib.sha256()
        for piece in self.body_pieces(connection, request):
            digest.update(piece)
            if request.body_length < self.keep_body:
                request.body += piece
            request.body_length += len(piece)
        request.body_hash = digest.hexdigest()
        request.complete = True

    def body_pieces(self, connection, request):
        if request.get("Expect", "").lower() == "100-continue":
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
        if (request.get("Transfer-Encoding") or "").lower() == "chunked":
            while size := int(connection.line().split(b";")[0], 16):
                yield from connection.pieces(size)
                connection.exactly(2)
            request.trailers = connection.fields()
        else:
            yield from connection.pieces(int(request.get("Content-Length", "0")))

    def _behave(self, connection, request):
        parts = request.path.strip("/").split("/")
        behaviour = getattr(self, "_do_" + parts[0].replace("-", "_"), None)
        if behaviour:
            behaviour(connection, request, *parts[1:])
        else:
            self.tell(connection, request)

    def tell(self, connection, request, status=200):
        body = b"" if request.method == "HEAD" else json.dumps({
            "backend": self.name, "method": request.method, "target": request.target, "headers": request.headers,
            "length": request.body_length, "hash": request.body_hash, "trailers": request.trailers,
            "connection": connection.number,
        }).encode()
        connection.answer(status, body, [("X-Backend", self.name), ("Content-Type", "application/json")])

    def _do_delay(self, connection, request, ms):
        if not self.release.wait(int(ms) / 1000):
            self.tell(connection, request)

    def _do_never(self, connection, request):
        connection.wait_closed(60)
        raise Gone()

    def _do_status(self, connection, request, code):
        self.tell(connection, request, int(code)) if int(code) not in (204, 304) else connection.answer(int(code))

    def _do_bytes(self, connection, request, n):
        n = int(n)
        connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nContent-Length: {n}\r\n\r\n")
        if request.method != "HEAD":
            self._send_pattern(connection, n)

    def _send_pattern(self, connection, n):
        while n > 0:
            connection.send(PATTERN[:n])
            n -= len(PATTERN)

    def _do_chunked(self, connection, request, n):
        connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(int(n)):
            piece = f"chunk-{i};"
            connection.send(f"{len(piece):x}\r\n{piece}\r\n")
        connection.send("0\r\n\r\n")

    def _do_drip(self, connection, request, n, ms):
        connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(int(n)):
            connection.send("1\r\nx\r\n")
            self.release.wait(int(ms) / 1000)
        connection.send("0\r\n\r\n")

    def _do_trailers(self, connection, request):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n")

    def _do_until_close(self, connection, request, n):
        connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\n\r\n")
        self._send_pattern(connection, int(n))
        connection.close()

    def _do_close(self, connection, request):
        connection.close()

    def _do_reset(self, connection, request):
        connection.reset()

    def _do_partial(self, connection, request, n):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {2 * int(n)}\r\n\r\n")
        self._send_pattern(connection, int(n))
        connection.close()

    def _do_partial_chunked(self, connection, request):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        connection.close()

    def _do_garbage(self, connection, request):
        connection.send("This is not HTTP at all\r\n\r\n")

    def _do_hints(self, connection, request):
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.tell(connection, request)

    def _do_keep_then_close(self, connection, request):
        self.tell(connection, request)
        connection.close()

    def _do_sink(self, connection, request):
        self.tell(connection, request)

    def _do_echo(self, connection, request):
        pieces = self.body_pieces(connection, request)
        chunked = (request.get("Transfer-Encoding") or "").lower() == "chunked"
        if chunked:
            connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pieces:
                connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            connection.send("0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in request.trailers) + "\r\n")
        else:
            connection.send(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nContent-Length: {request.get('Content-Length', 0)}\r\n\r\n")
            for piece in pieces:
                connection.send(piece)
        request.complete = True


def full_backlog():
    """A listening address that completes no further connection: its backlog is full. Returns (address, close)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(64):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.settimeout(0.05)
        try:
            filler.connect(listener.getsockname())
            fillers.append(filler)
        except (TimeoutError, socket.timeout):
            fillers.append(filler)
            break

    def close():
        for sock in [*fillers, listener]:
            sock.close()

    return f"127.0.0.1:{listener.getsockname()[1]}", close


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
