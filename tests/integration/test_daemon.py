"""sluiced itself: --check, sockets and messages of systemd, ports in use, demo and try."""
import os
import re
import shutil
import socket
import subprocess

import pytest
from backend import free_port
from sluice import ROOT, binary, config_of, service
from waiting import wait_until

GOOD = """\
listeners:
  - {name: web, bind: "127.0.0.1:0"}
services:
  api:
    pools:
      blue: {backends: ["127.0.0.1:9001"]}
      green: {backends: ["127.0.0.1:9101"]}
    split: {blue: 95%, green: 5%}
routes:
  - {path: /, service: api}
"""

BAD = [  # what is changed into what, the line of the complaint, words that it has
    ("split:", "splitt:", 8, ["splitt", "split"]),
    ("green: 5%", "green: 6%", 8, ["100"]),
    ("service: api}", "service: apy}", 10, ["apy", "api"]),
    ('"127.0.0.1:9101"', '"127.0.0.1:banana"', 7, ["banana"]),
    ("green: 5%", "gren: 5%", 8, ["gren", "green"]),
    ("path: /,", "path: 5x,", 10, ["/"]),
    ("  api:\n", "  api:\n    retries: {budgt: 20%}\n", 5, ["budgt", "budget"]),
    ("  api:\n", "  api:\n    timeouts: {connect: 1parsec}\n", 5, ["parsec"]),
    ("listeners:", "listeners: [", 1, []),
]


@pytest.mark.parametrize("before, after, line, words", BAD)
def test_check_names_place_reason_and_the_right_word(folder, before, after, line, words):
    path = folder / "bad.yaml"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1))
    for command in ([binary("sluiced"), "--check", "--config", str(path)], [binary("sluicectl"), "check", str(path)]):
        done = subprocess.run(command, capture_output=True, text=True)
        text = done.stdout + done.stderr
        assert done.returncode == 2, (command, text)
        at = re.search(rf"{re.escape(str(path))}:(\d+):(\d+): (\S.*)", text)
        assert at, text
        assert words == [] or int(at[1]) == line, text
        assert all(word in text for word in words), text


def test_check_of_a_good_file_and_of_a_missing_one(folder):
    path = folder / "good.yaml"
    path.write_text(GOOD)
    for command in ([binary("sluiced"), "--check", "--config", str(path)], [binary("sluicectl"), "check", str(path)]):
        assert subprocess.run(command, capture_output=True).returncode == 0
        done = subprocess.run([*command[:-1], str(folder / "none.yaml")], capture_output=True, text=True)
        assert done.returncode == 2 and "none.yaml" in done.stdout + done.stderr
    assert not any((folder / name).exists() for name in ("state", "admin.sock")), "checking touches nothing"


def test_of_many_mistakes_the_first_are_shown(sluice, folder):
    config = config_of({"api": service({"blue": ["127.0.0.1:9"]})})
    daemon = sluice(config)
    config["routes"] = [{"path": "/", "service": "nobody"} for _ in range(600)]
    daemon.write_config(config)
    path = daemon.config_file
    for command in ([binary("sluiced"), "--check", "--config", path], [binary("sluiced"), "--config", path], [binary("sluicectl"), "check", path]):
        done = subprocess.run(command, capture_output=True, text=True)
        lines = done.stderr.splitlines()
        assert done.returncode == 2 and len(lines) == 21 and lines[-1] == "and 580 more", lines
    refused = daemon.ctl("reload", check=2)
    assert refused.err.count("there is no service 'nobody'") == 20 and "and 580 more" in refused.err


@pytest.mark.parametrize("path", sorted((ROOT / "conf").glob("*.yaml")), ids=lambda p: p.name)
def test_shipped_configurations_are_valid(path):
    done = subprocess.run([binary("sluiced"), "--check", "--config", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_help_and_unknown_flags():
    for name in ("sluiced", "sluicectl"):
        done = subprocess.run([binary(name), "--version"], capture_output=True, text=True)
        assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)
        assert subprocess.run([binary(name), "--help"], capture_output=True, text=True).returncode == 0
        done = subprocess.run([binary(name), "--nonsense"], capture_output=True, text=True)
        assert done.returncode == 2 and "nonsense" in done.stderr


def test_a_port_in_use_names_address_and_errno(sluice, backend):
    blue = backend("blue")
    config = config_of({"api": service({"blue": [blue]})})
    config["listeners"][0]["bind"] = blue.address
    daemon = sluice(config, start=False)
    done = subprocess.run([binary("sluiced"), "--config", str(daemon.config_file), "--state-dir", str(daemon.folder)],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 or done.returncode == 2
    assert blue.address in done.stderr and "98" in done.stderr and "in use" in done.stderr, done.stderr


def test_a_port_in_use_on_reload_changes_nothing(sluice, backend):
    blue = backend("blue")
    daemon = sluice(config_of({"api": service({"blue": [blue]})}))
    generation = daemon.generation
    daemon.write_config({**daemon.config, "listeners": [*daemon.config["listeners"], {"name": "more", "bind": blue.address}]})
    done = daemon.ctl("reload")
    assert done.code != 0 and blue.address in done.err and "in use" in done.err
    assert daemon.generation == generation and daemon.fetch().status == 200


def test_two_daemons_do_not_share_a_socket_or_a_state_folder(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend("b")]})}))
    done = subprocess.run([binary("sluiced"), "--config", str(daemon.config_file)], capture_output=True, text=True, timeout=20)
    assert done.returncode in (1, 2) and done.stderr
    assert daemon.fetch().status == 200 and daemon.ctl("status").code == 0, "the first one is not disturbed"


def test_a_stale_admin_socket_is_replaced(sluice, backend):
    daemon = sluice(config_of({"api": service({"blue": [backend("b")]})}))
    daemon.kill()
    assert os.path.exists(daemon.socket)
    daemon.start()
    assert daemon.ctl("status").code == 0


# -- systemd

def test_listen_fds_by_systemd_socket_activate(sluice, backend):
    port = free_port()
    config = config_of({"api": service({"blue": [backend("blue")]})})
    config["listeners"][0]["bind"] = f"127.0.0.1:{port}"
    daemon = sluice(config, prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=web"], start=False)
    daemon.start(ready=False)

    def poke():  # the first connection starts the daemon, and is served
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return sock.recv(100).startswith(b"HTTP/1.1 200")
        except OSError:
            return False
    wait_until(poke, 20, lambda: f"the activated daemon; stderr:\n{daemon.stderr()}")
    daemon.wait_ready()
    assert daemon.address() == f"127.0.0.1:{port}"


class NotifySocket:
    def __init__(self, path):
        self.path = str(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.settimeout(10)
        self.got = ""

    def until(self, word):
        while word not in self.got:
            self.got += self.sock.recv(4096).decode() + "\n"
        return self.got


def test_notify_ready_reloading_status_stopping(sluice, backend, folder):
    notify = NotifySocket(folder / "notify")
    daemon = sluice(config_of({"api": service({"blue": [backend("b")]})}), env={"NOTIFY_SOCKET": notify.path})
    assert "READY=1" in notify.until("READY=1") and "STATUS=" in notify.until("STATUS=")
    assert daemon.fetch().status == 200, "READY means that it serves"
    notify.got = ""
    daemon.signal(1)
    assert "MONOTONIC_USEC=" in notify.until("RELOADING=1")
    notify.got = notify.got.split("RELOADING=1")[1]
    notify.until("READY=1")
    notify.got = ""
    daemon.stop()
    notify.until("STOPPING=1")
    notify.sock.close()


def test_ready_is_not_said_before_the_state_is_loaded_and_ports_are_open(sluice, backend, folder):
    notify = NotifySocket(folder / "notify")
    blue = backend("b")
    config = config_of({"api": service({"blue": [blue]})})
    config["listeners"][0]["bind"] = blue.address  # in use
    daemon = sluice(config, env={"NOTIFY_SOCKET": notify.path}, start=False)
    daemon.start(ready=False)
    code = daemon.process.wait(20)
    assert code > 0
    daemon.may_end_with.append(code)
    notify.sock.setblocking(False)
    try:
        said = notify.sock.recv(4096).decode()
    except BlockingIOError:
        said = ""
    assert "READY=1" not in said
    notify.sock.close()


# -- demo and try

def in_a_network_of_its_own():
    """The demo's ports are fixed, so it gets a loopback of its own where that is allowed."""
    if shutil.which("unshare") and subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0:
        return ["unshare", "-rn"]
    return []


def run_script(folder, script, timeout=90):
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "BIN": str(binary("sluiced"))[: -len("/sluiced")]}
    environment.pop("SLUICE_SOCKET", None)
    text = "set -u\nip link set lo up 2>/dev/null\n" + script
    done = subprocess.run([*in_a_network_of_its_own(), "bash", "-c", text], capture_output=True, text=True, timeout=timeout, env=environment,
                          cwd=folder)
    return done


# Waits until $1 answers, at most 20 s.
UNTIL = """
until_up() { for i in $(seq 400); do curl -fsS -o /dev/null "$1" 2>/dev/null && return 0; kill -0 $daemon 2>/dev/null || return 1; read -t 0.05 _ <> <(:); done; return 1; }
finish() { kill -TERM $daemon; wait $daemon; echo "exit $?"; }
"""


def test_demo_shows_a_split_change_within_a_minute(folder):
    done = run_script(folder, UNTIL + """
        $BIN/sluiced demo >demo.out 2>&1 & daemon=$!
        until_up http://127.0.0.1:8080/ || { cat demo.out; exit 1; }
        socket=$(grep -oE '[^ =]*/[^ ]*\\.sock' demo.out | head -1)
        export SLUICE_SOCKET=$socket
        curl -fsS http://127.0.0.1:9900/ >root.out && curl -fsS http://127.0.0.1:9900/metrics >metrics.out || exit 1
        $BIN/sluicectl -o json status >status.json || exit 1
        service=$(jq -r '.services | keys[0]' status.json)
        $BIN/sluicectl cutover $service=green || exit 1
        for i in $(seq 20); do curl -fsS http://127.0.0.1:8080/; echo; done >green.out
        $BIN/sluicectl cutover $service=blue || exit 1
        for i in $(seq 20); do curl -fsS http://127.0.0.1:8080/; echo; done >blue.out
        finish
    """)
    said = (folder / "demo.out").read_text()
    assert done.returncode == 0 and "exit 0" in done.stdout, done.stdout + done.stderr + said
    assert (folder / "green.out").read_text().lower().count("green") >= 20
    assert (folder / "blue.out").read_text().lower().count("blue") >= 20
    assert "sluicectl" in said and "127.0.0.1:8080" in said and "split" in said, said


def test_demo_commands_work_as_printed(folder):
    """What it prints to try next can be pasted."""
    done = run_script(folder, UNTIL + """
        $BIN/sluiced demo >demo.out 2>&1 & daemon=$!
        until_up http://127.0.0.1:8080/ || { cat demo.out; exit 1; }
        for i in $(seq 400); do grep -q '^More' demo.out && break; read -t 0.05 _ <> <(:); done
        export PATH=$BIN:$PATH
        grep -E '^ *[^ ]*(sluicectl|curl) ' demo.out | sed -E 's/ +#.*//; s/^ *\\$ //' | grep -vE -- ' -w|watch| -f' >commands
        while read -r command; do
          timeout 20 bash -c "$command" >command.out 2>&1 </dev/null; code=$?
          [ $code = 0 ] || { echo "FAILED $code: $command"; cat command.out; }
        done <commands
        wc -l <commands
        finish
    """)
    assert done.returncode == 0 and "exit 0" in done.stdout and "FAILED" not in done.stdout, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) >= 3, done.stdout


def test_demo_with_failures_and_load_of_its_own(folder):
    done = run_script(folder, UNTIL + """
        $BIN/sluiced demo --fail green=100% --load 200/s >demo.out 2>&1 & daemon=$!
        until_up http://127.0.0.1:9900/livez || { cat demo.out; exit 1; }
        for i in $(seq 200); do
          curl -fsS http://127.0.0.1:9900/metrics | grep -E '^http_requests_total.*[1-9][0-9]{2,}$' >/dev/null && break
          read -t 0.05 _ <> <(:)
        done
        curl -fsS http://127.0.0.1:9900/metrics | grep '^http_requests_total'
        finish
    """)
    assert done.returncode == 0 and "exit 0" in done.stdout, done.stdout + done.stderr
    assert re.search(r"http_requests_total\{.*\} [1-9]\d\d", done.stdout), done.stdout


def test_demo_says_which_port_is_busy(folder):
    done = run_script(folder, """
        python3 -c 'import socket,sys
s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try: s.bind(("127.0.0.1",8080)); s.listen()
except OSError: pass
print("bound", flush=True); sys.stdin.read()' < <(tail -f /dev/null) >bound & holder=$!
        for i in $(seq 200); do grep -q bound bound && break; read -t 0.05 _ <> <(:); done
        timeout 20 $BIN/sluiced demo; echo "exit $?"
        kill $holder
    """)
    assert "exit 0" not in done.stdout and "exit 124" not in done.stdout, done.stdout + done.stderr
    assert "8080" in done.stderr + done.stdout and "in use" in done.stderr + done.stdout


def test_try_fronts_real_backends(folder):
    done = run_script(folder, UNTIL + """
        mkdir b g && echo I-am-blue >b/index.html && echo I-am-green >g/index.html
        python3 -m http.server -b 127.0.0.1 -d b 9001 >/dev/null 2>&1 & one=$!
        python3 -m http.server -b 127.0.0.1 -d g 9002 >/dev/null 2>&1 & two=$!
        daemon=$one; until_up http://127.0.0.1:9001/; daemon=$two; until_up http://127.0.0.1:9002/
        $BIN/sluiced try --to blue=127.0.0.1:9001 --to green=127.0.0.1:9002 >try.out 2>&1 & daemon=$!
        until_up http://127.0.0.1:8080/ || { cat try.out; exit 1; }
        export SLUICE_SOCKET=$(grep -oE '[^ =]*/[^ ]*\\.sock' try.out | head -1)
        service=$($BIN/sluicectl -o json status | jq -r '.services | keys[0]')
        curl -fsS http://127.0.0.1:8080/
        $BIN/sluicectl cutover $service=green || exit 1
        curl -fsS http://127.0.0.1:8080/
        finish
        kill $one $two
    """)
    assert done.returncode == 0 and "exit 0" in done.stdout, done.stdout + done.stderr
    assert "I-am-blue" in done.stdout and "I-am-green" in done.stdout


def test_try_with_wrong_arguments_explains_itself(folder):
    for args in (["try"], ["try", "--to", "blue"], ["demo", "--fail", "green"], ["demo", "--load", "fast"], ["dem"]):
        done = subprocess.run([binary("sluiced"), *args], capture_output=True, text=True, timeout=20, cwd=folder)
        assert done.returncode == 2 and done.stderr, (args, done)
