"""A backend that trusts nobody: what is not in canonical form is a fault."""
import re
import socket
import threading

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/1\.1")
FIELD = re.compile(rb"(" + TOKEN + rb"): ?([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|)")


class NotCanonical(Exception):
    pass


class StrictReader:
    """Reads requests as a backend that trusts nobody; whatever is not canonical is noted."""

    def __init__(self, sock):
        self.sock, self.buffer, self.begun = sock, b"", False

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data
        self.begun = True

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise NotCanonical(f"line end of {line!r}")
        return line[:-1]

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def fields(self):
        fields = []
        while line := self.line():
            match = FIELD.fullmatch(line)
            if not match:
                raise NotCanonical(f"field line {line!r}")
            fields.append((match[1].lower().decode(), match[2]))
        return fields

    def request(self):
        self.begun = bool(self.buffer)
        start = self.line()
        match = REQUEST_LINE.fullmatch(start)
        if not match:
            raise NotCanonical(f"request line {start!r}")
        fields = self.fields()
        values = lambda name: [v for k, v in fields if k == name]  # noqa: E731
        if len(values("host")) != 1:
            raise NotCanonical(f"{values('host')} as Host")
        lengths, codings = values("content-length"), values("transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise NotCanonical(f"framed by {lengths} and {codings}")
        body, trailers = b"", []
        if codings:
            if codings[0] != b"chunked":
                raise NotCanonical(f"Transfer-Encoding {codings[0]!r}")
            while True:
                size = self.line()
                if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
                    raise NotCanonical(f"chunk size {size!r}")
                if int(size, 16) == 0:
                    break
                body += self.exactly(int(size, 16))
                if self.exactly(2) != b"\r\n":
                    raise NotCanonical("chunk end")
            trailers = self.fields()
        elif lengths:
            if not re.fullmatch(rb"0|[1-9][0-9]*", lengths[0]):
                raise NotCanonical(f"Content-Length {lengths[0]!r}")
            body = self.exactly(int(lengths[0]))
        return {"method": match[1].decode(), "target": match[2].decode("latin1"), "fields": fields, "body": body, "trailers": trailers}


class Origin:
    """Answers every whole request with its target in the body, or with what `raw` says; notes everything."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.whole, self.begun, self.faults = [], 0, []
        self.open = 0
        self.raw = None  # (bytes, close afterwards) for targets that begin with /case
        self.first_sent, self.second_sent, self.second = [], [], threading.Event()  # the answer to /case-cut-N: what comes after N bytes is sent when this is set
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        reader = StrictReader(sock)
        self.open += 1
        try:
            while True:
                request = reader.request()
                self.whole.append(request)
                if self.raw and request["target"].startswith("/case"):
                    data, close = self.raw
                    if request["target"].startswith("/case-cut-"):
                        at = int(request["target"].rsplit("-", 1)[1])
                        sock.sendall(data[:at])
                        self.first_sent.append(at)
                        self.second.wait(10)
                        self.second_sent.append(at)
                        data = data[at:]
                    sock.sendall(data)
                    if close:
                        return
                    continue
                body = b"" if request["method"] == "HEAD" else b"you asked for " + request["target"].encode("latin1")
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except NotCanonical as fault:
            self.faults.append(str(fault))
        except (EOFError, OSError):
            self.begun += reader.begun
        finally:
            self.open -= 1
            sock.close()

    def clear(self):
        self.whole, self.faults, self.begun, self.raw, self.first_sent, self.second_sent = [], [], 0, None, [], []
