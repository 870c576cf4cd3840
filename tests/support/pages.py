"""Pages of the documentation, read as what they tell a reader to type and to write.

Every fenced block of a page is tested, or says why it cannot be. The first word behind the fence is its language:

    ```console      commands behind `$ ` and what they print. They run one after the other in one shell. A command ends with 0, unless the
                    next one is `echo $?`. Where output is shown it must be the whole of it, but for what differs from run to run
                    (see `pattern_of`); `...` stands for any text, on a line of its own for any lines. Without output, only the exit
                    counts. A line that ends with a backslash goes on in the next one, and `<<'EOF'` until that word.
    ```yaml         a configuration, which `sluiced --check` must accept. A part of one, without listeners or routes, is completed: a
                    service that it says something of has at least a pool, and so on (see `completed`).
    ```json         is parsed.
    ```LANGUAGE not run: REASON     is not tested. test_docs.py holds how many of these a page may have.

Comments that a reader does not see say what is around a block (LANGUAGE matters as above, unless the comment makes it a file):

    <!-- test: demo ARGS -->        runs `sluiced demo ARGS` from here on
    <!-- test: backends NAME=HOST:PORT ... -->   backends that answer with their name; NAME=HOST:PORT,20% fails a fifth of its requests,
                                    NAME=grpc:HOST:PORT speaks gRPC
    <!-- test: names NAME=ADDRESS ... -->        lines of /etc/hosts
    <!-- test: sh COMMANDS -->      runs these (lines) unseen; they must succeed
    <!-- test: start -->            the next yaml block, completed, is /etc/sluice/sluice.yaml, and sluiced runs with it from here on
    <!-- test: reload -->           the same, by a reload of the daemon that runs
    <!-- test: file PATH -->        the next block is that file; a later command must name it
    <!-- test: fails N -->          the last command of the next console block ends with N
    <!-- test: background -->       the last command of the next console block goes on behind the rest of the page; its output must come
    <!-- test: machine -->          the next console block runs in test_systemd.py, on a Debian with the package
"""
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)(```+|~~~+)\s*(\S*)\s*(.*)$")
DIRECTIVE = re.compile(r"<!--\s*test:\s*(.*?)\s*-->", re.DOTALL)
WORDS = {"demo", "backends", "names", "sh", "start", "reload", "file", "fails", "background", "machine"}
FOR_THE_NEXT_BLOCK = {"start", "reload", "file", "fails", "background", "machine"}
TESTED = {"console", "yaml", "json"}


class PageError(AssertionError):
    """Something is wrong with a page itself."""


class Block:
    """A fenced block: `told` is what comments said of it, {word: argument}."""

    def __init__(self, line, language, words, text, told):
        self.line, self.language, self.words, self.text, self.told = line, language, words, text, told

    @property
    def not_run(self):
        """The reason, or None."""
        match = re.fullmatch(r"not run: (\S.*)", self.words)
        return match and match[1]


class Step:
    """A comment that does something by itself."""

    def __init__(self, line, word, argument):
        self.line, self.word, self.argument = line, word, argument


class Command:
    def __init__(self, line, text):
        self.line, self.text, self.output = line, text, []


def pages():
    """README.md and all below docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read_page(text):
    """The Blocks and Steps of a page, in their order."""
    lines, found, told = text.splitlines(), [], {}
    number = 0
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        if fence:
            start, number, inside = number, number + 1, []
            while number < len(lines) and lines[number].strip() != fence[2]:
                inside.append(lines[number].removeprefix(fence[1]))
                number += 1
            if number == len(lines):
                raise PageError(f"line {start + 1}: this block does not end")
            found.append(Block(start + 1, fence[3], fence[4].strip(), "\n".join(inside) + "\n", told))
            told = {}
        elif "<!--" in line:
            start = number
            while "-->" not in line and number + 1 < len(lines):
                number += 1
                line += "\n" + lines[number]
            for said in DIRECTIVE.findall(line):
                word, _, argument = said.partition(" ") if " " in said.split("\n")[0] else said.partition("\n")
                if word not in WORDS:
                    raise PageError(f"line {start + 1}: '{word}' is no word of `test:`")
                if word in FOR_THE_NEXT_BLOCK:
                    told[word] = argument.strip()
                else:
                    found.append(Step(start + 1, word, argument.strip()))
        number += 1
    if told:
        raise PageError(f"no block follows what the page says of it: {told}")
    return found


def untested(block):
    """Why the runner would do nothing with a block, or None."""
    if block.not_run or "file" in block.told or block.language in TESTED and not block.words:
        return None
    return f"the block '{block.language} {block.words}' of line {block.line} is not tested: it is console, yaml or json, a file " \
           "(<!-- test: file PATH -->), or it says why not (```text not run: REASON)"


def commands_of(block):
    """The Commands of a console block."""
    found, lines = [], block.text.splitlines()
    i = 0
    while i < len(lines):
        if lines[i].startswith("$ "):
            text, start = lines[i][2:], i
            here = re.search(r"<<\s*'?(\w+)'?", text)
            while text.endswith("\\") or (here and lines[i].strip() != here[1]):
                i += 1
                if i == len(lines):
                    raise PageError(f"line {block.line + start + 1}: this command does not end")
                text += "\n" + lines[i].removeprefix("> ")
            found.append(Command(block.line + start + 1, text))
        elif found:
            found[-1].output.append(lines[i])
        elif lines[i].strip():
            raise PageError(f"line {block.line + i + 1}: output before a command; commands begin with '$ '")
        i += 1
    if not found:
        raise PageError(f"line {block.line}: a console block without a command")
    return found


# What differs from run to run: points of time, process numbers, numbers with a point, and those of milliseconds and seconds.
DIFFERS = [
    (re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?"), r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"), r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"),
    (re.compile(r"pid \d+"), r"pid \d+"),
    (re.compile(r"(?:after|closed,) [\d.]+m?s\b"), r"(?:after|closed,) [\d.]+m?s"),
    (re.compile(r"\d+\.\d+(?![\d.])(?: (?:ms|s|min)\b)?"), r"\d+(?:\.\d+)?(?: (?:ms|s|min))?"),
    (re.compile(r"\d+ (?:ms|s|min)\b"), r"\d+(?:\.\d+)? (?:ms|s|min)"),
    (re.compile(r"\.\.\."), r".*"),
    (re.compile(r"\d+\.\d+\.\d+[\d.]*"), None),  # an address or a version, as it is
    (re.compile(r"[\d:.]*\d:\d+"), None),        # with a port
    (re.compile(r" +"), r" +"),
]


def pattern_of(line):
    """A regular expression for a shown line."""
    pieces, rest = [], line.rstrip()
    while rest:
        matches = [(m.start(), -m.end(), m, to) for what, to in DIFFERS for m in [what.search(rest)] if m and m.end()]
        if not matches:
            break
        _, _, match, to = min(matches, key=lambda one: one[:2])
        pieces += [re.escape(rest[:match.start()]), to if to is not None else re.escape(match[0])]
        rest = rest[match.end():]
    return "".join(pieces) + re.escape(rest) + " *"


def shows(output, printed):
    """Whether what is shown is what was printed."""
    shown = list(output)
    while shown and not shown[-1].strip():
        shown.pop()
    if not shown:
        return True
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "..." else pattern_of(line) + r"\n" for line in shown)
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None


# ---- parts of configurations

def merged(base, over):
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return over


def completed(text):
    """The configuration as text, with what it needs around it if it is a part. Scalars stay as they are written."""
    part = yaml.load(text, yaml.BaseLoader)
    if not isinstance(part, dict):
        raise PageError("a yaml block is a map of keys, as a configuration is")
    has_all = "include" in part or ("listeners" in part and "routes" in part and
                                    all("pools" in one for one in part.get("services", {"": {}}).values()))
    if has_all:
        return text
    services = part.get("services") or {route["service"]: {} for route in part.get("routes", [])} or {"api": {}}
    whole = {"listeners": [{"name": "web", "bind": "0.0.0.0:8080"}]}
    whole["services"] = {name: merged(pools_for(one), one) for name, one in services.items()}
    whole["routes"] = [{"service": name, "path": "/" if i == 0 else f"/{name}/"} for i, name in reversed(list(enumerate(services)))]
    return json.dumps(merged(whole, {key: value for key, value in part.items() if key != "services"}), indent=1)


def pools_for(service):
    """Two pools, unless the service has some of its own."""
    if "pools" not in service:
        return {"pools": {"blue": {"backends": ["127.0.0.1:9001"]}, "green": {"backends": ["127.0.0.1:9101"]}},
                "split": {"blue": "100%", "green": "0%"}}
    first, *others = service["pools"]
    return {"pools": {name: {"backends": ["127.0.0.1:9001"]} for name in service["pools"]},
            "split": {first: "100%", **{name: "0%" for name in others}}}


# ---- links

LINK = re.compile(r"(?<!`)!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def prose(text):
    """The lines that are in no block and no comment, as (number, line)."""
    inside = None
    blank = re.sub(r"<!--.*?-->", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    for number, line in enumerate(blank.splitlines(), 1):
        fence = FENCE.match(line)
        if inside:
            inside = None if line.strip() == inside else inside
        elif fence:
            inside = fence[2]
        else:
            yield number, line


def anchors(text):
    """The names of a page's headings, as GitHub makes them."""
    found, seen = set(), {}
    for _, line in prose(text):
        heading = re.match(r"#{1,6} +(.*?)\s*#*$", line)
        if heading:
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
        found |= set(re.findall(r'<a (?:id|name)="([^"]+)"', line))
    return found


def broken_links(page):
    """Each link of a page to what is not there: (line, target)."""
    text = page.read_text()
    for number, line in prose(text):
        for target in LINK.findall(re.sub(r"`[^`]*`", "``", line)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or (anchor and (there.suffix != ".md" or anchor not in anchors(there.read_text()))):
                yield number, target
