"""TLS to backends: verified, resumed, probed; what cannot be verified is a connect error."""
import hashlib
import socket
import threading

import pytest
from backend import pattern
from client import Closed
from sluice import config_of, service
from tls import Authority, TlsServer
from waiting import wait_until


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("ca"))
    made.app = made.issue("app", "app.internal")
    made.by_address = made.issue("by-address", "127.0.0.1")
    made.us = made.issue("us", subject="/CN=sluice")
    return made


@pytest.fixture
def start(sluice, backend, ca):
    """start(certificate, tls, **service options) -> (daemon, backend in clear, its TLS front)."""
    fronts = []

    def make(pair, tls, trusted=None, **options):
        inner = backend("blue-1")
        fronts.append(TlsServer(inner.address, pair, trusted))
        described = service({"blue": [fronts[-1].address]}, **options)
        described["pools"]["blue"]["tls"] = tls
        return sluice(config_of({"api": described})), inner, fronts[-1]

    yield make
    for front in fronts:
        front.stop()


def test_requests_and_probes_speak_tls(start, ca):
    daemon, inner, _ = start(ca.app, {"ca": str(ca.cert), "server_name": "app.internal"}, health_check={"interval": "50ms"})
    wait_until(lambda: [r for r in inner.seen("/") if r.get("User-Agent") == "sluice-health"])
    wait_until(lambda: [b["health"] for b in daemon.pool("blue")["backends"].values()] == ["up"])
    assert daemon.fetch("/a").status == 200
    assert daemon.metric("sluice_tls_backend_handshakes_total", result="full") >= 1


def test_connections_are_kept_and_sessions_resumed(start, ca):
    daemon, _, front = start(ca.by_address, {"ca": str(ca.cert)})
    for _ in range(3):
        assert daemon.fetch("/a").status == 200
    assert front.resumed == [False]
    assert daemon.fetch("/close").status == 502  # the connection ends, another one follows
    assert daemon.fetch("/a").status == 200
    assert True in front.resumed
    assert daemon.metric("sluice_tls_backend_handshakes_total", result="resumed") >= 1


@pytest.mark.parametrize("tls, why", [({"server_name": "app.internal"}, "unable to get local issuer certificate"),
                                      ({"ca": "ca", "server_name": "other.internal"}, "ostname mismatch"),
                                      ({"ca": "ca"}, "IP address mismatch")])
def test_who_cannot_be_verified_is_a_connect_error_and_says_why(start, ca, tls, why):
    tls = {key: str(ca.cert) if key == "ca" else value for key, value in tls.items()}
    daemon, inner, _ = start(ca.app, tls, health_check={"interval": "50ms", "fall": 1})
    answer = daemon.fetch("/a")
    assert (answer.status, answer.get("X-Sluice-Error")) in [(502, "connect"), (503, "no_backend")]
    wait_until(lambda: [why in b.get("last_error", "") for b in daemon.pool("blue")["backends"].values()] == [True])
    assert inner.requests == []
    if answer.status == 502:  # else the probes, which are not counted, were first
        assert daemon.metric("sluice_tls_backend_handshakes_total", result="certificate") >= 1


@pytest.mark.parametrize("reason, said", [("timeout", None), ("closed", b""), ("protocol", b"HTTP/1.1 400 Bad Request\r\n\r\n")])
def test_failed_handshakes_are_counted_by_their_reason(sluice, ca, reason, said):
    """A backend that takes connections and says nothing, one that hangs up, one that speaks HTTP."""
    listener, taken = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return
            if said is not None:
                taken[-1].recv(65536)
                taken[-1].sendall(said)
                taken[-1].shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    described = service({"blue": ["127.0.0.1:%d" % listener.getsockname()[1]]}, timeouts={"connect": "200ms"}, retries={"attempts": 1})
    described["pools"]["blue"]["tls"] = {"ca": str(ca.cert)}
    daemon = sluice(config_of({"api": described}))
    try:
        answer = daemon.fetch("/a")
        assert (answer.status, answer.get("X-Sluice-Error")) == (502, "connect")
        assert daemon.metric("sluice_tls_backend_handshakes_total", result=reason) == 1
        assert daemon.metric("sluice_tls_backend_handshakes_total") == 1
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in taken:
            sock.close()


def test_mirrored_requests_speak_tls_too(sluice, backend, ca):
    blue, green = backend("blue"), backend("green")
    front = TlsServer(green.address, ca.app)
    try:
        described = service({"blue": [blue], "green": [front.address]})
        described["pools"]["green"]["tls"] = {"ca": str(ca.cert), "server_name": "app.internal"}
        daemon = sluice(config_of({"api": described}))
        daemon.do("mirror", "api", "--to", "green", "--share", "100%")
        assert daemon.fetch("/a").status == 200
        wait_until(lambda: green.seen("/a"))
    finally:
        front.stop()


def test_we_show_our_certificate(start, ca):
    us = {"cert": str(ca.us[0]), "key": str(ca.us[1])}
    daemon, _, _ = start(ca.app, {"ca": str(ca.cert), "server_name": "app.internal", **us}, trusted=ca.cert)
    assert daemon.fetch("/a").status == 200


def test_large_bodies_both_ways(start, ca):
    daemon, inner, _ = start(ca.app, {"ca": str(ca.cert), "server_name": "app.internal"})
    for size in (1, 16_385, 3_000_001):
        assert daemon.fetch(f"/bytes/{size}").body == pattern(size)
        assert daemon.fetch("/sink", "POST", body=pattern(size)).status == 200
        assert inner.seen("/sink")[-1].body_hash == hashlib.sha256(pattern(size)).hexdigest()


def test_a_close_delimited_answer_ends_well_only_with_a_close_notify(sluice, backend, ca):
    """X1: a FIN alone may be anybody's cut; the client must not take what came for the whole."""
    inner = backend("blue-1")
    for rude in (False, True):
        front = TlsServer(inner.address, ca.by_address, rude=rude)
        try:
            described = service({"blue": [front.address]})
            described["pools"]["blue"]["tls"] = {"ca": str(ca.cert)}
            daemon = sluice(config_of({"api": described}))
            with daemon.client() as client:
                client.send(b"GET /until-close/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
                if rude:
                    with pytest.raises((Closed, ConnectionError)):
                        client.read()
                else:
                    assert client.read().body == pattern(1000)
        finally:
            front.stop()


def test_verify_requests_speak_tls(sluice, backend, ca):
    """A rollout's requests ahead of its first step, and why they fail when the name is wrong."""
    blue, green = backend("blue"), backend("green")
    front = TlsServer(green.address, ca.app)
    try:
        described = service({"blue": [blue], "green": [front.address]})
        described["pools"]["green"]["tls"] = {"ca": str(ca.cert), "server_name": "app.internal"}
        config = config_of({"api": described})
        daemon = sluice(config)
        plan = daemon.folder / "plan.yaml"
        plan.write_text("steps: [{share: 10%, hold: 1m}]\nverify: [{path: /ready}]\n")
        daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, check=0)
        wait_until(lambda: daemon.shares() == {"blue": 90, "green": 10}, what="the first step")
        assert green.requests[0].target == "/ready"
        daemon.ctl("rollout", "abort", "api", check=0)
        described["pools"]["green"]["tls"]["server_name"] = "other.internal"
        daemon.write_config(config)
        daemon.do("reload")
        daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, "--follow", check=6)
        assert "ostname mismatch" in daemon.api("GET", "/v1/services/api/rollout").json["why"]
    finally:
        front.stop()
