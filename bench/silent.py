"""Backends that take requests and keep them: those that never answer, and those that turn each into a WebSocket tunnel and say nothing more."""
import socket
import time

from processes import Wrong

PATIENCE = 10  # seconds for a request to reach its backend
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")  # to the key of RFC 6455, 1.3


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
        self.accept_all()
        return sum(has_bytes(connection) for connection in self.connections)

    def accept_all(self):
        try:
            while True:
                self.connections.append(self.listener.accept()[0])
        except BlockingIOError:
            pass

    def hang_up(self):
        for connection in self.connections:
            connection.close()
        self.connections = []


class TunnelBackend(SilentBackend):
    """Answers each request with 101."""

    def __init__(self, stack):
        super().__init__(stack)
        self.switched = 0

    def requests(self):
        self.accept_all()
        for connection in self.connections[self.switched:]:
            connection.settimeout(PATIENCE)
            if b"\r\n\r\n" not in connection.recv(4096):
                raise Wrong("a request came to a backend in pieces")
            connection.sendall(SWITCH)
        self.switched = len(self.connections)
        return self.switched

    def hang_up(self):
        super().hang_up()
        self.switched = 0


def has_bytes(connection):
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def wait_until_they_arrive(backends, count):
    deadline = time.monotonic() + PATIENCE
    while (arrived := sum(backend.requests() for backend in backends)) < count:
        if time.monotonic() > deadline:
            raise Wrong(f"{arrived} of {count} requests reached a backend")
        time.sleep(0.02)
