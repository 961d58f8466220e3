#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that check MACs have the object that checks them, and none has the one that finds every
MAC good. So do archives that are delivered. Arguments: programs and archives, then --behind-mac and
one that is linked against the other."""

import subprocess
import sys
import unittest

CHECKS, ANY = "keymast_macs_are_checked", "keymast_any_mac_is_good"
PROGRAMS, BEHIND_MAC = [], []


def symbols(program):
    """Names with their types; what is only wanted (U) is not there."""
    said = subprocess.run(["nm", "-C", program], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in said.splitlines() if line[:1] != " ")
    return {row[2] for row in rows if len(row) == 3}


def speaks_mikey(names):
    return any(name.startswith("keymast::mikey::ParseMessage(") for name in names)


class MacCheck(unittest.TestCase):
    def test_every_program_that_speaks_mikey_checks_macs(self):
        spoken = []
        for program in PROGRAMS:
            names = symbols(program)
            with self.subTest(program):
                self.assertNotIn(ANY, names)
                if speaks_mikey(names) or program.endswith(".a"):
                    spoken.append(program.rpartition("/")[2])
                    self.assertIn(CHECKS, names)
        for name in ("keymastd", "keymast-receiver", "keymast-mikey", "libkeymast-receiver.a",
                     "libkeymast-receiver-full.a", "libkeymast-receiver-certificates.a"):
            self.assertIn(name, spoken)

    def test_the_other_one_leaves_a_trace(self):
        names = symbols(BEHIND_MAC[0])
        self.assertTrue(speaks_mikey(names))
        self.assertIn(ANY, names)
        self.assertNotIn(CHECKS, names)


if __name__ == "__main__":
    split = sys.argv.index("--behind-mac")
    PROGRAMS, BEHIND_MAC = sys.argv[1:split], sys.argv[split + 1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
