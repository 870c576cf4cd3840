"""G9: external gates judge the step, not what was before it."""
import json
import re
import threading
import time
import urllib.parse

import pytest
from backend import free_port
from client import fetch
from sluice import config_of, service
from waiting import stays_true, wait_until


class FakePrometheus:
    """Answers what it is told to, and keeps when it was asked what."""

    def __init__(self, backend):
        self.value, self.asked = "0", []
        self.server = backend("prometheus", self.answer)
        self.url = f"http://{self.server.address}"

    def answer(self, connection, request):
        query = urllib.parse.parse_qs(request.target.partition("?")[2])["query"][0]
        self.asked.append((time.monotonic(), query))
        result = [] if self.value is None else [{"metric": {}, "value": [1700000000, self.value]}]
        connection.answer(200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}))


@pytest.fixture
def judged(sluice, backend):
    """start(gate, steps) -> (daemon, prometheus): a plan `p` with this gate."""

    def start(gate, steps=None):
        prometheus = FakePrometheus(backend)
        blue, green = backend("blue"), backend("green")
        plan = {"steps": steps or [{"share": "50%"}, {"share": "100%", "hold": "1m"}], "min_requests": 0, "gates": [{"prometheus": prometheus.url, "max": 5, **gate}]}
        return sluice(config_of({"api": service({"blue": [blue], "green": [green]})}, plans={"p": plan})), prometheus

    return start


def rollout(daemon):
    return daemon.api("GET", "/v1/services/api/rollout").json


def begin(daemon):
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    return time.monotonic()


def gate_of(daemon):
    gates = rollout(daemon)["gates"]
    return gates[0] if gates else None


def test_range_is_the_age_of_the_step(judged):
    daemon, prometheus = judged({"query": "sum(rate(errors[{range}])) / sum(rate(all[{range}]))", "min_age": "2s"}, [{"share": "50%", "hold": "6s"}, {"share": "100%", "hold": "1m"}])
    began = begin(daemon)
    gate = wait_until(lambda: (gate_of(daemon) or {}).get("why") and gate_of(daemon), what="a sentence")
    assert gate["verdict"] == "insufficient" and re.search(r"no answer counts before \d{4}-\d\d-\d\dT\S+Z, when the step is 2s old", gate["why"]), gate
    wait_until(lambda: rollout(daemon)["step"] == 2, 20, "the second step")
    second = time.monotonic()
    wait_until(lambda: any(at > second for at, _ in prometheus.asked), 20, "a question in the second step")
    ages = [(at - began, int(re.fullmatch(r"sum\(rate\(errors\[(\d+)s\]\)\) / sum\(rate\(all\[(\d+)s\]\)\)", query)[1])) for at, query in prometheus.asked]
    first = [(age, asked) for age, asked in ages if age < second - began]
    assert first[0][1] == 2 and first[0][0] >= 2, "not asked before"
    assert all(asked <= age for age, asked in first), ages
    assert max(asked for _, asked in first) >= 4
    assert ages[-1][1] < ages[-1][0] - 5, "in the second step it is that step's age"


@pytest.mark.parametrize("value, state", [("15", "rolled_back"), ("1", "running")])
def test_a_literal_range_counts_when_it_lies_in_the_step(judged, value, state):
    daemon, prometheus = judged({"query": "sum(rate(errors[3s] offset 1s))", "min_age": "0s"}, [{"share": "50%"}, {"share": "100%", "hold": "1m"}])
    prometheus.value = value
    began = begin(daemon)
    gate = wait_until(lambda: prometheus.asked and "the query looks back 4s" in (gate_of(daemon) or {}).get("why", "") and gate_of(daemon), what="the first answer")
    assert gate["verdict"] == "insufficient" and f"the query's answer is {value}" in gate["why"] and "no answer counts before" in gate["why"]
    if state == "rolled_back":
        wait_until(lambda: rollout(daemon)["state"] == state, 20, "the way back")
    else:
        wait_until(lambda: rollout(daemon)["step"] == 2, 20, "the next step")
    assert time.monotonic() - began >= 4
    assert prometheus.asked[0][0] - began < 2, "it is asked all the same"


def test_the_errors_of_an_earlier_rollout_do_not_judge_the_next(judged):
    daemon, prometheus = judged({"query": "rate(errors[3s])", "min_age": "0s"}, [{"share": "50%", "hold": "1m"}])
    prometheus.value = "90"
    begin(daemon)
    wait_until(lambda: rollout(daemon)["state"] == "rolled_back", 20, "the way back")
    asked = len(prometheus.asked)
    begin(daemon)
    wait_until(lambda: len(prometheus.asked) > asked, what="a question of the next rollout")
    stays_true(lambda: rollout(daemon)["state"] == "running", 1, "the old errors count for nothing")
    prometheus.value = "0"  # what the range holds, when it lies in the step
    wait_until(lambda: gate_of(daemon)["verdict"] == "pass", 20, "the verdict of its own step")


def test_a_step_that_goes_on_after_a_pause_begins_anew(judged):
    daemon, prometheus = judged({"query": "a[{range}]", "min_age": "1s"}, [{"share": "50%", "hold": "1m"}])
    begin(daemon)
    wait_until(lambda: prometheus.asked and prometheus.asked[-1][1] not in ("a[1s]", "a[2s]"), 40, "an older step")
    daemon.ctl("rollout", "pause", "api", check=0)
    asked = len(prometheus.asked)
    daemon.ctl("rollout", "resume", "api", check=0)
    wait_until(lambda: len(prometheus.asked) > asked, 20, "a question")
    assert prometheus.asked[asked][1] in ("a[1s]", "a[2s]")


def test_a_fixed_time_is_of_no_step(judged):
    daemon, prometheus = judged({"query": "errors @ 1700000000", "min_age": "0s"})
    prometheus.value = "0"
    begin(daemon)
    wait_until(lambda: "fixed time" in rollout(daemon)["waits_for"], what="the reason")
    stays_true(lambda: rollout(daemon)["step"] == 1, 0.5, "the step")


def test_a_hooks_answer_to_a_question_of_an_earlier_step_counts_for_nothing(sluice, backend):
    blue, green = backend("blue"), backend("green")
    release = threading.Event()
    asked = []

    def hook(connection, request):
        asked.append(request)
        if len(asked) == 1:
            release.wait(30)
            connection.answer(500, "no")
        else:
            connection.answer(200, "yes")
    hooks = backend("hook", hook)
    plan = {"steps": [{"share": "10%", "hold": "1m"}, {"share": "100%", "hold": "1m"}], "min_requests": 0, "gates": [{"http": f"http://{hooks.address}/may", "name": "release desk"}]}
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]})}, plans={"p": plan}))
    begin(daemon)
    wait_until(lambda: asked, what="the first question")
    daemon.ctl("rollout", "promote", "api", check=0)
    wait_until(lambda: gate_of(daemon)["verdict"] == "pass", 20, "the second step's own answer")
    release.set()
    stays_true(lambda: rollout(daemon)["state"] == "watching", 0.5, "the late refusal of the first step's question")
    assert gate_of(daemon)["gate"] == "release desk"


# -- how it is shown

def test_queries_are_named_and_warn_limits_shown(sluice, backend):
    prometheus = FakePrometheus(backend)
    prometheus.value = "4"
    blue, green = backend("blue"), backend("green")
    gates = [{"metric": "error_rate", "max": "5%", "warn": "1%"}, {"prometheus": prometheus.url, "query": "sum(a_very_long_query)", "max": 5, "warn": 3, "min_age": "0s"},
             {"prometheus": prometheus.url, "query": "other", "max": 9, "min_age": "0s"}, {"prometheus": prometheus.url, "name": "checkout errors", "query": "third", "max": 9, "min_age": "0s"}]
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]})}, plans={"p": {"steps": [{"share": "50%"}], "min_requests": 0, "gates": gates}}))
    begin(daemon)
    wait_until(lambda: [g["verdict"] for g in rollout(daemon)["gates"][1:]] == ["pass"] * 3, what="the answers")
    names = [gate["gate"] for gate in rollout(daemon)["gates"]]
    assert names == ["error_rate max 5 %", "query 1 max 5", "query 2 max 9", "checkout errors max 9"]
    said = daemon.ctl("rollout", "status", "api", check=0).out
    assert "5% (warn 1%)" in said and "5 (warn 3)" in said and "a_very_long_query" not in said, said
    follower = threading.Timer(1, lambda: daemon.ctl("rollout", "abort", "api"))
    follower.start()
    lines = daemon.ctl("rollout", "status", "api", "--follow", check=6).out
    follower.join()
    assert "error_rate max 5 %, warn 1%:" in lines and "query 1 max 5, warn 3: 4" in lines and "pass (warn)" in lines and "a_very_long_query" not in lines, lines
    assert "checkout errors max 9: 4" in lines


@pytest.mark.parametrize("flags, notes, not_said", [
    (["--steps", "5%,100%"], ["no gate", "without hold: step 1 (5%), 2 (100%)"], ["ends at"]),
    (["--steps", "5%:1m,50%:1m", "--max-error-rate", "5%"], ["the plan ends at 50%"], ["no gate", "without hold"]),
    (["--steps", "5%:1m,100%", "--exec", "true"], ["without hold: step 2 (100%)"], ["no gate", "ends at"]),
    (["--steps", "5%,100%", "--hold", "1m", "--max-p95", "1s"], [], ["no gate", "ends at", "without hold"]),
    (["--steps", "5%,100%", "--approve", "--max-p95", "1s"], [], ["no gate", "ends at", "without hold"]),
])
@pytest.mark.parametrize("dry", [True, False])
def test_a_start_says_what_may_not_be_meant(sluice, backend, flags, notes, not_said, dry):
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}))
    done = daemon.ctl("rollout", "start", "api", "--to", "green", *flags, *(["--dry-run"] if dry else []), check=0)
    said = done.out + done.err
    assert all(note in said for note in notes) and not any(note in said for note in not_said), said
    daemon.ctl("rollout", "abort", "api")
    reply = daemon.do("rollout", "start", "api", "--to", "green", *flags, *(["--dry-run"] if dry else []))
    assert len([note for note in reply.get("notes", []) if "sticky" not in note]) == len(notes), reply


# -- a real Prometheus

class Exporter:
    """An application's counters: so many errors in a hundred requests, as of now."""

    def __init__(self, backend):
        self.percent, self.requests, self.errors = 0, 0, 0
        self.server = backend("exporter")
        self.server.on("/metrics", self.metrics)

    def metrics(self, connection, request):
        self.requests += 100
        self.errors += self.percent
        connection.answer(200, f"app_requests_total {self.requests}\napp_errors_total {self.errors}\n", {"Content-Type": "text/plain; version=0.0.4"})


@pytest.mark.parametrize("span, min_age", [("3s", "0s"), ("{range}", "2s")])
def test_with_a_real_prometheus_a_rate_judges_the_step(sluice, backend, folder, process, span, min_age):
    """A bad canary after a good time does not pass, a good one after it is not taken back (G9)."""
    app = Exporter(backend)
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"}, "scrape_configs": [
        {"job_name": "app", "static_configs": [{"targets": [app.server.address]}]}]}))

    def number(query):
        try:
            reply = fetch(address, "GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        except OSError:
            return None
        found = json.loads(reply.body)["data"]["result"] if reply.status == 200 else []
        return float(found[0]["value"][1]) if found else None
    with open(folder / "prometheus.log", "w") as log:
        process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={address}",
                 "--log.level=warn"], lambda: number("vector(1)") is not None, stdout=log, stderr=log)
    wait_until(lambda: (number("count_over_time(app_requests_total[1m])") or 0) >= 16, 30, "four good seconds in Prometheus")
    query = f"100 * sum(rate(app_errors_total[{span}])) / sum(rate(app_requests_total[{span}]))"
    plan = {"steps": [{"share": "50%", "hold": "1s"}], "min_requests": 0, "gates": [
        {"prometheus": f"http://{address}", "query": query, "max": 5, "on_empty": "hold", "min_age": min_age}]}
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}, plans={"p": plan}))
    app.percent = 15
    begin(daemon)
    ended = wait_until(lambda: not rollout(daemon)["active"] and rollout(daemon), 30, "a verdict")
    assert ended["state"] == "rolled_back" and "the limit 5" in ended["why"], ended
    app.percent = 0
    begin(daemon)
    ended = wait_until(lambda: not rollout(daemon)["active"] and rollout(daemon), 30, "a verdict")
    assert ended["state"] == "done", ended
