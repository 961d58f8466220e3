# SPDX-License-Identifier: Apache-2.0
"""Every misbehaviour of the Python peer, and of a network, against our MIKEYv2 over UDP on loopback.

attacks_test.py            plays all and compares docs/attacks.md and attacks-groups.md with what was seen
attacks_test.py --write    writes those pages
attacks_test.py --only NAME...
"""

import difflib
import os
import pathlib
import sys
import unittest

from attacks import page, suite, target

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
DOCS = SOURCE / "docs"


def play(names=None):
    ours = target.Target(pathlib.Path(os.environ["KEYMAST_BIN"]) / "mikeyv2_target")
    try:
        return suite.run(ours, names), ours.modes
    finally:
        ours.close()


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.results, cls.modes = play()

    def test_names_are_one_attack_each(self):
        names = suite.names()
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_ours_holds(self):
        for attack, _, wrong in self.results:
            with self.subTest(attack.name, clause=attack.clause, modes=attack.mode):
                self.assertIsNone(wrong)

    def test_every_row_of_spoken_modes_is_played(self):
        played = {attack.name for attack, outcome, _ in self.results if outcome is not None}
        for m in suite.TABLE:
            if set(m.modes) <= self.modes:
                self.assertIn(m.name, played)
        self.assertGreaterEqual(len(played), 60)

    def test_the_pages_say_what_was_seen(self):
        for name, text in page.texts(self.results, self.modes).items():
            with self.subTest(name):
                kept = (DOCS / name).read_text().splitlines()
                self.assertEqual([*difflib.unified_diff(kept, text.splitlines(), "kept", "seen", n=0, lineterm="")], [],
                                 "tests/interop/attacks_test.py --write makes it anew")


def main():
    if "--write" in sys.argv:
        for name, text in page.texts(*play()).items():
            (DOCS / name).write_text(text)
    elif "--only" in sys.argv:
        for attack, outcome, wrong in play(set(sys.argv[sys.argv.index("--only") + 1 :]))[0]:
            print(attack.name, attack.mode, outcome or wrong)
    else:
        unittest.main()


if __name__ == "__main__":
    main()
