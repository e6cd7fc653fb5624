"""What is measured. Each phase takes the options and a function that tells what is going on."""
import contextlib
import json
import subprocess
import sys
import time

import figures
from servers import Prometheus, Rhizome, VictoriaMetrics

KINDS = {kind.name: kind for kind in (Rhizome, VictoriaMetrics, Prometheus)}
INTERVAL_S = 15
# A load's samples are of the last ten minutes, as live ones are, and close together, so that a fast server does not come
# to the present: with 15 s between them they would be hours or days old, which is a backfill.
LIVE_INTERVAL_MS = 50
LIVE_AGE_S = 540

# (series, server, protocol, k, samples per request, measured with --quick)
INGEST = (
    (10_000, "rhizome", "native", 1, 10_000, True),
    (10_000, "rhizome", "native", 100, 10_000, False),
    (10_000, "rhizome", "remote_write", 1, 1_000, True),
    (10_000, "rhizome", "remote_write", 10, 1_000, True),
    (10_000, "rhizome", "influx", 1, 1_000, False),
    (10_000, "victoria-metrics", "remote_write", 1, 1_000, True),
    (10_000, "victoria-metrics", "remote_write", 10, 1_000, True),
    (10_000, "victoria-metrics", "remote_write", 10, 10_000, True),
    (10_000, "victoria-metrics", "remote_write", 100, 10_000, False),
    (10_000, "victoria-metrics", "influx", 1, 1_000, False),
    (10_000, "prometheus", "remote_write", 1, 1_000, False),
    (10_000, "prometheus", "remote_write", 10, 1_000, False),
    (100_000, "rhizome", "native", 1, 10_000, False),
    (100_000, "rhizome", "remote_write", 1, 1_000, False),
    (100_000, "rhizome", "remote_write", 10, 1_000, False),
    (100_000, "victoria-metrics", "remote_write", 1, 1_000, False),
    (100_000, "victoria-metrics", "remote_write", 10, 1_000, False),
    (100_000, "victoria-metrics", "remote_write", 10, 10_000, False),
    (100_000, "prometheus", "remote_write", 1, 1_000, False),
)

ALL = "production-eu-west-1"  # the cluster of every series
# name: (query, span of a range query in seconds or 0, its step, measured with --quick)
QUERIES = {
    "instant": ('http_requests_total{instance="10.0.0.7:9100"}', 0, 0, True),
    "range_2001_steps": ('http_requests_total{instance="10.0.0.7:9100"}', 3_600, 1.8, False),
    "sum_rate_1k": ('sum by (job) (rate({zone="z3"}[5m]))', 0, 0, False),
    "sum_rate_10k": (f'sum by (job) (rate({{cluster="{ALL}"}}[5m]))', 0, 0, True),
    "sum_rate_1k_1h": ('sum by (job) (rate({zone="z3"}[5m]))', 3_600, 15, False),
    "sum_rate_10k_1h": (f'sum by (job) (rate({{cluster="{ALL}"}}[5m]))', 3_600, 15, False),
    "topk": ("topk(10, rate(http_requests_total[5m]))", 0, 0, False),
    "quantile": ("histogram_quantile(0.95, sum by (le, job) (rate(http_request_duration_seconds_bucket[5m])))", 0, 0,
                 False),
    "regex": ('sum by (zone) ({__name__=~"cpu_.*|node_.*",job=~"service-0[1-5]"})', 0, 0, False),
}


class Bench:
    """The programs, and how the generator is called."""

    def __init__(self, options, programs):
        self.options = options
        self.programs = programs
        self.began = time.monotonic()

    def say(self, what):
        print(f"metrics_bench: {time.monotonic() - self.began:4.0f} s  {what}", file=sys.stderr, flush=True)

    def server(self, name, tag="", cpus=()):
        return KINDS[name](self.programs[name], tag, cpus)

    def names(self):
        return [name for name in KINDS if name in self.programs]

    def load(self, server, protocol, k, batch, **arguments):
        """Sends a load and returns what `rhizome bench metrics` says, with the server's processor time beside it."""
        before = server.cpu_s()
        report = self.load_url(server.url, protocol, k, batch, **arguments)
        return report | {"cpu_s": server.cpu_s() - before}

    def load_url(self, url, protocol, k, batch, **arguments):
        command = [self.programs["rhizome"], "bench", "metrics", "--json", "-q", "--url", url, "-p", protocol, "-k", k,
                   "--batch", batch]
        for name, value in arguments.items():
            command += ["--" + name.replace("_", "-"), value]
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
        report = json.loads(done.stdout or "{}")
        if not report.get("requests"):
            sys.exit(f"metrics_bench: {url} takes no samples: {report.get('complaint', done.returncode)}")
        return report


def ingest(bench):
    """Samples per processor second in a closed loop of two connections, all series known; each on a fresh server."""
    rows = []
    for series, name, protocol, k, batch, quick in INGEST:
        if name not in bench.programs or (bench.options.quick and not quick):
            continue
        bench.say(f"{name}: {protocol}, {k} of a series in a request, {series} series")
        with bench.server(name) as server:
            start_ms = 1000 * (int(time.time()) - LIVE_AGE_S)
            known = bench.load(server, protocol, 1, batch, series=series, rounds=1, seconds=0, start_ms=start_ms,
                               interval_ms=LIVE_INTERVAL_MS)
            report = bench.load(server, protocol, k, batch, series=series, seconds=bench.options.seconds,
                                start_ms=start_ms + 2 * LIVE_INTERVAL_MS, interval_ms=LIVE_INTERVAL_MS)
            rows.append({
                "series": series, "server": name, "protocol": protocol, "k": k,
                "request": round(report["samples"] / report["requests"]),
                "samples_per_cpu_s": figures.per_cpu_second(report["samples"], report["cpu_s"]),
                "new_series_per_cpu_s": figures.per_cpu_second(known["samples"], known["cpu_s"]),
                "samples_per_s": report["samples_per_s"], "cores": report["cpu_s"] / report["seconds"],
                "p50_ms": report["p50_ms"], "p999_ms": report["p999_ms"], "max_ms": report["max_ms"],
                "failed_requests": report["failed_requests"] + known["failed_requests"],
                "rss_peak_mib": server.rss_peak_bytes() / 2**20})
    return rows


def latency(bench):
    """How late acknowledgements are at 70 % of what a closed loop reaches just before, by the clock on the wall."""
    rows = []
    cases = [(name, "remote_write", 1, 1_000) for name in bench.names()] + [("rhizome", "native", 1, 10_000)]
    for name, protocol, k, batch in cases:
        bench.say(f"{name}: {protocol} at 70 % of its greatest rate")
        with bench.server(name) as server:
            start_ms = 1000 * (int(time.time()) - LIVE_AGE_S)
            most = bench.load(server, protocol, k, batch, series=10_000, seconds=bench.options.seconds,
                              start_ms=start_ms, interval_ms=LIVE_INTERVAL_MS)
            report = bench.load(server, protocol, k, batch, series=10_000, rate=0.7 * most["samples_per_s"],
                                seconds=bench.options.latency_seconds)
        rows.append({"server": name, "protocol": protocol, "rate": 0.7 * most["samples_per_s"]} | {
            key: report[key] for key in ("samples_per_s", "p50_ms", "p99_ms", "p999_ms", "max_ms", "failed_requests")})
    return rows


def cores(bench):
    """What our server takes in on one core and on two, in closed loops of four connections. The generator needs a share of the
    second core, and others may too, so what counts is the work done per processor second, and how much it got of two."""
    rows = []
    for protocol, k, batch in (("native", 1, 10_000), ("remote_write", 10, 1_000), ("remote_write", 1, 1_000)):
        for count in (1, 2):
            bench.say(f"rhizome: {protocol}, {k} of a series in a request, on {count} cores")
            with bench.server("rhizome", cpus=range(count)) as server:
                start_ms = 1000 * (int(time.time()) - LIVE_AGE_S)
                bench.load(server, protocol, 1, batch, series=40_000, rounds=1, seconds=0, start_ms=start_ms,
                           interval_ms=LIVE_INTERVAL_MS, connections=4)
                report = bench.load(server, protocol, k, batch, series=40_000, seconds=bench.options.seconds,
                                    start_ms=start_ms + 2 * LIVE_INTERVAL_MS, interval_ms=LIVE_INTERVAL_MS, connections=4)
                rows.append({"protocol": protocol, "k": k, "cores": count,
                             "samples_per_cpu_s": figures.per_cpu_second(report["samples"], report["cpu_s"]),
                             "samples_per_s": report["samples_per_s"], "used": report["cpu_s"] / report["seconds"],
                             "p50_ms": report["p50_ms"], "p999_ms": report["p999_ms"],
                             "failed_requests": report["failed_requests"]})
    return rows


def memory(bench):
    """The greatest resident memory with a million series, each of two samples."""
    rows = []
    for name in bench.names():
        if name == "prometheus":
            continue
        bench.say(f"{name}: a million series")
        protocol = "native" if name == "rhizome" else "remote_write"
        with bench.server(name) as server:
            idle = server.rss_peak_bytes()
            report = bench.load(server, protocol, 1, 10_000, series=1_000_000, rounds=2, seconds=0)
            rows.append({"server": name, "bytes_per_series": (server.rss_peak_bytes() - idle) / 1e6,
                         "rss_peak_mib": server.rss_peak_bytes() / 2**20, "failed_requests": report["failed_requests"],
                         "samples_per_cpu_s": figures.per_cpu_second(report["samples"], report["cpu_s"])})
    return rows


def time_queries(bench, servers, at_s):
    """By query and server median milliseconds and processor time of the server, the servers in turns; and which answers
    differ from prometheus'."""
    table, costs, differ = {}, {}, {}
    for name, (query, span_s, step_s, quick) in QUERIES.items():
        if bench.options.quick and not quick:
            continue
        bench.say(f"query {name}")
        answers = {}
        spent = {server.name: [] for server in servers}
        cpu_s = {server.name: 0.0 for server in servers}
        until = time.monotonic() + bench.options.query_seconds
        for turn in range(300):
            for server in servers:
                target = server.query_target(query, at_s - turn % 20 * INTERVAL_S, span_s, step_s)
                cpu_before, began = server.cpu_s(), time.perf_counter()
                status, answer = server.get(target)
                spent[server.name].append(time.perf_counter() - began)
                cpu_s[server.name] += server.cpu_s() - cpu_before
                if status != 200:
                    sys.exit(f"metrics_bench: {server.name} answers {name} with {status}: {answer[:300]}")
                if turn == 0:
                    answers[server.name] = json.loads(answer)["data"]
            if turn >= 3 and time.monotonic() > until:
                break
        # The first is of cold caches.
        table[name] = {server: figures.median_ms(seconds[1:]) for server, seconds in spent.items()}
        # Counted in hundredths of a second: what is far below that needs many turns.
        costs[name] = {server: 1000 * cpu_s[server] / len(spent[server]) for server in spent}
        table[name]["series"] = len(answers["rhizome"]["result"])
        if "prometheus" in answers:
            differ[name] = not figures.same_answer(answers["rhizome"], answers["prometheus"])
    return table, costs, differ


def queries(bench):
    """The same samples in all servers, which then run side by side: queries, and bytes on disk."""
    rounds, k, series = bench.options.samples_per_series // 10, 10, 10_000
    start_s = int(time.time()) - rounds * k * INTERVAL_S
    at_s = start_s + rounds * k * INTERVAL_S
    stored = {}
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(bench.server(name, "-queries")) for name in bench.names()]
        for server in servers:
            bench.say(f"{server.name}: {rounds * k * series:,} samples to ask for")
            report = bench.load(server, "remote_write", k, 1_000, series=series, rounds=rounds, seconds=0,
                                start_ms=1000 * start_s)
            if report["failed_requests"]:
                sys.exit(f"metrics_bench: {server.name} refused samples: {report['complaint']}")
            server.settle()
        table, costs, differ = time_queries(bench, servers, at_s)
        for server in servers:
            bench.say(f"{server.name}: bytes on disk")
            stored[server.name] = server.stored_bytes() / (rounds * k * series)
    return table, costs, differ, stored
