# SPDX-License-Identifier: Apache-2.0
"""The interface that a channel uses is removed and made anew, or has another address for a while, in a
network namespace of the test's own: everything says so, nothing gives up, and the picture comes back by
itself."""

import json
import unittest

from acknowledged import Acknowledged
from harness import Site, wait_for
from invariants import prove
from own_network import ip, main

ADDRESS, OTHER = "10.77.0.1", "10.77.0.2"


def make_interface():
    ip("link", "add", "km0", "type", "veth", "peer", "name", "km1")
    ip("address", "add", f"{ADDRESS}/24", "dev", "km0")
    ip("link", "set", "km1", "up")
    ip("link", "set", "km0", "up")


class InterfaceGone(unittest.TestCase):
    def setUp(self):
        ip("link", "set", "lo", "up")
        make_interface()
        self.addCleanup(ip, "link", "delete", "km0")
        self.site = Site("interface", interface=ADDRESS)
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)

    def expect_picture(self):
        def opened():
            return self.member.last.get("opened", 0)
        before = opened()
        wait_for(lambda: opened() > before + 50, 30, "the picture")

    def send_errors(self):
        return self.site.metric('keymast_send_errors_total{reason="no_interface"} ')

    def on_air(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="2s", mtkLead="1s", mtkRepetition="0.250s")
        site.enrol_headend("one")
        site.start_headend()
        self.member = site.member_with_receiver("one", "member")
        site.start_sources()
        self.expect_picture()
        return site

    def expect_silence(self):
        site = self.site
        wait_for(lambda: self.send_errors() > 0, 20, "the server counts what it cannot send")
        wait_for(lambda: site.headend.last["channels"]["one"]["silent"] == "no_interface", 20,
                 "the headend says why it is silent")
        events = [json.loads(line)["event"] for line in site.keymastd.log().splitlines()
                  if line.startswith("{")]
        self.assertIn("send_failed", events)
        for process in (site.keymastd, site.api, site.headend, self.member):
            self.assertTrue(process.running(), process.log())

    def expect_all_of_it(self):
        self.expect_picture()
        changes = self.member.last["mtk_changes"]
        wait_for(lambda: self.member.last["mtk_changes"] > changes + 1, 20, "keys change again")
        prove(self.site, self.site.ctl)

    def test_comes_back_with_the_interface(self):
        self.on_air()
        ip("link", "delete", "km0")
        self.expect_silence()
        make_interface()
        self.expect_all_of_it()

    def test_comes_back_with_the_address(self):
        self.on_air()
        ip("address", "add", f"{OTHER}/24", "dev", "km0")
        ip("address", "delete", f"{ADDRESS}/24", "dev", "km0")
        self.expect_silence()
        ip("address", "add", f"{ADDRESS}/24", "dev", "km0")
        self.expect_all_of_it()


if __name__ == "__main__":
    main()
