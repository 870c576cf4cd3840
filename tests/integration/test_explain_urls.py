"""explain: URLs as people write them, and each rule once."""
import pytest
from sluice import config_of, service


@pytest.fixture
def routed(sluice, backend):
    blue = backend("blue")
    return sluice(config_of({"shop": service({"blue": [blue]}), "web": service({"blue": [blue]})},
                            routes=[{"host": "shop.example.com", "path": "/cart", "headers": {"X-Beta": "1"}, "service": "shop"},
                                    {"host": "shop.example.com", "path": "/cart", "headers": {"X-Beta": "1"}, "service": "web"},
                                    {"host": "shop.example.com", "path": "/cart", "methods": ["PUT"], "service": "shop"},
                                    {"host": "shop.example.com", "service": "shop"},
                                    {"host": "127.0.0.1", "service": "shop"},
                                    {"host": "[::1]", "service": "shop"},
                                    {"service": "web"}]))


@pytest.mark.parametrize("url, served", [
    ("shop.example.com/cart/1?x=1", "shop"), ("shop.example.com", "shop"), ("shop.example.com:8443?a", "shop"),
    ("http://shop.example.com/a#frag", "shop"), ("HTTPS://shop.example.com", "shop"), ("127.0.0.1:8080/x", "shop"),
    ("[::1]:8080/x", "shop"), ("other.example.com/cart", "web"), ("/cart", "web"), ("/", "web"),
])
def test_a_url_is_understood_with_and_without_its_scheme(routed, url, served):
    told = routed.do("explain", url)
    assert (told["service"], told["result"]) == (served, "forwarded")


@pytest.mark.parametrize("url, why", [
    ("ftp://shop.example.com/", "its scheme is neither http nor https"), ("http://a b/", "it has a blank"), ("a:b:c/x", "'a:b:c' is no host"),
    ("user@shop.example.com/", "'user@shop.example.com' is no host"), ("http:///x", "'' is no host"), ("?x", "'' is no host"),
])
def test_what_is_no_url_is_said_so(routed, url, why):
    done = routed.ctl("explain", url, check=2)
    assert why in done.err and "write HOST/PATH, http://HOST/PATH or /PATH" in done.err, done


def test_each_rule_is_listed_once_and_says_all_that_it_asks_for(routed):
    steps = [step for step in routed.do("explain", "shop.example.com/cart")["steps"] if step.startswith("route")]
    assert [step.split(")")[0] + ")" for step in steps] == [
        "route 1 (host shop.example.com, path /cart, X-Beta: 1)",
        "route 3 (host shop.example.com, path /cart, method PUT)",
        "route 4 (host shop.example.com, path /)"]
    assert steps[-1].endswith("matches: service shop")
