"""A webhook: records what is posted and answers as told, in clear or over TLS."""
import http.server
import json
import ssl
import threading
import time

from waiting import wait_until


class Posted:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()
        self.json = json.loads(body)

    event = property(lambda self: self.json.get("event"))
    text = property(lambda self: self.json["text"])

    def __repr__(self):
        return f"<{self.path} {self.body[:300]}>"


class Webhook:
    """`answers` are given one after the other, then 200: a status, (status, headers), (status, headers, body), "hang" or "close"."""

    def __init__(self, pair=None):
        self.posted, self.answers, self.release = [], [], threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append(Posted(self.path, dict(self.headers), body.decode()))
                answer = hook.answers.pop(0) if hook.answers else 200
                if answer == "hang":
                    hook.release.wait(60)
                if answer in ("hang", "close"):
                    self.close_connection = True
                    return
                given = answer if isinstance(answer, tuple) else (answer,)
                status, headers, text = given + ({}, "ok")[len(given) - 1:]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that does not trust it, or has gone
        self.server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "https" if pair else "http"
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, pair))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path="/services/T0SECRETTEAM/B0SECRETHOOK/s3cretW0rdOfSlack"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def told(self, event=None):
        return [one for one in list(self.posted) if event in (None, one.event)]

    def wait_for(self, event=None, count=1, timeout=30):
        wait_until(lambda: len(self.told(event)) >= count, timeout, lambda: f"{count} of {event}; told: {self.posted}")
        return self.told(event)[-1]

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
