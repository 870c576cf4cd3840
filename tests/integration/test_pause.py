"""P1: pause holds requests in order, resume routes each by the snapshot of that moment, stop refuses."""
import threading
import time

import pytest
from waiting import stays_true, wait_until


@pytest.fixture
def sender():
    """send(daemon, targets) sends each on a connection of its own, one after the other is held, and returns them."""
    clients = []

    def send(daemon, targets, method="GET", body=None):
        before = held(daemon)
        for n, target in enumerate(targets, 1):
            clients.append(daemon.client())
            clients[-1].send_request(method, target, body=body)
            wait_until(lambda: held(daemon) == before + n, what=f"{target} to be held")
        return clients[-len(targets):]
    yield send
    for client in clients:
        client.close()


def held(daemon):
    return daemon.service()["traffic"]["held"]


def test_P1_a_pause_holds_in_order_and_a_resume_routes_by_the_snapshot_of_that_moment(blue_green, sender):
    daemon, blue, green = blue_green(top={"workers": 2})
    assert daemon.fetch("/before").get("X-Backend") == "blue"
    reply = daemon.do("pause", "api")
    assert reply["before"] == {"traffic": "open"} and reply["after"] == {"traffic": "paused", "max_hold": "30s"}
    assert reply["undo"] == "sluicectl resume api" and reply["in_flight"] == 0
    targets = [f"/{n}" for n in range(12)]
    clients = sender(daemon, targets)
    assert not blue.seen("/0")
    daemon.ctl("cutover", "api=green", check=0)
    assert not green.seen("/0"), "a cutover lets nobody go"
    reply = daemon.do("resume", "api", "--rate", "20/s")
    assert reply["held"] == 12
    assert [client.read().status for client in clients] == [200] * 12
    order = [int(r.target[1:]) for r in green.seen()]  # two that go within a tick may overtake each other on the way
    assert all(abs(n - place) <= 2 for place, n in enumerate(order)), f"in the order of arrival, over all workers: {order}"
    assert len(blue.seen()) == 1
    assert daemon.fetch("/after").get("X-Backend") == "green"
    assert held(daemon) == 0


def test_P1_a_rate_paces_the_release(blue_green, sender):
    daemon, blue, _ = blue_green()
    daemon.do("pause", "api")
    clients = sender(daemon, [f"/{n}" for n in range(10)])
    daemon.do("resume", "api", "--rate", "20")
    wait_until(lambda: len(blue.seen()) >= 1)
    assert daemon.fetch("/new").status == 200, "who comes now does not wait behind the held ones"
    for client in clients:
        assert client.read().status == 200
    arrived = [r.arrived for r in blue.seen() if r.target != "/new"]
    assert arrived[-1] - arrived[0] > 0.3, "nine intervals of 50 ms"


def test_P1_without_a_rate_all_go_at_once_and_posts_keep_their_bodies(simple, sender):
    daemon, only = simple()
    daemon.do("pause", "api")
    clients = sender(daemon, ["/a", "/b"], "POST", b"0123456789")
    daemon.do("resume", "api")
    assert [c.read().status for c in clients] == [200, 200]
    assert [r.body for r in only.seen()] == [b"0123456789"] * 2


def test_P1_each_is_held_for_max_hold_and_then_refused(simple, sender):
    daemon, only = simple()
    daemon.do("pause", "api", "--max-hold", "200ms")
    (client,) = sender(daemon, ["/a"])
    answer = client.read()
    assert (answer.status, answer.get("X-Sluice-Error")) == (503, "paused") and answer.get("Retry-After")
    assert not only.seen()
    daemon.do("resume", "api")
    assert client.request(target="/b").status == 200, "the connection lives on"


def test_P1_the_queue_is_bounded(simple, sender):
    daemon, _ = simple()
    daemon.do("pause", "api", "--max-queue", "3")
    sender(daemon, ["/1", "/2", "/3"])
    answer = daemon.fetch("/4")
    assert (answer.status, answer.get("X-Sluice-Error")) == (503, "paused")
    assert held(daemon) == 3


def test_P1_a_client_that_leaves_is_no_longer_held(simple, sender):
    daemon, only = simple()
    daemon.do("pause", "api")
    stays, leaves = sender(daemon, ["/stays", "/leaves"])
    leaves.reset()
    wait_until(lambda: held(daemon) == 1)
    daemon.do("resume", "api")
    assert stays.read().status == 200
    assert [r.target for r in only.seen()] == ["/stays"]


def test_P1_in_flight_0_is_announced(simple):
    """The reply counts what is left, --wait returns when nothing is, and an event says so."""
    daemon, only = simple()
    go = threading.Event()
    only.on("/slow", lambda connection, request: (go.wait(10), connection.answer(200)))
    with daemon.client() as client:
        client.send_request(target="/slow")
        wait_until(lambda: only.seen("/slow"))
        assert daemon.do("pause", "api")["in_flight"] == 1
        assert "1 in flight" in daemon.ctl("status", "api", check=0).out
        late = daemon.ctl("pause", "api", "--wait", "--timeout", "100ms")
        assert late.code == 7 and "1 request is still in flight" in late.err
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(daemon.ctl("pause", "api", "--wait")))
        thread.start()
        assert not events(daemon, "quiet")
        go.set()
        assert client.read().status == 200
        thread.join(20)
        assert waiting[0].code == 0 and "in flight 0" in waiting[0].err
    wait_until(lambda: events(daemon, "quiet"))
    assert "paused: 0 held, nothing in flight" in daemon.ctl("status", "api", check=0).out
    assert daemon.metric("sluice_service_traffic_state", service="api", state="paused") == 1


def events(daemon, kind):
    text = daemon.api("GET", "/v1/events?follow=false").body.decode()
    return [line for line in text.splitlines() if line == f"event: {kind}"]


def test_P1_stop_refuses_with_the_message_and_frees_who_was_held(simple, sender):
    daemon, only = simple()
    daemon.do("pause", "api")
    (client,) = sender(daemon, ["/held"])
    reply = daemon.do("stop", "api", "--message", "Back at 14:00")
    assert reply["undo"] == "sluicectl pause api --max-hold 30s"
    for answer in (client.read(), daemon.fetch("/new")):
        assert (answer.status, answer.get("X-Sluice-Error"), answer.body) == (503, "stopped", b"Back at 14:00")
    assert not only.seen()
    assert daemon.do("resume", "api")["undo"] == "sluicectl stop api --message 'Back at 14:00'"
    assert daemon.fetch("/").status == 200


def test_P1_T1_T4_it_survives_kill_9_and_is_in_history(simple):
    daemon, _ = simple()
    daemon.do("--reason", "migration 42", "stop", "api", "--message", "migrating")
    daemon.kill()
    daemon.start()
    assert daemon.fetch("/").body == b"migrating"
    entry = daemon.do("history", "api")["history"][0]
    assert entry["verb"] == "stop" and entry["reason"] == "migration 42"
    assert entry["change"] == "api open -> api stopped 'migrating'"
    assert "api stopped 'migrating'" in (daemon.state_dir / "audit.log").read_text()
    assert daemon.do("undo")["changed"]
    assert daemon.fetch("/").status == 200
    assert daemon.do("resume", "api")["changed"] is False


def test_P1_mistakes_are_named(simple):
    daemon, _ = simple()
    assert daemon.ctl("pause", "apj").code == 4
    assert daemon.ctl("pause", "api", "--max-hold", "soon").code == 2
    assert daemon.ctl("pause", "api", "--max-hold", "0").code == 2
    assert daemon.ctl("resume", "api", "--rate", "fast").code == 2
    assert daemon.ctl("stop", "api", "--message", "x" * 1001).code == 2
    assert daemon.api("POST", "/v1/services/api/pause", {"max_holt": "1s"}).status == 400
    assert daemon.do("pause", "api", "--dry-run")["changed"] and daemon.fetch("/").status == 200


def test_P1_explain_says_that_a_request_would_be_held(simple):
    daemon, _ = simple()
    daemon.do("pause", "api", "--max-hold", "5s")
    told = daemon.do("explain", "http://test.local/")
    assert told["held"] == "paused" and told["pool"] == "blue"
    assert any("held, 5s at most" in step for step in told["steps"])


def test_P1_a_shutdown_does_not_wait_for_a_pause(simple, sender):
    daemon, _ = simple()
    daemon.do("pause", "api")
    (client,) = sender(daemon, ["/held"])
    started = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - started < 10
    answer = client.read()
    assert (answer.status, answer.get("X-Sluice-Error"), answer.get("Connection")) == (503, "paused", "close")


def test_P1_C4_pauses_and_resumes_under_32_connections_fail_nothing(sluice, recorder, loader):
    from sluice import config_of, service
    origin = recorder("blue")
    daemon = sluice(config_of({"api": service({"blue": [origin]})}, workers=2))
    load = loader(daemon, connections=32)
    wait_until(lambda: daemon.pool("blue")["requests"] > 200)
    for rate in ((), ("--rate", "2000"), (), ("--rate", "500/s"), ()):
        daemon.do("pause", "api", "--wait")
        wait_until(lambda: held(daemon) == 32, what="every connection to be held")
        seen = daemon.pool("blue")["requests"]
        stays_true(lambda: daemon.pool("blue")["requests"] == seen, 0.05, "nothing reaches the backend")
        daemon.do("resume", "api", *rate)
        wait_until(lambda: daemon.pool("blue")["requests"] > seen + 100)
        wait_until(lambda: held(daemon) == 0)
    told = load.finish()
    assert told["failed"] == 0 and told["requests"] > 500, told
