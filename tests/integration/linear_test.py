# SPDX-License-Identifier: Apache-2.0
"""Eight clients at once, over one socket, with a kill -9 now and then: what they are answered is what a
server that does one thing after the other could have answered (tests/linear)."""

import os
import signal
import subprocess
import sys
import time
import unittest

from harness import BIN, LONG, Site

HISTORIES, ROUGH = (1060, 60) if LONG else (24, 4)
HISTORIES = int(os.environ.get("KEYMAST_LINEAR_HISTORIES", HISTORIES))
ROUGH = int(os.environ.get("KEYMAST_LINEAR_ROUGH", ROUGH))
SEED = os.environ.get("KEYMAST_LINEAR_SEED", "1")


class Linear(unittest.TestCase):
    def setUp(self):
        self.site = Site("linear")
        self.addCleanup(self.site.close)

    def test_histories(self):
        site = self.site.up()
        clients = subprocess.Popen(
            [BIN / "keymast-linear", "--socket", site.root / "operator.sock", "--seed", SEED,
             "--histories", str(HISTORIES), "--rough", str(ROUGH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, clients)
        self.tell(clients)
        killed = 0
        while clients.poll() is None:
            if not site.keymastd.running():
                self.assertEqual(site.keymastd.kill(), -signal.SIGKILL, site.keymastd.log()[-4000:])
                killed += 1
                site.start_server()
                self.tell(clients)
            time.sleep(0.01)
        said = clients.stdout.read()
        print(said, end="", file=sys.stderr)
        self.assertEqual(clients.returncode, 0)
        self.assertEqual(killed, ROUGH)
        self.assertIn(f"{HISTORIES} histories ({ROUGH} with a kill -9)", said)
        self.assertRegex(said, r" [1-9]\d* changes acknowledged, .* [1-9]\d* mutants refused")
        for process in (site.api, site.keymastd):
            self.assertEqual(process.stop(), 0, process.log()[-2000:])

    def tell(self, clients):
        clients.stdin.write(f"{self.site.keymastd.popen.pid}\n")
        clients.stdin.flush()

    @staticmethod
    def end(clients):
        if clients.poll() is None:
            clients.kill()
            clients.wait()
        clients.stdin.close()
        clients.stdout.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
