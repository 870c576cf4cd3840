"""A short run of `./dev chaos`: no crash, no leak, no answer to another request, no idempotent request lost."""
import os
import subprocess

from sluice import BIN, ROOT


def test_chaos_for_some_seconds(capsys):
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "tests/chaos/chaos.py"), "--seconds", "6", "--seed", "7"], capture_output=True,
                          text=True, timeout=100, env={**os.environ, "SLUICE_BIN": str(BIN)})
    assert done.returncode == 0, done.stdout + done.stderr
    with capsys.disabled():
        print("\n" + done.stdout)
    assert "wrong answers    0" in done.stdout and "idempotent lost  0" in done.stdout
