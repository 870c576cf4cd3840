"""Somebody else's WebSocket tests (Go's gorilla/websocket, from Debian's package of it) with the proxy between their clients and their
servers, in clear and over TLS on both sides. The tests stay as they are; only where their servers listen is changed."""
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
