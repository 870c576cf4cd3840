#!/usr/bin/python3
"""Writes into pages what their commands print now, where that is not what they show. Look through the difference: what may differ from run
to run wants its `...` again (tests/support/pages.py).

  renew_pages.py docs/recipes/canary.md ...        SLUICE_BIN says where the programs are, build/release/bin if it does not
"""
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))

from page_reader import Reader  # noqa: E402
from pages import PageError, read_page, shows  # noqa: E402
from stage import Stage, unshare  # noqa: E402


class Renewer(Reader):
    """Goes on after what does not hold, and notes what was printed instead of what is shown."""

    def __init__(self, *args):
        super().__init__(*args)
        self.found = []

    def must(self, holds, line, complaint):
        if not holds:
            print(f"{self.name}:{line}: {complaint}")

    def compare(self, command, printed):
        if not shows(command.output, printed):
            self.found.append((command, printed.rstrip("\n").split("\n")))


def renewed(text, found):
    lines = text.split("\n")
    for command, printed in reversed(found):
        begin = command.line + command.text.count("\n")
        lines[begin:begin + len(command.output)] = [line.rstrip() for line in printed]
    return "\n".join(lines)


def renew(page, command):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-"))
    stage = Stage(folder / "stage", command)
    reader = Renewer(stage, str(page))
    try:
        reader.read(read_page(page.read_text()))
    except (AssertionError, PageError) as error:
        print(f"{page}: read no further: {error}")
    finally:
        stage.close()
        shutil.rmtree(folder, ignore_errors=True)
    page.write_text(renewed(page.read_text(), reader.found))
    print(f"{page}: {len(reader.found)} outputs are new")


def main():
    command = unshare()
    if command is None:
        sys.exit("pages are run in namespaces, and this user may make none")
    for name in sys.argv[1:]:
        renew(pathlib.Path(name), command)


if __name__ == "__main__":
    main()
