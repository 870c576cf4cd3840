"""A client whose upload is refused reads why, however much it still sends (RFC 9112 9.6): no reset takes the answer with it."""
import subprocess
import threading

import pytest
from backend import pattern
from client import Client
from sluice import config_of, service
from tls import Authority, TlsClient
from waiting import wait_until

BODY = pattern(6_000_000)  # more than the socket buffers of both sides hold


def upload_blindly(client, path="/refuse", chunked=False):
    """Sends everything before it reads a byte, as many a script does."""
    if chunked:
        client.send_request("POST", path, [("Transfer-Encoding", "chunked")])
        for n in range(0, len(BODY), 200_000):
            piece = BODY[n:n + 200_000]
            client.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
        client.send(b"0\r\n\r\n")
    else:
        client.send_request("POST", path, [("Content-Length", str(len(BODY)))])
        client.send(BODY)
    return client.read()


def many(count, one):
    """The results of `count` runs of one(n), sixteen at a time; what was raised is a result, too."""
    results, numbers, lock = [], iter(range(count)), threading.Lock()

    def work():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            try:
                result = one(n)
            except (OSError, AssertionError, EOFError) as error:
                result = repr(error)
            with lock:
                results.append(result)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def refuse(status):
    """A backend that answers at the head, reads nothing of the body and closes: its kernel resets the rest."""
    def script(connection, request):
        connection.answer(status, "no", {"Connection": "close"})
        connection.close()
    script.reads_body = True
    return script


@pytest.fixture
def refusing(sluice, backend, folder):
    """refusing(why, secure) -> (status, connect): every upload gets that status."""
    authority = Authority(folder)

    def start(why, secure):
        blue = backend("blue")
        options, listener = {}, {"name": "web", "bind": "127.0.0.1:0"}
        if secure:
            cert, key = authority.issue("site", "site.test")
            listener["tls"] = {"certificates": [{"cert": str(cert), "key": str(key)}], "check_host": False}
        if why == "limit":
            options["limits"] = {"body": "1000"}
        elif why == "rate":
            options["rate_limit"] = {"rate": "1/h", "burst": 1, "key": "ip"}
        elif why == "stopped":
            pass
        else:
            blue.on("/refuse", refuse(why))
        daemon = sluice(config_of({"api": service({"blue": [blue]}, **options)}, listeners=[listener]))
        context, address = authority.trusting(), daemon.address()

        def connect():
            return TlsClient(address, context, "site.test", 30) if secure else Client(address, 30)
        if why == "stopped":
            daemon.do("stop", "api")
        if why == "rate":
            with connect() as client:
                assert client.request().status == 200
        return {"limit": 413, "rate": 429, "stopped": 503}.get(why, why), connect
    return start


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("why", ["limit", "rate", "stopped", 413, 401])
def test_whoever_sends_without_reading_reads_the_refusal(refusing, why, secure):
    status, connect = refusing(why, secure)

    def one(n):
        with connect() as client:
            return upload_blindly(client, chunked=n % 3 == 0).status
    results = many(48, one)
    assert results == [status] * 48


def test_curl_reads_the_refusal(sluice, backend, folder):
    blue = backend("blue").on("/refuse", refuse(413))
    daemon = sluice(config_of({"api": service({"blue": [blue]}, limits={"body": "5MiB"})}))
    address = daemon.address()
    (folder / "body").write_bytes(BODY)
    (folder / "less").write_bytes(BODY[:4_000_000])

    def one(n):
        file, path = (("body", "/a"), ("less", "/refuse"))[n % 2]
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "-T", str(folder / file),
                               f"http://{address}{path}"], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr
    assert many(60, one) == ["413"] * 60


def test_a_refused_client_that_never_ends_holds_nothing_for_long(sluice, backend):
    """The end of the process does not wait for it; its connection is closed though it goes on sending."""
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]}, limits={"body": "1000"})}, shutdown_timeout="20s"))
    with daemon.client() as client:
        client.send_request("POST", "/a", [("Content-Length", "100000000000")])
        assert client.read().status == 413
        client.send(b"x" * 1000)
        assert daemon.status()["generation"] > 0
        assert daemon.stop(timeout=8) == 0

        def is_closed():
            try:
                client.sock.send(b"x")
            except OSError:
                return True
        wait_until(is_closed)
