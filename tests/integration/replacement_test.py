# SPDX-License-Identifier: Apache-2.0
"""A headend that lost its state, or took another one's place: the picture comes back by itself, and
nothing that was ever sent shows a key and index twice."""

import calendar
import hashlib
import shutil
import time
import unittest

from acknowledged import Acknowledged
from harness import BIN, Site, wait_for
from invariants import prove

SSRCS = (0xa0000001, 0xa0000002)


def opened(receiver):
    return receiver.last.get("opened", 0)


def state_at(created, index):
    """A headend's state file whose streams were used up to an index."""
    rows = "keymast-headend state 1\n"
    rows += "".join(f"index one {created} {ssrc} {index}\n" for ssrc in SSRCS)
    return rows + "sha256 " + hashlib.sha256(rows.encode()).hexdigest() + "\n"


class Replacement(unittest.TestCase):
    def setUp(self):
        self.site = Site("replacement")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)

    def broadcast(self, index=None):
        """On air, with an MTK that outlives the test: what is fresh was made for the newcomer."""
        site = self.site.up()
        site.create_channel(mtkPeriod="3600s", mskPeriod="86400s")
        site.enrol_headend("one", "north")
        if index is not None:
            state = site.root / "north.state"
            state.write_text(state_at(self.created(), index))
            state.chmod(0o600)
        site.start_headend("north")
        wait_for(lambda: site.headend.last.get("mtk_id"), 20, "the headend has a key")
        self.member = site.member_with_receiver("one", "member")
        site.start_sources()
        self.expect_picture()
        return site

    def created(self):
        """When the channel was created, in ns since 1970."""
        whole, fraction = self.site.ctl.call("channels", "get", "one")["createTime"][:-1].split(".")
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
        return seconds * 10**9 + int(fraction.ljust(9, "0"))

    def expect_picture(self):
        before = opened(self.member)
        wait_for(lambda: opened(self.member) > before + 50, 20, "the picture")

    def replace(self):
        site = self.site
        for source in site.sources:
            source.stop()
        site.ctl.call("headends", "delete", "north")
        site.enrol_headend("one", "south")
        site.start_headend("south")
        site.start_sources()

    def index(self):
        def channel():
            return self.site.headend.last.get("channels", {}).get("one")
        return wait_for(channel, 20, "a report of the channel")["streams"]["video"]["next_index"]

    def expect_fresh_key(self, old):
        self.assertGreater(self.member.last["mtk_id"], old)
        self.assertEqual(self.member.last["replayed"], 0)
        reasons = [r["reason"] for r in self.site.ctl.call("rekeys", "list", "one")["rekeys"]]
        self.assertIn("HEADEND", reasons)
        prove(self.site, self.site.ctl, steady=True)

    def test_a_lost_state_file(self):
        site = self.broadcast()
        old = self.member.last["mtk_id"]
        site.headend.kill()
        (site.root / "north.state").unlink()
        site.start_headend("north")
        self.expect_picture()
        self.expect_fresh_key(old)

    def test_another_headend_while_the_first_is_still_running(self):
        site = self.broadcast()
        old, north = self.member.last["mtk_id"], site.headend
        self.replace()
        wait_for(lambda: self.member.last["mtk_id"] > old, 20, "the fresh MTK is in use")
        self.assertEqual(north.stop(), 0, north.log())
        self.expect_picture()
        self.expect_fresh_key(old)

    def test_another_headend_on_a_channel_that_has_been_on_air_for_long(self):
        site = self.broadcast(index=5 * 65536 + 60_000)
        old = self.member.last["mtk_id"]
        reached = self.index()
        self.assertEqual(site.headend.stop(), 0, site.headend.log())
        self.replace()
        self.expect_picture()
        wait_for(lambda: self.index() > reached, 20, "the index goes on above what was reached")
        late = site.member_with_receiver("one", "late")
        wait_for(lambda: opened(late) > 50, 20, "a late joiner has the picture")
        self.assertEqual(late.stop(), 0, late.log())
        self.expect_fresh_key(old)

    def test_a_channel_made_anew_under_its_old_name_while_everything_runs_on(self):
        site = self.broadcast(index=5 * 65536 + 60_000)
        key = site.run(BIN / "keymast-headend", "public-key", "--key-file", site.root / "north.key")
        # What the file said of the channel that goes: it loses it to the one of the same name.
        shutil.copy(site.root / "north.state", site.root / "before.state")
        site.ctl.call("headends", "delete", "north")
        site.ctl.call("channels", "delete", "one", "--force")
        shutil.copy(site.root / "north.state", site.root / "behind.state")
        site.ctl.call("channels", "create", "one", "--file", site.root / "one.json")
        site.ctl.call("headends", "create", "north", "--public-key", key.stdout.strip(),
                      "--channel", "one")
        wait_for(lambda: site.headend.last.get("mtk_id"), 20, "the headend has a key")
        site.add_member("one", "member", self.member.endpoint)
        self.expect_picture()
        self.assertLess(self.index(), 2 * 65536)
        prove(site, site.ctl, steady=True)

    def test_a_state_file_that_is_kept_loses_nothing_but_the_pause(self):
        site = self.broadcast()
        old = self.member.last["mtk_id"]
        site.ctl.call("rekeys", "now", "one", "--level", "mtk")
        wait_for(lambda: self.member.last["mtk_id"] > old, 20, "the next MTK is in use")
        used = self.member.last["mtk_id"]
        site.headend.kill()
        site.start_headend("north")
        self.expect_picture()
        self.assertEqual(self.member.last["mtk_id"], used)
        prove(site, site.ctl, steady=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
