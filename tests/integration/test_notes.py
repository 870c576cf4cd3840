"""What is valid and probably not meant: notes at --check, at the start, at a reload, and of the verbs."""
import json
import subprocess

from sluice import binary, config_of, service
from waiting import wait_until

SHARED = "127.0.0.1:9001"
TWICE = {"blue": [SHARED], "green": [SHARED]}


def check(path):
    return [subprocess.run(command, capture_output=True, text=True)
            for command in ([binary("sluiced"), "--check", "--config", str(path)], [binary("sluicectl"), "check", str(path)])]


def test_check_says_notes_on_stderr_and_still_exits_0(folder):
    path = folder / "sluice.yaml"
    path.write_text(json.dumps(config_of({"shop": service(TWICE, retries={"attempts": 1})}), indent=1))
    for done in check(path):
        assert (done.returncode, done.stdout) == (0, f"{path}: configuration is valid\n")
        first, second = done.stderr.splitlines()
        assert first.startswith(f"{path}:") and f": note: address {SHARED} is in pool 'green' and in pool 'blue' (line" in first
        assert ": note: service 'shop' has 'attempts: 1' and 'rescue: stable'; " in second


def test_check_of_what_is_meant_says_nothing_more(folder):
    path = folder / "sluice.yaml"
    path.write_text(json.dumps(config_of({"shop": service({"blue": [SHARED], "green": ["127.0.0.1:9002"]})})))
    for done in check(path):
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{path}: configuration is valid\n", "")


def test_the_daemon_says_them_in_its_log_and_in_the_reply_to_a_reload(sluice):
    daemon = sluice(config_of({"shop": service({"blue": [SHARED], "green": ["127.0.0.1:9002"]})}))
    assert "is in pool" not in daemon.stderr()
    daemon.write_config({**daemon.config, "services": {"shop": service(TWICE)}})
    warnings = daemon.do("reload")["warnings"]
    assert [w for w in warnings if w.startswith(f"{daemon.config_file}:") and "is in pool 'green' and in pool 'blue'" in w]
    in_the_log = lambda: daemon.stderr().count("is in pool 'green' and in pool 'blue'")  # noqa: E731
    wait_until(lambda: in_the_log() == 1)
    again = daemon.do("reload")
    assert again["changed"] is False and again["warnings"] == warnings
    daemon.stop()
    daemon.start()
    wait_until(lambda: in_the_log() == 2)


def test_a_mirror_to_the_stable_pool_says_that_it_is_the_stable_one(blue_green):
    daemon, _, _ = blue_green()
    reply = daemon.do("mirror", "api", "--to", "blue", "--share", "10%")
    assert ["blue is the stable pool of api" in note for note in reply["notes"]] == [True]
    again = daemon.do("mirror", "api", "--to", "green", "--share", "10%")
    assert "notes" not in again


def test_check_with_json_is_one_document(folder):
    path = folder / "sluice.yaml"
    path.write_text(json.dumps(config_of({"shop": service(TWICE)})))
    done = subprocess.run([binary("sluicectl"), "-o", "json", "check", str(path)], capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["file"], told["valid"]) == (0, "", str(path), True)
    assert [": note: address" in note for note in told["notes"]] == [True]
    path.write_text("listeners: 7")
    done = subprocess.run([binary("sluicectl"), "-o", "json", "check", str(path)], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "" and f"{path}:1:" in json.loads(done.stderr)["detail"]
