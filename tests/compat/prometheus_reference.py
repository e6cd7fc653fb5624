"""Debian's Prometheus on samples of every shape, for the tests that hold our answers against its own: counters with
resets, gaps, NaN and infinities, stale markers, histograms, and labels of every shape.
"""
import http.client
import json
import math
import os
import pathlib
import random
import socket
import struct
import subprocess
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "build/prometheus"
SKIPPED = 77

START = 1_699_999_200  # the first sample; a multiple of two hours, which is a block
SECONDS = 7_200
STALE_START = START + 14_400  # what is written to the running server, because only so stale markers get there
STALE_SECONDS = 1_800
STALE_MARKER = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]



def in_ms(series):
    return {labels: [(round(t * 1000), v) for t, v in samples] for labels, samples in series.items()}


def named(name, **labels):
    return tuple(sorted({"__name__": name, **labels}.items()))


def machines():
    return [(job, f"host{n}") for job in ("api", "db") for n in (1, 2, 3)]


def grid(interval=15, begin=0, end=SECONDS, base=START):
    return [base + t for t in range(begin, end, interval)]


def counters(rng):
    out = {}
    for job, instance in machines():
        for code in ("200", "404", "500"):
            value, samples, offset = rng.randrange(1_000_000), [], rng.randrange(60) / 4
            for t in grid(15, 0, SECONDS - 15):
                if code != "404":  # which never moves
                    value = rng.randrange(5) if rng.random() < 0.01 else value + rng.randrange(40)
                samples.append((t + offset, float(value) + (0.25 if code == "500" else 0)))
            out[named("http_requests_total", job=job, instance=instance, code=code)] = samples
    return out


def gauges(rng):
    out = {}
    for job, instance in machines():
        up, level, ups, levels = 1.0, 20.0, [], []
        for t in grid():
            up = float(rng.random() > 0.03)
            level += rng.gauss(0, 1)
            ups.append((t, up))
            levels.append((t + 0.5, level))
        out[named("up", job=job, instance=instance)] = ups
        out[named("temperature", job=job, instance=instance, room=instance[-1] + job)] = levels
        # Holes shorter and longer than an instant selector looks back.
        out[named("gappy", job=job, instance=instance)] = [
            (t, v) for t, v in levels if (t - START) % 1_500 > (200 if job == "api" else 700)]
    for job, team in (("api", "platform"), ("db", "storage"), ("other", "nobody")):
        out[named("group_of_job", job=job, team=team)] = [(t, 1.5) for t in grid(60)]
    return out


def oddities(rng):
    nan, inf = math.nan, math.inf
    kinds = {"nan": [nan], "inf": [inf], "minus": [-inf], "both": [inf, -inf], "mixed": [1.0, nan, -2.0, inf, 3.5],
             "zeros": [0.0, -0.0], "half": [0.5, -0.5, 1.5, 2.5]}
    out = {named("special", kind=kind): [(t, values[i % len(values)]) for i, t in enumerate(grid(30))]
           for kind, values in kinds.items()}
    sizes = {"a": [1e300, 1.5e308, -1e308], "b": [1e-310, 5e-324], "c": [2.0**53, 2.0**53 + 2, 1e22], "d": [0.1, 1e16, -1e16]}
    for kind, values in sizes.items():
        out[named("huge", kind=kind)] = [(t, values[i % len(values)]) for i, t in enumerate(grid(60))]
    out[named("constant", a="b")] = [(t, 42.5) for t in grid()]
    out[named("once", a="b")] = [(START + 3_333, 7.0)]
    out[named("sparse", a="b")] = [(t, rng.random()) for t in grid(540)]
    out[named("sum")] = [(t, 3.0) for t in grid(60)]
    out[named("job:rate:5m", job="api")] = [(t, 0.125) for t in grid(60)]
    for text in ("é☃", "new\nline", 'quote"back\\slash', " ", "x" * 300, "{}[],="):
        out[named("labels_test", text=text, A="upper", _b="under")] = [(t, float(len(text))) for t in grid(60)]
    return out


def histograms(rng):
    out = {}
    bounds = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
    for job, instance in machines():
        counts, series = [0.0] * len(bounds), [[] for _ in bounds]
        for t in grid():
            for _ in range(rng.randrange(6)):
                first = min(int(rng.expovariate(0.5)), len(bounds) - 1)
                counts = [c + (i >= first) for i, c in enumerate(counts)]
            for samples, count in zip(series, counts):
                samples.append((t, count))
        for bound, samples in zip(bounds, series):
            out[named("latency_bucket", job=job, instance=instance, le=bound)] = samples
    broken = {"noinf": {"1": 3, "2": 5}, "decreasing": {"1": 5, "2": 3, "3": 7, "+Inf": 6}, "word": {"one": 5, "+Inf": 6},
              "alone": {"+Inf": 6}, "twice": {"1": 2, "1.0": 3, "+Inf": 9}, "negative": {"-1": 2, "0": 3, "+Inf": 4},
              "empty": {"1": 0, "+Inf": 0}, "unlabelled": {"": 4, "1": 5, "+Inf": 5}}
    for kind, buckets in broken.items():
        for bound, count in buckets.items():
            out[named("broken_bucket", kind=kind, **({"le": bound} if bound else {}))] = [
                (t, float(count)) for t in grid(60)]
    return out


def with_markers(rng):
    out = {}
    for n in range(4):
        gauge, counter, value = [], [], 0.0
        for i, t in enumerate(grid(15, 0, STALE_SECONDS, STALE_START)):
            value = value + rng.randrange(10) if i % 70 else 0.0
            stale = i % (20 + n) in (10, 11)
            gauge.append((t, STALE_MARKER if stale else rng.random()))
            counter.append((t, STALE_MARKER if stale else value))
        gauge.append((STALE_START + STALE_SECONDS, STALE_MARKER))
        out[named("stale_gauge", n=str(n))] = gauge
        out[named("stale_counter", n=str(n))] = counter
        out[named("up", job="late", instance=str(n))] = [(t, 1.0) for t, _ in gauge[:60]]
    return out


def open_metrics(series):
    lines = []
    for labels, samples in series.items():
        name = dict(labels)["__name__"]
        quoted = ",".join("%s=\"%s\"" % (n, v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
                          for n, v in labels if n != "__name__")
        for t, v in samples:
            lines.append(f"{name}{{{quoted}}} {v!r} {t!r}".replace(" inf ", " +Inf ").replace(" -inf ", " -Inf ")
                         .replace(" nan ", " NaN "))
    return "\n".join(lines) + "\n# EOF\n"


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def write_request(series):
    """A remote write of these samples: protobuf in snappy's block format, all of it literal."""
    body = b""
    for labels, samples in series.items():
        entry = b"".join(field(1, field(1, n.encode()) + field(2, v.encode())) for n, v in labels)
        for ms, value in samples:
            entry += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(ms))
        body += field(1, entry)
    out = varint(len(body))
    for at in range(0, len(body), 60):
        piece = body[at:at + 60]
        out += bytes([len(piece) - 1 << 2]) + piece
    return out


class Prometheus:
    """Debian's Prometheus over a folder, on a loopback port of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "prometheus.yml").write_text("")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [FOLDER / "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver", "--log.level=warn",
             "--storage.tsdb.retention.time=100y"],
            stdout=self.log, stderr=self.log, env={**os.environ, "GOMAXPROCS": "1"})
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def stop(self):
        self.connection.close()
        self.process.kill()
        self.process.wait()
        self.log.close()

    def await_ready(self):
        for _ in range(600):
            try:
                if self.send("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            self.connection.close()
            time.sleep(0.1)
        raise AssertionError("prometheus does not start: " + (self.folder / "log").read_text())

    def send(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ask(self, path, **parameters):
        status, body = self.send("POST", "/api/v1/" + path, urllib.parse.urlencode(parameters),
                                 {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(body)


def fetch():
    """What went wrong with fetching Debian's Prometheus, or None."""
    fetched = subprocess.run([ROOT / "tools/prometheus_server"], capture_output=True, text=True)
    return fetched.stderr if fetched.returncode != 0 else None


def bits_in_prometheus(value):
    """It reads "NaN" in a text as a NaN of its own."""
    bits = struct.unpack("<Q", struct.pack("<d", value))[0]
    return 0x7FF8000000000001 if bits == 0x7FF8000000000000 else bits


class Reference:
    """A running Prometheus that holds `series`: {labels: [(ms, value)]}."""

    def __init__(self, folder):
        rng = random.Random(7)
        folder = pathlib.Path(folder)
        blocks = {**counters(rng), **gauges(rng), **oddities(rng), **histograms(rng)}
        late = in_ms(with_markers(rng))
        (folder / "open_metrics.txt").write_text(open_metrics(blocks))
        subprocess.run([FOLDER / "promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "open_metrics.txt",
                        folder / "data"], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "GOMAXPROCS": "1"})
        self.series = in_ms(blocks)
        self.prometheus = Prometheus(folder)
        self.stop = self.prometheus.stop
        try:
            self.prometheus.await_ready()
            self.write_late(late)
        except BaseException:
            self.stop()
            raise

    def write_late(self, late):
        status, body = self.prometheus.send("POST", "/api/v1/write", write_request(late), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        assert status == 204, body
        for labels, samples in late.items():
            self.series.setdefault(labels, []).extend(samples)

    def save(self, path):
        """The series as tests/compat/series_file.h reads them."""
        encode = lambda text: text.encode().hex() or "-"
        with open(path, "w") as out:
            for labels, samples in self.series.items():
                out.write("S " + " ".join(encode(text) for pair in labels for text in pair) + "\n")
                out.writelines("P %d %x\n" % (ms, bits_in_prometheus(v)) for ms, v in samples)
