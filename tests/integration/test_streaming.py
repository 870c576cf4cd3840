"""X4: bodies of any length stream, and a slow side stops the other one."""
import hashlib
import socket
import subprocess
import threading

from backend import PATTERN, Gone
from client import Client
from sluice import config_of, memory_bound, service
from waiting import stays_true, wait_until

MIB = 1 << 20
ROOM_KIB = 24 * 1024  # what a few connections may add to the daemon's memory, whatever passes through


def expected_hash(n):
    digest = hashlib.sha256()
    for _ in range(n // len(PATTERN)):
        digest.update(PATTERN)
    return digest.hexdigest()


def test_X4_64_mib_down_with_bounded_memory(simple):
    daemon, _ = simple()
    before = daemon.rss_kib()
    with daemon.client(timeout=60) as client:
        client.send_request(target=f"/bytes/{64 * MIB}")
        answer = client.head()
        assert answer.get("Content-Length") == str(64 * MIB)
        digest, left, peak = hashlib.sha256(client.buffer), 64 * MIB - len(client.buffer), 0
        while left:
            piece = client.sock.recv(256 * 1024)
            assert piece
            digest.update(piece)
            left -= len(piece)
            peak = max(peak, daemon.rss_kib())
    assert digest.hexdigest() == expected_hash(64 * MIB)
    assert peak - before < memory_bound(ROOM_KIB), f"grew by {peak - before} KiB"


def test_X4_64_mib_up_with_bounded_memory(simple):
    daemon, blue = simple()
    before, peak = daemon.rss_kib(), 0
    with daemon.client(timeout=60) as client:
        client.send_request("POST", "/sink", [("Content-Length", str(64 * MIB))])
        for i in range(64 * MIB // len(PATTERN)):
            client.send(PATTERN)
            if i % 16 == 0:
                peak = max(peak, daemon.rss_kib())
        assert client.read().status == 200
    assert blue.seen("/sink")[0].body_hash == expected_hash(64 * MIB)
    assert peak - before < memory_bound(ROOM_KIB), f"grew by {peak - before} KiB"


def test_X4_of_what_a_client_does_not_read_64_KiB_wait_in_the_kernel(simple):
    """Above what is on its way to it: one piece of 16 KiB more at most."""
    daemon, _ = simple()
    host, port = daemon.address().split(":")

    def waiting():
        out = subprocess.run(["ss", "-Htn", "state", "established", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
        return sum(int(line.split()[1]) for line in out.splitlines())

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((host, int(port)))
        client.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (4 * MIB))
        wait_until(lambda: waiting() >= 64 * 1024, what="an answer that waits")
        stays_true(lambda: waiting() <= (64 + 16 + 2) * 1024, 0.3, "what waits in the kernel")


def test_X4_a_slow_reader_stops_the_backend(sluice, backend):
    sent = []

    def flood(connection, request):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {64 * MIB}\r\n\r\n")
        for _ in range(64 * MIB // len(PATTERN)):
            connection.send(PATTERN)
            sent.append(len(PATTERN))

    blue = backend("blue").on("/flood", flood)
    daemon = sluice(config_of({"api": service({"blue": [blue]})}))
    before = daemon.rss_kib()
    with daemon.client(timeout=60, rcvbuf=16384) as client:
        client.send_request(target="/flood")
        wait_until(lambda: sent, what="the flood to begin")
        previous = [-1, 0]  # what was sent at the last look, and for how many looks it has not changed

        def stalled():
            previous[:] = [len(sent), previous[1] + 1 if len(sent) == previous[0] else 0]
            return previous[1] > 40
        wait_until(stalled, 20, "the backend to be stopped by back-pressure")
        assert sum(sent) < 32 * MIB, "the backend could send nearly everything: someone buffers"
        assert daemon.rss_kib() - before < memory_bound(ROOM_KIB)
        answer = client.head()
        assert answer.status == 200
        assert len(client.exactly(64 * MIB)) == 64 * MIB, "it goes on when the reader does"


def test_X4_a_slow_backend_stops_the_client(sluice, backend):
    gate = threading.Event()

    def lazy(connection, request):
        gate.wait(30)
        connection.backend.receive_body(connection, request)
        connection.answer(200, str(request.body_length))

    lazy.reads_body = True
    blue = backend("blue", rcvbuf=16384).on("/lazy", lazy)
    daemon = sluice(config_of({"api": service({"blue": [blue]})}))
    before = daemon.rss_kib()
    with daemon.client(timeout=60) as client:
        client.send_request("POST", "/lazy", [("Content-Length", str(64 * MIB))])
        client.sock.settimeout(0.5)
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += client.sock.send(PATTERN)
        except TimeoutError:
            pass
        assert sent < 32 * MIB, "the whole body was taken: someone buffers"
        assert daemon.rss_kib() - before < memory_bound(ROOM_KIB)
        gate.set()
        client.sock.settimeout(60)
        while sent < 64 * MIB:
            client.send(PATTERN[: 64 * MIB - sent] if 64 * MIB - sent < len(PATTERN) else PATTERN)
            sent += min(len(PATTERN), 64 * MIB - sent)
        assert client.read().body == str(64 * MIB).encode()


def test_X4_up_and_down_at_once(simple):
    """An echo of 16 MiB: neither side waits for the other's end."""
    daemon, _ = simple()
    got = hashlib.sha256()
    with daemon.client(timeout=60) as client:
        def upload():
            client.send_request("POST", "/echo", [("Transfer-Encoding", "chunked")])
            for _ in range(16 * MIB // len(PATTERN)):
                client.send(f"{len(PATTERN):x}\r\n".encode() + PATTERN + b"\r\n")
            client.send("0\r\n\r\n")

        sender = threading.Thread(target=upload)
        sender.start()
        answer = client.read()
        sender.join()
    for chunk in answer.chunks:
        got.update(chunk)
    assert got.hexdigest() == expected_hash(16 * MIB)


def test_the_first_byte_is_not_held_back(simple):
    """Streaming means now: a piece is passed on before the next one exists."""
    daemon, blue = simple()
    step = threading.Event()

    def slowly(connection, request):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        if not step.wait(10):
            raise Gone()
        connection.send("4\r\nlast\r\n0\r\n\r\n")

    blue.on("/slowly", slowly)
    with daemon.client() as client:
        client.send_request(target="/slowly")
        assert client.head().status == 200
        assert client.line() == b"5" and client.exactly(7) == b"first\r\n"
        step.set()
        assert client.line() == b"4" and client.exactly(6) == b"last\r\n"


def test_upload_is_passed_on_piece_by_piece(simple):
    daemon, blue = simple()
    pieces = []

    def collect(connection, request):
        for piece in connection.backend.body_pieces(connection, request):
            pieces.append(piece)
        connection.answer(200, "done")

    collect.reads_body = True
    blue.on("/collect", collect)
    with daemon.client() as client:
        client.send_request("POST", "/collect", [("Content-Length", "10")])
        client.send("hello")
        wait_until(lambda: b"".join(pieces) == b"hello", what="the first half at the backend")
        client.send("world")
        assert client.read().body == b"done"


def test_many_idle_connections_hold_little_memory(simple):
    """X4: what a kept-alive connection holds is a small buffer at most, and that only for its first seconds of rest."""
    daemon, _ = simple()
    before = daemon.rss_kib()
    clients = [Client(daemon.address()) for _ in range(500)]
    for client in clients:
        assert client.request().status == 200
    grown = daemon.rss_kib() - before
    for client in clients:
        client.close()
    assert grown < memory_bound(500 * 24), f"{grown / 500:.1f} KiB for each idle connection"
