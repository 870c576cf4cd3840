"""Rollback readiness: while there is a way back, everything that tells says whether the old pool could take all requests now."""
import json

import pytest
from sluice import config_of, service
from test_rollout import rollout, say, until
from waiting import stays_true, wait_until

HEALTH = {"path": "/health", "interval": "100ms", "timeout": "1s", "rise": 1, "fall": 2}


@pytest.fixture
def two_pools(sluice, backend):
    """start(**options) -> daemon with three blue backends and one green."""
    def start(plans=None, top=None, **options):
        blue = [backend(f"blue-{i}", say) for i in range(3)]
        daemon = sluice(config_of({"api": service({"blue": blue, "green": [backend("green", say)]}, health_check=HEALTH, **options)},
                                  **({"plans": plans} if plans else {}), **(top or {})))
        daemon.blue = blue
        wait_until(lambda: all(one["health"] == "up" for pool in daemon.service()["pools"].values() for one in pool["backends"].values()),
                   what="probes")
        return daemon
    return start


def way_back(daemon):
    return daemon.service()["rollback"]


def events(daemon):
    lines = daemon.ctl("-o", "json", "events", "api", check=0).out.splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == "rollback"]


def lose(daemon, *which):
    for one in which:
        daemon.blue[one].stop()


def test_there_is_one_only_while_there_is_a_way_back(two_pools):
    daemon = two_pools()
    assert way_back(daemon) is None and "sluice_rollback_ready{" not in daemon.metrics()
    daemon.ctl("cutover", "api=green", "--retain", "1h", check=0)
    now = way_back(daemon)
    assert (now["pool"], now["ready"], now["text"], now["up"], now["backends"]) == ("blue", True, "ready", 3, 3)
    assert 3_590_000 < now["left_ms"] <= 3_600_000
    assert 'sluice_rollback_ready{service="api",pool="blue"} 1' in daemon.metrics()
    assert "way back to blue: ready\n" in daemon.ctl("status", "api", check=0).out
    daemon.ctl("rollback", "api", check=0)
    assert way_back(daemon) is None
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--hold", "1h", check=0)
    assert way_back(daemon)["ready"] and way_back(daemon)["left_ms"] is None
    daemon.ctl("rollout", "abort", "api", check=0)
    assert way_back(daemon) is None


def test_when_the_old_pool_is_gone_everything_that_tells_says_so_and_when_it_is_back(two_pools):
    daemon = two_pools()
    daemon.ctl("cutover", "api=green", "--retain", "1h", check=0)
    lose(daemon, 0, 1, 2)
    wait_until(lambda: not way_back(daemon)["ready"] and way_back(daemon)["up"] == 0, what="the loss")
    text = way_back(daemon)["text"]
    assert text.startswith("not ready: blue has 0 of 3 backends up ("), text
    assert 'sluice_rollback_ready{service="api",pool="blue"} 0' in daemon.metrics()
    assert f"way back to blue: {text}" in daemon.ctl("status", "api", check=0).out
    headline = daemon.service()["headline"]
    assert (headline["word"], headline["tone"], headline["rank"]) == ("no way back", "warn", 4) and "0 of 3" in headline["how"]
    lost = wait_until(lambda: events(daemon), 15, "the event")
    assert len(lost) == 1 and lost[0]["detail"]["ready"] is False and "api cannot go back: not ready: blue has 0 of 3" in lost[0]["text"]
    daemon.ctl("ready", f"api/blue/{daemon.blue[0].address}", check=0)
    for one in daemon.blue:
        one.start()
    wait_until(lambda: way_back(daemon)["ready"], what="the way back")
    told = wait_until(lambda: events(daemon)[1:], 30, "the other event")
    assert "api can go back to blue again: ready" in told[0]["text"]


def test_of_what_is_left_nothing_is_known_that_says_it_bears_it_all(two_pools, loader):
    """Two of three backends gone under load, before there was a minute to measure a peak by."""
    daemon = two_pools()
    daemon.ctl("cutover", "api=green", "--retain", "1h", check=0)
    lose(daemon, 0, 1)
    wait_until(lambda: way_back(daemon)["up"] == 1, what="the loss")
    assert way_back(daemon)["ready"], "hardly anything to bear"
    loader(daemon, connections=2, pace_us=5000)
    lost = wait_until(lambda: not (now := way_back(daemon))["ready"] and now, 30, "load")
    assert lost["peak_ratio"] is None and lost["text"].startswith("not ready: blue has 1 of 3 backends up"), lost


def test_the_gate_holds_the_next_step_and_never_fails(two_pools, loader):
    plans = {"p": {"steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 5, "gates": [{"metric": "rollback_ready"}], "retain": "0s"}}
    daemon = two_pools(plans, retries={"attempts": 3, "on": ["connect", "reset"]})
    for one in daemon.blue[1:]:
        daemon.ctl("maint", f"api/blue/{one.address}", check=0)
    loader(daemon, connections=2, pace_us=5000)
    wait_until(lambda: daemon.pool("blue")["requests_per_second"] > 50, 20, "load")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    held = wait_until(lambda: "rollback_ready: not ready: blue has 1 of 3 backends up" in (now := rollout(daemon))["waits_for"] and now, 20,
                      lambda: f"the gate; {rollout(daemon)['waits_for']}")
    assert [gate["verdict"] for gate in held["gates"]] == ["insufficient"]
    stays_true(lambda: rollout(daemon)["state"] == "running" and rollout(daemon)["step"] == 1, 1)
    assert "Cannot go back: blue has 1 of 3" in daemon.service()["headline"]["how"]
    for one in daemon.blue[1:]:
        daemon.ctl("ready", f"api/blue/{one.address}", check=0)
    until(daemon, "done")


@pytest.mark.parametrize("gate, said", [({"metric": "rollback_ready", "max": "5%"}, "'max' has no meaning for 'rollback_ready'"),
                                        ({"metric": "rollback_redy"}, "rollback_ready")])
def test_a_gate_that_is_written_wrong(two_pools, folder, gate, said):
    daemon = two_pools()
    wrong = {**daemon.config, "plans": {"p": {"steps": [{"share": "100%"}], "gates": [gate]}}}
    path = folder / "wrong.yaml"
    path.write_text(json.dumps(wrong))
    assert said in daemon.ctl("check", str(path), check=2).err
