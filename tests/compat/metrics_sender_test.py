"""Debian's Prometheus as a remote-write sender to the real program, which is killed once meanwhile: afterwards both answer
the same, samples and all.

Usage: metrics_sender_test.py PROGRAM. Skipped when the package cannot be had.
"""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from prometheus_reference import FOLDER, SKIPPED, fetch

PROGRAM = sys.argv.pop(1)
SECONDS = 5  # before the kill, and again after the restart
PATIENCE = 120

CONFIG = """
global: {{scrape_interval: 250ms}}
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ["127.0.0.1:{theirs}"]}}]
  - job_name: nobody
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
remote_write:
  - url: http://127.0.0.1:{ours}/api/v1/write
    queue_config: {{max_shards: 2, batch_send_deadline: 500ms, min_backoff: 50ms, max_backoff: 500ms}}
"""

QUERIES = ("up", "sum by (job) (up)", "rate(prometheus_http_requests_total[3s])", "sum(scrape_samples_scraped)",
           "histogram_quantile(0.9, rate(prometheus_tsdb_compaction_chunk_range_seconds_bucket[3s]))",
           "count by (__name__) ({job='itself'})", "topk(3, go_memstats_alloc_bytes)", "absent(nothing)")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def get(port, path, **parameters):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def await_answer(port, path):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if get(port, path)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"nobody answers {path} at {port}")


class MetricsSender(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.ours, self.theirs = free_port(), free_port()
        self.log = open(self.folder / "log", "wb")
        self.addCleanup(self.log.close)
        self.start_server()
        self.addCleanup(lambda: self.end(self.server))
        (self.folder / "prometheus.yml").write_text(CONFIG.format(ours=self.ours, theirs=self.theirs))
        self.sender = self.start([FOLDER / "prometheus", f"--config.file={self.folder}/prometheus.yml",
                                  f"--storage.tsdb.path={self.folder}/theirs", f"--web.listen-address=127.0.0.1:{self.theirs}",
                                  "--log.level=warn"], {"GOMAXPROCS": "1"})
        self.addCleanup(lambda: self.end(self.sender))
        await_answer(self.theirs, "/-/ready")

    def start(self, arguments, environment=None):
        return subprocess.Popen(arguments, stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})

    def start_server(self):
        self.server = self.start([PROGRAM, "serve", "--data-dir", self.folder / "ours", "--listen", f"127.0.0.1:{self.ours}",
                                  "--embedder", "none", "--checkpoint-log-mib", "1"])
        await_answer(self.ours, "/ready")

    @staticmethod
    def end(process):
        process.kill()
        process.wait()

    def ask(self, port, path, **parameters):
        status, body = get(port, "/api/v1/" + path, **parameters)
        self.assertEqual(status, 200, body[:1000])
        return json.loads(body)["data"]

    def samples(self, port, start, end):
        data = self.ask(port, "query", query='{__name__=~".+"}[%dms]' % round((end - start) * 1000), time=f"{end:.3f}")
        return {json.dumps(series["metric"], sort_keys=True): series["values"] for series in data["result"]}

    def await_same_samples(self, start, end):
        deadline = time.monotonic() + PATIENCE
        while True:
            theirs, ours = (self.samples(port, start, end) for port in (self.theirs, self.ours))
            if theirs == ours or time.monotonic() > deadline:
                return theirs, ours
            time.sleep(0.5)

    def promtool(self, port, *arguments):
        verb, *rest = arguments
        flags, words = [r for r in rest if r.startswith("--")], [r for r in rest if not r.startswith("--")]
        done = subprocess.run([FOLDER / "promtool", "query", verb, *flags, f"http://127.0.0.1:{port}", *words],
                              capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": "1"}, timeout=120)
        return done.returncode, done.stdout

    def test_what_is_sent_over_a_kill_is_all_there_and_answers_are_the_same(self):
        # The first scrapes may be older than the sender's look at its own log.
        deadline = time.monotonic() + PATIENCE
        while not self.ask(self.ours, "query", query='up{job="itself"}')["result"]:
            self.assertLess(time.monotonic(), deadline, "nothing arrives")
            time.sleep(0.2)
        start = time.time()
        time.sleep(SECONDS)
        self.end(self.server)
        time.sleep(1)
        self.start_server()
        time.sleep(SECONDS)
        end = time.time()
        time.sleep(0.5)  # a scrape that began before may end
        theirs, ours = self.await_same_samples(start, end)
        count = sum(len(values) for values in theirs.values())
        print(f"{len(theirs)} series, {count} samples sent over a kill")
        self.assertGreater(count, 1_000)
        self.assertEqual(theirs.keys(), ours.keys())
        differ = [name for name in theirs if theirs[name] != ours[name]]
        self.assertFalse(differ, f"{len(differ)} series differ, {differ[:3]}")
        for query in QUERIES:
            at = {"query": query, "time": f"{end:.3f}"}
            self.assertEqual(self.ask(self.theirs, "query", **at), self.ask(self.ours, "query", **at), query)
            grid = {"query": query, "start": f"{start + 4:.3f}", "end": f"{end:.3f}", "step": "1"}
            self.assertEqual(self.ask(self.theirs, "query_range", **grid), self.ask(self.ours, "query_range", **grid), query)
        for arguments in (("instant", f"--time={end:.3f}", "up"), ("instant", f"--time={end:.3f}", "sum(up)"),
                          ("series", "--match=up", f"--start={start:.3f}", f"--end={end:.3f}")):
            self.assertEqual(self.promtool(self.theirs, *arguments), self.promtool(self.ours, *arguments), arguments)


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to send samples: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
