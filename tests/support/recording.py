"""A recording of a terminal as one SVG file, animated by CSS alone: no script, nothing from elsewhere, as GitHub shows it.

It has a ground of its own, so it looks the same on a light and on a dark page. Rows that are the same are there once.
"""
import html

CELL, LINE, SIZE = 8, 17, 13  # pixels: of a character, of a row, of the type
COLORS = {"1": ("#f0f6fc", True), "2": ("#8b949e", False), "7": ("#0d1117", False), "31": ("#ff7b72", False), "1;31": ("#ff7b72", True),
          "32": ("#7ee787", False), "33": ("#f2cc60", False), "34": ("#79c0ff", False), "35": ("#d2a8ff", False), "": ("#c9d1d9", False)}
CHOSEN = "7"


def runs_of(row):
    """[(column, text, style)] of a screen's row, without the blanks between and behind them."""
    runs, column = [], 0
    for at, (character, style) in enumerate(row):
        blank = character in (" ", "") and style != CHOSEN
        if not blank and runs and runs[-1][2] == style and column == at:
            runs[-1] = (runs[-1][0], runs[-1][1] + character, style)
        elif not blank and runs and runs[-1][2] == style and at - column == 1:  # one blank in a sentence is part of it
            runs[-1] = (runs[-1][0], runs[-1][1] + " " + character, style)
        elif not blank:
            runs.append((at, character, style))
        else:
            continue
        column = at + 1
    return tuple(runs)


class Recording:
    """frame(screen, caption) as often as one likes; svg() in the end."""

    def __init__(self, columns, rows, title):
        self.columns, self.rows, self.title = columns, rows, title
        self.frames = []  # (seconds, rows, caption)

    def frame(self, seconds, screen, caption):
        rows = tuple(runs_of(row) for row in screen.grid)
        if self.frames and self.frames[-1][1:] == (rows, caption):
            return
        self.frames.append((seconds, rows, caption))

    def svg(self, end):
        """`end`: the seconds at which the last frame is over."""
        names, definitions = {}, []
        classes = {style: f"c{at}" for at, style in enumerate(COLORS)}

        def named(content, drawn):
            if content not in names:
                names[content] = f"r{len(names):x}"
                definitions.append(f'<g id="{names[content]}">{drawn}</g>')
            return names[content]

        def text(column, written, style):
            box = f'<rect x="{column * CELL}" y="3" width="{len(written) * CELL}" height="{LINE}" fill="#c9d1d9"/>' if style == CHOSEN else ""
            return (f'{box}<text class="{classes[style]}" x="{column * CELL}" y="{LINE - 1}" textLength="{len(written) * CELL}">'
                    f"{html.escape(written, quote=False)}</text>")

        height = (self.rows + 3) * LINE + LINE // 2
        film = []
        for at, (_, rows, caption) in enumerate(self.frames):
            used = [f'<use href="#{named(runs, "".join(text(*run) for run in runs))}" y="{row * LINE}"/>' for row, runs in enumerate(rows) if runs]
            told = caption[:self.columns * 2].split("\n")
            used += [f'<use href="#{named(line, text(0, line, "33"))}" y="{(self.rows + 1 + row) * LINE}"/>' for row, line in enumerate(told) if line]
            film.append(f'<g transform="translate(0 {at * height})">{"".join(used)}</g>')
        start = self.frames[0][0]
        length = end - start
        steps = "".join(f"{100 * (seconds - start) / length:.3f}%{{transform:translateY(-{at * height}px)}}" for at, (seconds, _, _) in enumerate(self.frames))
        styles = "".join(f".{classes[style]}{{fill:{color}{';font-weight:bold' if bold else ''}}}" for style, (color, bold) in COLORS.items())
        width, bar = self.columns * CELL + 32, 32
        whole = height + bar + 20
        still = f"#film{{transform:translateY(-{(len(self.frames) * 2 // 5) * height}px)}}"
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width}" height="{whole}" role="img" aria-labelledby="t">'
                f'<title id="t">{html.escape(self.title)}</title>'
                f"<style>text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}{styles}"
                f"{still}@media(prefers-reduced-motion:no-preference){{#film{{animation:film {length:.1f}s step-end infinite}}}}"
                f"@keyframes film{{{steps}}}</style>"
                f'<rect width="{width}" height="{whole}" rx="8" fill="#0d1117" stroke="#6e7681"/>'
                f'<g fill="#6e7681"><circle cx="18" cy="17" r="5"/><circle cx="36" cy="17" r="5"/><circle cx="54" cy="17" r="5"/></g>'
                f'<text class="c1" x="{width // 2}" y="21" text-anchor="middle">sluicectl top</text>'
                f"<defs>{''.join(definitions)}</defs>"
                f'<svg x="16" y="{bar}" width="{self.columns * CELL}" height="{height}"><g id="film">{"".join(film)}</g></svg></svg>\n')
