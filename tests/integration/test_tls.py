"""TLS with clients: certificates by name, 421, tickets, client certificates, reload (X5, S6, T3)."""
import asyncio
import base64
import concurrent.futures
import hashlib
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from xml.etree import ElementTree

import pytest
import websockets
from backend import pattern
from sluice import BIN, ROOT, config_of, service
from tls import Authority, TlsClient, openssl
from waiting import wait_until


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("ca"))
    made.site = made.issue("site", "site.test", "*.wild.test", "127.0.0.1")
    made.site_rsa = made.issue("site-rsa", "site.test", kind="rsa")
    made.other = made.issue("other", "other.test")
    made.user = made.issue("user", subject="/O=Example/CN=alice")
    return made


def files(pair, **more):
    return {"cert": str(pair[0]), "key": str(pair[1]), **more}


def listener(*pairs, **tls):
    return {"name": "web", "bind": "127.0.0.1:0", "tls": {"certificates": [files(p) if isinstance(p, tuple) else p for p in pairs], **tls}}


@pytest.fixture
def tls(sluice, backend, ca):
    """tls(*certificates, **keys of `tls`) -> (daemon, backend); two workers."""

    def start(*pairs, top=None, options=None, **keys):
        only = backend("blue-1")
        daemon = sluice(config_of({"api": service({"blue": [only]}, **(options or {}))}, workers=2,
                                  listeners=[listener(*(pairs or [ca.site]), **keys)], **(top or {})))
        return daemon, only

    return start


def get(daemon, context, path="/", name="site.test", host=None, **options):
    with TlsClient(daemon.address(), context, name) as client:
        return client.request("GET", path, host=host or name, **options)


def shown(daemon, context, name="site.test"):
    with TlsClient(daemon.address(), context, name) as client:
        return client.sock.getpeercert(True)


def der(pair):
    return ssl.PEM_cert_to_DER_cert(pair[0].read_text())


# --- the handshake

@pytest.mark.parametrize("flag, line", [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")])
def test_curl_gets_an_answer_and_the_backend_knows_it_was_https(tls, ca, flag, line):
    daemon, blue = tls(options={"sticky": {"keys": ["cookie:id"], "issue_cookie": "id"}})
    port = daemon.address().rsplit(":", 1)[1]
    done = subprocess.run(["curl", "-sS", "-i", flag, "--cacert", str(ca.cert), "--resolve", f"site.test:{port}:127.0.0.1",
                           f"https://site.test:{port}/a"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and done.stdout.startswith(line), done
    assert "; Secure" in [line for line in done.stdout.splitlines() if line.lower().startswith("set-cookie")][0]
    assert blue.seen("/a")[0].all("X-Forwarded-Proto") == ["https"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_on_any_worker(tls, ca, version):
    daemon, _ = tls()
    context = ca.trusting(maximum_version=version, minimum_version=version)
    with TlsClient(daemon.address(), context) as client:
        assert client.request("GET", "/", host="site.test").status == 200
        session = client.sock.session
    for _ in range(12):  # the kernel spreads them over both workers
        with TlsClient(daemon.address(), context, session=session) as client:
            assert client.sock.session_reused and client.request("GET", "/", host="site.test").status == 200
    assert daemon.metric("sluice_tls_handshakes_total", result="resumed") == 12


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_after_a_restart(tls, ca, version):
    """The keys of the tickets are in the state folder, for nobody else to read; a file that is broken costs the resumption only."""
    daemon, _ = tls()
    context = ca.trusting(maximum_version=version, minimum_version=version)
    with TlsClient(daemon.address(), context) as client:
        assert client.request("GET", "/", host="site.test").status == 200
        session = client.sock.session
    path = daemon.folder / "state/tickets.key"
    wait_until(path.exists, what="the keys")
    assert path.stat().st_mode & 0o777 == 0o600
    for resumed in (True, True, False):
        daemon.stop()
        if not resumed:
            path.write_text(path.read_text()[:-10])
        daemon.start()
        with TlsClient(daemon.address(), context, session=session) as client:
            assert client.request("GET", "/", host="site.test").status == 200
            assert client.sock.session_reused == resumed


def test_min_version_and_alpn(tls, ca):
    daemon, _ = tls(min_version="1.3")
    with pytest.raises(ssl.SSLError):
        get(daemon, ca.trusting(maximum_version=ssl.TLSVersion.TLSv1_2))
    both = ca.trusting()
    both.set_alpn_protocols(["h2", "http/1.1"])
    with TlsClient(daemon.address(), both) as client:
        assert client.sock.selected_alpn_protocol() == "h2"
    other = ca.trusting()
    other.set_alpn_protocols(["spdy/3"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        get(daemon, other)


def test_who_is_slow_or_speaks_no_tls_is_sent_away_x5(tls, ca):
    daemon, blue = tls(handshake_timeout="300ms")
    host, port = daemon.address().split(":")
    for first in (b"", b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 300):
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            sock.sendall(first)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    wait_until(lambda: daemon.metric("sluice_tls_handshakes_total", result="timeout") == 2)
    assert daemon.metric("sluice_tls_handshakes_total", result="protocol") == 2
    assert blue.requests == [] and get(daemon, ca.trusting()).status == 200


@pytest.mark.parametrize("first", ["GET / HTTP/1.1\r\nHost: site.test\r\n\r\n", "PATCH /a HTTP/1.1\r\nHo", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                   "POST /a HTTP/1.1\r\nHost: site.test\r\nContent-Length: 300000\r\n\r\n" + "x" * 300000],
                         ids=["get", "part", "h2", "post"])
def test_plain_http_to_a_tls_port_is_told_so(tls, ca, first):
    daemon, blue = tls()
    with daemon.client() as client:
        client.send(first)
        answer = client.read()
        assert (answer.status, answer.get("X-Sluice-Error"), answer.get("Connection")) == (400, "plain_http", "close")
        assert b"https://" in answer.body and client.closed()
    assert daemon.metric("sluice_tls_handshakes_total", result="protocol") == 1
    assert blue.requests == [] and get(daemon, ca.trusting()).status == 200


def test_tls_to_a_plain_port_is_malformed(simple):
    daemon, blue = simple()
    with daemon.client() as client:
        client.send(b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03" + bytes(range(42)))
        answer = client.read()
        assert (answer.status, answer.get("X-Sluice-Error")) == (400, "malformed") and client.closed()
    assert blue.requests == []


# --- names

def test_each_name_gets_its_certificate_in_both_kinds(tls, ca):
    daemon, _ = tls(ca.site, ca.site_rsa, ca.other)
    assert shown(daemon, ca.trusting()) == der(ca.site)
    rsa = ca.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
    rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert shown(daemon, rsa) == der(ca.site_rsa)
    assert shown(daemon, ca.trusting(), "other.test") == der(ca.other)
    assert shown(daemon, ca.trusting(), "a.wild.test") == der(ca.site)
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(daemon, ca.trusting(), "a.b.wild.test")  # a wildcard is one label


def test_a_host_that_the_certificate_does_not_cover_is_421(tls, ca):
    daemon, blue = tls(ca.site, ca.other)
    for host in ("site.test", "SITE.test:8443", "site.test.", "x.wild.test", "127.0.0.1:1"):
        assert get(daemon, ca.trusting(), "/yes", host=host).status == 200, host
    for host in ("other.test", "wild.test", "a.b.wild.test", "evil.test", "127.0.0.2"):
        answer = get(daemon, ca.trusting(), "/no", host=host)
        assert (answer.status, answer.get("X-Sluice-Error")) == (421, "misdirected"), host
    assert len(blue.seen("/yes")) == 5 and blue.seen("/no") == []


def test_check_host_can_be_turned_off(tls, ca):
    daemon, _ = tls(check_host=False)
    assert get(daemon, ca.trusting(), host="evil.test").status == 200


# --- client certificates

def showing(ca, pair):
    context = ca.trusting()
    context.load_cert_chain(*map(str, pair))
    return context


def test_a_client_certificate_is_required_and_told_to_the_backend(tls, ca, tmp_path):
    daemon, blue = tls(client_ca=str(ca.cert))
    forged = [("Client-Cert", ":x:"), ("X-Client-Cert-Subject", "CN=root"), ("X_Client_Cert_Subject", "CN=root"),
              ("X-Client-Cert-Fingerprint", "00"), ("Client-Cert-Chain", ":x:")]
    assert get(daemon, showing(ca, ca.user), "/a", headers=forged).status == 200
    seen = blue.seen("/a")[0]
    assert seen.all("Client-Cert") == [":" + base64.b64encode(der(ca.user)).decode() + ":"]
    assert seen.all("X-Client-Cert-Subject") == ["CN=alice,O=Example"]
    assert seen.all("X-Client-Cert-Fingerprint") == [hashlib.sha256(der(ca.user)).hexdigest()]
    assert "root" not in str(seen.headers) and seen.get("Client-Cert-Chain") is None
    stranger = Authority(tmp_path, "stranger")
    for context in (ca.trusting(), showing(ca, stranger.issue("mallory"))):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            get(daemon, context, "/b")
    assert blue.seen("/b") == []
    wait_until(lambda: daemon.metric("sluice_tls_handshakes_total", result="certificate") == 2)


def test_an_optional_client_certificate_and_a_forged_header(tls, ca):
    daemon, blue = tls(client_ca=str(ca.cert), client_auth="optional")
    assert get(daemon, ca.trusting(), "/a", headers=[("X-Client-Cert-Subject", "CN=root")]).status == 200
    assert blue.seen("/a")[0].get("X-Client-Cert-Subject") is None


def test_forged_identities_are_dropped_in_clear_too(simple):
    daemon, blue = simple()
    daemon.fetch("/a", headers=[("Client-Cert", ":x:"), ("X-Client-Cert-Subject", "CN=root"), ("client_cert", ":x:")])
    assert "CN=root" not in str(blue.seen("/a")[0].headers) and ":x:" not in str(blue.seen("/a")[0].headers)


def test_a_ticket_of_one_listener_gets_nobody_into_another(sluice, backend, ca):
    open_one, closed = listener(ca.site), {**listener(ca.site, client_ca=str(ca.cert)), "name": "closed"}
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}, listeners=[open_one, closed]))
    context = ca.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
    with TlsClient(daemon.address(), context) as client:
        session = client.sock.session
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with TlsClient(daemon.address("closed"), context, session=session) as client:
            client.request("GET", "/", host="site.test")


# --- bytes

def test_large_bodies_arrive_whole_both_ways(tls, ca):
    daemon, blue = tls()
    sizes = [1, 16_383, 16_384, 16_385, 10 << 20, *(random.randrange(1 << 20) for _ in range(3))]
    with TlsClient(daemon.address(), ca.trusting()) as client:
        for size in sizes:
            answer = client.request("GET", f"/bytes/{size}", host="site.test")
            assert hashlib.sha256(answer.body).digest() == hashlib.sha256(pattern(size)).digest(), size
            answer = client.request("POST", "/sink", host="site.test", body=pattern(size))
            assert answer.status == 200
            assert blue.seen("/sink")[-1].body_hash == hashlib.sha256(pattern(size)).hexdigest(), size


def test_the_end_of_a_close_delimited_answer_is_a_close_notify_and_a_broken_one_is_not(tls, ca):
    daemon, _ = tls(options={"retries": {"attempts": 1}})
    with TlsClient(daemon.address(), ca.trusting()) as client:
        client.send(b"GET /until-close/1000 HTTP/1.0\r\nHost: site.test\r\n\r\n")
        data = b""
        while piece := client.sock.recv(4096):  # a FIN without close_notify raises SSLEOFError
            data += piece
        assert data.endswith(pattern(1000))
    with TlsClient(daemon.address(), ca.trusting()) as client:
        client.send(b"GET /partial/1000 HTTP/1.1\r\nHost: site.test\r\n\r\n")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            while client.sock.recv(4096):
                pass


def test_records_of_any_size_are_one_stream(tls, ca):
    """A byte a record; then three requests in one record, answered in order; then one that ends in the middle of a record."""
    daemon, blue = tls()
    with TlsClient(daemon.address(), ca.trusting()) as client:
        for byte in b"POST /echo HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        assert client.read().body == b"abc"
        one = b"GET /%d HTTP/1.1\r\nHost: site.test\r\n\r\n"
        client.send(one % 1 + one % 2 + one % 3 + b"GET /4 HTTP")
        assert [client.read().status for _ in range(3)] == [200] * 3
        client.send(b"/1.1\r\nHost: site.test\r\n\r\n")
        assert client.read().status == 200
    assert [r.target for r in blue.requests] == ["/echo", "/1", "/2", "/3", "/4"]


# --- stapling, expiry

def test_the_ocsp_response_is_stapled(tls, ca, tmp_path):
    (tmp_path / "index.txt").write_text(f"V\t350101000000Z\t\t65\tunknown\t/CN=site\n")
    openssl("ocsp", "-index", tmp_path / "index.txt", "-CA", ca.cert, "-rsigner", ca.cert, "-rkey", ca.key, "-issuer", ca.cert,
            "-cert", ca.site[0], "-respout", tmp_path / "site.ocsp", "-ndays", "7", "-no_nonce")
    daemon, _ = tls(files(ca.site, ocsp=str(tmp_path / "site.ocsp")))
    said = openssl("s_client", "-connect", daemon.address(), "-servername", "site.test", "-status", "-CAfile", ca.cert, input=b"")
    assert b"OCSP Response Status: successful" in said


def test_expiry_is_a_metric_and_a_warning_30_days_ahead(tls, ca):
    daemon, _ = tls(ca.issue("short", "site.test", days=20))
    assert any("expires in" in warning for warning in daemon.status()["warnings"])
    wait_until(lambda: "expires in" in daemon.stderr(), 10, "the log's warning")
    assert daemon.metric("sluice_certificate_expiry_seconds", listener="web") > 1.7e9


# --- reload

def test_a_new_certificate_under_load_loses_no_connection(tls, ca, tmp_path):
    pair = (tmp_path / "a.pem", tmp_path / "a.key")
    for source, target in zip(ca.site, pair):
        shutil.copy(source, target)
    daemon, _ = tls(pair)
    kept = TlsClient(daemon.address(), ca.trusting())
    address, stop = daemon.address(), threading.Event()

    def load():
        done = 0
        while not stop.is_set() or done < 20:
            with TlsClient(address, ca.trusting()) as client:
                assert client.request("GET", "/", host="site.test").status == 200
            done += 1
        return done

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(load) for _ in range(2)]
        try:
            for name in ("first", "second"):
                fresh = ca.issue(name, "site.test")
                for source, target in zip(fresh, pair):
                    shutil.copy(source, target)
                assert daemon.do("reload")["changed"]
                assert shown(daemon, ca.trusting()) == der(fresh)
        finally:
            stop.set()
        assert all(future.result() >= 20 for future in running)
    assert kept.request("GET", "/", host="site.test").status == 200
    kept.close()
    assert not daemon.do("reload")["changed"]


def test_SIGHUP_takes_a_new_certificate_and_refuses_a_bad_one(tls, ca, tmp_path):
    pair = (tmp_path / "a.pem", tmp_path / "a.key")
    for source, target in zip(ca.site, pair):
        shutil.copy(source, target)
    daemon, _ = tls(pair)
    kept = TlsClient(daemon.address(), ca.trusting())
    fresh = ca.issue("by-signal", "site.test")
    for source, target in zip(fresh, pair):
        shutil.copy(source, target)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: shown(daemon, ca.trusting()) == der(fresh), what="the new certificate")
    shutil.copy(ca.other[0], pair[0])
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "does not belong to the certificate" in daemon.stderr(), what="the complaint in the log")
    assert shown(daemon, ca.trusting()) == der(fresh)
    assert kept.request("GET", "/", host="site.test").status == 200
    kept.close()


@pytest.mark.parametrize("how, says", [("no-match", "does not belong to the certificate"), ("empty", "holds no certificate"),
                                       ("gone", "cannot be read")])
def test_a_bad_new_certificate_leaves_the_old_in_force_and_says_so(tls, ca, tmp_path, how, says):
    pair = (tmp_path / "a.pem", tmp_path / "a.key")
    for source, target in zip(ca.site, pair):
        shutil.copy(source, target)
    daemon, _ = tls(pair)
    if how == "no-match":
        shutil.copy(ca.other[0], pair[0])
    elif how == "empty":
        pair[0].write_text("")
    else:
        os.unlink(pair[0])
    refused = daemon.ctl("reload", check=2)
    assert says in refused.err and "sluice.yaml:" in refused.err
    assert shown(daemon, ca.trusting()) == der(ca.site)
    assert daemon.metric("sluice_config_reloads_total", result="failed") == 1


def test_check_and_start_name_the_place_of_a_bad_key(sluice, ca):
    config = config_of({"api": service({"blue": ["127.0.0.1:1"]})}, listeners=[listener((ca.site[0], ca.other[1]))])
    daemon = sluice(config, start=False)
    daemon.start(ready=False)
    assert daemon.process.wait(10) == 2
    daemon.may_end_with = [2]
    assert "the private key does not belong" in daemon.stderr() and "sluice.yaml:" in daemon.stderr()


def test_relative_paths_count_from_the_configuration(sluice, backend, ca, folder):
    for source, name in zip(ca.site, ("rel.pem", "rel.key")):
        (folder / "d0").mkdir(exist_ok=True)
        shutil.copy(source, folder / "d0" / name)
    daemon = sluice(config_of({"api": service({"blue": [backend()]})}, listeners=[listener(("rel.pem", "rel.key"))]))
    assert get(daemon, ca.trusting()).status == 200


def test_keys_are_in_no_output_and_the_memory_is_private(tls, ca):
    daemon, _ = tls()
    secret = ca.site[1].read_text().splitlines()[1]
    everything = daemon.stderr() + daemon.metrics() + str(daemon.status()) + daemon.ctl("config", "show", check=0).out
    assert secret not in everything and "PRIVATE KEY" not in everything


# --- what a scanner says

def test_sslscan_finds_nothing_weak(tls, ca):
    daemon, _ = tls(ca.site, ca.site_rsa)
    done = subprocess.run(["sslscan", "--no-colour", "--xml=-", "--sni-name=site.test", daemon.address()], capture_output=True,
                          text=True, timeout=60)
    found = ElementTree.fromstring(done.stdout)
    spoken = {f"{p.get('type')} {p.get('version')}" for p in found.iter("protocol") if p.get("enabled") == "1"}
    assert spoken == {"tls 1.2", "tls 1.3"}
    ciphers = [c.get("cipher") for c in found.iter("cipher")]
    assert len(ciphers) == 9 and all("GCM" in c or "CHACHA20" in c for c in ciphers), ciphers
    assert all(c.startswith(("TLS_", "ECDHE-")) for c in ciphers), ciphers
    assert {c.get("strength") for c in found.iter("cipher")} <= {"strong", "acceptable"}
    assert {g.get("name").split()[0] for g in found.iter("group")} == {"x25519", "secp256r1", "secp384r1"}
    assert [r.get("supported") for r in found.iter("renegotiation")] == ["0"]
    assert {h.get("vulnerable") for h in found.iter("heartbleed")} == {"0"}


# --- tunnels

def test_a_websocket_through_tls_with_big_frames(sluice, ca):
    with EchoServer() as port:
        daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{port}"]})}, workers=2, listeners=[listener(ca.site)]))
        address = daemon.address()

        async def talk():
            async with websockets.connect(f"wss://{address}/", ssl=ca.trusting(), max_size=None) as socket:
                for size in (1, 125, 70_000, 3_000_000):
                    await socket.send(pattern(size))
                    assert await socket.recv() == pattern(size)
        asyncio.run(asyncio.wait_for(talk(), 20))


class EchoServer:
    """A websockets server in a thread of its own, as a context of its port."""

    def __enter__(self):
        started = threading.Event()

        async def echo(socket, _path=None):
            async for message in socket:
                await socket.send(message)

        async def serve():
            self.loop, self.end = asyncio.get_running_loop(), asyncio.Event()
            async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as server:
                self.port = server.sockets[0].getsockname()[1]
                started.set()
                await self.end.wait()

        self.thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self.thread.start()
        assert started.wait(10)
        return self.port

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(10)


def test_who_sends_close_notify_and_fin_still_gets_the_answer(tls, ca):
    daemon, _ = tls()
    host, port = daemon.address().split(":")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        spoken = ca.trusting(maximum_version=ssl.TLSVersion.TLSv1_2).wrap_bio(incoming, outgoing, server_hostname="site.test")

        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
        until_done(spoken.do_handshake)
        spoken.write(b"GET /delay/100 HTTP/1.1\r\nHost: site.test\r\n\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            spoken.unwrap()  # writes our close_notify
        sock.sendall(outgoing.read())
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(65536):
            incoming.write(data)
        assert incoming.pending > 150  # the answer's record: an alert alone is 31 bytes


def test_the_example_in_conf_is_accepted(ca, folder):
    shutil.copy(ROOT / "conf/tls/sluice.yaml", folder / "sluice.yaml")
    for name, pair in (("site-ecdsa", ca.site), ("site-rsa", ca.site_rsa), ("us", ca.user)):
        shutil.copy(pair[0], folder / f"{name}.pem")
        shutil.copy(pair[1], folder / f"{name}.key")
    shutil.copy(ca.site[0], folder / "internal-ca.pem")
    token = subprocess.run([BIN / "sluicectl", "token", "ops", "--role", "operator"], capture_output=True, text=True, check=True).stdout
    line = next(line for line in token.splitlines() if line.startswith("line ")).removeprefix("line").strip()
    (folder / "admin.token").write_text(line + "\n")
    (folder / "admin.token").chmod(0o600)
    check = [BIN / "sluiced", "--check", "--config", folder / "sluice.yaml"]
    done = subprocess.run(check, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    (folder / "admin.token").write_text("line " + line + "\n")
    done = subprocess.run(check, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "admin.http" in done.stderr and "NAME ROLE" in done.stderr, done.stderr
    (folder / "us.key").write_text("not a key")
    done = subprocess.run(check, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "sluice.yaml:28:" in done.stderr, done.stderr
