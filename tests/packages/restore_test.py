#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backup and its restore, by the commands of docs/operator.md as they stand there, in a system of its
own. What they ask of systemd as process 1, which is not there, confined.py does.
"""

import json
import unittest

import system

system.enter()

from harness import wait_for  # noqa: E402
from manual import blocks, commands  # noqa: E402

# In place of the one that asks process 1: that part of a line is done by this test.
WITHOUT_SYSTEMD = "systemctl() { :; }; "


class Restore(unittest.TestCase):
    def setUp(self):
        self.system = system.System()
        self.addCleanup(self.system.close)
        for line in commands("From the package to a channel on air"):
            self.system.run(line.replace("--now ", ""), "/mnt/packages")
            if line.startswith("systemctl enable --now "):
                for name in line.split()[3:]:
                    self.system.start(name)

    def ctl(self, *words):
        done = self.system.run(f"keymastctl --output json {' '.join(words)}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def stop(self, name):
        process = next(each for each in self.system.processes if each.name == name)
        self.assertEqual(process.stop(), 0, process.log())
        process.notices.close()
        self.system.processes.remove(process)

    def start_again(self):
        self.system.start("keymastd")
        wait_for(lambda: self.system.run("keymastctl status", check=False).returncode == 0, 30,
                 "the server answers again")

    def subscriber(self, name):
        self.system.run(f"keymast-receiver init --key-file /root/{name}.key")
        self.ctl("subscribers", "create", name, "--identity", f"{name}@example.org",
                 "--credential-file", f"/root/{name}.key")

    def subscribers(self):
        return [each["name"] for each in self.ctl("subscribers", "list").get("subscribers", [])]

    def test_a_backup_is_put_back(self):
        self.subscriber("early")
        shown = [self.system.run(line).stdout for line in commands("Backup")]
        self.assertIn("nightly", shown[-1])
        backup = self.ctl("backups", "list")["backups"][0]["directory"]
        self.subscriber("late")
        copied = self.system.run(f"cd {backup} && sha256sum *").stdout
        before = self.ctl("status")
        msk = self.ctl("channels", "get", "one")["keyState"]["active"]["mskId"]

        self.stop("keymastd")
        self.system.run(f"cd /var/lib/keymast && mv data data.aside && cp -r {backup} data && "
                        "chown -R keymast:keymast data && chmod 0700 data")
        with self.assertRaisesRegex(AssertionError, "accept-rollback"):
            self.system.start("keymastd")
        self.system.processes.pop().notices.close()

        script, = blocks("Restore")
        first, start, last = script.partition("systemctl daemon-reload && systemctl start keymastd\n")
        self.assertTrue(start)
        self.system.run(WITHOUT_SYSTEMD + first)
        self.start_again()
        self.system.run(WITHOUT_SYSTEMD + last)
        after = self.ctl("status")
        self.assertGreater(int(after["incarnation"]), int(before.get("incarnation", 0)))
        self.assertEqual(self.subscribers(), ["subscribers/early"])
        wait_for(lambda: self.ctl("channels", "get", "one")["keyState"]["active"]["mskId"] > msk, 60,
                 "the channel has another MSK than was ever used")

        # Its own operation, which is in it and not at its end, leaves the backup as it is.
        wait_for(lambda: all(each.get("done") for each in self.ctl("operations", "list")["operations"]), 60,
                 "operations end")
        self.assertEqual(self.system.run(f"cd {backup} && sha256sum *").stdout, copied)

        # The option is gone with the file, and not needed any more.
        self.stop("keymastd")
        self.start_again()
        self.assertEqual(self.ctl("status")["incarnation"], after["incarnation"])
        self.assertEqual(self.subscribers(), ["subscribers/early"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
