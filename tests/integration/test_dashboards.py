"""conf/grafana: every query of the dashboard has an answer in a real Prometheus that scrapes a daemon under load."""
import itertools
import json
import re
import time

import pytest
from prometheus import CONF, Prometheus
from sluice import ROOT, config_of, service
from tls import Authority
from waiting import wait_until

GRAFANA = ROOT / "conf/grafana"
DASHBOARD = json.loads((GRAFANA / "sluice.json").read_text())
PANELS = DASHBOARD["panels"]
PLOTS = [panel for panel in PANELS if panel["type"] != "row"]
KNOWN_TO_GRAFANA = {"service", "datasource", "__rate_interval", "__range"}


def queries():
    """(where, PromQL) of every panel, variable and annotation."""
    for panel in PLOTS:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for note in DASHBOARD["annotations"]["list"]:
        yield f"annotation {note['name']}", note["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            yield f"variable {variable['name']}", f"count by ({label}) ({selector})"


def with_values(query):
    for name, value in {"$__rate_interval": "5s", "$__range": "1m", "$service": "api"}.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


@pytest.fixture
def watched(sluice, backend, recorder, loader, folder, process, port):
    """A daemon with a rollout in its first step and load on it, and the Prometheus that scrapes it."""
    admin = f"127.0.0.1:{port()}"
    cert, key = Authority(folder / "ca").issue("proxy", "127.0.0.1")
    plan = {"steps": [{"share": "50%", "hold": "10m"}, {"share": "100%"}], "min_requests": 10,
            "gates": [{"metric": "error_rate", "max": "5%"}, {"metric": "p95", "max": "5s"}]}
    daemon = sluice(config_of({"api": service({"blue": [recorder("blue")], "green": [recorder("green")]}), "web": service({"blue": [backend()], "green": [backend()]})},
                              plans={"p": plan}, admin={"http": {"bind": admin}}, tracing={"endpoint": f"http://127.0.0.1:{port()}"},
                              listeners=[{"name": "web", "bind": "127.0.0.1:0"},
                                         {"name": "tls", "bind": "127.0.0.1:0", "tls": {"certificates": [{"cert": str(cert), "key": str(key)}]}}]))
    prometheus = Prometheus(folder, admin, process)
    loader(daemon, connections=2, pace_us=2000)
    wait_until(lambda: prometheus.number("sum(sluice_requests_total)"), what="the load in Prometheus")
    daemon.ctl("rollout", "start", "api", "--to", "green", "--plan", "p", check=0)
    wait_until(lambda: prometheus.number('count_over_time(sluice_gate_upper{gate=~"p95.*"}[1m])'), 30, "the gates in Prometheus")
    return daemon, prometheus


def test_every_query_has_an_answer_and_names_what_there_is(watched):
    daemon, prometheus = watched
    began = time.time() - 60
    unanswered = dict(queries())

    def answered():
        for where, query in list(unanswered.items()):
            if prometheus.api("query_range", query=with_values(query), start=began, end=time.time(), step="250ms")["result"]:
                del unanswered[where]
        return not unanswered
    # In the order of what happens: the last to have an answer is the mark of the rollback.
    wait_until(lambda: answered() or set(unanswered) == {"annotation Rollbacks"}, 30, lambda: f"answers to {unanswered}")
    check_names(daemon.metrics())
    daemon.ctl("rollout", "abort", "api", check=0)
    wait_until(answered, 10, lambda: f"answers to {unanswered}")


def check_names(metrics):
    labels = {}
    for name, text in re.findall(r"^(\w+)(?:\{(.*)\})? ", metrics, re.M):
        labels.setdefault(name, {"instance", "job"}).update(re.findall(r'(\w+)="', text))
    for where, query in queries():
        query = re.sub(r'"[^"]*"', '""', query)
        names = set(re.findall(r"\b((?:sluice|process)_\w+)", query))
        assert names and names <= set(labels), (where, names - set(labels))
        for name, matchers in re.findall(r"\b((?:sluice|process)_\w+)\{(.*?)\}", query):
            asked = set(re.findall(r"(\w+)\s*=", matchers))
            assert asked <= labels[name], (where, name, asked - labels[name])
        grouped = set(itertools.chain.from_iterable(re.findall(r"\w+", words) for words in re.findall(r"(?:by|on|ignoring) \((.*?)\)", query)))
        assert grouped <= set.union(*(labels[name] for name in names)), (where, grouped)


def test_legends_say_labels_that_the_query_keeps():
    for panel in PLOTS:
        for target in panel["targets"]:
            kept = set(itertools.chain.from_iterable(re.findall(r"\w+", words) for words in re.findall(r"by \((.*?)\)", target["expr"])))
            kept |= set() if re.search(r"\b(sum|max|min)\b", target["expr"]) else {"instance"}
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert target["legendFormat"] and shown <= kept, (panel["title"], target["legendFormat"])


def test_panels_stand_side_by_side_and_have_units():
    assert DASHBOARD["uid"] and DASHBOARD["title"] and isinstance(DASHBOARD["schemaVersion"], int)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = {}
    for panel in PANELS:
        at = panel["gridPos"]
        assert at["x"] >= 0 and at["w"] > 0 and at["h"] > 0 and at["x"] + at["w"] <= 24, panel["title"]
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            assert taken.setdefault(cell, panel["title"]) == panel["title"], (panel["title"], taken[cell])
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for panel in PLOTS:
        assert panel["fieldConfig"]["defaults"].get("unit"), panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]), panel["title"]


def test_only_variables_that_there_are():
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "service"}
    assert used <= KNOWN_TO_GRAFANA, used - KNOWN_TO_GRAFANA


def test_the_dashboards_job_is_scraped_as_often_as_its_data_source_says():
    """Else $__rate_interval would be shorter than four scrapes."""
    source = (GRAFANA / "provisioning/datasources/prometheus.yaml").read_text()
    scraped = re.search(r"scrape_interval: (\w+)", (CONF / "prometheus.yml").read_text())[1]
    assert f"timeInterval: {scraped}" in source
