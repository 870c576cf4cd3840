"""A collector of traces: takes OTLP/HTTP JSON as opentelemetry-proto describes it, refuses (and remembers) what is not so."""
import json
import re

from posted_to import PostedTo
from waiting import wait_until

SERVER, CLIENT = 2, 3
ERROR = 2
VALUES = {"stringValue": str, "boolValue": bool, "intValue": str}
SPAN = {"traceId", "spanId", "parentSpanId", "flags", "traceState", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "status"}


class Wrong(Exception):
    """It is not what OTLP says."""


def only(thing, known, where):
    if not isinstance(thing, dict) or not thing.keys() <= known:
        raise Wrong(f"{where}: {thing!r} has other keys than {sorted(known)}")
    return thing


def number_in(text, where):
    """64-bit integers are decimal strings."""
    if not isinstance(text, str) or not re.fullmatch(r"-?(0|[1-9]\d*)", text) or not -2**63 <= int(text) < 2**64:
        raise Wrong(f"{where}: {text!r} is no 64-bit number in a string")
    return int(text)


def attributes_in(listed, where):
    found = {}
    if not isinstance(listed, list):
        raise Wrong(f"{where}: attributes are a list")
    for one in listed:
        only(one, {"key", "value"}, where)
        key, (kind, value), = one["key"], *only(one["value"], set(VALUES), where).items()
        if not isinstance(key, str) or not key or key in found or not isinstance(value, VALUES[kind]):
            raise Wrong(f"{where}: {one!r}")
        found[key] = number_in(value, key) if kind == "intValue" else value
    return found


class Span:
    def __init__(self, said, resource):
        only(said, SPAN, "a span")
        self.said, self.resource = said, resource
        self.trace_id, self.id, self.parent = said["traceId"], said["spanId"], said.get("parentSpanId")
        for text, size in ((self.trace_id, 32), (self.id, 16), (self.parent or "1" * 16, 16)):
            if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{size}}}", text) or not text.strip("0"):
                raise Wrong(f"{text!r} is no id in hexadecimal")
        self.name, self.kind, self.flags = said["name"], said["kind"], said["flags"]
        if self.kind not in (SERVER, CLIENT) or not isinstance(self.name, str) or not self.name:
            raise Wrong(f"kind {self.kind!r}, name {self.name!r}")
        if not isinstance(self.flags, int) or not 0 <= self.flags < 2**32:
            raise Wrong(f"flags {self.flags!r}")
        self.began, self.ended = (number_in(said[key], key) for key in ("startTimeUnixNano", "endTimeUnixNano"))
        if not 0 < self.began <= self.ended:
            raise Wrong(f"from {self.began} to {self.ended}")
        self.attributes = attributes_in(said["attributes"], self.name)
        status = only(said["status"], {"code", "message"}, "status")
        if status.get("code", 0) not in (0, 1, 2) or isinstance(status.get("code"), bool):
            raise Wrong(f"status {status!r}")
        self.failed = status.get("code") == ERROR

    sampled = property(lambda self: self.flags & 1)
    seconds = property(lambda self: (self.ended - self.began) / 1e9)

    def __getitem__(self, key):
        return self.attributes.get(key)

    def __repr__(self):
        return f"<{'client' if self.kind == CLIENT else 'server'} {self.name} {self.id} of {self.parent} {self.attributes}>"


def spans_in(body):
    spans = []
    for resource in only(json.loads(body), {"resourceSpans"}, "the body")["resourceSpans"]:
        only(resource, {"resource", "scopeSpans"}, "resourceSpans")
        about = attributes_in(only(resource["resource"], {"attributes"}, "resource")["attributes"], "resource")
        for scope in resource["scopeSpans"]:
            only(only(scope, {"scope", "spans"}, "scopeSpans")["scope"], {"name", "version"}, "scope")
            spans += [Span(one, about) for one in scope["spans"]]
    return spans


class Collector(PostedTo):
    headers, text = {"Content-Type": "application/json"}, "{}"

    def __init__(self, pair=None, port=0):
        self.batches, self.requests, self.wrong = [], [], []
        super().__init__(pair, port)
        self.url = self.address

    def take(self, path, headers, body, answer):
        self.requests.append((path, headers))
        if answer == "hang":
            return
        try:
            if path != "/v1/traces" or headers["Content-Type"] != "application/json":
                raise Wrong(f"{path} {headers['Content-Type']}")
            spans = spans_in(body)
            if answer == 200:
                self.batches.append(spans)
        except (Wrong, KeyError, ValueError, TypeError) as error:
            self.wrong.append(f"{error!r} in {body[:2000]!r}")

    def spans(self, path=None, kind=None):
        """In the order of their beginning."""
        assert not self.wrong, self.wrong
        found = [span for batch in list(self.batches) for span in batch if path in (None, span["url.path"]) and kind in (None, span.kind)]
        return sorted(found, key=lambda span: (span.began, span.kind))

    def trace(self, path, count, timeout=20):
        """The request for `path` and its attempts, all there and none more: (server span, client spans)."""
        wait_until(lambda: len(self.spans(path)) >= count, timeout, lambda: f"{count} spans of {path}: {self.spans(path)} of {self.spans()}")
        servers, clients = self.spans(path, SERVER), self.spans(path, CLIENT)
        assert len(servers) == 1 and len(servers) + len(clients) == count, (servers, clients)
        server, = servers
        assert all(span.trace_id == server.trace_id and span.parent == server.id for span in clients), (server, clients)
        assert all(server.began <= span.began and span.ended <= server.ended for span in clients if not span["sluice.mirror"])
        return server, clients
