"""The load of one turn over HTTP/1. Each load's run() returns how many requests were answered, and raises Wrong unless all were, with 200
and whole. wrk where it can; pacer.cpp is an open loop, handshakes.cpp says whether they were resumed."""
import dataclasses
import json

from processes import Wrong, run_pinned, tool

PATIENCE = 60  # seconds
HEAD = 1024    # bytes of an answer's head at most

# wrk prints its own results for people; this asks it for numbers, errors included.
WRK_SCRIPT = """
wrk.method = "{method}"
wrk.body = {body}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{{"requests":%d,"bytes":%d,"us":%d,"errors":%d}}\\n', summary.requests, summary.bytes, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclasses.dataclass(frozen=True)
class Turn:
    """What a load needs to know of the turn."""

    port: int
    cpu: int
    folder: object       # of the contender
    bin_dir: object
    seconds: int         # how long, for loads that go by time
    shortened: int = 1   # by how much, for those that go by number; wrk has so many times fewer connections


@dataclasses.dataclass(frozen=True)
class Wrk:
    """As many requests as are answered, over connections that are kept, or with one for each request."""

    connections: int = 64
    close: bool = False

    def at_once(self):
        return self.connections

    def run(self, row, turn):
        return self.report(row, turn)["requests"]

    def report(self, row, turn):
        script, connections = turn.folder / "wrk.lua", max(1, self.connections // turn.shortened)
        script.write_text(WRK_SCRIPT.format(method="POST" if row.upload else "GET", body=f'string.rep("x", {row.upload})' if row.upload else "nil"))
        out, errors = run_pinned([tool("wrk"), "-t1", f"-c{connections}", f"-d{turn.seconds}s", "-s", script,
                                  *(["-H", "Connection: close"] if self.close else []),
                                  f"http{'s' if row.tls else ''}://127.0.0.1:{turn.port}/"], turn.cpu, turn.seconds + PATIENCE)
        lines = out.splitlines()
        if not lines or not lines[-1].startswith("{"):
            raise Wrong(f"wrk: {errors.strip() or out.strip()}")
        report = json.loads(lines[-1])
        self.check(row, report)
        return report

    def check(self, row, report):
        requests, least = report["requests"], report["requests"] * row.answer
        if report["errors"] or not requests:
            raise Wrong(f"{requests} requests were answered, {report['errors']} failed")
        if not least < report["bytes"] <= (requests + self.connections) * (row.answer + HEAD):
            raise Wrong(f"{report['bytes']} bytes for {requests} answers with bodies of {row.answer} bytes")


def counted(out, errors, program):
    """The report of one of our programs, when all requests were right."""
    if not out.startswith("{"):
        raise Wrong(f"{program}: {errors.strip()}")
    report = json.loads(out)
    if report["failed"] or not report["requests"]:
        raise Wrong(f"{report['failed']} of {report['requests'] + report['failed']} requests failed")
    return report


@dataclasses.dataclass(frozen=True)
class Handshakes:
    """A connection over TLS 1.3 for each request, with a whole handshake or a resumed one."""

    connections: int = 8  # at a time
    per_second: int = 500  # of the turn; a core does some more
    resumed: bool = False

    def at_once(self):
        return self.connections

    def run(self, row, turn):
        requests = max(self.connections, self.per_second * turn.seconds // turn.shortened)
        out, errors = run_pinned([turn.bin_dir / "handshakes", "--port", turn.port, "--requests", requests, "--at-once",
                                  self.connections, "--resumed", int(self.resumed), "--body", row.answer], turn.cpu, PATIENCE)
        return counted(out, errors, "handshakes")["requests"]


@dataclasses.dataclass(frozen=True)
class Paced:
    """An open loop: so many requests a second, whatever becomes of them."""

    rate: int
    connections: int = 64

    def at_once(self):
        return self.connections

    def run(self, row, turn):
        return self.report(row, turn)["requests"]

    def report(self, row, turn):
        requests = max(self.connections, self.rate * turn.seconds // turn.shortened)
        out, errors = run_pinned([turn.bin_dir / "pacer", "--port", turn.port, "--connections", self.connections, "--rate", self.rate,
                                  "--requests", requests, "--body", row.answer], turn.cpu, turn.seconds + PATIENCE)
        return counted(out, errors, "pacer")
