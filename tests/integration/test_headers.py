"""The headers that are made here: to backends, to clients, and on the proxy's own answers."""
import re

import pytest

TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def test_what_backends_are_told(simple):
    daemon, blue = simple()
    daemon.fetch("/a", host="shop.example:8080")
    request = blue.seen("/a")[0]
    assert request.version == "HTTP/1.1"
    assert request.get("Host") == "shop.example:8080"
    assert request.all("X-Forwarded-For") == ["127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == ["http"]
    assert request.all("X-Forwarded-Host") == ["shop.example:8080"]
    assert request.all("Via") == ["1.1 sluice"]
    assert len(request.all("X-Request-ID")) == 1 and len(request.get("X-Request-ID")) >= 16
    assert TRACE.fullmatch(request.get("traceparent"))
    assert request.get("Connection") in (None, "keep-alive")


def test_a_clients_copies_are_dropped_or_kept_as_the_contract_says(simple):
    daemon, blue = simple()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    forged = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"),
              ("Forwarded", "for=6.6.6.6"), ("X-Real-IP", "6.6.6.6"), ("X-Feature-Flags", "a=on"),
              ("X-Request-ID", "my-id-42"), ("traceparent", trace), ("Via", "1.0 edge")]
    answer = daemon.fetch("/a", headers=forged)
    request = blue.seen("/a")[0]
    assert request.all("X-Forwarded-For") == ["127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == ["http"]
    assert request.all("X-Forwarded-Host") == ["test.local"]
    assert request.get("X-Feature-Flags") is None
    assert "6.6.6.6" not in str(request.headers) and "evil" not in str(request.headers)
    assert request.all("X-Request-ID") == ["my-id-42"]
    assert request.get("traceparent") == trace
    assert ", ".join(request.all("Via")) == "1.0 edge, 1.1 sluice"
    assert answer.status == 200


@pytest.mark.parametrize("bad", ["", "x" * 500, "a b\tc", "00-xyz"])
def test_unusable_ids_are_replaced(simple, bad):
    daemon, blue = simple()
    daemon.fetch("/a", headers={"traceparent": bad})
    assert TRACE.fullmatch(blue.seen("/a")[0].get("traceparent"))


def test_each_request_has_its_own_id(simple):
    daemon, blue = simple()
    with daemon.client() as client:
        for _ in range(50):
            client.request()
    assert len({r.get("X-Request-ID") for r in blue.seen()}) == 50
    assert len({r.get("traceparent") for r in blue.seen()}) == 50


def test_what_clients_are_told(simple):
    daemon, blue = simple()
    blue.on("/via", lambda c, r: c.answer(200, "", [("Via", "1.1 inner"), ("Server", "mine")]))
    answer = daemon.fetch("/via")
    assert ", ".join(answer.all("Via")) == "1.1 inner, 1.1 sluice"
    assert answer.get("Server") == "mine" and answer.get("Date")
    for name in ("X-Sluice-Pool", "X-Sluice-Backend", "X-Sluice-Generation", "X-Sluice-Error"):
        assert answer.get(name) is None


def test_debug_headers(blue_green):
    daemon, blue, green = blue_green(debug_headers=True)
    answer = daemon.fetch()
    assert answer.get("X-Sluice-Pool") == "blue" and answer.get("X-Sluice-Backend") == blue.address
    assert answer.get("X-Sluice-Generation") == str(daemon.generation)
    daemon.do("cutover", "api=green")
    answer = daemon.fetch()
    assert answer.get("X-Sluice-Pool") == "green" and answer.get("X-Sluice-Generation") == str(daemon.generation)


def test_a_backend_cannot_speak_for_the_proxy(simple):
    daemon, blue = simple()
    blue.on("/lie", lambda c, r: c.answer(200, "", [("X-Sluice-Error", "no_backend"), ("X-Sluice-Pool", "green")]))
    answer = daemon.fetch("/lie")
    assert answer.get("X-Sluice-Error") is None and answer.get("X-Sluice-Pool") is None


def test_own_errors_carry_a_reason_and_a_short_text(simple):
    daemon, _ = simple(retries={"attempts": 1})
    answer = daemon.fetch("/close")
    assert answer.status == 502 and answer.get("X-Sluice-Error") == "reset"
    assert answer.get("Content-Type", "").startswith("text/plain")
    assert 0 < len(answer.body) < 500 and int(answer.get("Content-Length")) == len(answer.body)
    head = daemon.fetch("/close", "HEAD")
    assert head.status == 502 and head.body == b""
