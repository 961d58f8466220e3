# SPDX-License-Identifier: Apache-2.0
"""keymast-api attacked by the owner of a valid certificate, and killed: what keymastd, an operator and a
watcher notice of it. Nothing, and a watcher that it was away."""

import concurrent.futures
import functools
import os
import pathlib
import socket
import time
import unittest

from acknowledged import Acknowledged
from attacks import Attacker
from certificates import Authority
from harness import BIN, LONG, Site, free_port, wait_for
from invariants import prove
from ongoing import Proofs

RESETS = 200_000 if LONG else 20_000
PINGS = 200_000 if LONG else 20_000
HALF_PREFACES = 500
MESSAGE = 64 << 20
METADATA = 1 << 20
MOST_GROWTH = 16 << 20
GET_CHANNEL = b"/keymast.v1.Channels/GetChannel"
CHANNEL_ONE = b"\x0a\x0cchannels/one"  # GetChannelRequest.name
TLS = """
[tls]
listen = "127.0.0.1:{port}"
certificate = "{root}/server.pem"
key = "{root}/server.key.pem"
client_ca = "{root}/authority.pem"
[tls.principals]
viewer = ["viewer.example.org"]
"""


class Attack(unittest.TestCase):
    def setUp(self):
        # What a sanitizer keeps of freed memory to find its use is no growth.
        before = os.environ.get("ASAN_OPTIONS", "")
        os.environ["ASAN_OPTIONS"] = before + ":quarantine_size_mb=1:allocator_release_to_os_interval_ms=100"
        self.addCleanup(os.environ.__setitem__, "ASAN_OPTIONS", before)
        self.site = Site("attack")
        self.addCleanup(self.site.close)
        root = self.site.root
        authority = Authority(root)
        authority.issue("server", kind="p256", dns="localhost")
        authority.issue("viewer", kind="p256", dns="viewer.example.org")
        port = free_port(socket.SOCK_STREAM)
        with open(root / "keymast-api.toml", "a") as file:
            file.write(TLS.format(port=port, root=root))
        self.attacker = Attacker(port, authority.file, root / "viewer.pem", root / "viewer.key.pem")
        self.site.ctl = Acknowledged(self.site.ctl)
        self.site.up()
        self.site.create_channel()
        self.proofs = Proofs(self.site, steady=True)
        self.addCleanup(self.proofs.close)
        self.asked = self.changes = 0  # of the channel; `changes` were acknowledged
        self.ended = 0  # times that keymast-api ended by itself

    def resident(self):
        status = pathlib.Path(f"/proc/{self.site.keymastd.popen.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))

    def start_watch(self, name, *words):
        return self.site.start_process(name, BIN / "keymastctl", "--server",
                                       f"unix:{self.site.root}/auditor.sock", "--output", "json", "watch",
                                       *words)

    def expect_it_goes_on_behind_a_restart(self, watcher):
        """Of keymastd, whose events begin with its start."""
        self.site.keymastd.kill()
        self.site.start_server()
        wait_for(lambda: "going on from now" in pathlib.Path(watcher.log_path).read_text(), 60,
                 "the watcher says that events are missing")
        before = len(self.events(watcher))
        wait_for(lambda: len(self.events(watcher)) > before, 60, "the watcher goes on")

    def watch(self):
        watcher = self.start_watch("watcher", "--reconnect")
        # Keys change by themselves: no change is asked for before the watcher is there.
        wait_for(lambda: self.events(watcher), 60, "an event")
        return watcher

    @staticmethod
    def events(watcher):
        """Those that say something, by their token."""
        return {line["resumeToken"]: line for line in watcher.lines if line.get("kind") != "BOOKMARK"}

    def change(self):
        """An operator's call, of which every watcher is told."""
        self.asked += 1
        self.site.ctl.call("channels", "update", "one", "--display-name", self.asked)
        self.changes += 1

    def revive(self):
        """As the unit does: Restart=always."""
        def answers():
            if not self.site.api.running():
                self.ended += 1
                self.site.start_api()
            return self.site.ctl.run("status").returncode == 0
        wait_for(answers, 60, "keymast-api answers an operator")

    def during(self, attack):
        """An operator goes on while the attack goes on, and keymast-api is ready after it."""
        before = self.attacker.connections
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            attacking = pool.submit(attack)
            while True:
                going_on = not attacking.done()
                self.revive()
                try:
                    self.change()
                except AssertionError:
                    if self.site.api.running():
                        raise
                if not going_on:
                    break
                time.sleep(0.1)
            attacking.result()
        self.assertGreater(self.attacker.connections, before, "nothing was attacked")
        wait_for(self.ready, 60, "keymast-api is ready")

    def ready(self):
        try:
            return self.site.page("readyz") == "ready\n"
        except OSError:
            return False

    def attacks(self):
        attacker = self.attacker
        for name, attack in (
                ("rapid resets", self.resets), ("half prefaces", self.half_prefaces),
                ("pings", lambda: attacker.pings(PINGS, lambda: time.sleep(0.1))),
                ("a long message", lambda: attacker.long_message(MESSAGE, GET_CHANNEL)),
                ("long metadata", lambda: attacker.long_metadata(METADATA, GET_CHANNEL))):
            yield name, functools.partial(self.during, attack)
        yield "a kill in the middle", self.kill_in_the_middle

    def resets(self):
        self.attacker.rapid_resets(RESETS, GET_CHANNEL, CHANNEL_ONE, lambda: time.sleep(0.1))

    def half_prefaces(self):
        held = self.attacker.half_prefaces(HALF_PREFACES)
        self.assertGreater(len(held), HALF_PREFACES // 2)
        for tls in held:
            tls.close()

    def kill_in_the_middle(self):
        before = self.attacker.connections
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            attacking = pool.submit(self.resets)
            wait_for(lambda: self.attacker.connections > before, 60, "the attack has begun")
            self.site.api.kill()
            self.site.start_api()
            self.revive()
            self.change()
            attacking.result()
        wait_for(self.ready, 60, "keymast-api is ready")

    def expect_nothing_lost(self, watcher):
        """Holds what the watcher was told, over all interruptions, against what one is told that comes now."""
        def all_changes():
            kinds = [event["kind"] for event in self.events(watcher).values()]
            return kinds.count("UPDATED") >= self.changes
        wait_for(all_changes, 60, "the watcher is told of every change")
        first, *told = self.events(watcher).values()
        tokens = [line["resumeToken"] for line in watcher.lines if line["kind"] != "BOOKMARK"]
        self.assertEqual(len(tokens), len(set(tokens)), "an event came twice")
        again = self.start_watch("again", "--resume", first["resumeToken"])
        wait_for(lambda: len(self.events(again)) >= len(told), 60, lambda: f"all come again: {again.log()}")
        again.kill()
        self.assertEqual(list(self.events(again).values())[:len(told)], told)

    def test_keymastd_and_an_operator_notice_nothing(self):
        site, pid = self.site, self.site.keymastd.popen.pid
        watcher = self.watch()
        self.attacker.rapid_resets(1024, GET_CHANNEL, CHANNEL_ONE)
        for _ in range(20):
            self.change()
        self.proofs.after("the beginning")  # which takes memory too
        begin = self.resident()
        for name, attack in self.attacks():
            with self.subTest(name):
                attack()
                # What was freed goes back a little later.
                wait_for(lambda: self.resident() - begin < MOST_GROWTH, 60,
                         lambda: f"{self.resident()} octets resident come near {begin}")
                self.assertTrue(site.keymastd.running())
                self.proofs.after(name)
                print(f"{name}: {(self.resident() - begin) >> 10} KiB more than before all", flush=True)
        self.assertEqual((site.keymastd.running(), site.keymastd.popen.pid), (True, pid))
        self.assertEqual(self.ended, 0)
        wait_for(lambda: "connected again" in pathlib.Path(watcher.log_path).read_text(), 60,
                 "the watcher is connected again")
        self.expect_nothing_lost(watcher)
        self.expect_it_goes_on_behind_a_restart(watcher)
        watcher.kill()
        self.proofs.tell()
        prove(site, site.ctl, steady=True, forgers=self.proofs.forgers)


if __name__ == "__main__":
    unittest.main(verbosity=2)
