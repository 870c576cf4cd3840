"""The package on a Debian of its own with a real systemd as process 1: start, reload, watchdog, sockets, upgrades, stop."""
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

import pytest

from backend import Backend, free_port
from client import Client, fetch
from load import Loader
from machine import Machine, Root, libc
from pages import Block, commands_of, read_page, shows
from sluice import config_of, service
from waiting import stays_true, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build/release"))
DEBIAN = ROOT / "build/debian.tar"  # made by ./dev test
pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a systemd in namespaces"),
              pytest.mark.skipif(os.environ.get("SLUICE_SANITIZE", "release") != "release",
                                 reason="the libraries of sanitizers are not in Debian's packages")]


@pytest.fixture(scope="module", name="debian")
def with_the_package(tmp_path_factory):
    """A root on which the package is installed; nothing runs there."""
    assert DEBIAN.exists(), "./dev test makes it"
    packages = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", packages], check=True, capture_output=True, timeout=90)
    root = Root(tmp_path_factory.mktemp("debian"), DEBIAN, next(packages.glob("*.deb")),
                "mv /given /sluice.deb && dpkg --force-unsafe-io -i /sluice.deb")
    yield root
    root.close()


def listener(name, port):
    return {"name": name, "bind": f"127.0.0.1:{port}"}


class Served(Machine):
    """With two pools that answer, and a configuration that is the test's to change."""

    def __enter__(self):
        super().__enter__()
        try:
            self.inside = self.network()
            self.inside.__enter__()
            self.blue, self.green = Backend("blue"), Backend("green")
            self.port = free_port()
        except BaseException:
            super().__exit__()
            raise
        return self

    def __exit__(self, *_):
        for backend in (self.blue, self.green):
            backend.stop()
        self.inside.__exit__(None, None, None)
        super().__exit__()

    def configure(self, **more):
        config = config_of({"api": service({"blue": [self.blue], "green": [self.green]}, {"blue": "100%", "green": "0%"})},
                           listeners=[listener("web", self.port)], workers=2, shutdown_timeout="20s")
        self.path("etc/sluice/sluice.yaml").write_text(json.dumps(config | more, indent=1))

    def reload(self, **more):
        self.configure(**more)
        self.run("systemctl", "reload", "sluice")

    def drop_in(self, text, unit="sluice.service"):
        folder = self.path(f"etc/systemd/system/{unit}.d")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test.conf").write_text(text)
        self.run("systemctl", "daemon-reload")

    def start(self, **more):
        self.configure(**more)
        self.run("systemctl", "start", "sluice")
        return self

    def get(self, target="/"):
        return fetch(f"127.0.0.1:{self.port}", target=target, timeout=30)

    def main_pid(self):
        return int(self.show("sluice", "MainPID"))

    def restarts(self):
        return int(self.show("sluice", "NRestarts"))

    def keeps(self, count):
        """So many sockets, for the next daemon."""
        wait_until(lambda: int(self.show("sluice", "NFileDescriptorStore")) == count, 10, f"systemd to keep {count} sockets")

    def state(self):
        return self.show("sluice", "ActiveState"), self.show("sluice", "Result")

    def kill(self, pid, number=signal.SIGKILL):
        os.kill(self.host_pid(pid), number)

    def restarted(self, since):
        wait_until(lambda: self.restarts() > since and self.state()[0] == "active", 40, lambda: "a restart\n" + self.journal("-u", "sluice"), 0.1)

    def alone(self):
        wait_until(lambda: "predecessor" not in self.run("sluicectl", "status"), 30, "the predecessor's end", 0.1)


@pytest.fixture(name="machine")
def a_machine(debian, tmp_path, request):
    with Served(debian, tmp_path / "m") as machine:
        yield machine
        failed = getattr(request.node, "report_call", None)
        if failed is not None and failed.failed:
            print(machine.journal("-u", "sluice*"))


class Connecting:
    """A client that opens a connection for each request, until `finish`: how often it was refused, or its request broken off."""

    def __init__(self, port):
        self.port, self.refused, self.broken, self.answered, self.over = port, 0, 0, 0, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over:
            try:
                self.answered += fetch(f"127.0.0.1:{self.port}", timeout=30).status == 200
            except ConnectionRefusedError:
                self.refused += 1
            except Exception:  # noqa: BLE001  the process was killed while it answered
                self.broken += 1

    def more(self, count=20):
        at = self.answered
        wait_until(lambda: self.answered >= at + count, what="answers")

    def finish(self):
        self.over = True
        self.thread.join()
        return self


@pytest.fixture(name="connecting")
def connecting_clients(machine):
    made = []

    def make():
        made.append(Connecting(machine.port))
        return made[-1]
    yield make
    for one in made:
        one.finish()


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return False
    except ConnectionRefusedError:
        return True


def later(machine, target):
    """A request that is under way when this returns, and a function that returns its answer."""
    client, seen = Client(f"127.0.0.1:{machine.port}", timeout=60), len(machine.blue.seen())
    client.send_request(target=target)
    wait_until(lambda: len(machine.blue.seen()) > seen, what="the request to be under way")

    def answer():
        with client:
            return client.read().status
    return answer


# --- its life

def test_start_reload_stop(machine):
    machine.start()
    assert machine.get().status == 200
    assert "web on 127.0.0.1" in machine.show("sluice", "StatusText")
    machine.configure(nonsense=1)
    assert machine.try_to("systemctl", "reload", "sluice").returncode != 0 and machine.get().status == 200
    assert "unknown key 'nonsense'" in machine.journal("-u", "sluice"), "the journal says why"
    other = free_port()
    machine.reload(listeners=[listener("web", machine.port), listener("two", other)])
    assert fetch(f"127.0.0.1:{other}").status == 200
    answer = later(machine, "/delay/3000")
    machine.run("systemctl", "stop", "--no-block", "sluice")
    wait_until(lambda: refused(machine.port), what="new clients to be refused")
    assert machine.state()[0] == "deactivating", "while the old ones are served"
    assert answer() == 200
    wait_until(lambda: machine.state() == ("inactive", "success"), what="the end")


def test_a_wrong_configuration_is_not_tried_again_and_again(machine):
    machine.configure(nonsense=1)
    assert machine.try_to("systemctl", "start", "sluice").returncode != 0
    assert machine.state() == ("failed", "exit-code") and machine.restarts() == 0
    assert re.search(r"sluice.yaml:\d+:\d+: .*nonsense", machine.journal("-u", "sluice"))


def test_the_log_is_rotated_under_load(machine):
    machine.start(access_log={"path": "/var/log/sluice/access.log", "format": "combined"})
    log = machine.path("var/log/sluice/access.log")
    assert machine.get("/before").status == 200
    wait_until(lambda: "/before" in log.read_text(), what="its line")
    machine.run("logrotate", "-f", "/etc/logrotate.d/sluice")
    assert "/before" in log.with_suffix(".log.1").read_text()

    def told():
        assert machine.get("/after").status == 200
        return log.exists() and "/after" in log.read_text()
    wait_until(told, what="a line in the new file")
    assert log.stat().st_mode & 0o777 == 0o640 and log.owner() == log.with_suffix(".log.1").owner()


# --- watchdog

class OneThreadStopped:
    """A thread of a process does not run, the others do (ptrace)."""
    SEIZE, INTERRUPT, DETACH, ALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid, name):
        tasks = pathlib.Path(f"/proc/{pid}/task")
        self.thread = next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == f"{name}\n")

    def __enter__(self):
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        for request in (self.SEIZE, self.INTERRUPT):
            assert libc.ptrace(request, self.thread, None, None) == 0, os.strerror(ctypes.get_errno())
        os.waitpid(self.thread, self.ALL)
        return self

    def has_ended(self):
        """Nobody else may see its end before."""
        pid, status = os.waitpid(self.thread, self.ALL | os.WNOHANG)
        return pid != 0 and os.WIFSIGNALED(status)

    def __exit__(self, *_):
        libc.ptrace(self.DETACH, self.thread, None, None)  # if it still is there


def test_the_watchdog_restarts_a_daemon_or_a_worker_that_hangs_and_no_other(machine):
    machine.drop_in("[Service]\nWatchdogSec=3\n")
    machine.start()
    first = machine.main_pid()
    stays_true(lambda: machine.main_pid() == first, 4, "a healthy daemon")
    machine.run("sluicectl", "split", "api", "green=5%", "--rest", "blue")
    wait_until(lambda: "generation 2," in machine.show("sluice", "StatusText"), what="systemctl status to follow", every=0.1)
    machine.kill(first, signal.SIGSTOP)
    machine.restarted(0)
    assert machine.get().status == 200 and machine.main_pid() != first
    with OneThreadStopped(machine.host_pid(machine.main_pid()), "sluice-1") as worker:
        wait_until(worker.has_ended, 20, lambda: "the worker's end\n" + machine.journal("-u", "sluice"))
    machine.restarted(1)
    assert machine.get().status == 200
    assert machine.journal("-u", "sluice").count("Watchdog timeout") == 2
    answer = later(machine, "/delay/4500")  # a drain that takes longer than the watchdog waits
    machine.run("systemctl", "stop", "sluice")
    assert answer() == 200 and machine.state() == ("inactive", "success")


# --- listening sockets outlive the daemon

def test_nobody_is_refused_while_a_killed_daemon_comes_back(machine, connecting):
    machine.start(admin={"http": {"bind": "127.0.0.1:9900"}})
    machine.keeps(4)  # a socket for each worker, and two of the admin's
    clients = [connecting() for _ in range(3)]
    for kills in range(5):
        clients[0].more()
        machine.kill(machine.main_pid())
        assert "blue" in machine.run("sluicectl", "status"), "the admin socket waits as well"
        machine.restarted(kills)
        assert fetch("127.0.0.1:9900", target="/readyz").status == 200
    clients[0].more()
    done = [client.finish() for client in clients]
    assert [client.refused for client in done] == [0, 0, 0]
    assert all(client.broken <= 5 for client in done), "one at most when it was killed"
    machine.keeps(4)


def test_what_a_reload_gives_up_is_not_kept(machine):
    two = free_port()
    machine.start(listeners=[listener("web", machine.port), listener("two", two)])
    machine.keeps(5)
    machine.reload()
    machine.keeps(3)
    assert refused(two)
    machine.reload(listeners=[listener("renamed", machine.port), listener("two", two)])
    machine.keeps(5)
    # Edited while it is down: the other address is bound anew, and the old one let go.
    three = free_port()
    machine.configure(listeners=[listener("renamed", machine.port), listener("two", three)])
    machine.kill(machine.main_pid())
    machine.restarted(0)
    assert machine.get().status == 200 and fetch(f"127.0.0.1:{three}").status == 200
    machine.keeps(5)
    assert refused(two)
    # A process that takes over with another configuration.
    machine.configure(listeners=[listener("renamed", machine.port)])
    machine.run("sluicectl", "upgrade")
    machine.keeps(3)
    wait_until(lambda: refused(three), what="the port to be given up")
    assert machine.get().status == 200


# --- socket units

def test_a_socket_unit_starts_the_daemon_and_keeps_its_port(machine, connecting):
    machine.drop_in(f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{machine.port}\n", "sluice.socket")
    machine.configure(listeners=[listener("web", 1)])  # by its name, whatever the address
    machine.run("systemctl", "start", "sluice.socket")
    assert machine.state()[0] == "inactive"
    assert machine.get().status == 200, "the first client starts it"
    machine.keeps(1)  # the admin socket; the other one is the unit's
    client = connecting()
    client.more()
    machine.kill(machine.main_pid())
    machine.restarted(0)
    machine.run("sluicectl", "upgrade")
    client.more()
    machine.alone()
    machine.run("systemctl", "restart", "sluice")
    client.more()
    assert client.finish().refused == 0
    assert "no listener uses" not in machine.journal("-u", "sluice")


def test_a_socket_that_fits_no_listener_is_told_of(machine):
    machine.drop_in(f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{free_port()}\nFileDescriptorName=wep\n", "sluice.socket")
    machine.run("systemctl", "start", "sluice.socket")
    machine.start()
    assert "no listener uses the socket wep" in machine.journal("-u", "sluice", "-p", "warning")


# --- upgrades

def test_systemd_follows_upgrades_and_stops_the_last_one_in_peace(machine, connecting, recorder):
    machine.drop_in("[Service]\nWatchdogSec=3\n")
    loaded = service({"blue": [recorder("blue").address]})
    machine.start(services={"loaded": loaded, "api": service({"blue": [machine.blue]})},
                  routes=[{"host": "load.test", "service": "loaded"}, {"service": "api"}])
    load, client = Loader(machine.port, connections=8, pace_us=1000), connecting()
    pids = [machine.main_pid()]
    for _ in range(3):
        client.more()
        machine.run("sluicectl", "upgrade")
        pids.append(machine.main_pid())
        machine.alone()
    client.more()
    failures = load.finish()["failures"]
    assert not any(failures.values()), failures
    done = client.finish()
    assert (done.refused, done.broken) == (0, 0)
    assert len(set(pids)) == 4 and machine.restarts() == 0 and machine.state() == ("active", "success")
    stays_true(lambda: machine.main_pid() == pids[-1], 4, "the last one, which tells the watchdog")
    before = later(machine, "/delay/3000")
    machine.run("sluicectl", "upgrade")
    after = later(machine, "/delay/1500")
    machine.run("systemctl", "stop", "sluice")
    assert (before(), after()) == (200, 200), "requests of either process were answered before it stopped"
    assert machine.state() == ("inactive", "success")
    told = machine.journal("-u", "sluice", "-p", "warning").splitlines()
    assert [line for line in told if "-- No entries --" not in line] == []


def test_an_upgraded_daemon_that_is_killed_comes_back(machine, connecting):
    machine.start()
    answer = later(machine, "/never")  # keeps the predecessor
    machine.run("sluicectl", "upgrade")
    machine.keeps(3)
    client = connecting()
    client.more()
    machine.kill(machine.main_pid())
    machine.restarted(0)
    client.more()
    assert client.finish().refused == 0
    with pytest.raises(Exception):
        answer()


def test_the_package_is_upgraded_and_removed(machine, connecting):
    machine.start()
    first, client = machine.main_pid(), connecting()
    client.more()
    machine.run("dpkg", "--force-unsafe-io", "--force-confold", "-i", "/sluice.deb")
    client.more()
    second = machine.main_pid()
    assert second != first and machine.restarts() == 0
    machine.alone()
    machine.keeps(3)
    machine.kill(second)
    machine.restarted(0)
    client.more()
    done = client.finish()
    assert done.refused == 0 and done.broken <= 1
    machine.run("dpkg", "--force-unsafe-io", "--purge", "sluice")
    assert refused(machine.port) and machine.show("sluice", "LoadState") != "loaded"


# --- who comes new

def test_from_the_package_to_the_first_canary(machine):
    """With what README.md says under "Five minutes", word by word; only the addresses are the test's."""
    blocks = [one for one in read_page((ROOT / "README.md").read_text()) if isinstance(one, Block)]
    [configuration] = [block.text for block in blocks if "start" in block.told]
    [commands] = [commands_of(block) for block in blocks if "machine" in block.told]
    for shown, real in (("127.0.0.1:9001", machine.blue.address), ("127.0.0.1:9002", machine.green.address), ("0.0.0.0:8080", f"0.0.0.0:{machine.port}")):
        assert shown in configuration
        configuration = configuration.replace(shown, real)
    machine.path("etc/sluice/sluice.yaml").write_text(configuration)
    machine.path("usr/local/bin/sudo").write_text('#!/bin/sh\nexec "$@"\n')
    machine.path("usr/local/bin/sudo").chmod(0o755)
    *begin, back = commands
    for command in begin:
        assert shows(command.output, machine.run("sh", "-c", f"PATH=/usr/local/bin:$PATH; {command.text}"))
    with Client(f"127.0.0.1:{machine.port}") as client:
        answered = [client.request().get("X-Backend") for _ in range(1000)]
    assert (answered.count("blue"), answered.count("green")) == (950, 50)
    assert re.search(r"canary +5% +\d", machine.run("sluicectl", "status"))
    assert shows(back.output, machine.run("sh", "-c", f"PATH=/usr/local/bin:$PATH; {back.text}"))
    # Nobody else may, and is told who may.
    machine.run("useradd", "--create-home", "alice")
    denied = machine.try_to("runuser", "-u", "alice", "--", "sluicectl", "status")
    assert denied.returncode == 3 and "sudo usermod -aG sluice $USER" in denied.stderr
    machine.run("usermod", "-aG", "sluice", "alice")
    assert "main (stable)" in machine.run("runuser", "-u", "alice", "--", "sluicectl", "status")
    assert machine.run("systemd-analyze", "verify", "--man=no", "sluice.service", "sluice.socket") == ""
    assert float(re.search(r"exposure level for sluice.service: ([\d.]+)", machine.run("systemd-analyze", "security", "sluice")).group(1)) <= 1.6
