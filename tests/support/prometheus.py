"""A real Prometheus that scrapes one daemon."""
import json
import pathlib
import urllib.parse

from backend import free_port
from client import fetch
from sluice import ROOT

CONF = pathlib.Path(ROOT) / "conf/prometheus"
SCRAPE = 0.25  # seconds


class Prometheus:
    """With our rule files, and our job at a shorter interval."""

    def __init__(self, folder, target, process):
        self.address = f"127.0.0.1:{free_port()}"
        config = {"global": {"scrape_interval": f"{int(SCRAPE * 1000)}ms", "scrape_timeout": f"{int(SCRAPE * 1000)}ms", "evaluation_interval": "1s"},
                  "rule_files": [str(CONF / "rules.yml"), str(CONF / "alerts.yml")],
                  "scrape_configs": [{"job_name": "sluice", "static_configs": [{"targets": [target]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))
        self.log = open(folder / "prometheus.log", "w")
        process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address={self.address}", "--log.level=warn"], self.ready, stdout=self.log, stderr=self.log)

    def ready(self):
        try:
            return fetch(self.address, "GET", "/-/ready").status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        """The `data` of an answer."""
        reply = fetch(self.address, "GET", f"/api/v1/{path}?" + urllib.parse.urlencode(parameters))
        assert reply.status == 200, (parameters, reply.body)
        return json.loads(reply.body)["data"]

    def query(self, expression):
        return [(one["metric"], float(one["value"][1])) for one in self.api("query", query=expression)["result"]]

    def number(self, expression):
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else None
