"""Instructions of user space per request, by callgrind: (12,000 requests - 2,000) / 10,000. They repeat to a per cent, whatever the load of the
machine, so that two runs stand beside each other."""
import concurrent.futures
import contextlib
import dataclasses
import itertools
import re
import signal
import subprocess

from contenders import CONTENDERS, HOST, Place
from h2_rows import H2Load
from loads import Turn
from processes import Failed, Process, Wrong, free_port, tool, wait_for_port
from rounds import Result
from rows import Row
from stand import Origin, can, temporary

PATIENCE = 120  # seconds under valgrind, to listen and to end
ROUTES = 10_000

BROWSER = (
    "connection: keep-alive", "cache-control: max-age=0", 'sec-ch-ua: "Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"',
    "sec-ch-ua-mobile: ?0", 'sec-ch-ua-platform: "Linux"', "upgrade-insecure-requests: 1",
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "sec-fetch-site: same-origin", "sec-fetch-mode: navigate", "sec-fetch-user: ?1", "sec-fetch-dest: document",
    "referer: https://shop.example.com/products/shoes/running?page=2&sort=price",
    "accept-encoding: gzip, deflate, br", "accept-language: en-US,en;q=0.9,de;q=0.8",
    "cookie: _ga=GA1.2.1234567890.1690000000; _gid=GA1.2.987654321.1700000000; session=5f2d8c1ab94e4b0e9f3c7d6a1b2c3d4e; theme=dark",
    'if-none-match: W/"5f2d8c1a-1b2c"')


@dataclasses.dataclass(frozen=True)
class Shape:
    """What one counting asks, and of whom."""

    fields: tuple = ()
    path: str = "/"
    place: dict = dataclasses.field(default_factory=dict)  # of Place
    connections: int = 8

    def load(self, requests):
        return H2Load(requests, self.connections, fields=self.fields, h1=True, path=self.path)


def shapes_of(options):
    """{row: Shape}"""
    routes = ROUTES // options.fewer
    return {
        "instructions": Shape(),
        "browser": Shape(BROWSER, "/products/shoes/running?page=3&sort=price", {"sticky": True}),
        "routes": Shape((f":authority: {HOST.format(routes - 1)}",), "/p09999/x", {"routes": routes}),
    }


def measure(options, rows):
    wanted = set(rows)
    if "routes-x" in wanted:
        wanted |= {"routes", "instructions"}
    shapes = {name: shape for name, shape in shapes_of(options).items() if name in wanted}
    row = next(iter(rows.values()))
    counts = count_all(options, {(of, name): (name, shape) for of, shape in shapes.items() for name in options.only if can(name, row)})
    results = {row: Result([{name: number for (of, name), number in counts.items() if of == row and not isinstance(number, Wrong)}],
                           {name: str(number) for (of, name), number in counts.items() if of == row and isinstance(number, Wrong)})
               for row in shapes}
    if "routes-x" in wanted:
        results["routes-x"] = ratio(results["routes"], results["instructions"])
    return {name: results[name] for name in rows}


def ratio(result, base):
    """Each contender's number to its own in `base`."""
    return Result([{name: number / under[name] for name, number in over.items() if name in under}
                   for over, under in zip(result.rounds, base.rounds)], result.wrong | base.wrong)


def count_all(options, asked):
    """{key: instructions per request, or Wrong}, two programs at a time. asked: {key: (contender, Shape)}"""
    runs = list(itertools.product(asked, options.instructions))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        counted = dict(zip(runs, pool.map(lambda run: attempt(options, *asked[run[0]], run[1]), runs)))
    few, many = options.instructions
    return {key: per_request(counted[key, few], counted[key, many], many - few) for key in asked}


def per_request(few, many, difference):
    for count in (few, many):
        if isinstance(count, Wrong):
            return count
    return (many - few) / difference


def attempt(options, name, shape, requests):
    try:
        return total(options, name, shape, requests)
    except (Wrong, Failed) as problem:
        return Wrong(str(problem))


def total(options, name, shape, requests):
    """All instructions of one life, in which so many requests were answered."""
    with contextlib.ExitStack() as stack:
        folder = temporary(stack)
        row = Row("counted")
        origins = [Origin(stack, row, options.bin_dir, None, folder / f"origin{i}.log").port for i in range(2)]
        place = Place(folder, free_port(), origins, options.bin_dir, **shape.place)
        command = [*CONTENDERS[name].command(place), *(["-g", "master_process off;"] if name == "nginx" else [])]
        counted = folder / "callgrind.out"
        process = Process(stack, [tool("valgrind"), "--tool=callgrind", f"--callgrind-out-file={counted}", *command], None, folder / "stderr.log")
        wait_for_port(place.port, process, name, PATIENCE)
        shape.load(requests).run(row, Turn(place.port, None, folder, options.bin_dir, 1))
        end(process)
        return int(re.search(r"^(?:summary|totals): (\d+)", counted.read_text(), re.MULTILINE).group(1))


def end(process):
    """Callgrind writes when the program ends by itself."""
    process.child.send_signal(signal.SIGTERM)
    try:
        process.child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failed("did not end under valgrind") from None
