"""The project's own rules: the directions of its folders, and the script that counts what the tests did."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check_includes(root):
    return subprocess.run(["/usr/bin/python3", ROOT / "tests/check_includes.py", root], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def test_includes_go_only_where_the_links_go():
    done = check_includes(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture(name="copy")
def copy_of_the_house(tmp_path):
    for part in ("proxy", "control"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "CMakeLists.txt", tmp_path)
    return tmp_path


@pytest.mark.parametrize("folder, text, complaint", [
    ("proxy/route", '#include "proxy/net/wrong.hpp"', "does not link proxy/net"),
    ("proxy/base", '#include "proxy/config/spec.hpp"', "does not link proxy/config"),
    ("control/cli", '#include "proxy/config/spec.hpp"', "does not link proxy/config"),
    ("proxy/http", '#include "wrong.hpp"', "relative to the root"),
    ("proxy/http", "#include <boost/asio/buffer.hpp>", "proxy/http is pure"),
    ("proxy/config", '#include "proxy/base/asio.hpp"', "proxy/config is pure"),
    ("proxy/route", "auto now = std::chrono::steady_clock::now();", "time and chance are arguments"),
    ("proxy/session", "std::mutex lock;", "nothing that needs a lock"),
    ("proxy/upstream", "std::shared_mutex lock;", "nothing that needs a lock"),
])
def test_a_broken_rule_is_named_with_its_place(copy, folder, text, complaint):
    (copy / "proxy/net").mkdir(exist_ok=True)
    (copy / "proxy/net/wrong.hpp").touch()
    (copy / folder).mkdir(exist_ok=True)
    (copy / folder / "broken.cpp").write_text(f"// std::mutex in a comment is no lock\n{text}\n")
    done = check_includes(copy)
    assert done.returncode == 1
    assert f"{folder}/broken.cpp:2: " in done.stdout and complaint in done.stdout


def test_a_link_from_the_proxy_to_its_control_is_refused(copy):
    graph = copy / "CMakeLists.txt"
    graph.write_text(graph.read_text().replace("sluice_folder(worker ", "sluice_folder(worker  DIR proxy/worker LINKS sluice_state)\n#("))
    done = check_includes(copy)
    assert done.returncode == 1 and "proxy/worker must not link control/state" in done.stdout
