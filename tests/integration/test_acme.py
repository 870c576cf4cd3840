"""Certificates by themselves (RFC 8555): ordered, renewed, and in force whatever goes wrong with the next one."""
import contextlib
import datetime
import json
import re
import ssl
import stat
import threading
import time

import pytest
from acme_server import AcmeServer, b64
from cryptography import x509
from sluice import UnixConnection, config_of, service
from tls import Authority, TlsClient
from waiting import stays_true, wait_until


@pytest.fixture
def acme(folder):
    """make(...) starts a server; at the end none of its clients has gone against the protocol."""
    made = []

    def make(**options):
        made.append(AcmeServer(folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    assert [one.violations for one in made] == [[] for _ in made]


@pytest.fixture
def site(sluice, backend, acme):
    """site(domains, keys of `acme`...) -> (daemon, server): a listener with TLS, and one in clear."""

    def start(*domains, server=None, tls=None, top=None, clear=True, before=None, start=True, **keys):
        server = server or acme()
        if before:
            before(server)
        daemon = sluice(config_with(server, backend("blue-1"), domains or ("a.test",), tls, clear, **keys, **(top or {})), start=start)
        reached_at(server, daemon)
        return daemon, server

    return start


def config_with(server, only, domains, tls=None, clear=True, workers=2, shutdown_timeout="2s", **keys):
    listeners = [{"name": "web", "bind": "127.0.0.1:0", "tls": {"acme": {"directory": server.directory, "email": "ops@a.test",
                                                                         "domains": list(domains), **keys}, **(tls or {})}}]
    if clear:
        listeners.append({"name": "clear", "bind": "127.0.0.1:0"})
    return config_of({"api": service({"blue": [only]})}, workers=workers, listeners=listeners, shutdown_timeout=shutdown_timeout)


def reached_at(server, daemon):
    server.http = lambda: address(daemon, "clear")
    server.tls = lambda: address(daemon, "web")


def address(daemon, listener):
    """On a connection of its own: the server's threads ask, too."""
    connection = UnixConnection(daemon.socket)
    connection.request("GET", "/v1/status")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["listeners"][listener]["address"]


def certificate(daemon, listener="web"):
    return next(one for one in daemon.status()["certificates"] if one["listener"] == listener and one["acme"])


def shown(daemon, server, name="a.test", alpn=None):
    """The certificate that a client who believes the server's CA is shown; it asks something, too."""
    context = server.authority.trusting()
    if alpn:
        context.set_alpn_protocols(alpn)
    with TlsClient(address(daemon, "web"), context, name) as client:
        der = client.sock.getpeercert(binary_form=True)
        if alpn is None or alpn == ["http/1.1"]:
            assert client.request("GET", "/", host=name).status == 200
        else:
            assert client.sock.selected_alpn_protocol() == "h2"
    return x509.load_der_x509_certificate(der)


def wait_issued(daemon, server, count=1, timeout=30):
    """That many have been issued, and the last one is in force."""
    wait_until(lambda: len(server.issued) >= count and certificate(daemon).get("not_after") and not certificate(daemon).get("ordering"), timeout,
               lambda: f"certificate {count}: {certificate(daemon)} {server.validated}\n{daemon.stderr()[-3000:]}")


def wait_failed(daemon, words, timeout=30):
    return wait_until(lambda: words in certificate(daemon).get("last_error", "") and certificate(daemon), timeout,
                      lambda: f"an error with {words!r}: {certificate(daemon)}\n{daemon.stderr()[-3000:]}")


# ---- a certificate comes

@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_certificate_is_ordered_and_takes_effect(site, challenge):
    daemon, server = site("a.test", "b.test", challenge=challenge)
    wait_issued(daemon, server)
    assert sorted(server.validated) == [("a.test", challenge, None), ("b.test", challenge, None)]
    leaf = shown(daemon, server)
    assert leaf == server.issued[-1] == shown(daemon, server, "b.test", ["h2", "http/1.1"])
    assert list(server.accounts.values())[0]["contact"] == ["mailto:ops@a.test"]

    said = certificate(daemon)
    assert said["domains"] == ["a.test", "b.test"] and said["failures"] == 0 and "last_error" not in said
    assert said["not_after"].startswith(leaf.not_valid_after.strftime("%Y-%m-%dT%H:%M:%S"))
    expiry = re.search(r'sluice_certificate_expiry_seconds\{listener="web",certificate="[^"]*/acme/web.pem"\} (\d+)', daemon.metrics())
    assert int(expiry[1]) == int(leaf.not_valid_after.replace(tzinfo=datetime.timezone.utc).timestamp())
    assert 'sluice_acme_orders_total{result="issued"} 1' in daemon.metrics()
    assert re.search(r'sluice_acme_next_order_seconds\{listener="web"\} \d+', daemon.metrics())
    assert f"listener web: a certificate for a.test and b.test until {said['not_after']}" in daemon.api("GET", "/v1/events?follow=false").body.decode()
    line = next(json.loads(one) for one in (daemon.state_dir / "audit.log").read_text().splitlines() if '"certificate"' in one)
    assert (line["actor"], line["result"]) == ("acme", "done")
    assert f"web, a.test, b.test, until {said['not_after']}, next order" in daemon.ctl("status").out


def test_before_the_first_certificate_a_handshake_fails_and_shows_none(site):
    daemon, server = site(before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    for name in ("a.test", "else.test", None):
        with pytest.raises(ssl.SSLError) as failed:
            TlsClient(daemon.address("web"), relaxed(), name).close()
        assert re.search("UNRECOGNIZED_NAME|HANDSHAKE_FAILURE", str(failed.value)), failed.value
    assert "certificate: web, a.test, none yet, is ordered now" in daemon.ctl("status").out
    server.hold.set()
    wait_issued(daemon, server)
    assert shown(daemon, server) == server.issued[-1]


def relaxed():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_without_a_word_of_the_challenge_a_listener_in_clear_is_not_needed(site):
    daemon, server = site(clear=False)
    wait_issued(daemon, server)
    assert server.validated == [("a.test", "tls-alpn-01", None)]


def test_a_server_that_offers_one_challenge_gets_that(site):
    daemon, server = site(before=lambda server: server.offers.remove("tls-alpn-01"))
    wait_issued(daemon, server)
    assert server.validated == [("a.test", "http-01", None)]


def test_a_server_of_ones_own_is_believed_by_its_ca(site, acme, folder):
    ca = Authority(folder / "own")
    server = acme(pair=ca.issue("acme", "127.0.0.1"))
    daemon, _ = site(server=server, ca=str(ca.cert))
    wait_issued(daemon, server)
    assert shown(daemon, server) == server.issued[-1]


def test_a_server_that_is_not_believed_is_told_nothing(site, acme, folder):
    server = acme(pair=Authority(folder / "own").issue("acme", "127.0.0.1"))
    daemon, _ = site(server=server)
    assert "TLS" in wait_failed(daemon, "certificate")["last_error"]
    assert server.requests == []


def test_an_account_is_bound_to_what_the_server_gave_out(site, folder):
    (folder / "hmac").write_text(b64(b"a secret of theirs") + "\n")
    daemon, server = site(before=lambda server: setattr(server, "external", {"kid-1": b"a secret of theirs"}),
                          eab={"kid": "kid-1", "hmac_file": str(folder / "hmac")})
    wait_issued(daemon, server)


def test_without_a_binding_that_the_server_asks_for_the_error_says_what_to_set(site):
    daemon, _ = site(before=lambda server: setattr(server, "external", {}))
    wait_failed(daemon, "set 'eab' to what it has given you")


# ---- what workers show while an order is under way

def test_only_the_tokens_of_the_order_are_answered_and_before_every_route(site):
    daemon, server = site(challenge="http-01", before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    token = server.authorizations["1"]["token"]
    path = f"/.well-known/acme-challenge/{token}"
    answer = daemon.client("clear").request("GET", path, host="whatever.test")
    assert answer.status == 200 and answer.body.decode().startswith(token + ".")
    other = daemon.client("clear").request("GET", "/.well-known/acme-challenge/of-a-backend", host="whatever.test")
    assert other.get("X-Backend") == "blue-1"
    server.hold.set()
    wait_issued(daemon, server)
    assert daemon.client("clear").request("GET", path, host="whatever.test").get("X-Backend") == "blue-1"


def test_a_proof_does_not_let_past_the_question_for_a_client_certificate(site, folder):
    """RFC 8737's handshake asks for no certificate: its connection ends there, and its session is never resumed."""
    ca = Authority(folder / "clients")
    daemon, server = site(tls={"client_ca": str(ca.cert)}, challenge="tls-alpn-01", before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = relaxed()
        context.maximum_version = version
        context.set_alpn_protocols(["acme-tls/1"])
        with TlsClient(daemon.address("web"), context, "a.test") as client:
            assert client.sock.selected_alpn_protocol() == "acme-tls/1"
            with contextlib.suppress(OSError):
                client.sock.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            assert client.sock.recv(100) == b""
            assert not client.sock.session.has_ticket
    context = relaxed()
    context.set_alpn_protocols(["acme-tls/1", "http/1.1"])  # who offers more than that asks for no proof
    with pytest.raises(ssl.SSLError):
        TlsClient(daemon.address("web"), context, "a.test").close()
    server.hold.set()
    wait_issued(daemon, server)


# ---- it is renewed

def test_renewed_under_load_without_a_failed_handshake(site):
    daemon, server = site(before=lambda server: setattr(server, "life", 12))
    wait_issued(daemon, server)
    stop, seen, failures = threading.Event(), set(), []

    def ask(alpn):
        while not stop.is_set():
            try:
                seen.add(shown(daemon, server, alpn=alpn).serial_number)
            except Exception as failed:  # noqa: BLE001 - whatever it is, it is a failure
                failures.append(repr(failed))

    clients = [threading.Thread(target=ask, args=(alpn,)) for alpn in (["http/1.1"], ["h2"])]
    for one in clients:
        one.start()
    try:
        wait_until(lambda: len(seen) >= 3 or failures, 60, lambda: f"three certificates: {certificate(daemon)}")
    finally:
        stop.set()
        for one in clients:
            one.join()
    assert failures == []
    assert len(server.accounts) == 1 and all(one["beside"] == 0 for one in server.orders.values())


def test_a_server_that_is_away_leaves_the_certificate_in_force_and_is_asked_more_often_at_the_end(site):
    daemon, server = site(before=lambda server: setattr(server, "life", 30))
    wait_issued(daemon, server)
    first = server.issued[-1]
    server.away = True
    said = wait_failed(daemon, "the directory: ")
    assert "could not be renewed, it ends" in " ".join(daemon.status()["warnings"])
    assert shown(daemon, server) == first and said["failures"] >= 1
    wait_until(lambda: certificate(daemon)["failures"] >= 2, 20, "another try")
    server.away = False
    wait_issued(daemon, server, 2)
    assert shown(daemon, server) == server.issued[-1] != first
    assert "last_error" not in certificate(daemon) and "renewed" not in " ".join(daemon.status()["warnings"])
    assert server.issued[-1].not_valid_before < first.not_valid_after


def test_the_server_may_want_it_renewed_at_once(site):
    windows = {}

    def window(leaf):
        at = time.time()
        return windows.get(leaf.serial_number, (at + 86400, at + 90000))

    def prepare(server):
        server.window, server.life = window, 30
    daemon, server = site(before=prepare)
    wait_issued(daemon, server)
    first = server.issued[0]
    wait_until(lambda: server.count("renewal") >= 1, 20, "the question for a window")
    stays_true(lambda: len(server.issued) == 1, 1, "a window of tomorrow")
    windows[first.serial_number] = (time.time() - 100, time.time() - 50)
    daemon.stop()
    daemon.start()  # asks anew
    wait_issued(daemon, server, 2)
    assert len(server.replaced) == 1 and server.replaced[0].endswith(
        "." + b64(first.serial_number.to_bytes(first.serial_number.bit_length() // 8 + 1, "big")))


# ---- a restart, an upgrade, a reload

def test_a_restart_needs_no_order_and_the_files_are_nobody_elses(site):
    daemon, server = site()
    wait_issued(daemon, server)
    files = sorted((daemon.state_dir / "acme").iterdir())
    assert [one.suffix for one in files] == [".account", ".pem", ".state"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    server.away = True
    daemon.kill()
    daemon.start()
    assert shown(daemon, server) == server.issued[0] and len(server.orders) == 1
    assert "last_error" not in certificate(daemon)


def test_killed_in_the_middle_of_an_order_it_orders_again_with_the_same_account(site):
    daemon, server = site(before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    daemon.kill()
    server.hold.set()
    daemon.start()
    wait_issued(daemon, server)
    assert len(server.accounts) == 1 and server.count("account") == 1


def test_a_reload_orders_for_new_names_and_shows_the_old_certificate_meanwhile(site):
    daemon, server = site()
    wait_issued(daemon, server)
    server.hold.clear()
    daemon.config["listeners"][0]["tls"]["acme"]["domains"] = ["a.test", "b.test"]
    daemon.write_config(daemon.config)
    assert daemon.ctl("reload").code == 0
    wait_until(lambda: len(server.orders) == 2, 20, "another order")
    assert shown(daemon, server) == server.issued[0]
    with pytest.raises(ssl.SSLError):  # not a.test's certificate, which would teach people to click
        TlsClient(daemon.address("web"), relaxed(), "b.test").close()
    server.hold.set()
    wait_issued(daemon, server, 2)
    assert shown(daemon, server, "b.test") == shown(daemon, server) == server.issued[1]


def test_a_reload_in_the_middle_of_an_order_gets_what_it_asks_for(site):
    daemon, server = site(before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    daemon.config["listeners"][0]["tls"]["acme"]["domains"] = ["b.test"]
    daemon.write_config(daemon.config)
    assert daemon.ctl("reload").code == 0
    server.hold.set()
    wait_until(lambda: certificate(daemon).get("not_after"), 30, lambda: f"a certificate: {certificate(daemon)}")
    assert shown(daemon, server, "b.test") == server.issued[-1]
    assert 'sluice_acme_orders_total{result="failed"} 0' in daemon.metrics()


def test_a_file_serves_until_the_first_certificate_comes(site, folder):
    """The way from certificates of one's own to those that are ordered: nobody is without one."""
    ca = Authority(folder / "own")
    cert, key = ca.issue("a", "a.test")
    daemon, server = site(tls={"certificates": [{"cert": str(cert), "key": str(key)}]}, before=lambda server: server.hold.clear())
    wait_until(lambda: server.count("challenge"), 20, "the challenge")
    with TlsClient(daemon.address("web"), ca.trusting(), "a.test") as client:
        assert client.request("GET", "/", host="a.test").status == 200
    server.hold.set()
    wait_issued(daemon, server)
    assert shown(daemon, server) == server.issued[0]
    del daemon.config["listeners"][0]["tls"]["acme"]  # and back
    daemon.write_config(daemon.config)
    assert daemon.ctl("reload").code == 0
    with TlsClient(daemon.address("web"), ca.trusting(), "a.test") as client:
        assert client.request("GET", "/", host="a.test").status == 200


# ---- what goes wrong

def test_a_nonce_that_is_refused_is_no_failure(site):
    daemon, server = site("a.test", "b.test", before=lambda server: setattr(server, "bad_nonce_every", 2))
    wait_issued(daemon, server)
    assert len(server.orders) == 1 and 'sluice_acme_orders_total{result="failed"} 0' in daemon.metrics()


def test_what_is_under_way_is_asked_for_again(site):
    daemon, server = site(before=lambda server: setattr(server, "polls", 2))
    wait_issued(daemon, server)
    assert len(server.orders) == 1


def test_an_account_that_the_server_has_forgotten_is_made_again(site):
    daemon, server = site(before=lambda server: setattr(server, "life", 6))
    wait_issued(daemon, server)
    server.forgetful = True
    wait_issued(daemon, server, 2)
    assert server.count("account") == 2


def test_a_rate_limit_is_obeyed_also_over_a_reload_and_a_restart(site):
    daemon, server = site(before=lambda server: setattr(server, "rate_limit", 3600))
    said = wait_failed(daemon, "too many orders of late (rateLimited)")
    assert said["next_order"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3500))
    server.rate_limit = None
    assert daemon.ctl("reload").code == 0
    daemon.stop()
    daemon.start()
    assert certificate(daemon)["next_order"] == said["next_order"]
    stays_true(lambda: server.count("order") == 1, 1, "patience")


@pytest.mark.parametrize("fault, value, words", [
    ("order_invalid", "the sun shone", "the order is invalid: the sun shone (serverInternal)"),
    ("unbelieving", "no route to you", "the server does not believe that a.test is here: tls-alpn-01: no route to you (unauthorized)"),
    ("wrong_key", True, "the certificate that came is refused: it is for another key than the one that it was ordered with"),
    ("wrong_names", True, "the certificate that came is refused: it is not for 'a.test'"),
    ("life", -5, "the certificate that came is refused: it has ended already; the clock of this machine or of the server is wrong"),
    ("body", {"dir": b"{not json"}, "the directory: the answer is not that of an ACME server"),
    ("body", {"dir": b"[" * 100000}, "the directory: the answer is not that of an ACME server"),
    ("body", {"dir": b"x" * 300000}, "the directory: its answer is longer than 256 KiB"),
    ("body", {"order": b"{}"}, "the order: the answer is not that of an ACME server"),
    ("body", {"account": b'{"status":"revoked"}'}, "the account is 'revoked', not valid"),
    ("body", {"certificate": b"-----BEGIN NONSENSE-----"}, "the certificate that came is refused: it is no certificate in PEM"),
    ("offers", ["dns-01"], "a.test: the server offers no challenge that can be used, only dns-01"),
])
def test_what_went_wrong_is_said_and_a_reload_tries_again(site, fault, value, words):
    before = {}

    def prepare(server):
        before["value"] = getattr(server, fault)
        setattr(server, fault, value)
    daemon, server = site(before=prepare)
    said = wait_failed(daemon, words)
    assert said["last_error"] == words and said["failures"] >= 1 and said["last_error_time"]
    assert f"listener web: there is no certificate for a.test: {words}; next try " in " ".join(daemon.status()["warnings"])
    line = next(json.loads(one) for one in (daemon.state_dir / "audit.log").read_text().splitlines() if '"certificate"' in one)
    assert (line["actor"], line["result"]) == ("acme", f"failed: a.test: {words}")
    setattr(server, fault, before["value"])
    assert daemon.ctl("reload").code == 0
    wait_until(lambda: certificate(daemon).get("not_after"), 30, lambda: f"a certificate: {certificate(daemon)}")
    assert shown(daemon, server) == server.issued[-1]


def test_after_a_failure_the_other_challenge_is_tried(site):
    daemon, server = site(before=lambda server: setattr(server, "look_tls", lambda *_: "port 443 is not yours"))
    wait_failed(daemon, "tls-alpn-01: port 443 is not yours")
    assert daemon.ctl("reload").code == 0
    wait_issued(daemon, server)
    assert [kind for _, kind, _ in server.validated] == ["tls-alpn-01", "http-01"]


def test_a_certificate_in_the_folder_that_cannot_be_used_is_ordered_anew(site):
    daemon, server = site()
    wait_issued(daemon, server)
    daemon.stop()
    (daemon.state_dir / "acme" / "web.pem").write_text("nonsense")
    daemon.start()
    wait_issued(daemon, server, 2)
    assert shown(daemon, server) == server.issued[1]
    assert "acme/web.pem cannot be used, another one is ordered: it holds no certificate in PEM" in daemon.stderr()


def test_a_slow_server_delays_nobody_else(site):
    daemon, server = site(before=lambda server: setattr(server, "slow", 0.4))
    wait_until(lambda: server.requests or server.count("dir"), 20, "a question")
    assert daemon.client("clear").request("GET", "/").status == 200 and daemon.ctl("status").code == 0
    wait_issued(daemon, server)
