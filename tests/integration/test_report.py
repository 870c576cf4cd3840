"""The report of a rollout: what somebody who was not there reads of it, over restarts and upgrades, with what was kept."""
import html.parser
import json
import re
import threading

import pytest
from sluice import config_of, service
from test_rollout import say, until
from upgraded import Upgraded
from waiting import wait_until

FAILING = ["--steps", "50%,100%", "--hold", "1m", "--max-error-rate", "10%", "--min-requests", "20"]


@pytest.fixture
def shifted(sluice, backend, recorder, loader):
    """start(**options) -> daemon under load with a green pool that fails a third of its requests while `broken` is set."""
    def start(make=sluice, **options):
        broken, number = threading.Event(), iter(range(10**9))
        green = backend("green", lambda c, r: say(c, r, 500 if broken.is_set() and next(number) % 3 == 0 else 200))
        daemon = make(config_of({"api": service({"blue": [recorder("blue")], "green": [green]}, **options)}))
        daemon.broken = broken
        daemon.load = loader(daemon, connections=4, pace_us=2000)
        wait_until(lambda: daemon.pool("blue")["requests"] > 50, what="load")
        return daemon
    return start


def report(daemon, *args):
    return daemon.do("report", "api", *args)


def roll_back(daemon, reason="release 42"):
    daemon.broken.set()
    daemon.ctl("rollout", "start", "api", "--to", "green", *FAILING, "--reason", reason, check=0)
    until(daemon, "rolled_back")
    daemon.broken.clear()


class Reader(html.parser.HTMLParser):
    """Checks that what is opened is closed, and keeps the text."""
    VOID = {"meta", "rect", "line", "polyline", "polygon", "circle", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.said = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.VOID or self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        self.said.append(data)


def test_it_answers_what_broke_whom_it_hit_and_why_it_went_back(shifted):
    daemon = shifted(sticky={"keys": ["header:X-User-Id"]})
    roll_back(daemon)
    wait_until(lambda: daemon.shares()["green"] == 0, what="the way back")
    told = report(daemon)
    summary, green = told["summary"], daemon.pool("green")
    assert summary["headline"] == "api: green went back to blue at step 1 of 2 (50 %)"
    assert "error_rate max 10 %" in summary["what_broke"] or "first answers" in summary["what_broke"]
    assert "users (told apart by header:X-User-Id)" in summary["whom_it_hit"]
    assert summary["exposed_ms"] > 0 and 0 < summary["back_ms"] < 5000 and "The way back took" in summary["way_back"]
    assert told["reason"] == "release 42" and told["started_by"].startswith("uid")
    step = told["steps"][0]
    assert (step["number"], step["share"], step["left_by"]) == (1, "50%", "rollout back")
    assert 0 < step["canary"]["errors"] <= green["errors"] and step["canary"]["requests"] <= green["requests"]
    assert step["canary"]["rescued"] > 0, "what rescue hid"
    assert summary["seen_by_clients"] == step["canary"]["errors"] - step["canary"]["rescued"]
    assert [change["verb"] for change in told["changes"]] == ["rollout start", "rollout back"]
    lines = [json.loads(line) for line in (daemon.state_dir / "audit.log").read_text().splitlines()]
    for change in told["changes"]:
        line = next(line for line in lines if line["number"] == change["audit"])
        assert (line["verb"], line["generation"]) == (change["verb"], change["generation"])


def test_every_form_says_the_same(shifted):
    daemon = shifted()
    roll_back(daemon, reason="<b>INC-7</b> | x")
    headline = "api: green went back to blue at step 1 of 2 (50 %)"
    markdown = daemon.ctl("report", "api", check=0).out
    assert markdown.startswith(f"# {headline}\n\n**What broke?** ") and "## Steps" in markdown and "\\<b>INC-7" in markdown
    assert daemon.ctl("-o", "md", "report", "api", check=0).out == markdown or "Made by sluice at" in markdown
    page = daemon.ctl("report", "api", "-o", "html", check=0).out
    reader = Reader()
    reader.feed(page)
    assert not reader.open and "script" not in reader.tags and "link" not in reader.tags and "svg" in reader.tags
    assert headline in reader.said and any("<b>INC-7</b> | x" in said for said in reader.said)
    assert not re.search(r"\b(src|href|url)\s*[=(]", page), "one file"
    over_http = daemon.api("GET", "/v1/services/api/report?format=html")
    assert over_http.headers["Content-Type"] == "text/html; charset=utf-8" and headline.encode() in over_http.body
    assert daemon.api("GET", "/v1/services/api/report").json["summary"]["headline"] == headline


def test_what_was_recorded_survives_kill_9_in_the_middle(shifted):
    daemon = shifted()
    daemon.ctl("rollout", "start", "api", "--to", "green", *FAILING, check=0)
    wait_until(lambda: report(daemon)["steps"][0]["canary"]["requests"] > 20, what="requests of the step")
    story = next((daemon.state_dir / "reports").glob("api.*.json"))
    wait_until(lambda: json.loads(story.read_text())["steps"][0]["canary"]["requests"] > 20, 30, "its record on the disk")
    kept = json.loads(story.read_text())["steps"][0]["canary"]["requests"]
    daemon.load.finish()
    daemon.kill()
    daemon.start()
    daemon.ctl("rollout", "abort", "api", "--reason", "enough", check=0)
    told = report(daemon)
    assert told["summary"]["outcome"] == "was aborted" and told["steps"][0]["canary"]["requests"] >= kept
    assert [change["verb"] for change in told["changes"]] == ["rollout start", "rollout abort"]
    assert told["changes"][1]["reason"] == "enough"
    daemon.stop()
    daemon.start()
    assert report(daemon)["steps"] == told["steps"]


def test_an_upgrade_in_the_middle_loses_nothing(shifted, request, folder):
    def make(config):
        daemon = Upgraded(folder / "d", config)
        request.addfinalizer(daemon.finish)
        return daemon
    daemon = shifted(make)
    daemon.ctl("rollout", "start", "api", "--to", "green", *FAILING, check=0)
    before = wait_until(lambda: (n := report(daemon)["steps"][0]["canary"]["requests"]) > 20 and n, what="requests of the step")
    daemon.upgrade()
    wait_until(lambda: report(daemon)["steps"][0]["canary"]["requests"] > before + 20, what="requests after the upgrade")
    daemon.ctl("rollout", "promote", "api", check=0)
    daemon.load.finish()
    told = report(daemon)
    assert [step["number"] for step in told["steps"]] == [1, 2] and told["steps"][0]["left_by"] == "rollout promote"
    assert len(told["gates"][0]["points"]) > 1


def test_a_rollback_that_comes_later_is_part_of_the_story(shifted):
    daemon = shifted()
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "100%", "--min-requests", "1", "--max-error-rate", "50%", check=0)
    until(daemon, "done")
    assert report(daemon)["summary"]["outcome"] == "is through"
    daemon.stop()
    daemon.start()
    daemon.ctl("rollback", "api", "--reason", "INC-13", check=0)
    told = report(daemon)
    assert told["summary"]["outcome"] == "was taken back later" and "INC-13" in told["summary"]["why_back"]
    assert told["changes"][-1]["verb"] == "rollback"


def test_the_last_twenty_are_kept_and_go_with_the_service(simple, backend):
    daemon, _ = simple({"blue": [backend()], "green": [backend()]})
    ids = []
    for _ in range(22):
        ids.append(daemon.do("rollout", "start", "api", "--to", "green", "--steps", "5%,100%", "--hold", "1h")["generation"])
        daemon.ctl("rollout", "abort", "api", check=0)
    files = {path.name for path in (daemon.state_dir / "reports").iterdir()}
    assert files == {f"api.{one}.json" for one in ids[2:]}
    assert report(daemon)["rollout"] == ids[-1] and report(daemon, "--rollout", str(ids[2]))["rollout"] == ids[2]
    gone = daemon.ctl("report", "api", "--rollout", str(ids[0]), check=4)
    assert f"nothing is kept of a rollout {ids[0]}" in gone.err and f"kept are {ids[2]}" in gone.err
    daemon.config["services"]["web"] = daemon.config["services"].pop("api")
    daemon.config["routes"] = [{"service": "web"}]
    daemon.write_config(daemon.config)
    daemon.ctl("reload", check=0)
    assert not list((daemon.state_dir / "reports").iterdir())


def test_a_damaged_record_costs_no_more_than_itself(shifted):
    daemon = shifted()
    roll_back(daemon)
    story = next((daemon.state_dir / "reports").glob("api.*.json"))
    for damage in (b"", b"{", story.read_bytes()[:200], b"\xff\xfe\0", b"[]", b'{"service":"api","id":"x"}'):
        story.write_bytes(damage)
        told = report(daemon)
        assert told["summary"]["outcome"] == "went back" and told["log"], damage
        daemon.ctl("report", "api", "-o", "html", check=0)
    wait_until(lambda: "cannot be read" in daemon.stderr(), what="the log's line")
    roll_back(daemon)
    assert report(daemon)["steps"]


def test_shifts_without_a_rollout_are_told_of_a_span(shifted):
    daemon = shifted()
    none = daemon.ctl("report", "api", check=4)
    assert "never had a rollout" in none.err and "--since 24h" in none.err
    daemon.ctl("split", "api", "blue=90%", "green=10%", "--reason", "a look", check=0)
    daemon.ctl("rollback", "api", check=0)
    roll_back(daemon)
    told = report(daemon, "--since", "1h")
    assert [change["verb"] for change in told["changes"]] == ["rollout back", "rollout start", "rollback", "split", "start"]
    assert told["changes"][3]["reason"] == "a look" and told["rollouts"][0]["outcome"] == "went back"
    text = daemon.ctl("report", "api", "--since", "1h", check=0).out
    assert "**What happened?** 5 changes, 1 rollout, of which 1 went back." in text
    assert report(daemon, "--since", "1ms")["changes"] == []


def test_what_is_wrong_is_said(simple, backend):
    daemon, _ = simple({"blue": [backend()], "green": [backend()]})
    assert "did you mean 'api'" in daemon.ctl("report", "apo", check=4).err
    assert "exclude" in daemon.ctl("report", "api", "--since", "1h", "--rollout", "3", check=2).err
    assert "of report alone" in daemon.ctl("-o", "html", "status", check=2).err
    assert "no format" in daemon.ctl("-o", "pdf", "report", "api", check=2).err
    assert daemon.api("GET", "/v1/services/api/report?format=pdf").status == 400
    assert daemon.api("GET", "/v1/services/api/report?rollout=x").status == 400
