# SPDX-License-Identifier: Apache-2.0
"""The master key in a token, and what `keymastd init` and `check` say on the way to it."""

import json
import os
import re
import shlex
import subprocess
import unittest

from harness import BIN, Site

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "271828"


class Token(unittest.TestCase):
    def setUp(self):
        self.site = Site("token")
        self.addCleanup(self.site.close)
        root = self.site.root
        (root / "tokens").mkdir()
        (root / "softhsm.conf").write_text(
            f"directories.tokendir = {root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = f"{root}/softhsm.conf"
        self.addCleanup(os.environ.pop, "SOFTHSM2_CONF")
        made = self.site.run("softhsm2-util", "--init-token", "--free", "--label", "keys",
                             "--so-pin", "5678", "--pin", PIN)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.write_pin(PIN)
        text = (root / "keymastd.toml").read_text()
        self.with_file = text
        self.in_token = re.sub(r"master_key_file = .*\n", "", text) + (
            f'[master_key]\npkcs11_module = "{MODULE}"\npkcs11_token = "keys"\n'
            f'pkcs11_key = "master"\npin_file = {json.dumps(str(root / "pin"))}\n')
        (root / "keymastd.toml").write_text(self.in_token)

    def write_pin(self, pin):
        path = self.site.root / "pin"
        path.touch(mode=0o600)
        path.write_text(pin + "\n")

    def keymastd(self, command):
        done = self.site.run(BIN / "keymastd", command, "--config",
                             self.site.root / "keymastd.toml")
        self.assertNotIn(PIN, done.stdout + done.stderr)
        return done

    def test_the_key_never_leaves_it(self):
        refused = self.keymastd("init")
        self.assertEqual(refused.returncode, 1)
        self.assertFalse((self.site.root / "data").exists())
        # What it advises is what makes the key.
        advice = re.search(r"make it with `(.*)`", refused.stderr)[1]
        made = subprocess.run(["bash", "-c", f"{advice} --pin {shlex.quote(PIN)}"],
                              capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        first = self.keymastd("init")
        self.assertEqual(first.returncode, 0, first.stderr)
        key_id = re.search(r"^master key id: ([0-9a-f]{16})$", first.stdout, re.MULTILINE)[1]
        checked = self.keymastd("check")
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertIn(f"of master key {key_id}: ok\n", checked.stdout)
        self.assertTrue(checked.stdout.endswith("\nok\n"))
        self.site.start_server()
        self.site.start_api()
        self.site.wait_ready()
        self.site.create_subscriber("alice")
        self.assertEqual(self.keymastd("check").returncode, 0, "beside a server that runs")
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()
        self.assertEqual(len(self.site.ctl.call("subscribers", "list")["subscribers"]), 1)
        self.assertEqual(self.site.keymastd.stop(), 0)
        self.check_refusals(key_id)

    def check_refusals(self, key_id):
        self.write_pin("314159")
        self.assertIn("wrong PIN", self.keymastd("run").stderr)
        self.write_pin(PIN)
        config = self.site.root / "keymastd.toml"
        config.write_text(self.in_token.replace('"keys"', '"others"'))
        self.assertIn("no token `others`; there are: keys", self.keymastd("run").stderr)
        config.write_text(self.with_file)
        (self.site.root / "master.key").touch(mode=0o600)
        (self.site.root / "master.key").write_bytes(os.urandom(32))
        checked = self.keymastd("check")
        self.assertEqual(checked.returncode, 1)
        self.assertIn(f"belongs to another master key, {key_id}", checked.stdout)
        config.write_text(self.in_token.replace('pkcs11_key = "master"\n', ""))
        self.assertRegex(self.keymastd("check").stderr, r"keymastd.toml:\d+:\d+: .*pkcs11_key")


if __name__ == "__main__":
    unittest.main(verbosity=2)
