#!/usr/bin/env python3
"""Rule files mean to us what they mean to Debian's Prometheus. promtool and we accept and refuse the same files; and for
samples that come and go at random, promtool's own rule tests expect exactly the alerts and series that we got.

Usage: rules_test.py RULE_CHECK
"""
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

from prometheus_reference import FOLDER, SKIPPED, fetch, named

RULE_CHECK = sys.argv.pop(1)
STEPS = 40


def rule(*lines):
    return "groups:\n- name: g\n  rules:\n  - " + "\n    ".join(lines) + "\n"


FILES = [
    "", "# nothing\n", "groups:\n", "groups: []\n", "groups: a\n", "- a\n", "group: []\n", "groups: [a]\n", "groups: [\n",
    "groups:\n- name: a\n", "groups:\n- name: ''\n", "groups:\n- rules: []\n", "groups:\n- name: a\n- name: a\n",
    "groups:\n- name: a\n- name: b\n", "groups:\n- name: a\n  interval: 5m\n", "groups:\n- name: a\n  interval: 5\n",
    "groups:\n- name: a\n  interval: 1h30m\n", "groups:\n- name: a\n  interval: 30m1h\n", "groups:\n- name: a\n  limit: 3\n",
    "groups:\n- name: a\n  limit: x\n", "groups:\n- name: a\n  x: 1\n", "groups:\n- name: a\n  rules: x\n",
    rule("record: a", "expr: up"), rule("record: a"), rule("expr: up"), rule("record: a", "alert: b", "expr: up"),
    rule("record: 0a", "expr: up"), rule("record: a:b", "expr: up"), rule("record: a", "expr: sum("),
    rule("record: a", "expr: 1"), rule("record: a", "expr: |", "  sum by (job) (", "  up)"),
    rule("record: a", "expr: up", "for: 5m"), rule("record: a", "expr: up", "keep_firing_for: 5m"),
    rule("record: a", "expr: up", "annotations: {b: c}"), rule("record: a", "expr: up", "labels: {b: c}"),
    rule("record: a", "expr: up", "labels: {0b: c}"), rule("record: a", "expr: up", "labels: {__name__: c}"),
    rule("record: a", "expr: up", "labels: [c]"), rule("record: a", "expr: up", "x: 1"),
    rule("alert: a", "expr: up"), rule("alert: two words", "expr: up"), rule("alert: a", "expr: up", "for: 5m"),
    rule("alert: a", "expr: up", "for: soon"), rule("alert: a", "expr: up", "for: 0s"),
    rule("alert: a", "expr: up", "keep_firing_for: 1h"), rule("alert: a", "expr: up", "labels: {b: '{{ $value }}'}"),
    rule("alert: a", "expr: up", "labels: {b: 7}"), rule("alert: a", "expr: up", "labels: {b: [7]}"),
    rule("alert: a", "expr: up", "labels: {b: '{{'}"), rule("alert: a", "expr: up", "labels:"),
    rule("alert: a", "expr: up", "annotations: {b: '{{ $labels.x | toUpper }}'}"),
    rule("alert: a", "expr: up", "annotations: {b: '{{ $other }}'}"),
    rule("alert: a", "expr: up", "annotations: {b: '{{ nothing 1 }}'}"),
    rule("alert: a", "expr: up", "annotations: {b: '{{ \"a }}'}"),
    rule("alert: a", "expr: up", "annotations: {b-c: d}"), rule("alert: a", "expr: up", "annotations: {b: 'é }} {'}"),
    rule("alert: a", "expr: up", "labels: &l {b: c}", "annotations: *l"), rule("alert: a", "alert: b", "expr: up"),
]

RULES = {"groups": [{"name": "g", "rules": [
    {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"kind": "recorded"}},
    {"alert": "AtOnce", "expr": "up == 0", "labels": {"severity": "page", "job": "{{ $labels.job | toUpper }}"},
     "annotations": {"summary": "{{ $labels.instance }} of {{ .Labels.job }}: {{ $value }}{{ $labels.none }}"}},
    {"alert": "Later", "expr": "up == 0", "for": "3m", "annotations": {"text": "{{- 1 -}} trimmed"}},
    {"alert": "Long", "expr": "job:up:sum < 2", "keep_firing_for": "4m", "for": "2m",
     "annotations": {"text": "{{ printf \"%.2f of %s\" $value $labels.kind }}"}},
    {"alert": "Humanized", "expr": "level > 0", "annotations": {
        name: "{{ $value | %s }} {{ %s (printf \"-%%.3f\" $value) }}" % (name, name)
        for name in ("humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp")}},
    {"alert": "Texts", "expr": "level > 1000", "annotations": {
        "a": "{{ $labels.address | stripPort | title | printf \"%-12s|\" }} {{ $value | printf \"%08.3f|%e|%g\" 1.5 2.25 }}",
        "b": "{{/* nothing */}}{{ $labels.address | printf \"%q %5s %v\" $labels.address \"x\" }}{{ `}}` }}"}},
    {"record": "alerts:count", "expr": "count by (alertstate) (ALERTS)"},
]}]}


def samples(rng):
    """{labels: [value or None]}, one a minute."""
    out = {}
    for job in ("api", "db"):
        for instance in ("a", "b", "c"):
            value, values = 1.0, []
            for _ in range(STEPS + 1):
                if rng.random() < 0.25:
                    value = rng.choice([0.0, 1.0, None])
                values.append(value)
            out[named("up", job=job, instance=instance)] = values
    sizes = [1e-7, 0.00123, 0.5, 1.0, 12.25, 59.5, 999.0, 1000.0, 1023.0, 1024.0, 3661.0, 86461.0, 123456.789, 1e6, 5e8]
    out[named("level", address="host.example:9100")] = [rng.choice(sizes) for _ in range(STEPS + 1)]
    out[named("level", address="[::1]:9100")] = (sizes + sizes + sizes)[:STEPS + 1]
    return out


def series_text(labels):
    rest = {name: value for name, value in labels.items() if name != "__name__"}
    return labels["__name__"] + "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(rest.items())) + "}"


class Rules(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rhizome-rules-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def promtool(self, *arguments):
        return subprocess.run([FOLDER / "promtool", *arguments], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "GOMAXPROCS": "1"})

    def ours(self, *arguments):
        done = subprocess.run([RULE_CHECK, *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_same_files_are_refused(self):
        paths = []
        for number, text in enumerate(FILES):
            paths.append(self.folder / f"{number}.yml")
            paths[-1].write_text(text)
        complaints = self.promtool("check", "rules", *paths).stderr
        wrong, refused = [], 0
        for path, text, verdict in zip(paths, FILES, self.ours("check", *paths)):
            theirs = [line for line in complaints.splitlines() if line.startswith(f"{path}: ")]
            refused += bool(theirs)
            if bool(theirs) != (verdict != "ok"):
                wrong.append(f"{text}\n--- theirs: {theirs or 'accepted'}\n--- ours: {verdict}")
        print(f"{len(FILES)} files, {refused} of them refused")
        self.assertGreater(refused, len(FILES) // 3)
        self.assertFalse(wrong, "\n\n".join(wrong))

    def save(self, series):
        encode = lambda text: text.encode().hex()
        with open(self.folder / "series", "w") as out:
            for labels, values in series.items():
                out.write("S " + " ".join(encode(text) for pair in labels for text in pair) + "\n")
                out.writelines("P %d %x\n" % (minute * 60_000, struct.unpack("<Q", struct.pack("<d", value))[0])
                               for minute, value in enumerate(values) if value is not None)

    def rule_test(self, series, steps):
        """promtool's test file that expects what we got."""
        alerts, queries = [], []
        for minute, step in enumerate(steps):
            for name in {rule["alert"] for rule in RULES["groups"][0]["rules"] if "alert" in rule}:
                expected = [{"exp_labels": {n: v for n, v in labels.items() if n != "alertname"}, "exp_annotations": annotations}
                            for state, labels, annotations in step["alerts"]
                            if state == "firing" and labels["alertname"] == name]
                alerts.append({"eval_time": f"{minute}m", "alertname": name, "exp_alerts": expected})
            for name in ("ALERTS", "ALERTS_FOR_STATE", "job:up:sum", "alerts:count"):
                expected = [{"labels": series_text(labels), "value": value} for labels, value in step["points"]
                            if labels["__name__"] == name]
                queries.append({"expr": name, "eval_time": f"{minute}m", "exp_samples": expected})
        inputs = [{"series": series_text(dict(labels)), "values": " ".join("_" if v is None else repr(v) for v in values)}
                  for labels, values in series.items()]
        return {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [
            {"interval": "1m", "input_series": inputs, "alert_rule_test": alerts, "promql_expr_test": queries}]}

    def test_promtools_tests_expect_what_we_got(self):
        (self.folder / "rules.yml").write_text(json.dumps(RULES))
        firing = 0
        for seed in range(3):
            series = samples(random.Random(seed))
            self.save(series)
            steps = [json.loads(line) for line in self.ours("run", self.folder / "rules.yml", self.folder / "series", str(STEPS))]
            firing += sum(state == "firing" for step in steps for state, _, _ in step["alerts"])
            (self.folder / "test.yml").write_text(json.dumps(self.rule_test(series, steps)))
            done = self.promtool("test", "rules", self.folder / "test.yml")
            self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[:4000])
        print(f"{firing} firing alerts compared")
        self.assertGreater(firing, 100)


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no promtool to compare with: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
