#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The packages: lintian has nothing to say, what has to be in them is, and the library for C programs is
found and linked by pkg-config.
"""

import gzip
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
PACKAGES = pathlib.Path(os.environ["KEYMAST_PACKAGES"])
EXPECTED = {
    "keymast-server": ["./usr/sbin/keymastd", "./usr/sbin/keymast-api", "./etc/keymast/keymastd.toml",
                       "./etc/keymast/keymast-api.toml", "./lib/systemd/system/keymastd.service",
                       "./lib/systemd/system/keymast-api.service",
                       "./usr/lib/sysusers.d/keymast-server.conf",
                       "./usr/lib/tmpfiles.d/keymast-server.conf",
                       "./usr/share/man/man8/keymastd.8.gz", "./usr/share/man/man8/keymast-api.8.gz",
                       "./usr/share/man/man5/keymastd.toml.5.gz",
                       "./usr/share/man/man5/keymast-api.toml.5.gz",
                       "./usr/share/keymast/prometheus/keymast.rules.yml",
                       "./usr/share/keymast/grafana/keymast.json",
                       "./usr/share/doc/keymast-server/examples/monitoring/prometheus.yml",
                       *(f"./usr/share/doc/keymast-server/{page}.md" for page in (
                           "CHANGELOG", "access", "api", "audit", "keys-at-rest", "metrics", "mikey",
                           "mikeyv2", "operator", "packages", "performance", "runbook", "store"))],
    "keymast-tools": ["./usr/bin/keymastctl", "./usr/bin/keymast-mikey", "./usr/bin/keymast-peer",
                      "./usr/share/man/man1/keymast-mikey.1.gz",
                      "./usr/share/man/man1/keymast-peer.1.gz",
                      "./usr/share/man/man1/keymastctl.1.gz",
                      "./usr/share/man/man1/keymastctl-channels.1.gz",
                      "./usr/share/bash-completion/completions/keymastctl",
                      "./usr/share/zsh/vendor-completions/_keymastctl",
                      "./usr/share/fish/vendor_completions.d/keymastctl.fish",
                      "./usr/share/doc/keymast-tools/keymast-mikey.md",
                      "./usr/share/doc/keymast-tools/keymastctl.md",
                      "./usr/share/doc/keymast-tools/peer.md",
                      "./usr/share/doc/keymast-tools/examples/channel.json"],
    "keymast-headend": ["./usr/sbin/keymast-headend", "./etc/keymast/headend/",
                        "./lib/systemd/system/keymast-headend@.service",
                        "./usr/share/doc/keymast-headend/headend.md",
                        "./usr/share/man/man8/keymast-headend.8.gz"],
    "keymast-receiver": ["./usr/bin/keymast-receiver", "./etc/keymast/receiver/",
                         "./lib/systemd/system/keymast-receiver@.service",
                         "./usr/share/doc/keymast-receiver/receiver.md",
                         "./usr/share/man/man1/keymast-receiver.1.gz"],
    "libkeymast-receiver-dev": ["./usr/include/keymast/receiver.h",
                                "./usr/share/doc/libkeymast-receiver-dev/receiver-library.md",
                                "./usr/share/doc/libkeymast-receiver-dev/examples/receive.c"],
}


def deb(package):
    found = list(PACKAGES.glob(f"{package}_*.deb"))
    assert len(found) == 1, f"{package}: {found}"
    return found[0]


def output(*argv):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True).stdout


def anchors_of(page):
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(root):
    """Links of the pages below `root`, the root of a system, that lead nowhere there."""
    broken = []
    for page in sorted(root.glob("usr/share/doc/*keymast*/*.md")):
        for link in re.findall(r"\]\(([^()\s]+)\)", page.read_text()):
            target, _, anchor = link.partition("#")
            file = page.parent / target if target else page
            if "://" not in link and not (file.is_file() and (
                    not anchor or anchor in anchors_of(file.read_text()))):
                broken.append(f"{page.name}: {link}")
    return broken


class Contents(unittest.TestCase):
    def test_lintian_has_nothing_to_say(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit",
                               "0", *PACKAGES.glob("*.changes")], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stdout + done.stderr)

    def test_what_has_to_be_in_them_is(self):
        for package, files in EXPECTED.items():
            listed = [line.split()[5] for line in output("dpkg-deb", "--contents", deb(package)).splitlines()]
            for file in files + [f"./usr/share/doc/{package}/copyright",
                                 f"./usr/share/doc/{package}/sbom.spdx.json"]:
                self.assertIn(file, listed, package)

    def test_what_is_named_in_them_is_there(self):
        """Links of pages, files that alerts, examples and manual pages name by their path."""
        with tempfile.TemporaryDirectory(prefix="keymast-root-") as folder:
            root = pathlib.Path(folder)
            for package in EXPECTED:
                output("dpkg-deb", "--extract", deb(package), root)
            self.assertEqual(broken_links(root), [])
            doc = root / "usr/share/doc"
            named = [(root / "usr/share/keymast/prometheus/keymast.rules.yml").read_text(),
                     (doc / "keymast-server/examples/monitoring/prometheus.yml").read_text(),
                     *(page.read_text() for page in doc.glob("*/*.md")),
                     *(gzip.decompress(page.read_bytes()).decode().replace("\\-", "-")
                       for page in root.glob("usr/share/man/**/*.gz"))]
            paths = set(re.findall(r"/usr/share/(?:doc/)?(?:lib)?keymast[\w./-]*\w", "\n".join(named)))
            self.assertGreater(len(paths), 5)
            for path in paths:
                self.assertTrue((root / path[1:]).exists(), path)

    def test_no_secret_and_no_state_is_in_them(self):
        for package in EXPECTED:
            for line in output("dpkg-deb", "--contents", deb(package)).splitlines():
                mode, owner, *_, name = line.split(" -> ")[0].split()
                self.assertNotRegex(name, r"\.key$|/master|/var/", package)
                self.assertEqual(owner, "root/root", name)
                self.assertNotRegex(mode[1:], "s|t|.......w.", name)

    def test_an_installation_starts_nothing(self):
        """keymastd has no master key by then, and no channel: an operator starts it."""
        for package in EXPECTED:
            with tempfile.TemporaryDirectory(prefix="keymast-control-") as folder:
                output("dpkg-deb", "--control", deb(package), folder)
                for script in pathlib.Path(folder).glob("p*"):
                    text = script.read_text()
                    self.assertNotRegex(text, r"invoke +start|_dh_action=start|systemctl.* (start|enable)",
                                        f"{package}: {script.name}")

    def test_the_receiver_core_is_found_by_pkg_config(self):
        with tempfile.TemporaryDirectory(prefix="keymast-dev-") as folder:
            output("dpkg-deb", "--extract", deb("libkeymast-receiver-dev"), folder)
            found = list(pathlib.Path(folder).rglob("*.pc"))
            self.assertEqual(len(found), 3)
            environment = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}
            example = next(pathlib.Path(folder).rglob("receive.c"))
            for size, more in (("receiver", []), ("receiver-full", []),
                               ("receiver-certificates", ["-DWITH_CERTIFICATES"])):
                flags = subprocess.run(["pkg-config", "--cflags", "--libs", f"keymast-{size}"], check=True,
                                       capture_output=True, text=True, env=environment).stdout.split()
                program = pathlib.Path(folder, size)
                output("cc", "-std=c11", "-Wall", "-Werror", *more, example, "-o", program, *flags)
                said = subprocess.run([program], capture_output=True, text=True)
                self.assertIn("SERVER", said.stdout + said.stderr)

    def test_what_a_build_needs_is_said_once(self):
        """debian/control wants what scripts/packages has for builds, less what every builder has and
        what ./test alone builds."""
        control = (SOURCE / "debian/control").read_text().split("\n\n")[0]
        wanted = re.search(r"Build-Depends:(.*)", control, re.S)[1]
        wanted = {word.split()[0].split(":")[0] for word in wanted.split(",") if word.strip()}
        listed = {line.split()[1] for line in (SOURCE / "scripts/packages").read_text().splitlines()
                  if line.startswith("build ")}
        self.assertEqual(wanted - {"debhelper-compat", "python3"},
                         listed - {"g++", "ccache", "git", "ca-certificates", "libbenchmark-dev"})

    def test_versions_are_one(self):
        version = re.search(r"VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text().split("project(")[1])[1]
        for package in EXPECTED:
            self.assertEqual(output("dpkg-deb", "--field", deb(package), "Version").strip(), version)


if __name__ == "__main__":
    unittest.main(verbosity=2)
