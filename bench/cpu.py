"""CPU microseconds per request: what the scheduler accounts to all threads of a contender's processes during its turn, divided by the
requests that were answered; void when the origins saw other work than was asked for."""
import contextlib

import equal_work
from contenders import CONTENDERS
from loads import Turn
from processes import Wrong
from rounds import Result, in_order, rotated
from stand import Stand


def measure(options, rows):
    return {name: cpu_row(options, row) for name, row in rows.items()}


def cpu_row(options, row):
    result = Result(wrong=equal_work.wrong_ones(options, row))
    with contextlib.ExitStack() as stack:
        stand = Stand(stack, options.without(result.wrong), row)
        for number in range(options.rounds):
            names = rotated([name for name in stand.running if name not in result.wrong], number)
            result.rounds.append(in_order(result, stand, names, lambda name: turn(stand, name)))
    return result


def turn(stand, name):
    """One contender's share of a round."""
    process, port = stand.running[name]
    options, load = stand.options, stand.row.load
    seen, before = counts(stand), process.cpu_ns()
    requests = load.run(stand.row, Turn(port, stand.load_cpu, stand.folder / name, options.bin_dir, options.seconds, options.shortened))
    spent = process.cpu_ns() - before
    if seen:
        check_origins(CONTENDERS[name], requests, load.at_once(), [(now[0] - then[0], now[1] - then[1]) for then, now in zip(seen, counts(stand))])
    return spent / 1e3 / requests


def counts(stand):
    return [] if stand.row.grpc else [origin.counts() for origin in stand.origins]


def check_origins(contender, requests, at_once, seen):
    """`seen`: what came to either origin meanwhile, (connections, requests). Some requests may have been under way at the end."""
    came = seen[0][1] + seen[1][1]
    if not requests <= came <= requests * 1.01 + 2 * at_once:
        raise Wrong(f"{came} requests came to the origins, {requests} were answered")
    share = seen[1][1] if contender.splits else came * 0.05
    if abs(share - came * 0.05) > came * 0.01 + 64:
        raise Wrong(f"{share} of {came} requests went to the backend with 5 %")
    opened = seen[0][0] + seen[1][0]
    if contender.keeps and opened > 4 * at_once + came * 0.05:
        raise Wrong(f"{opened} connections to backends for {came} requests: they were not kept")
