"""bench/RESULTS.md: a section for each table that was measured whole, with where, when and of what. A run writes its own sections anew and
leaves the others as they are."""
import datetime
import pathlib
import platform
import re
import subprocess

from processes import Failed, tool, two_cpus

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = """# Results

Written by `./dev bench`; README.md beside this file says how each row is measured. Numbers of different runs, and so of different sections, do not
compare; ratios within a run do. Ratios are medians of each round's, with the lowest and the highest; `wrong` is a contender that did other
work than was asked for.
"""
ORDER = ("The table", "With access logs", "Latency overhead", "HTTP/2 and gRPC")
VERSIONS = {"nginx": ("nginx", "-v"), "haproxy": ("haproxy", "-v"), "nghttpx": ("nghttpx", "--version"), "h2o": ("h2o", "--version"),
            "caddy": ("caddy", "version")}


def machine():
    """Without a name of it."""
    model = re.search(r"^model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    cores = len([cpu for cpu in two_cpus() if cpu is not None]) or 1
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 1024 / 1024
    virtual = "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()
    kernel = re.match(r"[\d.]+", platform.release()).group(0)
    return (f"{model.group(1) if model else platform.machine()}, {cores} cores used{', a virtual machine' if virtual else ''}, {memory:.0f} GiB, "
            f"Linux {kernel}")


def version(name):
    if name not in VERSIONS:
        return ""
    try:
        program, word = VERSIONS[name]
        done = subprocess.run([tool(program), word], capture_output=True, text=True, check=False)
    except Failed:
        return ""
    found = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout + done.stderr)
    return f"{name} {found.group(0)}" if found else name


def commit():
    """Of this tree; says when it has changes that are not committed, results aside."""
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/RESULTS.md", ":!bench/latency.svg")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with changes" if changed else "")


def circumstances(options):
    peers = ", ".join(said for said in map(version, options.only) if said)
    absent = f" Not installed, so not measured: {', '.join(options.missing)}." if options.missing else ""
    return (f"{datetime.date.today().isoformat()}, commit {commit()}, {options.rounds} rounds. {machine()}. One worker each, alone on a core; the "
            f"load and the backends on another. {peers}.{absent}\n")


def write(path, sections):
    """sections: {title: text}"""
    known = read(path.read_text()) if path.exists() else {}
    known.update(sections)
    titles = [title for title in ORDER if title in known]
    path.write_text(HEAD + "".join(f"\n## {title}\n\n{known[title].strip()}\n" for title in titles))


def read(text):
    pieces = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2]))
