"""What ./dev bench measures with and draws: the open loop, the handshakes, percentiles, the plot, the page of results."""
import contextlib
import json
import os
import pathlib
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import xml.etree.ElementTree

import pytest
from sluice import die_with_the_tests
from tls import Authority

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import latency  # noqa: E402
import plot  # noqa: E402
import results  # noqa: E402
import sharing  # noqa: E402
import table  # noqa: E402
from rows import Row  # noqa: E402

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", "build/release/bin")).resolve()
built = pytest.mark.skipif(not (BIN / "pacer").exists(), reason="the benchmarks are built without sanitizers only")


def run(program, *options):
    done = subprocess.run([BIN / program, *map(str, options)], capture_output=True, text=True, timeout=60, preexec_fn=die_with_the_tests, check=True)
    return json.loads(done.stdout)


class Backend:
    """One thread that answers whoever asks, in turn; it holds the answer number `held` back for `seconds`, and all others meanwhile."""

    def __init__(self, stack, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", held=0, seconds=0):
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        self.port = self.listener.getsockname()[1]
        self.answer, self.held, self.seconds, self.end = answer, held, seconds, threading.Event()
        stack.callback(self.end.set)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        answered = 0
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(self.listener, selectors.EVENT_READ)
            while not self.end.is_set():
                for key, _ in selector.select(0.2):
                    if key.fileobj is self.listener:
                        selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                    elif key.fileobj.recv(4096):
                        answered += 1
                        if answered == self.held:
                            self.end.wait(self.seconds)
                        key.fileobj.sendall(self.answer)
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()


@built
def test_a_stall_is_charged_to_all_requests_that_were_due_meanwhile():
    """100 requests are due in the half second in which nothing is answered; no more than four can be under way."""
    with contextlib.ExitStack() as stack:
        backend = Backend(stack, held=20, seconds=0.5)
        report = run("pacer", "--port", backend.port, "--connections", 4, "--rate", 200, "--requests", 200, "--body", 2)
    assert (report["requests"], report["failed"]) == (200, 0)
    assert sum(count for _, count in report["latencies"]) == 200
    assert sum(count for nanoseconds, count in report["latencies"] if nanoseconds >= 0.25e9) > 4 * 4


@built
@pytest.mark.parametrize("answer,says", [(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nok", "a status"),
                                         (b"HTTP/1.1 200 OK\r\n\r\nmore than that", "a body")])
def test_an_answer_that_is_not_right_is_a_failed_request(answer, says):
    with contextlib.ExitStack() as stack:
        report = run("pacer", "--port", Backend(stack, answer).port, "--connections", 2, "--rate", 1000, "--requests", 10, "--body", 2)
    assert (report["requests"], report["failed"], report["latencies"]) == (0, 10, []), says


class TlsBackend:
    """Answers one request for each connection. With no tickets nothing can be resumed."""

    def __init__(self, stack, pair, tickets):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*map(str, pair))
        self.context.num_tickets = tickets
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
                    client.unwrap()


@built
@pytest.mark.parametrize("tickets,resumed,good", [(2, 0, 20), (2, 1, 20), (0, 0, 20), (0, 1, 0)])
def test_handshakes_count_only_when_they_were_of_the_wanted_kind(folder, tickets, resumed, good):
    with contextlib.ExitStack() as stack:
        backend = TlsBackend(stack, Authority(folder).issue("server", "127.0.0.1"), tickets)
        report = run("handshakes", "--port", backend.port, "--requests", 20, "--at-once", 2, "--resumed", resumed, "--body", 2)
        assert report == {"requests": good, "failed": 20 - good}
        assert run("handshakes", "--port", backend.port, "--requests", 4, "--at-once", 1, "--body", 3) == {"requests": 0, "failed": 4}


MS = 1_000_000


def test_percentiles_are_of_the_rank_rounded_up():
    latencies = [(1 * MS, 98), (2 * MS, 1), (9 * MS, 1)]
    assert [latency.percentile(latencies, p) for p in (50, 98, 98.1, 99, 99.9, 100)] == [1, 1, 2, 2, 9, 9]


def test_what_is_added_is_the_difference_in_the_same_round():
    rounds = [([(3 * MS, 1)], [(1 * MS, 1)]), ([(9 * MS, 1)], [(8 * MS, 1)]), ([(7 * MS, 1)], [(1 * MS, 1)])]
    assert latency.added(rounds, 50) == {"median": 2, "lowest": 1, "highest": 6}
    kind = latency.Latencies("some", {"sluice": 1000}, {"sluice": rounds})
    assert latency.lines(kind) == {latency.DIRECT: [(1 * MS, 2), (8 * MS, 1)], "sluice": [(3 * MS, 1), (7 * MS, 1), (9 * MS, 1)]}
    assert latency.summary(kind)["direct"]["50"] == 1


def test_the_plot_has_a_line_for_each_inside_its_panel():
    shown = {"no proxy": [(100_000, 900), (200_000, 100)], "sluice": [(150_000, 990), (5 * MS, 10)]}
    drawing = plot.svg([("1,000 <a second>", shown), ("8,000 a second", shown)])
    root = xml.etree.ElementTree.fromstring(drawing)
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4
    width, height = float(root.get("width")), float(root.get("height"))
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        assert len(points) == 2 and points[1][0] > points[0][0] and points[1][1] < points[0][1]  # to the right rarer, further up slower
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_a_line_goes_from_the_median_to_the_last_per_mille():
    latencies = [(1 * MS, 400), (2 * MS, 200), (3 * MS, 300), (4 * MS, 99), (5 * MS, 1)]
    assert plot.curve(latencies) == [(2, 0.5), (3, 0.4), (4, 0.1), (5, 0.001)]
    assert plot.curve([(1 * MS, 10)]) == [(1, 0.5)]
    assert plot.curve([(1 * MS, 99_900), (2 * MS, 90), (3 * MS, 10)]) == [(1, 0.5), (2, 0.001)]


def test_a_run_writes_its_own_sections_anew_and_leaves_the_others(folder):
    page = folder / "RESULTS.md"
    results.write(page, {"HTTP/2 and gRPC": "two\n", "The table": "one\n"})
    results.write(page, {"The table": "changed\n", "Latency overhead": "three\n"})
    assert page.read_text().startswith(results.HEAD)
    assert {title: text.strip() for title, text in results.read(page.read_text()).items()} == {
        "The table": "changed", "Latency overhead": "three", "HTTP/2 and gRPC": "two"}
    assert list(results.read(page.read_text())) == ["The table", "Latency overhead", "HTTP/2 and gRPC"]


def test_a_table_of_results_says_the_ratio_the_goal_and_whether_it_is_met():
    rows = {"get": Row("small GET", base="nginx", goal=0.5)}
    summaries = {"get": {"medians": {"sluice": 12.34, "nginx": 20}, "wrong": {"haproxy": "1 of 2 requests failed"},
                         "to_nginx": {"median": 0.62, "lowest": 0.6, "highest": 0.65}}}
    lines = table.markdown(rows, summaries, ["floor", "sluice", "nginx", "haproxy"]).splitlines()
    assert lines[0] == "| row | what | unit | sluice | nginx | haproxy | Sluice to | is | goal |  |"
    assert lines[2] == "| `get` | small GET | us | 12.3 | 20.0 | wrong | nginx | 0.62 (0.60-0.65) | 0.50 | missed |"


STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
100.00    0.000123           1        42         3 futex
------ ----------- ----------- --------- --------- ----------------
100.00    0.000123           1        42         3 total
"""


def test_futex_calls_are_read_from_the_table_of_strace():
    assert sharing.calls_of(STRACE) == 42
    assert sharing.calls_of(STRACE.replace("        42         3 futex", "        42           futex")) == 42
    assert sharing.calls_of("") == 0
