"""What a proxy holds in memory for HTTP/2 connections that wait, and for streams whose answer does not come; h2c to HTTP/1.1."""
import contextlib
import socket
import struct
import time

from processes import Wrong, resident
from rounds import Result, in_order
from silent import SilentBackend, wait_until_they_arrive
from stand import Stand

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


def measure_idle(options, rows):
    """Row idle, and idle8, of the same connections, if it is wanted."""
    now, later = Result(), Result()
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options, next(iter(rows.values())))
        idle = {}

        def begin(name):
            idle[name] = Idle(*stand.running[name])
            stack.callback(idle[name].close)
            return idle[name].bytes_each()

        now.rounds.append(in_order(now, stand, list(stand.running), begin))
        if "idle8" in rows:
            later.wrong.update(now.wrong)
            later.rounds.append(in_order(later, stand, [name for name in idle if name not in now.wrong],
                                         lambda name: idle[name].bytes_each_later()))
    return {name: {"idle": now, "idle8": later}[name] for name in rows}


def measure_open(options, rows):
    return {name: open_row(options, row) for name, row in rows.items()}


def open_row(options, row):
    result = Result()
    with contextlib.ExitStack() as stack:
        backends = [SilentBackend(stack) for _ in range(2)]
        stand = Stand(stack, options, row, [backend.port for backend in backends])
        result.rounds.append(in_order(result, stand, list(stand.running),
                                      lambda name: bytes_per_open_stream(*stand.running[name], backends)))
    return result


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


def bytes_per_open_stream(process, port, backends):
    connections, streams = OPEN
    clients = [Client(port) for _ in range(connections)]
    for client in clients:
        client.read_settings()
    warm = Client(port)  # what the first request of all costs (pages of the program, too) is not a stream's
    warm.ask()
    wait_until_they_arrive(backends, 1)
    before = resident(process)
    for client in clients:
        client.ask(streams)
    wait_until_they_arrive(backends, connections * streams + 1)
    held = resident(process) - before
    for client in [warm, *clients]:
        client.socket.close()
    for backend in backends:
        backend.hang_up()
    return held / (connections * streams)
