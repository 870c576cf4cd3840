"""X1-X3: a message means the same however the network cuts it. Every row of the corpus of raw requests and answers (see
test_cases.py), and every one of test_hostile.py, reaches the running proxy in two segments, cut at every offset, the second only when it has read the first; what the client
is told and what the backend receives is as if it had come whole."""
import collections
import socket
import subprocess

import pytest
from client import Answer, Client, Closed
from test_cases import ANSWERS, REQUESTS, as_read_by_a_strict_client, proxy_before_an_origin
from test_hostile import BAD_ANSWERS, BAD_REQUESTS, CUT_ANSWERS, GOOD_ANSWERS
from waiting import wait_until

LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
AT_ONCE = 250       # connections, and fewer of long messages: all are to be sent before the first one is timed out
EVERYWHERE = 1500   # bytes; of what is longer, the first and last 250 offsets and 100 between (the unit tests cut it everywhere)

HOSTILE_REQUESTS = [{"id": "hostile-" + name, "raw": str(data), "bytes": data} for name, data in BAD_REQUESTS.items()]


def hostile_answers(data_by_name, expect, after="keep"):
    return [{"id": "hostile-" + name, "note": name, "bytes": data, "req_method": "GET", "expect": expect, "after": after}
            for name, data in data_by_name.items()]


HOSTILE_ANSWERS = (hostile_answers(BAD_ANSWERS, "reject") + hostile_answers(CUT_ANSWERS, "reject", "close")
                   + hostile_answers({name: data for name, (data, _) in GOOD_ANSWERS.items()}, "accept"))


@pytest.fixture(scope="module")
def proxy():
    with proxy_before_an_origin("3s") as daemon:  # all connections of a batch have got their second segment by then
        yield daemon


def offsets(length):
    if length <= EVERYWHERE:
        return range(1, length)
    return [*range(1, 251), *range(251, length - 250, (length - 500) // 100 + 1), *range(length - 250, length)]


def unread(port, side="sport"):
    """Bytes that wait in the sockets of this side."""
    out = subprocess.run(["ss", "-Htn", "state", "established", f"{side} = :{port}"], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[0]) for line in out.splitlines())


def told(client):
    """Status and body of every answer until the connection ends; the end itself."""
    answers = []
    try:
        while True:
            answer: Answer = client.read()
            answers.append((answer.status, answer.get("X-Sluice-Error"), answer.body))
    except Closed:
        return (*answers, "closed")
    except TimeoutError:
        return (*answers, "open")


def send(client, data):
    try:
        client.send(data)
    except OSError:
        pass  # refused before: its answer is still to be read


def in_segments(proxy, data, cuts):
    """What each of the clients was told whose bytes were cut at one of `cuts`."""
    port = proxy.web.rsplit(":", 1)[1]
    clients = [Client(proxy.web, timeout=8) for _ in cuts]
    try:
        for client, at in zip(clients, cuts):
            send(client, data[:at])
        wait_until(lambda: unread(port) == 0, every=0.001, what="the first segments to be read")
        for client, at in zip(clients, cuts):
            send(client, data[at:])
        return [told(client) for client in clients]
    finally:
        for client in clients:
            client.close()


def received(origin):
    return collections.Counter((w["method"], w["target"], w["body"], tuple((k, v) for k, v in w["fields"] if not k.startswith(("x-", "traceparent"))))
                               for w in origin.whole)


@pytest.mark.parametrize("row", [r for r in REQUESTS if r["bytes"]] + HOSTILE_REQUESTS, ids=lambda r: r["id"])
def test_X1_X2_two_segments_cut_at_every_offset(proxy, row):
    if row["bytes"].lstrip(b"\r\n").startswith(b"HEAD "):
        data = row["bytes"]  # the answers to what follows could not be told from a body
    else:
        data = row["bytes"] + LAST
    origin = proxy.origin
    idle = lambda: origin.open == 0 or proxy.pool("blue")["in_flight"] == 0  # noqa: E731
    origin.clear()
    whole, = in_segments(proxy, data, [len(data)])
    wait_until(idle)
    wanted, faults = received(origin), list(origin.faults)
    assert not faults, (row["raw"][:300], faults)
    cuts = list(offsets(len(row["bytes"]) + 1))
    origin.clear()
    at_once = min(AT_ONCE, 1 + 500_000 // len(data))
    for first in range(0, len(cuts), at_once):
        some = cuts[first:first + at_once]
        for at, got in zip(some, in_segments(proxy, data, some)):
            assert got == whole, (row["raw"][:300], f"cut at {at}", got, "whole:", whole)
    wait_until(idle)
    assert not origin.faults, (row["raw"][:300], origin.faults)
    assert received(origin) == collections.Counter({k: n * len(cuts) for k, n in wanted.items()}), row["raw"][:300]


@pytest.mark.parametrize("row", ANSWERS + [r for r in HOSTILE_ANSWERS if r["bytes"]], ids=lambda r: r["id"])
def test_X3_two_segments_cut_at_every_offset(proxy, row):
    origin, data, method = proxy.origin, row["bytes"], row["req_method"]
    port = origin.address.rsplit(":", 1)[1]
    if row["expect"] == "accept":
        wanted = as_read_by_a_strict_client(row)
    cuts = list(offsets(len(data)))
    for first in range(0, len(cuts), 100):
        origin.clear()
        origin.raw = (data, row["after"] == "close")
        origin.second.clear()
        clients = [Client(proxy.web, timeout=8) for _ in cuts[first:first + 100]]
        for client, at in zip(clients, cuts[first:]):
            client.send_request(method, f"/case-cut-{at}")
        wait_until(lambda: len(origin.first_sent) == len(clients), what="all first segments to be sent")
        wait_until(lambda: unread(port, "dport") == 0, every=0.001, what="the first segments to be read")
        origin.second.set()
        for client, at in zip(clients, cuts[first:]):
            try:
                answer = client.read(method)
            except Closed:
                answer = None
            context = (row["note"], f"cut at {at}", answer)
            if row["expect"] == "accept":
                assert answer is not None and (answer.status, answer.body) == (wanted.status, wanted.body), context
            elif row["expect"] == "reject":
                assert answer is None or answer.status == 502, context
            assert answer is None or b"POISONED" not in answer.body, context
            client.close()
        # An answer may be whole before the second segment, which is then nobody's: it is to be there before the next request,
        # for what comes after that is an answer to it, as far as anyone can tell.
        wait_until(lambda: len(origin.second_sent) == len(clients), what="all second segments to be sent")
        wait_until(lambda: unread(port, "dport") == 0, every=0.001, what="the second segments to be read")
    with Client(proxy.web) as client:
        for i in range(3):
            assert client.request(target=f"/after-{i}").body == b"you asked for /after-%d" % i


def test_a_segment_of_its_own_is_really_read_alone(proxy):
    """The means: a first segment that the proxy has not read would be seen."""
    listener = socket.create_server(("127.0.0.1", 0))
    with Client("127.0.0.1:%d" % listener.getsockname()[1]) as client:
        client.send(b"unread")
        wait_until(lambda: unread(listener.getsockname()[1]) == 6)
    listener.close()
