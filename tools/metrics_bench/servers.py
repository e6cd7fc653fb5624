"""The three servers of metrics that are compared: ours, Debian's victoria-metrics, Debian's prometheus. Each on a free
port of 127.0.0.1 and a fresh folder; what it costs is read from /proc."""
import ctypes
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STATE = ROOT / "build" / "bench" / "metrics"
TICKS = os.sysconf("SC_CLK_TCK")
READY_S = 60
STOP_S = 120
PROMETHEUS_CONFIG = "global: {scrape_interval: 1h}\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """No server outlives the benchmark, whatever ends it (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def bytes_below(folder):
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:  # it was merged away meanwhile
                pass
    return total


class Server:
    """One process, from `with` to its end. Subclasses say how it is started and what is its own about it."""

    name = ""
    ready = "/ready"
    protocols = ()
    nocache = ""  # of a range query, so that an answer is computed each time

    def __init__(self, program, tag="", cpus=()):
        self.program = str(program)
        self.cpus = set(cpus)  # that it may run on; empty: any
        self.folder = STATE / f"{self.name}{tag}"
        self.process = None

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.start()
        return self

    def start(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(self.folder.parent / f"{self.folder.name}.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.program, *self.arguments()], stdout=log, stderr=log,
                                            start_new_session=True, preexec_fn=self.prepare)
        try:
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise

    def prepare(self):
        """In the child, before it becomes the server."""
        die_with_parent()
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        """Politely first; it may have much to write."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def await_ready(self):
        until = time.monotonic() + READY_S
        while True:
            try:
                if self.get(self.ready)[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit(f"metrics_bench: {self.name} does not start; see {self.folder}.log")
            time.sleep(0.05)

    def call(self, method, target, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, target):
        return self.call("GET", target)

    def cpu_s(self):
        """Processor time of all its threads so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS  # utime, stime: fields 14 and 15 of proc(5)

    def rss_peak_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def query_target(self, query, at_s, span_s=0, step_s=15):
        """Of an instant query, or of a range that ends at `at_s`."""
        if span_s == 0:
            return "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": at_s})
        values = {"query": query, "start": at_s - span_s, "end": at_s, "step": step_s}
        return "/api/v1/query_range?" + urllib.parse.urlencode(values) + self.nocache

    def await_still(self):
        """Until it has done nothing for two seconds; two minutes at most."""
        for _ in range(60):
            before = self.cpu_s()
            time.sleep(2)
            if self.cpu_s() - before < 0.05:
                return

    def settle(self):
        """What was sent can be queried."""

    def stored_bytes(self):
        """What samples and index take on disk once all of it is written out. The server may be stopped by it."""
        raise NotImplementedError


class Rhizome(Server):
    name = "rhizome"
    protocols = ("native", "remote_write", "influx")

    def arguments(self):
        return ["serve", "--data-dir", self.folder / "data", "--listen", f"127.0.0.1:{self.port}", "--embedder", "none",
                "--log-level", "warning", "--metrics-series-max", "5000000", "--self-metrics", "off"]

    def stored_bytes(self):
        self.stop()  # which writes the last samples from the log into blocks
        self.start()  # which merges them
        self.await_still()
        return bytes_below(self.folder / "data" / "metrics")


class VictoriaMetrics(Server):
    name = "victoria-metrics"
    ready = "/health"
    protocols = ("remote_write", "influx")
    nocache = "&nocache=1"

    def arguments(self):
        return [f"-storageDataPath={self.folder / 'data'}", f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=24", "-loggerLevel=ERROR", "-search.latencyOffset=0s"]

    def settle(self):
        self.get("/internal/force_flush")

    def stored_bytes(self):
        self.get("/internal/force_flush")
        self.get("/internal/force_merge")  # in the background
        self.await_still()
        return sum(bytes_below(self.folder / "data" / part) for part in ("data", "indexdb"))


class Prometheus(Server):
    name = "prometheus"
    ready = "/-/ready"
    protocols = ("remote_write",)

    def arguments(self):
        config = self.folder / "prometheus.yml"
        config.write_text(PROMETHEUS_CONFIG)
        return [f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver",
                "--web.enable-admin-api", "--storage.tsdb.retention.time=2y", "--log.level=error"]

    def stored_bytes(self):
        status, answer = self.call("POST", "/api/v1/admin/tsdb/snapshot")  # the head as a block
        if status != 200:
            sys.exit(f"metrics_bench: prometheus makes no snapshot: {answer[:300]}")
        return bytes_below(self.folder / "data" / "snapshots")
