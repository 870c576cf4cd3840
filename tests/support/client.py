"""An HTTP/1.1 client that hides nothing: raw bytes out, answers parsed strictly, one connection per object."""
import contextlib
import socket
import time


class Closed(Exception):
    """The peer closed or reset the connection before the whole answer was there."""


class Answer:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""
        self.chunks = []
        self.trailers = []
        self.interim = []
        self.framing = "none"
        self.received = None

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        return f"<Answer {self.status} {self.headers} {self.body[:200]!r}>"


class Client:
    """One connection. `address` is "host:port" or a path of a unix socket."""

    def __init__(self, address, timeout=10.0, rcvbuf=None):
        if address.startswith("/"):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.settimeout(timeout)
            if rcvbuf:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            self.sock.connect((host.strip("[]"), int(port)))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def timeout(self, seconds):
        self.sock.settimeout(seconds)

    # -- sending

    def send(self, data):
        self.sock.sendall(data.encode("latin1") if isinstance(data, str) else data)

    def send_request(self, method="GET", target="/", headers=(), body=None, host="test.local", version="1.1"):
        self.send(request_bytes(method, target, headers, body, host, version))

    def request(self, method="GET", target="/", headers=(), body=None, host="test.local"):
        self.send_request(method, target, headers, body, host)
        return self.read(method)

    # -- receiving

    def more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, n):
        if n > 1 << 20:
            return self._exactly_large(n)
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def _exactly_large(self, n):
        data = bytearray(self.buffer[:n])
        self.buffer = self.buffer[n:]
        while len(data) < n:
            piece = self.sock.recv(min(1 << 20, n - len(data)))
            if not piece:
                raise Closed("end of stream")
            data += piece
        return bytes(data)

    def fields(self):
        headers = []
        while line := self.line():
            name, colon, value = line.partition(b":")
            assert colon and name and name == name.strip(), f"bad field line {line!r}"
            headers.append((name.decode("latin1"), value.strip(b" \t").decode("latin1")))
        return headers

    def head(self):
        line = self.line()
        assert line.startswith(b"HTTP/1."), f"not a status line: {line!r}"
        parts = line.decode("latin1").split(" ", 2)
        return Answer(parts[0], int(parts[1]), parts[2] if len(parts) > 2 else "", self.fields())

    def read(self, method="GET"):
        """The next final answer, whole; interim ones (1xx) are in .interim."""
        interim = []
        while True:
            answer = self.head()
            if answer.status >= 200 or answer.status == 101:
                break
            interim.append(answer)
        answer.interim = interim
        if answer.status != 101:
            self.read_body(answer, method)
        answer.received = time.monotonic()
        return answer

    def read_body(self, answer, method="GET"):
        lengths, codings = answer.all("Content-Length"), answer.all("Transfer-Encoding")
        assert not (lengths and codings), f"two framings: {answer.headers}"
        assert len(lengths) <= 1 and len(codings) <= 1, f"doubled framing: {answer.headers}"
        if method == "HEAD" or answer.status in (204, 304):
            return
        if codings:
            assert codings[0].lower() == "chunked"
            answer.framing = "chunked"
            while size := int(self.line().split(b";")[0], 16):
                answer.chunks.append(self.exactly(size))
                assert self.exactly(2) == b"\r\n"
            answer.body = b"".join(answer.chunks)
            answer.trailers = self.fields()
        elif lengths:
            answer.framing = "length"
            answer.body = self.exactly(int(lengths[0]))
        else:
            answer.framing = "close"
            answer.body = self.rest()

    def rest(self):
        """Everything until the peer closes."""
        with contextlib.suppress(Closed):
            while True:
                self.more()
        data, self.buffer = self.buffer, b""
        return data

    def closed(self, timeout=5.0):
        """True when the peer closes (or resets) within the time; anything it sends before is kept."""
        self.sock.settimeout(timeout)
        try:
            self.rest_keeping()
            return True
        except (TimeoutError, socket.timeout):
            return False

    def rest_keeping(self):
        with contextlib.suppress(Closed):
            while True:
                self.more()


def request_bytes(method="GET", target="/", headers=(), body=None, host="test.local", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    items = headers.items() if isinstance(headers, dict) else headers
    lines += [f"{name}: {value}" for name, value in items]
    if body is not None:
        body = body.encode() if isinstance(body, str) else body
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin1") + (body or b"")


def fetch(address, method="GET", target="/", headers=(), body=None, host="test.local", timeout=10.0):
    """One request on a connection of its own."""
    with Client(address, timeout) as client:
        return client.request(method, target, headers, body, host)
