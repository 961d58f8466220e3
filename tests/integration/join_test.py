# SPDX-License-Identifier: Apache-2.0
"""Receivers join by MIKEYv2 over real sockets: in each mode, with lost datagrams, under load, through crashes
of the server; who is not entitled gets nothing. A second implementation, in Python, joins as well."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

from harness import BIN, wait_for
from joins import JoinCase, Proxy

MODES = ("psk", "dhhmac", "early-dhhmac")
INTEROP = pathlib.Path(__file__).resolve().parent.parent / "interop"
MIKEYV2 = 2
ANSWERS = {242, 248, 247}  # PSK_RESP, DHHMAC_RESP
KEYS = 252
RETRY = 250
FINISH = bytes((MIKEYV2, 243))  # PSK_FIN
CAP = 241


class Joins(JoinCase):
    def test_each_mode_joins_and_follows_what_comes(self):
        self.up()
        self.assertIn(f"a=mikeyv2-join:127.0.0.1 {self.site.mikey_port} mikey://example.org/one",
                      (self.site.root / "one.sdp").read_text())
        receivers = {}
        for mode in MODES:
            endpoint = self.member(mode)
            receivers[mode] = self.receiver(mode, mode, endpoint)
        for mode, receiver in receivers.items():
            with self.subTest(mode=mode):
                self.opens(receiver)
                self.assertIn("joined", receiver.log())
                wait_for(lambda mode=mode: self.joined(mode), 10, "the server knows of the join")
                label = mode.replace("-", "_")
                self.assertEqual(self.metric("keymast_joins_total", f'{{mode="{label}"}}'), 1)
        for mode, receiver in receivers.items():
            with self.subTest(mode=mode):
                wait_for(lambda r=receiver: r.last.get("msk_changes", 0) >= 1, 60,
                         lambda: f"a new MSK is followed: {receiver.log()[-800:]}")
                self.opens(receiver)
                self.assertEqual(receiver.last["refused_since_key"], 0)
        for process in (*receivers.values(), self.site.keymastd):
            self.assertEqual(process.stop(), 0, process.log()[-2000:])
        print(self.site.check_reuse())

    def test_lost_datagrams_are_made_up_for_by_the_same_octets(self):
        self.up()
        endpoint = self.member("ann")
        lost = {"answer": 0, "finish": 0}

        def loses(way, octets):
            if octets[0] != MIKEYV2:
                return False
            kind = "answer" if way == "back" and octets[1] in ANSWERS else None
            kind = "finish" if way == "there" and octets[1] in (243, 247, 249) else kind
            if kind is None or lost[kind] >= 1:
                return False
            lost[kind] += 1
            return True

        for mode in ("psk", "dhhmac"):
            lost.update(answer=0, finish=0)
            proxy = Proxy(self.site.mikey_port, loses)
            self.addCleanup(proxy.close)
            receiver = self.receiver("ann", mode, endpoint, self.through(proxy), suffix=f"-{mode}")
            self.opens(receiver)
            wait_for(lambda: any(a[1] == KEYS for a in proxy.answers), 10, "KEYS")
            answers = [a for a in proxy.answers if a[1] in ANSWERS]
            self.assertEqual(lost, {"answer": 1, "finish": 1})
            self.assertGreaterEqual(len(answers), 2)
            self.assertEqual(len(set(answers)), 1, "repeated byte-identically")
            receiver.stop()

    def test_a_member_whose_finish_is_never_heard_reports(self):
        self.up()
        endpoint = self.member("ann")
        proxy = Proxy(self.site.mikey_port, lambda way, octets: way == "there" and octets[:2] == FINISH)
        self.addCleanup(proxy.close)
        receiver = self.receiver("ann", "psk", endpoint, self.through(proxy))
        self.opens(receiver)
        wait_for(lambda: self.joined("ann"), 60, f"it reports: {receiver.log()[-800:]}")
        self.assertEqual(self.metric("keymast_joins_total", '{mode="psk"}'), 0)
        self.opens(receiver)

    def test_who_is_not_entitled_gets_nothing(self):
        self.up()
        self.site.create_subscriber("outsider")  # known, and no member
        outsider = self.receiver("outsider", "psk")
        key = self.site.root / "stranger.key"
        self.site.run(BIN / "keymast-receiver", "init", "--key-file", key)
        self.site.credentials["stranger"] = key
        stranger = self.receiver("stranger", "psk")  # of whom nobody knows
        del self.site.credentials["stranger"]
        endpoint = self.member("bob")
        bob = self.receiver("bob", "early-dhhmac", endpoint)
        self.opens(bob)
        wait_for(lambda: "join_failed" in outsider.log() and "join_failed" in stranger.log(), 30,
                 "both are refused")
        self.assertIn("Invalid ID", outsider.log())
        self.assertIn("no answer", stranger.log())
        for receiver in (outsider, stranger):
            self.assertIsNone(receiver.last["msk_id"])
            self.assertEqual(receiver.last["opened"], 0)
        # A member that was expelled is out, and does not come back by itself.
        self.site.ctl.call("members", "expel", "one", "bob")
        wait_for(lambda: "join_failed" in bob.log(), 40, "bob is refused")
        opened = bob.last["opened"]
        wait_for(lambda: bob.last.get("unknown_mki", 0) > 50, 20, "packets under the new MSK")
        self.assertEqual(bob.last["opened"], opened)

    def test_nobody_falls_back_to_version_1(self):
        self.up()
        proxy = Proxy(self.site.mikey_port, lambda way, octets: octets[0] == MIKEYV2)
        self.addCleanup(proxy.close)
        receiver = self.receiver("ann", "psk", self.member("ann"), self.through(proxy), more=("--log-level", "debug"))
        wait_for(lambda: receiver.lines, 20, "it runs")
        self.site.ctl.call("members", "join", "one", "ann")  # so keymastd sends MSK messages
        wait_for(lambda: "not_joined" in receiver.log(), 20, lambda: f"they are dropped: {receiver.log()[-800:]}")
        wait_for(lambda: "join_failed" in receiver.log(), 30, lambda: f"it gives up: {receiver.log()[-800:]}")
        self.assertIsNone(receiver.last["msk_id"])
        self.assertEqual(receiver.last["opened"], 0)

    def test_a_flood_of_forged_joins_keeps_no_member_out(self):
        self.up(**{"mikeyv2.cookies_above": 20})
        caps = []
        proxy = Proxy(self.site.mikey_port, lambda way, octets: caps.append(octets) or False)
        self.addCleanup(proxy.close)
        first = self.receiver("ann", "psk", self.member("ann"), self.through(proxy))
        self.opens(first)
        cap = next(octets for octets in caps if octets[1] == CAP)
        over, sent = threading.Event(), [0]

        def flood():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                while not over.is_set():
                    forged = bytearray(cap)
                    forged[4:8] = os.urandom(4)  # CSB ID
                    forged[-32:] = os.urandom(32)  # V
                    out.sendto(forged, ("127.0.0.1", self.site.mikey_port))
                    sent[0] += 1
                    if sent[0] % 10 == 0:  # what the kernel drops for want of room says nothing
                        over.wait(0.02)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            wait_for(lambda: self.metric("keymast_join_retries_total") > 100, 30, "cookies are asked for")
            way = Proxy(self.site.mikey_port, lambda *_: False)
            self.addCleanup(way.close)
            second = self.receiver("bob", "early-dhhmac", self.member("bob"), self.through(way))
            self.opens(second, 60)
            self.assertEqual(way.answers[0][1], RETRY, "it joined by a cookie")
            self.opens(first, 30)
        finally:
            over.set()
            thread.join()
        self.assertLessEqual(self.metric("keymast_join_waiting"), 4096)
        self.assertEqual(self.metric("keymast_joins_total", '{mode="psk"}'), 1)
        print(f"{sent[0]} forged")

    def test_a_crash_loses_no_join_that_was_answered(self):
        self.up()
        endpoints = {f"m{i}": self.member(f"m{i}") for i in range(6)}
        receivers = []
        for i, (name, endpoint) in enumerate(endpoints.items()):
            receivers.append(self.receiver(name, MODES[i % 3], endpoint))
            wait_for(lambda r=receivers[-1]: r.lines or not r.running(), 20, "a receiver runs")
            if i % 2:
                self.site.keymastd.kill()
                self.site.start_server()
        self.site.wait_ready()
        for name, receiver in zip(endpoints, receivers):
            self.opens(receiver, 60)
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()
        for name, receiver in zip(endpoints, receivers):
            wait_for(lambda name=name: self.joined(name), 60, lambda: f"{name} is joined: {receiver.log()[-800:]}")
            self.opens(receiver, 60)
        for process in (*receivers, self.site.keymastd):
            self.assertEqual(process.stop(), 0, process.log()[-2000:])
        print(self.site.check_reuse())

    def test_the_peer_in_python_joins(self):
        strong = {"profile.prf": "hmac-sha-256", "profile.encr_alg": "aes-cm-256",
                  "profile.mac_alg": "hmac-sha-256-256"}
        self.up(**strong)
        for mode in MODES:
            with self.subTest(mode=mode):
                name = f"py-{mode}"
                self.member(name)
                psk = self.site.root / f"{name}.hex"
                psk.write_text(self.site.credentials[name].read_bytes().hex())
                group = "uri:mikey://example.org/one"
                done = subprocess.run(
                    [sys.executable, "-m", "mikeyv2", "offer", "--identity",
                     f"nai:{name}@example.org", "--peer", group, "--psk-file", f"{group}={psk}",
                     "--join", "--key-domain", "262f01", "--key-group", "0001", "--modes", mode,
                     "--profiles", "1", "--to", f"127.0.0.1:{self.site.mikey_port}", "--reveal"],
                    capture_output=True, text=True, timeout=40, cwd=INTEROP, env={**os.environ})
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                result = json.loads(done.stdout.strip().splitlines()[-1])
                self.assertEqual(result["state"], "done", result)
                self.assertIn("group", result)
                wait_for(lambda: self.joined(name), 10, "the server knows of the join")


if __name__ == "__main__":
    unittest.main(verbosity=2)
