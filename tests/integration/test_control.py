"""Is the difference the version's? A control cohort of the canary's size, the A/A check before the first step, and judging by users: through
the real daemon, with users who are told apart by a header (issue 19; G5, G6, G7)."""
import contextlib
import itertools
import json
import threading

import pytest
from client import Client, Closed
from sluice import config_of, service
from waiting import stays_true, wait_until

USERS = 240
STICKY = {"keys": ["header:X-User"], "salt": "api"}
PLAN = ["--steps", "10%,25%,100%", "--hold", "1m", "--max-error-increase", "2%", "--min-requests", "20", "--retain", "0"]


def answer(connection, request, failing=lambda user: False):
    connection.answer(500 if failing(request.get("X-User", "")) else 200, connection.backend.name)


class Users:
    """`threads` connections on which users ask in turn, until stop(). `wants` says how often each in a round."""

    def __init__(self, daemon, users=USERS, threads=4, wants=lambda user: 1):
        self.address, self.users, self.wants = daemon.address(), users, wants
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(i, threads)) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def ask(self, first, step):
        turns = (user for _ in itertools.count() for user in range(first, self.users, step) for _ in range(self.wants(f"u{user}")))
        while not self.ending.is_set():
            with contextlib.suppress(Closed, OSError), Client(self.address) as client:  # an upgrade ends connections
                while not self.ending.is_set():
                    client.request("GET", "/", headers=[("X-User", f"u{next(turns)}")])

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def asked():
    made = []

    def start(daemon, **options):
        made.append(Users(daemon, **options))
        return made[-1]

    yield start
    for users in made:
        users.stop()


@pytest.fixture
def pools(sluice, backend):
    """start(blue handler, green handler, **service options) -> daemon, blue, green"""

    def start(blue=answer, green=answer, **options):
        blue, green = backend("blue", blue), backend("green", green)
        options = {"sticky": STICKY, "retries": {"rescue": "none", "attempts": 1}, **options}
        return sluice(config_of({"api": service({"blue": [blue], "green": [green]}, **options)})), blue, green

    return start


def rollout(daemon):
    return daemon.api("GET", "/v1/services/api/rollout").json


def until(daemon, state, timeout=30):
    return wait_until(lambda: rollout(daemon)["state"] == state and rollout(daemon), timeout,
                      lambda: f"{state}; it is {json.dumps(rollout(daemon), indent=1)}")


def explained(daemon, user):
    reply = daemon.api("POST", "/v1/explain", {"url": daemon.url("/"), "headers": [f"X-User: {user}"]})
    assert reply.status == 200, reply
    return reply.json


def said_of(daemon, user):
    """What explain says that the judge makes of a user."""
    return next(step for step in explained(daemon, user)["steps"] if step.startswith("the judge of the rollout"))


def cohort(daemon, sentence):
    return {user for user in range(USERS) if sentence in said_of(daemon, f"u{user}")}


def judgements(daemon):
    return [json.loads(line) for line in (daemon.state_dir / "judgements.log").read_text().splitlines()]


def test_the_control_cohort_is_as_large_as_the_canary_of_stable_s_users_and_who_is_in_it_stays(pools, asked):
    daemon, _, _ = pools()
    asked(daemon)
    daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "0", check=0)
    assert rollout(daemon)["control"] == "a cohort of pool blue with 10% of the users, as many as the canary has"
    canary, control = cohort(daemon, "as the canary's"), cohort(daemon, "in the control cohort")
    nobody = cohort(daemon, "the user is in no cohort")
    assert canary and control and not canary & control and len(canary | control | nobody) == USERS
    assert all(explained(daemon, f"u{user}")["pool"] == "blue" for user in control)
    wait_until(lambda: rollout(daemon)["requests"]["stable"] > 400, what="answers of both")
    now = rollout(daemon)
    compared = next(gate for gate in now["gates"] if "against stable" in gate["gate"])
    everyone = daemon.pool("blue")["requests"]
    assert compared["n_stable"] < everyone / 3, (compared, everyone, "not the whole pool")
    expected = len(control) / len(canary)
    assert 0.7 * expected < compared["n_stable"] / compared["n_canary"] < 1.4 * expected, (compared, expected, "everybody asks as often")
    assert "the control cohort's error rate" in compared["why"]
    assert "to the control cohort of blue" in daemon.ctl("rollout", "status", "api", check=0).out
    daemon.ctl("rollout", "promote", "api", check=0)
    assert rollout(daemon)["share"] == 0.25
    assert control <= cohort(daemon, "in the control cohort"), "a larger canary's cohort has the smaller one's in it"
    assert canary <= cohort(daemon, "as the canary's")
    daemon.ctl("rollout", "promote", "api", check=0)
    assert "control" not in rollout(daemon), "at 100% nobody is left"
    daemon.ctl("rollout", "abort", "api", check=0)
    assert not any("the judge" in step for step in explained(daemon, "u1")["steps"])


def test_without_keys_an_equal_part_of_stable_s_requests_is_the_control(sluice, recorder, loader):
    daemon = sluice(config_of({"api": service({"blue": [recorder("blue")], "green": [recorder("green")]})}))
    loader(daemon, connections=4)
    daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "0", check=0)
    wait_until(lambda: rollout(daemon)["requests"]["canary"] > 1000, what="answers")
    counted = rollout(daemon)["requests"]
    assert 0.9 < counted["stable"] / counted["canary"] < 1.1, counted


def test_aa_measures_stable_against_itself_and_tells_what_it_saw(pools, asked):
    daemon, _, green = pools()
    asked(daemon)
    done = daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "1500ms", check=0)
    assert "A/A" in done.err + done.out
    wait_until(lambda: rollout(daemon)["requests"]["canary"] > 0 or rollout(daemon)["state"] != "verifying", what="its requests")
    assert rollout(daemon)["state"] == "verifying" and "A/A: two cohorts of pool blue" in rollout(daemon)["control"]
    assert not green.requests and daemon.shares() == {"blue": 100, "green": 0}
    until(daemon, "running")
    why = rollout(daemon)["why"]
    assert why.startswith("A/A: ") and "of two cohorts of the stable pool; error_rate against stable" in why, why
    assert any("A/A: " in line["text"] for line in rollout(daemon)["log"])
    assert any(line.get("phase") == "verifying" and line["n_canary"] > 0 for line in judgements(daemon)), "G8"
    assert "A/A: " in daemon.ctl("events", check=0).out


def test_aa_refuses_to_begin_when_stable_alone_fails_a_gate(pools, asked):
    daemon, _, green = pools(blue=lambda c, r: answer(c, r, lambda user: len(c.backend.requests) % 3 == 0))
    asked(daemon)
    start = ["rollout", "start", "api", "--to", "green", *PLAN, "--max-error-rate", "5%", "--control", "equal"]
    done = daemon.ctl(*start, "--aa", "1m", "--follow", check=6)
    assert "A/A: the stable pool alone fails this gate" in done.out, done
    ended = rollout(daemon)
    assert ended["state"] == "rolled_back" and "the first cohort's error rate" in ended["why"]
    assert not green.requests, "nobody got the new version"


def test_one_user_who_always_fails_stops_nothing_and_a_bad_version_does(pools, asked):
    broken = threading.Event()
    daemon, _, green = pools(green=lambda c, r: answer(c, r, lambda user: user == bad[0] or broken.is_set() and int(user[1:]) % 3 == 0))
    bad = [None]
    asked(daemon, wants=lambda user: 10 if user == bad[0] else 1)
    daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "0", check=0)
    canary = cohort(daemon, "as the canary's")
    wait_until(lambda: len({request.get("X-User") for request in green.requests}) >= 8, what="users of the canary")
    bad[0] = f"u{min(canary)}"
    wait_until(lambda: daemon.pool("green")["errors"] > 60, 60, "his errors")
    stays_true(lambda: rollout(daemon)["state"] == "running", 1, "the rollout")
    compared = next(gate for gate in rollout(daemon)["gates"] if "against stable" in gate["gate"])
    assert compared["verdict"] != "fail" and compared["design_effect"] > 2, compared
    broken.set()
    ended = until(daemon, "rolled_back")
    assert "error_rate" in ended["why"] or "fast fail" in ended["why"]


def test_G6_a_canary_that_fails_all_its_users_is_stopped_within_ten_requests(pools, asked):
    daemon, _, green = pools(green=lambda c, r: answer(c, r, lambda user: True))
    asked(daemon)
    wait_until(lambda: daemon.pool("blue")["requests"] > 200, what="load")
    daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "0", check=0)
    assert "fast fail" in until(daemon, "rolled_back")["why"]
    assert 0 < len(green.requests) <= 10


def test_G6_also_where_a_single_user_asks(pools, asked):
    daemon, _, green = pools(green=lambda c, r: answer(c, r, lambda user: True))
    daemon.ctl("rollout", "start", "api", "--to", "green", "--steps", "90%,100%", "--hold", "1m", check=0)
    user = next(user for user in range(USERS) if "as the canary's" in said_of(daemon, f"u{user}"))
    asked(daemon, users=user + 1, threads=1, wants=lambda name: 1 if name == f"u{user}" else 0)
    assert "fast fail" in until(daemon, "rolled_back")["why"]
    assert 0 < len(green.requests) <= 10


def test_G7_an_upgrade_goes_on_with_the_cohorts_evidence(upgradable, backend, asked):
    blue, green = backend("blue", answer), backend("green", answer)
    daemon = upgradable({"api": service({"blue": [blue], "green": [green]}, sticky=STICKY)})
    users = asked(daemon)
    daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--control", "equal", "--aa", "0", check=0)
    wait_until(lambda: rollout(daemon)["requests"]["stable"] > 200, what="answers")
    before, who = rollout(daemon)["requests"], cohort(daemon, "in the control cohort")
    daemon.upgrade()
    wait_until(lambda: rollout(daemon)["requests"]["stable"] >= before["stable"], 10, lambda: f"{before}; it has {rollout(daemon)['requests']}")
    assert cohort(daemon, "in the control cohort") == who
    users.stop()
    daemon.alone()


@pytest.mark.parametrize("arguments, complaint", [
    (["--control", "some"], "equal or pool"),
    (["--aa", "1m"], "--control equal"),
    (["--control", "pool", "--aa", "1m"], "--control equal"),
])
def test_what_does_not_fit_is_refused(pools, arguments, complaint):
    daemon, _, _ = pools()
    done = daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, *arguments, check=2)
    assert complaint in done.err, done
