#!/usr/bin/python3
"""The directions of the house, checked. CMakeLists.txt says which folder links which; an include may go only where the
links go. A header without a source would slip past the linker, so the includes themselves are read here. Exit 1 when a
rule is broken, with a line for each place.

  check_includes.py [ROOT]
"""
import pathlib
import re
import sys

FOLDER = re.compile(r"^sluice_folder\((\w+)\s+DIR\s+(\S+)\s+LINKS\s+([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)

# What the links could be made to allow, and must not.
PROXY_NEVER_CONTROL = ("proxy/", "control/")
CLI_SEES_ONLY = {"cli", "screen", "nginx", "rehearse", "audit", "protocol", "base"}

WORKER_ROOMS = ("proxy/exchange", "proxy/client", "proxy/route", "proxy/http", "proxy/grpc_web", "proxy/http1", "proxy/h2", "proxy/mux",
                "proxy/upstream", "proxy/net")
PURE_ROOMS = ("proxy/route", "proxy/http", "proxy/grpc_web", "proxy/http1", "proxy/h2", "proxy/config")
LOCK = re.compile(r"\bstd::(recursive_|shared_|timed_)?mutex\b|\bstd::condition_variable\b")
IMPURE_TEXT = re.compile(r"\b(steady_clock|system_clock)::now\b|\bstd::(random_device|mt19937)|\b(clock_gettime|rand)\(")
IMPURE_HEADER = re.compile(r"^(boost/asio|proxy/net/|random$|sys/socket\.h|sys/stat\.h|fcntl\.h|unistd\.h|"
                           r"grp\.h|pwd\.h|fstream$|thread$|mutex$)")
# What another room sees of proxy/h2 does not name the library behind it.
H2_INSIDE = re.compile(r"^proxy/h2/(frame_writer|session_state)\.hpp$")
# The loader asks whether the files that a configuration names can be used: that, and nothing else of its room, touches
# the machine.
ASKS_THE_MACHINE = {"proxy/config/machine.cpp", "proxy/config/secret_file.cpp"}


def folders(root):
    """{folder: (name, names it links directly)} as CMakeLists.txt has it."""
    found = {}
    for name, folder, links in FOLDER.findall((root / "CMakeLists.txt").read_text()):
        found[folder] = (name, {link.removeprefix("sluice_") for link in links.split() if link.startswith("sluice_")})
    return found


def closure(name, links):
    """`name` and every folder that it reaches."""
    reached, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(links[current])
    return reached


def code_of(text):
    """The text without comments and string contents, lines kept."""
    def blank(match):
        piece = match.group(0)
        return '""' if piece[0] in "\"'" else "\n" * piece.count("\n")
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.DOTALL)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(path):
    text = path.read_text()
    return [(line_of(text, m.start(2)), m.group(1), m.group(2)) for m in INCLUDE.finditer(text)]


def check_graph(graph, links):
    for folder, (name, _) in graph.items():
        reached = closure(name, links)
        if folder.startswith(PROXY_NEVER_CONTROL[0]):
            for other, (other_name, _) in graph.items():
                if other_name in reached and other.startswith(PROXY_NEVER_CONTROL[1]):
                    yield f"CMakeLists.txt: {folder} must not link {other}: the proxy does not know who controls it"
        behind = closure("rehearse", links) if "rehearse" in links else set()  # the daemon's own judge, which the CLI does not name
        if name == "cli" and not reached - behind <= CLI_SEES_ONLY:
            extra = ", ".join(sorted(reached - behind - CLI_SEES_ONLY))
            yield f"CMakeLists.txt: {folder} must link screen, nginx, rehearse, audit, protocol and base only, not {extra}"


def check_file(root, path, graph, links):
    folder = path.parent.relative_to(root).as_posix()
    place = path.relative_to(root).as_posix()
    allowed = CLI_SEES_ONLY if graph[folder][0] == "cli" else closure(graph[folder][0], links)
    for line, bracket, header in includes(path):
        if folder in PURE_ROOMS and place not in ASKS_THE_MACHINE and IMPURE_HEADER.search(header):
            yield f"{place}:{line}: {folder} is pure and may not include {header}"
        if folder.startswith("proxy/") and header.startswith("boost/asio"):
            yield f"{place}:{line}: Asio ends at control's door (proxy/net/REACTOR.md)"
        inside = H2_INSIDE.match(place) or (folder == "proxy/h2" and place.endswith(".cpp"))
        if (H2_INSIDE.match(header) or header.startswith("nghttp2/")) and not inside:
            yield f"{place}:{line}: nghttp2 ends within proxy/h2 (session.hpp)"
        if bracket == "<":
            continue
        if not (root / header).is_file():
            yield f'{place}:{line}: "{header}" is not there; includes are relative to the root of the project'
            continue
        target = pathlib.PurePosixPath(header).parent.as_posix()
        if target not in graph:
            yield f"{place}:{line}: {header} is in no folder that CMakeLists.txt names"
        elif graph[target][0] not in allowed:
            yield f"{place}:{line}: {folder} may not include {header}: it does not link {target}"
    yield from check_words(path, place, folder)


def check_words(path, place, folder):
    code = code_of(path.read_text())
    if folder in WORKER_ROOMS:
        for match in LOCK.finditer(code):
            yield f"{place}:{line_of(code, match.start())}: {match.group(0)}: workers share nothing that needs a lock"
    if folder in PURE_ROOMS:
        for match in IMPURE_TEXT.finditer(code):
            yield f"{place}:{line_of(code, match.start())}: {match.group(0)}: time and chance are arguments in {folder}"


def sources(root):
    for top in ("proxy", "control"):
        yield from (p for p in sorted((root / top).rglob("*")) if p.suffix in (".cpp", ".hpp"))


def complaints(root):
    graph = folders(root)
    links = dict(graph.values())
    yield from check_graph(graph, links)
    for path in sources(root):
        folder = path.parent.relative_to(root).as_posix()
        if folder in graph:
            yield from check_file(root, path, graph, links)
        else:
            yield f"{path.relative_to(root).as_posix()}: {folder} is not a folder of CMakeLists.txt (sluice_folder)"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = list(complaints(root))
    for complaint in found:
        print(complaint)
    print(f"{len(list(sources(root)))} files, {len(found)} broken rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
