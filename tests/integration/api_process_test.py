# SPDX-License-Identifier: Apache-2.0
"""keymast-api and keymastctl as processes, without keymastd: what they say when it is away, how they
start, stop and refuse."""

import pathlib
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import BIN, PATIENCE, Process, free_port, wait_for


class ApiProcess(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="keymast-api-")
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.http = free_port(socket.SOCK_STREAM)
        self.write("")

    def write(self, more):
        (self.root / "api.toml").write_text(
            f'core_socket = "{self.root}/core.sock"\n'
            f'socket_directory = "{self.root}"\n'
            f'http_listen = "127.0.0.1:{self.http}"\n' + more)

    def start(self):
        process = Process("keymast-api", [BIN / "keymast-api", "--config", self.root / "api.toml"],
                          self.root / "api.log")
        self.addCleanup(lambda: process.running() and process.kill())
        wait_for(lambda: self.page("/livez")[0] == 200, 20, "keymast-api answers")
        return process

    def page(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except OSError:
            return 0, ""

    def ctl(self, *words, role="operator"):
        return subprocess.run([BIN / "keymastctl", "--server", f"unix:{self.root}/{role}.sock",
                               *words], capture_output=True, text=True, timeout=PATIENCE)

    def refused(self, *argv):
        return subprocess.run([BIN / "keymast-api", *argv], capture_output=True, text=True,
                              timeout=PATIENCE)

    def test_without_keymastd_it_lives_and_is_not_ready(self):
        self.start()
        self.assertEqual(self.page("/readyz")[0], 503)
        self.assertIn("keymast_api_core_up 0\n", self.page("/metrics")[1])
        done = self.ctl("status")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("keymastd cannot be reached", done.stderr)

    def test_roles_by_socket(self):
        self.start()
        for role, status in (("operator", 4), ("viewer", 5), ("auditor", 5), ("headend", 5)):
            done = self.ctl("rekeys", "now", "one", role=role)
            self.assertEqual(done.returncode, status, f"{role}: {done.stderr}")
        self.assertIn("role viewer may not call Rekeys.RekeyNow",
                      self.ctl("rekeys", "now", "one", role="viewer").stderr)

    def test_sigterm_stops_it_and_sigkill_leaves_nothing_in_the_way(self):
        process = self.start()
        process.kill()
        process = self.start()
        self.assertEqual(process.stop(), 0)
        self.assertIn('"draining"', process.log())
        self.assertEqual(self.ctl("status").returncode, 4)

    def test_a_second_one_is_refused(self):
        self.start()
        done = self.refused("--config", self.root / "api.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another keymast-api", done.stderr)

    def test_configuration_errors_name_their_place(self):
        for text, place in (("reflection = 7\n", ":4:"), ("\nmax_calls = \"x\"\n", ":5:"),
                            ("colour = 1\n", ":4:"), ("[tls\n", ":4:")):
            self.write(text)
            done = self.refused("--config", self.root / "api.toml")
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(f"{self.root}/api.toml{place}", done.stderr)
        done = self.refused("--config", self.root / "absent.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("absent.toml", done.stderr)
        self.assertEqual(self.refused("--colour").returncode, 2)

    def test_memory_limit_is_set(self):
        # Sanitizers need terabytes of addresses: their builds set none.
        self.write("memory_limit_mib = 3000\n")
        process = self.start()
        limits = pathlib.Path(f"/proc/{process.popen.pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
        self.assertTrue(str(3000 << 20) in line or "unlimited" in line, line)

    def test_it_leaves_no_core_dump(self):
        limits = pathlib.Path(f"/proc/{self.start().popen.pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        self.assertEqual(line.split()[4:6], ["0", "0"], line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
