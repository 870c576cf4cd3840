"""F1: per-user flags: set, told to backends, the same users in as the share grows."""
import json

STICKY = {"keys": ["header:X-User-Id"], "salt": "api"}
USERS = [f"user-{i}" for i in range(300)]


def flags_seen(answer):
    """X-Feature-Flags as the backend got it (it tells its request's headers in its answer)."""
    return [value for name, value in json.loads(answer.body)["headers"] if name.lower() == "x-feature-flags"]


def who_has(client, flag):
    has = set()
    for user in USERS:
        (text,) = flags_seen(client.request(headers={"X-User-Id": user}))
        assert f"{flag}=on" in text.split(",") or f"{flag}=off" in text.split(","), text
        if f"{flag}=on" in text.split(","):
            has.add(user)
    return has


def test_F1_raising_keeps_the_users_who_were_in(simple):
    daemon, _ = simple(sticky=STICKY)
    seen = []
    with daemon.client() as client:
        for share in (10, 50, 100, 50, 10, 0):
            daemon.do("flag", "set", "new-checkout", f"{share}%", "--service", "api")
            seen.append(who_has(client, "new-checkout"))
            assert abs(len(seen[-1]) / len(USERS) - share / 100) < 0.08
    assert seen[0] < seen[1] < seen[2] and len(seen[2]) == len(USERS) and not seen[5]
    assert seen[3] == seen[1] and seen[4] == seen[0], "on the way down the same users go"


def test_F1_S7_a_flag_says_nothing_about_the_pool_or_another_flag(blue_green):
    daemon, _, _ = blue_green({"blue": "50%", "green": "50%"}, sticky=STICKY)
    for name in ("a", "b"):
        daemon.do("flag", "set", name, "50%")
    both = {"a": 0, "green": 0}
    with daemon.client() as client:
        for user in USERS:
            answer = client.request(headers={"X-User-Id": user})
            (text,) = flags_seen(answer)
            on = {flag.split("=")[0] for flag in text.split(",") if flag.endswith("=on")}
            both["a"] += {"a", "b"} <= on
            both["green"] += "a" in on and answer.get("X-Backend") == "green"
    assert all(abs(count / len(USERS) - 0.25) < 0.09 for count in both.values()), both


def test_F1_the_header_is_the_proxys_alone(simple):
    daemon, _ = simple(sticky=STICKY)
    forged = [("X-User-Id", "u"), ("X-Feature-Flags", "admin=on"), ("x_feature_flags", "admin=on")]
    assert flags_seen(daemon.fetch(headers=forged)) == [], "a client's own copy is dropped"
    daemon.do("flag", "set", "a", "100%")
    daemon.do("flag", "set", "b", "0%")
    assert flags_seen(daemon.fetch(headers=forged)) == ["a=on,b=off"]


def test_F1_without_a_key_only_100_percent_is_on(simple):
    daemon, _ = simple()
    daemon.do("flag", "set", "most", "99.999%")
    daemon.do("flag", "set", "all", "100%")
    for _ in range(20):
        assert flags_seen(daemon.fetch()) == ["all=on,most=off"]


def test_F1_S6_a_new_visitor_has_from_the_first_request_what_the_cookie_gives_him(simple):
    daemon, _ = simple(sticky={"keys": ["header:X-User-Id"], "issue_cookie": "sluice_id"})
    daemon.do("flag", "set", "half", "50%")
    firsts = set()
    for _ in range(20):
        first = daemon.fetch()
        cookie = first.get("Set-Cookie").split(";")[0]
        assert flags_seen(daemon.fetch(headers={"Cookie": cookie})) == flags_seen(first)
        firsts.add(flags_seen(first)[0])
    assert firsts == {"half=on", "half=off"}


def test_F1_T1_T4_the_api_its_undo_and_a_restart(blue_green):
    daemon, _, _ = blue_green()
    put = daemon.api("PUT", "/v1/flags/a", {"service": "api", "enabled_for": "10%", "config": {"limit": 3}})
    assert put.status == 200 and put.json["before"] == {} and put.json["undo"] == "sluicectl flag rm a --service api"
    assert put.json["after"] == {"api": {"enabled_for": "10%", "config": {"limit": 3}}}
    again = daemon.api("PUT", "/v1/flags/a", {"enabled_for": 0.5})
    assert again.json["after"] == {"api": {"enabled_for": "50%", "config": {"limit": 3}}}, "left out: the old config stays"
    assert again.json["undo"] == "sluicectl flag set a 10% --service api --config '{\"limit\":3}'"
    assert daemon.api("PUT", "/v1/flags/a", {"enabled_for": "50%"}).json["changed"] is False
    daemon.kill()
    daemon.start()
    assert daemon.api("GET", "/v1/flags/a").json == {"flag": "a", "services": {"api": {"enabled_for": "50%", "config": {"limit": 3}}}}
    assert daemon.api("GET", "/v1/flags").json["flags"].keys() == {"a"}
    assert daemon.service()["flags"] == {"a": "50%"}
    assert daemon.metric("sluice_flag_share_ratio", service="api", flag="a") == 0.5
    changes = [entry["change"] for entry in daemon.do("history", "api")["history"]]
    assert changes[0] == "api flag a 10% -> api flag a 50%" and changes[1] == "api flag a none -> api flag a 10%"
    assert daemon.do("flag", "rm", "a")["undo"] == "sluicectl flag set a 50% --service api --config '{\"limit\":3}'"
    assert daemon.api("GET", "/v1/flags/a").status == 404
    daemon.do("undo")
    assert daemon.service()["flags"] == {"a": "50%"}
    assert "a" in daemon.ctl("flag", "list", check=0).out and '{"limit":3}' in daemon.ctl("flag", "show", "a", check=0).out


def test_F1_the_same_users_in_every_service(sluice, backend):
    from sluice import config_of, service
    services = {name: service({"blue": [backend(name)]}, sticky={"keys": ["header:X-User-Id"], "salt": name}) for name in ("api", "web")}
    daemon = sluice(config_of(services))
    assert daemon.ctl("flag", "set", "a", "30%").code == 2, "of which service?"
    for name in services:
        daemon.do("flag", "set", "a", "30%", "--service", name)
    seen = {}
    for host in ("test.local", "web.local"):
        seen[host] = [flags_seen(daemon.fetch(headers={"X-User-Id": user}, host=host)) for user in USERS[:60]]
    assert seen["test.local"] == seen["web.local"]


def test_F1_mistakes_are_named(simple):
    daemon, _ = simple()
    assert daemon.ctl("flag", "set", "a,b", "10%").code == 2
    assert daemon.ctl("flag", "set", "a", "101%").code == 2
    assert daemon.ctl("flag", "set", "a", "10%", "--config", "{").code == 2
    assert daemon.ctl("flag", "set", "a", "10%", "--service", "apj").code == 4
    assert daemon.ctl("flag", "show", "a").code == 4 and daemon.ctl("flag", "rm", "a").code == 4
    assert daemon.ctl("flag", "set", "a").code == 2 and daemon.ctl("flag", "list", "a").code == 2
    assert daemon.api("PUT", "/v1/flags/a", {"enabled_fro": "1%"}).status == 400


def test_F1_explain_shows_the_flags(simple):
    daemon, _ = simple(sticky=STICKY)
    daemon.do("flag", "set", "a", "100%")
    told = daemon.do("explain", "http://test.local/", "-H", "X-User-Id: 7")
    assert told["flags"] == "a=on" and "flags for key '7': a=on" in told["steps"]
