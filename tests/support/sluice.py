"""The real daemon and the real CLI, as tests use them."""
import ctypes
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

from client import Client, fetch
from waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/release/bin"))
BAD_WORDS = re.compile(r"Sanitizer|runtime error:|terminate called|Assertion .* failed|core dumped", re.I)


def binary(name):
    path = BIN / name
    assert path.exists(), f"{path} is missing: build it, or set SLUICE_BIN"
    return str(path)


def memory_bound(kib):
    """What `kib` may be under a sanitizer, whose shadow memory and quarantine count too (lost memory it reports itself)."""
    return kib * (10 if os.environ.get("SLUICE_SANITIZE", "release") in ("asan", "tsan") else 1)


def die_with_the_tests():
    """In the child: a test run that is itself killed leaves no daemon behind (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def processes_of_session(leader):
    """The (name, pid) of whatever still runs in the session that the daemon led."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            pid_and_name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # it has just ended
        if int(rest.split()[3]) == leader and rest.split()[0] != "Z":
            found.append(pid_and_name)
    return found


class Ctl:
    """What a run of sluicectl left."""

    def __init__(self, done, took):
        self.code, self.out, self.err, self.took = done.returncode, done.stdout, done.stderr, took

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err)

    def __repr__(self):
        return f"<exit {self.code} out={self.out!r} err={self.err!r}>"


class Reply:
    """An answer of the admin API."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("x", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def service(pools, split=None, **more):
    """A service's configuration from {"blue": [backend or address, ...]}; even shares unless told."""
    names = list(pools)
    if split is None:
        split = {name: ("100%" if name == names[0] else "0%") for name in names}
    described = {name: {"backends": [b if isinstance(b, (str, dict)) else b.address for b in members]}
                 for name, members in pools.items()}
    return {"pools": described, "split": split, **more}


def config_of(services, routes=None, **more):
    """One listener on port 0 and a route per service (the first one gets everything)."""
    if routes is None:
        first, *others = services
        routes = [{"host": f"{name}.local", "service": name} for name in others] + [{"path": "/", "service": first}]
    config = {"listeners": [{"name": "web", "bind": "127.0.0.1:0"}], "workers": 1, "access_log": "off",
              "shutdown_timeout": "2s", "services": services, "routes": routes}
    config.update(more)
    return config


class Sluice:
    """A daemon of its own folder. `config` is a dict (written as JSON, which is YAML) or YAML text with {dir}."""

    def __init__(self, folder, config, args=(), env=None, preexec=None, prefix=(), start=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = str(self.folder / "admin.sock")
        self.state_dir = self.folder / "state"
        self.config_file = self.folder / "sluice.yaml"
        self.log_file = self.folder / "stderr.log"
        self.args, self.env, self.preexec, self.prefix = list(args), env or {}, preexec, list(prefix)
        self.process = None
        self.may_end_with = [0]  # exit codes that are no surprise to find at the end
        self._admin = None
        self.write_config(config)
        if start:
            self.start()

    # -- process

    def write_config(self, config):
        if isinstance(config, str):
            text = config.replace("{dir}", str(self.folder))
        else:
            config = json.loads(json.dumps(config))
            config.setdefault("admin", {}).setdefault("socket", self.socket)
            config.setdefault("state_dir", str(self.state_dir))
            self.socket = config["admin"]["socket"]
            self.config = config
            text = json.dumps(config, indent=2)
        self.config_file.write_text(text)

    def start(self, ready=True, timeout=20):
        self.state_dir.mkdir(exist_ok=True)
        self.log = open(self.log_file, "ab")
        environment = {**os.environ, **self.env}
        command = [*self.prefix, binary("sluiced"), "--config", str(self.config_file), *self.args]

        def prepare():
            die_with_the_tests()
            if self.preexec:
                self.preexec()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment,
                                        preexec_fn=prepare, start_new_session=True)
        if ready:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout=20):
        def answers():
            assert self.process.poll() is None, f"sluiced ended with {self.process.returncode}:\n{self.stderr()}"
            try:
                return self.api("GET", "/readyz").status == 200
            except (OSError, http.client.HTTPException):
                self._admin = None
                return False
        wait_until(answers, timeout, lambda: f"readiness; stderr:\n{self.stderr()}")

    def stderr(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9"""
        assert self.process.poll() is None, f"it had ended by itself: {self.process.returncode}\n{self.stderr()}"
        self.process.kill()
        self.process.wait(10)
        self._admin = None

    def stop(self, timeout=15):
        """SIGTERM, and the exit code."""
        if self._admin:
            self._admin.close()
            self._admin = None
        if self.process.poll() is None:
            ended = os.pidfd_open(self.process.pid)  # Popen.wait with a time limit would look every 50 ms
            self.process.terminate()
            in_time, _, _ = select.select([ended], [], [], timeout)
            os.close(ended)
            if not in_time:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait(10)
                raise AssertionError(f"sluiced did not stop within {timeout} s after SIGTERM:\n{self.stderr()}")
            self.process.wait()
        self.log.close()
        return self.process.returncode

    def finish(self):
        """The fixture's end: it stopped as asked, cleanly, and left no process."""
        if self.process is None:
            return
        killed_by_us = -9
        assert self.process.poll() in (None, *self.may_end_with, killed_by_us), f"it ended with {self.process.returncode}:\n{self.stderr()}"
        ended_before = self.process.poll() is not None
        code = self.stop()
        complaints = [line for line in self.stderr().splitlines() if BAD_WORDS.search(line)]
        assert not complaints, f"the daemon's log has:\n{self.stderr()}"
        if not ended_before:
            assert code == 0, f"exit code {code} after SIGTERM:\n{self.stderr()}"
        left = processes_of_session(self.process.pid)
        assert not left, f"processes left behind: {left}"

    # -- admin

    def api(self, method, path, body=None, headers=None, raw=None):
        """One call over the socket, on a kept connection."""
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        given = dict(headers or {})
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        for attempt in (0, 1):
            if self._admin is None:
                self._admin = UnixConnection(self.socket)
            try:
                self._admin.request(method, path, data, given)
                response = self._admin.getresponse()
                return Reply(response.status, response.headers, response.read())
            except (ConnectionError, http.client.RemoteDisconnected):
                self._admin.close()
                self._admin = None
                if attempt:
                    raise

    def status(self):
        reply = self.api("GET", "/v1/status")
        assert reply.status == 200, reply
        return reply.json

    def service(self, name="api"):
        return self.status()["services"][name]

    def pool(self, pool, name="api"):
        return self.service(name)["pools"][pool]

    def backend(self, address, pool=None, name="api"):
        pools = self.service(name)["pools"]
        for pool_name, value in pools.items():
            if pool in (None, pool_name) and address in value["backends"]:
                return value["backends"][address]
        raise KeyError(address)

    def shares(self, name="api"):
        return {pool: round(value["share"] * 100, 3) for pool, value in self.service(name)["pools"].items()}

    generation = property(lambda self: self.status()["generation"])

    def ctl(self, *args, check=None, timeout=60, input=None, env=None):
        started = time.monotonic()
        done = subprocess.run([binary("sluicectl"), "--socket", self.socket, *map(str, args)], capture_output=True, text=True,
                              timeout=timeout, input=input, env={**os.environ, "NO_COLOR": "1", **(env or {})})
        result = Ctl(done, time.monotonic() - started)
        assert BAD_WORDS.search(done.stderr) is None, result
        if check is not None:
            assert result.code == check, f"sluicectl {' '.join(map(str, args))}: wanted exit {check}, got {result}"
        return result

    def do(self, *args):
        """A verb that must succeed; its JSON."""
        return self.ctl("-o", "json", *args, check=0).json

    def metrics(self):
        reply = self.api("GET", "/metrics")
        assert reply.status == 200
        return reply.body.decode()

    def metric(self, name, **labels):
        """The sum of the samples of that name that carry these labels."""
        total, found = 0.0, False
        for line in self.metrics().splitlines():
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if match and match[1] == name:
                have = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                if all(have.get(k) == v for k, v in labels.items()):
                    total, found = total + float(match[3]), True
        assert found, f"no sample {name} {labels} in:\n{self.metrics()}"
        return total

    # -- traffic

    def address(self, listener="web"):
        return self.status()["listeners"][listener]["address"]

    def url(self, path="/", listener="web"):
        return f"http://{self.address(listener)}{path}"

    def fetch(self, target="/", method="GET", headers=(), body=None, host="test.local", listener="web", timeout=10.0):
        return fetch(self.address(listener), method, target, headers, body, host, timeout)

    def client(self, listener="web", timeout=10.0, rcvbuf=None):
        return Client(self.address(listener), timeout, rcvbuf)

    def rss_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
