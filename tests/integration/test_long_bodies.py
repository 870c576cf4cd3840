"""Bodies that nobody has to see stay in the kernel (proxy/base/pipe.hpp): every byte of them, and all that is counted, limited and cut."""
import contextlib
import hashlib
import json
import os
import signal
import socket
import threading

import pytest
from backend import PATTERN, Gone, pattern
from client import Client, Closed, request_bytes
from sluice import config_of, service
from waiting import wait_until

KIB, MIB = 1 << 10, 1 << 20
# Around what a read brings (16 KiB), what is worth a pipe (32 KiB), both, and what one look brings into it (256 KiB).
SIZES = [17 * KIB, 32 * KIB - 1, 32 * KIB + 1, 48 * KIB - 1, 48 * KIB + 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 272 * KIB, 3 * MIB + 7]


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def logged(sluice, backend, folder):
    """(daemon, blue): with an access log, whose lines are daemon.lines()."""
    path, blue = folder / "access.log", backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, access_log={"path": str(path), "format": "json"}, shutdown_timeout="10s"))
    daemon.lines = lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return daemon, blue


def as_chunks(body, size):
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def test_X4_answers_of_every_size_and_framing_come_byte_for_byte(logged):
    daemon, blue = logged
    blue.on("/chunks", lambda c, r: c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + as_chunks(pattern(blue.size), 300_000)))
    sent = []
    with daemon.client(timeout=30) as client:
        for size in SIZES:
            for _ in range(2):  # the second one on a connection whose reads are used to much
                answer = client.request(target=f"/bytes/{size}")
                assert answer.framing == "length" and sha(answer.body) == sha(pattern(size)), size
                blue.size = size
                answer = client.request(target="/chunks")
                assert answer.framing == "chunked" and sha(answer.body) == sha(pattern(size)), size
                sent += [size, size]
            assert client.request().status == 200, "and the connection serves on"
            sent.append(None)
    with daemon.client(timeout=30) as client:
        for size in SIZES:
            answer = client.request(target=f"/until-close/{size}")
            assert answer.framing == "chunked" and sha(answer.body) == sha(pattern(size)), size
            sent.append(size)
    lines = wait_until(lambda: len(daemon.lines()) == len(sent) and daemon.lines(), what="the lines")
    assert [size and line["bytes_out"] for size, line in zip(sent, lines)] == sent


def test_X4_uploads_of_every_size_and_framing_arrive_byte_for_byte_and_what_follows_is_a_request(logged):
    """Body and next head in one piece: a byte too much or too little, and the second one would be refused."""
    daemon, blue = logged
    sent = []
    for size in SIZES:
        for head, body in (([("Content-Length", str(size))], pattern(size)), ([("Transfer-Encoding", "chunked")], as_chunks(pattern(size), 300_000))):
            with daemon.client(timeout=30) as client:
                client.send(request_bytes("POST", "/sink", head) + body + request_bytes(target="/next"))
                first, second = json.loads(client.read().body), json.loads(client.read().body)
            assert (first["length"], first["hash"], second["target"]) == (size, sha(pattern(size)), "/next"), (size, head)
            sent += [size, 0]
    lines = wait_until(lambda: len(daemon.lines()) == len(sent) and daemon.lines(), what="the lines")
    assert [line["bytes_in"] for line in lines] == sent


def test_X4_a_very_long_answer_and_the_next_one(simple):
    daemon, _ = simple()
    size = 256 * MIB
    before = daemon.rss_kib()
    with daemon.client(timeout=60) as client:
        client.send_request(target=f"/bytes/{size}")
        assert client.head().get("Content-Length") == str(size)
        begin, client.buffer = client.buffer, b""
        assert begin == pattern(len(begin))
        came, room, twice = len(begin), memoryview(bytearray(256 * KIB)), memoryview(PATTERN * 6)
        while came < size:
            got = client.sock.recv_into(room[:min(len(room), size - came)])
            assert got and room[:got] == twice[came % len(PATTERN):][:got]
            came += got
        assert client.request().status == 200
    assert daemon.rss_kib() - before < 8 * KIB


@pytest.mark.parametrize("way", ["close", "reset"])
def test_X3_a_backend_that_breaks_off_in_the_midst_is_no_end(logged, way):
    daemon, blue = logged

    def breaks_off(connection, _request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MIB) + pattern(2 * MIB))
        blue.release.wait(10)
        connection.close() if way == "close" else connection.reset()
        raise Gone()
    blue.on("/cut", breaks_off)
    with daemon.client() as client:
        client.send_request(target="/cut")
        client.head()
        assert client.exactly(2 * MIB) == pattern(2 * MIB)
        blue.release.set()
        with pytest.raises(Closed):
            client.more()
    (line,) = wait_until(daemon.lines, what="the line")
    assert (line["status"], line["bytes_out"], line["error"]) == (200, 2 * MIB, "reset")
    assert daemon.metric("sluice_upstream_errors_total", reason="reset") == 1
    blue.release.clear()
    assert daemon.fetch().status == 200


def test_a_client_that_leaves_in_the_midst_of_an_answer_frees_all(logged):
    daemon, blue = logged
    assert daemon.fetch(f"/bytes/{MIB}").status == 200
    at_rest = daemon.descriptors()
    clients = [daemon.client(rcvbuf=16 * KIB) for _ in range(20)]
    for client in clients:
        client.send_request(target=f"/bytes/{64 * MIB}")
        client.head()
    for client in clients:
        client.reset()
    wait_until(lambda: daemon.pool("blue")["in_flight"] == 0, what="the requests to be given up")
    wait_until(lambda: daemon.metric("sluice_client_aborts_total") == 20, what="them to be counted")
    wait_until(lambda: daemon.descriptors() <= at_rest + 16, what=lambda: f"{daemon.descriptors()} descriptors, {at_rest} at rest")
    assert daemon.fetch(f"/bytes/{MIB}").body == pattern(MIB)


def test_a_client_that_leaves_in_the_midst_of_its_upload_is_no_end_for_the_backend(logged):
    daemon, blue = logged
    with daemon.client() as client:
        client.send_request("POST", "/sink", [("Content-Length", str(4 * MIB))])
        client.send(pattern(2 * MIB))
        (request,) = wait_until(lambda: blue.seen("/sink"), what="the request")
        wait_until(lambda: request.body_length == 2 * MIB, what="what was sent")
    wait_until(lambda: request.connection.closed_by_peer, what="the backend to be told")
    assert not request.complete
    (line,) = wait_until(daemon.lines, what="the line")
    assert line["bytes_in"] == 2 * MIB
    assert daemon.metric("sluice_client_aborts_total") == 1


def sends(client, data, times=1):
    """A thread that sends, whatever becomes of it."""
    def run():
        with contextlib.suppress(OSError):
            for _ in range(times):
                client.sock.sendall(data)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_backend_that_refuses_an_upload_in_its_midst_is_heard(simple):
    daemon, blue = simple()

    def refuses(connection, request):
        pieces = connection.backend.body_pieces(connection, request)
        while request.body_length < MIB:
            request.body_length += len(next(pieces))
        connection.answer(403, b"no", [("Connection", "close")])
        raise Gone()
    refuses.reads_body = True
    blue.on("/no", refuses)
    with daemon.client() as client:
        client.send_request("POST", "/no", [("Content-Length", str(64 * MIB))])
        sender = sends(client, PATTERN, 64 * MIB // len(PATTERN))
        answer = client.read()
        assert (answer.status, answer.body) == (403, b"no")
    sender.join()
    assert MIB <= blue.seen("/no")[0].body_length < 2 * MIB


def test_X4_a_limit_of_bodies_cuts_chunks_that_are_longer(simple):
    daemon, blue = simple(limits={"body": str(MIB)})
    assert daemon.fetch("/sink", "POST", body=pattern(MIB)).status == 200
    with daemon.client() as client:
        client.send_request("POST", "/sink", [("Transfer-Encoding", "chunked")])
        sender = sends(client, as_chunks(pattern(16 * MIB), 16 * MIB))
        answer = client.read()
        assert (answer.status, answer.get("X-Sluice-Error")) == (413, "body")
    sender.join()
    cut = blue.seen("/sink")[1]
    wait_until(lambda: cut.connection.closed_by_peer, what="the upstream request to be given up")
    assert not cut.complete


def test_X5_an_answer_that_stalls_in_its_midst_is_cut(simple):
    daemon, blue = simple(timeouts={"response": "400ms"})

    def stalls(connection, _request):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MIB) + pattern(MIB))
        connection.backend.release.wait(20)
    blue.on("/stalls", stalls)
    with daemon.client() as client:
        client.send_request(target="/stalls")
        client.head()
        assert client.exactly(MIB) == pattern(MIB)
        with pytest.raises(Closed):
            client.more()
    assert daemon.metric("sluice_upstream_errors_total", reason="timeout") == 1


def test_D6_a_stop_lets_a_long_answer_finish(logged):
    daemon, _ = logged
    client = daemon.client(timeout=20, rcvbuf=64 * KIB)
    client.send_request(target=f"/bytes/{32 * MIB}")
    client.head()
    daemon.signal(signal.SIGTERM)
    assert sha(client.exactly(32 * MIB)) == sha(pattern(32 * MIB))
    assert client.closed()
    assert daemon.process.wait(10) == 0


def test_D3_a_drain_cuts_an_answer_at_its_deadline(logged):
    daemon, blue = logged
    with daemon.client(timeout=20, rcvbuf=16 * KIB) as client:
        client.send_request(target=f"/bytes/{64 * MIB}")
        client.head()
        done = daemon.ctl("drain", f"api/blue/{blue.address}", "--wait", "--timeout", "300ms", "--force")
        assert done.code == 8, done
        with pytest.raises((Closed, ConnectionResetError)):
            client.exactly(64 * MIB)
    (line,) = wait_until(daemon.lines, what="the line")
    assert line["bytes_out"] < 64 * MIB


def test_a_long_answer_goes_beside_small_ones_of_its_worker(simple):
    """Neither waits for the other's end."""
    daemon, _ = simple()
    stop, loads, address = threading.Event(), [], daemon.address()

    def download():
        with Client(address, timeout=30) as client:
            while not stop.is_set():
                loads.append(sha(client.request(target=f"/bytes/{8 * MIB}").body) == sha(pattern(8 * MIB)))
    threads = [threading.Thread(target=download) for _ in range(4)]
    for thread in threads:
        thread.start()
    with daemon.client() as client:
        while len(loads) < 8:
            assert client.request().status == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert all(loads)


def test_many_slow_readers_get_all_though_there_are_fewer_pipes(simple):
    """More at once than a worker has pipes: the others' bytes go through memory."""
    daemon, _ = simple()
    size = MIB + 3
    clients = [daemon.client(timeout=60, rcvbuf=16 * KIB) for _ in range(90)]
    for client in clients:
        client.send_request(target=f"/bytes/{size}")
    for client in clients:
        client.head()
    pipes = sum(1 for fd in os.listdir(f"/proc/{daemon.process.pid}/fd") if is_pipe(daemon.process.pid, fd))
    assert 2 <= pipes <= 140, "descriptors of pipes, those of the standard streams among them"
    for client in clients:
        assert sha(client.exactly(size)) == sha(pattern(size))
        client.close()


def is_pipe(pid, fd):
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:")
    except OSError:
        return False


def test_a_tunnel_carries_much_both_ways_and_every_byte_is_logged(logged):
    daemon, blue = logged
    size = 24 * MIB

    def mirror(connection, _request):
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + ACCEPT + "\r\n")
        for piece in connection.pieces(size):
            connection.send(piece)
        connection.close()
        raise Gone()
    blue.on("/raw", mirror)
    with daemon.client(timeout=30) as client:
        client.send_request(target="/raw", headers=UPGRADE)
        assert client.read().status == 101
        sender = threading.Thread(target=lambda: (client.sock.sendall(pattern(size)), client.sock.shutdown(socket.SHUT_WR)))
        sender.start()
        assert sha(client.exactly(size)) == sha(pattern(size))
        sender.join()
        assert client.closed()
    (line,) = wait_until(daemon.lines, what="the line")
    assert (line["bytes_in"], line["bytes_out"]) == (size, size)
