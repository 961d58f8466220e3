# SPDX-License-Identifier: Apache-2.0
"""The wall clock under a running keymastd is set, or wrong at its start, or time passes that it does not
see: MTKs go on one by one, none twice and none left out while it runs, and it says what happened."""

import json
import os
import pathlib
import signal
import time
import unittest
import urllib.request

from acknowledged import Acknowledged
from alert_scenes import FAKETIME
from harness import BIN, Site, wait_for
from invariants import prove

HOUR, DAY = 3600, 86400


class Clock(unittest.TestCase):
    def setUp(self):
        self.assertTrue(FAKETIME, "Debian's package libfaketime is not installed")
        self.site = Site("clock")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)
        self.offset = self.site.root / "offset"
        self.set(0)

    def set(self, seconds):
        """The wall clock of keymastd, against that of the machine; its steady clocks are not touched. It
        reads the file at each look: it must never see half of it."""
        draft = pathlib.Path(f"{self.offset}.new")
        draft.write_text(f"{seconds:+}\n")
        os.replace(draft, self.offset)

    def start(self, seconds=0):
        self.set(seconds)
        site = self.site
        options = f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0"
        site.keymastd = site.start_process(
            "keymastd", "env", f"LD_PRELOAD={BIN}/steady_timers.so {FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={self.offset}",
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", f"ASAN_OPTIONS={options}",
            BIN / "keymastd", "run", "--config", site.root / "keymastd.toml")
        site.wait_ready()

    def up(self):
        site = self.site.init()
        site.start_api()
        self.start()
        site.create_channel(mtkPeriod="2s", mtkLead="1s", mtkRepetition="0.250s",
                            mskPeriod="20000s")
        self.member = site.member_with_receiver("one", "member")
        self.expect_mtks()
        return site

    def metric(self, name):
        page = urllib.request.urlopen(f"http://127.0.0.1:{self.site.http_port}/metrics", timeout=10)
        line = next(line for line in page.read().decode().splitlines() if line.startswith(name + " "))
        return float(line.rsplit(" ", 1)[1])

    def readiness(self):
        return self.site.run("curl", "-s", f"http://127.0.0.1:{self.site.http_port}/readyz").stdout

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
            now = time.time() + seconds
            return made[:13] in {time.strftime("%Y-%m-%dT%H", time.gmtime(now - late)) for late in (0, 10)}
        wait_for(is_near, 90, "the time line follows the clock")

    def test_steps(self):
        site = self.up()
        steps = 0
        for seconds in (HOUR, 2 * HOUR, HOUR, HOUR + DAY, HOUR):
            self.set(seconds)
            steps += 1
            wait_for(lambda: self.metric("keymast_clock_steps_total") == steps, 20, "the step is counted")
            self.assertEqual(len(self.events("clock_step")), steps)
            self.expect_mtks()
            if seconds in (HOUR + DAY, 2 * HOUR) or steps == 1:
                self.expect_keys_follow(seconds)
                self.expect_mtks()
        # A day back: the line runs slower, and is not followed at once.
        self.assertLess(self.metric("keymast_clock_offset_seconds"), -DAY + HOUR)
        self.assertEqual(self.readiness(), "ready\n")
        prove(site, site.ctl, steady=True)

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
        self.assertEqual(self.readiness(), "clock_unsure\n")
        self.assertEqual(self.metric("keymast_clock_unsure"), 1)
        self.assertEqual(len(self.events("clock_unsure")), 1)
        self.expect_mtks(5)
        guest = site.ctl.call("members", "get", "one", "guest")
        self.assertTrue(guest["joined"], "nothing ends by a date while the clock is unsure")
        self.set(0)
        wait_for(lambda: self.readiness() == "ready\n", 30, "the clock is sure again")
        self.expect_mtks()
        prove(site, site.ctl, steady=True)

    def test_pause(self):
        """As a machine that is suspended, or a stopped guest: what became due is done once."""
        site = self.up()
        for seconds in (0.3, 1.5, 4.2):
            site.keymastd.popen.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            site.keymastd.popen.send_signal(signal.SIGCONT)
            self.expect_mtks()
        prove(site, site.ctl, steady=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
