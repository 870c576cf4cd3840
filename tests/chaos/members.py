"""Who takes part in a chaos run: the backends, each a process, and what may happen to requests because of what goes wrong with one."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from sluice import die_with_the_tests  # noqa: E402

PY = "/usr/bin/python3"
GRACE = 0.3  # seconds that a fault may be felt by requests that begin after its end
SERVICES = {"api": "", "two": "/two"}  # and the paths that lead there; the backends of the second speak HTTP/2 and gRPC

REPEATABLE = ("GET", "PUT", "pipeline", "slow")  # kinds of requests end with these
MIDDLE = {"broken", "cut"}  # an answer had begun; the reset that says so may overtake its bytes
# fault -> what may happen to repeatable requests because of it
ALLOWED = {
    "crash": MIDDLE, "hang": set(), "reset": set(), "garbage": set(), "half-close": MIDDLE, "truncate": MIDDLE,
    "drip": set(), "poison": set(), "drop": MIDDLE, "loss": MIDDLE, "refuse": MIDDLE, "kill": MIDDLE,
    "clients": {"cut", "broken", "late"}, "files": {"cut", "broken", "late", "503", "502"}, "disk": set(), "reload": set(), "drain": set(),
    "goaway": set(), "leave": set(), "decline": set(), "rst": set(), "unavailable": set(), "windows": set(), "few": set(), "deaf": MIDDLE,
}
SHARED = ("reset", "garbage", "poison")  # what they do to a connection of HTTP/2 is done to all of its streams: MIDDLE
NETWORK = {"drop", "loss", "refuse", "kill", "clients"}
HTTP2 = {"goaway", "leave", "decline", "rst", "unavailable", "windows", "few", "deaf"}
BEHAVIOURS = {"hang", "reset", "garbage", "half-close", "truncate", "drip", "poison"} | HTTP2
EVERYBODY = {"clients", "files", "disk", "reload"}  # of no backend
# A unary call is no request that may be sent twice. These cost none all the same: nothing of it was carried out, or all is.
KEEP_CALLS = {"drip", "goaway", "leave", "decline", "unavailable", "windows", "few", "disk", "reload", "drain"}


def allows(fault, victim, kind, outcome):
    """Whether this may happen to such a request because of that. `victim`: a member, None when everybody is."""
    if kind.endswith("gRPC"):
        return fault not in KEEP_CALLS
    shared = victim and victim.service == "two" and fault in SHARED
    return not kind.endswith(REPEATABLE) or outcome in (MIDDLE if shared else ALLOWED[fault])


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


class Member:
    """A backend process, and the relay in front of it if it has one."""

    def __init__(self, name, folder, relayed, service="api"):
        self.name, self.log, self.relayed, self.service, self.port, self.relay = name, folder / f"{name}.posts", relayed, service, 0, 0
        self.script = {"api": "backends.py", "two": "h2backends.py"}[service]
        self.pool = name.split("-")[0]
        self.log.touch()
        self.start()

    def start(self):
        self.process = subprocess.Popen([PY, str(HERE / self.script), self.name, str(self.port), str(self.relay), str(self.log)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_the_tests)
        own, relay = map(int, self.process.stdout.readline().split())
        self.port, self.relay = own, relay

    address = property(lambda self: f"127.0.0.1:{self.relay if self.relayed else self.port}")

    def mode(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def errors(self):
        """What the proxy did that its protocol forbids."""
        file = self.log.with_name(self.log.name + ".errors")
        return file.read_text().splitlines() if file.exists() else []
