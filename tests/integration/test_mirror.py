"""M1: shadow traffic: never slows or fails the user's request, is bounded, counted, marked, and judged by nobody."""
import threading
import time

import pytest
from waiting import stays_true, wait_until


@pytest.fixture
def mirrored(blue_green):
    """mirrored(share, **options): api's pool blue serves, green gets copies."""

    def start(share="100%", *flags, **options):
        daemon, blue, green = blue_green(**options)
        daemon.do("mirror", "api", "--to", "green", "--share", share, *flags)
        return daemon, blue, green
    return start


def mirror(daemon):
    return daemon.service()["mirror"]


def test_M1_a_copy_goes_to_the_other_pool_and_its_answer_to_nobody(mirrored):
    daemon, blue, green = mirrored()
    answer = daemon.fetch("/a?b=c", headers={"X-Own": "kept"})
    assert answer.get("X-Backend") == "blue"
    (copy,) = wait_until(green.seen)
    (original,) = blue.seen()
    assert copy.target == "/a?b=c" and copy.get("X-Own") == "kept"
    assert copy.get("X-Sluice-Mirror") == "1" and original.get("X-Sluice-Mirror") is None
    assert copy.get("X-Request-ID") == original.get("X-Request-ID")
    wait_until(lambda: mirror(daemon)["answered"] == 1)
    assert daemon.metric("sluice_mirrored_requests_total", service="api", result="answered") == 1


@pytest.mark.parametrize("method,body", [("POST", b"x" * 10), ("PUT", b"y" * 16000), ("DELETE", None), ("HEAD", None)])
def test_M1_bodies_that_are_small_are_copied(mirrored, method, body):
    daemon, blue, green = mirrored()
    assert daemon.fetch("/a", method, body=body).status == 200
    (copy,) = wait_until(green.seen)
    wait_until(lambda: mirror(daemon)["answered"] == 1)
    assert (copy.method, copy.body) == (method, body or b"")


def test_M1_a_body_that_comes_later_than_its_head_is_copied_too(mirrored):
    daemon, blue, green = mirrored()
    with daemon.client() as client:
        client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234")
        wait_until(lambda: blue.seen())
        client.send("56789")
        assert client.read().status == 200
    (copy,) = wait_until(lambda: [r for r in green.seen() if r.complete])
    assert copy.body == b"0123456789"


def test_M1_long_bodies_and_those_of_unknown_length_are_not_copied(mirrored):
    daemon, _, green = mirrored()
    assert daemon.fetch("/a", "POST", body=b"x" * 20000).status == 200
    with daemon.client() as client:
        client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        assert client.read().status == 200
    assert mirror(daemon)["skipped"] == 2 and not green.seen()


def test_M1_safe_only_copies_nothing_that_changes_data(mirrored):
    daemon, _, green = mirrored("100%", "--safe-only")
    daemon.fetch("/post", "POST", body=b"x")
    daemon.fetch("/get")
    wait_until(green.seen)
    assert [r.target for r in green.seen()] == ["/get"]


def test_M1_G4_nothing_counts_for_a_pool(mirrored):
    daemon, _, green = mirrored()
    green.handler = lambda connection, request: connection.answer(500)
    for _ in range(10):
        assert daemon.fetch().status == 200
    wait_until(lambda: mirror(daemon)["failed"] == 10)
    pool = daemon.pool("green")
    assert pool["requests"] == 0 and pool["errors"] == 0 and pool["p99_ms"] is None
    assert daemon.backend(green.address)["health"] == "unknown", "no copy ejects a backend"
    assert daemon.metric("http_requests_total", pod="api-canary") == 0


def test_M1_own_connections(mirrored):
    daemon, _, green = mirrored()
    with daemon.client() as client:
        for n in range(1, 11):
            assert client.request().status == 200
            wait_until(lambda: mirror(daemon)["answered"] == n)  # two at a time are on two connections
        assert len({r.connection.number for r in green.seen()}) == 1, "they are kept"
        daemon.ctl("cutover", "api=green", check=0)
        assert client.request().get("X-Backend") == "green"
    numbers = {bool(r.get("X-Sluice-Mirror")): r.connection.number for r in green.seen()}
    assert numbers[True] != numbers[False], "and never the users'"


def test_M1_S7_users_are_mirrored_or_not(mirrored):
    daemon, _, green = mirrored("30%", sticky={"keys": ["header:X-User-Id"], "salt": "api"})
    users = [f"user-{i}" for i in range(200)]
    with daemon.client() as client:
        for user in users + users:
            client.request(headers={"X-User-Id": user})
    told = daemon.do("explain", "http://test.local/", "-H", "X-User-Id: user-0")
    assert told["mirror"] == "green"
    wait_until(lambda: mirror(daemon)["answered"] == len(green.seen()) > 0 and daemon.service()["traffic"]["in_flight"] == 0)
    copies = [r.get("X-User-Id") for r in green.seen()]
    assert all(copies.count(user) in (0, 2) for user in users)
    assert abs(len(set(copies)) / len(users) - 0.3) < 0.1
    assert any(step.endswith(": yes" if "user-0" in copies else ": no") for step in told["steps"])


def test_M1_a_hanging_mirror_slows_nobody_and_what_is_too_much_is_dropped(mirrored):
    daemon, blue, green = mirrored(top={"workers": 1})
    go = threading.Event()
    green.handler = lambda connection, request: (go.wait(20), connection.answer(200))
    took = []
    with daemon.client() as client:
        for _ in range(400):
            began = time.monotonic()
            assert client.request().status == 200
            took.append(time.monotonic() - began)
    assert len(blue.seen()) == 400
    told = mirror(daemon)
    assert told["dropped"] >= 400 - 32 - 128 and told["answered"] == 0
    assert sorted(took)[200] < 0.5, "none of them waited for the mirror"
    go.set()
    wait_until(lambda: mirror(daemon)["answered"] == 400 - told["dropped"])


def total(daemon, result):
    return daemon.metric("sluice_mirrored_requests_total", service="api", result=result)


def hang(daemon, blue, green, count=300):
    """Every place for copies is taken by one that is not answered."""
    green.handler = lambda connection, request: connection.wait_closed(60)
    with daemon.client() as client:
        for _ in range(count):
            assert client.request().status == 200
    wait_until(lambda: len(green.seen()) == 32, what="as many copies as go at once")


def let_go(daemon, green, count=300):
    wait_until(lambda: total(daemon, "dropped") == count)
    wait_until(lambda: not green.open_connections(), what="the copies' connections to be closed")
    assert total(daemon, "answered") == total(daemon, "failed") == 0, "that they were let go is not the target's failure"
    wait_until(lambda: daemon.service()["traffic"]["in_flight"] == 0)


def starts_afresh(daemon, green, count=40):
    green.forget()
    green.handler = None
    before = total(daemon, "dropped")
    with daemon.client() as client:
        for n in range(count):
            assert client.request(target=f"/{n}").status == 200
    wait_until(lambda: total(daemon, "answered") == count)
    assert total(daemon, "dropped") == before and len(green.seen()) == count


def test_M1_a_mirror_that_is_switched_off_lets_go(mirrored):
    daemon, blue, green = mirrored(top={"workers": 1})
    hang(daemon, blue, green)
    daemon.do("mirror", "api", "--off")
    let_go(daemon, green)
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    starts_afresh(daemon, green)


@pytest.mark.parametrize("change", [["--share", "50%"], ["--share", "100%", "--safe-only"]])
def test_M1_a_mirror_that_changes_lets_go(mirrored, change):
    daemon, blue, green = mirrored(top={"workers": 1})
    hang(daemon, blue, green)
    daemon.do("mirror", "api", "--to", "green", *change)
    let_go(daemon, green)
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    starts_afresh(daemon, green)


def test_M1_a_mirror_that_moves_to_another_pool_lets_go(sluice, backend):
    blue, green, violet = backend("blue-1"), backend("green-1"), backend("violet-1")
    from sluice import config_of, service
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green], "violet": [violet]})}))
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    hang(daemon, blue, green)
    daemon.do("mirror", "api", "--to", "violet", "--share", "100%")
    let_go(daemon, green)
    starts_afresh(daemon, violet)


def test_M1_copies_to_a_backend_that_leaves_are_let_go(mirrored, backend):
    daemon, blue, green = mirrored(top={"workers": 1})
    other = backend("green-2")
    hang(daemon, blue, green, 10 + 22)
    daemon.do("add", "api/green", other.address)
    assert len(green.open_connections()) == 32, "who comes sends nobody away"
    daemon.do("maint", f"api/green/{green.address}")
    let_go(daemon, green, 32)
    starts_afresh(daemon, other)


def test_M1_a_hanging_mirror_does_not_hold_up_the_end(mirrored):
    daemon, blue, green = mirrored(top={"workers": 1, "shutdown_timeout": "30s"})
    hang(daemon, blue, green)
    assert daemon.stop(timeout=10) == 0


def test_M1_a_mirror_that_is_down_fails_nobody(mirrored):
    daemon, _, green = mirrored()
    green.stop()
    for _ in range(5):
        assert daemon.fetch().status == 200
    wait_until(lambda: mirror(daemon)["failed"] == 5)


def test_M1_answers_that_never_end_hold_nothing_up(mirrored):
    daemon, _, green = mirrored()
    green.on("/big", lambda connection, request: green._do_bytes(connection, request, 50_000_000))
    assert daemon.fetch("/big").status == 200
    wait_until(lambda: mirror(daemon)["answered"] == 1, what="the copy to be done with before its answer is")


def test_M1_D2_a_drain_waits_for_copies_and_gets_no_more(mirrored):
    daemon, _, green = mirrored()
    go = threading.Event()
    green.handler = lambda connection, request: (go.wait(10), connection.answer(200))
    assert daemon.fetch("/first").status == 200
    wait_until(green.seen)
    daemon.ctl("drain", "api/green", check=0)
    assert daemon.backend(green.address)["admin"] == "draining"
    assert daemon.fetch("/second").status == 200
    wait_until(lambda: mirror(daemon)["failed"] == 1)
    go.set()
    wait_until(lambda: daemon.backend(green.address)["admin"] == "drained")
    assert [r.target for r in green.seen()] == ["/first"]


def test_M1_S8_previews_and_what_goes_there_anyway_are_not_mirrored(mirrored):
    daemon, _, green = mirrored()
    token = daemon.do("preview", "api/green")["token"]
    assert daemon.fetch("/p", headers={"X-Sluice-Preview": token}).get("X-Backend") == "green"
    daemon.ctl("cutover", "api=green", check=0)
    assert daemon.fetch("/c").get("X-Backend") == "green"
    stays_true(lambda: [r.target for r in green.seen()] == ["/p", "/c"], 0.1, "no copies")


def test_M1_T1_undo_restart_and_mistakes(mirrored):
    daemon, _, green = mirrored("10%", "--safe-only")
    daemon.kill()
    daemon.start()
    told = mirror(daemon)
    assert (told["to"], told["share"], told["safe_only"]) == ("green", "10%", True)
    reply = daemon.do("mirror", "api", "--off")
    assert reply["before"] == {"mirror": "green", "share": "10%", "safe_only": True} and reply["after"] == {"mirror": "off"}
    assert reply["undo"] == "sluicectl mirror api --to green --share 10% --safe-only"
    assert mirror(daemon) is None
    assert daemon.do("history", "api")["history"][0]["change"] == "api mirror green 10% safe only -> api mirror off"
    assert daemon.ctl("mirror", "api", "--to", "grean", "--share", "1%").code == 4
    assert daemon.ctl("mirror", "api").code == 2 and daemon.ctl("mirror", "api", "--to", "green").code == 2
    assert daemon.ctl("mirror", "api", "--to", "green", "--share", "0%").code == 2
    assert daemon.ctl("mirror", "api", "--off", "--to", "green", "--share", "1%").code == 2
