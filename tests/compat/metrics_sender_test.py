"""Debian's Prometheus as a remote-write sender to the real program, which is killed once meanwhile: afterwards both answer
the same, samples and all. `./dev soak metrics` does it for longer.

Usage: metrics_sender_test.py PROGRAM. Skipped when the package cannot be had.
"""
import sys
import tempfile
import time
import unittest

from metrics_sender import Account, Sender, account, ask
from prometheus_reference import SKIPPED, fetch

PROGRAM = sys.argv.pop(1)
SECONDS = 5  # before the kill, and again after the restart

QUERIES = ("up", "sum by (job) (up)", "rate(prometheus_http_requests_total[3s])", "sum(scrape_samples_scraped)",
           "histogram_quantile(0.9, rate(prometheus_tsdb_compaction_chunk_range_seconds_bucket[3s]))",
           "count by (__name__) ({job='itself'})", "topk(3, go_memstats_alloc_bytes)", "absent(nothing)")


class AccountOfSamples(unittest.TestCase):
    def test_what_is_lost_duplicated_or_changed_is_counted(self):
        theirs = {"a": [[1, "1"], [2, "2"], [3, "3"]], "b": [[1, "1"]]}
        self.assertEqual(account(theirs, theirs), Account(4, 4, 0, 0, 0))
        ours = {"a": [[1, "1"], [2, "5"], [2, "5"], [4, "4"]], "c": [[1, "1"]]}
        self.assertEqual(account(theirs, ours), Account(4, 5, 2, 3, 1))


class MetricsSender(unittest.TestCase):
    def test_what_is_sent_over_a_kill_is_all_there_and_answers_are_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            sender = Sender(PROGRAM, folder, "250ms")
            self.addCleanup(sender.close)
            start = round(time.time() * 1000)
            time.sleep(SECONDS)
            sender.kill_server()
            time.sleep(1)
            sender.start_server()
            time.sleep(SECONDS)
            end = round(time.time() * 1000)
            time.sleep(0.5)  # a scrape that began before may end
            counted = sender.await_sent(start, end)
            print(counted)
            self.assertGreater(counted.sent, 1_000)
            self.assertEqual(counted, Account(counted.sent, counted.sent, 0, 0, 0))
            self.check_answers(sender, start / 1000, end / 1000)

    def check_answers(self, sender, start, end):
        for query in QUERIES:
            at = {"query": query, "time": f"{end:.3f}"}
            self.assertEqual(ask(sender.theirs, "query", **at), ask(sender.ours, "query", **at), query)
            grid = {"query": query, "start": f"{start + 4:.3f}", "end": f"{end:.3f}", "step": "1"}
            self.assertEqual(ask(sender.theirs, "query_range", **grid), ask(sender.ours, "query_range", **grid), query)
        for arguments in (("instant", f"--time={end:.3f}", "up"), ("instant", f"--time={end:.3f}", "sum(up)"),
                          ("series", "--match=up", f"--start={start:.3f}", f"--end={end:.3f}")):
            self.assertEqual(sender.promtool(sender.theirs, *arguments), sender.promtool(sender.ours, *arguments), arguments)


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to send samples: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
