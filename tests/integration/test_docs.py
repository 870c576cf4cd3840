"""Every command and every configuration of README.md and docs/ is run; every link leads somewhere. How a page says what it needs:
tests/support/pages.py. A page is a test, with a machine's network, files and processes of its own (tests/support/stage.py)."""
import json
import subprocess

import pytest

from page_reader import Reader
from pages import ROOT, Block, PageError, broken_links, commands_of, completed, pages, read_page, shows, untested
from stage import Stage, unshare

UNSHARE = unshare()
PAGES = {page.relative_to(ROOT).as_posix(): page for page in pages()}

# Blocks that say `not run: REASON`, by page. A new one stands here, and wants a better reason than that it was easier.
NOT_RUN = {
    "README.md": 1,                     # installing: test_package.py, test_systemd.py
    "docs/ARCHITECTURE.md": 1,          # a table in columns
    "docs/concepts.md": 1,              # a picture
    "docs/developing.md": 2,            # figures; the tests themselves
    "docs/operating.md": 2,             # installing: test_package.py, test_units.py
    "docs/recipes/containers.md": 1,    # docker: test_image.py
}


@pytest.fixture
def stage(folder):
    if UNSHARE is None:
        pytest.skip("no namespaces for this user")
    made = Stage(folder / "stage", UNSHARE)
    yield made
    made.close()


@pytest.mark.parametrize("name", PAGES)
def test_all_that_a_page_says_to_do_is_done(stage, name):
    Reader(stage, name).read(read_page(PAGES[name].read_text()))


@pytest.mark.parametrize("name", PAGES)
def test_no_block_is_left_out_silently(name):
    blocks = [one for one in read_page(PAGES[name].read_text()) if isinstance(one, Block)]
    assert [untested(block) for block in blocks if untested(block)] == []
    assert len([block for block in blocks if block.not_run]) == NOT_RUN.get(name, 0), "NOT_RUN of this test holds how many there are"


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    assert list(broken_links(PAGES[name])) == []


# ---- the reader itself

def blocks_of(text):
    return [one for one in read_page(text) if isinstance(one, Block)]


@pytest.mark.parametrize("text, complaint", [
    ("```console\n$ echo a\nb\n```\n", "the page shows\nb"),
    ("```console\n$ echo a\na\na\n```\n", "the page shows\na\na"),
    ("```console\n$ false\n```\n", "`false` ended with 1"),
    ("<!-- test: fails 2 -->\n```console\n$ false\n```\n", "`false` ended with 1"),
    ("```console\n$ false\n$ echo $?\n0\n```\n", "the page shows\n0"),
    ("```console\n$ sluicectl splitt\n```\n", "ended with 2"),
    ("```console\n$ echo 'not closed\n```\n", "did not end"),
    ("```yaml\nlisteners: 1\n```\n", "'listeners' must be a list"),
    ("```yaml\nservices: {api: {balanc: hash}}\n```\n", "did you mean 'balance'"),
    ("```json\n{\n```\n", "Expecting property name"),
    ("```text\nsomething\n```\n", "is not tested"),
    ("```sh\ncurl\n```\n", "is not tested"),
    ("```console later\n$ true\n```\n", "is not tested"),
    ("```text not run:\nsomething\n```\n", "is not tested"),
    ("```\nsomething\n```\n", "is not tested"),
    ("<!-- test: file /etc/a -->\n```text\na\n```\n", "no command of the page names /etc/a"),
    ("<!-- test: sh false -->", "what the page needs ended with 1"),
    ("<!-- test: background -->\n```console\n$ echo a\nb\n```\n", "`echo a` printed:\na"),
], ids=range(18))
def test_a_page_that_does_not_hold_is_found(stage, text, complaint):
    with pytest.raises((AssertionError, json.JSONDecodeError)) as found:
        Reader(stage, "page.md", patience=0.5).read(read_page(text))
    assert complaint in str(found.value)


@pytest.mark.parametrize("text, complaint", [
    ("```console\n$ true\n", "does not end"),
    ("<!-- test: dmeo -->", "is no word"),
    ("<!-- test: start -->\n", "no block follows"),
    ("```console\ntrue\n```\n", "output before a command"),
    ("```console\n```\n", "without a command"),
    ("```console\n$ cat <<'EOF'\na\n```\n", "does not end"),
], ids=range(6))
def test_a_page_that_cannot_be_read_is_refused(text, complaint):
    with pytest.raises(PageError, match=complaint):
        [commands_of(block) for block in blocks_of(text)]


@pytest.mark.parametrize("shown, printed", [
    ("api: blue 95% -> 0%   (generation 2 -> 3, 2.1 ms)", "api: blue 95% -> 0%   (generation 2 -> 3, 12.4 ms)"),
    ("a   b", "a b"),
    ("at 2026-11-27T14:02:11.123Z by pid 4711", "at 2027-01-01T00:00:00.000Z by pid 3"),
    ("...\nb\n...", "a\nb"),
    ("...\nb\n...", "a\na\nb\nc"),
    ("a ... c", "a b c"),
    ("", "whatever"),
    ("took 3 s", "took 1.5 s"),
    ("took 900 ms", "took 1.1 s"),
])
def test_what_differs_from_run_to_run_may(shown, printed):
    assert shows(shown.split("\n"), printed)


@pytest.mark.parametrize("shown, printed", [
    ("generation 2", "generation 3"), ("blue 95%", "blue 96%"), ("127.0.0.1:9001", "127.0.0.1:9002"), ("10.0.0.1", "10.0.0.2"),
    ("...\nb", "a\nc"), ("a", "a\nb"), ("30s", "31s"), ("1 up", "2 up"),
])
def test_what_does_not_differ_may_not(shown, printed):
    assert not shows(shown.split("\n"), printed)


def test_a_part_of_a_configuration_is_completed():
    whole = json.loads(completed("services: {api: {balance: hash}, web: {}}"))
    assert whole["services"]["api"]["balance"] == "hash" and set(whole["services"]["web"]["pools"]) == {"blue", "green"}
    assert [route["service"] for route in whole["routes"]] == ["web", "api"]
    text = "listeners: []\nroutes: []\nservices: {a: {pools: {}}}\n"
    assert completed(text) == text


def test_a_page_is_renewed(folder):
    if UNSHARE is None:
        pytest.skip("no namespaces for this user")
    page = folder / "page.md"
    page.write_text("```console\n$ echo a; \\\n  echo 0.1 ms\nb\nc\n$ true\n$ echo 2.5 ms\n3.5 ms\n```\nend\n")
    done = subprocess.run(["/usr/bin/python3", ROOT / "tests/renew_pages.py", page], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{page}: 1 outputs are new\n", done
    assert page.read_text() == "```console\n$ echo a; \\\n  echo 0.1 ms\na\n0.1 ms\n$ true\n$ echo 2.5 ms\n3.5 ms\n```\nend\n"


def test_links_to_nowhere_are_found(tmp_path):
    (tmp_path / "there.md").write_text("# A `name`, of it\n## Twice\n## Twice\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text("[a](there.md) [b](there.md#a-name-of-it) [c](there.md#twice-1) [d](https://example.com/x#y) `[e](none.md)`\n"
                    "```\n[f](none.md)\n```\n[g](none.md) [h](there.md#no-heading) [i](#nothing) ![j](none.png)\n")
    assert [target for _, target in broken_links(page)] == ["none.md", "there.md#no-heading", "#nothing", "none.png"]
