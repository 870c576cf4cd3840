"""Several services in one rollout: the same step at the same generation, and whatever takes one back takes all back (C6)."""
import json
import threading

import pytest
from sluice import config_of, service
from waiting import stays_true, wait_until

SERVICES = ("backend", "frontend")
PLANS = {"p": {"steps": [{"share": "10%", "hold": "1m"}, {"share": "50%", "hold": "1m"}, {"share": "100%", "hold": "1m"}], "min_requests": 5,
               "gates": [{"metric": "error_rate", "max": "5%"}]}}


@pytest.fixture
def group(sluice, backend):
    """start(plans) -> (daemon, made): backend and frontend, a blue and a green pool each."""

    def start(plans=None, names=SERVICES, **top):
        made = {f"{s}-{p}": backend(f"{s}-{p}") for s in names for p in ("blue", "green")}
        services = {s: service({p: [made[f"{s}-{p}"]] for p in ("blue", "green")}) for s in names}
        return sluice(config_of(services, plans=plans or PLANS, **top)), made

    return start


def rollout(daemon, name):
    return daemon.api("GET", f"/v1/services/{name}/rollout").json


def both(daemon, key):
    return [rollout(daemon, name)[key] for name in SERVICES]


def shares(daemon):
    return [daemon.shares(name)["green"] for name in SERVICES]


def started(daemon, *more):
    return daemon.do("rollout", "start", "backend=green", "frontend=green", *(more or ("--plan", "p")))


def traffic(daemon, n=40):
    for _ in range(n):
        daemon.fetch()
        daemon.fetch(host="frontend.local")


def test_all_begin_in_one_generation(group):
    daemon, _ = group()
    before = daemon.generation
    reply = started(daemon)
    assert reply["after"] == {name: {"blue": "90%", "green": "10%"} for name in SERVICES}
    assert daemon.generation == before + 1 and both(daemon, "generation") == [before + 1] * 2
    assert rollout(daemon, "backend")["group"] == list(SERVICES)
    undo = daemon.ctl(*reply["undo"].split()[1:], check=0)
    assert both(daemon, "state") == ["aborted"] * 2 and shares(daemon) == [0, 0], undo


def test_the_api(group):
    daemon, _ = group()
    reply = daemon.api("POST", "/v1/rollout", {"services": {"backend": "green", "frontend": "green"}, "plan": "p"})
    assert reply.status == 200 and reply.json["after"]["frontend"] == {"blue": "90%", "green": "10%"}, reply
    for path, body in (("/v1/rollout", {"plan": "p"}), ("/v1/rollout", {"services": {"backend": "green"}, "to": "green", "plan": "p"}),
                       ("/v1/services/backend/rollout", {"services": {"backend": "green"}, "plan": "p"}), ("/v1/rollout", {"services": {"backend": "green"}})):
        assert daemon.api("POST", path, body).status == 400, body


@pytest.mark.parametrize("member", SERVICES)
def test_every_verb_on_one_is_on_all(group, member):
    daemon, _ = group()
    started(daemon)
    for verb, expected in ((["pause"], ("paused", [10, 10])), (["resume"], ("running", [10, 10])), (["promote"], ("running", [50, 50])),
                           (["promote", "--full"], ("watching", [100, 100])), (["promote"], ("done", [100, 100]))):
        generation = daemon.generation
        reply = daemon.do("rollout", verb[0], member, *verb[1:])
        assert reply["generation"] == daemon.generation == generation + 1
        assert both(daemon, "state") == [expected[0]] * 2 and shares(daemon) == expected[1], verb
    assert both(daemon, "retained_until") == [rollout(daemon, member)["retained_until"]] * 2 and all(both(daemon, "retained_until"))
    assert reply["undo"] == "sluicectl rollback backend frontend"
    assert "unchanged" not in daemon.ctl(*reply["undo"].split()[1:], check=0).out and shares(daemon) == [0, 0]


@pytest.mark.parametrize("verb", [["rollout", "abort"], ["rollback"]])
@pytest.mark.parametrize("member", SERVICES)
def test_abort_and_rollback_of_one_take_all_back(group, verb, member):
    daemon, _ = group()
    started(daemon)
    generation = daemon.generation
    daemon.ctl(*verb, member, check=0)
    assert daemon.generation == generation + 1 and shares(daemon) == [0, 0]
    assert both(daemon, "state") == ["aborted"] * 2


def test_steps_wait_for_all_and_are_taken_together(group):
    plans = {"p": {"steps": [{"share": "20%"}, {"share": "100%", "hold": "1m"}], "min_requests": 10}}
    daemon, _ = group(plans)
    started(daemon)
    generation = daemon.generation
    wait_until(lambda: daemon.fetch() and rollout(daemon, "backend")["requests"]["canary"] >= 10, what="requests to the first service")
    wait_until(lambda: "service frontend" in rollout(daemon, "backend")["waits_for"], what="it says for whom it waits")
    assert shares(daemon) == [20, 20] and daemon.generation == generation
    wait_until(lambda: daemon.fetch(host="frontend.local") and shares(daemon) == [100, 100], what="the second step")
    assert daemon.generation == generation + 1, "both in one generation"
    entry = daemon.do("history")["history"][0]
    assert sorted(entry["services"]) == sorted(SERVICES) and "backend:" in entry["reason"] and "frontend:" in entry["reason"]


def test_a_gate_of_any_takes_all_back(group):
    daemon, made = group()
    started(daemon)
    generation = daemon.generation
    made["frontend-green"].handler = lambda c, r: c.answer(500, "")

    def back():
        traffic(daemon, 5)
        return both(daemon, "state") == ["rolled_back"] * 2
    wait_until(back, what="both to go back")
    assert daemon.generation == generation + 1 and shares(daemon) == [0, 0]
    assert "with service frontend" in rollout(daemon, "backend")["why"] and "fast fail" in rollout(daemon, "frontend")["why"]
    done = daemon.ctl("rollout", "status", "backend", "--follow", check=6)
    assert "with service frontend" in done.out


def test_checks_of_all_pass_before_any_gets_a_user(group):
    daemon, made = group()
    go_on = threading.Event()
    made["frontend-green"].on("/health", lambda c, r: (go_on.wait(20), c.answer(200, "")))
    started(daemon, "--plan", "p", "--verify", "/health")
    wait_until(lambda: rollout(daemon, "backend")["waits_for"].startswith("service frontend"), what="the first one to wait for the other")
    assert both(daemon, "state") == ["verifying"] * 2 and shares(daemon) == [0, 0]
    go_on.set()
    wait_until(lambda: shares(daemon) == [10, 10], what="the first step")
    daemon.ctl("rollout", "abort", "frontend", check=0)
    made["frontend-green"].on("/health", lambda c, r: c.answer(500, ""))
    started(daemon, "--plan", "p", "--verify", "/health")
    wait_until(lambda: both(daemon, "state") == ["rolled_back"] * 2, what="both to go back")
    assert shares(daemon) == [0, 0] and daemon.pool("green", "backend")["requests"] == 0


def test_after_kill_9_they_go_on_together(group):
    daemon, _ = group()
    started(daemon)
    daemon.ctl("rollout", "promote", "frontend", check=0)
    daemon.kill()
    daemon.start()
    assert shares(daemon) == [50, 50] and both(daemon, "step") == [2, 2]
    daemon.ctl("rollout", "promote", "backend", check=0)
    assert shares(daemon) == [100, 100]
    daemon.ctl("rollout", "abort", "frontend", check=0)
    assert shares(daemon) == [0, 0]


def test_one_that_the_configuration_takes_out_takes_the_others_back(group):
    daemon, made = group()
    started(daemon)
    config = daemon.config
    config["services"]["frontend"]["split"] = {"blue": "70%", "green": "30%"}
    daemon.write_config(config)
    daemon.ctl("reload", check=0)
    wait_until(lambda: rollout(daemon, "backend")["state"] == "rolled_back", what="the other to go back")
    assert "service frontend" in rollout(daemon, "backend")["why"]
    assert daemon.shares("backend") == {"blue": 100, "green": 0} and daemon.shares("frontend") == {"blue": 70, "green": 30}


def test_supersede_ends_the_whole_group(group):
    daemon, _ = group()
    started(daemon)
    daemon.ctl("rollout", "start", "backend", "--to", "green", "--plan", "p", check=5)
    daemon.ctl("rollout", "start", "backend=green", "--plan", "p", "--supersede", check=0)
    assert both(daemon, "state") == ["running", "aborted"] and shares(daemon) == [10, 0]
    stays_true(lambda: rollout(daemon, "backend")["state"] == "running", 0.5, "the new one alone")


def test_status_shows_all(group):
    daemon, _ = group()
    started(daemon)

    def counted():
        traffic(daemon, 10)  # who is in the 10 % is chance
        return rollout(daemon, "backend")["others"]["frontend"]["requests"]["canary"] > 0

    wait_until(counted, what="the other's numbers")
    said = daemon.ctl("rollout", "status", "backend", check=0).out
    assert "in step with it: frontend" in said and said.count("error_rate max 5 %") >= 2, said
    lines = [json.loads(line) for line in (daemon.state_dir / "judgements.log").read_text().splitlines()]
    assert {line["service"] for line in lines} == set(SERVICES), "evidence of each"


@pytest.mark.parametrize("args, code", [
    (["backend=green", "frontend=gren", "--plan", "p"], 4), (["backend=green", "frontendd=green", "--plan", "p"], 4),
    (["backend", "frontend", "--to", "green", "--plan", "p"], 2), (["backend=green", "backend=green", "--plan", "p"], 2),
    (["backend=green", "frontend=green", "--to", "green", "--plan", "p"], 2), (["backend=green", "frontend=blue", "--plan", "p"], 9),
    (["backend=green", "frontend", "--plan", "p"], 2),
])
def test_mistakes_change_nothing(group, args, code):
    daemon, _ = group()
    generation = daemon.generation
    done = daemon.ctl("rollout", "start", *args, check=code)
    assert done.err.strip() and daemon.generation == generation and shares(daemon) == [0, 0]
