"""X5, X7 and the service's limits: every wait ends, every queue is bounded."""
import resource
import select
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


def test_own_errors_are_short_texts(simple, port):
    daemon, _ = simple()
    answer = daemon.fetch("/" + "a" * 70_000)
    assert answer.get("Content-Type", "").startswith("text/plain")
    assert 0 < len(answer.body) < 500
