#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What examples/receive.c says of files that are not as they should be: it ends, and joins nothing. What it does where
nobody answers.

example_test.py PROGRAM PROGRAM-WITH-CERTIFICATES
"""
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest


def seconds_of_a_processor(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Example(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.key = pathlib.Path(folder.name, "key")
        self.state = pathlib.Path(folder.name, "state")
        self.key.write_bytes(bytes(16))
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.server.close)
        self.server.bind(("127.0.0.1", 0))
        self.server.settimeout(20)

    def start(self, port=None, program=None, more=()):
        process = subprocess.Popen(
            [program or PROGRAM, "127.0.0.1", str(port or self.server.getsockname()[1]), "239.255.42.1", "0",
             "127.0.0.1", "mikey://example.org/one", "member@example.org", self.key, self.state, *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def assert_ends(self, says, **how):
        process = self.start(**how)
        _, said = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertIn(says, said)
        self.server.settimeout(0)
        with self.assertRaises(BlockingIOError):
            self.server.recv(2048)

    def test_joins_at_the_first_start(self):
        self.start()
        self.assertGreater(len(self.server.recv(2048)), 100)

    def test_tries_again_where_nobody_listens_and_sleeps_until_then(self):
        place = self.server.getsockname()
        self.server.close()
        process = self.start(place[1])
        self.assertEqual(process.stdout.readline(), "failed: unavailable\n")
        self.assertLess(seconds_of_a_processor(process), 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(place)
            server.settimeout(20)
            self.assertGreater(len(server.recv(2048)), 100)

    def test_no_key_is_cut(self):
        self.key.write_bytes(bytes(40))
        self.assert_ends("too long")

    def test_a_key_that_is_short_or_missing(self):
        self.key.write_bytes(bytes(15))
        self.assert_ends("invalid_argument")
        self.key.unlink()
        self.assert_ends(str(self.key))

    def test_a_state_that_cannot_be_read_is_no_first_start(self):
        self.state.mkdir()
        self.assert_ends(str(self.state))

    def test_a_state_that_is_damaged(self):
        self.state.write_bytes(b"\1\2\3")
        self.assert_ends("corrupt")

    def test_certificates_that_cannot_be_read(self):
        def ends(says):
            self.assert_ends(says, program=CERTIFIED, more=[self.state, self.state, self.state, "1.2.3"])
        ends(f"{self.state}: No such file")
        self.state.write_bytes(b"no certificate")
        ends("certificates: malformed")


if __name__ == "__main__":
    PROGRAM, CERTIFIED = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
