#!/usr/bin/env python3
"""What metrics_bench makes of its measurements, and that it leaves no server behind."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics_bench"))
import cluster
import figures
import servers

READY = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def row(server, series, protocol, k, rate):
    return {"server": server, "series": series, "protocol": protocol, "k": k, "samples_per_cpu_s": rate}


class Ready(servers.Server):
    name = "ready"

    def arguments(self):
        return ["-c", READY, str(self.port)]


class Ends(servers.Server):
    name = "ends"

    def arguments(self):
        return ["-c", "pass"]


class FiguresTest(unittest.TestCase):
    def test_native_is_held_against_the_best_way_of_the_peer(self):
        ingest = [row("rhizome", 10_000, "native", 1, 600), row("victoria-metrics", 10_000, "remote_write", 1, 50),
                  row("victoria-metrics", 10_000, "remote_write", 10, 100),
                  row("victoria-metrics", 10_000, "remote_write", 10, 120),
                  row("rhizome", 10_000, "remote_write", 1, 100), row("victoria-metrics", 100_000, "remote_write", 1, 9)]
        ratios = figures.ratios(ingest, {}, {}, {})
        self.assertEqual(ratios["native_ratio"], 5)
        self.assertEqual(ratios["remote_write_k1_ratio"], 2)
        self.assertNotIn("remote_write_k10_ratio", ratios)
        self.assertNotIn("native_ratio_100k", ratios)

    def test_two_cores_are_held_against_one(self):
        cores = [{"protocol": "native", "k": 1, "cores": count, "samples_per_cpu_s": rate}
                 for count, rate in ((1, 100), (2, 95))]
        cores.append({"protocol": "influx", "k": 1, "cores": 1, "samples_per_cpu_s": 7})
        self.assertEqual(figures.scales(cores), {"two_cores_native_k1": 1.9})

    def test_cores_come_from_what_a_sample_costs(self):
        rows = [{"protocol": "native", "k": 1, "gateway_ns": 100, "node_ns": 50}]
        cores = cluster.extrapolated(rows, rate=1e9, busy=0.5)
        self.assertEqual(cores, {"cores_for_48M_native_k1_x2": 400, "cores_for_48M_native_k1_x3": 500})

    def test_of_times_and_bytes_less_is_better(self):
        queries = {"instant": {"rhizome": 2, "victoria-metrics": 6}, "sum_rate_10k": {"rhizome": 8, "victoria-metrics": 4}}
        costs = {"sum_rate_10k": {"rhizome": 10, "victoria-metrics": 40}}
        ratios = figures.ratios([], queries, costs, {"rhizome": 1.2, "victoria-metrics": 2.4})
        self.assertEqual(ratios["sum_rate_10k_cpu_ratio"], 4)
        self.assertEqual(ratios["instant_ratio"], 3)
        self.assertEqual(ratios["sum_rate_10k_ratio"], 0.5)
        self.assertEqual(ratios["bytes_per_sample"], 1.2)
        self.assertEqual(ratios["bytes_per_sample_ratio"], 0.5)

    def test_time_below_what_the_kernel_counts_is_its_least(self):
        self.assertEqual(figures.per_cpu_second(5, 0), 500)

    def test_answers_are_the_same_in_whatever_order_they_were_summed(self):
        def answer(*rows):
            return {"result": [{"metric": {"job": job}, "value": [7, value]} for job, value in rows]}
        a = answer(("x", "0.30000000000000004"), ("y", "NaN"))
        self.assertTrue(figures.same_answer(a, answer(("y", "NaN"), ("x", "0.3"))))
        self.assertFalse(figures.same_answer(a, answer(("y", "1"), ("x", "0.3"))))
        self.assertFalse(figures.same_answer(a, answer(("x", "0.3"))))
        self.assertFalse(figures.same_answer(a, answer(("y", "NaN"), ("x", "0.3001"))))

    def test_ranges_are_the_same_step_by_step(self):
        def answer(*values):
            return {"result": [{"metric": {}, "values": [[n, value] for n, value in enumerate(values)]}]}
        self.assertTrue(figures.same_answer(answer("1", "+Inf"), answer("1", "+Inf")))
        self.assertFalse(figures.same_answer(answer("1", "2"), answer("1")))

    def test_numbers_are_shown_to_four_digits(self):
        self.assertEqual(figures.rounded({"a": [1234.56, 7], "b": "x"}), {"a": [1235, 7], "b": "x"})


class ServersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        before = servers.STATE
        servers.STATE = pathlib.Path(self.folder.name)
        self.addCleanup(setattr, servers, "STATE", before)

    def test_a_server_is_gone_with_its_folder_whatever_ends_the_block(self):
        with self.assertRaises(KeyboardInterrupt), Ready(sys.executable) as server:
            self.assertGreater(server.cpu_s(), 0)
            self.assertGreater(server.rss_peak_bytes(), 1e6)
            raise KeyboardInterrupt
        self.assertIsNotNone(server.process.returncode)
        self.assertFalse(server.folder.exists())

    def test_one_that_ends_at_once_is_said(self):
        with self.assertRaisesRegex(SystemExit, "ends does not start"), Ends(sys.executable):
            self.fail("it was not ready")

    def test_ranges_end_where_they_are_asked_for(self):
        server = servers.VictoriaMetrics("none")
        self.assertEqual(server.query_target("up", 100), "/api/v1/query?query=up&time=100")
        self.assertEqual(server.query_target("up", 100, 60, 15),
                         "/api/v1/query_range?query=up&start=40&end=100&step=15&nocache=1")

    def test_bytes_are_those_of_all_files_below(self):
        below = pathlib.Path(self.folder.name) / "a"
        below.mkdir()
        (below / "x").write_bytes(b"123")
        (below.parent / "y").write_bytes(b"4567")
        self.assertEqual(servers.bytes_below(self.folder.name), 7)


if __name__ == "__main__":
    unittest.main()
