"""Somebody else's WebSocket tests (npm's ws, and Go's gorilla/websocket from Debian's package of it) with the proxy between their clients
and their servers, in clear and over TLS on both sides. The tests stay as they are; only where their servers listen is changed."""
import json
import os
import re
import shutil
import subprocess

from corpora import FOLDER
from sluice import ROOT, config_of
from tls import Authority

SUITE = FOLDER / "golang-github-gorilla-websocket-dev/usr/share/gocode/src/github.com/gorilla/websocket"

NOT_THROUGH_A_REVERSE_PROXY = {
    "TestProxyDial": "the client asks the server itself to CONNECT; a reverse proxy refuses that",
    "TestProxyAuthorizationDial": "as above",
    "TestBadMethod": "Upgrade is forwarded with GET alone (RFC 6455, 4.1), so its server misses the header before the method",
}


def go_root(folder):
    """The tree that the compiler expects: Debian splits it over two packages."""
    root = folder / "go"
    for package in ("golang-1.19-src", "golang-1.19-go"):
        subprocess.run(["cp", "-rlT", FOLDER / package / "usr/share/go-1.19", root], check=True)
    subprocess.run(["cp", "-rLl", FOLDER / "golang-1.19-go/usr/lib/go-1.19/bin", FOLDER / "golang-1.19-go/usr/lib/go-1.19/pkg", root], check=True)
    return root


def suite_before_the_proxy(folder):
    home = folder / "path/src/github.com/gorilla/websocket"
    shutil.copytree(SUITE, home)
    replaced = 0
    for file in home.glob("*_test.go"):
        text = file.read_text()
        for kind in ("Server", "TLSServer"):
            text, n = re.subn(rf"httptest\.New{kind}\(", f"proxied{kind}(", text)
            replaced += n
        file.write_text(text)
    assert replaced >= 8, "the suite starts its servers in another way than we know"
    shutil.copy(ROOT / "tests/websocket/proxied_test.go", home)
    return home


def test_gorillas_tests_through_the_proxy(sluice, folder, port):
    authority = Authority(folder)
    cert, key = authority.issue("site", "example.com", "127.0.0.1")
    chain = folder / "chain.pem"
    chain.write_text(cert.read_text() + authority.cert.read_text())
    clear, secure = f"127.0.0.1:{port()}", f"127.0.0.1:{port()}"
    # Its servers come and go: none is thought to be down for it. Each listener has the pool of its kind.
    daemon = sluice(config_of(
        {"suite": {"pools": {"clear": {"backends": [clear]},
                             "secure": {"backends": [secure], "tls": {"ca": str(authority.cert), "server_name": "example.com"}}},
                   "split": {"clear": "100%", "secure": "0%"}, "outlier": {"consecutive_errors": 0}}},
        listeners=[{"name": "web", "bind": "127.0.0.1:0"},
                   {"name": "tls", "bind": "127.0.0.1:0", "pools": {"suite": "secure"},
                    "tls": {"certificates": [{"cert": str(chain), "key": str(key)}], "check_host": False}}]))
    home, root = suite_before_the_proxy(folder), go_root(folder)
    environment = {**os.environ, "GOROOT": str(root), "GOPATH": str(folder / "path"), "GO111MODULE": "off", "GOFLAGS": "",
                   "GOCACHE": str(FOLDER / "go-cache"), "CGO_ENABLED": "0", "SUITE_BACKEND": clear, "SUITE_PROXY": daemon.address(),
                   "SUITE_TLS_BACKEND": secure, "SUITE_TLS_PROXY": daemon.address("tls"), "SUITE_CERTIFICATE": str(chain), "SUITE_KEY": str(key)}
    done = subprocess.run([root / "bin/go", "test", "-count=1", "-v", "."], cwd=home, env=environment, capture_output=True, text=True,
                          timeout=280, stdin=subprocess.DEVNULL)
    results = dict((name, verdict) for verdict, name in re.findall(r"^--- (\w+): (\S+)", done.stdout, re.M))
    print(done.stdout[-6000:], done.stderr[-3000:])
    failed = {name for name, verdict in results.items() if verdict == "FAIL"}
    assert failed == set(NOT_THROUGH_A_REVERSE_PROXY)
    assert len(results) > 50, results
    seen = {pool: daemon.metric("sluice_backend_attempts_total", service="suite", pool=pool) for pool in ("clear", "secure")}
    print(len(results), "tests", seen)
    assert seen["clear"] > 20 and seen["secure"] >= 3, seen


PLACES = 130  # each of its tests has a server of its own
SECURE_PLACES = 8
LEFT_OUT = [
    "hixie",  # a protocol older than RFC 6455: bytes behind a GET that belong to no body, which no proxy may pass on
    "echo service",  # asks a service in the internet that is gone
    "server bind fails",  # binds port 1, which root may
]


def test_ws_own_tests_through_the_proxy(sluice, folder, port):
    """ws 0.4.31, the last release whose package has its tests."""
    authority = Authority(folder)
    cert, key = authority.issue("site", "localhost", "127.0.0.1")
    agent_cert, agent_key = authority.issue("agent", "agent")
    shutil.copytree(FOLDER / "npm/node_modules", folder / "node_modules")
    home = folder / "node_modules/ws"
    for name, made in {"certificate": cert, "key": key, "ca1-cert": authority.cert, "agent1-cert": agent_cert, "agent1-key": agent_key}.items():
        shutil.copy(made, home / f"test/fixtures/{name}.pem")  # its own have run out
    chain = folder / "chain.pem"
    chain.write_text(cert.read_text() + authority.cert.read_text())
    number = port()
    backends = {f"clear-{i}": f"127.0.1.{i + 1}:{number}" for i in range(PLACES)}
    backends |= {f"secure-{i}": f"127.0.2.{i + 1}:{number}" for i in range(SECURE_PLACES)}
    tls = {"ca": str(authority.cert), "server_name": "localhost", "cert": str(agent_cert), "key": str(agent_key)}
    pools = {name: {"backends": [address], **({"tls": tls} if name.startswith("secure") else {})} for name, address in backends.items()}
    ends = {"certificates": [{"cert": str(chain), "key": str(key)}]}
    daemon = sluice(config_of(
        {"suite": {"pools": pools, "split": {name: "100%" if name == "clear-0" else "0%" for name in pools}, "outlier": {"consecutive_errors": 0},
                   "retries": {"rescue": "none"}}},
        listeners=[{"name": name, "bind": "127.0.0.1:0", "pools": {"suite": name}, **({"tls": ends} if name.startswith("secure") else {})}
                   for name in backends]))
    places = {"clear": [], "secure": []}
    for name, address in backends.items():
        places[name.split("-")[0]].append({"backend": address, "proxy": daemon.address(name)})
    environment = {**os.environ, "SUITE_PLACES": json.dumps(places), "NODE_EXTRA_CA_CERTS": str(authority.cert), "NODE_NO_WARNINGS": "1"}
    report = folder / "report.json"
    command = ["node", "--require", ROOT / "tests/websocket/proxied.js", "../mocha/bin/mocha.js", "--exit", "--timeout", "20000",
               "--reporter", "json", "--reporter-option", f"output={report}", "--grep", "|".join(LEFT_OUT), "--invert",
               "test/WebSocket.test.js", "test/WebSocketServer.test.js", "test/WebSocket.integration.js"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)
    print(done.stdout[-6000:], done.stderr[-3000:])
    results = json.loads(report.read_text())
    assert not results["failures"] and not results["pending"]
    assert len(results["passes"]) > 120
    seen = {kind: sum(daemon.metric("sluice_preview_requests_total", service="suite", pool=name) for name in pools if name.startswith(kind))
            for kind in places}
    print(len(results["passes"]), "tests", seen)
    assert seen["clear"] > 90 and seen["secure"] >= 5, seen
