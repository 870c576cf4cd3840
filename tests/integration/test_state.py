"""T1-T4, C3, C7: what survives restarts, reloads and a disk that fails."""
import copy
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from sluice import binary, config_of, service
from waiting import wait_until


@pytest.fixture
def kept(blue_green):
    """(daemon, blue, green) with 100/0 in the file."""
    return blue_green()


def files_of(daemon):
    return [p for p in pathlib.Path(daemon.state_dir).rglob("*") if p.is_file()]


def reconfigure(daemon, change):
    config = copy.deepcopy(daemon.config)
    change(config["services"]["api"])
    daemon.write_config(config)


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_T1_runtime_changes_survive_a_restart(kept, backend, end):
    daemon, blue, green = kept
    third = backend("third")
    daemon.do("split", "api", "blue=90%", "green=10%")
    daemon.do("add", "api/green", third.address, "--name", "third", "--weight", "7")
    daemon.do("drain", f"api/green/{green.address}")
    daemon.do("weight", f"api/blue/{blue.address}", "3")
    generation = daemon.generation
    daemon.kill() if end == "SIGKILL" else daemon.stop()
    daemon.start()
    assert daemon.shares() == {"blue": 90, "green": 10} and daemon.generation >= generation
    assert daemon.backend("third")["weight"] == 7 and daemon.backend(blue.address)["weight"] == 3
    assert daemon.backend(green.address)["admin"] in ("draining", "drained")
    daemon.do("rollback", "api")
    assert daemon.shares() == {"blue": 100, "green": 0}, "the stable table is remembered too"
    assert "10%" in daemon.ctl("history", check=0).out, "and so is the history"


def test_C3_a_reply_means_it_is_on_disk(kept):
    daemon, _, _ = kept
    for green in range(1, 11):
        generation = daemon.do("split", "api", f"blue={100 - green}%", f"green={green}%")["generation"]
        daemon.kill()
        daemon.start()
        assert daemon.shares()["green"] == green and daemon.generation >= generation


def test_T1_a_torn_tail_is_ignored_with_a_warning(kept):
    daemon, _, _ = kept
    for green in (10, 20, 30):
        daemon.do("split", "api", f"blue={100 - green}%", f"green={green}%")
    daemon.kill()
    newest = max(files_of(daemon), key=lambda p: (p.stat().st_mtime_ns, p.stat().st_size))
    with open(newest, "ab") as file:
        file.write(b"\x13\x37 half a record")
    daemon.start()
    assert daemon.shares() == {"blue": 70, "green": 30}
    assert daemon.fetch().status == 200


@pytest.mark.parametrize("damage", ["zeros", "garbage", "empty", "flipped"])
def test_T1_unreadable_state_never_means_an_empty_table(kept, damage):
    daemon, _, _ = kept
    daemon.do("split", "api", "blue=80%", "green=20%")
    daemon.stop()
    for path in files_of(daemon):
        data = path.read_bytes()
        path.write_bytes({"zeros": b"\0" * len(data), "garbage": os.urandom(len(data)), "empty": b"",
                          "flipped": bytes(b ^ (1 if i == len(data) // 2 else 0) for i, b in enumerate(data))}[damage])
    daemon.start(ready=False)
    try:
        daemon.wait_ready()
    except AssertionError:
        daemon.may_end_with.append(daemon.process.wait(10))
        assert daemon.process.returncode > 0 and str(daemon.state_dir) in daemon.stderr(), "or a clear refusal"
        return
    assert sum(daemon.shares().values()) == 100 and daemon.fetch().status == 200
    assert "state" in daemon.stderr().lower(), "the log says what happened"


def test_T2_unchanged_configuration_keeps_the_runtime_value(kept):
    daemon, blue, green = kept
    daemon.do("split", "api", "blue=75%", "green=25%")
    daemon.do("drain", f"api/green/{green.address}", "--force")
    daemon.do("reload")
    assert daemon.shares() == {"blue": 75, "green": 25}
    assert daemon.backend(green.address)["admin"] in ("draining", "drained")
    reconfigure(daemon, lambda s: s.update(balance="least_requests"))
    daemon.do("reload")
    assert daemon.shares() == {"blue": 75, "green": 25}, "another key of the service changed, not this one"


def test_T2_changed_configuration_wins_and_the_conflict_is_named(kept):
    daemon, _, _ = kept
    daemon.do("split", "api", "blue=75%", "green=25%")
    reconfigure(daemon, lambda s: s.update(split={"blue": "60%", "green": "40%"}))
    done = daemon.ctl("reload", check=0)
    assert daemon.shares() == {"blue": 60, "green": 40}
    assert "api" in done.out and ("25" in done.out or "split" in done.out), f"the reply names the conflict: {done.out}"
    wait_until(lambda: "api" in daemon.stderr(), what="the log to name it")
    daemon.do("reload")
    assert daemon.shares() == {"blue": 60, "green": 40}


def test_T2_changed_configuration_wins_over_a_restart_too(kept):
    daemon, _, _ = kept
    daemon.do("split", "api", "blue=75%", "green=25%")
    daemon.stop()
    reconfigure(daemon, lambda s: s.update(split={"blue": "60%", "green": "40%"}))
    daemon.start()
    assert daemon.shares() == {"blue": 60, "green": 40}


def test_reload_adds_and_removes_pools_backends_services_and_listeners(kept, backend):
    daemon, blue, green = kept
    extra = backend("extra")
    old_address = daemon.address()
    config = copy.deepcopy(daemon.config)
    config["services"]["api"]["pools"]["purple"] = {"backends": [extra.address]}
    config["services"]["api"]["split"] = {"blue": "0%", "green": "0%", "purple": "100%"}
    config["services"]["web"] = service({"only": [extra]})
    config["routes"].insert(0, {"host": "web.local", "service": "web"})
    config["listeners"].append({"name": "more", "bind": "127.0.0.1:0"})
    daemon.write_config(config)
    with daemon.client() as client:
        assert client.request().get("X-Backend") == "blue"
        reply = daemon.do("reload")
        assert reply["changed"]
        assert client.request().get("X-Backend") == "extra", "C4: the connection stays, the table is new"
    assert daemon.address() == old_address and daemon.fetch(listener="more", host="web.local").get("X-Backend") == "extra"
    del config["services"]["web"], config["services"]["api"]["pools"]["green"], config["services"]["api"]["split"]["green"]
    config["routes"].pop(0)
    config["listeners"].pop()
    daemon.write_config(config)
    daemon.do("reload")
    assert set(daemon.status()["services"]) == {"api"} and set(daemon.service()["pools"]) == {"blue", "purple"}


@pytest.mark.parametrize("how", ["sluicectl", "SIGHUP"])
def test_a_bad_configuration_is_refused_and_the_old_one_stays(kept, how):
    daemon, _, _ = kept
    daemon.do("split", "api", "blue=75%", "green=25%")
    generation = daemon.generation
    good = daemon.config_file.read_text()
    daemon.config_file.write_text(good.replace('"shutdown_timeout"', '"shutdown_timeot"'))
    if how == "sluicectl":
        done = daemon.ctl("reload", check=2)
        assert "shutdown_timeot" in done.err and "shutdown_timeout" in done.err and "sluice.yaml:" in done.err
    else:
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "shutdown_timeot" in daemon.stderr(), what="the complaint in the log")
    assert daemon.generation == generation and daemon.shares() == {"blue": 75, "green": 25}
    assert daemon.fetch().status == 200
    daemon.config_file.write_text(good)
    daemon.ctl("reload", check=0)


def test_sighup_reloads(kept):
    daemon, _, _ = kept
    reconfigure(daemon, lambda s: s.update(split={"blue": "60%", "green": "40%"}))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.shares() == {"blue": 60, "green": 40}, what="the new table")


def test_config_show_is_a_configuration_with_the_runtime_values(kept, folder):
    daemon, _, _ = kept
    daemon.do("split", "api", "blue=75%", "green=25%")
    shown = daemon.ctl("config", "show", check=0).out
    assert "75%" in shown and "25%" in shown
    (folder / "shown.yaml").write_text(shown)
    daemon.ctl("check", folder / "shown.yaml", check=0)


@pytest.fixture
def full_disk(kept):
    """From now on every write of the daemon to a file fails, until `.over()`."""
    daemon, _, _ = kept
    daemon.stop()
    daemon.preexec = lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the limit stands in for ENOSPC: an error, no signal
    daemon.start()
    daemon.full = lambda: resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    daemon.over = lambda: resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return daemon


def test_C7_rollback_works_on_a_full_disk_and_says_not_durable(full_disk):
    daemon = full_disk
    daemon.do("cutover", "api=green")
    daemon.full()
    done = daemon.ctl("rollback", "api", check=0)
    assert "not durable" in done.out + done.err
    assert daemon.shares() == {"blue": 100, "green": 0} and daemon.fetch().get("X-Backend") == "blue"
    assert "not durable" in daemon.api("GET", "/v1/status").body.decode() or daemon.status()["durable"] is False
    daemon.over()
    generation = daemon.do("split", "api", "blue=90%", "green=10%")["generation"]
    daemon.kill()
    daemon.start()
    assert daemon.shares() == {"blue": 90, "green": 10} and daemon.generation >= generation, "durable again once the disk is"


def test_C7_when_the_disk_recovers_what_was_not_durable_becomes_so(full_disk):
    daemon = full_disk
    daemon.do("cutover", "api=green")
    daemon.full()
    daemon.ctl("rollback", "api", check=0)
    daemon.over()
    daemon.do("weight", f"api/blue/{next(iter(daemon.pool('blue')['backends']))}", "2")
    daemon.kill()
    daemon.start()
    assert daemon.shares() == {"blue": 100, "green": 0}


@pytest.mark.parametrize("kind", ["file", "below a file", "full"])
def test_unusable_state_folder_is_a_clear_error_at_start(sluice, backend, folder, kind):
    (folder / "plain").write_text("")
    where = {"file": folder / "plain", "below a file": folder / "plain/state", "full": folder / "full"}[kind]
    if kind == "full":
        where.mkdir()
    config = config_of({"api": service({"blue": [backend("b")]})}, state_dir=str(where))
    daemon = sluice(config, start=False)

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    done = subprocess.run([binary("sluiced"), "--config", str(daemon.config_file)], capture_output=True, text=True, timeout=20,
                          preexec_fn=no_room if kind == "full" else None)
    assert done.returncode not in (0, None) and done.returncode > 0, done
    assert str(where) in done.stderr, done.stderr


def test_state_dir_on_the_command_line(sluice, backend, folder):
    (folder / "elsewhere").mkdir()
    daemon = sluice(config_of({"api": service({"blue": [backend("b")], "green": [backend("g")]})}),
                    args=["--state-dir", str(folder / "elsewhere")])
    daemon.do("cutover", "api=green")
    assert list((folder / "elsewhere").iterdir())
    daemon.kill()
    daemon.start()
    assert daemon.shares() == {"blue": 0, "green": 100}


def test_state_of_services_that_left_the_file_is_no_obstacle(kept, backend):
    daemon, _, _ = kept
    daemon.do("cutover", "api=green")
    daemon.stop()
    other = backend("other")
    daemon.write_config(config_of({"web": service({"only": [other]})}))
    daemon.start()
    assert daemon.fetch().get("X-Backend") == "other"
