"""Whether a contender of HTTP/1 does what all are to do: adds its fields, splits 95/5, keeps its connections to backends, writes an access log
or none. Asked once for each way of using it, with backends that keep what they got; a row measures only who passes."""
import contextlib
import http.client
import re
import socket
import ssl
import threading
import time

from contenders import CONTENDERS
from processes import Failed, Wrong
from stand import Stand, can

REQUESTS = 1000   # Sluice splits each thousand exactly
LAST = 400        # characters of why it failed: a log's end says most
PATIENCE = 5      # seconds, for a log's lines to be written
known = {}        # (contender, tls, logged) -> what is wrong, or None


class Witness:
    """A backend that keeps the heads it got."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, stack):
        self.heads, self.connections = [], 0
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            head = []
            for line in stream:
                if line == b"\r\n":
                    self.heads.append(head)
                    connection.sendall(self.ANSWER)
                    head = []
                else:
                    head.append(line.decode("latin-1").strip().lower())


def wrong_ones(options, row):
    """{contender: what it does wrong}"""
    if row.h2:
        return {}
    asked = {name: (name, row.tls, row.logged) for name in options.only if can(name, row)}
    for name, key in asked.items():
        if key not in known:
            known[key] = examine(options, row, name)
    return {name: known[key] for name, key in asked.items() if known[key]}


def examine(options, row, name):
    with contextlib.ExitStack() as stack:
        witnesses = [Witness(stack) for _ in range(2)]
        try:
            stand = Stand(stack, options.with_only([name]), row, [witness.port for witness in witnesses])
            ask(stand.running[name][1], row.tls)
            check_requests(CONTENDERS[name], witnesses)
            check_log(stand.folder / name, row.logged and CONTENDERS[name].logs)
            stand.running[name][0].require_alive(name)
        except (Wrong, Failed) as problem:
            return str(problem)[-LAST:]
        return None


def anyone():
    """A client's context that asks no certificate for its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ask(port, tls):
    client = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=anyone()) if tls \
        else http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(client):
        for number in range(REQUESTS):
            try:
                client.request("GET", "/")
                answer = client.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as problem:
                raise Wrong(f"request {number + 1} of {REQUESTS} was not answered: {problem!r}") from None
            if answer.status != 200 or body != b"ok":
                raise Wrong(f"request {number + 1} of {REQUESTS} was answered with {answer.status} and {body[:40]!r}")


def check_requests(contender, witnesses):
    heads = [head for witness in witnesses for head in witness.heads]
    if len(heads) != REQUESTS:
        raise Wrong(f"backends got {len(heads)} requests of {REQUESTS}")
    for field in contender.adds:
        without = sum(not any(line.startswith(f"{field}:") for line in head) for head in heads)
        if without:
            raise Wrong(f"{without} of {REQUESTS} requests came to a backend without {field}")
    share = len(witnesses[1].heads)
    if contender.splits and not 0.04 <= share / REQUESTS <= 0.06:
        raise Wrong(f"{share} of {REQUESTS} requests went to the backend with 5 %")
    opened = sum(witness.connections for witness in witnesses)
    if contender.keeps and opened > 8:
        raise Wrong(f"{opened} connections to backends for {REQUESTS} requests: they were not kept")


def check_log(folder, logged):
    """One line a request, or none at all."""
    expected = REQUESTS if logged else 0
    deadline = time.monotonic() + PATIENCE
    while (lines := logged_lines(folder)) < expected and time.monotonic() < deadline:
        time.sleep(0.02)
    if lines != expected:
        raise Wrong(f"{lines} lines in the access log after {REQUESTS} requests, instead of {expected}")


def logged_lines(folder):
    """HAProxy writes its log to standard error, Caddy writes JSON."""
    return sum(len(re.findall(r'GET /|"uri":"/"', path.read_text())) for name in ("access.log", "stderr.log") if (path := folder / name).exists())
