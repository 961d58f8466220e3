#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/fuzz makes of its inputs and of what other programs say."""

import pathlib
import resource
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from campaign import corpus, coverage, log, running, targets  # noqa: E402 (no byte code)

USED = resource.getrusage(resource.RUSAGE_SELF)


class Lists(unittest.TestCase):
    def test_calls_are_read(self):
        read = targets.parse("""
            add_library(other STATIC any.cc)
            keymast_fuzz_target(one USES mikey crypto DICTIONARY words  # a comment (with brackets)
              COVERS mikey/one.cc mikey/one.h
              LEAVES_OUT
                Writer::Put  # only writes
                Sum)
            keymast_fuzz_target(two USES net)""")
        self.assertEqual(list(read), ["one", "two"])
        self.assertEqual(read["one"].dictionary, "words")
        self.assertEqual(read["one"].covers, ["mikey/one.cc", "mikey/one.h"])
        self.assertEqual(read["one"].leaves_out, {"Writer::Put": "only writes", "Sum": ""})
        self.assertEqual(read["two"].covers, [])


class Run(unittest.TestCase):
    def test_the_last_word_holds(self):
        ran = running.ran_of("#2\tINITED cov: 5 ft: 6 corp: 1/1b\n#9\tNEW    cov: 7 ft: 9\n"
                             "#10\tDONE   cov: 8 ft: 9 corp: 2/9b\n"
                             "stat::number_of_executed_units: 10\n", 0, USED)
        self.assertEqual((ran.executions, ran.edges, ran.status), (10, 8, 0))
        self.assertGreater(ran.seconds, 0)

    def test_a_run_that_was_stopped_is_no_crash(self):
        said = "==1== libFuzzer: run interrupted; exiting\nstat::number_of_executed_units: 4\n"
        self.assertEqual(running.ran_of(said, 72, USED).status, 0)
        self.assertEqual(running.ran_of("==1==ERROR: AddressSanitizer", 77, USED).status, 77)


class Log(unittest.TestCase):
    def test_one_target_a_line_in_order(self):
        with tempfile.TemporaryDirectory(prefix="keymast-fuzz-") as folder:
            path = pathlib.Path(folder, "log.json")
            self.assertEqual(log.read(path), {})
            log.write({"b": {"seconds": 1, "edges": 2}, "a": {}}, path)
            self.assertEqual(path.read_text(), '{\n  "a": {},\n  "b": {"edges": 2, "seconds": 1}\n}\n')
            self.assertEqual(log.read(path)["b"]["edges"], 2)
            self.assertEqual([entry.name for entry in pathlib.Path(folder).iterdir()], ["log.json"])


class Corpus(unittest.TestCase):
    def test_hands_and_fuzzers_names(self):
        self.assertTrue(corpus.is_found(pathlib.Path("x/" + "0a" * 20)))
        self.assertFalse(corpus.is_found(pathlib.Path("x/psk_init")))


class Coverage(unittest.TestCase):
    def test_lines_of_several_instances_count_once(self):
        self.assertEqual(coverage.lines_of("SF:./mikey/a.h\nDA:3,0\nDA:4,1\nend_of_record\n"
                                           "SF:./mikey/a.h\nDA:3,2\nend_of_record\n"),
                         {"mikey/a.h": {3: 2, 4: 1}})

    def test_plain_names(self):
        for name, wanted in (
                ("keymast::mikey::WriteMessage(keymast::mikey::Message const&)", "WriteMessage"),
                ("keymast::(anonymous namespace)::A::B(int) const", "A::B"),
                ("void keymast::Describe<Io<X>, T>(Io<X>&, T&)", "keymast::Describe"),
                ("keymast::Name[abi:cxx11](int)", "Name"), ("main", "main")):
            self.assertTrue(coverage.matches(coverage.plain(name), wanted), coverage.plain(name))
        self.assertFalse(coverage.matches(coverage.plain("keymast::WriteMessage()"), "Message"))

    def test_ranges(self):
        self.assertEqual(coverage.ranges([1, 2, 3, 7, 9, 10]), "1-3 7 9-10")


if __name__ == "__main__":
    unittest.main(verbosity=2)
