"""status for one service and for many: patterns, order, a line each; results on stdout, notes on stderr."""
import json
import re
import subprocess

import pytest
from sluice import binary, config_of, service
from waiting import wait_until

HEAD = ["SERVICE", "STABLE", "SHARES", "REQ/S", "ERR", "%", "P99", "MS", "BACKENDS", "STATE"]


@pytest.fixture
def many(sluice, backend):
    """many(names): a daemon of these services, all served by one backend."""
    def start(*names, **more):
        blue = backend("blue")
        services = {name: service({"blue": [blue], "green": [blue]}) for name in names}
        routes = [{"host": f"{name}.local", "service": name} for name in names]
        return sluice(config_of(services, routes, **more))
    return start


def names_in(out):
    """The first word of each line below the head."""
    head, *lines = out.splitlines()
    assert head.split() == HEAD, out
    return [line.split()[0] for line in lines]


def test_up_to_twenty_services_are_tables_and_more_a_line_each(many):
    few, lot = many(*[f"s{i:02}" for i in range(20)]), many(*[f"s{i:02}" for i in range(21)])
    assert few.ctl("status", check=0).out.count("POOL") == 20
    out = lot.ctl("status", check=0).out
    assert names_in(out) == [f"s{i:02}" for i in range(21)]
    assert re.search(r"^s07 +blue +blue 100% +0\.0 +- +- +2/2 ready +-$", out, re.M), out


def test_a_name_or_a_pattern_that_fits_one_shows_it_with_its_backends(many):
    daemon = many("shop-api", "shop-web", "mail")
    for words in (["mail"], ["m*"]):
        out = daemon.ctl("status", *words, check=0).out
        assert out.startswith("mail   stable blue") and "BACKEND" in out and "shop" not in out
    out = daemon.ctl("status", "shop-*", check=0).out
    assert out.count("POOL") == 2 and "mail" not in out and "LAST ERROR" not in out
    assert names_in(daemon.ctl("status", "--brief", "shop-*", check=0).out) == ["shop-api", "shop-web"]
    assert names_in(daemon.ctl("status", "mail", "--brief", check=0).out) == ["mail"]
    assert list(daemon.do("status", "shop-?[ew]*")["services"]) == ["shop-web"]


@pytest.mark.parametrize("words, suggestion", [(["mial"], "did you mean 'mail'?"), (["mial*"], "did you mean 'mail'?"),
                                               (["x*z"], "there are shop-api, shop-web and mail")])
def test_what_fits_none_is_not_found_with_a_suggestion(many, words, suggestion):
    daemon = many("shop-api", "shop-web", "mail")
    done = daemon.ctl("status", *words, check=4)
    assert done.out == "" and suggestion in done.err, done
    failed = daemon.ctl("-o", "json", "status", *words, check=4)
    assert failed.out == "" and failed.error["suggestion"] == suggestion


def test_the_order_that_was_asked_for(many):
    daemon = many("c", "a", "b")
    daemon.do("split", "b", "blue=60%", "green=40%")
    daemon.do("split", "c", "blue=90%", "green=10%")
    assert names_in(daemon.ctl("status", "--brief", check=0).out) == ["c", "a", "b"]
    assert names_in(daemon.ctl("status", "--brief", "--sort", "name", check=0).out) == ["a", "b", "c"]
    assert names_in(daemon.ctl("status", "--brief", "--sort", "share", check=0).out) == ["b", "c", "a"]
    assert list(daemon.do("status", "--sort", "share")["services"]) == ["b", "c", "a"]
    for _ in range(3):
        daemon.fetch("/good", host="a.local")
    daemon.fetch("/good", host="b.local")
    wait_until(lambda: names_in(daemon.ctl("status", "--brief", "--sort", "rps", check=0).out) == ["a", "b", "c"])
    wait_until(lambda: names_in(daemon.ctl("status", "--brief", "--sort", "p99", check=0).out)[2] == "c")
    done = daemon.ctl("status", "--sort", "erors", check=2)
    assert "did you mean 'errors'?" in done.err


def test_what_is_going_on_is_in_the_line(many):
    daemon = many("a", "b", "c")
    daemon.do("split", "a", "blue=95%", "green=5%", "--confirm-within", "1h")
    daemon.do("pause", "b")
    daemon.do("mirror", "c", "--to", "green", "--share", "10%")
    out = daemon.ctl("status", "--brief", check=0).out
    a, b, c = out.splitlines()[1:]
    assert "blue 95%, green 5%" in a and re.search(r"unconfirmed, reverts in (1h|59m 5\ds)$", a), out
    assert b.endswith("  paused") and c.endswith("  mirror 10% to green"), out


def test_the_flags_and_keys_are_completed(many):
    daemon = many("shop")
    def completed(*words):
        done = subprocess.run([binary("sluicectl"), "__complete", "--socket", daemon.socket, *words], capture_output=True, text=True)
        return done.stdout.split()
    assert {"--brief", "--sort", "-w"} <= set(completed("status", "-"))
    assert completed("status", "--sort", "p") == ["p50", "p95", "p99"]
    assert "--sort KEY" in daemon.ctl("status", "--help", check=0).out


# -- results on stdout, notes on stderr, in order

def both(daemon, *words):
    """What a terminal shows: both streams as they come."""
    done = subprocess.run([binary("sluicectl"), "--socket", daemon.socket, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.stdout.splitlines()


def test_results_are_on_stdout_and_notes_on_stderr(many):
    daemon = many("api")
    done = daemon.ctl("split", "api", "blue=90%", "green=10%", "--dry-run", check=0)
    assert done.out.startswith("api: blue 100% -> 90%") and "note" not in done.out
    assert done.err.startswith("note: api: it has no sticky keys"), done
    first, *_, last = both(daemon, "split", "api", "blue=90%", "green=10%", "--dry-run")
    assert first.startswith("api: blue") and last.startswith("note: ")
    done = daemon.ctl("mirror", "api", "--to", "blue", "--share", "5%", check=0)
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["api", "undo"]
    assert done.err.startswith("note: blue is the stable pool of api"), done
    done = daemon.ctl("preview", "api/green", check=0)
    assert re.fullmatch(r"X-Sluice-Preview: \S+\n", done.out) and done.err.startswith("note: leads to api/green until "), done
    done = daemon.ctl("token", "grafana", "--role", "viewer", check=0)
    assert [line.split()[0] for line in done.out.splitlines()] == ["token", "line"] and done.err.startswith("note: "), done


def test_with_json_all_is_one_document_and_stderr_is_empty(many):
    daemon = many("api")
    for words in (["split", "api", "blue=90%", "green=10%", "--dry-run"], ["mirror", "api", "--to", "blue", "--share", "5%"],
                  ["preview", "api/green"], ["token", "t"], ["status", "--brief"], ["reload"]):
        done = daemon.ctl("-o", "json", *words, check=0)
        assert isinstance(json.loads(done.out), dict) and done.err == "", (words, done)
    failed = daemon.ctl("-o", "json", "status", "nope", check=4)
    assert failed.out == "" and isinstance(failed.error, dict)


# -- times and durations

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_times_have_one_format_in_every_log(many, folder):
    daemon = many("api", access_log={"path": str(folder / "access.log")})
    daemon.do("split", "api", "blue=90%", "green=10%")
    daemon.fetch("/good", host="api.local")
    wait_until(lambda: (folder / "access.log").read_text())
    times = [json.loads((folder / "access.log").read_text().splitlines()[0])["ts"]]
    times += [json.loads(line)["time"] for line in (daemon.state_dir / "audit.log").read_text().splitlines()]
    times += [entry["time"] for entry in daemon.do("history")["history"]]
    times += [line.split()[0] for line in daemon.stderr().splitlines()]
    times += [line.split()[0] for line in daemon.ctl("events", check=0).out.splitlines()]
    assert len(times) > 5
    for time in times:
        assert re.fullmatch(STAMP, time), time


def test_durations_are_for_people(many):
    daemon = many("api")
    daemon.do("pause", "api", "--max-hold", "90m")
    assert "max_hold 90m" in daemon.ctl("pause", "api", "--max-hold", "61m", check=0).out  # what can be typed again
    assert "1h 1m at most" in daemon.ctl("explain", "api.local/", check=0).out
    daemon.do("resume", "api")
    daemon.do("drain", "api/green")
    done = daemon.ctl("wait", "drained", "api/green", "--timeout", "10s", check=0)
    assert re.search(r"is drained after \d+(ms|s)$", done.out), done
