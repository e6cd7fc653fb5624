#!/usr/bin/env python3
"""Which sentences bench_sentences takes from a description."""

import importlib.machinery
import importlib.util
import os
import sys
import unittest

sys.dont_write_bytecode = True
_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_sentences")
_SPEC = importlib.util.spec_from_loader("bench_sentences", importlib.machinery.SourceFileLoader("bench_sentences", _PATH))
bench = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(bench)

LONG = "This sentence is long enough to be kept"


class BenchSentencesTest(unittest.TestCase):
    def test_sentence_goes_on_over_a_line_break_and_ends_at_a_stop(self):
        text = "This sentence is long\nenough to be kept. Version 1.2 of it is long enough to be kept too."
        self.assertEqual(list(bench.sentences(text)), [LONG + ".", "Version 1.2 of it is long enough to be kept too."])

    def test_items_of_a_list_stand_for_themselves(self):
        self.assertEqual(list(bench.sentences(f" * {LONG}\n * {LONG} too")), [LONG, LONG + " too"])

    def test_short_pieces_are_left_out(self):
        self.assertEqual(list(bench.sentences("Too short. 1234567890 1234567890 1234567890")), [])

    def test_each_sentence_counts_once_and_the_order_of_the_input_does_not_matter(self):
        texts = [f"{LONG} as number {n}." for n in range(50)]
        self.assertEqual(bench.chosen(texts + texts, 20), bench.chosen(texts[::-1], 20))
        self.assertEqual(len(set(bench.chosen(texts + texts, 100))), 50)


if __name__ == "__main__":
    unittest.main()
