"""upgrade.socket: a daemon that is started beside the running one, as another container is, takes its place, and no request is lost."""
import contextlib
import http.client
import os
import re
import signal
import socket
import ssl

import pytest
from sluice import config_of, processes_of_session, service
from tls import Authority
from upgraded import Traffic, Upgraded, echo_tunnels
from waiting import wait_until


class Replaced(Upgraded):
    """Its place is taken by processes that are started as it was, each in a session of its own."""

    def __init__(self, folder, config, **options):
        self.earlier = []
        self.door = folder / "handoff.sock"
        super().__init__(folder, {**config, "upgrade": {"socket": str(self.door)}}, **options)

    def another(self, prefix=(), args=(), **options):
        """Its process; `prefix` and `args` are its own."""
        self.earlier.append((self.process, self.log))
        self._admin = None
        kept = self.prefix, self.args
        self.prefix, self.args = [*kept[0], *prefix], [*kept[1], *args]
        self.start(ready=False, **options)
        self.prefix, self.args = kept
        return self.process

    def replace(self):
        new = self.another()
        wait_until(lambda: self.is_served_by(new), 20, lambda: f"process {new.pid} in charge: {self.stderr()}")
        return new

    def is_served_by(self, process):
        assert process.poll() is None, self.stderr()
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError):
            return self.pid() == process.pid
        return False

    def serves_but(self, *others):
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError):
            return self.pid() not in others
        return False

    def pid(self):
        self._admin = None  # who answered last may leave
        return super().pid()

    def says(self, words, times=1):
        wait_until(lambda: self.stderr().count(words) == times, 10, lambda: f"{words!r} in {self.stderr()}")

    def refused(self, process, code=1):
        """What it said, and that it ended; the one that was there goes on."""
        assert process.wait(20) == code
        self.process, self.log = self.earlier.pop()
        assert self.fetch().status == 200
        return self.stderr()

    def finish(self):
        for process, log in self.earlier:
            self.end_session(process)
            log.close()
        super().finish()

    @staticmethod
    def end_session(process):
        for entry in processes_of_session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry.split(" (")[0]), signal.SIGTERM)
        process.wait(15)
        wait_until(lambda: not processes_of_session(process.pid), 15, "the end of all")


@pytest.fixture
def replaced(folder, backend):
    running = []

    def start(services=None, **more):
        described = services or {"api": service({"blue": [backend("blue")], "green": [backend("green")]}, {"blue": "50%", "green": "50%"})}
        running.append(Replaced(folder / f"r{len(running)}", config_of(described, **more)))
        return running[-1]

    yield start
    for daemon in running:
        daemon.finish()


def test_D8_processes_that_are_started_beside_it_take_its_place_and_lose_nothing(replaced, backend, folder):
    ca = Authority(folder / "tls")
    cert, key = ca.issue("web", "a.example")
    blue = backend("blue")
    blue.on("/ws", echo_tunnels)
    daemon = replaced({"api": service({"blue": [blue]})}, workers=2, shutdown_timeout="5s", listeners=[
        {"name": "web", "bind": "127.0.0.1:0"}, {"name": "tls", "bind": "127.0.0.1:0", "tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}}])
    with Traffic(daemon, ssl.create_default_context(cafile=str(ca.cert))) as traffic:
        for _ in range(5):
            before, old = dict(traffic.done), daemon.process
            daemon.replace()
            wait_until(lambda: all(traffic.done[kind] > count for kind, count in before.items()) or traffic.failed, 20, "traffic to go on")
            assert old.wait(20) == 0
            daemon.alone()
    assert not traffic.failed, traffic.failed[:5]
    assert daemon.status()["upgrades"] == 5
    assert daemon.door.stat().st_mode & 0o777 == 0o600


def test_the_state_goes_over_and_the_audit_says_who_came(replaced):
    daemon = replaced()
    daemon.do("split", "api", "blue=70%", "green=30%")
    new = daemon.replace()
    assert daemon.shares() == {"blue": 70, "green": 30}
    daemon.do("split", "api", "blue=60%", "green=40%")
    daemon.says(f"upgrade by upgrade.socket (uid {os.geteuid()} pid {new.pid})")
    assert "started elsewhere" in (daemon.state_dir / "audit.log").read_text()


def test_nobody_there_and_a_socket_that_is_left_over_are_a_start_like_any_other(replaced):
    daemon = replaced()
    daemon.kill()
    assert daemon.door.exists()
    daemon.start()
    assert daemon.fetch().status == 200 and daemon.status()["upgrades"] == 0
    assert daemon.stop() == 0 and not daemon.door.exists()
    daemon.start()


def test_what_is_no_socket_stays_and_is_told(replaced):
    daemon = replaced()
    daemon.stop()
    daemon.door.write_text("a file")
    daemon.start()
    daemon.says("there is a file of another kind; no other container can take this daemon's place")
    assert daemon.door.read_text() == "a file"


def test_another_state_folder_is_refused(replaced, folder):
    daemon = replaced()
    (folder / "other").mkdir()
    said = daemon.refused(daemon.another(args=["--state-dir", str(folder / "other")]))
    assert f"has another state_dir than {folder / 'other'}" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_another_network_is_refused_in_words(replaced):
    daemon = replaced()
    assert "is in another network" in daemon.refused(daemon.another(prefix=["unshare", "--net"]))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is other users")
def test_another_user_is_not_let_in(replaced):
    daemon = replaced()
    for folder in (daemon.folder, daemon.folder.parent):
        os.chmod(folder, 0o755)
    said = daemon.refused(daemon.another(prefix=["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]))
    assert "cannot ask the daemon that may listen there for its place: Permission denied" in said


def test_while_the_one_before_has_clients_left_another_is_refused(replaced):
    daemon = replaced(shutdown_timeout="20s")
    with daemon.client() as slow:
        slow.send_request(target="/delay/4000")
        wait_until(lambda: daemon.pool("blue")["in_flight"] + daemon.pool("green")["in_flight"] == 1)
        daemon.replace()
        said = daemon.refused(daemon.another())
        assert "whose place this one took, has 1 connections left" in said
        assert slow.read().status == 200
    daemon.alone()
    daemon.replace()


def test_one_that_cannot_start_changes_nothing(replaced):
    daemon = replaced()
    before = daemon.pid()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        config = daemon.config
        daemon.write_config({**config, "listeners": [*config["listeners"], {"name": "more", "bind": bind}]})
        said = daemon.refused(daemon.another())
    assert "in use" in said and daemon.pid() == before
    daemon.write_config(config)
    daemon.do("split", "api", "blue=10%", "green=90%")
    daemon.replace()
    assert daemon.shares() == {"blue": 10, "green": 90}


def test_one_that_goes_before_it_is_ready_changes_nothing(replaced):
    daemon = replaced()
    before = daemon.pid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.connect(str(daemon.door))
        self = os.pidfd_open(os.getpid())
        socket.send_fds(asking, [b"take over"], [self])
        os.close(self)
        parcel, descriptors, _, _ = socket.recv_fds(asking, 1 << 17, 200)
        assert b'"listeners"' in parcel and descriptors
        for one in descriptors:
            os.close(one)
    log = daemon.state_dir / "audit.log"
    why = "has ended or does not answer|sockets cannot be handed over"  # before it has sent all, or behind that
    wait_until(lambda: log.exists() and re.search(why, log.read_text()), 10, "its refusal")
    assert daemon.pid() == before
    daemon.do("split", "api", "blue=10%", "green=90%")
    daemon.replace()
    assert daemon.shares() == {"blue": 10, "green": 90}


def test_one_that_dies_while_the_old_one_has_clients_left_is_replaced_by_it(replaced):
    daemon = replaced(shutdown_timeout="20s")
    first = daemon.process
    with daemon.client() as slow:
        slow.send_request(target="/delay/6000")
        wait_until(lambda: daemon.pool("blue")["in_flight"] + daemon.pool("green")["in_flight"] == 1)
        second = daemon.replace()
        second.kill()
        second.wait(10)
        wait_until(lambda: daemon.serves_but(second.pid, first.pid), 10, "another one")
        assert slow.read().status == 200
    assert first.wait(20) == 0
    assert daemon.fetch().status == 200
    third = daemon.pid()
    daemon.replace()
    assert daemon.pid() != third


def test_a_reload_moves_the_door(replaced):
    daemon = replaced()
    other = daemon.folder / "other.sock"
    config = daemon.config
    daemon.write_config({**config, "upgrade": {"socket": str(other)}})
    daemon.ctl("reload")
    assert other.exists() and not daemon.door.exists()
    daemon.replace()
    daemon.write_config({**config, "upgrade": {}})
    daemon.ctl("reload")
    assert not other.exists()
    assert "held by process" in daemon.refused(daemon.another())


def test_who_knocks_and_is_no_daemon_is_sent_away(replaced):
    daemon = replaced()
    for words in (b"", b"take over", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as knocking:
            knocking.connect(str(daemon.door))
            if words:
                knocking.send(words)
            knocking.settimeout(5)
            assert knocking.recv(100) == b""
    daemon.says("somebody came who is no daemon of this user", times=3)
    daemon.replace()
