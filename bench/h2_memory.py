"""What a proxy holds in memory for HTTP/2 connections that wait, and for streams whose answer does not come; h2c to HTTP/1.1."""
import os
import pathlib
import socket
import struct
import time

from h2_rows import Wrong
from processes import family

CONNECTIONS = 1000        # that are idle
OPEN = (10, 100)          # connections, streams of each that are open
SETTLED = 8               # seconds after which an idle connection is looked at again
PATIENCE = 10             # seconds for an answer, or for a request to reach its backend
FRAME = 16384             # bytes of a frame at most, as we allow none larger

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATUS_200 = b"\x88"      # in HPACK, perhaps behind an update of the table's size
# GET http / with :authority "bench", which no table keeps.
REQUEST = b"\x82\x86\x84\x01\x05bench"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Client:
    """One HTTP/2 connection with prior knowledge, as little of it as the measurement needs."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
        self.stream = -1

    def ask(self, times=1):
        streams = range(self.stream + 2, self.stream + 2 * times + 2, 2)
        self.socket.sendall(b"".join(frame(HEADERS, END_STREAM | END_HEADERS, stream, REQUEST) for stream in streams))
        self.stream = streams[-1]

    def read_answer(self):
        """The answer to the last request, which must be 200."""
        ended = False
        while not ended:
            kind, flags, stream, payload = self.read_frame()
            if kind in (RST_STREAM, GOAWAY):
                raise Wrong("a request was refused")
            if kind == HEADERS and STATUS_200 not in payload[:5]:
                raise Wrong("a request was not answered with 200")
            ended = stream == self.stream and kind in (DATA, HEADERS) and flags & END_STREAM

    def read_settings(self):
        while self.read_frame()[0] != SETTINGS:
            pass

    def read_frame(self):
        head = self.read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        size = int.from_bytes(head[:3], "big")
        if size > FRAME:
            raise Wrong("what came is not HTTP/2")
        payload = self.read(size)
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.socket.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        return kind, flags, stream, payload

    def read(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except OSError as problem:
                raise Wrong(f"no answer: {problem}") from None
            if not piece:
                raise Wrong("a connection was closed")
            data += piece
        return data


def resident(process):
    """Bytes of memory in use by a process and those it started."""
    pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(process.pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


class Idle:
    """Connections that each had one request and wait."""

    def __init__(self, process, port):
        self.process = process
        warm = Client(port)  # what the first request of all costs is not a connection's
        warm.ask()
        warm.read_answer()
        self.before = resident(process)
        self.clients = [self.answered(port) for _ in range(CONNECTIONS)]
        self.since = time.monotonic()

    @staticmethod
    def answered(port):
        client = Client(port)
        client.ask()
        client.read_answer()
        return client

    def bytes_each(self):
        return (resident(self.process) - self.before) / CONNECTIONS

    def bytes_each_later(self):
        time.sleep(max(0, self.since + SETTLED - time.monotonic()))
        held = self.bytes_each()
        for client in self.clients:  # who has closed them holds nothing
            client.ask()
            client.read_answer()
        return held

    def close(self):
        for client in self.clients:
            client.socket.close()


class SilentBackend:
    """Takes connections and requests, and never answers."""

    def __init__(self, stack):
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.connections = []
        stack.callback(self.hang_up)

    def requests(self):
        """How many connections have brought a request so far; a proxy opens one for each over HTTP/1.1."""
        try:
            while True:
                self.connections.append(self.listener.accept()[0])
        except BlockingIOError:
            pass
        return sum(has_bytes(connection) for connection in self.connections)

    def hang_up(self):
        for connection in self.connections:
            connection.close()
        self.connections = []


def has_bytes(connection):
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def bytes_per_open_stream(process, port, backends):
    connections, streams = OPEN
    clients = [Client(port) for _ in range(connections)]
    for client in clients:
        client.read_settings()
    before = resident(process)
    for client in clients:
        client.ask(streams)
    deadline = time.monotonic() + PATIENCE
    while (arrived := sum(backend.requests() for backend in backends)) < connections * streams:
        if time.monotonic() > deadline:
            raise Wrong(f"{arrived} of {connections * streams} requests reached a backend")
        time.sleep(0.02)
    held = resident(process) - before
    for client in clients:
        client.socket.close()
    for backend in backends:
        backend.hang_up()
    return held / (connections * streams)
