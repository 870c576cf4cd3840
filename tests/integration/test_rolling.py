"""sluicectl rolling: a pool renewed batch by batch, with a command that really restarts what it is given."""
import threading

import pytest
from sluice import config_of, service

HEALTH = {"path": "/health", "interval": "50ms", "timeout": "1s", "rise": 2, "fall": 2}


@pytest.fixture
def fleet(sluice, backend, folder):
    """(daemon, instances, renew): three instances, and a command line that asks the test to restart one of them."""
    made = {f"api-{i}": backend(f"api-{i}") for i in range(1, 4)}
    for one in made.values():
        one.version = 1
    deployer = backend("deployer")
    daemon = sluice(config_of({"api": service({"blue": [{"name": name, "address": one.address} for name, one in made.items()]},
                                              health_check=HEALTH, retries={"attempts": 1, "rescue": "none"})}))
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "10s", check=0)
    renewed = []

    def restart(connection, request):
        instance = made[request.path.rsplit("/", 1)[1]]
        states = {name: daemon.backend(name)["admin"] for name in made}
        renewed.append((instance.name, states, daemon.backend(instance.name)["in_flight"]))
        instance.stop()
        instance.version += 1
        if "/late/" in request.path:  # as a command that returns before what it started listens
            threading.Timer(0.5, instance.start).start()
        elif "/never/" not in request.path:
            instance.start()
        connection.answer(500 if "/fail/" in request.path else 200)

    for word in ("now", "late", "never", "fail"):
        for name in made:
            deployer.on(f"/{word}/{name}", restart)
    return daemon, made, renewed, lambda word: f"curl -sf --max-time 20 http://{deployer.address}/{word}/{{backend}}"


class Traffic:
    def __init__(self, daemon):
        self.statuses, self.going = [], True
        self.threads = [threading.Thread(target=self.ask, args=(daemon.client(),)) for _ in range(3)]
        for thread in self.threads:
            thread.start()

    def ask(self, client):
        with client:
            while self.going:
                self.statuses.append(client.request(target="/delay/3").status)

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join()
        return self.statuses


@pytest.mark.parametrize("how", ["now", "late"])
def test_each_is_drained_renewed_and_taken_back_and_no_request_fails(fleet, how):
    daemon, made, renewed, renew = fleet
    traffic = Traffic(daemon)
    done = daemon.ctl("rolling", "api/blue", "--run", renew(how), "--verify", "curl -sf http://{address}/", check=0)
    statuses = traffic.end()
    assert set(statuses) == {200} and len(statuses) > 100
    assert [name for name, _, _ in renewed] == ["api-1", "api-2", "api-3"]
    for name, states, in_flight in renewed:
        assert states.pop(name) == "drained" and in_flight == 0, "the command runs when nothing is in flight (D2)"
        assert set(states.values()) == {"ready"}
    assert all(one.version == 2 and daemon.backend(name)["admin"] == "ready" for name, one in made.items())
    assert "3 backends renewed" in done.out and "api/blue/api-1: drained" in done.out
    verbs = [entry["verb"] for entry in daemon.do("history", "api")["history"]]
    assert verbs[:6] == ["ready", "drain"] * 3


def test_a_command_that_fails_stops_it_with_the_floor_intact(fleet):
    daemon, made, renewed, renew = fleet
    traffic = Traffic(daemon)
    stopped = daemon.ctl("rolling", "api/blue", "--run", renew("fail"))
    statuses = traffic.end()
    assert stopped.code == 6 and "api/blue/api-1" in stopped.err and "exit 22" in stopped.err, stopped
    assert "sluicectl ready api/blue/api-1" in stopped.err, "what to do when it is mended"
    assert len(renewed) == 1 and made["api-2"].version == 1
    assert [daemon.backend(name)["admin"] for name in made] == ["drained", "ready", "ready"]
    assert set(statuses) == {200}


def test_one_that_does_not_come_back_stops_it(fleet):
    daemon, made, renewed, renew = fleet
    stopped = daemon.ctl("rolling", "api/blue", "--run", renew("never"), "--wait-healthy", "500ms")
    assert stopped.code == 7 and "api/blue/api-1" in stopped.err, stopped
    assert daemon.backend("api-1")["admin"] == "drained" and len(renewed) == 1


def test_a_verification_that_fails_takes_it_out_again(fleet):
    daemon, made, renewed, renew = fleet
    stopped = daemon.ctl("rolling", "api/blue", "--run", renew("now"), "--verify", "curl -sf http://{address}/status/500")
    assert stopped.code == 6 and "verification" in stopped.err, stopped
    assert daemon.backend("api-1")["admin"] == "drained" and len(renewed) == 1


def test_the_capacity_floor_is_kept_before_anything_is_drained(fleet):
    daemon, made, renewed, renew = fleet
    refused = daemon.ctl("rolling", "api/blue", "--run", renew("now"), "--batch", "3")
    assert refused.code == 9 and "--batch" in refused.err, refused
    assert not renewed and all(daemon.backend(name)["admin"] == "ready" for name in made)
    daemon.ctl("rolling", "api/blue", "--run", renew("now"), "--batch", "2", check=0)
    assert [(name, sum(state == "drained" for state in states.values())) for name, states, _ in renewed] == [
        ("api-1", 2), ("api-2", 2), ("api-3", 1)]


def test_mistakes_are_named(fleet):
    daemon, _, _, renew = fleet
    assert daemon.ctl("rolling", "api/blue").code == 2
    assert daemon.ctl("rolling", "api/grey", "--run", "true").code == 4
    assert daemon.ctl("rolling", "ap/blue", "--run", "true").code == 4
    assert daemon.ctl("rolling", "api/blue", "--run", "true", "--batch", "0").code == 2
