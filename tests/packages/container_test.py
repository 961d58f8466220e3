#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The container file without an engine: the commands by which its images take the packages are run as they
stand there, in a system of its own, and the programs run as the users of the images, by their entry
points and checks of health. What an engine adds, layers and the isolation, is not tried.
"""

import re
import subprocess
import unittest

import system

system.enter()

from harness import wait_for  # noqa: E402

TEXT = (system.SOURCE / "deploy/container/Containerfile").read_text()


def stage(name):
    """Instructions of one stage, continued lines put together."""
    part = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", TEXT, re.M | re.S)[1]
    lines = re.sub(r"^#.*\n", "", part, flags=re.M).replace("\\\n", " ").splitlines()
    return [line.split(None, 1) for line in lines if line.strip()]


def of(name, instruction):
    return next(text for word, text in stage(name) if word == instruction)


def words(text):
    return " ".join(re.findall(r'"([^"]*)"', text))


class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = system.System()
        cls.addClassCleanup(cls.system.close)

    def start(self, name):
        """The image's entry point as its user, in every group of its pod that the sockets need."""
        user = of(name, "USER")
        command = f"{words(of(name, 'ENTRYPOINT'))} {words(of(name, 'CMD'))}"
        number = user.partition(":")[0]
        process = subprocess.Popen(
            ["chroot", self.system.root, "setpriv", f"--reuid={number}",
             f"--regid={user.partition(':')[2]}", "--groups=6402,6403,6404,6405,6406",
             "--no-new-privs", "--bounding-set=-all", *command.split()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        check = re.search(r"CMD (\[.*\])", of(name, "HEALTHCHECK"))[1]
        wait_for(lambda: self.system.run(f"setpriv --reuid={number} --groups=6404 --regid={number} "
                                         f"{words(check)}", check=False).returncode == 0,
                 60, f"{name} is well")

    def test_the_images_programs_run_as_their_users(self):
        run = self.system.run
        run("cp keymast-server_*.deb keymast-tools_*.deb /tmp/", "/mnt/packages")
        command = of("server", "RUN")
        self.assertIn("apt-get update", command)
        run(command.replace("apt-get update &&", ""))
        for name, number in re.findall(r"--uid (\d+) .*?(\S+) &&", command):
            self.assertEqual(run(f"id -u {number}").stdout.strip(), name)
        run("sed -i 's/^#identity = .*/identity = \"keys.example.org\"/' /etc/keymast/keymastd.toml")
        run("install -d -o keymast -m 0755 /run/keymastd && install -d -o keymast-api /run/keymast")
        run("setpriv --reuid=6400 --regid=6400 --clear-groups keymastd init --config "
            "/etc/keymast/keymastd.toml")
        self.start("keymastd")
        self.start("keymast-api")

    def test_what_is_copied_from_the_source_is_there(self):
        for word, text in stage("build"):
            if word == "COPY":
                for path in text.split()[:-1]:
                    self.assertTrue((system.SOURCE / path).exists(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
