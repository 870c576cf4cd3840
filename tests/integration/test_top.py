"""sluicectl top and status -w in a terminal: the picture, keys, sizes, what is left behind, a daemon that goes and comes."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest
from sluice import binary, config_of, service
from terminal import Terminal
from waiting import wait_until


@pytest.fixture
def terminal():
    """terminal(daemon, *words) runs sluicectl in a terminal of its own."""
    made = []

    def run(daemon, *words, columns=80, rows=24, env=None):
        made.append(Terminal([binary("sluicectl"), "--socket", daemon.socket, *words], columns, rows, env))
        return made[-1]

    yield run
    for one in made:
        one.close()


@pytest.fixture
def shop(sluice, backend):
    """A daemon of one service with blue and green, and of two more when asked."""
    def start(*names):
        blue, green = backend("blue"), backend("green")
        names = names or ("api",)
        return sluice(config_of({name: service({"blue": [blue], "green": [green]}) for name in names}))
    return start


def restored(terminal):
    """The main screen, the cursor and the terminal's mode are as they were."""
    assert not terminal.screen.alternate and terminal.screen.cursor_shown and terminal.screen.wraps
    assert terminal.attributes() == terminal.attributes_before
    return True


def test_a_rollout_is_painted_in_place_until_q(shop, terminal):
    daemon = shop()
    top = terminal(daemon, "top")
    top.shows(r"^STEADY  All requests go to blue$")
    assert top.screen.alternate and not top.screen.cursor_shown
    before = top.screen.pictures
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "25%,100%", "--hold", "1h", "--max-error-rate", "5%", "--reason", "INC-12")
    top.shows(r"^HOLDING  25 % of the requests go to( green)?$")
    text = top.shows(r"^steps  \[25% now, (1h|59m 5\ds) left\] ── 100% for 1h$")
    assert f"back   sluicectl --socket '{daemon.socket}' rollback api" in text, text
    assert re.search(r"^green +▓▓+░+ +set 25% +measured ", text, re.M), text
    assert re.search(r"^error_rate .* max 5% +undecided$", text, re.M), text
    assert re.search(r'rollout start by uid \d+ pid \d+, "INC-12"', text), text
    assert top.screen.pictures > before and text.count("HOLDING") == 1
    assert not re.search(r"\n", top.raw.replace("\r\n", "")), "a line feed alone moves the picture"
    top.press("q")
    assert top.ends() == 0 and restored(top)
    assert top.text() == "", "what was on the screen comes back"


def test_status_w_on_a_terminal_is_the_same_picture(shop, terminal):
    daemon = shop("api", "web")
    watch = terminal(daemon, "status", "-w", "web")
    watch.shows(r"^web  generation 1 ")
    daemon.do("split", "web", "blue=60%", "green=40%")
    watch.shows(r"^SHIFTED  40 % of the requests go to green$")
    watch.press("q")
    assert watch.ends() == 0 and restored(watch)
    brief = terminal(daemon, "status", "-w", "--brief", "--sort", "name")
    text = brief.shows(r"^▶ api .* STEADY All requests go to blue$")
    assert re.search(r"^  web .* SHIFTED 40 % of the requests go to green$", text, re.M) and "measured" not in text, text


@pytest.mark.parametrize("columns, rows", [(40, 24), (80, 10), (200, 50), (20, 5), (3, 1)])
def test_the_picture_fits_and_fits_again_when_the_size_changes(shop, terminal, columns, rows):
    daemon = shop("api", "web")
    daemon.do("rollout", "start", "api", "--to", "green", "--steps", "25%,100%", "--hold", "1h", "--max-error-rate", "5%")
    top = terminal(daemon, "top", "api")
    top.shows(r"^HOLDING")
    pictures = top.screen.pictures
    top.resize(columns, rows)
    top.until(lambda screen: screen.pictures > pictures + 1)
    assert top.screen.lines()[0].startswith("api"[:columns - 1]), top.text()
    if rows >= 10:
        assert re.search(r"^HOLDING  25 % of the requests go to( green)?$", top.text(), re.M), top.text()
        assert re.search(r"^  back   sluicectl ", top.text(), re.M), top.text()
    top.press("q")
    assert top.ends() == 0 and restored(top)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda number: number.name)
def test_the_terminal_is_restored_whatever_ends_it(shop, terminal, number):
    top = terminal(shop(), "top")
    top.shows(r"^STEADY")
    top.signal(number)
    assert top.ends() == -number and restored(top)


def test_ctrl_c_is_a_signal_as_it_is_typed(shop, terminal):
    top = terminal(shop(), "top")
    top.shows(r"^STEADY")
    top.press("\x03")
    assert top.ends() == -signal.SIGINT and restored(top)


def test_it_gives_the_terminal_back_while_it_is_stopped(shop, terminal):
    top = terminal(shop(), "top")
    top.shows(r"^STEADY")

    def state():
        with open(f"/proc/{top.process.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    top.signal(signal.SIGTSTP)
    wait_until(lambda: state() == "T")
    top.until(lambda screen: not screen.alternate)
    assert restored(top)
    top.signal(signal.SIGCONT)
    top.until(lambda screen: screen.alternate and re.search(r"^STEADY", screen.text(), re.M))
    top.press("q")
    assert top.ends() == 0 and restored(top)


def test_it_says_that_the_daemon_is_gone_and_follows_it_again(shop, terminal):
    daemon = shop()
    daemon.do("split", "api", "blue=75%", "green=25%")
    top = terminal(daemon, "top")
    top.shows(r"^SHIFTED  25 % of the requests go to green$")
    daemon.stop()
    text = top.shows(r"NO DATA since \d\d:\d\d:\d\d$")
    assert "SHIFTED  25 %" in text, "what was known last stays"
    assert re.search(r"admin socket", text), text
    daemon.start()
    daemon.do("split", "api", "blue=50%", "green=50%")
    text = top.shows(r"^SHIFTED  50 % of the requests go to green$")
    assert "NO DATA" not in text and "live" in text
    top.shows(r"split by uid .* blue=50% green=50%$")  # the events of the new process
    top.press("q")
    assert top.ends() == 0 and restored(top)


def test_a_daemon_that_does_not_answer_does_not_hold_up_the_keys(shop, terminal):
    daemon = shop()
    top = terminal(daemon, "top")
    top.shows(r"^STEADY")
    daemon.signal(signal.SIGSTOP)
    try:
        top.shows(r"NO DATA since")
        top.press("q")
        assert top.ends() == 0 and restored(top)
    finally:
        daemon.signal(signal.SIGCONT)


def test_r_shows_what_it_would_do_and_y_does_it(shop, terminal):
    daemon = shop()
    daemon.do("split", "api", "blue=75%", "green=25%")
    top = terminal(daemon, "top")
    top.shows(r"^SHIFTED")
    top.press("r")
    top.shows(r"^ROLL BACK\? api: blue 75% -> 100%, green 25% -> 0%\n.*y does it at once, any other key does not$")
    top.press("n")
    top.shows(r"^nothing was changed$")
    assert daemon.shares() == {"blue": 75, "green": 25}
    top.press(" ")
    top.shows(r"^q quit")
    for other in ("q", "\x1b[A", "\r"):  # none of them confirms, and q does not leave either
        top.press("r")
        top.shows(r"^ROLL BACK\?")
        top.press(other)
        top.shows(r"^nothing was changed$")
        top.press(" ")
        top.shows(r"^q quit")
    top.press("r")
    top.shows(r"^ROLL BACK\?")
    top.press("y")
    top.shows(r"^api: blue 75% -> 100%, green 25% -> 0% .*generation 2 -> 3")
    assert daemon.shares() == {"blue": 100, "green": 0}
    assert daemon.do("history")["history"][0]["reason"] == "by a key in sluicectl top"
    top.press("r")
    top.shows(r"^q quit")  # any key takes the message away
    top.press("r")
    top.shows(r"^api: unchanged")
    top.press("q")
    assert top.ends() == 0 and restored(top)


def test_keys_choose_a_service_and_how_much_of_it(shop, terminal):
    daemon = shop("api", "mail", "web")
    daemon.do("split", "web", "blue=60%", "green=40%")
    top = terminal(daemon, "top", rows=40)
    text = top.shows(r"^▶ web ")  # what is going on comes first, and is what is shown
    assert re.findall(r"^[▶ ] (\w+) .*(?:STEADY All|SHIFTED \d)", text, re.M) == ["web", "api", "mail"], text
    top.press("j")
    top.shows(r"^▶ api ")
    top.press("\x1b[B")
    top.shows(r"^▶ mail ")
    top.press("\x1b[B\x1b[Bk")
    top.shows(r"^▶ api ")
    top.press("\r")
    text = top.shows(r"^api  generation 2 ")
    assert "mail" not in text and "web" not in text, text
    top.press("\r")
    top.shows(r"^▶ api ")
    top.press("l")
    top.until(lambda screen: "measured" not in screen.text())
    top.press("l")
    top.shows("measured")
    top.press("q")
    assert top.ends() == 0 and restored(top)


def test_a_resize_or_a_key_in_the_middle_of_a_sequence_is_no_other_key(shop, terminal):
    daemon = shop("api", "web")
    top = terminal(daemon, "top", rows=40)
    top.shows(r"^▶ api ")
    top.press("\x1b")
    top.press("[")
    top.press("B")
    top.shows(r"^▶ web ")
    top.press("\x1b[200~\x1b[1;5A")  # a paste begins; Ctrl-Up is an arrow, too
    top.shows(r"^▶ api ")


@pytest.mark.parametrize("env, colored, utf8", [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"LC_ALL": "C"}, True, False),
                                                ({"LC_ALL": None, "LC_CTYPE": None, "LANG": None}, True, False),
                                                ({"LC_ALL": None, "LC_CTYPE": "de_DE.utf8", "LANG": "C"}, True, True)])
def test_colour_and_alphabet_are_the_environment_s(shop, terminal, env, colored, utf8):
    daemon = shop()
    daemon.do("split", "api", "blue=75%", "green=25%")
    top = terminal(daemon, "top", env={"NO_COLOR": None, **env})
    top.shows(r"^SHIFTED  25 % of the requests go to green$")
    assert bool(re.search(r"\x1b\[[1-9;]+m", top.raw)) == colored
    assert top.text().isascii() != utf8
    assert ("▓" if utf8 else "===") in top.text()


def test_a_service_that_is_not_there_is_said_before_the_screen_is_taken(shop, terminal):
    top = terminal(shop(), "top", "apu")
    assert top.ends() == 4
    assert "did you mean 'api'?" in top.text() and "1049" not in top.raw
    restored(top)


# -- not a terminal

class Lines:
    """What a program wrote so far, line by line."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.lines = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern):
        wait_until(lambda: any(re.search(pattern, line) for line in self.lines), 20, lambda: f"{pattern}; there are {self.lines}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        self.thread.join()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def lines():
    made = []

    def run(daemon, *words):
        made.append(Lines([binary("sluicectl"), "--socket", daemon.socket, *words]))
        return made[-1]

    yield run
    for one in made:
        one.end()


def test_without_a_terminal_there_is_a_line_for_each_change(shop, lines):
    daemon = shop("api", "web")
    top = lines(daemon, "top")
    top.wait_for(r"^\d\d:\d\d:\d\d web: STEADY; blue 100% \(1/1 ready\), green 0% \(1/1 ready\); generation 1$")
    daemon.do("split", "api", "blue=77%", "green=23%")
    top.wait_for(r"^\d\d:\d\d:\d\d api: SHIFTED; blue 77% .*; generation 2$")
    daemon.stop()
    top.wait_for(r"NO DATA: .*admin socket")
    daemon.start()
    top.wait_for(r"the daemon answers again$")
    text = "\n".join(top.lines)
    assert "\x1b" not in text and text.count("SHIFTED") == 1 and text.count("NO DATA") == 1, text


def test_on_a_dumb_terminal_there_are_lines(shop, terminal):
    top = terminal(shop(), "top", env={"TERM": "dumb"})
    top.shows(r"^\d\d:\d\d:\d\d api: STEADY; blue 100%")
    assert "\x1b" not in top.raw
    top.signal(signal.SIGINT)
    top.ends()


def test_with_json_there_is_the_status_of_each_second_in_a_line(shop, lines):
    daemon = shop("api", "web")
    top = lines(daemon, "-o", "json", "top", "api")
    wait_until(lambda: len(top.lines) >= 3)
    for line in top.lines[:3]:
        document = json.loads(line)
        assert list(document["services"]) == ["api"] and document["services"]["api"]["pools"]["blue"]["share"] == 1


def test_what_cannot_be_reached_at_first_is_an_error(folder):
    done = subprocess.run([binary("sluicectl"), "--socket", folder / "none.sock", "top"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 3 and "no admin socket" in done.stderr and done.stdout == ""


def test_help_manual_and_completion_have_it(shop, folder):
    daemon = shop()
    assert "Usage: sluicectl top [PATTERN]" in daemon.ctl("top", "--help", check=0).out
    assert re.search(r"^Looking:.*\btop\b", daemon.ctl("--help", check=0).out, re.M)
    assert "did you mean 'top'?" in daemon.ctl("topp", check=2).err

    def completed(*words):
        done = subprocess.run([binary("sluicectl"), "__complete", "--socket", daemon.socket, *words], capture_output=True, text=True)
        return done.stdout.split()
    assert "top" in completed("to") and completed("top", "a") == ["api"] and "--sort" in completed("top", "--")
    subprocess.run([binary("sluicectl"), "__man", folder], check=True)
    assert "Keys: q leaves" in (folder / "sluicectl-top.1").read_text()
