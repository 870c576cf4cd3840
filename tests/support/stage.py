"""Where the commands of a page run: namespaces of its own, in which everything stands at the place that the page says.

Network, processes and files are the stage's: ports as on the page, any address, and its own home, /etc, /var, /run, /opt and /usr/local to
write into. When it is left, all that runs there ends. `systemctl` and `sudo` are stand-ins (test_systemd.py has the real ones)."""
import os
import pathlib
import select
import subprocess
import time

from sluice import BIN, ROOT, die_with_the_tests

INSIDE = "/usr/bin/python3 $STAGE/stage_inside.py"

# In the new namespaces: folders of their own in place of the machine's, then a shell that does what comes on its input. $1 is a folder to
# be made use of, $2 the sources and $3 the programs, which may lie in one that is replaced.
BEGIN = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir -p "$1/sources" "$1/programs" "$1/home" "$1/var" "$1/usr/local" "$1/run" "$1/opt"
mount --rbind "$2" "$1/sources"
mount --rbind "$3" "$1/programs"
cp -r /etc "$1/etc" 2>/dev/null || true  # what may not be read is not missed
for place in etc var usr/local run opt; do mount --bind "$1/$place" "/$place"; done
mkdir -p /run/sluice /etc/sluice /var/lib/sluice /var/log/sluice /var/tmp /usr/local/bin
ip link set lo up
cp "$1/sources/tests/support/systemctl.sh" /usr/local/bin/systemctl
printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
chmod 755 /usr/local/bin/systemctl /usr/local/bin/sudo
cd "$1/home"
exec bash --noprofile --norc
"""


def unshare():
    """The command that begins namespaces, or None where nobody lets us."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *rights, "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    return command if subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", "/opt"], capture_output=True).returncode == 0 else None


class Stage:
    def __init__(self, folder, command):
        self.folder = pathlib.Path(folder)
        (self.folder / "out").mkdir(parents=True)
        (self.folder / "own").mkdir()
        # Its other end tells each command's exit code: nothing that a command prints is taken for it.
        self.done, done = os.pipe()
        own = self.folder / "own"
        environment = {"PATH": f"{own}/programs:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SLUICE_BIN": f"{own}/programs", "HOME": f"{own}/home",
                       "STAGE": f"{own}/sources/tests/support", "USER": "you", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1",
                       "DONE": str(done)}
        environment |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
        self.log = open(self.folder / "stage.log", "w+")
        self.shell = subprocess.Popen([*command, "sh", "-c", BEGIN, "sh", own, ROOT, BIN], stdin=subprocess.PIPE, stdout=self.log,
                                      stderr=self.log, text=True, env=environment, pass_fds=[done], cwd=ROOT, preexec_fn=die_with_the_tests,
                                      start_new_session=True)
        os.close(done)
        self.count, self.last, self.said = 0, 0, b""
        self.must("shopt -s expand_aliases")

    def close(self):
        """Kills what runs there: the shell's namespace ends with it."""
        self.shell.kill()
        self.shell.wait()
        try:
            self.shell.stdin.close()
        except BrokenPipeError:
            pass
        self.log.close()
        os.close(self.done)

    def run(self, text, timeout=60):
        """(exit code, what it printed) of commands that the shell reads."""
        self.count += 1
        out = self.folder / "out" / str(self.count)
        self.shell.stdin.write(f"{{ (exit {self.last})\n{text}\n}} >{out} 2>&1 </dev/null\necho {self.count} $? >&$DONE\n")
        self.shell.stdin.flush()
        deadline = time.monotonic() + timeout
        while b"\n" not in self.said:
            ready, _, _ = select.select([self.done], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.done, 4096) if ready else b""
            if not piece:
                self.log.seek(0)
                raise AssertionError(f"'{text}' did not end within {timeout} s; it printed:\n{printed(out)}\n{self.log.read()}")
            self.said += piece
        line, _, self.said = self.said.partition(b"\n")
        number, self.last = map(int, line.split())
        assert number == self.count, f"'{text}' told of two ends"
        return self.last, printed(out)

    def must(self, text):
        """What the stage itself has to do; `$?` stays the page's."""
        before, self.last = self.last, 0
        code, out = self.run(text)
        self.last = before
        assert code == 0, f"'{text}' ended with {code}:\n{out}"
        return out

    def background(self, text):
        """The file that it prints into."""
        out = self.folder / "out" / f"{self.count}.background"
        out.touch()
        self.must(f"({text}) >{out} 2>&1 </dev/null & disown")
        return out

    def write(self, path, text):
        given = self.folder / "out" / f"{self.count}.file"
        given.write_text(text)
        self.must(f'mkdir -p "$(dirname {path})" && cat {given} >{path}')

    # -- what pages ask for

    def daemon(self, arguments=""):
        """A sluiced with these arguments, in place of the one that ran before it; returns when it serves."""
        self.must(f"{INSIDE} start {arguments}")

    def backends(self, described):
        for one in described.split():
            self.address(one.partition("=")[2].removeprefix("grpc:").rpartition(":")[0])
        out = self.background(f"exec {INSIDE} backends {described}")
        self.must(f"until grep -q ready {out}; do if grep -q Error {out}; then cat {out}; exit 1; fi; sleep 0.01; done")

    def names(self, described):
        for one in described.split():
            name, _, address = one.partition("=")
            self.address(address)
            self.must(f"echo {address} {name} >>/etc/hosts")

    def address(self, address):
        if address and not address.startswith(("127.", "unix:")):
            self.must(f"ip addr replace {address}/32 dev lo")


def printed(out):
    return out.read_text(errors="replace") if out.exists() else ""
