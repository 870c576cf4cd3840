"""Daemons that others take the place of, and clients of every kind that must not notice."""
import contextlib
import os
import select
import signal
import threading

from backend import pattern
from client import Client
from h2frames import Peer
from sluice import Sluice, processes_of_session
from waiting import wait_until


class Upgraded(Sluice):
    """The daemon's place is taken by others in turn; all of them are of the first one's session."""

    def pid(self):
        return self.status()["pid"]

    def upgrade(self, *args, check=0):
        done = self.ctl("-o", "json", "upgrade", *args, check=check)
        self._admin = None
        return done

    def alone(self):
        """No predecessor is left."""
        wait_until(lambda: "predecessor" not in self.status(), 20, "the predecessor's end")

    def everyone(self):
        """(pid, name) of all processes that the first one led to."""
        return [(int(entry.split(" (")[0]), entry.split(" (")[1]) for entry in processes_of_session(self.process.pid)]

    def finish(self):
        for pid, _ in self.everyone():
            with contextlib.suppress(ProcessLookupError):
                ended = os.pidfd_open(pid)
                os.kill(pid, signal.SIGTERM)
                select.select([ended], [], [], 15)
                os.close(ended)
        if self._admin:
            self._admin.close()
        self.process.wait(15)
        assert not processes_of_session(self.process.pid), self.stderr()
        self.log.close()


class Traffic:
    """Clients of every kind, in threads, until the end; what went wrong is in `failed`."""

    def __init__(self, daemon, tls):
        self.daemon, self.tls, self.over, self.failed, self.done = daemon, tls, threading.Event(), [], {}
        self.web, self.secure = daemon.address("web"), daemon.address("tls")
        kinds = [self.kept, self.kept, self.single, self.single, self.upload, self.behind_tls, self.streams, self.tunnel]
        self.threads = [threading.Thread(target=self.run, args=(kind,), daemon=True) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.done) == 6, 20, lambda: f"traffic of every kind: {self.done}, {self.failed[:3]}")
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(15)
            assert not thread.is_alive(), "a client that waits for ever"

    def run(self, kind):
        while not self.over.is_set():
            try:
                kind()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a lost request
                self.failed.append((kind.__name__, repr(error)))
                self.over.wait(0.01)

    def count(self, kind, good, got="another answer"):
        if good:
            self.done[kind] = self.done.get(kind, 0) + 1
        else:
            self.failed.append((kind, got))

    def one_after_the_other(self, kind, client):
        """Until the connection is closed by an answer that says so."""
        with client:
            while not self.over.is_set():
                answer = client.request("GET", "/", host="a.example")
                self.count(kind, answer.status == 200)
                if (answer.get("Connection") or "").lower() == "close":
                    return

    def kept(self):
        self.one_after_the_other("kept", Client(self.web))

    def behind_tls(self):
        client = Client(self.secure)
        client.sock = self.tls.wrap_socket(client.sock, server_hostname="a.example")
        self.one_after_the_other("tls", client)

    def single(self):
        with Client(self.web) as client:
            self.count("single", client.request("GET", "/", {"Connection": "close"}).status == 200)

    def upload(self):
        body = pattern(150_000)
        with Client(self.web) as client:
            client.send_request("POST", "/sink", [("Content-Length", str(len(body))), ("Connection", "close")])
            for at in range(0, len(body), 50_000):
                client.send(body[at:at + 50_000])
                self.over.wait(0.01)  # it takes its time
            answer = client.read()
            self.count("upload", answer.status == 200 and b"150000" in answer.body)

    def streams(self):
        with Peer(self.web) as peer:
            for stream in range(1, 1 << 20, 2):
                if peer.goaway or self.over.is_set():
                    return
                peer.request(stream)
                answer = peer.answer(stream)
                if peer.goaway and stream > peer.goaway[0]:
                    return  # said to be unprocessed: it is for another connection
                self.count("streams", answer.ended and answer.heads[-1][":status"] == "200", f"stream {stream}: {answer}, GOAWAY {peer.goaway}")
                if peer.closed:
                    return

    def tunnel(self):
        with Client(self.web) as client:
            client.send_request("GET", "/ws", [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                                               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
            assert client.head().status == 101
            for _ in range(5):
                client.send("hello")
                self.count("tunnel", client.exactly(5) == b"hello")
                self.over.wait(0.01)


def echo_tunnels(connection, request):
    if request.get("Upgrade"):
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        while True:
            if connection.buffer:
                data, connection.buffer = connection.buffer, b""
                connection.send(data)
            connection.more()
    connection.backend.tell(connection, request)
