"""Metrics, health endpoints, the access log, the daemon's own log."""
import json
import re
import signal
import subprocess

import pytest
from client import Client
from sluice import config_of, service
from waiting import wait_until


@pytest.fixture
def watched(blue_green):
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, retries={"rescue": "none", "attempts": 1},
                                     outlier={"consecutive_errors": 0})
    with daemon.client() as client:
        for path, n in (("/", 50), ("/status/404", 5), ("/status/500", 10)):
            for _ in range(n):
                client.request(target=path)
    return daemon, blue, green


def test_metrics_pass_promtool(watched):
    daemon, _, _ = watched
    done = subprocess.run(["promtool", "check", "metrics"], input=daemon.metrics(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    reply = daemon.api("GET", "/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain") and "version=0.0.4" in reply.headers["Content-Type"]


def test_the_old_promql_answers(watched):
    daemon, blue, green = watched
    total = lambda **labels: daemon.metric("http_requests_total", service="api", **labels)  # noqa: E731
    assert total() == 65 and total(status="2xx") == 50 and total(status="4xx") == 5 and total(status="5xx") == 10
    assert total(pod="api-active") == len(blue.seen()) and total(pod="api-canary") == len(green.seen())
    assert daemon.metric("http_request_duration_seconds_count") == 65
    buckets = [line for line in daemon.metrics().splitlines() if line.startswith("http_request_duration_seconds_bucket")]
    assert buckets and all(re.fullmatch(r'http_request_duration_seconds_bucket\{le="[^"]+"\} \d+', line) for line in buckets)
    values = [int(line.split()[-1]) for line in buckets]
    assert values == sorted(values) and values[-1] == 65 and '+Inf' in buckets[-1]


def test_every_status_class_is_there_from_the_start(blue_green):
    daemon, _, _ = blue_green()
    text = daemon.metrics()
    for status in ("2xx", "3xx", "4xx", "5xx"):
        for pod in ("api-active", "api-canary"):
            assert re.search(rf'http_requests_total\{{[^}}]*pod="{pod}"[^}}]*status="{status}"[^}}]*\}} 0', text), (pod, status)


def test_sluice_metrics_cover_pools_backends_and_the_process(watched):
    daemon, blue, green = watched
    text = daemon.metrics()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    for word in ("generation", "share", "in_flight", "retries", "ejections", "backend", "upstream_errors", "drain", "reload",
                 "connections", "request_duration"):
        assert any(name.startswith("sluice_") and word in name for name in names), f"no metric about {word}: {sorted(names)}"
    assert any(name.startswith(("process_", "sluice_process_")) for name in names)
    assert daemon.metric("sluice_generation") == daemon.generation


def series_of(daemon, name="api"):
    """The series of a service, by name and labels, and their values."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in daemon.metrics().splitlines() if f'service="{name}"' in line}


def families(series):
    return {name.partition("{")[0] for name in series}


def test_of_few_services_all_is_told_from_the_start(blue_green):
    daemon, _, _ = blue_green()
    for pool in ("blue", "green"):
        for name in ("sluice_requests_total", "sluice_request_errors_total", "sluice_upstream_errors_total", "sluice_draining_backends"):
            assert daemon.metric(name, service="api", pool=pool) == 0, name
        assert daemon.metric("sluice_backend_eligible", pool=pool) == 1
    assert daemon.metric("sluice_service_traffic_state", service="api", state="open") == 1
    assert daemon.metric("sluice_rollout_active", service="api") == 0


def test_a_service_without_traffic_is_twelve_lines_and_the_rest_comes_with_its_zeros(sluice, backend):
    """Issue 16, where services are many. What a service shows once it shows from then on; the first request brings the zeros of both pools, so that the
    first error of the canary is an increase."""
    blue, green = backend("blue-1"), backend("green-1")
    others = {f"other{i}": service({"blue": [blue]}) for i in range(50)}
    api = service({"blue": [blue], "green": [green]}, {"blue": "100%", "green": "0%"}, retries={"rescue": "none", "attempts": 1}, outlier={"consecutive_errors": 0})
    daemon = sluice(config_of({"api": api, **others}))
    idle = series_of(daemon)
    assert len(idle) == 12, idle
    assert families(idle) == {"http_requests_total", "sluice_split_share_ratio", "sluice_requests_total"}
    assert daemon.metric("sluice_split_share_ratio", service="api", pool="blue") == 1
    assert daemon.metric("sluice_split_share_ratio", service="api", pool="green") == 0

    assert daemon.fetch("/").status == 200
    asked = series_of(daemon)
    for pool, count in (("blue", 1), ("green", 0)):
        assert daemon.metric("sluice_requests_total", service="api", pool=pool) == count
        for name in ("sluice_request_errors_total", "sluice_retries_total", "sluice_no_backend_total", "sluice_upstream_errors_total",
                     "sluice_draining_backends"):
            assert daemon.metric(name, service="api", pool=pool) == 0, name
        assert daemon.metric("sluice_pool_stable", service="api", pool=pool) == count
        assert daemon.metric("sluice_backend_attempts_total", service="api", pool=pool) == count
    assert daemon.metric("sluice_responses_total", service="api", status="5xx") == 0
    assert {name for name in asked if name.startswith("sluice_request_duration_seconds_count")} == \
        {'sluice_request_duration_seconds_count{service="api",pool="blue"}'}
    assert not families(asked) & {"sluice_grpc_responses_total", "sluice_mirrored_requests_total", "sluice_preview_requests_total"}

    daemon.do("cutover", "api=green")
    assert daemon.fetch("/status/500").status == 500
    later = series_of(daemon)
    assert set(asked) <= set(later), "a series that was there stays"
    assert daemon.metric("sluice_request_errors_total", service="api", pool="green") == 1
    assert daemon.metric("sluice_request_duration_seconds_count", service="api", pool="green") == 1
    done = subprocess.run(["promtool", "check", "metrics"], input=daemon.metrics(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_backend_that_is_down_is_told_of_without_traffic(sluice, backend):
    gone = backend("gone")
    gone.stop()
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [gone]},
                                              health_check={"path": "/", "interval": "50ms", "rise": 1, "fall": 2})}))
    wait_until(lambda: any("down" in name and value == 1 for name, value in series_of(daemon).items()), what="the backend's state")
    assert daemon.metric("sluice_backend_eligible", pool="green") == 0 and daemon.metric("sluice_backend_eligible", pool="blue") == 1


def test_a_thousand_services_are_told_of_by_what_happened(sluice, backend):
    """Issue 16: twelve lines each; the two that had requests have the rest, and every number is the service's own."""
    blue, green = backend("blue"), backend("green")
    services = {f"s{i:03}": service({"blue": [blue], "green": [green]}) for i in range(1000)}
    daemon = sluice(config_of(services))
    for name, count in (("s500", 3), ("s999", 2)):
        for _ in range(count):
            assert daemon.fetch("/", host=f"{name}.local").status == 200
    by_service, text = {}, daemon.metrics()
    for line in text.splitlines():
        if found := re.search(r'service="(s\d+)"', line):
            by_service.setdefault(found[1], []).append(line)
    assert len(by_service) == 1000
    assert {name for name, lines in by_service.items() if len(lines) != 12} == {"s500", "s999"}
    assert 'sluice_requests_total{service="s500",pool="blue"} 3' in text and 'sluice_requests_total{service="s999",pool="blue"} 2' in text
    assert "http_request_duration_seconds_count 5" in text
    for name in ("s000", "s501"):
        assert f'http_requests_total{{service="{name}",pod="{name}-active",status="2xx"}} 0' in text
    assert len(text) < 1_000_000
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[:2000]


def test_livez_readyz_and_the_root(simple):
    daemon, _ = simple()
    assert daemon.api("GET", "/livez").status == 200 and daemon.api("GET", "/readyz").status == 200
    root = daemon.api("GET", "/").body.decode()
    assert "/metrics" in root and "/v1/status" in root


# -- access log

@pytest.fixture
def logged(sluice, backend, folder):
    path = folder / "access.log"
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]}, retries={"attempts": 1})},
                              access_log={"path": str(path), "format": "json"}))
    daemon.access_log = path
    daemon.lines = lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return daemon, blue


FIELDS = {"ts", "request_id", "client", "method", "host", "path", "status", "bytes_in", "bytes_out", "duration_ms", "upstream_ms",
          "service", "pool", "backend", "generation", "sticky", "attempts", "error"}


def test_access_log_is_one_json_object_a_line(logged):
    daemon, blue = logged
    daemon.fetch("/sink?q=1", "POST", {"X-Request-ID": "abc-123"}, b"hello")
    daemon.fetch("/close")
    daemon.fetch("/bytes/5000")
    lines = wait_until(lambda: daemon.lines() if len(daemon.lines()) >= 3 else None, what="three lines")
    by_path = {line["path"].split("?")[0]: line for line in lines}
    for line in lines:
        assert FIELDS <= set(line), FIELDS - set(line)
    post = by_path["/sink"]
    assert (post["method"], post["status"], post["request_id"], post["host"]) == ("POST", 200, "abc-123", "test.local")
    assert (post["service"], post["pool"], post["backend"]) == ("api", "blue", blue.address)
    assert post["bytes_in"] >= 5 and post["client"].startswith("127.0.0.1") and post["attempts"] == 1
    assert post["duration_ms"] >= post["upstream_ms"] >= 0 and post["generation"] == daemon.generation
    assert by_path["/close"]["status"] == 502 and by_path["/close"]["error"] == "reset"
    assert by_path["/bytes/5000"]["bytes_out"] >= 5000


def test_access_log_lines_stay_json_whatever_clients_send(logged):
    daemon, _ = logged
    with Client(daemon.address()) as client:
        client.send(b"GET /a\"b\\c HTTP/1.1\r\nHost: x\r\nX-Request-ID: \"quoted\\\"\r\n\r\n")
        client.read()
    with Client(daemon.address()) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff\xfe\r\n\r\n")
        client.read()
    wait_until(lambda: len(daemon.lines()) >= 2, what="the lines")


def test_sigusr1_reopens_the_access_log(logged):
    daemon, _ = logged
    daemon.fetch("/before")
    wait_until(lambda: daemon.lines(), what="the first line")
    rotated = daemon.access_log.with_suffix(".1")
    daemon.access_log.rename(rotated)
    daemon.signal(signal.SIGUSR1)
    wait_until(daemon.access_log.exists, what="the new file")
    daemon.fetch("/after")
    wait_until(lambda: any(line["path"] == "/after" for line in daemon.lines()), what="the line in the new file")
    assert "/before" in rotated.read_text() and "/after" not in rotated.read_text()


def test_every_request_is_logged_once_under_load(sluice, recorder, loader, folder):
    path = folder / "access.log"
    origin = recorder("blue")
    daemon = sluice(config_of({"api": service({"blue": [origin]})}, workers=2, access_log={"path": str(path), "format": "json"}))
    load = loader(daemon, connections=16, pace_us=2000)
    wait_until(lambda: daemon.metric("http_requests_total", service="api") > 1000, what="a thousand requests")
    told = load.finish()
    assert told["failed"] == 0
    wait_until(lambda: path.read_bytes().count(b"\n") == told["requests"], what="a line for each request")
    ids = [json.loads(line)["request_id"] for line in path.read_text().splitlines()]
    assert len(set(ids)) == told["requests"]
