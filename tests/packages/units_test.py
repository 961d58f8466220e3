#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units as they are installed: how exposed they are, and that systemd reads them without a word."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from unit_file import UnitFile

UNITS = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"]) / "deploy/systemd"
WORST = 2.0


def files():
    return sorted(UNITS.glob("*.service"))


class Units(unittest.TestCase):
    def test_there_is_one_for_each_program_that_stays(self):
        self.assertEqual([file.name for file in files()],
                         ["keymast-api.service", "keymast-headend@.service",
                          "keymast-receiver@.service", "keymastd.service"])

    def test_none_is_more_exposed_than_it_must_be(self):
        for file in files():
            with self.subTest(file.name):
                text = subprocess.run(["systemd-analyze", "--no-pager", "security", "--offline=true",
                                       file], capture_output=True, text=True, check=True).stdout
                score = float(re.search(r"exposure level for \S+: ([0-9.]+)", text)[1])
                self.assertLessEqual(score, WORST, text)

    def test_systemd_takes_every_line(self):
        with tempfile.TemporaryDirectory(prefix="keymast-units-") as folder:
            for file in files():
                # The programs are not installed here; that they are there is asked of the packages.
                text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", file.read_text(), flags=re.M)
                text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
                # The other units, so that Wants= and After= lead somewhere.
                pathlib.Path(folder, file.name.replace("@.", "@some.")).write_text(text)
            for file in sorted(pathlib.Path(folder).iterdir()):
                done = subprocess.run(["systemd-analyze", "--man=no", "verify", file],
                                      capture_output=True, text=True,
                                      env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"})
                ours = [line for line in done.stderr.splitlines() if "keymast" in line]
                self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    def test_each_has_a_user_of_its_own_that_sysusers_makes(self):
        made = "".join(file.read_text() for file in (UNITS.parent / "sysusers").iterdir())
        users = [UnitFile(file).one("User") for file in files()]
        self.assertEqual(len(set(users)), len(users))
        groups = sum((UnitFile(file).words("SupplementaryGroups") for file in files()), [])
        for name in users:
            self.assertRegex(made, rf"(?m)^u {name} ")
        for name in groups:
            self.assertRegex(made, rf"(?m)^[ug] {name} ")

    def test_the_front_cannot_look_at_keys(self):
        api, core = UnitFile(UNITS / "keymast-api.service"), UnitFile(UNITS / "keymastd.service")
        closed = [path.removeprefix("-") for path in api.words("InaccessiblePaths")]
        self.assertIn(f"/var/lib/{core.one('StateDirectory')}", closed)
        self.assertEqual(api.words("StateDirectory") + api.words("LoadCredential"), [])
        self.assertEqual(core.one("StateDirectoryMode"), "0700")

    def test_keys_go_before_the_front(self):
        api, core = UnitFile(UNITS / "keymast-api.service"), UnitFile(UNITS / "keymastd.service")
        self.assertGreaterEqual(int(core.one("CPUWeight")), 10 * int(api.one("CPUWeight", "100")))
        self.assertTrue(api.one("MemoryMax"))

    def test_keys_stay_out_of_swap_and_of_core_files(self):
        for file in files():
            unit = UnitFile(file)
            self.assertEqual(unit.one("LimitCORE"), "0", file.name)
            if file.name != "keymast-api.service":
                self.assertEqual(unit.one("LimitMEMLOCK"), "infinity", file.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
