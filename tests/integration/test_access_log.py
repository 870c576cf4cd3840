"""The access log: a line for every answer, also of requests that never became one; its formats; where it goes."""
import json
import re
import signal

import pytest
from client import Client
from sluice import config_of, service
from tls import Authority, TlsClient
from waiting import wait_until

FIELDS = ["ts", "request_id", "client", "method", "host", "path", "status", "bytes_in", "bytes_out", "duration_ms", "upstream_ms",
          "service", "pool", "backend", "generation", "sticky", "attempts", "error", "query", "protocol", "scheme", "user_agent",
          "referer", "tls", "stream", "grpc_status", "asset_from"]
REASONS = {"malformed", "target", "headers", "method", "version", "coding", "expect", "misdirected", "plain_http", "no_route", "body",
           "limit", "timeout", "paused", "stopped", "overload", "no_backend", "connect", "reset", "protocol", "upgrade"}


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def logged(sluice, backend, folder):
    """logged(format, **more): a daemon whose lines are daemon.lines()."""
    def start(format="json", listener=None, routes=None, **more):
        path = folder / "access.log"
        blue = backend("blue")
        config = config_of({"api": service({"blue": [blue]}, **more)}, routes, access_log={"path": str(path), "format": format})
        config["listeners"] = [{"name": "web", "bind": "127.0.0.1:0", **(listener or {})}]
        daemon = sluice(config)
        daemon.lines = lambda: lines_of(path)
        daemon.blue = blue
        return daemon
    return start


def only_line(daemon):
    (line,) = wait_until(daemon.lines, what="the line")
    return json.loads(line)


def refused(daemon, reason):
    return daemon.metric("sluice_requests_refused_total", reason=reason)


HOST = b"Host: shop.local\r\nUser-Agent: probe/1\r\nReferer: http://r/\r\n"
BAD = {  # what is sent: status, reason, and what is known of it
    "malformed": (b"POST /a?b=c HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                  {"method": "POST", "path": "/a", "query": "b=c", "protocol": "HTTP/1.1", "host": "shop.local", "user_agent": "probe/1",
                   "referer": "http://r/"}),
    "target": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, {"method": "GET", "path": "/" + "x" * 2047}),
    "headers": (b"GET /h HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 200 + b"\r\n", 431, {"method": "GET", "path": "/h", "host": "shop.local"}),
    "method": (b"CONNECT h:1 HTTP/1.1\r\n" + HOST + b"\r\n", 501, {"method": "CONNECT", "path": "h:1", "protocol": "HTTP/1.1"}),
    "coding": (b"POST /c HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, {"method": "POST", "path": "/c"}),
    "version": (b"GET /v HTTP/3.7\r\n" + HOST + b"\r\n", 505, {"method": "GET", "path": "/v", "protocol": "HTTP/3.7"}),
    "expect": (b"POST /e HTTP/1.1\r\n" + HOST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx", 417, {"method": "POST", "path": "/e"}),
}


@pytest.mark.parametrize("reason", sorted(BAD))
def test_a_request_that_never_became_one_has_its_line_and_its_count(logged, reason):
    sent, status, known = BAD[reason]
    daemon = logged()
    with Client(daemon.address()) as client:
        client.send(sent)
        answer = client.read()
    assert (answer.status, answer.get("X-Sluice-Error")) == (status, reason)
    line = only_line(daemon)
    assert list(line) == FIELDS
    assert (line["status"], line["error"], line["client"]) == (status, reason, "127.0.0.1")
    assert {key: line[key] for key in known} == known
    assert line["bytes_out"] == len(answer.body) and line["bytes_in"] > 0 and line["duration_ms"] >= 0
    assert (line["service"], line["pool"], line["backend"], line["sticky"], line["attempts"]) == ("", "", "", "", 0)
    assert (line["scheme"], line["tls"], line["stream"], line["grpc_status"]) == ("http", None, None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    assert refused(daemon, reason) == 1
    assert daemon.blue.seen() == []


def test_bytes_that_are_no_http_have_a_line_without_them(logged):
    daemon = logged()
    with Client(daemon.address()) as client:
        client.send(b"\x00\"\\\n\x1b[31m / HTTP/1.1\r\n\r\n")
        assert client.read().status == 400
    line = only_line(daemon)
    assert (line["status"], line["error"], line["method"], line["path"], line["protocol"]) == (400, "malformed", "", "", "")


def test_a_head_that_takes_too_long_has_its_line(logged):
    daemon = logged(listener={"header_timeout": "200ms"})
    with Client(daemon.address()) as client:
        client.send(b"GET /slow?x HTTP/1.1\r\nHost: shop.local\r\nUser-Ag")
        assert client.read().status == 408
    line = only_line(daemon)
    assert (line["status"], line["error"], line["method"], line["path"], line["query"]) == (408, "timeout", "GET", "/slow", "x")
    assert line["host"] == "shop.local" and line["duration_ms"] >= 150
    assert refused(daemon, "timeout") == 1


def test_a_second_request_that_is_bad_has_a_line_beside_the_first(logged):
    daemon = logged()
    with daemon.client() as client:
        assert client.request(target="/good").status == 200
        client.send(b"GET /bad HTTP/9.9\r\n\r\n")
        assert client.read().status == 505
    first, second = (json.loads(line) for line in wait_until(lambda: daemon.lines() if len(daemon.lines()) == 2 else None))
    assert (first["status"], first["path"], second["status"], second["path"], second["host"]) == (200, "/good", 505, "/bad", "")


def test_a_host_that_the_certificate_does_not_cover_has_its_line_with_the_version_of_tls(logged, folder):
    authority = Authority(folder)
    cert, key = authority.issue("site", "site.test")
    daemon = logged(listener={"tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}})
    with TlsClient(daemon.address(), authority.trusting()) as client:
        assert client.request(target="/ok", host="site.test").status == 200
        assert client.request(target="/no", host="other.test").status == 421
    good, bad = (json.loads(line) for line in wait_until(lambda: daemon.lines() if len(daemon.lines()) == 2 else None))
    assert (good["status"], good["scheme"], good["tls"]) == (200, "https", "TLSv1.3")
    assert (bad["status"], bad["error"], bad["host"], bad["path"]) == (421, "misdirected", "other.test", "/no")
    assert (bad["scheme"], bad["tls"]) == ("https", "TLSv1.3")
    assert refused(daemon, "misdirected") == 1


def test_what_the_proxy_answers_after_the_head_is_counted_by_reason(logged):
    daemon = logged(listener={"max_body": "10B"}, routes=[{"host": "api.local", "service": "api"}])
    assert daemon.fetch("/", host="other.local").status == 404
    assert daemon.fetch("/", "POST", host="api.local", body=b"x" * 11).status == 413
    lines = [json.loads(line) for line in wait_until(lambda: daemon.lines() if len(daemon.lines()) == 2 else None)]
    assert [(line["status"], line["error"]) for line in lines] == [(404, "no_route"), (413, "body")]
    assert refused(daemon, "no_route") == refused(daemon, "body") == 1


def test_all_reasons_are_there_from_the_start(logged):
    daemon = logged()
    found = dict(re.findall(r'^sluice_requests_refused_total\{reason="(\w+)"\} (\S+)$', daemon.metrics(), re.M))
    assert set(found) == REASONS and set(found.values()) == {"0"}


def test_the_new_fields_of_an_ordinary_request(logged):
    daemon = logged()
    daemon.fetch("/a?token=1&b", headers={"User-Agent": "curl/8", "Referer": "http://other/"})
    line = only_line(daemon)
    assert list(line) == FIELDS
    assert (line["path"], line["query"], line["protocol"], line["scheme"]) == ("/a", "token=1&b", "HTTP/1.1", "http")
    assert (line["user_agent"], line["referer"], line["tls"]) == ("curl/8", "http://other/", None)


def test_combined_is_the_format_of_apache_and_nginx(logged):
    daemon = logged("combined")
    daemon.fetch("/bytes/5?x=1", headers={"User-Agent": 'a "quoted" \\ one', "Referer": "http://r/"})
    (line,) = wait_until(daemon.lines)
    match = re.fullmatch(r'(\S+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)"', line)
    assert match, line
    assert (match[1], match[3], match[4], match[5], match[6]) == ("127.0.0.1", "GET /bytes/5?x=1 HTTP/1.1", "200", "5", "http://r/")
    assert match[7] == r"a \x22quoted\x22 \x5C one"


def test_a_template_has_the_fields_that_it_names(logged):
    daemon = logged("{client} {method} {{{path}}} {status} {tls} ua='{user_agent}'")
    daemon.fetch("/a", headers={"User-Agent": "x\"\xff"})
    (line,) = wait_until(daemon.lines)
    assert line == "127.0.0.1 GET {/a} 200 - ua='x\\\"\\u00ff'"


def test_a_reload_changes_the_format(logged):
    daemon = logged("{path}")
    daemon.fetch("/a")
    wait_until(lambda: daemon.lines() == ["/a"])
    daemon.write_config({**daemon.config, "access_log": {**daemon.config["access_log"], "format": "{status}"}})
    daemon.do("reload")
    daemon.fetch("/a")
    wait_until(lambda: daemon.lines() == ["/a", "200"])


def test_a_template_with_an_unknown_field_is_refused_with_its_place(logged):
    daemon = logged()
    daemon.write_config({**daemon.config, "access_log": {"path": "-", "format": "{clint} {status}"}})
    done = daemon.ctl("reload", check=2)
    assert re.search(r"sluice\.yaml:\d+:\d+: 'format': there is no field '\{clint\}'.*did you mean 'client'\?", done.err), done


def test_a_dash_is_standard_output_and_a_rotation_leaves_it_alone(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, access_log={"path": "-", "format": "line {path}"}))
    said = lambda: [line for line in daemon.stderr().splitlines() if line.startswith("line ")]  # noqa: E731
    daemon.fetch("/before")
    wait_until(lambda: said() == ["line /before"])
    daemon.signal(signal.SIGUSR1)
    daemon.fetch("/after")
    wait_until(lambda: said() == ["line /before", "line /after"])
