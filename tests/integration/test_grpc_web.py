"""gRPC-Web: a browser's calls, over both protocols and in both codings, to servers of grpc-python."""
import base64
import json
import threading

import grpc
import pytest
from client import Client, Closed, fetch
from grpcserver import BAD, COUNT, ECHO, LATE, GrpcServer, over_http2
from grpcserver import methods as methods_of_all
from grpcweb import WebCall, frame, wire
from h2backend import H2Backend
from sluice import config_of, service
from waiting import wait_until

Code = grpc.StatusCode
GATED, WATCH = "/t.Test/Gated", "/t.Test/Watch"
every_way = pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
every_wire = pytest.mark.parametrize("h2", [False, True], ids=["h1", "h2"])


def methods(name, gate):
    def gated(request, context):
        yield b"first"
        gate.wait(20)
        yield b"second"

    def watch(request, context):
        yield b"first"
        while context.is_active():
            threading.Event().wait(0.05)

    return {**methods_of_all(name), GATED: ("server", gated), WATCH: ("server", watch)}


@pytest.fixture
def gate():
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def server(gate):
    running = []

    def start(name="blue", more=None):
        running.append(GrpcServer({**methods(name, gate), **(more or {})}, name))
        return running[-1]

    yield start
    gate.set()
    for one in running:
        one.stop()


@pytest.fixture
def call():
    made = []

    def make(daemon, *args, **more):
        made.append(WebCall(daemon.address(), *args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def web_service(pools, split=None, **more):
    return over_http2(service(pools, split, grpc_web=True, **more))


# ---- calls


@every_wire
@every_way
def test_a_call_and_its_answer(sluice, server, call, h2, text):
    blue = server()
    daemon = sluice(config_of({"api": web_service({"blue": [blue]})}))
    one = call(daemon, ECHO, [b"hello"], text=text, h2=h2)
    assert one.all() == [b"blue:hello"] and one.code == 0
    assert one.status == 200 and one.headers["content-type"] == one.type
    assert call(daemon, ECHO, [b"x" * 300_000], text=text, h2=h2).all() == [b"blue:" + b"x" * 300_000]
    assert call(daemon, ECHO, [b""], text=text, h2=h2).all() == [b"blue:"]
    asked = blue.seen(ECHO)[0]
    assert asked["x-grpc-web"] == "1" and "via" in asked
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="0") == 3


@every_wire
@every_way
def test_a_stream_of_messages(sluice, server, call, h2, text):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]})}))
    one = call(daemon, COUNT, [b"1000"], text=text, h2=h2)
    assert one.all() == [b"%d" % i for i in range(1000)] and one.code == 0
    assert one.headers["who"] == "blue", "initial metadata are header fields"


@every_wire
@every_way
def test_messages_come_before_the_end(sluice, server, call, gate, h2, text):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]})}))
    one = call(daemon, GATED, text=text, h2=h2)
    assert next(one) == b"first"
    assert not gate.is_set()
    gate.set()
    assert one.all() == [b"second"] and one.code == 0


def test_calls_follow_one_another_on_a_connection(sluice, server):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]})}))
    with Client(daemon.address()) as connection:
        for text, method, code in ((False, ECHO, 0), (True, ECHO, 0), (True, BAD, 5), (False, "/t.Test/Nothing", 12), (True, COUNT, 0), (False, ECHO, 0)):
            messages = {BAD: [b"NOT_FOUND"], COUNT: [b"3"]}.get(method, [b"m"])
            assert WebCall(daemon.address(), method, messages, text=text, connection=connection).code == code


def test_the_coding_of_the_answer_is_what_accept_says(sluice, server, call):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]})}))
    head = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nAccept: {}\r\nContent-Length: {}\r\n\r\n"
    body = wire([b"m"])
    with Client(daemon.address()) as connection:
        connection.send(head.format(ECHO, "application/grpc-web", "application/grpc-web-text", len(body)).encode() + body)
        answer = connection.read("POST")
    assert answer.get("content-type") == "application/grpc-web-text+proto"
    assert base64.b64decode(answer.chunks[0]) == frame(b"blue:m")


def test_a_text_in_chunks_that_are_cut_anywhere(sluice, server):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]})}))
    body = wire([b"hello"], text=True)
    for at in range(1, len(body)):
        with Client(daemon.address()) as connection:
            connection.send(f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web-text\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (body[:at], body[at:]):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send("0\r\n\r\n")
            answer = connection.read("POST")
            assert answer.body.startswith(base64.b64encode(frame(b"blue:hello"))), (at, answer)


# ---- errors


@every_wire
@every_way
def test_an_error_before_and_after_the_first_message(sluice, server, call, h2, text):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]}, retries={"attempts": 1})}))
    one = call(daemon, BAD, [b"NOT_FOUND"], text=text, h2=h2)
    assert one.all() == [] and one.code == 5 and one.details == "blue: nicht gut, 100 %25 %C3%A9"
    assert (one.trailers or one.headers)["who"] == "blue"
    one = call(daemon, LATE, [b"ABORTED"], text=text, h2=h2)
    assert one.all() == [b"first"] and one.code == 10 and one.details == "after the first message"
    assert "grpc-status" in one.trailers
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="5") == 1
    assert daemon.metric("sluice_request_errors_total", service="api", pool="blue") == 0, "neither is the pool's"


class TrailersOnly(H2Backend):
    def end(self, request):
        request.connection.head(request.stream, headers=[("content-type", "application/grpc"), ("grpc-status", "7"), ("grpc-message", "no")], end=True)


@every_wire
@every_way
def test_trailers_only_is_said_once_and_in_the_head(sluice, call, h2, text):
    backend = TrailersOnly()
    daemon = sluice(config_of({"api": web_service({"blue": [backend]})}))
    one = call(daemon, ECHO, text=text, h2=h2)
    assert one.all() == [] and one.trailers is None
    assert (one.headers["grpc-status"], one.headers["grpc-message"]) == ("7", "no")
    assert one.headers["content-type"] == one.type
    request = backend.seen(ECHO)[0]
    assert request.get("content-type") == "application/grpc+proto" and request.get("te") == "trailers" and not backend.errors
    backend.stop()


@every_wire
@every_way
def test_own_answers_are_statuses(sluice, server, call, h2, text):
    blue = server()
    config = config_of({"api": web_service({"blue": ["127.0.0.1:9"]}, retries={"attempts": 1}),
                        "few": web_service({"blue": [blue]}, limits={"body": 5}), "off": web_service({"blue": [blue]}),
                        "slow": web_service({"blue": [blue]}, timeouts={"response": "100ms"})},
                       [{"path": "/api/", "strip_prefix": True, "service": "api"}, {"path": "/few/", "service": "few"},
                        {"path": "/off/", "service": "off"}, {"path": "/t.Test/", "service": "slow"}])
    daemon = sluice(config)

    def answer(path, **more):
        one = call(daemon, path, text=text, h2=h2, **more)
        assert one.all() == [] and one.status == 200 and one.headers["content-type"] == one.type and one.trailers is None
        return one.headers["x-sluice-error"], one.code, one.details

    assert answer("/api/Call") == ("connect", 14, "No connection to a backend could be made.")
    assert answer("/few/Call", messages=[b"a long message"]) == ("body", 8, "The request's body is too large.")
    daemon.do("stop", "off", "--message", "Wegen Umbau zu: 100 %")
    assert answer("/off/Call") == ("stopped", 14, "Wegen Umbau zu: 100 %25")
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="blue", status="14") == 1
    nobody = call(daemon, "/nobody/Call", text=text, h2=h2).head()
    assert nobody.status == 404, "no service, no translation"


def test_an_answer_before_the_body_has_come_ends_the_connection(sluice, server):
    daemon = sluice(config_of({"api": web_service({"blue": [server()]}, limits={"body": 5})}))
    with Client(daemon.address()) as connection:
        connection.send(f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc-web\r\nContent-Length: 1000\r\n\r\n")
        answer = connection.read("POST")
    assert (answer.status, answer.get("grpc-status"), answer.get("Connection")) == (200, "8", "close")


def test_grpc_timeout_is_obeyed(sluice, server, call, gate):
    blue = server(more={"/t.Test/Wait": ("unary", lambda request, context: gate.wait(20) and b"" or b"")})
    daemon = sluice(config_of({"api": web_service({"blue": [blue]})}))
    one = call(daemon, "/t.Test/Wait", headers=[("grpc-timeout", "300m")])
    assert one.code == 4, "the server's word or the proxy's"
    wait_until(lambda: daemon.backend(blue.address)["in_flight"] == 0, 5, "the call to be given up")


@pytest.mark.parametrize("body", [b"AAAA!", b"AAAAAA", b"A"])
def test_X2_a_text_that_is_no_base64_is_malformed(sluice, server, call, body):
    blue = server()
    daemon = sluice(config_of({"api": web_service({"blue": [blue]})}))
    one = call(daemon, ECHO, text=True, body=body)
    assert one.code == 13 and one.headers["x-sluice-error"] == "malformed"
    assert daemon.metric("sluice_request_errors_total", service="api", pool="blue") == 0


@every_wire
def test_what_is_no_answer_of_grpc_goes_as_it_is(sluice, backend, call, h2):
    """Its backend speaks HTTP/1.1 and answers with JSON."""
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")]}, grpc_web=True)}))
    one = call(daemon, "/status/503", h2=h2).head()
    assert one.status == 503 and "grpc-status" not in one.headers
    told = call(daemon, "/", h2=h2).head()
    assert told.status == 200 and not told.headers["content-type"].startswith("application/grpc")


# ---- retries, rescue, judging


@every_wire
@every_way
def test_R2_no_browser_sees_the_errors_of_a_canary(sluice, server, call, h2, text):
    canary = server("canary", more={ECHO: ("unary", lambda r, context: context.abort(Code.UNAVAILABLE, "broken"))})
    api = web_service({"stable": [server("stable")], "canary": [canary]}, {"stable": "50%", "canary": "50%"}, outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    for _ in range(20):
        assert call(daemon, ECHO, text=text, h2=h2).all() == [b"stable:m"]
    asked = daemon.metric("sluice_requests_total", service="api", pool="canary")
    assert asked > 2 and asked == len(canary.seen(ECHO))
    assert daemon.metric("sluice_rescued_total", service="api", pool="canary") == asked
    assert daemon.metric("sluice_grpc_responses_total", service="api", pool="canary", status="14") == asked


def test_R1_unavailable_is_tried_again(sluice, server, call):
    first = server("one", more={ECHO: ("unary", lambda r, context: context.abort(Code.UNAVAILABLE, "no"))})
    second = server("two")
    api = web_service({"blue": [first, second]}, retries={"attempts": 2, "on_grpc": ["unavailable"]}, outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api}))
    assert [call(daemon, ECHO).all() for _ in range(6)] == [[b"two:m"]] * 6
    assert len(first.seen(ECHO)) > 0
    assert any(m.get("grpc-previous-rpc-attempts") == "1" for m in second.seen(ECHO))


def test_G6_a_canary_whose_calls_fail_goes_back(sluice, server, call):
    canary = server("canary", more={ECHO: ("unary", lambda r, context: context.abort(Code.INTERNAL, "broken"))})
    api = web_service({"stable": [server("stable")], "canary": [canary]}, outlier={"consecutive_errors": 0})
    plans = {"quick": {"steps": [{"share": "50%", "hold": "1h"}], "gates": [{"metric": "error_rate", "max": "5%"}]}}
    daemon = sluice(config_of({"api": api}, plans=plans))
    daemon.do("rollout", "start", "api", "--to", "canary", "--plan", "quick")
    for _ in range(40):
        assert call(daemon, ECHO).all() == [b"stable:m"]
    wait_until(lambda: daemon.shares()["canary"] == 0, 5, "the way back")


# ---- drains


@every_wire
@every_way
def test_D3_D7_a_call_that_a_drain_cuts_between_messages_has_a_status(sluice, server, call, h2, text):
    blue = server()
    daemon = sluice(config_of({"api": web_service({"blue": [blue]})}))
    one = call(daemon, WATCH, text=text, h2=h2)
    assert next(one) == b"first"
    daemon.ctl("drain", f"api/blue/{blue.address}", "--timeout", "300ms", "--force", check=0)
    assert one.all() == [] and one.code == 14 and "drained" in one.details
    wait_until(lambda: daemon.backend(blue.address)["admin"] == "drained", 5, "drained")


class HalfAMessage(H2Backend):
    def end(self, request):
        request.connection.head(request.stream, headers=[("content-type", "application/grpc")])
        request.connection.send(request.stream, frame(b"message")[:8])


@every_wire
def test_D7_within_a_message_it_is_reset(sluice, call, h2):
    backend = HalfAMessage()
    daemon = sluice(config_of({"api": web_service({"blue": [backend]})}))
    one = call(daemon, ECHO, h2=h2).head()
    wait_until(lambda: one._more() or len(one.bytes) == 8, what="half a message")
    daemon.ctl("drain", f"api/blue/{backend.address}", "--timeout", "100ms", "--force", check=0)
    with pytest.raises(Closed):
        one.all()
    backend.stop()


# ---- what is seen, and what it is not


@every_wire
def test_the_access_log_has_the_status(sluice, server, call, folder, h2):
    config = config_of({"api": web_service({"blue": [server()]})}, access_log={"path": str(folder / "log"), "format": "json"})
    daemon = sluice(config)
    assert call(daemon, BAD, [b"NOT_FOUND"], text=True, h2=h2).code == 5
    (line,) = wait_until(lambda: (folder / "log").read_text().splitlines(), what="the line")
    line = json.loads(line)
    assert (line["status"], line["grpc_status"], line["method"], line["path"]) == (200, 5, "POST", BAD)
    assert line["protocol"] == ("HTTP/2.0" if h2 else "HTTP/1.1")
    assert line["bytes_in"] == len(wire([b"NOT_FOUND"], text=True))


def test_where_it_is_off_calls_go_on_as_they_come(sluice, call):
    backend = H2Backend()
    off = web_service({"blue": [backend]})
    off["grpc_web"] = False
    daemon = sluice(config_of({"api": off, "on": web_service({"blue": [backend]})}))
    one = call(daemon, "/echo", [b"hello"], text=True).head()
    assert one.link.piece() == wire([b"hello"], text=True)
    request = backend.seen("/echo")[0]
    assert request.get("content-type") == "application/grpc-web-text+proto" and request.get("te") is None
    backend.stop()


def test_a_reload_switches_it_on(sluice, server, call):
    blue = server()
    config = config_of({"api": {**web_service({"blue": [blue]}), "grpc_web": False}})
    daemon = sluice(config)
    assert call(daemon, ECHO).head().headers.get("content-type") != "application/grpc-web+proto"
    config["services"]["api"]["grpc_web"] = True
    daemon.write_config(config)
    daemon.do("reload")
    assert call(daemon, ECHO).all() == [b"blue:m"]


def test_other_requests_of_the_service_are_let_alone(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]}, grpc_web=True)}))
    preflight = [("Origin", "http://a.example"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "x-grpc-web")]
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = fetch(daemon.address(), method, "/t.Test/Echo", [("Content-Type", "application/grpc-web"), *preflight])
        assert answer.status == 200
        seen = blue.requests[-1]
        assert seen.method == method and dict(seen.headers)["Content-Type"] == "application/grpc-web", seen


def test_a_preflight_may_go_elsewhere(sluice, server, backend, call):
    cors = backend("cors")
    config = config_of({"api": web_service({"blue": [server()]}), "cors": service({"blue": [cors]})},
                       [{"path": "/t.Test/", "methods": ["OPTIONS"], "service": "cors"}, {"path": "/t.Test/", "service": "api"}])
    daemon = sluice(config)
    assert fetch(daemon.address(), "OPTIONS", ECHO).status == 200 and len(cors.requests) == 1
    assert call(daemon, ECHO).all() == [b"blue:m"]


def test_a_route_sees_the_type_that_the_browser_sent(sluice, server, call):
    config = config_of({"api": web_service({"blue": [server()]}), "other": web_service({"blue": [server("other")]})},
                       [{"path": "/", "headers": {"Content-Type": "application/grpc-web+proto"}, "service": "api"}, {"path": "/", "service": "other"}])
    daemon = sluice(config)
    assert call(daemon, ECHO).all() == [b"blue:m"]
    assert call(daemon, ECHO, text=True).all() == [b"other:m"]


def test_explain_says_what_becomes_of_a_call(sluice, backend):
    blue = backend("blue")
    config = config_of({"on": service({"blue": [blue]}, grpc_web=True), "off": service({"blue": [blue]})},
                       [{"path": "/on/", "service": "on"}, {"path": "/off/", "service": "off"}])
    daemon = sluice(config)

    def step(path, *more):
        return [step for step in daemon.do("explain", path, *more)["steps"] if step.startswith("gRPC-Web")]

    typed = ("--method", "POST", "-H", "Content-Type: application/grpc-web-text")
    assert step("/on/", *typed) == ["gRPC-Web: the backend gets a call of gRPC, its answer becomes application/grpc-web-text+proto"]
    assert step("/off/", *typed) == ["gRPC-Web: it goes on as it is, 'grpc_web' of this service is off"]
    assert step("/on/") == []
