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
    ("control/cli", '#include "control/rollout/judge.hpp"', "does not link control/rollout"),
    ("proxy/http", '#include "wrong.hpp"', "relative to the root"),
    ("proxy/http", "#include <boost/asio/buffer.hpp>", "proxy/http is pure"),
    ("proxy/config", "#include <thread>", "proxy/config is pure"),
    ("proxy/net", "#include <boost/asio/post.hpp>", "Asio ends at control's door"),
    ("proxy/config", "#include <fcntl.h>", "proxy/config is pure"),
    ("proxy/http", "#include <sys/stat.h>", "proxy/http is pure"),
    ("proxy/route", "auto now = std::chrono::steady_clock::now();", "time and chance are arguments"),
    ("proxy/exchange", "std::mutex lock;", "nothing that needs a lock"),
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


def check_pages(root):
    return subprocess.run(["/usr/bin/python3", ROOT / "tests/check_pages.py", root], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def test_what_pages_and_comments_name_is_there():
    done = check_pages(ROOT)
    assert done.returncode == 0, done.stdout


SOUND = """// S1: see alpha.hpp, proxy/room/alpha and ../room/alpha.hpp; TwoHumps::go_on() and `go_on()` do it, P99 is a percentile.
struct TwoHumps { void go_on(); };
const char* text = "S77 is a text, as proxy/room/none.hpp and NoClass are";
TEST(AlphaS1, S1_holds) {}
"""


@pytest.fixture(name="small_house")
def house_of_one_room(tmp_path):
    for folder in ("docs", "proxy/room", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/PROMISES.md").write_text("- **S1** It is so.\n")
    (tmp_path / "proxy/room/alpha.hpp").write_text(SOUND)
    return tmp_path


def test_what_is_there_may_be_named(small_house):
    assert check_pages(small_house).stdout == "0 things named that are not there\n"


@pytest.mark.parametrize("file, text, complaint", [
    ("proxy/room/beta.cpp", "// S2 is kept here", "promise S2 does not stand"),
    ("proxy/room/beta.cpp", "TEST(Beta, S2_is_kept) {}", "promise S2 does not stand"),
    ("proxy/room/beta.cpp", "TEST(BetaS2, IsKept) {}", "promise S2 does not stand"),
    ("tests/test_beta.py", "def test_S2_is_kept(): pass", "promise S2 does not stand"),
    ("tests/test_beta.py", '"""Keeps S2."""', "promise S2 does not stand"),
    ("docs/PAGE.md", "As S2 says.", "promise S2 does not stand"),
    ("docs/PAGE.md", "`proxy/room/beta.hpp` has it.", "there is no proxy/room/beta.hpp"),
    ("docs/PAGE.md", "proxy/beta has it.", "there is no proxy/beta"),
    ("proxy/room/beta.cpp", "// as in gamma.hpp", "there is no gamma.hpp"),
    ("proxy/room/beta.cpp", "// gamma_*.cpp", "there is no gamma_*.cpp"),
    ("proxy/room/beta.cpp", "// stop() ends it", "there is no function stop()"),
    ("proxy/room/beta.cpp", "// TwoHumps::stop ends it", "there is no TwoHumps::stop"),
    ("proxy/room/beta.cpp", "// a ThreeHumps ends it", "there is no class ThreeHumps"),
    ("docs/PAGE.md", "`ThreeHumps` ends it", "there is no class ThreeHumps"),
])
def test_what_is_not_there_may_not(small_house, file, text, complaint):
    (small_house / file).write_text(text + "\n")
    done = check_pages(small_house)
    assert done.returncode == 1 and f"{file}:1: {complaint}" in done.stdout


def tally(folder, ctest="", gtest=None, pytest_report="", status=5):
    """Runs tests/tally.py on these reports; returns its exit status and its line."""
    for part in ("gtest", "sanitizer"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "ctest.xml").write_text(f"<testsuite>{ctest}</testsuite>")
    (folder / "pytest.xml").write_text(f"<testsuites><testsuite>{pytest_report}</testsuite></testsuites>")
    for name, cases in (gtest or {}).items():
        (folder / "gtest" / f"{name}.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    command = ["/usr/bin/python3", ROOT / "tests/tally.py", "ctest.xml", "gtest", "pytest.xml", str(status), "sanitizer"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


PASSED = '<testcase name="a" status="run" result="completed"/>'
FAILED = '<testcase name="b" status="run" result="completed"><failure message="no"/></testcase>'
SKIPPED = '<testcase name="c" status="run" result="skipped"><skipped message="no"/></testcase>'
PROGRAM = '<testcase name="unit_base" status="{}"/>'


def test_the_tally_adds_both_runners(tmp_path):
    assert tally(tmp_path, PROGRAM.format("run"), {"unit_base": PASSED + PASSED + SKIPPED}, PASSED, 0) == (
        0, "3 passed, 0 failed, 1 skipped\n")


def test_the_tally_counts_failures_of_either(tmp_path):
    assert tally(tmp_path, PROGRAM.format("fail"), {"unit_base": PASSED + FAILED}, PASSED + FAILED, 1) == (
        1, "2 passed, 2 failed\n")


def test_a_crash_without_a_report_is_a_failure(tmp_path):
    assert tally(tmp_path, PROGRAM.format("fail"), {}, PASSED, 0) == (1, "1 passed, 1 failed\n")


def test_pytest_cut_off_is_a_failure(tmp_path):
    assert tally(tmp_path, PROGRAM.format("run"), {"unit_base": PASSED}, PASSED, 124) == (1, "2 passed, 1 failed\n")


def test_a_sanitizer_report_is_a_failure(tmp_path):
    (tmp_path / "sanitizer").mkdir()
    (tmp_path / "sanitizer/report.1").write_text("ERROR: LeakSanitizer")
    assert tally(tmp_path, PROGRAM.format("run"), {"unit_base": PASSED}) == (1, "1 passed, 1 failed\n")


def test_no_test_at_all_is_a_failure(tmp_path):
    assert tally(tmp_path) == (1, "0 passed, 0 failed\n")
