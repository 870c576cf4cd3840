"""Behind the choice of the pool: balancing, health (H1-H3), retries and rescue (R1, R2), slow start."""
import collections
import itertools
import select
import threading

import pytest
from backend import full_backlog
from sluice import config_of, service
from waiting import stays_true, wait_until


def spread(daemon, n, headers=lambda i: ()):
    seen = collections.Counter()
    with daemon.client() as client:
        for i in range(n):
            answer = client.request(headers=headers(i))
            assert answer.status == 200
            seen[answer.get("X-Backend")] += 1
    return seen


@pytest.fixture
def three(sluice, backend):
    """three(weights, **service options) -> (daemon, [backends]) in one pool."""

    def start(weights=(1, 1, 1), top=None, **options):
        backends = [backend(f"b{i}") for i in range(len(weights))]
        pool = [{"address": b.address, "weight": w} for b, w in zip(backends, weights)]
        return sluice(config_of({"api": service({"blue": pool}, **options)}, **(top or {}))), backends
    return start


def test_round_robin_follows_the_weights(three):
    daemon, _ = three((1, 2, 3))
    seen = spread(daemon, 600)
    assert all(abs(seen[f"b{i}"] - 100 * (i + 1)) <= 12 for i in range(3)), seen


def test_weight_changes_at_run_time(three):
    daemon, backends = three((1, 1, 1))
    assert daemon.do("weight", f"api/blue/{backends[0].address}", "0")["changed"]
    assert spread(daemon, 100)["b0"] == 0
    daemon.do("weight", f"api/blue/{backends[0].address}", "8")
    assert abs(spread(daemon, 500)["b0"] - 400) <= 20


def test_least_requests_avoids_the_busy_one(three):
    daemon, backends = three((1, 1, 1), balance="least_requests")
    busy = [daemon.client() for _ in range(6)]
    for client in busy:
        client.send_request(target="/never")
    held = lambda: [len(b.seen("/never")) for b in backends]  # noqa: E731
    wait_until(lambda: sum(held()) == 6, what="six in flight")
    assert max(held()) <= 3, "even the held ones were spread"
    for client in busy:
        client.close()


def test_hash_balance_keeps_a_key_on_its_backend_and_moves_few(three):
    daemon, backends = three((1, 1, 1), balance="hash", sticky={"keys": ["header:X-User-Id"]})
    users = [f"u{i}" for i in range(300)]

    def table():
        with daemon.client() as client:
            return {u: client.request(headers={"X-User-Id": u}).get("X-Backend") for u in users}
    first = table()
    assert set(collections.Counter(first.values())) == {"b0", "b1", "b2"} and table() == first
    daemon.ctl("drain", f"api/blue/{backends[0].address}", check=0)
    second = table()
    assert "b0" not in second.values()
    moved = [u for u in users if first[u] != second[u]]
    assert all(first[u] == "b0" for u in moved), "only the keys of the one that left move"
    daemon.ctl("ready", f"api/blue/{backends[0].address}", check=0)
    assert table() == first


# -- health

CHECK = {"path": "/health/", "interval": "50ms", "timeout": "100ms", "rise": 2, "fall": 3, "expect": "200-399"}


def health_of(daemon, one):
    return daemon.backend(one.address)["health"]


def test_H1_H2_health_follows_fall_and_rise(three):
    daemon, (b0, b1, b2) = three(health_check=CHECK)
    wait_until(lambda: all(health_of(daemon, b) == "up" for b in (b0, b1, b2)), what="all up")
    b0.on("/health/", lambda c, r: c.answer(503, "sick"))
    wait_until(lambda: health_of(daemon, b0) == "down", what="b0 down")
    assert daemon.backend(b0.address)["admin"] == "ready", "H1: a probe never changes the operator's state"
    assert spread(daemon, 60)["b0"] == 0
    del b0.scripts["/health/"]
    wait_until(lambda: health_of(daemon, b0) == "up", what="b0 up again")
    assert spread(daemon, 60)["b0"] > 0


def test_H2_one_failed_probe_flips_nothing(three):
    daemon, (b0, b1, b2) = three(health_check=CHECK)
    wait_until(lambda: health_of(daemon, b0) == "up", what="up")
    failures = itertools.count()

    def two_of_three(connection, request):
        connection.answer(500 if next(failures) % 3 < 2 else 200)
    b0.on("/health/", two_of_three)
    stays_true(lambda: health_of(daemon, b0) == "up", 0.8, "up with two failures in a row and then a success")
    assert next(failures) > 6


def test_H2_pools_without_share_are_probed(blue_green):
    daemon, blue, green = blue_green(health_check=CHECK)
    wait_until(lambda: daemon.backend(green.address)["health"] == "up", what="the probe of a pool with share 0")
    assert green.seen("/health/")
    green.stop()
    wait_until(lambda: daemon.backend(green.address)["health"] == "down", what="it to be down")


def test_H2_probes_time_out(blue_green):
    daemon, blue, green = blue_green(health_check=CHECK)
    green.on("/health/", lambda c, r: c.wait_closed(5))
    wait_until(lambda: daemon.backend(green.address)["health"] == "down", what="a silent backend to be down")


def test_H1_all_down_is_no_backend_and_recovers(three):
    daemon, backends = three(health_check=CHECK)
    wait_until(lambda: all(health_of(daemon, b) == "up" for b in backends), what="up")
    for b in backends:
        b.on("/health/", lambda c, r: c.answer(500))
    wait_until(lambda: all(health_of(daemon, b) == "down" for b in backends), what="down")
    answer = daemon.fetch()
    assert answer.status == 503 and answer.get("X-Sluice-Error") == "no_backend"
    for b in backends:
        b.scripts.clear()
    wait_until(lambda: daemon.fetch().status == 200, what="recovery")


def test_health_host_header_and_expected_status(simple):
    daemon, blue = simple(health_check={**CHECK, "expect": "418", "host": "probe.local"})
    blue.on("/health/", lambda c, r: c.answer(418))
    wait_until(lambda: daemon.backend(blue.address)["health"] == "up", what="418 to count as healthy")
    assert blue.seen("/health/")[-1].get("Host") == "probe.local"


# -- ejection

def test_H3_a_failing_backend_is_ejected_and_comes_back(three):
    daemon, (b0, b1, b2) = three(outlier={"consecutive_errors": 3, "ejection": "300ms", "min_available": 1})
    b0.handler = lambda c, r: c.close()
    with daemon.client() as client:
        wait_until(lambda: client.request().status == 200 and health_of(daemon, b0) == "ejected", what="ejection")
    before = len(b0.seen())
    b0.handler = None
    wait_until(lambda: health_of(daemon, b0) != "ejected", what="the ejection to end")
    wait_until(lambda: spread(daemon, 6)["b0"] > 0, what="it to serve again")
    assert len(b0.seen()) > before
    assert daemon.backend(b0.address)["admin"] == "ready"


def test_H3_never_below_min_available(three):
    daemon, backends = three(outlier={"consecutive_errors": 2, "ejection": "10s", "min_available": 2}, retries={"attempts": 1})
    for b in backends:
        b.handler = lambda c, r: c.answer(500)
    with daemon.client() as client:
        for _ in range(60):
            client.request()
        wait_until(lambda: any(health_of(daemon, b) == "ejected" for b in backends), what="one to be ejected")
        for _ in range(60):
            client.request()
        stays_true(lambda: sum(health_of(daemon, b) == "ejected" for b in backends) == 1, 0.2, "one of three ejected")


# -- retries

def test_R1_stale_pooled_connection_get_and_put_are_retried_post_is_not(sluice, backend):
    """The backend closes a kept connection at the very moment that a request comes over it."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}))

    def first_is_lost(connection, request):
        if connection.answered:
            connection.close()  # nothing was answered on this reuse
        else:
            connection.backend.tell(connection, request)
    blue.handler = first_is_lost
    with daemon.client() as client:
        for method, body, wanted in (("GET", None, 200), ("PUT", b"whole", 200), ("DELETE", None, 200), ("POST", b"x", 502),
                                     ("PATCH", b"x", 502), ("GET", None, 200)):
            assert client.request().status == 200  # a connection that has answered once is in the pool now
            answer = client.request(method, "/again", body=body)
            assert answer.status == wanted, method
            if wanted == 502:
                assert answer.get("X-Sluice-Error") == "reset"
    assert len([r for r in blue.seen("/again") if r.method == "POST"]) == 1, "never twice"


def test_R1_R2_a_reset_or_refused_backend_is_replaced_by_another(three):
    daemon, (b0, b1, b2) = three(outlier={"consecutive_errors": 0}, retries={"attempts": 3})
    b0.handler = lambda c, r: c.reset()
    b1.stop()
    with daemon.client() as client:
        assert [client.request().status for _ in range(60)] == [200] * 60
        posts = collections.Counter(client.request("POST", "/p", body="x").status for _ in range(60))
    assert set(posts) == {200, 502}, "a POST that was sent is not repeated; one that could not be is"
    assert len(b0.seen("/p")) == posts[502]


def test_R1_nothing_sent_means_any_method_may_be_repeated(three):
    daemon, (b0, b1) = three((1, 1), outlier={"consecutive_errors": 0})
    b0.stop()
    with daemon.client() as client:
        assert [client.request("POST", "/sink", body="x").status for _ in range(40)] == [200] * 40
    assert len(b1.seen("/sink")) == 40


def test_R1_an_answer_begun_is_never_repeated(three):
    daemon, backends = three((1, 1))
    for b in backends:
        b.on("/half", lambda c, r: (c.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), c.reset()))
    with daemon.client() as client:
        client.send_request(target="/half")
        assert len(client.rest()) > 0
    assert sum(len(b.seen("/half")) for b in backends) == 1


def test_R1_a_status_in_the_list_is_retried_others_are_not(three):
    daemon, backends = three((1, 1))
    tries = itertools.count()
    for b in backends:
        b.on("/503", lambda c, r: c.answer(503 if next(tries) % 2 == 0 else 200))
        b.on("/500", lambda c, r: c.answer(500))
    assert daemon.fetch("/503").status == 200
    assert {len(b.seen("/503")) for b in backends} == {1}, "R2: another backend each time"
    assert daemon.fetch("/500").status == 500
    assert sum(len(b.seen("/500")) for b in backends) == 1


def test_R1_attempts_are_bounded(three):
    daemon, backends = three((1, 1, 1), retries={"attempts": 3}, outlier={"consecutive_errors": 0})
    for b in backends:
        b.on("/bad", lambda c, r: c.answer(503, "bad"))
    assert daemon.fetch("/bad").status == 503
    assert [len(b.seen("/bad")) for b in backends] == [1, 1, 1]


def test_R1_the_budget_bounds_retries_when_everything_fails(three):
    daemon, backends = three((1, 1), outlier={"consecutive_errors": 0})
    tries, first, second = itertools.count(), threading.Event(), threading.Event()

    def storm(connection, request):
        (first if next(tries) < 50 else second).wait(20)
        connection.answer(503)
    for b in backends:
        b.on("/storm", storm)
    attempts = lambda: sum(len(b.seen("/storm")) for b in backends)  # noqa: E731
    crowd = [daemon.client() for _ in range(50)]
    for client in crowd:
        client.send_request(target="/storm")
    wait_until(lambda: attempts() == 50, what="50 in flight")
    first.set()
    wait_until(lambda: len(select.select([c.sock for c in crowd], [], [], 0)[0]) >= 35, what="most to be told at once")
    wait_until(lambda: attempts() >= 53, what="at least 3 retries")
    assert attempts() <= 62, f"{attempts() - 50} retries while 50 were in flight; 20 % are 10"
    second.set()
    assert [client.read().status for client in crowd] == [503] * 50
    assert attempts() <= 62
    for client in crowd:
        client.close()


def test_R1_dead_idle_connections_take_nothing_from_the_budget(three):
    """A backend dies under load: many retries of idle connections at once, and a few whose connection was new."""
    daemon, (dying, other) = three((1, 1), {"workers": 1}, outlier={"consecutive_errors": 0})
    dead, go_on = threading.Event(), threading.Event()

    def warm(connection, request):
        wait_until(lambda: len(dying.seen("/warm")) + len(other.seen("/warm")) == 24, what="all to be there at once")
        connection.answer(200)

    def die(connection, request):
        dead.wait(20)
        connection.reset()

    def hold(connection, request):
        go_on.wait(20)
        connection.answer(200)
    for b in (dying, other):
        b.on("/warm", warm)
    dying.on("/held", die)
    other.on("/held", hold)
    crowd = [daemon.client() for _ in range(24)]
    for client in crowd:
        client.send_request(target="/warm")
    assert [client.read().status for client in crowd] == [200] * 24
    crowd += [daemon.client() for _ in range(6)]  # three of them are the first on their connection to `dying`
    for client in crowd:
        client.send_request(target="/held")
    wait_until(lambda: len(dying.seen("/held")) + len(other.seen("/held")) == 30, what="30 in flight")
    assert len(dying.seen("/held")) == 15
    dead.set()
    wait_until(lambda: len(other.seen("/held")) == 30, what="all to be retried")  # 12 free ones, 3 counted: the budget is 6
    go_on.set()
    assert [client.read().status for client in crowd] == [200] * 30
    for client in crowd:
        client.close()


@pytest.mark.parametrize("method, body, wanted", [("GET", None, 200), ("PUT", b"kept", 200), ("POST", b"x", 502)])
def test_R2_rescue_by_the_stable_pool(blue_green, method, body, wanted):
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, outlier={"consecutive_errors": 0})
    green.handler = lambda c, r: c.reset()
    with daemon.client() as client:
        answers = [client.request(method, "/r", body=body) for _ in range(250)]  # a part of a block may hold few of one pool
    bad = [a for a in answers if a.status != 200]
    if wanted == 200:
        assert not bad and {a.get("X-Backend") for a in answers} == {"blue"}
        assert all(r.body_length == len(body or b"") for r in blue.seen("/r"))
    else:
        assert bad and {a.status for a in bad} == {502}
    pool = daemon.pool("green")
    assert pool["errors"] == pool["requests"] > 10, "the canary still counts the failure"
    assert daemon.pool("blue")["errors"] == 0


def in_flight(daemon, *backends):
    return sum(daemon.backend(one.address)["in_flight"] for one in backends)


@pytest.mark.parametrize("length", [True, False])
def test_R2_a_body_that_comes_behind_its_head_is_kept_as_well(blue_green, length):
    """Many clients send the head first. The canary fails with nothing of the body read, or half of it, or all."""
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, outlier={"consecutive_errors": 0})
    green.read_body = False
    framing = ("Content-Length", "6") if length else ("Transfer-Encoding", "chunked")
    piece, rest = ("abc", "def") if length else ("3\r\nabc\r\n", "3\r\ndef\r\n0\r\n\r\n")

    def fail(connection, request):
        connection.exactly(int(request.get("X-Reads")) * len(piece))
        connection.reset()
    green.handler = fail
    for i in range(40):
        with daemon.client() as client:
            client.send_request("PUT", "/r", [framing, ("X-Reads", str(i % 3))])
            wait_until(lambda: in_flight(daemon, blue, green) == 1, what="the head to be there")
            client.send(piece)
            client.send(rest)
            assert client.read().status == 200
    assert {request.body for request in blue.seen("/r")} == {b"abcdef"}
    pool = daemon.pool("green")
    assert len(blue.seen("/r")) == 40 and pool["errors"] == pool["requests"] > 5


def test_R2_rescue_none_shows_the_failure(blue_green):
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, retries={"rescue": "none", "attempts": 2},
                                     outlier={"consecutive_errors": 0})
    green.handler = lambda c, r: c.reset()
    with daemon.client() as client:
        statuses = collections.Counter(client.request().status for _ in range(100))
    assert set(statuses) == {200, 502} and 20 <= statuses[502] <= 60, "40 % of a part of a block"


def test_connect_failures_fail_over_quickly(sluice, backend):
    address, close = full_backlog()
    try:
        blue = backend("blue")
        daemon = sluice(config_of({"api": service({"blue": [address, blue]}, timeouts={"connect": "100ms"},
                                                  outlier={"consecutive_errors": 2, "ejection": "30s"})}))
        with daemon.client() as client:
            for _ in range(10):
                assert client.request().status == 200
        assert daemon.backend(address)["health"] == "ejected"
    finally:
        close()


def test_slow_start_ramps_a_returning_backend(three):
    daemon, (b0, b1) = three((1, 1), slow_start="1500ms")
    daemon.ctl("maint", f"api/blue/{b1.address}", check=0)
    spread(daemon, 20)
    daemon.ctl("ready", f"api/blue/{b1.address}", check=0)
    early = spread(daemon, 60)
    assert early["b1"] < 25, f"it got {early['b1']} of the first 60"

    def even():
        return abs(spread(daemon, 60)["b1"] - 30) <= 4
    wait_until(even, 5, "the ramp to be over", every=0.1)


def test_C4_health_survives_unrelated_changes(three):
    daemon, (b0, b1, b2) = three(health_check={**CHECK, "interval": "100ms", "fall": 2, "rise": 100})
    wait_until(lambda: b0.seen("/health/"), what="probing")
    b0.on("/health/", lambda c, r: c.answer(500))
    wait_until(lambda: health_of(daemon, b0) == "down", what="down")
    for weight in (2, 3, 4):
        daemon.do("weight", f"api/blue/{b1.address}", weight)
    daemon.do("reload")
    assert health_of(daemon, b0) == "down"


def test_X3_no_connection_is_reused_for_a_while_to_a_backend_that_sent_bytes_behind_an_answer(three):
    """Such bytes, when they come a little later, cannot be told from the answer to the next request on the connection."""
    daemon, (backend,) = three((1,), {"workers": 1})
    connections = lambda path: {r.connection.number for r in backend.seen(path)}  # noqa: E731
    backend.on("/behind", lambda c, r: c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    with daemon.client() as client:
        for _ in range(5):
            assert client.request(target="/before").status == 200
        assert client.request(target="/behind").body == b"ok"
        for _ in range(5):
            assert client.request(target="/after").status == 200
    assert len(connections("/before")) == 1 and len(connections("/after")) == 5


def test_a_connection_is_kept_when_the_answers_end_fills_the_buffer(simple):
    """The last read, of 16 KiB, finds 16 KiB: whether more is there is unknown until somebody looks."""
    daemon, blue = simple()
    go = threading.Event()

    def in_two(connection, request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n")
        go.wait(10)
        connection.send(b"x" * 16384)

    blue.on("/a", in_two)
    with daemon.client() as client:
        for _ in range(5):
            go.clear()
            client.send_request(target="/a")
            answer = client.head()
            go.set()
            client.read_body(answer)
            assert len(answer.body) == 16384
    assert len(blue.open_connections()) == 1
