"""HTTP/2 to backends: what clients of either protocol get from backends of either, and what a backend's own ways cost them."""
import base64
import hashlib
import json
import ssl
import subprocess
import threading

import pytest
from backend import pattern
from client import Client
from h2backend import H2Backend
from h2frames import DATA, END_HEADERS, END_STREAM, HEADERS, Peer
from sluice import binary, config_of, memory_bound, service
from tls import Authority, TlsServer
from waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def h2backend():
    made = []

    def make(name="blue-1", **options):
        made.append(H2Backend(name, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def over_h2(sluice, h2backend):
    """over_h2(**service options) -> (daemon, backend): one pool of one HTTP/2 backend in clear."""

    def start(pools=None, split=None, backend_options=None, protocol="h2", **options):
        only = h2backend(**(backend_options or {}))
        described = service(pools or {"blue": [only]}, split, **options)
        for pool in described["pools"].values():
            pool["protocol"] = protocol
        return sluice(config_of({"api": described})), only

    return start


class Got:
    """An answer, whatever protocol it came over."""

    def __init__(self, status, headers, body=b"", trailers=(), interim=(), reset=None):
        self.status, self.body, self.reset = status, body, reset
        self.headers = {name.lower(): value for name, value in headers}
        self.trailers = {name.lower(): value for name, value in trailers}
        self.interim = list(interim)

    def json(self):
        return json.loads(self.body)


def ask_h1(daemon, method="GET", path="/", headers=(), body=None, trailers=()):
    with daemon.client(timeout=30) as client:
        if trailers:
            client.send_request(method, path, [*headers, ("Transfer-Encoding", "chunked"), ("Trailer", trailers[0][0])])
            client.send(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in trailers) + b"\r\n")
        else:
            client.send_request(method, path, headers, body)
        answer = client.read(method)
        return Got(answer.status, answer.headers, answer.body or b"", answer.trailers or (), [i.status for i in answer.interim])


def ask_h2(daemon, method="GET", path="/", headers=(), body=None, trailers=()):
    with Peer(daemon.address()) as peer:
        more = [(name.lower(), value) for name, value in headers]
        if body is not None and not trailers:
            more.append(("content-length", str(len(body))))
        left, sent = body or b"", 0
        if body and len(body) < 1000 and not trailers:  # at once: a body that came whole with its head is kept
            fields = [(":method", method), (":scheme", "http"), (":authority", "a.example"), (":path", path), *more]
            peer.raw(peer.frame(HEADERS, END_HEADERS, 1, peer.block(fields)) + peer.frame(DATA, END_STREAM, 1, body))
            left = b""
        else:
            peer.request(1, path, method, more=more, end=body is None)
        while left:
            assert peer.until(lambda: 65535 + min(peer.windows.get(0, 0), peer.windows.get(1, 0)) > sent or over(peer, 1), 30)
            if over(peer, 1):
                break
            room = min(65535 + min(peer.windows.get(0, 0), peer.windows.get(1, 0)) - sent, 16384)
            peer.data(1, left[:room], end=len(left) <= room and not trailers)
            sent, left = sent + len(left[:room]), left[room:]
        if body == b"" and not trailers:
            peer.data(1, b"", end=True)
        if trailers:
            peer.headers(1, trailers)
        answer = peer.answer(1, 30)
        finals = [head for head in answer.heads if head.get(":status", "2")[0] != "1"]
        trailing = finals[1] if len(finals) > 1 else {}
        return Got(answer.status if finals[:1] == answer.heads[:1] else int(answer.head[":status"]), answer.head.items(), answer.body,
                   trailing.items(), [int(h[":status"]) for h in answer.heads if h.get(":status", "")[:1] == "1"], answer.reset)


class Known:
    """A daemon whose address is known: what it is asked for otherwise is one thread's."""

    def __init__(self, address):
        self.address = lambda: address


def over(peer, stream):
    answer = peer.answers.get(stream)
    return peer.closed or (answer and (answer.ended or answer.reset))


@pytest.fixture(params=["h1-h1", "h1-h2", "h2-h1", "h2-h2"])
def pairing(request, sluice, backend, h2backend):
    """(ask, daemon, backend, protocols): the client's protocol, then the backend's."""
    client, spoken = request.param.split("-")
    only = backend("blue-1") if spoken == "h1" else h2backend("blue-1")
    described = service({"blue": [only]}, outlier={"consecutive_errors": 0})
    described["pools"]["blue"]["protocol"] = spoken
    daemon = sluice(config_of({"api": described}))
    return ask_h1 if client == "h1" else ask_h2, daemon, only, request.param


# --- the four pairings


def test_a_request_and_its_answer(pairing):
    ask, daemon, backend, protocols = pairing
    got = ask(daemon, "POST", "/x?y=1", [("X-Mine", "kept"), ("Cookie", "a=b")], b"body")
    assert got.status == 200 and got.json()["method"] == "POST" and got.json()["backend"] == "blue-1"
    assert got.headers["via"] == ("2.0 sluice" if protocols.endswith("h2") else "1.1 sluice")
    seen = backend.seen("/x")[0]
    assert (seen.target, seen.body, seen.get("X-Mine") or seen.get("x-mine")) == ("/x?y=1", b"body", "kept")
    assert (seen.get("Via") or seen.get("via")) == ("2.0 sluice" if protocols.startswith("h2") else "1.1 sluice")


@pytest.mark.parametrize("size", [0, 1, 70_000, 3 * MIB])
def test_X4_bodies_both_ways(pairing, size):
    ask, daemon, _, _ = pairing
    body = pattern(size)
    got = ask(daemon, "PUT", "/echo", (), body)
    assert got.status == 200 and got.body == body
    assert ask(daemon, "GET", f"/bytes/{size}").body == body


def test_X6_trailers_both_ways(pairing):
    ask, daemon, backend, protocols = pairing
    got = ask(daemon, "GET", "/trailers", [("TE", "trailers"), ("Connection", "TE")] if protocols[:2] == "h1" else [("te", "trailers")])
    assert got.status == 200 and got.body and got.trailers
    ask(daemon, "POST", "/sink", (), b"body", [("checksum", "7")])
    seen = backend.seen("/sink")[0]
    assert ("checksum", "7") in [(name.lower(), value) for name, value in seen.trailers]


def test_X6_heads_without_bodies(pairing):
    ask, daemon, _, _ = pairing
    got = ask(daemon, "HEAD", "/bytes/100")
    assert got.status == 200 and got.body == b""
    for status in (204, 304):
        got = ask(daemon, "GET", f"/status/{status}")
        assert got.status == status and got.body == b"" and "transfer-encoding" not in got.headers


def test_X6_interim_answers(pairing):
    ask, daemon, _, _ = pairing
    got = ask(daemon, "GET", "/hints")
    assert got.status == 200 and got.interim == [103]


def test_R1_an_answer_that_is_cut_is_never_whole(pairing):
    ask, daemon, _, protocols = pairing
    path = "/partial" if protocols.endswith("h2") else "/partial/5"
    if protocols.startswith("h2"):
        assert ask(daemon, "GET", path).reset == "INTERNAL_ERROR"
        return
    with daemon.client() as client:
        client.send_request(target=path)
        answer = client.head()
        assert answer.status == 200
        assert len(client.rest()) < 100


# --- what is an HTTP/2 backend's own


@pytest.mark.parametrize("ask", [ask_h1, ask_h2])
def test_an_early_answer_is_relayed_and_the_upload_stopped(over_h2, ask):
    daemon, backend = over_h2()
    if ask is ask_h2:
        got = ask(daemon, "POST", "/early", (), pattern(MIB))
        assert (got.status, got.body) == (200, b"early")
    else:
        with daemon.client() as client:
            client.send_request("POST", "/early", [("Content-Length", str(MIB))])
            client.send(pattern(1000))
            answer = client.read()
            assert (answer.status, answer.body) == (200, b"early")
    assert backend.seen("/early")[0].size < MIB


@pytest.mark.parametrize("how", ["refuse", "leave"])
@pytest.mark.parametrize("ask", [ask_h1, ask_h2])
def test_R3_what_the_backend_did_not_process_is_sent_again_whatever_it_is(over_h2, how, ask):
    daemon, backend = over_h2(retries={"attempts": 1})
    got = ask(daemon, "POST", f"/{how}/2", (), b"precious")
    assert got.status == 200 and got.json()["body"] == "precious"
    assert len(backend.seen(f"/{how}/2")) == 3


def test_R3_not_for_ever_and_not_without_its_body(over_h2):
    daemon, backend = over_h2()
    got = ask_h1(daemon, "POST", "/refuse/100", (), b"precious")
    assert (got.status, got.headers["x-sluice-error"]) == (502, "reset")
    assert len(backend.seen("/refuse/100")) == 4
    with daemon.client() as client:
        client.send_request("POST", "/refuse/99", [("Content-Length", "200000")])
        client.send(pattern(1000))
        assert client.read().status == 502
    assert len(backend.seen("/refuse/99")) == 1
    assert daemon.metric("sluice_backend_streams_refused_total", service="api") == 5


@pytest.mark.parametrize("how", ["refuse", "leave"])
def test_R3_what_has_come_of_a_body_goes_on_with_the_rest_behind_it(over_h2, how):
    daemon, backend = over_h2(retries={"attempts": 1})
    with daemon.client() as client:
        client.send_request("POST", f"/{how}/1", [("Content-Length", "6")])
        client.send("abc")
        wait_until(lambda: len(backend.seen(f"/{how}/1")) == 2, what="the second backend's connection or stream")
        client.send("def")
        answer = client.read()
    assert answer.status == 200 and json.loads(answer.body)["body"] == "abcdef"


def test_R3_another_backend_takes_what_one_refuses(sluice, h2backend):
    full, other = h2backend("full"), h2backend("other")
    full.begin = lambda request: request.connection.reset(request.stream, 7)
    described = service({"blue": [full, other]}, outlier={"consecutive_errors": 0})
    described["pools"]["blue"]["protocol"] = "h2"
    daemon = sluice(config_of({"api": described}))
    for _ in range(20):
        assert ask_h1(daemon, "POST", "/", (), b"x").json()["backend"] == "other"
    assert full.seen()


def test_a_graceful_goodbye_costs_nothing(over_h2):
    daemon, backend = over_h2(retries={"attempts": 1})
    with daemon.client() as client:
        for _ in range(20):
            assert client.request("POST", "/goaway", body=b"x").body == b"bye"
    assert len(backend.connections) == 20
    wait_until(lambda: len(backend.open_connections()) == 0)


def test_requests_share_connections_up_to_the_backends_limit(over_h2):
    daemon, backend = over_h2(backend_options={"limit": 10})
    with Peer(daemon.address()) as peer:
        for i in range(40):
            peer.request(1 + 2 * i, "/delay/300")
        wait_until(lambda: len(backend.seen()) == 40)
        assert daemon.metric("sluice_backend_streams", service="api") == 40
        assert 4 <= len(backend.connections) <= 16
        for i in range(40):
            assert peer.answer(1 + 2 * i).body == b"late"
    assert max(len(c.streams) for c in backend.connections) <= 20
    assert daemon.metric("sluice_backend_streams", service="api") == 0


def test_C4_a_thousand_requests_go_over_few_connections(over_h2):
    daemon, backend = over_h2()
    result = subprocess.run(["h2load", "-n", "2000", "-c", "4", "-m", "32", f"http://{daemon.address()}/"], capture_output=True, text=True, timeout=60)
    assert "2000 succeeded, 0 failed" in result.stdout, result.stdout
    assert len(backend.connections) <= 16


def test_X3_a_wrong_length_is_no_answer(over_h2):
    daemon, _ = over_h2()
    with daemon.client() as client:
        client.send_request(target="/sizes")
        assert len(client.rest().partition(b"\r\n\r\n")[2]) < 4


def test_X5_a_backend_that_does_not_answer(over_h2):
    daemon, backend = over_h2(timeouts={"response": "200ms"})
    assert ask_h1(daemon, "GET", "/never").status == 504
    wait_until(lambda: backend.seen("/never")[0].reset == 8, what="CANCEL")
    assert ask_h1(daemon, "GET", "/").status == 200
    assert len(backend.connections) == 1


def test_a_client_that_leaves_cancels_its_stream_alone(over_h2):
    daemon, backend = over_h2()
    with Peer(daemon.address()) as peer:
        peer.request(1, "/never")
        peer.request(3, "/never")
        wait_until(lambda: len(backend.seen("/never")) == 2)
        peer.send(3, 0, 1, (8).to_bytes(4, "big"))
        wait_until(lambda: sorted(str(r.reset) for r in backend.seen("/never")) == ["8", "None"])
    wait_until(lambda: [r.reset for r in backend.seen("/never")] == [8, 8])
    assert len(backend.open_connections()) == 1


def test_D1_a_drained_backend_is_left(over_h2):
    daemon, backend = over_h2()
    with daemon.client() as client:
        client.send_request(target="/delay/700")
        wait_until(lambda: backend.seen("/delay/700"))
        daemon.do("drain", f"api/blue/{backend.address}", "--force")
        assert len(backend.open_connections()) == 1
        assert client.read().body == b"late"
        wait_until(lambda: not backend.open_connections(), what="the connection to close behind its last stream")
    assert backend.connections[0].goaway == 0


def test_websockets_to_an_h2_backend(over_h2):
    daemon, backend = over_h2(backend_options={"tunnels": True})
    with daemon.client() as client:
        client.send_request(target="/chat", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                                     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
        answer = client.read()
        assert answer.status == 101 and answer.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        client.send(b"some bytes")
        assert client.exactly(10) == b"some bytes"
    assert backend.seen("/chat")[0].get(":protocol") == "websocket"
    with Peer(daemon.address()) as peer:
        peer.headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a.example"), (":path", "/chat")], end=False)
        assert peer.until(lambda: peer.answers.get(1) and peer.answers[1].heads)
        assert peer.answers[1].status == 200
        peer.data(1, b"up and down", end=True)
        assert peer.answer(1).body == b"up and down"


def test_a_backend_that_opens_no_websockets_over_h2_is_a_clear_501(over_h2):
    daemon, backend = over_h2()
    got = ask_h1(daemon, "GET", "/chat", [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                          ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
    assert (got.status, got.headers["x-sluice-error"]) == (501, "upgrade")
    assert not backend.seen("/chat")


def test_websockets_of_h2_clients_to_an_h1_backend(simple):
    """RFC 8441 5: a key of ours goes along, and the 101's proof is checked."""
    daemon, backend = simple()
    keys = []

    def switch(proof):
        def script(connection, request):
            keys.append(request.get("Sec-WebSocket-Key"))
            digest = hashlib.sha1((keys[-1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            accept = base64.b64encode(digest if proof else bytes(20)).decode()
            connection.send(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
            connection.send(connection.exactly(11))
        return script

    backend.on("/good", switch(True)).on("/bad", switch(False))
    opening = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a.example"), ("sec-websocket-version", "13")]
    with Peer(daemon.address()) as peer:
        peer.headers(1, [*opening[:4], (":path", "/good"), *opening[4:]], end=False)
        assert peer.until(lambda: peer.answers.get(1) and peer.answers[1].heads)
        assert peer.answers[1].status == 200
        peer.data(1, b"up and down")
        assert peer.until(lambda: peer.answers[1].body == b"up and down")
        peer.headers(3, [*opening[:4], (":path", "/bad"), *opening[4:]], end=False)
        assert peer.until(lambda: peer.answers.get(3) and peer.answers[3].heads)
        assert (peer.answers[3].status, peer.answers[3].heads[0]["x-sluice-error"]) == (502, "protocol")
    assert len(base64.b64decode(keys[0])) == 16 and keys[0] != keys[1]
    seen = backend.seen("/good")[0]
    assert (seen.method, seen.get("Upgrade"), seen.all("Sec-WebSocket-Version")) == ("GET", "websocket", ["13"])


def test_M1_copies_go_over_h2_on_connections_of_their_own(sluice, h2backend):
    blue, green = h2backend("blue"), h2backend("green")
    described = service({"blue": [blue], "green": [green]})
    for pool in described["pools"].values():
        pool["protocol"] = "h2"
    daemon = sluice(config_of({"api": described}))
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    for i in range(20):
        assert ask_h2(daemon, "GET", f"/{i}").json()["backend"] == "blue"
    wait_until(lambda: len(green.seen()) == 20)
    assert all(copy.get("x-sluice-mirror") == "1" for copy in green.seen())
    assert not any(request.get("x-sluice-mirror") for request in blue.seen())


def test_C4_backends_that_leave_and_come_back_lose_nothing_that_is_safe_to_send_again(sluice, h2backend):
    """GOAWAY on one of two backends every few requests, under load."""
    made = [h2backend(name) for name in ("one", "two")]
    described = service({"blue": made}, retries={"attempts": 1}, outlier={"consecutive_errors": 0})
    described["pools"]["blue"]["protocol"] = "h2"
    daemon = sluice(config_of({"api": described}))
    at, failed, stop = Known(daemon.address()), [], threading.Event()

    def load():
        while not stop.is_set():
            got = ask_h2(at, "POST", "/", (), b"x")
            if got.status != 200:
                failed.append((got.status, got.headers))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(40):
        before = len(made[i % 2].seen())
        wait_until(lambda: len(made[i % 2].seen()) > before + 2)
        for connection in made[i % 2].open_connections():
            with connection.lock:
                connection.leave(max(connection.streams, default=0))
                connection.close_later()
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]


# --- what stalls


@pytest.mark.parametrize("spoken", ["h1", "h2"])
def test_X4_one_of_fifty_streams_stalled_downwards_leaves_the_others_alone(sluice, backend, h2backend, spoken):
    only = backend("blue-1") if spoken == "h1" else h2backend("blue-1")
    described = service({"blue": [only]})
    described["pools"]["blue"]["protocol"] = spoken
    daemon = sluice(config_of({"api": described}))
    with Peer(daemon.address(), credit=False) as peer:
        before = daemon.rss_kib()
        peer.request(1, f"/bytes/{32 * MIB}")
        assert peer.until(lambda: len(peer.answers[1].body) >= 65535 if 1 in peer.answers else False)
        peer.window(0, 1 << 24)
        for i in range(1, 50):
            peer.request(1 + 2 * i, "/bytes/60000")
        for i in range(1, 50):
            assert peer.answer(1 + 2 * i).body == pattern(60000)
        assert len(peer.answers[1].body) == 65535
        assert daemon.rss_kib() - before < memory_bound(16 * 1024)


@pytest.mark.parametrize("ask", [ask_h1, ask_h2])
def test_X4_one_of_fifty_streams_stalled_upwards_leaves_the_others_alone(over_h2, ask):
    daemon, backend = over_h2()
    stalled = threading.Thread(target=lambda: pour(daemon), daemon=True)
    before = daemon.rss_kib()
    stalled.start()
    wait_until(lambda: backend.seen("/stall") and backend.seen("/stall")[0].size >= 60000)
    for _ in range(49):
        assert ask(daemon, "PUT", "/echo", (), pattern(100_000)).body == pattern(100_000)
    assert backend.seen("/stall")[0].size <= 65535
    assert daemon.rss_kib() - before < memory_bound(16 * 1024)


def pour(daemon):
    with daemon.client(timeout=5) as client:
        client.send_request("POST", "/stall", [("Content-Length", str(64 * MIB))])
        try:
            while True:
                client.send(pattern(65536))
        except OSError:
            pass


# --- TLS


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("ca"))
    made.pair = made.issue("app", "127.0.0.1")
    return made


def offering(ca, *protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ca.pair)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def secured(sluice, address, ca, protocol):
    described = service({"blue": [address]}, outlier={"consecutive_errors": 0})
    described["pools"]["blue"] |= {"protocol": protocol, "tls": {"ca": str(ca.cert)}}
    return sluice(config_of({"api": described}))


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_h2_behind_tls_is_agreed_by_alpn(sluice, h2backend, ca, protocol):
    backend = h2backend(tls=offering(ca, "h2", "http/1.1"))
    daemon = secured(sluice, backend.address, ca, protocol)
    with Peer(daemon.address()) as peer:
        for i in range(30):
            peer.request(1 + 2 * i, "/delay/100")
        for i in range(30):
            assert peer.answer(1 + 2 * i).body == b"late"
    assert backend.seen()[0].get(":scheme") == "https"
    wait_until(lambda: len(backend.open_connections()) <= 2)
    assert ask_h1(daemon, "GET", "/").status == 200


def test_auto_speaks_http1_where_nothing_else_is_agreed(sluice, backend, ca):
    inner = backend("blue-1")
    front = TlsServer(inner.address, ca.pair)
    daemon = secured(sluice, front.address, ca, "auto")
    with daemon.client() as client:
        for _ in range(3):
            assert client.request(target="/x").status == 200
    assert len(inner.connections) == 1
    front.stop()


def test_auto_in_clear_is_http1(sluice, backend):
    inner = backend("blue-1")
    described = service({"blue": [inner]})
    described["pools"]["blue"]["protocol"] = "auto"
    daemon = sluice(config_of({"api": described}))
    assert ask_h2(daemon).status == 200


def test_h2_that_is_not_agreed_to_is_a_failed_handshake_and_said_once(sluice, backend, ca):
    front = TlsServer(backend("blue-1").address, ca.pair)
    daemon = secured(sluice, front.address, ca, "h2")
    for _ in range(3):
        got = ask_h1(daemon)
        assert (got.status, got.headers["x-sluice-error"]) == (502, "connect")
    assert daemon.stderr().count("TLS does not agree to HTTP/2") == 1
    front.stop()


# --- programs that we did not write


NGINX = """user root; daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log stderr; events {{ }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port} http2; root {dir}/www; keepalive_requests {requests}; }} }}"""


def answers(port):
    def there():
        try:
            Client(f"127.0.0.1:{port}").close()
            return True
        except OSError:
            return False
    return there


@pytest.fixture(params=["nginx", "nghttpd"])
def program(request, folder, process, port):
    """The port of a real HTTP/2 server in clear that serves /a and /large."""
    at = port()
    files = folder / "www"
    files.mkdir()
    (files / "a").write_bytes(b"small")
    (files / "large").write_bytes(pattern(2 * MIB))
    if request.param == "nginx":
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=at, requests=1000 if "load" in request.node.name else 50))
        process(["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], answers(at), stderr=subprocess.DEVNULL)
    else:
        process(["nghttpd", "--no-tls", "-d", str(files), "-a", "127.0.0.1", str(at)], answers(at), stdout=subprocess.DEVNULL)
    return at


@pytest.mark.parametrize("ask", [ask_h1, ask_h2])
def test_files_from_a_real_server(sluice, program, ask):
    described = service({"blue": [f"127.0.0.1:{program}"]}, retries={"attempts": 1})
    described["pools"]["blue"]["protocol"] = "h2"
    daemon = sluice(config_of({"api": described}))
    for _ in range(120):  # nginx says goodbye after 50 requests on a connection
        assert ask(daemon, "GET", "/a").body == b"small"
    assert hashlib.sha256(ask(daemon, "GET", "/large").body).digest() == hashlib.sha256(pattern(2 * MIB)).digest()
    assert ask(daemon, "GET", "/none").status == 404
    assert ask(daemon, "HEAD", "/large").headers["content-length"] == str(2 * MIB)


def test_C4_load_on_a_real_server_loses_nothing(sluice, program):
    described = service({"blue": [f"127.0.0.1:{program}"]}, retries={"attempts": 1})
    described["pools"]["blue"]["protocol"] = "h2"
    daemon = sluice(config_of({"api": described}))
    # nginx says goodbye after its usual 1,000 requests; of those behind it none is lost
    result = subprocess.run(["h2load", "-n", "4000", "-c", "4", "-m", "32", f"http://{daemon.address()}/a"], capture_output=True, text=True, timeout=60)
    assert "4000 succeeded, 0 failed" in result.stdout, result.stdout


def test_the_demo_speaks_http2_to_its_backends(folder):
    demo = subprocess.Popen([binary("sluiced"), "demo", "--h2", "--port", "0", "--admin-port", "0", "--socket", folder / "admin.sock"],
                            stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not lines or "Try in another terminal" not in lines[-1]:
            lines.append(demo.stdout.readline())
            assert lines[-1] or demo.poll() is None, lines
        address = next(line for line in lines if "proxy" in line).split("http://")[1].split()[0]
        with Peer(address) as peer:
            peer.request(1)
            answer = peer.answer(1)
            assert answer.status == 200 and answer.body.startswith(b"hello from blue (blue-"), answer
        admin = next(line for line in lines if "admin" in line).split("http://")[1].split()[0]
        with Client(admin) as client:  # the port that was taken, and not the 0 that was asked for
            assert client.request(target="/livez").status == 200
    finally:
        demo.terminate()
        demo.communicate(timeout=20)
