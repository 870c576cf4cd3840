"""What a dry run foretells of a shift from the traffic of the last hour: what moves, who carries it, what the gates would find."""
import pytest
from load import send
from sluice import config_of, service
from waiting import wait_until

PLAN = ["--steps", "5%,50%,100%", "--hold", "10m", "--max-error-rate", "1%", "--max-error-increase", "1%", "--max-p95", "500ms"]


@pytest.fixture
def shop(sluice, recorder):
    """shop(requests, **service options) -> a daemon that has seen so many."""

    def start(requests, **options):
        daemon = sluice(config_of({"api": service({"blue": [recorder("blue")], "green": [recorder("green"), recorder("green2")]},
                                                  **options)}))
        if requests:
            send(daemon, requests)
            wait_until(lambda: "why" not in foretold(daemon, "split", "api", "blue=95%", "green=5%"), 20, "the traffic to be known")
        return daemon

    return start


def foretold(daemon, *command):
    return daemon.do(*command, "--dry-run")["forecast"]["api"]


def test_a_plan_says_what_each_step_moves_and_what_its_gates_would_find(shop):
    daemon = shop(3000, sticky={"keys": ["header:X-User"]})
    told = foretold(daemon, "rollout", "start", "api", "--to", "green", *PLAN)
    assert told["sticky"] and told["requests_per_second"] > 0 and told["error_rate"] == 0 and told["p95_ms"] > 0
    assert [step["share"] for step in told["steps"]] == ["5%", "50%", "100%"]
    assert [step["users_moved"] for step in told["steps"]] == ["5%", "45%", "50%"]
    first = told["steps"][0]
    assert first["hold_ms"] == 600_000
    assert first["requests_per_second"] == pytest.approx(told["requests_per_second"] * 0.05, abs=0.002)
    assert first["requests_moved_per_minute"] == pytest.approx(told["requests_per_second"] * 0.05 * 60, abs=0.1)
    assert [gate["gate"] for gate in first["gates"]] == \
        ["error_rate max 1 %", "error_rate against stable max_increase 1 %", "p95 max 500 ms"]
    assert [gate["gate"] for gate in told["steps"][2]["gates"]] == ["error_rate max 1 %", "p95 max 500 ms"], "nobody to compare with"
    errors = first["gates"][0]
    assert [one["value"] for one in errors["worse"]] == pytest.approx([0.012, 0.015, 0.02, 0.03])
    slower = [gate["worse"][-1]["median_s"] for gate in (errors, told["steps"][1]["gates"][0]) if gate["worse"][-1]["median_s"]]
    assert slower == sorted(slower, reverse=True), "ten times the traffic finds it sooner"
    assert daemon.shares() == {"blue": 100, "green": 0} and daemon.status()["services"]["api"]["rollout"] is None


def test_it_reads_well(shop):
    daemon = shop(3000)
    said = daemon.ctl("rollout", "start", "api", "--to", "green", *PLAN, "--dry-run", check=0).out
    assert "api: what is foretold" in said and "requests a second, 0 % errors, p95" in said
    assert "STEP  SHARE  HOLD  USERS MOVE" in said and "no keys" in said
    assert "error_rate max 1 %: 0 % -> 2 % " in said and "0 % -> 1.2 % " in said and "ask for less" in said
    assert "a canary that fails everything is stopped within" in said


def test_a_pool_that_cannot_carry_it_is_named(shop):
    daemon = shop(2000)
    assert "problem" not in foretold(daemon, "split", "api", "blue=50%", "green=50%")["steps"][0]["pools"][0]
    pool = foretold(daemon, "cutover", "api=green")["steps"][0]["pools"][0]
    assert pool["pool"] == "green" and pool["eligible"] == 2 and pool["rate"] > 0
    daemon.ctl("maint", "api/green/" + next(iter(daemon.pool("green")["backends"])), check=0)
    alone = foretold(daemon, "cutover", "api=green")["steps"][0]["pools"][0]
    assert alone["eligible"] == 1 and alone["rate"] == pytest.approx(2 * pool["rate"], rel=0.5)


def test_more_in_flight_than_a_backend_may_have_is_named(sluice, backend, recorder, loader):
    slow = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [slow], "green": [{"address": recorder("green").address, "max_in_flight": 1}]})}))
    load = loader(daemon, connections=12, path="/delay/50")
    wait_until(lambda: "problem" in foretold(daemon, "cutover", "api=green").get("steps", [{"pools": [{}]}])[0]["pools"][0], 30, "it")
    load.finish()
    said = daemon.ctl("cutover", "api=green", "--dry-run", check=0).out
    assert "mind: green at 100%" in said and "may have 1: the others wait" in said


def test_without_traffic_it_says_so_and_what_to_do(shop):
    daemon = shop(0)
    for command in (("split", "api", "blue=95%", "green=5%"), ("rollout", "start", "api", "--to", "green", *PLAN)):
        told = foretold(daemon, *command)
        assert "no request came" in told["why"] and "ask again when there was traffic" in told["why"]
        assert "no request came" in daemon.ctl(*command, "--dry-run", check=0).out


def test_what_shifts_nothing_is_not_foretold(shop):
    daemon = shop(0)
    backend = next(iter(daemon.pool("blue")["backends"]))
    assert "forecast" not in daemon.do("weight", f"api/blue/{backend}", "3", "--dry-run")
    assert "forecast" not in daemon.do("split", "api", "blue=100%", "green=0%", "--dry-run")
    assert "forecast" not in daemon.do("split", "api", "blue=95%", "green=5%")


def test_an_upgrade_forgets_none_of_it(upgradable, recorder):
    daemon = upgradable({"api": service({"blue": [recorder("blue")], "green": [recorder("green")]})})
    send(daemon, 500)
    split = ("split", "api", "blue=95%", "green=5%")
    wait_until(lambda: "why" not in foretold(daemon, *split), 20, "the traffic to be known")
    before = foretold(daemon, *split)
    daemon.upgrade()
    after = foretold(daemon, *split)
    assert after["requests_per_second"] * after["known_s"] == pytest.approx(500, rel=0.02)
    assert after["known_s"] > before["known_s"] and after["p95_ms"] == before["p95_ms"]
