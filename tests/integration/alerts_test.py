# SPDX-License-Identifier: Apache-2.0
"""Each alert fires by a real fault, as Prometheus itself says, and ends when that is mended."""

import concurrent.futures
import re
import subprocess
import unittest

from alert_scenes import IS_ROOT, Clocks, Disks, Network
from prometheus import RULES, SOURCE, TOOLS, faster

RUNBOOK = (SOURCE / "docs/runbook.md").read_text()
NAMED = re.findall(r"- alert: (\w+)", RULES.read_text())


def series_of(page):
    """A line of a scrape for each metric and label that docs/metrics.md has."""
    lines = []
    for name, labels in re.findall(r"^\| `(\w+)` \| \w+ \|([^|]*)\|", page, re.MULTILINE):
        lines.append(f"{name} 1")
        lines += [f'{name}{{{label}="x"}} 1' for label in re.findall(r"`(\w+)`", labels)]
    return lines


def alternatives(pattern):
    """What an extended expression looks for, one without `|` each."""
    group = re.search(r"\(([^()]*)\)", pattern)
    if group is None:
        return pattern.split("|")
    options = group[1].split("|")
    rest = pattern[group.end():]
    if rest.startswith("?"):
        options, rest = [*options, ""], rest[1:]
    return [one for option in options for one in alternatives(pattern[:group.start()] + option + rest)]


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
        sections = re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
        self.assertEqual(NAMED, sections)
        anchors = re.findall(r"runbook_url: file:///usr/share/doc/keymast-server/runbook.md#(\w+)",
                             RULES.read_text())
        self.assertEqual(anchors, [name.lower() for name in NAMED])

    def test_each_section_says_what_there_is_to_say(self):
        sections = re.split(r"^## \w+$", RUNBOOK, flags=re.MULTILINE)
        for section in sections[1:]:
            for word in ("Means", "Viewers", "Do", "Resolves"):
                self.assertIn(f"**{word}**", section)
            commands = re.search(r"^```\n(.*?)\n```", section, re.MULTILINE | re.DOTALL)[1]
            self.assertEqual(len(commands.splitlines()), 3, section)

    def test_each_pattern_that_the_runbook_looks_for_is_in_a_scrape(self):
        scrape = series_of((SOURCE / "docs/metrics.md").read_text())
        patterns = re.findall(r"HTTP/metrics \| grep (-E )?('[^']*'|\S+)", RUNBOOK)
        self.assertGreater(len(patterns), 10)
        for extended, pattern in patterns:
            for one in alternatives(pattern.strip("'")) if extended else [pattern]:
                self.assertTrue(any(re.search(one, line) for line in scrape), f"{one} of {pattern}")
        names = set(re.findall(r"keymast_\w+", "\n".join(scrape)))
        self.assertLessEqual(set(re.findall(r"`(keymast_\w+)`", RUNBOOK)), names)

    def test_a_metric_that_a_section_speaks_of_is_one_that_it_shows(self):
        for section in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE):
            patterns = re.findall(r"HTTP/metrics \| grep (?:-E )?('[^']*'|\S+)", section)
            for name in re.findall(r"`(keymast_\w+)`", section):
                self.assertTrue(any(re.search(pattern.strip("'"), name) for pattern in patterns) or
                                not patterns, f"{name}: {patterns}")

    def test_paths_and_units_of_the_runbook_are_those_of_the_package(self):
        page = (SOURCE / "docs/operator.md").read_text().partition("\n## Files and rights\n")[2]
        packaged = page.partition("\n## ")[0] + "".join(
            path.read_text() for folder in ("deploy/config", "deploy/tmpfiles", "debian")
            for path in (SOURCE / folder).iterdir() if path.is_file())
        for path in re.findall(r"(?<![\w/])/(?:run|var/lib|etc)/[\w./-]*\w", RUNBOOK):
            self.assertIn(path, packaged)
        units = {path.stem for path in (SOURCE / "deploy/systemd").iterdir()}
        named = re.findall(r"(?:journalctl -u|systemctl (?:status|reload|restart)) '?([\w-]+(?:@\*)?)",
                           RUNBOOK)
        self.assertGreater(len(named), 10)
        for name in named:
            self.assertIn(name.removesuffix("*"), units)

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
