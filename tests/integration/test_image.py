"""The container image: what others read in it, the daemon in its root as docker would run it, and the guide's compose project with
containers that come, go and move. Promises H4, R1 and D6 as a container's users meet them."""
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
import yaml

from client import Client
from container import Box, Network
from sluice import BIN
from waiting import stays_true, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "conf/compose"
MOST = 20_000_000  # bytes, unpacked

pytestmark = [
    pytest.mark.skipif(os.environ.get("SLUICE_SANITIZE", "release") != "release", reason="the libraries of sanitizers are not shipped"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces, and files of others"),
]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def build(out, programs=BIN):
    run("/usr/bin/python3", ROOT / "cmake/image.py", "--bin", programs, "--out", out)
    return next(out.glob("*.tar"))


class Image:
    """As skopeo reads the archive and umoci unpacks it."""

    def __init__(self, folder):
        self.archive = build(folder)
        run("skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{self.archive}", f"oci:{folder}/oci:sluice")
        run("umoci", "unpack", "--image", f"{folder}/oci:sluice", folder / "bundle")
        self.root = folder / "bundle/rootfs"
        self.config = json.loads(run("skopeo", "inspect", "--config", "--raw", f"docker-archive:{self.archive}"))["config"]
        (self.root / "etc/resolv.conf").touch()  # docker brings its own


@pytest.fixture(scope="module", name="image")
def built_image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    yield Image(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="network")
def a_network():
    made = Network()
    yield made
    made.stop()


@pytest.fixture(name="box")
def a_box(image, network, tmp_path):
    """box(...) is the image, running."""
    made = []

    def start(**options):
        folder = tmp_path / f"box{len(made)}"
        folder.mkdir()
        made.append(Box(image, network, folder, **options))
        return made[-1]

    yield start
    codes = [one.stop() for one in made if one.process]
    assert all(code in (0, 1, 2) for code in codes), codes


# --- what is in it

def test_it_is_small_and_says_how_it_is_run(image):
    files = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= MOST
    assert {path.name for path in (image.root / "usr/bin").iterdir()} == {"sluiced", "sluicectl", "sh"}
    config = image.config
    assert (config["User"], config["Entrypoint"], config["StopSignal"]) == ("65532:65532", ["/usr/bin/sluiced"], "SIGTERM")
    assert config["Volumes"] == {"/var/lib/sluice": {}} and "8080/tcp" in config["ExposedPorts"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/sluicectl", "readyz"]
    assert config["Labels"]["org.opencontainers.image.version"] in run(BIN / "sluiced", "--version")
    assert "BEGIN CERTIFICATE" in (image.root / "usr/lib/ssl/../../../etc/ssl/certs/ca-certificates.crt").read_text()
    assert os.readlink(image.root / "usr/lib/ssl/cert.pem") == "/etc/ssl/certs/ca-certificates.crt"
    for folder in ("var/lib/sluice", "run/sluice"):
        assert (image.root / folder).stat().st_uid == 65532, "a new volume is as the folder that it is mounted on"


def test_the_same_programs_make_the_same_image(image, tmp_path):
    (tmp_path / "bin").mkdir()
    copy = tmp_path / "bin/sluice_image"
    shutil.copyfile(BIN / copy.name, copy)
    copy.chmod(0o700)
    assert build(tmp_path / "out", tmp_path / "bin").read_bytes() == image.archive.read_bytes()


def test_docker_and_an_oci_reader_find_the_same_in_it(image):
    read = [json.loads(run("skopeo", "inspect", f"{kind}:{image.archive}")) for kind in ("docker-archive", "oci-archive")]
    assert read[0]["Layers"] == read[1]["Layers"] and read[0]["Labels"] == read[1]["Labels"]


# --- the daemon in it

def test_with_nothing_configured_it_says_what_to_do(box, network):
    one = box()
    advice = re.search(r"service 'app' has no backend.* (sluicectl add app/blue) HOST:PORT", one.logs())
    assert advice, one.said()
    assert one.fetch().status == 503
    network.run("web")
    one.ctl(*advice[1].split()[1:], "web:8000", "--wait-healthy", "10s")
    assert one.fetch("/hello").get("X-Backend") == "web"
    wait_until(lambda: '"path":"/hello"' in one.logs(), what="the line of the request on stdout")
    assert "signal" not in one.logs() and (one.folder / "stderr").read_text() == ""


def test_it_has_no_rights_and_writes_nowhere_but_where_it_should(box):
    one = box()
    status = pathlib.Path(f"/proc/{one.pid}/status").read_text()
    assert re.search(r"Uid:\s+65532\s+65532\s+65532\s+65532", status)
    assert re.search(r"CapPrm:\s+0+\n", status) and re.search(r"CapEff:\s+0+\n", status) and "NoNewPrivs:\t1" in status
    assert re.search(r"NSpid:\s+\d+\s+1\n", status), "it is process 1"
    assert one.exec("/bin/sh", "-c", ": >/etc/sluice/x").returncode != 0
    assert one.exec("/bin/sh", "-c", ": >/var/lib/sluice/x && : >/run/sluice/x").returncode == 0


def test_D6_SIGTERM_ends_what_is_under_way_and_the_health_check_says_so(box, network):
    backend = network.run("web").backend
    one = box()
    one.ctl("add", "app/blue", "web:8000", "--wait-healthy", "10s")
    with one.client() as client:
        client.send_request(target="/drip/4/400")
        wait_until(lambda: backend.seen("/drip/4/400"), what="the slow request")
        assert one.health() == 0
        one.terminate()
        wait_until(lambda: one.health() == 9, what="the word that it stops")
        answer = client.read()
    assert (answer.status, answer.body) == (200, b"xxxx")
    assert one.process.wait(10) == 0


def test_what_was_changed_is_in_the_volume(box, network):
    network.run("web")
    one = box()
    one.ctl("add", "app/blue", "web:8000")
    assert one.stop() == 0
    one.start()
    wait_until(lambda: one.fetch().status == 200, what="the backend that was added")


def test_a_volume_of_roots_is_told_with_what_to_type(box):
    one = box(start=False)
    os.chown(one.volume, 0, 0)
    one.volume.chmod(0o755)
    one.start(ready=False)
    assert one.process.wait(20) == 1
    told = re.search(r"/var/lib/sluice is of uid 0, mode 0755, and this process is uid 65532; .*: (chown -R 65532:65532) '/var/lib/sluice'",
                     one.logs())
    assert told, one.said()
    run(*told[1].split(), one.volume)
    one.start()


def test_a_folder_of_others_that_is_only_read_is_told_but_not_given_away(box, mounted):
    """Keys are in hands of others for a reason: `chown -R /etc/ssl/private` is no advice."""
    one = box(config=mounted, start=False)
    os.chown(mounted, 0, 0)
    mounted.chmod(0o710)
    one.start(ready=False)
    assert one.process.wait(20) == 2
    said = (one.folder / "stderr").read_text()
    assert "Permission denied: /etc/sluice is of uid 0, mode 0710, and this process is uid 65532" in said and "chown" not in said, said


def test_a_read_only_root_without_a_volume_is_told(box):
    one = box(volume=False, start=False)
    one.start(ready=False)
    assert one.process.wait(20) == 1
    assert re.search(r"/var/lib/sluice/\S+: Read-only file system; in a container, mount a volume", one.logs()), one.said()


def test_an_upgrade_would_end_the_container_and_is_refused(box):
    done = box().exec("/usr/bin/sluicectl", "upgrade")
    assert done.returncode == 9 and "start another container" in done.stderr and "upgrade.socket" in done.stderr


def test_D8_a_container_of_a_new_image_takes_the_place_of_the_old_one_and_no_request_is_lost(box, network, tmp_path):
    network.run("web")
    config = tmp_path / "config"
    config.mkdir()
    text = (ROOT / "cmake/image.yaml").read_text() + "upgrade: {socket: /run/sluice/handoff.sock}\n"
    (config / "sluice.yaml").write_text(text.replace("blue: {backends: []}", "blue: {backends: [web:8000]}"))
    one = box(config=config)
    over, failed, done = threading.Event(), [], []

    def ask():
        while not over.is_set():
            with one.client() as client:
                while not over.is_set():
                    try:
                        answer = client.request("GET", "/")
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is a lost request
                        failed.append(repr(error))
                        break
                    (done if answer.status == 200 else failed).append(answer.status)
                    if answer.get("Connection") == "close":
                        break

    with network.near.inside():  # the threads that it starts are there
        clients = [threading.Thread(target=ask) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        for _ in range(3):
            other = box(beside=one, start=False)
            before = len(done)
            other.start(ready=False)
            assert one.process.wait(20) == 0, one.said()
            wait_until(lambda: len(done) > before + 100 or failed, 20, "traffic to go on")
            wait_until(other.is_ready, 10, "its readiness")
            assert json.loads(other.ctl("-o", "json", "status"))["pid"] == 1
            one = other
    finally:
        over.set()
        for client in clients:
            client.join(15)
    assert not failed, failed[:5]


def children(pid):
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == pid:
                yield rest.split()[0]


def test_process_1_reaps_what_a_hook_leaves_behind(box, network):
    network.run("web")
    one = box()
    one.ctl("add", "app/green", "web:8000", "--wait-healthy", "10s")
    hook = "(kill -STOP $(sh -c 'echo $PPID')) & (kill -STOP $(sh -c 'echo $PPID')) & echo left two; exit 1"
    done = one.exec("/usr/bin/sluicectl", "cutover", "app=green", "--exec-before", hook)
    assert done.returncode == 6 and "left two" in done.stderr, done
    wait_until(lambda: not list(children(one.pid)), 5, lambda: f"an end of {list(children(one.pid))}")


# --- the configuration that is mounted

@pytest.fixture(name="mounted")
def a_mounted_folder(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    shutil.copy(ROOT / "cmake/image.yaml", folder / "sluice.yaml")
    return folder


def replace(file, old, new):
    """As editors do: another file takes the name."""
    other = file.with_suffix(".new")
    text = file.read_text()
    assert old in text
    other.write_text(text.replace(old, new))
    other.rename(file)


def test_a_reload_follows_the_folder_that_is_mounted(box, mounted):
    one = box(config=mounted)
    said = one.exec("/usr/bin/sluicectl", "reload", check=0)
    assert re.search(r"unchanged: /etc/sluice/sluice.yaml, last changed 20\S+Z, says what is in force", said.stdout), said
    assert "mounted" not in said.stderr, said
    replace(mounted / "sluice.yaml", "max: 2s", "max: 3s")
    assert "generation 1 -> 2" in one.ctl("reload")


def test_a_reload_says_when_the_file_that_is_mounted_alone_is_the_old_one(box, mounted):
    file = mounted / "sluice.yaml"
    one = box(config=file)
    assert "is mounted alone: what an editor puts in its place" in one.exec("/usr/bin/sluicectl", "reload", check=0).stderr
    replace(file, "max: 2s", "max: 3s")
    said = one.exec("/usr/bin/sluicectl", "reload", check=0)
    assert "unchanged: /etc/sluice/sluice.yaml" in said.stdout
    assert "was replaced where it is mounted from" in said.stderr and "start the container anew" in said.stderr
    assert "was replaced where it is mounted from" in one.logs(), "for who reloads by a signal"
    one.stop()
    one.start()
    assert "max: 3s" in one.ctl("config", "show")


# --- the guide's compose project

SERVICE_KEYS = {"image", "init", "read_only", "cap_drop", "security_opt", "tmpfs", "volumes", "environment", "ports", "stop_grace_period",
                "restart", "profiles"}  # of the compose specification


def compose():
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def test_compose_yaml_says_what_compose_knows():
    project = compose()
    assert {key for key in project if not key.startswith("x-")} == {"services", "volumes"}
    for name, service in project["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert service["image"] and service["restart"] == "unless-stopped"
    sluice = project["services"]["sluice"]
    version = run(BIN / "sluiced", "--version").split()[1]
    assert sluice["image"] == f"sluice:{version}"
    volumes = [volume.split(":") for volume in sluice["volumes"]]
    assert all(source in project["volumes"] or (COMPOSE / source).is_dir() for source, *_ in volumes)


def test_compose_and_sluice_agree_on_names_and_ports():
    project = compose()["services"]
    config = yaml.safe_load((COMPOSE / "sluice/sluice.yaml").read_text())
    listed = [backend for service in config["services"].values() for pool in service["pools"].values() for backend in pool["backends"]]
    addresses = [backend if isinstance(backend, str) else backend["address"] for backend in listed]
    assert {address.split(":")[0] for address in addresses} == set(project) - {"sluice"}
    inside = {port.split(":")[-1] for port in project["sluice"]["ports"]}
    admin = config["admin"]
    bound = [one["bind"] for one in [*config["listeners"], admin["http"], admin["compat"]]]
    assert inside == {bind.split(":")[1] for bind in bound}


def test_the_configuration_of_compose_wants_its_variable():
    file = COMPOSE / "sluice/sluice.yaml"
    check = [BIN / "sluiced", "--check", "--config", file]
    without = {name: value for name, value in os.environ.items() if name != "STICKY_SALT"}
    assert "configuration is valid" in run(*check, env={**without, "STICKY_SALT": "a salt"})
    done = subprocess.run(check, capture_output=True, text=True, timeout=20, env=without)
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "${STICKY_SALT}" in text)
    assert done.returncode == 2 and re.search(rf"sluice\.yaml:{line}:\d+: \${{STICKY_SALT}} is not set in the environment", done.stderr)


class Load:
    """Clients that ask until the end; `answers` are (status, X-Backend)."""

    def __init__(self, one, clients=4, target="/api/"):
        self.one, self.target, self.answers, self.ended = one, target, [], threading.Event()
        with one.network.near.inside():
            self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(clients)]
            for thread in self.threads:
                thread.start()

    def ask(self):
        while not self.ended.is_set():
            with Client("127.0.0.1:8080") as client:
                for _ in range(100):
                    if self.ended.is_set():
                        return
                    answer = client.request(target=self.target)
                    self.answers.append((answer.status, answer.get("X-Backend") or answer.get("X-Sluice-Error")))
                    if answer.get("Connection") == "close":
                        break

    def more(self, count=100):
        """The backends of so many further answers."""
        begun = len(self.answers)
        wait_until(lambda: len(self.answers) >= begun + count, what="more answers")
        return collections.Counter(who for _, who in self.answers[begun:])

    def finish(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(10)
        return collections.Counter(status for status, _ in self.answers)


@pytest.fixture(name="project")
def the_guides_project(box, network):
    """(Sluice as compose starts it, its containers by name): blue runs."""
    containers = {name: network.run(name) for name in ("backend-1", "backend-2", "backend-3")}
    containers["frontend"] = network.run("frontend", port=3000)
    one = box(config=COMPOSE / "sluice", env=["STICKY_SALT=a salt"])
    for service in ("backend", "frontend"):
        one.ctl("wait", "healthy", f"{service}/blue", "--timeout", "20s")
    pid = one.pid
    yield one, containers
    assert one.pid == pid and "generation" in one.logs(), "Sluice was not started again"


@pytest.fixture(name="load")
def a_load():
    made = []

    def begin(one, **options):
        made.append(Load(one, **options))
        return made[-1]

    yield begin
    for one in made:
        one.finish()


def backends(one, pool="blue", service="backend"):
    """By name, as `status` has them."""
    return json.loads(one.ctl("status", "-o", "json"))["services"][service]["pools"][pool]["backends"]


def recreate(network, container, **options):
    """docker compose up --force-recreate: the old one is stopped, its name unknown for a moment, and another address has it."""
    container.stop()
    return network.run(container.name, **options)


def test_H4_containers_are_recreated_under_load(project, network, load):
    one, containers = project
    clients = load(one)
    assert set(clients.more(300)) == {"backend-1", "backend-2", "backend-3"}
    for name in ("backend-1", "backend-2", "backend-3"):
        renewed = recreate(network, containers[name], said=f"{name} anew")
        wait_until(lambda: f"{name} anew" in clients.more(), what=f"requests to the new {name} at {renewed.address}")
    assert set(clients.more(300)) == {f"backend-{n} anew" for n in (1, 2, 3)}
    assert set(clients.finish()) == {200}


def test_a_container_that_stops_costs_no_request_and_comes_back_without_a_probe_of_its_age(project, network, load):
    """Its name is not known meanwhile, and the name server's word holds for 600 s."""
    one, containers = project
    clients = load(one)
    containers["backend-2"].stop()
    wait_until(lambda: "backend-2" not in clients.more(50), what="requests that go elsewhere")
    wait_until(lambda: "NXDOMAIN" in one.ctl("status", "backend"), what="the name's trouble in the status")
    network.run("backend-2", said="backend-2 anew")
    wait_until(lambda: "backend-2 anew" in clients.more(50), what="requests to the new one")
    assert set(clients.finish()) == {200}


def test_the_canary_is_scaled_and_each_container_is_a_backend(project, network, load):
    one, _ = project
    clients = load(one)
    first = network.run("backend-canary", said="canary")
    one.ctl("wait", "healthy", "backend/canary", "--timeout", "20s")
    one.ctl("split", "backend", "canary=50%", "--rest", "blue")
    more = [network.run("backend-canary", said="canary") for _ in range(2)]
    wait_until(lambda: all(container.served("/api/") for container in more), what="requests to those that were added")
    assert sorted(backends(one, "canary")) == sorted(f"canary/{container.address}:8000" for container in (first, *more))
    for container in (first, more[0]):  # --scale 1
        container.stop()
    wait_until(lambda: list(backends(one, "canary")) == [f"canary/{more[1].address}:8000"], what="one address")
    assert set(clients.finish()) == {200}


def test_blue_is_replaced_by_green_and_back(project, network, load):
    one, containers = project
    clients = load(one)
    green = {"backend": network.run("backend-green", said="green"), "frontend": network.run("frontend-green", port=3000, said="green")}
    for service in green:
        one.ctl("wait", "healthy", f"{service}/green", "--timeout", "20s")
    assert one.fetch("/api/health/", port=8081).get("X-Backend") == "green", "the preview of the guide's 8081"
    one.ctl("cutover", "backend=green", "frontend=green")
    assert one.fetch("/").get("X-Backend") == "green"
    wait_until(lambda: set(clients.more(50)) == {"green"}, what="green alone")
    for name in ("backend-1", "backend-2", "backend-3"):  # the next version, where nobody goes
        recreate(network, containers[name], said="blue anew")
    one.ctl("wait", "healthy", "backend/blue", "--timeout", "20s")
    one.ctl("rollback", "backend", "frontend")
    wait_until(lambda: set(clients.more(50)) == {"blue anew"}, what="blue alone")
    assert set(clients.finish()) == {200}


def test_an_address_that_another_service_got_has_no_request_of_ours_once_the_name_moved(project, network, load):
    one, containers = project
    clients = load(one)
    old = containers["backend-3"].address
    renewed = recreate(network, containers["backend-3"], said="backend-3 anew")
    stranger = network.run("database", address=old)
    wait_until(lambda: "backend-3 anew" in clients.more(50), what=f"requests to {renewed.address}")
    clients.more(500)  # what was under way, and what the stranger has not written down yet
    begun = len(stranger.served("/api/"))
    stays_true(lambda: len(stranger.served("/api/")) == begun, 1.0, "no request to an address that is another's")
    assert set(clients.finish()) == {200}


def test_the_health_check_tells_another_service_at_the_old_address_apart(project, network, load):
    """Of a container that is not coming back; its name stays unknown, and the last address in force."""
    one, containers = project
    containers["backend-3"].stop()
    stranger = network.run("database", address=containers["backend-3"].address, handler=lambda connection, _: connection.answer(404))
    wait_until(lambda: backends(one)["instance-3"]["health"] == "down", what="the health check's word")
    begun, clients = len(stranger.served()), load(one)
    clients.more(200)
    assert set(clients.finish()) == {200} and len(stranger.served()) == begun


def test_the_old_scripts_take_a_container_out_and_in(project, network, load):
    one, containers = project
    clients = load(one)

    def call(what):
        with one.client(8000) as client:
            return client.request("POST", what, headers=[("Content-Type", "application/x-www-form-urlencoded")], body=b"backend=instance-1")

    assert call("/remove_backend").status == 200
    wait_until(lambda: "backend-1" not in clients.more(100), what="an end of those that were under way")
    recreate(network, containers["backend-1"], said="backend-1 anew")
    assert call("/add_backend").status == 200
    wait_until(lambda: "backend-1 anew" in clients.more(50), what="requests to the new one")
    assert set(clients.finish()) == {200}


def test_the_commands_of_its_readme_are_ones_of_sluicectl(project):
    """Each is asked for its help: the verb and its flags exist."""
    one, _ = project
    commands = [said.split() for said in re.findall(r"(?<![\w-])ctl ([^|&;#`\n]+)", (COMPOSE / "README.md").read_text())]
    assert len(commands) > 10
    for words in commands:
        page = one.exec("/usr/bin/sluicectl", words[0], "--help", check=0).stdout
        assert all(word in page for word in words if word.startswith("--")), words
