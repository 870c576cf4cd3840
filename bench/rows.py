"""What a row is, and the rows of the table: HTTP/1, TLS, memory, changes. Goals are issue 16's."""
import dataclasses
import typing

from loads import Handshakes, Paced, Wrk

KIB = 1024
PROXIES = ("sluice", "nginx", "haproxy")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table. Nothing said of a backend: HTTP/1.1, keep-alive, answers of 128 bytes."""

    says: str
    by: str = "cpu"          # who measures it: a key of driver.MEASURES
    unit: str = "us"
    base: str = ""           # the goal is for Sluice's ratio to it: floor, nginx, peer (the best one); empty: for the number itself
    goal: typing.Optional[float] = None
    load: typing.Any = None  # of one turn, where CPU is measured
    only: tuple = ()         # who is measured; empty: all that can
    tls: bool = False
    h2: bool = False         # clients speak HTTP/2
    grpc: bool = False       # unary calls; backends speak HTTP/2 in clear
    answer: int = 128        # bytes of an answer's body
    upload: int = 0          # bytes of a request's body
    logged: bool = False     # all write an access log


CPU_ROWS = {
    "get": Row("small GET, keep-alive", base="floor", goal=1.15, load=Wrk()),
    "big": Row("1 MiB answer", base="floor", goal=0.90, load=Wrk(16), answer=KIB * KIB),
    "upload": Row("64 KiB upload", base="floor", goal=1.20, load=Wrk(), upload=64 * KIB),
    "17k": Row("17 KiB answer", base="floor", load=Wrk(), answer=17 * KIB),
    "tls": Row("TLS 1.3, keep-alive", base="nginx", goal=0.55, load=Wrk(), tls=True),
    "bigtls": Row("1 MiB answer over TLS", base="nginx", goal=0.80, load=Wrk(16), tls=True, answer=KIB * KIB),
    "close": Row("a connection per request", base="nginx", goal=0.90, load=Wrk(close=True)),
    "handshake": Row("a TLS handshake per request", base="nginx", goal=0.95, load=Handshakes(), tls=True),
    "resumed": Row("the same, resumed", base="nginx", goal=0.90, load=Handshakes(resumed=True), tls=True),
    "paced": Row("paced, 8,000/s", base="floor", goal=1.18, load=Paced(rate=8000)),
}

OTHER_ROWS = {
    "instructions": Row("instructions of that small GET", "instructions", "instructions", goal=8500, only=PROXIES),
    "browser": Row("browser's GET: 18 fields, cookies, sticky", "instructions", "instructions", goal=13_000, only=PROXIES),
    "routes": Row("a small GET among 10,000 routes", "instructions", "instructions", only=PROXIES),
    "routes-x": Row("the same, to one with a single route", "instructions", "x", goal=1.03, only=PROXIES),
    "workers-x": Row("instructions of a small GET with two workers, to one (nothing is shared: an argument, for two cores leave none for a load)",
                     "sharing", "x", goal=1.03, only=("sluice",)),
    "futexes": Row("futex calls in 10,000 requests, two workers", "sharing", "calls", goal=10, only=("sluice",)),
    "idle": Row("idle keep-alive connection, 8 s after its request", "idle", "bytes", goal=700),
    "idle-tls": Row("the same over TLS", "idle", "bytes", goal=6000, tls=True),
    "cutover": Row("cutover with 1,000 services, median of 100", "changes", "ms", goal=4, only=("sluice",)),
    "cutover-p99": Row("the same, p99", "changes", "ms", goal=10, only=("sluice",)),
    "cutover-10k": Row("cutover with 10,000 services, median of 100", "changes", "ms", goal=10, only=("sluice",)),
    "metrics-lines": Row("lines of metrics for a service without traffic", "scrape", "lines", goal=12, only=("sluice",)),
    "metrics-bytes": Row("bytes of a scrape with 1,000 services without traffic", "scrape", "bytes", only=("sluice",)),
    "scrape": Row("CPU of that scrape", "scrape", "ms", goal=10, only=("sluice",)),
    "scrape-used": Row("CPU of a scrape when each service had traffic", "scrape", "ms", goal=10, only=("sluice",)),
    "start": Row("start with 10,000 routes, to the first answer", "start", "ms", goal=200, only=PROXIES),
    "reload": Row("reload with 10,000 routes", "start", "ms", goal=150, only=("sluice",)),
    "m-service": Row("a service (two pools, sticky) without traffic", "sizes", "bytes", goal=12_000, only=("sluice",)),
    "m-service-used": Row("the same with traffic, its connections to backends included", "sizes", "bytes", goal=40_000, only=("sluice",)),
    "m-pool": Row("a pool", "sizes", "bytes", only=("sluice",)),
    "m-backend": Row("a backend", "sizes", "bytes", only=("sluice",)),
    "m-route": Row("a route", "sizes", "bytes", only=("sluice",)),
    "m-active": Row("an active connection: its request waits for an answer, the connection to the backend included", "active", "bytes",
                    only=PROXIES),
    "m-tunnel": Row("a WebSocket tunnel, both connections", "active", "bytes", only=PROXIES),
    "m-stream": Row("an HTTP/2 stream that waits for its answer, the connection to the backend included", "h2open", "bytes",
                    only=PROXIES, h2=True),
}

# As the issue lists them: what a request costs stands together, by whatever means it is counted.
ORDER = ["get", "instructions", "browser", "routes", "routes-x", "big", "upload", "17k", "tls", "bigtls", "close", "handshake", "resumed",
         "paced"]
TABLE = {name: (CPU_ROWS | OTHER_ROWS)[name] for name in ORDER + [name for name in OTHER_ROWS if name not in ORDER]}
LOGGED = {f"{name}-log": dataclasses.replace(row, logged=True, goal=None) for name, row in CPU_ROWS.items()}
QUICK = ["get", "big", "upload", "tls"]
