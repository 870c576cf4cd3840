"""The contenders: how each is configured for equal work, and what it cannot do."""
import dataclasses
import os
import pathlib
import typing

from processes import tool

HOST = "h{:05}.example.com"  # of route number N, where there are many


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a contender stands in one row. Each function below writes its configuration into `folder` and returns its command."""

    folder: pathlib.Path
    port: int
    origins: list         # two ports: 95 % of the requests are for the first
    bin_dir: pathlib.Path
    pem: typing.Optional[pathlib.Path] = None  # key and certificate; None: clients speak in clear
    h2: bool = False      # clients speak HTTP/2
    grpc: bool = False    # the origins speak HTTP/2
    logged: bool = False  # an access log is written, to log()
    sticky: bool = False  # users keep their backends, by the cookie `session`
    routes: int = 0       # so many hosts, all to the same backends; 0: one route without a host
    workers: int = 1

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def log(self):
        return self.folder / "access.log"

    def hosts(self):
        return [HOST.format(number) for number in range(self.routes)]


def floor(place):
    return [place.bin_dir / ("h2floor" if place.h2 else "floor"), place.origins[0], place.port]


def sluice(place):
    tls = f", tls: {{certificates: [{{cert: {place.pem}, key: {place.pem}}}]}}" if place.pem else ""
    protocol = ", protocol: h2" if place.grpc else ""
    routes = "".join(f"- {{host: {host}, service: bench}}\n" for host in place.hosts()) or "- {path: /, service: bench}\n"
    (place.folder / "state").mkdir(exist_ok=True)
    return [place.bin_dir / "sluiced", "--config", place.write("sluice.yaml", f"""
listeners: [{{name: bench, bind: "127.0.0.1:{place.port}"{tls}}}]
admin: {{socket: {place.folder}/admin.sock}}
state_dir: {place.folder}/state
workers: {place.workers}
access_log: {f"{{path: {place.log()}, format: combined}}" if place.logged else "off"}
services:
  bench:
    pools:
      stable: {{backends: ["127.0.0.1:{place.origins[0]}"]{protocol}}}
      canary: {{backends: ["127.0.0.1:{place.origins[1]}"]{protocol}}}
    split: {{stable: 95%, canary: 5%}}
    {"sticky: {keys: ['cookie:session']}" if place.sticky else ""}
routes:
{routes}""")]


def nginx_servers(place):
    """The server blocks, one for each host."""
    tls = f"ssl_certificate {place.pem}; ssl_certificate_key {place.pem}; ssl_protocols TLSv1.3;" if place.pem else ""
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
    cache = "ssl_session_cache shared:s:10m;" if place.pem and not place.h2 else ""
    return "".join(f"""
  server {{
    listen 127.0.0.1:{place.port}{" http2" if place.h2 else ""}{" ssl" if place.pem else ""};
    {f"server_name {host};" if host else ""}
    {tls} {cache}
    location / {{{to_grpc if place.grpc else to_h1}
    }}
  }}""" for host in place.hosts() or [""])


def nginx(place):
    temp = "".join(f"  {kind}_temp_path {place.folder}/{kind};\n"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    # Weights in one upstream; split_clients over two costs nginx the same (measured: 0.97 to 1.00).
    config = place.write("nginx.conf", f"""
daemon off;
worker_processes {place.workers};
{"user root;" if os.geteuid() == 0 else ""}
pid {place.folder}/nginx.pid;
error_log {place.folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
  access_log {f"{place.log()} combined" if place.logged else "off"};
  keepalive_requests 1000000000;
  client_max_body_size 0;
  server_names_hash_max_size 65536;
{temp}
  upstream bench {{
    {"hash $cookie_session;" if place.sticky else ""}
    server 127.0.0.1:{place.origins[0]} weight=95;
    server 127.0.0.1:{place.origins[1]} weight=5;
    keepalive 4096;
    keepalive_requests 1000000000;
  }}
{nginx_servers(place)}
}}
""")
    return [tool("nginx"), "-c", config, "-e", place.folder / "error.log"]


def haproxy(place):
    to_backend = " proto h2" if place.grpc else ""
    from_clients = f" ssl crt {place.pem} alpn {'h2' if place.h2 else 'http/1.1'}" if place.pem else " proto h2" if place.h2 else ""
    by_host = ""
    if place.routes:
        hosts = place.write("hosts.map", "".join(f"{host} bench\n" for host in place.hosts()))
        by_host = f"use_backend %[req.hdr(host),lower,map_str({hosts})]"
    # maxconn: each connection takes two descriptors, and HAProxy does not start when the limit (ulimit -n) is lower.
    return [tool("haproxy"), "-db", "-f", place.write("haproxy.cfg", f"""
global
  nbthread {place.workers}
  maxconn 4096
  {"log stderr format raw local0" if place.logged else ""}
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  {"log global" if place.logged else ""}
  {"option httplog" if place.logged else ""}
  option forwardfor
  unique-id-format %{{+X}}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header X-Request-ID
  http-reuse always
frontend clients
  bind 127.0.0.1:{place.port}{from_clients}
  {by_host or "default_backend bench"}
backend bench
  balance {"hash req.cook(session)" if place.sticky else "roundrobin"}
  server stable 127.0.0.1:{place.origins[0]} weight 95 pool-purge-delay 1h{to_backend}
  server canary 127.0.0.1:{place.origins[1]} weight 5 pool-purge-delay 1h{to_backend}
""")]


def nghttpx(place):
    protocol = ";proto=h2" if place.grpc else ""
    backends = [f"-b127.0.0.1,{port};/;weight={weight}{protocol}" for port, weight in zip(place.origins, (95, 5))]
    return [tool("nghttpx"), "--conf=/dev/null", f"--workers={place.workers}", f"-f127.0.0.1,{place.port}{'' if place.pem else ';no-tls'}",
            *backends, "--backend-keep-alive-timeout=1h", "--add-x-forwarded-for", "--no-ocsp", "--log-level=ERROR",
            f"--accesslog-file={place.log() if place.logged else '/dev/null'}", "--errorlog-file=/dev/stderr",
            *([place.pem, place.pem] if place.pem else [])]


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


def caddy(place):
    # 2.6 knows no weights: the first backend stands there 19 times.
    backends = " ".join(f"127.0.0.1:{port}" for port in [place.origins[0]] * 19 + [place.origins[1]])
    home = [f"XDG_{what}_HOME={place.folder}" for what in ("CONFIG", "DATA")]  # where it keeps its last configuration
    return [tool("env"), *home, tool("caddy"), "run", "--adapter", "caddyfile", "--config", place.write("Caddyfile", f"""
{{
  admin off
  auto_https off
  default_bind 127.0.0.1
  servers {{
    protocols h1
  }}
}}
{"https" if place.pem else "http"}://:{place.port} {{
  {f"tls {place.pem} {place.pem}" if place.pem else ""}
  {f"log {{{chr(10)}    output file {place.log()}{chr(10)}  }}" if place.logged else ""}
  reverse_proxy {backends} {{
    lb_policy round_robin
    header_up X-Request-ID {{http.request.uuid}}
    transport http {{
      keepalive 1h
      keepalive_idle_conns_per_host 4096
    }}
  }}
}}
""")]


@dataclasses.dataclass(frozen=True)
class Contender:
    command: typing.Callable
    cannot: str = ""        # what of the work it leaves out
    adds: tuple = ("x-forwarded-for", "x-request-id")  # the fields of each request that a backend gets from it
    splits: bool = True     # 95/5 over two backends
    keeps: bool = True      # its connections to backends outlive those of clients
    logs: bool = True
    tls: bool = True
    h1: bool = True         # measured with clients of HTTP/1
    h2: bool = True
    grpc: bool = True
    optional: bool = False  # left out where it is not installed

    def can(self, row):
        return (self.tls or not row.tls) and (self.grpc or not row.grpc) and (self.h2 if row.h2 else self.h1)


CONTENDERS = {
    "floor": Contender(floor, "one backend, a connection to it for each client's; no X-Request-ID, no X-Forwarded-For, no log, no TLS",
                       adds=(), splits=False, keeps=False, logs=False, tls=False, grpc=False),
    "sluice": Contender(sluice),
    "nginx": Contender(nginx),
    "haproxy": Contender(haproxy),
    "nghttpx": Contender(nghttpx, "no X-Request-ID", adds=("x-forwarded-for",), optional=True),
    "h2o": Contender(h2o, "one backend, no X-Request-ID; no HTTP/2 to backends, so no gRPC", adds=("x-forwarded-for",), splits=False,
                     grpc=False, h1=False, optional=True),
    "caddy": Contender(caddy, h2=False, grpc=False, optional=True),
}
PEERS = ("nginx", "haproxy", "nghttpx", "h2o", "caddy")
