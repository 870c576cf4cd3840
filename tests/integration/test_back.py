"""Going back: rollback never goes one version too far (C7), undo and redo walk the history (C9), one slip is no outage (C5)."""
import json
import re

import pytest
from sluice import config_of, service
from waiting import stays_true, wait_until


@pytest.fixture
def versions(sluice, backend):
    """(daemon, backends): service api with pools v1, v2, v3 of one backend each, v1 in force; and web with blue and green."""
    made = {name: backend(name) for name in ("v1", "v2", "v3", "blue", "green")}
    daemon = sluice(config_of({"api": service({name: [{"name": name, "address": made[name].address}] for name in ("v1", "v2", "v3")}),
                               "web": service({name: [{"name": name, "address": made[name].address}] for name in ("blue", "green")})}))
    return daemon, made


def all_to(pool):
    return {name: 100 if name == pool else 0 for name in ("v1", "v2", "v3")}


def start(daemon, *more, to="v3"):
    daemon.ctl("rollout", "start", "api", "--to", to, "--steps", "10%,100%", "--hold", "1m", *more, check=0)


def rollout(daemon):
    return daemon.api("GET", "/v1/services/api/rollout").json


def unchanged(daemon, *by, service_name="api"):
    """rollback says that it is done already, however often it is typed, and names the command that goes further."""
    generation, shares = daemon.generation, daemon.shares(service_name)
    for _ in range(3):
        done = daemon.ctl("rollback", service_name, check=0)
        assert "unchanged: " in done.out, done
        for word in by:
            assert word in done.out, done
        assert re.search(r"at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", done.out), done
        reply = daemon.do("rollback", service_name)
        assert reply["changed"] is False and all(word in reply["why"] for word in by)
        assert daemon.generation == generation and daemon.shares(service_name) == shares
    return reply


def gate_fails(daemon, made):
    made["v3"].handler = lambda connection, request: connection.answer(500, "no")
    start(daemon, "--max-error-rate", "5%")

    def back():
        daemon.fetch()
        return rollout(daemon)["state"] == "rolled_back"
    wait_until(back, 20, "the gate to fail")


def abort(daemon, made):
    start(daemon)
    daemon.ctl("rollout", "abort", "api", check=0)


def expired(daemon, made):
    daemon.ctl("cutover", "api=v3", "--confirm-within", "100ms", check=0)
    wait_until(lambda: "unconfirmed" not in daemon.service(), 10, "the change to be taken back")


def undone(daemon, made):
    daemon.ctl("cutover", "api=v3", check=0)
    daemon.ctl("undo", check=0)


def refused_by_verify(daemon, made):
    made["v3"].on("/ready", lambda connection, request: connection.answer(500, "no"))
    start(daemon, "--verify", "/ready")
    wait_until(lambda: rollout(daemon)["state"] == "rolled_back", 10, "the verification to fail")


TAKEN_BACK = [(gate_fails, "the gate"), (abort, "rollout abort by uid"), (expired, "the missing confirmation"), (undone, "undo by uid"),
              (refused_by_verify, "the verification")]


@pytest.mark.parametrize("how, by", TAKEN_BACK)
def test_C7_what_was_taken_back_already_is_not_rolled_back_again(versions, how, by):
    daemon, made = versions
    daemon.do("cutover", "api=v2")
    how(daemon, made)
    assert daemon.shares() == all_to("v2")
    reply = unchanged(daemon, by, "v3 back to v2")
    daemon.kill()
    daemon.start()
    assert unchanged(daemon, by, "v3 back to v2")["why"] == reply["why"], "it is known after kill -9"
    further = re.search(r"sluicectl (cutover api=v1)", json.dumps(reply))
    daemon.ctl(*further[1].split(), check=0)
    assert daemon.shares() == all_to("v1"), "the command that goes further back on purpose"


def test_C7_another_shift_is_in_force_again(versions):
    daemon, made = versions
    daemon.do("cutover", "api=v2")
    abort(daemon, made)
    daemon.do("split", "api", "v2=90%", "v3=10%", "v1=0%")
    daemon.do("rollback", "api")
    assert daemon.shares() == all_to("v2")
    daemon.do("rollback", "api")
    assert daemon.shares() == all_to("v1"), "the operator's own rollbacks each undo one"


def test_C7_a_no_op_and_other_changes_leave_it_so(versions):
    daemon, made = versions
    daemon.do("cutover", "api=v2")
    abort(daemon, made)
    assert daemon.do("cutover", "api=v2")["changed"] is False
    daemon.do("cutover", "web=green")
    daemon.do("weight", "api/v1/v1", "3")
    unchanged(daemon, "rollout abort")


def test_C7_from_a_split_table_and_of_several_services(versions):
    daemon, made = versions
    daemon.do("cutover", "api=v2", "web=green")
    daemon.do("split", "api", "v2=90%", "v1=10%", "v3=0%")
    abort(daemon, made)
    assert daemon.shares() == {"v1": 10, "v2": 90, "v3": 0}
    unchanged(daemon, "rollout abort", "v3 back to v1=10% v2=90%")
    reply = daemon.do("rollback", "api", "web")
    assert reply["changed"] and daemon.shares("web") == {"blue": 100, "green": 0} and daemon.shares() == {"v1": 10, "v2": 90, "v3": 0}
    assert "rollout abort" in json.dumps(reply["warnings"]), "each by its own history"


def test_C7_rollback_during_a_rollout_is_the_table_before_it(versions):
    daemon, _ = versions
    daemon.do("cutover", "api=v2")
    start(daemon)
    assert daemon.shares() == {"v1": 0, "v2": 90, "v3": 10}
    daemon.do("rollback", "api")
    assert daemon.shares() == all_to("v2") and rollout(daemon)["state"] == "aborted"


def test_C7_rollback_while_it_verifies_aborts_and_shifts_nothing(versions):
    daemon, made = versions
    daemon.do("cutover", "api=v2")
    made["v3"].on("/hangs", lambda connection, request: connection.backend.release.wait(20))
    start(daemon, "--verify", "/hangs")
    assert rollout(daemon)["state"] == "verifying"
    done = daemon.ctl("rollback", "api", check=0)
    assert daemon.shares() == all_to("v2") and rollout(daemon)["state"] == "aborted", done
    assert "undo:" not in done.out, "there is no share to bring back"


def test_C7_a_superseded_rollout_and_an_unconfirmed_change(versions):
    daemon, _ = versions
    daemon.do("cutover", "api=v2")
    start(daemon)
    start(daemon, "--supersede", to="v1")
    daemon.do("rollback", "api")
    assert daemon.shares() == all_to("v2")
    daemon.do("cutover", "api=v3", "--confirm-within", "1m")
    daemon.do("rollback", "api")
    assert daemon.shares() == all_to("v2") and "unconfirmed" not in daemon.service()


# -- undo and redo

def test_C9_undo_steps_back_and_redo_forward(versions):
    daemon, _ = versions
    for share in (10, 20, 30):
        daemon.do("split", "api", f"v2={share}%", "v3=0%", "--rest", "v1")
    seen = []
    for verb in ("undo", "undo", "undo", "redo", "redo", "undo", "redo", "redo"):
        reply = daemon.do(verb)
        assert reply["changed"] and reply["restored"] and reply["undo"] == ("sluicectl redo" if verb == "undo" else "sluicectl undo")
        seen.append(daemon.shares()["v2"])
    assert seen == [20, 10, 0, 10, 20, 10, 20, 30]
    generation = daemon.generation
    assert "unchanged: nothing to redo" in daemon.ctl("redo", check=0).out
    assert daemon.generation == generation
    for _ in range(3):
        daemon.do("undo")
    assert "unchanged: nothing to undo" in daemon.ctl("undo", check=0).out
    daemon.kill()
    daemon.start()
    daemon.do("redo")
    assert daemon.shares()["v2"] == 10, "it holds over a restart"
    daemon.do("weight", "v2", "5")
    assert "unchanged: nothing to redo" in daemon.ctl("redo", check=0).out, "a new change ends what could be redone"
    daemon.do("undo")
    daemon.do("undo")
    assert daemon.shares()["v2"] == 0


def test_C9_undo_takes_back_what_every_verb_changed_and_says_what(versions, backend):
    daemon, _ = versions
    third = backend("third").address
    steps = [(["add", "api/v1", third, "--name", "third"], "backend api/v1/third is out again", "backend api/v1/third is back"),
             (["weight", "third", "7"], "backend api/v1/third weight 7 -> 1", "weight 1 -> 7"),
             (["flag", "set", "new-checkout", "10%", "--service", "api"], "flag new-checkout 10% -> none", "flag new-checkout none -> 10%"),
             (["flag", "set", "new-checkout", "50%", "--service", "api"], "flag new-checkout 50% -> 10%", "flag new-checkout 10% -> 50%"),
             (["mirror", "api", "--to", "v3", "--share", "10%"], "mirror v3 10% -> off", "mirror off -> v3 10%"),
             (["pause", "api"], "paused 30s -> open", "open -> paused 30s"),
             (["stop", "api", "--message", "later"], "stopped 'later' -> paused 30s", "-> stopped 'later'"),
             (["resume", "api"], "open -> stopped 'later'", "stopped 'later' -> open"),
             (["drain", "api/v1/third"], "backend api/v1/third draining -> ready", "ready -> draining"),
             (["maint", "api/v1/third"], "backend api/v1/third maint -> draining", "draining -> maint"),
             (["flag", "rm", "new-checkout"], "flag new-checkout none -> 50%", "flag new-checkout 50% -> none"),
             (["remove", "third"], "backend api/v1/third is back", "backend api/v1/third is out again"),
             (["cutover", "api=v2", "web=green"], "web: blue 0% -> 100%, green 100% -> 0%", "web: blue 100% -> 0%, green 0% -> 100%")]
    for args, _, _ in steps:
        assert daemon.do(*args)["changed"], args
    for args, back, _ in reversed(steps):
        done = daemon.ctl("undo", check=0)
        assert back in done.out and f": {' '.join(args[:2]) if args[0] == 'flag' else args[0]}, by" in done.err, (args, done)
    assert daemon.do("undo")["changed"] is False
    for args, _, forth in steps:
        done = daemon.ctl("redo", check=0)
        assert forth in done.out, (args, done)
    assert daemon.do("redo")["changed"] is False


def test_C9_undo_to_a_generation_restores_all_of_it(versions, backend):
    daemon, _ = versions
    first = daemon.generation
    third = backend("third").address
    for args in (["add", "api/v1", third, "--name", "third"], ["remove", "v3"], ["flag", "set", "f", "10%", "--service", "api"],
                 ["cutover", "api=v2"], ["pause", "web"]):
        daemon.do(*args)
    last, before = daemon.generation, daemon.status()["services"]
    reply = daemon.do("undo", "--to-generation", first)
    assert {"backend api/v3/v3 is back", "backend api/v1/third is out again"} <= set(reply["restored"])
    assert daemon.shares() == all_to("v1") and daemon.service()["flags"] == {} and daemon.service("web")["traffic"]["state"] == "open"
    assert daemon.do("undo", "--to-generation", first)["changed"] is False
    daemon.ctl(*reply["undo"].split()[1:], check=0)
    again = daemon.status()["services"]
    for name in ("api", "web"):
        assert again[name]["flags"] == before[name]["flags"] and again[name]["traffic"]["state"] == before[name]["traffic"]["state"]
        assert {p: (v["share"], sorted(v["backends"])) for p, v in again[name]["pools"].items()} == \
               {p: (v["share"], sorted(v["backends"])) for p, v in before[name]["pools"].items()}
    assert last < daemon.generation
    daemon.do("undo", "--to-generation", first)
    daemon.do("redo")
    assert "third" in daemon.pool("v1")["backends"] and "v3" in daemon.pool("v3")["backends"], "and forward again, one step"


def test_C9_a_verb_of_two_generations_is_one_step(versions, backend):
    daemon, _ = versions
    daemon.do("add", "api/v1", backend("third").address, "--name", "third")
    generation = daemon.generation
    daemon.do("remove", "third")
    assert daemon.generation == generation + 2
    daemon.do("undo")
    assert daemon.backend("third")["admin"] == "ready"
    daemon.ctl("rolling", "api/v1", "--run", "true", check=0)
    assert "third is out again" in daemon.ctl("undo", check=0).out, "rolling left nothing to take back"


def test_C9_a_rollout_is_one_step_and_what_others_changed_meanwhile_stays(versions):
    daemon, _ = versions
    daemon.do("cutover", "api=v2")
    start(daemon)
    daemon.do("weight", "web/blue/blue", "4")
    daemon.ctl("undo", check=0)
    assert daemon.service("web")["pools"]["blue"]["backends"]["blue"]["weight"] == 1
    daemon.do("weight", "web/blue/blue", "5")
    daemon.ctl("rollout", "promote", "api", "--full", check=0)
    done = daemon.ctl("undo", check=5)
    assert "rollout" in done.err, "an active one is aborted first"
    daemon.ctl("rollout", "promote", "api", check=0)
    assert daemon.shares() == all_to("v3")
    done = daemon.ctl("undo", check=0)
    assert daemon.shares() == all_to("v2") and "rollout start" in done.err
    assert daemon.service("web")["pools"]["blue"]["backends"]["blue"]["weight"] == 5
    daemon.do("redo")
    assert daemon.shares() == all_to("v3")


def test_C9_undo_after_a_rollout_that_went_back_goes_no_step_too_far(versions):
    daemon, made = versions
    daemon.do("cutover", "api=v2")
    abort(daemon, made)
    for _ in range(2):
        done = daemon.ctl("undo", check=0)
        assert "unchanged: rollout abort by uid" in done.out and daemon.shares() == all_to("v2"), done
    further = re.search(r"sluicectl (undo --to-generation \d+)", done.err)
    daemon.ctl(*further[1].split(), check=0)
    assert daemon.shares() == all_to("v1")


def test_C9_what_is_gone_from_the_configuration_is_named(versions, backend):
    daemon, made = versions
    daemon.do("add", "api/v1", backend("third").address, "--name", "third")
    daemon.do("remove", "api/v1/v1")
    config = json.loads(daemon.config_file.read_text())
    config["services"]["api"]["pools"]["v1"]["backends"] = [{"name": "other", "address": backend("other").address}]
    daemon.write_config(config)
    daemon.ctl("reload", check=0)
    generation = daemon.generation
    done = daemon.ctl("undo", check=9)
    assert "api/v1/v1" in done.err and "gone from the configuration" in done.err, done
    assert daemon.ctl("undo", "--to-generation", "1", check=9).err.count("api/v1/v1") == 1
    assert daemon.generation == generation and "third" in daemon.pool("v1")["backends"], "nothing half done"
    done = daemon.ctl("undo", "--to-generation", "1", "--force", check=0)
    assert "third" not in daemon.pool("v1")["backends"] and "other" in daemon.pool("v1")["backends"], done


def test_C9_a_reload_that_changed_nothing_of_it_is_no_step(versions):
    daemon, _ = versions
    daemon.do("split", "api", "v1=90%", "v2=10%")
    config = json.loads(daemon.config_file.read_text())
    config["services"]["api"]["slow_start"] = "1s"
    daemon.write_config(config)
    assert daemon.do("reload")["changed"]
    daemon.do("undo")
    assert daemon.shares() == all_to("v1")


# -- one slip is no outage

@pytest.fixture
def pair(sluice, backend):
    made = {name: backend(name) for name in ("b1", "b2", "g1")}
    listed = {"blue": [{"name": n, "address": made[n].address} for n in ("b1", "b2")], "green": [{"name": "g1", "address": made["g1"].address}]}
    return sluice(config_of({"api": service(listed)}))


@pytest.mark.parametrize("verb", [["drain", "api/blue/b2"], ["maint", "api/blue/b2"], ["remove", "api/blue/b2"], ["weight", "api/blue/b2", "0"]])
def test_C5_the_last_backend_of_a_pool_with_a_share_stays(pair, verb):
    first = [verb[0], "api/blue/b1", *verb[2:]]
    pair.ctl(*first, check=0)
    generation = pair.generation
    for args in (verb, [*verb, "--dry-run"]):
        done = pair.ctl(*args, check=9)
        assert "100%" in done.err and "--force" in done.err and "sluicectl cutover api=green" in done.err, done
    assert pair.generation == generation and pair.fetch().status == 200 and pair.backend("b2")["admin"] == "ready"
    pair.ctl("cutover", "api=green", check=0)
    pair.ctl(*verb, check=0)


@pytest.mark.parametrize("verb", [["drain", "api/blue"], ["maint", "api/blue"]])
def test_C5_nor_does_the_whole_pool_go(pair, verb):
    pair.ctl(*verb, check=9)
    pair.ctl("drain", "api/green", check=0)
    pair.ctl("ready", "api/green", check=0)
    forced = pair.ctl(*verb, "--force", check=0)
    assert "no eligible backend" in forced.err and pair.fetch().status == 503
    pair.ctl("ready", "api/blue", check=0)
    assert pair.fetch().status == 200


def test_C5_an_undo_that_would_take_the_last_one_is_refused_as_well(pair):
    pair.ctl("drain", "api/blue/b1", check=0)
    pair.ctl("ready", "api/blue/b1", check=0)
    pair.ctl("drain", "api/blue/b2", check=0)
    pair.ctl("undo", "--to-generation", pair.generation - 2, check=0)
    pair.ctl("undo", check=0)


def test_C5_rolling_leaves_the_only_one(pair):
    done = pair.ctl("rolling", "api/blue", "--run", "true", "--batch", "2", check=9)
    assert "--force" in done.err and {b["admin"] for b in pair.pool("blue")["backends"].values()} == {"ready"}
    pair.ctl("rolling", "api/blue", "--run", "true", "--batch", "2", "--force", check=0)


def test_C5_the_old_call_is_refused_as_well(sluice, backend, port):
    compat = f"127.0.0.1:{port()}"
    only = backend("only")
    daemon = sluice(config_of({"api": service({"blue": [{"name": "only", "address": only.address}]})},
                              admin={"compat": {"bind": compat, "service": "api"}}))
    from client import fetch
    reply = fetch(compat, "POST", "/remove_backend", (), "backend=only")
    assert reply.status == 409 and "no eligible backend" in json.loads(reply.body)["detail"]
    assert daemon.fetch().status == 200 and daemon.backend("only")["admin"] == "ready"
