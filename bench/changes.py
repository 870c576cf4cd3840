"""What a change takes, counted by who asks for it: until the answer, when every worker routes by it."""
import contextlib
import statistics
import time

from many import Daemon, service_name
from rounds import Result


def measure(options, rows):
    results = {}
    if {"cutover", "cutover-p99"} & set(rows):
        took = cutovers(options, 1_000)
        results["cutover"] = Result([{"sluice": one} for one in took])
        results["cutover-p99"] = Result([{"sluice": statistics.quantiles(took, n=100)[-1]}])
    if "cutover-10k" in rows:
        results["cutover-10k"] = Result([{"sluice": one} for one in cutovers(options, 10_000)])
    return {name: results[name] for name in rows}


def cutovers(options, services):
    """Milliseconds of each of 100."""
    with contextlib.ExitStack() as stack:
        daemon = Daemon(stack, options, max(2, services // options.fewer))
        name = service_name(daemon.services // 2)
        return [timed(lambda pool=f"p{number % 2}": daemon.api.call("POST", "/v1/cutover", {"services": {name: pool}}))
                for number in range(options.changes)]


def timed(act):
    begin = time.monotonic()
    act()
    return (time.monotonic() - begin) * 1e3
