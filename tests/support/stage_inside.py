"""What runs on a stage of a page (stage.py) besides its commands.

    stage_inside.py start [ARGUMENTS]     sluiced, in place of the one before it; returns when it serves
    stage_inside.py stop
    stage_inside.py backends NAME=[grpc:]HOST:PORT[,PERCENT] ...     backends that answer with their name; PERCENT of requests get a 500
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

from backend import Backend
from grpcserver import GrpcServer, methods
from sluice import binary
from waiting import wait_until

PID = pathlib.Path("/run/sluiced.pid")
LOG = pathlib.Path("/var/log/sluice/daemon.log")
OF_THE_TESTS = ("status", "delay", "never", "bytes", "reset", "close", "partial", "garbage", "echo")


def runs(pid):
    try:
        return "Z (zombie)" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False  # it has just ended


def stop(_=()):
    if PID.exists():
        pid = int(PID.read_text())
        if runs(pid):
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not runs(pid), 20, "the end of sluiced")
        PID.unlink()


def start(arguments):
    """Each begins with no state: a page's configuration says where it begins."""
    stop()
    for left in pathlib.Path("/var/lib/sluice").iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with open(LOG, "a") as log:
        daemon = subprocess.Popen([binary("sluiced"), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    PID.write_text(str(daemon.pid))

    def ready():
        if daemon.poll() is not None:
            sys.exit("Error: sluiced ended: " + LOG.read_text())
        return subprocess.run([binary("sluicectl"), "readyz"], capture_output=True).returncode == 0
    wait_until(ready, 20, lambda: "readiness: " + LOG.read_text(), every=0.01)


def saying(name, failing):
    chance = random.Random(name)

    def answer(connection, request):
        if request.path.split("/")[1] in OF_THE_TESTS:
            return connection.backend._behave(connection, request)
        bad = not request.path.startswith("/health") and chance.random() < failing
        connection.answer(500 if bad else 200, f"{name}\n")
    return answer


def backends(described):
    running = []
    for one in described:
        name, _, address = one.partition("=")
        address, _, percent = address.partition(",")
        if address.startswith("grpc:"):
            running.append(GrpcServer(methods(name), name, int(address.rpartition(":")[2])))
            continue
        host, _, port = address.rpartition(":")
        if host == "unix":
            host, port = port, 0
        running.append(Backend(name, saying(name, float(percent.rstrip("%") or 0) / 100), int(port), host=host))
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    {"start": start, "stop": stop, "backends": backends}[sys.argv[1]](sys.argv[2:])
