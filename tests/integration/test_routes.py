"""Routes: host, wildcard, prefix by whole segments, headers, methods, strip_prefix; first match wins, none is 404."""
import json

import pytest
from sluice import config_of, service


@pytest.fixture
def routed(sluice, backend):
    names = ["exact", "wild", "static", "beta", "post", "stripped", "api"]
    backends = {name: backend(name) for name in names}
    services = {name: service({"a": [backends[name]], "b": [backends[name]]}) for name in names}
    routes = [
        {"host": "api.example.com", "path": "/only", "service": "exact"},
        {"host": "*.example.com", "path": "/", "service": "wild"},
        {"path": "/static", "service": "static"},
        {"path": "/strip/", "strip_prefix": True, "service": "stripped"},
        {"path": "/", "host": "multi.local", "headers": {"X-Beta": "1", "X-Ring": "inner"}, "service": "beta"},
        {"path": "/", "host": "multi.local", "methods": ["POST", "PUT"], "service": "post"},
        {"path": "/", "host": "multi.local", "service": "api"},
    ]
    return sluice(config_of(services, routes))


def test_routes_choose_the_service(routed):
    def who(target, host, method="GET", headers=()):
        answer = routed.fetch(target, method, headers, host=host)
        return answer.get("X-Backend") if answer.status == 200 else answer.status

    assert who("/only", "api.example.com") == "exact"
    assert who("/only/more", "API.Example.COM") == "exact", "host names are case-insensitive"
    assert who("/only", "api.example.com:8080") == "exact", "the port does not count"
    assert who("/only?x=1", "api.example.com") == "exact", "the query does not count"
    assert who("/other", "api.example.com") == "wild"
    assert who("/", "deep.er.example.com") == "wild", "* is one or more labels"
    assert who("/", "example.com") == 404, "... but not none"
    assert who("/", "badexample.com") == 404
    assert who("/static", "any") == "static"
    assert who("/static/", "any") == "static"
    assert who("/static/x.css", "any") == "static"
    assert who("/staticx", "any") == 404, "a prefix is whole segments"
    assert who("/", "multi.local", headers={"X-Beta": "1", "X-Ring": "inner"}) == "beta"
    assert who("/", "multi.local", headers={"X-Beta": "1"}) == "api", "all headers must match"
    assert who("/", "multi.local", headers={"X-Beta": "2", "X-Ring": "inner"}) == "api"
    assert who("/", "multi.local", "POST") == "post"
    assert who("/", "multi.local", "PUT") == "post"
    assert who("/", "multi.local", "DELETE") == "api"


def test_strip_prefix_takes_the_prefix_off(routed):
    def target(path):
        return json.loads(routed.fetch(path).body)["target"]

    assert target("/strip/a/b?x=1") == "/a/b?x=1"
    assert target("/strip/") == "/"
    assert target("/strip/?q") == "/?q"
    assert target("/strip//double") == "//double"


def test_no_route_is_404_with_its_reason(routed):
    with routed.client() as client:
        answer = client.request(host="nobody.local")
        assert answer.status == 404 and answer.get("X-Sluice-Error") == "no_route"
        assert answer.body
        assert client.request(target="/static", host="nobody.local").status == 200, "the connection goes on"
        client.send_request("POST", "/nowhere", [("Content-Length", "5")], host="nobody.local")
        client.send("hello")
        assert client.read().status == 404


def test_explain_names_route_pool_and_backend(routed):
    out = routed.ctl("explain", "http://api.example.com/only/x", check=0).out
    assert "exact" in out
    out = routed.ctl("explain", "--method", "POST", "http://multi.local/", check=0).out
    assert "post" in out
    out = routed.ctl("explain", "http://multi.local/", "-H", "X-Beta: 1", "-H", "X-Ring: inner", check=0).out
    assert "beta" in out
    missing = routed.ctl("explain", "http://nobody.local/")
    assert "404" in missing.out + missing.err or "no route" in (missing.out + missing.err).lower()
