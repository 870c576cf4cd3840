"""The verbs of sluicectl and the admin API: what they change, say and exit with (C1-C7)."""
import json
import os
import signal
import subprocess
import threading

import pytest
from client import Client, fetch
from sluice import binary, config_of, service
from waiting import wait_until


@pytest.fixture
def shop(sluice, backend):
    """Two services (api and web) with blue and green each."""
    made = {name: backend(name) for name in ("api-blue", "api-green", "web-blue", "web-green")}
    services = {s: service({"blue": [made[f"{s}-blue"]], "green": [made[f"{s}-green"]]}) for s in ("api", "web")}
    daemon = sluice(config_of(services))
    daemon.backends = made
    return daemon


def who(daemon, host="test.local"):
    return daemon.fetch(host=host).get("X-Backend")


# -- split

def test_split_answers_with_before_after_generation_and_undo(shop):
    generation = shop.generation
    reply = shop.do("split", "api", "blue=95%", "green=5%")
    assert reply["changed"] is True and reply["generation"] == generation + 1
    assert reply["before"] == {"blue": "100%", "green": "0%"} and reply["after"] == {"blue": "95%", "green": "5%"}
    assert reply["undo"].startswith("sluicectl ")
    assert shop.shares() == {"blue": 95, "green": 5} and shop.shares("web") == {"blue": 100, "green": 0}
    words = reply["undo"].split()[1:]
    assert shop.ctl(*words).code == 0 and shop.shares() == {"blue": 100, "green": 0}, "the command it names undoes it"


def test_split_forms_of_shares(shop):
    assert shop.do("split", "api", "green=0.5%", "--rest", "blue")["after"] == {"blue": "99.5%", "green": "0.5%"}
    shop.do("split", "api", "green=0.001%", "--rest", "blue")
    assert shop.shares() == {"blue": 99.999, "green": 0.001}
    reply = shop.api("PUT", "/v1/services/api/split", {"blue": "75%", "green": "25%"})
    assert reply.status == 200 and reply.json["after"] == {"blue": "75%", "green": "25%"}
    reply = shop.api("PUT", "/v1/services/api/split", {"blue": 0.5, "green": 0.5})
    assert reply.status == 200 and shop.shares() == {"blue": 50, "green": 50}


def test_what_is_already_so_is_unchanged(shop):
    generation = shop.generation
    done = shop.ctl("split", "api", "blue=100%", "green=0%", check=0)
    assert "unchanged" in done.out
    assert shop.do("cutover", "api=blue")["changed"] is False
    assert shop.generation == generation, "nothing changed: no new generation"


@pytest.mark.parametrize("args, code", [
    (["split", "api", "blue=95%", "green=4%"], 2), (["split", "api", "blue=banana", "green=5%"], 2), (["split", "api"], 2),
    (["split", "api", "blue=101%", "green=-1%"], 2), (["split", "api", "blue=50%", "blue=50%"], 2),
    (["splitt", "api"], 2), ([], 2), (["split", "api", "blue=95%", "gren=5%"], 4), (["split", "ap", "blue=95%", "green=5%"], 4),
    (["drain", "api/blu"], 4), (["drain", "api/blue/127.0.0.1:1"], 4), (["weight", "api/blue/127.0.0.1:1", "2"], 4),
    (["cutover", "api=purple"], 4), (["rollback", "nothing"], 4), (["status", "nothing"], 4), (["drain", "api"], 2),
    (["undo", "--to-generation", "9999"], 4), (["weight", "api/blue/127.0.0.1:1", "x"], 2), (["--if-generation", "9999", "cutover", "api=green"], 5),
])
def test_exit_codes_of_mistakes(shop, args, code):
    generation = shop.generation
    done = shop.ctl(*args)
    assert done.code == code, done
    assert done.err.strip() and not done.out.strip()
    as_json = shop.ctl("-o", "json", *args)
    assert as_json.code == code and isinstance(as_json.error, dict), as_json
    assert shop.generation == generation


def test_mistakes_come_with_a_suggestion(shop):
    assert "green" in shop.ctl("split", "api", "blue=95%", "gren=5%", check=4).err
    assert "api" in shop.ctl("split", "ap", "blue=95%", "green=5%", check=4).err
    assert "split" in shop.ctl("splti", "api", check=2).err


def test_daemon_unreachable_is_exit_3(shop):
    done = subprocess.run([binary("sluicectl"), "--socket", str(shop.folder / "nothing.sock"), "status"], capture_output=True, text=True)
    assert done.returncode == 3 and "nothing.sock" in done.stderr


def test_socket_from_the_environment(shop):
    done = subprocess.run([binary("sluicectl"), "status"], capture_output=True, text=True, env={"SLUICE_SOCKET": shop.socket})
    assert done.returncode == 0 and "api" in done.stdout


def test_dry_run_says_what_would_change_and_changes_nothing(shop):
    generation = shop.generation
    for args in (["split", "api", "blue=95%", "green=5%"], ["cutover", "api=green"],
                 ["drain", f"api/green/{shop.backends['api-green'].address}"], ["add", "api/green", "127.0.0.1:9"]):
        reply = shop.do(*args, "--dry-run")
        assert reply["before"] != reply["after"], args
    reply = shop.api("PUT", "/v1/services/api/split?dry_run=true", {"blue": "95%", "green": "5%"})
    assert reply.status == 200 and reply.json["after"] == {"blue": "95%", "green": "5%"}
    assert shop.generation == generation and shop.shares() == {"blue": 100, "green": 0}
    assert shop.ctl("split", "api", "blue=95%", "green=4%", "--dry-run").code == 2
    assert shop.ctl("split", "api", "blue=95%", "gren=5%", "--dry-run").code == 4


def test_if_generation_and_if_match(shop):
    generation = shop.generation
    shop.ctl("split", "api", "blue=90%", "green=10%", "--if-generation", generation, check=0)
    shop.ctl("split", "api", "blue=80%", "green=20%", "--if-generation", generation, check=5)
    assert shop.shares() == {"blue": 90, "green": 10}
    reply = shop.api("GET", "/v1/status")
    etag = reply.headers["ETag"]
    assert str(generation + 1) in etag
    body = {"blue": "70%", "green": "30%"}
    assert shop.api("PUT", "/v1/services/api/split", body, {"If-Match": etag}).status == 200
    moved = shop.api("PUT", "/v1/services/api/split", {"blue": "60%", "green": "40%"}, {"If-Match": etag})
    assert moved.status == 412 and moved.headers["Content-Type"].startswith("application/problem+json")
    assert shop.shares() == {"blue": 70, "green": 30}


# -- cutover, rollback, undo

def test_cutover_rollback_and_never_forward(shop):
    shop.do("cutover", "api=green")
    assert who(shop) == "api-green" and shop.service()["stable"] == "green"
    shop.do("rollback", "api")
    assert who(shop) == "api-blue" and shop.shares() == {"blue": 100, "green": 0}
    again = shop.ctl("rollback", "api")
    assert who(shop) == "api-blue", f"a second rollback never goes forward again: {again}"


def test_rollback_from_a_canary_split(shop):
    shop.do("split", "api", "blue=95%", "green=5%")
    shop.do("split", "api", "blue=50%", "green=50%")
    assert shop.service()["stable"] == "blue"
    shop.do("rollback", "api")
    assert shop.shares() == {"blue": 100, "green": 0}


def test_C6_several_services_in_one_generation(shop):
    generation = shop.generation
    reply = shop.do("cutover", "api=green", "web=green")
    assert reply["generation"] == generation + 1 == shop.generation
    assert who(shop) == "api-green" and who(shop, "web.local") == "web-green"
    reply = shop.api("POST", "/v1/cutover", {"services": {"api": "blue", "web": "blue"}})
    assert reply.status == 200 and reply.json["generation"] == generation + 2
    shop.ctl("cutover", "api=green", "web=purple", check=4)
    assert who(shop) == "api-blue", "all or nothing"
    shop.do("cutover", "api=green", "web=green")
    shop.do("rollback", "api", "web")
    assert who(shop) == "api-blue" and who(shop, "web.local") == "web-blue"


def test_undo_goes_back_one_or_to_a_generation(shop):
    first = shop.generation
    for green in (5, 25, 50):
        shop.do("split", "api", f"blue={100 - green}%", f"green={green}%")
    shop.do("undo")
    assert shop.shares() == {"blue": 75, "green": 25}
    shop.do("undo", "--to-generation", first)
    assert shop.shares() == {"blue": 100, "green": 0}
    assert shop.generation == first + 5, "going back is a change like any other"


def test_cutover_waits_until_drained(shop):
    gate = threading.Event()
    shop.backends["api-blue"].on("/slow", lambda c, r: (gate.wait(10), c.answer(200, "late")))
    client = shop.client()
    client.send_request(target="/slow")
    wait_until(lambda: shop.backends["api-blue"].seen("/slow"), what="a request in flight")
    done = shop.ctl("cutover", "api=green", "--wait-drained=100ms")
    assert done.code == 7, "it is in force, what was in flight goes on"
    assert who(shop) == "api-green"
    gate.set()
    assert client.read().status == 200, "C4: the old pool's request finishes"
    client.close()
    shop.ctl("cutover", "api=blue", "--wait-drained", check=0)


def test_C2_after_the_reply_the_same_connection_goes_to_the_new_pool(shop):
    with shop.client() as client:
        for side in ["green", "blue"] * 20:
            shop.api("POST", "/v1/cutover", {"services": {"api": side}})
            assert client.request().get("X-Backend") == f"api-{side}"


def test_C1_a_request_under_way_keeps_its_snapshot(shop):
    gate = threading.Event()
    shop.backends["api-blue"].on("/slow", lambda c, r: (gate.wait(10), c.answer(200, "blue")))
    with shop.client() as client:
        client.send_request(target="/slow")
        wait_until(lambda: shop.backends["api-blue"].seen("/slow"), what="the request in flight")
        shop.do("cutover", "api=green")
        gate.set()
        assert client.read().body == b"blue"
        assert client.request().get("X-Backend") == "api-green"


def test_C5_share_for_a_pool_that_cannot_serve_needs_force(shop):
    green = f"api/green/{shop.backends['api-green'].address}"
    shop.do("maint", green)
    for args in (["cutover", "api=green"], ["split", "api", "blue=95%", "green=5%"]):
        done = shop.ctl(*args)
        assert done.code == 9 and "green" in done.err, done
        assert shop.shares() == {"blue": 100, "green": 0}
    shop.ctl("cutover", "api=green", "--force", check=0)
    assert shop.shares() == {"blue": 0, "green": 100}
    shop.ctl("rollback", "api", check=0)
    assert who(shop) == "api-blue"


def test_C7_rollback_works_while_the_bad_pool_is_gone(shop):
    shop.do("cutover", "api=green")
    shop.backends["api-green"].stop()
    shop.ctl("rollback", "api", check=0)
    assert who(shop) == "api-blue"


# -- backends

def test_add_weight_remove(shop, backend):
    third = backend("third")
    reply = shop.do("add", "api/blue", third.address, "--name", "third", "--weight", "5")
    assert reply["changed"] and "third" in shop.pool("blue")["backends"]
    assert shop.backend("third")["weight"] == 5
    seen = {who(shop) for _ in range(20)}
    assert seen == {"api-blue", "third"}
    shop.do("weight", "third", "0")
    assert shop.backend("third")["weight"] == 0 and {who(shop) for _ in range(20)} == {"api-blue"}
    shop.do("remove", "third")
    assert "third" not in shop.pool("blue")["backends"]
    assert shop.ctl("add", "api/blue", "not-an-address").code == 2
    assert shop.ctl("add", "api/blue", shop.backends["api-blue"].address).code in (0, 5, 9)


def test_add_waits_until_healthy(sluice, backend, port):
    check = {"path": "/health", "interval": "50ms", "timeout": "100ms", "rise": 2}
    blue, other = backend("blue"), backend("other")
    daemon = sluice(config_of({"api": service({"blue": [blue], "green": [blue]}, health_check=check)}))
    daemon.ctl("add", "api/green", other.address, "--wait-healthy", "5s", check=0)
    assert daemon.backend(other.address, "green")["health"] == "up"
    done = daemon.ctl("add", "api/green", f"127.0.0.1:{port()}", "--wait-healthy", "300ms")
    assert done.code == 7, done
    daemon.ctl("wait", "healthy", "api/blue", "--timeout", "5s", check=0)
    assert daemon.ctl("wait", "healthy", "api/green", "--timeout", "200ms").code == 7


def test_H1_maint_and_ready_are_the_operators(shop):
    target = f"api/blue/{shop.backends['api-blue'].address}"
    address = shop.backends["api-blue"].address
    shop.ctl("maint", target, check=9)
    assert shop.backend(address)["admin"] == "ready", "the last one of a pool with a share"
    noted = shop.ctl("maint", target, "--force", check=0)
    assert "no eligible backend" in noted.err, "forced it is done, and said"
    assert shop.backend(address)["admin"] == "maint"
    assert shop.fetch().status == 503
    assert shop.do("maint", target)["changed"] is False
    shop.do("ready", target)
    assert shop.backend(address)["admin"] == "ready" and shop.fetch().status == 200


# -- looking

def test_status_has_what_the_contract_names(shop):
    for _ in range(10):
        shop.fetch()
    status = shop.do("status")
    blue = status["services"]["api"]["pools"]["blue"]
    assert blue["share"] == 1 and blue["requests"] == 10 and blue["errors"] == 0 and blue["in_flight"] == 0
    assert blue["p50_ms"] > 0 and blue["p50_ms"] <= blue["p95_ms"] <= blue["p99_ms"]
    one = blue["backends"][shop.backends["api-blue"].address]
    assert one == {**one, "admin": "ready", "health": "unknown", "weight": 1, "in_flight": 0, "requests": 10}
    assert status["services"]["api"]["stable"] == "blue" and status["services"]["api"]["rollout"] is None
    assert status["generation"] == shop.generation
    only = shop.do("status", "api")
    assert "api" in json.dumps(only) and "web-blue" not in json.dumps(only)
    table = shop.ctl("status", check=0).out
    assert "blue" in table and "green" in table and "\x1b" not in table, "no colour when not a terminal"


def test_status_watch_goes_on_until_interrupted(shop):
    watching = subprocess.Popen([binary("sluicectl"), "--socket", shop.socket, "status", "-w"], stdout=subprocess.PIPE, text=True)
    try:
        assert watching.stdout.readline()
        shop.do("split", "api", "blue=77%", "green=23%")
        for line in watching.stdout:
            if "23" in line:
                break
        else:
            raise AssertionError("the change never showed")
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=10)


def test_T4_history_says_who_what_when_why(shop):
    shop.do("--reason", "INC-12 errors on pay", "cutover", "api=green")
    shop.do("split", "web", "blue=50%", "green=50%", "--reason", "try web")
    out = shop.ctl("history", check=0).out
    assert "INC-12 errors on pay" in out and "try web" in out and "cutover" in out
    only = shop.ctl("history", "api", check=0).out
    assert "INC-12" in only and "try web" not in only
    document = shop.do("history")
    text = json.dumps(document)
    assert "INC-12" in text and "uid" in text
    assert shop.api("GET", "/v1/history").json == document


def read_events(client, count):
    """Server-sent events until `count` are there: (id, type, data)."""
    head = client.head()
    assert head.status == 200 and head.get("Content-Type").startswith("text/event-stream")
    events = []
    while len(events) < count:
        while b"\n\n" not in client.buffer:
            client.more()
        block, client.buffer = client.buffer.split(b"\n\n", 1)
        fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
        if "data" in fields:
            events.append((fields.get("id"), fields.get("event"), fields["data"]))
    return events


def test_events_stream_and_resume_after_the_last_id(shop):
    with Client(shop.socket) as listening:
        listening.send_request(target="/v1/events", headers={"Accept": "text/event-stream"})
        shop.do("cutover", "api=green")
        shop.do("cutover", "api=blue")
        events = read_events(listening, 2)
    assert all(identity and identity.isdigit() and json.loads(data) for identity, _, data in events)
    ids = [int(e[0]) for e in events]
    assert ids == sorted(ids)
    shop.do("cutover", "api=green")
    with Client(shop.socket) as listening:
        listening.send_request(target="/v1/events", headers={"Last-Event-ID": str(ids[0])})
        resumed = read_events(listening, 2)
    assert resumed[0] == events[1] and int(resumed[1][0]) > ids[1]
    out = shop.ctl("events", check=0).out
    assert "api" in out


def test_events_follow_shows_changes_as_they_happen(shop):
    following = subprocess.Popen([binary("sluicectl"), "--socket", shop.socket, "-o", "json", "events", "-f"],
                                 stdout=subprocess.PIPE, text=True)
    try:
        stop = threading.Event()

        def flip():
            side = 0
            while not stop.is_set():
                shop.ctl("cutover", f"api={('green', 'blue')[side % 2]}")
                side += 1
        flipper = threading.Thread(target=flip)
        flipper.start()
        lines = [following.stdout.readline() for _ in range(3)]
        stop.set()
        flipper.join()
        assert all(json.loads(line) for line in lines)
    finally:
        following.terminate()
        following.communicate(timeout=10)


# -- the API's manners

def test_unknown_fields_wrong_types_and_methods_are_problems(shop):
    for method, path, body, status, word in (
            ("POST", "/v1/cutover", {"services": {"api": "green"}, "servces": 1}, 400, "servces"),
            ("POST", "/v1/cutover", {"services": 5}, 400, "services"),
            ("PUT", "/v1/services/api/split", {"blue": [], "green": "5%"}, 400, "blue"),
            ("PUT", "/v1/services/nope/split", {"blue": "100%"}, 404, "nope"),
            ("GET", "/v1/nothing", None, 404, "nothing")):
        reply = shop.api(method, path, body)
        assert reply.status == status, reply
        assert reply.headers["Content-Type"].startswith("application/problem+json") and word in reply.body.decode()
    assert shop.api("PUT", "/v1/services/api/split", raw=b"{not json").status == 400
    assert shop.api("PUT", "/v1/services/api/split", raw=b"[" * 100_000).status in (400, 413)
    wrong = shop.api("GET", "/v1/cutover")
    assert wrong.status == 405 and "POST" in wrong.headers["Allow"], "mutations are POST, PUT, PATCH and DELETE only"
    assert shop.shares() == {"blue": 100, "green": 0}


def test_backend_paths_of_the_api(shop, backend):
    third = backend("third")
    base = "/v1/services/api/pools/blue/backends/third"
    added = shop.api("PUT", base, {"address": third.address, "weight": 2})
    assert added.status == 200 and added.json["changed"] and added.json["undo"]
    assert shop.api("PATCH", base, {"weight": 4}).json["changed"]
    assert shop.backend("third")["weight"] == 4
    assert shop.api("POST", base + "/drain", {"wait": True}).status == 200
    assert shop.backend("third")["admin"] == "drained"
    assert shop.api("POST", base + "/ready").status == 200
    assert shop.backend("third")["admin"] == "ready"
    assert shop.api("DELETE", base).status == 200
    assert "third" not in shop.pool("blue")["backends"]


def test_admin_socket_is_private_and_mode_is_as_configured(shop, sluice, backend):
    assert os.stat(shop.socket).st_mode & 0o777 == 0o660
    config = config_of({"api": service({"blue": [backend("b")]})}, admin={"socket_mode": "0600"})
    config["admin"]["socket"] = str(shop.folder / "other.sock")
    sluice(config)
    assert os.stat(shop.folder / "other.sock").st_mode & 0o777 == 0o600


def test_admin_http_needs_the_token_for_everything_but_health_and_metrics(sluice, backend, port, folder):
    (folder / "token").write_text("secret-token\n")
    bind = f"127.0.0.1:{port()}"
    daemon = sluice(config_of({"api": service({"blue": [backend("b")], "green": [backend("g")]})},
                              admin={"http": {"bind": bind, "token_file": str(folder / "token")}}))

    def ask(path, method="GET", headers=(), body=None):
        return fetch(bind, method, path, headers, body, host=bind)
    for path in ("/metrics", "/livez", "/readyz", "/"):
        assert ask(path).status == 200, path
    assert ask("/v1/status").status == 401
    assert ask("/v1/status", headers={"Authorization": "Bearer wrong"}).status == 401
    assert ask("/v1/status", headers={"Authorization": "Bearer secret-token"}).status == 200
    cut = ask("/v1/cutover", "POST", {"Content-Type": "application/json"}, '{"services":{"api":"green"}}')
    assert cut.status == 401 and daemon.shares() == {"blue": 100, "green": 0}
    done = subprocess.run([binary("sluicectl"), "--url", f"http://{bind}", "--token-file", str(folder / "token"), "cutover", "api=green"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    assert daemon.shares() == {"blue": 0, "green": 100}
    assert "secret-token" not in daemon.stderr() + json.dumps(daemon.do("history"))


def test_completion_and_help(shop):
    for shell in ("bash", "zsh", "fish"):
        assert "sluicectl" in shop.ctl("completion", shell, check=0).out
    assert "split" in shop.ctl("--help", check=0).out
    assert shop.ctl("split", "--help", check=0).out
    assert shop.ctl("--version", check=0).out.strip()
