# SPDX-License-Identifier: Apache-2.0
"""Keys in memory and beside it: what is over is wiped, what lives is in the process that needs it, and
nothing of it is in arguments, environment, logs, metrics, recordings or the data directory."""

import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import unittest

from collector import Collector
from harness import PATIENCE, Site, wait_for
from memory import find, memory, traces

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from reuse import ledger, pcapng  # noqa: E402 (the path is set above)


class Secrets:
    """The keys of a run, from files and from what an independent reader opens in the recordings."""

    def __init__(self, site):
        self.site = site
        self.users = {f"{name}@example.org": path.read_bytes()
                      for name, path in site.credentials.items()}
        self.master = (site.root / "master.key").read_bytes()

    def read(self):
        book = ledger.Ledger(self.users)
        records = [path for path in dict.fromkeys(self.site.records) if path.exists()]

        def files(on_cut):
            for record in records:
                yield pcapng.datagrams(record.read_bytes(), on_cut)

        book.read(files, lambda: None)
        # Key ids rise in the order of use.
        self.msks = {f"MSK {name.hex()}": key for name, (key, _) in sorted(book.msks.items())}
        self.mtks = {f"MTK {name.hex()}": octets[:16]
                     for name, octets in sorted(book.mtks.items())}
        return self


def last(keys, count):
    return dict(list(keys.items())[-count:])


def but_last(keys, count):
    return dict(list(keys.items())[:-count])


@unittest.skipUnless(os.geteuid() == 0, "reading the memory of a hardened process needs root")
class Memory(unittest.TestCase):
    def setUp(self):
        self.site = Site("memory")
        self.addCleanup(self.site.close)
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        self.collector.trace(self.site)

    def msk_of(self, receiver):
        return receiver.last.get("msk_id")

    def change_msk(self, receiver, *words):
        before = self.msk_of(receiver)
        self.site.ctl.call(*words)
        wait_for(lambda: self.msk_of(receiver) not in (None, before), 20, "media under a new MSK")

    def live(self):
        """Joins, changes of keys, an expulsion and the deletion of who was expelled."""
        site = self.site.up()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s")
        site.enrol_headend("one")
        site.start_headend()
        site.alice = site.member_with_receiver("one", "alice")
        site.bob = site.member_with_receiver("one", "bob")
        site.start_sources()
        for receiver in (site.alice, site.bob):
            wait_for(lambda: receiver.last.get("opened", 0) > 20, 30, "media is opened")
        self.change_msk(site.alice, "rekeys", "now", "one", "--level", "msk")
        self.change_msk(site.alice, "members", "expel", "one", "bob")
        site.bob.kill()
        site.ctl.call("subscribers", "delete", "bob")
        changes = site.alice.last["mtk_changes"]
        wait_for(lambda: site.alice.last["mtk_changes"] > changes + 3, 30, "more MTKs")

    def stopped_memory(self, process):
        os.kill(process.popen.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, process.popen.pid, signal.SIGCONT)
        return memory(process.popen.pid)

    @staticmethod
    def look(process):
        """Memory of a process, which runs on behind it."""
        os.kill(process.popen.pid, signal.SIGSTOP)
        octets = memory(process.popen.pid)
        os.kill(process.popen.pid, signal.SIGCONT)
        return octets

    def wiped(self, process, gone):
        """Memory of a process once nothing of `gone` is in it."""
        left = {}

        def is_wiped():
            octets = self.look(process)
            left.clear()
            left.update(find(gone, octets))
            return None if left else octets
        return wait_for(is_wiped, 30, lambda: f"still in the memory of {process.name}: {left}")

    def left_behind(self):
        """(what, octets) of everything but memory in which somebody could look for keys."""
        site = self.site
        for _, _, body in list(self.collector.requests):
            yield "spans", body
        yield "metrics", site.metrics().encode()
        for process in (site.keymastd, site.api, site.headend, site.alice):
            for what, octets in traces(process.popen.pid):
                yield f"{process.name}: {what}", octets
            yield f"{process.name}: log", pathlib.Path(process.log_path).read_bytes()
            yield f"{process.name}: lines", json.dumps(process.lines).encode()
        for path in site.root.rglob("*"):
            if path.is_file() and path.suffix != ".key":
                yield str(path), path.read_bytes()

    def test_keys_end_with_their_lives(self):
        self.live()
        site = self.site
        secrets = Secrets(site).read()
        self.assertGreaterEqual(len(secrets.msks), 3)
        self.assertGreater(len(secrets.mtks), 6)
        bob = {"bob": secrets.users["bob@example.org"]}
        alice = {"alice": secrets.users["alice@example.org"]}
        master = {"master key": secrets.master}
        north = {"headend": (site.root / "headend.key").read_bytes()}
        # The last MSK, and what is prepared or active, is in use.
        gone = {**bob, **master, **but_last(secrets.msks, 1), **but_last(secrets.mtks, 3)}
        server = self.wiped(site.keymastd, gone)

        # The looking is good for something: it finds what is in use, and only as it is.
        alive = {**alice, **last(secrets.msks, 1)}
        found = find(alive, server)
        self.assertEqual(set(found), {(name, "raw") for name in alive})
        self.assertEqual(find(north, server), {})
        secrets.read()
        every = {**alice, **bob, **master, **north, **secrets.msks, **secrets.mtks}
        self.assertEqual(find(every, self.stopped_memory(site.api)), {})
        of_others = {**alice, **bob, **master, **secrets.msks}
        self.assertEqual(find(of_others, self.stopped_memory(site.headend)), {})
        self.assertEqual(find({**bob, **master, **north}, self.stopped_memory(site.alice)), {})
        os.kill(site.alice.popen.pid, signal.SIGCONT)
        # What is over is so at both ends of the media path, but for packets that may yet come late.
        receiver = self.wiped(site.alice, {**but_last(secrets.msks, 2), **but_last(secrets.mtks, 4)})
        self.assertTrue(find(last(secrets.msks, 1), receiver), "what is in use is found there")
        os.kill(site.headend.popen.pid, signal.SIGCONT)
        # A headend has sessions made of them, and forgets the MTKs themselves.
        headend = self.wiped(site.headend, secrets.read().mtks)
        self.assertTrue(find(north, headend), "its own key is found there")
        self.assertTrue(wait_for(self.collector.spans, 30, "spans of the calls"))
        for process in (site.api, site.headend, site.alice):
            os.kill(process.popen.pid, signal.SIGCONT)
        for what, octets in self.left_behind():
            self.assertEqual(find(every, octets), {}, what)

    def test_a_crash_leaves_no_core(self):
        site = self.site
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
        before = resource.getrlimit(resource.RLIMIT_CORE)
        if before[1] != resource.RLIM_INFINITY and before[1] < 1 << 30:
            self.skipTest("this machine lets nobody write a core")
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)
        here = os.getcwd()
        os.chdir(site.root)
        self.addCleanup(os.chdir, here)

        def cores():
            return [path.name for path in site.root.glob("*core*") if "sock" not in path.name]

        # Where cores are files, a program that is not hardened leaves one here.
        if not pattern.startswith(("|", "/")):
            subprocess.run(["sh", "-c", "kill -ABRT $$"], check=False)
            self.assertTrue(cores(), "the machine writes cores")
            for name in cores():
                (site.root / name).unlink()
        # What the sanitizer forbids by itself proves nothing.
        os.environ["ASAN_OPTIONS"] = "disable_coredump=0"
        self.addCleanup(os.environ.pop, "ASAN_OPTIONS")
        site.up()
        site.create_channel()
        site.enrol_headend("one")
        for process in (site.keymastd, site.start_headend()):
            limits = pathlib.Path(f"/proc/{process.popen.pid}/limits")
            wait_for(lambda: re.search(r"Max core file size +0 +0 ", limits.read_text()), 20,
                     f"{process.name} forbids cores")
            process.popen.send_signal(signal.SIGABRT)
            process.popen.wait(PATIENCE)
            self.assertEqual(process.kill(), -signal.SIGABRT)
        self.assertEqual(cores(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
