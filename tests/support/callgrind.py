"""Programs under callgrind: what they execute between two looks. Instructions of user space, which repeat to less than a per cent
whatever else the machine does."""
import os
import re
import subprocess

from sluice import die_with_the_tests
from waiting import wait_until

# Libraries choose their code by what the processor can; the counts must not differ by machine. So all take what each x86-64 has.
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-AVX_Usable,-ERMS,-AVX512F_Usable,-AVX2,-AVX,-AVX512F",
         "OPENSSL_ia32cap": "~0x1000000000000000:~0x20000128"}


class Watched:
    """A program that runs under callgrind. `since()`: what it did since the last look, as a Look."""

    def __init__(self, folder, command):
        self.out, self.looks, self.log = folder / "callgrind", 0, folder / "callgrind.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", *map(str, command)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **PLAIN},
                                            preexec_fn=die_with_the_tests)

    def since(self):
        assert self.process.poll() is None, self.log.read_text()
        self.looks += 1
        done = subprocess.run(["callgrind_control", "--dump", str(self.process.pid)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        file = self.out.with_name(f"{self.out.name}.{self.looks}")
        return Look(wait_until(lambda: file.exists() and re.search(r"^totals: ", file.read_text(), re.M) and file.read_text(), what=f"{file}"))

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Look:
    """One dump of callgrind."""

    def __init__(self, text):
        self.instructions = int(re.search(r"^totals: (\d+)", text, re.M)[1])
        self.text = text

    def calls(self, name):
        """How often functions of exactly these names were called. A name stands in full once, later as its number alone."""
        numbers = {number for number, full in re.findall(r"^c?fn=\((\d+)\) (.+)$", self.text, re.M) if full in name}
        total = 0
        for number, count in re.findall(r"^cfn=\((\d+)\).*\n(?:cfi=.*\n|cob=.*\n)*calls=(\d+)", self.text, re.M):
            total += int(count) if number in numbers else 0
        return total


def run_to_its_end(folder, command):
    """The instructions of the whole run."""
    out = folder / "callgrind.run"
    done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *map(str, command)], capture_output=True,
                          text=True, timeout=100, env={**os.environ, **PLAIN}, preexec_fn=die_with_the_tests)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])
