"""What stands during one row: two origins and the contenders, each on its CPU core, until the row ends."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from contenders import CONTENDERS, Place
from h2_rows import CALL, MESSAGE
from processes import Failed, Process, certificate, free_port, tool, two_cpus, wait_for_port


class Origin(Process):
    """bench/origin.cpp."""

    def __init__(self, stack, row, bin_dir, cpu, log):
        super().__init__(stack, [bin_dir / "origin", "--body", row.answer, "--upload", row.upload], cpu, log, stdout=subprocess.PIPE)
        line = self.child.stdout.readline()
        if not line:
            raise Failed(f"the origin did not start: {log.read_text()}")
        self.port = int(line)

    def counts(self):
        """(connections accepted, requests answered) so far."""
        os.kill(self.pid, signal.SIGUSR1)
        return tuple(int(word) for word in self.child.stdout.readline().split())


class GrpcOrigin(Process):
    """nghttpd, which answers every call with the message that is in a file, and grpc-status 0."""

    def __init__(self, stack, folder, cpu, log):
        answer = folder / "root" / CALL[1:]
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_bytes(MESSAGE)
        types = folder / "types"
        types.write_text("application/grpc grpc\n")
        self.port = free_port()
        super().__init__(stack, [tool("nghttpd"), "--no-tls", "-a", "127.0.0.1", "-d", folder / "root", f"--mime-types-file={types}",
                                 "--trailer", "grpc-status: 0", "-m", "1000", self.port], cpu, log)
        wait_for_port(self.port)


def temporary(stack):
    return pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-bench-")))


class Stand:
    """`origins`, two ports, are those of the caller; without them there are two of ours. `place` is what Place says beside the row."""

    def __init__(self, stack, options, row, origins=None, **place):
        self.stack, self.options, self.row, self.place = stack, options, row, place
        self.folder = temporary(stack)
        self.load_cpu, self.proxy_cpu = two_cpus()
        self.origins = [] if origins else [self.origin(number) for number in range(2)]
        self.ports = origins or [origin.port for origin in self.origins]
        self.pem = certificate(self.folder) if row.tls else None
        self.running = {name: self.start(name) for name in options.only if can(name, row)}

    def origin(self, number):
        log = self.folder / f"origin{number}.log"
        if self.row.grpc:
            return GrpcOrigin(self.stack, self.folder, self.load_cpu, log)
        return Origin(self.stack, self.row, self.options.bin_dir, self.load_cpu, log)

    def start(self, name):
        """(process, port)"""
        folder = self.folder / name
        folder.mkdir()
        row = self.row
        place = Place(folder, free_port(), self.ports, self.options.bin_dir, self.pem, row.h2, row.grpc,
                      row.logged and CONTENDERS[name].logs, **self.place)
        command = CONTENDERS[name].command(place)
        if shutil.which(str(command[0])) is None:
            raise Failed(f"{command[0]} is missing; ./dev bench builds it")
        process = Process(self.stack, command, self.proxy_cpu, folder / "stderr.log")
        wait_for_port(place.port, process, name)
        return process, place.port


def can(name, row):
    return CONTENDERS[name].can(row) and (not row.only or name in row.only)
