"""A terminal for tests: a program runs in a pty, and its screen is what a person would see.

It knows what sluicectl writes (ECMA-48 and xterm's alternate screen), and refuses the rest: a sequence that it does not know
is a failed test, not a picture that looks right by luck.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

from sluice import die_with_the_tests

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
BLANK = (" ", "")


def columns_of(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """What is on it: a grid of (character, style), style being the SGR parameters."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.alternate, self.cursor_shown, self.wraps = False, True, True
        self.pictures = 0  # repaints from the top
        self.kept = None   # the main screen while the alternate one is shown
        self.clear()

    def clear(self):
        self.grid = [[BLANK] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0
        self.style = ""

    def resize(self, columns, rows):
        def fitted(grid):
            grid = [line[:columns] + [BLANK] * (columns - len(line)) for line in grid[:rows]]
            return grid + [[BLANK] * columns for _ in range(rows - len(grid))]
        self.columns, self.rows = columns, rows
        self.grid = fitted(self.grid)
        if self.kept:
            self.kept = (fitted(self.kept[0]), *self.kept[1:])
        self.row, self.column = min(self.row, rows - 1), min(self.column, columns - 1)

    def lines(self):
        return ["".join(character for character, _ in line).rstrip() for line in self.grid]

    def text(self):
        return "\n".join(self.lines()).rstrip()

    def feed(self, text):
        """Takes what is whole of `text`; what is not is given back."""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            match = SEQUENCE.match(text, at)
            if not match:
                assert len(text) - at < 16, f"an escape sequence that this terminal does not know: {text[at:at + 20]!r}"
                return text[at:]
            self.act(match[1], match[2])
            at = match.end()
        return ""

    def put(self, character):
        if character == "\n":
            self.line_feed()
        elif character == "\r":
            self.column = 0
        else:
            assert character.isprintable(), f"a control character on the terminal: {character!r}"
            width = columns_of(character)
            if self.column + width > self.columns:
                if not self.wraps:
                    return
                self.column = 0
                self.line_feed()
            if width:
                self.grid[self.row][self.column] = (character, self.style)
                for rest in range(1, width):
                    self.grid[self.row][self.column + rest] = ("", self.style)
                self.column += width

    def line_feed(self):
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self.grid = self.grid[1:] + [[BLANK] * self.columns]

    def act(self, parameters, final):
        number = int(parameters) if parameters.isdigit() else 1
        if final == "H" and not parameters:
            self.row = self.column = 0
            self.pictures += 1
        elif final == "A":
            self.row = max(0, self.row - number)
        elif final == "K" and parameters == "":
            self.grid[self.row][self.column:] = [BLANK] * (self.columns - self.column)
        elif final == "J" and parameters in ("", "2"):
            if parameters == "":
                self.grid[self.row][self.column:] = [BLANK] * (self.columns - self.column)
            for row in range(self.row + 1 if parameters == "" else 0, self.rows):
                self.grid[row] = [BLANK] * self.columns
        elif final == "m":
            self.style = "" if parameters in ("", "0") else parameters
        elif final in "hl" and parameters == "?25":
            self.cursor_shown = final == "h"
        elif final in "hl" and parameters == "?7":
            self.wraps = final == "h"
        elif final in "hl" and parameters == "?1049":
            self.switch(final == "h")
        else:
            raise AssertionError(f"this terminal does not know ESC [ {parameters} {final}")

    def switch(self, alternate):
        assert alternate != self.alternate, "the alternate screen is taken or left twice"
        self.alternate = alternate
        if alternate:
            self.kept = (self.grid, self.row, self.column)
            self.clear()
        else:
            self.grid, self.row, self.column = self.kept
            self.kept = None


class Terminal:
    """A program in a terminal. With `shell` it is what /bin/sh runs, so that it can be stopped and continued."""

    def __init__(self, command, columns=80, rows=24, env=None):
        self.screen = Screen(columns, rows)
        self.master, slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})}
        environment = {name: value for name, value in environment.items() if value is not None}
        self.attributes_before = termios.tcgetattr(slave)

        def prepare():
            die_with_the_tests()
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(list(map(str, command)), stdin=slave, stdout=slave, stderr=slave, env=environment, preexec_fn=prepare)
        self.slave = slave  # kept open, so that its attributes can be read when the program is gone
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.rest, self.raw = "", ""

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(columns, rows)

    def read(self, seconds=0.05):
        """What has come within that time; False when nothing has."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        text = self.decoder.decode(data)
        self.raw += text
        self.rest = self.screen.feed(self.rest + text)
        return bool(data)

    def until(self, condition, seconds=20):
        """Reads until condition(screen) holds of a whole picture, behind which nothing comes for a moment; the screen's text."""
        deadline = time.monotonic() + seconds
        while not (condition(self.screen) and self.is_whole() and condition(self.screen)):
            assert time.monotonic() < deadline, f"it never came; on the screen was:\n{self.text()}"
            if not self.read() and self.process.poll() is not None and not self.read():
                assert condition(self.screen), f"the program ended with {self.process.returncode}; on the screen was:\n{self.text()}"
        return self.text()

    def is_whole(self):
        while self.read(0.02):
            pass
        return True

    def shows(self, pattern, seconds=20):
        return self.until(lambda screen: re.search(pattern, screen.text(), re.M), seconds)

    def text(self):
        return self.screen.text()

    def press(self, keys):
        os.write(self.master, keys.encode())

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def ends(self, seconds=20):
        """Its exit code, when it has ended and all that it wrote is read."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end; on the screen is:\n{self.text()}"
            self.read()
        while self.read(0.01):
            pass
        return self.process.returncode

    def attributes(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        os.close(self.master)
        os.close(self.slave)
