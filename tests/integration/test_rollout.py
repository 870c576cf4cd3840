"""Rollouts that judge themselves, with the real daemon and real backends of two versions (G1-G8, S9, C6-C8)."""
import json
import socket
import threading

import pytest
from load import send
from sluice import config_of, service
from waiting import stays_true, wait_until

HEALTH = {"path": "/health", "interval": "100ms", "timeout": "1s", "rise": 1, "fall": 2}
QUICK = ["--min-requests", "20", "--retain", "0"]


def say(connection, request, status=200):
    """As the load client wants it: with the number of its request."""
    connection.answer(status, "x", {"X-Backend": connection.backend.name, "X-Seq": request.get("X-Seq", "")})


def fails(connection, request):
    say(connection, request, 500)


def when(broken):
    """Fails from the moment that the event is set."""
    return lambda connection, request: say(connection, request, 500 if broken.is_set() else 200)


@pytest.fixture
def canary(sluice, backend, recorder):
    """start(handler, **service options) -> (daemon, blue, green): a fast stable pool and a scripted new one."""

    def start(handler=None, top=None, **options):
        blue, green = recorder("blue"), backend("green", handler)
        return sluice(config_of({"api": service({"blue": [blue], "green": [green]}, **options)}, **(top or {}))), blue, green

    return start


def rollout(daemon, name="api"):
    reply = daemon.api("GET", f"/v1/services/{name}/rollout")
    assert reply.status == 200, reply
    return reply.json


def until(daemon, *states, timeout=30, name="api"):
    def there():
        now = rollout(daemon, name)
        return now if now["state"] in states else None
    return wait_until(there, timeout, lambda: f"{states}; it is {json.dumps(rollout(daemon, name), indent=1)}", every=0.01)


def judgements(daemon):
    path = daemon.state_dir / "judgements.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# -- G6

@pytest.mark.parametrize("rescue", ["stable", "none"])
def test_G6_a_canary_that_fails_everything_is_stopped_within_ten_requests(canary, loader, rescue):
    daemon, _, green = canary(fails, retries={"rescue": rescue})
    load = loader(daemon, connections=64)
    wait_until(lambda: daemon.pool("blue")["requests"] > 5000, what="load")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--hold", "1m", "--max-error-rate", "5%", check=0)
    ended = until(daemon, "rolled_back")
    assert "fast fail" in ended["why"], ended
    seen = daemon.pool("blue")["requests"]
    wait_until(lambda: daemon.pool("blue")["requests"] > seen + 5000, what="load goes on")
    told = load.finish()
    print(f"\n  G6: {told['requests']} requests at {told['requests'] / told['seconds']:.0f}/s, {len(green.requests)} of the canary's failed")
    assert 0 < len(green.requests) <= 10, f"{len(green.requests)} requests failed"
    assert daemon.pool("green")["errors"] == len(green.requests), "what rescue hid still counts (G4)"
    assert daemon.shares() == {"blue": 100, "green": 0} and daemon.service()["stable"] == "blue"
    if rescue == "stable":
        assert told["failed"] == 0, told
    else:
        assert 0 < told["failed"] <= 10, told


def test_G6_a_canary_that_breaks_later_is_stopped_as_fast(canary, loader):
    broken = threading.Event()

    def handler(connection, request):
        status = 500 if broken.is_set() else 200
        connection.backend.failed = getattr(connection.backend, "failed", 0) + (status == 500)
        say(connection, request, status)
    daemon, _, green = canary(handler)
    load = loader(daemon, connections=4)  # what is under way when it breaks fails whatever the proxy does: at most these
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--hold", "1m", "--max-error-rate", "5%", check=0)
    wait_until(lambda: len(green.requests) > 200, what="a good start")
    broken.set()
    until(daemon, "rolled_back")
    assert load.finish()["failed"] == 0
    assert green.failed <= 10


# -- the gates

def test_a_healthy_canary_goes_through_all_steps_by_one_command(canary, loader):
    """The four phases of the guide with holds shortened; afterwards everything tells who, what, when, why, with which numbers."""
    daemon, blue, green = canary()
    load = loader(daemon, connections=8)
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "5%,25%,50%,100%", "--hold", "300ms", "--max-error-rate", "10%",
                      "--max-p95", "2s", "--min-requests", "20", "--retain", "1h", "--reason", "release 42", "--follow", check=0)
    load.finish()
    assert "step 1 of 4" in done.out and "done" in done.out, done
    assert daemon.shares() == {"blue": 0, "green": 100} and daemon.service()["stable"] == "green"
    told = rollout(daemon)
    assert told["state"] == "done" and told["active"] is False and told["retained_until"]
    texts = [line["text"] for line in told["log"]]
    for expected in ("started by uid", "step 1 of 4 (5%)", "step 2 of 4 (25%)", "step 3 of 4 (50%)", "step 4 of 4 (100%)", "done"):
        assert any(expected in text for text in texts), (expected, texts)
    assert "error_rate" in texts[-1] and "requests" in texts[-1], "the numbers that it passed with"
    history = daemon.do("history", "api")["history"]
    assert [entry["verb"] for entry in history[:5]] == ["rollout done"] + ["rollout step"] * 3 + ["rollout start"]
    assert history[4]["reason"] == "release 42" and all("error_rate" in entry["reason"] for entry in history[:4])
    audit = [json.loads(line) for line in (daemon.state_dir / "audit.log").read_text().splitlines()]
    assert [line["verb"] for line in audit if line["result"] == "done"][-5:] == ["rollout start"] + ["rollout step"] * 3 + ["rollout done"]
    lines = judgements(daemon)
    assert {line["step"] for line in lines} == {1, 2, 3, 4}, "G8: one JSON line a judgement"
    assert all({"time", "service", "gate", "verdict", "n_canary", "value", "lower", "upper", "limit"} <= line.keys() for line in lines)
    kept = daemon.ctl("remove", f"api/blue/{blue.address}")
    assert kept.code == 9 and "rollout" in kept.err, "the retain window"
    assert daemon.backend(blue.address)["admin"] == "ready"
    daemon.ctl("remove", f"api/blue/{blue.address}", "--force", check=0)


def test_a_slow_canary_is_rolled_back_by_itself(canary, loader):
    """p95 three times stable's, and no error."""
    def slow(connection, request):
        connection.backend.release.wait(0.06)
        say(connection, request)
    daemon, _, green = canary(slow)
    load = loader(daemon, connections=16)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "25%,100%", "--hold", "1m", "--max-p95-increase", "20ms", check=0)
    ended = until(daemon, "rolled_back")
    assert load.finish()["failed"] == 0
    assert "p95" in ended["why"] and daemon.shares() == {"blue": 100, "green": 0}
    assert any(line["verdict"] == "fail" and line["gate"].startswith("p95") for line in judgements(daemon))


def test_an_error_rate_above_the_limit_is_rolled_back(canary, loader):
    """One in five: too good for the fast fail, too bad for the gate."""
    def every_fifth(connection, request):
        bad = len(connection.backend.requests) % 5 == 0
        say(connection, request, 503 if bad else 200)
    daemon, _, _ = canary(every_fifth)
    load = loader(daemon, connections=8)
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "1m", "--max-error-rate", "5%", "--follow", check=6)
    assert load.finish()["failed"] == 0, "rescued"
    assert "rolled_back" in done.out and daemon.shares() == {"blue": 100, "green": 0}


def test_G5_a_single_unlucky_error_goes_through(canary, loader):
    unlucky = threading.Lock()

    def handler(connection, request):
        first = unlucky.acquire(blocking=False)
        say(connection, request, 500 if first else 200)
    daemon, _, _ = canary(handler)
    load = loader(daemon, connections=8)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "200ms", "--max-error-rate", "5%",
               "--max-error-increase", "5%", *QUICK, "--follow", check=0)
    load.finish()
    assert daemon.pool("green")["errors"] == 1 and daemon.shares() == {"blue": 0, "green": 100}


def test_S9_a_canary_without_an_eligible_backend_goes_back(canary):
    daemon, _, green = canary(health_check=HEALTH)
    green.on("/health", lambda c, r: c.answer(200, "ok"))
    daemon.ctl("wait", "healthy", "api/green", "--timeout", "10s", check=0)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,100%", "--hold", "1m", check=0)
    daemon.ctl("maint", f"api/green/{green.address}", "--force", check=0)
    assert "no eligible backend" in until(daemon, "rolled_back")["why"]


def test_C5_a_rollout_to_a_pool_that_cannot_serve_is_refused(canary):
    daemon, _, green = canary()
    daemon.ctl("maint", f"api/green/{green.address}", check=0)
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,100%", check=9)
    assert "no eligible backend" in done.err and daemon.shares() == {"blue": 100, "green": 0}


# -- G3: what holds, and says why

def holds(daemon, why, seconds=1.0):
    wait_until(lambda: why in rollout(daemon)["waits_for"], 10, lambda: f"{why!r}; it says {rollout(daemon)['waits_for']!r}")
    stays_true(lambda: rollout(daemon)["state"] == "running" and rollout(daemon)["step"] == 1, seconds, "the step")


def test_G3_without_traffic_it_holds_and_says_why(canary):
    daemon, _, _ = canary()
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,100%", "--hold", "0", "--max-error-rate", "5%", check=0)
    holds(daemon, "0 of the 50 requests")


def test_G3_a_hanging_hook_holds_and_leaves_no_process(canary, loader):
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    hook = "sleep 1000 & sleep 1000"
    plan = daemon.folder / "plan.yaml"
    plan.write_text(f"steps: [{{share: 50%}}, {{share: 100%}}]\nmin_requests: 20\ngates: [{{exec: '{hook}', timeout: 300ms}}]\n")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, check=0)
    holds(daemon, "no end within 300ms")
    load.finish()
    daemon.ctl("rollout", "abort", "api", check=0)


def test_G3_a_prometheus_that_is_down_holds(canary, loader, port):
    daemon, _, _ = canary(top={"plans": {"p": {"steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 20, "gates": [
        {"prometheus": f"http://127.0.0.1:{port()}", "query": "up", "max": 5}]}}})
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    holds(daemon, "connect: Connection refused")
    load.finish()


@pytest.mark.parametrize("value, says", [("NaN", "NaN"), (None, "empty")])
def test_G3_a_query_that_divides_by_zero_or_finds_nothing_holds(canary, loader, backend, value, says):
    result = [] if value is None else [{"metric": {}, "value": [1700000000, value]}]
    prometheus = backend("prometheus", lambda c, r: c.answer(200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})))
    daemon, _, _ = canary(top={"plans": {"p": {"steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 20, "gates": [
        {"prometheus": f"http://{prometheus.address}/", "query": "a{b=\"c\"} / b", "max": 5}]}}})
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    holds(daemon, says)
    load.finish()
    assert prometheus.requests[0].target == "/api/v1/query?query=a%7Bb%3D%22c%22%7D%20%2F%20b"


def test_G3_a_prometheus_that_does_not_end_holds(canary, loader, backend):
    """64 KiB of an answer are read; what stands in a part of it proves nothing."""
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}, "warnings": ["w" * 200_000]})
    prometheus = backend("prometheus", lambda c, r: c.answer(200, body))
    daemon, _, _ = canary(top={"plans": {"p": {"steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 20, "gates": [
        {"prometheus": f"http://{prometheus.address}", "query": "x", "max": 5}]}}})
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    holds(daemon, "the query got no answer: its answer is longer than 64 KiB")
    load.finish()


@pytest.mark.parametrize("answer, state", [("4.5", "done"), ("5.5", "rolled_back")])
def test_a_prometheus_gate_decides(canary, loader, backend, answer, state):
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, answer]}]}})
    prometheus = backend("prometheus", lambda c, r: c.answer(200, body))
    daemon, _, _ = canary(top={"plans": {"p": {"steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 20, "retain": "0s", "gates": [
        {"prometheus": f"http://{prometheus.address}", "query": "x", "max": 5}]}}})
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    until(daemon, state)
    load.finish()


@pytest.mark.parametrize("hook, state", [('test "$SLUICE_POOL $SLUICE_SERVICE" = "green api"', "done"), ("echo table missing; exit 3", "rolled_back")])
def test_an_exec_hook_decides(canary, loader, hook, state):
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--exec", hook, *QUICK, check=0)
    ended = until(daemon, state)
    load.finish()
    assert state == "done" or "exit 3: table missing" in ended["why"]


def test_an_http_hook_decides(canary, loader, backend):
    hook = backend("hook", lambda c, r: c.answer(409, "migration runs"))
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--http", f"http://{hook.address}/may?x=1", *QUICK, check=0)
    assert "409: migration runs" in until(daemon, "rolled_back")["why"]
    load.finish()


# -- verify

def plan_file(daemon, text):
    path = daemon.folder / "plan.yaml"
    path.write_text(text)
    return path


def test_verify_requests_come_before_the_first_step(canary):
    daemon, _, green = canary()
    green.on("/ready", lambda c, r: c.answer(200, "all good"))
    plan = plan_file(daemon, "steps: [{share: 10%, hold: 1m}]\nverify: [{path: '/ready?deep=1', method: GET, expect: 200, body: good, within: 2s}]\n")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, check=0)
    until(daemon, "running")
    assert green.requests[0].target == "/ready?deep=1" and daemon.shares() == {"blue": 90, "green": 10}


@pytest.mark.parametrize("verify, why", [
    ("{path: /status/500}", "status 500, expected 200-399"), ("{path: /, body: nothing like it}", "its body does not contain"),
    ("{path: /delay/3000, within: 200ms}", "no answer within 200ms"), ("{path: /reset}", "verify GET /reset"),
])
def test_a_failed_verification_shifts_nothing(canary, verify, why):
    daemon, _, green = canary()
    plan = plan_file(daemon, f"steps: [{{share: 10%, hold: 1m}}]\nverify: [{verify}]\n")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, "--follow", check=6)
    assert why in rollout(daemon)["why"]
    assert daemon.shares() == {"blue": 100, "green": 0} and daemon.pool("green")["requests"] == 0


# -- the operator

def test_pause_resume_promote_and_approval(canary, loader):
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,50%,100%", "--hold", "200ms", "--approve", *QUICK, check=0)
    wait_until(lambda: "approval" in rollout(daemon)["waits_for"], what="waiting for approval")
    daemon.ctl("rollout", "promote", "api", check=0)
    assert rollout(daemon)["step"] == 2 and daemon.shares()["green"] == 50
    daemon.ctl("rollout", "pause", "api", check=0)
    assert rollout(daemon)["state"] == "paused"
    assert daemon.ctl("rollout", "pause", "api", check=0).out.count("unchanged") == 1
    daemon.ctl("rollout", "resume", "api", check=0)
    daemon.ctl("rollout", "promote", "api", "--full", check=0)
    assert rollout(daemon)["state"] == "watching" and daemon.shares()["green"] == 100
    daemon.ctl("rollout", "promote", "api", check=0)
    assert rollout(daemon)["state"] == "done"
    load.finish()
    assert daemon.ctl("rollout", "promote", "api").code == 5, "nothing is active"


def test_G2_a_gate_that_fails_rolls_back_a_paused_rollout(canary, loader):
    broken = threading.Event()
    daemon, _, _ = canary(when(broken))
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,100%", "--hold", "1m", check=0)
    daemon.ctl("rollout", "pause", "api", check=0)
    broken.set()
    until(daemon, "rolled_back")
    assert load.finish()["failed"] == 0


def test_G2_the_watch_after_100_percent_rolls_back_and_the_old_pool_rescues(canary, loader):
    broken = threading.Event()
    daemon, _, green = canary(when(broken))
    load = loader(daemon, connections=2)
    daemon.ctl("cutover", "api=green", "--watch-for", "15m", "--max-error-rate", "5%", check=0)
    assert rollout(daemon)["state"] == "watching" and daemon.shares() == {"blue": 0, "green": 100}
    wait_until(lambda: len(green.requests) > 50, what="traffic on green")
    broken.set()
    until(daemon, "rolled_back")
    assert load.finish()["failed"] == 0, "the pool it came from stands by"
    assert daemon.service()["stable"] == "blue" and daemon.shares() == {"blue": 100, "green": 0}


def test_conflicts_and_supersede(canary):
    daemon, _, _ = canary()
    start = ["rollout", "start", "api", "--to", "green", "--steps", "10%,100%", "--hold", "1m"]
    daemon.ctl(*start, check=0)
    for args in (["split", "api", "blue=50%", "green=50%"], ["cutover", "api=green"], start):
        done = daemon.ctl(*args, check=5)
        assert "rollout to green" in done.err, done
    generation = daemon.generation
    daemon.ctl("undo", check=5)
    assert daemon.generation == generation
    first = rollout(daemon)["generation"]
    daemon.ctl(*start[:-3], "20%,100%", "--hold", "1m", "--supersede", check=0)
    assert rollout(daemon)["generation"] > first and daemon.shares() == {"blue": 80, "green": 20}
    done = daemon.ctl("rollback", "api", check=0)
    assert rollout(daemon)["state"] == "aborted" and daemon.shares() == {"blue": 100, "green": 0}, done
    daemon.ctl("split", "api", "blue=50%", "green=50%", check=0)


def test_abort_goes_back_and_says_who(canary):
    daemon, _, _ = canary()
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,100%", "--hold", "1m", check=0)
    reply = daemon.do("rollout", "abort", "api", "--reason", "INC-12")
    assert reply["after"] == {"blue": "100%", "green": "0%"}
    told = rollout(daemon)
    assert told["state"] == "aborted" and "INC-12" in told["why"] and "uid" in told["why"]


@pytest.mark.parametrize("args, code", [
    (["start", "api", "--to", "green"], 2), (["start", "api", "--to", "green", "--plan", "carefull"], 4), (["start", "api", "--steps", "5%"], 2),
    (["start", "api", "--to", "gren", "--steps", "5%"], 4), (["start", "apii", "--to", "green", "--steps", "5%"], 4),
    (["start", "api", "--to", "green", "--steps", "50%,5%"], 2), (["start", "api", "--to", "green", "--steps", "5%", "--plan", "careful"], 2),
    (["start", "api", "--to", "blue", "--steps", "5%"], 9), (["start", "api", "--to", "green", "--file", "/nonexistent"], 2),
    (["status", "api"], 4), (["abort", "api"], 5), (["abort", "nothing"], 4), ([], 2), (["start", "api", "--to", "green", "--steps", "x"], 2),
])
def test_exit_codes_of_mistakes(canary, args, code):
    daemon, _, _ = canary(top={"plans": {"careful": {"steps": [{"share": "5%"}]}}})
    generation = daemon.generation
    done = daemon.ctl("rollout", *args)
    assert done.code == code and done.err.strip() and not done.out.strip(), done
    assert daemon.generation == generation


def test_a_bad_plan_file_is_named_with_line_and_column(canary):
    daemon, _, _ = canary()
    plan = plan_file(daemon, "steps:\n  - {share: 5%, holdd: 1m}\n")
    done = daemon.ctl("rollout", "start", "api", "--to", "green", "--file", plan, check=2)
    assert f"{plan}:2:17" in done.err and "hold" in done.err, done


# -- G7, C6, C8

def test_G7_after_kill_9_it_goes_on_in_the_same_step_with_an_empty_window(canary, loader):
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "10%,50%,100%", "--hold", "1m", "--max-error-rate", "50%", "--min-requests", "20", check=0)
    daemon.ctl("rollout", "promote", "api", check=0)
    wait_until(lambda: rollout(daemon)["requests"]["canary"] > 100, what="evidence")
    load.stop()
    daemon.kill()
    daemon.start()
    assert daemon.shares() == {"blue": 50, "green": 50}, "shares first"
    told = rollout(daemon)
    assert told["state"] == "running" and told["step"] == 2 and told["requests"]["canary"] == 0
    assert "holding" in wait_until(lambda: rollout(daemon)["waits_for"], what="the driver")
    again = loader(daemon, connections=4)
    daemon.ctl("rollout", "promote", "api", check=0)
    daemon.ctl("rollout", "promote", "api", check=0)
    assert rollout(daemon)["state"] == "done"
    again.finish()


def test_G7_a_canary_that_broke_during_the_restart_is_still_rolled_back(canary, loader):
    broken = threading.Event()
    daemon, _, green = canary(when(broken))
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "1m", check=0)
    daemon.kill()
    broken.set()
    daemon.start()
    load = loader(daemon, connections=4)
    until(daemon, "rolled_back")
    load.finish()


def test_C6_two_services_are_watched_and_go_back_together(sluice, backend):
    broken = threading.Event()
    made = {f"{s}-{p}": backend(f"{s}-{p}") for s in ("api", "web") for p in ("blue", "green")}
    made["web-green"].handler = when(broken)
    sticky = {"keys": ["header:X-User"], "salt": "both"}
    daemon = sluice(config_of({s: service({p: [made[f"{s}-{p}"]] for p in ("blue", "green")}, sticky=sticky) for s in ("api", "web")}))
    reply = daemon.do("cutover", "api=green", "web=green", "--watch-for", "15m", "--max-error-rate", "5%")
    assert reply["after"] == {s: {"blue": "0%", "green": "100%"} for s in ("api", "web")}
    for user in range(40):
        sides = {daemon.fetch(host=host, headers=[("X-User", str(user))]).get("X-Backend").split("-")[1] for host in ("test.local", "web.local")}
        assert sides == {"green"}
    generation = daemon.generation
    broken.set()

    def all_back():
        daemon.fetch(host="web.local", headers=[("X-User", "1")])
        return rollout(daemon, "web")["state"] == "rolled_back"
    wait_until(all_back, what="web to go back")
    assert rollout(daemon, "api")["state"] == "rolled_back" and "with service web" in rollout(daemon, "api")["why"]
    assert daemon.generation == generation + 1, "in one generation"
    assert daemon.shares("api") == daemon.shares("web") == {"blue": 100, "green": 0}


def test_C8_what_is_not_confirmed_in_time_is_taken_back(canary):
    daemon, _, _ = canary()
    daemon.ctl("split", "api", "blue=50%", "green=50%", "--confirm-within", "400ms", check=0)
    assert daemon.shares() == {"blue": 50, "green": 50} and daemon.service()["unconfirmed"]["reverts_in_ms"] <= 400
    assert daemon.ctl("split", "api", "blue=40%", "green=60%", check=5).err.count("confirm") >= 1
    wait_until(lambda: daemon.shares() == {"blue": 100, "green": 0}, 5, "the change to be taken back")
    assert "not confirmed" in daemon.do("history", "api")["history"][0]["reason"]
    assert daemon.ctl("confirm", "api").code == 5, "too late"


def test_C8_what_is_confirmed_stays(canary):
    daemon, _, _ = canary()
    daemon.ctl("cutover", "api=green", "--confirm-within", "300ms", check=0)
    daemon.ctl("confirm", "api", check=0)
    stays_true(lambda: daemon.shares() == {"blue": 0, "green": 100}, 0.5, "the cutover")
    daemon.ctl("rollback", "api", check=0)


def test_C8_holds_over_a_restart(canary):
    daemon, _, _ = canary()
    daemon.ctl("cutover", "api=green", "--confirm-within", "700ms", check=0)
    daemon.kill()
    daemon.start()
    wait_until(lambda: daemon.shares() == {"blue": 100, "green": 0}, 5, "the change to be taken back")
    assert daemon.service()["stable"] == "blue"


def test_split_dry_run_says_how_many_users_move(canary):
    daemon, _, _ = canary(sticky={"keys": ["header:X-User"]})
    daemon.ctl("split", "api", "blue=95%", "green=5%", check=0)
    reply = daemon.do("split", "api", "blue=75%", "green=25%", "--dry-run")
    assert reply["users_moved"] == {"api": "20%"}
    assert "20% of the users" in daemon.ctl("split", "api", "blue=75%", "green=25%", "--dry-run", check=0).err
    assert daemon.shares()["green"] == 5


def test_metrics_and_status_show_the_gate_beside_its_limit(canary, loader):
    daemon, _, _ = canary()
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "1m", "--max-error-rate", "5%", check=0)
    wait_until(lambda: rollout(daemon)["gates"] and rollout(daemon)["gates"][0]["verdict"] == "pass", what="a verdict")
    load.finish()
    assert daemon.metric("sluice_rollout_active", service="api") == 1
    assert daemon.metric("sluice_rollout_state", service="api", state="running") == 1
    assert daemon.metric("sluice_gate_threshold", service="api") == 0.05
    assert daemon.metric("sluice_gate_verdict", service="api", verdict="pass") == 1
    assert daemon.metric("sluice_gate_value", service="api") == 0
    assert daemon.service()["rollout"]["to"] == "green"
    assert "step 1 of 2" in daemon.ctl("status", "api", check=0).out
    assert "error_rate" in daemon.ctl("rollout", "status", "api", check=0).out
