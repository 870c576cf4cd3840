"""Notices: what happens is told to webhooks, each in its form, again when it fails, within a limit, and no URL is shown anywhere."""
import json
import re
import subprocess
import time

import pytest
from sluice import binary, config_of, service
from test_drain import hold_on
from test_rollout import fails, say, until
from tls import Authority
from waiting import stays_true, wait_until
from webhook import Webhook

HEALTH = {"path": "/health", "interval": "100ms", "timeout": "1s", "rise": 1, "fall": 2}
SECRETS = ("T0SECRETTEAM", "B0SECRETHOOK", "s3cretW0rdOfSlack")


@pytest.fixture
def webhook():
    made = []

    def make(**options):
        made.append(Webhook(**options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def start(sluice, backend, webhook):
    """start(**of the target) -> daemon with one backend in blue, two in green, and a target `ops` that is daemon.hook."""

    def make(services=None, top=None, hook=None, **target):
        hook = hook or webhook()
        blue, green, other = backend("blue"), backend("green"), backend("green-2")
        if "url_file" not in target:
            target.setdefault("url", hook.url())
        options = {"group_wait": "200ms", **target}
        daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green, other]}, **(services or {}))},
                                  notify=[{"name": "ops", **options}], **(top or {})))
        daemon.hook, daemon.blue, daemon.green, daemon.other = hook, blue, green, other
        return daemon

    return make


def audit(daemon, verb="notify"):
    lines = [json.loads(line) for line in (daemon.state_dir / "audit.log").read_text().splitlines()]
    return [line for line in lines if line["verb"] == verb]


def target(daemon, name="ops"):
    return daemon.status()["notify"][name]


def rolls_back(daemon):
    """Something to tell at once."""
    daemon.ctl("cutover", "api=green", check=0)
    daemon.ctl("rollback", "api", "--reason", "INC-12 <&>", check=0)


# -- the events, by what really causes them

def test_a_rollback_by_an_operator(start):
    daemon = start()
    rolls_back(daemon)
    told = daemon.hook.wait_for("rolled_back")
    body = told.json
    assert told.headers["Content-Type"] == "application/json" and told.path.startswith("/services/T0SECRETTEAM/")
    assert body["service"] == "api" and body["services"] == ["api"] and body["reason"] == "INC-12 <&>" and body["count"] == 1
    assert "uid " in body["actor"], body
    assert body["generation"] == daemon.generation and body["undo"].startswith("sluicectl ") and body["host"]
    assert "api went back" in body["text"] and "green" in body["text"], body
    assert daemon.ctl(*body["next"].split()[1:]).code == 0
    wait_until(lambda: audit(daemon), 10, "the audit line")
    line = audit(daemon)[-1]
    assert line["result"] == "delivered, status 200" and line["new"].startswith("ops: rolled_back: api went back"), line
    wait_until(lambda: daemon.metric("sluice_notices_total", target="ops", result="delivered") == 1, 10, "the metric")
    assert daemon.metric("sluice_notices_queued", target="ops") == 0
    daemon.ctl(*body["undo"].split()[1:], check=0)
    assert daemon.shares() == {"blue": 0, "green": 100}


def test_a_gate_that_fails_and_what_it_takes_back(start, loader):
    daemon = start()
    for one in (daemon.green, daemon.other):
        one.on("/", fails)
    daemon.blue.on("/", say)
    load = loader(daemon, connections=8)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "20%,100%", "--hold", "1m", "--max-error-rate", "5%", check=0)
    until(daemon, "rolled_back")
    load.finish()
    gate, back = daemon.hook.wait_for("gate_failed").json, daemon.hook.wait_for("rolled_back").json
    assert gate["service"] == "api" and gate["pool"] == "green" and gate["detail"]["gate"] in ("fast fail", "error_rate max 5 %")
    assert gate["reason"] and gate["reason"] in gate["text"] and gate["next"] == "sluicectl rollout status api"
    assert back["reason"] == gate["reason"] and back["actor"] == "rollout" and "went back" in back["text"]
    assert len(daemon.hook.told("gate_failed")) == len(daemon.hook.told("rolled_back")) == 1


def test_a_rollout_that_is_done(start, loader):
    daemon = start()
    for one in (daemon.blue, daemon.green, daemon.other):
        one.on("/", say)
    load = loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "50%,100%", "--hold", "0", "--min-requests", "20", "--follow", check=0)
    load.finish()
    body = daemon.hook.wait_for("rollout_done").json
    assert body["service"] == "api" and "the rollout of api is done" in body["text"]
    assert not daemon.hook.told("rolled_back")


def test_a_change_that_nobody_confirmed(start):
    daemon = start()
    daemon.ctl("cutover", "api=green", "--confirm-within", "1s", check=0)
    body = daemon.hook.wait_for("rolled_back").json
    assert body["actor"] == "daemon" and "was not confirmed in time" in body["text"]


def test_a_drain_that_had_to_cut_somebody(start):
    daemon = start(services={"split": {"blue": "0%", "green": "100%"}})
    for one in (daemon.green, daemon.other):
        one.on("/hold", lambda c, r: c.backend.release.wait(30))
    client = daemon.client()
    client.send_request(target="/hold")
    wait_until(lambda: daemon.green.seen("/hold") or daemon.other.seen("/hold"), 10, "the request")
    busy, idle = (daemon.green, daemon.other) if daemon.green.seen("/hold") else (daemon.other, daemon.green)
    daemon.ctl("drain", f"api/green/{busy.address}", "--wait", "--timeout", "200ms", check=8)
    client.close()
    body = daemon.hook.wait_for("drain_forced").json
    assert body["backend"] == busy.address and body["pool"] == "green" and body["detail"]["forced"] == 1
    assert "1 closed" in body["text"] and body["reason"].startswith("1 of 1 requests")
    daemon.ctl(*body["undo"].split()[1:], check=0)
    daemon.ctl("drain", f"api/green/{idle.address}", "--wait", check=0)
    stays_true(lambda: len(daemon.hook.told("drain_forced")) == 1, 0.5, "a drain that ends well is no news")


def test_backends_that_go_and_come_are_one_message_each_way(start):
    daemon = start(services={"health_check": HEALTH}, group_wait="1s")
    daemon.ctl("wait", "healthy", "api/green", "--timeout", "20s", check=0)
    for one in (daemon.green, daemon.other):
        one.on("/health", lambda c, r: c.answer(503, "no"))
    body = daemon.hook.wait_for("backend_down").json
    assert body["count"] == 2 and body["service"] == "api" and body["pool"] == "green" and body["backend"] == ""
    assert {one["backend"] for one in body["notices"]} == {daemon.green.address, daemon.other.address}
    assert all("503" in one["reason"] for one in body["notices"]) and "2 backends are down" in body["text"]
    for one in (daemon.green, daemon.other):
        one.on("/health", lambda c, r: c.answer(200, "ok"))
    up = daemon.hook.wait_for("backend_up").json
    assert up["count"] == 2 and len(daemon.hook.told("backend_down")) == len(daemon.hook.told("backend_up")) == 1


def test_a_backend_that_is_killed(start):
    daemon = start(services={"health_check": HEALTH})
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "20s", check=0)
    daemon.blue.stop()
    body = daemon.hook.wait_for("backend_down").json
    assert body["backend"] == daemon.blue.address and "connect" in body["reason"] and "is down" in body["text"]
    assert not daemon.hook.told("backend_up"), "a start is no news"


def test_a_backend_that_is_ejected(start):
    daemon = start(services={"split": {"blue": "0%", "green": "100%"}, "outlier": {"consecutive_errors": 3, "ejection": "300ms"}})
    daemon.green.on("/", lambda c, r: c.answer(500, "no"))
    wait_until(lambda: daemon.fetch() and daemon.hook.told("backend_down"), 20, "the ejection to be told")
    body = daemon.hook.told("backend_down")[0].json
    assert body["backend"] == daemon.green.address and body["reason"] == "3 requests in a row failed"
    ejected = daemon.metric("sluice_ejections_total")
    wait_until(lambda: daemon.fetch() and daemon.metric("sluice_ejections_total") > ejected, 20, "another ejection")
    stays_true(lambda: len(daemon.hook.told("backend_down")) == 1 and not daemon.hook.told("backend_up"), 0.5, "it is told once")
    daemon.ctl("ready", body["undo"].split()[-1], check=0)
    wait_until(lambda: daemon.hook.told("backend_up") or daemon.backend(daemon.green.address)["health"] != "ejected", 10, "ready")


def test_a_backend_that_the_operator_took_out_is_no_news(start):
    daemon = start(services={"health_check": HEALTH})
    daemon.ctl("wait", "healthy", "api/green", "--timeout", "20s", check=0)
    daemon.ctl("maint", f"api/green/{daemon.green.address}", check=0)
    daemon.green.on("/health", lambda c, r: c.answer(503, "no"))
    wait_until(lambda: daemon.backend(daemon.green.address)["health"] == "down", 10, "the probe to fail")
    daemon.other.on("/health", lambda c, r: c.answer(503, "no"))
    body = daemon.hook.wait_for("backend_down").json
    assert body["count"] == 1 and body["backend"] == daemon.other.address


def test_a_retention_that_is_over(start):
    daemon = start()
    daemon.ctl("cutover", "api=green", "--retain", "1s", check=0)
    body = daemon.hook.wait_for("retain_over").json
    assert body["pool"] == "blue" and body["detail"]["ended"] == "over" and "the time is over" in body["text"]


def test_a_certificate_that_is_ending(start, folder):
    authority = Authority(folder / "tls")
    soon, later = authority.issue("soon", "a.test", days=5), authority.issue("later", "b.test", days=300)
    certificates = [{"cert": str(cert), "key": str(key)} for cert, key in (soon, later)]
    daemon = start(top={"listeners": [{"name": "web", "bind": "127.0.0.1:0"},
                                      {"name": "tls", "bind": "127.0.0.1:0", "tls": {"certificates": certificates}}]})
    body = daemon.hook.wait_for("certificate_ending").json
    assert body["count"] == 1 and body["services"] == [] and body["detail"]["listener"] == "tls"
    assert str(soon[0]) in body["text"] and re.search("expires in [45] days", body["text"]) and body["next"] == "sluicectl reload"
    stays_true(lambda: len(daemon.hook.told("certificate_ending")) == 1, 1.5, "it is told once")


def test_who_is_told_what(sluice, backend, webhook):
    one, two, blue = webhook(), webhook(), backend("blue")
    pools = {"blue": [blue], "green": [backend("green")]}
    daemon = sluice(config_of({"api": service(pools), "shop-a": service(pools)}, notify=[
        {"name": "shops", "url": one.url(), "services": ["shop-*"]},
        {"name": "gates", "url": two.url(), "on": ["gate_failed"]}]))
    for name in ("api", "shop-a"):
        daemon.ctl("cutover", f"{name}=green", check=0)
        daemon.ctl("rollback", name, check=0)
    assert one.wait_for("rolled_back").json["service"] == "shop-a"
    stays_true(lambda: len(one.posted) == 1 and not two.posted, 0.5, "the others are told nothing")


def test_the_form_of_slack(start):
    daemon = start(format="slack")
    rolls_back(daemon)
    wait_until(lambda: daemon.hook.posted, 20, "the message")
    body = daemon.hook.posted[0].json
    assert list(body) == ["text"] and body["text"].startswith("*rolled back* (") and "\n" not in body["text"]
    assert "INC-12 &lt;&amp;&gt;" in body["text"] and "Undo: `sluicectl " in body["text"] and "Next: `sluicectl " in body["text"]


# -- delivery

def test_what_fails_is_told_again(start):
    daemon = start()
    daemon.hook.answers = [500, "close", 200]
    rolls_back(daemon)
    daemon.hook.wait_for("rolled_back", 3)
    wait_until(lambda: target(daemon)["delivered"] == 1, 10, "its delivery")
    first, second, third = daemon.hook.posted
    assert first.body == second.body == third.body
    assert second.at - first.at >= 0.99 and third.at - second.at >= 1.99, "1 s, then 2 s"
    assert [line["result"] for line in audit(daemon)] == ["delivered, status 200"]
    wait_until(lambda: "notices to ops are taken again" in daemon.stderr(), 10, "the line of the log")
    told = daemon.stderr()
    assert told.count("notices to ops fail: status 500: ok") == 1 and told.count("notices to ops are taken again") == 1
    assert "last_error" not in target(daemon)


def test_a_target_that_asks_for_time_gets_it(start):
    daemon = start()
    daemon.hook.answers = [(429, {"Retry-After": "3"})]
    rolls_back(daemon)
    daemon.hook.wait_for("rolled_back", 2)
    assert daemon.hook.posted[1].at - daemon.hook.posted[0].at >= 2.99


def test_a_refusal_is_final_and_said_in_status(start):
    daemon = start()
    daemon.hook.answers = [(404, {}, "no_service at " + daemon.hook.url())]
    rolls_back(daemon)
    wait_until(lambda: target(daemon)["failed"] == 1, 20, "the refusal")
    assert audit(daemon)[-1]["result"] == "not delivered: status 404"
    assert any("notices to ops fail since" in text and "status 404" in text for text in daemon.status()["warnings"])
    assert "notices to ops fail since" in daemon.ctl("status", check=0).out + daemon.ctl("status", check=0).err
    rolls_back(daemon)
    daemon.hook.wait_for("rolled_back", 2)
    wait_until(lambda: not any("notices" in text for text in daemon.status()["warnings"]), 10, "the warning to go")
    stays_true(lambda: len(daemon.hook.posted) == 2, 1.2, "it is not tried again")


def test_a_test_that_is_taken_brings_what_waits(start):
    daemon = start()
    daemon.hook.answers = [(503, {"Retry-After": "600"})]
    rolls_back(daemon)
    wait_until(lambda: any("notices to ops fail" in text for text in daemon.status()["warnings"]), 20, "the warning")
    daemon.ctl("notify", "test", check=0)
    daemon.hook.wait_for("rolled_back", 2)
    wait_until(lambda: not daemon.status()["warnings"], 10, "the warning to go")


def test_a_target_that_hangs_holds_up_nobody(sluice, backend, webhook):
    hanging, well, blue = webhook(), webhook(), backend("blue")
    hanging.answers = ["hang"] * 20
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [backend("green")]})}, notify=[
        {"name": "hanging", "url": hanging.url()}, {"name": "well", "url": well.url()}]))
    began = time.monotonic()
    rolls_back(daemon)
    well.wait_for("rolled_back")
    daemon.ctl("cutover", "api=green", check=0)
    assert time.monotonic() - began < 8, "less than the timeout of one try"
    assert target(daemon, "hanging")["queued"] == 1
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 8
    assert "hanging was not told of rolled_back" in daemon.stderr() and "the daemon ends" in daemon.stderr()


def test_what_waits_is_tried_once_more_at_the_end(start):
    daemon = start(group_wait="10m", services={"health_check": HEALTH})
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "20s", check=0)
    daemon.hook.answers = [500]
    rolls_back(daemon)
    daemon.hook.wait_for("rolled_back")
    daemon.blue.stop()
    wait_until(lambda: target(daemon)["queued"] == 2, 20, "the backend to be down")
    assert daemon.stop() == 0
    assert [one.event for one in daemon.hook.posted] in (["rolled_back", "rolled_back", "backend_down"],
                                                         ["rolled_back"] * 3 + ["backend_down"])


def test_behind_tls_it_is_verified(start, webhook, folder):
    authority = Authority(folder / "tls")
    hook = webhook(pair=authority.issue("local", "127.0.0.1"))
    (folder / "token").write_text("t0ken-of-mine\n")
    daemon = start(hook=hook, ca=str(authority.cert), bearer_file=str(folder / "token"))
    rolls_back(daemon)
    assert hook.wait_for("rolled_back").headers["Authorization"] == "Bearer t0ken-of-mine"
    other = start(hook=hook, timeout="2s")
    failed = other.ctl("notify", "test", check=9)
    assert "TLS: " in failed.err and "certificate" in failed.err


def test_the_limit_a_minute_and_the_number_of_the_rest(start):
    daemon = start(per_minute=2)
    for _ in range(4):
        rolls_back(daemon)
    daemon.hook.wait_for("rolled_back", 2)
    wait_until(lambda: target(daemon)["limited"] == 2, 10, "the limit")
    more = daemon.hook.wait_for("more", timeout=75)
    assert more.at - daemon.hook.posted[0].at >= 59
    assert more.json["count"] == 2 and more.json["counts"] == {"rolled_back": 2} and more.text == "2 more: 2 rolled back"
    assert len(daemon.hook.posted) == 3
    assert daemon.metric("sluice_notices_total", target="ops", result="limited") == 2


def test_a_reload_changes_targets_and_loses_nothing(start, webhook):
    daemon = start()
    daemon.hook.answers = [503] * 50
    rolls_back(daemon)
    daemon.hook.wait_for("rolled_back")
    other = webhook()
    config = dict(daemon.config, notify=[{**daemon.config["notify"][0], "url": other.url("/second")},
                                         {"name": "late", "url": other.url("/late")}])
    daemon.write_config(config)
    daemon.ctl("reload", check=0)
    assert other.wait_for("rolled_back").path == "/second", "what waited goes to where the target is now"
    rolls_back(daemon)
    wait_until(lambda: {one.path for one in other.posted} == {"/second", "/late"}, 20, "the new target")
    daemon.write_config({key: value for key, value in config.items() if key != "notify"})
    daemon.ctl("reload", check=0)
    assert "notify" not in daemon.status()
    bad = dict(config, notify=[{"name": "ops", "url": "ftp://h/" + SECRETS[0]}])
    daemon.write_config(bad)
    refused = daemon.ctl("reload", check=2)
    assert "is not a URL that can be asked" in refused.err and SECRETS[0] not in refused.err + daemon.stderr()


def test_an_upgrade_tells_everything_once(upgradable, backend, webhook):
    """Both processes see a backend go while the old one has a client left; what waited in the old one is told by it."""
    hook, blue = webhook(), backend("blue")
    blue.on("/hold", lambda c, r: c.backend.release.wait(60))
    daemon = upgradable({"api": service({"blue": [blue], "green": [backend("green")]}, health_check=HEALTH)},
                        notify=[{"name": "ops", "url": hook.url(), "group_wait": "200ms"}], shutdown_timeout="20s")
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "20s", check=0)
    held = daemon.client()
    held.send_request(target="/hold")
    wait_until(lambda: blue.seen("/hold"), 10, "the request")
    hook.answers = [503, 503]
    rolls_back(daemon)
    hook.wait_for("rolled_back")
    daemon.upgrade()
    hook.wait_for("rolled_back", 3)
    assert daemon.status()["predecessor"]["requests"] == 1
    rolls_back(daemon)
    hook.wait_for("rolled_back", 4)
    blue.on("/health", lambda c, r: c.answer(503, "no"))
    hook.wait_for("backend_down")
    held.close()
    daemon.alone()
    assert [one.event for one in hook.posted] == ["rolled_back"] * 4 + ["backend_down"]


# -- the verb

def test_a_test_says_what_came_of_it(start):
    daemon = start(per_minute=1)
    for _ in range(3):
        done = daemon.ctl("notify", "test", "ops", check=0)
        assert "ops took it   (status 200, " in done.out
    assert daemon.hook.wait_for("test", 3).text.startswith("this is a test")
    assert daemon.do("notify", "test")["targets"]["ops"]["status"] == 200
    reply = daemon.api("POST", "/v1/notify/test", {"target": "ops"})
    assert reply.status == 200 and reply.json["targets"]["ops"]["took_ms"] > 0
    unknown = daemon.ctl("notify", "test", "obs", check=4)
    assert "there is no target of notices 'obs'" in unknown.err and "did you mean 'ops'" in unknown.err
    daemon.hook.answers = [(403, {}, "invalid_token")]
    refused = daemon.ctl("notify", "test", check=9)
    assert "ops was not told: status 403: invalid_token" in refused.err
    assert daemon.ctl("notify", "tst").code == 2
    assert [line["result"] for line in audit(daemon, "notify test")][-1].startswith("refused: ops was not told")
    offered = subprocess.run([binary("sluicectl"), "__complete", "--socket", daemon.socket, "notify", "test", ""], capture_output=True, text=True)
    assert offered.stdout.split() == ["ops"], offered


def test_without_a_target_there_is_nothing_to_test(simple):
    daemon, _ = simple()
    done = daemon.ctl("notify", "test", check=9)
    assert "there is no target of notices" in done.err and "notify: [{name: ops" in done.err
    assert "sluice_notices_total" not in [line.split("{")[0] for line in daemon.metrics().splitlines()]


# -- the secret

@pytest.mark.parametrize("by_file", [False, True])
def test_no_url_is_shown_anywhere(start, webhook, folder, by_file):
    hook = webhook()
    (folder / "url").write_text(hook.url() + "\n")
    daemon = start(hook=hook, **({"url_file": str(folder / "url")} if by_file else {}))
    hook.answers = [(500, {}, f"cannot post to {hook.url()}"), "close", (404, {}, f"no {SECRETS[2]}")]
    rolls_back(daemon)
    wait_until(lambda: target(daemon)["failed"] == 1, 30, "the refusal")
    daemon.ctl("notify", "test", check=0)
    hook.stop()
    daemon.ctl("notify", "test", check=9)
    told = [daemon.stderr(), daemon.metrics(), daemon.ctl("status").out, daemon.ctl("config", "show", check=0).out,
            daemon.ctl("events").out, daemon.ctl("notify", "test").err]
    told += [str(daemon.api("GET", path).body) for path in ("/v1/status", "/v1/history", "/v1/config", "/v1/config?format=json")]
    told += [path.read_text(errors="replace") for path in daemon.state_dir.rglob("*") if path.is_file() and path.name != "tickets.key"]
    for secret in SECRETS:
        for text in told:
            assert secret not in text, (secret, text[:3000])
    assert "notify:" in told[3] and "name: ops" in told[3]


def test_a_file_that_is_renewed_needs_no_reload(start, webhook, folder):
    old, new = webhook(), webhook()
    (folder / "url").write_text(old.url() + "\n")
    daemon = start(hook=old, url_file=str(folder / "url"))
    daemon.ctl("notify", "test", check=0)
    (folder / "url").write_text(new.url() + "\n")
    daemon.ctl("notify", "test", check=0)
    assert len(old.posted) == len(new.posted) == 1
    (folder / "url").unlink()
    done = daemon.ctl("notify", "test", check=9)
    assert "cannot be read" in done.err
