# SPDX-License-Identifier: Apache-2.0
"""A socket file whose callers are operators of some channels, and one whose callers may not ask often:
what keymastctl hears, and what is logged."""

import concurrent.futures
import json
import re
import unittest

from harness import Ctl, Site, wait_for
from http2 import open_streams

GRANTS = """
log_level = "debug"
[[sockets]]
name = "studio"
[[grants]]
socket = "studio"
role = "operator"
channels = ["studio-*"]
[[sockets]]
name = "seldom"
[[grants]]
socket = "seldom"
role = "viewer"
quota.requests_per_second = 1
quota.burst = 1
[[sockets]]
name = "small"
[[grants]]
socket = "small"
role = "operator"
channels = ["small-*"]
quota.channels = 1
quota.members = 1
quota.watches = 1
"""
DENIED = 5
LATER = 4
REFUSED = 1


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site("access")
        cls.addClassCleanup(cls.site.close)
        with open(cls.site.root / "keymast-api.toml", "a") as file:
            file.write(GRANTS)
        cls.site.up()
        cls.site.create_channel("other")
        cls.studio = cls.socket("studio")

    @classmethod
    def socket(cls, name):
        return Ctl(f"unix:{cls.site.root}/{name}.sock")

    def calls_in_log(self, **fields):
        lines = (json.loads(line) for line in self.site.api.log().splitlines()
                 if '"event":"call"' in line)
        return [line for line in lines if fields.items() <= line.items()]

    def test_an_operator_of_some_channels_has_those_alone(self):
        definition = self.site.channel_definition("studio-a", "239.255.42.2")
        definition["keyGroup"] = 2
        path = self.site.root / "studio-a.json"
        path.write_text(json.dumps(definition))
        created = self.studio.call("channels", "create", "studio-a", "--file", path)
        self.assertEqual(created["name"], "channels/studio-a")
        self.studio.call("rekeys", "now", "studio-a", "--level", "mtk")
        for words in (("channels", "create", "mine", "--file", path), ("channels", "get", "other"),
                      ("channels", "delete", "other", "--force"), ("rekeys", "now", "other"),
                      ("members", "list", "other"), ("watch", "other"), ("subscribers", "list"),
                      ("headends", "get", "north")):
            self.assertEqual(self.studio.fails(*words)[0], DENIED, words)
        self.assertEqual(self.site.ctl.call("channels", "get", "other")["name"], "channels/other")

    def test_what_is_there_is_not_told(self):
        there = self.studio.fails("channels", "get", "other")
        absent = self.studio.fails("channels", "get", "absent")
        self.assertEqual(there, absent)

    def test_a_part_of_the_status_is_shown(self):
        part = self.studio.call("status")
        self.assertEqual(part["storeState"], "OPEN")
        self.assertEqual(int(part["channelCount"]), 0)
        self.assertEqual(part["importPublicKey"], "")
        self.assertGreaterEqual(int(self.site.ctl.call("status")["channelCount"]), 1)

    def test_who_asks_too_often_is_told_its_limit(self):
        seldom = self.socket("seldom")

        def refused():
            with concurrent.futures.ThreadPoolExecutor(8) as at_once:
                done = list(at_once.map(lambda _: seldom.run("channels", "get", "other"), range(8)))
            return next((one.stderr for one in done if one.returncode == LATER), None)
        text = wait_for(refused, 20, "a call beyond the rate")
        self.assertIn("unix:seldom has reached its limit of requests_per_second: 1", text)
        self.assertGreaterEqual(self.refused_by_api("requests_per_second"), 1)
        wait_for(lambda: seldom.run("channels", "get", "other").returncode == 0, 20,
                 "a call is taken again")

    def refused_by_api(self, quota):
        return self.site.metric(f'keymast_api_quota_refused_total{{quota="{quota}"}} ')

    def refused_by_core(self, quota):
        return self.site.metric(f'keymast_quota_refused_total{{quota="{quota}"}} ')

    def test_who_may_have_no_more_is_told_its_limit(self):
        site, small = self.site, self.socket("small")
        for number in range(2):
            site.create_subscriber(f"viewer{number}")
            definition = site.channel_definition(f"small-{number}", f"239.255.42.{20 + number}")
            definition["keyGroup"] = 20 + number
            (site.root / f"small-{number}.json").write_text(json.dumps(definition))

        def create(number):
            return ("channels", "create", f"small-{number}", "--file", site.root / f"small-{number}.json")

        def add(number):
            return "members", "add", "small-0", f"viewer{number}", "--msk-endpoint", "127.0.0.1:9"
        for quota, request in (("channels", create), ("members", add)):
            small.call(*request(0))
            self.assertEqual(self.refused_by_core(quota), 0)
            status, text = small.fails(*request(1))
            self.assertEqual(status, REFUSED, text)
            self.assertIn(f"operator:unix:small may have no more {quota} than 1", text)
            self.assertEqual(self.refused_by_core(quota), 1)
        # What belongs to others does not count.
        site.ctl.call(*create(1))
        self.assertEqual(self.refused_by_core("channels"), 1)

    def test_one_watch_more_is_told_its_limit(self):
        self.assertEqual(self.refused_by_api("watches"), 0)
        for connection in open_streams(self.site.root / "small.sock", b"/keymast.v1.Rekeys/Watch", 2):
            self.addCleanup(connection.close)
        wait_for(lambda: self.refused_by_api("watches") == 1, 60, "one of two is refused")
        status, text = self.socket("small").fails("watch")
        self.assertEqual(status, LATER, text)
        self.assertIn("unix:small has reached its limit of watches: 1", text)
        self.assertEqual(self.refused_by_api("watches"), 2)

    def test_each_call_is_logged_with_its_trace(self):
        self.studio.fails("channels", "get", "traced")
        denied = wait_for(lambda: self.calls_in_log(method="Channels.GetChannel", code="7",
                                                    principal="operator:unix:studio"),
                          20, "the line of a denied call")
        for line in denied:
            self.assertTrue(re.fullmatch("[0-9a-f]{32}", line["trace_id"]), line)
        self.assertEqual(len({line["trace_id"] for line in denied}), len(denied))


if __name__ == "__main__":
    unittest.main(verbosity=2)
