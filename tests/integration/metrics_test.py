# SPDX-License-Identifier: Apache-2.0
"""What a live server shows of itself: promtool finds nothing wrong with it, and docs/metrics.md names
exactly what is there."""

import os
import pathlib
import re
import subprocess
import unittest
import urllib.request

from harness import BIN, Site, wait_for

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
TYPES = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)
ROW = re.compile(r"^\| `(keymast_[a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\|", re.MULTILINE)


class Metrics(unittest.TestCase):
    def setUp(self):
        self.site = Site("metrics")
        self.addCleanup(self.site.close)

    def scrape(self):
        address = f"http://127.0.0.1:{self.site.http_port}/metrics"
        return urllib.request.urlopen(address, timeout=5).read().decode()

    def value(self, text, series):
        line = next((line for line in text.splitlines() if line.startswith(series + " ")), None)
        self.assertIsNotNone(line, f"no {series} in the scrape")
        return float(line.rsplit(" ", 1)[1])

    def test_a_live_scrape(self):
        site = self.site.up()
        site.create_channel()
        site.enrol_headend("one")
        site.start_headend()
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        site.create_subscriber("idle")
        site.add_member("one", "idle", join=False)
        confirmed = 'keymast_members{state="confirmed"}'
        wait_for(lambda: confirmed + " 1" in self.scrape(), 20, "the member is confirmed")

        text = self.scrape()
        described = {name: kind for name, kind, _ in
                     ROW.findall((SOURCE / "docs/metrics.md").read_text())}
        shown = dict(TYPES.findall(text))
        # What never happened has no series yet where its label is the reason.
        silent = {name for name in described.keys() - shown.keys()
                  if self.labels_of(name) == {"reason"}}
        self.assertEqual(shown, {name: kind for name, kind in described.items()
                                 if name not in silent})
        self.check_labels(text)

        self.assertEqual(self.value(text, "keymast_channels"), 1)
        self.assertEqual(self.value(text, "keymast_subscribers"), 2)
        self.assertEqual(self.value(text, 'keymast_members{state="entitled"}'), 1)
        self.assertEqual(self.value(text, "keymast_headends_connected"), 1)
        self.assertEqual(self.value(text, 'keymast_store_state{state="open"}'), 1)
        self.assertGreaterEqual(self.value(text, "keymast_msk_verifications_total"), 1)
        self.assertGreaterEqual(self.value(text, 'keymast_commits_total{result="ok"}'), 4)

        checked = subprocess.run([str(SOURCE / "scripts/promtool"), str(BIN.parent / "tools"),
                                  "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertEqual(checked.stdout + checked.stderr, "")

    @staticmethod
    def labels_of(name):
        """Labels that docs/metrics.md gives a family; None when it has no such family."""
        for family, _, labels in ROW.findall((SOURCE / "docs/metrics.md").read_text()):
            if family == name:
                return set(re.findall(r"`([a-z]+)`", labels))
        return None

    def check_labels(self, text):
        for line in text.splitlines():
            found = re.match(r"(keymast_[a-z_]+)\{([^}]*)\}", line)
            if not found:
                continue
            labels = self.labels_of(found[1])
            if labels is None:
                labels = self.labels_of(re.sub(r"_(bucket|sum|count)$", "", found[1])) | {"le"}
            self.assertEqual(set(re.findall(r'([a-z]+)="', found[2])) - {"le"}, labels - {"le"},
                             line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
