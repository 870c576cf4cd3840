"""Advice works: every command that an error, a note or an `undo:` line prints is accepted when it is typed."""
import re
import shlex

import pytest
from sluice import config_of, service
from waiting import wait_until

# Before `|` what leads there, behind it the command that says something. {b1} ... are addresses, {dead} one where nobody listens.
SESSION = """
split api v1=90% v2=10% v3=0%
split api v1=90% v2=10% v3=0% | split api v1=80% v2=20% v3=0%
split api v1=90% v2=10% v3=0% --confirm-within 1m | split api v1=80% v2=20% v3=0%
split api v1=90% v2=10% v3=0% | split api v1=50% v2=50% v3=0% --confirm-within 1m
split api v1=90% v2=10% v3=0% | cutover api=v2
cutover api=v2
cutover api=v2 web=green
cutover api=v2 --confirm-within 1m
cutover api=v2 --confirm-within 1m | cutover api=v3
cutover api=v2 --confirm-within 1m | maint api/v2
cutover api=v2 --retain 1h
cutover api=v2 --retain 1h | remove api/v1/a1
cutover api=v2 --watch-for 1m
cutover api=v2 web=green --watch-for 1m
cutover api=v2; drain api/v1 | rollback api
cutover api=v2; maint api/v1/a1; maint api/v1/a2 | rollback api
cutover api=v2; drain api/v1 | cutover api=v1
cutover api=v2 | rollback api
cutover api=v2; cutover api=v3; undo | rollback api
cutover api=v2 web=green | rollback api web
cutover api=v2; rollout start api --to v3 --steps 10%,100% --hold 1m; rollout abort api | rollback api
cutover api=v2; rollout start api --to v3 --steps 10%,100% --hold 1m; rollout abort api | undo
cutover api=v2; rollout start api --to v3 --steps 10%,100% --hold 1m | rollback api
drain api/v1 --force | cutover api=v2
drain api/v1 --force | ready api/v1
rollout start api --to v2 --steps 10%,100% --hold 1m
rollout start api --to v2 --steps 10%,100% --hold 1m | rollout start api --to v3 --steps 10%
rollout start api --to v2 --steps 10%,100% --hold 1m | split api v1=50% v2=50% v3=0%
rollout start api --to v2 --steps 10%,100% --hold 1m | undo
rollout start api --to v2 --steps 10%,100% --hold 1m | maint api/v2
rollout start api --to v2 --steps 10%,100% --hold 1m | rollout pause api
rollout start api --to v2 --steps 10%,100% --hold 1m; rollout pause api | rollout resume api
rollout start api --to v2 --steps 10%,100% --hold 1m | rollout promote api
rollout start api --to v2 --steps 10%,100% --hold 1m | rollout promote api --full
rollout start api --to v2 --steps 10%,100% --hold 1m; rollout promote api --full | rollout promote api
rollout start api --to v2 --steps 10%,100% --hold 1m | rollout abort api
rollout abort api
rollout status api
rollout start api --to v1 --steps 10%
confirm api
undo
redo
split api v1=90% v2=10% v3=0% | undo
split api v1=90% v2=10% v3=0%; undo | redo
split api v1=90% v2=10% v3=0%; weight a1 3; pause web | undo --to-generation 1
undo --to-generation 99
drain api/v1/a1
drain api/v1/a1; maint api/v1/a2 --force | drain api/v1
drain api/v1/a1 | ready api/v1/a1
drain api/v1/a1 | drain api/v1/a2
drain api/v1/a1 | maint api/v1/a2
drain api/v1/a1 | remove a2
maint api/v1
maint api/v1/a1
maint api/v1/a1 | ready api/v1/a1
weight api/v1/a1 0
weight api/v1/a1 0 | weight api/v1/a2 0
weight a1 3
add api/v2 {spare} --name spare --weight 3
add api/v1 {b1} --name other
add api/v1 {b1} --name a1 --weight 9
remove a1
weight a1 7 | remove a1
maint api/v1/a1 | remove a1
drain api/v1/a1 --wait | remove a1
rolling api/v1 --run false
rolling api/v1 --run true --batch 2
rolling api/v2 --run true
pause api --max-hold 20s
pause api --max-hold 20s | stop api
stop api --message 'back soon' | resume api
flag set f 10% --service api
flag set f 10% --service api --config '{"a":1}' | flag set f 20% --service api
flag set f 10% --service api | flag rm f
flag set f 10% --service api; flag set f 20% --service web | flag rm f
flag rm f
mirror api --to v2 --share 10%
mirror api --to v2 --share 10% --safe-only | mirror api --off
mirror api --to v2 --share 0%
wait drained api/v1 --timeout 50ms
history ap
status ap
cutover dead=away
cutover dead=away --force
cutover dead=away --force | rollback dead
reload
""".strip().splitlines()

COMMAND = re.compile(r"sluicectl ((?:(?!, or |; or |, sluicectl | first| says| shows| begins| and | takes|\)|   |\n|$).)+)")


@pytest.fixture
def shop(sluice, backend, port):
    made = {name: backend(name) for name in ("a1", "a2", "v2", "v3", "blue", "green", "spare")}
    at = {name: one.address for name, one in made.items()}
    dead = f"127.0.0.1:{port()}"
    check = {"path": "/", "interval": "20ms", "timeout": "1s", "fall": 1}
    daemon = sluice(config_of({
        "api": service({"v1": [{"name": n, "address": at[n]} for n in ("a1", "a2")], "v2": [{"name": "b1", "address": at["v2"]}], "v3": [at["v3"]]}),
        "web": service({"blue": [at["blue"]], "green": [at["green"]]}),
        "dead": service({"here": [at["blue"]], "away": [dead]}, health_check=check)}))
    wait_until(lambda: daemon.backend(dead, "away", "dead")["health"] == "down", what="the dead one to be known")
    daemon.names = {"b1": at["a1"], "spare": at["spare"]}
    return daemon


def run(daemon, line):
    return daemon.ctl(*shlex.split(line.format_map({**daemon.names, "a": "{a}"}) if "'{" not in line else line))


def picture(daemon):
    """What commands change of the services, as undo should bring it back."""
    return {name: {"traffic": one["traffic"]["state"], "flags": one["flags"], "mirror": one["mirror"] and (one["mirror"]["to"], one["mirror"]["share"]),
                   "pools": {pool: (value["share"], {b: (v["admin"].replace("drained", "draining"), v["weight"], v["address"])
                                                     for b, v in value["backends"].items()}) for pool, value in one["pools"].items()}}
            for name, one in daemon.status()["services"].items()}


def advice_in(done):
    lines = [line for line in (done.out + done.err).splitlines() if not line.startswith("undo: ")]
    return [re.sub(r"--timeout \S+", "--timeout 100ms", command.strip().rstrip(".")).replace(" --follow", "")
            for command in COMMAND.findall("\n".join(lines))]


@pytest.mark.parametrize("line", SESSION, ids=range(len(SESSION)))
def test_what_is_advised_is_accepted(shop, line):
    before, _, last = line.rpartition("|")
    for command in filter(None, (part.strip() for part in before.split(";"))):
        done = run(shop, command)
        assert done.code == 0, (command, done)
    then, generation = picture(shop), shop.generation
    done = run(shop, last.strip())
    forced = done.code == 9 and "--force" in done.err
    undo = [text[6:] for text in done.out.splitlines() if text.startswith("undo: ")]
    changed = shop.generation
    for command in advice_in(done):
        shop.ctl("undo", "--to-generation", changed, "--force") if shop.generation != changed else None
        told = shop.ctl(*shlex.split(command))
        assert told.code in (0, 7), (line, command, told)
    if forced:
        if shop.generation != changed:
            shop.ctl("undo", "--to-generation", changed, "--force", check=0)
        told = run(shop, last.strip() + " --force")
        assert told.code == 0, (line, told)
    elif undo and shop.generation == changed:
        told = shop.ctl(*shlex.split(undo[0])[1:])
        whole = last.strip().startswith("rollout promote")  # a step is not taken back alone: all of the rollout is
        assert told.code == 0 and (whole or picture(shop) == then), (line, undo, told)
        assert not whole or shop.shares() == {"v1": 100, "v2": 0, "v3": 0}
        assert "unchanged" not in told.out, (line, undo, told)
    assert undo or done.code or shop.generation == generation or last.strip().startswith(("rolling", "confirm", "undo", "redo", "rollback"))


def test_what_a_rollout_waits_for_can_be_typed(shop):
    shop.ctl("rollout", "start", "api", "--to", "v2", "--steps", "10%,100%", "--approve", "--min-requests", "0", check=0)
    status = wait_until(lambda: (lambda out: out if "approval" in out else None)(shop.ctl("rollout", "status", "api").out), 10, "the step to end")
    assert "waiting   approval: sluicectl rollout promote api\n" in status
    shop.ctl("rollout", "promote", "api", check=0)


def test_advice_is_given(shop):
    """The test above looks at something."""
    said = advice_in(shop.ctl("maint", "api/v1", check=9))
    assert said == ["cutover api=v2"]
    shop.ctl("cutover", "api=v2", check=0)
    shop.ctl("drain", "api/v1", check=0)
    assert advice_in(shop.ctl("rollback", "api", check=9)) == ["ready api/v1"]
