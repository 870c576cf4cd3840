"""The reliability matrix: what HAProxy 2.6 and nginx 1.22 were measured to do on the same mishaps, and Sluice's row, which is at
least as good as the better of the two. The time limits are one second, as they were for those two."""
import resource
import socket
import threading
import time

import pytest
from backend import Gone, full_backlog
from client import Client, Closed, request_bytes
from sluice import config_of, service
from waiting import wait_until


@pytest.fixture
def stage(sluice, backend):
    """stage(backends=1, ...) -> (daemon, backends): one pool; ejection is off, so that every mishap is met."""
    def start(backends=1, addresses=(), listener=None, preexec=None, **options):
        members = [backend(f"b{i}") for i in range(backends)]
        options.setdefault("outlier", {"consecutive_errors": 0})
        options.setdefault("timeouts", {"connect": "1s", "response": "1s"})
        config = config_of({"api": service({"blue": [*addresses, *members]}, **options)})
        config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", "header_timeout": "1s", "body_timeout": "1s", **(listener or {})}]
        return sluice(config, preexec=preexec), members
    return start


def seconds(call):
    begun = time.monotonic()
    return call(), time.monotonic() - begun


# -- connections that the backend has closed

@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("method, body, status, times", [
    ("GET", None, 200, 2),        # HAProxy 502, nginx 200
    ("HEAD", None, 200, 2),
    ("DELETE", None, 200, 2),
    ("PUT", b"x" * 5000, 200, 2),  # HAProxy 502, nginx 200
    ("POST", b"x", 502, 1),       # both 502: it may have been carried out
    ("PATCH", b"x", 502, 1),
])
def test_a_pooled_connection_closes_under_the_request(stage, method, body, status, times, how):
    daemon, (b,) = stage()
    b.handler = lambda c, r: c.backend.tell(c, r) if not c.answered else c.close() if how == "fin" else c.reset()
    with daemon.client() as client:
        assert client.request().status == 200
        assert client.request(method, "/again", body=body).status == status
        b.handler = None
        assert client.request().status == 200, "the client's connection goes on"
    assert len(b.seen("/again")) == times


@pytest.mark.parametrize("method, tries", [("GET", 3), ("POST", 1)])
def test_fresh_connections_close_without_a_byte(stage, method, tries):
    """Both others: 502 after one try. A GET is safe to repeat: as often as `attempts` says, on other backends first."""
    daemon, backends = stage(3, retries={"attempts": 3})
    for b in backends:
        b.handler = lambda c, r: c.close()
    answer = daemon.fetch("/", method, body=b"x" if method == "POST" else None)
    assert answer.status == 502 and answer.get("X-Sluice-Error") == "reset"
    assert sum(len(b.seen()) for b in backends) == tries and max(len(b.seen()) for b in backends) == 1


# -- answers that break off

HALVES = {"length": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000,
          "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 5000}


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("framing", HALVES)
def test_a_backend_dies_in_mid_answer(stage, framing, end):
    """As both others: the client sees that something is missing, and no other backend is asked."""
    daemon, backends = stage(2)
    for b in backends:
        b.on("/half", lambda c, r: (c.send(HALVES[framing]), getattr(c, end)()))
    with daemon.client() as client:
        client.send_request(target="/half")
        with pytest.raises(Closed):
            client.read()
    assert sum(len(b.seen("/half")) for b in backends) == 1
    assert daemon.fetch().status == 200


def test_a_backend_that_accepts_and_never_answers(stage):
    """Both others: 504 at one second. The client's connection goes on."""
    daemon, (b,) = stage()
    with daemon.client() as client:
        answer, took = seconds(lambda: client.request(target="/never"))
        assert answer.status == 504 and 0.9 < took < 5
        assert client.request().status == 200


def test_drips_pass(stage):
    daemon, _ = stage()
    assert daemon.fetch("/drip/5/300").body == b"xxxxx", "longer than the limit in all, shorter between two pieces"


def test_refused_connections_cost_nothing(stage, port):
    """HAProxy: 503 after three seconds; nginx: 502 at once. With another backend: its answer at once, also to a POST."""
    daemon, _ = stage(1, addresses=[f"127.0.0.1:{port()}"])
    for method in ("GET", "POST"):
        statuses, took = seconds(lambda: [daemon.fetch("/sink", method, body=b"x").status for _ in range(6)])
        assert statuses == [200] * 6 and took < 3
    alone, _ = stage(0, addresses=[f"127.0.0.1:{port()}"], retries={"attempts": 1})
    answer, took = seconds(alone.fetch)
    assert answer.status == 502 and took < 1


def test_an_unreachable_backend_is_left_for_another(stage):
    address, close = full_backlog()
    try:
        daemon, (b,) = stage(1, addresses=[address], timeouts={"connect": "200ms", "response": "1s"})
        assert [daemon.fetch("/sink", "POST", body=b"x").status for _ in range(4)] == [200] * 4
    finally:
        close()


# -- clients

def test_a_half_closed_client_is_answered(stage):
    """HAProxy answers, nginx aborts."""
    daemon, (b,) = stage()
    with daemon.client() as client:
        client.send_request(target="/delay/100")
        client.sock.shutdown(socket.SHUT_WR)
        assert client.read().status == 200 and client.closed()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_leaves_while_it_waits(stage, how):
    """nginx closes the backend's connection in 0.1 s, HAProxy keeps it. A FIN may mean a half-closed client: half a second."""
    daemon, (b,) = stage(timeouts={"connect": "1s", "response": "60s"})
    client = daemon.client()
    client.send_request(target="/never")
    wait_until(lambda: b.seen("/never"), what="the request")
    getattr(client, how)()
    wait_until(lambda: b.seen("/never")[0].connection.closed_by_peer, 5, "the backend to be told")
    wait_until(lambda: daemon.pool("blue")["in_flight"] == 0, 5, "nothing in flight")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_client_aborts_its_upload(stage, framing):
    """The backend must not take half of it for all of it (a FIN behind chunks without the last one, a short length)."""
    daemon, (b,) = stage()
    client = daemon.client()
    fields = [("Content-Length", "1000000")] if framing == "length" else [("Transfer-Encoding", "chunked")]
    client.send_request("POST", "/sink", fields)
    client.send(b"x" * 300_000 if framing == "length" else b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    wait_until(lambda: b.seen("/sink"), what="the request")
    client.reset()
    request = b.seen("/sink")[0]
    wait_until(lambda: request.connection.closed_by_peer, 5, "the backend to be told")
    assert not request.complete


def test_an_early_413_is_delivered(stage):
    """As both others, while the client is still sending; a client that reads only afterwards gets it, too."""
    daemon, (b,) = stage()
    b.read_body = False
    b.on("/upload", lambda c, r: (c.answer(413, "too much", [("Connection", "close")]), c.close()))
    with daemon.client() as client:
        client.send(request_bytes("POST", "/upload", [("Content-Length", "900000")]))
        try:
            for _ in range(90):
                client.send(b"x" * 10_000)
        except OSError:
            pass
        assert client.read().status == 413


@pytest.mark.parametrize("what, begun", [
    ("head", "GET / HTTP/1.1\r\nHost: a\r\nX: "),                    # HAProxy 408, nginx closes without a word
    ("body", "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n"),
    ("chunks", "POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
])
def test_a_client_that_stalls_is_told(stage, what, begun):
    daemon, _ = stage()
    with daemon.client() as client:
        client.send(begun)
        answer, took = seconds(client.read)
        assert answer.status == 408 and took < 5 and client.closed()


def test_a_slow_head_is_cut_by_its_total(stage):
    """A byte every 0.1 s does not help: the limit is for the whole head."""
    daemon, _ = stage()
    with daemon.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
        ended = threading.Event()

        def drip():
            while not ended.wait(0.1):
                try:
                    client.send("x")
                except OSError:
                    return
        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            assert client.read().status == 408
        finally:
            ended.set()
            dripper.join()


def test_a_client_that_sends_nothing_is_closed(stage):
    daemon, _ = stage()
    with daemon.client() as client:
        assert client.closed(5) and client.buffer == b""


# -- resources

def test_descriptors_run_out(stage):
    """Envoy ends, nginx and HAProxy pause. Old connections are served, nothing spins, new ones come when there is room."""
    daemon, _ = stage(listener={"header_timeout": "30s"}, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    with daemon.client() as old:
        assert old.request().status == 200
        crowd = [Client(daemon.address(), timeout=5) for _ in range(150)]
        with open(f"/proc/{daemon.process.pid}/stat") as stat:
            before = sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert old.request().status == 200
            threading.Event().wait(0.05)
        with open(f"/proc/{daemon.process.pid}/stat") as stat:
            spent = sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) - before
        assert spent < 70, f"{spent} of 100 ticks of a second for next to nothing"
        for client in crowd:
            client.close()
    wait_until(lambda: daemon.fetch().status == 200, 10, "new clients to be served again")


def test_a_backend_that_answers_and_closes_is_no_error(stage):
    """It does not say so: the next request may meet the closing connection, and goes out again if that is safe."""
    daemon, (b,) = stage()
    b.handler = lambda c, r: (c.backend.tell(c, r), c.close())
    with daemon.client() as client:
        assert [client.request().status for _ in range(30)] == [200] * 30


def test_a_backend_that_says_100_and_dies(stage):
    daemon, backends = stage(2)
    backends[0].handler = backends[1].handler = lambda c, r: (c.send("HTTP/1.1 103 Early Hints\r\n\r\n"), c.reset())
    with daemon.client() as client:
        client.send_request()
        assert client.read().status == 502

    def gone(connection, request):
        raise Gone()
    backends[0].handler = backends[1].handler = gone
    assert daemon.fetch().status == 502


def test_garbage_of_one_backend_is_answered_by_another(stage):
    """A GET is safe to repeat; a POST may have been carried out, so its client is told (X3)."""
    daemon, (bad, good) = stage(2)
    bad.handler = lambda c, r: c.send("This is not HTTP at all\r\n\r\n")
    assert [daemon.fetch().status for _ in range(6)] == [200] * 6
    assert len(bad.seen()) >= 2
    posts = [daemon.fetch("/p", "POST", body=b"x") for _ in range(6)]
    assert {a.status for a in posts} == {200, 502} and len(bad.seen("/p")) == sum(a.status == 502 for a in posts)


def test_a_dead_idle_connection_is_no_mark_against_a_backend(stage):
    """One backend has closed its idle connection, the other one speaks nonsense: the first is well, and is asked again."""
    daemon, (first, second) = stage(2)
    with daemon.client() as client:
        for _ in range(4):
            assert client.request().status == 200  # an idle connection to each
        first.handler = lambda c, r: c.close() if c.answered else c.backend.tell(c, r)
        second.handler = lambda c, r: c.send("nonsense\r\n\r\n")
        assert [client.request(target="/now").status for _ in range(2)] == [200] * 2
    assert {r.connection.number for r in first.seen("/now")} != {0}, "on a fresh connection"
