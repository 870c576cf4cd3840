"""How rows are printed: lines for a terminal, and tables of Markdown. Pure."""
from rounds import compared, verdict

BASES = {"floor": "the floor", "nginx": "nginx", "peer": "the best peer", "": "itself"}


def number(value, unit):
    if value is None:
        return "-"
    if unit == "x":
        return f"{value:.3f}"
    if unit == "us" or value < 100:
        return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:,.0f}"


def cell(summary, name, unit):
    return "wrong" if name in summary["wrong"] else number(summary["medians"].get(name), unit)


def with_spread(found, unit):
    """The median, and between what it was."""
    if not found:
        return "-"
    if found["lowest"] == found["highest"]:
        return number(found["median"], unit)
    return f"{number(found['median'], unit)} ({number(found['lowest'], unit)}-{number(found['highest'], unit)})"


def own(row, summary):
    """Sluice's ratio to the row's base, or its own number."""
    return with_spread(compared(row, summary), "ratio" if row.base else row.unit)


def goal(row):
    return "-" if row.goal is None else f"{number(row.goal, 'ratio' if row.base else row.unit)}"


# --- a terminal


def print_head(names):
    print(f"\n{'':15}" + "".join(f"{name:>10}" for name in names) + f"  {'unit':13}{'sluice, to':>10}{'':26}{'goal':>8}")


def print_row(name, row, summary, names):
    base = summary.get("best_peer", "-") if row.base == "peer" else row.base
    print(f"{name:15}" + "".join(f"{cell(summary, one, row.unit):>10}" for one in names) +
          f"  {row.unit:13}{base:>10}{own(row, summary):>26}{goal(row):>8} {verdict(row, summary)}", flush=True)


# --- Markdown


def markdown(rows, summaries, names):
    """names: the columns; those that have a number in no row are left out."""
    shown = [name for name in names if any(cell(summary, name, "us") != "-" for summary in summaries.values())]
    lines = [line(["row", "what", "unit", *shown, "Sluice to", "is", "goal", ""]), line(["---"] * (len(shown) + 7))]
    for name, summary in summaries.items():
        row = rows[name]
        base = summary.get("best_peer", "-") if row.base == "peer" else row.base
        lines.append(line([f"`{name}`", row.says, row.unit, *(cell(summary, one, row.unit) for one in shown), base, own(row, summary), goal(row),
                           verdict(row, summary)]))
    return "\n".join(lines) + "\n"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def wrong_ones(summaries):
    return [f"{name} has no number in {row}: {what}" for row, summary in summaries.items() for name, what in summary["wrong"].items()]


# --- latency


def latency_lines(kinds, percentiles):
    """kinds: [(what, summary of latency.py)]"""
    heads = ["load", "", "requests/s", *(f"added p{p:g}, ms" for p in percentiles)]
    lines = [line(heads), line(["---"] * len(heads))]
    for says, one in kinds:
        lines.append(line([says, "no proxy", "", *(f"takes {one['direct'][str(p)]:.3f}" if one["direct"] else "-" for p in percentiles)]))
        for name, rate in one["rates"].items():
            found = one["added"].get(name)
            lines.append(line([says, name, f"{rate:,}", *(thousandths(found[str(p)]) if found else "wrong" for p in percentiles)]))
    return "\n".join(lines) + "\n"


def thousandths(found):
    return f"{found['median']:.3f} ({found['lowest']:.3f} to {found['highest']:.3f})"
