# SPDX-License-Identifier: Apache-2.0
"""examples/receive.c joins a group of the MIKEYv2 in Python that was
written from docs/mikeyv2.md alone."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

INTEROP = pathlib.Path(__file__).resolve().parent
EXAMPLE = pathlib.Path(os.environ["KEYMAST_BIN"]) / "receiver_example"
MEMBER, URI = "member@example.org", "mikey://example.org/tv"
PSK = bytes([0x5A] * 16)
GROUP = {"uri": f"uri:{URI}", "key_domain": "010203", "key_group": "0007", "csb_id": 0xABCDEF01,
         "msk": "11" * 16, "rand": "22" * 16, "mtk": {"key": "33" * 16, "salt": "44" * 12},
         "members": [f"nai:{MEMBER}"], "profile": 7, "streams": [[0xFEEDF00D, 7, 65000]]}
KEY = "key 000700010001 fingerprint " + hashlib.sha256(b"\x33" * 16 + b"\x44" * 12).hexdigest()[:16]


class Example(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=INTEROP)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def answerer(self, *more):
        (self.folder / "hex").write_text(PSK.hex())
        (self.folder / "group").write_text(json.dumps(GROUP))
        process = self.start(
            sys.executable, "-m", "mikeyv2", "answer", "--identity", "uri:mikey://example.org",
            "--psk-file", f"nai:{MEMBER}={self.folder / 'hex'}", "--listen", "127.0.0.1:0",
            "--group-file", str(self.folder / "group"), "--stay", *more)
        return process.stderr.readline().split()[-1].rpartition(":")[2]

    def receiver(self, port, psk=PSK, *more):
        (self.folder / "key").write_bytes(psk)
        return self.start(str(EXAMPLE), "127.0.0.1", port, "239.255.7.7", "2269", "127.0.0.1", URI,
                          MEMBER, str(self.folder / "key"), str(self.folder / "state"), *more)

    def lines(self, process, count):
        """The first lines that it prints; it goes on for ever."""
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        self.addCleanup(too_late.cancel)
        for _ in range(count):
            yield process.stdout.readline().strip()

    def test_joins(self):
        receiver = self.receiver(self.answerer())
        self.assertEqual(list(self.lines(receiver, 2)),
                         [KEY, "stream ssrc feedf00d roc 7 profile 7"])

    def test_joins_by_diffie_hellman(self):
        receiver = self.receiver(self.answerer("--modes", "early-dhhmac"), PSK, "dh")
        self.assertEqual(list(self.lines(receiver, 1)), [KEY])

    def test_follows_a_cookie(self):
        receiver = self.receiver(self.answerer("--load"))
        self.assertEqual(list(self.lines(receiver, 1)), [KEY])

    def test_says_that_nobody_answered_a_wrong_key(self):
        receiver = self.receiver(self.answerer(), bytes(16))
        self.assertEqual(list(self.lines(receiver, 1)), ["failed: unavailable"])
        receiver.terminate()  # it would try again
        self.assertEqual(receiver.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
