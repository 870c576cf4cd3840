"""Start with 10,000 routes, from the command to the first answer of the last route; and a reload that changes one of them."""
import contextlib
import http.client
import time

from changes import timed
from contenders import CONTENDERS, HOST, Place
from many import Daemon
from processes import Failed, Process, Wrong, free_port, two_cpus
from rounds import Result, rotated
from rows import Row
from stand import Origin, can, temporary

ROUTES = 10_000
PATIENCE = 30  # seconds


def measure(options, rows):
    results = {}
    if "start" in rows:
        results["start"] = starts(options, rows["start"])
    if "reload" in rows:
        results["reload"] = reloads(options)
    return results


def starts(options, row):
    result = Result()
    names = [name for name in options.only if can(name, row)]
    for number in range(options.rounds):
        took = {}
        for name in rotated(names, number):
            try:
                took[name] = start(options, name)
            except (Failed, Wrong) as problem:
                result.wrong[name] = str(problem)
        result.rounds.append(took)
    return result


def start(options, name):
    with contextlib.ExitStack() as stack:
        folder = temporary(stack)
        load_cpu, cpu = two_cpus()
        origins = [Origin(stack, Row("asked"), options.bin_dir, load_cpu, folder / f"origin{i}.log").port for i in range(2)]
        routes = max(2, ROUTES // options.fewer)
        place = Place(folder, free_port(), origins, options.bin_dir, routes=routes)
        command = CONTENDERS[name].command(place)
        begin = time.monotonic()
        process = Process(stack, command, cpu, folder / "stderr.log")
        while status(place.port, HOST.format(routes - 1)) != 200:
            process.require_alive(name)
            if time.monotonic() > begin + PATIENCE:
                raise Wrong(f"no answer within {PATIENCE} s")
            time.sleep(0.001)
        return (time.monotonic() - begin) * 1e3


def status(port, host):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        client.request("GET", "/", headers={"Host": host})
        return client.getresponse().status
    return None


def reloads(options):
    with contextlib.ExitStack() as stack:
        daemon = Daemon(stack, options, routes=max(2, ROUTES // options.fewer))
        took = []
        for number in range(options.rounds):
            daemon.config["routes"][-1] = {"host": f"moved{number}.example.com", "service": daemon.config["routes"][-1]["service"]}
            daemon.write()
            took.append(timed(lambda: daemon.api.call("POST", "/v1/reload", {})))
            if status(daemon.port, f"moved{number}.example.com") != 200:
                return Result([], {"sluice": "a route that came with the reload was not there after it"})
        return Result([{"sluice": one} for one in took])
