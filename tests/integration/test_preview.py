"""S8: signed preview tokens, the one client input that chooses a pool; G4: nothing of it counts."""
import stat

import pytest
from sluice import config_of, service
from waiting import wait_until


@pytest.fixture
def previewed(blue_green):
    def start(*flags, **options):
        daemon, blue, green = blue_green(**options)
        return daemon, green, daemon.do("preview", "api/green", *flags)["token"]
    return start


def by_token(daemon, token, **options):
    answer = daemon.fetch(headers={"X-Sluice-Preview": token}, **options)
    return answer.get("X-Backend"), answer.get("X-Sluice-Preview")


def test_S8_a_token_leads_to_its_pool_by_header_and_by_cookie(previewed):
    daemon, green, token = previewed()
    assert by_token(daemon, token) == ("green", "green")
    answer = daemon.fetch(headers={"Cookie": f"a=1; sluice_preview={token}; b=2"})
    assert answer.get("X-Backend") == "green"
    assert daemon.fetch().get("X-Backend") == "blue" and daemon.fetch().get("X-Sluice-Preview") is None
    for request in green.seen():
        assert request.get("X-Sluice-Preview") is None
        assert request.get("Cookie") in (None, "a=1; b=2"), "the token is not the backend's"


def test_S8_only_the_cookie_of_that_name_is_taken_out(previewed):
    daemon, green, token = previewed()
    daemon.fetch(headers={"Cookie": f"sluice_preview={token}"})
    daemon.fetch(headers={"Cookie": f"xsluice_preview=1;sluice_preview={token}"})
    assert [r.get("Cookie") for r in green.seen()] == [None, "xsluice_preview=1"]


@pytest.mark.parametrize("forge", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t[:5] + "x" + t[6:],
                                   lambda t: "v1.AAAA.BBBB", lambda t: "green", lambda t: "v1." * 600, lambda t: t + "="])
def test_S8_a_token_that_was_tampered_with_is_ignored_and_said_so(previewed, forge):
    daemon, _, token = previewed()
    assert by_token(daemon, forge(token)) == ("blue", "ignored, not valid")


def test_S8_an_expired_token_is_ignored(previewed):
    daemon, _, token = previewed("--ttl", "1s")
    wait_until(lambda: by_token(daemon, token) == ("blue", "ignored, expired"), 5)


def test_S8_a_token_is_for_one_service(sluice, backend):
    pools = {name: {"blue": [backend(f"{name}-blue")], "green": [backend(f"{name}-green")]} for name in ("api", "web")}
    daemon = sluice(config_of({name: service(each) for name, each in pools.items()}))
    token = daemon.do("preview", "api/green")["token"]
    assert by_token(daemon, token)[0] == "api-green"
    assert by_token(daemon, token, host="web.local") == ("web-blue", "ignored, for another service")


def test_S8_an_override_to_a_pool_that_cannot_serve_is_ignored(previewed):
    daemon, green, token = previewed()
    daemon.ctl("maint", "api/green", check=0)
    assert by_token(daemon, token) == ("blue", "ignored, the pool cannot serve")
    daemon.ctl("ready", "api/green", check=0)
    assert by_token(daemon, token) == ("green", "green")


def test_S8_it_goes_before_the_key(previewed):
    daemon, _, token = previewed(sticky={"keys": ["header:X-User-Id"], "salt": "api"})
    for n in range(20):
        assert daemon.fetch(headers={"X-User-Id": f"u{n}", "X-Sluice-Preview": token}).get("X-Backend") == "green"


def test_S8_a_fixed_listener_goes_before_the_token(sluice, backend):
    config = config_of({"api": service({"blue": [backend("blue")], "green": [backend("green")]})})
    config["listeners"].append({"name": "fixed", "bind": "127.0.0.1:0", "pools": {"api": "green"}})
    daemon = sluice(config)
    token = daemon.do("preview", "api/blue")["token"]
    assert by_token(daemon, token, listener="fixed")[0] == "green"


def test_G4_neither_tokens_nor_a_preview_listener_count(sluice, backend):
    def fails(connection, request):
        connection.answer(500)
    config = config_of({"api": service({"blue": [backend("blue")], "green": [backend("green", fails)]}, retries={"rescue": "none"})})
    config["listeners"].append({"name": "fixed", "bind": "127.0.0.1:0", "pools": {"api": "green"}})
    daemon = sluice(config)
    token = daemon.do("preview", "api/green")["token"]
    for _ in range(3):
        assert daemon.fetch(headers={"X-Sluice-Preview": token}).status == 500
        assert daemon.fetch(listener="fixed").status == 500
    assert daemon.fetch().status == 200
    pool = wait_until(lambda: (lambda p: p["in_flight"] == 0 and p)(daemon.pool("green")))
    assert (pool["requests"], pool["errors"], pool["share_measured"], pool["p50_ms"]) == (0, 0, 0, None)
    assert (pool["previews"], pool["preview_errors"]) == (6, 6)
    assert daemon.metric("http_requests_total", pod="api-canary") == 0
    assert daemon.metric("sluice_requests_total", pool="green") == 0
    assert daemon.metric("sluice_preview_requests_total", pool="green") == 6


def test_S8_the_key_is_secret_and_survives_a_restart(previewed):
    daemon, _, token = previewed()
    key = daemon.state_dir / "preview.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    daemon.kill()
    daemon.start()
    assert by_token(daemon, token) == ("green", "green")
    assert "preview" in (daemon.state_dir / "audit.log").read_text()
    assert token not in (daemon.state_dir / "audit.log").read_text() + daemon.stderr()
    daemon.stop()
    key.unlink()
    daemon.start()
    assert by_token(daemon, token)[0] == "blue"
    assert by_token(daemon, daemon.do("preview", "api/green")["token"]) == ("green", "green")


def test_S8_minting_changes_nothing_and_mistakes_are_named(previewed):
    daemon, _, _ = previewed()
    before = daemon.generation
    done = daemon.ctl("preview", "api/green", "--ttl", "30m", check=0)
    assert done.out.startswith("X-Sluice-Preview: v1.") and "api/green until " in done.err
    assert daemon.generation == before
    assert daemon.ctl("preview", "api/grean").code == 4
    assert daemon.ctl("preview", "api").code == 2
    assert daemon.ctl("preview", "api/green", "--ttl", "2y").code == 2
    assert daemon.ctl("preview", "api/green", "--ttl", "721h").code == 2


def test_S8_explain_says_what_a_token_does(previewed):
    daemon, _, token = previewed()
    told = daemon.do("explain", "http://test.local/", "-H", f"X-Sluice-Preview: {token}")
    assert told["pool"] == "green" and "the preview token sends it to pool green" in told["steps"]
    told = daemon.do("explain", "http://test.local/", "-H", "X-Sluice-Preview: v1.x.y")
    assert told["pool"] == "blue" and "the preview token is ignored: not valid" in told["steps"]
