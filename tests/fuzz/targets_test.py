#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every function that takes octets from outside has a fuzz target, and every target what it needs."""

import re
import sys
import unittest

sys.dont_write_bytecode = True

from campaign import corpus, readers, targets  # noqa: E402 (no byte code in the tree)

FUZZ = targets.TOP / "tests/fuzz"
TABLE = FUZZ / "readers.txt"
LISTED = re.compile(r"keymast_room\((\w+)")


def rooms():
    lists = sorted(targets.TOP.glob("*/CMakeLists.txt"))
    return [LISTED.search(text)[1] for text in (path.read_text() for path in lists)
            if LISTED.search(text)]


def rows():
    """(function, target or "-", reason) of each row of the table."""
    for line in TABLE.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            function, target, *reason = line.split(maxsplit=2)
            yield function, target, " ".join(reason)


class Source:
    """A target's text, with that of the headers beside it, and what both include."""

    def __init__(self, target):
        self.text, self.includes = "", set()
        self.add(FUZZ / f"{target.name}.cc")

    def add(self, path):
        text = path.read_text()
        self.text += re.sub(r"//[^\n]*", "", text)
        for header in re.findall(r'#include ["<]([^">]+)[">]', text):
            if header not in self.includes:
                self.includes.add(header)
                if header.startswith("tests/"):
                    self.add(targets.TOP / header)

    def calls(self, function):
        return (function.header in self.includes
                and re.search(rf"\b{function.last}\b", self.text) is not None)


class Targets(unittest.TestCase):
    def setUp(self):
        self.targets = targets.read()

    def test_every_source_is_a_target_that_is_built(self):
        sources = {path.stem for path in FUZZ.glob("*.cc")
                   if "LLVMFuzzerTestOneInput(const uint8_t* data" in path.read_text()}
        sources.discard("replay_main")
        self.assertEqual(set(self.targets), sources)

    def test_every_target_has_a_corpus(self):
        for target in self.targets.values():
            self.assertTrue(target.inputs(), f"{target.name} has no corpus")
        folders = {path.name for path in targets.CORPUS.iterdir()}
        self.assertEqual(folders, set(self.targets))

    def test_corpora_are_small(self):
        size = sum(path.stat().st_size for path in targets.CORPUS.rglob("*") if path.is_file())
        self.assertLess(size, corpus.LIMIT)

    def test_every_target_says_which_files_it_is_about(self):
        for target in self.targets.values():
            self.assertTrue(target.covers, f"{target.name} has no COVERS")
            for path in target.covers:
                self.assertTrue((targets.TOP / path).is_file(), f"{target.name}: {path}")

    def test_what_is_left_out_has_a_reason_beside_it(self):
        for target in self.targets.values():
            for function, reason in target.leaves_out.items():
                self.assertTrue(reason, f"{target.name} leaves out {function} without a reason")

    def test_dictionaries_are_there(self):
        for target in self.targets.values():
            if target.dictionary:
                self.assertTrue((FUZZ / f"{target.dictionary}.dict").is_file(), target.name)


class Readers(unittest.TestCase):
    def setUp(self):
        self.targets = targets.read()
        self.readers = {str(function): function for function in readers.all_readers(rooms())}
        sources = [Source(target) for target in self.targets.values()]
        self.called = {name for name, function in self.readers.items()
                       if any(source.calls(function) for source in sources)}

    def test_every_function_that_reads_has_a_target(self):
        listed = {function for function, _, _ in rows()}
        asked = set(self.readers) - self.called - listed
        self.assertEqual(sorted(asked), [], "give these a target, or a row in readers.txt")

    def test_rows_are_of_functions_that_need_one(self):
        names = [function for function, _, _ in rows()]
        self.assertEqual(len(names), len(set(names)), "a function twice")
        self.assertEqual(sorted(set(names) - set(self.readers)), [], "no such function")
        self.assertEqual(sorted(set(names) & self.called), [], "these are called by a target")

    def test_a_target_of_a_row_covers_the_file_of_the_function(self):
        for function, target, _ in rows():
            if target == "-" or function not in self.readers:
                continue
            self.assertIn(target, self.targets, function)
            header = self.readers[function].header
            home = header.removesuffix(".h")
            covered = [path for path in self.targets[target].covers
                       if path in (header, home + ".cc") or defines(path, self.readers[function])]
            self.assertTrue(covered, f"{target} does not cover {function} of {header}")

    def test_a_row_without_target_has_a_reason(self):
        for function, target, reason in rows():
            self.assertEqual(target == "-", bool(reason), function)

    def test_a_new_function_is_asked_about(self):
        planted = """
            namespace keymast::mikey {
            Result<Thing> Understand(ByteView octets);
            Result<size_t> WriteThing(const Thing& thing, MutableBytes out);
            bool ParseThing(std::string_view text);  // Digest(ByteView)
            class Thing {
             public:
              static Result<Thing> Of(std::span<const uint8_t> octets) { return Take(octets); }
              std::string_view name() const;
             private:
              void Take(ByteView octets);
            };
            struct Suite { bool (*check)(const Key& key, ByteView octets); };
            }"""
        found = [name for name, parameters in readers.declarations(planted)
                 if readers.reads(name, parameters)]
        self.assertEqual(found, ["Understand", "ParseThing", "Thing::Of", "Suite::check"])


def defines(path, function):
    text = (targets.TOP / path).read_text()
    return path.split("/")[0] == function.header.split("/")[0] and re.search(
        rf"^\S[^;\n]*\b{function.name}\(", text, re.M) is not None


if __name__ == "__main__":
    unittest.main(verbosity=2)
