"""Numbers in turns: what each contender has in each round, why one has none, medians and ratios."""
import dataclasses
import statistics

from contenders import PEERS
from processes import Failed, Wrong


@dataclasses.dataclass
class Result:
    """Of one row: each round's numbers, and why a contender has none."""

    rounds: list = dataclasses.field(default_factory=list)
    wrong: dict = dataclasses.field(default_factory=dict)


def in_order(result, stand, names, measure):
    """{name: number} of those that did the work."""
    numbers = {}
    for name in names:
        try:
            numbers[name] = measure(name)
        except Wrong as problem:
            result.wrong[name] = str(problem)
        try:
            stand.running[name][0].require_alive(name)
        except Failed as problem:  # says more than that requests failed
            result.wrong[name] = str(problem)
            numbers.pop(name, None)
    return numbers


def rotated(names, number):
    begin = number % max(1, len(names))
    return names[begin:] + names[:begin]


def spread(numbers):
    return {"median": statistics.median(numbers), "lowest": min(numbers), "highest": max(numbers)} if numbers else None


def summarize(result, names):
    """Medians, and Sluice's ratios to the best peer, the floor and nginx: medians of each round's ratio (what disturbs a round disturbs
    both sides of it), with the lowest and the highest."""
    whole = {name: [numbers[name] for numbers in result.rounds] for name in names
             if result.rounds and all(name in numbers for numbers in result.rounds)}
    summary = {"medians": {name: statistics.median(values) for name, values in whole.items()}, "wrong": result.wrong}
    if "sluice" in whole:
        summary["sluice"] = spread(whole["sluice"])
    peers = [name for name in PEERS if name in whole]
    if peers:
        summary["best_peer"] = min(peers, key=summary["medians"].get)
    for key, base in (("to_peer", summary.get("best_peer")), ("to_floor", "floor"), ("to_nginx", "nginx")):
        if base in whole and "sluice" in whole:
            summary[key] = spread([own / other for own, other in zip(whole["sluice"], whole[base]) if other > 0])
    return summary


def compared(row, summary):
    """What the row's goal is for: a ratio, or Sluice's number, with its spread. None without one."""
    return summary.get(f"to_{row.base}" if row.base else "sluice")


def verdict(row, summary):
    found = compared(row, summary)
    if row.goal is None or not found:
        return ""
    return "met" if found["median"] <= row.goal else "missed"
