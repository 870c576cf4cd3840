"""The rows of the HTTP/2 benchmark, and the load of one turn: h2load, whose report is a number only if all requests succeeded."""
import dataclasses
import re
import subprocess

from processes import child_setup, tool


@dataclasses.dataclass(frozen=True)
class Row:
    """What clients do in one row; nothing said of a backend: HTTP/1.1, keep-alive, answers of 128 bytes."""

    says: str
    requests: int
    connections: int
    streams: int         # of one connection at a time
    tls: bool = False
    grpc: bool = False   # unary calls; backends speak HTTP/2 in clear
    answer: int = 128    # bytes of an answer's body
    upload: int = 0      # bytes of a request's body
    fields: int = 1      # of a request, pseudo-fields not counted
    per_second: int = 0  # of all connections; 0: as fast as answers come

    def shortened(self, times):
        """The same with fewer requests, each connection having one at least."""
        return dataclasses.replace(self, requests=max(self.connections, self.requests // times))


ROWS = {
    "h2c": Row("h2c, 16 x 32", 40_000, 16, 32),
    "tls": Row("TLS, 16 x 32", 40_000, 16, 32, tls=True),
    "one": Row("TLS, 64 x 1: one stream at a time", 20_000, 64, 1, tls=True),
    "headers": Row("TLS, 16 x 32, 20 request fields", 30_000, 16, 32, tls=True, fields=20),
    "upload": Row("TLS, 16 x 4, POST of 64 KiB", 4_000, 16, 4, tls=True, upload=64 * 1024),
    "big": Row("TLS, 4 x 4, answers of 1 MiB", 400, 4, 4, tls=True, answer=1024 * 1024),
    "grpc": Row("gRPC unary, h2c to h2c, 16 x 32", 40_000, 16, 32, grpc=True),
    "gtls": Row("gRPC unary, TLS to h2c, 16 x 32", 40_000, 16, 32, grpc=True, tls=True),
    "wide": Row("h2c, 100 x 10", 40_000, 100, 10),
    "many": Row("h2c, 1,000 connections, 8,000/s in all", 32_000, 1000, 1, per_second=8_000),
}

CALL = "/bench.Echo/Unary.grpc"                # the ending is how nghttpd knows the content type
MESSAGE = b"\0\0\0\0\x0a" + b"0123456789"      # one gRPC message, length-prefixed


class Wrong(Exception):
    """A contender did not do the work; the text says what it did instead."""


def command(row, port, folder):
    """h2load's command line; writes the body that it posts into `folder`."""
    words = [tool("h2load"), "-t1", f"-n{row.requests}", f"-c{row.connections}", f"-m{row.streams}"]
    for number in range(row.fields - 1):  # h2load's own is user-agent
        words += ["-H", f"x-field-{number}: value {number} of a field as browsers send them"]
    if row.per_second:
        words.append(f"--rps={row.per_second / row.connections:g}")
    if row.grpc or row.upload:
        body = folder / "body"
        body.write_bytes(MESSAGE if row.grpc else b"x" * row.upload)
        words += ["-d", body]
    if row.grpc:
        words += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    return words + [f"http{'s' if row.tls else ''}://127.0.0.1:{port}{CALL if row.grpc else '/'}"]


def check(row, report):
    """Raises Wrong unless h2load's report says that every request was answered, whole, with 2xx."""
    counts = dict((word, int(number)) for number, word in re.findall(r"(\d+) (\w+)", line_of(report, "requests:")))
    good = int((re.findall(r"(\d+) 2xx", line_of(report, "status codes:")) or [0])[0])
    if counts.get("succeeded") != row.requests or good != row.requests:
        said = "; ".join(line_of(report, begin) for begin in ("requests:", "status codes:"))
        raise Wrong(f"{min(counts.get('succeeded', 0), good)} of {row.requests} requests succeeded ({said})")
    data = int((re.findall(r"\((\d+)\) data", line_of(report, "traffic:")) or [0])[0])
    expected = row.requests * (len(MESSAGE) if row.grpc else row.answer)
    if data != expected:
        raise Wrong(f"bodies of {data} bytes in all instead of {expected}")


def line_of(report, begin):
    return next((line for line in report.splitlines() if line.startswith(begin)), "")


def load(row, port, folder, cpu, patience=60):
    """One turn: raises Wrong unless all of it succeeded."""
    try:
        done = subprocess.run([str(word) for word in command(row, port, folder)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=patience, check=False, preexec_fn=lambda: child_setup(cpu))
    except subprocess.TimeoutExpired:
        raise Wrong(f"no end of {row.requests} requests within {patience} s") from None
    check(row, done.stdout)
