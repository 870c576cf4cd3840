"""A place to run the old guide's scripts in, letter by letter.

What is put in their place, since their hosts and containers do not exist here:
- host names and ports, by curl's own `connect-to` in a .curlrc ($CURL_HOME): the scripts' lines stay as they are;
- `docker`, `docker-compose` and the two verification scripts, by programs of those names that note their arguments and may call a
  hook over HTTP;
- `sleep`, by one that returns at once (after a look at how things are, if the test wants one): what the scripts wait for by
  sleeping must not need it.
"""
import os
import pathlib
import subprocess
import threading

from backend import Backend

GUIDE = pathlib.Path(__file__).resolve().parent / "guide"


class OldScripts:
    """`hosts` maps "name:port" of the scripts to real addresses; `on_docker(program, arguments)` is told of every such
    call, `on_sleep()` of every sleep."""

    def __init__(self, folder, hosts, on_docker=None, on_sleep=None, env=None):
        self.folder = pathlib.Path(folder)
        self.calls, self.lock, self.on_docker = [], threading.Lock(), on_docker
        self.on_sleep = on_sleep
        self.hook = Backend("hook", self._called)
        self.env = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "CURL_HOME": str(self.folder), **(env or {})}
        rules = [f'connect-to = "{name}:{address}"\n' for name, address in hosts.items()]
        (self.folder / ".curlrc").write_text("noproxy = *\n" + "".join(rules))
        for name in ("bin/docker", "bin/docker-compose", "scripts/deployment/verify-deployment.sh", "scripts/deployment/pre-deploy-check.sh"):
            self.program(name, f'exec curl -sf "http://{self.hook.address}/{pathlib.Path(name).name}" --data-binary "$*" -o /dev/null\n')
        self.program("bin/sleep", f'exec curl -sf "http://{self.hook.address}/sleep" -o /dev/null\n' if on_sleep else "exit 0\n")

    def program(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/bash\n" + text)
        path.chmod(0o755)

    def _called(self, connection, request):
        if request.path == "/sleep":
            self.on_sleep()
            return connection.answer(200)
        arguments = request.body.decode().split()
        with self.lock:
            self.calls.append([request.path[1:], *arguments])
        if self.on_docker:
            self.on_docker(request.path[1:], arguments)
        connection.answer(200)

    def run(self, name, timeout=60):
        """The guide's file as it is."""
        return subprocess.run(["bash", str(GUIDE / name)], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=timeout)

    def stop(self):
        self.hook.stop()
