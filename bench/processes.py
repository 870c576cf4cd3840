"""The processes of the benchmarks: each on its CPU core, measured by what the scheduler accounts to it, ended with all it started."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time


class Failed(Exception):
    """The benchmark cannot go on; the text says why."""


class Wrong(Exception):
    """A contender did not do the work; the text says what it did instead."""


def tool(name):
    """The path of a program, in sbin too, where a user's PATH does not look."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Failed(f"{name} is not installed; ./dev bench installs it")
    return path


def two_cpus():
    cpus = sorted(os.sched_getaffinity(0))
    return (cpus[0], cpus[1]) if len(cpus) > 1 else (None, None)


class Process:
    """A child in a session of its own, bound to one CPU core; killed with all it started."""

    def __init__(self, stack, command, cpu, log, stdout=subprocess.DEVNULL):
        self.log = log
        with open(log, "wb") as errors:
            self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=stdout,
                                          stderr=errors, start_new_session=True, preexec_fn=lambda: child_setup(cpu))
        self.pid = self.child.pid
        stack.callback(self.kill)

    def kill(self):
        self.child.terminate()  # first gently: nginx's master then reaps its workers
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=2)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait()

    def require_alive(self, name):
        if self.child.poll() is not None:
            raise Failed(f"{name} ended with status {self.child.returncode}:\n{self.log.read_text()}")

    def cpu_ns(self):
        """Nanoseconds on a CPU so far, of every thread of this process and of the processes it started."""
        return sum(thread_ns(task) for pid in family(self.pid) for task in tasks(pid))


def child_setup(cpu):
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def tasks(pid):
    return list(pathlib.Path(f"/proc/{pid}/task").glob("*"))


def thread_ns(task):
    try:
        return int((task / "schedstat").read_text().split()[0])
    except FileNotFoundError:  # a thread that has just ended
        return 0


def family(pid):
    children = [int(child) for task in tasks(pid) for child in (task / "children").read_text().split()]
    return [pid] + [member for child in children for member in family(child)]


def resident(process):
    """Bytes of memory in use by a process and those it started."""
    pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(process.pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


def run_pinned(command, cpu, patience):
    """What a load generator printed; Wrong when it does not end within `patience` seconds, Failed when it cannot do its work."""
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=patience, check=False, preexec_fn=lambda: child_setup(cpu))
    except subprocess.TimeoutExpired:
        raise Wrong(f"no end of the load within {patience} s") from None
    return done.stdout, done.stderr


def wait_for_port(port, process=None, name=None, patience=10):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process:
            process.require_alive(name)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise Failed(f"{name or 'an origin'} did not listen within {patience} s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder):
    """A file with the key and the certificate that all contenders use: ECDSA P-256, which TLS listeners have today."""
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    both.write_text(cert.read_text() + key.read_text())
    return both
