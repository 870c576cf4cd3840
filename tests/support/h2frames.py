"""HTTP/2 by hand: frames as they are told, sound or not, and what the peer makes of them. hpack (Debian) does the header blocks."""
import select
import socket
import ssl
import struct
import threading

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
ERRORS = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
          "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]


def latin(text):
    return text if isinstance(text, bytes) else text.encode("latin1")


class Answer:
    """What came on a stream."""

    def __init__(self):
        self.heads, self.body, self.reset, self.ended = [], b"", None, False

    status = property(lambda self: int(self.heads[0][":status"]) if self.heads else 0)
    head = property(lambda self: next((h for h in self.heads if h.get(":status", "")[:1] != "1"), {}))
    trailers = property(lambda self: self.heads[-1] if self.heads and ":status" not in self.heads[-1] else {})

    def __repr__(self):
        return f"<{self.heads} {self.body[:80]!r} reset={self.reset} ended={self.ended}>"


class Peer:
    """One connection. A thread reads; everything that came is there under the lock of `changed`."""

    def __init__(self, address, tls=None, settings=None, preface=PREFACE, credit=True, name="a.example", sock=None):
        host, port = address.rsplit(":", 1)
        self.sock = sock or socket.create_connection((host, int(port)), timeout=10)
        if tls:
            tls.set_alpn_protocols(["h2"])
            self.sock = tls.wrap_socket(self.sock, server_hostname=name)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.changed = threading.Condition()
        self.answers, self.goaway, self.closed, self.pongs, self.settings, self.credit = {}, None, False, 0, [], credit
        self.windows, self.frames, self.why = {}, 0, None
        self.answers_pings = True  # not within a block of fields, where no other frame may stand
        self.sending, self.using = threading.Lock(), threading.Lock()
        self.sock.setblocking(False)
        if preface:
            self.raw(preface + self.frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", k, v) for k, v in (settings or {}).items())))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.reader.join()  # its descriptor must not become another's
        self.sock.close()

    # --- out

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def raw(self, data):
        """False when the peer has closed."""
        try:
            with self.sending:
                while data:
                    sent = self.at_once(lambda: self.sock.send(data))
                    if sent is None:
                        select.select([], [self.sock], [], 0.05)
                    data = data[sent or 0:]
            return True
        except (OSError, ValueError):
            return False

    def at_once(self, step):
        """What the step gives; None: it would block. OpenSSL wants one thread at a time."""
        with self.using:
            try:
                return step()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None

    def send(self, kind, flags, stream, payload=b""):
        return self.raw(self.frame(kind, flags, stream, payload))

    def block(self, fields):
        return self.encoder.encode([(latin(name), latin(value)) for name, value in fields])

    def headers(self, stream, fields, end=True):
        return self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, self.block(fields))

    def request(self, stream, path="/", method="GET", scheme="http", host="a.example", more=(), end=True):
        return self.headers(stream, [(":method", method), (":scheme", scheme), (":authority", host), (":path", path), *more], end)

    def data(self, stream, data, end=False):
        return self.send(DATA, END_STREAM if end else 0, stream, latin(data))

    def window(self, stream, size):
        return self.send(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))

    # --- in

    def read(self):
        buffer = b""
        try:
            while True:
                while len(buffer) < 9 or len(buffer) < 9 + int.from_bytes(buffer[:3], "big"):
                    data = self.at_once(lambda: self.sock.recv(65536))
                    if data is None:
                        select.select([self.sock], [], [], 0.5)
                        continue
                    if not data:
                        raise OSError
                    buffer += data
                size = int.from_bytes(buffer[:3], "big")
                kind, flags, stream = buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big") & 0x7FFFFFFF
                payload, buffer = buffer[9:9 + size], buffer[9 + size:]
                with self.changed:
                    self.frames += 1
                    self.take(kind, flags, stream, payload)
                    self.changed.notify_all()
        except (OSError, ValueError) as error:
            self.why = error
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def take(self, kind, flags, stream, payload):
        answer = self.answers.setdefault(stream, Answer()) if stream else None
        if kind == HEADERS:
            assert flags & END_HEADERS and not flags & (PADDED | WITH_PRIORITY)
            answer.heads.append(dict((k, v) for k, v in self.decoder.decode(payload)))
            answer.ended |= bool(flags & END_STREAM)
        elif kind == DATA:
            assert not flags & PADDED
            answer.body += payload
            answer.ended |= bool(flags & END_STREAM)
            if self.credit and payload:
                self.window(0, len(payload))
                if not answer.ended:
                    self.window(stream, len(payload))
        elif kind == RST_STREAM:
            answer.reset = ERRORS[int.from_bytes(payload, "big")]
        elif kind == GOAWAY:
            self.goaway = (int.from_bytes(payload[:4], "big") & 0x7FFFFFFF, ERRORS[int.from_bytes(payload[4:8], "big")])
        elif kind == SETTINGS and not flags & ACK:
            self.settings.append({int.from_bytes(payload[i:i + 2], "big"): int.from_bytes(payload[i + 2:i + 6], "big") for i in range(0, len(payload), 6)})
            self.send(SETTINGS, ACK, 0)
        elif kind == PING:
            if flags & ACK:
                self.pongs += 1
            elif self.answers_pings:
                self.send(PING, ACK, 0, payload)
        elif kind == WINDOW_UPDATE:
            self.windows[stream or 0] = self.windows.get(stream or 0, 0) + int.from_bytes(payload, "big")

    def until(self, true, timeout=10):
        """Waits until true() holds; returns whether it does."""
        with self.changed:
            return self.changed.wait_for(true, timeout)

    def answer(self, stream, timeout=10):
        """The answer on `stream`, once it is over, one way or the other."""
        def over():
            answer = self.answers.get(stream)
            return self.closed or (answer and (answer.ended or answer.reset))
        assert self.until(over, timeout), f"no end of stream {stream}: {self.answers.get(stream)}, GOAWAY {self.goaway}"
        return self.answers.setdefault(stream, Answer())
