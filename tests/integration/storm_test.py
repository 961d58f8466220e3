# SPDX-License-Identifier: Apache-2.0
"""Join storms: thousands of receivers, each under an address of its own, join one channel of a real keymastd
over a network that loses, doubles, reorders and forges. With KEYMAST_STORM=1, and programs without
sanitizers, which would take the memory and the time that are judged, 100,000 of them."""

import json
import os
import subprocess
import unittest

from harness import BIN

MEMORY = 256 << 20  # octets above keymastd's start


class Storm(unittest.TestCase):
    def storm(self, *options, seconds):
        done = subprocess.run([str(BIN / "keymast-storm"), *map(str, options)], capture_output=True,
                              text=True, timeout=seconds, stdin=subprocess.DEVNULL)
        self.assertTrue(done.stdout, done.stderr)
        outcome = json.loads(done.stdout)
        print(json.dumps({k: v for k, v in outcome.items() if k != "metrics"}))
        # Among them: all that keymastd counts fits what the loader saw.
        self.assertEqual(outcome["faults"], "", done.stdout + done.stderr)
        return outcome

    def judge(self, outcome, receivers):
        self.assertEqual(outcome["joined"], receivers)
        self.assertEqual((outcome["wrong_keys"], outcome["intruders"]), (0, 0))
        self.assertGreater(outcome["strangers"], 0)
        self.assertGreater(outcome["forged"], outcome["caps"] / 15)
        self.assertGreater(outcome["resumed"], 0)
        self.assertGreater(outcome["by_mode"][3], 0, "mode DH")
        self.assertGreater(outcome["metrics"].get("keymast_join_discards_total{authentication_failed}", 0), 0)
        self.assertGreater(outcome["metrics"].get("keymast_join_discards_total{not_entitled}", 0), 0)
        self.assertLess(outcome["memory"], MEMORY)

    def test_every_entitled_receiver_joins_and_nobody_else(self):
        self.judge(self.storm("--receivers", 1500, "--ramp", 5, "--limit", 90, seconds=240), 1500)

    def test_without_faults_of_the_network(self):
        outcome = self.storm("--receivers", 500, "--ramp", 2, "--limit", 60, "--seed", 2, "--loss", 0,
                             "--duplication", 0, "--reordering", 0, "--forged", 0, seconds=240)
        self.assertEqual(outcome["joined"], 500)
        self.assertEqual(outcome["resumed"], 100)

    @unittest.skipUnless(os.environ.get("KEYMAST_STORM") == "1",
                         "takes the whole machine for a minute: ./test --long")
    def test_a_hundred_thousand_within_a_minute(self):
        self.judge(self.storm("--pinned", seconds=600), 100000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
