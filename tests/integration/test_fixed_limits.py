"""X4: the limits that are no key of the configuration (docs/requests.md has those that are), each at its value and one above."""
import collections
import json
import threading

import pytest
from sluice import config_of, service
from waiting import stays_true, wait_until

KIB = 1024


@pytest.mark.parametrize("length, status", [(32, 200), (33, 501)])
def test_X4_a_methods_length(simple, length, status):
    daemon, _ = simple()
    with daemon.client() as client:
        client.send(b"M" * length + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read().status == status


def named(count):
    """Connection, and the fields that it names."""
    names = [f"X-{i}" for i in range(count)]
    return [("Connection", ", ".join(names)), *((name, "y") for name in names)]


@pytest.mark.parametrize("count, status", [(16, 200), (17, 431)])
def test_X4_fields_that_a_request_names_in_connection(simple, count, status):
    daemon, blue = simple()
    assert daemon.fetch("/a", headers=named(count)).status == status
    assert [r.get("X-15") for r in blue.seen("/a")] == [None] * (status == 200)


@pytest.mark.parametrize("count, status", [(16, 200), (17, 502)])
def test_X4_fields_that_an_answer_names_in_connection(simple, count, status):
    daemon, blue = simple(retries={"attempts": 1})
    blue.on("/a", lambda c, r: c.answer(200, b"ok", named(count)))
    answer = daemon.fetch("/a")
    assert answer.status == status and answer.get("X-15") is None


@pytest.mark.parametrize("count, status", [(99, 200), (100, 502)], ids=["100 fields", "101 fields"])
def test_X4_an_answers_fields(simple, count, status):
    daemon, blue = simple(retries={"attempts": 1})
    blue.on("/a", lambda c, r: c.answer(200, b"ok", [(f"X-{i}", "y") for i in range(count)]))  # and Content-Length
    answer = daemon.fetch("/a")
    assert answer.status == status
    assert status == 502 or answer.get("X-98") == "y"


@pytest.mark.parametrize("length, status", [(32 * KIB, 200), (32 * KIB + 1, 502)])
def test_X4_an_answers_head(simple, length, status):
    daemon, blue = simple(retries={"attempts": 1})
    head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: {}\r\n\r\n"
    blue.on("/a", lambda c, r: c.send(head.format("y" * (length - len(head) + 2)) + "ok"))
    answer = daemon.fetch("/a")
    assert answer.status == status
    assert status == 502 or answer.body == b"ok"


@pytest.mark.parametrize("count, status", [(16, 200), (17, 502)])
def test_X4_interim_answers(simple, count, status):
    daemon, blue = simple(retries={"attempts": 1})

    def hint(connection, request):
        connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * count)
        connection.answer(200, b"ok")

    blue.on("/a", hint)
    assert daemon.fetch("/a").status == status


def test_X4_idle_connections_to_a_backend(sluice, backend):
    """256 a worker are kept, the others for a second."""
    go = threading.Event()
    blue = backend("blue", lambda c, r: (go.wait(30), c.answer(200)))
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, workers=1))
    clients = [daemon.client() for _ in range(300)]
    try:
        for client in clients:
            client.send_request()
        wait_until(lambda: len(blue.seen()) == 300, what="all to be under way")
        go.set()
        assert all(client.read().status == 200 for client in clients)
        wait_until(lambda: len(blue.open_connections()) == 256, what="the others to be closed")
        stays_true(lambda: len(blue.open_connections()) == 256, 0.1, "the number of idle ones")
    finally:
        for client in clients:
            client.close()


def test_a_pool_larger_than_what_is_looked_at_per_choice(sluice, backend):
    """64 backends are looked at, from a random one on: all of a hundred get requests, none by far more than its part."""
    everywhere = backend("blue", host="0.0.0.0")
    addresses = [f"127.0.0.{i}:{everywhere.port}" for i in range(1, 101)]
    daemon = sluice(config_of({"api": service({"blue": addresses})}, workers=1))
    with daemon.client() as client:
        for _ in range(5000):
            assert client.request().status == 200
    reached = collections.Counter(r.connection.sock.getsockname()[0] for r in everywhere.seen())
    assert len(reached) == 100 and max(reached.values()) < 150 and min(reached.values()) > 20, reached


@pytest.mark.parametrize("length, copied", [(16 * KIB, True), (16 * KIB + 1, False)])
def test_M1_the_length_of_a_mirrored_body(blue_green, length, copied):
    daemon, blue, green = blue_green()
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    assert daemon.fetch("/long", "POST", body=b"x" * length).status == 200
    assert daemon.fetch("/after").status == 200
    wait_until(lambda: green.seen("/after"))
    assert bool(green.seen("/long")) == copied


@pytest.mark.parametrize("length, kept", [(128 * KIB, True), (512 * KIB, False)])
def test_M1_the_length_of_a_mirrors_answer(blue_green, length, kept):
    """Above 256 KiB its connection ends instead."""
    daemon, blue, green = blue_green()
    blue.on(f"/bytes/{length}", lambda c, r: c.answer(200))
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    assert daemon.fetch(f"/bytes/{length}").status == 200
    wait_until(lambda: daemon.service()["mirror"]["answered"] + daemon.service()["mirror"]["failed"] == 1)
    wait_until(lambda: bool(green.open_connections()) == kept)


def test_a_texts_length_in_the_access_log(simple, folder):
    log = folder / "access.log"
    daemon, _ = simple(top={"access_log": {"path": str(log), "format": "json"}})
    assert daemon.fetch("/" + "a" * 7000).status == 200
    (line,) = wait_until(lambda: log.exists() and log.read_text().splitlines())
    assert json.loads(line)["path"] == "/" + "a" * 2047


@pytest.mark.parametrize("what, health", [("a long body", "up"), ("a long head", "down")])
def test_a_probes_answer(sluice, backend, what, health):
    """16 KiB of its head are read and 64 KiB of its body; more of the body changes no verdict."""
    blue = backend("blue")

    def flood(connection, request):
        connection.send("HTTP/1.1 200 OK\r\n" + ("X: y\r\n" * 3000 if what == "a long head" else "Content-Length: 100000000\r\n") + "\r\n")
        try:
            while True:
                connection.send(b"x" * 65536)
        finally:
            connection.close()

    blue.on("/health", flood)
    daemon = sluice(config_of({"api": service({"blue": [blue]}, health_check={"path": "/health", "interval": "50ms", "rise": 1, "fall": 1})}))
    wait_until(lambda: len(blue.seen("/health")) >= 3, what="probes that go on")
    wait_until(lambda: [b["health"] for b in daemon.pool("blue")["backends"].values()] == [health])
