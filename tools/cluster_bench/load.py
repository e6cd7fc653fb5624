"""Clients that keep asking: open loop, so that a slow answer does not slow the questions down."""
import random
import threading
import time

from client import COLLECTION, Client, search_body, vectors
from figures import percentile_ms

_THREADS = 16
_ROWS = 2_000
_first_id = 1_000_000_000  # of points that loads write; never the same twice


class Load:
    """So many writes and searches per second until stopped. Each thread has moments at which it asks; a latency counts
    from that moment, whether the thread was free by then or not. What fails is repeated once, at once."""

    def __init__(self, port, rate):
        global _first_id
        self.port = port
        self.pause = _THREADS / rate
        self.rows = vectors(_ROWS, 7)
        self.first_id, _first_id = _first_id, _first_id + 1_000_000_000
        self.lock = threading.Lock()
        self.acknowledged, self.failed, self.taken = set(), [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(_THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self, n):
        client, generator = Client(self.port), random.Random(n)
        due = time.monotonic() + generator.random() * self.pause
        count = 0
        while not self.over.wait(max(0.0, due - time.monotonic())):
            row = self.rows[generator.randrange(_ROWS)]
            point = self.first_id + n * 10_000_000 + count if n % 2 == 0 else None
            if point is None:
                status, answer = client.twice("POST", "/search", search_body(row))
            else:
                body = {"collection": COLLECTION, "points": [{"id": point, "vector": row.tolist()}]}
                status, answer = client.twice("POST", "/vectors", body)
            self.note(due, status == 200 and not answer.get("partial"), answer, point)
            count += 1
            due += self.pause

    def note(self, due, good, answer, point):
        with self.lock:
            self.taken.append((due, time.monotonic() - due))
            if not good:
                self.failed.append(answer)
            elif point is not None:
                self.acknowledged.add(point)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def latencies(self, begin, end):
        return [taken for due, taken in self.taken if begin <= due < end]

    def p99_ms(self, begin, end):
        return percentile_ms(self.latencies(begin, end), 0.99)

    def lost(self):
        """Acknowledged points that a majority does not know; those that could not be asked for count too."""
        client, ids, found = Client(self.port), sorted(self.acknowledged), set()
        for begin in range(0, len(ids), 500):
            body = {"collection": COLLECTION, "ids": ids[begin:begin + 500], "consistency": "quorum"}
            status, answer = client.twice("POST", "/vectors/get", body)
            if status == 200:
                found |= {point["id"] for point in answer["points"] if point}
        return len(set(ids) - found)
