# SPDX-License-Identifier: Apache-2.0
"""keymast-receiver joins by certificate and by ticket, and goes on by REPORT: no pre-shared key is used. A ticket
opens one exchange, and a spent one is made up for by a whole join."""

import hashlib
import shutil
import signal
import unittest

from certificates import CONTROLLERS, Authority
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from harness import BIN, free_port, wait_for
from joins import JoinCase

KINDS = {"early-dh": "ed25519", "dh": "p256", "rsa": "rsa"}


class Certificates(JoinCase):
    NAME = "receiver-certs"

    def setUp(self):
        super().setUp()
        self.root = self.site.root
        self.authority = Authority(self.root)
        for kind in ("ed25519", "rsa"):
            self.authority.issue(f"server-{kind}", kind=kind, dns="example.org", controller=True)
        self.list = self.authority.revoke()
        self.up(**{
            "mikeyv2.certificates": [f"{self.root}/server-{k}.pem" for k in ("ed25519", "rsa")],
            "mikeyv2.private_keys": [f"{self.root}/server-{k}.key.pem" for k in ("ed25519", "rsa")],
            "mikeyv2.anchors": [str(self.authority.file)],
            "mikeyv2.revocation_lists": [str(self.list)]})

    def member(self, name, kind="ed25519"):
        super().member(name)
        self.authority.issue(name, kind=kind, email=f"{name}@example.org")

    def by_certificate(self, name, modes="all", suffix="", anchors=True, lists=None, pin=None, more=()):
        trust = []
        if anchors:
            trust += ["--join-anchors", self.authority.file, "--join-controller-use", CONTROLLERS]
        if lists:
            trust += ["--join-revocation-lists", lists]
        if pin:
            trust += ["--join-pin", pin]
        return self.site.start_process(
            f"receiver-{name}{suffix}", BIN / "keymast-receiver", "--sdp", self.root / "one.sdp",
            "--identity", f"{name}@example.org", "--listen", f"127.0.0.1:{free_port()}",
            "--interface", "127.0.0.1", "--state", self.root / f"{name}.state", "--join", modes,
            "--join-certificate", self.root / f"{name}.pem", "--join-private-key",
            self.root / f"{name}.key.pem", *trust, *more)

    def pin_of(self, name):
        der = x509.load_pem_x509_certificate((self.root / f"{name}.pem").read_bytes()).public_bytes(Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    def test_each_mode_joins_and_asks_for_what_follows(self):
        receivers = {}
        for mode, kind in KINDS.items():
            self.member(f"m-{mode}", kind)
            receivers[mode] = self.by_certificate(f"m-{mode}", mode, more=("--leave",))
        for mode, receiver in receivers.items():
            with self.subTest(mode=mode):
                self.opens(receiver)
                wait_for(lambda mode=mode: self.joined(f"m-{mode}"), 10, "the server knows of the join")
        # A new MSK comes by KEYS to a REPORT whose R is in a ticket.
        for mode, receiver in receivers.items():
            with self.subTest(mode=mode):
                wait_for(lambda r=receiver: r.last.get("msk_changes", 0) >= 1, 90,
                         lambda: f"a new MSK: {receiver.log()[-800:]}")
                self.opens(receiver)
        self.assertGreaterEqual(self.metric("keymast_reports_total", '{kind="missing"}'), 3)
        for mode, receiver in receivers.items():
            with self.subTest(mode=mode):
                self.assertEqual(receiver.stop(), 0, receiver.log()[-2000:])
                self.assertNotIn("leave_not_answered", receiver.log())
                self.assertFalse(self.joined(f"m-{mode}"))
        self.assertEqual(self.metric("keymast_reports_total", '{kind="leave"}'), 3)

    def test_a_ticket_opens_one_join(self):
        self.member("ann")
        ticket, copy = self.root / "ann.state.ticket", self.root / "copy"
        first = self.by_certificate("ann", "dh")
        self.opens(first)
        wait_for(lambda: ticket.exists() and ticket.stat().st_size > 0, 10, "a ticket is kept")
        self.assertEqual(ticket.stat().st_mode & 0o777, 0o600)
        self.assertEqual(first.stop(), 0)
        shutil.copy(ticket, copy)
        second = self.by_certificate("ann", "dh", "-second")
        self.opens(second)
        self.assertEqual(self.metric("keymast_join_tickets_total", '{result="taken"}'), 1)
        self.assertEqual(self.metric("keymast_joins_total", '{mode="dh"}'), 1)
        self.assertEqual(self.metric("keymast_joins_total", '{mode="early_dhhmac"}'), 1)
        self.assertEqual(second.stop(), 0)
        shutil.copy(copy, ticket)  # the one that was spent
        third = self.by_certificate("ann", "dh", "-third")
        self.opens(third, 60)
        self.assertIn("join_failed", third.log())
        self.assertEqual(self.metric("keymast_joins_total", '{mode="dh"}'), 2)
        self.assertEqual(self.metric("keymast_join_tickets_total", '{result="taken"}'), 1)

    def test_by_hash_and_with_files_that_change(self):
        self.member("ann")
        pinned = self.root / "receiver.toml"
        pinned.write_text(f'join_pin = "{self.pin_of("ann")}"\n')
        # The server lacks it: whole, beside the first exchange. The pin is of somebody else.
        receiver = self.by_certificate("ann", "dh", anchors=False, more=("--join-by-hash", "--config", pinned))
        wait_for(lambda: "join_failed" in receiver.log(), 40, "nobody is believed")
        pinned.write_text('join_pin = "no pin"\n')
        receiver.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: "join_reload_failed" in receiver.log(), 10, lambda: f"the old set stays: {receiver.log()[-800:]}")
        self.assertNotIn('"joined"', receiver.log())
        pinned.write_text(f'join_pin = "{self.pin_of("server-ed25519")}"\n')
        receiver.popen.send_signal(signal.SIGHUP)
        self.opens(receiver)
        self.assertEqual(self.metric("keymast_join_certificates_kept"), 1)
        self.assertEqual(receiver.stop(), 0)
        (self.root / "ann.state.ticket").unlink(missing_ok=True)
        again = self.by_certificate("ann", "dh", "-again", more=("--join-by-hash",))
        self.opens(again)
        self.assertEqual(self.metric("keymast_joins_total", '{mode="dh"}'), 2)

    def test_who_is_not_believed_brings_no_keys(self):
        for name in ("ann", "ben", "col"):
            self.member(name)
        revoked = self.authority.revoke("server-ed25519", "server-rsa", path=self.root / "revoked.crl")
        refused = {
            "revoked": self.by_certificate("ann", "dh", lists=revoked),
            "other pin": self.by_certificate("ben", "dh", anchors=False, pin=self.pin_of("ann"))}
        good = self.by_certificate("col", "dh", anchors=False, pin=self.pin_of("server-ed25519"))
        self.opens(good)
        for case, receiver in refused.items():
            with self.subTest(case=case):
                wait_for(lambda r=receiver: "join_failed" in r.log(), 40, "it gives up")
                self.assertEqual(receiver.last["opened"], 0)
                self.assertIsNone(receiver.last["msk_id"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
