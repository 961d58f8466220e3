# SPDX-License-Identifier: Apache-2.0
"""REPORTs over real sockets: missed keys come by one, a leave outlives a crash, replays and forgeries change
nothing. The second implementation, in Python, reports as well."""

import os
import pathlib
import socket
import sys
import time
import unittest

from harness import wait_for
from joins import JoinCase, Proxy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from mikeyv2 import message, report, schedule  # noqa: E402
from mikeyv2.member import Member  # noqa: E402
from mikeyv2.offerer import Offerer, Plan  # noqa: E402
from mikeyv2.party import Party, Policy, Send  # noqa: E402
from mikeyv2.payloads import T, Identity  # noqa: E402
from mikeyv2.randomness import System  # noqa: E402
from mikeyv2.tables import AES_CM_128, NAI, PSK, URI  # noqa: E402

VERSION1, MIKEYV2 = 1, 2
KEYS, REPORT = 252, 254


class Randomness:
    octets = staticmethod(os.urandom)


class PythonMember:
    """A member that reports, and does nothing else."""

    def __init__(self, site, name):
        self.address = ("127.0.0.1", site.mikey_port)
        self.me = Identity(NAI, f"{name}@example.org".encode())
        self.group = Identity(URI, b"mikey://example.org/one")
        psk = schedule.psk_v2(site.credentials[name].read_bytes(), self.me, self.group)
        self.r = schedule.report_key(psk)
        # Behind what a join or a creation of the member has told.
        self.t = int(time.time()) + 1000
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(1)

    def build(self, kind):
        self.t += 1
        return report.build_report(Randomness, self.r, self.me, self.group,
                                   (bytes.fromhex("262f01"), bytes.fromhex("00010000")), 0, self.t, kind,
                                   bytes(8), 0, 0, bytes.fromhex("00010001"), 5)

    def ask(self, octets):
        """What comes back; None: nothing."""
        self.socket.sendto(octets, self.address)
        try:
            return self.socket.recv(2048)
        except TimeoutError:
            return None

    def keys(self, kind):
        sent = self.build(kind)
        got = self.ask(sent)
        return None if got is None else report.take_keys(got, self.r, 0, AES_CM_128, sent)

    def close(self):
        self.socket.close()


class PythonJoiner:
    """A member that joins by the peer in Python. Its finishes go nowhere unless it `finishes`."""

    def __init__(self, site, name):
        me, self.address = Identity(NAI, f"{name}@example.org".encode()), ("127.0.0.1", site.mikey_port)
        group, psk = Identity(URI, b"mikey://example.org/one"), site.credentials[name].read_bytes()
        party = Party(me, {group: psk}, policy=Policy(modes=(PSK,), encr=(AES_CM_128,), prf=(0, 1), mac=(1, 2), features=0x40))
        self.r = schedule.report_key(schedule.psk_v2(psk, me, group))
        self.offerer = Offerer(party, Plan(self.address, group, (PSK,), join=(bytes(3), bytes(2))), System())
        self.sockets = []
        self.move()

    def move(self):
        """It is elsewhere."""
        self.sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sockets[-1].settimeout(1)

    def send(self, octets):
        self.sockets[-1].sendto(octets, self.address)

    def heard(self):
        """What comes where it is; None: nothing."""
        try:
            return self.sockets[-1].recv(2048)
        except TimeoutError:
            return None

    def answer(self):
        """What must come where it is."""
        return wait_for(self.heard, 20, "an answer")

    def join(self, finishes=False):
        said = [a.octets for a in self.offerer.open(time.time()) if isinstance(a, Send)]
        while said and self.offerer.state == "offered":
            self.send(said[0])
            got = self.answer()
            said = [a.octets for a in self.offerer.receive(time.time(), self.address, got) if isinstance(a, Send)]
        if finishes:
            self.send(said[0])
            self.offerer.receive(time.time(), self.address, self.answer())
        return Member(System(), self.r, self.offerer)

    def close(self):
        for each in self.sockets:
            each.close()


class Reports(JoinCase):
    NAME = "reports"

    def reports(self, kind):
        return self.metric("keymast_reports_total", f'{{kind="{kind}"}}')

    def discards(self, reason):
        return self.metric("keymast_report_discards_total", f'{{reason="{reason}"}}')

    def python_member(self, name):
        member = PythonMember(self.site, name)
        self.addCleanup(member.close)
        return member

    def test_missed_keys_come_by_one_report(self):
        self.up()
        loses = [False]

        # MSK messages, which are of version 1, are lost on their way to the member.
        proxy = Proxy(self.site.mikey_port,
                      lambda way, octets: loses[0] and way == "back" and octets[0] == VERSION1)
        self.addCleanup(proxy.close)
        receiver = self.receiver("ann", "psk", self.member("ann"), self.through(proxy))
        self.opens(receiver)
        loses[0] = True
        wait_for(lambda: "keys_taken" in receiver.log(), 90,
                 lambda: f"KEYS answer a REPORT: {receiver.log()[-800:]}")
        loses[0] = False
        self.opens(receiver)
        self.assertGreaterEqual(receiver.last["msk_changes"], 1)
        self.assertEqual(self.reports("missing"), 1)
        self.assertEqual(self.metric("keymast_joins_total", '{mode="psk"}'), 1, "no other join was needed")
        self.assertEqual(sum(octets[0] == MIKEYV2 and octets[1] == KEYS for octets in proxy.answers), 2,
                         "of the join, and of the REPORT")
        for process in (receiver, self.site.keymastd):
            self.assertEqual(process.stop(), 0, process.log()[-2000:])

    def test_keys_are_pushed_to_who_takes_no_msk_messages(self):
        self.up()
        receiver = self.receiver("ann", "psk", self.member("ann"), more=("--no-msk-messages",))
        self.opens(receiver)
        wait_for(lambda: self.reports("acknowledge") >= 2, 90, "two new MSKs are acknowledged")
        self.opens(receiver)
        self.assertEqual(receiver.last["refused_since_key"], 0, "they came before they were needed")
        self.assertEqual(self.reports("missing"), 0)
        self.assertGreaterEqual(self.metric("keymast_keys_pushed_total"), 2)
        self.assertNotIn("msk_taken", receiver.log())
        wait_for(lambda: self.metric("keymast_members", '{state="confirmed"}') == 1, 20, "confirmed")

    def test_a_leave_outlives_a_crash(self):
        self.up()
        seen = []
        proxy = Proxy(self.site.mikey_port, lambda way, octets: seen.append((way, octets)) or False)
        self.addCleanup(proxy.close)
        stays = self.receiver("bob", "psk", self.member("bob"))
        receiver = self.receiver("ann", "early-dhhmac", self.member("ann"), self.through(proxy), more=("--leave",))
        self.opens(receiver)
        self.opens(stays)
        self.assertTrue(self.joined("ann"))
        self.assertEqual(receiver.stop(), 0, receiver.log()[-2000:])
        self.site.keymastd.kill()
        self.assertRegex(receiver.log(), r'\bleft\b')
        self.assertNotIn("leave_not_answered", receiver.log())
        self.site.start_server()
        self.site.wait_ready()
        self.assertFalse(self.joined("ann"))
        self.assertTrue(self.joined("bob"))
        # What it sent before, and what it sends now, brings no keys any more.
        ann = self.python_member("ann")
        recorded = [octets for way, octets in seen if way == "there" and octets[1] == REPORT]
        self.assertGreaterEqual(len(recorded), 1)
        for octets in recorded:
            self.assertIsNone(ann.ask(octets))
        self.assertEqual(self.discards("replayed"), len(recorded))
        self.assertIsNone(ann.keys(report.MISSING))
        self.assertEqual(self.discards("unknown_identity"), 1)
        self.assertFalse(self.joined("ann"))
        self.opens(stays)

    def test_replays_and_forgeries_change_nothing(self):
        self.up()
        receiver = self.receiver("ann", "psk", self.member("ann"))
        self.opens(receiver)
        wait_for(lambda: self.joined("ann"), 10, "the server knows of the join")
        ann = self.python_member("ann")
        got = ann.keys(report.MISSING)
        self.assertIsNotNone(got)
        self.assertTrue(got.msks())
        leave = ann.build(report.LEAVE)
        answered = ann.build(report.MISSING)
        self.assertIsNotNone(ann.ask(answered))
        for octets in (answered, leave):  # a T that was taken, and one below it
            self.assertIsNone(ann.ask(octets))
        self.assertEqual(self.discards("replayed"), 2)
        good = ann.build(report.LEAVE)
        for at in (len(good) - 1, 20, 60):  # V, RANDR, T
            forged = bytearray(good)
            forged[at] ^= 1
            self.assertIsNone(ann.ask(bytes(forged)))
        self.assertEqual(self.discards("authentication_failed"), 3)
        self.assertEqual(self.reports("leave"), 0)
        self.assertTrue(self.joined("ann"))
        self.opens(receiver)

    def python_joiner(self, name):
        self.member(name)
        joiner = PythonJoiner(self.site, name)
        self.addCleanup(joiner.close)
        return joiner

    def test_the_peer_in_python_whose_finish_is_lost_is_in_by_its_report(self):
        self.up()
        ann = self.python_joiner("ann")
        member = ann.join()
        self.assertTrue(member.content.msks())
        self.site.keymastd.kill()
        self.site.start_server()
        self.site.wait_ready()
        ann.send(ann.offerer.finish)
        self.assertIsNone(ann.heard(), "what it knew of the exchange is gone")
        self.assertFalse(self.joined("ann"))
        now = time.time()
        member.miss(now)
        self.assertLessEqual(member.missing_at, now + member.window)
        wait_for(lambda: (report_ := member.timer(time.time())) and (ann.send(report_) or True), 120, "it is due")
        keys = ann.answer()
        acknowledged = member.receive(time.time(), keys)
        self.assertTrue(self.joined("ann"))
        self.assertLessEqual(len(keys), 3 * 411)
        self.assertIsNone(member.missing_at)
        ann.send(acknowledged)
        wait_for(lambda: self.reports("acknowledge") == 1, 10, "that is taken as well")

    def test_a_report_of_who_was_given_no_keys_takes_nobody_in(self):
        self.up()
        self.member("ann")
        self.assertIsNone(self.python_member("ann").keys(report.MISSING))
        self.assertEqual(self.discards("unknown_identity"), 1)
        self.assertFalse(self.joined("ann"))

    def test_keys_go_where_an_acknowledgement_has_proved_the_peer_in_python_to_be(self):
        self.up()
        ann = self.python_joiner("ann")
        member = ann.join(finishes=True)
        wait_for(lambda: self.joined("ann"), 10, "the server knows of the join")
        home = ann.sockets[-1]
        ann.move()
        ann.send(member.ask(time.time()))
        keys = ann.answer()
        member.receive(time.time(), keys)
        ann.send(member.build(report.ACKNOWLEDGE, told_by=keys[:-1]))
        self.assertIsNone(ann.heard())
        self.site.ctl.call("rekeys", "now", "one", "--level", "msk")
        home.settimeout(20)
        self.assertEqual(home.recv(2048)[1], KEYS, "a wrong hash moves nothing")
        self.assertIsNone(ann.heard())
        ann.send(member.build(report.ACKNOWLEDGE, told_by=keys))
        wait_for(lambda: self.reports("acknowledge") == 2, 10, "the right one")
        # Those that answer it are lost.
        unasked = wait_for(lambda: (came := ann.heard()) and message.decode(came).one(T) and came, 20, "KEYS come here by themselves")
        ann.send(member.receive(time.time(), unasked))
        wait_for(lambda: self.reports("acknowledge") >= 3, 10, "they are acknowledged")

    def test_the_peer_in_python_leaves(self):
        self.up()
        receiver = self.receiver("ann", "psk", self.member("ann"))
        self.opens(receiver)
        wait_for(lambda: self.joined("ann"), 10, "the server knows of the join")
        ann = self.python_member("ann")
        got = ann.keys(report.LEAVE)
        self.assertIsNotNone(got)
        self.assertFalse(got.msks())
        self.assertFalse(self.joined("ann"))
        self.assertIsNone(ann.keys(report.MISSING))
        self.assertIsNone(ann.keys(report.ACKNOWLEDGE))
        self.assertEqual(self.discards("unknown_identity"), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
