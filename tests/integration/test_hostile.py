"""X1-X3 against malice: answers of backends and requests of clients that are meant to confuse, each whole and byte by byte, with the
same verdict; messages that end too early. Own rows, beside those of test_cases.py; test_segments.py cuts both at every offset."""
import pathlib
import shutil
import socket
import tempfile
import threading

import pytest
from client import Client, Closed
from sluice import Sluice, config_of, service
from strict import NotCanonical, StrictReader
from waiting import wait_until

OK = b"HTTP/1.1 200 OK\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED"


class Script(threading.Thread):
    """A backend on one port. /case is answered with `pieces`, then the connection ends or stays; everything else gets its own
    target in the body. It notes what came, and whether the proxy closed a connection that had answered /case."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.pieces, self.then_close = [], False
        self.played = threading.Event()
        self.whole, self.faults, self.cut_short, self.closed = [], [], 0, 0
        self.start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        reader, hostile = StrictReader(sock), False
        try:
            while True:
                request = reader.request()
                self.whole.append(request)
                if request["target"] != "/case":
                    body = request["target"].encode("latin1")
                    sock.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + (b"" if request["method"] == "HEAD" else body))
                    continue
                hostile = True
                for piece in self.pieces:
                    sock.sendall(piece)
                self.played.set()
                if self.then_close:
                    sock.shutdown(socket.SHUT_WR)
        except NotCanonical as fault:
            self.faults.append(str(fault))
        except (EOFError, OSError):
            self.closed += hostile
            self.cut_short += reader.begun and bool(reader.buffer or not hostile)
        finally:
            sock.close()

    def play(self, pieces, then_close=False):
        self.pieces, self.then_close = pieces, then_close
        self.played.clear()
        self.whole, self.faults, self.cut_short, self.closed = [], [], 0, 0


@pytest.fixture(scope="module")
def proxy():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-hostile-"))
    script = Script()
    config = config_of({"api": service({"blue": [script.address]}, retries={"attempts": 1}, outlier={"consecutive_errors": 0},
                                       timeouts={"response": "2s"})})
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": "2s", "body_timeout": "2s"}]
    daemon = Sluice(folder / "d", config)
    daemon.script, daemon.web = script, daemon.address()
    yield daemon
    daemon.finish()
    script.listener.close()
    shutil.rmtree(folder, ignore_errors=True)


def ways(data):
    """Whole, and byte by byte unless it is long."""
    yield [data]
    if 0 < len(data) <= 600:
        yield [data[i:i + 1] for i in range(len(data))]


# -- answers

def answer(fields=b"", body=b"", start=OK):
    return start + fields + b"\r\n" + body


def chunked(body):
    return answer(b"Transfer-Encoding: chunked\r\n", body)


# Each is 502, or the answer breaks off; the connection that it came over is not used again.
BAD_ANSWERS = {
    "two-lengths": answer(b"Content-Length: 2\r\nContent-Length: 8\r\n", b"okpoison"),
    "two-lengths-apart": answer(b"Content-Length: 2\r\nX: y\r\ncontent-length: 3\r\n", b"ok!"),
    "length-list": answer(b"Content-Length: 2, 3\r\n", b"ok!"),
    "length-plus": answer(b"Content-Length: +2\r\n", b"ok"),
    "length-minus": answer(b"Content-Length: -2\r\n", b"ok"),
    "length-hex": answer(b"Content-Length: 0x2\r\n", b"ok"),
    "length-float": answer(b"Content-Length: 2.0\r\n", b"ok"),
    "length-words": answer(b"Content-Length: two\r\n", b"ok"),
    "length-inner-space": answer(b"Content-Length: 1 2\r\n", b"ok"),
    "length-2^63": answer(b"Content-Length: 9223372036854775808\r\n", b"ok"),
    "length-2^64+2": answer(b"Content-Length: 18446744073709551618\r\n", b"ok"),
    "length-empty": answer(b"Content-Length:\r\n", b"ok"),
    "length-nbsp": answer(b"Content-Length: 2\xa0\r\n", b"ok"),
    "length-and-chunked": answer(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + POISON),
    "chunked-and-length": answer(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + POISON),
    "coding-unknown": answer(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "coding-twice": answer(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "coding-list": answer(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "coding-not-last": answer(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"),
    "coding-identity": answer(b"Transfer-Encoding: identity\r\n", b"ok"),
    "coding-quoted": answer(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "coding-parameter": answer(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"),
    "coding-empty": answer(b"Transfer-Encoding: \r\n", b"0\r\n\r\n"),
    "coding-vertical-tab": answer(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "coding-in-1.0": answer(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"HTTP/1.0 200 OK\r\n"),
    "chunk-size-word": chunked(b"ok\r\nok\r\n0\r\n\r\n"),
    "chunk-size-empty": chunked(b"\r\nok\r\n0\r\n\r\n"),
    "chunk-size-prefix": chunked(b"0x2\r\nok\r\n0\r\n\r\n"),
    "chunk-size-sign": chunked(b"+2\r\nok\r\n0\r\n\r\n"),
    "chunk-size-minus": chunked(b"-2\r\nok\r\n0\r\n\r\n"),
    "chunk-size-space-before": chunked(b" 2\r\nok\r\n0\r\n\r\n"),
    "chunk-size-space-after": chunked(b"2 \r\nok\r\n0\r\n\r\n"),
    "chunk-size-underscore": chunked(b"0_2\r\nok\r\n0\r\n\r\n"),
    "chunk-size-overflow": chunked(b"10000000000000002\r\nok\r\n0\r\n\r\n"),
    "chunk-size-2^63": chunked(b"8000000000000000\r\nok\r\n0\r\n\r\n"),
    "chunk-line-lf": chunked(b"2\nok\r\n0\r\n\r\n"),
    "chunk-line-cr": chunked(b"2\rXok\r\n0\r\n\r\n"),
    "chunk-data-lf": chunked(b"2\r\nok\n0\r\n\r\n"),
    "chunk-data-long": chunked(b"2\r\nok!\r\n0\r\n\r\n"),
    "chunk-data-short": chunked(b"3\r\nok\r\n0\r\n\r\n"),
    "chunk-no-end": chunked(b"2\r\nok0\r\n\r\n"),
    "chunk-extension-none": chunked(b"2;\r\nok\r\n0\r\n\r\n"),
    "chunk-extension-lf": chunked(b"2;a\nX\r\nok\r\n0\r\n\r\n"),
    "chunk-extension-control": chunked(b"2;a=\x01\r\nok\r\n0\r\n\r\n"),
    "chunk-extension-flood": chunked(b"2;" + b"a" * 40_000 + b"\r\nok\r\n0\r\n\r\n"),
    "chunk-zeros": chunked(b"0" * 40_000 + b"2\r\nok\r\n0\r\n\r\n"),
    "trailer-fold": chunked(b"0\r\nX: a\r\n b\r\n\r\n"),
    "trailer-lf": chunked(b"0\r\nX: a\n\r\n"),
    "trailer-no-colon": chunked(b"0\r\nX\r\n\r\n"),
    "trailer-flood": chunked(b"0\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 2000 + b"\r\n"),
    "end-lf": chunked(b"2\r\nok\r\n0\r\n\n"),
    "end-cr": chunked(b"2\r\nok\r\n0\r\n\rX"),
    "line-lf": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
    "field-lf": answer(b"Content-Length: 2\n", b"ok"),
    "all-lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "cr-in-value": answer(b"X: a\rSet-Cookie: b\r\nContent-Length: 2\r\n", b"ok"),
    "cr-before-end": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\r\nok",
    "nul-in-value": answer(b"X: a\0b\r\nContent-Length: 2\r\n", b"ok"),
    "nul-in-name": answer(b"X\0: a\r\nContent-Length: 2\r\n", b"ok"),
    "nul-first": b"\0" + answer(b"Content-Length: 2\r\n", b"ok"),
    "control-in-value": answer(b"X: \x1b[31m\r\nContent-Length: 2\r\n", b"ok"),
    "delete-in-value": answer(b"X: \x7f\r\nContent-Length: 2\r\n", b"ok"),
    "fold": answer(b"X: a\r\n b\r\nContent-Length: 2\r\n", b"ok"),
    "fold-tab": answer(b"X: a\r\n\tContent-Length: 9\r\nContent-Length: 2\r\n", b"ok"),
    "fold-first": b"HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 2\r\n\r\nok",
    "name-empty": answer(b": a\r\nContent-Length: 2\r\n", b"ok"),
    "name-space": answer(b"Content-Length : 2\r\n", b"ok"),
    "name-inner-space": answer(b"Content Length: 2\r\n", b"ok"),
    "name-8-bit": answer(b"X\xe9: a\r\nContent-Length: 2\r\n", b"ok"),
    "no-colon": answer(b"garbage\r\nContent-Length: 2\r\n", b"ok"),
    "head-flood": answer(b"X: y\r\n" * 5000 + b"Content-Length: 2\r\n", b"ok"),
    "value-flood": answer(b"X: " + b"y" * 200_000 + b"\r\nContent-Length: 2\r\n", b"ok"),
    "reason-flood": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 200 " + b"O" * 100_000 + b"\r\n"),
    "status-two-digits": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 20 OK\r\n"),
    "status-four-digits": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 2000 OK\r\n"),
    "status-zero": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 000 OK\r\n"),
    "status-600": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 600 OK\r\n"),
    "status-sign": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 -20 OK\r\n"),
    "status-words": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 OK 200\r\n"),
    "status-missing": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1\r\n"),
    "version-2": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/2 200 OK\r\n"),
    "version-1.2": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.2 200 OK\r\n"),
    "version-long": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.10 200 OK\r\n"),
    "version-lower": answer(b"Content-Length: 2\r\n", b"ok", b"http/1.1 200 OK\r\n"),
    "protocol": answer(b"Content-Length: 2\r\n", b"ok", b"SIP/2.0 200 OK\r\n"),
    "space-first": b" " + answer(b"Content-Length: 2\r\n", b"ok"),
    "empty-line-first": b"\r\n" + answer(b"Content-Length: 2\r\n", b"ok"),
    "tab-between": answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1\t200\tOK\r\n"),
    "html": b"<html><body>It works!</body></html>\r\n\r\n",
    "request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n",
    "h2-settings": b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\r\n",
    "redis": b"-ERR unknown command 'GET'\r\n\r\n",
    "interim-flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 200 + answer(b"Content-Length: 2\r\n", b"ok"),
    "hints-flood": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 200 + answer(b"Content-Length: 2\r\n", b"ok"),
    "interim-length": b"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nok" + answer(b"Content-Length: 2\r\n", b"ok"),
    "interim-chunked": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + answer(b"Content-Length: 0\r\n"),
    "switch-unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON,
    "switch-other": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + POISON,
    "connection-flood": answer(b"Connection: " + b", ".join(b"x%d" % i for i in range(40)) + b"\r\nContent-Length: 2\r\n", b"ok"),
}

# Incomplete: the backend closes behind them.
CUT_ANSWERS = {
    "nothing": b"",
    "half-a-line": b"HTTP/1.1 20",
    "line-only": OK,
    "half-a-field": OK + b"Content-Len",
    "no-end-of-head": OK + b"Content-Length: 2\r\n",
    "interim-only": b"HTTP/1.1 100 Continue\r\n\r\n",
    "short-length": answer(b"Content-Length: 10\r\n", b"half"),
    "no-body": answer(b"Content-Length: 10\r\n"),
    "chunk-size-only": chunked(b"5"),
    "chunk-half": chunked(b"5\r\nhal"),
    "no-last-chunk": chunked(b"4\r\nhalf\r\n"),
    "last-chunk-half": chunked(b"4\r\nhalf\r\n0\r\n"),
    "trailer-half": chunked(b"4\r\nhalf\r\n0\r\nX: y\r\n"),
}

# Odd, and right: (what is sent, what the client gets)
GOOD_ANSWERS = {
    "plain": (answer(b"Content-Length: 2\r\n", b"ok"), b"ok"),
    "tabs": (answer(b"Content-Length:\t2\t\r\n", b"ok"), b"ok"),
    "no-reason": (answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 200 \r\n"), b"ok"),
    "8-bit-reason": (answer(b"Content-Length: 2\r\n", b"ok", b"HTTP/1.1 200 \xe9\t!\r\n"), b"ok"),
    "empty-value": (answer(b"X:\r\nContent-Length: 2\r\n", b"ok"), b"ok"),
    "leading-zeros": (answer(b"Content-Length: 002\r\n", b"ok"), b"ok"),
    "chunks": (chunked(b"2\r\nok\r\n00A;a=b;c=\"d;\\\"\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n"), b"ok0123456789"),
    "upper-case": (answer(b"TRANSFER-ENCODING: CHUNKED\r\n", b"2\r\nok\r\n0\r\n\r\n"), b"ok"),
    "interims": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"Content-Length: 2\r\n", b"ok"), b"ok"),
    "no-content": (answer(start=b"HTTP/1.1 204 No Content\r\n"), b""),
    "not-modified": (answer(b"Content-Length: 100\r\n", start=b"HTTP/1.1 304 Not Modified\r\n"), b""),
}


def ask(proxy, pieces, then_close):
    """The answer to /case, or None when it broke off; and whether the client's next request got its own answer."""
    proxy.script.play(pieces, then_close)
    with Client(proxy.web, timeout=5) as client:
        try:
            client.send_request(target="/case")
            got = client.read()
        except Closed:
            return None
        if (got.get("Connection") or "").lower() != "close":
            assert client.request(target="/next").body == b"/next", "the client's connection is out of step"
        return got


def refused(proxy, data, then_close=False):
    for pieces in ways(data):
        got = ask(proxy, pieces, then_close)
        context = ([len(piece) for piece in pieces[:2]], got)
        assert got is None or got.status == 502, context
        assert got is None or b"POISON" not in got.body, context
        wait_until(lambda: proxy.script.closed >= 1, 5, "the proxy to close the connection to the backend", every=0.001)
    with Client(proxy.web, timeout=5) as client:
        assert client.request(target="/after").body == b"/after"


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_X3_bad_answers_are_502_or_break_off(proxy, name):
    refused(proxy, BAD_ANSWERS[name])


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_X3_answers_that_end_too_early_never_end_cleanly(proxy, name):
    refused(proxy, CUT_ANSWERS[name], then_close=True)


@pytest.mark.parametrize("name", GOOD_ANSWERS)
def test_X3_odd_answers_that_are_right(proxy, name):
    data, body = GOOD_ANSWERS[name]
    for pieces in ways(data):
        got = ask(proxy, pieces, False)
        assert got is not None and got.status in (200, 204, 304) and got.body == body, (len(pieces), len(pieces[0]), got)


@pytest.mark.parametrize("extra", [b"X", b"\r\n", POISON, b"0\r\n\r\n"], ids=["byte", "empty-line", "answer", "last-chunk"])
@pytest.mark.parametrize("head", ["GET", "HEAD"])
def test_X3_bytes_behind_an_answer_belong_to_nobody(proxy, head, extra):
    """Extra bytes after a body, with it or late, on a connection that was kept: it is closed, nobody reads them."""
    good = answer(b"Content-Length: 2\r\n", b"ok" if head == "GET" else b"")
    for pieces in ([good + extra], [good, extra]):
        proxy.script.play(pieces)
        with Client(proxy.web, timeout=5) as client:
            client.send_request(head, "/case")
            assert client.read(head).status == 200
            assert proxy.script.played.wait(5)  # what comes behind the next request cannot be told from its answer
            for i in range(3):
                assert client.request(target=f"/own-{i}").body == b"/own-%d" % i
        wait_until(lambda: proxy.script.closed == 1, 5, "the poisoned connection to be closed", every=0.001)


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_X3_a_cut_answer_is_no_whole_one_for_an_http10_client_either(proxy, name):
    """Its end is the connection's end, so only a reset can tell that something is missing."""
    proxy.script.play([CUT_ANSWERS[name]], True)
    with Client(proxy.web, timeout=5) as client:
        client.send("GET /case HTTP/1.0\r\nHost: a\r\n\r\n")
        data, reset = b"", False
        try:
            while piece := client.sock.recv(65536):
                data += piece
        except ConnectionResetError:
            reset = True
    assert reset or data.startswith(b"HTTP/1.1 502") or b"Content-Length: 10\r\n" in data, data


# -- requests

def post(fields, body=b""):
    return b"POST /case HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + body


def get(fields=b"", line=b"GET /case HTTP/1.1", host=b"Host: a\r\n"):
    return line + b"\r\n" + host + fields + b"\r\n"


BAD_REQUESTS = {
    "length-and-chunked": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nG"),
    "coding-case-and-length": post(b"tRANSFER-eNCODING: CHUNKED\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "coding-vertical-tab": post(b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"),
    "coding-form-feed": post(b"Transfer-Encoding: \x0cchunked\r\n", b"0\r\n\r\n"),
    "coding-nbsp": post(b"Transfer-Encoding:\xa0chunked\r\n", b"0\r\n\r\n"),
    "coding-nel": post(b"Transfer-Encoding\x85: chunked\r\n", b"0\r\n\r\n"),
    "coding-quotes": post(b"Transfer-Encoding: 'chunked'\r\n", b"0\r\n\r\n"),
    "coding-x": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "coding-comma": post(b"Transfer-Encoding: chunked,\r\n", b"0\r\n\r\n"),
    "coding-trailing-junk": post(b"Transfer-Encoding: chunked \x00\r\n", b"0\r\n\r\n"),
    "coding-two-fields": post(b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "coding-fold": post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "coding-fold-behind": post(b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
    "coding-bare-cr": post(b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "coding-bare-lf": post(b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "coding-1.0": b"POST /case HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-space-before": post(b" Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "coding-space-colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "length-space-colon": post(b"Content-Length : 1\r\n", b"x"),
    "length-list-same": post(b"Content-Length: 1, 1\r\n", b"x"),
    "length-arabic": post("Content-Length: \u0661\r\n".encode(), b"x"),
    "length-exponent": post(b"Content-Length: 1e0\r\n", b"x"),
    "length-minus-zero": post(b"Content-Length: -0\r\n"),
    "length-comma-first": post(b"Content-Length: ,1\r\n", b"x"),
    "length-semicolon": post(b"Content-Length: 1;\r\n", b"x"),
    "chunk-lf": post(b"Transfer-Encoding: chunked\r\n", b"1\nx\r\n0\r\n\r\n"),
    "chunk-cr-x": post(b"Transfer-Encoding: chunked\r\n", b"1\rZx\r\n0\r\n\r\n"),
    "chunk-end-xx": post(b"Transfer-Encoding: chunked\r\n", b"1\r\nxXX0\r\n\r\n"),
    "chunk-end-lf": post(b"Transfer-Encoding: chunked\r\n", b"1\r\nx\n0\r\n\r\n"),
    "chunk-spill": post(b"Transfer-Encoding: chunked\r\n", b"1\r\nxyz\r\n0\r\n\r\n"),
    "chunk-extension-lf": post(b"Transfer-Encoding: chunked\r\n", b"1;\nxx\r\nx\r\n0\r\n\r\n"),
    "chunk-extension-cr": post(b"Transfer-Encoding: chunked\r\n", b"1;a=\rb\r\nx\r\n0\r\n\r\n"),
    "chunk-bare-semicolon": post(b"Transfer-Encoding: chunked\r\n", b"1;\r\nx\r\n0\r\n\r\n"),
    "chunk-extension-quote-open": post(b"Transfer-Encoding: chunked\r\n", b"1;a=\"\r\nx\r\n0\r\n\r\n"),
    "chunk-hex-prefix": post(b"Transfer-Encoding: chunked\r\n", b"0x1\r\nx\r\n0\r\n\r\n"),
    "chunk-leading-space": post(b"Transfer-Encoding: chunked\r\n", b" 1\r\nx\r\n0\r\n\r\n"),
    "chunk-overflow": post(b"Transfer-Encoding: chunked\r\n", b"100000000000000001\r\nx\r\n0\r\n\r\n"),
    "trailer-space-colon": post(b"Transfer-Encoding: chunked\r\n", b"0\r\nX : y\r\n\r\n"),
    "trailer-nul": post(b"Transfer-Encoding: chunked\r\n", b"0\r\nX: \0\r\n\r\n"),
    "no-host": get(host=b""),
    "two-hosts": get(b"Host: a\r\n"),
    "host-list": get(host=b"Host: a, b\r\n"),
    "host-userinfo": get(host=b"Host: u@a\r\n"),
    "host-path": get(host=b"Host: a/b\r\n"),
    "host-port-word": get(host=b"Host: a:http\r\n"),
    "host-port-large": get(host=b"Host: a:65536\r\n"),
    "host-empty": get(host=b"Host: \r\n"),
    "host-fold": get(host=b"Host: a\r\n b\r\n"),
    "host-nul": get(host=b"Host: a\0b\r\n"),
    "host-space-first": get(host=b" Host: a\r\n"),
    "line-two-spaces": get(line=b"GET  /case HTTP/1.1"),
    "line-tab": get(line=b"GET\t/case\tHTTP/1.1"),
    "line-trailing-space": get(line=b"GET /case HTTP/1.1 "),
    "line-leading-space": get(line=b" GET /case HTTP/1.1"),
    "line-no-version": get(line=b"GET /case"),
    "line-lower-version": get(line=b"GET /case http/1.1"),
    "line-version-1.10": get(line=b"GET /case HTTP/1.10"),
    "line-version-01.1": get(line=b"GET /case HTTP/01.1"),
    "line-version-comma": get(line=b"GET /case HTTP/1,1"),
    "line-version-2": get(line=b"GET /case HTTP/2.0"),
    "line-http2-preface-almost": b"PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n",
    "line-connect": get(line=b"CONNECT a:443 HTTP/1.1"),
    "line-method-bracket": get(line=b"G[T /case HTTP/1.1"),
    "line-method-colon": get(line=b"GET: /case HTTP/1.1"),
    "line-target-empty": get(line=b"GET  HTTP/1.1"),
    "line-target-relative": get(line=b"GET case HTTP/1.1"),
    "line-target-fragment": get(line=b"GET /case#x HTTP/1.1"),
    "line-target-nul": get(line=b"GET /case\0 HTTP/1.1"),
    "line-target-8-bit": get(line=b"GET /case\xe9 HTTP/1.1"),
    "line-target-cr": get(line=b"GET /case\r/x HTTP/1.1"),
    "line-target-scheme": get(line=b"GET gopher://a/ HTTP/1.1"),
    "line-target-no-authority": get(line=b"GET http:///case HTTP/1.1"),
    "line-target-userinfo": get(line=b"GET http://u:p@a/case HTTP/1.1"),
    "line-asterisk": get(line=b"GET * HTTP/1.1"),
    "line-lf": b"GET /case HTTP/1.1\nHost: a\r\n\r\n",
    "head-lf": b"GET /case HTTP/1.1\r\nHost: a\n\r\n",
    "end-lf": b"GET /case HTTP/1.1\r\nHost: a\r\n\n",
    "end-cr": b"GET /case HTTP/1.1\r\nHost: a\r\n\rX",
    "all-cr": b"GET /case HTTP/1.1\rHost: a\r\r\n\r\n",
    "name-empty": get(b": x\r\n"),
    "name-none": get(b"junk\r\n"),
    "name-8-bit": get(b"X\xff: y\r\n"),
    "name-nul": get(b"X\0: y\r\n"),
    "name-parenthesis": get(b"(X): y\r\n"),
    "value-nul": get(b"X: a\0b\r\n"),
    "value-escape": get(b"X: \x1b\r\n"),
    "value-delete": get(b"X: \x7f\r\n"),
    "value-cr": get(b"X: a\rb\r\n"),
    "leading-lf": b"\n" + get(),
    "leading-cr": b"\r" + get(),
    "leading-many": b"\r\n" * 20 + get(),
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40 + b"\r\n\r\n",
    "expect-other": post(b"Expect: 200-ok\r\nContent-Length: 1\r\n", b"x"),
    "trace-body": b"TRACE /case HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_X2_bad_requests_reach_nobody(proxy, name):
    """400 to 505 and a closed connection, however the bytes come; no backend gets a whole request."""
    data, statuses = BAD_REQUESTS[name], set()
    for pieces in ways(data):
        proxy.script.play([answer(b"Content-Length: 2\r\n", b"ok")])
        with Client(proxy.web, timeout=5) as client:
            try:
                for piece in pieces:
                    client.send(piece)
            except OSError:
                pass  # refused before it was all sent
            statuses.add(client.read().status)
            assert client.closed(3) and client.buffer == b"", "one answer, then the end"
        assert not proxy.script.whole and not proxy.script.faults, (proxy.script.whole, proxy.script.faults)
    assert len(statuses) == 1 and 400 <= statuses.pop() <= 505


CUT_REQUESTS = {
    "length": post(b"Content-Length: 10\r\n", b"half"),
    "chunk": post(b"Transfer-Encoding: chunked\r\n", b"a\r\nhalf"),
    "no-last-chunk": post(b"Transfer-Encoding: chunked\r\n", b"4\r\nhalf\r\n"),
    "last-chunk-half": post(b"Transfer-Encoding: chunked\r\n", b"4\r\nhalf\r\n0\r\n"),
    "trailer-half": post(b"Transfer-Encoding: chunked\r\n", b"4\r\nhalf\r\n0\r\nX: y\r\n"),
}


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("name", CUT_REQUESTS)
def test_X3_requests_that_end_too_early_never_look_whole(proxy, name, how):
    proxy.script.play([answer(b"Content-Length: 2\r\n", b"ok")])
    with Client(proxy.web, timeout=5) as client:
        client.send(CUT_REQUESTS[name])
        if how == "rst":
            client.reset()
        else:
            client.sock.shutdown(socket.SHUT_WR)
            assert client.closed(5)
    with Client(proxy.web, timeout=5) as client:
        assert client.request(target="/after").body == b"/after"
    wait_until(lambda: proxy.pool("blue")["in_flight"] == 0, 5, "nothing in flight")
    assert [w["target"] for w in proxy.script.whole] == ["/after"] and not proxy.script.faults


def test_X2_smuggled_requests_are_never_seen(proxy):
    """The classic pairs, followed by an honest request of another client: no backend sees /evil."""
    evil = b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
    pairs = [post(b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % (5 + len(evil)), b"0\r\n\r\n" + evil),
             post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"1e\r\n" + evil + b"\r\n0\r\n\r\n"),
             post(b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n", b"0\r\n\r\n" + evil),
             post(b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(evil), evil),
             post(b"Content-Length: +0\r\n", evil), post(b"Transfer-Encoding: identity\r\n", evil),
             get(b"Content-Length: %d\r\n\tX: y\r\n" % len(evil)) + evil,
             get(b"Connection: Content-Length\r\nContent-Length: %d\r\n" % len(evil)) + evil,
             get(b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n") + b"%x\r\n" % len(evil) + evil + b"\r\n0\r\n\r\n",
             get(b"Content_Length: %d\r\nContent-Length: 0\r\n" % len(evil), line=b"GET /case HTTP/1.0") + evil]
    for data in pairs:
        proxy.script.play([answer(b"Content-Length: 2\r\n", b"ok")])
        with Client(proxy.web, timeout=5) as bad, Client(proxy.web, timeout=5) as good:
            bad.send(data)
            bad.read()
            assert good.request(target="/honest").body == b"/honest"
        assert not proxy.script.faults
        assert b"/evil" not in [w["target"].encode() for w in proxy.script.whole], data


def test_the_proxy_is_well_after_all_of_it(proxy):
    proxy.script.play([])
    wait_until(lambda: proxy.pool("blue")["in_flight"] == 0, what="nothing in flight")
    with Client(proxy.web) as client:
        for i in range(20):
            assert client.request(target=f"/{i}").body == b"/%d" % i
