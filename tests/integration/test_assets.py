"""Assets: a file that the chosen pool does not have is had from a pool that has or had a share; nothing else changes for anybody."""
import json

import pytest
from h2backend import H2Backend
from h2frames import Peer
from sluice import config_of, service
from waiting import wait_until

FILES = {"blue": "/static/app.b1.js", "green": "/static/app.g2.js"}


def serves(name):
    """An HTTP/1 handler: the pool's own file, 404 below /static/ otherwise, and whatever is asked elsewhere."""
    def handler(connection, request):
        body = f"{name} {request.path} {request.get('Range')}".encode()
        if request.path == FILES[name] and request.get("If-None-Match") == f'"{name}"':
            return connection.answer(304, headers=[("ETag", f'"{name}"')])
        if request.path == FILES[name] or not request.path.startswith(("/static/", "/other/")) or request.path == f"/other/{name}.js":
            return connection.answer(200, b"" if request.method == "HEAD" else body, [("Cache-Control", "public"), ("X-From", name)])
        if request.path == "/static/broken.js" and name == "green":
            return connection.reset()
        if request.path == "/static/wrong.js" and name == "green":
            return connection.answer(500, b"oops")
        connection.answer(404, b"" if request.method == "HEAD" else f"not in {name}".encode(), [("X-From", name)])
    return handler


class Files(H2Backend):
    def end(self, request):
        name = self.name
        if request.path == FILES[name] or not request.path.startswith("/static/"):
            return request.connection.answer(request.stream, f"{name} {request.path} None".encode(), 200, [("x-from", name)])
        request.connection.answer(request.stream, f"not in {name}".encode(), 404, [("x-from", name)])

    def begin(self, request):
        pass


@pytest.fixture
def site(sluice, backend, folder):
    """site(split, protocol, **service options) -> daemon with pools blue and green; daemon.lines() are its access lines."""
    made = []

    def start(split=None, protocol="h1", assets=None, pools=("blue", "green"), **options):
        described = service({name: [] for name in pools}, {name: f"{share}%" for name, share in (split or {"blue": 100}).items()})
        for name in pools:
            one = backend(name, serves(name)) if protocol == "h1" else Files(name)
            made.append(one)
            described["pools"][name] = {"backends": [one.address], "protocol": protocol}
        described.update(assets=assets or {"match": "/static/"}, **options)
        log = folder / "access.log"
        daemon = sluice(config_of({"api": described}, access_log={"path": str(log), "format": "json"}))
        daemon.backends = dict(zip(pools, made[-len(pools):]))
        daemon.lines = lambda: [json.loads(line) for line in log.read_text().splitlines()]
        return daemon
    yield start
    for one in made:
        one.stop()


def get(daemon, client, path, method="GET", headers=()):
    """(status, body, fields in lower case)"""
    if client == "h1":
        answer = daemon.fetch(path, method, headers)
        return answer.status, answer.body, {name.lower(): value for name, value in answer.headers}
    with Peer(daemon.address()) as peer:
        peer.request(1, path, method, more=[(name.lower(), value) for name, value in headers])
        answer = peer.answer(1)
        return answer.status, answer.body, answer.head


@pytest.mark.parametrize("backends", ["h1", "h2"])
@pytest.mark.parametrize("client", ["h1", "h2"])
def test_R5_a_file_comes_from_the_pool_that_has_it(site, client, backends):
    daemon = site({"blue": 50, "green": 50}, backends)
    for path, name in ((FILES["blue"], "blue"), (FILES["green"], "green")):
        for _ in range(20):  # about half of them are for the other pool
            status, body, _ = get(daemon, client, path)
            assert (status, body) == (200, f"{name} {path} None".encode())
    status, body, fields = get(daemon, client, "/static/nobody.js")
    assert status == 404 and body == f"not in {fields['x-from']}".encode(), "the first pool's own answer"


def test_a_file_of_a_pool_that_lost_its_share_is_found_also_after_a_restart(site):
    daemon = site({"blue": 100}, assets={"match": ["/static/"], "window": "1h"})
    assert get(daemon, "h1", FILES["green"])[0] == 404, "green never had a share"
    daemon.ctl("split", "api", "green=10%", "--rest", "blue", check=0)
    daemon.ctl("rollback", "api", check=0)
    assert daemon.shares() == {"blue": 100, "green": 0}
    assert get(daemon, "h1", FILES["green"])[:2] == (200, b"green /static/app.g2.js None")
    daemon.kill()
    daemon.start()
    assert get(daemon, "h1", FILES["green"])[0] == 200
    explained = daemon.ctl("explain", f"http://test.local{FILES['green']}", check=0).out
    assert "what blue does not have, green is asked for" in explained


def test_the_window_ends(site):
    daemon = site({"green": 100}, assets={"match": "/static/", "window": "300ms"})
    daemon.ctl("cutover", "api=blue", check=0)
    assert get(daemon, "h1", FILES["green"])[0] == 200
    wait_until(lambda: get(daemon, "h1", FILES["green"])[0] == 404, 10, "the window's end")


def test_R5_it_is_counted_and_is_nobody_s_error(site):
    daemon = site({"blue": 100, "green": 0}, outlier={"consecutive_errors": 1})
    daemon.ctl("split", "api", "green=1%", "--rest", "blue", check=0)
    daemon.ctl("rollback", "api", check=0)
    for path, status in ((FILES["green"], 200), ("/static/broken.js", 404), ("/static/wrong.js", 404), ("/static/none.js", 404)):
        assert get(daemon, "h1", path)[0] == status
    blue, green = daemon.pool("blue"), daemon.pool("green")
    assert (blue["requests"], blue["errors"], blue["assets_elsewhere"], blue["assets_missing"]) == (4, 0, 1, 3)
    assert (green["requests"], green["errors"]) == (0, 0)
    assert [one["errors"] for one in blue["backends"].values()] == [0] and [one["errors"] for one in green["backends"].values()] == [0]
    assert [one["health"] for one in green["backends"].values()] == ["unknown"], "it is not ejected"
    assert daemon.metric("sluice_assets_elsewhere_total", service="api", pool="blue", result="found") == 1
    assert daemon.metric("sluice_assets_elsewhere_total", service="api", pool="blue", result="missing") == 3
    assert daemon.metric("sluice_retries_total", service="api", pool="blue") == 0
    assert daemon.metric("sluice_upstream_errors_total", service="api", pool="green", reason="reset") == 0
    wait_until(lambda: len(daemon.lines()) == 4, 10, "the log")
    assert [(line["pool"], line["asset_from"], line["status"], line["attempts"]) for line in daemon.lines()] == [
        ("blue", "green", 200, 1), ("blue", None, 404, 1), ("blue", None, 404, 1), ("blue", None, 404, 1)]
    wait_until(lambda: green["in_flight"] == 0 == daemon.pool("green")["in_flight"], 10, "nothing under way")
    assert "of blue's missing files 1 came from another pool, 3 from none" in daemon.ctl("status", "api", check=0).out


@pytest.mark.parametrize("method, path, headers, status", [
    ("POST", FILES["green"], [], 404),              # not safe
    ("GET", "/other/green.js", [], 404),            # does not match
    ("GET", FILES["green"], [("If-None-Match", '"green"')], 304),
    ("HEAD", FILES["green"], [], 200),
])
def test_R5_only_what_may_be_asked_twice_and_as_it_was_asked(site, method, path, headers, status):
    daemon = site({"blue": 100})
    daemon.ctl("split", "api", "green=1%", "--rest", "blue", check=0)
    daemon.ctl("split", "api", "green=0%", "--rest", "blue", check=0)
    assert get(daemon, "h1", path, method, headers)[0] == status
    asked = daemon.backends["green"].seen(path)
    assert [request.method for request in asked] == ([method] if status in (200, 304) and path == FILES["green"] else [])


def test_a_range_goes_on_as_it_is(site):
    daemon = site({"blue": 50, "green": 50})
    for _ in range(8):
        assert get(daemon, "h1", FILES["green"], headers=[("Range", "bytes=0-3")])[1] == b"green /static/app.g2.js bytes=0-3"


def test_R5_what_caches_keep_binds_nobody_to_a_version(site):
    daemon = site({"blue": 50, "green": 50}, debug_headers=True, sticky={"keys": ["cookie:id"], "issue_cookie": "id"})
    for _ in range(6):
        _, _, fields = get(daemon, "h1", FILES["green"])
        assert not {"set-cookie", "x-sluice-pool", "x-sluice-backend", "x-sluice-generation", "vary"} & set(fields)
    _, _, fields = get(daemon, "h1", "/page")
    assert {"set-cookie", "x-sluice-pool"} <= set(fields)


def test_where_the_pool_is_fixed_nothing_is_had_elsewhere(site):
    daemon = site({"blue": 50, "green": 50})
    cookie = "sluice_preview=" + daemon.do("preview", "api/blue")["token"]
    for _ in range(4):
        assert get(daemon, "h1", FILES["green"], headers=[("Cookie", cookie)])[0] == 404
    explained = daemon.ctl("explain", f"http://test.local{FILES['green']}", "-H", f"Cookie: {cookie}", check=0).out
    assert "because the pool is fixed" in explained


def test_a_pool_that_drains_is_not_asked_and_other_statuses_count(site):
    daemon = site({"blue": 100}, assets={"match": "/static/", "on": [403]})
    daemon.ctl("split", "api", "green=1%", "--rest", "blue", check=0)
    daemon.ctl("split", "api", "green=0%", "--rest", "blue", check=0)
    assert get(daemon, "h1", FILES["green"])[0] == 404, "404 is not listed"
    config = daemon.config
    config["services"]["api"]["assets"]["on"] = [404]
    daemon.write_config(config)
    daemon.ctl("reload", check=0)
    assert get(daemon, "h1", FILES["green"])[0] == 200
    daemon.ctl("drain", "api/green", "--wait", check=0)
    assert get(daemon, "h1", FILES["green"])[0] == 404
