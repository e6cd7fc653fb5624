"""The servers that are measured: a process alone, and a cluster by tools/cluster."""
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from client import Client

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STATE = ROOT / "build" / "bench" / "cluster"


@contextlib.contextmanager
def alone(program):
    """A server alone on an empty folder: (port, [pid])."""
    folder = STATE / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([program, "serve", "--data-dir", folder, "--listen", f"127.0.0.1:{port}", "--embedder",
                               "none", "--log-level", "warning"], stdout=subprocess.DEVNULL)
    try:
        while Client(port).call("GET", "/ready")[0] != 200:
            if server.poll() is not None:
                sys.exit("cluster_bench: the server ended")
            time.sleep(0.1)
        yield port, [server.pid]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    """Three nodes, three etcd members and a gateway on empty folders, until the block ends."""

    def __init__(self, program):
        self.folder = STATE / "nodes"
        self.program = program

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.tool("start", "3", "--embedder", "none")
        self.port = self.members()["gateway"]["port"]
        self.client = Client(self.port)
        return self

    def __exit__(self, *_):
        self.tool("stop")

    def tool(self, *arguments):
        done = subprocess.run([ROOT / "tools" / "cluster", *arguments, "--state", self.folder, "--program", self.program],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"cluster_bench: tools/cluster {' '.join(arguments)}: {done.stderr}")

    def members(self):
        return json.loads((self.folder / "cluster.json").read_text())

    def pids(self):
        """Of gateway and nodes, not of etcd."""
        return [member["pid"] for member in self.members().values() if member["kind"] != "etcd"]

    def node_ports(self):
        return [member["port"] for member in self.members().values() if member["kind"] == "node"]

    def kill(self, name):
        self.tool("kill", name)

    def forget(self, name):
        """Ends a node that holds nothing any more, and tools/cluster's memory of it."""
        self.tool("kill", name)
        members = self.members()
        del members[name]
        (self.folder / "cluster.json").write_text(json.dumps(members))
        shutil.rmtree(self.folder / name)

    def sharding(self):
        return self.client.must("GET", "/cluster/sharding")

    def repaired(self):
        """By node: registers that it has copied from others since it started, hints not counted."""
        return {node["id"]: node["registers_repaired"] for node in self.client.must("GET", "/cluster/status")["nodes"]}

    def await_equal(self, timeout_s):
        """Seconds until every replica of every shard has said the same of what it holds."""
        began = time.monotonic()
        while True:
            status, answer = self.client.call("GET", "/cluster/comparison")
            if status == 200 and answer["equal"]:
                return time.monotonic() - began
            if time.monotonic() - began > timeout_s:
                sys.exit(f"cluster_bench: not equal after {timeout_s} s: {answer}")
            time.sleep(0.25)

    def await_still(self, has_begun, timeout_s=600):
        """Until `has_begun(sharding)` and nothing moves or waits to; the moment that was first so."""
        began, since = time.monotonic(), None
        while since is None or time.monotonic() - since < 2:
            sharding = self.sharding()
            if not has_begun(sharding) or sharding["moving"] + sharding["waiting"] > 0:
                since = None
            elif since is None:
                since = time.monotonic()
            if time.monotonic() - began > timeout_s:
                sys.exit(f"cluster_bench: shards still move after {timeout_s} s")
            time.sleep(0.2)
        return since
