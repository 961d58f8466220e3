#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The packages are reproducible: built twice from the same source, in folders of other names and depths,
at other times, of files older than the packages and newer, under other umasks, locales and time zones,
they are the same octets. Both builds compile, without a cache of compilations; so this is for
`./test --long` alone.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
SETTINGS = (
    ("a", {"TZ": "UTC", "LC_ALL": "C.UTF-8", "umask": "022", "made": "now"}),
    ("another/and/deeper-folder",
     {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "umask": "002", "made": "2001-01-01"}),
)


class Reproducible(unittest.TestCase):
    def build(self, folder, settings):
        """The packages of a copy of the source in `folder`; their sums by name."""
        copy, out = folder / "source", folder / "packages"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
        environment = {**os.environ, **settings, "CCACHE_DISABLE": "1", "TMPDIR": str(folder),
                       "DEB_BUILD_OPTIONS": "noautodbgsym"}
        umask = environment.pop("umask")
        subprocess.run(["find", copy, "-exec", "touch", "-h", "-d", environment.pop("made"), "{}", "+"],
                       check=True)
        done = subprocess.run(["sh", "-c", f"umask {umask}; exec {copy}/scripts/package {out}"],
                              capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-4000:])
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                for file in sorted(out.glob("*.deb"))}

    def test_two_builds_are_the_same_octets(self):
        with tempfile.TemporaryDirectory(prefix="keymast-reproducible-") as name:
            top = pathlib.Path(name)
            first, second = (self.build(top / place, settings) for place, settings in SETTINGS)
            self.assertEqual(len(first), 5)
            differ = [deb for deb in first if first[deb] != second.get(deb)]
            said = ""
            for deb in differ:
                one, other = (next((top / place / "packages").glob(deb)) for place, _ in SETTINGS)
                said += subprocess.run(["diffoscope", one, other], capture_output=True,
                                       text=True).stdout[:20000]
            self.assertEqual(differ, [], said)
            self.assert_that_programs_are_hardened(top / SETTINGS[0][0] / "packages")

    def assert_that_programs_are_hardened(self, packages):
        """Position-independent, bound at the start, read-only after it, with checked calls."""
        for deb in packages.glob("*.deb"):
            with tempfile.TemporaryDirectory(prefix="keymast-hardened-") as folder:
                subprocess.run(["dpkg-deb", "--extract", deb, folder], check=True)
                for program in [*pathlib.Path(folder).glob("usr/sbin/*"),
                                *pathlib.Path(folder).glob("usr/bin/*")]:
                    said = subprocess.run(["readelf", "--wide", "-h", "-l", "-d", "--dyn-syms", program],
                                          check=True, capture_output=True, text=True).stdout
                    for sign in ("DYN (Position-Independent", "GNU_RELRO", "BIND_NOW",
                                 "__stack_chk_fail", "_chk@"):
                        self.assertIn(sign, said, program.name)


if __name__ == "__main__":
    if os.environ.get("KEYMAST_LONG") != "1":
        print("LEFT OUT: two builds without a cache are for ./test --long")
        sys.exit(77)
    unittest.main(verbosity=2)
