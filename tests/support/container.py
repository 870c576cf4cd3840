"""What docker does with an image and its network, by namespaces: a network with containers that have addresses and names, and the
image's root run as docker would run it. Needs root."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

from backend import Backend
from client import Client
from nameserver import NameServer
from sluice import die_with_the_tests
from waiting import wait_until

NETWORK = "10.89.0"
CLONE_NEWNET = 0x40000000
TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def enter(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace, for as long as its holder lives."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=die_with_the_tests)
        self.path = f"/proc/{self.holder.pid}/ns/net"
        wait_until(lambda: os.readlink(self.path) != os.readlink("/proc/self/ns/net"), what="the namespace")
        self.ip("link set lo up")

    def ip(self, command):
        subprocess.run(["nsenter", f"--net={self.path}", "ip", *command.split()], check=True, timeout=20)

    @contextlib.contextmanager
    def inside(self):
        """This thread's new sockets and threads are in it, and stay there."""
        with open("/proc/thread-self/ns/net") as own, open(self.path) as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(own.fileno())

    def stop(self):
        self.holder.kill()
        self.holder.wait()


class Network:
    """Sluice's namespace and, behind a wire, that of the containers; and a name server as docker's is, at 127.0.0.11: what it says
    holds for 600 s, comes shuffled, and a name that no container has is not known."""

    def __init__(self):
        self.near, self.far = Namespace(), Namespace()
        self.near.ip(f"link add eth0 type veth peer name eth0 netns {self.far.holder.pid}")
        for side, last in ((self.near, 1), (self.far, 254)):
            side.ip(f"addr add {NETWORK}.{last}/24 dev eth0")
            side.ip("link set eth0 up")
        with self.near.inside():
            self.names = NameServer(ttl=600, at=("127.0.0.11", 53), shuffled=True)
        self.containers = []
        self.taken = 1

    def client(self, address, **options):
        with self.near.inside():
            return Client(address, **options)

    def free_address(self):
        self.taken += 1
        return f"{NETWORK}.{self.taken}"

    def run(self, name, port=8000, address=None, said=None, handler=None):
        """A container; `said` is what its answers carry as X-Backend."""
        container = Container(self, name, address or self.free_address(), port, said or name, handler)
        self.containers.append(container)
        return container

    def stop(self):
        for container in self.containers:
            container.backend.stop()
        self.names.stop()
        self.near.stop()
        self.far.stop()


class Container:
    """A backend with an address of its own; `name` is known while it runs."""

    def __init__(self, network, name, address, port, said, handler):
        self.network, self.name, self.address = network, name, address
        network.far.ip(f"addr add {address}/32 dev eth0")
        with network.far.inside():
            self.backend = Backend(said, handler, host=address, port=port)
        record = network.names.records.setdefault(name, {"A": []})
        record["A"] = [*record["A"], address]

    def stop(self):
        """Its process is killed, its name forgotten; what connects to its address is never answered."""
        self.backend.stop()
        left = [one for one in self.network.names.records[self.name]["A"] if one != self.address]
        if left:
            self.network.names.records[self.name] = {"A": left}
        else:
            del self.network.names.records[self.name]
        self.network.far.ip(f"addr del {self.address}/32 dev eth0")

    def served(self, path=None):
        return [request for request in self.backend.seen(path) if request.get("User-Agent") != "sluice-health"]


# As docker does: the root read-only, a tmpfs, mounts, no capability, and the image's user, environment and command.
START = r"""
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount --rbind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount --bind "$RUN" "$ROOT/run/sluice"
[ -z "$VOLUME" ] || mount --bind "$VOLUME" "$ROOT/var/lib/sluice"
[ -z "$CONFIG" ] || mount --bind "$CONFIG" "$ROOT/etc/sluice${CONFIG_FILE:+/$CONFIG_FILE}"
mount --bind "$RESOLV_CONF" "$ROOT/etc/resolv.conf"
mount -o remount,bind,ro "$ROOT"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \
  /usr/sbin/chroot --userspec="$AS" "$ROOT" "$@"
"""


class Box:
    """The daemon in the image's root. `config`: a folder that is mounted at /etc/sluice, or a file that is mounted alone; `beside`:
    another one, whose volume and /run/sluice it shares."""

    def __init__(self, image, network, folder, config=None, env=(), volume=True, start=True, beside=None):
        self.image, self.network, self.config = image, network, config
        self.folder = pathlib.Path(folder)
        self.env = [*image.config["Env"], *env]
        self.volume = self.folder / "volume" if volume else None
        self.run = self.folder / "run"
        if beside:
            self.volume, self.run, self.config = beside.volume, beside.run, beside.config
        for shared in filter(None, (self.volume, self.run)):
            shared.mkdir(exist_ok=True)
            os.chown(shared, 65532, 65532)
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.11\noptions ndots:0\n")
        self.process = None
        if start:
            self.start()

    def start(self, ready=True):
        environment = {**TOOLS, **dict(one.split("=", 1) for one in self.env), "ROOT": str(self.image.root),
                       "VOLUME": str(self.volume or ""), "RUN": str(self.run), "CONFIG": str(self.config or ""), "AS": self.image.config["User"],
                       "CONFIG_FILE": self.config.name if self.config and self.config.is_file() else "",
                       "RESOLV_CONF": str(self.folder / "resolv.conf")}
        self.out, self.err = open(self.folder / "stdout", "ab"), open(self.folder / "stderr", "ab")
        self.process = subprocess.Popen(
            ["nsenter", f"--net={self.network.near.path}", "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", START, "sh",
             *self.image.config["Entrypoint"]], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=environment,
            preexec_fn=die_with_the_tests)
        if ready:
            wait_until(self.is_ready, 20, lambda: f"readiness; {self.said()}")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said()}"
        return self.pid and self.health() == 0

    @property
    def pid(self):
        """The daemon's, outside of its namespace."""
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, _, rest = stat.read_text().rpartition(")")
                if int(rest.split()[1]) == self.process.pid and "(sluiced" in name:
                    return int(stat.parent.name)
        return None

    def exec(self, *words, check=None):
        """docker exec"""
        user, group = self.image.config["User"].split(":")
        done = subprocess.run(["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--root", "--wd", "--setuid", user,
                               "--setgid", group, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env={**TOOLS, "NO_COLOR": "1"})
        assert check is None or done.returncode == check, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def ctl(self, *words, check=0):
        return self.exec("/usr/bin/sluicectl", *words, check=check).stdout

    def health(self):
        return self.exec(*self.image.config["Healthcheck"]["Test"][1:]).returncode

    def client(self, port=8080, **options):
        return self.network.client(f"127.0.0.1:{port}", **options)

    def fetch(self, target="/", port=8080, **options):
        with self.client(port) as client:
            return client.request(target=target, **options)

    def logs(self):
        return (self.folder / "stdout").read_text()

    def said(self):
        return f"stdout:\n{self.logs()[-4000:]}\nstderr:\n{(self.folder / 'stderr').read_text()[-4000:]}"

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def stop(self):
        """docker stop; the exit code."""
        if self.process and self.process.poll() is None:
            with contextlib.suppress(TypeError, ProcessLookupError):
                self.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for file in (self.out, self.err):
            file.close()
        return self.process.returncode
