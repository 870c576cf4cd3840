#!/usr/bin/python3
"""What pages and comments say of the code, checked: every promise code stands in docs/PROMISES.md, every path and every
function or class that is named is there. Exit 1 when something is not, with a line for each place.

  check_pages.py [ROOT]

What counts, in pages (*.md), in comments of C++ and Python, and in docstrings; what stands in a page between ``` does not:
- a promise code: one of the letters of docs/PROMISES.md and a number, S8, also in the name of a test (a percentile, P99, is none);
- a path: whatever ends in .hpp, .cpp, .py or .md, or begins with a folder of the root (`proxy/base/origin` is origin.hpp or
  origin.cpp, `load_*.cpp` any of them); alone, a file's name is that of any file of the project;
- a function: `name()`, and `Class::name`, which must be in a file that defines that class, or be defined so (namespaces count as
  classes, and what others than we define does not count);
- a class: a word in CamelCase of two humps or more (`ClientStream`).
"""
import ast
import io
import pathlib
import re
import sys
import tokenize

PROMISES = "docs/PROMISES.md"
TOP = ("proxy", "control", "tests", "bench", "conf", "docs", "cmake", "systemd")
CODE = (".hpp", ".cpp")

PROMISE = re.compile(r"\*\*([A-Z])(\d{1,2})\b")
NOT_A_PROMISE = {"P50", "P95", "P99"}
# What `./dev bench` writes, and may not have written yet.
WRITTEN = {"RESULTS.md", "bench/RESULTS.md"}
PATH = re.compile(r"(?<![\w./{}$<>-])((?:\.\./|\./)*(?:[\w.*-]+/)*[\w*-]+\.(?:hpp|cpp|py|md))\b(?!\()")
BARE_PATH = re.compile(r"(?<![\w./{}$<>:-])((?:%s)(?:/[\w*-]+)+)(?![\w/{}$<>*-]|\.\w)" % "|".join(TOP))
FUNCTION = re.compile(r"(?<![\w.:>/$-])((?:[A-Za-z_]\w*::)*[a-z_]\w*)\(\)")
MEMBER = re.compile(r"(?<![\w:/])([A-Za-z_]\w*(?:::~?\w+)+)")
CLASS = re.compile(r"(?<![\w`/.:@-])([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)(?![\w/-]|\.\w)")
TICKED_CLASS = re.compile(r"`([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)`")

# Others' names: their first part, or the whole.
OTHERS = {"std", "asio", "boost", "beast", "YAML", "testing", "fmt", "spdlog", "json", "llhttp"}
OTHERS_WORDS = set("""
Class::name McAuliffe SplitMix64 CoDel ChaCha20 WebSockets OpenTelemetry AddressSanitizer epoll_reactor::start_op
AnalysisTemplate AnalysisRun ReplicaSet ReplicaSets FileDescriptorName ListenStream
""".split())


def lines_of_cpp(text):
    """(line, comment) of each // comment, and of each block, strings left alone."""
    token = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//([^\n]*)|/\*(.*?)\*/', re.DOTALL)
    for match in token.finditer(text):
        said = match.group(2) if match.group(2) is not None else match.group(3)
        if said is not None:
            yield text.count("\n", 0, match.start()) + 1, said


def code_of_cpp(text):
    def blank(match):
        piece = match.group(0)
        return " " if piece.startswith("/") else '""'
    return re.sub(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', blank, text, flags=re.DOTALL)


def lines_of_python(text):
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            start = node.body[0].lineno
            for i, line in enumerate(node.body[0].value.value.splitlines()):
                yield start + i, line


def lines_of_page(text):
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def said_in(path):
    """(line, text) of all that is said in a file, blocks of // lines joined line by line."""
    text = path.read_text()
    if path.suffix in CODE:
        yield from lines_of_cpp(text)
        for match in re.finditer(r"^\s*TEST\w*\(\s*(\w+),\s*(\w+)", text, re.MULTILINE):
            yield text.count("\n", 0, match.start()) + 1, f"TEST {match.group(1)} {match.group(2)}"
    elif path.suffix == ".py":
        yield from lines_of_python(text)
        for match in re.finditer(r"^def (test_\w+)", text, re.MULTILINE):
            yield text.count("\n", 0, match.start()) + 1, f"TEST {match.group(1)}"
    else:
        yield from lines_of_page(text)


class House:
    """The files of the project, and the words that they define."""

    def __init__(self, root):
        self.root = root
        self.files = {p.relative_to(root).as_posix() for top in TOP for p in (root / top).rglob("*")
                      if p.is_file() and "__pycache__" not in p.parts}
        self.files |= {p.name for p in root.iterdir() if p.is_file()}
        self.folders = {parent.as_posix() for name in self.files for parent in pathlib.PurePosixPath(name).parents}
        self.names = {pathlib.PurePosixPath(name).name for name in self.files}
        self.words, self.definers, self.members = set(), {}, set()
        for name in self.files:
            if name.endswith(CODE):
                self.learn(name, code_of_cpp((root / name).read_text()))
            elif name.endswith(".py"):
                self.words |= set(re.findall(r"\b[A-Za-z_]\w*\b", (root / name).read_text()))
        match = PROMISE.findall((root / PROMISES).read_text()) if (root / PROMISES).is_file() else []
        self.promises = {letter + number for letter, number in match}
        letters = "".join(sorted({letter for letter, _ in match})) or "S"
        self.promise = re.compile(rf"(?<![A-Za-z0-9$#&-])([{letters}]\d{{1,2}})(?![A-Za-z0-9]|\.\d)")
        self.promise_of_test = re.compile(rf"(?<![A-Z0-9])([{letters}]\d{{1,2}})(?![a-z0-9])")

    def learn(self, name, code):
        words = set(re.findall(r"\b[A-Za-z_]\w*\b", code))
        self.words |= words
        for kind in re.findall(r"\b(?:class|struct|union|enum|namespace|concept|using)\s+(?:alignas\(\w+\)\s+)?([A-Za-z_][\w:]*)", code):
            for part in kind.split("::"):
                self.definers.setdefault(part, set()).update(words)
        for outer, inner in re.findall(r"\b(\w+)::(~?\w+)", code):
            self.members.add((outer, inner))

    def has_path(self, said, folder):
        if said in WRITTEN:
            return True
        candidates = [said, (pathlib.PurePosixPath(folder) / said).as_posix()]
        normal = {pathlib.PurePosixPath(*self.resolve(c)).as_posix() for c in candidates}
        for name in normal:
            if name in self.files or name in self.folders or any(name + end in self.files for end in CODE):
                return True
            if "*" in name and any(pathlib.PurePosixPath(f).match(name) for f in self.files):
                return True
        if "/" not in said.strip("./"):
            return said in self.names or ("*" in said and any(pathlib.PurePosixPath(n).match(said) for n in self.names))
        return any(f.endswith("/" + said) for f in self.files)

    @staticmethod
    def resolve(path):
        parts = []
        for part in pathlib.PurePosixPath(path).parts:
            if part == ".." and parts:
                parts.pop()
            elif part != ".":
                parts.append(part)
        return parts

    def has_member(self, said):
        parts = said.split("::")
        if parts[0] in OTHERS or said in OTHERS_WORDS:
            return True
        if len(parts) == 1:
            return parts[0] in self.words or parts[0] in OTHERS_WORDS
        outer, inner = parts[-2], parts[-1]
        return (outer, inner) in self.members or inner.lstrip("~") in self.definers.get(outer, ())


def complaints_about(house, place, said):
    folder = pathlib.PurePosixPath(place).parent.as_posix()
    pattern = house.promise_of_test if said.startswith("TEST ") else house.promise
    for code in pattern.findall(said):
        if code not in house.promises and code not in NOT_A_PROMISE:
            yield f"promise {code} does not stand in {PROMISES}"
    if said.startswith("TEST "):
        return
    for path in PATH.findall(said) + BARE_PATH.findall(said):
        if not house.has_path(path, folder):
            yield f"there is no {path}"
    for name in FUNCTION.findall(said):
        if not house.has_member(name):
            yield f"there is no function {name}()"
    for name in MEMBER.findall(said):
        if not house.has_member(name):
            yield f"there is no {name}"
    for name in TICKED_CLASS.findall(said) + CLASS.findall(said):
        if name not in house.words and name not in OTHERS_WORDS:
            yield f"there is no class {name}"


def speakers(house):
    for name in sorted(house.files):
        if name.endswith((".md", ".py") + CODE) and not name.startswith("tests/support/guide/"):
            yield name


def complaints(root):
    house = House(root)
    for name in speakers(house):
        for line, said in said_in(root / name):
            for complaint in complaints_about(house, name, said):
                yield f"{name}:{line}: {complaint}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = list(complaints(root))
    for complaint in found:
        print(complaint)
    print(f"{len(found)} things named that are not there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
