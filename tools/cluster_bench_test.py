#!/usr/bin/env python3
"""What cluster_bench makes of its measurements."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "cluster_bench"))
import figures


class FiguresTest(unittest.TestCase):
    def test_percentile_is_the_smallest_value_that_enough_do_not_exceed(self):
        hundred = [n / 1000 for n in range(100, 0, -1)]
        self.assertEqual(figures.percentile_ms(hundred, 0.99), 99)
        self.assertEqual(figures.percentile_ms(hundred, 0.5), 50)
        self.assertEqual(figures.percentile_ms([0.007], 0.99), 7)
        self.assertEqual(figures.percentile_ms([], 0.99), 0)

    def test_a_replica_has_moved_where_none_was_before(self):
        before = {("c", 0, "a"): 10, ("c", 0, "b"): 10, ("c", 1, "a"): 30, ("c", 1, "b"): 30}
        after = {("c", 0, "a"): 10, ("c", 0, "b"): 10, ("c", 1, "a"): 30, ("c", 1, "d"): 30}
        self.assertEqual(figures.share_moved(before, after), (0.25, 0.375))
        self.assertEqual(figures.share_moved(before, before), (0, 0))

    def test_recall_counts_what_of_the_exact_answers_was_found(self):
        self.assertEqual(figures.mean_recall([[1, 2], [3, 9]], [[1, 2], [3, 4]]), 0.75)

    def test_of_several_rounds_the_median_counts_but_every_failure_and_the_greatest_share(self):
        rounds = [{"join_p99_ratio": ratio, "join_failed": failed, "join_share_moved": share}
                  for ratio, failed, share in [(9.0, 0, .25), (1.5, 2, .24), (1.0, 1, .26)]]
        self.assertEqual(figures.of_rounds(rounds), {"join_p99_ratio": 1.5, "join_failed": 3, "join_share_moved": .26})

    def test_only_promised_figures_are_judged(self):
        self.assertIs(figures.kept("acknowledged_lost", 1), False)
        self.assertIs(figures.kept("acknowledged_lost", 0), True)
        self.assertIsNone(figures.kept("p50_alone_ms", 1e9))


if __name__ == "__main__":
    unittest.main()
