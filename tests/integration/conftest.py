"""Fixtures: daemons, backends and helper processes, all ended (and the daemons examined) after each test."""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from backend import Backend, free_port  # noqa: E402
from load import Loader, Recorder  # noqa: E402
from sluice import Sluice, config_of, die_with_the_tests, service  # noqa: E402
from upgraded import Upgraded  # noqa: E402
from waiting import wait_until  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


# xdist begins with the files that have most tests; these take longest, and at the end two of three processes would wait for them.
LONG_FILES = ["test_bench_table.py", "test_testssl.py", "test_segments.py", "test_rollout.py", "test_old_scripts.py", "test_slow.py", "test_systemd.py",
              "test_load.py"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):
        def _assign_work_unit(self, node):
            for name in reversed(LONG_FILES):
                scope = f"tests/integration/{name}"
                if scope in self.workqueue:
                    self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    return LongestFirst(config, log)


LONGEST = 120  # seconds that a test may take, whatever it waits for


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """A test that hangs is a failed test with a traceback, not a build that never ends."""
    def late(_signal, _frame):
        raise TimeoutError(f"{item.name} took longer than {LONGEST} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder():
    """A short path: a unix socket's name has room for 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def sluice(request, folder):
    """start(config) runs a daemon; it is stopped and examined at the end."""
    running = []

    def start(config, **options):
        daemon = Sluice(folder / f"d{len(running)}", config, **options)
        running.append(daemon)
        return daemon

    yield start
    problems = []
    for daemon in running:
        try:
            daemon.finish()
        except AssertionError as error:
            problems.append(str(error))
            if daemon.process.poll() is None:
                daemon.process.kill()
        failed = getattr(request.node, "report_call", None)
        if failed is not None and failed.failed:
            print(f"---- stderr of {daemon.folder.name}\n{daemon.stderr()[-8000:]}")
    assert not problems, "\n".join(problems)


@pytest.fixture
def backend():
    """make(name, ...) starts a scripted backend."""
    made = []

    def make(name="backend", handler=None, **options):
        made.append(Backend(name, handler, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def simple(sluice, backend):
    """simple(**service options) -> (daemon, backend): one pool, one backend, service `api`."""

    def start(pools=None, split=None, top=None, **options):
        only = backend("blue-1")
        daemon = sluice(config_of({"api": service(pools or {"blue": [only]}, split, **options)}, **(top or {})))
        return daemon, only

    return start


@pytest.fixture
def blue_green(sluice, backend):
    """blue_green(split, **service options) -> (daemon, blue, green): a pool each, one backend each."""

    def start(split=None, top=None, **options):
        blue, green = backend("blue"), backend("green")
        daemon = sluice(config_of({"api": service({"blue": [blue], "green": [green]}, split, **options)}, **(top or {})))
        return daemon, blue, green

    return start


@pytest.fixture
def upgradable(folder, backend):
    """upgradable(services, **top) -> a daemon whose place others take; all of them end with the test."""
    running = []

    def start(services=None, **more):
        described = services or {"api": service({"blue": [backend("blue")], "green": [backend("green")]}, {"blue": "50%", "green": "50%"})}
        running.append(Upgraded(folder / f"u{len(running)}", config_of(described, **more)))
        return running[-1]

    yield start
    for daemon in running:
        daemon.finish()


@pytest.fixture
def recorder(folder):
    made = []

    def make(name, **options):
        made.append(Recorder(folder, name, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def loader():
    made = []

    def make(daemon, **options):
        made.append(Loader(int(daemon.address().rsplit(":", 1)[1]), **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def process():
    """run(args, ready=callable) starts a helper program and ends it after the test."""
    made = []

    def run(args, ready=None, **options):
        made.append(subprocess.Popen(args, preexec_fn=die_with_the_tests, **options))
        if ready:
            wait_until(ready, 10, f"{args[0]} to be ready")
        return made[-1]

    yield run
    for one in made:
        if one.poll() is None:
            one.terminate()
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


@pytest.fixture
def port():
    return free_port
