"""sluiced demo --story: a rollout that fails and one that succeeds, told in plain lines and seen in `sluicectl top`.

With SLUICE_RECORD=1 the first test plays it slower and writes docs/images/story.svg of what the terminal showed.
"""
import os
import re
import signal
import subprocess
import textwrap
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest
from recording import Recording
from sluice import ROOT, binary, die_with_the_tests, processes_of_session
from terminal import Terminal
from waiting import wait_until

IMAGE = ROOT / "docs/images/story.svg"
RECORDS = bool(os.environ.get("SLUICE_RECORD"))


class Story:
    """The demo as it plays; what it has told so far."""

    def __init__(self, folder, *words):
        self.socket = folder / "admin.sock"
        self.scratch = folder / "tmp"
        self.scratch.mkdir()
        command = [binary("sluiced"), "demo", "--story", "--port", "0", "--admin-port", "0", "--socket", str(self.socket), *words]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, "TMPDIR": str(self.scratch)}, preexec_fn=die_with_the_tests, start_new_session=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def told(self):
        """All of it, each thing in one line."""
        return re.sub(r"\n {7}", " ", "\n".join(self.lines))

    def told_last(self):
        """What was said at the latest of its times."""
        told = re.sub(r"\S*sluicectl --socket \S+", "sluicectl", self.told())  # a recording names no folder of this machine
        said = [line.split(maxsplit=1) for line in told.splitlines() if re.match(r" *\d+:\d\d ", line)]
        return " ".join(text for time_, text in said if time_ == said[-1][0])

    def wait_for(self, pattern, seconds=60):
        wait_until(lambda: re.search(pattern, self.told(), re.M) or self.process.poll() is not None, seconds, self.told)
        assert re.search(pattern, self.told(), re.M), self.told()

    def ends(self, seconds=60):
        code = self.process.wait(seconds)
        self.reader.join()
        assert not processes_of_session(self.process.pid)
        assert list(self.scratch.iterdir()) == [] and not self.socket.exists(), "it leaves something behind"
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.reader.join()
        self.process.stdout.close()


@pytest.fixture
def story(folder):
    made = []

    def play(*words):
        made.append(Story(folder, *words))
        made[-1].wait_for(r"PART ONE")
        return made[-1]

    yield play
    for one in made:
        one.close()


ALL_OF_IT = [r"^ +page +http://127\.0\.0\.1:\d+/#token=\S+$", r"^ +watch +\S*sluicectl --socket \S+ top$", "PART ONE", r"\$ \S*sluicectl .*rollout start demo --to green",
             r"step 1 of 4: 5% of the users are on green", r"step 2 of 4: 25%", "GREEN BREAKS",
             r"IT WENT BACK by itself, \S+ after green broke, and nobody typed anything. Why: error_rate", r"saw of it: 0 errors in \d{3,} requests",
             "PART TWO", "step 1 of 4: 5%", "step 2 of 4: 25%", "step 3 of 4: 50%", "step 4 of 4: 100%", "IT IS DONE: green has 100%",
             r"saw of it: 0 errors in \d{3,} requests", "That was the story"]


def test_it_is_told_to_its_end_and_top_shows_it(story):
    play = story("--pace", "4.5" if RECORDS else "10")
    columns, rows = 100, 22
    top = Terminal([binary("sluicectl"), "top"], columns, rows, {"NO_COLOR": None, "SLUICE_SOCKET": str(play.socket)})
    recording = Recording(columns, rows, "sluicectl top while a rollout fails and goes back, and while the next one succeeds")
    seen, began, pictures = "", time.monotonic(), 0
    try:
        while play.process.poll() is None:
            top.read(0.05)
            if top.screen.pictures == pictures or top.rest:
                continue
            pictures = top.screen.pictures
            seen += top.text() + "\n"
            if "NO DATA" not in top.text():
                recording.frame(time.monotonic() - began, top.screen, "\n".join(textwrap.wrap(play.told_last(), columns)[:2]))
        assert play.ends() == 0
        top.shows(r"NO DATA since")
        top.press("q")
        assert top.ends() == 0
    finally:
        top.close()
    told, at = play.told(), 0
    for pattern in ALL_OF_IT:
        match = re.compile(pattern, re.M).search(told, at)
        assert match, f"{pattern} is not told in its place:\n{told}"
        at = match.end()
    for pattern in (r"^HOLDING +\d+ % of the requests go to green$", r"^ROLLED BACK +All requests go to blue again$", r"^DONE +All requests go to green$", r"^WATCHING|^HOLDING +50 %"):
        assert re.search(pattern, seen, re.M), f"{pattern} was never seen"
    if RECORDS:
        IMAGE.parent.mkdir(exist_ok=True)
        IMAGE.write_text(recording.svg(time.monotonic() - began))


def test_it_goes_by_HTTP_2_as_well(story):
    play = story("--h2", "--pace", "10")
    play.wait_for("IT WENT BACK by itself")
    play.wait_for("IT IS DONE")
    assert play.ends() == 0


@pytest.mark.parametrize("at", ["PART ONE", "GREEN BREAKS", "PART TWO", r"step 3 of 4"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_it_can_be_ended_at_any_time(story, at, number):
    play = story("--pace", "10")
    play.wait_for(at)
    play.process.send_signal(number)
    assert play.ends(20) == 0
    assert "That was the story" not in play.told()


@pytest.mark.parametrize("words, says", [(["--pace", "2"], "give --story as well"), (["--story", "--fail", "green=5%"], "exclude each other"),
                                         (["--story", "--pace", "0"], "no pace"), (["--story=yes"], "takes no value"), (["--stori"], "did you mean '--story'?")])
def test_what_it_cannot_play_is_said(words, says):
    done = subprocess.run([binary("sluiced"), "demo", *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and says in done.stderr, done


def test_the_demo_prints_where_the_page_is(folder):
    demo = subprocess.Popen([binary("sluiced"), "demo", "--port", "0", "--admin-port", "0", "--socket", folder / "admin.sock"], stdout=subprocess.PIPE,
                            text=True, preexec_fn=die_with_the_tests)
    try:
        lines = []
        while not lines or not lines[-1].startswith("More:"):
            lines.append(demo.stdout.readline())
            assert lines[-1], lines
        page = re.search(r"^ +page +(http://127\.0\.0\.1:\d+/)#token=\S+$", "".join(lines), re.M)[1]
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", page], capture_output=True, text=True, timeout=20)
        assert done.stdout == "200", done
    finally:
        demo.terminate()
        demo.communicate(timeout=20)
    assert demo.returncode == 0


def test_the_recording_is_a_file_that_GitHub_shows():
    """It comes from the first test; here what it must be wherever it is shown."""
    text = IMAGE.read_text()
    assert len(text.encode()) < 200_000
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox")
    unwanted = ("--socket", "<script", "<image", "@import", "url(", "foreignObject", "onload")
    assert [word for word in unwanted if word in text] == []
    links = {value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")}
    names = {element.get("id") for element in root.iter() if element.get("id")}
    assert links and all(link.startswith("#") and link[1:] in names for link in links)
    shown = " ".join(root.itertext())
    assert [words for words in ("HOLDING", "ROLLED BACK", "DONE", "GREEN BREAKS", "IT IS DONE") if words not in shown] == []
