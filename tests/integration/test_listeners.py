"""Reload moves listeners and the admin's listeners; the admin socket answers before the first client is served."""
import http.client
import json
import os
import signal
import socket
import threading

import pytest
from backend import free_port
from client import Client, Closed, fetch
from sluice import UnixConnection, config_of, service
from waiting import wait_until


def listeners(*binds):
    return [{"name": name, "bind": bind} for name, bind in binds]


@pytest.fixture
def served(sluice, backend):
    """served(listeners, **top) -> (daemon, change): change(listeners) writes the file and reloads."""

    def start(lines, **top):
        blue = backend("blue")
        config = config_of({"api": service({"blue": [blue]})}, listeners=lines, **top)
        daemon = sluice(config)

        def change(new=None, check=0, **more):
            asked = daemon.socket
            daemon.write_config({**config, **top, **more, "listeners": new or lines})
            configured, daemon.socket = daemon.socket, asked
            done = daemon.ctl("reload", check=check)
            daemon.socket = configured
            return done
        daemon.blue = blue
        return daemon, change

    return start


def answers(port, host="127.0.0.1"):
    try:
        return fetch(f"{host}:{port}", "GET", "/").status == 200
    except OSError:
        return False


def refused(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 2).close()
    except ConnectionRefusedError:
        return True
    return False


class Clients:
    """A connection for every request, from several threads, to an address that is never without a listener."""

    def __init__(self, ports, threads=4):
        self.failed, self.done, self.over, self.lock = [], 0, False, threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(ports[i % len(ports)],), daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, port):
        while not self.over:
            try:
                status = fetch(f"127.0.0.1:{port}", "GET", "/", headers={"Connection": "close"}).status
                if status != 200:
                    self.failed.append(status)
            except (OSError, Closed) as error:
                self.failed.append(repr(error))
            with self.lock:
                self.done += 1

    def more(self, n=100):
        to = self.done + n
        wait_until(lambda: self.done >= to, what="more requests")

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        assert not self.failed, (len(self.failed), self.done, self.failed[:5])


def test_B15_another_port_and_another_name(served):
    a, b, c = free_port(), free_port(), free_port()
    daemon, change = served(listeners(("web", f"127.0.0.1:{a}"), ("other", f"127.0.0.1:{b}")))
    with Client(f"127.0.0.1:{a}") as kept:
        kept.send_request()
        assert kept.read().status == 200
        change(listeners(("web", f"127.0.0.1:{c}"), ("renamed", f"127.0.0.1:{b}")))
        assert refused(a) and answers(b) and answers(c)
        kept.send_request()  # by the listener's old settings, to its end
        assert kept.read().status == 200
    assert set(daemon.status()["listeners"]) == {"web", "renamed"}
    for _ in range(3):  # and the port is free for whoever wants it
        socket.create_server(("127.0.0.1", a)).close()


def test_B15_two_listeners_swap_their_ports_under_load(served):
    a, b = free_port(), free_port()
    one = listeners(("web", f"127.0.0.1:{a}"), ("other", f"127.0.0.1:{b}"))
    two = listeners(("web", f"127.0.0.1:{b}"), ("other", f"127.0.0.1:{a}"))
    daemon, change = served(one, workers=2)
    clients = Clients([a, b])
    for lines in [two, one, two]:
        change(lines)
        clients.more(50)
    clients.stop()
    assert daemon.status()["listeners"]["web"]["address"] == f"127.0.0.1:{b}"


def test_B15_from_one_address_to_all_and_back_under_load(served):
    """Today the daemon's own socket refused the new one; and nobody who is connecting meanwhile is lost."""
    port = free_port()
    one, everywhere = listeners(("web", f"127.0.0.1:{port}")), listeners(("web", f"0.0.0.0:{port}"))
    daemon, change = served(one, workers=2)
    clients = Clients([port])
    for i in range(10):
        assert "unchanged" not in change(everywhere if i % 2 == 0 else one).out
        clients.more(60)
    clients.stop()
    assert refused(port, "127.0.0.2")
    change(everywhere)
    assert answers(port, "127.0.0.2") and answers(port)


def test_B15_a_stranger_s_port_is_refused_by_name_and_nothing_changes(served):
    a, b = free_port(), free_port()
    daemon, change = served(listeners(("web", f"127.0.0.1:{a}"), ("more", f"127.0.0.1:{b}")))
    generation = daemon.status()["generation"]
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        theirs = stranger.getsockname()[1]
        done = change(listeners(("web", f"0.0.0.0:{a}"), ("more", f"127.0.0.1:{theirs}")), check=9)
        assert f"127.0.0.1:{theirs} (listener more)" in done.err and f"(pid {os.getpid()})" in done.err, done
        assert answers(a) and answers(b) and refused(a, "127.0.0.2")
        assert daemon.status()["generation"] == generation
    # One who would share our port by SO_REUSEPORT is seen as well.
    with socket.socket() as sharing:
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharing.bind(("127.0.0.3", a))
        sharing.listen()
        done = change(listeners(("web", f"0.0.0.0:{a}"), ("more", f"127.0.0.1:{b}")), check=9)
        assert f"0.0.0.0:{a} (listener web)" in done.err and f"(pid {os.getpid()})" in done.err, done
    assert answers(a)


def test_B15_a_port_that_the_kernel_chose_stays_also_under_another_name(served):
    daemon, change = served(listeners(("web", "127.0.0.1:0")))
    address = daemon.address("web")
    change(listeners(("www", "127.0.0.1:0"), ("new", "127.0.0.1:0")))
    assert daemon.address("www") == address != daemon.address("new")
    assert answers(address.split(":")[1])


def test_B15_two_of_one_address_are_refused(served):
    port = free_port()
    daemon, change = served(listeners(("web", f"127.0.0.1:{port}")))
    done = change(listeners(("web", f"127.0.0.1:{port}"), ("again", f"localhost:{port}")), check=None)
    assert done.code != 0 and "same address" in done.err or "::1" in socket.getaddrinfo("localhost", 1)[0][4][0], done
    change(listeners(("web", f"127.0.0.1:{port}"), ("all", f"0.0.0.0:{port}")))  # the one on the address goes first
    assert answers(port) and answers(port, "127.0.0.2")


def test_B15_a_socket_that_was_passed_in_moves_away_and_back(sluice, backend):
    blue = backend("blue")
    a, b = free_port(), free_port()
    config = config_of({"api": service({"blue": [blue]})}, listeners=listeners(("web", f"127.0.0.1:{a}")))
    hand_over = ("import os, socket, sys\n"
                 f"one = socket.create_server(('127.0.0.1', {a}))\n"
                 "os.dup2(one.fileno(), 3) if one.fileno() != 3 else os.set_inheritable(3, True)\n"
                 "os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='web', LISTEN_PID=str(os.getpid()))\n"
                 "os.execv(sys.argv[1], sys.argv[1:])")
    daemon = sluice(config, prefix=("/usr/bin/python3", "-c", hand_over))
    assert answers(a)
    for port, gone in [(b, a), (a, b)] * 2:
        daemon.write_config({**config, "listeners": listeners(("web", f"127.0.0.1:{port}"))})
        daemon.ctl("reload", check=0)
        assert answers(port) and refused(gone)


def livez(port, host="127.0.0.1"):
    try:
        return fetch(f"{host}:{port}", "GET", "/livez", host=host).status == 200
    except OSError:
        return False


def test_B15_the_admin_s_doors_move_too(served, folder):
    a, b = free_port(), free_port()
    (folder / "one").write_text("first\n")
    (folder / "two").write_text("second\n")
    token = {"token_file": str(folder / "one")}
    http = lambda bind, **more: {"http": {"bind": bind, **token, **more}}  # noqa: E731
    daemon, change = served(listeners(("web", "127.0.0.1:0")))
    base = json.loads(daemon.config_file.read_text())["admin"]
    change(admin={**base, **http(f"127.0.0.1:{a}")})
    assert livez(a)
    change(admin={**base, **http(f"0.0.0.0:{a}")})
    assert livez(a) and livez(a, "127.0.0.2")
    change(admin={**base, **http(f"127.0.0.1:{b}"), "compat": {"bind": f"127.0.0.1:{a}", "service": "api"}})
    assert livez(b) and not livez(a) and not refused(a)
    change(admin={**base, **http(f"127.0.0.1:{a}"), "compat": {"bind": f"127.0.0.1:{b}", "service": "api"}})  # they swap
    assert livez(a) and not livez(b)

    def status(word):
        return fetch(f"127.0.0.1:{a}", "GET", "/v1/status", headers={"Authorization": f"Bearer {word}"}, host="127.0.0.1").status
    assert status("first") == 200 and status("second") == 401
    change(admin={**base, **http(f"127.0.0.1:{a}", token_file=str(folder / "two"))})
    assert status("first") == 401 and status("second") == 200
    assert refused(b)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        done = change(admin={**base, **http(f"127.0.0.1:{stranger.getsockname()[1]}")}, check=9)
        assert "admin.http" in done.err and f"(pid {os.getpid()})" in done.err, done
    assert livez(a)
    change(admin=base)
    assert refused(a)


def test_B15_the_admin_socket_moves_and_its_mode_changes(served):
    daemon, change = served(listeners(("web", "127.0.0.1:0")))
    base = json.loads(daemon.config_file.read_text())["admin"]
    old, new = base["socket"], base["socket"] + "2"
    change(admin={**base, "socket_mode": "0600"})
    assert os.stat(old).st_mode & 0o777 == 0o600
    change(admin={**base, "socket": new})
    assert not os.path.exists(old) and os.path.exists(new)
    connection = UnixConnection(new)
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()
    daemon.write_config({**json.loads(daemon.config_file.read_text()), "admin": base})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: os.path.exists(old), what="the socket to be back")


# -- while the services are built

def ask(path, target):
    connection = UnixConnection(path, timeout=10)
    try:
        connection.request("GET", target)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_the_admin_socket_answers_while_thousands_of_services_are_built(sluice):
    """Each with another split of its users, whose slots take their time: equal ones are made once."""
    port = free_port()
    services = {f"s{i}": {**service({"blue": [f"127.0.0.1:{10000 + i}"], "green": [f"127.0.0.1:{20000 + i}"]},
                                    {"blue": f"{i / 100:.2f}%", "green": f"{100 - i / 100:.2f}%"}),
                          "sticky": {"keys": ["cookie:sid"]}} for i in range(5000)}
    daemon = sluice(config_of(services, listeners=listeners(("web", f"127.0.0.1:{port}"))), start=False)
    daemon.start(ready=False)
    path = json.loads(daemon.config_file.read_text())["admin"]["socket"]
    seen = set()

    def look():
        try:
            state, words = ask(path, "/readyz")
        except (OSError, http.client.HTTPException):
            return False
        if state == 503:
            early = refused(port)
            live, _ = ask(path, "/livez")
            status, body = ask(path, "/v1/status")
            assert live == 200 and status == 200 and words == b"starting\n"
            told = json.loads(body)["readiness"]
            if told == "starting":  # so it was when the port was tried, too
                assert early, "a client was let in before anything could serve it"
                seen.add(told)
        return state == 200
    wait_until(look, what="readiness", every=0.001)
    assert seen == {"starting"}, "the socket was there only when all was over"
    assert not refused(port)
    assert json.loads(ask(path, "/v1/status")[1])["readiness"] == "ready"


def test_B19_a_change_that_comes_while_it_starts_waits_for_the_end(sluice):
    services = {f"s{i}": {**service({"blue": [f"127.0.0.1:{10000 + i}"], "green": [f"127.0.0.1:{20000 + i}"]}),
                          "sticky": {"keys": ["cookie:sid"]}} for i in range(300)}
    daemon = sluice(config_of(services), start=False)
    daemon.start(ready=False)
    path = json.loads(daemon.config_file.read_text())["admin"]["socket"]
    wait_until(lambda: os.path.exists(path), what="the socket", every=0.001)
    done = daemon.ctl("split", "s7", "blue=50%", "green=50%", "--force")
    assert done.code == 0, done
    assert daemon.shares("s7") == {"blue": 50, "green": 50}


def test_B19_readyz_is_a_verb(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}, lame_duck="30s"))
    done = daemon.ctl("readyz", check=0)
    assert done.out == "ready\n"
    assert daemon.ctl("-o", "json", "readyz", check=0).json == {"ready": True, "why": "ready"}
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: daemon.ctl("readyz").code == 9, what="readyz to fail")
    done = daemon.ctl("readyz", check=9)
    assert "shutting down" in done.err, done
    daemon.signal(signal.SIGTERM)
    daemon.process.wait(10)
    assert daemon.ctl("readyz").code == 3
