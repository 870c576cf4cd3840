"""Who may do what: roles by user and group on the socket, by token over TCP; every refusal is in the audit log (T4)."""
import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess

import pytest
from client import fetch
from sluice import binary, config_of, service
from waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs other users")
NOBODY, DAEMON = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
GAMES = grp.getgrnam("games")


@pytest.fixture
def guarded(sluice, backend, folder, port):
    """start(roles, tokens, **admin) -> daemon: blue and green behind a socket that everybody reaches."""

    def start(roles=None, tokens=None, **admin):
        admin = {"socket": str(folder / "d0" / "admin.sock"), "socket_mode": "0666", **admin}
        if roles is not None:
            admin["roles"] = roles
        if tokens is not None:
            file = folder / "admin.token"
            file.write_text(tokens)
            file.chmod(0o600)
            admin["http"] = {"bind": f"127.0.0.1:{port()}", "token_file": str(file)}
        folder.chmod(0o755)
        daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}, admin=admin))
        daemon.folder.chmod(0o755)
        return daemon
    return start


def as_user(daemon, account, *args, groups=()):
    return subprocess.run([binary("sluicectl"), "--socket", daemon.socket, *args], capture_output=True, text=True, timeout=30,
                          user=account.pw_uid, group=account.pw_gid, extra_groups=groups)


def audit(daemon):
    path = daemon.state_dir / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_without_roles_the_mode_of_the_socket_decides(guarded):
    daemon = guarded()
    assert as_user(daemon, NOBODY, "split", "api", "green=5%", "--rest", "blue").returncode == 0


def test_a_viewer_looks_an_operator_shifts_an_admin_does_all(guarded):
    daemon = guarded([{"role": "viewer", "user": "nobody"}, {"role": "operator", "group": "games"}, {"role": "admin", "user": "daemon"}])
    operator = {"account": NOBODY, "groups": [GAMES.gr_gid]}

    def code(*args, account=NOBODY, groups=()):
        return as_user(daemon, account, *args, groups=groups).returncode
    looks = [("status",), ("history",), ("events",), ("config", "show"), ("explain", "http://x/"), ("flag", "list")]
    shifts = [("split", "api", "green=5%", "--rest", "blue"), ("undo",), ("cutover", "api=green"), ("rollback", "api"),
              ("pause", "api"), ("resume", "api"), ("flag", "set", "f", "10%", "--service", "api"), ("preview", "api/green"),
              ("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--hold", "1h"), ("rollout", "abort", "api")]
    rules = [("add", "api/green", "127.0.0.1:1", "--weight", "0"), ("remove", "api/green/127.0.0.1:1"), ("reload",)]
    for verb in looks:
        assert code(*verb) == 0, verb
    for verb in shifts + rules:
        refused = as_user(daemon, NOBODY, *verb)
        assert refused.returncode == 9 and "yours is viewer" in refused.stderr, (verb, refused)
    for verb in looks + shifts:
        assert code(*verb, **operator) == 0, verb
    for verb in rules:
        assert code(*verb, **operator) == 9, verb
        assert code(*verb, account=DAEMON) == 0, verb
    generation = daemon.generation
    refused = audit(daemon)
    lines = [line for line in refused if line["result"].startswith("refused: this needs the role")]
    assert len(lines) == len(shifts + rules) + len(rules) and {line["uid"] for line in lines} == {NOBODY.pw_uid}, lines[:2]
    assert lines[0]["verb"] == "PUT /v1/services/api/split"
    assert daemon.generation == generation


def test_who_has_no_role_gets_nothing_and_root_everything(guarded):
    daemon = guarded([{"role": "viewer", "user": "daemon"}])
    refused = as_user(daemon, NOBODY, "status")
    assert refused.returncode == 9 and "no role" in refused.stderr
    daemon.ctl("split", "api", "green=5%", "--rest", "blue", check=0)


def test_an_operator_may_not_have_the_daemon_run_commands(guarded):
    daemon = guarded([{"role": "operator", "user": "nobody"}])
    for verb in (["rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--exec", "true"],
                 ["cutover", "api=green", "--watch-for", "1m", "--exec", "true"], ["cutover", "api=green", "--exec-before", "true"],
                 ["rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--exec-before", "true"]):
        refused = as_user(daemon, NOBODY, *verb)
        assert refused.returncode == 9 and "exec" in refused.stderr, refused
        assert any("exec" in line["result"] for line in audit(daemon))
        daemon.ctl(*verb, "--dry-run", check=0)


def test_the_socket_has_its_group_and_mode(guarded):
    daemon = guarded(socket_group="games", socket_mode="0660")
    status = os.stat(daemon.socket)
    assert status.st_gid == GAMES.gr_gid and stat.S_IMODE(status.st_mode) == 0o660
    assert as_user(daemon, NOBODY, "status").returncode == 3
    assert as_user(daemon, NOBODY, "status", groups=[GAMES.gr_gid]).returncode == 0


# -- tokens

def call(daemon, token=None, method="GET", path="/v1/status", body=None, headers=()):
    headers = list(headers) + ([("Authorization", f"Bearer {token}")] if token else [])
    return fetch(daemon.config["admin"]["http"]["bind"], method, path, headers, json.dumps(body) if body else None, host="localhost")


def line(name, role, token):
    return f"{name} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}\n"


def test_tokens_have_names_and_roles(guarded):
    daemon = guarded(tokens="# ours\n" + line("grafana", "viewer", "look") + line("ci", "operator", "shift") + line("root", "admin", "all"))
    split = {"method": "PUT", "path": "/v1/services/api/split", "body": {"blue": "95%", "green": "5%"}}
    assert call(daemon).status == 401 and call(daemon, "other").status == 401
    assert call(daemon, "look").status == 200 and call(daemon, "look", **split).status == 403
    assert call(daemon, "shift", **split).status == 200
    assert call(daemon, "shift", "POST", "/v1/reload").status == 403 and call(daemon, "all", "POST", "/v1/reload").status == 200
    assert call(daemon, path="/metrics").status == 200 and call(daemon, path="/livez").status == 200
    assert "token ci" in daemon.do("history")["history"][0]["actor"] or "token ci" in daemon.do("history")["history"][1]["actor"]
    results = [entry["result"] for entry in audit(daemon)]
    assert "refused: this needs a token" in results and "refused: this token is not known" in results
    everything = (daemon.state_dir / "audit.log").read_text() + daemon.stderr() + json.dumps(daemon.status()) + daemon.ctl("config", "show").out
    for secret in ("look", "shift", "all"):
        assert hashlib.sha256(secret.encode()).hexdigest() not in everything
    assert "Bearer" not in everything and '"other"' not in everything


def test_a_token_is_made_given_and_taken_back_without_a_restart(guarded, folder):
    daemon = guarded(tokens="plain-token\n")
    assert call(daemon, "plain-token").status == 200
    made = subprocess.run([binary("sluicectl"), "-o", "json", "token", "ci", "--role", "viewer"], capture_output=True, text=True, check=True)
    made = json.loads(made.stdout)
    assert made["token"] not in made["line"] and made["line"].startswith("ci viewer sha256:")
    (folder / "new").write_text(made["line"] + "\n")
    (folder / "new").rename(folder / "admin.token")
    assert call(daemon, made["token"]).status == 200 and call(daemon, "plain-token").status == 401
    (folder / "new").write_text("oops no token here\n")
    (folder / "new").rename(folder / "admin.token")
    assert call(daemon, made["token"]).status == 200, "a file that cannot be read changes nothing"
    wait_until(lambda: "tokens stay as they were" in daemon.stderr(), what="the log")
    assert "oops" not in daemon.stderr()


def test_pages_of_other_sites_are_refused_and_audited(guarded):
    daemon = guarded(tokens="plain-token\n")
    assert call(daemon, "plain-token", headers=[("Origin", "http://evil.example")]).status == 403
    assert any("evil.example" in entry["result"] for entry in audit(daemon))


def test_knocking_does_not_fill_the_disk(guarded):
    daemon = guarded(tokens="plain-token\n")
    before = len(audit(daemon))
    for _ in range(200):
        assert call(daemon, "wrong").status == 401
    assert len(audit(daemon)) - before <= 60
    assert daemon.metric("sluice_changes_total", result="refused") >= 200
