# SPDX-License-Identifier: Apache-2.0
"""Receivers join by certificate and by ticket over real sockets; the receiver is the second implementation, in
Python. Files are read again while the server runs, and tickets outlive a crash of it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from certificates import CONTROLLERS, Authority
from harness import PATIENCE, Site, wait_for

INTEROP = pathlib.Path(__file__).resolve().parent.parent / "interop"
GROUP = "uri:mikey://example.org/one"
STRONG = {"profile.prf": "hmac-sha-256", "profile.encr_alg": "aes-cm-256",
          "profile.mac_alg": "hmac-sha-256-256"}
KINDS = {"early-dh": "ed25519", "dh": "p256", "rsa": "rsa"}
TICKETS = "30"  # features: tickets, and MSK messages of 3GPP


class Offer:
    """A join by the Python peer, running."""

    def __init__(self, site, authority, name, modes, *, certificate=None, identity=None, psk=None,
                 ticket=None, fresh=None, seconds=20, show=None):
        argv = [sys.executable, "-m", "mikeyv2", "offer", "--identity",
                f"nai:{identity or name + '@example.org'}", "--peer", GROUP, "--join",
                "--key-domain", "262f01", "--key-group", "0001", "--modes", modes, "--profiles", "1",
                "--to", f"127.0.0.1:{site.mikey_port}", "--reveal", "--seconds", str(seconds),
                "--features", TICKETS, "--anchor-file", authority.file, "--controller-use", CONTROLLERS]
        if certificate:
            argv += ["--certificate-file", site.root / f"{certificate}.pem", "--key-file",
                     site.root / f"{certificate}.key.pem"]
        if psk:
            argv += ["--psk-file", f"{GROUP}={psk}"]
        if show:
            argv += ["--show", show]
        if fresh:
            argv += ["--fresh", fresh]
        if ticket:
            argv += ["--ticket-file", ticket]
        self.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=INTEROP)

    def result(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        lines = out.strip().splitlines()
        assert lines, err
        return json.loads(lines[-1])


class JoinsByCertificate(unittest.TestCase):
    def setUp(self):
        self.site = Site("certs")
        self.addCleanup(self.site.close)
        self.root = self.site.root
        self.authority = Authority(self.root)
        self.list = self.authority.revoke()

    def up(self, **configuration):
        for kind in ("ed25519", "rsa"):
            self.authority.issue(f"server-{kind}", kind=kind, dns="example.org", controller=True)
        files = {
            "mikeyv2.certificates": [f"{self.root}/server-{k}.pem" for k in ("ed25519", "rsa")],
            "mikeyv2.private_keys": [f"{self.root}/server-{k}.key.pem" for k in ("ed25519", "rsa")],
            "mikeyv2.anchors": [str(self.authority.file)],
            "mikeyv2.revocation_lists": [str(self.list)],
            "mikeyv2.pins": f"{self.root}/pins",
        }
        (self.root / "pins").write_text("# identity and hash\n")
        self.site.write_configuration(**STRONG, **files, **configuration)
        self.site.up()
        # Keys of one MSK for the whole of a test.
        self.site.create_channel(mskPeriod="3600s", mskLead="60s")

    def member(self, name, kind="ed25519"):
        self.site.create_subscriber_without_key(name)
        self.site.add_member("one", name, join=False)
        self.authority.issue(name, kind=kind, email=f"{name}@example.org")
        return name

    def offer(self, name, modes, **more):
        if "ticket" not in more or not more["ticket"].exists():
            more.setdefault("certificate", name)
        return Offer(self.site, self.authority, name, modes, **more)

    def joins(self, name, modes, **more):
        result = self.offer(name, modes, **more).result()
        self.assertEqual(result["state"], "done", result)
        self.assertIn("group", result)
        return result

    def gets_nothing(self, offer):
        result = offer.result()
        self.assertNotEqual(result["state"], "done", result)
        self.assertNotIn("group", result)
        return result

    def metric(self, name, labels=""):
        found = [line for line in self.site.metrics().splitlines() if line.startswith(f"{name}{labels} ")]
        return float(found[0].rsplit(" ", 1)[1]) if found else None

    def reload(self, outcome):
        line = "join_reload_failed" if outcome == "failed" else "join_reload\""
        before = self.site.keymastd.log().count(line)
        count = self.metric("keymast_join_reloads_total", f'{{result="{outcome}"}}')
        self.site.keymastd.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: self.metric("keymast_join_reloads_total", f'{{result="{outcome}"}}') > count,
                 20, f"a reload, {outcome}")
        return before

    def restart(self):
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()

    def test_each_mode_gives_the_right_keys(self):
        self.up()
        # Early DH without FRESH is DH, whose KEYS bring it.
        fresh = self.joins(self.member("m-fresh"), "early-dh")
        self.assertEqual((fresh["mode"], fresh["retries"]), (3, 0), fresh)
        keys = {}
        for mode, kind in KINDS.items():
            keys[mode] = self.joins(self.member(f"m-{mode}", kind), mode,
                                    fresh=fresh["fresh"] if mode == "early-dh" else None)
        self.assertEqual([r["mode"] for r in keys.values()], [5, 3, 2])
        # What the modes by pre-shared key give, which a receiver of ours opens packets with.
        self.site.create_subscriber("psk")
        self.site.add_member("one", "psk", join=False)
        psk = self.root / "psk.hex"
        psk.write_text(self.site.credentials["psk"].read_bytes().hex())
        keys["psk"] = self.joins("psk", "psk", psk=psk, certificate=None)
        msks = {mode: [k["key"] for k in r["group"]["keys"] if k["type"] == 0] for mode, r in keys.items()}
        self.assertEqual(len({tuple(m) for m in msks.values()}), 1, msks)
        mtks = {}
        for mode, result in keys.items():
            for key in result["group"]["keys"]:
                if key["type"] == 10:
                    self.assertEqual(mtks.setdefault(key["spi"], key["key"]), key["key"], mode)
            label = mode.replace("-", "_")
            self.assertEqual(self.metric("keymast_joins_total", f'{{mode="{label}"}}'), 1 + (mode == "dh"))
        self.assertEqual(len({r["group"]["csb_id"] for r in keys.values()}), 1)
        for mode in KINDS:
            self.assertTrue(self.site.ctl.call("members", "get", "one", f"m-{mode}").get("joined", False))

    def test_who_is_not_believed_gets_nothing(self):
        self.up()
        stranger = Authority(self.root, "stranger")
        self.member("ann")
        stranger.issue("other", email="ann@example.org")
        self.authority.issue("ended", email="ann@example.org", begin=-30, end=-1)
        self.authority.issue("unsigning", email="ann@example.org", signs=False)
        self.authority.issue("somebody", email="somebody@example.org")
        self.authority.issue("ben", email="ben@example.org")
        self.site.create_subscriber("ben")  # known, and no member
        silent = {case: self.offer("ann", "dh", certificate=case, seconds=6)
                  for case in ("other", "ended", "unsigning", "somebody")}
        told = {"ben": self.offer("ben", "early-dh,dh", seconds=10),
                "somebody": self.offer("somebody", "early-dh,dh", seconds=10)}
        good = self.offer("ann", "early-dh,dh")
        for case, offer in silent.items():
            with self.subTest(case=case):
                result = self.gets_nothing(offer)
                self.assertEqual((result["hints"], result["mode"]), ([], None), result)
        for case, offer in told.items():
            with self.subTest(case=case):
                self.assertEqual(self.gets_nothing(offer)["events"][-1], "failed")
        self.assertEqual(good.result()["state"], "done")

    def test_a_certificate_that_the_server_has_is_named_by_hash(self):
        known = self.root / "known.pem"
        self.authority.issue("eve", email="eve@example.org")
        known.write_bytes((self.root / "eve.pem").read_bytes())
        self.up(**{"mikeyv2.known_certificates": [str(known)]})
        for name in ("ann", "eve"):
            self.site.create_subscriber(name)
            self.site.add_member("one", name, join=False)
        self.authority.issue("ann", email="ann@example.org")
        # The operator's needs no join before; of others there is a hint, and no more.
        self.joins("eve", "dh", show="chash")
        self.assertEqual(self.gets_nothing(self.offer("ann", "dh", show="chash", seconds=4))["hints"][0], 8)
        self.joins("ann", "dh")
        self.assertEqual(self.metric("keymast_join_certificates_kept"), 1)
        self.joins("ann", "dh", show="chash")
        self.restart()
        self.joins("ann", "dh", show="chash")
        # Values were made ahead when there was nothing else to do.
        wait_for(lambda: self.metric("keymast_join_values_ahead", '{group="x25519"}') == 256, 20, "256 values")
        # It is judged at each use: what is not good is as if it were not there.
        self.authority.revoke("ann", "eve")
        self.reload("ok")
        for name in ("ann", "eve"):
            self.assertEqual(self.gets_nothing(self.offer(name, "dh", show="chash", seconds=4))["hints"][0], 8)

    def test_files_are_read_again_while_it_runs(self):
        self.up()
        self.member("ann")
        self.member("ben")
        ticket, bens = self.root / "ann.ticket", self.root / "ben.ticket"
        self.joins("ann", "dh", ticket=ticket)
        self.joins("ben", "dh", ticket=bens)
        self.assertGreater(self.metric("keymast_join_certificate_end_timestamp_seconds"), 1.7e9)
        first = self.metric("keymast_join_revocation_list_end_timestamp_seconds")

        self.list.write_text("not a list")
        self.reload("failed")
        self.assertEqual(self.metric("keymast_join_reload_failed"), 1)
        self.assertIn(str(self.list), self.site.keymastd.log())
        self.joins("ben", "early-dh")
        os.chmod(self.root / "server-rsa.key.pem", 0o644)
        self.authority.revoke("ann", end=48)
        self.reload("failed")
        os.chmod(self.root / "server-rsa.key.pem", 0o600)

        self.reload("ok")
        self.assertEqual(self.metric("keymast_join_reload_failed"), 0)
        self.assertGreater(self.metric("keymast_join_revocation_list_end_timestamp_seconds"), first)
        refused = [self.offer("ann", "dh", seconds=6), self.offer("ann", "dhhmac", ticket=ticket, seconds=6),
                   self.offer("ben", "dhhmac", ticket=bens, seconds=6)]
        for offer in refused:
            self.gets_nothing(offer)
        self.joins("ben", "dh")

        # A certificate that takes the place of another one.
        self.authority.issue("server-ed25519", dns="example.org", controller=True)
        self.reload("ok")
        self.joins("ben", "early-dh")

    def test_a_ticket_opens_one_exchange_and_outlives_a_crash(self):
        self.up()
        self.member("ann")
        ticket, copy = self.root / "ann.ticket", self.root / "copy.ticket"
        self.assertTrue(self.joins("ann", "early-dh,dh", ticket=ticket)["ticket"])
        shutil.copy(ticket, copy)
        resumed = self.joins("ann", "dhhmac", ticket=ticket)
        self.assertEqual(resumed["retries"], 0)
        twice = self.offer("ann", "dhhmac", ticket=copy, seconds=6)
        self.gets_nothing(twice)
        self.restart()
        again = self.offer("ann", "dhhmac", ticket=copy, seconds=6)
        shutil.copy(ticket, self.root / "next.ticket")
        self.joins("ann", "early-dhhmac", ticket=ticket)
        self.gets_nothing(again)
        self.gets_nothing(self.offer("ann", "early-dhhmac", ticket=self.root / "next.ticket", seconds=6))
        self.assertEqual(self.metric("keymast_join_tickets_total", '{result="taken"}'), 1)
        # Who is no longer entitled is told so, and gets nothing.
        self.site.ctl.call("members", "expel", "one", "ann")
        self.assertEqual(self.gets_nothing(self.offer("ann", "dhhmac", ticket=ticket))["events"][-1], "failed")

    def test_sealing_keys_rotate_across_restarts(self):
        self.up(**{"mikeyv2.ticket_life": "10m", "mikeyv2.ticket_key_period": "3s"})
        self.member("ann")
        tickets, numbers = [], []
        for i in range(3):
            tickets.append(self.root / f"{i}.ticket")

            def is_under_another_key(i=i):
                tickets[i].unlink(missing_ok=True)
                self.joins("ann", "dh", ticket=tickets[i])
                kept = json.loads(tickets[i].read_text())["ticket"]
                number = __import__("base64").b64decode(kept)[0]
                if numbers and number == numbers[-1]:
                    time.sleep(1)  # what a member may ask for in the long run
                    return False
                numbers.append(number)
                return True
            wait_for(is_under_another_key, 30, "a sealing key")
            if i == 1:
                self.restart()
        self.assertEqual(len(set(numbers)), 3, numbers)
        self.restart()
        for ticket in tickets:
            self.joins("ann", "dhhmac", ticket=ticket)


if __name__ == "__main__":
    unittest.main(verbosity=2)
