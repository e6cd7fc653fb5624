"""Debian's Prometheus, which scrapes itself, as a remote-write sender to the real program on loopback; and what both hold
afterwards, sample by sample.
"""
import collections
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.parse

from prometheus_reference import FOLDER

PATIENCE = 120  # for whatever has to happen some time

CONFIG = """
global: {{scrape_interval: {interval}}}
scrape_configs:
  - job_name: itself
    static_configs: [{{targets: ["127.0.0.1:{theirs}"]}}]
  - job_name: nobody
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
remote_write:
  - url: http://127.0.0.1:{ours}/api/v1/write
    queue_config: {{max_shards: 2, batch_send_deadline: 500ms, min_backoff: 50ms, max_backoff: 500ms}}
"""

# What became of the samples that one side has: all of them by (series, time).
Account = collections.namedtuple("Account", "sent found lost duplicated changed")


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


def ask(port, path, **parameters):
    status, body = get(port, "/api/v1/" + path, **parameters)
    assert status == 200, body[:1000]
    return json.loads(body)["data"]


def await_that(what, holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def answers(port, path):
    try:
        return get(port, path)[0] == 200
    except OSError:
        return False


def samples(port, start, end):
    """{series: [[time, value]]} with start < time <= end, in milliseconds."""
    data = ask(port, "query", query='{__name__=~".+"}[%dms]' % (end - start - 1), time="%d.%03d" % divmod(end, 1000))
    return {json.dumps(series["metric"], sort_keys=True): series["values"] for series in data["result"]}


def account(theirs, ours):
    """Of two answers of samples()."""
    sent = found = lost = duplicated = changed = 0
    for name in theirs.keys() | ours.keys():
        wanted = dict(map(tuple, theirs.get(name, [])))
        had = ours.get(name, [])
        kept = dict(map(tuple, had))
        sent += len(wanted)
        found += len(had)
        lost += len(wanted.keys() - kept.keys())
        # A time twice, or one that was never sent.
        duplicated += len(had) - len(kept) + len(kept.keys() - wanted.keys())
        changed += sum(kept[at] != wanted[at] for at in kept.keys() & wanted.keys())
    return Account(sent, found, lost, duplicated, changed)


def total(accounts):
    return Account(*map(sum, zip(*accounts)))


class Sender:
    """Both programs in `folder`."""

    def __init__(self, program, folder, interval):
        self.program, self.folder = program, pathlib.Path(folder)
        self.ours, self.theirs = free_port(), free_port()
        self.log = open(self.folder / "log", "wb")
        self.server = self.prometheus = None
        try:
            self.start_server()
            (self.folder / "prometheus.yml").write_text(
                CONFIG.format(ours=self.ours, theirs=self.theirs, interval=interval))
            self.prometheus = self.start(
                [FOLDER / "prometheus", f"--config.file={self.folder}/prometheus.yml",
                 f"--storage.tsdb.path={self.folder}/theirs", f"--web.listen-address=127.0.0.1:{self.theirs}",
                 "--log.level=warn"], {"GOMAXPROCS": "1"})
            await_that("prometheus does not start", lambda: answers(self.theirs, "/-/ready"))
            # The first scrapes may be older than the sender's look at its own log.
            await_that("nothing arrives", lambda: ask(self.ours, "query", query='up{job="itself"}')["result"])
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in (self.server, self.prometheus):
            if process is not None:
                process.kill()
                process.wait()
        self.log.close()

    def start(self, arguments, environment=None):
        return subprocess.Popen(arguments, stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})

    def start_server(self):
        self.server = self.start([self.program, "serve", "--data-dir", self.folder / "ours", "--listen",
                                  f"127.0.0.1:{self.ours}", "--embedder", "none", "--checkpoint-log-mib", "1", "--self-metrics", "off"])
        await_that("the server does not start", lambda: answers(self.ours, "/ready"))

    def kill_server(self):
        self.server.kill()
        self.server.wait()

    def stop_server(self):
        self.server.terminate()
        assert self.server.wait(PATIENCE) == 0, "it did not stop as it should"

    def await_sent(self, start, end):
        """The account of the times between, once everything has arrived or patience has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            counted = account(samples(self.theirs, start, end), samples(self.ours, start, end))
            if counted.lost == 0 or time.monotonic() > deadline:
                return counted
            time.sleep(0.5)

    def promtool(self, port, verb, *rest):
        flags, words = [r for r in rest if r.startswith("--")], [r for r in rest if not r.startswith("--")]
        done = subprocess.run([FOLDER / "promtool", "query", verb, *flags, f"http://127.0.0.1:{port}", *words],
                              capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": "1"}, timeout=PATIENCE)
        return done.returncode, done.stdout
