#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages: each option of --help and each key that the code reads is in its page, and man sets
each without a warning. The pages are those that a package has.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
PROGRAMS = {"keymastd": (8, ["check", "init", "run"]), "keymast-api": (8, []),
            "keymast-headend": (8, ["init", "public-key", "run"]),
            "keymast-receiver": (1, ["init", "run", "doctor", "replay"]),
            "keymast-mikey": (1, ["decode", "build", "vectors"]),
            "keymast-peer": (1, ["offer", "answer"])}
READERS = {"keymastd.toml.5": ["server/config.cc", "mikey/profile_fields.h"],
           "keymast-api.toml.5": ["api/config.cc"],
           "keymast-headend.8": ["headend/options.cc"],
           "keymast-receiver.1": ["receiver/options.cc"]}


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="keymast-pages-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run([SOURCE / "scripts/man", BIN, cls.folder], check=True)

    def words(self, page):
        """The page's text as it is read: without fonts and escapes."""
        text = (self.folder / page).read_text()
        return re.sub(r"\\f[BRI]|\\&", "", text).replace("\\-", "-")

    def test_every_program_has_one(self):
        lines = "".join(file.read_text() for file in SOURCE.glob("*/CMakeLists.txt")
                        if file.parent.name != "bench")
        programs = {name for name in re.findall(r"keymast_program\((\S+)", lines)
                    if not name.startswith("keymast-demo")}
        # keymastctl's are made of its tree of commands.
        self.assertEqual(programs - {"keymastctl"}, set(PROGRAMS))

    def test_each_option_is_in_it(self):
        for program, (section, commands) in PROGRAMS.items():
            text = self.words(f"{program}.{section}")
            for command in [[]] + [[command] for command in commands]:
                said = subprocess.run([BIN / program, *command, "--help"], capture_output=True,
                                      text=True, check=True).stdout
                options = set(re.findall(r"(?m)^  (?:-\w,)?(--[\w-]+)", said))
                self.assertTrue(options, said)
                for option in options - {"--help"}:
                    self.assertRegex(text, rf"(?m)(?<![\w-]){option}(?![\w-])", f"{program} {command}")

    def test_each_command_is_in_it(self):
        for program, (section, commands) in PROGRAMS.items():
            said = subprocess.run([BIN / program, "--help"], capture_output=True, text=True,
                                  check=True).stdout
            self.assertEqual(set(re.findall(r"(?m)^  ([a-z-]+) ", said.partition("Subcommands:")[2])),
                             set(commands))
            for command in commands:
                self.assertRegex(self.words(f"{program}.{section}"),
                                 rf"(?m)^\.(?:B|BR|SS) {command}(?![\w-])")

    def test_each_key_of_the_configuration_is_in_it(self):
        for page, sources in READERS.items():
            text = self.words(page)
            for source in sources:
                code = (SOURCE / source).read_text()
                keys = set(re.findall(r'(?:file\.\w+|from\.\w+|RateOf)\((?:file, )?"([\w.]+)"', code))
                keys |= {key for pair in re.findall(r'std::pair\([^)]*?"(join_\w+)"\)', code)
                         for key in [pair]}
                self.assertGreater(len(keys), 5, source)
                for key in keys:
                    self.assertRegex(text, rf"(?<![\w.]){re.escape(key)}(?![\w])", page)

    def test_man_has_nothing_to_say_of_them(self):
        pages = sorted(self.folder.iterdir())
        self.assertEqual(len(pages), 8)
        for page in pages:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                                  capture_output=True, text=True,
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
