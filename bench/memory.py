"""What a proxy holds in memory for connections of HTTP/1: idle after a request, waiting for an answer, turned into a tunnel."""
import contextlib
import socket
import time

from equal_work import anyone
from processes import Wrong, resident
from rounds import Result, in_order
from silent import SWITCH, SilentBackend, TunnelBackend, wait_until_they_arrive
from stand import Stand

SETTLED = 8    # seconds after which an idle connection is looked at
PATIENCE = 10  # seconds for an answer
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UPGRADE = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class Client:
    """A keep-alive connection."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if context:
            self.socket = context.wrap_socket(self.socket)

    def ask(self, body=128):
        """One request, and its answer."""
        self.send(GET)
        self.read_answer(b"HTTP/1.1 200 ", body)

    def send(self, request):
        try:
            self.socket.sendall(request)
        except OSError as problem:
            raise Wrong(f"a connection was closed: {problem}") from None

    def read_answer(self, begin, body=0):
        data = b""
        while b"\r\n\r\n" not in data or len(data) < data.index(b"\r\n\r\n") + 4 + body:
            try:
                piece = self.socket.recv(65536)
            except OSError as problem:
                raise Wrong(f"no answer: {problem}") from None
            if not piece:
                raise Wrong("a connection was closed")
            data += piece
        if not data.startswith(begin):
            raise Wrong(f"answered with {data[:40]!r}")

    def close(self):
        self.socket.close()


def measure_idle(options, rows):
    return {name: idle_row(options, row) for name, row in rows.items()}


def idle_row(options, row):
    """All contenders' connections wait at the same time."""
    result, held = Result(), {}
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options.without(["floor"]), row)
        context = anyone() if row.tls else None

        def open_all(name):
            process, port = stand.running[name]
            warm = Client(port, context)  # what the first request of all costs is not a connection's
            warm.ask()
            before = resident(process)
            clients = [Client(port, context) for _ in range(options.connections)]
            for client in clients:
                stack.callback(client.close)
                client.ask()
            held[name] = (before, clients)

        def look(name):
            before, clients = held[name]
            each = (resident(stand.running[name][0]) - before) / len(clients)
            for client in clients:  # who has closed them holds nothing
                client.ask()
            return each

        in_order(result, stand, list(stand.running), open_all)
        time.sleep(SETTLED)
        result.rounds.append(in_order(result, stand, [name for name in held if name not in result.wrong], look))
    return result


ACTIVE = {"m-active": (SilentBackend, GET), "m-tunnel": (TunnelBackend, UPGRADE)}


def measure_active(options, rows):
    return {name: active_row(options, row, *ACTIVE[name]) for name, row in rows.items()}


def active_row(options, row, backend, request):
    result = Result()
    with contextlib.ExitStack() as stack:
        backends = [backend(stack) for _ in range(2)]
        stand = Stand(stack, options, row, [one.port for one in backends])
        result.rounds.append(in_order(result, stand, list(stand.running),
                                      lambda name: bytes_each(options, *stand.running[name], backends, request)))
    return result


def bytes_each(options, process, port, backends, request):
    with contextlib.ExitStack() as stack:
        for one in backends:
            stack.callback(one.hang_up)
        before = resident(process)
        clients = [Client(port) for _ in range(options.connections)]
        for client in clients:
            stack.callback(client.close)
            client.send(request)
        wait_until_they_arrive(backends, len(clients))
        if request is UPGRADE:
            for client in clients:
                client.read_answer(SWITCH[:13])
        return (resident(process) - before) / len(clients)
