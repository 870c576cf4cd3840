"""gRPC through the proxy, with grpc-python as client and server: calls of every kind, own answers, what counts, retries, health, drains."""
import json
import signal
import ssl
import threading

import grpc
import pytest
from grpcserver import BAD, COUNT, ECHO, LATE, GrpcServer, channel, failure, over_http2, unary
from grpcserver import methods as methods_of_all
from h2backend import H2Backend
from h2frames import Peer
from sluice import config_of, service
from tls import Authority
from waiting import stays_true, wait_until

Code = grpc.StatusCode
SUM, CHAT, WATCH = (f"/t.Test/{name}" for name in ("Sum", "Chat", "Watch"))
CHECK = {"type": "grpc", "interval": "100ms", "timeout": "2s", "rise": 1, "fall": 2}


def methods(name):
    def chat(requests, context):
        for request in requests:
            yield request.upper()

    return {**methods_of_all(name), SUM: ("client", lambda requests, context: b"%d" % sum(map(int, requests))), CHAT: ("bidi", chat)}


@pytest.fixture
def server():
    """server("blue"): a server with methods("blue")."""
    running = []

    def start(name="blue", more=None, **options):
        running.append(GrpcServer({**methods(name), **(more or {})}, name, **options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def client():
    opened = []

    def open_channel(daemon, **more):
        opened.append(channel(daemon.address(), **more))
        return opened[-1]

    yield open_channel
    for one in opened:
        one.close()


def grpc_service(pools, split=None, **more):
    return over_http2(service(pools, split, **more))


# ---- own answers; the backend is of no matter


def test_own_answers_are_statuses(sluice, client, backend):
    held = backend("held")
    config = config_of({"api": service({"blue": ["127.0.0.1:9"]}, retries={"attempts": 1}), "slow": service({"blue": [held]}),
                        "few": service({"blue": [held]}, rate_limit={"rate": "1/h", "burst": 1, "key": "ip"}, limits={"body": 5}),
                        "off": service({"blue": [held]})},
                       [{"path": f"/{name}/", "service": name} for name in ("api", "slow", "few", "off")])
    daemon = sluice(config)
    connection = client(daemon)
    error = failure(lambda: unary(connection, "/api/Call"))
    assert (error.code(), error.details()) == (Code.UNAVAILABLE, "No connection to a backend could be made.")
    assert ("x-sluice-error", "connect") in error.trailing_metadata()
    assert failure(lambda: unary(connection, "/nobody/Call")).code() is Code.UNIMPLEMENTED
    assert failure(lambda: unary(connection, "/few/Call", b"a long message")).code() is Code.RESOURCE_EXHAUSTED
    daemon.do("stop", "off", "--message", "Wegen Umbau geschlossen")
    error = failure(lambda: unary(connection, "/off/Call"))
    assert (error.code(), error.details()) == (Code.UNAVAILABLE, "Wegen Umbau geschlossen")
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="14") == 1


def test_an_answer_without_a_status_is_an_error_of_the_pool(sluice, client, backend, folder):
    """Its backend speaks HTTP/1.1 and no gRPC."""
    config = config_of({"api": service({"blue": [backend("blue")]})}, access_log={"path": str(folder / "log"), "format": "json"})
    daemon = sluice(config)
    assert failure(lambda: unary(client(daemon), ECHO)).code() is Code.UNKNOWN
    assert daemon.metric("sluice_request_errors_total", service="api", pool="blue") == 1
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="2") == 1
    (line,) = wait_until(lambda: (folder / "log").read_text().splitlines(), what="the line")
    assert json.loads(line)["grpc_status"] == 2 and json.loads(line)["status"] == 200


# ---- calls of every kind


def test_calls_of_every_kind(sluice, client, server):
    blue = server()
    daemon = sluice(config_of({"api": grpc_service({"blue": [blue]})}))
    connection = client(daemon)
    assert unary(connection, ECHO, b"hello") == b"blue:hello"
    assert unary(connection, ECHO, b"x" * 1_000_000)[-5:] == b"xxxxx"
    call = connection.unary_stream(COUNT)(b"100", timeout=10)
    assert list(call) == [b"%d" % i for i in range(100)]
    assert ("who", "blue") in call.initial_metadata() and call.code() is Code.OK
    assert connection.stream_unary(SUM)((b"%d" % i for i in range(100)), timeout=10) == b"4950"
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="0") == 4


def test_messages_go_both_ways_while_both_ends_are_open(sluice, client, server):
    daemon = sluice(config_of({"api": grpc_service({"blue": [server()]})}))
    ready, done = threading.Semaphore(1), threading.Event()

    def questions():
        for i in range(20):
            assert ready.acquire(timeout=10)
            yield b"q%d" % i
        done.set()

    answers = []
    for answer in client(daemon).stream_stream(CHAT)(questions(), timeout=20):
        answers.append(answer)
        ready.release()
    assert answers == [b"Q%d" % i for i in range(20)] and done.is_set()


def test_errors_before_and_after_the_first_message(sluice, client, server):
    daemon = sluice(config_of({"api": grpc_service({"blue": [server()]}, retries={"attempts": 1})}))
    connection = client(daemon)
    error = failure(lambda: unary(connection, BAD, b"NOT_FOUND"))
    assert (error.code(), error.details()) == (Code.NOT_FOUND, "blue: nicht gut, 100 % \u00e9")
    assert ("who", "blue") in error.trailing_metadata()
    call = connection.unary_stream(LATE)(b"ABORTED", timeout=10)
    assert next(call) == b"first"
    assert failure(lambda: next(call)).code() is Code.ABORTED
    assert failure(lambda: unary(connection, "/t.Test/Nothing")).code() is Code.UNIMPLEMENTED
    assert daemon.metric("sluice_request_errors_total", service="api", pool="blue") == 1, "only the last is the pool's"


def test_over_tls_on_both_sides(sluice, client, server, folder):
    ca = Authority(folder / "tls")
    cert, key = ca.issue("web", "127.0.0.1", "localhost")
    pair = (key.read_bytes(), cert.read_bytes())
    blue = server(credentials=grpc.ssl_server_credentials([pair]))
    api = grpc_service({"blue": [blue]}, health_check=CHECK)
    api["pools"]["blue"]["tls"] = {"ca": str(ca.cert)}
    config = config_of({"api": api})
    config["listeners"][0]["tls"] = {"certificates": [{"cert": str(cert), "key": str(key)}]}
    daemon = sluice(config)
    wait_until(lambda: daemon.backend(blue.address)["health"] == "up", what="the health service to be asked over TLS")
    connection = client(daemon, credentials=grpc.ssl_channel_credentials(ca.cert.read_bytes()))
    assert unary(connection, ECHO, b"hello") == b"blue:hello"


def test_X5_an_idle_stream_is_not_cut_as_a_slow_body(sluice, client, server):
    """Neither side says anything for longer than body_timeout and timeouts.response."""
    config = config_of({"api": grpc_service({"blue": [server()]}, timeouts={"response": "300ms"})})
    config["listeners"][0]["body_timeout"] = "300ms"
    daemon = sluice(config)
    go_on = threading.Event()

    def questions():
        yield b"a"
        go_on.wait(20)
        yield b"b"

    call = client(daemon).stream_stream(CHAT)(questions(), timeout=20)
    assert next(call) == b"A"
    stays_true(call.is_active, 1)
    go_on.set()
    assert list(call) == [b"B"]


# ---- time, retries, rescue


def test_grpc_timeout_is_obeyed_and_passed_on(sluice, client, server):
    gate = threading.Event()
    blue = server(more={"/t.Test/Wait": ("unary", lambda request, context: gate.wait(20) and b"" or b"")})
    daemon = sluice(config_of({"api": grpc_service({"blue": [blue]})}))
    assert failure(lambda: unary(client(daemon), "/t.Test/Wait", timeout=0.5)).code() is Code.DEADLINE_EXCEEDED
    wait_until(lambda: daemon.backend(blue.address)["in_flight"] == 0, 5, "the call to be given up")
    gate.set()


def test_R1_unavailable_is_tried_again_with_the_count_of_attempts(sluice, client, server):
    first = server("one", more={ECHO: ("unary", lambda r, context: context.abort(Code.UNAVAILABLE, "no"))})
    second = server("two")
    api = grpc_service({"blue": [first, second]}, retries={"attempts": 2, "on_grpc": ["unavailable"]}, outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    connection = client(daemon)
    assert [unary(connection, ECHO) for _ in range(10)] == [b"two:m"] * 10
    assert len(first.seen(ECHO)) > 0
    assert any(m.get("grpc-previous-rpc-attempts") == "1" for m in second.seen(ECHO))


def test_R1_a_server_that_wants_no_retry_gets_none(sluice, client, server):
    def refuse(request, context):
        context.set_trailing_metadata((("grpc-retry-pushback-ms", "-1"),))
        context.abort(Code.UNAVAILABLE, "leave me alone")
    both = [server(name, more={ECHO: ("unary", refuse)}) for name in ("one", "two")]
    daemon = sluice(config_of({"api": grpc_service({"blue": both}, retries={"on_grpc": ["unavailable"]})}))
    assert failure(lambda: unary(client(daemon), ECHO)).code() is Code.UNAVAILABLE
    assert sum(len(one.seen(ECHO)) for one in both) == 1


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "UNKNOWN"])
def test_R2_no_client_sees_the_errors_of_a_canary(sluice, client, server, code):
    canary = server("canary", more={ECHO: ("unary", lambda r, context: context.abort(Code[code], "broken"))})
    api = grpc_service({"stable": [server("stable")], "canary": [canary]}, {"stable": "50%", "canary": "50%"},
                       outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    connection = client(daemon)
    assert {unary(connection, ECHO) for _ in range(40)} == {b"stable:m"}
    asked = daemon.metric("sluice_requests_total", service="api", pool="canary")
    assert asked > 5 and asked == len(canary.seen(ECHO))
    assert daemon.metric("sluice_request_errors_total", service="api", pool="canary") == asked
    assert daemon.metric("sluice_rescued_total", service="api", pool="canary") == asked
    number = str(Code[code].value[0])
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="canary", status=number) == asked


def test_R2_nor_does_one_whose_message_comes_behind_the_head(sluice, server):
    """As browsers and some libraries send it; the canary answers when it has the message."""
    canary = server("canary", more={ECHO: ("unary", lambda r, context: context.abort(Code.UNAVAILABLE, "broken"))})
    stable = server("stable")
    api = grpc_service({"stable": [stable], "canary": [canary]}, {"stable": "50%", "canary": "50%"}, outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    in_flight = lambda: sum(daemon.backend(one.address)["in_flight"] for one in (stable, canary))  # noqa: E731
    with Peer(daemon.address()) as client:
        for stream in range(1, 80, 2):
            client.request(stream, ECHO, "POST", more=[("content-type", "application/grpc"), ("te", "trailers")], end=False)
            wait_until(lambda: in_flight() == 1, what="the head to be there")
            client.data(stream, b"\0\0\0\0\1m", end=True)
            answer = client.answer(stream)
            assert (answer.body, answer.heads[-1]["grpc-status"]) == (b"\0\0\0\0\x08stable:m", "0"), answer
    assert len(canary.seen(ECHO)) > 5


class HeadsAndTrailers(H2Backend):
    """Answers every call with a head and, behind it, trailers with that status: no message, and not the head alone either."""

    def end(self, request):
        request.connection.head(request.stream, headers=[("content-type", "application/grpc")])
        request.connection.send(request.stream, b"", [("grpc-status", "13")])


def test_R2_nor_does_one_see_those_that_stand_in_trailers_behind_a_head(sluice, client, server):
    canary = HeadsAndTrailers()
    api = grpc_service({"stable": [server("stable")], "canary": [canary]}, {"stable": "50%", "canary": "50%"},
                       outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    connection = client(daemon)
    assert {unary(connection, ECHO) for _ in range(40)} == {b"stable:m"}
    asked = daemon.metric("sluice_requests_total", service="api", pool="canary")
    assert asked > 5 and daemon.metric("sluice_grpc_responses_total", service="api", pool="canary", status="13") == asked
    canary.stop()


def test_G6_a_canary_whose_calls_fail_goes_back_within_ten(sluice, client, server):
    canary = server("canary", more={ECHO: ("unary", lambda r, context: context.abort(Code.INTERNAL, "broken"))})
    api = grpc_service({"stable": [server("stable")], "canary": [canary]}, outlier={"consecutive_errors": 0})
    plans = {"quick": {"steps": [{"share": "50%", "hold": "1h"}], "gates": [{"metric": "error_rate", "max": "5%"}]}}
    daemon = sluice(config_of({"api": api}, plans=plans))
    daemon.do("rollout", "start", "api", "--to", "canary", "--plan", "quick")
    connection = client(daemon)
    for _ in range(60):
        assert unary(connection, ECHO) == b"stable:m"
    wait_until(lambda: daemon.shares()["canary"] == 0, 5, "the way back")
    assert len(canary.seen(ECHO)) <= 10


# ---- health


@pytest.mark.parametrize("answer, health, why", [
    (b"\x08\x01", "up", ""), (b"\x08\x02", "down", "is NOT_SERVING"), (b"", "down", "is UNKNOWN"),
    (None, "down", "it does not implement grpc.health.v1")])
def test_H2_health_is_what_the_health_service_says(sluice, server, answer, health, why):
    blue = server(health=answer)
    daemon = sluice(config_of({"api": service({"blue": [blue]}, health_check=CHECK)}))
    wait_until(lambda: daemon.backend(blue.address)["health"] == health, 5, lambda: daemon.backend(blue.address))
    assert why in json.dumps(daemon.backend(blue.address))


def test_H2_a_server_that_stops_serving_goes_down_and_comes_back(sluice, server):
    blue = server()
    daemon = sluice(config_of({"api": service({"blue": [blue]}, health_check={**CHECK, "service": "t.Test"})}))
    for answer, health in ((b"\x08\x01", "up"), (b"\x08\x02", "down"), (b"\x08\x01", "up")):
        blue.health = answer
        wait_until(lambda: daemon.backend(blue.address)["health"] == health, 5, health)


@pytest.mark.parametrize("protocol, tls", [("h2", False), ("h2", True), ("auto", True)])
def test_H2_a_pool_that_speaks_http2_is_probed_so(sluice, folder, protocol, tls):
    authority = Authority(folder / "tls")
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("backend", "127.0.0.1"))
        context.set_alpn_protocols(["h2"])
    blue = H2Backend(tls=context)
    api = service({"blue": [blue]}, health_check={"path": "/status/204", "interval": "100ms", "rise": 1, "fall": 2})
    api["pools"]["blue"]["protocol"] = protocol
    if tls:
        api["pools"]["blue"]["tls"] = {"ca": str(authority.cert)}
    daemon = sluice(config_of({"api": api}))
    wait_until(lambda: daemon.backend(blue.address)["health"] == "up", 5, lambda: daemon.backend(blue.address))
    probe = blue.seen("/status/204")[0]
    assert probe.method == "GET" and probe.get("user-agent") == "sluice-health" and not blue.errors
    blue.stop()


# ---- drains


def watch(requests_or_request, context):
    yield b"first"
    while context.is_active():
        if context.code is None:
            return
        threading.Event().wait(0.05)


def test_D7_a_long_call_is_cut_by_policy_with_a_status(sluice, client, server):
    blue, other = server(more={WATCH: ("server", watch)}), server("other", more={WATCH: ("server", watch)})
    daemon = sluice(config_of({"api": grpc_service({"blue": [blue, other]})}))
    connection = client(daemon)
    calls = [connection.unary_stream(WATCH)(b"", timeout=60) for _ in range(4)]
    for call in calls:
        assert next(call) == b"first"
    wait_until(lambda: daemon.backend(blue.address)["in_flight"] > 0, what="calls on it")
    stays_true(lambda: all(call.is_active() for call in calls), 5.2)
    daemon.ctl("drain", f"api/blue/{blue.address}", "--websockets", "now", check=0)
    wait_until(lambda: daemon.backend(blue.address)["admin"] == "drained", 5, "the calls to be cut")
    wait_until(lambda: not all(call.is_active() for call in calls), 5, "the client to hear of it")
    cut = [call for call in calls if not call.is_active()]
    assert cut and all(call.code() is Code.UNAVAILABLE and "drained" in call.details() for call in cut)
    assert any(call.is_active() for call in calls), "those of the other backend go on"
    for call in calls:
        call.cancel()


def test_D3_D7_a_young_call_is_waited_for_until_the_deadline(sluice, client, server):
    blue = server(more={WATCH: ("server", watch)})
    daemon = sluice(config_of({"api": grpc_service({"blue": [blue]})}))
    call = client(daemon).unary_stream(WATCH)(b"", timeout=60)
    assert next(call) == b"first"
    daemon.ctl("drain", f"api/blue/{blue.address}", "--websockets", "now", "--timeout", "1s", "--force", check=0)
    assert failure(lambda: next(call)).code() is Code.UNAVAILABLE
    wait_until(lambda: daemon.backend(blue.address)["admin"] == "drained", 5, "drained")


def test_D6_a_young_call_that_the_end_of_the_daemon_cuts_has_a_status(sluice, client, server):
    blue = server(more={WATCH: ("server", watch)})
    daemon = sluice(config_of({"api": grpc_service({"blue": [blue]})}, shutdown_timeout="300ms"))
    call = client(daemon).unary_stream(WATCH)(b"", timeout=60)
    assert next(call) == b"first"
    daemon.signal(signal.SIGTERM)
    ended = failure(lambda: next(call))
    assert ended.code() is Code.UNAVAILABLE and "drain" in ended.details(), ended
    assert daemon.process.wait(10) == 0
