"""sluicectl upgrade: what a process knows beyond its journal goes on in the next one, and what is left in the old one follows it."""
import collections
import contextlib
import threading
import time

import pytest
from client import Client
from proxied import v1
from sluice import service
from upgraded import echo_tunnels
from waiting import wait_until

CHECK = {"path": "/health", "interval": "200ms", "rise": 2, "fall": 2}


def held(daemon):
    return daemon.service()["traffic"]["held"]


def hold(daemon, targets):
    """A request on a connection of its own for each, held one after the other."""
    clients, before = [], held(daemon)
    for number, target in enumerate(targets, 1):
        clients.append(daemon.client())
        clients[-1].send_request(target=target)
        wait_until(lambda: held(daemon) == before + number, what=f"{target} to be held")
    return clients


# ---- health, ejections, drains, slow start

def test_H1_a_backend_that_is_down_gets_no_request_of_the_new_process(upgradable, backend):
    good, bad = backend("good"), backend("bad")
    bad.on("/health", lambda connection, request: connection.answer(503))
    daemon = upgradable({"api": service({"blue": [good, bad]}, health_check=CHECK)})
    assert wait_until(lambda: daemon.backend(bad.address)["health"] == "down" and daemon.backend(good.address)["health"] == "up")
    bad.forget()
    for _ in range(3):
        daemon.upgrade()
        assert [daemon.fetch("/x").status for _ in range(30)] == [200] * 30
        assert daemon.backend(bad.address)["health"] == "down" and daemon.backend(good.address)["health"] == "up"
        daemon.alone()
    assert not bad.seen("/x")


def test_H1_and_comes_back_when_its_probes_say_so(upgradable, backend):
    good, bad = backend("good"), backend("bad")
    answers = {"health": 503}
    bad.on("/health", lambda connection, request: connection.answer(answers["health"]))
    daemon = upgradable({"api": service({"blue": [good, bad]}, health_check=CHECK)})
    wait_until(lambda: daemon.backend(bad.address)["health"] == "down")
    daemon.upgrade()
    answers["health"] = 200
    wait_until(lambda: daemon.backend(bad.address)["health"] == "up", what="its return")
    wait_until(lambda: daemon.fetch("/x").status == 200 and bad.seen("/x"), what="requests to it")


def ejected(upgradable, backend, ejection):
    good, bad = backend("good"), backend("bad", handler=lambda connection, request: connection.answer(500))
    daemon = upgradable({"api": service({"blue": [good, bad]}, outlier={"consecutive_errors": 3, "ejection": ejection},
                                        retries={"attempts": 1})})
    wait_until(lambda: daemon.fetch("/") and daemon.backend(bad.address)["health"] == "ejected", what="the ejection")
    bad.forget()
    return daemon, bad


def test_H3_an_ejected_backend_stays_ejected(upgradable, backend):
    daemon, bad = ejected(upgradable, backend, "1h")
    daemon.upgrade()
    assert daemon.backend(bad.address)["health"] == "ejected"
    assert [daemon.fetch("/x").status for _ in range(30)] == [200] * 30
    assert not bad.seen("/x")


def test_H3_for_the_rest_of_its_time_and_no_longer(upgradable, backend):
    daemon, bad = ejected(upgradable, backend, "3s")
    began = time.monotonic()
    daemon.upgrade()
    assert daemon.backend(bad.address)["health"] == "ejected" or time.monotonic() - began > 2
    wait_until(lambda: daemon.backend(bad.address)["health"] == "unknown", 20, "the ejection's end")


def test_D3_a_drain_keeps_its_deadline_and_what_it_waits_for_in_the_old_process(upgradable, backend):
    gate = threading.Event()
    blue, other = (backend(name).on("/held", lambda connection, request: gate.wait(60) and connection.answer(200)) for name in ("blue", "other"))
    daemon = upgradable({"api": service({"blue": [blue, other]})}, shutdown_timeout="60s")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(daemon.client()) for _ in range(4)]
        for client in slow:
            client.send_request(target="/held")
        wait_until(lambda: len(blue.seen("/held")) == 2)
        daemon.do("drain", f"api/blue/{blue.address}", "--timeout", "1h")
        before = daemon.backend(blue.address)["drain"]
        daemon.upgrade()
        after = daemon.backend(blue.address)
        assert after["admin"] == "draining" and not after["drain"]["finished"], "two requests are still there"
        assert after["in_flight"] == 2
        assert before["left_ms"] - 60_000 < after["drain"]["left_ms"] <= before["left_ms"]
        assert daemon.ctl("wait", "drained", f"api/blue/{blue.address}", "--timeout", "300ms").code == 7
        gate.set()
        wait_until(lambda: daemon.backend(blue.address)["drain"]["finished"], what="the drain's end")
        assert [client.read().status for client in slow] == [200] * 4
    daemon.alone()


def test_a_slow_start_goes_on(upgradable, backend):
    blue = [backend("a"), backend("b")]
    daemon = upgradable({"api": service({"blue": blue}, slow_start="1h")})
    daemon.do("maint", f"api/blue/{blue[0].address}")
    daemon.do("ready", f"api/blue/{blue[0].address}")
    daemon.upgrade()
    for one in blue:
        one.forget()
    assert [daemon.fetch("/x").status for _ in range(60)] == [200] * 60
    assert len(blue[0].seen("/x")) < 15, "as little as at the beginning of its hour"


# ---- rollouts

def in_a_rollout(upgradable, backend, gate="--max-error-rate", limit="50%", **more):
    blue, green = backend("blue"), backend("green")
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]})}, **more)
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "1h", gate, limit)
    return daemon, blue, green


def rollout(daemon):
    return daemon.service()["rollout"]


def test_G7_the_step_goes_on_with_its_age_and_its_evidence(upgradable, backend):
    daemon, _, _ = in_a_rollout(upgradable, backend)
    for _ in range(200):
        daemon.fetch()
    wait_until(lambda: sum(rollout(daemon)["requests"].values()) == 200, what="the evidence")
    before = rollout(daemon)
    for _ in range(2):
        daemon.upgrade()
        wait_until(lambda: sum(rollout(daemon)["requests"].values()) == 200, what="the evidence to be there again")
        after = rollout(daemon)
        assert after["active"] and after["step"] == before["step"]
        assert after["requests"] == before["requests"]
        assert after["in_step_ms"] >= before["in_step_ms"]
        daemon.alone()
    assert "anew" not in daemon.ctl("events", check=0).out
    for _ in range(100):
        daemon.fetch()
    wait_until(lambda: sum(rollout(daemon)["requests"].values()) == 300, what="more of it")


def test_G2_a_hold_is_over_when_the_time_of_both_processes_is(upgradable, backend):
    blue, green = backend("blue"), backend("green")
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]})})
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "4s", "--min-requests", "0")
    began = time.monotonic()
    wait_until(lambda: rollout(daemon)["in_step_ms"] > 2500)
    daemon.upgrade()
    wait_until(lambda: daemon.shares()["green"] == 100, what="the next step")
    assert time.monotonic() - began < 6, "a hold that begins anew takes 4 s more"


def test_G2_errors_before_and_after_add_up_to_a_verdict(upgradable, backend):
    """Neither half proves it: the gate fails by what both processes saw."""
    blue, green = backend("blue"), backend("green")
    count = {"green": 0}

    def every_fifth(connection, request):
        count["green"] += 1
        connection.answer(500 if count["green"] % 5 == 0 else 200)
    green.handler = every_fifth
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]}, retries={"attempts": 1, "rescue": "none"})})
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "1h", "--max-error-rate", "10%")
    def until_answered(green):
        for _ in range(3 * green):
            if count["green"] < green:
                daemon.fetch()
        wait_until(lambda: rollout(daemon)["requests"]["canary"] == green or not rollout(daemon)["active"])
    until_answered(110)
    assert rollout(daemon)["active"], "not proven yet"
    daemon.upgrade()
    until_answered(220)
    wait_until(lambda: rollout(daemon)["state"] == "rolled_back", what="the verdict")
    assert "at most 0.1" in rollout(daemon)["why"] or "10 %" in rollout(daemon)["why"]


# ---- S3

def test_S3_shares_are_exact_over_upgrades_under_load(upgradable, backend):
    """One sequence for both processes: of the first 10,000 requests each pool has its share to within one in each block."""
    counts = collections.Counter()
    lock = threading.Lock()

    def counting(connection, request):
        with lock:
            counts[connection.backend.name] += 1
        connection.answer(200)
    pools = {name: [backend(name, handler=counting)] for name in ("blue", "green", "red")}
    daemon = upgradable({"api": service(pools, {"blue": "70%", "green": "25%", "red": "5%"})}, workers=2, shutdown_timeout="20s")
    total, clients, web = 10_000, 5, daemon.address()
    failed, upgraded = [], threading.Event()

    def client():
        left = total // clients
        while left:
            if left <= 200:
                upgraded.wait(60)  # without a connection: an idle one would be closed
            with Client(web) as one:
                while left:
                    answer = one.request()
                    left -= 1
                    if answer.status != 200:
                        failed.append(answer)
                    if answer.get("Connection") == "close" or left == 200:
                        break
    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for part in (1, 2, 3, 4):
        wait_until(lambda: sum(counts.values()) >= part * 1000, 60, "requests")
        daemon.upgrade()
        daemon.alone()
    upgraded.set()
    for thread in threads:
        thread.join(60)
    assert not failed and sum(counts.values()) == total
    assert counts == {"blue": 7000, "green": 2500, "red": 500}


# ---- rate limits

def test_a_rate_limit_does_not_begin_anew(upgradable, backend):
    daemon = upgradable({"api": service({"blue": [backend("blue")]}, rate_limit={"rate": "1/h", "burst": 5, "key": "header:X-Key"})})
    assert [daemon.fetch(headers=[("X-Key", "a")]).status for _ in range(3)] == [200] * 3
    for _ in range(2):
        daemon.upgrade()
        daemon.alone()
    assert [daemon.fetch(headers=[("X-Key", "a")]).status for _ in range(4)] == [200, 200, 429, 429]
    assert daemon.fetch(headers=[("X-Key", "b")]).status == 200


# ---- pauses

def test_P1_requests_that_a_pause_holds_are_let_go_from_both_processes_the_old_ones_first(upgradable, backend):
    blue = backend("blue")
    daemon = upgradable({"api": service({"blue": [blue]})})
    daemon.do("pause", "api")
    old = hold(daemon, [f"/{n}" for n in range(5)])
    first = daemon.pid()
    daemon.upgrade()
    assert held(daemon) == 5, "those of the old process are counted"
    new = hold(daemon, [f"/{n}" for n in range(5, 10)])
    assert not blue.seen() and daemon.status()["predecessor"]["pid"] == first
    reply = daemon.do("resume", "api", "--rate", "20/s")  # slow enough that the backend sees the order
    assert reply["held"] == 10
    assert [client.read().status for client in old + new] == [200] * 10
    assert {r.target for r in blue.seen()[:5]} == {f"/{n}" for n in range(5)}
    for client in old + new:
        client.close()
    daemon.alone()


def test_P1_a_rate_is_that_of_both_together(upgradable, backend):
    blue = backend("blue")
    daemon = upgradable({"api": service({"blue": [blue]})})
    daemon.do("pause", "api")
    clients = hold(daemon, [f"/{n}" for n in range(5)])
    daemon.upgrade()
    clients += hold(daemon, [f"/{n}" for n in range(5, 10)])
    daemon.do("resume", "api", "--rate", "10/s")
    assert [client.read().status for client in clients] == [200] * 10
    order = [int(r.target[1:]) for r in blue.seen()]
    assert all(abs(n - place) <= 1 for place, n in enumerate(order)), order
    arrived = [r.arrived for r in blue.seen()]
    assert arrived[-1] - arrived[0] > 0.8, "ten at ten a second"
    for client in clients:
        client.close()


def test_P1_a_resume_routes_what_the_old_process_holds_by_the_snapshot_of_that_moment(upgradable, backend):
    blue, green = backend("blue"), backend("green")
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]})})
    daemon.do("pause", "api")
    clients = hold(daemon, ["/a", "/b"])
    daemon.upgrade()
    daemon.do("cutover", "api=green")
    daemon.do("resume", "api")
    assert [client.read().get("X-Backend") for client in clients] == ["green"] * 2
    assert not blue.seen()
    for client in clients:
        client.close()


def test_P1_each_waits_for_max_hold_over_any_number_of_upgrades_and_longer_than_a_shutdown(upgradable, backend):
    daemon = upgradable({"api": service({"blue": [backend("blue")]})}, shutdown_timeout="300ms")
    daemon.do("pause", "api", "--max-hold", "3s")
    began = time.monotonic()
    client = hold(daemon, ["/a"])[0]
    daemon.upgrade()
    answer = client.read()
    assert answer.status == 503 and answer.get("X-Sluice-Error") == "paused"
    assert 2.9 < time.monotonic() - began < 10
    client.close()
    daemon.alone()
    with hold(daemon, ["/b"])[0] as other:
        daemon.do("resume", "api")
        assert other.read().status == 200


def test_P1_what_a_kept_connection_brings_to_the_old_process_is_held_there(upgradable, backend):
    daemon = upgradable({"api": service({"blue": [backend("blue")]})}, shutdown_timeout="20s")
    with daemon.client() as kept:
        assert kept.request().status == 200
        daemon.do("pause", "api")
        daemon.upgrade()
        kept.send_request(target="/late")
        wait_until(lambda: held(daemon) == 1, what="the old process to say that it holds one")
        daemon.do("resume", "api")
        answer = kept.read()
        assert answer.status == 200 and answer.get("Connection") == "close"
    daemon.alone()


def test_P1_a_pause_is_quiet_when_the_old_process_is(upgradable, backend):
    gate = threading.Event()
    blue = backend("blue").on("/held", lambda connection, request: gate.wait(60) and connection.answer(200))
    daemon = upgradable({"api": service({"blue": [blue]})}, shutdown_timeout="20s")
    with daemon.client() as slow:
        slow.send_request(target="/held")
        wait_until(lambda: blue.seen("/held"))
        daemon.upgrade()
        wait_until(lambda: daemon.status().get("predecessor", {}).get("requests") == 1)
        assert daemon.do("pause", "api")["in_flight"] == 1
        assert daemon.ctl("pause", "api", "--wait", "--timeout", "300ms").code == 7
        gate.set()
        wait_until(lambda: daemon.service()["traffic"]["in_flight"] == 0, what="quiet")
    daemon.do("resume", "api")
    daemon.alone()


# ---- what is left in the old process follows the changes of the new one

def test_C2_a_kept_connection_of_the_old_process_is_routed_as_the_new_one_says(upgradable, backend):
    blue, green = backend("blue"), backend("green")
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]})}, shutdown_timeout="20s")
    with daemon.client() as kept:
        assert kept.request().get("X-Backend") == "blue"
        daemon.upgrade()
        daemon.do("cutover", "api=green")
        answer = kept.request()
        assert answer.get("X-Backend") == "green" and answer.get("Connection") == "close"
    daemon.alone()


def test_D2_no_request_of_the_old_process_reaches_a_backend_that_the_new_one_has_drained(upgradable, backend):
    a, b = backend("a"), backend("b")
    daemon = upgradable({"api": service({"blue": [a, b]})}, shutdown_timeout="20s")
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(daemon.client()) for _ in range(20)]
        for client in kept:
            assert client.request().status == 200
        daemon.upgrade()
        daemon.do("drain", f"api/blue/{a.address}", "--wait")
        a.forget()
        assert [client.request().get("X-Backend") for client in kept] == ["b"] * 20
        assert not a.seen()
    daemon.alone()


# ---- tunnels and connections that have said nothing yet

def upgraded_connection(daemon):
    client = daemon.client()
    client.send_request("GET", "/ws", [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                       ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
    assert client.head().status == 101
    return client


@pytest.mark.parametrize("tunnels, gone", [("spread:1s", True), ("paced:5/s", True), ("wait", False)])
def test_tunnels_leave_the_old_process_as_configured(upgradable, backend, tunnels, gone):
    blue = backend("blue")
    blue.on("/ws", echo_tunnels)
    daemon = upgradable({"api": service({"blue": [blue]})}, shutdown_timeout="60s", upgrade={"tunnels": tunnels})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(upgraded_connection(daemon)) for _ in range(5)]
        daemon.upgrade()
        if gone:
            assert all(client.closed(15) for client in clients)
            daemon.alone()
        else:
            wait_until(lambda: daemon.status().get("predecessor", {}).get("requests") == 5)
            for client in clients:
                client.send("hello")
                assert client.exactly(5) == b"hello"


def test_a_client_whose_PROXY_header_has_not_come_is_answered(upgradable, backend):
    daemon = upgradable({"api": service({"blue": [backend("blue")]})}, shutdown_timeout="20s", listeners=[
        {"name": "web", "bind": "127.0.0.1:0", "proxy_protocol": True, "trusted_proxies": ["127.0.0.0/8"]}])
    header = v1("192.0.2.7")
    with daemon.client() as client, daemon.client() as never, daemon.client() as kept:
        client.send(header[:10])
        never.send(header[:5])
        kept.send(header)
        assert kept.request().status == 200
        wait_until(lambda: daemon.metric("sluice_connections_accepted_total") == 3, what="all to be accepted")
        daemon.upgrade()
        wait_until(lambda: daemon.status().get("predecessor", {}).get("connections"), what="word of the old process, which leaves")
        client.send(header[10:] + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.read()
        assert answer.status == 200 and answer.get("Connection") == "close"
    daemon.alone()


def test_the_lock_names_the_process_that_goes_on(upgradable):
    daemon = upgradable()
    assert int((daemon.state_dir / "lock").read_text()) == daemon.pid()
    listeners = daemon.config["listeners"]
    daemon.write_config({**daemon.config, "listeners": [*listeners, {"name": "more", "bind": daemon.address()}]})
    daemon.upgrade(check=1)
    assert int((daemon.state_dir / "lock").read_text()) == daemon.pid()
    daemon.write_config({**daemon.config, "listeners": listeners})
    daemon.upgrade()
    assert int((daemon.state_dir / "lock").read_text()) == daemon.pid()
