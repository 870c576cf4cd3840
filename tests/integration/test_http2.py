"""HTTP/2 with clients (X8, C2, D6, X4): the streams of one connection, in clear and behind TLS, with real programs and by hand."""
import json
import select
import signal
import socket
import ssl
import struct
import subprocess
import threading

import h2frames
import pytest
from backend import pattern
from client import Client
from h2frames import Peer
from sluice import binary, config_of, memory_bound, service
from tls import Authority
from waiting import wait_until


def listener(**more):
    return {"listeners": [{"name": "web", "bind": "127.0.0.1:0", **more}]}


@pytest.fixture
def proxied(sluice, backend):
    """(daemon, backend): one pool, HTTP/2 in clear and HTTP/1.1 on one port."""
    def make(policies=None, **more):
        blue = backend("blue")
        return sluice(config_of({"api": service({"blue": [blue]}, **(policies or {}))}, **listener(**more))), blue
    return make


@pytest.fixture
def behind_tls(sluice, backend, tmp_path):
    ca = Authority(tmp_path / "tls")
    cert, key = ca.issue("web", "a.example", "127.0.0.1")
    blue = backend("blue")
    files = {"certificates": [{"cert": str(cert), "key": str(key)}]}

    def make(**more):
        return sluice(config_of({"api": service({"blue": [blue]})}, **listener(tls=files, **more))), blue, ca
    return make


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *map(str, args)], capture_output=True, timeout=30)
    assert done.returncode == 0, done
    return done.stdout


# --- which protocol

def test_one_port_speaks_both_protocols(proxied):
    daemon, blue = proxied()
    assert curl("--http2-prior-knowledge", "-w", "%{http_version}", "-o", "/dev/null", daemon.url()) == b"2"
    assert curl("--http1.1", "-w", "%{http_version}", "-o", "/dev/null", daemon.url()) == b"1.1"
    assert [r.version for r in blue.seen("/") if r.get("User-Agent", "").startswith("curl")] == ["HTTP/1.1"] * 2


def test_alpn_chooses_behind_tls(behind_tls):
    daemon, _, ca = behind_tls()
    url = daemon.url().replace("http:", "https:")
    for flag, version in (("--http2", b"2"), ("--http1.1", b"1.1")):
        assert curl("--cacert", ca.cert, flag, "-w", "%{http_version}", "-o", "/dev/null", url) == version


@pytest.mark.parametrize("protocols, offered, agreed", [
    (["h2"], ["h2", "http/1.1"], "h2"), (["h1"], ["h2", "http/1.1"], "http/1.1"), (["h2"], ["http/1.1"], None), (["h1"], ["h2"], None)])
def test_a_listener_speaks_what_it_is_told(behind_tls, protocols, offered, agreed):
    daemon, _, ca = behind_tls(protocols=protocols)
    context = ca.trusting()
    context.set_alpn_protocols(offered)
    host, port = daemon.address().rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        if agreed is None:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(sock, server_hostname="a.example")
        else:
            with context.wrap_socket(sock, server_hostname="a.example") as tls:
                assert tls.selected_alpn_protocol() == agreed


def test_without_h2_the_preface_is_no_request(proxied):
    daemon, _ = proxied(protocols=["h1"])
    with Client(daemon.address()) as client:
        client.send(h2frames.PREFACE)
        assert client.read().status == 505


def test_the_preface_may_come_byte_by_byte(proxied):
    daemon, _ = proxied()
    with Peer(daemon.address(), preface=None) as peer:
        for byte in h2frames.PREFACE:
            peer.raw(bytes([byte]))
        peer.send(h2frames.SETTINGS, 0, 0)  # whole: behind the preface the other thread acknowledges the daemon's
        peer.request(1)
        assert peer.answer(1).status == 200


def test_keys_of_a_listener_are_checked(sluice, backend, tmp_path):
    blue = backend("blue")
    for more, message in (({"protocols": []}, "'protocols' must name h2, h1 or both"), ({"protocols": ["h3"]}, "h2"),
                          ({"http2": {"max_streams": 0}}, "max_streams"), ({"http2": {"windw": "64KiB"}}, "window")):
        path = tmp_path / "bad.yaml"
        path.write_text(json.dumps(config_of({"api": service({"blue": [blue]})}, **listener(**more))))
        done = subprocess.run([binary("sluiced"), "--check", "--config", path], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and message in done.stdout + done.stderr, done


# --- messages

def test_bodies_go_both_ways(proxied):
    daemon, blue = proxied()
    body = pattern(300_000)
    with Peer(daemon.address()) as peer:
        peer.request(1, "/echo", "POST", end=False, more=[("content-length", str(len(body)))])
        assert peer.until(lambda: 0 in peer.windows)
        send_with_credit(peer, 1, body)
        assert peer.answer(1).body == body


def send_with_credit(peer, stream, body):
    """Sends `body`, never more than the windows allow."""
    sent = 0
    while sent < len(body):
        def room():
            initial = next((s[4] for s in peer.settings if 4 in s), 65535)
            return min(65535 + peer.windows.get(0, 0), initial + peer.windows.get(stream, 0)) - sent
        assert peer.until(lambda: room() > 0), f"stuck after {sent} bytes"
        size = min(room(), 16384, len(body) - sent)
        assert peer.data(stream, body[sent:sent + size], sent + size == len(body))
        sent += size


@pytest.mark.parametrize("target, length", [("/bytes/1000000", 1_000_000), ("/chunked/50", None), ("/until-close/70000", 70_000)])
def test_long_answers_arrive_whole(proxied, target, length):
    daemon, _ = proxied()
    with Peer(daemon.address()) as peer:
        peer.request(1, target)
        answer = peer.answer(1, 20)
        assert answer.ended and not answer.reset
        assert length is None or len(answer.body) == length


def test_a_cut_answer_is_never_whole(proxied):
    """X3: END_STREAM would make it so."""
    daemon, _ = proxied()
    with Peer(daemon.address()) as peer:
        for stream, target in ((1, "/partial/1000"), (3, "/partial-chunked")):
            peer.request(stream, target)
            answer = peer.answer(stream)
            assert answer.status == 200 and not answer.ended and answer.reset == "INTERNAL_ERROR", answer
        peer.request(5)
        assert peer.answer(5).status == 200, "the other streams live on"


def test_trailers_interim_answers_and_bodiless_answers(proxied):
    daemon, blue = proxied()
    blue.on("/lengthy", lambda connection, request: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
    with Peer(daemon.address()) as peer:
        peer.request(1, "/trailers", more=[("te", "trailers")])
        assert peer.answer(1).trailers
        peer.request(3, "/hints")
        heads = peer.answer(3).heads
        assert [h[":status"] for h in heads] == ["103", "200"]
        peer.request(5, "/lengthy", "HEAD")
        answer = peer.answer(5)
        assert answer.head["content-length"] == "500" and answer.body == b"" and answer.ended
        for stream, status in ((7, "204"), (9, "304")):
            peer.request(stream, f"/status/{status}")
            assert peer.answer(stream).head[":status"] == status and peer.answers[stream].ended


def test_own_answers_name_their_reason(proxied):
    daemon, _ = proxied(max_body="1000B")
    with Peer(daemon.address()) as peer:
        peer.request(1, "/x", host="a b")
        assert peer.answer(1).reset == "PROTOCOL_ERROR" or peer.answer(1).status == 400
        peer.request(3, "/x" * 5000)
        answer = peer.answer(3)
        assert answer.status == 414 and answer.head["x-sluice-error"] == "target" and answer.body
        peer.request(5, "/echo", "POST", end=False, more=[("content-length", "2000")])
        assert peer.answer(5).head["x-sluice-error"] == "body"
        peer.request(7)
        assert peer.answer(7).status == 200


def test_answers_overtake_each_other(proxied):
    daemon, blue = proxied()
    with Peer(daemon.address()) as peer:
        peer.request(1, "/delay/2000")
        wait_until(lambda: blue.seen("/delay/2000"))
        peer.request(3)
        assert peer.answer(3).status == 200
        assert 1 not in peer.answers or not peer.answers[1].heads
        assert peer.answer(1).status == 200


def test_a_reset_reaches_the_backend(proxied):
    daemon, blue = proxied()
    with Peer(daemon.address()) as peer:
        peer.request(1, "/never")
        wait_until(lambda: blue.seen("/never"))
        peer.send(h2frames.RST_STREAM, 0, 1, struct.pack(">I", 8))
        wait_until(lambda: blue.seen("/never")[0].connection.closed_by_peer, what="the end of the backend's connection")
        wait_until(lambda: daemon.backend(blue.address)["in_flight"] == 0)
        peer.request(3)
        assert peer.answer(3).status == 200


def test_streams_above_the_limit_are_refused_and_the_others_served(proxied):
    daemon, blue = proxied(http2={"max_streams": 3})
    with Peer(daemon.address()) as peer:
        assert peer.until(lambda: peer.settings) and peer.settings[0][3] == 3
        for stream in (1, 3, 5):
            peer.request(stream, "/delay/1000")
        peer.request(7)
        assert peer.answer(7).reset == "REFUSED_STREAM"
        assert [peer.answer(stream).status for stream in (1, 3, 5)] == [200] * 3
        peer.request(9)
        assert peer.answer(9).status == 200


def test_a_stalled_stream_stalls_no_other_and_holds_little(proxied):
    """X4: of fifty streams one takes nothing; what its backend sends stays there."""
    daemon, _ = proxied()
    with Peer(daemon.address(), settings={4: 16384}, credit=False) as peer:
        peer.window(0, 2**30)
        peer.request(1, "/bytes/30000000")
        assert peer.until(lambda: len(peer.answers.get(1, h2frames.Answer()).body) == 16384)
        before = daemon.rss_kib()
        for stream in range(3, 101, 2):
            peer.request(stream, "/bytes/10000")
        for stream in range(3, 101, 2):
            assert len(peer.answer(stream).body) == 10000
        assert len(peer.answers[1].body) == 16384, "not a byte above the window"
        assert daemon.rss_kib() - before < memory_bound(8 * 1024)


def test_a_body_waits_for_its_backend(sluice, backend):
    """X4, the other way: the window is given back only when the bytes have gone on."""
    deaf = socket.create_server(("127.0.0.1", 0))  # accepts, and reads nothing
    address = "127.0.0.1:%d" % deaf.getsockname()[1]
    daemon = sluice(config_of({"api": service({"blue": [address]}), "other": service({"blue": [backend("blue")]})}))
    with deaf, Peer(daemon.address()) as peer:
        peer.request(1, "/", "POST", end=False)
        assert peer.until(lambda: peer.settings)
        initial = next((s[4] for s in peer.settings if 4 in s), 65535)
        sent, chunk = 0, b"x" * 16384
        while sent < 64 * 2**20:
            if not peer.until(lambda: initial + peer.windows.get(1, 0) - sent >= len(chunk) and
                              65535 + peer.windows.get(0, 0) - sent >= len(chunk), 2):
                break
            peer.data(1, chunk)
            sent += len(chunk)
        assert sent < 16 * 2**20, "the sockets' buffers and one window"
        peer.request(3, host="other.local")
        assert peer.answer(3).status == 200


def accepted(door):
    """A connection of the proxy's, and what came on it until the head of a request was whole."""
    connection = door.accept()[0]
    connection.settimeout(10)
    came = b""
    while b"\r\n\r\n" not in came:
        came += connection.recv(65536)
    return connection, came.split(b"\r\n\r\n", 1)[1]


def test_the_rest_of_a_frame_is_waited_for_but_not_for_ever(sluice):
    """Half a DATA frame goes to the backend with its other half; when that does not come in time, without it."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        daemon = sluice(config_of({"api": service({"blue": ["127.0.0.1:%d" % door.getsockname()[1]]})}, **listener(body_timeout="2s")))
        with Peer(daemon.address()) as peer:
            peer.request(1, "/", "POST", more=[("content-length", "300")], end=False)
            peer.data(1, b"a" * 100)
            connection, came = accepted(door)
            with connection:
                while len(came) < 100:
                    came += connection.recv(1000)
                frame = peer.frame(0, 0, 1, b"b" * 100)
                peer.raw(frame[:50])
                assert not select.select([connection], [], [], 0.3)[0], "half a frame"
                peer.raw(frame[50:])
                came = b""
                while len(came) < 100:
                    came += connection.recv(1000)
                assert came == b"b" * 100
                frame = peer.frame(0, 1, 1, b"c" * 100)
                peer.raw(frame[:50])
                assert connection.recv(1000) == b"c" * 41
                peer.raw(frame[50:])
                came = b""
                while len(came) < 59:
                    came += connection.recv(1000)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                assert peer.answer(1).status == 204


# --- changes

def test_C2_no_stream_goes_by_an_older_snapshot(sluice, backend):
    """Streams opened after the reply, on a connection opened long before."""
    blue, green = backend("blue"), backend("green")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]}, split={"blue": "100%"})}))
    with Peer(daemon.address()) as peer:
        stream, wrong = 1, []
        for turn in range(100):
            pool = ("green", "blue")[turn % 2]
            daemon.do("cutover", f"api={pool}")
            for _ in range(3):
                peer.request(stream)
                who = json.loads(peer.answer(stream).body)["backend"]
                if who != pool:
                    wrong.append((turn, who))
                stream += 2
        assert not wrong


def test_D6_a_stop_loses_no_stream(proxied):
    daemon, blue = proxied()
    with Peer(daemon.address()) as peer:
        peer.request(1, "/delay/1500")
        wait_until(lambda: blue.seen("/delay/1500"))
        daemon.signal(signal.SIGTERM)
        assert peer.until(lambda: peer.goaway)
        peer.request(3, "/late")  # between the notice and the last GOAWAY, or behind both: served, or told to be new
        answer = peer.answer(1)
        assert answer.status == 200 and answer.ended
        assert peer.until(lambda: peer.closed)
        assert peer.goaway[1] == "NO_ERROR"
        late = peer.answers.get(3)
        assert (late and late.status == 200) or peer.goaway[0] < 3, (late, peer.goaway)


def test_max_requests_ends_a_connection_gracefully(proxied):
    daemon, _ = proxied(max_requests=5)
    with Peer(daemon.address()) as peer:
        for stream in (1, 3, 5, 7, 9):
            peer.request(stream)
        assert [peer.answer(stream).status for stream in (1, 3, 5, 7, 9)] == [200] * 5
        assert peer.until(lambda: peer.closed) and peer.goaway == (9, "NO_ERROR")


def test_a_quiet_connection_is_closed(proxied):
    daemon, _ = proxied(idle_timeout="300ms", header_timeout="300ms")
    with Peer(daemon.address()) as peer:
        assert peer.until(lambda: peer.closed) and peer.goaway[1] == "NO_ERROR", "no request came"
    with Peer(daemon.address()) as peer:
        peer.request(1)
        assert peer.answer(1).status == 200
        assert peer.until(lambda: peer.closed) and peer.goaway == (1, "NO_ERROR")


# --- as others see it

def test_programs_agree(proxied):
    daemon, _ = proxied()
    done = subprocess.run(["nghttp", "-nv", daemon.url("/bytes/100000")], capture_output=True, text=True, timeout=30)
    assert ":status: 200" in done.stdout and "END_STREAM" in done.stdout, done
    done = subprocess.run(["h2load", "-n", "5000", "-c", "8", "-m", "20", daemon.url()], capture_output=True, text=True, timeout=60)
    assert "5000 succeeded, 0 failed" in done.stdout, done.stdout


def test_a_change_under_load_fails_no_stream(sluice, backend):
    blue, green = backend("blue"), backend("green")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]}, split={"blue": "100%"})}))
    load = subprocess.Popen(["h2load", "-n", "20000", "-c", "4", "-m", "25", daemon.url()], stdout=subprocess.PIPE, text=True)
    turn = 0
    while load.poll() is None:
        daemon.do("cutover", "api=" + ("green", "blue")[turn % 2])
        turn += 1
    out = load.communicate()[0]
    assert "20000 succeeded, 0 failed" in out and turn > 3, out


def test_the_log_tells_the_protocol(sluice, backend, tmp_path):
    blue = backend("blue")
    log = tmp_path / "access.log"
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, access_log={"path": str(log), "format": "json"}))
    with Peer(daemon.address()) as peer:
        peer.request(1, "/logged")
        assert peer.answer(1).status == 200
        peer.request(3, "/x" * 5000)
        assert peer.answer(3).status == 414
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= 2)
    first, second = [json.loads(line) for line in log.read_text().splitlines()[:2]]
    assert (first["protocol"], first["stream"], first["path"], first["status"]) == ("HTTP/2.0", 1, "/logged", 200)
    assert (second["protocol"], second["stream"], second["status"], second["error"]) == ("HTTP/2.0", 3, 414, "target")


def test_many_clients_share_a_worker(proxied):
    daemon, _ = proxied()
    address, whole = daemon.address(), []

    def one():
        with Peer(address) as peer:
            for stream in range(1, 41, 2):
                peer.request(stream, "/bytes/5000")
            for stream in range(1, 41, 2):
                whole.append(len(peer.answer(stream).body) == 5000)
    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(whole) == 8 * 20 and all(whole)


def test_D6_a_head_that_never_ends_costs_the_others_nothing_at_a_stop(proxied):
    daemon, blue = proxied(header_timeout="10s")
    with Peer(daemon.address()) as peer:
        assert peer.until(lambda: peer.settings)  # acknowledged: nothing may be said within the block below
        peer.answers_pings = False
        whole = peer.block([(":method", "GET"), (":scheme", "http"), (":authority", "a.example"), (":path", "/delay/1600")])
        begun = peer.block([(":method", "GET")])  # without END_HEADERS
        peer.raw(peer.frame(h2frames.HEADERS, h2frames.END_HEADERS | h2frames.END_STREAM, 1, whole) +
                 peer.frame(h2frames.HEADERS, 0, 3, begun))
        wait_until(lambda: blue.seen("/delay/1600"))
        daemon.signal(signal.SIGTERM)
        answer = peer.answer(1)
        assert answer.status == 200 and answer.ended, answer


def test_X4_a_byte_now_and_then_is_no_progress(proxied):
    daemon, _ = proxied(body_timeout="400ms")
    with Peer(daemon.address(), settings={4: 0}, credit=False) as peer:
        peer.request(1, "/bytes/100000")
        assert peer.until(lambda: peer.answers.get(1) and peer.answers[1].heads)
        given = 0
        while not peer.answers[1].reset and given < 200:
            peer.window(1, 1)
            given += 1
            peer.until(lambda: peer.answers[1].reset, 0.05)
        assert peer.answers[1].reset, "ten seconds of single bytes"


def flood_with_pings(daemon, peer):
    """Until its connection has failed."""
    peer.until(lambda: peer.settings)
    peer.answers_pings = False
    peer.raw(peer.frame(h2frames.PING, 0, 0, bytes(8)) * 1500)
    wait_until(lambda: daemon.metric("sluice_http2_failed_connections_total") == 1, what="the end of the connection")


def test_who_floods_is_held_for_a_while_before_it_is_told(proxied):
    daemon, _ = proxied()
    with Peer(daemon.address()) as peer:
        flood_with_pings(daemon, peer)
        assert not peer.until(lambda: peer.goaway, 0.5)
        assert daemon.fetch().status == 200
        assert peer.until(lambda: peer.closed) and peer.goaway[1] == "ENHANCE_YOUR_CALM"
    wait_until(lambda: daemon.metric("sluice_http2_connections") == 0)


def test_D6_a_shutdown_ends_one_that_is_held(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")]})}, shutdown_timeout="100ms", **listener()))
    with Peer(daemon.address()) as peer:
        flood_with_pings(daemon, peer)
        assert daemon.stop() == 0
        assert peer.until(lambda: peer.closed)


def test_what_clients_do_is_counted(proxied):
    daemon, _ = proxied(http2={"max_streams": 2})
    with Peer(daemon.address()) as peer:
        peer.request(1, "/never")
        wait_until(lambda: daemon.metric("sluice_http2_streams") == 1)
        assert daemon.metric("sluice_http2_connections") == 1
        peer.send(h2frames.RST_STREAM, 0, 1, struct.pack(">I", 8))
        wait_until(lambda: daemon.metric("sluice_http2_streams") == 0)
        assert daemon.metric("sluice_http2_resets_total", side="client") == 1
        assert daemon.metric("sluice_http2_resets_total", side="proxy") == 0, "who is gone is not reset as well"
        peer.request(3, "/partial/1000")
        assert peer.answer(3).reset
        assert daemon.metric("sluice_http2_resets_total", side="proxy") == 1
        for stream in (5, 7, 9):
            peer.request(stream, "/delay/300")
        assert peer.answer(9).reset == "REFUSED_STREAM"
        peer.send(h2frames.DATA, 0, 0, b"x")  # of no stream
        assert peer.until(lambda: peer.closed)
    wait_until(lambda: daemon.metric("sluice_http2_connections") == 0)
    assert daemon.metric("sluice_http2_failed_connections_total") == 1
    assert daemon.metric("sluice_http2_glitches_total", kind="refused") == 1
    assert daemon.metric("sluice_http2_streams_total") == 4
