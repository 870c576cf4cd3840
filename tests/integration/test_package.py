"""The Debian package: what lintian says of it, its manual, completion in real shells, and its life in a Debian of its own."""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.request

import pytest

from backend import free_port
from load import Loader
from sluice import binary, config_of, service
from waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build/release"))
CHROOT = ROOT / "build/debian.tar"  # made by ./dev test
AS_IT_IS_SHIPPED = pytest.mark.skipif(os.environ.get("SLUICE_SANITIZE", "release") != "release",
                                      reason="the libraries of sanitizers are not in Debian's packages")


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=90, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", name="package")
def built_package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    return next(folder.glob("*.deb"))


@pytest.fixture(scope="module", name="tree")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    run("dpkg-deb", "-x", package, folder)
    return folder


@AS_IT_IS_SHIPPED
def test_lintian_has_nothing_to_say(package):
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", package) == ""


def test_apt_does_not_take_debians_package_of_that_name_for_a_newer_one(package):
    run("dpkg", "--compare-versions", run("dpkg-deb", "-f", package, "Version").strip(), "gt", "0.02.15-1")


def test_the_operators_files_are_conffiles(package):
    assert run("dpkg-deb", "-I", package, "conffiles").split() == ["/etc/logrotate.d/sluice", "/etc/sluice/sluice.yaml"]


# --- the manual

def test_every_page_is_what_man_and_mandoc_understand(tree, tmp_path):
    pages = sorted((tree / "usr/share/man").rglob("*.gz"))
    assert {"sluicectl.1.gz", "sluicectl-split.1.gz", "sluiced.8.gz", "sluice.yaml.5.gz"} <= {page.name for page in pages}
    for page in pages:
        (tmp_path / page.stem).write_bytes(gzip.decompress(page.read_bytes()))
    assert run("mandoc", "-Tlint", "-W", "warning", *sorted(tmp_path.iterdir())) == ""
    for page in pages:
        done = subprocess.run(["man", "--warnings", "-l", page], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              env=os.environ | {"LC_ALL": "C.UTF-8", "MAN_KEEP_STDERR": "1"})
        assert (done.returncode, done.stderr) == (0, ""), page.name
        assert done.stdout.count("\n") > 10, page.name


def test_the_page_of_the_configuration_has_every_line_of_the_reference(tree):
    page = tree / "usr/share/man/man5/sluice.yaml.5.gz"
    shown = run("man", "-l", page, env=os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "300"})
    lines = {line.strip() for line in shown.splitlines()}
    wanted = [line.strip() for line in (ROOT / "conf/reference.yaml").read_text().splitlines()]
    missing = [line for line in wanted if not line.startswith("# ----") and line not in lines]
    assert not missing


def test_the_daemons_page_has_every_flag_of_its_help(tree):
    page = gzip.decompress((tree / "usr/share/man/man8/sluiced.8.gz").read_bytes()).decode().replace("\\-", "-")
    flags = set(re.findall(r"--[a-z-]+", run(binary("sluiced"), "--help")))
    assert len(flags) > 5 and all(flag in page for flag in flags)


# --- completion

SHELLS = {
    "bash": r'''. "$1"; COMP_LINE="$2" COMP_POINT=${#2}; compopt() { :; }; _sluicectl; printf '%s\n' "${COMPREPLY[@]}"''',
    "zsh": r'''compdef() { :; }; . "$1"; compadd() { shift; print -rl -- "$@"; }; _files() { :; }
               words=("${(@s: :)2}"); CURRENT=${#words}; _sluicectl''',
    "fish": r'''source $argv[1]; complete -C $argv[2]''',
}
SCRIPTS = {"bash": "bash-completion/completions/sluicectl", "zsh": "zsh/vendor-completions/_sluicectl",
           "fish": "fish/vendor_completions.d/sluicectl.fish"}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_completes_what_the_running_daemon_knows(shell, tree, sluice, folder):
    daemon = sluice(config_of({"api": service({"blue": ["127.0.0.1:9"], "green": ["127.0.0.1:10"]})}))
    for share in ("1%", "2%"):
        daemon.ctl("split", "api", f"green={share}", "--rest", "blue", "--force")
    path = f"{pathlib.Path(binary('sluicectl')).parent}:{os.environ['PATH']}"
    environment = os.environ | {"SLUICE_SOCKET": daemon.socket, "PATH": path, "HOME": str(folder)}
    plain = {"bash": ["bash", "--norc", "-c"], "zsh": ["zsh", "-f", "-c"], "fish": ["fish", "--no-config", "-c"]}[shell]
    name = [] if shell == "fish" else [shell]

    def offered(line):
        text = run(*plain, SHELLS[shell], *name, tree / "usr/share" / SCRIPTS[shell], line, env=environment)
        return {word.split("\t")[0] for word in text.split("\n") if word}

    assert offered("sluicectl cut") == {"cutover"}
    assert offered("sluicectl history ") == {"api"}
    assert offered("sluicectl preview api/") == {"api/blue", "api/green"}
    assert offered("sluicectl split api green=1% --rest ") == {"blue", "green"}
    assert offered("sluicectl undo --to-generation ") >= {"2", "3"}
    assert offered("sluicectl remove api/blue/") == {"api/blue/127.0.0.1:9"}


# --- its life on a machine

SYSTEMCTL = r'''#!/bin/sh
# What the maintainer scripts ask of systemd, which does not run here.
main() { sluicectl status -o json 2>/dev/null | sed -n 's/.*"pid":\([0-9]*\),"upgrades".*/\1/p'; }
running() { [ -n "$(main)" ]; }
stop() { pid=$(main); kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; }
start() {
	mkdir -p /run/sluice && chown sluice: /run/sluice
	setpriv --reuid sluice --regid sluice --clear-groups sluiced --config /etc/sluice/sluice.yaml >/dev/null 2>>/sluiced.log </dev/null &
	until sluicectl readyz >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.02; done
}
echo "$*" >>/systemctl.log
case "$*" in
*is-active*) running ;;
*try-restart*sluice.service*) if running; then stop; start; fi ;;
"start sluice.service") start ;;
*stop*sluice.service*) if running; then stop; fi ;;
esac
'''


class Machine:
    """A Debian below `root`, with the network of this machine."""

    def __init__(self, root):
        self.root = root
        run("tar", "-xf", CHROOT, "-C", root)
        self.write("usr/bin/systemctl", SYSTEMCTL).chmod(0o755)
        (self.root / "run/systemd/system").mkdir(parents=True)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *command):
        inside = 'mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
        return run("unshare", "--mount", "sh", "-c", inside, self.root, *command,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def install(self, package):
        shutil.copy(package, self.root / "tmp/sluice.deb")
        return self.run("dpkg", "--force-confold", "-i", "/tmp/sluice.deb")

    def ctl(self, *words):
        return self.run("sluicectl", *words)

    def pid(self):
        return json.loads(self.ctl("status", "-o", "json"))["pid"]

    def asked(self):
        return (self.root / "systemctl.log").read_text().splitlines()

    def files(self):
        # What dpkg, the users' files and the linker's cache keep is not the package's.
        kept = ("var/lib/dpkg/", "var/cache/", "var/log/dpkg", "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "tmp/", "run/",
                "proc/", "dev/", "sys/", "etc/ld.so.cache", "var/lib/systemd/")
        names = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*"))
        return {name for name in names if not name.startswith(kept)}

    def stop(self):
        for stat in pathlib.Path("/proc").glob("[0-9]*/root"):
            try:
                if stat.readlink() == self.root:
                    os.kill(int(stat.parent.name), signal.SIGKILL)
            except OSError:
                pass  # it has just ended


@pytest.fixture(name="machine")
def a_machine(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root may change its root")
    assert CHROOT.exists(), "./dev test makes it"
    machine = Machine(tmp_path)
    yield machine
    machine.stop()
    shutil.rmtree(tmp_path, ignore_errors=True)


def newer(package, folder):
    """The same under a higher version, with another default configuration."""
    tree = folder / "newer"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+newer", control.read_text()))
    config = tree / "etc/sluice/sluice.yaml"
    config.write_text(config.read_text() + "# of the newer version\n")
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, folder / "newer.deb")
    return folder / "newer.deb"


@AS_IT_IS_SHIPPED
def test_install_upgrade_downgrade_remove_purge(machine, package, tmp_path_factory, recorder):
    before = machine.files()
    machine.install(package)
    assert not any("start" in line for line in machine.asked()), "the first installation starts nothing"
    assert "sluice:x:" in (machine.root / "etc/passwd").read_text()

    blue, green, port = recorder("blue"), recorder("green"), free_port()
    config = machine.write("etc/sluice/sluice.yaml", f"""# the operator's
listeners: [{{name: web, bind: "127.0.0.1:{port}"}}]
workers: 1
shutdown_timeout: 2s
services:
  api:
    pools: {{blue: {{backends: ["{blue.address}"]}}, green: {{backends: ["{green.address}"]}}}}
    split: {{blue: 100%, green: 0%}}
routes: [{{path: /, service: api}}]
""")
    mine = config.read_text()
    machine.run("systemctl", "start", "sluice.service")
    machine.ctl("split", "api", "blue=75%", "green=25%")

    def serves_as_before():
        assert config.read_text() == mine
        assert re.search(r"green +25%", machine.ctl("status", "api"))
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).status == 200

    for version in (newer(package, tmp_path_factory.mktemp("newer")), package):  # upgrade, downgrade
        pid, load = machine.pid(), Loader(port, connections=8, pace_us=500)
        try:
            begun = len(blue.records())
            wait_until(lambda: len(blue.records()) > begun + 50, what="load")
            machine.install(version)
            renewed = len(blue.records())
            wait_until(lambda: len(blue.records()) > renewed + 50, what="load on the new daemon")
        finally:
            failures = load.finish()["failures"]
        assert not any(failures.values()), failures
        assert machine.pid() != pid and not any("restart" in line for line in machine.asked())
        serves_as_before()

    assert not any("enable" in line for line in machine.asked())
    pid = machine.pid()
    machine.run("dpkg", "-r", "sluice")
    assert not pathlib.Path(f"/proc/{pid}").exists()
    assert config.read_text() == mine and (machine.root / "var/lib/sluice/journal").exists()

    machine.write("etc/sluice/own.pem", "the operator's\n")
    said = machine.run("dpkg", "-P", "sluice")
    assert "/var/lib/sluice" in said
    assert machine.files() - before == {"etc/sluice", "etc/sluice/own.pem", "systemctl.log", "sluiced.log"}
    assert before - machine.files() == set()
