# SPDX-License-Identifier: Apache-2.0
"""Each alert fires by a real fault, as Prometheus itself says, and ends when that is mended."""

import concurrent.futures
import re
import subprocess
import unittest

from alert_scenes import IS_ROOT, Clocks, Disks, Network
from prometheus import RULES, SOURCE, TOOLS, faster

NAMED = re.findall(r"- alert: (\w+)", RULES.read_text())


class Alerts(unittest.TestCase):
    def test_each_fires_by_a_real_fault_and_ends_with_it(self):
        subprocess.run([SOURCE / "scripts/prometheus", TOOLS, "--version"], check=True)  # is there
        scenes = [Network(self), Disks(self), Clocks(self)]
        with concurrent.futures.ThreadPoolExecutor(len(scenes)) as side_by_side:
            for over in [side_by_side.submit(scene.run) for scene in scenes]:
                over.result()
        left_out = set() if IS_ROOT else {"StoreFull", "RecordIncomplete"}
        self.assertEqual(set.union(*(scene.fired for scene in scenes)), set(NAMED) - left_out)


class Rules(unittest.TestCase):
    def promtool(self, *words):
        done = subprocess.run([SOURCE / "scripts/promtool", TOOLS, *words], capture_output=True,
                              text=True, cwd=RULES.parent, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_promtool_takes_them_and_their_tests(self):
        self.promtool("check", "rules", RULES.name)
        self.promtool("check", "config", "prometheus.yml")
        self.promtool("test", "rules", "keymast.test.yml")

    def test_each_is_tested_and_has_its_section_of_the_runbook(self):
        tested = re.findall(r'alertname="(\w+)", alertstate="firing", instance="bad"',
                            (RULES.parent / "keymast.test.yml").read_text())
        self.assertEqual(set(NAMED), set(tested))
        sections = re.findall(r"^## (\w+)$", (SOURCE / "docs/runbook.md").read_text(), re.MULTILINE)
        self.assertEqual(NAMED, sections)
        anchors = re.findall(r"runbook_url: docs/runbook.md#(\w+)", RULES.read_text())
        self.assertEqual(anchors, [name.lower() for name in NAMED])

    def test_each_section_says_what_there_is_to_say(self):
        sections = re.split(r"^## \w+$", (SOURCE / "docs/runbook.md").read_text(), flags=re.MULTILINE)
        for section in sections[1:]:
            for word in ("Means", "Viewers", "Do", "Resolves"):
                self.assertIn(f"**{word}**", section)
            commands = re.search(r"^```\n(.*?)\n```", section, re.MULTILINE | re.DOTALL)[1]
            self.assertEqual(len(commands.splitlines()), 3, section)

    def test_faster_rules_differ_in_durations_alone(self):
        rules = RULES.read_text()
        self.assertIn("for: 15m", rules)
        text = faster(rules)
        self.assertIn("for: 15000ms", text)
        self.assertIn("for: 250ms", text)
        self.assertIn("[5000ms]", text)
        durations = r"\b\d+(ms|[smh])\b"
        self.assertEqual(re.sub(durations, "", rules), re.sub(durations, "", text))


if __name__ == "__main__":
    unittest.main(verbosity=2)
