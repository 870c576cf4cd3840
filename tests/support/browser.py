"""A headless Chromium by the WebDriver protocol (W3C WebDriver, and chromedriver's door to DevTools)."""
import base64
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from sluice import ROOT, die_with_the_tests
from waiting import wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how the protocol names an element
ENTER, TAB, ESCAPE = "\ue007", "\ue004", "\ue00c"
AXE = ROOT / "build/corpora/npm/node_modules/axe-core/axe.min.js"  # fetched by ./dev test


def is_installed():
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Failed(Exception):
    """The driver said no."""


class Browser:
    """A browser with one tab. `script` runs in the page, whatever its content security policy says of scripts."""

    def __init__(self, width=1000, height=900):
        self.profile = tempfile.mkdtemp(prefix="sluice-chromium-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       preexec_fn=die_with_the_tests)
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.port = int(found[1])
                break
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                     f"--window-size={width},{height}", f"--user-data-dir={self.profile}"]
        options = {"binary": shutil.which("chromium"), "args": arguments}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        self.resize(width, height)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, json.dumps(body if body is not None else {}) if method == "POST" else None)
        said = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(said, dict) and said.get("error"):
            raise Failed(f"{said['error']}: {said['message']}")
        return said

    def do(self, method, path, **body):
        return self.call(method, f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        return self.do("POST", "/goog/cdp/execute", cmd=command, params=parameters)

    def close(self):
        try:
            self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(10)
            self.driver.stdout.close()
            shutil.rmtree(self.profile, ignore_errors=True)

    # -- looking

    def open(self, url):
        self.do("POST", "/url", url=url)

    def resize(self, width, height=900):
        """The page's own size, which a window's is not."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name, reduced_motion=False):
        features = [{"name": "prefers-color-scheme", "value": name}]
        if reduced_motion:
            features.append({"name": "prefers-reduced-motion", "value": "reduce"})
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def script(self, text, *arguments):
        return self.do("POST", "/execute/sync", script=text, args=list(arguments))

    def text(self, selector="body"):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def see(self, *words, selector="body", timeout=20):
        """Waits until all of them stand there, whatever their case; what stands there then."""
        def seen():
            shown = re.sub(r"\s+", " ", self.text(selector))
            return shown if all(word.lower() in shown.lower() for word in words) else ""
        return wait_until(seen, timeout, lambda: f"{words} in {selector}, where there is:\n{self.text(selector)}", every=0.05)

    def find(self, selector):
        return self.do("POST", "/element", using="css selector", value=selector)[ELEMENT]

    def click(self, selector):
        self.do("POST", f"/element/{self.find(selector)}/click")

    def button(self, label):
        """The selector of the button that begins with this label."""
        return self.script("""
            const found = [...document.querySelectorAll('button')].find(one => one.offsetParent && one.textContent.startsWith(arguments[0]));
            return found && `button[data-act="${found.dataset.act}"]` + (found.dataset.pool ? `[data-pool="${found.dataset.pool}"]` : '')
        """, label)

    def press_button(self, label, timeout=20):
        def ready():
            selector = self.button(label)
            return selector if selector and self.script("return !document.querySelector(arguments[0]).disabled", selector) else ""
        self.click(wait_until(ready, timeout, lambda: f"a button {label!r}; there are {self.script('return [...document.querySelectorAll(`button`)].map(b => b.textContent + (b.disabled ? ` (${b.title})` : ``))')}"))

    def press(self, *keys):
        actions = [step for key in keys for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.do("POST", "/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def write(self, selector, text):
        self.do("POST", f"/element/{self.find(selector)}/value", text=text)

    def screenshot(self, path, whole=True):
        """PNG of the whole page, or of what a person sees at first."""
        size = self.script("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}, "captureBeyondViewport": True} if whole else {}
        pathlib.Path(path).write_bytes(base64.b64decode(self.devtools("Page.captureScreenshot", format="png", **clip)["data"]))

    def heap(self):
        """Bytes that the page's scripts hold, after a collection."""
        self.devtools("HeapProfiler.collectGarbage")
        return self.devtools("Runtime.getHeapUsage")["usedSize"]

    def complaints(self):
        """What the console got since the last time: errors, and what a content security policy forbade."""
        said = self.do("POST", "/se/log", type="browser")
        return [f"{line['level']}: {line['message']}" for line in said if line["level"] in ("SEVERE", "WARNING")]

    def violations(self):
        """What axe-core finds wrong for people who cannot see, or point, or tell colours apart."""
        self.script(AXE.read_text())
        found = self.do("POST", "/execute/async", args=[], script="""
            const done = arguments[0];
            axe.run(document, {resultTypes: ['violations']}).then(said => done({passes: said.passes.length, bad: said.violations.map(one =>
              `${one.id} (${one.impact}): ${one.help}: ` + one.nodes.slice(0, 5).map(node => node.target + ' ' + node.failureSummary).join(' | '))}),
              error => done({passes: 0, bad: [String(error)]}));
        """)
        assert found["passes"] > 10, found
        return found["bad"]
