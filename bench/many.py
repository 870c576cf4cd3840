"""A daemon of Sluice with many services, pools, backends or routes, and its admin socket."""
import contextlib
import http.client
import json
import os
import socket
import time

from contenders import HOST
from processes import Failed, Process, free_port, two_cpus
from stand import Origin, temporary
from rows import Row

PATIENCE = 60  # seconds for a start


class Api(http.client.HTTPConnection):
    """The admin socket, one kept connection."""

    def __init__(self, path):
        super().__init__("sluice", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self.path))

    def ask(self, method, path, body=None):
        """(status, text)"""
        self.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        reply = self.getresponse()
        return reply.status, reply.read()

    def call(self, method, path, body=None):
        status, text = self.ask(method, path, body)
        if status != 200:
            raise Failed(f"{method} {path}: {status} {text.decode()[:300]}")
        return text


def service_name(number):
    return f"s{number:05}"


def service(origins, pools, backends):
    """Pools p0, p1 ... with so many backends each; the first two share the traffic."""
    weights = {f"p{number}": "50%" if number < 2 else "0%" for number in range(pools)}
    return {"pools": {pool: {"backends": [{"name": f"b{number}", "address": f"127.0.0.1:{origins[number % 2]}"} for number in range(backends)]}
                      for pool in weights},
            "split": weights, "sticky": {"keys": ["cookie:session"]}}


class Daemon:
    """Each service has a route of its own host; the first one has the rest of `routes`."""

    def __init__(self, stack, options, services=1, pools=2, backends=1, routes=1):
        self.folder = temporary(stack)
        load_cpu, cpu = two_cpus()
        origins = [Origin(stack, Row("asked"), options.bin_dir, load_cpu, self.folder / f"origin{i}.log").port for i in range(2)]
        self.port, self.socket = free_port(), self.folder / "admin.sock"
        self.config = {
            "listeners": [{"name": "bench", "bind": f"127.0.0.1:{self.port}"}], "admin": {"socket": str(self.socket)},
            "state_dir": str(self.folder / "state"), "workers": 1,
            "services": {service_name(number): service(origins, pools, backends) for number in range(services)},
            "routes": [{"host": HOST.format(number), "service": service_name(number if number < services else 0)}
                       for number in range(max(routes, services))]}
        os.mkdir(self.folder / "state")
        self.write()
        self.process = Process(stack, [options.bin_dir / "sluiced", "--config", self.folder / "sluice.yaml"], cpu, self.folder / "stderr.log")
        self.api = Api(self.socket)
        stack.callback(self.api.close)
        self.wait_until_ready()
        self.services = services

    def wait_until_ready(self):
        """A change that comes before waits for all services to be built."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.process.require_alive("sluice")
            if time.monotonic() > deadline:
                raise Failed(f"sluice was not ready within {PATIENCE} s")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.api.ask("GET", "/readyz")[0] == 200:
                    return
            self.api.close()
            time.sleep(0.01)

    def write(self):
        """One line for each service and route."""
        tables = {"services", "routes"}
        lines = [f"{key}: {json.dumps(value)}" for key, value in self.config.items() if key not in tables]
        lines += ["services:"] + [f"  {name}: {json.dumps(value)}" for name, value in self.config["services"].items()]
        lines += ["routes:"] + [f"- {json.dumps(route)}" for route in self.config["routes"]]
        (self.folder / "sluice.yaml").write_text("\n".join(lines) + "\n")

    def metrics(self):
        return self.api.call("GET", "/metrics").decode()

    def give_traffic(self):
        """Sixteen requests to each service, of as many users, so that both pools have some."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        for number in range(self.services):
            for user in range(16):
                client.request("GET", "/", headers={"Host": HOST.format(number), "Cookie": f"session=user-{user}"})
                answer = client.getresponse()
                answer.read()
                if answer.status != 200:
                    raise Failed(f"a service answered with {answer.status}")
        client.close()
