# SPDX-License-Identifier: Apache-2.0
"""The checker of invariants over a run in which nothing is wrong, and over its artefacts with one thing
wrong in each: it must say which."""

import base64
import contextlib
import copy
import io
import pathlib
import shutil
import struct
import tempfile
import time
import types
import unittest

import air_order
import invariants
from acknowledged import UNSURE, Acknowledged
from evidence import Evidence
from harness import Site, wait_for

from reuse import mikey, pcapng  # evidence has set the path


def a_run(site):
    """A member whose receiver plays, another who was expelled, and two MSK changes; what it leaves."""
    site.ctl = Acknowledged(site.ctl)
    site.up()
    site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s", mskPeriod="1000s")
    site.enrol_headend("one")
    site.start_headend()
    member = site.member_with_receiver("one", "alice")
    site.create_subscriber("bob")
    site.add_member("one", "bob")
    site.start_sources()
    wait_for(lambda: member.last.get("opened", 0) > 50, 30, "media is opened")
    site.ctl.call("rekeys", "now", "one", "--level", "msk")
    site.ctl.call("members", "expel", "one", "bob")
    assert site.ctl.run("members", "join", "one", "nobody").returncode != 0
    changes = member.last["mtk_changes"]
    wait_for(lambda: member.last["mtk_changes"] > changes + 7, 30, "MTKs follow")
    return Evidence(site, site.ctl).take()


class Doctored(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site("invariants")
        cls.addClassCleanup(cls.site.close)
        cls.evidence = a_run(cls.site)
        cls.root = cls.site.root

    def setUp(self):
        self.of = copy.copy(self.evidence)
        self.of.acknowledged = copy.copy(self.of.acknowledged)

    def broken(self):
        rows, crashes = invariants.judge(self.of, True)
        return {invariant for invariant, _, wrong in rows if wrong} | ({"crash"} if crashes else set())

    def refused(self, *expected):
        found = self.broken()
        self.assertLessEqual(set(expected), found)
        rows, crashes = invariants.judge(self.of, True)
        with self.assertRaises(AssertionError), contextlib.redirect_stdout(io.StringIO()):
            invariants.report(rows, crashes)

    def alter(self, file, change):
        """For this test alone; `change` makes new octets of the old."""
        path = self.root / file
        before = path.read_bytes()
        self.addCleanup(path.write_bytes, before)
        path.write_bytes(change(before))

    def alter_recording(self, file, change):
        self.alter(file, change)
        self.of.read_recordings()

    def test_as_it_is(self):
        rows, crashes = invariants.judge(self.of, True)
        invariants.report(rows, crashes)
        told = dict(row[:2] for row in rows)
        self.assertEqual(list(told), [f"I{number}" for number in range(1, 17)])
        # A run like this one proves all but these itself.
        self.assertEqual({one for one, how in told.items() if how.startswith("not of this run")},
                         {"I13", "I15"})

    def test_audit_record_removed(self):
        self.alter("audit.jsonl", lambda octets: b"".join(
            line for line in octets.splitlines(True) if b"CreateSubscriber" not in line))
        self.of.read_audit()
        self.refused("I10", "I3")

    def test_audit_record_altered(self):
        self.alter("audit.jsonl", lambda octets: octets.replace(b"subscribers/bob", b"subscribers/bot"))
        self.of.read_audit()
        self.refused("I10")

    def test_audit_record_of_what_was_refused(self):
        request = next(iter(self.of.acknowledged.refused))
        self.of.audit = self.of.audit + [{**self.of.audit[-1], "sequence": str(len(self.of.audit) + 1),
                                          "requestId": request}]
        self.refused("I10")

    def test_audit_record_twice(self):
        again = next(one for one in self.of.audit if one["method"] == "Members.CreateMember")
        self.of.audit = self.of.audit + [{**again, "sequence": str(len(self.of.audit) + 1)}]
        self.refused("I10")

    def test_acknowledged_member_missing(self):
        self.of.listed = {name: one for name, one in self.of.listed.items()
                          if name != "channels/one/members/alice"}
        self.refused("I5", "I14")

    def test_acknowledged_value_lost(self):
        self.of.listed = {**self.of.listed, "channels/one/members/alice": {
            **self.of.listed["channels/one/members/alice"], "joined": False}}
        self.refused("I5", "I14")

    def test_expelled_member_is_back(self):
        self.of.listed = {**self.of.listed, "channels/one/members/bob": {}}
        self.refused("I5", "I14")

    def test_nobody_asked_for_it(self):
        self.of.listed = {**self.of.listed, "subscribers/mallory": {}}
        self.refused("I14")

    def test_what_is_not_known_may_be_either(self):
        self.of.acknowledged.expected = {**self.of.acknowledged.expected, "subscribers/bob": UNSURE}
        self.assertEqual(self.broken(), set())
        self.of.listed = {name: one for name, one in self.of.listed.items() if name != "subscribers/bob"}
        self.assertEqual(self.broken(), set())

    def test_store_that_is_not_whole(self):
        self.of.check = "data: damaged"
        self.refused("I5")

    def test_key_in_a_log(self):
        key = self.site.credentials["alice"].read_bytes()
        self.alter("keymastd.log", lambda octets: octets + key.hex().encode() + b"\n")
        self.refused("I9")

    def test_key_in_an_output(self):
        master = (self.root / "master.key").read_bytes()
        self.of.blobs = self.of.blobs + [("metrics", b"key=" + base64.b64encode(master))]
        self.refused("I9")

    def test_traffic_key_in_a_file(self):
        key = list(self.of.book.mtks.values())[-1][:16]
        self.addCleanup((self.root / "data/left").unlink)
        (self.root / "data/left").write_bytes(b"x" * 100 + key[::-1])
        self.refused("I9")

    def test_user_key_in_a_recording(self):
        key = self.site.credentials["bob"].read_bytes()
        self.alter("receiver-alice.pcapng", lambda octets: octets + key)
        self.refused("I9")

    def test_key_that_is_over_in_memory(self):
        name, octets = min(self.of.book.mtks.items())
        self.of.memory = (self.of.memory or b"") + octets[:16]
        self.refused("I16")
        self.assertIn(name.hex(), str(invariants.judge(self.of, True)))

    def messages(self):
        """(place, octets of its block, message) of each MTK message in keymastd's recording."""
        octets, at = (self.root / "keymastd.pcapng").read_bytes(), 0
        while at < len(octets):
            kind, length = struct.unpack_from("<II", octets, at)
            if kind == pcapng.ENHANCED_PACKET:
                block = octets[at:at + length]
                datagram = next(pcapng.datagrams(octets[:28] + block), None)
                try:
                    message = mikey.Message(datagram.octets)
                    if message.is_mtk():
                        yield at, block, message
                except mikey.NotMikey:
                    pass
            at += length

    def test_counter_used_again(self):
        _, block, _ = next(self.messages())
        self.alter_recording("keymastd.pcapng", lambda octets: octets + block)
        self.refused("I3", "I7")

    def test_mtk_that_was_never_sent(self):
        found = list(self.messages())
        middle = found[len(found) // 2][2].ids
        gone = [(at, len(block)) for at, block, message in found if message.ids == middle]

        def without(octets):
            for at, length in reversed(gone):
                octets = octets[:at] + octets[at + length:]
            return octets
        self.alter_recording("keymastd.pcapng", without)
        self.refused("I7")

    def test_packet_that_cannot_be_read(self):
        def altered(octets):
            octets = bytearray(octets)
            at = 0
            while at < len(octets):
                kind, length = struct.unpack_from("<II", octets, at)
                if kind == pcapng.ENHANCED_PACKET and length > 200:  # media
                    captured = struct.unpack_from("<I", octets, at + 20)[0]
                    octets[at + 28 + captured - 1] ^= 1  # of the tag
                    return bytes(octets)
                at += length
            raise AssertionError("no media in the recording")
        self.alter_recording("headend.pcapng", altered)
        self.refused("I1", "I2")

    def test_history(self):
        rekeys = self.of.rekeys["channels/one"]
        scheduled = [at for at, one in enumerate(rekeys) if one["reason"] == "SCHEDULE"
                     and one["level"] == "MTK"]
        doubled = [{**rekeys[scheduled[0]], "name": "channels/one/rekeys/9999"}] + rekeys
        self.of.rekeys = {"channels/one": doubled}
        self.refused("I7")
        self.of.rekeys = {"channels/one": rekeys[:scheduled[2]] + rekeys[scheduled[2] + 1:]}
        self.refused("I7")
        # Two in a burst: it takes half of a period from the one to the other.
        later = rekeys[scheduled[0]]["switchTime"].split(".")
        burst = {**rekeys[scheduled[0]], "switchTime": f"{later[0]}.{(int(later[1][:3]) + 500) % 1000:03}Z"}
        self.of.rekeys = {"channels/one": rekeys[:scheduled[0]] + [burst] + rekeys[scheduled[0] + 1:]}
        self.refused("I7")

    def test_period_left_out(self):
        rekeys = copy.deepcopy(self.of.rekeys["channels/one"])
        scheduled = [one for one in rekeys if one["reason"] == "SCHEDULE" and one["level"] == "MTK"]
        # The newest come first. One gap among the first of the last MSK: long before the kill, which
        # would excuse it.
        ours = [one for one in scheduled if one["mskId"] == scheduled[0]["mskId"]]
        self.assertGreater(len(ours), 5)
        for one in ours[:-3]:
            seconds = air_order.nanoseconds(one["switchTime"]) / 1e9 + 3
            fraction = one["switchTime"].split(".")[1]
            one["switchTime"] = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds)) + fraction
        self.of.rekeys, self.of.held = {"channels/one": rekeys}, 0
        self.refused("I7")

    def test_epoch_of_before(self):
        self.of.epochs = self.of.epochs + self.of.epochs[:1]
        self.refused("I6", "I3")

    def test_index_beyond_the_state_file(self):
        ends = {ssrc: 1 for ssrc in self.of.index_ends()}
        self.of.index_ends = lambda: ends
        self.refused("I3")

    def test_key_for_the_expelled(self):
        self.of.acknowledged.expelled = {"channels/one/members/bob": "00010001"}
        self.refused("I4")

    def test_forgery_with_effect(self):
        sent, discarded, _, _ = self.of.forged
        for forged in ((sent, discarded, True, 0), (sent, discarded, False, 1), (sent, sent - 1, False, 0)):
            self.of.forged = forged
            self.refused("I8")

    def test_growth(self):
        self.of.descriptors = {"before": 500, "after": 30}
        self.refused("I11")
        self.of.descriptors = {"before": 30, "after": 30}
        self.of.resident = {"before": 4 << 30, "after": 1 << 28}
        self.refused("I11")

    def test_receiver_that_fell_behind(self):
        self.of.receivers = [("alice", (65537, 1), (65537, 2))]
        self.refused("I12")

    def test_crash(self):
        self.of.logs = {"keymastd.log": b"==1==ERROR: AddressSanitizer: heap-use-after-free\n"}
        self.refused("crash")
        self.of.logs, self.of.ended = {}, {"keymastd": -11}
        self.refused("crash")


class Excuses(unittest.TestCase):
    """What excuses a period that was left out: that keymastd was away, at whatever point it was stopped."""

    QUIET = 0.25

    def is_excused(self, *mtks):
        """`mtks`: when each message was sent, and the number of its MTK. From 2 to 3 one was left out."""
        sent = [air_order.Sent(types.SimpleNamespace(is_mtk=lambda: True, ids=(b"", b"\0\1\0\1",
                                                                               bytes([0, mtk]))), at, 0)
                for at, mtk in mtks]
        pair = [air_order.Made(0x10001, mtk, air_order.SCHEDULED, 0, False) for mtk in (2, 3)]
        return air_order.is_excused(pair, sent, self.QUIET)

    def test_that_it_ran(self):
        self.assertFalse(self.is_excused((0, 1), (0.1, 2), (0.2, 2), (0.3, 3)))

    def test_that_it_ran_since_a_stop(self):
        self.assertFalse(self.is_excused((0, 1), (4, 1), (4.1, 1), (4.2, 1), (4.3, 2), (4.4, 2), (4.5, 3),
                                         (9, 3)))

    def test_stopped_after_it_was_sent(self):
        self.assertTrue(self.is_excused((0, 1), (0.1, 2), (4, 2), (4.1, 3)))

    def test_stopped_between_its_making_and_its_sending(self):
        self.assertTrue(self.is_excused((0, 1), (4, 2), (4.1, 3)))
        self.assertTrue(self.is_excused((0, 1), (4, 1), (4, 2), (4.1, 3)))


class TestsThatProve(unittest.TestCase):
    def test_all_are_there(self):
        for key in invariants.TESTS:
            print(key, invariants.name_of(key))

    def test_one_that_is_no_more(self):
        for file, name in (("tests/integration/kill9_test.py", "Kill9.test_gone"),
                           ("tests/integration/gone_test.py", "Kill9.test_campaign"),
                           ("tests/unit/controller/history_test.cc", "Histories.Gone")):
            with self.assertRaises(AssertionError):
                invariants.name_of("I1", {"I1": (file, name)})

    def test_one_that_is_not_run_any_more(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            tests = folder / "tests/integration"
            tests.mkdir(parents=True)
            for file in ("kill9_test.py", "CMakeLists.txt"):
                shutil.copy(invariants.SOURCE / "tests/integration" / file, tests / file)
            invariants.name_of("I1", source=folder)
            lists = (tests / "CMakeLists.txt").read_text()
            (tests / "CMakeLists.txt").write_text(lists.replace("(kill9 ", "(other "))
            with self.assertRaises(AssertionError):
                invariants.name_of("I1", source=folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
