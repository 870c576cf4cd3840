"""Placing Sluice on a machine: what cmake --install lays down, and what systemd's own tools say about it."""
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build/release"))
UNITS = "usr/lib/systemd/system"


def run(*command, **options):
    return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, **options)


def install(destdir, prefix="/usr"):
    done = run("cmake", "--install", BUILD, "--prefix", prefix, env=os.environ | {"DESTDIR": str(destdir)})
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", name="image")
def installed_image(tmp_path_factory):
    destdir = tmp_path_factory.mktemp("image")
    install(destdir)
    return destdir


@pytest.fixture(scope="module", name="machine")
def image_with_targets(image, tmp_path_factory):
    """The image as systemd finds it on a machine: beside the units (sysinit.target ...) that every unit depends on."""
    machine = tmp_path_factory.mktemp("machine")
    shutil.copytree("/usr/lib/systemd/system", machine / UNITS, symlinks=True)
    shutil.copytree(image, machine, dirs_exist_ok=True)
    return machine


def test_every_file_is_where_debian_users_look(image):
    examples = {f"usr/share/doc/sluice/examples/{name}" for name in files(ROOT / "conf")}
    documentation = {f"usr/share/doc/sluice/docs/{name}" for name in files(ROOT / "docs")}
    pages = {name for name in files(image) if name.startswith("usr/share/man/")}
    assert {"usr/share/man/man1/sluicectl.1.gz", "usr/share/man/man8/sluiced.8.gz", "usr/share/man/man5/sluice.yaml.5.gz"} <= pages
    assert files(image) - pages - {"usr/share/doc/sluice/README.md", "usr/share/doc/sluice/NEWS.md"} == examples | documentation | {
        "usr/bin/sluiced", "usr/bin/sluicectl", "etc/sluice/sluice.yaml", "etc/logrotate.d/sluice",
        f"{UNITS}/sluice.service", f"{UNITS}/sluice.socket", "usr/lib/sysusers.d/sluice.conf",
        "usr/lib/tmpfiles.d/sluice.conf", "usr/share/bash-completion/completions/sluicectl",
        "usr/share/zsh/vendor-completions/_sluicectl", "usr/share/fish/vendor_completions.d/sluicectl.fish"}
    assert {pathlib.PurePath(name).name for name in examples} >= {"minimal.yaml", "canary.yaml", "blue-green.yaml",
                                                                  "reference.yaml"}


def test_programs_may_be_run_and_nothing_else(image):
    for name in files(image):
        mode = stat.S_IMODE((image / name).stat().st_mode)
        assert mode == (0o755 if name.startswith("usr/bin/") else 0o644), name


def test_the_installed_daemon_accepts_the_installed_configuration(image):
    done = run(image / "usr/bin/sluiced", "--check", "--config", image / "etc/sluice/sluice.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_installation_keeps_the_operators_configuration(tmp_path):
    install(tmp_path)
    config = tmp_path / "etc/sluice/sluice.yaml"
    config.write_text("listeners: []  # mine\n")
    assert f"Kept: {config}" in install(tmp_path)
    assert config.read_text() == "listeners: []  # mine\n"


@pytest.mark.parametrize("prefix, etc", [("/usr/local", "/etc"), ("/opt/sluice", "/opt/sluice/etc")])
def test_the_unit_names_the_paths_of_its_prefix(tmp_path, prefix, etc):
    install(tmp_path, prefix)
    unit = (tmp_path / prefix[1:] / "lib/systemd/system/sluice.service").read_text()
    assert f"\nExecStart={prefix}/bin/sluiced --config {etc}/sluice/sluice.yaml\n" in unit
    assert f"\nExecReload={prefix}/bin/sluicectl reload\n" in unit
    assert (tmp_path / etc[1:] / "sluice/sluice.yaml").is_file()


@pytest.mark.parametrize("unit", ["sluice.service", "sluice.socket"])
def test_systemd_has_nothing_to_say_about_the_unit(machine, unit):
    done = run("systemd-analyze", "verify", "--man=no", f"--root={machine}", unit)
    # An unknown key is only a warning to systemd (exit 0), so what it prints counts as well.
    assert (done.returncode, done.stderr) == (0, "")


def test_verify_would_notice(machine, tmp_path):
    """Guards the test above: it sees a misspelt key."""
    broken = tmp_path / "machine"
    shutil.copytree(machine, broken, symlinks=True)
    unit = broken / UNITS / "sluice.service"
    unit.write_text(unit.read_text().replace("KillMode=", "KilMode="))
    assert "Unknown key 'KilMode'" in run("systemd-analyze", "verify", "--man=no", f"--root={broken}",
                                          "sluice.service").stderr


def test_the_service_is_confined_to_an_exposure_of_at_most_1_6(machine):
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=16", f"--root={machine}", "sluice.service")
    assert done.returncode == 0, done.stdout
    assert float(re.search(r"exposure level for sluice.service: ([\d.]+)", done.stdout).group(1)) <= 1.6


def test_sysusers_makes_the_user(image, tmp_path):
    shutil.copytree(image, tmp_path, dirs_exist_ok=True)
    done = run("systemd-sysusers", f"--root={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^sluice:x:\d+:\d+:.*:/var/lib/sluice:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(),
                     re.MULTILINE)


def test_tmpfiles_makes_the_folders_that_the_unit_would(image, tmp_path):
    """With this process's user in the place of sluice: only root could give the folders to another."""
    rules = (image / "usr/lib/tmpfiles.d/sluice.conf").read_text()
    (tmp_path / "sluice.conf").write_text(rules.replace("sluice sluice", f"{os.geteuid()} {os.getegid()}"))
    done = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", tmp_path / "sluice.conf")
    assert done.returncode == 0, done.stderr
    unit = (image / UNITS / "sluice.service").read_text()
    for folder, kind in (("run", "Runtime"), ("var/lib", "State"), ("var/log", "Logs")):
        mode = re.search(rf"^{kind}DirectoryMode=(\d+)$", unit, re.MULTILINE).group(1)
        assert stat.S_IMODE((tmp_path / folder / "sluice").stat().st_mode) == int(mode, 8), folder


def test_logrotate_understands_its_file(image, tmp_path):
    """As /etc/logrotate.d/sluice, but with a log that is there and a user that this machine has."""
    (tmp_path / "access.log").write_text("{}\n")
    rules = (image / "etc/logrotate.d/sluice").read_text()
    rules = rules.replace("/var/log/sluice", str(tmp_path)).replace("sluice sluice", "root root")
    (tmp_path / "rules").write_text(rules)
    done = run("/usr/sbin/logrotate", "--debug", "--state", tmp_path / "state", tmp_path / "rules")
    assert done.returncode == 0 and "error:" not in done.stderr, done.stderr
    assert f"considering log {tmp_path}/access.log" in done.stderr
