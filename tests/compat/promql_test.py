#!/usr/bin/env python3
"""Our PromQL gives the answers of Debian's Prometheus: the queries of promql_queries.txt, asked at instants and over
ranges on the same samples, and their printed forms. The samples hold counters with resets, gaps, NaN and infinities,
stale markers, histograms and labels of every shape; the same queries must be refused, with the same class of error.

Values are equal bit for bit (any NaN equals any NaN), but to 1e-12 where both could not be: where a function of the C
library or of Go's decides the last bit, where Prometheus adds up in the order of a hash map, which changes from run to
run, and where a quantile picks one of two zeros. Series come in the same order, but where that is such a map's.

Usage: promql_test.py PROMQL_ANSWERS
"""
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

from prometheus_reference import SKIPPED, STALE_START, START, Reference, fetch

ANSWERS = sys.argv.pop(1)

INSTANTS = [START + 3_600, START + 1_234.75, STALE_START + 900]
RANGES = [(START + 900, START + 3_300, 60), (START + 6_600, START + 7_800, 47), (STALE_START - 100, STALE_START + 1_900, 75)]

LIBRARY = re.compile(r"\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2)\b|\^")
ADDS_UP = re.compile(r"\b(sum|avg|stddev|stdvar|quantile|quantile_over_time)\b|:\w*\]")
MAP_ORDER = re.compile(r"\bhistogram_quantile\b|:\w*\]")
CLASSES = {"bad_data": {"invalid_argument", "too_large"}, "execution": {"failed_precondition"}}


def theirs(answer):
    """(type or error class, [(labels, [(ms, value)])] or text)"""
    if answer["status"] != "success":
        return answer["errorType"], answer["error"]
    data = answer["data"]
    if isinstance(data, str):
        return "format", data
    kind, result = data["resultType"], data["result"]
    sample = lambda pair: (round(float(pair[0]) * 1000), float(pair[1]))
    if kind == "string":
        return kind, result[1]
    if kind == "scalar":
        return kind, [((), [sample(result)])]
    key = "value" if kind == "vector" else "values"
    return kind, [(tuple(sorted(s["metric"].items())), [sample(p) for p in ([s[key]] if kind == "vector" else s[key])])
                  for s in result]


def ours(line):
    answer = json.loads(line)
    text = lambda hexadecimal: bytes.fromhex(hexadecimal).decode("utf-8", "surrogateescape")
    if "error" in answer:
        return answer["error"], text(answer["message"])
    if "type" not in answer:
        return "format", text(answer["text"])
    if answer["type"] == "string":
        return "string", text(answer["text"])
    return answer["type"], [
        (tuple(sorted((text(n), text(v)) for n, v in labels)),
         [(ms, struct.unpack("<d", struct.pack("<Q", int(bits, 16)))[0]) for ms, bits in samples])
        for labels, samples in answer["series"]]


def bits(value):
    return b"NaN" if math.isnan(value) else struct.pack("<d", value)


def difference(query, expected, got):
    """What is wrong with our answer, or None."""
    if expected[0] in CLASSES or expected[0] not in ("scalar", "vector", "matrix"):
        if expected[0] in CLASSES:
            return None if got[0] in CLASSES[expected[0]] else f"refused ({expected[1]}), and we say {got}"
        return None if expected == got else f"{expected} is not {got}"
    if expected[0] != got[0]:
        return f"{expected[0]}, and we say {got[0]}: {got[1] if isinstance(got[1], str) else ''}"
    left, right = list(expected[1]), list(got[1])
    if MAP_ORDER.search(query):
        left.sort(key=lambda s: s[0])
        right.sort(key=lambda s: s[0])
    if [s[0] for s in left] != [s[0] for s in right]:
        return f"series {[s[0] for s in left]}, and ours {[s[0] for s in right]}"
    inexact = LIBRARY.search(query) or ADDS_UP.search(query)
    for (labels, a), (_, b) in zip(left, right):
        if [t for t, _ in a] != [t for t, _ in b]:
            return f"{labels} at {[t for t, _ in a]}, and ours at {[t for t, _ in b]}"
        for (t, x), (_, y) in zip(a, b):
            if bits(x) != bits(y) and not (inexact and math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-300)):
                return f"{labels} at {t}: {x!r}, and ours {y!r}"
    return None


def queries():
    lines = (pathlib.Path(__file__).parent / "promql_queries.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def all_requests():
    for query in queries():
        for t in INSTANTS:
            yield query, f"instant {round(t * 1000)}", ("query", {"query": query, "time": t})
        for start, end, step in RANGES:
            yield (query, f"range {start * 1000} {end * 1000} {step * 1000}",
                   ("query_range", {"query": query, "start": start, "end": end, "step": step}))
        yield query, "format", ("format_query", {"query": query})


class PromQL(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rhizome-promql-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.reference = Reference(cls.folder)
        cls.addClassCleanup(cls.reference.stop)

    def our_answers(self, requests):
        self.reference.save(self.folder / "series")
        encode = lambda text: text.encode().hex() or "-"
        (self.folder / "queries").write_text("".join(f"{how} {encode(query)}\n" for query, how, _ in requests))
        done = subprocess.run([ANSWERS, self.folder / "series", self.folder / "queries"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_same_answers(self):
        requests = list(all_requests())
        lines = self.our_answers(requests)
        self.assertEqual(len(lines), len(requests))
        wrong, answered = [], 0
        for (query, how, (path, parameters)), line in zip(requests, lines):
            expected = theirs(self.reference.prometheus.ask(path, **parameters))
            answered += expected[0] in ("scalar", "vector", "matrix") and bool(expected[1])
            problem = difference(query, expected, ours(line))
            if problem:
                wrong.append(f"{query}   [{how}]\n    {problem[:600]}")
        print(f"{len(queries())} expressions, {len(requests)} answers compared, {answered} of them not empty")
        self.assertGreater(len(queries()), 300)
        self.assertGreater(answered, len(requests) // 4)
        self.assertFalse(wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:int(os.environ.get("RHIZOME_SHOW", 20))]))


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to compare with: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
