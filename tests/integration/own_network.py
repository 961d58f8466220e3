# SPDX-License-Identifier: Apache-2.0
"""Runs a test in a network namespace of its own, whose interfaces it may make and remove."""

import os
import subprocess
import sys
import unittest

SKIPPED = 77


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def main():
    if os.environ.get("KEYMAST_NAMESPACE") == "1":
        return unittest.main(module="__main__", verbosity=2)
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*own, "true"], capture_output=True).returncode != 0:
        print("skipped: this machine allows no network namespace")
        sys.exit(SKIPPED)
    os.environ["KEYMAST_NAMESPACE"] = "1"
    os.environ["PATH"] += ":/usr/sbin"  # where Debian has ip
    os.execvp(own[0], [*own, sys.executable, *sys.argv])
