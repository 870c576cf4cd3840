"""The audit log is a chain (T4): over restarts, kill -9, rotations and upgrades; what was done to it is found and named."""
import hashlib
import json
import os
import re
import signal

import pytest
from sluice import config_of, service
from upgraded import Upgraded
from waiting import wait_until


def by_other_means(*files):
    """The numbers of a log's lines, checked without any of the daemon's code."""
    numbers, before = [], "0" * 64
    for file in files:
        for line in file.read_bytes().splitlines():
            said = json.loads(line)
            body = line[:line.rindex(b',"hash":"')]
            assert hashlib.sha256(body).hexdigest() == said["hash"], line
            assert said["prev"] == before, line
            numbers.append(said["number"])
            before = said["hash"]
    return numbers


@pytest.fixture
def audited(sluice, backend):
    """A daemon with some changes made."""
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}))
    daemon.audit = daemon.state_dir / "audit.log"
    change(daemon, 3)
    return daemon


def change(daemon, times=1):
    for _ in range(times):
        green = daemon.shares()["green"]
        daemon.do("split", "api", f"blue={99 - green}%", f"green={green + 1}%")


def verify(daemon, *args, check=None):
    done = daemon.ctl("-o", "json", "history", "--verify", *args)
    assert done.code == (0 if done.json["whole"] else 9), done
    if check is not None:
        assert done.json["whole"] == check, done.json
    return done.json


def test_every_line_names_the_one_before_it(audited):
    assert by_other_means(audited.audit) == [1, 2, 3]
    told = verify(audited, check=True)
    assert (told["lines"], told["first"], told["fault"]) == (3, 1, None)
    last = json.loads(audited.audit.read_text().splitlines()[-1])
    assert told["head"] == {"number": 3, "hash": last["hash"]} == audited.status()["audit"]
    assert f'sluice_audit_head{{hash="{last["hash"]}"}} 3' in audited.metrics()
    text = audited.ctl("history", "--verify", check=0).out
    assert text.startswith("whole: 3 lines since 20") and f"head: 3 {last['hash']}" in text
    audited.ctl("cutover", "api=nowhere", check=4)
    assert by_other_means(audited.audit) == [1, 2, 3, 4], "a refusal is a line as well"


def test_a_restart_and_kill_9_go_on_with_the_chain(audited):
    audited.stop()
    audited.start()
    change(audited)
    audited.kill()
    audited.start()
    change(audited)
    assert by_other_means(audited.audit) == [1, 2, 3, 4, 5]
    assert verify(audited, check=True)["notes"] == []


def test_a_rotated_log_goes_on_in_the_new_file(audited):
    old = audited.audit.with_name("audit.log.1")
    audited.audit.rename(old)
    audited.signal(signal.SIGUSR1)
    wait_until(lambda: change(audited) or audited.audit.exists(), what="a new file")
    numbers = by_other_means(old, audited.audit)
    assert numbers == list(range(1, len(numbers) + 1))
    assert json.loads(audited.audit.read_text().splitlines()[0])["prev"] == json.loads(old.read_text().splitlines()[-1])["hash"]
    alone = verify(audited, check=True)
    assert alone["first"] > 1 and "earlier file" in alone["notes"][0]
    both = verify(audited, "--audit-log", str(audited.audit), str(old), check=True)  # in any order
    assert both["lines"] == len(numbers) and both["files"] == [str(old), str(audited.audit)]
    audited.audit.rename(audited.audit.with_name("audit.log.2"))
    audited.stop()
    audited.start()
    assert "has to be in an earlier file" in verify(audited, check=True)["notes"][0], "rotated, and no line since"
    change(audited)
    assert by_other_means(old, audited.audit.with_name("audit.log.2"), audited.audit)[-1] == numbers[-1] + 1


@pytest.mark.parametrize("done, line, kind", [
    (lambda lines: lines[0:1] + [lines[1].replace(b'"split"', b'"abort"')] + lines[2:], 2, "changed"),
    (lambda lines: lines[0:1] + lines[2:], 2, "missing"),
    (lambda lines: lines[0:2] + lines[1:], 3, "inserted"),
    (lambda lines: lines[0:2] + [b'{"verb":"nothing"}\n'] + lines[2:], 3, "inserted"),
    (lambda lines: lines[0:2], 3, "missing"),
    (lambda lines: lines[1:], None, None),  # what was before the first line of a file, only the older files know
], ids=["changed", "missing", "copied", "inserted", "cut off", "begins later"])
def test_what_was_done_to_it_is_found(audited, done, line, kind):
    audited.audit.write_bytes(b"".join(done(audited.audit.read_bytes().splitlines(keepends=True))))
    found = verify(audited, check=line is None)
    if line:
        assert (found["fault"]["file"], found["fault"]["line"], found["fault"]["kind"]) == (str(audited.audit), line, kind), found
        text = audited.ctl("history", "--verify", check=9).out
        assert text.startswith(f"not whole: {audited.audit}:{line}: {kind}: "), text


def test_a_file_that_is_none(audited, folder):
    (folder / "empty").write_text("")
    (folder / "words").write_text("some words\n")
    assert "no such file" in audited.ctl("history", "--verify", "--audit-log", str(folder / "none"), check=2).err.lower()
    assert verify(audited, "--audit-log", str(folder / "words"), check=False)["fault"]["kind"] == "unchained"
    assert verify(audited, "--audit-log", str(folder / "empty"), check=True)["lines"] == 0
    assert "leave out 'api'" in audited.ctl("history", "api", "--verify", check=2).err
    assert "--verify" in audited.ctl("history", "--audit-log", "x", check=2).err


def test_a_torn_line_is_told_by_the_next_start(audited):
    audited.kill()
    with open(audited.audit, "ab") as log:
        log.write(b'{"time":"2026-11-28T10')
    torn = verify(audited, "--audit-log", str(audited.audit), check=False)
    assert (torn["fault"]["line"], torn["fault"]["kind"]) == (4, "torn")
    audited.start()
    wait_until(lambda: "the last line was not written to its end: 22 bytes of it are left" in audited.stderr(), what="the log's line")
    change(audited)
    told = verify(audited, check=True)
    assert told["lines"] == 5 and told["unchained"] == 1 and "was not written to its end" in told["notes"][0]
    lines = audited.audit.read_bytes().splitlines()
    assert json.loads(lines[4])["unchained"] == {"lines": 1, "bytes": 23, "torn": True,
                                                 "sha256": hashlib.sha256(lines[3] + b"\n").hexdigest()}


def test_the_chain_begins_behind_an_earlier_version(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend()], "green": [backend()]})}), start=False)
    daemon.state_dir.mkdir()
    daemon.audit = daemon.state_dir / "audit.log"
    daemon.audit.write_text('{"verb":"split","result":"done"}\n' * 3)
    daemon.start()
    change(daemon)
    told = verify(daemon, check=True)
    assert (told["lines"], told["unchained"], told["first"]) == (2, 3, 1)
    assert "3 lines without a hash are of an earlier version: the chain begins here" in daemon.audit.read_text()
    daemon.audit.write_text(daemon.audit.read_text().replace("done", "gone", 1))
    assert verify(daemon, check=False)["fault"]["line"] == 1, "from there on they belong to it"


def test_without_its_head_it_goes_on_behind_the_last_line(audited):
    audited.stop()
    (audited.state_dir / "audit.head").unlink()
    audited.start()
    change(audited)
    assert by_other_means(audited.audit) == [1, 2, 3, 4, 5]
    assert "audit.head is not there" in json.loads(audited.audit.read_text().splitlines()[3])["result"]


def test_an_upgrade_keeps_one_chain_and_a_rotation_after_it(request, folder, backend):
    daemon = Upgraded(folder / "d", config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}))
    request.addfinalizer(daemon.finish)
    daemon.audit = daemon.state_dir / "audit.log"
    change(daemon, 2)
    for _ in range(2):
        daemon.upgrade()
        change(daemon)
        daemon.alone()
    old = daemon.audit.with_name("old")
    daemon.audit.rename(old)
    os.kill(daemon.pid(), signal.SIGUSR1)
    wait_until(lambda: change(daemon) or daemon.audit.exists(), what="a new file")
    numbers = by_other_means(old, daemon.audit)
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum('"verb":"upgrade"' in line for line in old.read_text().splitlines()) == 2
    assert verify(daemon, "--audit-log", str(old), str(daemon.audit), check=True)["lines"] == len(numbers)


def test_a_viewer_may_ask_over_the_api(audited):
    reply = audited.api("GET", "/v1/history/verify")
    assert reply.status == 200 and reply.json["whole"] is True
    assert re.search(r"GET +/v1/history/verify", audited.api("GET", "/v1/endpoints").body.decode())
