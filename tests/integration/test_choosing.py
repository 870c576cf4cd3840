"""S1-S9: which pool a request gets."""
import collections
import json
import pathlib
import re

import pytest
from load import send
from sluice import config_of, service


@pytest.fixture
def fleet(sluice, recorder):
    """fleet(split, **options): pools blue and green, an origin each."""

    def start(split=None, workers=1, **options):
        blue, green = recorder("blue"), recorder("green")
        daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]}, split, **options)}, workers=workers))
        return daemon
    return start


@pytest.fixture
def clients():
    made = []

    def make(daemon, n=8):
        made.extend(daemon.client() for _ in range(n))
        return made[-n:]
    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("green", [5, 0.1, 33.333])
def test_S3_every_block_of_1000_is_exact(fleet, workers, green):
    daemon = fleet({"blue": f"{100 - green:g}%", "green": f"{green:g}%"}, workers)
    for _ in range(3):
        got = send(daemon, 1000)["green"]
        assert abs(got - green * 10) <= 1, f"{got} of 1000 at {green} %"


def test_S3_a_new_table_starts_a_new_block_and_unrelated_changes_do_not(fleet):
    daemon = fleet({"blue": "95%", "green": "5%"}, 2)
    send(daemon, 300)
    daemon.ctl("split", "api", "blue=80%", "green=20%", check=0)
    seen = send(daemon, 400)
    assert daemon.do("weight", "api/blue/" + next(iter(daemon.pool("blue")["backends"])), "3")["changed"]
    seen += send(daemon, 600)
    assert abs(seen["green"] - 200) <= 1, "the weight changed nothing about the sequence"


def test_S3_has_no_rhythm(fleet, clients):
    """At 50 % neither strict alternation nor any fixed period: two blocks differ."""
    daemon = fleet({"blue": "50%", "green": "50%"})
    (client,) = clients(daemon, 1)
    order = [client.request().get("X-Backend") for _ in range(2000)]
    assert order[:1000] != order[1000:]
    runs = max(map(len, re.findall("b+|g+", "".join(o[0] for o in order))))
    assert runs > 3


def test_S1_S2_shares_do_not_depend_on_backends_and_zero_is_zero(sluice, recorder):
    blues, green = [recorder(f"blue-{i}") for i in range(3)], recorder("green")
    pools = {"blue": [{"address": b.address, "weight": w} for b, w in zip(blues, (1, 5, 10))], "green": [green]}
    daemon = sluice(config_of({"api": service(pools, {"blue": "50%", "green": "50%"})}))
    assert abs(send(daemon, 1000)["green"] - 500) <= 1
    daemon.ctl("drain", f"api/blue/{blues[2].address}", check=0)
    daemon.ctl("split", "api", "blue=90%", "green=10%", check=0)
    assert abs(send(daemon, 1000)["green"] - 100) <= 1
    daemon.ctl("split", "api", "blue=100%", "green=0%", check=0)
    assert send(daemon, 1000)["green"] == 0
    daemon.ctl("split", "api", "blue=0%", "green=100%", check=0)
    assert send(daemon, 1000)["green"] == 1000


def test_S3_three_pools(sluice, recorder):
    origins = {name: recorder(name) for name in ("a", "b", "c")}
    daemon = sluice(config_of({"api": service({n: [o] for n, o in origins.items()}, {"a": "70%", "b": "29.5%", "c": "0.5%"})}))
    seen = send(daemon, 1000)
    assert abs(seen["a"] - 700) <= 1 and abs(seen["b"] - 295) <= 1 and abs(seen["c"] - 5) <= 1


# -- sticky

def pools_of_users(client, users, name="X-User-Id"):
    return {u: client.request(headers={name: u}).get("X-Backend") for u in users}


USERS = [f"user-{i}" for i in range(400)]
STICKY = {"keys": ["header:X-User-Id", "cookie:session", "ip"], "salt": "api"}


def test_S4_a_key_keeps_its_pool_over_connections_workers_and_restarts(fleet, clients):
    daemon = fleet({"blue": "50%", "green": "50%"}, 2, sticky=STICKY)
    first = pools_of_users(clients(daemon, 1)[0], USERS[:200])
    assert set(first.values()) == {"blue", "green"}
    for client in clients(daemon, 3):
        assert pools_of_users(client, USERS[:200]) == first
    daemon.stop()
    daemon.start()
    assert pools_of_users(clients(daemon, 1)[0], USERS[:200]) == first


def test_S5_raising_moves_users_only_in_and_going_back_restores(fleet, clients):
    daemon = fleet({"blue": "95%", "green": "5%"}, sticky=STICKY)
    (client,) = clients(daemon, 1)
    seen = [pools_of_users(client, USERS)]
    for green in (25, 50, 100, 50, 25, 5):
        daemon.ctl("split", "api", f"blue={100 - green}%", f"green={green}%", check=0)
        seen.append(pools_of_users(client, USERS))
    greens = [{u for u, pool in table.items() if pool == "green"} for table in seen]
    assert greens[0] <= greens[1] <= greens[2] <= greens[3] and len(greens[3]) == len(USERS)
    assert greens[4] == greens[2] and greens[5] == greens[1] and greens[6] == greens[0], "what was gained last goes back first"
    for green, share in zip(greens[:3], (0.05, 0.25, 0.5)):
        assert abs(len(green) / len(USERS) - share) < 0.08


def test_S6_keys_in_order_header_cookie_ip(fleet, clients):
    daemon = fleet({"blue": "50%", "green": "50%"}, sticky=STICKY)
    (client,) = clients(daemon, 1)
    by_header = pools_of_users(client, USERS[:50])
    by_cookie = {u: client.request(headers={"Cookie": f"a=b; session={u}"}).get("X-Backend") for u in USERS[:50]}
    assert by_cookie == by_header, "the key is the value, wherever it was found"
    both = {u: client.request(headers={"X-User-Id": u, "Cookie": "session=someone-else"}).get("X-Backend") for u in USERS[:50]}
    assert both == by_header, "the first key that is there counts"
    by_ip = {client.request().get("X-Backend") for _ in range(20)}
    assert len(by_ip) == 1, "without header and cookie the address is the key"


def test_S6_an_issued_cookie_makes_both_cohorts_sticky(fleet, clients):
    daemon = fleet({"blue": "50%", "green": "50%"},
                   sticky={"keys": ["header:X-User-Id"], "issue_cookie": "sluice_id", "salt": "api"})
    (client,) = clients(daemon, 1)
    cohorts = set()
    for _ in range(40):
        answer = client.request()
        cookies = answer.all("Set-Cookie")
        assert len(cookies) == 1
        value, *attributes = [part.strip() for part in cookies[0].split(";")]
        name, _, identity = value.partition("=")
        assert name == "sluice_id" and len(identity) >= 22, "128 bits"
        assert set(attributes) == {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"}
        pool = answer.get("X-Backend")
        cohorts.add(pool)
        for _ in range(3):
            again = client.request(headers={"Cookie": f"sluice_id={identity}"})
            assert again.get("X-Backend") == pool and not again.all("Set-Cookie")
    assert cohorts == {"blue", "green"}
    assert not client.request(headers={"X-User-Id": "u"}).all("Set-Cookie"), "who has a key needs no cookie"


def example_keys():
    """The `sticky` of conf/canary.yaml."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "conf" / "canary.yaml").read_text()
    keys, cookie = re.search(r"sticky: \{keys: (\[.*\]), issue_cookie: (\w+)\}", text).groups()
    return {"keys": json.loads(keys), "issue_cookie": cookie}


@pytest.mark.parametrize("sticky", [example_keys(), {"keys": ["header:X-User-Id"], "issue_cookie": "sluice_id"}])
def test_S10_a_visitor_keeps_his_pool_when_he_logs_in(fleet, clients, sticky):
    daemon = fleet({"blue": "80%", "green": "20%"}, sticky=sticky)
    (client,) = clients(daemon, 1)
    seen = collections.Counter()
    for user in USERS[:200]:
        first = client.request()
        cookie = first.get("Set-Cookie").split(";")[0]
        logged_in = client.request(headers={"Cookie": cookie, "X-User-Id": user})
        assert logged_in.get("X-Backend") == first.get("X-Backend") and not logged_in.all("Set-Cookie")
        logged_out = client.request(headers={"Cookie": cookie})
        assert logged_out.get("X-Backend") == first.get("X-Backend")
        seen[first.get("X-Backend")] += 1
    assert 15 < seen["green"] < 75, "both sides have such visitors"


def test_S10_who_is_logged_in_has_one_version_on_all_new_devices(fleet, clients):
    daemon = fleet({"blue": "80%", "green": "20%"}, sticky=example_keys())
    phone, laptop = clients(daemon, 2)
    assert pools_of_users(phone, USERS[:100]) == pools_of_users(laptop, USERS[:100])


def test_S10_the_operators_order_of_keys_is_followed(fleet, clients):
    daemon = fleet({"blue": "50%", "green": "50%"}, sticky={"keys": ["header:X-User-Id", "cookie:sluice_id"], "issue_cookie": "sluice_id"})
    (client,) = clients(daemon, 1)
    by_header = pools_of_users(client, USERS[:50])
    both = {u: client.request(headers={"X-User-Id": u, "Cookie": "sluice_id=x"}).get("X-Backend") for u in USERS[:50]}
    assert both == by_header and len(set(both.values())) == 2


def test_S6_the_issued_cookies_attributes_are_the_operators(fleet, clients):
    cookie = {"name": "v", "max_age": "90s", "domain": "example.com", "path": "/shop"}
    daemon = fleet({"blue": "50%", "green": "50%"}, sticky={"keys": ["header:X-User-Id"], "issue_cookie": cookie})
    (client,) = clients(daemon, 1)
    value, *attributes = [part.strip() for part in client.request().get("Set-Cookie").split(";")]
    assert value.startswith("v=")
    assert attributes == ["Path=/shop", "Domain=example.com", "Max-Age=90", "HttpOnly", "SameSite=Lax"]


def test_S6_a_cookie_until_the_browser_is_closed(fleet, clients):
    daemon = fleet({"blue": "50%", "green": "50%"},
                   sticky={"keys": ["header:X-User-Id"], "issue_cookie": {"name": "v", "max_age": "0s"}})
    (client,) = clients(daemon, 1)
    assert "Max-Age" not in client.request().get("Set-Cookie")


def test_S6_requests_without_a_key_are_split_exactly(fleet, clients):
    daemon = fleet({"blue": "95%", "green": "5%"}, 2, sticky={"keys": ["header:X-User-Id"]})
    crowd = clients(daemon)
    keyed = [client.request(headers={"X-User-Id": "u"}).get("X-Backend") for client in crowd]
    assert len(set(keyed)) == 1
    assert abs(send(daemon, 1000)["green"] - 50) <= 1


def test_S7_pool_and_backend_are_chosen_independently(sluice, recorder, clients):
    blues, greens = [[recorder(f"{c}-{i}") for i in range(2)] for c in ("blue", "green")]
    daemon = sluice(config_of({"api": service({"blue": blues, "green": greens}, {"blue": "50%", "green": "50%"},
                                              sticky=STICKY, balance="hash")}))
    (client,) = clients(daemon, 1)
    seen = pools_of_users(client, USERS)
    assert pools_of_users(client, USERS[:50]) == {u: seen[u] for u in USERS[:50]}, "hash balancing is sticky as well"
    tally = collections.Counter(seen.values())
    assert all(55 < tally[name] < 145 for name in ("blue-0", "blue-1", "green-0", "green-1")), tally


def test_S4_C6_same_salt_same_user_same_side_in_two_services(sluice, recorder, clients):
    names = ["web-blue", "web-green", "api-blue", "api-green"]
    origins = {name: recorder(name) for name in names}
    services = {s: service({"blue": [origins[f"{s}-blue"]], "green": [origins[f"{s}-green"]]}, {"blue": "70%", "green": "30%"},
                           sticky={"keys": ["header:X-User-Id"], "salt": "shared"}) for s in ("web", "api")}
    daemon = sluice(config_of(services, [{"path": "/api", "service": "api"}, {"path": "/", "service": "web"}]))
    (client,) = clients(daemon, 1)
    for user in USERS[:100]:
        sides = {client.request(target=t, headers={"X-User-Id": user}).get("X-Backend").split("-")[1] for t in ("/", "/api")}
        assert len(sides) == 1


# -- S8, S9

def test_S8_a_listener_with_fixed_pools_decides_first(sluice, recorder, clients):
    blue, green = recorder("blue"), recorder("green")
    config = config_of({"api": service({"blue": [blue], "green": [green]}, sticky=STICKY)})
    config["listeners"].append({"name": "preview", "bind": "127.0.0.1:0", "pools": {"api": "green"}})
    daemon = sluice(config)
    for user in USERS[:20]:
        assert daemon.fetch(headers={"X-User-Id": user}, listener="preview").get("X-Backend") == "green"
        assert daemon.fetch(headers={"X-User-Id": user}).get("X-Backend") == "blue"


def test_S8_no_header_of_a_client_chooses_the_pool(blue_green):
    daemon, blue, green = blue_green(debug_headers=True)
    for name in ("X-Sluice-Pool", "X-Sluice-Preview", "X-Sluice-Backend", "X-Feature-Flags"):
        assert daemon.fetch(headers={name: "green"}).get("X-Backend") == "blue"


def test_S9_rescue_by_the_stable_pool_counts_as_the_canarys_failure(blue_green):
    daemon, blue, green = blue_green({"blue": "50%", "green": "50%"})
    stable = daemon.service()["stable"]
    canary = {"blue": "green", "green": "blue"}[stable]
    address = (green if canary == "green" else blue).address
    daemon.ctl("maint", f"api/{canary}/{address}", "--force", check=0)
    before = daemon.pool(canary)
    with daemon.client() as client:
        for _ in range(200):
            answer = client.request()
            assert answer.status == 200 and answer.get("X-Backend") == stable
    after = daemon.pool(canary)
    assert after["requests"] - before["requests"] in range(80, 121), "S1: measured where it was aimed"
    assert after["errors"] - before["errors"] == after["requests"] - before["requests"]
    assert daemon.pool(stable)["errors"] == 0


def test_S9_without_rescue_it_is_503_no_backend(blue_green):
    daemon, blue, green = blue_green({"blue": "60%", "green": "40%"}, retries={"rescue": "none"})
    daemon.ctl("maint", f"api/green/{green.address}", "--force", check=0)
    with daemon.client() as client:
        answers = [client.request() for _ in range(1000)]
    failed = [a for a in answers if a.status == 503]
    assert all(a.get("X-Sluice-Error") == "no_backend" for a in failed)
    assert abs(len(failed) - 400) <= 1, "the share is not quietly given away"
    assert daemon.pool("green")["errors"] == len(failed)


def test_S8_explain_walks_through_the_decision(fleet):
    daemon = fleet({"blue": "50%", "green": "50%"}, sticky=STICKY)
    for user in USERS[:10]:
        got = daemon.fetch("/x", headers={"X-User-Id": user}).get("X-Backend")
        out = daemon.ctl("explain", "http://test.local/x", "-H", f"X-User-Id: {user}", check=0).out
        pools = daemon.service()["pools"]
        address = next(iter(pools[got]["backends"]))
        assert address in out and got in out, out
    document = daemon.do("explain", "http://test.local/x", "-H", "X-User-Id: user-1")
    assert isinstance(document, dict)
    reply = daemon.api("POST", "/v1/explain", {"url": "http://test.local/x", "headers": ["X-User-Id: user-1"]})
    assert reply.status == 200 and reply.json == document
