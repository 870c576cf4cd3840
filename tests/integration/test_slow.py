"""X5, X7: slowhttptest in all its modes. Others are served, and the slow ones are ended. (`./dev chaos --slow`: 1,000 connections,
and the times of those others beside their quiet ones.)"""
import os
import subprocess

from sluice import BIN, ROOT


def test_X5_slowhttptest_in_all_its_modes(capsys):
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "tests/chaos/slow.py"), "--seconds", "6", "--connections", "300", "--rounds", "1"], capture_output=True,
                          text=True, timeout=110, env={**os.environ, "SLUICE_BIN": str(BIN)})
    with capsys.disabled():
        print("\n" + done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    for mode in ("slow headers", "slow body", "range", "slow read"):
        assert mode in done.stdout
