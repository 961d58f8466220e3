# SPDX-License-Identifier: Apache-2.0
"""The master key in a token, and what `keymastd init` and `check` say on the way to it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

from acknowledged import Acknowledged
from harness import BIN, Site
from invariants import prove
from soft_token import SoftToken

PIN = "271828"


class Token(unittest.TestCase):
    def setUp(self):
        self.site = Site("token")
        self.addCleanup(self.site.close)
        root = self.site.root
        self.token = SoftToken(self, root, PIN)
        text = (root / "keymastd.toml").read_text()
        self.with_file = text
        self.without_key = re.sub(r"master_key_file = .*\n", "", text)
        self.in_token = self.without_key + self.token.table("master_key")
        (root / "keymastd.toml").write_text(self.in_token)

    def file_table(self, name, path):
        return f"[{name}]\nfile = {json.dumps(str(path))}\n"

    def keymastd(self, command):
        done = self.site.run(BIN / "keymastd", command, "--config",
                             self.site.root / "keymastd.toml")
        self.assertNotIn(PIN, done.stdout + done.stderr)
        return done

    def make_key(self, refused):
        """What keymastd advises is what makes the key."""
        advice = re.search(r"make it with `(.*)`", refused.stderr)[1]
        made = subprocess.run(["bash", "-c", f"{advice} --pin {shlex.quote(PIN)}"],
                              capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_the_key_never_leaves_it(self):
        refused = self.keymastd("init")
        self.assertEqual(refused.returncode, 1)
        self.assertFalse((self.site.root / "data").exists())
        self.make_key(refused)
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

    def configure(self, text):
        (self.site.root / "keymastd.toml").write_text(text)

    def start(self):
        self.site.start_server()
        self.site.wait_ready()

    def master_key_id(self):
        return self.site.ctl.call("status")["masterKeyId"]

    def rotate(self, both, alone):
        """To the next key of `both`, with a kill on either side of it; then to `alone`, which has it in the place
        of the old one. Returns its id."""
        site, before = self.site, (self.site.root / "keymastd.toml").read_text()
        self.configure(both)
        old = self.master_key_id()
        # An operation of its own, which fails and tells the id.
        wrong = site.ctl.call("master-key", "rotate", "--old", old, "--new", "0" * 16)["name"]
        refused = site.ctl.run("operations", "wait", wrong.removeprefix("operations/"))
        new = re.search(r"configured is ([0-9a-f]{16})", refused.stdout + refused.stderr)[1]
        self.assertNotEqual(new, old)
        site.keymastd.kill()
        self.start()
        self.assertEqual(self.master_key_id(), old, "nothing changes before it is asked for")
        done = site.ctl.call("master-key", "rotate", "--old", old, "--new", new, "--wait")
        self.assertTrue(done["done"])
        self.assertNotIn("error", done)
        self.assertEqual(self.master_key_id(), new)
        site.keymastd.kill()
        self.start()
        self.assertEqual(self.master_key_id(), new, "with both configured")
        self.assertEqual(site.keymastd.stop(), 0)
        self.configure(before)
        refused = self.keymastd("run")
        self.assertEqual(refused.returncode, 1, "the old key opens nothing any more")
        self.assertIn(new, refused.stderr)
        self.configure(alone)
        checked = self.keymastd("check")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn(f"of master key {new}: ok\n", checked.stdout)
        self.start()
        return new

    def test_rotation_into_it_and_out_of_it_again(self):
        site = self.site
        site.ctl = Acknowledged(site.ctl)
        self.make_key(self.keymastd("init"))
        self.configure(self.with_file)
        site.init()
        site.start_api()
        self.start()
        first = self.master_key_id()
        site.create_channel()
        site.member_with_receiver("one", "alice")
        in_token = self.rotate(self.with_file + self.token.table("next_master_key"), self.in_token)
        site.create_subscriber("bob")
        next_key = site.new_key("next", 32)
        alone = self.without_key + f"master_key_file = {json.dumps(str(next_key))}\n"
        last = self.rotate(self.in_token + self.file_table("next_master_key", next_key), alone)
        self.assertEqual(len({first, in_token, last}), 3)
        # Without the token: nothing asks for it any more.
        site.keymastd.kill()
        shutil.rmtree(site.root / "tokens")
        self.start()
        prove(site, site.ctl)

    def check_refusals(self, key_id):
        self.token.write_pin("314159")
        self.assertIn("wrong PIN", self.keymastd("run").stderr)
        self.token.write_pin(PIN)
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
