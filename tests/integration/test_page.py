"""The page at `/` of admin.http, as a person has it: in a browser, with real rollouts behind it."""
import hashlib
import json
import os
import re
import time

import pytest
from browser import AXE, ENTER, ESCAPE, TAB, Browser, is_installed
from client import fetch
from sluice import ROOT, UnixConnection, binary, config_of, service
from waiting import wait_until

pytestmark = pytest.mark.skipif(not is_installed(), reason="needs chromium and chromium-driver")
TOKENS = {"alice": "operator", "vera": "viewer"}
PICTURES = os.environ.get("SLUICE_PICTURES")  # where pictures go that the documentation shows
STEPS = ["--steps", "20%,60%,100%", "--min-requests", "20", "--max-error-rate", "40%", "--retain", "0"]


@pytest.fixture(scope="module")
def chromium():
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def browser(chromium):
    """The browser; a page that complained, or broke its own policy, is an error at the end."""
    chromium.open("about:blank")
    chromium.scheme("light")
    chromium.resize(1000)
    chromium.complaints()
    # Words of complaints that a test provokes. What a rollback would do is asked by a dry run, and with nothing to go back to that is refused.
    chromium.expected = ["rollback?dry_run=true - Failed to load resource: the server responded with a status of 409"]
    yield chromium
    wrong = [line for line in chromium.complaints() if not any(word in line for word in chromium.expected)]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def admin(folder, port):
    """The `admin` section with two tokens, and `url(who)` of the page."""
    number = port()
    tokens = folder / "tokens"
    tokens.write_text("".join(f"{name} {role} sha256:{hashlib.sha256(secret(name).encode()).hexdigest()}\n" for name, role in TOKENS.items()))
    tokens.chmod(0o600)
    return {"http": {"bind": f"127.0.0.1:{number}", "token_file": str(tokens)}}


def secret(name):
    return f"secret-of-{name}"


def url(daemon, who="alice"):
    page = f"http://{daemon.config['admin']['http']['bind']}/"
    return page + (f"#token={secret(who)}" if who else "")


@pytest.fixture
def shop(sluice, backend, loader, admin):
    """start(handler of green) -> a daemon with blue and green and traffic."""

    def start(handler=answers, pace_us=5000, **more):
        blue, green = backend("blue", answers if pace_us else None), backend("green", handler if pace_us else None)
        pools = {pool: [{"name": f"{pool}-1", "address": one.address}] for pool, one in (("blue", blue), ("green", green))}
        daemon = sluice(config_of({"api": service(pools, **more)}, admin=admin))
        if pace_us:
            loader(daemon, connections=2, pace_us=pace_us)
        return daemon

    return start


def answers(connection, request):
    connection.answer(200, "x", {"X-Backend": connection.backend.name, "X-Seq": request.get("X-Seq", "")})


def fails(connection, request):
    connection.answer(500, "x", {"X-Backend": connection.backend.name, "X-Seq": request.get("X-Seq", "")})


def headline(browser):
    return browser.text(".headline .say")


# --- it follows

def test_it_follows_a_whole_rollout(shop, browser):
    daemon = shop()
    browser.open(url(daemon))
    browser.see("steady", "All requests go to blue", "generation 1", "live", "you are token alice, operator")
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "3s", "--reason", "INC-12")
    browser.see("holding", "blue → green", "step 1 of 3", "20 % of the requests go to green", "waits for", selector=".headline")
    browser.see("rollout start", "INC-12", selector="#top")
    browser.see("20 % now", "60 %", "100 %", "left", selector=".steps")
    browser.see("error rate", "40 %", selector=".gates")
    assert browser.script("return document.title") == "20\u00a0% holding - api"
    browser.see("step 2 of 3", "60 % of the requests go to green", "Going well: the gate passes", selector=".headline")
    browser.see("✓ done", "60 % now", selector=".steps")
    browser.see("step 3 of 3", "All requests go to green", selector=".headline")
    browser.see("done", "All requests go to green", selector=".headline")
    assert browser.script("return document.querySelector('.steps')") is None
    browser.see("green stable", "100 %", selector=".shares")
    browser.see("rollout start", "rollout step", selector=".events")


def test_a_rollout_that_fails_says_why(shop, browser):
    daemon = shop(fails)
    browser.open(url(daemon))
    browser.see("All requests go to blue")
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h")
    browser.see("rolled back", "All requests go to blue again", "why:", selector=".headline")


def test_measured_numbers_and_a_quarter_of_an_hour(shop, browser):
    daemon = shop()
    daemon.do("split", "api", "green=25%", "--rest", "blue")
    browser.open(url(daemon))
    shown = browser.see("25 %", "requests/s", selector="body")
    assert "measured" in shown.lower()
    wait_until(lambda: browser.script("return document.querySelectorAll('.plot > svg path[d^=M]').length") >= 8, 30, "a line of both pools in each plot")
    browser.click(".last summary")
    browser.see("blue error rate", "green requests/s", selector=".last table")
    labels = browser.script("return [...document.querySelectorAll('.plot > svg')].map(one => one.getAttribute('aria-label'))")
    assert len(labels) == 4 and all("of the last 15 minutes, now blue" in label for label in labels), labels


def test_what_holds_requests_and_what_drains(shop, backend, browser):
    daemon = shop(pace_us=0)
    browser.open(url(daemon))
    browser.see("steady")
    daemon.do("pause", "api", "--max-hold", "45s")
    browser.see("paused", "0 requests on hold", "45 s at most", "Resume requests", selector=".headline")
    browser.press_button("Resume requests")
    browser.see("steady", selector=".headline")
    daemon.do("stop", "api", "--message", "Back at <b>two</b>")
    browser.see("stopped", "Back at <b>two</b>", selector=".headline")
    daemon.do("resume", "api")
    daemon.do("split", "api", "green=50%", "--rest", "blue")
    with daemon.client() as slow:
        slow.send_request("GET", "/never")
        wait_until(lambda: any(pool["in_flight"] for pool in daemon.service()["pools"].values()), 10, "a request under way")
        busy = next(pool for pool, one in daemon.service()["pools"].items() if one["in_flight"])
        daemon.do("drain", f"api/{busy}/{busy}-1", "--timeout", "50s", "--force")
        browser.see("draining", "1 left, oldest /never", "cut in", selector=".backends")
    browser.see("drained", selector=".backends")


# --- its buttons

def test_a_rollback_is_one_click_and_can_be_undone(shop, browser):
    daemon = shop()
    daemon.do("cutover", "api=green")
    browser.open(url(daemon))
    browser.see("All requests go to green")
    browser.press_button("Roll back to blue")
    browser.see("Rolled back", "sluicectl", selector="#toast")
    assert daemon.shares() == {"blue": 100, "green": 0}
    browser.see("All requests go to blue", selector=".headline")
    browser.see("token alice", selector="#top")
    browser.press_button("Undo")
    browser.see("Undone", selector="#toast")
    assert daemon.shares() == {"blue": 0, "green": 100}


@pytest.mark.parametrize("label", ["Roll back to blue", "Promote"])
def test_a_button_does_what_it_said_or_nothing(shop, browser, label):
    """Somebody else was faster than the page: a rollback of now would lead elsewhere, a promotion one step too far."""
    daemon = shop()
    browser.expected += ["412"]
    if label == "Promote":
        daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h")
    else:
        daemon.do("cutover", "api=green")
    browser.open(url(daemon))
    browser.press_button(label) if label == "Promote" else browser.see(label)
    wait_until(lambda: not browser.script("return document.querySelector('[data-act=promote], [data-act=rollback]').disabled"), 10, "its leave")
    browser.script("window.load = window.look_back = async () => {}")
    daemon.do("rollout", "promote", "api") if label == "Promote" else daemon.do("cutover", "api=blue")
    before = daemon.shares()
    browser.click("#ask .go" if label == "Promote" else "[data-act=rollback]")
    browser.see("Not done", selector="#toast")
    assert daemon.shares() == before


def test_pause_resume_promote_and_abort(shop, browser):
    daemon = shop()
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h")
    browser.open(url(daemon))
    browser.press_button("Pause")
    browser.see("paused", "waits for you: Resume", selector=".headline")
    browser.press_button("Resume")
    browser.see("holding", selector=".headline")
    browser.press_button("Promote")
    browser.see("Promote green to 60 % now?", "error rate", "requests/s", selector="#ask")
    browser.press_button("Cancel")
    assert daemon.shares() == {"blue": 80, "green": 20}
    browser.press_button("Promote")
    browser.see("Promote green to 60 % now?", selector="#ask")
    browser.click("#ask .go")
    browser.see("60 % of the requests go to green", selector=".headline")
    browser.press_button("Roll back to blue")
    browser.see("aborted", "All requests go to blue again", selector=".headline")
    assert daemon.shares() == {"blue": 100, "green": 0} and daemon.service()["rollout"]["state"] == "aborted"


def test_a_cutover_asks_with_the_numbers(shop, browser):
    daemon = shop()
    browser.open(url(daemon))
    browser.press_button("Cut over to green")
    browser.see("Send all requests of api to green?", "blue: 100 % now", "green: 0 % now", "1 of 1 backend ready", selector="#ask")
    browser.click("#ask .go")
    browser.see("All requests go to green", selector=".headline")
    assert daemon.shares() == {"blue": 0, "green": 100}
    daemon.do("cutover", "api=blue", "--confirm-within", "10m")
    browser.see("unconfirmed", "without a confirmation it reverts in", selector=".headline")
    browser.press_button("Keep")
    browser.see("steady", selector=".headline")


def test_what_is_refused_is_said(shop, browser):
    daemon = shop(pace_us=0)
    browser.open(url(daemon))
    browser.see("nothing to roll back to", selector=".headline .why")
    assert browser.script("return document.querySelector('[data-act=rollback]').disabled")
    daemon.do("maint", "api/green/green-1")
    browser.see("maint", selector=".backends")
    browser.press_button("Cut over to green")
    browser.see("0 of 1 backend ready", selector="#ask")
    browser.expected += ["409"]
    browser.click("#ask .go")
    browser.see("Not done", "green", selector="#toast")
    assert daemon.shares() == {"blue": 100, "green": 0}


def test_a_viewer_sees_the_buttons_disabled_with_the_reason(shop, browser):
    daemon = shop()
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h")
    browser.open(url(daemon, "vera"))
    browser.see("holding", "You look as viewer: this needs the role operator", selector=".headline")
    buttons = browser.script("return [...document.querySelectorAll('.headline button')].map(one => [one.textContent, one.disabled, one.title])")
    assert [name for name, _, _ in buttons] == ["Roll back to blue", "Pause", "Promote…"]
    assert all(disabled and "needs the role operator" in why for _, disabled, why in buttons), buttons
    daemon.do("rollout", "abort", "api")
    browser.see("aborted", selector=".headline")
    assert "refused" not in (daemon.state_dir / "audit.log").read_text(), "it asked for what it may not"


# --- who looks

def test_the_token_is_typed_once(shop, browser):
    daemon = shop(pace_us=0)
    browser.expected += ["401"]
    browser.open(url(daemon, None))
    browser.see("Who are you?", "sluicectl token NAME")
    browser.write("#token", "wrong" + ENTER)
    browser.see("this token is not known")
    browser.script("document.querySelector('#token').value = ''")
    browser.write("#token", secret("vera") + ENTER)
    browser.see("All requests go to blue", "viewer")
    browser.do("POST", "/refresh")
    browser.see("All requests go to blue", "viewer")
    browser.open(url(daemon, "alice"))
    browser.see("operator")
    assert "secret" not in browser.script("return location.href")
    browser.press_button("Forget the token")
    browser.see("Who are you?")


def test_without_a_token_file_it_says_so(sluice, backend, browser, port):
    daemon = sluice(config_of({"api": service({"blue": [backend("blue")]})}, admin={"http": {"bind": f"127.0.0.1:{port()}"}}))
    browser.expected += ["403"]
    browser.open(url(daemon, None))
    browser.see("Not allowed", "admin.http has no token_file")


def test_what_people_write_stays_text(shop, browser):
    daemon = shop(pace_us=0)
    browser.open(url(daemon))
    browser.see("steady")
    daemon.do("split", "api", "green=10%", "--rest", "blue", "--reason", "<img src=x onerror=alert(1)><b>bold</b>")
    browser.see("<img src=x onerror=alert(1)><b>bold</b>", selector="#top")
    browser.see("<img src=x onerror=alert(1)><b>bold</b>", selector=".events")
    assert browser.script("return document.querySelectorAll('img, #top b b, .events b b').length") == 0


# --- it comes back

def test_it_follows_again_after_a_restart(shop, browser):
    daemon = shop(pace_us=0)
    browser.open(url(daemon))
    browser.see("steady", "live")
    daemon.do("split", "api", "green=10%", "--rest", "blue")
    browser.see("shifted")
    browser.expected += ["net::ERR_"]
    daemon.kill()
    browser.see("No data since", "not live")
    daemon.start()
    browser.see("shifted", "10 % of the requests go to green")
    wait_until(lambda: "No data since" not in browser.text(), 20, "the end of the warning")
    daemon.do("cutover", "api=green")
    browser.see("All requests go to green", selector=".headline")


def test_it_follows_through_an_upgrade(upgradable, backend, admin, browser):
    daemon = upgradable({"api": service({"blue": [backend("blue")], "green": [backend("green")]})}, admin=admin)
    browser.open(url(daemon))
    browser.see("steady", "0 upgrades")
    browser.expected += ["net::ERR_"]
    with daemon.client() as slow:
        slow.send_request("GET", "/never")
        wait_until(lambda: daemon.service()["traffic"]["in_flight"], 10, "a request under way")
        daemon.upgrade()
        browser.see("1 upgrade", "Upgrade under way: 1 connection left in the process before this one", "live")
        daemon.do("cutover", "api=green")
        browser.see("All requests go to green", "cutover", selector="body")
    wait_until(lambda: "Upgrade under way" not in browser.text(), 20, "the end of the notice")


# --- many services

@pytest.fixture
def two_hundred(sluice, backend, admin):
    one = backend("one", answers)
    gone = {"name": "gone", "address": "127.0.0.1:9"}
    services = {f"svc-{i:03}": service({"blue": [one.address], "green": [one.address]}) for i in range(200)}
    services["svc-150"] = service({"blue": [gone], "green": [one.address]}, health_check={"path": "/", "interval": "100ms", "fall": 2})
    daemon = sluice(config_of(services, admin=admin))
    wait_until(lambda: daemon.service("svc-150")["headline"]["word"] == "no backend", 20, "a service in trouble")
    return daemon


def names(browser):
    return browser.script("return [...document.querySelectorAll('nav li b')].map(one => one.textContent)")


def test_two_hundred_services_worst_first_and_found_by_name(two_hundred, browser):
    daemon = two_hundred
    daemon.do("pause", "svc-099")
    browser.resize(1400)
    browser.open(url(daemon))
    browser.see("200 services", "2 to look at")
    assert names(browser)[:3] == ["svc-150", "svc-099", "svc-000"] and len(names(browser)) == 200
    browser.see("svc-150", "No backend of blue takes requests", selector=".headline")
    browser.write("#filter", "07")
    wait_until(lambda: names(browser) == ["svc-007", *[f"svc-07{i}" for i in range(10)], "svc-107"], 10, lambda: f"those with 07, not {names(browser)}")
    browser.click("nav a[href='#svc-071']")
    browser.see("steady", "svc-071", selector=".headline")
    daemon.do("split", "svc-071", "green=5%", "--rest", "blue")
    browser.see("shifted", "5 % of the requests go to green", selector=".headline")
    wait_until(lambda: names(browser)[0] == "svc-071", 10, "the shifted one first")
    assert browser.script("return document.activeElement.getAttribute('href')") == "#svc-071", "the focus went with its line"
    browser.do("POST", "/back")
    browser.see("svc-150", selector=".headline")


@pytest.mark.parametrize("width", [400, 1000, 2000])
def test_nothing_stands_outside_the_page(two_hundred, browser, width):
    browser.resize(width)
    browser.open(url(two_hundred))
    browser.see("svc-150", "Last 15 minutes")
    for wide in browser.script("return [...document.querySelectorAll('body *:not(.unseen):not(.skip)')].filter(one => { const box = one.getBoundingClientRect(); "
                               "return box.width && (box.right > innerWidth + 1 || box.left < -1); }).map(one => one.outerHTML.slice(0, 100))"):
        pytest.fail(f"at {width} px outside: {wide}")
    assert browser.script("return document.documentElement.scrollWidth") <= width


# --- for everybody

@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core from npm: ./dev test fetches it")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop, browser, scheme):
    daemon = shop(fails)
    browser.scheme(scheme)
    browser.expected += ["401"]
    browser.open(url(daemon, None))
    browser.see("Who are you?")
    assert browser.violations() == []
    browser.open(url(daemon))
    browser.see("steady")
    browser.do("POST", "/refresh")
    browser.see("nothing to roll back to")
    assert browser.violations() == []
    browser.press_button("Cut over to green")
    browser.see("Send all requests")
    assert browser.violations() == []
    browser.press_button("Cancel")
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h", "--max-p95", "500ms")
    browser.see("rolled back", "Last 15 minutes")
    assert browser.violations() == []
    daemon.do("stop", "api")
    browser.see("stopped")
    assert browser.violations() == []


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core from npm: ./dev test fetches it")
@pytest.mark.parametrize("scheme, width", [("light", 1400), ("dark", 400)])
def test_axe_finds_nothing_in_many_services_with_a_rollout(two_hundred, browser, scheme, width):
    daemon = two_hundred
    daemon.do("rollout", "start", "svc-001", "--to", "green", *STEPS, "--hold", "1h")
    browser.scheme(scheme)
    browser.resize(width)
    browser.open(url(daemon))
    browser.see("svc-150")
    browser.script("document.querySelector('nav details').open = true; location.hash = '#svc-001'")
    browser.see("holding", selector=".headline")
    assert browser.violations() == []


def test_the_keyboard_is_enough(shop, browser):
    daemon = shop(pace_us=0)
    daemon.do("cutover", "api=green")
    browser.open(url(daemon))
    browser.see("Roll back to blue")
    stops = []
    wait_until(lambda: browser.script("return !document.querySelector('[data-act=rollback]').disabled"), 10, "the rollback's leave")
    while "Roll back" not in browser.script("return document.activeElement.textContent") or len(stops) < 3:
        browser.press(TAB)
        stops.append(browser.script("return document.activeElement.textContent"))
        assert len(stops) < 10, stops
    assert stops == ["Skip to the service", "Sluice", "Roll back to blue"]
    assert browser.script("return getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus can be seen"
    browser.press(TAB)
    assert browser.script("return document.activeElement.textContent") == "Cut over to blue…"
    browser.press(ENTER)
    browser.see("Send all requests of api to blue?")
    browser.press(ESCAPE)
    wait_until(lambda: browser.script("return document.activeElement.textContent") == "Cut over to blue…", 10, "the focus where it was")
    browser.press(ENTER)
    browser.see("Send all requests of api to blue?")
    browser.press(ENTER)  # the first button has the focus
    browser.see("All requests go to blue", selector=".headline")
    assert daemon.shares() == {"blue": 100, "green": 0}


def test_a_screen_reader_hears_states_and_not_seconds(shop, browser):
    daemon = shop()
    browser.open(url(daemon))
    browser.see("steady")
    browser.script("window.heard = []; new MutationObserver(() => heard.push(document.querySelector('#told').textContent))"
                   ".observe(document.querySelector('#told'), {childList: true, characterData: true, subtree: true})")
    daemon.do("rollout", "start", "api", "--to", "green", *STEPS, "--hold", "1h")
    browser.see("holding", selector=".headline")
    seen = {headline(browser)}
    wait_until(lambda: seen.add(headline(browser)) or len(seen) >= 4, 20, "three seconds of a countdown")
    heard = browser.script("return heard")
    assert len(heard) == 1 and heard[0].startswith("api: holding. 20 % of the requests go to green."), heard
    tree = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    told = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in tree if not one["ignored"]]
    for wanted in [("heading", "20\u00a0% of the requests go to green"), ("button", "Roll back to blue"), ("main", ""), ("region", "Gates"), ("progressbar", "of the hold")]:
        assert wanted in told, (wanted, told)


# --- what it costs

def test_an_hour_of_events_leaves_no_trace(shop, browser):
    """What an hour brings, faster: the page keeps the last of it only."""
    daemon = shop()
    browser.open(url(daemon))
    browser.see("steady")
    before = browser.heap()
    for i in range(600):
        assert daemon.api("PUT", "/v1/services/api/split", {"blue": f"{90 + i % 9}%", "green": f"{10 - i % 9}%"}, {"X-Sluice-Reason": "x" * 500}).status == 200
    last = daemon.generation
    browser.see(f"generation {last}", timeout=30)
    assert browser.script("return [daemon.events.length, document.querySelectorAll('.events li').length]") == [200, 40]
    assert browser.heap() < before + 10e6
    assert browser.script("return document.querySelectorAll('*').length") < 1500


def test_samples_come_to_who_asks_and_histories_are_of_five_seconds(shop):
    daemon = shop()
    assert daemon.api("GET", "/v1/whoami").json["role"] == "admin"
    assert daemon.api("GET", "/v1/history/samples").status == 400
    assert daemon.api("GET", "/v1/history/samples?service=nobody").status == 404
    stream = UnixConnection(daemon.socket, timeout=20)
    stream.request("GET", "/v1/events?samples=true")
    answer, samples, text = stream.getresponse(), [], ""
    while len(samples) < 3:
        text += answer.read1(65536).decode()
        samples = [json.loads(line[6:]) for line in text.splitlines() if line.startswith('data: {"type":"sample"')]
    stream.close()
    assert text.startswith("retry: 1000\n")
    blue, green = samples[-1]["services"]["api"]["blue"], samples[-1]["services"]["api"]["green"]
    assert blue[0] == 1 and blue[2] > 0 and blue[8] == 1 and green[0] == 0 and green[3] is None
    history = wait_until(lambda: (said := daemon.api("GET", "/v1/history/samples?service=api").json)["pools"]["blue"]["requests"] and said, 20, "five seconds")
    assert history["interval_ms"] == 5000 and history["pools"]["blue"]["share"][-1] == 1
    assert {len(column) for pool in history["pools"].values() for column in pool.values()} == {len(history["pools"]["blue"]["share"])}


def test_the_socket_has_the_page_too_and_nothing_leaks_without_a_token(shop):
    daemon = shop(pace_us=0)
    page = daemon.api("GET", "/")
    assert page.status == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8" and "default-src 'none'" in page.headers["Content-Security-Policy"]
    bind = daemon.config["admin"]["http"]["bind"]
    for path in ("/", "/page.css", "/page.js"):
        assert fetch(bind, "GET", path).status == 200
    for path in ("/v1/status", "/v1/whoami", "/v1/history/samples?service=api", "/v1/events?samples=true"):
        assert fetch(bind, "GET", path, host=bind).status == 401


def test_the_demo_prints_an_address_that_opens_the_page(folder, process, browser):
    output = folder / "demo.out"
    with open(output, "w", encoding="utf-8") as file:
        process([binary("sluiced"), "demo", "--port", "0", "--admin-port", "0", "--socket", str(folder / "demo.sock")], stdout=file, stderr=file)
    address = wait_until(lambda: re.search(r"^  page +(\S+)$", output.read_text(), re.M), 20, lambda: f"the address in {output.read_text()}")[1]
    browser.open(address)
    browser.see("All requests go to blue", "token admin.token, admin")
    assert "#token" not in browser.script("return location.href")


# --- pictures

@pytest.mark.skipif(not PICTURES, reason="SLUICE_PICTURES=docs/images makes the pictures of the documentation")
def test_pictures(shop, browser):
    folder = ROOT / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    daemon = shop(health_check={"path": "/", "interval": "1s"})
    browser.open(url(daemon))
    browser.see("steady")
    time.sleep(45)  # a plot with something on it
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "5%,25%,50%,100%", "--hold", "30s", "--max-error-rate", "5%", "--max-p95", "500ms", "--reason", "INC-12")
    browser.see("step 2 of 4", timeout=60)
    time.sleep(12)
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.resize(1000, 800)
        browser.see("holding")
        browser.screenshot(folder / f"page-{scheme}.png")
    browser.resize(400, 800)
    browser.screenshot(folder / "page-narrow.png", whole=False)
