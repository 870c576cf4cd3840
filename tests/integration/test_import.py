"""sluicectl import nginx and advise: for those who come from the guide."""
import json
import os
import pty
import shlex
import subprocess

import pytest
from sluice import ROOT, binary

GUIDE = ROOT / "tests/support/guide"
TOUGH = ROOT / "tests/support/nginx/tough.conf"


def sluicectl(*args, **options):
    return subprocess.run([binary("sluicectl"), *map(str, args)], capture_output=True, text=True, timeout=30, **options)


@pytest.mark.parametrize("name", sorted(path.name for path in GUIDE.glob("nginx*")) + ["tough.conf"])
def test_what_import_prints_passes_check(name, folder):
    source = TOUGH if name == TOUGH.name else GUIDE / name
    done = sluicectl("import", "nginx", source)
    assert done.returncode == 0 and not done.stderr, done
    made = folder / "sluice.yaml"
    made.write_text(done.stdout)
    check = sluicectl("check", made)
    assert check.returncode == 0, check
    assert sluicectl("import", "nginx", "-", input=source.read_text()).stdout.splitlines()[1:] == done.stdout.splitlines()[1:]


def test_an_imported_canary_serves_its_shares(sluice, backend, folder):
    """The guide's 25 % file, its host names made addresses that exist here, runs as imported."""
    stable, one, two = backend("stable"), backend("one"), backend("two")
    text = (GUIDE / "nginx-canary-25.conf").read_text()
    for name, real in (("thebot-backend-canary-1:8000", one), ("thebot-backend-canary-2:8000", two), ("thebot-backend:8000", stable)):
        text = text.replace(name, real.address)
    (folder / "nginx.conf").write_text(text)
    yaml = sluicectl("import", "nginx", folder / "nginx.conf").stdout
    # Addresses tell no versions: one pool, and its weights are 75, 12, 13.
    assert "weight: 75" in yaml and "stable" in yaml
    daemon = sluice(yaml.replace("0.0.0.0:8080", "127.0.0.1:0") + "\nadmin: {socket: \"{dir}/admin.sock\"}\nstate_dir: \"{dir}/state\"\n")
    with daemon.client() as client:
        for _ in range(200):
            assert client.request().status == 200
    assert [len(b.seen()) for b in (stable, one, two)] == [150, 24, 26]


def test_a_broken_file_is_named_with_its_place(folder):
    broken = folder / "broken.conf"
    broken.write_text("upstream a {\n  server b:80\n}\n")
    done = sluicectl("import", "nginx", broken)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr == f"{broken}:3:1: the directive 'server' of line 2 is not ended, a ';' is missing\n"
    assert sluicectl("import", "nginx", folder / "none.conf").returncode == 2
    problem = sluicectl("-o", "json", "import", "nginx", broken)
    assert problem.returncode == 2 and json.loads(problem.stderr)["detail"].startswith(f"{broken}:3:1: ")


# -- advise

LEAVES = {
    ("yes",): "hotfix", ("no", "breaking"): "maintenance", ("no", "compatible", "yes"): "canary", ("no", "compatible", "no"): "blue-green",
    ("no", "none", "yes"): "canary", ("no", "none", "no", "yes"): "blue-green", ("no", "none", "no", "no", "yes"): "feature flag",
    ("no", "none", "no", "no", "no", "yes"): "rolling", ("no", "none", "no", "no", "no", "no"): "blue-green",
}
FLAGS = ("--hotfix", "--schema", "--major", "--regular", "--flags", "--instances")


@pytest.mark.parametrize("answers", LEAVES, ids="-".join)
def test_advise_by_flags_reaches_every_leaf_of_the_guides_tree(answers, folder):
    flags = [word for pair in zip(FLAGS, answers) for word in pair]
    done = sluicectl("-o", "json", "advise", *flags, "--service", "shop", "--from", "v1", "--to", "v2", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    said = json.loads(done.stdout)
    assert said["strategy"] == LEAVES[answers] and said["why"] and "shop" in said["rollback"]
    for command in [*said["commands"], said["rollback"]]:
        if not command.startswith("#"):
            program, *words = shlex.split(command)
            tried = sluicectl("--socket", folder / "nobody.sock", *words)
            assert program == "sluicectl" and tried.returncode == 3, f"{command}: it is understood, only nobody listens: {tried}"


def test_advise_names_the_missing_answer_when_nobody_can_be_asked():
    done = sluicectl("advise", "--hotfix", "no", stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "--schema none|compatible|breaking" in done.stderr and not done.stdout
    wrong = sluicectl("advise", "--hotfix", "perhaps", stdin=subprocess.DEVNULL)
    assert wrong.returncode == 2 and "yes|no" in wrong.stderr


def test_advise_asks_on_a_terminal():
    ours, theirs = pty.openpty()
    asking = subprocess.Popen([binary("sluicectl"), "advise"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    os.write(ours, b"n\nperhaps\ncompatible\nyes\n")
    out, asked = asking.communicate(timeout=20)
    os.close(ours)
    assert asking.returncode == 0 and out.startswith("Strategy: canary\n"), out
    assert asked.count("schema changes?") == 2 and asked.index("hotfix") < asked.index("schema") < asked.index("major")
