"""sluicectl upgrade: another process takes the daemon's place, and no request is lost (what it knows: test_upgrade_state.py)."""
import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from acme_server import AcmeServer
from client import Client
from h2frames import Peer
from sluice import config_of, service
from tls import Authority
from upgraded import Traffic, Upgraded, echo_tunnels
from waiting import wait_until


def script(folder, text):
    path = folder / "other-sluiced"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


# ---- what stays

def test_the_new_process_has_the_listeners_and_the_state(upgradable):
    daemon = upgradable()
    daemon.do("split", "api", "blue=70%", "green=30%")
    before = daemon.status()
    done = daemon.upgrade().json
    after = daemon.status()
    assert (done["pid"], done["predecessor"]) == (after["pid"], before["pid"]) and after["pid"] != before["pid"]
    assert after["listeners"] == before["listeners"] and after["generation"] == before["generation"]
    assert daemon.shares() == {"blue": 70, "green": 30}
    assert (after["upgrades"], daemon.metric("sluice_upgrades_total")) == (1, 1)
    assert daemon.process.wait(10) == 0
    daemon.alone()
    assert daemon.fetch().status == 200
    daemon.do("split", "api", "blue=60%", "green=40%")
    os.kill(after["pid"], signal.SIGKILL)
    wait_until(lambda: not daemon.everyone(), what="its end")
    daemon.start()
    assert daemon.shares() == {"blue": 60, "green": 40}, "the journal goes on"


def test_by_the_signal_as_well_and_in_words(upgradable):
    daemon = upgradable()
    first = daemon.pid()
    os.kill(first, signal.SIGUSR2)
    daemon._admin = None
    wait_until(lambda: daemon.pid() != first, 10, "another process")
    daemon.alone()
    second = daemon.pid()
    said = daemon.ctl("upgrade", check=0).out
    assert said.startswith(f"process {daemon.pid()} has taken over from {second}   (generation 1, ")


@pytest.mark.parametrize("before, after", [(4, 1), (1, 4), (3, 2)])
def test_another_number_of_workers_takes_all_sockets(upgradable, before, after):
    daemon = upgradable(workers=before)
    daemon.write_config({**daemon.config, "workers": after})
    daemon.upgrade()
    assert daemon.status()["workers"] == after
    assert [daemon.fetch().status for _ in range(40)] == [200] * 40


def test_listeners_that_came_and_went_in_the_configuration(upgradable):
    daemon = upgradable(listeners=[{"name": "web", "bind": "127.0.0.1:0"}, {"name": "old", "bind": "127.0.0.1:0"}])
    web, old = daemon.address("web"), daemon.address("old")
    daemon.write_config({**daemon.config, "listeners": [{"name": "web", "bind": "127.0.0.1:0"}, {"name": "new", "bind": "127.0.0.1:0"}]})
    daemon.upgrade()
    assert daemon.address("web") == web and daemon.fetch(listener="new").status == 200
    daemon.process.wait(10)
    host, port = old.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)


# ---- nothing is lost

def test_D8_20_upgrades_under_traffic_of_every_kind_lose_nothing(upgradable, backend, folder):
    ca = Authority(folder / "tls")
    cert, key = ca.issue("web", "a.example")
    blue = backend("blue")
    blue.on("/ws", echo_tunnels)
    daemon = upgradable({"api": service({"blue": [blue]})}, workers=2, shutdown_timeout="5s", listeners=[
        {"name": "web", "bind": "127.0.0.1:0"}, {"name": "tls", "bind": "127.0.0.1:0", "tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}}])
    context = ssl.create_default_context(cafile=str(ca.cert))
    with Traffic(daemon, context) as traffic:
        for _ in range(20):
            before = dict(traffic.done)
            daemon.upgrade()
            wait_until(lambda: all(traffic.done[kind] > count for kind, count in before.items()) or traffic.failed, 20, "traffic to go on")
            daemon.alone()
    assert not traffic.failed, traffic.failed[:5]
    assert daemon.status()["upgrades"] == 20


@pytest.mark.parametrize("listener", ["web", "tls"])
def test_D8_a_client_that_had_connected_and_said_nothing_speaks_http2_and_is_told_to_leave(upgradable, folder, listener):
    ca = Authority(folder / "tls")
    cert, key = ca.issue("web", "a.example")
    daemon = upgradable(shutdown_timeout="20s", listeners=[
        {"name": "web", "bind": "127.0.0.1:0"}, {"name": "tls", "bind": "127.0.0.1:0", "tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}}])
    silent = socket.create_connection(("127.0.0.1", int(daemon.address(listener).rsplit(":", 1)[1])), 10)
    wait_until(lambda: daemon.status()["connections"] == 1, what="the client's connection")
    daemon.upgrade()
    assert "predecessor" in daemon.status()
    context = ssl.create_default_context(cafile=str(ca.cert)) if listener == "tls" else None
    with Peer(daemon.address(listener), tls=context, sock=silent) as peer:
        peer.request(1)
        assert peer.answer(1).status == 200
        assert peer.until(lambda: peer.closed) and peer.goaway == (1, "NO_ERROR")
    daemon.alone()


def test_D8_what_is_under_way_is_answered_by_the_process_that_has_it(upgradable):
    daemon = upgradable(shutdown_timeout="20s")
    first = daemon.pid()
    with daemon.client() as slow:
        slow.send_request(target="/delay/4000")
        wait_until(lambda: daemon.status()["connections"] > 0 and daemon.pool("blue")["in_flight"] + daemon.pool("green")["in_flight"] == 1)
        daemon.upgrade()
        wait_until(lambda: daemon.status().get("predecessor", {}).get("requests") == 1, what="word of what is left")
        left = daemon.status()["predecessor"]
        assert (left["pid"], left["connections"], left["oldest_path"]) == (first, 1, "/delay/4000")
        assert daemon.metric("sluice_predecessor_connections") == 1
        assert f"predecessor: process {first} has 1 connections left" in daemon.ctl("status", check=0).out
        again = daemon.upgrade(check=5)
        assert "1 connections left" in again.error["detail"]
        answer = slow.read()
        assert answer.status == 200 and answer.get("Connection") == "close"
    daemon.alone()


def test_idle_connections_are_closed_by_and_by_and_not_before_they_may_speak(upgradable):
    daemon = upgradable(shutdown_timeout="8s")
    idle = [daemon.client() for _ in range(20)]
    for client in idle:
        assert client.request().status == 200
    daemon.upgrade()

    def leaves(client):
        answer = client.request()
        assert answer.status == 200
        return answer.get("Connection") == "close"

    for client in idle[:10]:
        # A worker may read a request together with the word that it is to leave, and answer it first.
        wait_until(lambda: leaves(client), what="an answer that closes")
    assert all(client.closed(10) for client in idle[10:])


# ---- when it fails, all is as before

FAILING = {
    "does not know the configuration": ("echo 'unknown key' >&2; exit 2", 2, "unknown key"),
    "ends": ('case "$*" in *--check*) exit 0;; esac; exit 7', 1, "exited with 7"),
    "dies": ('case "$*" in *--check*) exit 0;; esac; kill -9 $$', 1, "killed by signal 9"),
}


@pytest.mark.parametrize("how", FAILING)
def test_D8_a_binary_that_fails_changes_nothing(upgradable, folder, how):
    text, code, said = FAILING[how]
    daemon = upgradable()
    first = daemon.pid()
    failed = daemon.upgrade("--binary", script(folder, text), check=code)
    assert said in failed.error["detail"]
    assert daemon.pid() == first and daemon.fetch().status == 200
    daemon.do("split", "api", "blue=10%", "green=90%")
    os.kill(first, signal.SIGKILL)
    daemon.process.wait(10)
    daemon._admin = None
    daemon.start()
    assert daemon.shares() == {"blue": 10, "green": 90}


def test_one_that_came_far_and_then_failed_has_spoilt_nothing(upgradable, folder):
    """It has the lock and read the state, and its configuration made it write: a listener's port is taken."""
    daemon = upgradable()
    first = daemon.pid()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        more = [*daemon.config["listeners"], {"name": "more", "bind": f"127.0.0.1:{taken.getsockname()[1]}"}]
        services = {**daemon.config["services"], "new": daemon.config["services"]["api"]}
        good = daemon.config
        daemon.write_config({**good, "listeners": more, "services": services})
        failed = daemon.upgrade(check=1)
        assert "cannot listen" in failed.error["detail"]
        daemon.write_config(good)
    assert daemon.pid() == first and daemon.fetch().status == 200
    daemon.do("split", "api", "blue=10%", "green=90%")
    generation = daemon.generation
    os.kill(first, signal.SIGKILL)
    daemon.process.wait(10)
    daemon._admin = None
    daemon.start()
    assert (daemon.shares(), daemon.generation) == ({"blue": 10, "green": 90}, generation)


@pytest.mark.parametrize("path, code, said", [("no/slash/first", 2, "begins with /"), ("/no/such/sluiced", 9, "No such file")])
def test_a_binary_that_is_none(upgradable, path, code, said):
    daemon = upgradable()
    assert said in daemon.upgrade("--binary", path, check=code).error["detail"]


def test_a_dry_run_and_another_generation_change_nothing_and_all_of_it_is_audited(upgradable):
    daemon = upgradable()
    first = daemon.pid()
    done = daemon.upgrade("--dry-run").json
    assert done["dry_run"] and not done["changed"] and daemon.pid() == first
    assert "could take over" in daemon.ctl("upgrade", "--dry-run", check=0).out
    assert "generation" in daemon.upgrade("--if-generation", "7", check=5).error["detail"]
    daemon.upgrade("--reason", "INC-7")
    assert daemon.pid() != first
    audit = (daemon.state_dir / "audit.log").read_text().splitlines()
    lines = [json.loads(line) for line in audit if "upgrade" in line]
    assert len(lines) == 2 and "INC-7" in audit[-1], audit


# ---- kill -9

def test_D8_the_old_process_may_die_at_once(upgradable):
    daemon = upgradable()
    first = daemon.pid()
    daemon.upgrade()
    with contextlib.suppress(ProcessLookupError):
        os.kill(first, signal.SIGKILL)
    daemon.alone()
    assert daemon.pid() != first and daemon.fetch().status == 200


def test_D8_when_the_new_process_dies_the_old_one_sees_to_another(upgradable):
    daemon = upgradable(shutdown_timeout="20s")
    daemon.do("split", "api", "blue=70%", "green=30%")
    address = daemon.address()
    with daemon.client() as slow:
        slow.send_request(target="/never")
        wait_until(lambda: daemon.pool("blue")["in_flight"] + daemon.pool("green")["in_flight"] == 1)
        second = daemon.upgrade().json["pid"]
        os.kill(second, signal.SIGKILL)
        answers = []

        def served():
            with contextlib.suppress(OSError):
                answers.append(Client(address, 5).request().status)
            return len(answers) > 3
        wait_until(served, 20, "a process that serves")
        assert set(answers) == {200}
        daemon._admin = None
        wait_until(lambda: daemon.pid() not in (second, daemon.process.pid), 10, "a third process")
        assert daemon.shares() == {"blue": 70, "green": 30}
        daemon.do("split", "api", "blue=20%", "green=80%")
    daemon.alone()


# ---- changes that come in the middle

def test_a_change_is_either_done_or_said_not_to_be(upgradable):
    """Many changes while one process after the other leaves: what was answered with success is in force, in order."""
    daemon = upgradable()
    over, confirmed = threading.Event(), []

    def change():
        share = 0
        while not over.is_set():
            share = share % 90 + 1
            done = daemon.ctl("-o", "json", "split", "api", f"blue={share}%", f"green={100 - share}%")
            if done.code == 0:
                confirmed.append(share)
            elif done.code != 3:
                assert done.code == 9 and "another process" in done.error["detail"], done
    with concurrent.futures.ThreadPoolExecutor() as pool:
        changing = pool.submit(change)
        for _ in range(8):
            count = len(confirmed)
            daemon.upgrade()
            wait_until(lambda: len(confirmed) > count + 2 or changing.done(), 20, "changes to go on")
            daemon.alone()
        over.set()
        changing.result(30)
    assert daemon.shares()["blue"] == confirmed[-1]
    assert daemon.generation > len(confirmed)


# ---- the service manager

def test_it_is_told_who_the_service_is(upgradable, folder, backend):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(10)
        daemon = Upgraded(folder / "n", config_of({"api": service({"blue": [backend("blue")]})}), env={"NOTIFY_SOCKET": str(folder / "notify")})
        try:
            said = manager.recv(4096).decode()
            assert "READY=1" in said
            second = daemon.upgrade().json["pid"]
            while f"MAINPID={second}" not in said:
                said = manager.recv(4096).decode()
            daemon.alone()
            third = daemon.upgrade().json["pid"]
            while f"MAINPID={third}" not in said:
                said = manager.recv(4096).decode()
        finally:
            daemon.finish()


def test_a_socket_of_the_service_manager_stays_its_own(folder, backend):
    with socket.socket() as lent:
        lent.bind(("127.0.0.1", 0))
        lent.listen(100)
        port = lent.getsockname()[1]
        config = config_of({"api": service({"blue": [backend("blue")]})}, listeners=[{"name": "web", "bind": f"127.0.0.1:{port}"}])

        wrapper = folder / "activate"
        wrapper.write_text(f'#!/bin/bash\nLISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$@" 3<&{lent.fileno()}\n')
        wrapper.chmod(0o755)
        os.set_inheritable(lent.fileno(), True)
        daemon = Upgraded(folder / "l", config, prefix=[str(wrapper)], start=False)
        popen = subprocess.Popen
        subprocess.Popen = lambda *args, **more: popen(*args, pass_fds=[lent.fileno()], **more)
        try:
            daemon.start()
        finally:
            subprocess.Popen = popen
        try:
            for _ in range(2):
                daemon.upgrade()
                daemon.alone()
                assert daemon.fetch().status == 200
        finally:
            daemon.finish()
        with socket.create_connection(("127.0.0.1", port), 5):
            pass  # nobody answers, but the manager's socket still listens


def test_an_ordered_certificate_goes_along_and_is_renewed_by_the_new_process(upgradable, folder):
    server = AcmeServer(folder)
    try:
        server.life = 20
        acme = {"directory": server.directory, "domains": ["a.test"], "challenge": "tls-alpn-01"}
        daemon = upgradable(listeners=[{"name": "web", "bind": "127.0.0.1:0", "tls": {"acme": acme}}])
        address = daemon.address()
        server.tls = lambda: address

        def shown():
            host, port = address.split(":")
            with socket.create_connection((host, int(port)), 10) as sock, server.authority.trusting().wrap_socket(sock, server_hostname="a.test") as secured:
                return int(secured.getpeercert()["serialNumber"], 16)
        wait_until(lambda: "not_after" in daemon.status()["certificates"][0], 20, lambda: f"a certificate: {daemon.stderr()}")
        first = shown()
        daemon.upgrade()
        assert shown() == first == server.issued[0].serial_number and len(server.orders) == 1
        wait_until(lambda: len(server.issued) == 2 and shown() == server.issued[1].serial_number, 30, lambda: f"its renewal: {daemon.stderr()}")
        assert (len(server.accounts), server.violations) == (1, [])
    finally:
        server.stop()
