# SPDX-License-Identifier: Apache-2.0
"""conf/grafana.json and conf/alerts.yaml ask for nothing that /metrics does not have."""
import json
import re

import yaml

from harness.cli import PROJECT
from harness.client import HOST, RawClient, fetch
from harness.scene import plain_scene
from harness.waiting import wait_until

BOARD = PROJECT / "conf/grafana.json"
ALERTS = PROJECT / "conf/alerts.yaml"


def expressions():
    """Every query of the dashboard, with the text of its legend."""
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"], ""
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"], ""
    for rule in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]:
        if not rule["expr"].startswith("up{"):  # which is Prometheus' own
            yield rule["expr"], re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"{{\1}}", rule["annotations"]["summary"])


def families(page):
    """{name: labels} of a page of metrics."""
    found = {}
    for line in page.splitlines():
        match = re.match(r"(viaduct_\w+)(?:\{(.*)\})? ", line)
        if match:
            found.setdefault(match[1], set()).update(re.findall(r'(\w+)="', match[2] or ""))
    return found


def families_with_requests(port):
    """The families of /metrics, once a request has been counted."""
    with RawClient(port) as client:
        found = families(client.request("GET", "/metrics", host=HOST).body.decode())
    return found if "viaduct_requests_total" in found else None


def test_every_metric_and_label_of_the_dashboard_is_there(start_one, raw, site_pair):
    config = plain_scene(raw.url, admin={"health": "127.0.0.1:0"})
    config["listeners"].append({"address": "127.0.0.1:0", "tls": True})
    config["sites"][0]["tls"] = site_pair.as_config()
    daemon = start_one(config)
    assert fetch(daemon.https, "GET", "/x").status == 200
    port = int(daemon.wait_error(r"health_listening address=\S+:(\d+)")[1])
    known = wait_until(lambda: families_with_requests(port), "a page that has counted the request")
    asked = set()
    for expression, legend in expressions():
        names = set(re.findall(r"\bviaduct_\w+", expression))
        assert names, expression
        asked |= names
        labels = set(re.findall(r"(\w+)=~?\"", expression)) | set(re.findall(r"\{\{(\w+)\}\}", legend))
        for group in re.findall(r"\bby \(([\w, ]+)\)", expression):
            labels |= set(group.split(", "))
        for name in names:
            assert name in known, (name, sorted(known))
            assert labels - {"instance"} <= known[name], (name, labels, known[name])
    assert len(asked) > 12
