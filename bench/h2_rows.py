"""The rows of HTTP/2 and gRPC, and their load: h2load, whose report is a number only if all requests succeeded. Goals are those of the
study that the work on HTTP/2 began with: Sluice's ratio to the best peer of the same run."""
import dataclasses
import re

from processes import Wrong, run_pinned, tool
from rows import KIB, Row

PATIENCE = 60  # seconds
CALL = "/bench.Echo/Unary.grpc"                # the ending is how nghttpd knows the content type
MESSAGE = b"\0\0\0\0\x0a" + b"0123456789"      # one gRPC message, length-prefixed


@dataclasses.dataclass(frozen=True)
class H2Load:
    """What clients do in one turn."""

    requests: int
    connections: int
    streams: int = 1     # of one connection at a time
    fields: tuple = ()   # of each request, beside h2load's own user-agent
    per_second: int = 0  # of all connections; 0: as fast as answers come
    h1: bool = False     # HTTP/1.1 instead
    path: str = ""       # instead of what goes with the row

    def at_once(self):
        return self.connections * self.streams

    def run(self, row, turn):
        load = dataclasses.replace(self, requests=max(self.connections, self.requests // turn.shortened))
        load.check(row, run_pinned(load.command(row, turn.port, turn.folder), turn.cpu, PATIENCE)[0])
        return load.requests

    def command(self, row, port, folder):
        """h2load's command line; writes the body that it posts into `folder`."""
        words = [tool("h2load"), "-t1", f"-n{self.requests}", f"-c{self.connections}", *(["--h1"] if self.h1 else [f"-m{self.streams}"])]
        for field in self.fields:
            words += ["-H", field]
        if self.per_second:
            words.append(f"--rps={self.per_second / self.connections:g}")
        if row.grpc or row.upload:
            body = folder / "body"
            body.write_bytes(MESSAGE if row.grpc else b"x" * row.upload)
            words += ["-d", body]
        if row.grpc:
            words += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        return words + [f"http{'s' if row.tls else ''}://127.0.0.1:{port}{self.path or (CALL if row.grpc else '/')}"]

    def check(self, row, report):
        """Raises Wrong unless h2load's report says that every request was answered, whole, with 2xx."""
        counts = dict((word, int(number)) for number, word in re.findall(r"(\d+) (\w+)", line_of(report, "requests:")))
        good = int((re.findall(r"(\d+) 2xx", line_of(report, "status codes:")) or [0])[0])
        if counts.get("succeeded") != self.requests or good != self.requests:
            said = "; ".join(line_of(report, begin) for begin in ("requests:", "status codes:"))
            raise Wrong(f"{min(counts.get('succeeded', 0), good)} of {self.requests} requests succeeded ({said})")
        data = int((re.findall(r"\((\d+)\) data", line_of(report, "traffic:")) or [0])[0])
        expected = self.requests * (len(MESSAGE) if row.grpc else row.answer)
        if data != expected:
            raise Wrong(f"bodies of {data} bytes in all instead of {expected}")


def line_of(report, begin):
    return next((line for line in report.splitlines() if line.startswith(begin)), "")


def of_cpu(says, goal, load, **what):
    return Row(says, base="peer", goal=goal, load=load, h2=True, **what)


FIELDS = tuple(f"x-field-{number}: value {number} of a field as browsers send them" for number in range(19))

ROWS = {
    "h2c": of_cpu("h2c, 16 x 32", 0.80, H2Load(40_000, 16, 32)),
    "tls": of_cpu("TLS, 16 x 32", 0.80, H2Load(40_000, 16, 32), tls=True),
    "one": of_cpu("TLS, 64 x 1: one stream at a time", 0.80, H2Load(20_000, 64, 1), tls=True),
    "headers": of_cpu("TLS, 16 x 32, 20 request fields", 0.80, H2Load(30_000, 16, 32, FIELDS), tls=True),
    "upload": of_cpu("TLS, 16 x 4, POST of 64 KiB", 0.90, H2Load(4_000, 16, 4), tls=True, upload=64 * KIB),
    "big": of_cpu("TLS, 4 x 4, answers of 1 MiB", 0.90, H2Load(400, 4, 4), tls=True, answer=KIB * KIB),
    "grpc": of_cpu("gRPC unary, h2c to h2c, 16 x 32", 0.70, H2Load(40_000, 16, 32), grpc=True),
    "gtls": of_cpu("gRPC unary, TLS to h2c, 16 x 32", 0.70, H2Load(40_000, 16, 32), grpc=True, tls=True),
    "wide": of_cpu("h2c, 100 x 10", 0.80, H2Load(40_000, 100, 10)),
    "many": of_cpu("h2c, 1,000 connections, 8,000/s in all", 0.85, H2Load(32_000, 1000, per_second=8_000)),
    "idle": Row("memory of an idle h2c connection that had one request", "h2idle", "bytes", goal=10_000, h2=True),
    "idle8": Row("the same 8 s later", "h2idle", "bytes", goal=4_000, h2=True),
    "open": Row("memory of a request that waits for its answer, the connection to its backend included", "h2open", "bytes", goal=5_000, h2=True),
}
QUICK = ["h2c", "one", "grpc", "open"]
