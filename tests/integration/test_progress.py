"""Verbs that take a while say how far they are: a line that is painted again on a terminal, now and then a line elsewhere."""
import re
import subprocess
import threading

import pytest
from client import fetch
from sluice import binary, config_of, service
from terminal import Terminal
from waiting import wait_until


@pytest.fixture
def terminal():
    """terminal(daemon, *words) runs sluicectl in a terminal of its own."""
    made = []

    def run(daemon, *words, columns=110, rows=24, env=None):
        made.append(Terminal([binary("sluicectl"), "--socket", daemon.socket, *words], columns, rows, {"NO_COLOR": "1", **(env or {})}))
        return made[-1]

    yield run
    for one in made:
        one.close()


@pytest.fixture
def busy(sluice, backend):
    """(daemon, release): one request that is held in blue until release()."""
    made = []

    def start(**more):
        blue, green = backend("blue"), backend("green")
        let_go = threading.Event()

        def hold(connection, request):
            let_go.wait(60)
            connection.answer(200)
        blue.on("/export", hold)
        daemon = sluice(config_of({"api": service({"blue": [{"name": "blue-1", "address": blue.address}], "green": [green]}, **more)}))
        asking = threading.Thread(target=fetch, args=(daemon.address(), "GET", "/export"), kwargs={"timeout": 60})
        asking.start()
        made.append((let_go, asking))
        wait_until(lambda: daemon.pool("blue")["in_flight"] == 1)
        return daemon, let_go.set

    yield start
    for let_go, asking in made:
        let_go.set()
        asking.join()


def test_a_drain_counts_down_in_one_line_which_is_gone_in_the_end(busy, terminal):
    daemon, release = busy()
    daemon.do("cutover", "api=green")
    drain = terminal(daemon, "drain", "api/blue", "--wait", "--timeout", "1h")
    text = drain.shows(r"^api/blue drains +[█░]+  at most (1h|59m 5\ds) more  1 of \d+ left, the oldest /export \d+s$")
    assert len(text.splitlines()) == 1, text
    release()
    assert drain.ends() == 0
    assert re.match(r"api/blue.*draining.*\n", drain.text()) and "at most" not in drain.text(), drain.text()


def test_without_a_deadline_the_time_is_unknown(busy, terminal):
    daemon, release = busy()
    daemon.do("cutover", "api=green")
    daemon.do("drain", "api/blue", "--timeout", "0")
    wait = terminal(daemon, "wait", "drained", "api/blue")
    wait.shows(r"^api/blue drains .*  time left unknown  1 of \d+ left")
    release()
    assert wait.ends() == 0 and re.fullmatch(r"api/blue is drained after \S+", wait.text()), wait.text()


def test_a_cutover_waits_for_what_it_left(busy, terminal):
    daemon, release = busy()
    cutover = terminal(daemon, "cutover", "api=green", "--wait-drained=1h")
    cutover.shows(r"^waits for the pools left behind +[█░]+  at most (1h|59m 5\ds) more  1 in flight there$")
    release()
    assert cutover.ends() == 0 and "in flight" not in cutover.text()


def test_the_wait_for_health_has_its_timeout_and_says_who_is_missing(sluice, backend, terminal, port):
    blue = backend("blue")
    health = {"path": "/health", "interval": "100ms", "timeout": "1s", "rise": 1, "fall": 1}
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [{"name": "green-1", "address": f"127.0.0.1:{port()}"}]}, health_check=health)}))
    wait = terminal(daemon, "wait", "healthy", "api/green", "--timeout", "4s")
    wait.shows(r"^api/green gets healthy +░+  at most [123]s more  0 of 1 up; green-1 is down, ")
    assert wait.ends() == 7 and "gets healthy" not in wait.text()


def test_rolling_says_how_many_are_renewed_and_for_how_long_yet(sluice, backend, terminal):
    members = [{"name": f"api-{i}", "address": backend(f"api-{i}").address} for i in range(3)]
    health = {"path": "/delay/1600", "interval": "100ms", "timeout": "5s", "rise": 1, "fall": 1}
    daemon = sluice(config_of({"api": service({"blue": members}, health_check=health)}))
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "20s", check=0)
    rolling = terminal(daemon, "rolling", "api/blue", "--run", "true")
    rolling.shows(r"api/blue 0/3 renewed +░+  time left unknown  api/blue/api-0 gets healthy")
    rolling.shows(r"api/blue 1/3 renewed +█+░+  about \d+s more  api/blue/api-1 gets healthy", 40)
    assert rolling.ends(40) == 0
    assert rolling.text().endswith("api/blue: 3 backends renewed") and "/3 renewed" not in rolling.text(), rolling.text()


def test_following_a_rollout_has_a_bar_of_the_whole(sluice, backend, terminal):
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}))
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "5%,50%,100%", "--hold", "1h")
    follow = terminal(daemon, "rollout", "status", "api", "--follow")
    follow.shows(r"^(api )?to green +[█░]+  at least (3h|2h 59m) more  step 1 of 3$")
    daemon.do("rollout", "abort", "api")
    assert follow.ends() == 6 and "at least" not in follow.text()


def test_an_upgrade_says_how_long_it_may_take(sluice, backend, terminal, tmp_path):
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")]})}))
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\ncase \"$*\" in *--check*) exit 0 ;; esac\nexec sleep 3\n")
    slow.chmod(0o755)
    upgrade = terminal(daemon, "upgrade", "--binary", str(slow))
    upgrade.shows(r"the new process starts and takes over  since \ds  at most 4\ds more")
    assert upgrade.ends() == 1 and "at most" not in upgrade.text(), upgrade.text()


def test_in_a_log_there_is_a_line_now_and_then_and_none_with_json(busy):
    daemon, release = busy()
    daemon.do("cutover", "api=green")
    command = [binary("sluicectl"), "--socket", daemon.socket, "drain", "api/blue", "--wait", "--timeout", "1h"]
    talking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = talking.stderr.readline()
    assert re.fullmatch(r"api/blue drains: 1 of \d+ left, the oldest /export \d+s, since \d+s, at most 59m \d+s more\n", line), line
    silent = subprocess.Popen([*command[:1], "-o", "json", *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert re.search(r"drains: 1 of", talking.stderr.readline())  # ten seconds later: also the other one has had its time
    release()
    for one, lines in ((talking, None), (silent, "")):
        out, err = one.communicate(timeout=20)
        assert one.returncode == 0 and "\r" not in err and "\x1b" not in err
        assert lines is None or err == lines


def test_what_is_over_in_a_moment_has_no_progress(busy, terminal):
    daemon, _ = busy()
    split = terminal(daemon, "split", "api", "blue=95%", "green=5%")
    assert split.ends() == 0 and "\x1b" not in split.raw, split.raw
