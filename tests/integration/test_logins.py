"""R4: NTLM and Negotiate log in a connection. Such a connection to a backend is one client connection's alone."""
import pytest
from backend import Gone
from sluice import config_of, service
from waiting import stays_true, wait_until


class LoginServer:
    """What IIS does: a login holds for the connection that it was spoken on. Users by connection number."""

    def __init__(self, backend, challenges=("Negotiate", "NTLM"), status=401):
        self.backend, self.challenges, self.status = backend, challenges, status
        self.users = {}
        self.die = False  # close instead of answering whoever is logged in
        backend.handler = self.serve

    address = property(lambda self: self.backend.address)

    def serve(self, connection, request):
        ours, theirs = ("WWW-Authenticate", "Authorization") if self.status == 401 else ("Proxy-Authenticate", "Proxy-Authorization")
        scheme, _, token = (request.get(theirs) or "").partition(" ")
        if self.die and connection.number in self.users:
            raise Gone()
        if scheme.lower() == "ntlm" and token == "type1":
            return connection.answer(self.status, "", [(ours, "NTLM type2"), ("X-Backend", self.backend.name)])
        if scheme.lower() == "ntlm" and token.startswith("type3-"):
            self.users[connection.number] = token[6:]
        if scheme.lower() == "negotiate":
            self.users[connection.number] = token
        user = self.users.get(connection.number)
        if user is None:
            return connection.answer(self.status, "", [(ours, c) for c in self.challenges] + [("X-Backend", self.backend.name)])
        return connection.answer(200, user, [("X-User", user), ("X-Backend", self.backend.name)])


def log_in(client, user, header="Authorization", status=401, host="test.local"):
    """NTLM's three steps, as curl --ntlm does them."""
    assert client.request(host=host).status == status
    challenged = client.request(headers={header: "NTLM type1"}, host=host)
    assert challenged.status == status
    answer = client.request(headers={header: f"NTLM type3-{user}"}, host=host)
    assert (answer.status, answer.get("X-User")) == (200, user)
    return answer


@pytest.fixture
def office(sluice, backend):
    """office(n, **options) -> (daemon, [LoginServer]): one pool of n backends that ask for a login."""

    def start(count=1, login=None, top=None, **options):
        servers = [LoginServer(backend(f"b{i}"), **(login or {})) for i in range(count)]
        api = service({"blue": [s.backend for s in servers]}, **options)
        return sluice(config_of({"api": api}, **(top or {}))), servers
    return start


@pytest.mark.parametrize("challenges", [("Negotiate", "NTLM"), ("NTLM",), ('Basic realm="a, b", ntlm',), ("NEGOTIATE abc==, Basic realm=x",)])
def test_R4_a_stranger_is_not_served_as_the_one_who_logged_in(office, challenges):
    daemon, (server,) = office(login={"challenges": challenges})
    with daemon.client() as alice:
        log_in(alice, "alice")
        for _ in range(5):
            assert daemon.fetch().status == 401
            assert alice.request().get("X-User") == "alice", "her connection stays hers"
        with daemon.client() as bob:
            log_in(bob, "bob")
            for _ in range(3):
                assert alice.request("POST", body=b"x").get("X-User") == "alice"
                assert bob.request().get("X-User") == "bob"
    assert sorted(server.users.values()) == ["alice", "bob"]
    assert daemon.fetch().status == 401


def test_R4_also_without_a_challenge_and_with_a_proxys(office, sluice, backend):
    daemon, (server,) = office()
    with daemon.client() as carol:
        for scheme in ("Negotiate", "negotiate"):
            assert carol.request(headers={"authorization": f"{scheme} carol"}).get("X-User") == "carol"
        assert daemon.fetch().status == 401 and carol.request().get("X-User") == "carol"
    daemon = sluice(config_of({"api": service({"blue": [LoginServer(backend("p"), status=407).backend]})}))
    with daemon.client() as dave:
        log_in(dave, "dave", "Proxy-Authorization", 407)
        assert daemon.fetch().status == 407 and dave.request().get("X-User") == "dave"


def test_R4_it_ends_with_its_client_and_with_nobody_elses(office):
    daemon, (server,) = office()
    with daemon.client() as alice, daemon.client() as bob:
        log_in(alice, "alice")
        log_in(bob, "bob")
        alice.close()
        wait_until(lambda: [server.users[c.number] for c in server.backend.open_connections() if c.number in server.users] == ["bob"])
        assert bob.request().get("X-User") == "bob"
    wait_until(lambda: not [c for c in server.backend.open_connections() if c.number in server.users])


def test_R4_the_other_way_round_a_login_that_the_backend_ends_begins_anew(office):
    daemon, (server,) = office()
    with daemon.client() as alice:
        log_in(alice, "alice")
        server.backend.close_connections()
        answer = alice.request()
        assert answer.status == 401, "over a new connection, nobody is logged in"
        log_in(alice, "alice")
        server.die = True
        assert alice.request().status == 401, "safe to repeat: once more on a new connection"
        server.die = False
        log_in(alice, "alice")
        server.die = True
        assert alice.request("POST", body=b"x").status == 502


def test_R4_a_login_stays_at_its_backend(office):
    daemon, servers = office(3)
    with daemon.client() as alice, daemon.client() as bob:
        places = {user: log_in(client, user).get("X-Backend") for user, client in (("alice", alice), ("bob", bob))}
        for _ in range(6):
            for user, client in (("alice", alice), ("bob", bob)):
                answer = client.request()
                assert (answer.get("X-User"), answer.get("X-Backend")) == (user, places[user])
    others = {daemon.fetch().get("X-Backend") for _ in range(6)}
    assert others == {"b0", "b1", "b2"}


def test_R4_X5_the_idle_time_holds_for_logins(office):
    daemon, (server,) = office(timeouts={"idle": "200ms"})
    with daemon.client() as alice:
        log_in(alice, "alice")
        wait_until(lambda: not server.backend.open_connections())
        assert alice.request().status == 401
        log_in(alice, "alice")


def test_R4_a_drained_backend_and_another_pool_end_logins(sluice, backend):
    blue = [LoginServer(backend("blue-1")), LoginServer(backend("blue-2"))]
    green = LoginServer(backend("green-1"))
    daemon = sluice(config_of({"api": service({"blue": [s.backend for s in blue], "green": [green.backend]})}))
    with daemon.client() as alice:
        at = log_in(alice, "alice").get("X-Backend")
        left = blue[0] if at == "blue-1" else blue[1]
        daemon.do("drain", f"api/blue/{left.address}", "--wait")
        wait_until(lambda: not left.backend.open_connections())
        answer = alice.request()
        assert answer.status == 401 and answer.get("X-Backend") != at
        log_in(alice, "alice")
        daemon.do("cutover", "api=green")
        answer = alice.request()
        assert answer.status == 401 and answer.get("X-Backend") == "green-1"
        wait_until(lambda: not [c for s in blue for c in s.backend.open_connections() if c.number in s.users])
        log_in(alice, "alice")
        daemon.do("rollback", "api")
        assert alice.request().status == 401


def test_R4_each_service_has_its_login(sluice, backend):
    shop, mail = LoginServer(backend("shop")), LoginServer(backend("mail"))
    daemon = sluice(config_of({"shop": service({"blue": [shop.backend]}), "mail": service({"blue": [mail.backend]})}))
    with daemon.client() as alice:
        log_in(alice, "alice")
        log_in(alice, "alice@mail", host="mail.local")
        for _ in range(3):
            assert alice.request().get("X-User") == "alice"
            assert alice.request(host="mail.local").get("X-User") == "alice@mail"


def test_R4_a_pool_that_is_told_the_client_keeps_a_login_too(sluice, backend):
    from proxied import Announced
    server = LoginServer(backend("blue-1"))
    announced = Announced(server.backend)
    api = service({"blue": [server.backend]})
    api["pools"]["blue"]["proxy_protocol"] = "v1"
    daemon = sluice(config_of({"api": api}))
    with daemon.client() as alice:
        log_in(alice, "alice")
        assert alice.request().get("X-User") == "alice"
        assert daemon.fetch().status == 401
    assert len(announced.headers) == 2 and all(h[:2] == ("v1", "TCP4") for h in announced.headers)


def test_R4_M1_copies_are_not_logged_in(sluice, backend):
    server, shadow = LoginServer(backend("blue-1")), backend("green-1")
    daemon = sluice(config_of({"api": service({"blue": [server.backend], "green": [shadow]})}))
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    with daemon.client() as alice:
        log_in(alice, "alice")
        assert alice.request(headers={"Authorization": "Basic abc", "X-Own": "kept"}).status == 200
    wait_until(lambda: len(shadow.seen()) == 4)
    assert sorted(r.all("Authorization") for r in shadow.seen()) == [[], [], [], ["Basic abc"]], "in any order"
    assert all(r.get("X-Sluice-Mirror") == "1" and r.get("Host") == "test.local" for r in shadow.seen())


def test_R4_other_logins_cost_no_connection(office):
    """Basic and Bearer hold for a request: connections stay everybody's."""
    daemon, (server,) = office(login={"challenges": ('Basic realm="NTLM"', "Bearer")})
    for _ in range(5):
        assert daemon.fetch(headers={"Authorization": "Basic TlRMTQ=="}).status == 401
    assert len(server.backend.connections) == 1
    stays_true(lambda: len(server.backend.open_connections()) == 1, 0.05, "the one connection")
