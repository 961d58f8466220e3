# SPDX-License-Identifier: Apache-2.0
"""The wall clock under a running keymastd is set, or wrong at its start, or time passes that it does not
see: MTKs go on one by one, none twice and none left out while it runs, and it says what happened."""

import calendar
import json
import signal
import time
import unittest

from acknowledged import Acknowledged
from harness import Site, wait_for
from invariants import prove
from ongoing import Proofs
from set_clock import SetClock

HOUR, DAY = 3600, 86400


class Clock(unittest.TestCase):
    def setUp(self):
        self.site = Site("clock")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.clock = SetClock(self.site.root)
        self.proofs = Proofs(self.site, steady=True)
        self.addCleanup(self.proofs.close)

    def start(self, seconds=0):
        self.clock.set(seconds)
        self.site.start_server(under=self.clock.under)
        self.site.wait_ready()

    def up(self):
        site = self.site.init()
        site.start_api()
        self.start()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s",
                            mskPeriod="20000s")
        self.member = site.member_with_receiver("one", "member")
        self.expect_mtks()
        return site

    def events(self, name):
        return [event for line in self.site.keymastd.log().splitlines() if line.startswith("{")
                for event in [json.loads(line)] if event["event"] == name]

    def held(self):
        last = self.member.last
        return last.get("msk_id") or 0, last.get("mtk_id") or 0

    def expect_mtks(self, count=3):
        """So many new ones come to the receiver."""
        msk, mtk = self.held()
        wait_for(lambda: self.held() >= (msk, mtk + count), 30, "MTKs go on")

    def expect_keys_follow(self, seconds):
        """The newest MTK was made by the clock as it is set now."""
        def is_near():
            made = self.site.ctl.call("rekeys", "list", "one")["rekeys"][0]["prepareTime"]
            made = calendar.timegm(time.strptime(made[:19], "%Y-%m-%dT%H:%M:%S"))
            return abs(made - time.time() - seconds) < HOUR / 2
        wait_for(is_near, 180, "the time line follows the clock")

    def prove(self):
        self.proofs.tell()
        prove(self.site, self.site.ctl, steady=True, forgers=self.proofs.forgers)

    def test_steps(self):
        self.up()
        steps = now = 0
        for seconds in (HOUR, 2 * HOUR, HOUR, HOUR + DAY, HOUR):
            self.clock.set(seconds)
            before, now = now, seconds
            steps += 1
            wait_for(lambda: self.site.metric("keymast_clock_steps_total ") == steps, 20,
                     "the step is counted")
            wait_for(lambda: len(self.events("clock_step")) == steps, 60, "the step is told, once")
            self.expect_mtks()
            if seconds > before:
                self.expect_keys_follow(seconds)
                self.expect_mtks()
            self.proofs.after(f"a step from {before} s to {now} s")
        # A day back: the line runs slower, and is not followed at once.
        self.assertLess(self.site.metric("keymast_clock_offset_seconds "), -DAY + HOUR)
        self.site.wait_readiness()
        self.prove()

    def test_start_before_the_data(self):
        site = self.up()
        begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead))
                      for ahead in (-2 * DAY, HOUR))
        site.create_subscriber("guest")
        site.add_member("one", "guest", join=False)
        site.ctl.call("members", "update", "one", "guest", "--from", begin, "--until", end)
        site.ctl.call("members", "join", "one", "guest")
        site.keymastd.kill()
        self.start(-DAY)
        self.site.wait_readiness("clock_unsure")
        self.assertEqual(self.site.metric("keymast_clock_unsure "), 1)
        wait_for(lambda: len(self.events("clock_unsure")) == 1, 60, "it is told, once")
        self.expect_mtks(5)
        guest = site.ctl.call("members", "get", "one", "guest")
        self.assertTrue(guest["joined"], "nothing ends by a date while the clock is unsure")
        self.proofs.after("a start before the data")
        self.clock.set(0)
        self.site.wait_readiness()
        self.expect_mtks()
        self.prove()

    def test_pause(self):
        """As a machine that is suspended, or a stopped guest: what became due is done once."""
        site = self.up()
        for seconds in (0.3, 1.5, 4.2):
            site.keymastd.popen.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            site.keymastd.popen.send_signal(signal.SIGCONT)
            self.expect_mtks()
            self.proofs.after(f"a pause of {seconds} s")
        self.prove()


if __name__ == "__main__":
    unittest.main(verbosity=2)
