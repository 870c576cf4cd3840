"""Raw HTTP/1 messages that other people wrote: the byte strings in the tests of other HTTP implementations, read out of Debian's packages
of them (`./dev test` unpacks those into build/corpora; nothing of them is kept in this repository)."""
import os
import pathlib
import re

from sluice import ROOT

FOLDER = pathlib.Path(os.environ.get("SLUICE_CORPORA", ROOT / "build/corpora"))
SOURCES = {"go": ("*_test.go",), "rs": ("*.rs",), "py": ("*.py",)}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_REQUEST = re.compile(rb"[\r\n]*[!-~]+[ \t]+\S+[ \t]+HTTP/\d", re.S)
_ANSWER = re.compile(rb"HTTP/\d")

# What is not a string must be read as well, or a quote in it would turn strings inside out.
_GO = re.compile(r"""//[^\n]* | /\*.*?\*/ | '(?:\\.[^']*|[^'\\])' | "(?P<text>(?:[^"\\\n]|\\.)*)" | `(?P<raw>[^`]*)`""", re.X | re.S)
_RUST = re.compile(r"""//[^\n]* | /\*.*?\*/ | b?'(?:\\.[^']*|[^'\\])' | b?"(?P<text>(?:[^"\\]|\\.)*)" | (?P<raw>(?!))""", re.X | re.S)
_PYTHON = re.compile(r"""\#[^\n]* | [rR]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}) | b?(?:"(?P<text>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)') | (?P<raw>(?!))""",
                     re.X | re.S)
_GRAMMARS = {".go": _GO, ".rs": _RUST, ".py": _PYTHON}


def _unescaped(text):
    text = re.sub(r"\\\n\s*", "", text)

    def one(match):
        what = match[1]
        if what[0] == "x" and len(what) == 3:
            return chr(int(what[1:], 16))
        return _ESCAPES.get(what, what)
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text)


def strings(path):
    """The string literals of a source file; those that are only joined (by + or by standing side by side) as one."""
    source = path.read_text(encoding="utf-8", errors="surrogateescape")
    joined, end = None, 0
    for match in _GRAMMARS[path.suffix].finditer(source):
        groups = match.groupdict()
        text = next((groups[name] for name in ("text", "single") if groups.get(name) is not None), None)
        if text is None and groups.get("raw") is None:
            continue  # a comment, a character
        text = groups["raw"] if text is None else _unescaped(text)
        if joined is not None and re.fullmatch(r"(?:\s|\+|\\)*", source[end:match.start()]):
            joined += text
        else:
            if joined is not None:
                yield joined
            joined = text
        end = match.end()
    if joined is not None:
        yield joined


def messages(kind):
    """{name: bytes} of all requests or answers, each once; those with bare LF (raw strings) with CRLF in their place as well."""
    pattern = {"request": _REQUEST, "answer": _ANSWER}[kind]
    found, seen = {}, set()

    def keep(name, data):
        if data not in seen:
            seen.add(data)
            found[f"{name}:{len(seen)}"] = data
    for path in sorted(p for names in SOURCES.values() for name in names for p in FOLDER.rglob(name)):
        if b"HTTP/" not in path.read_bytes():
            continue
        name = f"{path.relative_to(FOLDER).parts[0]}:{path.stem}"
        for text in strings(path):
            data = text.encode("latin1") if text.isascii() else text.encode("utf-8", "surrogateescape")
            if pattern.match(data) and b"\n" in data and b"%s" not in data and b"%d" not in data:  # no format strings
                keep(name, data)
                if b"\r" not in data:
                    keep(name + ":crlf", data.replace(b"\n", b"\r\n"))
    return found
