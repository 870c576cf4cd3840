"""The old guide's scripts, letter by letter (tests/support/guide), against Sluice and a real Prometheus that scrapes it: what they
print is compared with what the backends recorded. support/old_scripts.py says what is put in place of their hosts and containers.
"""
import collections
import json
import math
import pathlib
import re
import subprocess
import threading

import pytest
from client import Client, fetch
from old_scripts import GUIDE, OldScripts
from prometheus import CONF, Prometheus
from sluice import config_of, service
from waiting import wait_until


@pytest.fixture
def old_scripts(folder):
    made = []

    def make(hosts, **options):
        made.append(OldScripts(folder / "scripts", hosts, **options))
        return made[-1]

    (folder / "scripts").mkdir()
    yield make
    for one in made:
        one.stop()


QUICK, FAILED, SLOW = 250, 30, 24  # of 304 requests 7.9 % are slow: p95 is among them


def send_all(daemon):
    address = daemon.address()

    def ask(paths):
        with Client(address) as client:
            for path in paths:
                client.request(target=path)
    fast = ["/"] * QUICK + ["/status/500"] * FAILED
    threads = [threading.Thread(target=ask, args=(fast,))]
    threads += [threading.Thread(target=ask, args=(["/delay/1200"] * 2,)) for _ in range(SLOW // 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def scraped(blue_green, folder, process, port):
    """60 % blue and 40 % green, scraped from before the first request until twenty scrapes later."""
    admin = f"127.0.0.1:{port()}"
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, retries={"rescue": "none", "attempts": 1}, outlier={"consecutive_errors": 0},
                                     top={"admin": {"http": {"bind": admin}}, "listeners": [
                                         {"name": "web", "bind": "127.0.0.1:0"}, {"name": "preview", "bind": "127.0.0.1:0", "pools": {"api": "green"}}]})
    prometheus = Prometheus(folder, admin, process)
    wait_until(lambda: prometheus.number("sum(http_requests_total)") == 0, what="the first scrape")
    send_all(daemon)
    total = QUICK + FAILED + SLOW
    assert len(blue.seen()) + len(green.seen()) == total
    wait_until(lambda: prometheus.number("sum(http_requests_total)") == total, what="every request in Prometheus")
    wait_until(lambda: (prometheus.number("count_over_time(sluice_generation[1m])") or 0) >= 20, what="twenty scrapes")
    return daemon, blue, green, prometheus


def failed_at(*backends):
    return sum(len(backend.seen("/status/500")) for backend in backends)


def rate(count, seconds):
    """What rate() says of a counter that grew by `count`: it extends what it saw by up to a scrape interval of twenty."""
    return pytest.approx(count / seconds * 1.03, rel=0.04)


def numbers_after(label, text):
    return [float(number) for number in re.findall(re.escape(label) + r"\s*([0-9.e+-]+|NaN|null)", text)]


def test_the_old_numbers_are_what_the_backends_recorded(scraped, old_scripts):
    """The guide's queries by themselves, its scripts that print them, and our rules that say what the scripts meant."""
    check_the_guides_queries(*scraped)
    check_our_rules(*scraped)
    check_the_monitoring_scripts(*scraped, old_scripts)  # its smoke test asks green, too


def check_the_guides_queries(_, blue, green, prometheus):
    """Every distinct PromQL query of the guide, taken out of its scripts."""
    text = "".join(path.read_text() for path in sorted(GUIDE.glob("*.sh")))
    queries = set(re.findall(r"--data-urlencode 'query=(.*?)'", text))
    assert len(queries) == 4, queries
    truth = {"api-active": failed_at(blue), "api-canary": failed_at(green)}
    assert all(truth.values())
    total, per_second = QUICK + FAILED + SLOW, {"1m": 60, "5m": 300}
    for query in queries:
        found = prometheus.query(query)
        if query.startswith("rate"):
            pods = {metric["pod"]: value for metric, value in found}
            wanted = {"api-canary"} if "canary" in query else {"api-active", "api-canary"}
            assert set(pods) == wanted, f"{query}: {found}"
            for pod, value in pods.items():
                assert value == rate(truth[pod], per_second[re.search(r"\[(\w+)\]", query)[1]]), (query, pod)
        else:
            # histogram_quantile's own arithmetic on the true counts: all slow ones took 1.2 s, the bucket is (1, 2.5]
            (_, value), = found
            assert value == pytest.approx(1 + 1.5 * (0.95 * total - (total - SLOW)) / SLOW, rel=0.02)
            assert 1 < value <= 2.5, "the bucket that the true p95, 1.2 s, is in"


def check_the_monitoring_scripts(daemon, blue, green, prometheus, old_scripts):
    """blue-green 1, 3, 5 and canary 1 run to their good end; each number printed is the first series' true one."""
    failed_on_green, on_green = failed_at(green), green.seen()
    preview = daemon.address("preview")
    scripts = old_scripts({"localhost:9090": prometheus.address, "localhost:8081": preview})
    pods = {"api-active": blue, "api-canary": green}
    first = pods[prometheus.query('rate(http_requests_total{status=~"5.."}[1m])')[0][0]["pod"]]

    baseline = scripts.run("blue-green-1-baseline.sh")  # its first line asks over https, and finds nobody
    assert numbers_after("Baseline error rate:", baseline.stdout) == [rate(failed_at(first), 300)]

    monitor = scripts.run("blue-green-5-monitor.sh")
    assert monitor.returncode == 0 and "Monitoring period complete" in monitor.stdout, monitor
    assert numbers_after("Error rate:", monitor.stdout) == [rate(failed_at(first), 60)] * 15
    assert all(1 < seconds <= 2.5 for seconds in numbers_after("Response time (p95):", monitor.stdout))

    canary = scripts.run("canary-1.sh")
    assert canary.returncode == 0 and "Canary Phase 1 successful" in canary.stdout, canary
    assert numbers_after("Canary error rate:", canary.stdout) == [rate(failed_on_green, 60)] * 10

    verify = scripts.run("blue-green-3-verify-green.sh")
    assert verify.returncode == 0 and verify.stdout.count("✓ PASS") == 3 and "FAIL" not in verify.stdout, verify
    assert [r.path for r in green.seen()[len(on_green):]] == ["/api/health/", "/api/health/", "/api/auth/login/", "/api/materials/"]


def check_our_rules(_, blue, green, prometheus):
    """D1-D3: of requests, by pool."""
    for pool, backend in (("blue", blue), ("green", green)):
        true = failed_at(backend) / len(backend.seen())
        ratio = wait_until(lambda pool=pool: prometheus.number(f'sluice:error_ratio:rate1m{{pool="{pool}"}}'), what="the rule's first value")
        assert ratio == pytest.approx(true, rel=0.02)
        share = prometheus.number(f'sluice:share:rate5m{{pool="{pool}"}}')
        assert share == pytest.approx(len(backend.seen()) / (QUICK + FAILED + SLOW), rel=0.02)
    # Which of the failures were whose is chance.
    bad = {pool for pool, backend in (("blue", blue), ("green", green)) if failed_at(backend) / len(backend.seen()) > 0.05}
    assert bad
    wait_until(lambda: {metric["pool"] for metric, _ in prometheus.query('ALERTS{alertname="SluicePoolErrorsCritical"}')} == bad, what=f"alerts for {bad}")


def test_silence_is_no_number_in_the_rules_and_zero_in_the_script(blue_green, folder, process, port, old_scripts):
    """D1: with no data the guide's gate passes ("null > 5" is 0 to bc); the rule has no value and the alert is about the silence."""
    admin = f"127.0.0.1:{port()}"
    blue_green(top={"admin": {"http": {"bind": admin}}})
    prometheus = Prometheus(folder, admin, process)
    wait_until(lambda: prometheus.query("sluice:requests:rate1m"), what="an evaluation")
    assert prometheus.query("sluice:error_ratio:rate1m") == [] and prometheus.query("sluice:latency_p95:rate5m") == []
    assert all(math.isnan(value) for _, value in prometheus.query("histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))"))
    pending = wait_until(lambda: prometheus.query('ALERTS{alertname="SluicePoolWithoutTraffic"}'), what="the alert, pending")
    assert pending[0][0]["pool"] == "blue"


# -- remove_backend, add_backend

class Load:
    """Threads that ask without a pause, and what they were answered."""

    def __init__(self, daemon, threads=4):
        self.address, self.statuses, self.running = daemon.address(), [], True
        self.threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        with Client(self.address) as client:
            while self.running:
                self.statuses.append(client.request(target="/delay/5").status)

    def finish(self):
        self.running = False
        for thread in self.threads:
            thread.join()
        return self.statuses


@pytest.fixture
def fleet(sluice, backend, port):
    """Three instances behind admin.compat; health is probed, nothing is retried."""
    instances = {f"instance-{i}": backend(f"instance-{i}") for i in (1, 2, 3)}
    compat = f"127.0.0.1:{port()}"
    described = [{"name": name, "address": one.address} for name, one in instances.items()]
    daemon = sluice(config_of({"api": service({"blue": described}, retries={"attempts": 1, "rescue": "none"},
                                              health_check={"path": "/health/", "interval": "50ms", "timeout": "2s"})},
                              admin={"compat": {"bind": compat, "service": "api"}}))
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "10s", check=0)
    return daemon, instances, compat


def test_the_rolling_update_script_loses_no_request(fleet, old_scripts):
    """Unchanged, with its `sleep 10` not even waited for."""
    daemon, instances, compat = fleet
    cut_off = []

    def docker(_program, arguments):
        instance = instances.get(arguments[-1].replace("backend-", "instance-")) if arguments else None
        if instance and "stop" in arguments:
            asked = collections.Counter(request.connection for request in instance.seen("/delay/5"))
            cut_off.append(sum(count - connection.answered for connection, count in asked.items()))
            instance.stop()
        elif instance and "up" in arguments:
            instance.forget()
            instance.start()

    hosts = {"load-balancer:8080": compat, **{f"{name}:8000": one.address for name, one in instances.items()}}
    scripts = old_scripts(hosts, on_docker=docker)
    load = Load(daemon)
    done = scripts.run("rolling-update.sh")
    statuses = load.finish()
    assert done.returncode == 0 and "Rolling update complete" in done.stdout, done
    assert done.stdout.count("updated") == 3 and [call[0] for call in scripts.calls].count("verify-deployment.sh") == 3
    assert set(statuses) == {200} and len(statuses) > 100, f"{len(statuses)} requests: {set(statuses)}"
    assert cut_off == [0, 0, 0], "an instance was stopped with requests under way"
    assert all(one.seen("/delay/5") or name == "instance-3" for name, one in instances.items()), "updated instances serve again"
    verbs = [(entry["verb"], entry["actor"]) for entry in daemon.api("GET", "/v1/history").json["history"]]
    assert verbs[:6] == [(verb, "admin.compat 127.0.0.1") for verb in ("ready", "drain") * 3]


def compat_call(address, path, body=None, headers=(), method="POST"):
    reply = fetch(address, method, path, headers, body)
    return reply.status, json.loads(reply.body)


def test_remove_answers_when_what_runs_there_is_done(fleet):
    """D2: the answer to /remove_backend is the end of the drain."""
    daemon, instances, compat = fleet
    one = instances["instance-1"]
    with daemon.client() as client:
        while not one.seen("/delay/700"):
            client.send_request(target="/delay/700")
            wait_until(lambda: any(i.seen("/delay/700") for i in instances.values()), what="the request at a backend")
            if not one.seen("/delay/700"):
                client.read()
                for instance in instances.values():
                    instance.forget()
        status, said = compat_call(compat, "/remove_backend", "backend=instance-1")
        assert status == 200 and said["drained"]["clean"] >= 1 and said["drained"]["forced"] == 0
        assert "sluicectl ready api/blue/instance-1" in said["undo"]
        assert client.read().status == 200
    assert daemon.backend("instance-1")["admin"] == "drained"
    status, said = compat_call(compat, "/remove_backend", "backend=instance-1")
    assert status == 200 and not said["changed"], "a second one finds it so"
    status, said = compat_call(compat, "/add_backend", "backend=instance%2D1", {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200 and said["changed"] and daemon.backend("instance-1")["eligible"]


def test_what_the_compat_listener_refuses(fleet):
    daemon, _, compat = fleet
    status, said = compat_call(compat, "/remove_backend", "backend=instance-9")
    assert status == 404 and "instance-1" in said["suggestion"]
    for body in ("", "backend=", "instance-1", "server=instance-1"):
        status, said = compat_call(compat, "/remove_backend", body)
        assert status == 400 and said["field"] == "backend", body
    assert compat_call(compat, "/remove_backend", method="GET")[0] == 405
    assert compat_call(compat, "/v1/status", method="GET")[0] == 404, "the API is not there"
    assert compat_call(compat, "/remove_backend", "backend=instance-1", {"Origin": "http://evil.example"})[0] == 403
    assert {one["admin"] for one in daemon.pool("blue")["backends"].values()} == {"ready"}


# -- feature flags

@pytest.fixture
def flagged(sluice, backend, folder, port):
    (folder / "token").write_text("s3cret\n")
    compat = f"127.0.0.1:{port()}"
    one = backend("one")
    daemon = sluice(config_of({"api": service({"blue": [one]}, sticky={"keys": ["header:X-User-Id"]})},
                              admin={"compat": {"bind": compat, "service": "api", "token_file": str(folder / "token")}}))
    return daemon, one, compat


def test_the_feature_flag_script_reaches_its_users(flagged, old_scripts):
    """10, 50, 100 % of the users by the script as it is; who is in stays in, and the config is kept where it is left out."""
    daemon, one, compat = flagged
    phases = []

    def look():
        one.forget()
        with Client(daemon.address()) as client:
            for user in range(1000):
                client.request(headers={"X-User-Id": f"user-{user}"})
        phases.append({r.get("X-User-Id") for r in one.seen() if r.get("X-Feature-Flags") == "new_payment_system=on"})

    scripts = old_scripts({"localhost:8000": compat}, on_sleep=look, env={"ADMIN_TOKEN": "s3cret"})
    done = scripts.run("feature-flags.sh")
    assert done.returncode == 0 and done.stdout.endswith("✓ Feature flag fully enabled\n"), done
    look()
    ten, fifty, all_of_them = phases
    assert len(ten) == pytest.approx(100, abs=40) and len(fifty) == pytest.approx(500, abs=65) and len(all_of_them) == 1000
    assert ten < fifty
    flag = daemon.api("GET", "/v1/flags/new_payment_system").json["services"]["api"]
    assert flag == {"enabled_for": "100%", "config": {"payment_provider": "new_system"}}
    entry = daemon.api("GET", "/v1/history?limit=1").json["history"][0]
    assert entry["actor"] == "token token", "the name of the token's file"


def test_what_the_flag_call_refuses(flagged):
    daemon, _, compat = flagged
    good = '{"flag":"a","enabled_for":"10%"}'
    bearer = {"Authorization": "Bearer s3cret"}
    assert compat_call(compat, "/admin/feature-flags/", good)[0] == 401
    assert compat_call(compat, "/admin/feature-flags/", good, {"Authorization": "Bearer wrong"})[0] == 401
    for body, field in (("{", None), ('{"enabled_for":"10%"}', "flag"), ('{"flag":"a"}', "enabled_for"), ('{"flag":"a","enabled_for":"110%"}', "enabled_for"),
                        ('{"flag":"a","enabled_for":"1%","user":1}', "user")):
        status, said = compat_call(compat, "/admin/feature-flags/", body, bearer)
        assert status == 400 and said.get("field") == field, (body, said)
    assert daemon.api("GET", "/v1/flags").json == {"flags": {}}
    assert compat_call(compat, "/admin/feature-flags/", good, {**bearer, "Content-Type": "application/x-www-form-urlencoded"})[0] == 200


# -- the rules and the example configuration

@pytest.mark.parametrize("command", (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]), ids=" ".join)
def test_promtool_accepts(command):
    done = subprocess.run(["promtool", *command], cwd=CONF, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_asks_for_metrics_that_there_are(simple, port):
    daemon, _ = simple(top={"tracing": {"endpoint": f"http://127.0.0.1:{port()}"}})
    names = set(re.findall(r"^# TYPE (\w+)", daemon.metrics(), re.M))
    names |= {name + suffix for name in names for suffix in ("_bucket", "_count", "_sum")}
    asked = set()
    for path in ("rules.yml", "alerts.yml"):
        asked |= set(re.findall(r"\bsluice_\w+", pathlib.Path(CONF / path).read_text()))
    assert asked <= names, asked - names
