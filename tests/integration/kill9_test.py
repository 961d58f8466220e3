# SPDX-License-Identifier: Apache-2.0
"""kill -9 of server, API and headend under load, over and over: no acknowledged change is lost, and an
independent reader finds no key, counter, id or index twice in everything that was ever sent."""

import contextlib
import os
import random
import threading
import time
import unittest

from acknowledged import Acknowledged
from harness import LONG, Site, wait_for
from invariants import prove

CYCLES = 1000 if LONG else int(os.environ.get("KEYMAST_KILL9_CYCLES", "50"))


# Members of the load on the channel: every one of them is pushed each new MSK, in vain.
MOST_MEMBERS = 40


class Load:
    """Adds and expels members one after the other. Each subscriber has a key of its own, and its MSK
    messages go where nobody listens."""

    def __init__(self, site):
        self.site = site
        self.members = set()
        self.acknowledged = 0
        self.number = 0
        self._failure = None
        self._stop = threading.Event()
        self._may_go, self._turn = threading.Event(), threading.Lock()
        self._may_go.set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        """Ends the load; raises what ended it before."""
        self._stop.set()
        self._thread.join()
        self.check()

    @contextlib.contextmanager
    def paused(self):
        """Between two changes, each acknowledged or not."""
        self._may_go.clear()
        try:
            with self._turn:
                yield
        finally:
            self._may_go.set()

    def check(self):
        if self._failure is not None:
            raise self._failure
        return self

    def _do(self, *words):
        is_done = self.site.ctl.run(*words).returncode == 0
        self.acknowledged += is_done
        return is_done

    def _run(self):
        try:
            self._change()
        except BaseException as failure:  # a thread's own end is silent
            self._failure = failure

    def _change(self):
        rng = random.Random(9)
        while not self._stop.is_set():
            self._may_go.wait()
            with self._turn:
                self._change_once(rng)

    def _change_once(self, rng):
        if self.members and (rng.random() < 0.25 or len(self.members) >= MOST_MEMBERS):
            name = rng.choice(sorted(self.members))
            if self._do("members", "expel", "one", name):
                self.members.discard(name)
            return
        name = f"load-{self.number}"
        self.number += 1
        key = self.site.credentials[name] = self.site.new_key(name)
        if not self._do("subscribers", "create", name, "--identity", f"{name}@example.org",
                        "--credential-file", key):
            return
        if self._do("members", "add", "one", name, "--msk-endpoint", "127.0.0.1:9", "--join"):
            self.members.add(name)


class Kill9(unittest.TestCase):
    def setUp(self):
        self.site = Site("kill9")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)

    def test_campaign(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="1s", mtkLead="0.500s", mtkRepetition="0.100s",
                            mskPeriod="10s", mskLead="4s", mskGiveUp="2s")
        site.enrol_headend("one")
        site.start_headend()
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        site.start_sources()
        load = Load(site).start()
        rng = random.Random(1)
        waited = 0
        for _ in range(CYCLES):
            # Some kills come while the last one is being recovered from, most of them amid changes.
            if rng.random() < 0.8:
                before, waited = load.acknowledged, waited + 1
                wait_for(lambda: load.check().acknowledged > before, 60, "a change is acknowledged")
            time.sleep(rng.uniform(0.1, 0.6))
            victim = rng.choice(["keymastd", "keymastd", "keymast-api", "headend"])
            if victim == "keymastd":
                site.keymastd.kill()
                site.start_server()
            elif victim == "keymast-api":
                site.api.kill()
                site.start_api()
            else:
                site.headend.kill()
                site.start_headend()
        site.wait_ready()
        load.stop()
        print(f"{load.acknowledged} changes acknowledged in {CYCLES} cycles")
        self.assertGreaterEqual(waited, CYCLES // 2)
        self.assertGreaterEqual(load.acknowledged, waited)
        before = member.last.get("opened", 0)
        wait_for(lambda: member.last.get("opened", 0) > before + 50, 30, "the picture goes on")
        prove(site, site.ctl)


if __name__ == "__main__":
    unittest.main(verbosity=2)
