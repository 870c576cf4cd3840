"""Retain: the pools that a shift left stay as the way back for a time; its end is told."""
import json

import pytest
from sluice import config_of, service
from waiting import stays_true, wait_until


@pytest.fixture
def versions(sluice, backend, folder):
    """start(**service options) -> daemon: pools v1 (two backends), v2, v3; a retain hook that writes what it was told to a file."""
    def start(**options):
        listed = {name: [{"name": f"{name}-{i}", "address": backend(f"{name}-{i}").address} for i in range(2 if name == "v1" else 1)]
                  for name in ("v1", "v2", "v3")}
        daemon = sluice(config_of({"api": service(listed, **options)}))
        daemon.told = folder / "told"
        return daemon
    return start


def hook(folder):
    return f'echo "$SLUICE_SERVICE $SLUICE_POOL $SLUICE_ENDED" >> {folder}/told'


def told(daemon):
    return daemon.told.read_text().split("\n")[:-1] if daemon.told.exists() else []


def events(daemon, kind):
    lines = daemon.ctl("-o", "json", "events", "api", check=0).out.splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == kind]


@pytest.mark.parametrize("options, flag", [({}, ["--retain", "1h"]), ({"retain": "1h"}, [])])
def test_after_a_plain_cutover_the_old_pool_is_kept(versions, options, flag):
    daemon = versions(**options)
    daemon.ctl("cutover", "api=v2", *flag, check=0)
    assert daemon.service()["retained"]["pools"] == ["v1"] and 3_590_000 < daemon.service()["retained"]["left_ms"] <= 3_600_000
    assert "retained: v1 for another" in daemon.ctl("status", "api", check=0).out
    generation = daemon.generation
    for verb in (["remove", "v1-0"], ["maint", "api/v1/v1-0"], ["maint", "api/v1"], ["drain", "api/v1"]):
        done = daemon.ctl(*verb, check=9)
        assert "way back" in done.err and "--force" in done.err, done
    assert daemon.generation == generation
    daemon.ctl("drain", "api/v1/v1-0", check=0)
    daemon.ctl("drain", "api/v1/v1-1", check=9)
    daemon.kill()
    daemon.start()
    assert daemon.service()["retained"]["pools"] == ["v1"]
    daemon.ctl("maint", "api/v1/v1-0", check=9)
    daemon.ctl("maint", "api/v1/v1-0", "--force", check=0)
    daemon.ctl("rollback", "api", check=0)
    assert daemon.service()["retained"] is None and daemon.shares()["v1"] == 100
    daemon.ctl("remove", "v2-0", check=0)


def test_without_it_nothing_is_kept(versions):
    daemon = versions()
    daemon.ctl("cutover", "api=v2", check=0)
    assert daemon.service()["retained"] is None
    daemon.ctl("maint", "api/v1", check=0)


def test_its_end_is_an_event_a_log_line_and_the_hook(versions, folder):
    daemon = versions(retain_hook=hook(folder))
    daemon.ctl("cutover", "api=v2", "--retain", "300ms", check=0)
    wait_until(lambda: told(daemon) == ["api v1 over"], 10, "the hook")
    assert daemon.service()["retained"] is None
    wait_until(lambda: len(events(daemon, "retain")) == 2, 10, "the events")
    assert "api/v1 is no longer retained: the time is over" in daemon.stderr()
    daemon.ctl("remove", "v1-0", check=0)
    assert daemon.do("undo")["changed"] and daemon.do("undo")["changed"] and daemon.shares()["v1"] == 100, "it is no step of undo"


def test_it_ends_over_a_restart_and_once(versions, folder):
    daemon = versions(retain="500ms", retain_hook=hook(folder))
    daemon.ctl("cutover", "api=v2", check=0)
    daemon.kill()
    daemon.start()
    wait_until(lambda: told(daemon) == ["api v1 over"], 10, "the hook")
    wait_until(lambda: len(events(daemon, "retain")) == 2, 10, "the hook's end")
    daemon.kill()
    daemon.start()
    stays_true(lambda: told(daemon) == ["api v1 over"], 0.3, "once")


def test_another_shift_ends_it_but_what_is_in_use_again_is_not_tidied_up(versions, folder):
    daemon = versions(retain="1h", retain_hook=hook(folder))
    daemon.ctl("cutover", "api=v2", check=0)
    daemon.ctl("cutover", "api=v3", check=0)
    wait_until(lambda: told(daemon) == ["api v1 superseded"], 10, "the hook")
    assert daemon.service()["retained"]["pools"] == ["v2"]
    daemon.ctl("rollback", "api", check=0)
    assert daemon.shares()["v2"] == 100 and daemon.service()["retained"] is None
    daemon.ctl("cutover", "api=v1", check=0)
    assert daemon.service()["retained"]["pools"] == ["v2"]
    stays_true(lambda: told(daemon) == ["api v1 superseded"], 0.2, "v2 is kept, v1 is in use")


def test_a_hook_that_fails_is_a_warning(versions):
    daemon = versions(retain="50ms", retain_hook="echo no such image; exit 3")
    daemon.ctl("cutover", "api=v2", check=0)
    wait_until(lambda: any("exit 3: no such image" in event["text"] for event in events(daemon, "warning")), 10, "the warning")


def test_a_rollouts_plan_keeps_it_as_well(versions, folder):
    daemon = versions(retain_hook=hook(folder))
    daemon.ctl("rollout", "start", "api", "--to", "v2", "--steps", "100%", "--hold", "1h", "--retain", "300ms", check=0)
    daemon.ctl("maint", "api/v1", check=9)
    daemon.ctl("rollout", "promote", "api", check=0)
    wait_until(lambda: told(daemon) == ["api v1 over"], 10, "the hook")


# -- what a shift left can be stopped

def test_wait_drained_of_a_pool_that_was_left(versions):
    daemon = versions()
    daemon.ctl("cutover", "api=v2", check=0)
    daemon.ctl("wait", "drained", "api/v1", "--timeout", "10s", check=0)
    daemon.ctl("wait", "drained", "api/v1/v1-1", "--timeout", "10s", check=0)
    done = daemon.ctl("wait", "drained", "api/v2", "--timeout", "100ms", check=7)
    assert "it has 100% of the requests" in done.err and "sluicectl cutover api=v1" in done.err
    daemon.ctl("rollback", "api", check=0)
    daemon.ctl("wait", "drained", "api/v2", "--timeout", "10s", check=0)
    daemon.ctl("mirror", "api", "--to", "v2", "--share", "10%", check=0)
    assert "can still reach it" in daemon.ctl("wait", "drained", "api/v2", "--timeout", "100ms", check=7).err


def test_wait_drained_waits_for_what_is_in_flight(versions, backend, sluice):
    blue, green = backend("blue"), backend("green")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]})}))
    blue.on("/slow", lambda connection, request: (connection.backend.release.wait(20), connection.answer(200, "late")))
    client = daemon.client()
    client.send_request(target="/slow")
    wait_until(lambda: blue.seen("/slow"), what="a request in flight")
    daemon.ctl("cutover", "api=green", check=0)
    daemon.ctl("wait", "drained", "api/blue", "--timeout", "200ms", check=7)
    blue.release.set()
    assert client.read().status == 200
    daemon.ctl("wait", "drained", "api/blue", "--timeout", "10s", check=0)
    client.close()


# -- what is not there is named first

def test_what_is_not_there_is_named_first(versions):
    daemon = versions()
    for args in (["history", "ap"], ["events", "ap"], ["split", "ap", "v1=1%"], ["split", "ap", "a=1%", "b=2%"]):
        done = daemon.ctl(*args, check=4)
        assert "'ap'" in done.err and "'api'" in done.err, done
    done = daemon.ctl("split", "api", "v9=1%", check=4)
    assert "'v9'" in done.err, done
    assert daemon.ctl("split", "api", "v1=1%", check=2).err.count("1%") == 1
    assert daemon.api("PUT", "/v1/services/ap/split", {"v1": "1%"}).status == 404


@pytest.mark.parametrize("args", [["rollback", "api", "api"], ["cutover", "api=v1", "api=v2"], ["confirm", "api", "api"], ["status", "api", "api"],
                                  ["history", "api", "api"], ["pause", "api", "api"], ["rollout", "status", "api", "api"], ["split", "api", "v1=50%", "v1=50%"],
                                  ["split", "api", "v1=1%", "--rest", "v2", "--rest", "v3"], ["undo", "--to-generation", "1", "--to-generation", "2"],
                                  ["cutover", "api=v1", "--retain", "1h", "--retain", "2h"], ["wait", "drained", "api/v1", "api/v2"]])
def test_what_is_asked_twice_is_said_in_the_verbs_words(versions, args):
    done = versions().ctl(*args)
    assert done.code in (2, 5), done
    for word in ("Option", "argument mismatch", "TakeAll", "ExtrasError", "args", "excess", "Too many", "required"):
        assert word not in done.err, done
