"""H4: a backend's name stands for all its addresses, and follows them. The name server is the test's own, on loopback."""
import json
import threading

import pytest
from backend import Backend
from client import Client
from nameserver import NameServer
from sluice import config_of, service
from waiting import wait_until

CHECK = {"path": "/", "interval": "100ms", "timeout": "500ms", "rise": 1, "fall": 2}


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture
def at():
    """at("127.0.0.2", port): a backend there, stopped at the end."""
    made = []

    def start(host="127.0.0.1", port=0, name=None):
        made.append(Backend(name or host, host=host, port=port))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def config(names, pools, resolve=None, **more):
    more.setdefault("health_check", CHECK)
    if more["health_check"] is None:
        del more["health_check"]
    return config_of({"api": service(pools, **more)}, resolve={"min": "100ms", "max": "200ms", "servers": [names.address], **(resolve or {})})


def served_by(daemon, **options):
    return daemon.fetch("/", **options).get("X-Backend")


def events(daemon, kind=None):
    text = daemon.api("GET", "/v1/events?follow=false").body.decode()
    all_of_them = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    return [e["text"] for e in all_of_them if kind in (None, e["type"])]


# -- all addresses of a name

@pytest.mark.parametrize("check", [CHECK, None])
def test_each_address_is_tried_from_the_first_request_on(sluice, names, at, check):
    """`localhost` with IPv6 on the machine and the application on 127.0.0.1 alone: 503 for ever, it was."""
    there = at("127.0.0.1")
    names.records["both.test"] = {"AAAA": ["::1"], "A": ["127.0.0.1"]}
    daemon = sluice(config(names, {"blue": [f"both.test:{there.port}"]}, health_check=check))
    assert daemon.fetch("/").status == 200
    assert daemon.fetch("/", method="POST", body=b"x").status == 200, "nothing was sent to the other one: any method goes on"
    if check:
        wait_until(lambda: daemon.backend(f"both.test:{there.port}")["health"] == "up", what="a probe at the other address")
    there.stop()
    other = at("::1", there.port)
    wait_until(lambda: daemon.fetch("/").status == 200, what="the other one's turn")
    assert other.seen("/")


def test_localhost_works_as_it_does_everywhere_else(sluice, names, at):
    there = at("127.0.0.1")
    daemon = sluice(config(names, {"blue": [f"localhost:{there.port}"]}))
    assert daemon.fetch("/").status == 200


# -- a name that moves

def test_every_request_after_a_move_goes_to_the_new_address_and_none_fails(sluice, names, at):
    """Requests stayed on the old one as long as traffic kept coming."""
    old = at("127.0.0.2")
    new = at("127.0.0.3", old.port)
    names.records["web.test"] = {"A": ["127.0.0.2"]}
    daemon = sluice(config(names, {"blue": [f"web.test:{old.port}"]}))
    under_way = Client(daemon.address())
    under_way.send_request(target="/drip/8/250")
    wait_until(lambda: old.seen("/drip/8/250"), what="the long request")
    stop, answers, address = threading.Event(), [], daemon.address()

    def load():
        with Client(address) as client:
            while not stop.is_set():
                answer = client.request()
                answers.append((answer.status, answer.get("X-Backend")))
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) > 200, what="traffic on the old address")
    names.records["web.test"] = {"A": ["127.0.0.3"]}
    wait_until(lambda: any("is at 127.0.0.3" in e for e in events(daemon)), what="the publication")
    before = len([r for r in old.seen() if r.target == "/" and r.get("User-Agent") != "sluice-health"])
    moved = len(answers)
    wait_until(lambda: len(answers) > moved + 300, what="traffic on the new address")
    stop.set()
    for thread in threads:
        thread.join()
    after = len([r for r in old.seen() if r.target == "/" and r.get("User-Agent") != "sluice-health"])
    assert {status for status, _ in answers} == {200}
    assert after - before <= len(threads), "those that were under way when the event was read, and no more"
    late = [who for _, who in answers[moved:] if who == "127.0.0.2"]  # a thread may be slow to note its answer, however early it came
    assert len(late) <= len(threads), "one answer a client was still on its way"
    assert under_way.read().status == 200, "what was under way finished at the old address"
    under_way.close()
    wait_until(lambda: not old.open_connections(), what="the end of every connection to the old address")
    assert daemon.generation == 1, "nothing that an operator asked for is another now"


def test_a_failed_connection_has_the_name_looked_up_at_once(sluice, names, at):
    """Long before its time to live is over."""
    old = at("127.0.0.2")
    at("127.0.0.3", old.port)
    names.ttl = 300
    names.records["web.test"] = {"A": ["127.0.0.2"]}
    daemon = sluice(config(names, {"blue": [f"web.test:{old.port}"]}, health_check=None, resolve={"max": "1h"}))
    assert served_by(daemon) == "127.0.0.2"
    names.records["web.test"] = {"A": ["127.0.0.3"]}
    asked = names.times("web.test")
    old.stop()
    wait_until(lambda: served_by(daemon) == "127.0.0.3", what="the new address")
    assert names.times("web.test") > asked


def test_the_time_to_live_is_followed_within_its_bounds(sluice, names, at):
    there = at("127.0.0.1")
    names.records.update({"short.test": {"A": ["127.0.0.1"]}, "long.test": {"A": ["127.0.0.1"]}})
    names.ttl = 0
    daemon = sluice(config(names, {"blue": [f"short.test:{there.port}"]}, health_check=None))
    wait_until(lambda: names.times("short.test") >= 3, what="looks at least 100 ms apart")
    names.ttl = 3600
    daemon.do("add", "api/blue", f"long.test:{there.port}")
    wait_until(lambda: names.times("long.test") >= 3, what="looks at most 200 ms apart")


# -- a name server that is away

@pytest.mark.parametrize("trouble", ["silent", "servfail", "unknown", "empty"])
def test_the_last_known_address_stays_in_force_and_status_says_since_when(sluice, names, at, trouble):
    there = at("127.0.0.1")
    name = f"web.test:{there.port}"
    names.records["web.test"] = {"A": ["127.0.0.1"]}
    daemon = sluice(config(names, {"blue": [name]}))
    assert "stale_since" not in daemon.backend(name)
    resolved = daemon.backend(name)["resolved_since"]
    if trouble == "unknown":
        del names.records["web.test"]
    elif trouble == "empty":
        names.records["web.test"] = {}
    else:
        names.mode = trouble
    wait_until(lambda: "stale_since" in daemon.backend(name), what="a failed look-up in the status")
    backend = daemon.backend(name)
    words = {"silent": "no name server answers", "servfail": "SERVFAIL", "unknown": "NXDOMAIN", "empty": "no address"}
    assert words[trouble] in backend["resolve_error"]
    assert backend["health"] == "up" and backend["resolved_since"] == resolved
    assert daemon.fetch("/").status == 200
    shown = daemon.ctl("status", check=0)
    assert "'web.test' cannot be resolved since 20" in shown.out + shown.err and "last known addresses stay in force" in shown.out + shown.err
    assert "address kept since" in daemon.ctl("status", "api", check=0).out
    names.mode, names.records["web.test"] = "up", {"A": ["127.0.0.1"]}
    wait_until(lambda: "stale_since" not in daemon.backend(name), what="a look-up that succeeds")
    assert [e for e in events(daemon, "warning") if "resolves again" in e]


# -- a name that is not there yet

def test_a_name_that_is_not_known_stops_neither_start_nor_add_nor_reload(sluice, names, at):
    there = at("127.0.0.1")
    name = f"late.test:{there.port}"
    daemon = sluice(config(names, {"blue": [name, there.address]}))
    backend = daemon.backend(name)
    assert backend["health"] == "down"
    assert backend["last_error"].startswith("cannot be resolved: 'late.test': there is no such name (NXDOMAIN)"), backend
    assert daemon.fetch("/").status == 200
    added = daemon.do("add", "api/blue", f"later.test:{there.port}")
    assert any("cannot be resolved: 'later.test'" in warning for warning in added["warnings"]), added
    daemon.config["services"]["api"]["pools"]["blue"]["backends"].append(f"last.test:{there.port}")
    daemon.write_config(daemon.config)
    daemon.do("reload")
    for late in ["late", "later", "last"]:
        assert daemon.backend(f"{late}.test:{there.port}")["health"] == "down"
        names.records[f"{late}.test"] = {"A": ["127.0.0.1"]}
        wait_until(lambda: daemon.backend(f"{late}.test:{there.port}")["health"] == "up", what=f"{late}.test by itself")


def test_a_service_of_unknown_names_alone_comes_up_by_itself(sluice, names, at):
    there = at("127.0.0.1")
    daemon = sluice(config(names, {"blue": [f"late.test:{there.port}"]}, health_check=None))
    answer = daemon.fetch("/")
    assert (answer.status, answer.get("X-Sluice-Error")) == (503, "no_backend")
    refused = daemon.ctl("-o", "json", "split", "api", "blue=100%")
    assert refused.code == 0, refused
    names.records["late.test"] = {"A": ["127.0.0.1"]}
    wait_until(lambda: daemon.fetch("/").status == 200, what="the name to be found")


def test_a_pool_of_unknown_names_is_refused_a_share_with_the_reason(sluice, names, at):
    there = at("127.0.0.1")
    daemon = sluice(config(names, {"blue": [there.address], "green": ["late.test:80"]}))
    refused = daemon.ctl("cutover", "api=green")
    assert refused.code == 9 and "late.test:80 is down (cannot be resolved: 'late.test'" in refused.err, refused


def test_check_does_not_look_names_up(sluice, names, tmp_path):
    import subprocess

    from sluice import binary
    file = tmp_path / "sluice.yaml"
    file.write_text("listeners: [{name: web, bind: '127.0.0.1:0'}]\nservices: {api: {pools: {blue: {backends: ['no.such.test:80']}}}}\n"
                    "routes: [{service: api}]\n")
    done = subprocess.run([binary("sluiced"), "--check", "--config", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done


# -- resolve: all

def group(port, **more):
    return {"name": "web", "address": f"web.test:{port}", "resolve": "all", **more}


def test_each_address_is_a_backend_of_its_own_and_they_share_the_weight(sluice, names, at):
    first, other = at("127.0.0.2"), at("127.0.0.9")
    at("127.0.0.3", first.port), at("127.0.0.4", first.port)
    names.records["web.test"] = {"A": ["127.0.0.2", "127.0.0.3", "127.0.0.4"]}
    daemon = sluice(config(names, {"blue": [group(first.port), {"name": "other", "address": other.address}]}))
    members = [f"web/127.0.0.{n}:{first.port}" for n in (2, 3, 4)]
    assert sorted(daemon.pool("blue")["backends"]) == sorted([*members, "other"])
    wait_until(lambda: all(daemon.backend(one)["health"] == "up" for one in [*members, "other"]), what="the probes")
    served = [served_by(daemon) for _ in range(120)]
    assert served.count("127.0.0.9") == 60, "the group weighs what one backend weighs"
    assert {served.count(f"127.0.0.{n}") for n in (2, 3, 4)} == {20}
    assert sum(daemon.backend(one)["weight"] for one in members) == pytest.approx(1, abs=0.01)


def test_the_members_follow_the_name_server(sluice, names, at):
    """Containers scaled behind one name."""
    first = at("127.0.0.2")
    at("127.0.0.3", first.port), at("127.0.0.4", first.port)
    names.records["web.test"] = {"A": ["127.0.0.2"]}
    daemon = sluice(config(names, {"blue": [group(first.port)]}))
    names.records["web.test"] = {"A": ["127.0.0.2", "127.0.0.3", "127.0.0.4"]}
    wait_until(lambda: {served_by(daemon) for _ in range(6)} == {"127.0.0.2", "127.0.0.3", "127.0.0.4"}, what="three of them")
    names.records["web.test"] = {"A": ["127.0.0.4"]}
    wait_until(lambda: list(daemon.pool("blue")["backends"]) == [f"web/127.0.0.4:{first.port}"], what="one of them")
    assert {served_by(daemon) for _ in range(10)} == {"127.0.0.4"}
    assert daemon.generation == 1


def test_a_member_is_drained_alone_until_its_address_is_gone(sluice, names, at):
    first = at("127.0.0.2")
    at("127.0.0.3", first.port)
    names.records["web.test"] = {"A": ["127.0.0.2", "127.0.0.3"]}
    daemon = sluice(config(names, {"blue": [group(first.port)]}))
    member, other = f"web/127.0.0.2:{first.port}", f"web/127.0.0.3:{first.port}"
    drained = daemon.do("drain", f"api/blue/{member}", "--wait")
    assert drained["undo"] == f"sluicectl ready api/blue/{member}"
    assert daemon.backend(member)["admin"] == "drained" and daemon.backend(other)["admin"] == "ready"
    assert {served_by(daemon) for _ in range(10)} == {"127.0.0.3"}
    looks = names.times("web.test")
    wait_until(lambda: names.times("web.test") > looks + 2, what="more looks")
    assert daemon.backend(member)["admin"] == "drained"
    daemon.stop()
    daemon.start()
    assert daemon.backend(member)["admin"] == "drained", "over a restart"
    generation = daemon.generation
    names.records["web.test"] = {"A": ["127.0.0.3"]}
    wait_until(lambda: member not in daemon.pool("blue")["backends"], what="the end of the address")
    names.records["web.test"] = {"A": ["127.0.0.2", "127.0.0.3"]}
    wait_until(lambda: member in daemon.pool("blue")["backends"], what="the address again")
    assert daemon.backend(member)["admin"] == "ready"
    assert daemon.generation == generation + 1
    assert any(entry["verb"] == "resolve" for entry in daemon.do("history")["history"])


def test_the_name_of_the_group_stands_for_all_of_them(sluice, names, at):
    first = at("127.0.0.2")
    at("127.0.0.3", first.port)
    names.records["web.test"] = {"A": ["127.0.0.2", "127.0.0.3"]}
    daemon = sluice(config(names, {"blue": [group(first.port)], "green": [at("127.0.0.9").address]}))
    members = [f"web/127.0.0.{n}:{first.port}" for n in (2, 3)]
    wait_until(lambda: all(daemon.backend(one)["health"] == "up" for one in members), what="the probes")
    daemon.do("maint", f"api/blue/{members[0]}")
    daemon.do("cutover", "api=green")
    daemon.do("drain", "api/blue/web", "--wait")
    assert {daemon.backend(one)["admin"] for one in members} == {"drained"}
    daemon.do("ready", "api/blue/web")
    assert {daemon.backend(one)["admin"] for one in members} == {"ready"}
    daemon.do("wait", "healthy", "api/blue/web", "--timeout", "10s")
    daemon.do("weight", "web", "3")
    assert {daemon.backend(one)["weight"] for one in members} == {1.5}
    assert daemon.ctl("weight", f"api/blue/{members[0]}", "3").code == 9
    assert daemon.ctl("remove", f"api/blue/{members[0]}").code == 9
    gone = daemon.ctl("drain", "api/blue/web/127.0.0.77:80")
    assert gone.code == 4 and "has no address '127.0.0.77:80'" in gone.err, gone
    daemon.do("remove", "api/blue/web")
    assert daemon.pool("blue")["backends"] == {}


def test_a_group_without_an_address_is_one_backend_that_is_down(sluice, names, at):
    there = at("127.0.0.2")
    daemon = sluice(config(names, {"blue": [group(there.port)]}))
    assert daemon.backend("web")["last_error"].startswith("cannot be resolved: 'web.test'")
    names.records["web.test"] = {"A": ["127.0.0.2"]}
    wait_until(lambda: daemon.fetch("/").status == 200, what="the first address")
    assert list(daemon.pool("blue")["backends"]) == [f"web/127.0.0.2:{there.port}"]


# -- SRV

def test_SRV_records_bring_ports_weights_and_priorities(sluice, names, at):
    heavy, light, spare = at("127.0.0.2"), at("127.0.0.2", name="light"), at("127.0.0.3")
    names.records.update({"a.test": {"A": ["127.0.0.2"]}, "b.test": {"A": ["127.0.0.3"]}, "_http._tcp.web.test": {
        "SRV": [(10, 3, heavy.port, "a.test"), (10, 1, light.port, "a.test"), (20, 1, spare.port, "b.test")]}})
    daemon = sluice(config(names, {"blue": [{"name": "web", "srv": "_http._tcp.web.test"}]}))
    members = [f"web/{one.address}" for one in (heavy, light, spare)]
    assert sorted(daemon.pool("blue")["backends"]) == sorted(members)
    wait_until(lambda: all(daemon.backend(one)["health"] == "up" for one in members), what="the probes")
    served = [served_by(daemon) for _ in range(80)]
    assert (served.count("127.0.0.2"), served.count("light"), served.count("127.0.0.3")) == (60, 20, 0)
    heavy.stop()
    light.stop()
    wait_until(lambda: {daemon.fetch("/").get("X-Backend") for _ in range(5)} == {"127.0.0.3"}, what="the next class")
    heavy.start()
    wait_until(lambda: {served_by(daemon) for _ in range(5)} == {"127.0.0.2"}, what="the first class again")


# -- unix sockets

def test_a_unix_socket_is_a_backend_like_any_other(sluice, names, at, folder):
    path = str(folder / "app.sock")
    there, mirrored = at(path, name="socket"), at(str(folder / "copy.sock"), name="copy")
    name = f"unix:{path}"
    daemon = sluice(config(names, {"blue": [name], "green": [{"address": mirrored.address}]}))
    wait_until(lambda: daemon.backend(name)["health"] == "up", what="a probe")
    probe = there.seen()[0]
    assert probe.get("Host") == "localhost"
    answer = daemon.fetch("/", method="POST", body=b"x")
    assert (answer.status, answer.get("X-Backend")) == (200, "socket")
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    assert daemon.fetch("/copied").status == 200
    wait_until(lambda: mirrored.seen("/copied"), what="the copy")
    assert daemon.metric("sluice_backend_weight", backend=name) == 1
    daemon.do("weight", name, "2")
    assert daemon.backend(name)["weight"] == 2
    daemon.do("cutover", "api=green")
    drained = daemon.do("drain", f"api/blue/{name}", "--wait")
    daemon.ctl(*drained["undo"].split()[1:], check=0)
    daemon.do("wait", "healthy", f"api/blue/{name}", "--timeout", "10s")
    removed = daemon.do("remove", name)
    daemon.ctl(*removed["undo"].split()[1:], check=0)
    assert daemon.backend(name)["admin"] == "ready"


def test_a_socket_that_is_not_there_is_as_a_port_where_nobody_listens(sluice, names, at, folder):
    path = str(folder / "later.sock")
    daemon = sluice(config(names, {"blue": [f"unix:{path}"]}, health_check=None))
    answer = daemon.fetch("/")
    assert (answer.status, answer.get("X-Sluice-Error")) == (502, "connect")
    at(path, name="later")
    assert served_by(daemon) == "later"


def test_a_rollout_verifies_a_unix_socket(sluice, names, at, folder):
    green = at(str(folder / "green.sock"), name="green")
    daemon = sluice(config(names, {"blue": [at("127.0.0.1").address], "green": [green.address]},
                           **{}) | {"plans": {"quick": {"steps": [{"share": "100%", "hold": "0s"}], "verify": [{"path": "/ready"}]}}})
    wait_until(lambda: daemon.backend(green.address)["health"] == "up", what="a probe")
    daemon.do("rollout", "start", "api", "--to", "green", "--plan", "quick")
    wait_until(lambda: daemon.shares()["green"] == 100, what="the rollout")
    assert green.seen("/ready")
