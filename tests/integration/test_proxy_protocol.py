"""The PROXY protocol in and out, and whose X-Forwarded-* are believed. A client cannot choose who it is."""
import time

import pytest
from client import Client, Closed
from proxied import SIGNATURE, Announced, v1, v2
from sluice import config_of, service
from tls import Authority, TlsClient, TlsServer
from waiting import wait_until


def listening(**more):
    return {"listeners": [{"name": "web", "bind": "127.0.0.1:0", **more}]}


HERE = ["127.0.0.0/8"]


@pytest.fixture
def behind(sluice, backend):
    """behind(**listener options) -> (daemon, backend): a listener that expects the PROXY protocol from this machine."""

    def start(**more):
        blue = backend("blue")
        options = {"proxy_protocol": True, "trusted_proxies": HERE, **more}
        return sluice(config_of({"api": service({"blue": [blue]})}, **listening(**options))), blue

    return start


@pytest.mark.parametrize("header, client", [
    (v1("192.0.2.7"), "192.0.2.7"),
    (v1("2001:db8::7", "2001:db8::1"), "2001:db8::7"),
    (v2("192.0.2.7"), "192.0.2.7"),
    (v2("2001:db8::7", "2001:db8::1"), "2001:db8::7"),
    (v2("192.0.2.7", tlvs=b"\x04\x00\x03xyz\x20\x00\x00"), "192.0.2.7"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (v2(command=0x20), "127.0.0.1"),
], ids=["v1-4", "v1-6", "v2-4", "v2-6", "v2-tlvs", "v1-unknown", "v2-local"])
@pytest.mark.parametrize("pieces", ["at once", "byte by byte"])
def test_the_announced_client_is_the_client(behind, header, client, pieces):
    daemon, blue = behind()
    with daemon.client() as one:
        if pieces == "at once":
            one.send(header + b"GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")
        else:
            for byte in header:
                one.send(bytes([byte]))
            one.send_request(target="/a", headers=[("X-Forwarded-For", "9.9.9.9")])
        assert one.read().status == 200
        assert one.request(target="/b").status == 200, "the connection goes on"
    for path in ("/a", "/b"):
        named = blue.seen(path)[0].all("X-Forwarded-For")
        # UNKNOWN and LOCAL: the proxy itself speaks, and it is trusted about X-Forwarded-For.
        assert named == ([client] if client != "127.0.0.1" or path == "/b" else ["9.9.9.9, 127.0.0.1"])


@pytest.mark.parametrize("bad", [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
    b"PROXY UNKNOWN " + b"x" * 200,
    v2("192.0.2.7")[:-1] + b"",
    v2("192.0.2.7", tlvs=b"\x04\x00"),
    v2("192.0.2.7", command=0x22),
    SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 5000,
], ids=["none", "short", "lf", "long", "cut", "tlv", "command", "huge"])
def test_what_is_no_header_is_closed_and_counted(behind, bad):
    """Nothing reaches a backend, nothing is answered: it may not even be HTTP."""
    daemon, blue = behind(header_timeout="300ms")
    with daemon.client() as one:
        one.send(bad)
        begun = time.monotonic()
        assert one.closed(5) and one.buffer == b""
        assert time.monotonic() - begun < 3
    assert not blue.seen()
    wait_until(lambda: daemon.metric("sluice_connections_refused_total", reason="proxy_protocol") == 1)
    wait_until(lambda: daemon.metric("sluice_connections") == 0)


def test_only_trusted_proxies_may_send_the_header(behind):
    daemon, blue = behind(trusted_proxies=["10.0.0.0/8", "::1"])
    with daemon.client() as one:
        try:
            one.send(v1("192.0.2.7") + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert one.closed(5) and one.buffer == b""
        except (OSError, Closed):
            pass  # reset with our bytes unread
    wait_until(lambda: daemon.metric("sluice_connections_refused_total", reason="proxy_protocol") == 1)
    assert not blue.seen()


def test_waiting_for_a_header_counts_as_a_connection(behind):
    """X7: who connects and says nothing takes places of max_connections, and gives them back at the time limit."""
    daemon, _ = behind(max_connections=2, header_timeout="500ms")
    silent = [daemon.client() for _ in range(2)]
    wait_until(lambda: daemon.metric("sluice_connections_accepted_total") == 2)
    with daemon.client() as one:
        assert one.closed(5)
    wait_until(lambda: daemon.metric("sluice_connections_refused_total", reason="max_connections") == 1)
    for client in silent:
        assert client.closed(5)
        client.close()
    with daemon.client() as one:
        one.send(v1("192.0.2.7"))
        assert one.request().status == 200


def test_the_limit_per_client_goes_by_the_announced_address(behind):
    """One proxy in front, many clients behind it; an IPv6 host is its /64."""
    daemon, _ = behind(max_connections_per_client=1)

    def connect(source, served):
        client = daemon.client()
        client.send(v1(source, "::1" if ":" in source else "127.0.0.1"))
        if served:
            assert client.request().status == 200
        else:
            assert client.closed(5)
        return client

    open_ones = [connect("192.0.2.1", True), connect("192.0.2.2", True), connect("2001:db8::1", True)]
    for client in (connect("192.0.2.1", False), connect("2001:db8::ffff", False), connect("2001:db8:0:1::1", True)):
        client.close()
    for client in open_ones:
        client.close()


def test_a_shutdown_ends_connections_that_wait_for_their_header(behind):
    daemon, _ = behind(header_timeout="60s")
    with daemon.client() as one:
        one.send(b"PROXY ")
        wait_until(lambda: daemon.metric("sluice_connections_accepted_total") == 1)
        daemon.stop()
        assert one.closed(5)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_pool_is_told_who_the_client_is(sluice, backend, version):
    """One connection per client request: none is used for another client. Probes say that nobody speaks."""
    blue = backend("blue")
    announced = Announced(blue)
    api = service({"blue": [blue]}, health_check={"path": "/health", "interval": "100ms"})
    api["pools"]["blue"]["proxy_protocol"] = version
    daemon = sluice(config_of({"api": api}))
    nobody = (version, "UNKNOWN") if version == "v1" else (version, "LOCAL")
    wait_until(lambda: nobody in announced.headers, what="a probe with its header")
    wait_until(lambda: daemon.backend(blue.address)["health"] == "up", what="a probe that is understood")
    port = daemon.address().rsplit(":", 1)[1]
    with daemon.client() as one, daemon.client() as other:
        for client in (one, other, one):
            assert client.request(target="/who").status == 200
        ports = [str(client.sock.getsockname()[1]) for client in (one, other, one)]
    clients = [h for h in announced.headers if h and h != nobody]
    assert clients == [(version, "TCP4", "127.0.0.1", "127.0.0.1", p, port) for p in ports]
    assert len({r.connection.number for r in blue.seen("/who")}) == 3
    assert None not in announced.headers


def test_what_comes_in_announced_goes_out_announced(sluice, backend):
    blue = backend("blue")
    announced = Announced(blue)
    api = service({"blue": [blue]})
    api["pools"]["blue"]["proxy_protocol"] = "v2"
    daemon = sluice(config_of({"api": api}, **listening(proxy_protocol=True, trusted_proxies=HERE)))
    with daemon.client() as one:
        one.send(v2("2001:db8::7", "2001:db8::1", 1234, 443))
        assert one.request().status == 200
    assert announced.headers == [("v2", "TCP6", "2001:db8::7", "2001:db8::1", "1234", "443")]


def test_copies_to_a_pool_with_the_protocol_say_nobody(sluice, backend):
    """M1: a copy's connection serves many clients."""
    blue, green = backend("blue"), backend("green")
    announced = Announced(green)
    api = service({"blue": [blue], "green": [green]})
    api["pools"]["green"]["proxy_protocol"] = "v1"
    daemon = sluice(config_of({"api": api}))
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    assert daemon.fetch("/copied").status == 200
    wait_until(lambda: green.seen("/copied"))
    assert announced.headers[0] == ("v1", "UNKNOWN")


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("ca"))
    made.site = made.issue("site", "site.test", "127.0.0.1")
    return made


@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7", tlvs=b"\x02\x00\x01a")], ids=["v1", "v2"])
def test_tls_begins_behind_the_header(behind, ca, header):
    daemon, blue = behind(tls={"certificates": [{"cert": str(ca.site[0]), "key": str(ca.site[1])}]})
    with TlsClient(daemon.address(), ca.trusting(), ahead=header) as one:
        for path in ("/a", "/b"):
            assert one.request(target=path, host="site.test").status == 200
            seen = blue.seen(path)[0]
            assert seen.all("X-Forwarded-For") == ["192.0.2.7"] and seen.all("X-Forwarded-Proto") == ["https"]


def test_to_a_backend_the_header_goes_ahead_of_tls(sluice, backend, ca):
    """Requests, probes and copies alike."""
    blue, green = backend("blue"), backend("green")
    fronts = {"blue": TlsServer(blue.address, ca.site, announced=True), "green": TlsServer(green.address, ca.site, announced=True)}
    try:
        api = service({name: [front.address] for name, front in fronts.items()}, health_check={"path": "/health", "interval": "50ms"})
        for pool in api["pools"].values():
            pool.update(proxy_protocol="v1", tls={"ca": str(ca.cert)})
        daemon = sluice(config_of({"api": api}))
        for pool in fronts:
            wait_until(lambda: [b["health"] for b in daemon.pool(pool)["backends"].values()] == ["up"])  # noqa: B023
        daemon.do("mirror", "api", "--to", "green", "--share", "100%")
        with daemon.client() as one:
            assert one.request(target="/a").status == 200
            source = one.sock.getsockname()[1]
        wait_until(lambda: blue.seen("/a") and green.seen("/a"))
        said = {name: set(front.headers) for name, front in fronts.items()}
        port = daemon.address().rsplit(":", 1)[1]
        assert said["green"] == {"PROXY UNKNOWN\r\n"}
        assert said["blue"] == {"PROXY UNKNOWN\r\n", f"PROXY TCP4 127.0.0.1 127.0.0.1 {source} {port}\r\n"}
    finally:
        for front in fronts.values():
            front.stop()


# ---- X-Forwarded-*

SAID = [("X-Forwarded-For", "6.6.6.6, 192.0.2.7"), ("X-Forwarded-For", "127.0.0.9"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "shop.example"), ("X-Forwarded-Port", "443"), ("X-Real-IP", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")]


def test_a_trusted_proxys_word_is_kept(sluice, backend, folder):
    blue = backend("blue")
    log = folder / "access.log"
    api = service({"blue": [blue]}, sticky={"keys": ["header:X-None"], "issue_cookie": "id"})
    daemon = sluice(config_of({"api": api}, access_log={"path": str(log), "format": "json"}, **listening(trusted_proxies=HERE)))
    answer = daemon.fetch("/a", headers=SAID)
    assert "Secure" in answer.get("Set-Cookie"), "the client came by TLS"
    seen = blue.seen("/a")[0]
    assert seen.all("X-Forwarded-For") == ["6.6.6.6, 192.0.2.7, 127.0.0.9, 127.0.0.1"]
    assert seen.all("X-Forwarded-Proto") == ["https"]
    assert seen.all("X-Forwarded-Host") == ["shop.example"]
    assert seen.all("X-Forwarded-Port") == ["443"]
    assert seen.all("Forwarded") == ["for=6.6.6.6", "for=127.0.0.1"], "each hop appends its own (RFC 7239)"
    assert not seen.all("X-Real-IP"), "a proxy that knows only the others passes a client's on unread"
    wait_until(lambda: log.exists() and '"192.0.2.7"' in log.read_text(), what="the rightmost untrusted address in the log")
    assert '"client":"6.6.6.6"' not in log.read_text()


LOGGED_IN = [(f"X-Forwarded-{what}", value) for what, value in (
    ("User", "ann"), ("Email", "ann@a.example"), ("Groups", "staff, admins"), ("Preferred-Username", "Ann"), ("Access-Token", "t0ken"),
    ("Prefix", "/app"), ("Ssl", "on"), ("Client-Cert", "Hash=abc"), ("Anything-New", "x"))]


def test_behind_an_authenticating_proxy_users_are_logged_in(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(trusted_proxies=HERE)))
    assert daemon.fetch("/a", headers=LOGGED_IN + [("X_Forwarded_User", "eve"), ("Connection", "X-Forwarded-User")]).status == 200
    seen = blue.seen("/a")[0]
    assert [(name, value) for name, value in LOGGED_IN if seen.all(name) != [value]] == []
    assert "eve" not in str(seen.headers)
    assert not seen.all("Forwarded"), "where none came, none is begun: X-Forwarded-* say it all"


@pytest.mark.parametrize("said,proto", [("wss", "https"), ("ws", "http"), ("https, http", "https"), ("http,https", "http"), (" HTTPS ", "https"),
                                        (", wss , ws", "https"), ("gopher", "http"), ("", "http")])
def test_the_protocols_of_a_trusted_proxy(sluice, backend, said, proto):
    blue = backend("blue")
    api = service({"blue": [blue]}, sticky={"keys": ["header:X-None"], "issue_cookie": "id"})
    daemon = sluice(config_of({"api": api}, **listening(trusted_proxies=HERE)))
    answer = daemon.fetch("/a", headers=[("X-Forwarded-Proto", said)])
    assert blue.seen("/a")[0].all("X-Forwarded-Proto") == [proto]
    assert ("Secure" in answer.get("Set-Cookie")) == (proto == "https")


@pytest.mark.parametrize("said,client", [(",192.0.2.7", "192.0.2.7"), ("192.0.2.7,", "192.0.2.7"), ("192.0.2.7, , 127.0.0.9", "192.0.2.7"),
                                         ("192.0.2.7, unknown", "127.0.0.1"), ("192.0.2.7, :::, 127.0.0.9", "127.0.0.9"), (" , ,", "127.0.0.1")])
def test_a_list_of_hops_with_holes_and_garbage(sluice, backend, folder, said, client):
    log = folder / "access.log"
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, access_log={"path": str(log), "format": "json"},
                              **listening(trusted_proxies=HERE)))
    assert daemon.fetch("/a", headers=[("X-Forwarded-For", said)]).status == 200
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
    assert f'"client":"{client}"' in log.read_text()
    hops = [hop.strip() for hop in said.split(",") if hop.strip()]
    assert blue.seen("/a")[0].all("X-Forwarded-For") == [", ".join([*hops, "127.0.0.1"])]


def test_anybody_elses_word_is_dropped(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, **listening(trusted_proxies=["10.0.0.0/8"])))
    assert daemon.fetch("/a", headers=SAID + LOGGED_IN + [("X_Forwarded_User", "eve"), ("x_forwarded-user", "eve")]).status == 200
    seen = blue.seen("/a")[0]
    assert seen.all("X-Forwarded-For") == ["127.0.0.1"] and seen.all("X-Forwarded-Proto") == ["http"]
    assert seen.all("X-Forwarded-Host") == ["test.local"] and not seen.all("Forwarded")
    names = sorted(name.lower() for name, _ in seen.headers if "forwarded" in name.lower())
    assert names == ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"], "a port is passed on, never made"


def test_an_announced_client_is_not_trusted_because_its_proxy_is(behind):
    """A client behind a TCP proxy forges X-Forwarded-For: the proxy is trusted, the client is not."""
    daemon, blue = behind()
    with daemon.client() as one:
        one.send(v1("192.0.2.7"))
        assert one.request(target="/a", headers=SAID).status == 200
    assert blue.seen("/a")[0].all("X-Forwarded-For") == ["192.0.2.7"]


def test_sticky_ip_goes_by_the_client_that_a_trusted_proxy_names(sluice, backend):
    """S4: with `ip` as key each named client has one pool, whoever carries its requests."""
    blue, green = backend("blue"), backend("green")
    api = service({"blue": [blue], "green": [green]}, {"blue": "50%", "green": "50%"}, sticky={"keys": ["ip"]})
    daemon = sluice(config_of({"api": api}, **listening(trusted_proxies=HERE)))
    with daemon.client() as one:
        pools = {}
        for _ in range(2):
            for n in range(40):
                answer = one.request(headers=[("X-Forwarded-For", f"192.0.2.{n}")])
                pools.setdefault(n, set()).add(answer.body)
        named = [{b"blue" in body for body in bodies} for bodies in pools.values()]
    assert all(len(sides) == 1 for sides in named), "a client keeps its pool"
    assert len({tuple(sides) for sides in named}) == 2, "not all clients have the same one"


def test_a_trusted_proxy_is_not_limited_as_a_client(sluice, backend):
    """X7: it speaks for many; max_connections_per_client is for those who come themselves."""
    options = {"max_connections_per_client": 1}
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")]})}, **listening(trusted_proxies=HERE, **options)))
    with daemon.client() as one, daemon.client() as other:
        assert [client.request().status for client in (one, other, one)] == [200, 200, 200]
