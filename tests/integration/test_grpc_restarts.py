"""Backends that are restarted under a load of unary calls: each says GOAWAY, ends what it has, is away and comes back; no call fails.

SLUICE_RESTARTS=100 is the run by hand."""
import collections
import contextlib
import os
import threading
import time

import grpc
import pytest
from grpcserver import GrpcServer, channel, unary
from h2backend import H2Backend
from sluice import config_of, service
from waiting import wait_until

RESTARTS = int(os.environ.get("SLUICE_RESTARTS", "20"))
ECHO = "/t.Test/Echo"


class Load:
    """Threads that call and call, each on a channel of its own: what a proxy's client sees, without retries of its own."""

    def __init__(self, address, threads=4):
        self.address, self.ended, self.answers, self.failed = address, threading.Event(), collections.Counter(), []
        self.threads = [threading.Thread(target=self.call, args=(n,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def call(self, number):
        with channel(self.address) as connection:
            turn = 0
            while not self.ended.is_set():
                turn += 1
                message = b"%d-%d" % (number, turn)
                try:
                    name, _, back = unary(connection, ECHO, message).partition(b":")
                    self.answers[name.decode()] += 1
                    if back != message:
                        self.failed.append((message, back))
                except grpc.RpcError as error:
                    self.failed.append((error.code(), error.details(), error.trailing_metadata()))

    def finish(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(30)


class Echo(H2Backend):
    """The same service by python3-h2; what it has seen is not kept."""

    def end(self, request):
        message = self.name.encode() + b":" + request.body[5:]
        request.connection.head(request.stream, headers=[("content-type", "application/grpc")])
        request.connection.send(request.stream, b"\0" + len(message).to_bytes(4, "big") + message)
        request.connection.send(request.stream, b"", [("grpc-status", "0")])
        self.requests.clear()


def grpc_server(name, port=0):
    return GrpcServer({ECHO: ("unary", lambda request, context: name.encode() + b":" + request)}, name, port)


def grpc_pool(*members, **more):
    described = service({"blue": list(members)}, outlier={"consecutive_errors": 0}, **more)
    described["pools"]["blue"]["protocol"] = "h2"
    return config_of({"api": described}, workers=2)


def answers_again(load, name):
    before = load.answers[name]
    wait_until(lambda: load.answers[name] > before + 3, what=f"{name} to answer again")


def test_R3_no_call_fails_while_servers_restart(sluice):
    """A server of gRPC's own library says CANCELLED of calls that come while it stops, to whoever calls: these are named as safe to repeat."""
    servers = {name: grpc_server(name) for name in ("one", "two")}
    daemon = sluice(grpc_pool(*servers.values(), retries={"on_grpc": ["unavailable", "cancelled"]}))
    load = Load(daemon.address())
    try:
        for turn in range(RESTARTS):
            name = ("one", "two")[turn % 2]
            answers_again(load, name)
            servers[name].stop(grace=5)  # GOAWAY, and the calls that it has end
            servers[name] = grpc_server(name, servers[name].port)
        answers_again(load, name)
    finally:
        load.finish()
        for server in servers.values():
            server.stop()
    print(f"{RESTARTS} restarts, {sum(load.answers.values())} calls, {len(load.failed)} failed")
    assert not load.failed, load.failed[:5]


def go_away(connection, notice):
    """As it is right (RFC 9113 6.8), or at once. Behind a notice the proxy may have left by itself."""
    if notice:
        with connection.lock:
            connection.leave(2**31 - 1)
        time.sleep(0.02)  # what is on its way comes
    with contextlib.suppress(OSError), connection.lock:
        connection.leave(max(connection.streams, default=0))
        connection.close_later()


@pytest.mark.parametrize("notice", [True, False])
def test_R3_no_call_fails_while_connections_are_ended_by_goaway(sluice, notice):
    """With a notice first (GOAWAY of 2^31-1), and at once: then what is on its way is above the last id."""
    backends = [Echo("one"), Echo("two")]
    daemon = sluice(grpc_pool(*backends))
    load = Load(daemon.address())
    try:
        for turn in range(RESTARTS):
            backend = backends[turn % 2]
            answers_again(load, backend.name)
            for connection in backend.open_connections():
                if connection.streams:  # its SETTINGS have gone out
                    go_away(connection, notice)
        answers_again(load, backend.name)
    finally:
        load.finish()
        for backend in backends:
            backend.stop()
    print(f"{RESTARTS} GOAWAYs, {sum(load.answers.values())} calls, {len(load.failed)} failed")
    assert not load.failed, load.failed[:5]
