"""Gates and hooks behind TLS and passwords: verified, and no secret in anything a person or a program can read."""
import base64
import json
import subprocess

import pytest
from backend import free_port
from client import fetch
from sluice import binary, config_of, service
from test_rollout import judgements, rollout, until
from tls import Authority, TlsServer
from waiting import wait_until

PASSWORD, TOKEN = "s3cret word: of'\"mine", "t0ken.of-mine_4711"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("gates"))
    made.local = made.issue("local", "127.0.0.1", "localhost")
    made.other = made.issue("other", "other.internal")
    return made


@pytest.fixture
def secrets(folder):
    for name, text in [("password", PASSWORD + "\n"), ("token", TOKEN + "\n")]:
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def start(sluice, recorder, loader):
    """start(gate) -> daemon with a rollout of that one gate under way."""

    def make(gate, **plan):
        blue, green = recorder("blue"), recorder("green")
        daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]})}, plans={"p": {
            "steps": [{"share": "50%"}, {"share": "100%"}], "min_requests": 20, "retain": "0s", "gates": [gate], **plan}}))
        daemon.load = loader(daemon, connections=4)
        daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
        return daemon

    return make


@pytest.fixture
def front():
    made = []

    def make(to, pair, **options):
        made.append(TlsServer(to, pair, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def says(daemon, words):
    wait_until(lambda: words in rollout(daemon)["waits_for"], 25, lambda: f"{words!r}; it says {rollout(daemon)['waits_for']!r}")
    assert rollout(daemon)["state"] == "running"


def judged(daemon):
    return [one for line in judgements(daemon) for one in (line.get("judgements") or [line])]


def no_secret_shows(daemon, *secrets):
    """In what the daemon has written and what it answers, to whoever asks whatever."""
    told = [daemon.stderr(), daemon.metrics(), daemon.api("GET", "/v1/status").body, daemon.api("GET", "/v1/history").body,
            daemon.api("GET", "/v1/config").body, daemon.api("GET", "/v1/config?format=json").body, daemon.ctl("status").out,
            daemon.ctl("rollout", "status", "api").out, daemon.ctl("events").out, daemon.api("GET", "/v1/services/api/rollout").body]
    told += [path.read_text(errors="replace") for path in daemon.state_dir.rglob("*") if path.is_file() and path.name != "tickets.key"]
    for secret in secrets:
        for one in told:
            one = one if isinstance(one, str) else str(one, "utf8", "replace") if isinstance(one, bytes) else str(one)
            assert secret not in one, (secret, one[:2000])


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def only(authorization, then):
    """A handler that lets only them in, and says back to whom it said no."""
    def handle(connection, request):
        if request.get("Authorization") == authorization:
            return then(connection, request)
        connection.answer(403, f"not with {request.get('Authorization')} {PASSWORD} {TOKEN}", {})
    return handle


ANSWER = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}})


@pytest.mark.parametrize("how", ["basic", "bearer"])
def test_A10_a_hook_behind_tls_and_a_password(start, backend, front, ca, secrets, how):
    given = {"basic_auth": {"user": "joe", "password_file": str(secrets / "password")}} if how == "basic" else {"bearer_file": str(secrets / "token")}
    wanted = basic("joe", PASSWORD) if how == "basic" else f"Bearer {TOKEN}"
    hook = backend("hook", only(wanted, lambda c, r: c.answer(200, "fine")))
    daemon = start({"http": f"https://{front(hook.address, ca.local).address}/verify?service=api", "ca": str(ca.cert), **given})
    until(daemon, "done")
    assert {r.target for r in hook.requests} == {"/verify?service=api"}
    assert {r.get("Host") for r in hook.requests} == {daemon.ctl("config", "show").out.split("https://")[1].split("/")[0]}
    no_secret_shows(daemon, PASSWORD, TOKEN, wanted.split()[1])
    daemon.load.finish()


@pytest.mark.parametrize("pair, given, why", [
    ("local", {}, "TLS: "),  # by the system's authorities, of which ours is none
    ("other", {"ca": True}, "TLS: IP address mismatch"),
])
def test_A10_what_cannot_be_verified_is_not_asked(start, backend, front, ca, pair, given, why):
    hook = backend("hook")
    given = {key: str(ca.cert) for key in given}
    daemon = start({"http": f"https://{front(hook.address, getattr(ca, pair)).address}/", **given})
    says(daemon, why)
    assert hook.requests == []
    daemon.load.finish()


def test_A10_the_host_name_is_verified_and_sent(start, backend, front, ca):
    hook = backend("hook", lambda c, r: c.answer(200, "fine"))
    port = front(hook.address, ca.local).address.split(":")[1]
    daemon = start({"http": f"https://localhost:{port}/", "ca": str(ca.cert)})
    until(daemon, "done")
    assert hook.requests[0].get("Host") == f"localhost:{port}"
    daemon.load.finish()


def test_A10_a_server_that_says_the_password_back_is_not_repeated(start, backend, front, ca, secrets):
    hook = backend("hook", only("nobody", None))
    daemon = start({"http": f"https://{front(hook.address, ca.local).address}/", "ca": str(ca.cert),
                    "basic_auth": {"user": "joe", "password_file": str(secrets / "password")}})
    until(daemon, "rolled_back")
    assert any("status 403: not with Basic *** *** " in one["why"] for one in judged(daemon)), judged(daemon)
    no_secret_shows(daemon, PASSWORD, basic("joe", PASSWORD).split()[1])
    daemon.load.finish()


def test_A10_a_password_that_is_renewed_counts_from_the_next_question(start, backend, secrets):
    state = {"wanted": basic("joe", "second")}
    prometheus = backend("prometheus", lambda c, r: c.answer(200, ANSWER) if r.get("Authorization") == state["wanted"] else c.answer(401, "{}"))
    daemon = start({"prometheus": f"http://{prometheus.address}", "query": "x", "max": 5, "basic_auth": {"user": "joe", "password_file": str(secrets / "password")}})
    says(daemon, "status 401")
    (secrets / "password").unlink()
    says(daemon, "cannot be read (No such file or directory)")
    (secrets / "password").write_text("second")
    until(daemon, "done", timeout=40)
    daemon.load.finish()


def test_A10_a_redirect_is_not_followed_and_says_so(start, backend, secrets):
    other = backend("other")
    hook = backend("hook", lambda c, r: c.answer(302, "", {"Location": f"http://u:geheim@{other.address}/login?token=geheim"}))
    daemon = start({"http": f"http://{hook.address}/", "bearer_file": str(secrets / "token")})
    says(daemon, "redirects are not followed")
    assert other.requests == []
    no_secret_shows(daemon, TOKEN, "geheim")
    daemon.load.finish()


def test_A10_a_real_prometheus_behind_tls_and_a_password(start, process, ca, secrets, folder):
    bcrypt = pytest.importorskip("crypt")
    hashed = bcrypt.crypt(PASSWORD, bcrypt.mksalt(bcrypt.METHOD_BLOWFISH, rounds=1 << 5))
    port = free_port()
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": []}))
    (folder / "web.yml").write_text(json.dumps({"tls_server_config": {"cert_file": str(ca.local[0]), "key_file": str(ca.local[1])}, "basic_auth_users": {"joe": hashed}}))
    context = ca.trusting()

    def ready():
        import urllib.error
        import urllib.request
        asked = urllib.request.Request(f"https://localhost:{port}/-/ready", headers={"Authorization": basic("joe", PASSWORD)})
        try:
            return urllib.request.urlopen(asked, context=context, timeout=5).status == 200
        except (OSError, urllib.error.URLError):
            return False
    with open(folder / "prometheus.log", "w") as log:
        process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--web.config.file={folder}/web.yml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], ready, stdout=log, stderr=log)
    gate = {"prometheus": f"https://127.0.0.1:{port}", "query": "vector(3)", "max": 5, "ca": str(ca.cert),
            "basic_auth": {"user": "joe", "password_file": str(secrets / "password")}}
    daemon = start(gate)
    until(daemon, "done")
    assert any("the query's answer is 3" in one["why"] for one in judged(daemon))
    no_secret_shows(daemon, PASSWORD, basic("joe", PASSWORD).split()[1])
    (secrets / "password").write_text("wrong")
    daemon.ctl("rollout", "start", "api", "--to", "blue", "--plan", "p", check=0)
    says(daemon, "status 401")
    daemon.load.finish()


# -- What can never be asked

@pytest.mark.parametrize("url, says, meant", [
    ("127.0.0.1:9090", "no scheme", "http://127.0.0.1:9090"),
    ("ftp://h/x", "not 'ftp://'", "http://h/x"),
    ("http://", "no host", None),
    ("http://h:70000", "'70000'", None),
    ("http://h/a b", "blanks", None),
    ("http://h/a#b", "never sent", "http://h/a"),
    ("http://joe:geheim@h/x", "basic_auth", "http://h/x"),
    ("http://joe:ge/heim#geheim@h/x", "basic_auth", "http://h/x"),
])
def test_A10_a_url_that_can_never_be_asked_is_refused_everywhere(sluice, backend, folder, url, says, meant):
    plans = {"p": {"steps": [{"share": "100%"}], "gates": [{"http": url}]}}
    blue, green = backend("blue"), backend("green")
    config = config_of({"api": service({"blue": [blue], "green": [green]})})
    wrong = folder / "wrong.yaml"
    wrong.write_text(json.dumps({**config, "plans": plans}, indent=1))
    line = next(n for n, text in enumerate(wrong.read_text().splitlines(), 1) if '"http": ' in text)
    for program in (["sluiced", "--check", "--config", wrong], ["sluicectl", "check", wrong]):
        done = subprocess.run([binary(program[0]), *map(str, program[1:])], capture_output=True, text=True, timeout=30)
        told = done.stdout + done.stderr
        assert done.returncode == 2 and f"{wrong}:{line}:" in told and says in told, told
        assert meant is None or f"did you mean '{meant}'?" in told, told
        assert "geheim" not in told
    daemon = sluice(config)
    plan = folder / "plan.yaml"
    plan.write_text(json.dumps(plans["p"]))
    for args in (["--file", plan], ["--steps", "100%", "--http", url]):
        done = daemon.ctl("rollout", "start", "api", "--to", "green", *args)
        assert done.code == 2 and says in done.err and "geheim" not in done.err + done.out, done
    no_secret_shows(daemon, "geheim")


def test_A10_the_files_are_looked_at_by_check(folder):
    (folder / "empty").write_text("")
    (folder / "two").write_text("a\nb\n")
    (folder / "no-ca").write_text("hello")
    rows = [({"bearer_file": "/no/such"}, "'/no/such' cannot be read (No such file or directory)"),
            ({"bearer_file": str(folder / "two")}, "holds more than one line"),
            ({"ca": str(folder / "no-ca")}, "cannot be used (it holds no certificate in PEM)"),
            ({"basic_auth": {"user": "joe", "password_file": "empty"}}, "is empty"),  # beside the file
            ({"basic_auth": {"user": "joe", "password_file": "two"}, "bearer_file": "two"}, "one of basic_auth and bearer_file")]
    for given, says in rows:
        wrong = folder / "wrong.yaml"
        wrong.write_text(json.dumps({**config_of({"api": service({"blue": ["127.0.0.1:1"]})}),
                                     "plans": {"p": {"steps": [{"share": "100%"}], "gates": [{"http": "https://h/", **given}]}}}))
        done = subprocess.run([binary("sluiced"), "--check", "--config", str(wrong)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 2 and says in done.stdout + done.stderr, done


def test_A10_files_of_ones_own_need_the_role_admin(sluice, backend, folder):
    """Otherwise an operator reads any file of the daemon's: its gate sends what stands there to him."""
    (folder / "token").write_text("admin-token\n")
    (folder / "tokens").write_text("")
    made = subprocess.run([binary("sluicectl"), "token", "olga", "--role", "operator"], capture_output=True, text=True)
    words = (made.stdout + made.stderr).split()
    token, entry = next(w for w in words if len(w) > 20 and ":" not in w), next(w for w in words if w.startswith("sha256:"))
    (folder / "tokens").write_text(f"olga operator {entry}\n")
    blue, green, port = backend("blue"), backend("green"), free_port()
    sluice(config_of({"api": service({"blue": [blue], "green": [green]})}, admin={"http": {"bind": f"127.0.0.1:{port}", "token_file": str(folder / "tokens")}}))
    plan = json.dumps({"steps": [{"share": "100%"}], "gates": [{"http": "http://127.0.0.1:1/", "bearer_file": str(folder / "token")}]})
    reply = fetch(f"127.0.0.1:{port}", "POST", "/v1/services/api/rollout", headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                  body=json.dumps({"to": "green", "plan_text": plan}), host="127.0.0.1")
    assert reply.status == 403 and b"admin" in reply.body, reply.body


def test_no_password_of_an_nginx_configuration_is_in_what_import_says(folder):
    (folder / "nginx.conf").write_text("""http { server { listen 8080;
        location / { proxy_pass http://joe:geheim@127.0.0.1:9001; proxy_set_header Authorization "Basic geheim"; }
        location /b { proxy_pass http://joe:geheim@127.0.0.1:9002/x; } location /c { proxy_pass https://joe:geheim@127.0.0.1:9003; } } }""")
    done = subprocess.run([binary("sluicectl"), "import", "nginx", str(folder / "nginx.conf")], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "geheim" not in done.stdout + done.stderr, done
    assert "127.0.0.1:9001" in done.stdout and "the user and password in it are not translated" in done.stdout, done
