"""What the daemon holds in memory for each thing that a configuration has: of many, against few."""
import contextlib
import dataclasses

from many import Daemon
from processes import resident
from rounds import Result

ONE = {"services": 1, "pools": 2, "backends": 1, "routes": 1}


@dataclasses.dataclass(frozen=True)
class Pair:
    """A daemon with what ONE has, and one with so many more of a thing."""

    thing: str
    more: int
    each: int = 1        # how many come with one more: in how many places it stands
    services: int = 1
    used: bool = False   # each service has had traffic


PAIRS = {
    "m-service": Pair("services", 1_000),
    "m-service-used": Pair("services", 1_000, used=True),
    "m-pool": Pair("pools", 100, each=20, services=20),
    "m-backend": Pair("backends", 1_000, each=2),  # in either pool
    "m-route": Pair("routes", 10_000),
}


def measure(options, rows):
    return {name: Result([{"sluice": size(options, PAIRS[name])}]) for name in rows}


def size(options, pair):
    """Bytes of one."""
    few = ONE | {"services": pair.services}
    more = max(1, pair.more // options.fewer)
    many = few | {pair.thing: few[pair.thing] + more}
    return (held(options, pair.used, many) - held(options, pair.used, few)) / (more * pair.each)


def held(options, used, things):
    with contextlib.ExitStack() as stack:
        daemon = Daemon(stack, options, **things)
        if used:
            daemon.give_traffic()
        return resident(daemon.process)
