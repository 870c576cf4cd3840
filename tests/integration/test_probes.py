"""Probes read HTTP as the proxy does (H2, X3)."""
import threading

import pytest
from sluice import config_of, service
from waiting import wait_until

CHECK = {"path": "/health", "interval": "100ms", "timeout": "2s", "rise": 1, "fall": 1}


@pytest.fixture
def probed(sluice, backend):
    """probed(the answer, or a handler) -> (daemon, backend); no probe meets anything else."""

    def start(answer):
        one = backend("blue-1")
        one.on("/health", answer if callable(answer) else lambda connection, request: (connection.send(answer), connection.close()))
        return sluice(config_of({"api": service({"blue": [one]}, health_check=CHECK)})), one

    return start


def health(daemon, backend):
    return daemon.backend(backend.address)["health"]


OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "HTTP/1.1 102 Processing\r\n\r\n" + OK,
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + OK,
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 204 No Content\r\n\r\n",
])
def test_B13_what_the_proxy_takes_for_an_answer_is_one_for_a_probe(probed, answer):
    daemon, backend = probed(answer)
    wait_until(lambda: health(daemon, backend) == "up", what="the backend to be up")
    assert daemon.fetch("/").status == 200


@pytest.mark.parametrize("answer, why", [
    ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", "status 500"),
    ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "status 101"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "the answer is not HTTP/1.1: its head is malformed"),
    ("HTTP/1.1 100 Continue\r\n\r\n" * 17 + OK, "more than 16 interim answers"),
    ("hello\r\n\r\n", "the answer is not HTTP/1.1: it does not begin with a status line"),
    ("HTTP/1.1 103 Early Hints\r\n\r\n", "the answer broke off"),
])
def test_B13_what_it_takes_for_none_is_none_and_the_reason_is_said(probed, answer, why):
    daemon, backend = probed(answer)
    wait_until(lambda: health(daemon, backend) == "down", what="the backend to be down")
    wait_until(lambda: why in daemon.stderr(), what=f"a log line with {why}")


def test_B13_a_page_of_many_megabytes_is_written_to_its_end(probed):
    """The backend saw a reset in the middle of its answer, and its log was full of it."""
    body, wrote, broken = "x" * (8 << 20), threading.Event(), threading.Event()

    def page(connection, request):
        try:
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n" + body)
            wrote.set()
        finally:
            if not wrote.is_set():
                broken.set()
        connection.close()
    daemon, backend = probed(page)
    wait_until(lambda: wrote.is_set() or broken.is_set(), what="a page written")
    assert not broken.is_set()
    wait_until(lambda: health(daemon, backend) == "up", what="the backend to be up")
