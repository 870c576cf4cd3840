"""An instance that was away is used again when it is well, not before and not long after."""
import re
import threading
import urllib.parse

import pytest
from backend import Backend, free_port
from client import fetch
from sluice import config_of, service
from waiting import stays_true, wait_until

CHECK = {"path": "/", "interval": "200ms", "timeout": "500ms", "rise": 2, "fall": 2}


@pytest.fixture
def two():
    made = [Backend("one"), Backend("two")]
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def start(sluice, two):
    def make(check=CHECK, **more):
        port = free_port()
        if check:
            more["health_check"] = check
        daemon = sluice(config_of({"api": service({"blue": two}, **more)}, admin={"compat": {"bind": f"127.0.0.1:{port}", "service": "api"}}))
        daemon.compat = f"127.0.0.1:{port}"
        if check:
            wait_until(lambda: all(daemon.backend(one.address)["health"] == "up" for one in two), what="the probes")
        return daemon
    return make


def call(daemon, path, backend):
    return fetch(daemon.compat, "POST", path, [("Content-Type", "application/x-www-form-urlencoded")],
                 urllib.parse.urlencode({"backend": backend.address}).encode(), timeout=60)


@pytest.mark.parametrize("check", [CHECK, None])
def test_add_backend_waits_first_and_then_makes_it_ready(start, two, check):
    """It answered 200 after 0 ms and requests met a dead port."""
    daemon, (one, other) = start(check), two
    for _ in range(3):  # the next add_backend took 25 to 30 s
        assert call(daemon, "/remove_backend", one).status == 200
        one.stop()
        answers = []
        adding = threading.Thread(target=lambda: answers.append(call(daemon, "/add_backend", one)))
        adding.start()
        stays_true(lambda: not answers and daemon.backend(one.address)["admin"] == "drained", 1, "it is out of the traffic")
        assert {daemon.fetch("/").status for _ in range(20)} == {200}
        one.start()
        adding.join(20)
        assert [answer.status for answer in answers] == [200]
        assert {daemon.fetch("/").get("X-Backend") for _ in range(20)} == {"one", "two"}
        assert daemon.backend(one.address)["health"] == ("up" if check else "unknown")


def eject(daemon, backend):
    backend.on("/", lambda connection, request: connection.answer(200 if request.get("User-Agent") == "sluice-health" else 500))
    wait_until(lambda: daemon.fetch("/") and daemon.backend(backend.address)["health"] == "ejected", what="the ejection")
    backend.scripts.clear()


def seconds(text):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(h|ms|m|s)", text))


def events(daemon):
    return daemon.api("GET", "/v1/events?follow=false").body.decode()


def test_passed_probes_end_an_ejection(start, two):
    daemon = start(outlier={"consecutive_errors": 3, "ejection": "1h"})
    eject(daemon, two[0])
    wait_until(lambda: daemon.backend(two[0].address)["health"] == "up", what="the end of the ejection")
    assert "is no longer ejected: 2 probes in a row were passed" in events(daemon)
    eject(daemon, two[0])
    first, second = (seconds(text) for text in re.findall(r"is ejected for (.*?) after", events(daemon)))
    assert 3200 < first < 4000 and 6400 < second < 8000, "the second one right after is twice as long (H3), each within a tenth"


def test_ready_ends_an_ejection_at_once(start, two):
    daemon = start(check=None, outlier={"consecutive_errors": 3, "ejection": "1h"})
    eject(daemon, two[0])
    said = daemon.do("ready", f"api/blue/{two[0].address}")
    assert said["warnings"] == [f"api/blue/{two[0].address} is no longer ejected"]
    assert daemon.backend(two[0].address)["health"] == "unknown"
    assert "is no longer ejected: made ready by" in events(daemon)
    assert {daemon.fetch("/").get("X-Backend") for _ in range(10)} == {"one", "two"}


def test_without_probes_an_ejection_ends_by_its_time(start, two):
    daemon = start(check=None, outlier={"consecutive_errors": 3, "ejection": "300ms"})
    eject(daemon, two[0])
    wait_until(lambda: daemon.backend(two[0].address)["health"] == "unknown", what="the time")


def test_ready_returns_at_once_and_says_what_is_not_up_yet(start, two):
    daemon, (one, other) = start(), two
    daemon.do("maint", f"api/blue/{one.address}")
    one.stop()
    wait_until(lambda: daemon.backend(one.address)["health"] == "down", what="the probes")
    said = daemon.do("ready", f"api/blue/{one.address}")
    assert len(said["warnings"]) == 1 and "is down (connect: Connection refused), it gets no request until its probes are passed" in said["warnings"][0]
