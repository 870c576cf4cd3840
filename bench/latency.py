"""What a proxy adds to latency: the same load in an open loop, to an origin with nothing between, and through each proxy. Latency counts from
when a request was due (pacer.cpp), so that a stall is charged with all that waited for it. What is added is the difference
between a proxy's percentile and the origin's in the same round."""
import contextlib
import dataclasses
import statistics

from loads import Paced, Turn, Wrk
from processes import Wrong
from rounds import in_order, rotated, spread
from rows import PROXIES, Row
from stand import Stand

DIRECT = "no proxy"
ROW = Row("latency", only=PROXIES)
RATES = (1_000, 8_000)
OF_SATURATION = 0.8  # of what each proxy answers in a closed loop; the origin alone then gets as much
KEEPS_UP_MS = 20     # p99 of a load that keeps up with its own rate where nothing is between
PERCENTILES = (50, 99, 99.9)


@dataclasses.dataclass
class Latencies:
    """Of one kind of load: {contender: a histogram for each round}, the rates, and what went wrong."""

    says: str
    rates: dict                                             # {contender: requests a second}
    rounds: dict = dataclasses.field(default_factory=dict)  # a proxy's rounds and, by its name and DIRECT, the origin's
    wrong: dict = dataclasses.field(default_factory=dict)


def measure(options):
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options, ROW)
        names = list(stand.running)
        kinds = [Latencies(f"{rate:,} requests a second", {name: rate for name in names}) for rate in RATES]
        kinds.append(Latencies("80 % of each one's saturation, or what the load keeps up with", *saturation(stand, names)))
        for number in range(options.rounds):
            for kind in kinds:
                one_round(stand, kind, number)
        return kinds


def saturation(stand, names):
    """({contender: 80 % of the requests a second that it answers in a closed loop}, {}, what went wrong)"""
    wrong = {}
    rates = {}
    for name in names:
        try:
            report = Wrk().report(ROW, turn_of(stand, name, 1))
            rates[name] = kept_up_with(stand, int(OF_SATURATION * report["requests"] * 1e6 / report["us"]))
        except Wrong as problem:
            wrong[name] = str(problem)
    return rates, {}, wrong


def kept_up_with(stand, rate):
    """That rate, or the next below it at which the load, which shares its core with the origins, has no queue of its own."""
    turn = turn_of(stand, DIRECT, 1)
    while rate > RATES[0] and percentile(Paced(rate).report(ROW, turn)["latencies"], 99) > KEEPS_UP_MS:
        rate = int(rate * 0.85)
    return rate


def turn_of(stand, name, seconds):
    port, folder = (stand.ports[0], stand.folder) if name == DIRECT else (stand.running[name][1], stand.folder / name)
    return Turn(port, stand.load_cpu, folder, stand.options.bin_dir, seconds, stand.options.shortened)


def one_round(stand, kind, number):
    """The origin alone has a turn for each rate that there is; proxies with the same rate are compared with the same turn."""
    names = rotated([name for name in kind.rates if name not in kind.wrong], number)
    direct = {}
    for name in names:
        rate = kind.rates[name]
        if rate not in direct:
            direct[rate] = histogram(stand, DIRECT, rate)
        got = in_order(kind, stand, [name], lambda name: histogram(stand, name, kind.rates[name]))
        if got:
            kind.rounds.setdefault(name, []).append((got[name], direct[rate]))


def histogram(stand, name, rate):
    """[[nanoseconds, how many], ...]; slower loads run longer, for their percentiles."""
    seconds = stand.options.seconds * (3 if rate <= 2_000 else 2)
    return Paced(rate).report(ROW, turn_of(stand, name, seconds))["latencies"]


# --- what histograms say


def percentile(latencies, wanted):
    """In milliseconds."""
    rank = max(1, -(-sum(count for _, count in latencies) * wanted // 100))  # rounded up
    seen = 0
    for least, count in latencies:
        seen += count
        if seen >= rank:
            return least / 1e6
    raise ValueError("no latencies")


def merged(histograms):
    counts = {}
    for one in histograms:
        for least, count in one:
            counts[least] = counts.get(least, 0) + count
    return sorted(counts.items())


def added(rounds, wanted):
    """Milliseconds that a proxy adds, with their spread over the rounds: (proxy's histogram, origin's) of each."""
    return spread([percentile(through, wanted) - percentile(direct, wanted) for through, direct in rounds])


def lines(kind):
    """For a plot: {name: merged histogram}, the origin's being that of all its turns."""
    shown = {DIRECT: merged([direct for rounds in kind.rounds.values() for _, direct in rounds])}
    return shown | {name: merged([through for through, _ in rounds]) for name, rounds in kind.rounds.items()}


def summary(kind):
    return {"rates": kind.rates, "wrong": kind.wrong,
            "direct": {str(p): statistics.median(percentile(direct, p) for rounds in kind.rounds.values() for _, direct in rounds)
                       for p in PERCENTILES} if kind.rounds else {},
            "added": {name: {str(p): added(rounds, p) for p in PERCENTILES} for name, rounds in kind.rounds.items() if name not in kind.wrong}}
