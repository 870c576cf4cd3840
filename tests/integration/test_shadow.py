"""A step of 0 % with a mirror: the new pool is judged on copies of safe requests before any user gets it."""
import threading

import pytest
from sluice import config_of, service
from waiting import stays_true, wait_until


@pytest.fixture
def shadowed(sluice, backend):
    """start(handler) -> (daemon, blue, green)"""

    def start(handler=None, plans=None, **options):
        blue, green = backend("blue"), backend("green", handler)
        return sluice(config_of({"api": service({"blue": [blue], "green": [green]}, **options)}, plans=plans or {})), blue, green

    return start


def rollout(daemon):
    return daemon.api("GET", "/v1/services/api/rollout").json


def start(daemon, steps="0%+mirror:100%,100%:1m", *more):
    return daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", steps, "--min-requests", "30", "--max-error-rate", "20%", *more, check=0)


def until(daemon, *states):
    """While requests come."""
    def there():
        for _ in range(10):
            assert daemon.fetch().status == 200, "no user sees what the new pool does"
        now = rollout(daemon)
        return now if now["state"] in states else None
    return wait_until(there, 30, lambda: f"{states}: {rollout(daemon)}")


def test_copies_are_judged_and_then_the_first_users_come(shadowed):
    daemon, blue, green = shadowed()
    done = start(daemon, "0%+mirror:100%:300ms,100%:1m")
    assert "(0%, mirror 100%)" in daemon.ctl("rollout", "status", "api", check=0).out, done
    assert daemon.shares() == {"blue": 100, "green": 0}
    until(daemon, "watching")
    assert daemon.shares() == {"blue": 0, "green": 100}
    log = [line["text"] for line in rollout(daemon)["log"]]
    assert "step 1 of 2 (0%, mirror 100%)" in log[1] and "error_rate max 20 %" in log[2], log
    copies = [r for r in green.requests if r.get("X-Sluice-Mirror") == "1"]
    assert len(copies) >= 30
    assert daemon.service()["mirror"] is None, "over with its step"


@pytest.mark.parametrize("how", ["all", "half", "hang up"])
def test_a_pool_that_fails_the_copies_never_gets_a_user(shadowed, how):
    def handler(connection, request):
        if how == "hang up":
            return connection.reset()
        connection.answer(500 if how == "all" or len(connection.backend.requests) % 2 else 200, "x")
    daemon, blue, green = shadowed(handler)
    start(daemon, "0%+mirror:100%:1m,100%:1m")
    ended = until(daemon, "rolled_back")
    assert daemon.shares() == {"blue": 100, "green": 0}
    assert "fast fail" in ended["why"] or "error_rate" in ended["why"], ended["why"]
    assert all(r.get("X-Sluice-Mirror") == "1" for r in green.requests)
    pool = daemon.pool("green")
    assert pool["requests"] == 0 and pool["errors"] == 0, "G4: copies are in no number of the pool"
    assert daemon.service()["mirror"] is None


def test_latency_of_copies_is_judged(shadowed):
    slow = threading.Event()
    daemon, _, _ = shadowed(lambda c, r: (slow.wait(0.15), c.answer(200, "x")))
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "0%+mirror:100%:1m,100%", "--max-p95", "50ms", check=0)
    assert "p95" in until(daemon, "rolled_back")["why"]


def test_only_safe_requests_are_copied_and_the_operators_mirror_comes_back(shadowed):
    daemon, blue, green = shadowed()
    daemon.ctl("mirror", "api", "--to", "green", "--share", "30%", check=0)
    start(daemon, "0%+mirror:100%:1m,50%:1m")
    mirror = daemon.service()["mirror"]
    assert (mirror["to"], mirror["share"], mirror["safe_only"], mirror["of_rollout"]) == ("green", "100%", True, True)
    for _ in range(20):
        daemon.fetch("/change", "POST", body=b"x")
        daemon.fetch("/read")
    wait_until(lambda: sum(r.target == "/read" for r in green.requests) == 20, what="the copies")
    assert {r.target for r in green.requests} == {"/read"}
    said = daemon.ctl("mirror", "api", "--to", "green", "--share", "10%", check=0)
    assert "when that step is over" in said.out + said.err
    assert daemon.service()["mirror"]["share"] == "100%"
    daemon.ctl("rollout", "abort", "api", check=0)
    mirror = daemon.service()["mirror"]
    assert (mirror["share"], mirror["safe_only"], "of_rollout" in mirror) == ("10%", False, False)


def test_no_evidence_no_step(shadowed):
    daemon, _, _ = shadowed()
    start(daemon)
    wait_until(lambda: "0 of the 30 mirrored requests" in rollout(daemon)["waits_for"], what="the reason")
    stays_true(lambda: rollout(daemon)["step"] == 1, 0.5, "the step")


def test_copies_are_no_evidence_of_the_next_step(shadowed):
    daemon, _, green = shadowed()
    start(daemon, "0%+mirror:100%:1m,10%:1m")
    for _ in range(50):
        daemon.fetch()
    wait_until(lambda: rollout(daemon)["requests"]["canary"] == 50, what="the copies to be counted")
    daemon.ctl("rollout", "promote", "api", check=0)
    wait_until(lambda: "holding" in rollout(daemon)["waits_for"], what="the next step")
    assert rollout(daemon)["requests"]["canary"] == 0


def test_after_kill_9_the_step_begins_anew(shadowed):
    daemon, _, _ = shadowed()
    start(daemon, "0%+mirror:100%,100%:1m")
    for _ in range(20):
        daemon.fetch()
    daemon.kill()
    daemon.start()
    assert daemon.service()["mirror"]["of_rollout"] and rollout(daemon)["step"] == 1
    until(daemon, "watching")


def test_a_slow_shadow_slows_no_user(sluice, backend, recorder, loader):
    """M1, under load: the new pool answers nothing in time, users do not notice."""
    release = threading.Event()
    green = backend("green", lambda c, r: (release.wait(20), c.answer(200, "")))
    daemon = sluice(config_of({"api": service({"blue": [recorder("blue")], "green": [green]}, timeouts={"response": "500ms"})}))
    start(daemon, "0%+mirror:100%:1m,100%:1m")
    load = loader(daemon, connections=8)
    wait_until(lambda: rollout(daemon)["state"] == "rolled_back", 30, "what never answers to be judged")
    told = load.finish()
    release.set()
    assert told["failed"] == 0 and daemon.shares() == {"blue": 100, "green": 0}


def test_a_pool_that_cannot_serve_is_refused(shadowed):
    daemon, _, _ = shadowed()
    daemon.ctl("maint", "api/green", check=0)
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "0%+mirror:10%,100%", check=9)
    assert "no eligible backend" in done.err


def test_a_step_of_nothing_may_wait_for_a_person(shadowed):
    daemon, _, _ = shadowed(plans={"p": {"steps": [{"share": "0%", "approve": True}, {"share": "10%", "hold": "1m"}], "gates": [{"metric": "error_rate", "max": "5%"}]}})
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    waits = wait_until(lambda: "approval" in rollout(daemon)["waits_for"] and rollout(daemon)["waits_for"], what="waiting for approval")
    daemon.ctl(*waits.split("sluicectl ")[1].split(), check=0)
    assert daemon.shares() == {"blue": 90, "green": 10}


@pytest.mark.parametrize("steps, why", [
    ("0%,100%", "does nothing"), ("5%,0%+mirror:5%", "may only stand before the first share"), ("5%+mirror:5%,100%", "'mirror' is for a step of 0 %"),
    ("0%+mirror:0%,5%", "is none"), ("0%+mirro:5%,5%", "0%+mirror:10%"), ("0%+mirror:x,5%", "x"), ("0%+mirror:5%:y,5%", "y"),
])
def test_steps_that_mean_nothing_are_refused(shadowed, steps, why):
    daemon, _, _ = shadowed()
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", steps, check=2)
    assert why in done.err, done
