"""X8: the corpus of requests over HTTP/2 (../shared/cases, where it is there) against the running proxy, in clear and behind TLS.

What is refused reaches no backend whole; what is accepted arrives there as HTTP/1.1 in canonical form, exactly once, and a plain
request behind it gets its own answer."""
import fnmatch
import json
import pathlib
import shutil
import struct
import tempfile
import time

import h2frames
import pytest
from h2frames import Peer, latin
from sluice import ROOT, Sluice, config_of, service
from strict import Origin
from tls import Authority
from waiting import wait_until

PATH = ROOT.parent / "shared/cases/http2_requests.jsonl"
ROWS = [json.loads(line) for line in PATH.read_text().splitlines()] if PATH.exists() else []


@pytest.fixture(scope="module")
def proxy():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-h2-"))
    origin = Origin()
    ca = Authority(folder / "tls")
    pair = ca.issue("web", "a.example", "127.0.0.1")
    config = config_of({"api": service({"blue": [origin.address]}, retries={"attempts": 1}, outlier={"consecutive_errors": 0},
                                       timeouts={"response": "2s", "connect": "5s"})})
    limits = {"header_timeout": "2s", "body_timeout": "2s"}
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", **limits},
                           {"name": "tls", "bind": "127.0.0.1:0", **limits, "tls": {"certificates": [{"cert": str(pair[0]), "key": str(pair[1])}], "check_host": False}}]
    daemon = Sluice(folder / "d", config)
    daemon.origin, daemon.ca = origin, ca
    yield daemon
    daemon.finish()
    origin.listener.close()
    shutil.rmtree(folder, ignore_errors=True)


class Player:
    """Sends a case's frames, and tells what came of it."""

    def __init__(self, peer, scheme, row):
        self.peer, self.scheme, self.held, self.used = peer, scheme, b"", {1}
        if "frames" in row:
            for frame in row["frames"]:
                getattr(self, frame["t"].lower())(frame)
        else:
            body = row.get("body")
            self.headers({"headers": row["headers"], "es": body is None})
            if body is not None:
                self.data({"data": body, "es": True})

    def fields(self, frame):
        return [(name, value.replace("{scheme}", self.scheme)) for name, value in frame["headers"]]

    def headers(self, frame):
        stream = frame.get("sid", 1)
        self.used.add(stream)
        block, flags, payload = self.peer.block(self.fields(frame)), 0, b""
        cuts = []
        for size in frame.get("split", []):
            cuts.append(block[:size])
            block = block[size:]
        pieces = [*cuts, block]
        if frame.get("es"):
            flags |= h2frames.END_STREAM
        head = b""
        if "pad" in frame:
            flags |= h2frames.PADDED
            head += bytes([frame["pad"]])
        if "prio" in frame:
            flags |= h2frames.WITH_PRIORITY
            head += struct.pack(">IB", frame["prio"], 15)
        payload = head + pieces[0] + bytes(frame.get("pad", 0))
        if len(pieces) == 1:
            flags |= h2frames.END_HEADERS
        out = self.peer.frame(h2frames.HEADERS, flags, stream, payload)
        rest = b"".join(self.peer.frame(h2frames.CONTINUATION, h2frames.END_HEADERS if i == len(pieces) - 2 else 0, stream, piece)
                        for i, piece in enumerate(pieces[1:]))
        if frame.get("hold"):
            self.held = rest
        else:
            out += rest
        self.peer.raw(out)

    def release(self, _):
        self.peer.raw(self.held)

    def data(self, frame):
        data, flags = latin(frame["data"]), h2frames.END_STREAM if frame.get("es") else 0
        if "pad" in frame:
            flags |= h2frames.PADDED
            data = bytes([frame["pad"]]) + data + bytes(frame["pad"])
        self.peer.send(h2frames.DATA, flags, frame.get("sid", 1), data)

    def ping(self, _):
        self.peer.send(h2frames.PING, 0, 0, b"12345678")

    def settings(self, frame):
        self.peer.send(h2frames.SETTINGS, 0, 0, b"".join(struct.pack(">HI", int(k), v) for k, v in frame["s"].items()))

    def window_update(self, frame):
        self.peer.window(frame.get("sid", 1), frame["inc"])

    def priority(self, frame):
        self.peer.send(h2frames.PRIORITY, 0, frame["sid"], struct.pack(">IB", frame["dep"], 15))

    def raw(self, frame):
        self.peer.raw(bytes.fromhex(frame["hex"]))

    def wait(self, frame):
        time.sleep(frame["ms"] / 1000)  # part of the case

    def big(self, frame):
        self.peer.send(h2frames.DATA, 0, 1, bytes(frame["size"]))

    def bomb(self, frame):
        fields = [(":method", "GET"), (":scheme", self.scheme), (":authority", "a.example"), (":path", "/")]
        block = self.peer.block(fields + [("x-bomb", "b" * frame["size"])])
        once = self.peer.block([("x-bomb", "b" * frame["size"])])
        assert len(once) < 4  # it is indexed
        self.headers_in_pieces(block + once * frame["times"])

    def headers_in_pieces(self, block):
        pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
        for i, piece in enumerate(pieces):
            flags = (h2frames.END_HEADERS if i == len(pieces) - 1 else 0) | (h2frames.END_STREAM if i == 0 else 0)
            self.peer.send(h2frames.HEADERS if i == 0 else h2frames.CONTINUATION, flags, 1, piece)

    def contflood(self, frame):
        fields = [(":method", "GET"), (":scheme", self.scheme), (":authority", "a.example"), (":path", "/")]
        self.peer.send(h2frames.HEADERS, h2frames.END_STREAM, 1, self.peer.block(fields))
        for i in range(frame["times"]):
            if not self.peer.send(h2frames.CONTINUATION, 0, 1, self.peer.block([(f"x-{i}", "1")])):
                return

    def rapid(self, frame):
        for i in range(frame["times"]):
            stream = 2 * i + 1
            self.used.add(stream)
            if not (self.peer.request(stream, "/rapid", scheme=self.scheme) and
                    self.peer.send(h2frames.RST_STREAM, 0, stream, struct.pack(">I", 8))):
                return


def outcome(peer, flood):
    """'200', 'rst:NAME', 'goaway:NAME', 'close'; of a flood what ended it."""
    answer = None if flood else peer.answers.get(1)
    if answer and answer.heads and answer.status >= 200 and (answer.ended or answer.reset):
        return str(answer.status)
    if answer and answer.reset:
        return "rst:" + answer.reset
    if peer.goaway and peer.goaway[1] != "NO_ERROR":
        return "goaway:" + peer.goaway[1]
    return "close" if peer.closed else ""


def check_wanted(row, got, scheme):
    """What the backend has of a request that goes on."""
    want = row.get("want", {})
    values = lambda name: [v.decode("latin1") for k, v in got["fields"] if k == name.lower()]  # noqa: E731
    if "line" in want:
        assert f"{got['method']} {got['target']} HTTP/1.1" == want["line"]
    if "host" in want:
        assert values("host") == [want["host"]]
    for name, value in want.get("has", {}).items():
        assert value.replace("{scheme}", scheme) in values(name), (name, values(name))
    for name, wanted in want.get("all", {}).items():
        assert values(name) == wanted, (name, values(name))
    for name in want.get("once", []):
        assert len(values(name)) == 1, (name, values(name))
    for name in want.get("absent", []):
        assert not values(name), (name, values(name))
    if "body" in want:
        assert got["body"] == latin(want["body"])
    if "te" in want:
        assert values("te") in ([], ["trailers"])
    if "framing" in want:
        framing = "chunked" if values("transfer-encoding") else "cl" if values("content-length") else "none"
        assert framing in want["framing"].split("|"), framing
    if want.get("no_trailer"):
        assert not got["trailers"]


WAYS = [(row, door) for row in ROWS for door in ("web", "tls")]


@pytest.mark.parametrize("row, door", WAYS, ids=[f"{row['id']}:{door}" for row, door in WAYS])
def test_X8_request(proxy, row, door):
    origin, scheme = proxy.origin, "https" if door == "tls" else "http"
    origin.clear()
    tls = proxy.ca.trusting() if door == "tls" else None
    with Peer(proxy.address(door), tls) as peer:
        Player(peer, scheme, row)
        flood = row["expect"] == "flood"
        peer.until(lambda: outcome(peer, flood) or peer.closed, 5)
        how = outcome(peer, flood)
    got = [request for request in origin.whole if request["target"] != "/rapid"]
    context = (row["note"], how, got, peer.answers.get(1), peer.goaway, peer.why)
    assert not origin.faults, (origin.faults, *context)
    if row["expect"] in ("reject", "flood"):
        assert any(fnmatch.fnmatchcase(how, pattern) for pattern in row["how"]), context
        assert len(got) <= (1 if row.get("one_ok") else 0), context
        if not row.get("partial_ok"):
            assert not origin.begun, context
    if row["expect"] == "forward":
        assert how == "200", context
    if how == "200" and not row.get("one_ok"):
        assert len(got) == 1, context
        check_wanted(row, got[0], scheme)
    assert not any("smuggled" in request["target"] for request in got), context
    with Peer(proxy.address(door), proxy.ca.trusting() if tls else None) as after:
        after.request(1, "/after", scheme=scheme)
        assert after.answer(1).body == b"you asked for /after"
    wait_until(lambda: origin.whole and origin.whole[-1]["target"] == "/after")
