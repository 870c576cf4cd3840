"""D1-D6: draining backends, pools and the daemon itself."""
import select
import signal
import threading
import time

import pytest
from backend import Gone
from client import Client, Closed
from sluice import config_of, service
from waiting import stays_true, wait_until


@pytest.fixture
def pair(sluice, backend):
    """(daemon, one, two): a pool of two backends; `hold` on a backend keeps requests to /hold until its gate opens."""
    one, two = backend("one"), backend("two")
    for b in (one, two):
        b.gate = threading.Event()
        b.on("/hold", lambda c, r: (c.backend.gate.wait(20), c.answer(200, "held", {"X-Backend": c.backend.name})))
    yield sluice(config_of({"api": service({"blue": [one, two]})})), one, two
    one.gate.set(), two.gate.set()


def hold_on(daemon, one):
    """A client whose request is held by that backend."""
    others = []
    while True:
        client = daemon.client(timeout=20)
        before = len(one.seen("/hold"))
        total = lambda: sum(b["in_flight"] for b in daemon.pool("blue")["backends"].values())  # noqa: E731
        already = total()
        client.send_request(target="/hold")
        wait_until(lambda: total() > already, what="the request to be in flight")
        if daemon.backend(one.address)["in_flight"] > 0:
            wait_until(lambda: len(one.seen("/hold")) > before, what="it to arrive")
            for other in others:
                other.close()
            return client
        others.append(client)


def test_D1_D2_drain_stops_new_requests_and_lets_old_ones_finish(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    daemon.ctl("drain", f"api/blue/{one.address}", check=0)
    assert daemon.backend(one.address)["admin"] == "draining"
    before = len(one.seen())
    assert {daemon.fetch().get("X-Backend") for _ in range(30)} == {"two"}
    assert len(one.seen()) == before
    one.gate.set()
    answer = held.read()
    assert answer.status == 200 and answer.get("X-Backend") == "one"
    held.close()
    wait_until(lambda: daemon.backend(one.address)["admin"] == "drained", what="drained")
    wait_until(lambda: not one.open_connections(), 3, "its connections to be closed")


def test_D1_idle_connections_to_a_drained_backend_close_at_once(pair):
    daemon, one, two = pair
    for _ in range(4):
        daemon.fetch()
    assert one.open_connections()
    daemon.ctl("drain", f"api/blue/{one.address}", "--wait", check=0)
    wait_until(lambda: not one.open_connections(), 2, "idle connections to be closed")


def test_drain_wait_exits_0_when_clean(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    result = {}
    waiter = threading.Thread(target=lambda: result.update(done=daemon.ctl("-o", "json", "drain", f"api/blue/{one.address}", "--wait",
                                                                           "--timeout", "20s")))
    waiter.start()
    wait_until(lambda: daemon.backend(one.address)["admin"] == "draining", what="the drain to begin")
    one.gate.set()
    assert held.read().status == 200
    held.close()
    waiter.join(10)
    assert result["done"].code == 0, result
    drained = result["done"].json["drained"]
    assert drained["forced"] == 0


def test_D3_drain_wait_exits_8_when_something_had_to_be_closed(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    done = daemon.ctl("-o", "json", "drain", f"api/blue/{one.address}", "--wait", "--timeout", "300ms")
    assert done.code == 8, done
    assert done.json["drained"]["forced"] == 1
    try:
        assert held.read().status in (502, 503, 504)
    except Closed:
        pass
    held.close()
    assert daemon.backend(one.address)["admin"] == "drained"
    one.gate.set()
    wait_until(lambda: not one.open_connections(), 3, "its connections to be closed")


def test_D3_a_second_drain_does_not_extend(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    begun = time.monotonic()
    daemon.ctl("drain", f"api/blue/{one.address}", "--timeout", "600ms", check=0)
    daemon.ctl("drain", f"api/blue/{one.address}", "--timeout", "20s")
    wait_until(lambda: daemon.backend(one.address)["admin"] == "drained", 5, "the first deadline")
    assert time.monotonic() - begun < 3
    held.close()


def test_wait_drained_times_out_with_7_and_the_drain_goes_on(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    daemon.ctl("drain", f"api/blue/{one.address}", "--timeout", "20s", check=0)
    assert daemon.ctl("wait", "drained", f"api/blue/{one.address}", "--timeout", "200ms").code == 7
    assert daemon.backend(one.address)["admin"] == "draining"
    one.gate.set()
    held.read()
    held.close()
    daemon.ctl("wait", "drained", f"api/blue/{one.address}", "--timeout", "5s", check=0)


def test_D5_status_names_what_blocks_a_drain(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    daemon.ctl("drain", f"api/blue/{one.address}", "--timeout", "20s", check=0)
    text = daemon.ctl("-o", "json", "status", check=0).out
    assert "/hold" in text, "the oldest request's path"
    assert daemon.backend(one.address)["in_flight"] == 1
    assert "/hold" in daemon.ctl("status", "api", check=0).out
    held.close()


def test_D1_a_request_that_never_ends_is_cut_at_the_deadline(pair):
    daemon, one, two = pair

    def drip(connection, request):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not connection.backend.release.wait(0.02):
            connection.send("1\r\nx\r\n")
        raise Gone()
    one.on("/endless", drip), two.on("/endless", drip)
    client = daemon.client()
    client.send_request(target="/endless")
    client.head()
    busy = one if one.seen("/endless") else two
    done = daemon.ctl("drain", f"api/blue/{busy.address}", "--wait", "--timeout", "300ms")
    assert done.code == 8
    with pytest.raises(Closed):
        while int(client.line(), 16):
            client.exactly(3)
        raise AssertionError("a cut answer ended cleanly")
    client.close()


def test_drain_a_whole_pool_that_has_no_share(blue_green):
    daemon, blue, green = blue_green()
    daemon.ctl("drain", "api/green", "--wait", check=0)
    assert daemon.backend(green.address)["admin"] == "drained"
    daemon.ctl("drain", "api/blue", check=9)
    assert "no eligible backend" in daemon.ctl("drain", "api/blue", "--force", check=0).err, "it has 100 %: done if forced, and said"
    daemon.ctl("ready", "api/blue", check=0)
    daemon.ctl("ready", "api/green", check=0)
    assert daemon.backend(green.address)["admin"] == "ready"


def test_remove_drains_first(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    result = {}
    remover = threading.Thread(target=lambda: result.update(done=daemon.ctl("remove", f"api/blue/{one.address}", "--timeout", "20s")))
    remover.start()
    wait_until(lambda: {daemon.fetch().get("X-Backend") for _ in range(4)} == {"two"}, what="no new request")
    assert not select.select([held.sock], [], [], 0)[0], "the held request was neither answered nor cut"
    one.gate.set()
    assert held.read().status == 200
    held.close()
    remover.join(10)
    assert result["done"].code == 0
    wait_until(lambda: one.address not in daemon.pool("blue")["backends"], what="it to be gone")


# -- D6: the daemon's own end

def test_D6_sigterm_finishes_what_runs_and_exits_0(pair):
    daemon, one, two = pair
    held = hold_on(daemon, one)
    idle = daemon.client()
    assert idle.request().status == 200
    address = daemon.address()
    daemon.signal(signal.SIGTERM)
    assert idle.closed(5), "idle connections are closed"

    def refused():
        try:
            Client(address, timeout=1).close()
            return False
        except OSError:
            return True
    wait_until(refused, what="the listener to be closed")
    assert daemon.process.poll() is None
    one.gate.set(), two.gate.set()
    answer = held.read()
    assert answer.status == 200 and answer.get("Connection", "").lower() == "close"
    assert daemon.process.wait(10) == 0
    held.close()


def test_D6_readyz_fails_first_and_listeners_stay_for_the_lame_duck_time(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend("b")]})}, lame_duck="600ms"))
    assert daemon.api("GET", "/readyz").status == 200
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: daemon.api("GET", "/readyz").status == 503, what="readyz to fail")
    assert daemon.api("GET", "/livez").status == 200
    assert daemon.fetch().status == 200, "new clients are still served"
    assert daemon.process.wait(10) == 0


def test_D6_what_still_runs_at_the_deadline_is_closed(sluice, backend):
    blue = backend("b")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, shutdown_timeout="400ms"))
    client = daemon.client()
    client.send_request(target="/never")
    wait_until(lambda: blue.seen("/never"), what="a request in flight")
    daemon.signal(signal.SIGTERM)
    assert daemon.process.wait(10) == 0
    client.close()


def test_C4_unrelated_services_notice_nothing(sluice, backend):
    backends = {n: backend(n) for n in ("api-blue", "api-green", "web")}
    daemon = sluice(config_of({"api": service({"blue": [backends["api-blue"]], "green": [backends["api-green"]]}),
                               "web": service({"only": [backends["web"]]})}))
    with daemon.client() as client:
        assert client.request(host="web.local").status == 200
        for side in ["green", "blue"] * 10:
            daemon.do("cutover", f"api={side}")
            assert client.request(host="web.local").status == 200
    assert len(backends["web"].connections) == 1
    assert daemon.pool("only", "web")["requests"] == 21


def test_a_drained_backend_stays_drained_until_the_operator_says_ready(sluice, backend):
    one, two = backend("one"), backend("two")
    daemon = sluice(config_of({"api": service({"blue": [one, two]}, health_check={"path": "/", "interval": "50ms", "rise": 1})}))
    daemon.ctl("drain", f"api/blue/{one.address}", "--wait", check=0)
    stays_true(lambda: daemon.backend(one.address)["admin"] == "drained", 0.3, "drained, whatever the probes say")
    daemon.ctl("ready", f"api/blue/{one.address}", check=0)
    wait_until(lambda: {daemon.fetch().get("X-Backend") for _ in range(6)} == {"one", "two"}, what="both")
