"""The contenders of the HTTP/2 benchmark: how each is configured for equal work, and what it cannot do."""
import dataclasses
import os
import pathlib
import typing

from processes import tool


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a contender stands in one row. Each function below writes its configuration into `folder` and returns its command."""

    folder: pathlib.Path
    port: int
    origins: list         # two ports: 95 % of the requests are for the first
    bin_dir: pathlib.Path
    pem: typing.Optional[pathlib.Path]  # key and certificate; None: clients speak h2c
    grpc: bool            # the origins speak HTTP/2

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


def floor(place):
    return [place.bin_dir / "h2floor", place.origins[0], place.port]


def sluice(place):
    tls = f", tls: {{certificates: [{{cert: {place.pem}, key: {place.pem}}}]}}" if place.pem else ""
    protocol = ", protocol: h2" if place.grpc else ""
    (place.folder / "state").mkdir()
    return [place.bin_dir / "sluiced", "--config", place.write("sluice.yaml", f"""
listeners: [{{name: bench, bind: "127.0.0.1:{place.port}"{tls}}}]
admin: {{socket: {place.folder}/admin.sock}}
state_dir: {place.folder}/state
workers: 1
access_log: off
services:
  bench:
    pools:
      stable: {{backends: ["127.0.0.1:{place.origins[0]}"]{protocol}}}
      canary: {{backends: ["127.0.0.1:{place.origins[1]}"]{protocol}}}
    split: {{stable: 95%, canary: 5%}}
routes: [{{path: /, service: bench}}]
""")]


def nginx(place):
    tls = f"ssl_certificate {place.pem}; ssl_certificate_key {place.pem}; ssl_protocols TLSv1.3;" if place.pem else ""
    temp = "".join(f"  {kind}_temp_path {place.folder}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    to_h1 = """
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Request-ID $request_id;"""
    to_grpc = """
      grpc_pass grpc://bench;
      grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      grpc_set_header X-Request-ID $request_id;"""
    config = place.write("nginx.conf", f"""
daemon off;
worker_processes 1;
{"user root;" if os.geteuid() == 0 else ""}
pid {place.folder}/nginx.pid;
error_log {place.folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
{temp}
  upstream bench {{
    server 127.0.0.1:{place.origins[0]} weight=95;
    server 127.0.0.1:{place.origins[1]} weight=5;
    keepalive 4096;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{place.port} http2{" ssl" if place.pem else ""};
    {tls}
    client_max_body_size 0;
    location / {{{to_grpc if place.grpc else to_h1}
    }}
  }}
}}
""")
    return [tool("nginx"), "-c", config, "-e", place.folder / "error.log"]


def haproxy(place):
    protocol = " proto h2" if place.grpc else ""
    # maxconn: each connection takes two descriptors, and HAProxy does not start when the limit (ulimit -n) is lower.
    return [tool("haproxy"), "-db", "-f", place.write("haproxy.cfg", f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option forwardfor
  unique-id-format %{{+X}}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-ID
  http-reuse always
listen bench
  bind 127.0.0.1:{place.port} {f"ssl crt {place.pem} alpn h2" if place.pem else "proto h2"}
  balance roundrobin
  server stable 127.0.0.1:{place.origins[0]} weight 95 pool-purge-delay 1h{protocol}
  server canary 127.0.0.1:{place.origins[1]} weight 5 pool-purge-delay 1h{protocol}
""")]


def nghttpx(place):
    protocol = ";proto=h2" if place.grpc else ""
    backends = [f"-b127.0.0.1,{port};/;weight={weight}{protocol}" for port, weight in zip(place.origins, (95, 5))]
    return [tool("nghttpx"), "--conf=/dev/null", "--workers=1", f"-f127.0.0.1,{place.port}{'' if place.pem else ';no-tls'}", *backends,
            "--backend-keep-alive-timeout=1h", "--add-x-forwarded-for", "--no-ocsp", "--log-level=ERROR", "--accesslog-file=/dev/null",
            "--errorlog-file=/dev/stderr", *([place.pem, place.pem] if place.pem else [])]


def h2o(place):
    tls = f", ssl: {{certificate-file: {place.pem}, key-file: {place.pem}}}" if place.pem else ""
    return [tool("h2o"), "-c", place.write("h2o.yaml", f"""
num-threads: 1
max-connections: 8192
http2-idle-timeout: 60
{"user: root" if os.geteuid() == 0 else ""}
listen: {{host: 127.0.0.1, port: {place.port}{tls}}}
hosts:
  default:
    paths:
      /: {{proxy.reverse.url: "http://127.0.0.1:{place.origins[0]}/", proxy.preserve-host: ON, proxy.timeout.keepalive: 3600000}}
""")]


@dataclasses.dataclass(frozen=True)
class Contender:
    command: typing.Callable
    cannot: str = ""       # what of the work it leaves out
    tls: bool = True
    grpc: bool = True
    optional: bool = False  # left out where it is not installed

    def can(self, row):
        return (self.tls or not row.tls) and (self.grpc or not row.grpc)


CONTENDERS = {
    "floor": Contender(floor, "one backend, no X-Request-ID, no X-Forwarded-For; h2c only", tls=False, grpc=False),
    "sluice": Contender(sluice),
    "nginx": Contender(nginx),
    "haproxy": Contender(haproxy),
    "nghttpx": Contender(nghttpx, "no X-Request-ID", optional=True),
    "h2o": Contender(h2o, "one backend, no X-Request-ID; no HTTP/2 to backends, so no gRPC", grpc=False, optional=True),
}
PEERS = ("nginx", "haproxy", "nghttpx", "h2o")
