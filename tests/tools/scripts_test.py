#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripts at the top: what is installed is not asked for again, and failures are counted."""

import os
import pathlib
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])


# A test of each way that one can end, and of each that one can be left out.
PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(steps NONE)
enable_testing()
foreach(name good fine)
  add_test(NAME ${name} COMMAND true)
endforeach()
add_test(NAME bad COMMAND false)
add_test(NAME left.code COMMAND sh -c "exit 77")
set_tests_properties(left.code PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME left.text COMMAND echo "nothing to do")
set_tests_properties(left.text PROPERTIES SKIP_REGULAR_EXPRESSION "nothing to do")
add_test(NAME disabled COMMAND true)
set_tests_properties(disabled PROPERTIES DISABLED TRUE)
add_test(NAME gone COMMAND /nonexistent/program)
add_test(NAME set_up COMMAND false)
set_tests_properties(set_up PROPERTIES FIXTURES_SETUP fixture)
add_test(NAME needy COMMAND true)
set_tests_properties(needy PROPERTIES FIXTURES_REQUIRED fixture)
add_test(NAME inside COMMAND sh -c
  "echo '[  SKIPPED ] Net.NeedsRoot (0 ms)'; echo 'test_disk (Faults) ... skipped no_root'")
add_test(NAME vectors COMMAND printf "LEFT OUT: %d vectors of %s\\n" 17 /x/a 4 /x/b 17 /x/a)
"""


def run(*words, cwd=TOP, **environment):
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True,
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
        self.assertEqual({line[0] for line in lines}, {"build", "media", "peers", "test",
                                                    "long"})
        self.assertEqual(len({line[1] for line in lines}), len(lines), "a package twice")

    def test_what_the_tests_start_is_in_a_set(self):
        listed = (TOP / "scripts/packages").read_text().split()
        for package in ("openssl", "iproute2", "strace", "libfaketime", "tshark"):
            self.assertIn(package, listed)


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


class Ctest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="keymast-steps-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "CMakeLists.txt").write_text(PROJECT)
        done = run("cmake", "-S", cls.folder, "-B", cls.folder / "build/some")
        assert done.returncode == 0, done.stderr

    def run_tests(self, names, before=""):
        """Status and last line of a run of the tests whose name matches, and all that it said."""
        done = run("bash", "-c", f"set -euo pipefail; . {TOP}/scripts/steps; trap finish EXIT; "
                   f"{before} run_ctest some '{names}'", cwd=self.folder)
        return done.returncode, done.stdout.splitlines()[-1], done.stdout

    def test_all_good(self):
        self.assertEqual(self.run_tests("good|fine")[:2], (0, "2 passed, 0 failed"))

    def test_a_failed_one(self):
        status, last, said = self.run_tests("good|bad")
        self.assertEqual((status, last), (1, "1 passed, 1 failed"))
        self.assertIn("Failed: tests (some)", said)

    def test_one_that_could_not_be_run_has_failed(self):
        self.assertEqual(self.run_tests("good|gone")[:2], (1, "1 passed, 1 failed"))
        self.assertEqual(self.run_tests("good|set_up|needy")[:2], (1, "1 passed, 2 failed"))

    def test_one_that_was_left_out_has_not_passed(self):
        self.assertEqual(self.run_tests("good|left|disabled")[:2],
                         (0, "1 passed, 0 failed, 3 skipped"))
        self.assertEqual(self.run_tests("good|bad|gone|left")[:2],
                         (1, "1 passed, 2 failed, 2 skipped"))

    def test_no_test_at_all_has_failed(self):
        self.assertEqual(self.run_tests("nonsense")[:2], (1, "0 passed, 1 failed"))

    def test_a_status_that_no_test_explains_is_a_failure(self):
        self.assertEqual(self.run_tests("good", "ctest() { command ctest \"$@\"; return 8; };")[:2],
                         (1, "1 passed, 1 failed"))

    def test_what_tests_leave_out_inside_is_named(self):
        status, last, said = self.run_tests("inside|good")
        self.assertEqual((status, last), (0, "2 passed, 0 failed"))
        self.assertIn("Left out inside tests: Net.NeedsRoot test_disk\n", said)
        self.assertNotIn("Left out", self.run_tests("good")[2])

    def test_how_many_vectors_are_not_at_hand_is_told(self):
        self.assertIn("LEFT OUT: 21 vectors in 2 places, which are not there\n",
                      self.run_tests("vectors|good")[2])
        self.assertNotIn("LEFT OUT", self.run_tests("good")[2])


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
