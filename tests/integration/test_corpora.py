"""X1-X3 on messages that other people wrote: the raw requests and answers in the tests of Go's net/http, fasthttp, hyper, httparse, h11 and
Python's http (tests/support/corpora.py). A reading by the RFC, written here and from nothing else of ours, says what is legal."""
import re

import pytest
from client import Client, Closed
from corpora import messages
from test_cases import as_read_by_a_strict_client, proxy_before_an_origin
from waiting import wait_until

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
CHUNK_EXTENSION = rb"(?:[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb'|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*'
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")
# Wider than RFC 3986: brackets, bars, quotes and bad percents are sent by well-meant clients, and go on as they came.
TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
ABSOLUTE = re.compile(rb"https?://([^/?#]+)([/?][\x21\x22\x24-\x7e]*)?", re.I)


class Illegal(Exception):
    pass


class Incomplete(Exception):
    pass


class Reading:
    """RFC 9112 and 9110, nothing repaired."""

    def __init__(self, data):
        self.rest = data

    def line(self):
        line, end, rest = self.rest.partition(b"\r\n")
        if b"\n" in line or b"\r" in line:
            raise Illegal("line end")
        if not end:
            raise Incomplete
        self.rest = rest
        return line

    def exactly(self, n):
        if len(self.rest) < n:
            raise Incomplete
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def fields(self):
        fields = []
        while line := self.line():
            match = re.fullmatch(rb"(" + TOKEN + rb"):[ \t]*(" + VALUE + rb"?)[ \t]*", line)
            if not match:
                raise Illegal(f"field {line!r}")
            fields.append((match[1].lower(), match[2].strip(b" \t")))
        return fields

    def framing(self, fields, version):
        lengths = [v for k, v in fields if k == b"content-length"]
        codings = [v for k, v in fields if k == b"transfer-encoding"]
        if codings and (lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or version == b"1.0"):
            raise Illegal("framing")
        if lengths and (len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0])):
            raise Illegal("length")
        return "chunked" if codings else int(lengths[0]) if lengths else None

    def chunked(self):
        body = b""
        while True:
            match = re.fullmatch(rb"([0-9A-Fa-f]{1,16})" + CHUNK_EXTENSION, self.line())
            if not match:
                raise Illegal("chunk")
            size = int(match[1], 16)
            if size == 0:
                self.fields()
                return body
            body += self.exactly(size)
            if self.exactly(min(2, len(self.rest))) != b"\r\n":
                raise Illegal("chunk end")

    def request(self):
        """(method, body) of the next."""
        if self.rest.startswith(b"\r\n"):
            self.rest = self.rest[2:]  # RFC 9112, 2.2: one empty line before
        match = re.fullmatch(rb"(" + TOKEN + rb") (\S+) HTTP/(1\.[01])", self.line())
        if not match:
            raise Illegal("request line")
        method, target, version = match[1], match[2], match[3]
        fields = self.fields()
        hosts = [v for k, v in fields if k == b"host"]
        # An empty one may be served or refused (RFC 9112, 3.3); no http URI has one, and ours is a proxy for many hosts.
        if len(hosts) > 1 or (version == b"1.1" and not hosts) or not all(h and HOST.fullmatch(h) for h in hosts):
            raise Illegal("host")
        if not (TARGET.fullmatch(target) or ABSOLUTE.fullmatch(target) or (target == b"*" and method == b"OPTIONS")):
            raise Illegal("target")
        framing = self.framing(fields, version)
        return method, fields, self.chunked() if framing == "chunked" else self.exactly(framing or 0)

    def answer(self):
        match = re.fullmatch(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: " + VALUE + rb")?", self.line())
        if not match:
            raise Illegal("status line")
        fields, status = self.fields(), int(match[2])
        if status < 200:
            if status == 101:
                raise Illegal("101 that nobody asked for")
            return self.answer()
        framing = self.framing(fields, b"1." + match[1])
        if status in (204, 304):
            self.rest = b""  # what follows belongs to no answer
        elif framing == "chunked":
            self.chunked()
        elif framing is not None:
            self.exactly(framing)
        else:
            self.rest = b""
        return status


def legal_requests(data):
    """Those at the beginning that are legal and whole, and how the rest reads: "end", "illegal" or "incomplete"."""
    reading, found = Reading(data), []
    try:
        while reading.rest:
            found.append(reading.request())
            if any(k == b"connection" and b"close" in v.lower() for k, v in found[-1][1]):
                break
    except Illegal as why:
        return found, f"illegal: {why}"
    except Incomplete:
        return found, "incomplete"
    return found, "end"


@pytest.fixture(scope="module")
def proxy():
    with proxy_before_an_origin("1s") as daemon:
        yield daemon


REQUESTS = messages("request")
ANSWERS = messages("answer")


def test_the_corpora_are_there():
    assert len(REQUESTS) > 500 and len(ANSWERS) > 250, "./dev test unpacks them"
    whole = [legal_requests(data) for data in REQUESTS.values()]
    assert sum(bool(found) for found, _ in whole) > 150 and sum(bool(rest.startswith("illegal")) for _, rest in whole) > 150


@pytest.mark.parametrize("name", REQUESTS)
def test_X1_X2_requests_of_others(proxy, name):
    data = REQUESTS[name]
    legal, rest = legal_requests(data)
    proxy.origin.clear()
    statuses = []
    with Client(proxy.web, timeout=5) as client:
        client.send(data)
        methods = iter([m.decode() for m, _, _ in legal])
        try:
            for _ in range(len(legal) + 1):
                if len(statuses) == len(legal):
                    client.sock.shutdown(1)  # no more is to come
                statuses.append(client.read(next(methods, "GET")).status)
        except (Closed, OSError):
            pass
    wait_until(lambda: proxy.pool("blue")["in_flight"] == 0)
    print(name, data[:400], statuses, legal, rest)
    assert not proxy.origin.faults, proxy.origin.faults
    passed = [(w["method"].encode(), w["body"]) for w in proxy.origin.whole]
    assert passed == [(method, body) for method, _, body in legal], "what is legal reaches a backend once, and nothing else"
    served = [s for s in statuses if s < 400]
    assert len(served) >= len(legal), (len(legal), "legal ones")
    if rest != "end":
        assert len(served) == len(legal)


@pytest.mark.parametrize("name", ANSWERS)
def test_X3_answers_of_others(proxy, name):
    data = ANSWERS[name]
    try:
        reading = Reading(data)
        legal = reading.answer()
    except (Illegal, Incomplete) as why:
        legal = None
        print("illegal:", repr(why))
    proxy.origin.clear()
    proxy.origin.raw = (data, True)
    with Client(proxy.web, timeout=5) as client:
        client.send_request("GET", "/case")
        try:
            answer = client.read()
        except Closed:
            answer = None
    print(name, data[:400], legal, answer)
    if legal is None:
        assert answer is None or answer.status == 502
    else:
        wanted = as_read_by_a_strict_client({"bytes": data, "req_method": "GET"})
        assert answer is not None and (answer.status, answer.body) == (wanted.status, wanted.body)
    with Client(proxy.web) as client:
        assert client.request(target="/after").body == b"you asked for /after"
