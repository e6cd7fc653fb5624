"""What a sample costs on a cluster: three nodes, factor 3, quorum, and a gateway, all on loopback (tools/cluster)."""
import json
import shutil
import subprocess
import sys
import time

from servers import ROOT, STATE, TICKS

SERIES = 10_000
# (protocol, k, samples per request, samples)
LOADS = (("native", 1, 10_000, 2_000_000), ("native", 100, 10_000, 6_000_000), ("remote_write", 10, 1_000, 1_000_000))


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Cluster:
    """From `with` to its end; `pids` are of gateway and nodes."""

    def __init__(self, program):
        self.state = STATE / "cluster"
        self.command = [sys.executable, ROOT / "tools" / "cluster", "--state", self.state, "--program", program,
                        "--embedder", "none"]

    def run(self, *action):
        done = subprocess.run([str(part) for part in [*self.command, *action]], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"metrics_bench: tools/cluster {action[0]}: {done.stdout}{done.stderr}")

    def __enter__(self):
        shutil.rmtree(self.state, ignore_errors=True)
        self.run("start", 3)
        members = json.loads((self.state / "cluster.json").read_text())
        members = members.get("members", members)
        self.pids = {name: member["pid"] for name, member in members.items() if not name.startswith("etcd")}
        self.url = f"http://127.0.0.1:{members['gateway']['port']}"
        return self

    def __exit__(self, *_):
        self.run("stop")
        shutil.rmtree(self.state, ignore_errors=True)

    def cpu_s(self):
        return {name: cpu_s(pid) for name, pid in self.pids.items()}


def cost(bench):
    """Nanoseconds of processor time per sample, by load: the gateway's and a node's in the mean."""
    rows = []
    with Cluster(bench.programs["rhizome"]) as cluster:
        for protocol, k, batch, samples in LOADS:
            bench.say(f"cluster of three: {protocol}, {k} of a series in a request")
            start_ms = 1000 * (int(time.time()) - 540)
            bench.load_url(cluster.url, protocol, 1, batch, series=SERIES, rounds=1, seconds=0, start_ms=start_ms,
                           interval_ms=5)
            before = cluster.cpu_s()
            report = bench.load_url(cluster.url, protocol, k, batch, series=SERIES, rounds=samples // (SERIES * k),
                                    seconds=0, start_ms=start_ms + 100, interval_ms=5)
            after = cluster.cpu_s()
            spent = {name: 1e9 * (after[name] - before[name]) / report["samples"] for name in after}
            gateway = spent.pop("gateway")
            rows.append({"protocol": protocol, "k": k, "gateway_ns": gateway, "node_ns": sum(spent.values()) / len(spent),
                         "samples_per_s": report["samples_per_s"], "p50_ms": report["p50_ms"],
                         "failed_requests": report["failed_requests"]})
    return rows


def extrapolated(rows, rate=48e6, busy=0.7):
    """Cores that take so many samples a second, busy to such a part, with each sample on two nodes and on three."""
    return {f"cores_for_48M_{row['protocol']}_k{row['k']}_x{copies}":
            rate * (row["gateway_ns"] + copies * row["node_ns"]) / 1e9 / busy for row in rows for copies in (2, 3)}
