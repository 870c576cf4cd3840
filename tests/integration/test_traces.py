"""Spans by OTLP: one of a request, one of each attempt, as a collector gets them that takes nothing but what OTLP says."""
import collections
import re
import subprocess
import time

import pytest
from backend import free_port
from client import Client, fetch
from grpcserver import BAD, ECHO, GrpcServer, channel, failure, methods, over_http2, unary
from otlp_collector import CLIENT, SERVER, Collector
from sluice import config_of, service
from tls import Authority
from waiting import stays_true, wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    made = []

    def make(**options):
        made.append(Collector(**options))
        return made[-1]
    yield make
    for one in made:
        one.stop()
        assert not one.wrong, one.wrong


@pytest.fixture
def traced(sluice, backend, collector):
    """start(tracing, **service options) -> (daemon, collector, blue, green): all that there is goes to the collector."""

    def start(tracing=None, split=None, top=None, handler=None, **options):
        to, blue, green = collector(), backend("blue"), backend("green", handler)
        config = config_of({"api": service({"blue": [blue], "green": [green]}, split, **options)}, **(top or {}))
        daemon = sluice(config | {"tracing": {"endpoint": to.url, "ratio": "100%", **(tracing or {})}})
        return daemon, to, blue, green
    return start


def counts(daemon):
    return collections.Counter({result: int(count) for result, count in re.findall(r'^sluice_trace_spans_total\{result="(\w+)"\} (\d+)', daemon.metrics(), re.M)})


def parent_of(request):
    version, trace, span, flags = request.get("traceparent").split("-")
    assert version == "00" and len(request.all("traceparent")) == 1
    return trace, span, flags


def test_a_request_and_its_attempt(traced):
    daemon, to, blue, _ = traced()
    reply = fetch(daemon.address(), "GET", "/echo?secret=1", {"User-Agent": "test"}, host="shop.test:8080")
    assert reply.status == 200
    server, (attempt,) = to.trace("/echo", 2)
    assert server.kind == SERVER and server.name == "GET /" and server.parent is None and not server.failed and server.sampled
    expected = {"http.request.method": "GET", "url.path": "/echo", "url.scheme": "http", "server.address": "shop.test", "server.port": 8080,
                "http.route": "/", "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1", "user_agent.original": "test",
                "network.protocol.version": "1.1", "http.response.status_code": 200, "sluice.service": "api", "sluice.pool": "blue",
                "sluice.decision": "split", "sluice.attempts": 1, "sluice.generation": 1}
    assert {key: server[key] for key in expected} == expected
    assert "secret" not in str(server.said) and server["error.type"] is None
    host, port = blue.address.split(":")
    expected = {"http.request.method": "GET", "http.response.status_code": 200, "server.address": host, "server.port": int(port),
                "network.peer.address": "127.0.0.1", "sluice.service": "api", "sluice.pool": "blue", "sluice.backend": blue.address}
    assert attempt.kind == CLIENT and attempt.name == "GET" and {key: attempt[key] for key in expected} == expected
    assert attempt["http.request.resend_count"] is None and attempt["sluice.rescue"] is None
    assert server.resource["service.name"] == "sluice" and server.resource["service.version"]
    assert abs(server.ended / 1e9 - time.time()) < 60
    seen, = blue.seen("/echo")
    assert parent_of(seen) == (server.trace_id, attempt.id, "01")
    assert server["sluice.request_id"] == seen.get("X-Request-ID") == server.trace_id, "one word finds both"
    wait_until(lambda: counts(daemon) == {"sent": 2, "failed": 0, "dropped": 0}, what=lambda: counts(daemon))


def test_a_rescue_shows_both_attempts(traced):
    daemon, to, blue, green = traced(split={"blue": "0%", "green": "100%"}, stable="blue", handler=lambda c, r: c.answer(502, "no"))
    assert fetch(daemon.address(), "GET", "/x").status == 200
    server, (first, second) = to.trace("/x", 3)
    assert (first["sluice.pool"], first["http.response.status_code"], first.failed, first["error.type"]) == ("green", 502, True, "502")
    assert (second["sluice.pool"], second["http.response.status_code"], second.failed) == ("blue", 200, False)
    assert first["sluice.rescue"] is None and second["sluice.rescue"] is True and second["http.request.resend_count"] == 1
    assert not server.failed and server["http.response.status_code"] == 200 and server["sluice.attempts"] == 2
    assert server["sluice.pool"] == "green", "the pool that is judged"
    assert [parent_of(backend.seen("/x")[0])[1] for backend in (green, blue)] == [first.id, second.id]


# -- whose trace it is, and whether it is told of

@pytest.mark.parametrize("sampled", [True, False])
def test_the_flag_of_the_one_before_decides(traced, sampled):
    """Not the ratio; who does not trace is left alone, in both directions."""
    daemon, to, blue, _ = traced({"ratio": "0%" if sampled else "100%", "errors": False})
    state = {"tracestate": "vendor=1"}
    sent = f"00-{TRACE}-{PARENT}-0{int(sampled)}"
    assert fetch(daemon.address(), "GET", "/x", {"traceparent": sent, **state}).status == 200
    seen, = blue.seen("/x")
    assert seen.get("tracestate") == "vendor=1"
    if not sampled:
        assert seen.get("traceparent") == sent
        return stays_true(lambda: not to.spans(), 1.5, "nothing")
    server, (attempt,) = to.trace("/x", 2)
    assert (server.trace_id, server.parent, server.said["traceState"]) == (TRACE, PARENT, "vendor=1")
    assert server.flags == 0x301 and attempt.flags == 0x101, "sampled; whether the parent is of another process"
    assert parent_of(seen) == (TRACE, attempt.id, "01")


def test_an_unsound_traceparent_begins_anew(traced):
    daemon, to, blue, _ = traced()
    assert fetch(daemon.address(), "GET", "/x", {"traceparent": f"00-{'0' * 32}-{PARENT}-01", "tracestate": "a=1"}).status == 200
    server, (attempt,) = to.trace("/x", 2)
    assert server.parent is None and "traceState" not in server.said
    assert parent_of(blue.seen("/x")[0]) == (server.trace_id, attempt.id, "01") and blue.seen("/x")[0].get("tracestate") is None


def test_at_0_percent_errors_are_told_and_nothing_else(traced):
    daemon, to, blue, _ = traced({"ratio": "0%"}, retries={"attempts": 1, "rescue": "none"})
    for _ in range(20):
        assert fetch(daemon.address(), "GET", "/good").status == 200
        assert fetch(daemon.address(), "GET", "/status/404").status == 404
    assert {parent_of(request)[2] for request in blue.seen("/good")} == {"00"}
    assert fetch(daemon.address(), "GET", "/status/503").status == 503
    server, (attempt,) = to.trace("/status/503", 2)
    assert server.failed and attempt.failed and server["error.type"] == attempt["error.type"] == "503" and not server.sampled
    assert parent_of(blue.seen("/status/503")[0]) == (server.trace_id, attempt.id, "00")
    assert len(to.spans()) == 2


def test_at_0_percent_without_errors_nothing_is_told(traced):
    daemon, to, _, _ = traced({"ratio": "0%", "errors": False})
    assert fetch(daemon.address(), "GET", "/status/503").status == 503
    stays_true(lambda: not to.requests, 1.5, "nothing")
    assert counts(daemon) == {"sent": 0, "failed": 0, "dropped": 0}


def test_a_part_is_sampled_and_all_of_its_spans(traced):
    daemon, to, blue, _ = traced({"ratio": "30%"})
    with Client(daemon.address()) as client:
        for _ in range(1000):
            assert client.request(target="/x").status == 200
    told = {parent_of(request)[:2] for request in blue.seen("/x") if parent_of(request)[2] == "01"}
    assert 200 < len(told) < 400, len(told)  # seven standard deviations
    wait_until(lambda: len(to.spans()) == 2 * len(told), what=lambda: f"{2 * len(told)} spans, there are {len(to.spans())}")
    assert {(span.trace_id, span.id) for span in to.spans(kind=CLIENT)} == told
    assert max(map(len, to.batches)) <= 512


def test_a_failure_without_an_answer_says_why(sluice, collector, port):
    to = collector()
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{port()}"]})}, tracing={"endpoint": to.url, "ratio": "0%"}))
    assert fetch(daemon.address(), "GET", "/x").status == 502
    server, attempts = to.trace("/x", 2)
    assert server["http.response.status_code"] == 502 and server["error.type"] == "connect"
    assert [(one["error.type"], one["http.response.status_code"], one.failed) for one in attempts] == [("connect", None, True)]


def test_what_the_proxy_answers_itself_has_no_attempt(traced):
    daemon, to, _, _ = traced(top={"routes": [{"host": "api.local", "service": "api"}]})
    assert fetch(daemon.address(), "GET", "/x").status == 404
    server, attempts = to.trace("/x", 1)
    assert not attempts and (server["error.type"], server["http.route"], server["sluice.service"]) == ("no_route", None, None) and not server.failed


def test_an_odd_method_and_odd_bytes_are_told_as_such(traced):
    daemon, to, _, _ = traced()
    with daemon.client() as client:
        client.send(b"BREW /caf%C3%A9 HTTP/1.1\r\nHost: [::1]:99\r\nUser-Agent: \"\xe9\\\t\x80\r\n\r\n")
        assert client.read().status == 200
    wait_until(lambda: len(to.spans()) == 2, what="both spans")
    server, = to.spans(kind=SERVER)
    assert (server.name, server["http.request.method"], server["http.request.method_original"]) == ("HTTP /", "_OTHER", "BREW")
    assert (server["server.address"], server["server.port"], server["user_agent.original"]) == ("::1", 99, "\"\u00e9\\\t\u0080")


# -- what else is a request

def test_a_mirrored_copy_has_a_span_of_its_own(traced):
    daemon, to, blue, green = traced()
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    assert fetch(daemon.address(), "GET", "/x").status == 200
    server, clients = to.trace("/x", 3)
    copy, = (span for span in clients if span["sluice.mirror"])
    attempt, = (span for span in clients if not span["sluice.mirror"])
    assert (attempt["sluice.pool"], copy["sluice.pool"], copy["http.response.status_code"]) == ("blue", "green", 200)
    assert [parent_of(backend.seen("/x")[0]) for backend in (blue, green)] == [(server.trace_id, attempt.id, "01"), (server.trace_id, copy.id, "01")]


def test_streams_of_http2_are_requests(traced):
    daemon, to, blue, _ = traced()
    paths = [f"/x{i}" for i in range(5)]
    done = subprocess.run(["nghttp", "-n", *(daemon.url(path) for path in paths)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    for path in paths:
        server, (attempt,) = to.trace(path, 2)
        assert server["network.protocol.version"] == "2" and server["http.response.status_code"] == 200
        assert parent_of(blue.seen(path)[0])[:2] == (server.trace_id, attempt.id)


def test_a_call_of_grpc_tells_its_status(sluice, collector):
    to, blue = collector(), GrpcServer(methods("blue"))
    try:
        daemon = sluice(config_of({"api": over_http2(service({"blue": [blue]}, retries={"attempts": 1}))}, tracing={"endpoint": to.url, "ratio": "0%"}))
        with channel(daemon.address()) as connection:
            trace = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
            assert unary(connection, ECHO, metadata=trace) == b"blue:m"
            assert failure(lambda: unary(connection, BAD, b"UNAVAILABLE")).code().name == "UNAVAILABLE"
            assert failure(lambda: unary(connection, BAD, b"NOT_FOUND", metadata=trace)).code().name == "NOT_FOUND"
        server, (attempt,) = to.trace(ECHO, 2)
        assert server.name == "t.Test/Echo" and (server["rpc.system"], server["rpc.service"], server["rpc.method"]) == ("grpc", "t.Test", "Echo")
        assert server["rpc.grpc.status_code"] == attempt["rpc.grpc.status_code"] == 0 and server.trace_id == TRACE
        assert dict(blue.seen(ECHO)[0])["traceparent"] == f"00-{TRACE}-{attempt.id}-01"
        wait_until(lambda: len(to.spans(BAD)) == 4, what="both failures")
        unavailable, = (span for span in to.spans(BAD, SERVER) if span.trace_id != TRACE)
        missing, = (span for span in to.spans(BAD, SERVER) if span.trace_id == TRACE)
        assert (unavailable["rpc.grpc.status_code"], unavailable.failed, unavailable["error.type"]) == (14, True, "unavailable")
        assert (missing["rpc.grpc.status_code"], missing.failed) == (5, False)
    finally:
        blue.stop()


def open_tunnel(connection, _request):
    connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    connection.send(connection.exactly(1000))
    connection.exactly(1)


def test_a_tunnel_is_told_of_at_its_end(traced):
    daemon, to, blue, _ = traced()
    blue.on("/chat", open_tunnel)
    with daemon.client() as client:
        client.send("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert client.head().status == 101
        client.send("x" * 1000)
        while len(client.buffer) < 1000:
            client.more()
        began = time.monotonic()
        stays_true(lambda: not to.spans(), 1.5, "nothing yet")
        lasted = time.monotonic() - began
    server, (attempt,) = to.trace("/chat", 2)
    assert server["http.response.status_code"] == attempt["http.response.status_code"] == 101
    assert server.seconds >= lasted and attempt.seconds >= lasted and server["http.request.body.size"] == 1000 and not server.failed


# -- a collector that is away, or does not take them

def requests_are_served(daemon, path="/x", count=20):
    for _ in range(count):
        assert fetch(daemon.address(), "GET", path).status == 200


def log_lines(daemon):
    return [line for line in daemon.stderr().splitlines() if "traces: " in line]


def test_a_collector_that_is_away_costs_a_count_and_a_line(traced, collector):
    away = free_port()
    daemon, _, _, _ = traced({"endpoint": f"http://127.0.0.1:{away}"})
    for _ in range(2):
        before = counts(daemon)["failed"]
        requests_are_served(daemon)
        wait_until(lambda: counts(daemon)["failed"] == before + 40, what=lambda: counts(daemon))
    line, = log_lines(daemon)
    assert f"http://127.0.0.1:{away} does not take spans: connect: Connection refused" in line
    back = collector(port=away)
    requests_are_served(daemon, "/again", 1)
    back.trace("/again", 2)
    wait_until(lambda: len(log_lines(daemon)) == 2, what="the line")
    assert "takes spans again" in log_lines(daemon)[1] and counts(daemon)["sent"] == 2


@pytest.mark.parametrize("answer", [(429, {"Retry-After": "1"}), 503])
def test_what_a_collector_may_take_later_is_sent_again(traced, answer):
    daemon, to, _, _ = traced()
    to.answers += [answer]
    requests_are_served(daemon, count=1)
    to.trace("/x", 2)
    assert len(to.requests) == 2
    wait_until(lambda: counts(daemon) == {"sent": 2, "failed": 0, "dropped": 0}, what=lambda: counts(daemon))


@pytest.mark.parametrize("answer", [400, 404, 500, (302, {"Location": "/"})])
def test_what_a_collector_refuses_is_lost_at_once(traced, answer):
    daemon, to, _, _ = traced()
    to.answers += [answer]
    requests_are_served(daemon, count=1)
    wait_until(lambda: counts(daemon)["failed"] == 2, what=lambda: counts(daemon))
    requests_are_served(daemon, "/next", 1)
    to.trace("/next", 2)
    assert len(to.requests) == 2 and not to.spans("/x")


def test_after_five_tries_a_batch_is_given_up(traced):
    daemon, to, _, _ = traced()
    to.answers += [(503, {"Retry-After": "0"})] * 5
    requests_are_served(daemon, count=1)
    wait_until(lambda: counts(daemon)["failed"] == 2, what=lambda: counts(daemon))
    assert len(to.requests) == 5


def test_what_is_rejected_of_a_batch_counts_as_failed(traced):
    daemon, to, _, _ = traced()
    to.answers += [(200, {}, '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}')]
    requests_are_served(daemon, count=1)
    wait_until(lambda: counts(daemon) == {"sent": 1, "failed": 1, "dropped": 0}, what=lambda: counts(daemon))


def test_a_collector_that_hangs_slows_nobody_and_what_finds_no_room_is_counted(sluice, recorder, collector, loader):
    to = collector()
    to.answers += ["hang"]
    daemon = sluice(config_of({"api": service({"blue": [recorder("blue")]})}, tracing={"endpoint": to.url, "ratio": "100%"}))
    load = loader(daemon, connections=4)
    wait_until(lambda: counts(daemon)["dropped"] > 0, 60, what=lambda: counts(daemon))
    rss = daemon.rss_kib()
    seen = daemon.pool("blue")["requests"]
    wait_until(lambda: daemon.pool("blue")["requests"] > seen + 2000, what="load goes on")
    assert load.finish()["failed"] == 0
    assert daemon.rss_kib() < rss + 8 * 1024, "what waits is bounded"
    to.release.set()
    wait_until(lambda: counts(daemon)["sent"] > 0, what=lambda: counts(daemon))


# -- its configuration

def test_a_reload_turns_it_on_elsewhere_and_off(traced, collector):
    daemon, first, _, _ = traced()
    second = collector()
    requests_are_served(daemon, "/1", 1)
    first.trace("/1", 2)
    config = daemon.config
    for tracing, told, path in [({"endpoint": second.url, "ratio": "100%", "service_name": "edge"}, second, "/2"), ("off", None, "/3"),
                                ({"endpoint": first.url, "ratio": "100%"}, first, "/4")]:
        daemon.write_config({**config, "tracing": tracing})
        daemon.do("reload")
        requests_are_served(daemon, path, 1)
        if told:
            server, _ = told.trace(path, 2)
            assert server.resource["service.name"] == ("edge" if told is second else "sluice")
        else:
            assert not counts(daemon), "no metric while it is off"
    assert not first.spans("/2") and not first.spans("/3") and not second.spans("/3")
    assert daemon.service()["pools"]["blue"]["requests"] == 4


def test_without_it_there_is_nothing_of_it(simple):
    daemon, backend = simple()
    sent = f"00-{TRACE}-{PARENT}-01"
    assert fetch(daemon.address(), "GET", "/x", {"traceparent": sent}).status == 200
    assert backend.seen("/x")[0].get("traceparent") == sent
    assert "sluice_trace" not in daemon.metrics() and "tracing: off" in daemon.ctl("config", "show", check=0).out


def test_an_endpoint_over_tls_with_headers_that_are_shown_nowhere(traced, collector, folder):
    ca = Authority(folder / "ca")
    to = collector(pair=ca.issue("collector", "127.0.0.1"))
    daemon, _, _, _ = traced({"endpoint": to.url + "/", "ca": str(ca.cert), "headers": {"X-Api-Key": "S3CRET", "Authorization": "Basic S3CRET"}})
    requests_are_served(daemon, count=1)
    to.trace("/x", 2)
    path, headers = to.requests[0]
    assert path == "/v1/traces" and headers["X-Api-Key"] == "S3CRET" and headers["Authorization"] == "Basic S3CRET"
    shown = daemon.ctl("config", "show", check=0).out
    assert 'X-Api-Key: "***"' in shown and "S3CRET" not in shown + daemon.ctl("config", "show", "-o", "json", check=0).out + daemon.stderr()


def test_what_is_there_goes_out_at_the_end(traced):
    daemon, to, _, _ = traced()
    requests_are_served(daemon, "/last", 1)
    daemon.stop()
    to.trace("/last", 2)


def test_a_collector_that_hangs_holds_the_end_for_a_second(traced):
    daemon, to, _, _ = traced()
    to.answers += ["hang"] * 3
    requests_are_served(daemon, count=1)
    daemon.stop(timeout=10)  # it would hang for a minute


def test_an_upgrade_goes_on_with_it(upgradable, collector, backend):
    to = collector()
    daemon = upgradable({"api": service({"blue": [backend("blue")]})}, tracing={"endpoint": to.url, "ratio": "100%"})
    assert fetch(daemon.address(), "GET", "/before").status == 200
    daemon.upgrade()
    assert fetch(daemon.address(), "GET", "/after").status == 200
    before, _ = to.trace("/before", 2)
    after, _ = to.trace("/after", 2)
    assert before.resource["process.pid"] != after.resource["process.pid"]
