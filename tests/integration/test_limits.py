"""X5, X7 and the service's limits: every wait ends, every queue is bounded."""
import resource
import select
import socket
import threading
import time

import pytest
from backend import Gone, full_backlog
from client import Client, Closed
from sluice import config_of, service
from waiting import wait_until


def listening(**more):
    return {"listeners": [{"name": "web", "bind": "127.0.0.1:0", **more}]}


def took(call):
    begun = time.monotonic()
    result = call()
    return result, time.monotonic() - begun


def test_X5_connect_timeout(sluice):
    address, close = full_backlog()
    try:
        daemon = sluice(config_of({"api": service({"blue": [address]}, timeouts={"connect": "200ms"}, retries={"attempts": 1})}))
        answer, seconds = took(lambda: daemon.fetch())
        assert answer.status in (502, 504) and answer.get("X-Sluice-Error") in ("connect", "timeout")
        assert 0.15 < seconds < 2
    finally:
        close()


def test_X5_refused_connection_is_502_at_once(sluice, port):
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{port()}"]}, retries={"attempts": 1})}))
    answer, seconds = took(lambda: daemon.fetch())
    assert answer.status == 502 and answer.get("X-Sluice-Error") == "connect"
    assert seconds < 1


def test_X5_response_timeout_is_504(simple):
    daemon, blue = simple(timeouts={"response": "200ms"})
    with daemon.client() as client:
        answer, seconds = took(lambda: client.request(target="/never"))
        assert answer.status == 504 and answer.get("X-Sluice-Error") == "timeout"
        assert 0.15 < seconds < 2
        assert client.request(target="/good").status == 200, "the client's connection goes on"
    asked = blue.seen("/never")[0].connection
    wait_until(lambda: asked.closed_by_peer or asked.sock.fileno() == -1, what="the proxy to close the connection that timed out")
    assert len(blue.seen("/never")) == 1, "a timeout is not retried unless the configuration says so"


def test_X5_a_stalled_answer_is_cut_but_a_dripping_one_is_not(simple):
    daemon, blue = simple(timeouts={"response": "300ms"})

    def stall(connection, request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart")
        connection.wait_closed(10)
        raise Gone()

    blue.on("/stall", stall)
    with daemon.client() as client:
        client.send_request(target="/stall")
        with pytest.raises(Closed):
            client.read()
    assert daemon.fetch("/drip/6/100").body == b"xxxxxx", "each piece restarts the clock"


def test_X5_header_timeout_is_408(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(header_timeout="300ms")))
    with daemon.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        answer, seconds = took(client.read)
        assert answer.status == 408 and answer.get("X-Sluice-Error") == "timeout"
        assert client.closed() and seconds < 2
    with daemon.client() as client:  # one byte now and then does not help
        def drip():
            try:
                while True:
                    client.send("x")
                    threading.Event().wait(0.05)
            except OSError:
                pass
        client.send("GET /")
        dripper = threading.Thread(target=drip, daemon=True)
        dripper.start()
        answer, seconds = took(client.read)
        assert answer.status == 408 and seconds < 2
    dripper.join(5)
    assert not blue.seen()


def test_X5_body_timeout_is_408(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(body_timeout="300ms")))
    with daemon.client() as client:
        client.send_request("POST", "/sink", [("Content-Length", "100")])
        client.send("half")
        answer, seconds = took(client.read)
        assert answer.status == 408 and seconds < 2
        assert client.closed()
    request = blue.seen("/sink")[0]
    wait_until(lambda: request.connection.closed_by_peer, 2, "the upstream request to be given up")
    assert not request.complete


def test_X5_idle_clients_are_closed_without_a_word(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(idle_timeout="300ms")))
    with daemon.client() as client:
        assert client.request().status == 200
        begun = time.monotonic()
        assert client.closed(3) and client.buffer == b"", "an idle connection gets no 408: a new request may be on its way"
        assert time.monotonic() - begun > 0.2


def test_X5_idle_upstream_connections_are_closed(simple):
    daemon, blue = simple(timeouts={"idle": "300ms"})
    assert daemon.fetch().status == 200
    assert blue.connections[0].wait_closed(3) or blue.connections[0].closed_by_peer


@pytest.mark.parametrize("said", ["timeout=2", "timeout=2, max=100", "TIMEOUT=2"])
def test_X5_a_backends_keep_alive_shortens_the_wait(simple, said):
    """In the last second of it none is reused: a POST and the backend's close would pass each other on the way."""
    daemon, blue = simple()
    blue.handler = lambda c, r: c.answer(200, "", [("Keep-Alive", said)])
    with daemon.client() as client:
        for _ in range(3):
            answer = client.request("POST", body=b"x")
            assert answer.status == 200 and answer.get("Keep-Alive") is None
        assert len(blue.connections) == 1
        wait_until(lambda: not blue.open_connections(), what="the idle connection to be closed, long before timeouts.idle")
        assert client.request("POST", body=b"x").status == 200


@pytest.mark.parametrize("said", ["timeout=0", "timeout=1", "timeout=60, max=0"])
def test_X5_a_backend_that_hardly_keeps_a_connection_gets_a_new_one_each_time(simple, said):
    daemon, blue = simple()
    blue.handler = lambda c, r: c.answer(200, "", [("Keep-Alive", said)])
    with daemon.client() as client:
        assert [client.request("POST", body=b"x").status for _ in range(3)] == [200] * 3
    assert len(blue.connections) == 3


@pytest.mark.parametrize("said", ["timeout=3600", "timeout=", "timeout=x", "timeout=-1", "max=5", "5"])
def test_X5_a_backends_keep_alive_lengthens_nothing(simple, said):
    daemon, blue = simple(timeouts={"idle": "300ms"})
    blue.handler = lambda c, r: c.answer(200, "", [("Keep-Alive", said)])
    with daemon.client() as client:
        assert [client.request("POST", body=b"x").status for _ in range(3)] == [200] * 3
        assert len(blue.connections) == 1
        wait_until(lambda: not blue.open_connections())


def test_limits_in_flight_queue_and_overload(simple):
    """in_flight run, `queue` wait, everything beyond is refused at once with 503 overload."""
    daemon, blue = simple(limits={"in_flight": 2, "queue": 2})
    gate = threading.Event()

    def hold(connection, request):
        gate.wait(20)
        connection.answer(200, "held")

    blue.on("/hold", hold)
    clients = [daemon.client() for _ in range(2)]
    for client in clients:
        client.send_request(target="/hold")
    wait_until(lambda: len(blue.seen("/hold")) == 2, what="two in flight")
    more = [daemon.client() for _ in range(3)]
    for client in more:
        client.send_request(target="/hold")
    refused, _, _ = select.select([c.sock for c in more], [], [], 5)
    assert len(refused) == 1, "two wait, the third is refused at once"
    answers = {client: client.read() for client in more if client.sock in refused}
    (answer,) = answers.values()
    assert answer.status == 503 and answer.get("X-Sluice-Error") == "overload"
    assert len(blue.seen("/hold")) == 2, "the limit holds"
    gate.set()
    assert [c.read().status for c in clients + [c for c in more if c not in answers]] == [200] * 4
    for client in clients + more:
        client.close()
    assert daemon.fetch().status == 200


def test_a_waiting_client_that_leaves_gives_its_place(simple):
    daemon, blue = simple(limits={"in_flight": 1, "queue": 1})
    gate = threading.Event()
    blue.on("/hold", lambda c, r: (gate.wait(20), c.answer(200, "held")))
    first = daemon.client()
    first.send_request(target="/hold")
    wait_until(lambda: len(blue.seen("/hold")) == 1, what="one in flight")
    for _ in range(5):
        gone = daemon.client()
        gone.send_request(target="/hold")
        gone.close()
    last = daemon.client()
    last.send_request(target="/hold")
    gate.set()
    assert first.read().status == 200
    assert last.read().status in (200, 503)
    first.close(), last.close()
    wait_until(lambda: daemon.fetch().status == 200, what="places to be free again")
    wait_until(lambda: daemon.pool("blue")["in_flight"] == 0, what="nothing in flight")


def test_X7_out_of_descriptors(sluice, backend):
    """EMFILE: old work goes on, new work waits or is refused, and everything recovers."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}),
                    preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    with daemon.client() as old:
        assert old.request().status == 200
        crowd = [Client(daemon_address, timeout=5) for daemon_address in [daemon.address()] * 150]
        for _ in range(20):
            assert old.request().status == 200
        assert daemon.process.poll() is None
        for client in crowd:
            client.close()
    wait_until(lambda: daemon.fetch().status == 200, 10, "new clients to be served again")


def test_X7_out_of_descriptors_is_said_once(sluice, backend):
    """A flood without descriptors makes one line of log, and one when there are some again."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}),
                    preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    crowd = [Client(daemon.address(), timeout=5) for _ in range(150)]
    wait_until(lambda: daemon.stderr().count("accepting pauses") >= 1, 10, "the pause")
    assert daemon.process.poll() is None
    for client in crowd:
        client.close()
    wait_until(lambda: daemon.fetch().status == 200, 10, "new clients to be served again")
    assert daemon.metric("sluice_accept_errors_total") >= 1
    workers = int(daemon.metric("sluice_workers"))
    assert daemon.stderr().count("accepting pauses") <= workers + 1


def test_X7_max_connections(sluice, backend):
    """What is above the listener's limit is closed at once and counted; who is inside goes on."""
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}, **listening(max_connections=2)))
    inside = [daemon.client(), daemon.client()]
    assert [client.request().status for client in inside] == [200, 200]
    with daemon.client() as third:
        assert third.closed() and third.buffer == b""
    assert daemon.metric("sluice_connections_refused_total", reason="max_connections") == 1
    assert [client.request().status for client in inside] == [200, 200]
    inside.pop().close()
    wait_until(lambda: served(daemon), what="the place of the one that left")
    inside.pop().close()


def served(daemon):
    try:
        return daemon.fetch().status == 200
    except (Closed, ConnectionError):
        return False


def test_X7_max_connections_per_client(sluice, backend):
    """Each client address has so many connections, on whichever worker; others are not concerned."""
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}, workers=2, **listening(max_connections_per_client=3)))
    inside = [daemon.client() for _ in range(3)]
    assert [client.request().status for client in inside] == [200] * 3
    for _ in range(4):
        with daemon.client() as more:
            assert more.closed() and more.buffer == b""
    assert daemon.metric("sluice_connections_refused_total", reason="max_connections_per_client") == 4
    other = socket.create_connection(("127.0.0.1", int(daemon.address().rsplit(":", 1)[1])), source_address=("127.0.0.2", 0))
    other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert other.recv(12) == b"HTTP/1.1 200"
    other.close()
    daemon.config["listeners"][0]["max_connections_per_client"] = 4
    daemon.write_config(daemon.config)
    daemon.do("reload")
    fourth = daemon.client()
    assert fourth.request().status == 200, "a reload keeps the count and takes the new limit"
    with daemon.client() as fifth:
        assert fifth.closed()
    for client in inside + [fourth]:
        client.close()
    wait_until(lambda: served(daemon), what="the places of those that left")


def test_X4_limits_of_the_head_by_listener(sluice, backend):
    """To the byte: what is at the limit is served, one more is refused and reaches no backend."""
    blue = backend("blue")
    limits = {"max_header_bytes": "2KiB", "max_headers": 5, "max_target": 100}
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(**limits)))

    def status(target="/", fields=(), size=None):
        head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in [("Host", "a"), *fields])
        if size:
            head += "X: " + "x" * (size - len(head) - 7) + "\r\n"
            assert len(head) + 2 == size
        with daemon.client() as client:
            client.send(head.encode() + b"\r\n")
            answer = client.read()
            assert (answer.status == 200) != client.closed(0.2 if answer.status == 200 else 5)
            return answer.status, answer.get("X-Sluice-Error")
    some = [(f"X-{n}", "1") for n in range(5)]
    assert status("/" + "a" * 99) == (200, None) and status("/" + "b" * 100) == (414, "target")
    assert status(fields=some[:4]) == (200, None) and status(fields=some) == (431, "headers")
    assert status(size=2048) == (200, None) and status(size=2049) == (431, "headers")
    assert len(blue.requests) == 3


def test_X4_max_requests_per_connection(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}, **listening(max_requests=3)))
    with daemon.client() as client:
        answers = [client.request() for _ in range(3)]
        assert [(a.status, a.get("Connection")) for a in answers] == [(200, None), (200, None), (200, "close")]
        assert client.closed()
    with daemon.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        assert [client.read().status for _ in range(3)] == [200] * 3
        assert client.closed(), "what was sent ahead is not answered"


@pytest.mark.parametrize("where", ["listener", "service", "both"])
def test_X4_body_limit_is_413(sluice, backend, where):
    """A length that is too long never reaches a backend; a chunked body is cut as it passes."""
    blue = backend("blue")
    listener = listening(**({"max_body": "1000"} if where != "service" else {}))
    limits = {} if where == "listener" else {"limits": {"body": "1000" if where == "service" else "2000"}}
    daemon = sluice(config_of({"api": service({"blue": [blue]}, **limits)}, **listener))
    assert daemon.fetch("/echo", "POST", body=b"x" * 1000).status == 200
    with daemon.client() as client:
        client.send_request("POST", "/length", [("Content-Length", "1001"), ("Expect", "100-continue")])
        answer = client.read()
        assert answer.status == 413 and answer.get("X-Sluice-Error") == "body"
        assert answer.get("Connection") == "close" and client.closed()
    with daemon.client() as client:
        client.send_request("POST", "/sink", [("Transfer-Encoding", "chunked")])
        client.send(b"1f4\r\n" + b"x" * 500 + b"\r\n")
        wait_until(lambda: blue.seen("/sink"), what="the backend to be asked")
        client.send(b"1f4\r\n" + b"x" * 500 + b"\r\n" + b"1\r\nx\r\n")
        answer = client.read()
        assert answer.status == 413 and answer.get("X-Sluice-Error") == "body" and client.closed()
    assert not blue.seen("/length")
    cut = blue.seen("/sink")[0]
    wait_until(lambda: cut.connection.closed_by_peer, what="the upstream request to be given up")
    assert not cut.complete


def test_X5_min_body_rate(sluice, backend):
    """A byte now and then keeps body_timeout from passing, but not the rate from counting."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(body_timeout="400ms", min_body_rate=100)))
    with daemon.client() as client:
        client.send_request("POST", "/sink", [("Content-Length", "100000")])
        answered = False
        for _ in range(200):
            client.send("x")
            answered = bool(select.select([client.sock], [], [], 0.05)[0])
            if answered:
                break
        assert answered, "ten seconds and 200 bytes are no 100 bytes a second"
        answer = client.read()
        assert answer.status == 408 and answer.get("X-Sluice-Error") == "timeout"
    with daemon.client() as client:  # faster than the rate, and for longer than body_timeout
        client.send_request("POST", "/echo", [("Content-Length", "2000")])
        for _ in range(20):
            client.send("x" * 100)
            select.select([client.sock], [], [], 0.05)
        assert client.read().status == 200


def test_X5_slow_read(sluice, backend):
    """A client that reads a byte now and then does not hold its answer: the kernel reports room only in large pieces."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(body_timeout="400ms")))
    with daemon.client(rcvbuf=4096) as client:
        client.send_request(target=f"/bytes/{64 << 20}")
        wait_until(lambda: blue.seen(f"/bytes/{64 << 20}"), what="the backend to be asked")

        def sip():
            try:
                client.sock.recv(1)
            except OSError:
                pass
            return daemon.pool("blue")["in_flight"] == 0
        wait_until(sip, 15, "the answer to be given up")
    connection = blue.seen(f"/bytes/{64 << 20}")[0].connection
    wait_until(lambda: connection.closed_by_peer or connection.sock.fileno() == -1, what="the backend to be let go")
    assert daemon.fetch().status == 200


def test_rate_limit_is_429_with_retry_after(simple):
    """A burst, then the rate; each key has its own; those without the key are counted by address."""
    daemon, blue = simple(top={"workers": 2}, rate_limit={"rate": "6/m", "burst": 5, "key": "header:X-Key"})
    def ask(n, **key):
        return [daemon.fetch(headers=[("X-Key", value) for value in key.values()]) for _ in range(n)]
    answers = ask(8, key="a")
    assert [a.status for a in answers] == [200] * 5 + [429] * 3
    assert answers[-1].get("X-Sluice-Error") == "limit" and 1 <= int(answers[-1].get("Retry-After")) <= 10
    assert [a.status for a in ask(6, key="b")] == [200] * 5 + [429]
    assert [a.status for a in ask(6)] == [200] * 5 + [429], "by address"
    assert daemon.metric("sluice_rate_limited_total", service="api") == 5
    assert len(blue.seen()) == 15
    with daemon.client() as client:
        assert client.request(headers=[("X-Key", "a")]).status == 429
        assert client.request(headers=[("X-Key", "c")]).status == 200, "the connection goes on"
    daemon.do("split", "api", "blue=100%")
    assert daemon.fetch(headers=[("X-Key", "a")]).status == 429, "no change of routing makes buckets full again"


def test_rate_limit_by_cookie_and_address(simple):
    daemon, _ = simple(rate_limit={"rate": "1/h", "key": "cookie:session"})
    assert [daemon.fetch(headers=[("Cookie", "a=b; session=1")]).status for _ in range(2)] == [200, 429]
    assert daemon.fetch(headers=[("Cookie", "session=2")]).status == 200


@pytest.fixture
def two_of_which_one_is_small(sluice, backend):
    """start(**limits) -> (daemon, backends): one takes one request at a time, the other two; /hold waits for .gate."""

    def start(workers=1, **options):
        ones = [backend(f"b{i}") for i in range(2)]
        gate = threading.Event()
        for one in ones:
            one.gate = gate
            one.on("/hold", lambda c, r: (gate.wait(20), c.answer(200, "held")))
        pool = {"backends": [{"address": ones[0].address, "max_in_flight": 1}, ones[1].address], "max_in_flight": 2}
        config = config_of({"api": service({"blue": [ones[0]]}, outlier={"consecutive_errors": 1}, **options)}, workers=workers)
        config["services"]["api"]["pools"]["blue"] = pool
        return sluice(config), ones
    return start


def hold(daemon, ones):
    """As many clients as there are places, each with its request at a backend."""
    clients = [daemon.client() for _ in range(3)]
    for client in clients:
        client.send_request(target="/hold")
    wait_until(lambda: [len(one.seen("/hold")) for one in ones] == [1, 2], what="one and two in flight")
    return clients


def test_max_in_flight_of_a_backend(two_of_which_one_is_small):
    """The balancing passes over a backend that has all it may have; when all have and nobody may wait, 503, and nobody is ill for it."""
    daemon, ones = two_of_which_one_is_small(limits={"queue": 0})
    clients = hold(daemon, ones)
    for _ in range(3):
        answer = daemon.fetch()
        assert answer.status == 503 and answer.get("X-Sluice-Error") == "overload"
    ones[0].gate.set()
    assert [client.read().status for client in clients] == [200] * 3
    for client in clients:
        client.close()
    wait_until(lambda: daemon.fetch().status == 200, what="places to be free again")
    status = daemon.pool("blue")
    assert status["errors"] == 0 and {b["health"] for b in status["backends"].values()} <= {"up", "unknown"}


def queued(daemon):
    return daemon.metric("sluice_queued_for_backend_requests", service="api")


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_wait_for_a_place_on_a_backend(two_of_which_one_is_small, workers):
    daemon, ones = two_of_which_one_is_small(workers)
    clients = hold(daemon, ones)
    waiting = []
    for i in range(20):
        waiting.append(daemon.client())
        waiting[-1].send_request(target=f"/{i}")
        wait_until(lambda: queued(daemon) == i + 1, what="one more to wait")
    assert daemon.pool("blue")["in_flight"] == 23
    ones[0].gate.set()
    assert [client.read().status for client in clients + waiting] == [200] * 23
    wait_until(lambda: queued(daemon) == 0 and daemon.pool("blue")["in_flight"] == 0, what="nobody left")
    for client in clients + waiting:
        client.close()


def test_who_waits_for_a_backend_waits_no_longer_than_queue_time_and_may_leave(two_of_which_one_is_small):
    daemon, ones = two_of_which_one_is_small(limits={"queue": 2, "queue_time": "300ms"})
    clients = hold(daemon, ones)
    with daemon.client() as late, daemon.client() as gone, daemon.client() as third:
        late.send_request()
        gone.send_request()
        wait_until(lambda: queued(daemon) == 2)
        assert third.request().status == 503, "the line is full"
        gone.reset()
        wait_until(lambda: queued(daemon) == 1, what="the one that left")
        answer = late.read()
        assert answer.status == 503 and answer.get("X-Sluice-Error") == "overload"
        ones[0].gate.set()
        assert [client.read().status for client in clients] == [200] * 3
        assert late.request().status == 200
    for client in clients:
        client.close()


def test_who_waits_for_a_backend_that_goes_away_is_told(two_of_which_one_is_small):
    """Both are taken out while somebody waits: what was in flight ends, then there is nobody to wait for."""
    daemon, ones = two_of_which_one_is_small()
    clients = hold(daemon, ones)
    with daemon.client() as waiting:
        waiting.send_request()
        wait_until(lambda: queued(daemon) == 1)
        for one in ones:
            daemon.do("maint", f"api/blue/{one.address}", "--force")
        ones[0].gate.set()
        answer = waiting.read()
        assert answer.status == 503 and answer.get("X-Sluice-Error") == "no_backend"
    assert [client.read().status for client in clients] == [200] * 3
    for client in clients:
        client.close()


@pytest.fixture
def one_at_a_time(sluice, backend):
    """start(**options) -> (daemon, backend): one backend that takes one request at a time."""

    def start(workers=1, **options):
        only = backend("b")
        described = service({"blue": [only]}, **options)
        described["pools"]["blue"] = {"backends": [only.address], "max_in_flight": 1}
        return sluice(config_of({"api": described}, workers=workers)), only
    return start


def test_who_waits_for_a_backend_is_let_in_in_order(one_at_a_time):
    daemon, only = one_at_a_time()
    gate = threading.Event()
    only.on("/hold", lambda c, r: (gate.wait(20), c.answer(200)))
    clients = [daemon.client() for _ in range(11)]
    clients[0].send_request(target="/hold")
    wait_until(lambda: only.seen("/hold"))
    for i, client in enumerate(clients[1:]):
        client.send_request(target=f"/{i}")
        wait_until(lambda: queued(daemon) == i + 1)
    gate.set()
    assert [client.read().status for client in clients] == [200] * 11
    assert [r.target for r in only.requests] == ["/hold", *(f"/{i}" for i in range(10))]
    for client in clients:
        client.close()


def test_two_workers_and_one_place_starve_nobody(one_at_a_time):
    """A place that is given back is offered to the workers in turn: not one of sixteen clients of either waits for queue_time."""
    daemon, _ = one_at_a_time(workers=2, limits={"queue_time": "3s"})
    statuses, ended = [], threading.Event()

    def ask(client):
        with client:
            while not ended.is_set():
                statuses.append(client.request(target="/delay/2").status)

    threads = [threading.Thread(target=ask, args=(daemon.client(),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(statuses) > 2000 or 503 in statuses, 60, "two thousand requests, one at a time")
    ended.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}


def test_queue_time(simple):
    """Who has waited for queue_time is told so, at once by the clock of the queue and not of the answer."""
    daemon, blue = simple(limits={"in_flight": 1, "queue": 10, "queue_time": "300ms"})
    gate = threading.Event()
    blue.on("/hold", lambda c, r: (gate.wait(20), c.answer(200, "held")))
    with daemon.client() as first, daemon.client() as second:
        first.send_request(target="/hold")
        wait_until(lambda: len(blue.seen("/hold")) == 1, what="one in flight")
        second.send_request(target="/hold")
        answer = second.read()
        assert answer.status == 503 and answer.get("X-Sluice-Error") == "overload" and answer.get("Retry-After") == "1"
        gate.set()
        assert first.read().status == 200
        assert second.request().status == 200, "its connection goes on"


@pytest.mark.parametrize("head,status,reason", [
    (b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 200, None),
    (b"GET /" + b"a" * 8500 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "target"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(99)) + b"\r\n", 200, None),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(100)) + b"\r\n", 431, "headers"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 32000 + b"\r\n\r\n", 200, None),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 33000 + b"\r\n\r\n", 431, "headers"),
], ids=["target", "target+", "count", "count+", "bytes", "bytes+"])
def test_X4_heads_at_and_above_their_limits(sluice, backend, head, status, reason):
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}))
    with daemon.client() as client:
        client.send(head)
        answer = client.read()
        assert answer.status == status and answer.get("X-Sluice-Error") == reason


def test_own_errors_are_short_texts(simple, port):
    daemon, _ = simple()
    answer = daemon.fetch("/" + "a" * 70_000)
    assert answer.get("Content-Type", "").startswith("text/plain")
    assert 0 < len(answer.body) < 500
