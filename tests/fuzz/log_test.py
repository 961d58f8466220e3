#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""log.json: every target has been run for long enough, and its corpus reaches enough of its files."""

import datetime
import sys
import unittest

sys.dont_write_bytecode = True

from campaign import coverage, log, targets  # noqa: E402 (no byte code in the tree)

SECONDS = 1200  # of a processor


class Rows(unittest.TestCase):
    def setUp(self):
        self.rows = log.read()

    def refused(self, is_good):
        return [f"{name}: {row}" for name, row in self.rows.items() if not is_good(row)]

    def test_every_target_has_a_row_and_every_row_a_target(self):
        self.assertEqual(set(self.rows), set(targets.read()), "scripts/fuzz runs the new ones")

    def test_the_corpora_reach_the_lines(self):
        self.assertEqual(self.refused(lambda row: row["lines_percent"] >= coverage.LEAST_PERCENT), [])

    def test_rows_are_plausible(self):
        self.assertEqual(self.refused(lambda row: row["executions"] > 0 and row["edges"] > 0), [])
        for row in self.rows.values():
            datetime.date.fromisoformat(row["date"])

    def test_rows_count_the_inputs_in_the_tree(self):
        for name, target in targets.read().items():
            self.assertEqual(self.rows.get(name, {}).get("inputs"), len(target.inputs()),
                             f"scripts/fuzz --coverage {name} counts them again")

    def test_the_file_is_as_scripts_fuzz_writes_it(self):
        self.assertEqual(log.PATH.read_text(), log.text_of(self.rows))

    def test_every_target_was_run_for_long_enough(self):
        self.assertEqual(self.refused(lambda row: row["seconds"] >= SECONDS), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
