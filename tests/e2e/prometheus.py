# SPDX-License-Identifier: BSD-3-Clause
"""A real Prometheus in a namespace of a Lab, which scrapes gateways and evaluates the rules of conf/prometheus/."""
import json
import os
import re
import signal
import urllib.error
import urllib.parse
import urllib.request

import yaml

from lab import ROOT
from netns import Failed, wait_for

PORT = 9469
RULES = os.path.join(ROOT, "conf/prometheus/causeway.rules.yaml")
RULES_TEST = os.path.join(ROOT, "conf/prometheus/causeway.rules.test.yaml")
DASHBOARD = os.path.join(ROOT, "conf/grafana/causeway.json")


def http_get(ns, url, **headers):
    """(status, content type, text), as seen from a namespace."""
    with ns.entered():
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as r:
                return r.status, r.headers["Content-Type"], r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers["Content-Type"], e.read().decode()


def metric_names(text):
    """All names of series in a text of metrics."""
    return {m[1] for m in re.finditer(r"^([a-zA-Z_:][\w:]*)(?:\{| )", text, re.M)}


def dashboard_queries():
    """(title, query) of each target of each panel."""
    with open(DASHBOARD, encoding="utf-8") as f:
        board = json.load(f)
    return [(p["title"], t["expr"]) for p in board["panels"] for t in p.get("targets", [])]


def quick_rules(file, replace=()):
    """A copy of the rules for a test that cannot wait: minutes are made seconds, and what else is to be replaced in
    expressions."""
    with open(RULES, encoding="utf-8") as f:
        rules = yaml.safe_load(f)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "1s"
            rule["expr"] = re.sub(r"\[\d+m\]", "[4s]", rule["expr"].replace("[1h] offset 5m", "[6s] offset 5s"))
            for old, new in replace:
                rule["expr"] = rule["expr"].replace(old, new)
    with open(file, "w", encoding="utf-8") as f:
        yaml.safe_dump(rules, f)
    return file


class Prometheus:
    """Context manager. targets: "ADDRESS:PORT" of gateways, as seen from ns; address: where it answers itself."""

    def __init__(self, ns, targets, rules=RULES, interval="15s", address="127.0.0.1:9090"):
        self.ns, self.url = ns, f"http://{address}"
        self.address = address
        self.process = None
        self.config, self.log_file = ns.lab.file("prometheus.yaml"), ns.lab.file("prometheus.log")
        with open(self.config, "w", encoding="utf-8") as f:
            yaml.safe_dump({
                "global": {"scrape_interval": interval, "evaluation_interval": interval, "scrape_timeout": interval},
                "rule_files": [rules],
                "scrape_configs": [{"job_name": "causeway", "static_configs": [{"targets": list(targets)}]}]}, f)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *rest):
        if not (self.ns.lab.keep and kind is None):
            self.end()
        if kind and kind is not KeyboardInterrupt:
            with open(self.log_file, encoding="utf-8", errors="replace") as f:
                print(f"---- log of prometheus\n{f.read()[-3000:]}")

    def start(self):
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = self.ns.start("prometheus", f"--config.file={self.config}", "--log.level=warn",
                                         f"--storage.tsdb.path={self.ns.lab.file('prometheus')}",
                                         f"--web.listen-address={self.address}", stdout=log, stderr=log)
        try:
            wait_for(self._ready, 30, "prometheus is ready")
        except BaseException:
            self.end()
            raise
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise Failed(f"prometheus ended with status {self.process.returncode}")
        try:
            return http_get(self.ns, f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def end(self):
        """It writes nothing that anybody reads again."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def api(self, path, **args):
        query = "?" + urllib.parse.urlencode(args) if args else ""
        status, _, text = http_get(self.ns, f"{self.url}/api/v1/{path}{query}")
        answer = json.loads(text)
        if status != 200 or answer["status"] != "success":
            raise Failed(f"prometheus: {path} {args}: {text}")
        return answer["data"]

    def query(self, expression):
        """[(labels, value)] of now."""
        return [(r["metric"], float(r["value"][1])) for r in self.api("query", query=expression)["result"]]

    def value(self, expression):
        """The one value, or None."""
        rows = self.query(expression)
        return rows[0][1] if len(rows) == 1 else None

    def targets(self):
        return {t["labels"]["instance"]: t for t in self.api("targets")["activeTargets"]}

    def firing(self):
        """{(alert, instance)}"""
        return {(a["labels"]["alertname"], a["labels"].get("instance")) for a in self.api("alerts")["alerts"]
                if a["state"] == "firing"}

    def wait_firing(self, alert, instance, timeout=15):
        wait_for(lambda: (alert, instance) in self.firing(), timeout,
                 lambda: f"{alert} of {instance}; there is {self.api('alerts')}", interval=0.2)
