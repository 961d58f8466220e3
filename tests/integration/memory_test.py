# SPDX-License-Identifier: Apache-2.0
"""Keys in memory and beside it: what is over is wiped, what lives is in the process that needs it, and
nothing of it is in arguments, environment, logs, metrics, recordings or the data directory."""

import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest
import urllib.request

from harness import BIN, Site, wait_for
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
        self.change_msk(site.alice, "rekey-now", "one", "--level", "msk")
        self.change_msk(site.alice, "members", "expel", "one", "bob")
        site.bob.kill()
        site.ctl.call("subscribers", "delete", "bob")
        changes = site.alice.last["mtk_changes"]
        wait_for(lambda: site.alice.last["mtk_changes"] > changes + 3, 30, "more MTKs")

    def test_keys_end_with_their_lives(self):
        self.live()
        site = self.site
        for process in (site.keymastd, site.api, site.headend, site.alice):
            self.assertEqual(find({}, b""), {})
            os.kill(process.popen.pid, signal.SIGSTOP)
        secrets = Secrets(site).read()
        self.assertGreaterEqual(len(secrets.msks), 3)
        self.assertGreater(len(secrets.mtks), 6)
        users = {name: key for name, key in secrets.users.items()}
        server = memory(site.keymastd.popen.pid)
        print(f"keymastd: {len(server) >> 20} MiB")
        alive = {"alice": users["alice@example.org"], **last(secrets.msks, 1)}
        for name in alive:
            self.assertGreater(find(alive, server).get((name, "raw"), 0), 0,
                               f"{name} should be found where it is in use")
        gone = {"bob": users["bob@example.org"], "master key": secrets.master,
                **but_last(secrets.msks, 1), **but_last(secrets.mtks, 3)}
        print("gone", find(gone, server))
        print("alive", find(alive, server))
        print("headend key", find({"headend": (site.root / "headend.key").read_bytes()}, server))
        every = {**users, "master key": secrets.master, **secrets.msks, **secrets.mtks}
        print("api", find(every, memory(site.api.popen.pid)))
        print("headend", find(every, memory(site.headend.popen.pid)))
        print("alice", find(every, memory(site.alice.popen.pid)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
