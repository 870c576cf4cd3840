"""What metrics cost: lines and bytes of a scrape with 1,000 services, and the CPU that the daemon takes for one."""
import contextlib

from many import Daemon
from rounds import Result

SERVICES = 1_000
SCRAPES = 10


def measure(options, rows):
    services = max(2, SERVICES // options.fewer)
    with contextlib.ExitStack() as stack:
        one, many = (Daemon(stack, options, number) for number in (1, services))
        text, least = many.metrics(), one.metrics()
        numbers = {"metrics-lines": [(text.count("\n") - least.count("\n")) / (services - 1)], "metrics-bytes": [len(text) * SERVICES / services],
                   "scrape": cpu_ms(many, services)}
        if "scrape-used" in rows:
            many.give_traffic()
            numbers["scrape-used"] = cpu_ms(many, services)
    return {name: Result([{"sluice": number} for number in numbers[name]]) for name in rows}


def cpu_ms(daemon, services):
    """Of each scrape, for 1,000 services."""
    took = []
    for _ in range(SCRAPES):
        before = daemon.process.cpu_ns()
        daemon.metrics()
        took.append((daemon.process.cpu_ns() - before) / 1e6 * SERVICES / services)
    return took
