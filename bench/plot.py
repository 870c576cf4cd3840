"""Latency by percentile as SVG: a panel for each kind of load, a line for each contender, both axes logarithmic. Pure."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP = 330, 260, 60, 40  # of a panel's inside, and what stands around it
SEEN = 0.7  # pixels between two points of a line
COLORS = {"no proxy": "#777777", "sluice": "#c4183c", "nginx": "#1b7f3b", "haproxy": "#1f5fbf"}
TAILS = {0.5: "50 %", 0.1: "90 %", 0.01: "99 %", 0.001: "99.9 %"}  # the share of requests that took longer


def svg(panels):
    """panels: [(title, {name: [(nanoseconds, count), ...] by rising nanoseconds})]"""
    lines = [points for _, shown in panels for points in shown.values()]
    least, most = bounds([milliseconds for points in lines for milliseconds, _ in curve(points)])
    width, height = len(panels) * (WIDTH + LEFT) + 20, HEIGHT + TOP + 60
    body = "".join(panel(LEFT + i * (WIDTH + LEFT), title, shown, least, most) for i, (title, shown) in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="{width}" height="{height}" fill="white"/>\n{body}'
            f'{legend(panels, height - 12)}</svg>\n')


def curve(points):
    """(milliseconds, share of requests that took so long or longer), from the median to the last per mille."""
    total = left = sum(count for _, count in points)
    found = []
    for nanoseconds, count in points:
        tail, milliseconds = left / total, nanoseconds / 1e6
        left -= count
        if tail > max(TAILS):
            found = [(milliseconds, max(TAILS))]
            continue
        found.append((milliseconds, max(tail, min(TAILS))))
        if tail <= min(TAILS):
            break
    return found


def bounds(values):
    """Powers of ten around all values."""
    return 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))


def panel(left, title, shown, least, most):
    def x(tail):
        return left + WIDTH * math.log(max(TAILS) / tail) / math.log(max(TAILS) / min(TAILS))

    def y(milliseconds):
        return TOP + HEIGHT * (1 - math.log(milliseconds / least) / math.log(most / least))

    parts = [f'<text x="{left}" y="{TOP - 14}" font-size="13">{escape(title)}</text>']
    for tail, name in TAILS.items():
        parts.append(f'<line x1="{x(tail):.1f}" y1="{TOP}" x2="{x(tail):.1f}" y2="{TOP + HEIGHT}" stroke="#ddd"/>'
                     f'<text x="{x(tail):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{name}</text>')
    for step in range(round(math.log10(most / least)) + 1):
        value = least * 10 ** step
        parts.append(f'<line x1="{left}" y1="{y(value):.1f}" x2="{left + WIDTH}" y2="{y(value):.1f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g} ms</text>')
    for name, points in shown.items():
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in thinned([(x(tail), y(milliseconds)) for milliseconds, tail in curve(points)]))
        parts.append(f'<polyline fill="none" stroke="{COLORS.get(name, "black")}" stroke-width="1.8" points="{path}"/>')
    return "\n".join(parts) + "\n"


def thinned(points):
    """Without those that nobody sees beside the one before; the last one stays."""
    kept = points[:1]
    for point in points[1:-1]:
        if math.dist(point, kept[-1]) >= SEEN:
            kept.append(point)
    return kept + points[1:][-1:]


def legend(panels, y):
    names = list(dict.fromkeys(name for _, shown in panels for name in shown))
    return "".join(f'<line x1="{LEFT + i * 110}" y1="{y - 4}" x2="{LEFT + 22 + i * 110}" y2="{y - 4}" stroke="{COLORS.get(name, "black")}" '
                   f'stroke-width="2"/><text x="{LEFT + 28 + i * 110}" y="{y}">{escape(name)}</text>\n' for i, name in enumerate(names))
