"""X1-X3: the corpus of raw requests and answers (../shared/cases, where it is there) against the running proxy.

A refused request reaches no backend whole, gets 4xx or 5xx and a closed connection. What is accepted arrives at the backend in
canonical form, exactly once, and the next request on the connection gets its own answer."""
import contextlib
import json
import pathlib
import shutil
import socket
import tempfile
import threading

import pytest
from client import Client, Closed
from sluice import ROOT, Sluice, config_of, service
from strict import Origin
from waiting import wait_until

CASES = ROOT.parent / "shared/cases"


def rows(name):
    path = CASES / name
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["bytes"] = row["raw"].encode("ascii").decode("unicode_escape").encode("latin1")
    return rows


@contextlib.contextmanager
def proxy_before_an_origin(patience):
    """A daemon that waits `patience` for heads and bodies, with .origin and .web, its listener's address."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-cases-"))
    origin = Origin()
    config = config_of({"api": service({"blue": [origin.address]}, retries={"attempts": 1}, outlier={"consecutive_errors": 0},
                                       timeouts={"response": "1s", "connect": "5s"})})
    config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": patience, "body_timeout": patience}]
    daemon = Sluice(folder / "d", config)
    daemon.origin, daemon.web = origin, daemon.address()
    yield daemon
    daemon.finish()
    origin.listener.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def proxy():
    with proxy_before_an_origin("500ms") as daemon:
        yield daemon


def method_of(raw):
    return "HEAD" if raw.lstrip(b"\r\n").startswith(b"HEAD ") else "GET"


def converse(proxy, row, bytewise=False):
    """All final answers to the raw bytes, then whether a following request got its own. (answers, followed)"""
    answers = []
    with Client(proxy.web, timeout=5) as client:
        try:
            if bytewise:
                for i in range(len(row["bytes"])):
                    client.send(row["bytes"][i:i + 1])
            else:
                client.send(row["bytes"])
        except OSError:
            pass  # refused before it was all sent: the answer is still to be read
        try:
            for _ in range(row["n"]):
                answers.append(client.read(method_of(row["bytes"]) if not answers else "GET"))
                if answers[-1].status >= 400:
                    break
            if answers[-1].status < 400 and (answers[-1].get("Connection") or "").lower() != "close":
                client.send_request(target="/after", host="after.local")
                after = client.read()
                answers.append(after)
                if after.body == b"you asked for /after":
                    return answers, True
        except (Closed, OSError):
            pass
        closed = client.closed(3)
    assert closed, f"the connection stays open after {answers}"
    return answers, False


def head_values(request, name):
    return [value for key, value in request["fields"] if key == name.lower()]


def check_musts(row, whole):
    """What the row demands of anything that was passed on."""
    for must in row.get("must", []):
        kind, _, what = must.partition(":")
        for request in whole:
            if request["target"] == "/after":
                continue
            if kind == "strip":
                name, _, word = what.partition(":")
                assert not any(word.encode() in v for v in head_values(request, name)), (must, request)
            elif kind == "trailer_not_merged":
                allowed = {"Host": [b"a"], "Transfer-Encoding": [b"chunked"], "X-Forwarded-For": [b"127.0.0.1"]}.get(what, [])
                assert head_values(request, what) == allowed, (must, request)
            elif kind == "trust":
                assert not any(b"1.2.3.4" in v for v in head_values(request, what)), (must, request)
            elif kind == "keep_order":
                assert head_values(request, "Accept") == [b"a", b"b", b"c"]
            elif kind == "no_trim_obs":
                assert head_values(request, "User") == [b"\x85admin\xa0"]
        if kind == "no_smuggle":
            assert not any("smuggled" in request["target"] for request in whole), must
        if kind == "not_complete":
            assert not whole, must


REQUESTS = rows("http1_requests.jsonl")


WAYS = [(row, False) for row in REQUESTS]
WAYS += [(row, True) for row in REQUESTS if len(row["bytes"]) <= 2000]  # the unit tests cut the long ones everywhere


@pytest.mark.parametrize("row, bytewise", WAYS, ids=[row["id"] + (":bytewise" if cut else "") for row, cut in WAYS])
def test_X1_X2_request(proxy, row, bytewise):
    proxy.origin.clear()
    answers, followed = converse(proxy, row, bytewise)
    if row["expect"] == "reject" and proxy.origin.begun:  # the case before may have ended late: what is ours begins again
        proxy.origin.clear()
        answers, followed = converse(proxy, row, bytewise)
    refused = not answers or answers[0].status >= 400
    whole = proxy.origin.whole
    context = (row["raw"][:300], row["note"], answers, [w["target"] for w in whole])
    assert not proxy.origin.faults, (proxy.origin.faults, *context)
    check_musts(row, whole)
    if row["expect"] == "reject":
        assert answers and refused or len(answers) > 1 and answers[-1].status >= 400, ("must be refused", *context)
        assert not whole or len(answers) > 1, ("must not reach a backend", *context)
        if row["cat"] not in ("chunk", "trailer", "te", "clte", "cl"):
            assert proxy.origin.begun == 0 or len(answers) > 1, ("not even begun", *context)
    elif row["expect"] == "accept":
        assert not refused, ("must be accepted", *context)
        passed = [w for w in whole if w["target"] != "/after"]
        assert len(passed) == row["n"], ("exactly once each", *context)
        assert [a.body for a in answers[: row["n"]]] == [
            b"" if w["method"] == "HEAD" else b"you asked for " + w["target"].encode("latin1") for w in passed], context
    if "second_400" in row.get("must", []) and not refused:
        assert answers[-1].status == 400 and not followed, context
    if not refused and row["expect"] != "reject":
        passed = [w["target"] for w in whole]
        assert len(passed) <= row["n"] + 1, ("never twice", *context)


ANSWERS = rows("http1_responses.jsonl")


def as_read_by_a_strict_client(row):
    left, right = socket.socketpair()
    client = Client.__new__(Client)
    client.sock, client.buffer = left, b""
    left.settimeout(5)

    def feed():
        right.sendall(row["bytes"])
        right.shutdown(socket.SHUT_WR)
    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        return client.read(row["req_method"])
    finally:
        feeder.join()
        left.close(), right.close()


@pytest.mark.parametrize("row", ANSWERS, ids=[r["id"] for r in ANSWERS])
def test_X3_answer(proxy, row):
    proxy.origin.clear()
    proxy.origin.raw = (row["bytes"], row["after"] == "close")
    musts = row.get("must", [])
    with Client(proxy.web, timeout=5) as client:
        client.send_request(row["req_method"], "/case")
        try:
            answer = client.read(row["req_method"])
        except Closed:
            answer = None
        if answer is not None:
            assert b"POISONED" not in answer.body, row["note"]
        if row["expect"] == "reject":
            assert answer is None or answer.status == 502, (row["note"], answer)
        elif row["expect"] == "accept":
            wanted = as_read_by_a_strict_client(row)
            assert answer is not None and (answer.status, answer.body) == (wanted.status, wanted.body), (row["note"], answer)
        if "abort_client" in musts:
            assert answer is None or answer.status == 502, ("a cut answer looked whole", answer)
        for must in musts:
            if must.startswith("strip:") and answer is not None:
                assert answer.get(must.split(":")[1]) is None, must
        if answer is not None and answer.status == 502:
            assert answer.get("X-Sluice-Error") in ("protocol", "reset"), answer
    with Client(proxy.web, timeout=5) as client:
        for i in range(3):
            after = client.request(target=f"/after-{i}")
            assert after.status == 200 and after.body == b"you asked for /after-%d" % i, (row["note"], after)
    assert len([w for w in proxy.origin.whole if w["target"] == "/case"]) == 1


IN_STEP = [r for r in ANSWERS if r["expect"] == "accept" or "no_poison" in r.get("must", [])]


@pytest.mark.parametrize("row", IN_STEP, ids=[r["id"] for r in IN_STEP])
def test_X3_the_clients_connection_stays_in_step(proxy, row):
    """Two such answers and an ordinary one on one connection: each request gets its own."""
    proxy.origin.clear()
    proxy.origin.raw = (row["bytes"], row["after"] == "close")
    with Client(proxy.web, timeout=5) as client:
        try:
            for target in ("/case-1", "/case-2"):
                client.send_request(row["req_method"], target)
                answer = client.read(row["req_method"])
                assert b"POISONED" not in answer.body
            after = client.request(target="/after")
        except (Closed, OSError):
            return  # closing is always in step
        assert after.body == b"you asked for /after", (row["note"], after)


def test_the_proxy_is_well_after_all_of_it(proxy):
    proxy.origin.clear()
    wait_until(lambda: proxy.pool("blue")["in_flight"] == 0, what="nothing in flight")
    with Client(proxy.web) as client:
        for i in range(20):
            assert client.request(target=f"/{i}").body == b"you asked for /%d" % i
