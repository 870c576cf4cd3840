"""What an operator does, on streams of connections that were open before: each stream is a request of its own (C2, D1, D3, F1, M1, P1, S1, S5, S8)."""
import collections
import json

import pytest
from h2frames import Peer
from sluice import config_of, service
from waiting import stays_true, wait_until

STICKY = {"keys": ["header:X-User-Id"], "salt": "api"}


def backend_of(peer, stream, more=(), **options):
    peer.request(stream, more=more, **options)
    return dict(peer.answer(stream).head).get("x-backend")


@pytest.fixture
def connected(blue_green):
    """(daemon, blue, green, peer): a connection that has served a stream."""
    peers = []

    def start(*args, **options):
        daemon, blue, green = blue_green(*args, **options)
        peers.append(Peer(daemon.address()))
        assert backend_of(peers[-1], 1)
        return daemon, blue, green, peers[-1]
    yield start
    for peer in peers:
        peer.close()


def test_S1_a_split_is_exact_over_the_streams_of_a_connection(connected):
    daemon, _, _, peer = connected({"blue": "90%", "green": "10%"})
    seen = collections.Counter(backend_of(peer, stream) for stream in range(3, 2001, 2))
    assert seen["green"] in (99, 100, 101) and sum(seen.values()) == 999


def test_S5_users_stay_where_they_are_whatever_connection_carries_them(connected):
    daemon, _, _, peer = connected({"blue": "50%", "green": "50%"}, sticky=STICKY)
    for n in range(40):
        user = ("x-user-id", f"user-{n}")
        over_http2 = {backend_of(peer, 6 * n + stream, [user]) for stream in (3, 5, 7)}
        assert over_http2 == {daemon.fetch(headers={"X-User-Id": user[1]}).get("X-Backend")}


def test_P1_streams_are_held_and_go_by_the_snapshot_of_the_resume(connected):
    daemon, blue, green, peer = connected()
    daemon.do("pause", "api")
    for stream in range(3, 13, 2):
        peer.request(stream, f"/{stream}")
    wait_until(lambda: daemon.service()["traffic"]["held"] == 5)
    daemon.do("cutover", "api=green")
    daemon.do("resume", "api")
    assert {peer.answer(stream).head["x-backend"] for stream in range(3, 13, 2)} == {"green"}


def test_P1_a_held_stream_that_is_reset_leaves_the_queue(connected):
    daemon, _, _, peer = connected()
    daemon.do("pause", "api")
    peer.request(3)
    wait_until(lambda: daemon.service()["traffic"]["held"] == 1)
    peer.send(3, 0, 3, b"\0\0\0\x08")
    wait_until(lambda: daemon.service()["traffic"]["held"] == 0)


def test_P1_stop_refuses_each_stream_in_words(connected):
    daemon, _, _, peer = connected()
    daemon.do("stop", "api", "--message", "back at nine")
    peer.request(3)
    answer = peer.answer(3)
    assert answer.status == 503 and answer.head["x-sluice-error"] == "stopped" and b"back at nine" in answer.body


def test_S8_a_preview_token_chooses_the_pool_of_its_stream(connected):
    daemon, _, _, peer = connected()
    token = daemon.do("preview", "api/green")["token"]
    assert backend_of(peer, 3, [("x-sluice-preview", token)]) == "green"
    assert backend_of(peer, 5, [("cookie", "a=1"), ("cookie", f"sluice_preview={token}")]) == "green", "in a crumb of its own"
    assert backend_of(peer, 7) == "blue"


def test_M1_streams_are_mirrored(connected):
    daemon, _, green, peer = connected()
    daemon.do("mirror", "api", "--to", "green", "--share", "100%")
    peer.request(3, "/copied", "POST", more=[("content-length", "3")], end=False)
    peer.data(3, "abc", True)
    assert peer.answer(3).head["x-backend"] == "blue"
    (copy,) = wait_until(lambda: green.seen("/copied"))
    assert copy.body == b"abc" and copy.get("X-Sluice-Mirror") == "1"


def test_F1_flags_are_told_for_each_stream(connected):
    daemon, _, _, peer = connected(sticky=STICKY)
    daemon.do("flag", "set", "new", "100%", "--service", "api")
    peer.request(3, more=[("x-user-id", "u")])
    sent = dict((name.lower(), value) for name, value in json.loads(peer.answer(3).body)["headers"])
    assert sent["x-feature-flags"] == "new=on"


def test_limits_count_streams(connected):
    daemon, _, _, peer = connected(rate_limit={"rate": "1/h", "key": "header:X-Key"})
    assert backend_of(peer, 3, [("x-key", "a")])
    peer.request(5, more=[("x-key", "a")])
    answer = peer.answer(5)
    assert answer.status == 429 and int(answer.head["retry-after"]) > 0
    assert backend_of(peer, 7, [("x-key", "b")]), "another's bucket"


def test_D1_a_drain_waits_for_the_streams_under_way(sluice, backend):
    blue, other = backend("blue"), backend("other")
    daemon = sluice(config_of({"api": service({"blue": [blue, other]})}))
    with Peer(daemon.address()) as peer:
        for stream in range(1, 9, 2):
            peer.request(stream, "/delay/1500")
        wait_until(lambda: len(blue.seen("/delay/1500")) == 2)
        daemon.do("drain", f"api/blue/{blue.address}")
        stays_true(lambda: daemon.backend(blue.address)["in_flight"] > 0, 0.3)
        for stream in range(9, 29, 2):
            assert backend_of(peer, stream) == "other"
        daemon.do("wait", "drained", f"api/blue/{blue.address}")
        assert [peer.answer(stream).status for stream in range(1, 9, 2)] == [200] * 4


def test_D3_what_a_drain_cuts_is_reset_and_the_rest_goes_on(sluice, backend):
    blue, other = backend("blue"), backend("other")
    daemon = sluice(config_of({"api": service({"blue": [blue, other]})}))
    with Peer(daemon.address()) as peer:
        for stream in (1, 3):
            peer.request(stream, "/drip/1000/100")
        wait_until(lambda: blue.seen("/drip/1000/100") and other.seen("/drip/1000/100"))
        assert peer.until(lambda: all(peer.answers.get(s) and peer.answers[s].body for s in (1, 3)))
        daemon.do("drain", f"api/blue/{blue.address}", "--timeout", "200ms")
        assert peer.until(lambda: peer.answers[1].reset or peer.answers[3].reset)
        lost, kept = (1, 3) if peer.answers[1].reset else (3, 1)
        assert not peer.answers[lost].ended
        assert peer.answers[kept].reset is None and backend_of(peer, 5) == "other"


def test_explain_says_where_a_stream_would_go(connected):
    daemon, _, _, peer = connected({"blue": "50%", "green": "50%"}, sticky=STICKY)
    for n in range(10):
        said = daemon.do("explain", "http://a.example/", "-H", f"X-User-Id: user-{n}")
        assert backend_of(peer, 2 * n + 3, [("x-user-id", f"user-{n}")]) == said["pool"]
