#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripts at the top: what is installed is not asked for again, and failures are counted."""

import os
import pathlib
import subprocess
import unittest

TOP = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])


def run(*words, **environment):
    return subprocess.run([str(word) for word in words], cwd=TOP, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment}, timeout=120,
                          check=False)


class Install(unittest.TestCase):
    def test_nothing_is_done_when_nothing_is_missing(self):
        # The test set is there, or this test would not run. No apt in PATH: it must not be needed.
        done = run("bash", "-c", "apt-get() { exit 99; }; export -f apt-get; scripts/install build")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_an_unknown_set_is_refused(self):
        done = run("scripts/install", "nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nonsense", done.stderr)

    def test_every_line_of_the_list_is_set_and_package(self):
        lines = [line.split() for line in (TOP / "scripts/packages").read_text().splitlines()
                 if line and not line.startswith("#")]
        self.assertTrue(all(len(line) == 2 for line in lines))
        self.assertEqual({line[0] for line in lines}, {"build", "media", "test", "long"})
        self.assertEqual(len({line[1] for line in lines}), len(lines), "a package twice")


class Steps(unittest.TestCase):
    def steps(self, text):
        return run("bash", "-c", "set -euo pipefail; . scripts/steps; trap finish EXIT; " + text)

    def test_the_last_line_counts_and_the_status_agrees(self):
        done = self.steps("step one true; step two true")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "2 passed, 0 failed"))

    def test_a_failed_step_does_not_hide_the_next(self):
        done = self.steps("step one false; step two true")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("Failed: one", done.stdout)

    def test_a_script_that_breaks_off_has_failed(self):
        done = self.steps("step one true; false; step two true")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "1 passed, 1 failed"))


class Options(unittest.TestCase):
    def test_unknown_ones_are_refused_before_anything_is_installed(self):
        for script in ("./test", "./quickstart"):
            done = run(script, "--nonsense")
            self.assertEqual(done.returncode, 2)
            self.assertIn("--nonsense", done.stderr)

    def test_help(self):
        for script in ("./test", "./quickstart"):
            done = run(script, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(script), done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
