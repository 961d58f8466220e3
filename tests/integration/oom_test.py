# SPDX-License-Identifier: Apache-2.0
"""Memory ends under load, at another allocation each time: the process says so in one line, ends with
its own exit status, and after a start every acknowledged change is there and nothing is sent twice."""

import os
import pathlib
import random
import resource
import signal
import unittest

from acknowledged import Acknowledged
from harness import BIN, LONG, Site, wait_for
from invariants import prove
from kill9_test import Load
from ongoing import Proofs

SHIM = BIN / "no_memory.so"
OUT_OF_MEMORY = 71  # shell/out_of_memory.h
CYCLES = 200 if LONG else 10
PROVEN = 10 if LONG else 1  # one death of so many
SANITIZED = any(name in (BIN / "keymastd").read_bytes() for name in (b"__asan_init", b"__tsan_init"))


class OutOfMemory(unittest.TestCase):
    def setUp(self):
        self.site = Site("oom")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.proofs = Proofs(self.site)
        self.addCleanup(self.proofs.close)

    def start(self, name, left):
        """Starts a program to which SIGUSR2 leaves `left` allocations."""
        # A sanitizer wants to be the first library, of which it has no need here.
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        words = ["run"] if name == "keymastd" else []
        return self.site.start_process(
            name, "env", f"LD_PRELOAD={SHIM}", f"KEYMAST_MEMORY_LEFT={left}",
            f"ASAN_OPTIONS={options}", BIN / name, *words, "--config",
            self.site.root / f"{name}.toml")

    def expect_end(self, process, lines_before):
        wait_for(lambda: not process.running(), 60,
                 lambda: f"{process.name} ends:\n" + process.log()[-2000:])
        self.assertEqual(process.kill(), OUT_OF_MEMORY, process.log()[-3000:])
        self.assertEqual(process.log().count('"event":"out_of_memory"'), lines_before + 1)
        self.assertIn('"event":"out_of_memory"', process.log().splitlines()[-1])

    def start_load(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s",
                            mskPeriod="10s", mskLead="4s", mskGiveUp="2s")
        return Load(site).start()

    def prove_now(self, load, name, deaths):
        """Behind them, with all programs there again."""
        if deaths and deaths % PROVEN == 0:
            with load.paused():
                self.proofs.after(f"death {deaths} of {name}")

    def expect_all(self, load):
        self.site.wait_ready()
        before = load.acknowledged
        wait_for(lambda: load.check().acknowledged > before, 60, "changes are taken again")
        load.stop()
        print(f"{load.acknowledged} changes acknowledged")
        self.proofs.tell()
        prove(self.site, self.site.ctl, forgers=self.proofs.forgers)

    def test_keymastd(self):
        site = self.site
        load = self.start_load()
        site.keymastd.stop()
        rng = random.Random(3)
        for cycle in range(CYCLES):
            # From the next allocation to a few hundred changes from here.
            site.keymastd = self.start("keymastd", int(10 ** rng.uniform(0, 4.5)))
            before = load.acknowledged
            wait_for(lambda: load.check().acknowledged > before, 60, "a change is acknowledged")
            self.prove_now(load, "keymastd", cycle)
            site.keymastd.popen.send_signal(signal.SIGUSR2)
            self.expect_end(site.keymastd, cycle)
        site.start_server()
        self.expect_all(load)

    def test_keymast_api(self):
        site = self.site
        load = self.start_load()
        server = site.keymastd
        for cycle, left in enumerate((0, 10, 1000, 20000)):
            site.api.kill()
            site.api = self.start("keymast-api", left)
            before = load.acknowledged
            wait_for(lambda: load.check().acknowledged > before, 60, "a change is acknowledged")
            self.prove_now(load, "keymast-api", cycle)
            site.api.popen.send_signal(signal.SIGUSR2)
            self.expect_end(site.api, cycle)
        self.assertTrue(server.running(), "keymastd does not notice")
        site.start_api()
        self.expect_all(load)

    @unittest.skipIf(SANITIZED, "a sanitizer takes terabytes of addresses and has its own end")
    def test_a_limit_of_the_kernel(self):
        site = self.site
        load = self.start_load()
        before = load.acknowledged
        wait_for(lambda: load.check().acknowledged > before + 3, 60, "changes are acknowledged")
        status = pathlib.Path(f"/proc/{site.keymastd.popen.pid}/status").read_text()
        octets = int(status.split("VmSize:")[1].split()[0]) * 1024
        resource.prlimit(site.keymastd.popen.pid, resource.RLIMIT_AS, (octets, octets))
        # Thousands of subscribers at once need more than what lies about.
        for batch in range(20):
            if not site.keymastd.running():
                break
            try:
                site.create_subscribers(f"many-{batch}-", 5000)
            except AssertionError:
                wait_for(lambda: not site.keymastd.running(), 60, "it ends")
        self.expect_end(site.keymastd, 0)
        site.start_server()
        self.expect_all(load)


if __name__ == "__main__":
    unittest.main(verbosity=2)
