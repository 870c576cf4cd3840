"""A gRPC server and a gRPC client as tests use them: messages are bytes, methods are what the test says; no protobuf."""
from concurrent import futures

import grpc

HEALTH = "/grpc.health.v1.Health/Check"
ECHO, BAD, COUNT, LATE = (f"/t.Test/{name}" for name in ("Echo", "Bad", "Count", "Late"))
# What grpc-python does by itself would hide what the proxy does.
CLIENT_OPTIONS = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]


class GrpcServer:
    """methods: {"/pkg.Service/Name": (kind, function)}; kind is "unary", "client", "server" or "bidi" by what streams."""

    def __init__(self, methods=None, name="", port=0, credentials=None, health=b"\x08\x01"):
        self.name, self.methods, self.health = name, dict(methods or {}), health
        self.calls = []  # (method, metadata as a dict)
        self.server = grpc.server(futures.ThreadPoolExecutor(32), [_Handler(self)], options=[("grpc.so_reuseport", 0)])
        if credentials:
            self.port = self.server.add_secure_port(f"127.0.0.1:{port}", credentials)
        else:
            self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.address = f"127.0.0.1:{self.port}"
        self.server.start()

    def seen(self, method):
        return [metadata for called, metadata in self.calls if called == method]

    def stop(self, grace=None):
        self.server.stop(grace).wait(10)


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, owner):
        self.owner = owner

    def service(self, details):
        owner = self.owner
        if details.method == HEALTH and owner.health is not None:
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: owner.health)
        if details.method not in owner.methods:
            return None  # UNIMPLEMENTED
        owner.calls.append((details.method, dict(details.invocation_metadata)))
        kind, function = owner.methods[details.method]
        make = {"unary": grpc.unary_unary_rpc_method_handler, "client": grpc.stream_unary_rpc_method_handler,
                "server": grpc.unary_stream_rpc_method_handler, "bidi": grpc.stream_stream_rpc_method_handler}[kind]
        return make(function)


def methods(name):
    """Those that every test of calls wants; a server with them says who it is. BAD and LATE end with the status that is asked for."""
    def bad(request, context):
        context.set_trailing_metadata((("who", name),))
        context.abort(grpc.StatusCode[request.decode()], f"{name}: nicht gut, 100 % \u00e9")

    def count(request, context):
        context.send_initial_metadata((("who", name),))
        for i in range(int(request)):
            yield b"%d" % i

    def late(request, context):
        yield b"first"
        context.abort(grpc.StatusCode[request.decode()], "after the first message")

    return {ECHO: ("unary", lambda request, context: name.encode() + b":" + request), BAD: ("unary", bad), COUNT: ("server", count),
            LATE: ("server", late)}


def over_http2(described):
    """A service whose pools speak HTTP/2."""
    for pool in described["pools"].values():
        pool["protocol"] = "h2"
    return described


def channel(address, credentials=None, options=()):
    given = [*CLIENT_OPTIONS, *options]
    return grpc.secure_channel(address, credentials, given) if credentials else grpc.insecure_channel(address, given)


def unary(connection, method, message=b"m", **more):
    """The answer's message, or grpc.RpcError."""
    return connection.unary_unary(method)(message, timeout=more.pop("timeout", 10), **more)


def failure(call):
    """The RpcError that the function raises."""
    try:
        got = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"it did not fail: {got!r}")
