"""sluicectl rehearse: a rollout beside the rehearsal of the log that it wrote, and logs of other programs."""
import json
import pathlib
import shutil
import socket
import subprocess
import time

import pytest
import yaml
from sluice import binary, config_of, die_with_the_tests, service
from waiting import wait_until

PLAN = {"steps": [{"share": "50%", "hold": "3s"}, {"share": "100%", "hold": "1h"}], "min_requests": 50,
        "gates": [{"metric": "error_rate", "max": "5%"}]}


def ctl(*args, check=None):
    done = subprocess.run([binary("sluicectl"), *map(str, args)], capture_output=True, text=True, timeout=60)
    assert check is None or done.returncode == check, done
    return done


def rehearse(plan, log, *args, check):
    return json.loads(ctl("-o", "json", "rehearse", plan, "--log", log, *args, check=check).stdout)


@pytest.fixture
def plan(folder):
    def write(value=None):
        path = folder / "plan.yaml"
        path.write_text(yaml.safe_dump(value or PLAN))
        return path
    return write


@pytest.mark.parametrize("fails, ends", [(0.18, "rolled_back"), (0.0, "running")])
def test_the_log_of_a_rollout_is_rehearsed_as_it_went(sluice, backend, loader, plan, folder, fails, ends):
    """The verdict is the live one, at the live request to within the requests of one look."""
    count = iter(range(10 ** 9))
    broken = backend("green", lambda connection, request: connection.answer(
        500 if next(count) % 1000 * 37 % 1000 < fails * 1000 else 200, "x"))
    log = folder / "access.log"
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [broken]})},
                              access_log={"path": str(log), "format": "json"}))
    file = plan()
    daemon.ctl("rollout", "start", "api", "--to", "green", "--file", file, check=0)
    load = loader(daemon, connections=2, pace_us=4000)

    def live():
        return daemon.api("GET", "/v1/services/api/rollout").json

    wait_until(lambda: live()["state"] == "rolled_back" if fails else live().get("step") == 2, 40, live)
    # The log's first request, and with it the rehearsal, is later than the rollout.
    seen = len(log.read_text().splitlines())
    wait_until(lambda: len(log.read_text().splitlines()) >= seen + 1000, 30, "a longer log")
    told = [json.loads(line) for line in (daemon.state_dir / "judgements.log").read_text().splitlines()]
    load.finish()
    daemon.stop()
    rehearsed = rehearse(file, log, "--to", "green", check=6 if fails else 7)
    judged = [one for one in told if one["step"] == 1][-1]
    look = 150e-3                                   # of a hold of 3 s
    step = rehearsed["steps"][0]
    assert step["end"] == ("went back" if fails else "passed")
    a_look = 2 + 2 * judged["n_canary"] * look / max(0.15, step["ended_s"])
    assert abs(step["canary"]["n"] - judged["n_canary"]) <= a_look, (step, judged)
    if fails:
        assert rehearsed["end"] == "went back" and "error_rate max 5 %" in step["why"]
        assert judged["gate"] == "error_rate max 5 %" and judged["verdict"] == "fail"


def lines_of(path, count, pool=None, errors=0, service_name="api", slow=20):
    """A log of sluiced, a hundred requests a second."""
    with open(path, "w") as file:
        for i in range(count):
            failed = errors and i % errors == 0
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_796_000_000 + i // 100))
            file.write(json.dumps({"ts": f"{moment}.{i % 100 * 10:03d}Z", "request_id": "x", "client": f"10.0.{i % 200}.{i % 99}", "method": "GET",
                                   "host": "h", "path": "/", "status": 500 if failed else 200, "bytes_in": 0, "bytes_out": 1,
                                   "duration_ms": slow, "upstream_ms": slow, "service": service_name, "pool": pool or "blue", "backend": "b",
                                   "generation": 1, "sticky": "", "attempts": 1, "error": ""}, separators=(",", ":")) + "\n")


SLOW = {"steps": [{"share": "5%", "hold": "20s"}, {"share": "100%", "hold": "20s"}], "min_requests": 20,
        "gates": [{"metric": "error_rate", "max": "5%"}, {"metric": "p95", "max": "100ms"}]}


def test_a_log_of_one_pool_with_what_the_canary_would_do(plan, folder):
    log = folder / "access.log"
    lines_of(log, 20_000)
    file = plan(SLOW)
    good = rehearse(file, log, check=0)
    assert good["end"] == "passed" and [step["end"] for step in good["steps"]] == ["passed", "passed"]
    assert "answers as the other" in good["notes"][-1]
    bad = rehearse(file, log, "--canary", "errors=20%", check=6)
    assert bad["steps"][0]["end"] == "went back" and bad["steps"][0]["canary"]["n"] < 300
    slow = rehearse(file, log, "--canary", "p95=x6", check=6)
    assert "p95 max 100 ms" in slow["steps"][0]["why"]
    drawn = rehearse(file, log, "--canary", "errors=1%", "--rate", "2000/s", "--for", "2m", check=0)
    assert drawn["requests"] == 80_000
    text = ctl("rehearse", file, "--log", log, "--canary", "errors=20%", check=6).stdout
    assert "it would have gone back to blue after " in text and "AT  STEP  SHARE" in text


def test_what_cannot_be_read_is_said(plan, folder):
    log, other, empty = folder / "access.log", folder / "other.log", folder / "empty.log"
    lines_of(log, 3000)
    log.write_text("garbage\n" + log.read_text() + "more\n")
    empty.write_text("")
    other.write_text("nothing\nof\nthe kind\n")
    file = plan(SLOW)
    assert f"2 of 3002 lines could not be read, the first is {log}:1: 'garbage'" in " ".join(rehearse(file, log, check=7)["notes"])
    for bad, said in ((other, "no line of"), (empty, "is empty"), (folder / "none.log", "No such file")):
        assert said in ctl("rehearse", file, "--log", bad, check=2).stderr
    assert "--log is missing" in ctl("rehearse", file, check=2).stderr
    assert "cannot be read" in ctl("rehearse", folder / "no.yaml", "--log", log, check=2).stderr
    assert "errors=3%" in ctl("rehearse", file, "--log", log, "--canary", "error=3%", check=2).stderr
    lines_of(other, 3000, service_name="web")
    assert "services api, web" in ctl("rehearse", file, "--log", log, "--log", other, check=2).stderr
    assert rehearse(file, log, "--log", other, "--service", "web", check=7)["service"] == "web"


def test_a_plan_of_the_configuration(plan, folder):
    log, config = folder / "access.log", folder / "sluice.yaml"
    lines_of(log, 6000)
    config.write_text(yaml.safe_dump(config_of({"api": service({"blue": ["127.0.0.1:1"], "green": ["127.0.0.1:2"]})}, plans={"careful": SLOW})))
    assert rehearse("careful", log, "--config", config, check=0)["end"] == "passed"
    assert "did you mean 'careful'" in ctl("rehearse", "carefull", "--log", log, "--config", config, check=4).stderr


# -- logs that nginx and HAProxy write here

def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(port, path):
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        while one.recv(4096):
            pass


def serve(command, port, logged):
    process = subprocess.Popen(command, preexec_fn=die_with_the_tests, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def up():
            try:
                fetch(port, "/")
                return True
            except OSError:
                return False
        wait_until(up, 20, "the proxy")
        for i in range(200):
            fetch(port, "/status/500" if i % 4 == 0 else "/x")
        wait_until(logged, 20, "its log")
    finally:
        process.terminate()
        process.wait(10)


NGINX = """daemon off; pid {dir}/pid; error_log {dir}/error.log;
events {{}}
http {{
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time';
  access_log {dir}/timed.log timed; access_log {dir}/combined.log combined;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{origin}; }} }}
}}
"""
HAPROXY = """global
  log 127.0.0.1:{udp} local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:{port}
  default_backend blue
backend blue
  server b1 {origin}
"""
QUICK = {"steps": [{"share": "50%", "hold": "0s"}, {"share": "100%", "hold": "0s"}], "min_requests": 10,
         "gates": [{"metric": "error_rate", "max": "2%"}, {"metric": "p95", "max": "5s"}]}


def went_back_for_errors(told):
    why = told["steps"][-1]["why"]
    assert told["end"] == "went back" and ("error_rate max 2 %" in why or "fast fail" in why)
    assert told["unread"] == 0 and told["lines"] >= 200


@pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="no nginx")
def test_nginx(plan, folder, backend):
    port, origin = free_port(), backend("origin")
    (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port, origin=origin.address))
    timed = folder / "timed.log"
    serve([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-c", folder / "nginx.conf"], port,
          lambda: timed.exists() and len(timed.read_text().splitlines()) >= 200)
    file = plan(QUICK)
    went_back_for_errors(rehearse(file, timed, check=6))
    combined = rehearse(file, folder / "combined.log", check=6)
    went_back_for_errors(combined)
    assert any("does not say how long" in note for note in combined["notes"])


@pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:/usr/bin"), reason="no haproxy")
def test_haproxy(plan, folder, backend):
    port, origin, log = free_port(), backend("origin"), folder / "haproxy.log"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(0.2)
        (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, origin=origin.address, udp=syslog.getsockname()[1]))
        lines = []

        def logged():
            try:
                while True:
                    lines.append(syslog.recv(8192).decode().rstrip("\n"))
            except TimeoutError:
                return len(lines) >= 200
        serve([shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-f", folder / "haproxy.cfg"], port, logged)
    pathlib.Path(log).write_text("\n".join(lines) + "\n")
    went_back_for_errors(rehearse(plan(QUICK), log, check=6))
