"""The same rule file under Debian's Prometheus and the real program: both tell the same of their rules and alerts, and tell
an Alertmanager the same. Then the program is killed, and its alerts go on.

Usage: rules_server_test.py PROGRAM. Skipped when the package cannot be had.
"""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

from metrics_sender import answers, ask, await_that, free_port, get
from prometheus_reference import FOLDER, SKIPPED, fetch

PROGRAM = sys.argv.pop(1)

RULES = """
groups:
- name: first
  interval: 1s
  rules:
  - {record: "one:sum", expr: "sum( vector(1) )", labels: {kind: recorded}}
  - {record: bare, expr: "vector(2)"}
  - alert: Fires
    expr: label_replace(vector(12.5), "host", "h1", "", "") > 1
    labels: {severity: page, seen: "{{ $value }}"}
    annotations: {summary: "{{ $labels.host }} has {{ $value | humanize }}", other: "<&>"}
  - {alert: Waits, expr: "one:sum > 0", for: 1h, keep_firing_for: 5m}
  - {alert: Silent, expr: "one:sum > 5"}
- name: second
  interval: 1s
  limit: 7
  rules: []
- name: failing
  interval: 1s
  rules:
  - {record: twice, expr: 'label_replace(vector(1), "a", "b", "", "") or vector(1)', labels: {a: c}}
"""

CONFIG = """
global: {{external_labels: {{site: north}}}}
rule_files: [{rules}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{receiver}"]}}]}}]}}
"""

PENDING_S = 8  # before the kill

# What differs from run to run, or by where a program is.
UNSTEADY = {"file", "evaluationTime", "lastEvaluation", "activeAt", "generatorURL", "startsAt", "endsAt"}


class Receiver:
    """Takes what Alertmanagers are sent."""

    def __init__(self):
        self.alerts = alerts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/api/v2/alerts":
                    alerts.extend(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def steady(data):
    if isinstance(data, dict):
        return {key: key if key in UNSTEADY else steady(value) for key, value in data.items()}
    if isinstance(data, list):
        return [steady(value) for value in data]
    return data


def by_name(alerts):
    return sorted(alerts, key=lambda alert: alert["labels"]["alertname"])


class RulesOfServers(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.log = open(self.folder / "log", "wb")
        self.addCleanup(self.log.close)
        (self.folder / "rules.yml").write_text(RULES)
        self.theirs_told, self.ours_told = Receiver(), Receiver()
        self.addCleanup(self.theirs_told.close)
        self.addCleanup(self.ours_told.close)
        self.theirs, self.ours = free_port(), free_port()
        (self.folder / "prometheus.yml").write_text(
            CONFIG.format(rules=self.folder / "rules.yml", receiver=self.theirs_told.port))
        self.start([FOLDER / "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/theirs",
                    f"--web.listen-address=127.0.0.1:{self.theirs}", "--log.level=warn", "--rules.alert.resend-delay=1s"], {"GOMAXPROCS": "1"})
        self.server = self.start_server()

    def start(self, arguments, environment=None):
        process = subprocess.Popen(arguments, stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_server(self):
        process = self.start([PROGRAM, "serve", "--data-dir", self.folder / "ours", "--listen", f"127.0.0.1:{self.ours}",
                              "--embedder", "none", "--self-metrics", "off", "--rule-files", self.folder / "rules.yml",
                              "--alertmanagers", f"http://127.0.0.1:{self.ours_told.port}", "--alert-labels", "site=north"])
        await_that("the server does not start", lambda: answers(self.ours, "/ready"))
        return process

    def await_evaluated(self, port):
        def evaluated():
            if not answers(port, "/api/v1/rules"):
                return False
            groups = {group["name"]: group["rules"] for group in ask(port, "rules")["groups"]}
            return groups["failing"][0]["health"] == "err" and all(
                rule["health"] == "ok" for rule in groups["first"]) and groups["first"][3]["state"] == "pending"
        await_that("rules are not evaluated", evaluated)

    def test_both_tell_the_same_and_ours_goes_on_after_a_kill(self):
        for port, receiver in ((self.theirs, self.theirs_told), (self.ours, self.ours_told)):
            self.await_evaluated(port)
            await_that("nobody is told", lambda told=receiver: told.alerts)
        for path in ("rules", "alerts"):
            theirs, ours = (steady(ask(port, path)) for port in (self.theirs, self.ours))
            if path == "alerts":
                theirs, ours = by_name(theirs["alerts"]), by_name(ours["alerts"])
            self.assertEqual(theirs, ours)
        for kind in ("alert", "record"):
            self.assertEqual(*(steady(ask(port, "rules", type=kind)) for port in (self.theirs, self.ours)))
        refused = [get(port, "/api/v1/rules", type="other") for port in (self.theirs, self.ours)]
        self.assertEqual(refused[0][0], refused[1][0])
        self.assertEqual(*(json.loads(body) for _, body in refused))
        self.assertEqual(steady(self.theirs_told.alerts[0]), steady(self.ours_told.alerts[0]))
        self.check_restart()

    def check_restart(self):
        def said():
            data = ask(self.ours, "query", query='ALERTS_FOR_STATE{alertname="Waits"}[10m]')["result"]
            return [(at, float(since)) for at, since in data[0]["values"]] if data else []
        await_that("it is not pending for long", lambda: said() and said()[-1][0] - said()[-1][1] >= PENDING_S)
        self.server.kill()
        self.server.wait()
        self.server = self.start_server()
        said_until = said()[-1][0]  # nothing is said before the second evaluation
        await_that("it says nothing any more", lambda: said()[-1][0] > said_until)
        at, since = next(sample for sample in said() if sample[0] > said_until)
        # The first thing it says again: one that had begun anew would be pending for two evaluations.
        self.assertGreaterEqual(at - since, PENDING_S)


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to compare with: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
