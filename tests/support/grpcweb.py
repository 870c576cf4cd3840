"""A browser's side of gRPC-Web, as PROTOCOL-WEB of gRPC has it: binary or base64, over HTTP/1.1 or HTTP/2. Messages are bytes."""
import base64
import struct

from client import Client, Closed
from h2frames import DATA, END_HEADERS, END_STREAM, HEADERS, Peer

MESSAGE = 0x00
TRAILERS = 0x80


def frame(message, kind=MESSAGE):
    return struct.pack(">BI", kind, len(message)) + message


def wire(messages, text=False):
    """A request's body. A text has its padding behind each message."""
    frames = [frame(message) for message in messages]
    return b"".join(base64.b64encode(one) for one in frames) if text else b"".join(frames)


class Http1:
    """One request on a connection that may serve others."""

    def __init__(self, address, connection=None):
        self.connection = connection or Client(address)

    def send(self, path, headers, body):
        self.connection.send_request("POST", path, headers, body)

    def head(self):
        self.answer = self.connection.head()
        self.left = int(self.answer.get("Content-Length", -1))
        return self.answer.status, {name.lower(): value for name, value in self.answer.headers}

    def piece(self):
        """What came next of the body; empty at its end."""
        if self.left >= 0:
            piece, self.left = self.connection.exactly(self.left), 0
            return piece
        size = int(self.connection.line(), 16)
        piece = self.connection.exactly(size)
        if size:
            assert self.connection.exactly(2) == b"\r\n"
        else:
            assert self.connection.fields() == [], "trailers belong into the body"
        return piece

    def close(self):
        self.connection.close()


class Http2:
    def __init__(self, address):
        self.peer, self.seen = Peer(address), 0

    def send(self, path, headers, body):
        """A body that is short comes with its head, in one write."""
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a.example"), (":path", path),
                  *((name.lower(), value) for name, value in headers)]
        data, whole = self.peer.frame, len(body) <= 16384
        first = data(DATA, END_STREAM, 1, body) if body and whole else b""
        self.peer.raw(data(HEADERS, END_HEADERS | (0 if body else END_STREAM), 1, self.peer.block(fields)) + first)
        sent = len(body) if whole else 0
        while sent < len(body):
            room = min(16384, len(body) - sent, *(65535 + self.peer.windows.get(stream, 0) - sent for stream in (0, 1)))
            if room > 0:
                self.peer.data(1, body[sent:sent + room], end=sent + room == len(body))
                sent += room
            else:
                assert self.peer.until(lambda: all(65535 + self.peer.windows.get(stream, 0) > sent for stream in (0, 1))), "no credit"

    answer = property(lambda self: self.peer.answers.get(1))

    def head(self):
        assert self.peer.until(lambda: self.peer.closed or (self.answer and (self.answer.status or self.answer.reset)))
        if not self.answer or not self.answer.status:
            raise Closed("no answer")
        return self.answer.status, self.answer.head

    def piece(self):
        assert self.peer.until(lambda: self.peer.closed or len(self.answer.body) > self.seen or self.answer.ended or self.answer.reset)
        with self.peer.changed:
            body, ended = self.answer.body, self.answer.ended
        piece, self.seen = body[self.seen:], len(body)
        if not piece and not ended:
            raise Closed(self.answer.reset or "closed")
        if not piece:
            assert not self.answer.trailers, "trailers belong into the body"
        return piece

    def close(self):
        self.peer.close()


class WebCall:
    """A call that was sent. next() gives its messages as they come; code and trailers are there after the last one."""

    def __init__(self, address, method, messages=(b"m",), text=False, h2=False, headers=(), connection=None, type=None, body=None):
        self.text = text
        self.type = type or ("application/grpc-web-text+proto" if text else "application/grpc-web+proto")
        self.link = Http2(address) if h2 else Http1(address, connection)
        self.link.send(method, [("Content-Type", self.type), ("Accept", self.type), ("X-Grpc-Web", "1"), *headers],
                       wire(messages, text) if body is None else body)
        self.bytes, self.letters, self.trailers, self.over = b"", b"", None, False
        self.status = None

    def head(self):
        if self.status is None:
            self.status, self.headers = self.link.head()
        return self

    def _more(self):
        piece = self.link.piece()
        self.over = not piece
        if self.text and self.headers.get("content-type", "").startswith("application/grpc-web-text"):
            self.letters += piece
            groups = len(self.letters) // 4 * 4
            whole, self.letters = self.letters[:groups], self.letters[groups:]
            piece = b"".join(base64.b64decode(whole[at:at + 4], validate=True) for at in range(0, groups, 4))
        self.bytes += piece

    def __iter__(self):
        return self

    def __next__(self):
        """A message that is whole is there at once: no letter of the next one is needed to read it."""
        self.head()
        while not self.over:
            if len(self.bytes) >= 5:
                kind, size = struct.unpack(">BI", self.bytes[:5])
                if len(self.bytes) >= 5 + size:
                    content, self.bytes = self.bytes[5:5 + size], self.bytes[5 + size:]
                    if kind == MESSAGE:
                        return content
                    self._end(kind, content)
                    continue
            self._more()
        assert not self.bytes and not self.letters, f"something is left: {self.bytes!r} {self.letters!r}"
        raise StopIteration

    def _end(self, kind, content):
        assert kind == TRAILERS and self.trailers is None and not self.bytes, "the last frame, and one of it"
        lines = content.decode("ascii").split("\r\n")
        assert lines.pop() == ""
        self.trailers = dict(line.split(": ", 1) for line in lines)

    def all(self):
        return list(self)

    @property
    def code(self):
        """grpc-status, which stands in one place; None: nowhere. Reads to the end."""
        self.all()
        said = [place["grpc-status"] for place in (self.headers, self.trailers or {}) if "grpc-status" in place]
        assert len(said) <= 1, f"said twice: {self.headers} {self.trailers}"
        return int(said[0]) if said else None

    @property
    def details(self):
        return (self.trailers or self.headers).get("grpc-message")

    def close(self):
        self.link.close()
