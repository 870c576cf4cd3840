"""docs/troubleshooting.md has every value of X-Sluice-Error and every line that the log may warn with; docs/configuration.md is what the
program prints."""
import re
import subprocess

import pytest

from sluice import ROOT, binary

PAGE = ROOT / "docs/troubleshooting.md"
SOURCES = sorted(path for part in ("proxy", "control") for path in (ROOT / part).rglob("*.[ch]pp"))
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')

# Lines that are made elsewhere, by file and format: what the page has of them, or why it has nothing.
MADE_ELSEWHERE = {
    ("control/acme/keeper.cpp", "{}"): ["a file of `state_dir/acme` that cannot be written"],
    ("control/admin/unix_socket.cpp", "{}"): ["cannot give it to group"],
    ("control/daemon/daemon.cpp", "{}"): "why it does not start: the error's own words, the last line before exit 1",
    ("control/rollout_driver/rollout_driver.cpp", "{}: {}"): ["`...: rollout ...: ...`",
                                                             "what the process before this one counted in the step cannot be read"],
    ("control/rollout_driver/rollout_driver.cpp", "{}: {}: {}"): ["is above its warn limit:"],
    ("control/change/reloader.cpp", "{}"): ["was replaced where it is mounted from", "set at run time", "### Certificates",
                                            "## Notes of the configuration"],
    ("control/change/control.cpp", "{}"): ["## Notes of the configuration"],
    ("control/change/committer.cpp", "{}"): ["set at run time", "### State on disk"],
    ("control/change/recorder.cpp", "{}"): "Recorder::warn: its callers' words are looked for below",
    ("proxy/client/connection.cpp", "connection from {}: {}"): ["`connection from ...: ...`"],
    ("proxy/client/http2_connection.cpp", "connection from {}: {}"): ["`connection from ...: ...`"],
    ("proxy/upstream/http2_connection.cpp", "backend {}: {}"): ["`backend ...: ...`"],
}

# What makes sentences that are logged as they are: how such a statement begins.
MAKERS = {
    "control/state/merge.cpp": r"conflicts\.push_back\(|report\.conflicts : report\.changes\)\s*\.push_back\(",
    "control/state/traffic.cpp": r"conflicts\.push_back\(",
    "control/state/journal_open.cpp": r"warnings\.push_back\(",
    "control/change/config_file.cpp": r"return path \+\n",
    "control/change/certificates.cpp": r"text \+= ",
    "proxy/config/notes.cpp": r"out\.add\(",
    "any": r"\brecorder_?\.warn\(",
}


def page():
    return re.sub(r"\s+", " ", PAGE.read_text())


def literals(statement):
    """The texts of a statement, those next to each other as one."""
    joined = re.sub(r'"\s*\n?\s*"', "", statement)
    return [text.replace('\\"', '"') for text in STRING.findall(joined)]


def statements(text, opening):
    """From each match to the end of its statement."""
    for match in re.finditer(opening, text):
        end = re.compile(r";\s*\n").search(text, match.end())
        yield text[match.end():end.start()]


def logged():
    """(file, format) of each warning and error of the log."""
    found = []
    for path in SOURCES:
        for statement in statements(path.read_text(), r"spdlog::(?:warn|error|critical)\("):
            found.append((path.relative_to(ROOT).as_posix(), literals(statement)[0]))
    return found


LOGGED = sorted(set(logged()))


def words_of(reasons):
    block = re.search(r"kRefusalReasons = \{(.*?)\};", reasons, re.DOTALL)[1]
    return STRING.findall(block)


@pytest.mark.parametrize("word", words_of((ROOT / "proxy/base/reasons.hpp").read_text()))
def test_each_word_of_x_sluice_error_has_a_row(word):
    assert f"| `{word}` |" in PAGE.read_text(), f"docs/troubleshooting.md has no row for X-Sluice-Error: {word}"


def test_no_row_is_of_a_word_that_is_none():
    part = PAGE.read_text().split("## By X-Sluice-Error")[1].split("## By exit code")[0]
    known = set(words_of((ROOT / "proxy/base/reasons.hpp").read_text()))
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == known


def test_the_log_is_searched():
    assert len(LOGGED) > 35, LOGGED


@pytest.mark.parametrize("file, line", LOGGED)
def test_each_warning_and_error_of_the_log_has_a_row(file, line):
    elsewhere = MADE_ELSEWHERE.get((file, line))
    if isinstance(elsewhere, str):
        return
    for wanted in elsewhere or [line.replace("{}", "...")]:
        assert wanted in page(), f"{file} logs '{line}', and docs/troubleshooting.md has no '{wanted}'"


@pytest.mark.parametrize("maker", MAKERS)
def test_each_sentence_that_is_logged_as_it_is_has_a_row(maker):
    text, fragments = page(), []
    for path in SOURCES if maker == "any" else [ROOT / maker]:
        for statement in statements(path.read_text(), MAKERS[maker]):
            fragments += [piece.strip(" :;,'(") for piece in literals(statement) if len(piece.split()) > 2]
    assert fragments, f"{maker}: nothing is made there any more"
    assert [piece for piece in fragments if piece not in text] == []


def test_what_is_made_elsewhere_is_still_made():
    assert set(MADE_ELSEWHERE) <= set(LOGGED)


def test_the_page_of_keys_is_what_the_program_prints():
    printed = subprocess.run([binary("sluiced"), "__reference"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert (ROOT / "docs/configuration.md").read_text() == printed, "made anew by: build/release/bin/sluiced __reference >docs/configuration.md"


# README's rows, by the name of the row in the results, and how many digits it gives.
FIGURES = {"get": 1, "tls": 1, "big": 0, "close": 1, "idle": 0}


def test_the_first_page_has_the_figures_of_the_results():
    table = (ROOT / "bench/RESULTS.md").read_text().split("## The table")[1].split("\n## ")[0]
    results = {cells[0].strip(" `"): cells for line in table.splitlines() if line.startswith("| `") for cells in [line.strip("| ").split(" | ")]}
    shown = [line.strip("| ").split(" | ") for line in (ROOT / "README.md").read_text().split("## What it costs")[1].splitlines() if line.startswith("| ")]
    rows = [cells[1:5] for cells in shown[1:]]
    for (name, digits), row in zip(FIGURES.items(), rows):
        floor, sluice, nginx, haproxy = results[name][3:7]
        wanted = [one if one == "-" else f"{float(one.replace(',', '')):,.{digits}f}" for one in (sluice, nginx, haproxy, floor)]
        assert row == wanted, f"README's row {name} is not that of bench/RESULTS.md"
