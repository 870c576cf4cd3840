"""An HTTP server that is posted to and answers as told, in clear or over TLS: the common part of a webhook and of a collector of traces."""
import http.server
import ssl
import threading


class PostedTo:
    """`answers` are given one after the other, then 200: a status, (status, headers), (status, headers, body), "hang" or "close"."""

    headers = {}   # of each answer
    text = "ok"    # the body of one that is told none

    def __init__(self, pair=None, port=0):
        self.answers, self.release = [], threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = owner.answers.pop(0) if owner.answers else 200
                given = answer if isinstance(answer, tuple) else (answer,)
                status, headers, text = given + ({}, owner.text)[len(given) - 1:]
                owner.take(self.path, dict(self.headers), body.decode(), status)
                if answer == "hang":
                    owner.release.wait(60)
                if answer in ("hang", "close"):
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**owner.headers, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = allow_reuse_address = True

            def handle_error(self, *_):
                pass  # a client that does not trust it, or has gone
        self.server = Server(("127.0.0.1", port), Handler)
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, pair))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.address = f"{'https' if pair else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, path, headers, body, answer):
        """What came, and the status (or "hang", "close") that it gets."""
        raise NotImplementedError

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
