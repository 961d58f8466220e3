#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the packages to a picture: the commands of docs/operator.md, as they stand there, in a system of
its own. There is no systemd as process 1, so what `systemctl --now` starts is started by confined.py,
under what its unit asks for; all else is the real thing.
"""

import re
import socket
import unittest

import system

system.enter()

from harness import RtpSource, wait_for  # noqa: E402
from manual import commands  # noqa: E402


class FiveCommands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = system.System()
        cls.addClassCleanup(cls.system.close)
        cls.said = ""

    def follow(self, heading):
        """Runs the commands; gives what they were, after starting the units that they name."""
        lines = commands(heading)
        for line in lines:
            line = line.replace("KEY ", f"{(re.findall('[0-9a-f]{64}', self.said) or ['-'])[-1]} ")
            self.said += self.system.run(line.replace("--now ", ""), "/mnt/packages").stdout
            if line.startswith("apt install "):
                self.assert_that_nothing_was_started_and_no_key_made()
            if line.startswith("systemctl enable --now "):
                for name in line.split()[3:]:
                    self.system.start(name)
        return lines

    def test_the_five_commands_and_a_picture(self):
        lines = self.follow("From the package to a channel on air")
        self.assertEqual(len(lines), 5, lines)
        self.assert_that_mtk_messages_are_on_air()
        self.assert_that_only_the_operator_may_create()
        self.follow("A picture, and who sees it")
        receiver = self.system.processes[-1]
        sources = [RtpSource(6000, 96).start(), RtpSource(6002, 97, ssrc=7).start()]
        self.addCleanup(lambda: [source.stop() for source in sources])
        wait_for(lambda: receiver.last.get("opened", 0) >= 100, 60,
                 lambda: f"the receiver opens packets: {receiver.last} {receiver.log()}")
        self.assert_that_it_survives_its_programs()
        wanted = receiver.last["opened"] + 100
        wait_for(lambda: receiver.last["opened"] >= wanted, 60, lambda: f"goes on: {receiver.last}")
        for process in reversed(self.system.processes):
            self.assertEqual(process.stop(), 0, process.log())
        self.assert_that_keys_and_changes_outlive_the_packages()

    def assert_that_nothing_was_started_and_no_key_made(self):
        for unit in ("keymastd", "keymast-api"):
            self.assertEqual(self.system.run(f"systemctl is-enabled {unit}", check=False).stdout.strip(),
                             "disabled")
        for folder in ("keymast", "keymast-headend", "keymast-receiver"):
            self.assertEqual(self.system.run(f"ls -A /var/lib/{folder}").stdout, "")
            self.assertEqual(self.system.run(f"stat -c '%U %a' /var/lib/{folder}").stdout.strip(),
                             f"{folder} 700")

    def assert_that_keys_and_changes_outlive_the_packages(self):
        """An upgrade to the same version, then all is purged: keys are not dpkg's to destroy."""
        kept = "cd /var/lib/keymast && sha256sum master.key witness /etc/keymast/keymastd.toml"
        before = self.system.run(kept).stdout
        self.system.run("apt install --reinstall ./keymast-server_*.deb", "/mnt/packages")
        self.assertEqual(self.system.run(kept).stdout, before)
        self.assertEqual(self.system.run("systemctl is-enabled keymastd").stdout.strip(), "enabled")
        self.system.run("apt-get purge -y keymast-server")
        self.assertEqual(self.system.run("ls /var/lib/keymast").stdout.split(),
                         ["data", "master.key", "witness"])

    def assert_that_mtk_messages_are_on_air(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as group:
            group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            group.bind(("239.255.42.1", 2269))
            group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                             socket.inet_aton("239.255.42.1") + socket.inet_aton("127.0.0.1"))
            group.settimeout(30)
            message = group.recv(2048)
        self.assertEqual(message[0], 1, "a MIKEY message of version 1")

    def assert_that_only_the_operator_may_create(self):
        def as_member(group, command):
            return self.system.run(f"setpriv --reuid=nobody --regid=nogroup --groups={group} "
                                   f"{command}", check=False)
        ask = "keymastctl --server unix:/run/keymast/{}.sock status"
        self.assertEqual(as_member("keymast-viewer", ask.format("viewer")).returncode, 0)
        self.assertNotEqual(as_member("keymast-viewer", ask.format("operator")).returncode, 0)
        self.assertNotEqual(as_member("nogroup", ask.format("viewer")).returncode, 0)
        self.assertEqual(as_member("keymast-operator", ask.format("operator")).returncode, 0)

    def assert_that_it_survives_its_programs(self):
        """kill -9 of keymastd and keymast-api, as an upgrade or a crash would; both come back."""
        for name in ("keymastd", "keymast-api"):
            process = next(each for each in self.system.processes if each.name == name)
            self.assertEqual(process.notices.has("WATCHDOG=1"), name == "keymastd")
            process.kill()
            process.notices.close()
            self.system.processes.remove(process)
            self.system.start(name)
        wait_for(lambda: self.system.run("keymastctl status", check=False).returncode == 0, 30,
                 "the server answers again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
