"""One keep-alive HTTP connection, the points that are written through it, and processor time."""
import http.client
import json
import os
import pathlib
import sys
import time

import numpy

DIMENSION = 128
COLLECTION = "bench"
_FACTORS = 64  # what real embeddings vary in is far less than their dimension
_MIX = numpy.random.default_rng(1).standard_normal((_FACTORS, DIMENSION))
_TICKS = os.sysconf("SC_CLK_TCK")


class Client:
    """A call that the connection breaks under is told as status 0."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def call(self, method, path, body=None):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            text = None if body is None else json.dumps(body)
            self.connection.request(method, path, text, {"content-type": "application/json"})
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as failure:
            self.connection = None
            return 0, {"detail": str(failure)}

    def twice(self, *arguments):
        """As a client does that repeats once what failed."""
        status, answer = self.call(*arguments)
        return (status, answer) if status in (200, 201) else self.call(*arguments)

    def must(self, *arguments):
        status, answer = self.twice(*arguments)
        if status not in (200, 201, 202):
            sys.exit(f"cluster_bench: {arguments[0]} {arguments[1]} answered {status}: {answer}")
        return answer


def vectors(count, seed):
    """Unit vectors that vary in a few directions, as embeddings do; the same for the same seed."""
    generator = numpy.random.default_rng(seed)
    rows = generator.standard_normal((count, _FACTORS)) @ _MIX + 0.3 * generator.standard_normal((count, DIMENSION))
    return numpy.round(rows / numpy.linalg.norm(rows, axis=1, keepdims=True), 6)


def upsert(client, ids, rows, collection=COLLECTION):
    for begin in range(0, len(ids), 500):
        part = slice(begin, begin + 500)
        points = [{"id": int(n), "vector": row.tolist()} for n, row in zip(ids[part], rows[part])]
        client.must("POST", "/vectors", {"collection": collection, "points": points})


def search_body(row, collection=COLLECTION):
    return {"collection": collection, "vector": row.tolist(), "mode": "dense", "top_k": 10}


def create(port, factor, collection=COLLECTION):
    Client(port).must("POST", "/collections", {"name": collection, "dimension": DIMENSION, "metric": "cosine",
                                               "shards": 8, "replication_factor": factor})


def await_indexed(ports):
    """Until no vector waits for its place in an index."""
    for port in ports:
        while sum(shard["pending_index"] for shard in Client(port).must("GET", "/shards")["shards"]) > 0:
            time.sleep(0.2)


def processor_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS
