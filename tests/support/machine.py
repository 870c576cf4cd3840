"""A Debian with a systemd of its own as process 1, in namespaces: processes, mounts, network, cgroups. Only root can make one.

    root = Root(place, tar, package, "dpkg -i /given")   # a file system in memory, and what is done to it before anything runs there
    with Machine(root, folder) as machine:               # the root stays as it is: changes are the machine's, and go with it
        machine.run("systemctl", "start", "sluice")
        with machine.network(): ...                      # sockets and processes that are made here are in the machine's network

When they are left, or this process dies, nothing of them goes on."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

from sluice import die_with_the_tests
from waiting import wait_until

CLONE_NEWNET = 0x40000000
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
libc = ctypes.CDLL(None, use_errno=True)

# In the new namespaces: the root becomes `folder`/root, an overlay of `root`. No device but those that are harmless.
BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/shm dev/pts
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname machine
ip link set lo up
pivot_root . mnt
umount -l mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system --log-target=journal --show-status=0
"""


def cgroup_folder():
    """Where the one hierarchy of cgroup v2 is mounted, which a systemd can do with, whatever else there is."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(place)
    raise RuntimeError("cgroup v2 is mounted nowhere, and systemd does not start without")


# Seen by who enters the namespace of this process.
HOLD = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
tar -xf "$2" -C "$1"
mount -t proc proc "$1/proc"
cp "$3" "$1/given"
chroot "$1" sh -c "$4"
umount "$1/proc"
echo ready
read end
"""


class Root:
    def __init__(self, folder, tar, given, then):
        """The shell's `then` finds the file `given` as /given."""
        self.folder = pathlib.Path(folder)
        self.holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", HOLD, "sh", folder, tar, given, then], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_the_tests,
                                       env={"PATH": PATH, "LC_ALL": "C"})
        said = []
        for line in self.holder.stdout:
            if line == "ready\n":
                return
            said.append(line)
        raise RuntimeError("no root: " + "".join(said))

    def close(self):
        self.holder.communicate("")


class Machine:
    def __init__(self, root, folder):
        self.root, self.folder = root, pathlib.Path(folder)
        self.pid = None  # of its process 1, as it is called here
        self.host = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self):
        self.folder.mkdir()
        self.cgroup = cgroup_folder() / f"sluice-{os.getpid()}-{self.folder.name}"
        self.cgroup.mkdir()

        def enter():
            die_with_the_tests()
            (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

        spaces = ["--cgroup", "--pid", "--fork", "--mount", "--net", "--uts", "--ipc", "--kill-child=KILL"]
        self.log = self.folder.with_suffix(".boot")
        with open(self.log, "w") as log:
            there = ["nsenter", f"--mount=/proc/{self.root.holder.pid}/ns/mnt"]
            self.outer = subprocess.Popen([*there, "unshare", *spaces, "sh", "-c", BOOT, "sh", self.root.folder, self.folder],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=enter)
        try:
            wait_until(self._has_booted, 20, lambda: "systemd to start: " + self.log.read_text(), every=0.02)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _has_booted(self):
        if self.outer.poll() is not None:
            raise RuntimeError(f"no systemd: {self.log.read_text()}")
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        if not children or pathlib.Path(f"/proc/{children[0]}/comm").read_text() != "systemd\n":
            return False
        self.pid = int(children[0])
        return self.try_to("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def __exit__(self, *_):
        self.outer.send_signal(signal.SIGKILL)  # and its child with it, which is process 1: all end
        self.outer.wait()
        wait_until(lambda: "populated 0" in (self.cgroup / "cgroup.events").read_text(), what="the machine's end")
        for place, _, _ in os.walk(self.cgroup, topdown=False):
            os.rmdir(place)
        os.close(self.host)

    # --- inside

    def try_to(self, *command, timeout=60, **options):
        """As root."""
        inside = ["nsenter", f"--target={self.pid}", "--all", "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8", *map(str, command)]
        return subprocess.run(inside, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, **options)

    def run(self, *command, **options):
        done = self.try_to(*command, **options)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def path(self, name):
        """A file of the machine, from here."""
        return pathlib.Path(f"/proc/{self.pid}/root") / name.lstrip("/")

    def show(self, unit, prop):
        return self.run("systemctl", "show", unit, "--property", prop, "--value").strip()

    def journal(self, *what):
        return self.run("journalctl", "--no-pager", "-o", "short-monotonic", *what)

    def host_pid(self, inner):
        """What this machine's process `inner` is called outside."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                names = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:")).split()[1:]
                if len(names) > 1 and names[-1] == str(inner) and os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{self.pid}/ns/pid"):
                    return int(status.parent.name)
        raise AssertionError(f"the machine has no process {inner}")

    @contextlib.contextmanager
    def network(self):
        """This thread's; those that it starts meanwhile, and processes, are there as well."""
        with open(f"/proc/{self.pid}/ns/net", "rb") as theirs:
            assert libc.setns(theirs.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(self.host, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
