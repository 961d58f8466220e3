# SPDX-License-Identifier: Apache-2.0
"""The main job over real programs and real multicast: keyed, rekeyed, joined late, expelled."""

import calendar
import json
import time
import unittest

from harness import BIN, Site, wait_for


# A packet that was protected before the switch may come after it: the headend's turn, the group and
# the receiver's turn are given this together. It does not depend on what did open.
IN_FLIGHT_NS = 50_000_000


def nanoseconds(text):
    """RFC 3339 in UTC, to nanoseconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds * 10**9 + int(fraction.ljust(9, "0")[:9])


def opened(receiver):
    return receiver.last.get("opened", 0)


class OnAir(unittest.TestCase):
    def setUp(self):
        self.site = Site("on-air")
        self.addCleanup(self.site.close)

    def broadcast(self, **policy):
        site = self.site.up()
        site.create_channel(**policy)
        site.enrol_headend("one")
        site.start_headend()
        wait_for(lambda: site.headend.last.get("connected"), 20, "the headend is connected")

    def reachability(self, name):
        return self.site.ctl.call("members", "get", "one", name)["reachability"]

    def test_members_follow_key_changes_and_an_expelled_one_goes_dark(self):
        site = self.site
        self.broadcast(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s", mskPeriod="6s",
                       mskLead="3s", mskGiveUp="1s")
        staying = site.member_with_receiver("one", "staying")
        leaving = site.member_with_receiver("one", "leaving")
        site.create_subscriber("absent")
        site.add_member("one", "absent")  # nobody listens at its endpoint
        wait_for(lambda: staying.last.get("mtk_id") and leaving.last.get("mtk_id"), 20,
                 "both receivers hold an MTK")
        video, audio = site.start_sources()
        wait_for(lambda: staying.last.get("mtk_changes", 0) >= 4, 30, "four key changes")

        late = site.member_with_receiver("one", "late")
        wait_for(lambda: opened(late) > 0, 10, "the late joiner decrypts")

        self.assertEqual(late.last["refused_since_key"], 0)

        wait_for(lambda: self.reachability("absent") == "UNREACHABLE", 30, "absent is given up")
        called = time.time_ns()
        switched = nanoseconds(site.ctl.call("members", "expel", "one", "leaving")["switchTime"])
        time.sleep(3)
        dark = leaving.last["last_good_packet_ns"]
        self.assertLessEqual((dark - called) / 1e6, 500)
        self.assertLessEqual(dark, switched + IN_FLIGHT_NS)
        self.assertNotEqual(self.reachability("absent"), "CONFIRMED")
        before = opened(leaving)
        time.sleep(1.5)
        self.assertEqual(opened(leaving), before, "the expelled receiver opens nothing more")
        wait_for(lambda: staying.last.get("msk_changes", 0) >= 2, 30, "the MSK changed")
        for source in (video, audio):
            source.stop()
        time.sleep(1.5)
        self.assertEqual(opened(staying), video.sent + audio.sent)
        for member in (staying, late):
            self.assertEqual(member.last["refused_since_key"], 0)
            self.assertEqual(member.last["auth_failed"], 0)

        site.ctl.call("status")
        for process in (staying, leaving, late, site.headend, site.api, site.keymastd):
            self.assertEqual(process.stop(), 0, process.log())

        replay = site.run(BIN / "keymast-receiver", "replay", "--pcap",
                          site.root / "receiver-leaving.pcapng", "--sdp", site.root / "one.sdp",
                          "--key-file", site.credentials["leaving"], "--identity",
                          "leaving@example.org", "--after", str(switched + IN_FLIGHT_NS))
        self.assertEqual(replay.returncode, 0, replay.stderr)
        replayed = json.loads(replay.stdout)
        self.assertEqual(replayed["opened_after"], 0)
        self.assertGreater(replayed["opened_before"], 0)
        self.assertGreater(replayed["refused_after"], 0)

    def test_kill_of_server_and_api_loses_no_packet(self):
        site = self.site
        self.broadcast(mtkPeriod="2s", mtkLead="1s", mtkRepetition="0.250s")
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        video, audio = site.start_sources()
        time.sleep(3)
        site.keymastd.kill()
        time.sleep(1.5)
        site.start_server()
        site.wait_ready()
        changes = member.last["mtk_changes"]
        wait_for(lambda: member.last["mtk_changes"] > changes + 1, 20, "keys change again")
        site.api.kill()
        time.sleep(3)  # longer than an MTK period
        site.start_api()
        site.wait_ready()
        changes = member.last["mtk_changes"]
        wait_for(lambda: member.last["mtk_changes"] > changes + 1, 20, "keys change again")
        for source in (video, audio):
            source.stop()
        time.sleep(1.5)
        self.assertEqual(opened(member), video.sent + audio.sent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
