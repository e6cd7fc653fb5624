#!/usr/bin/env python3
"""tools/cluster with the real program: three nodes take points, answer searches through the gateway, go on when one of
them is killed and take it back, admit a node and let it go, go on without etcd's majority, and all end when told.

Usage: loopback_cluster_test.py PROGRAM
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = sys.argv.pop(1)
POINTS = 300


class LoopbackCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.folder = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="rhizome-cluster-")))
        cls.addClassCleanup(cls.stack.close)
        cls.addClassCleanup(cls.tool, "stop")
        os.environ["RHIZOME_LOG_LEVEL"] = "debug"  # every message between nodes leaves a line
        cls.tool("start", "3", "--embedder", "none")
        cls.members = json.loads((cls.folder / "cluster.json").read_text())
        cls.url = f"http://127.0.0.1:{cls.members['gateway']['port']}"

    @classmethod
    def tool(cls, *arguments):
        done = subprocess.run([ROOT / "tools/cluster", *arguments, "--state", cls.folder, "--program", PROGRAM],
                              capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def program(self, *arguments, code=0):
        done = subprocess.run([PROGRAM, *arguments, "--url", self.url], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json", **(headers or {})})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def refused(self, method, path, body=None):
        with self.assertRaises(urllib.error.HTTPError) as error:
            self.call(method, path, body)
        return f"{error.exception.code} {error.exception.read().decode()}"

    def eventually(self, condition, what, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.2)

    def write(self, first, count):
        self.call("POST", "/vectors", {"collection": "c", "points": [
            {"id": n, "vector": [1.0, n / 1000, 0.5], "payload": {"n": n}} for n in range(first, first + count)]})

    def found(self, **more):
        hits = self.call("POST", "/search", {"collection": "c", "vector": [1, 0, 0.5], "top_k": 1000, "exact": True, **more})
        self.assertNotIn("failed_partitions", {k: v for k, v in hits.items() if v})
        return {hit["id"] for hit in hits["hits"]}

    def health(self):
        return self.call("GET", "/cluster/health")

    def node(self, name):
        return next((node for node in self.call("GET", "/cluster/status")["nodes"] if node["id"] == name), None)

    def test_a_day_in_the_life(self):
        self.take_points()
        self.lose_a_node_and_take_it_back()
        self.follow_a_request_through_the_logs()
        self.change_how_often_it_is_kept()
        self.admit_a_node_and_let_it_go()
        self.lose_coordination_and_take_it_back()
        self.end()

    def take_points(self):
        self.call("POST", "/collections", {"name": "c", "dimension": 3, "shards": 4, "replication_factor": 3})
        self.write(0, POINTS)
        self.assertEqual(self.found(consistency="quorum"), set(range(POINTS)))
        self.eventually(lambda: self.found() == set(range(POINTS)), "the third replica, which may answer at one, follows")
        status = self.call("GET", "/cluster/status")
        self.assertEqual((status["total_nodes"], status["healthy_nodes"], status["total_shards"]), (3, 3, 4))
        self.eventually(lambda: self.call("GET", "/cluster/status")["total_vectors"] == POINTS, "every replica has all")
        self.eventually(lambda: self.health()["status"] == "ok", "a whole cluster is well")
        self.assertIn("3 of 3 nodes healthy", self.program("cluster", "status"))

    def lose_a_node_and_take_it_back(self):
        self.tool("kill", "node2")
        self.assertEqual(self.found(consistency="quorum"), set(range(POINTS)))
        self.write(POINTS, 50)
        self.assertEqual(self.found(consistency="quorum"), set(range(POINTS + 50)))
        self.eventually(lambda: self.node("node2")["status"] == "down", "its lease ends")
        self.assertEqual(self.health()["status"], "degraded")
        self.assertIn("node_down", self.program("cluster", "health", code=2))
        self.assertIn("409", self.refused("DELETE", "/cluster/nodes/node1"))  # two would be left for three replicas

        self.tool("restart", "node2")
        self.eventually(lambda: self.health()["status"] == "ok", "it is taken back")
        self.eventually(lambda: self.node("node2")["vector_count"] == POINTS + 50, "it gets what it missed")

    def follow_a_request_through_the_logs(self):
        request, trace = "trace-me-0123456789", "0af7651916cd43dd8448eb211c80319c"
        self.call("POST", "/vectors", {"collection": "c", "points": [{"id": 9999, "vector": [0, 0, 1]}]},
                  {"X-Request-Id": request, "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        for name in ("gateway", "node1", "node2", "node3"):
            lines = [line for line in (self.folder / f"{name}.log").read_text().splitlines()
                     if f"request_id={request}" in line]
            self.assertTrue(any(f"trace={trace}" in line for line in lines), f"{name}: {lines}")

    def change_how_often_it_is_kept(self):
        self.program("cluster", "factor", "c", "2")
        self.eventually(lambda: sum(self.node(name)["shards"] for name in ("node1", "node2", "node3")) == 8, "two of each")
        self.program("cluster", "factor", "c", "3")
        self.eventually(lambda: sum(self.node(name)["shards"] for name in ("node1", "node2", "node3")) == 12, "three again")
        self.assertIn("409", self.refused("PATCH", "/collections/c", {"replication_factor": 4}))

    def admit_a_node_and_let_it_go(self):
        self.tool("add", "--join", "wait")
        member = json.loads((self.folder / "cluster.json").read_text())["node4"]
        self.members["node4"] = member
        self.eventually(lambda: (self.node("node4") or {}).get("state") == "waiting", "it waits")
        self.assertEqual(self.node("node4")["shards"], 0)
        self.program("cluster", "add", "node4", f"localhost:{member['port']}")
        self.eventually(lambda: self.node("node4")["shards"] > 0, "an admitted node gets shards")
        shards = json.load(urllib.request.urlopen(f"http://127.0.0.1:{member['port']}/shards"))["shards"]
        self.assertTrue(shards and all(shard["role"] == "owner" and shard["epoch"] > 1 for shard in shards), shards)
        self.program("cluster", "remove", "node4")
        self.eventually(lambda: self.node("node4") is None, "it is gone once it holds nothing")
        self.assertEqual(len(self.found(consistency="quorum")), POINTS + 51)

    def lose_coordination_and_take_it_back(self):
        self.tool("kill", "etcd1")
        self.tool("kill", "etcd2")
        codes = lambda: {reason["code"] for reason in self.health()["reasons"]}
        self.eventually(lambda: "coordination_unreachable" in codes(), "a topology without coordination is frozen", 30)
        frozen = lambda: any("frozen" in notice for notice in self.call("GET", "/health")["notices"])
        self.eventually(frozen, "the gateway notices by itself")
        self.write(POINTS + 50, 10)
        self.assertEqual(len(self.found(consistency="quorum")), POINTS + 61)
        self.tool("restart", "etcd1")
        self.eventually(lambda: self.health()["status"] == "ok", "it thaws", 30)

    def end(self):
        self.tool("stop")
        for name, member in self.members.items():
            self.assertFalse(pathlib.Path(f"/proc/{member['pid']}/exe").exists(), name)
        done = subprocess.run([PROGRAM, "serve", "--data-dir", self.folder / "node1", "--listen", "127.0.0.1:0",
                               "--embedder", "none"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cluster's member", done.stderr)


if __name__ == "__main__":
    unittest.main()
