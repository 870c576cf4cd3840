"""The judged promises under load: 64 keep-alive connections, two workers."""
import json
import os
import random
import threading
import time

import pytest
from load import Ledger
from sluice import config_of, memory_bound, service
from waiting import wait_until


@pytest.fixture
def fleet(sluice, recorder):
    """fleet(**service options) -> (daemon, origins): pools blue and green of two recording origins each."""

    def start(workers=2, **options):
        origins = {name: recorder(name) for name in ("blue-1", "blue-2", "green-1", "green-2")}
        pools = {colour: [{"name": f"{colour}-{i}", "address": origins[f"{colour}-{i}"].address} for i in (1, 2)]
                 for colour in ("blue", "green")}
        return sluice(config_of({"api": service(pools, **options)}, workers=workers)), origins
    return start


class Operator:
    """Makes one random change after the other over the admin socket, and tells the ledger who gets nothing because of it."""

    def __init__(self, daemon, extra, seed):
        self.daemon, self.extra, self.random = daemon, extra, random.Random(seed)
        self.ledger = Ledger()
        self.green = 0.0                 # per cent
        self.drained = set()
        self.added = False
        self.verbs = {}

    def members(self, pool):
        names = [f"{pool}-1", f"{pool}-2"]
        return names + (["extra"] if self.added and pool == "green" else [])

    def silent(self):
        """Who may not get a request that is sent from now on."""
        names = set(self.drained)
        names |= set(self.members("green")) if self.green == 0 else set()
        names |= set(self.members("blue")) if self.green == 100 else set()
        return names | (set() if self.added else {"extra"})

    def step(self):
        verb = self.random.choice(["split", "split", "cutover", "cutover", "drain", "ready", "add", "remove"])
        getattr(self, verb)()

    def call(self, verb, method, path, body=None):
        """The change is applied to what this operator believes only by `act`, between the two looks at who is silent."""
        self.verbs[verb] = self.verbs.get(verb, 0) + 1

        def act():
            reply = self.daemon.api(method, path, body)
            assert reply.status == 200, (verb, path, reply)
            return reply.json
        return act

    def change(self, act, update):
        before = self.silent()
        update()
        after = self.silent()
        return self.ledger.change(act, closed=after - before, opened=before - after)

    def split(self):
        green = self.random.choice([0, 0.1, 5, 25, 50, 75, 95, 100])
        act = self.call("split", "PUT", "/v1/services/api/split", {"blue": f"{100 - green:g}%", "green": f"{green:g}%"})
        self.change(act, lambda: setattr(self, "green", green))

    def cutover(self):
        side = self.random.choice(["blue", "green"])
        act = self.call("cutover", "POST", "/v1/cutover", {"services": {"api": side}})
        self.change(act, lambda: setattr(self, "green", 100 if side == "green" else 0))

    def drain(self):
        name = self.random.choice(["blue-1", "green-1"])  # the others stay, so that each pool can always serve
        act = self.call("drain", "POST", f"/v1/services/api/pools/{name.split('-')[0]}/backends/{name}/drain", {})
        self.change(act, lambda: self.drained.add(name))

    def ready(self):
        name = self.random.choice(["blue-1", "green-1"])
        act = self.call("ready", "POST", f"/v1/services/api/pools/{name.split('-')[0]}/backends/{name}/ready")
        self.change(act, lambda: self.drained.discard(name))

    def add(self):
        if self.added:
            return self.remove()
        act = self.call("add", "PUT", "/v1/services/api/pools/green/backends/extra", {"address": self.extra.address})
        self.change(act, lambda: setattr(self, "added", True))

    def remove(self):
        if not self.added:
            return self.add()
        act = self.call("remove", "DELETE", "/v1/services/api/pools/green/backends/extra")
        self.change(act, lambda: setattr(self, "added", False))


def test_C2_C4_a_thousand_changes_fail_nothing_and_misroute_nothing(fleet, recorder, loader, capsys):
    """Zero failed requests; no request that was sent after a reply reaches anyone whom that generation gives nothing."""
    daemon, origins = fleet()
    extra = recorder("extra")
    seed = random.randrange(1 << 32)
    operator = Operator(daemon, extra, seed)
    operator.ledger.change(lambda: None, closed=operator.silent())
    load = loader(daemon)
    wait_until(lambda: daemon.metric("http_requests_total", service="api") > 1000, what="the load to run")
    for _ in range(1000):
        operator.step()
    told = load.finish()
    records = {name: origin.records() for name, origin in {**origins, "extra": extra}.items()}
    with capsys.disabled():
        rate = told["requests"] / told["seconds"]
        print(f"\n  1,000 changes {operator.verbs}: median {operator.ledger.median_ms():.2f} ms, "
              f"longest {max(operator.ledger.took) * 1000:.1f} ms; {told['requests']} requests at {rate:.0f}/s, "
              f"p99 {told['p99_us'] / 1000:.1f} ms; seed {seed}")
    assert told["failed"] == 0, (told, seed)
    wrong = operator.ledger.misrouted(records)
    assert not wrong, f"{len(wrong)} requests went the old way, up to {max(w[2] for w in wrong):.2f} ms after a reply; seed {seed}"
    assert sum(len(r) for r in records.values()) == told["requests"], "each request reached exactly one backend"
    assert sum(daemon.pool(p)["requests"] for p in ("blue", "green")) == told["requests"]
    assert sum(daemon.pool(p)["errors"] for p in ("blue", "green")) == 0


def test_C2_cutovers_by_the_cli_under_load(fleet, loader):
    daemon, origins = fleet()
    ledger = Ledger()
    ledger.change(lambda: None, closed=["green-1", "green-2"])
    load = loader(daemon)
    for side, other in [("green", "blue"), ("blue", "green")] * 10:
        ledger.change(lambda: daemon.ctl("cutover", f"api={side}", check=0),  # noqa: B023 - called at once
                      closed=[f"{other}-1", f"{other}-2"], opened=[f"{side}-1", f"{side}-2"])
    told = load.finish()
    assert told["failed"] == 0, told
    assert not ledger.misrouted({name: origin.records() for name, origin in origins.items()})


def test_C3_kill_9_at_a_random_moment_fifty_times(fleet):
    """It comes back with the last acknowledged table, or with the one that was on its way."""
    daemon, _ = fleet(workers=1)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    step, acknowledged, table = 0, daemon.generation, {}
    table[acknowledged] = daemon.shares()["green"]
    for round_number in range(50):
        stop = threading.Event()
        begun = {}

        def changes():
            nonlocal step, acknowledged
            while not stop.is_set():
                step += 1
                green = round(step * 0.001, 3)
                begun["green"] = green
                try:
                    reply = daemon.api("PUT", "/v1/services/api/split", {"blue": f"{100 - green:.3f}%", "green": f"{green:.3f}%"})
                except Exception:  # the daemon is gone, as it should be
                    return
                assert reply.status == 200, reply
                acknowledged = reply.json["generation"]
                table[acknowledged] = green
        stream = threading.Thread(target=changes)
        first = acknowledged
        stream.start()
        delay = chance.uniform(0.002, 0.06)
        deadline = time.monotonic() + delay
        wait_until(lambda: time.monotonic() > deadline, every=0.0005)
        os.kill(daemon.process.pid, 9)
        stop.set()
        stream.join(10)
        daemon.process.wait(10)
        daemon._admin = None
        daemon.start()
        status = daemon.status()
        green = round(status["services"]["api"]["pools"]["green"]["share"] * 100, 3)
        generation = status["generation"]
        context = f"round {round_number}, seed {seed}: acknowledged {acknowledged} ({table[acknowledged]} %), began {begun}, " \
                  f"came back as {generation} with {green} %; {acknowledged - first} changes in this round"
        assert generation in (acknowledged, acknowledged + 1), context
        assert green == (table[acknowledged] if generation == acknowledged else begun["green"]), context
        acknowledged, table[generation] = generation, green
    assert daemon.fetch().status == 200


def test_kill_9_and_restart_of_backends_under_load(fleet, loader):
    """Idempotent requests never fail while another backend is up."""
    daemon, origins = fleet(health_check={"path": "/", "interval": "100ms", "timeout": "500ms", "rise": 1, "fall": 2},
                            outlier={"consecutive_errors": 3, "ejection": "200ms"},
                            retries={"budget": "100%"})  # a quarter of all may be with the one that dies, R1's budget is a fifth
    daemon.ctl("split", "api", "blue=50%", "green=50%", check=0)
    load = loader(daemon)

    def total():
        return daemon.metric("http_requests_total", service="api")
    # A connection that breaks on its first request is no stale one: its retry draws on the budget of R1.
    wait_until(lambda: total() > 3000, what="connections that have served")
    for name in ["blue-1", "green-2", "blue-2", "green-1", "blue-1", "blue-2"]:
        partner = name[:-1] + ("2" if name.endswith("1") else "1")
        wait_until(lambda: daemon.backend(partner)["health"] == "up", what=f"{partner} to be up")  # noqa: B023
        origins[name].kill()
        at = total()
        wait_until(lambda: total() > at + 3000, what="traffic while it is gone")  # noqa: B023
        origins[name].start()
        wait_until(lambda: daemon.backend(name)["health"] == "up", what=f"{name} to be up again")  # noqa: B023
    told = load.finish()
    assert told["failed"] == 0, told


def test_D4_drain_and_ready_in_a_loop(fleet, loader):
    """No failure, and after `drained` is reported not a byte of a new request (D2)."""
    daemon, origins = fleet()
    ledger = Ledger()
    ledger.change(lambda: None, closed=["green-1", "green-2"])
    load = loader(daemon)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for name in ("blue-1", "blue-2"):
            path = f"/v1/services/api/pools/blue/backends/{name}"
            drained = ledger.change(lambda: daemon.api("POST", path + "/drain", {"wait": True}), closed=[name])  # noqa: B023
            assert drained.status == 200 and drained.json["drained"]["forced"] == 0, drained
            ready = ledger.change(lambda: daemon.api("POST", path + "/ready"), opened=[name])  # noqa: B023
            assert ready.status == 200
    told = load.finish()
    assert told["failed"] == 0, told
    assert not ledger.misrouted({name: origin.records() for name, origin in origins.items()})
    assert len(ledger.took) > 20


def test_C4_reload_of_unchanged_and_changed_configurations_under_load(fleet, loader):
    daemon, origins = fleet()
    load = loader(daemon)
    config = json.loads(json.dumps(daemon.config))
    for i in range(30):
        service_config = config["services"]["api"]
        if i % 3 == 1:
            service_config["split"] = {"blue": f"{i}%", "green": f"{100 - i}%"}
            service_config["timeouts"] = {"connect": f"{i + 1}s"}
        if i % 3 == 2:
            config["listeners"] = config["listeners"][:1] + [{"name": f"more-{i}", "bind": "127.0.0.1:0"}]
            config["routes"] = [{"path": f"/{i}", "service": "api"}, {"path": "/", "service": "api"}]
        daemon.write_config(config)
        daemon.ctl("reload", check=0)
    told = load.finish()
    assert told["failed"] == 0, told
    assert told["connects"] == 64, "no connection was dropped"


def test_signals_and_looking_do_not_disturb(fleet, loader):
    daemon, _ = fleet()
    load = loader(daemon)
    for _ in range(50):
        daemon.metrics()
        daemon.status()
        daemon.signal(10)  # SIGUSR1
        daemon.api("POST", "/v1/explain", {"url": "http://x/"})
    told = load.finish()
    assert told["failed"] == 0 and told["connects"] == 64, told


def test_no_descriptor_or_memory_is_left_behind(fleet, loader):
    daemon, _ = fleet(timeouts={"idle": "300ms"})  # idle upstream connections go soon: what stays is a leak
    daemon.fetch()
    at_rest = daemon.descriptors()

    def burst():
        at = daemon.metric("http_requests_total", service="api")
        load = loader(daemon)
        wait_until(lambda: daemon.metric("http_requests_total", service="api") > at + 3000, what="3000 requests")
        assert load.finish()["failed"] == 0
        wait_until(lambda: daemon.descriptors() <= at_rest + 2, what=lambda: f"descriptors: {daemon.descriptors()}, {at_rest} at first")
    burst()
    before = daemon.rss_kib()
    for _ in range(3):
        burst()
    assert daemon.rss_kib() - before < memory_bound(8 * 1024)


def test_C6_two_services_cut_over_together_show_no_user_two_sides(sluice, recorder):
    """40 cutovers of two services under the load of users who ask both, one after the other, without a pause."""
    names = [f"{s}-{p}" for s in ("api", "web") for p in ("blue", "green")]
    origins = {name: recorder(name) for name in names}
    sticky = {"keys": ["header:X-User-Id"], "salt": "shop"}
    daemon = sluice(config_of({s: service({p: [origins[f"{s}-{p}"]] for p in ("blue", "green")}, sticky=sticky) for s in ("api", "web")},
                              [{"path": "/api", "service": "api"}, {"path": "/", "service": "web"}], workers=2))
    asked, going = [[] for _ in range(8)], threading.Event()
    going.set()

    def user(number, client):
        with client:
            while going.is_set():
                for target in ("/", "/api"):
                    sent = time.monotonic()
                    reply = client.request(target=target, headers={"X-User-Id": str(number)})
                    asked[number].append((sent, time.monotonic(), reply.status, (reply.get("X-Backend") or "-").split("-")[1]))

    threads = [threading.Thread(target=user, args=(n, daemon.client())) for n in range(8)]
    for thread in threads:
        thread.start()
    changes = []
    try:
        for side in ["green", "blue"] * 20:
            wait_until(lambda seen=len(asked[0]): len(asked[0]) > seen + 4, what="load")
            began = time.monotonic()
            daemon.api("POST", "/v1/cutover", {"services": {"api": side, "web": side}})
            changes.append((began, time.monotonic(), side))
        wait_until(lambda seen=len(asked[0]): len(asked[0]) > seen + 4, what="load")
    finally:
        going.clear()
        for thread in threads:
            thread.join()
    assert daemon.generation == 41
    ends = [began for began, _, _ in changes[1:]] + [float("inf")]
    judged = 0
    for requests in asked:
        assert {status for _, _, status, _ in requests} == {200}
        for (_, replied, side), end in zip(changes, ends):
            sides = {got for sent, answered, _, got in requests if sent > replied and answered < end}
            judged += bool(sides)
            assert sides <= {side}, f"after the reply of the cutover to {side}"
    assert judged > 200, judged
