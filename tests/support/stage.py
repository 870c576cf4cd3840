"""Where the commands of a page run: namespaces of its own, in which everything stands at the place that the page says.

Network, processes and files are the stage's: ports as on the page, any address, and its own /etc, /var, /run, /home and /usr/local to write
into. When it is left, all that runs there ends. `systemctl` and `sudo` are stand-ins (test_systemd.py has the real ones)."""
import os
import pathlib
import select
import subprocess
import time

from sluice import BIN, ROOT, die_with_the_tests

SUPPORT = pathlib.Path(__file__).resolve().parent
INSIDE = f"/usr/bin/python3 {SUPPORT}/stage_inside.py"

# In the new namespaces; $1 is a folder for what differs from the machine's files, which stay as they are. Then a shell that does what comes
# on its input.
BEGIN = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
for place in etc var usr/local home; do
  upper="$1/$(echo $place | tr / -)"
  mkdir "$upper" "$upper.work"
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=$upper,workdir=$upper.work" "/$place"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sluice /etc/sluice /var/lib/sluice /var/log/sluice /home/you
ip link set lo up
cp "$2/systemctl.sh" /usr/local/bin/systemctl
printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
chmod 755 /usr/local/bin/systemctl /usr/local/bin/sudo
cd /home/you
exec bash --noprofile --norc
"""
PROBE = """
mount -t tmpfs tmpfs /tmp && mkdir /tmp/u /tmp/w && mount -t overlay overlay -o lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w /etc
"""


def unshare():
    """The command that begins namespaces, or None where nobody lets us."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *rights, "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    return command if subprocess.run([*command, "sh", "-c", PROBE], capture_output=True).returncode == 0 else None


class Stage:
    def __init__(self, folder, command):
        self.folder = pathlib.Path(folder)
        (self.folder / "out").mkdir(parents=True)
        (self.folder / "own").mkdir()
        # Its other end tells each command's exit code: nothing that a command prints is taken for it.
        self.done, done = os.pipe()
        environment = {"PATH": f"{BIN}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/you", "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                       "USER": "you", "STAGE": str(SUPPORT), "SLUICE_BIN": str(BIN), "PYTHONDONTWRITEBYTECODE": "1", "DONE": str(done)}
        environment |= {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
        self.log = open(self.folder / "stage.log", "w+")
        self.shell = subprocess.Popen([*command, "sh", "-c", BEGIN, "sh", self.folder / "own", SUPPORT], stdin=subprocess.PIPE, stdout=self.log,
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
