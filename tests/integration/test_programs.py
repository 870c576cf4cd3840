"""Programs that we did not write, before and behind the proxy: zero failures."""
import hashlib
import json
import re
import subprocess
import urllib.request

from backend import pattern
from sluice import config_of, service
from waiting import wait_until


def run(*args, timeout=60, ok=True):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout)
    assert not ok or done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def answers(port):
    def look():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).status == 200
        except OSError:
            return False
    return look


def nginx_backend(process, folder, port):
    (folder / "www").mkdir()
    (folder / "www/index.html").write_text("from nginx\n")
    (folder / "www/large").write_bytes(pattern(3_000_000))
    (folder / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
        events {{ worker_connections 512; }}
        http {{ access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
               uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests 100000;
               server {{ listen 127.0.0.1:{port}; root {folder}/www; etag on; }} }}""")
    process(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], ready=answers(port), stderr=subprocess.DEVNULL)


def test_curl_gets_posts_and_ranges_through_nginx(sluice, process, folder, port):
    backend_port = port()
    nginx_backend(process, folder, backend_port)
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{backend_port}"]})}))
    url = daemon.url
    assert run("curl", "-sS", url("/")) == "from nginx\n"
    assert run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url("/missing")) == "404"
    assert run("curl", "-sS", "-r", "0-3", url("/")) == "from"
    head = run("curl", "-sSI", url("/large"))
    assert "content-length: 3000000" in head.lower()
    run("curl", "-sS", "-o", folder / "copy", url("/large"))
    assert (folder / "copy").read_bytes() == pattern(3_000_000)
    etag = re.search(r'etag: (\S+)', head, re.I)[1]
    assert run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"If-None-Match: {etag}", url("/large")) == "304"
    both = run("curl", "-sSv", url("/"), url("/"), url("/large"), "-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null")
    assert "Re-using existing connection" in both
    assert run("curl", "-sS", "--http1.0", url("/")) == "from nginx\n"


def test_python_http_server_as_backend(sluice, process, folder, port):
    """An HTTP/1.0 server: every answer ends by closing the connection."""
    backend_port = port()
    (folder / "www").mkdir()
    (folder / "www/file").write_bytes(pattern(500_000))
    process(["python3", "-m", "http.server", "-b", "127.0.0.1", "-d", str(folder / "www"), str(backend_port)],
            ready=answers(backend_port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemon = sluice(config_of({"api": service({"blue": [f"127.0.0.1:{backend_port}"]})}))
    with daemon.client() as client:
        for _ in range(5):
            answer = client.request(target="/file")
            assert answer.status == 200 and answer.body == pattern(500_000)
        assert client.request("POST", "/file").status == 501


def test_load_tools_see_no_failure(sluice, recorder):
    origin = recorder("blue", threads=1)
    daemon = sluice(config_of({"api": service({"blue": [origin]})}, workers=2))
    url = daemon.url("/")
    out = run("h2load", "--h1", "-n", 5000, "-c", 32, "-t", 1, url)
    assert "5000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out
    out = run("ab", "-q", "-k", "-n", 2000, "-c", 32, url)
    assert re.search(r"Failed requests:\s+0\b", out) and "Non-2xx" not in out, out
    out = run("ab", "-q", "-n", 500, "-c", 16, url)
    assert re.search(r"Failed requests:\s+0\b", out) and "Non-2xx" not in out, out
    out = run("hey", "-n", 2000, "-c", 20, url)
    assert re.search(r"\[200\]\s+2000", out) and "Error distribution" not in out, out
    out = run("wrk", "-t", 1, "-c", 32, "-d", "1s", url)
    assert "Socket errors" not in out and "Non-2xx" not in out, out
    assert daemon.metric("http_requests_total", service="api", status="5xx") == 0


def test_curl_uploads_are_byte_exact(simple, folder):
    daemon, blue = simple()
    data = pattern(5_000_000)
    (folder / "upload").write_bytes(data)
    for how in (["--data-binary", f"@{folder}/upload"], ["-T", f"{folder}/upload"],
                ["-T", f"{folder}/upload", "-H", "Transfer-Encoding: chunked"]):
        told = json.loads(run("curl", "-sS", *how, daemon.url("/sink")))
        assert (told["length"], told["hash"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert len(blue.seen("/sink")) == 3


def test_a_proxy_before_the_proxy(sluice, backend, process, folder, port):
    """haproxy in front, as many sites have it: its keep-alive connections carry everyone's requests."""
    blue, front = backend("blue"), port()
    daemon = sluice(config_of({"api": service({"blue": [blue]})}))
    (folder / "haproxy.cfg").write_text(f"""
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen front
  bind 127.0.0.1:{front}
  http-reuse always
  server s {daemon.address()}
""")
    process(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], ready=answers(front))
    out = run("ab", "-q", "-k", "-n", 300, "-c", 8, f"http://127.0.0.1:{front}/")
    assert re.search(r"Failed requests:\s+0\b", out) and "Non-2xx" not in out, out
    wait_until(lambda: len(blue.seen()) >= 300, what="the backend to have them all")
