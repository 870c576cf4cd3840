"""A gate before the first user: `cutover --verify`, `--exec-before`, and what a plan's `verify` runs (exec as well as requests)."""
import json
import threading

import pytest
from sluice import config_of, service
from waiting import wait_until


@pytest.fixture
def pair(sluice, backend):
    """start(names, **options) -> (daemon, made): services of a blue and a green backend each; green answers /health."""

    def start(names=("api",), top=None, **options):
        made = {f"{s}-{p}": backend(f"{s}-{p}") for s in names for p in ("blue", "green")}
        for name in names:
            made[f"{name}-green"].on("/health", lambda c, r: c.answer(204, ""))
        daemon = sluice(config_of({s: service({p: [made[f"{s}-{p}"]] for p in ("blue", "green")}, **options) for s in names}, **(top or {})))
        return daemon, made

    return start


def targets(backend):
    return [request.target for request in backend.requests]


def unmoved(daemon, *services):
    for name in services or ("api",):
        assert daemon.shares(name) == {"blue": 100, "green": 0}


def test_checks_that_pass_come_before_the_cutover(pair, folder):
    daemon, made = pair()
    seen = folder / "seen"
    script = f'echo "$SLUICE_SERVICE|$SLUICE_POOL|$SLUICE_BACKENDS|$SLUICE_ADDRESSES|$SLUICE_STEP|$SLUICE_SHARE" >> {seen}'
    done = daemon.ctl("cutover", "api=green", "--verify", "/health=204", "--verify", "/x?a=b", "--exec-before", script, check=0)
    green = made["api-green"]
    assert seen.read_text() == f"api|green|{green.address}|{green.address}|0|0%\n", "run once"
    assert targets(green) == ["/health", "/x?a=b"], "nothing but the checks"
    assert daemon.shares() == {"blue": 0, "green": 100}
    assert "verified" in done.out + done.err and "2 requests" in done.out + done.err


@pytest.mark.parametrize("flags, why", [
    (["--exec-before", "echo no table users; exit 3"], "exit 3: no table users"),
    (["--exec-before", "sleep 100", "--exec-timeout", "300ms"], "no end within 300ms"),
    (["--exec-before", "/nonexistent/check.sh"], "exit 127"),
    (["--verify", "/status/503"], "status 503, expected 200-399"),
    (["--verify", "/health=200"], "status 204, expected 200"),
    (["--verify", "/health=300-399"], "status 204, expected 300-399"),
    (["--verify", "/health", "--exec-before", "false"], "exec false: exit 1"),
])
@pytest.mark.parametrize("more", [[], ["--force"], ["--watch-for", "1m", "--max-error-rate", "5%"], ["--confirm-within", "1m"]],
                         ids=["plain", "force", "watched", "to be confirmed"])
def test_a_check_that_fails_leaves_the_share_at_0(pair, flags, why, more):
    daemon, made = pair()
    generation = daemon.generation
    done = daemon.ctl("cutover", "api=green", *flags, *more, check=6)
    assert why in done.err and "nothing was changed" in done.err, done
    unmoved(daemon)
    assert daemon.generation == generation and daemon.service()["rollout"] is None
    assert daemon.pool("green")["requests"] == 0
    assert set(targets(made["api-green"])) <= {"/health", "/status/503"}, "the new pool has seen nothing but the checks"
    audit = [json.loads(line) for line in (daemon.state_dir / "audit.log").read_text().splitlines()]
    assert audit[-1]["verb"] == "cutover" and why in audit[-1]["result"]


def test_every_ready_backend_is_asked(sluice, backend):
    blue, good, bad, out = backend("blue"), backend("good"), backend("bad", lambda c, r: c.answer(500, "")), backend("out")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [good, bad, out]})}))
    daemon.ctl("maint", f"api/green/{out.address}", check=0)
    done = daemon.ctl("cutover", "api=green", "--verify", "/h", check=6)
    assert bad.address in done.err
    unmoved(daemon)
    daemon.ctl("maint", f"api/green/{bad.address}", check=0)
    daemon.ctl("cutover", "api=green", "--verify", "/h", check=0)
    assert out.requests == [], "it gets no requests, so it is not asked"
    daemon.ctl("rollback", "api", check=0)
    daemon.ctl("maint", "api/green", check=0)
    assert "no eligible backend" in daemon.ctl("cutover", "api=green", "--verify", "/h", check=9).err
    assert "no ready backend" in daemon.ctl("cutover", "api=green", "--verify", "/h", "--force", check=6).err, "force skips no check"


def test_several_services_are_checked_and_moved_together(pair, folder):
    daemon, made = pair(("api", "web"))
    made["web-green"].on("/health", lambda c, r: c.answer(500, ""))
    generation = daemon.generation
    done = daemon.ctl("cutover", "api=green", "web=green", "--verify", "/health", check=6)
    assert "web/green" in done.err
    unmoved(daemon, "api", "web")
    assert daemon.generation == generation
    made["web-green"].on("/health", lambda c, r: c.answer(200, ""))
    seen = folder / "seen"
    daemon.ctl("cutover", "api=green", "web=green", "--verify", "/health", "--exec-before", f"echo $SLUICE_SERVICE=$SLUICE_POOL >> {seen}", check=0)
    assert sorted(seen.read_text().split()) == ["api=green", "web=green"]
    assert daemon.shares("api") == daemon.shares("web") == {"blue": 0, "green": 100}
    assert daemon.generation == generation + 1


def test_a_dry_run_says_what_would_be_checked_and_runs_nothing(pair, folder):
    daemon, made = pair()
    touched = folder / "touched"
    done = daemon.ctl("cutover", "api=green", "--verify", "/health=204", "--exec-before", f"touch {touched}", "--dry-run", check=0)
    said = done.out + done.err
    assert "GET /health on each of 1 ready backend of api/green, expected 204" in said and f"touch {touched}" in said, done
    assert not touched.exists() and made["api-green"].requests == []
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--exec-before", f"touch {touched}", "--dry-run", check=0)
    assert f"touch {touched}" in done.out + done.err and not touched.exists()
    unmoved(daemon)


def test_what_is_so_already_is_not_checked(pair):
    daemon, made = pair()
    daemon.ctl("cutover", "api=green", check=0)
    done = daemon.ctl("cutover", "api=green", "--verify", "/status/500", check=0)
    assert "unchanged" in done.out and made["api-green"].requests == []


def test_other_changes_go_on_while_checks_run_and_what_they_moved_is_not_overwritten(pair):
    daemon, made = pair(("api", "web"))
    arrived, go_on = threading.Event(), threading.Event()

    def slow(connection, request):
        arrived.set()
        go_on.wait(20)
        connection.answer(200, "")
    made["api-green"].on("/slow", slow)
    for moves in (True, False):
        arrived.clear(), go_on.clear()
        ended = []
        runner = threading.Thread(target=lambda: ended.append(daemon.ctl("cutover", "api=green", "--verify", "/slow")))
        runner.start()
        assert arrived.wait(20)
        daemon.ctl("split", "web", "blue=50%" if moves else "blue=40%", "--rest", "green", check=0)  # nothing is held up
        if moves:
            daemon.ctl("split", "api", "blue=90%", "green=10%", check=0)
        go_on.set()
        runner.join(20)
        if moves:
            assert ended[0].code == 5 and "moved while the checks ran" in ended[0].err, ended
            assert daemon.shares() == {"blue": 90, "green": 10}
            daemon.ctl("rollback", "api")
            daemon.ctl("split", "api", "blue=100%", "--rest", "green")
        else:
            assert ended[0].code == 0 and daemon.shares() == {"blue": 0, "green": 100}, ended


def test_the_api_takes_the_same_fields(pair):
    daemon, _ = pair()
    reply = daemon.api("POST", "/v1/cutover", {"services": {"api": "green"}, "verify": ["/health=200"], "exec_before": ["true"], "exec_timeout": "5s"})
    assert reply.status == 409 and reply.json["exit"] == 6 and reply.json["code"] == "gate_failed"
    reply = daemon.api("POST", "/v1/cutover", {"services": {"api": "green"}, "verify": ["/health"], "exec_before": ["true"]})
    assert reply.status == 200 and reply.json["after"]["api"]["green"] == "100%"


@pytest.mark.parametrize("flags", [["--verify", "health"], ["--verify", "/health=20"], ["--verify", "/health=700"], ["--verify", "/health=300-200"],
                                   ["--verify", "=200"], ["--verify", "./smoke.sh"], ["--exec-before", ""], ["--exec-timeout", "5s"]])
@pytest.mark.parametrize("verb", [["cutover", "api=green"], ["rollout", "start", "api", "--to", "green", "--steps", "5%,100%"]])
def test_wrong_checks_are_wrong_usage(pair, verb, flags):
    daemon, _ = pair()
    done = daemon.ctl(*verb, *flags, check=2)
    assert "--version" not in done.err and done.err.strip()
    unmoved(daemon)


def test_verify_suggests_no_version(pair):
    daemon, _ = pair()
    done = daemon.ctl("cutover", "api=green", "--verifyy", "/health", check=2)
    assert "--verify" in done.err and "--version" not in done.err


# -- rollouts

def rollout(daemon, name="api"):
    return daemon.api("GET", f"/v1/services/{name}/rollout").json


def test_a_plan_runs_commands_as_well_as_requests(pair, folder):
    seen = folder / "seen"
    plans = {"p": {"steps": [{"share": "10%", "hold": "1m"}], "verify": [
        {"path": "/health", "expect": "204"},
        {"exec": f'echo "$SLUICE_SERVICE $SLUICE_POOL $SLUICE_ADDRESSES $SLUICE_SHARE" >> {seen}', "timeout": "5s"}]}}
    daemon, made = pair(top={"plans": plans})
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    wait_until(lambda: rollout(daemon)["state"] == "running", what="the first step")
    assert seen.read_text() == f"api green {made['api-green'].address} 0%\n"
    assert daemon.shares() == {"blue": 90, "green": 10}


@pytest.mark.parametrize("check, why", [({"exec": "echo broken; exit 1"}, "exit 1: broken"), ({"exec": "sleep 100", "timeout": "300ms"}, "no end within 300ms")])
def test_a_plans_command_that_fails_leaves_the_share_at_0(pair, check, why):
    daemon, made = pair(top={"plans": {"p": {"steps": [{"share": "10%", "hold": "1m"}], "verify": [{"path": "/health"}, check]}}})
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", "--follow", check=6)
    assert why in done.out
    unmoved(daemon)
    assert targets(made["api-green"]) == ["/health"] and daemon.pool("green")["requests"] == 0


@pytest.mark.parametrize("source", ["steps", "plan", "file"])
def test_rollout_start_takes_the_same_flags_whatever_the_plan(pair, source):
    daemon, _ = pair(top={"plans": {"p": {"steps": [{"share": "10%", "hold": "1m"}]}}})
    plan = daemon.folder / "plan.yaml"
    plan.write_text("steps: [{share: 10%, hold: 1m}]\n")
    which = {"steps": ["--steps", "10%:1m"], "plan": ["--plan", "p"], "file": ["--file", plan]}[source]
    daemon.ctl("rollout", "start", "api", "--to", "green", *which, "--verify", "/health=200", "--follow", check=6)
    assert "expected 200" in rollout(daemon)["why"]
    daemon.ctl("rollout", "start", "api", "--to", "green", *which, "--exec-before", "exit 7", "--follow", check=6)
    assert "exit 7" in rollout(daemon)["why"]
    unmoved(daemon)
    daemon.ctl("rollout", "start", "api", "--to", "green", *which, "--verify", "/health=204", "--exec-before", "true", check=0)
    wait_until(lambda: rollout(daemon)["state"] == "running", what="the first step")


def test_after_a_restart_the_checks_run_again(pair):
    daemon, made = pair()
    hang = threading.Event()
    made["api-green"].on("/slow", lambda c, r: (hang.wait(20), c.answer(200, "")))
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%:1m", "--verify", "/slow", check=0)
    wait_until(lambda: "/slow" in targets(made["api-green"]), what="the check to be under way")
    assert rollout(daemon)["state"] == "verifying"
    daemon.kill()
    hang.set()
    daemon.start()
    wait_until(lambda: rollout(daemon)["state"] == "running", what="the first step")
    assert targets(made["api-green"]).count("/slow") == 2
