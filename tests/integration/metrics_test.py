# SPDX-License-Identifier: Apache-2.0
"""What a live server shows of itself: promtool finds nothing wrong with it, docs/metrics.md names
exactly what is there, and alerts and dashboard ask for nothing else."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest
import urllib.parse

from harness import BIN, Site, wait_for
from prometheus import Prometheus

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
TYPES = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)
ROW = re.compile(r"^\| `((?:keymast|process)_[a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\|",
                 re.MULTILINE)
NAME = re.compile(r"\b(?:keymast|process)_[a-z_]+")
HALF_OPEN = 64
# They have a series for each reason that occurred, and none before.
BY_REASON = ("keymast_blackouts_pierced_total", "keymast_datagrams_discarded_total",
             "keymast_join_discards_total", "keymast_report_discards_total", "keymast_send_errors_total")
# Garbage that says it is a message of MIKEY version 1, a CAP and a REPORT.
GARBAGE = [start + bytes(60) for start in (b"\x01\x00\x05", b"\x02\xf1", b"\x02\xfe")]


class Metrics(unittest.TestCase):
    def setUp(self):
        self.site = Site("metrics")
        self.addCleanup(self.site.close)

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
        self.give_reasons()
        text = self.expect_values()
        described = {name: kind for name, kind, _ in
                     ROW.findall((SOURCE / "docs/metrics.md").read_text())}
        shown = dict(TYPES.findall(text))
        self.assertEqual(shown, described)
        self.check_labels(text)

        self.assertEqual(self.promtool("check", "metrics", input=text), "")
        self.check_dashboard(described)
        self.check_rules(described)

    def give_reasons(self):
        """Of each family of BY_REASON one occurs."""
        site, lost = self.site, self.site.channel_definition("lost", "239.255.42.2")
        lost["multicast"]["interfaceAddress"] = "192.0.2.77"
        lost["keyGroup"] = 2
        for number, stream in enumerate(lost["streams"]):
            stream["ssrc"] = 0xb0000001 + number
        site.create_channel("lost", definition=lost)
        site.ctl.call("schedules", "create", "one", "final", "--cron", "* * * * *", "--blackout", "3h")
        site.ctl.call("rekeys", "now", "one", "--level", "msk")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for octets in GARBAGE:
                out.sendto(octets, ("127.0.0.1", site.mikey_port))
        for name in BY_REASON:
            wait_for(lambda name=name: site.metric(name + "{") > 0, 60, f"{name} has a reason")
        site.ctl.call("channels", "delete", "lost", "--force")

    def expect_values(self):
        """The scrape in which all is as it comes to be."""
        values = {"keymast_channels": 1, "keymast_subscribers": 2, 'keymast_members{state="entitled"}': 1,
                  'keymast_members{state="confirmed"}': 1, "keymast_headends_connected": 1,
                  'keymast_store_state{state="open"}': 1, "keymast_ready": 1, "keymast_clock_unsure": 0}
        least = {"keymast_msk_verifications_total": 1, 'keymast_commits_total{result="ok"}': 4}
        wrong = {}

        def all_are_there():
            text = self.site.metrics()
            wrong.clear()
            wrong.update({name: self.value(text, name) for name in values
                          if self.value(text, name) != values[name]})
            wrong.update({name: self.value(text, name) for name in least
                          if self.value(text, name) < least[name]})
            expiry = "keymast_next_key_expiry_timestamp_seconds"
            if self.value(text, expiry) <= time.time() - 5:
                wrong[expiry] = self.value(text, expiry)
            return None if wrong else text
        return wait_for(all_are_there, 60, lambda: f"values that are not as they come to be: {wrong}")

    def promtool(self, *words, **more):
        checked = subprocess.run([str(SOURCE / "scripts/promtool"), str(BIN.parent / "tools"), *words],
                                 capture_output=True, text=True, check=False, **more)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        return checked.stdout + checked.stderr

    @staticmethod
    def family(name, described):
        """The family of a series: that of a histogram has several."""
        return name if name in described else re.sub(r"_(bucket|sum|count)$", "", name)

    def check_dashboard(self, described):
        """Each expression is one that Prometheus reads, and asks for what is shown; nothing is left out."""
        dashboard = json.loads((SOURCE / "deploy/grafana/keymast.json").read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        expressions = [target["expr"].replace("$instance", ".*").replace("$__rate_interval", "1m")
                       for panel in panels for target in panel["targets"]]
        self.assertNotIn("$", "".join(expressions))
        rules = self.site.root / "dashboard.yml"
        rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
            {"record": f"panel:expression:{number}", "expr": expression}
            for number, expression in enumerate(expressions)]}]}))
        self.assertIn(f"SUCCESS: {len(expressions)} rules found",
                      self.promtool("check", "rules", str(rules)))
        asked = {self.family(name, described) for text in expressions for name in NAME.findall(text)}
        self.assertEqual(asked, described.keys())
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}),
                         len(dashboard["panels"]))
        self.expect_answers(expressions)

    def expect_answers(self, expressions):
        """Prometheus itself finds series for each expression."""
        prometheus = Prometheus(self.site, period=5)
        missing = list(expressions)
        self.assertGreater(len(missing), 70)

        def all_answered():
            for text in list(missing):
                # What is shown only above 0 is there below it, too.
                query = urllib.parse.quote(text.replace(" > 0", ""))
                if prometheus.ask(f"query?query={query}")["result"]:
                    missing.remove(text)
            return not missing
        wait_for(all_answered, 240, lambda: f"series for {missing}")

    def check_rules(self, described):
        rules = (SOURCE / "deploy/prometheus/keymast.rules.yml").read_text()
        asked = {self.family(name, described) for name in NAME.findall(rules)}
        self.assertGreater(len(asked), 20)
        self.assertEqual(asked - described.keys(), set())

    def test_half_open_clients_keep_no_scrape_waiting(self):
        self.site.up()
        wait_for(lambda: self.site.metric("keymast_ready ") == 1, 60, "it is ready")
        took = wait_for(self.scrape_beside_half_open_clients, 60, "a scrape while all of them are held open")
        print(f"a scrape beside {HALF_OPEN} half-open clients took {took * 1000:.0f} ms")

    def scrape_beside_half_open_clients(self):
        """s that one took; None when keymast-api has lost patience with the first clients meanwhile."""
        with contextlib.ExitStack() as held:
            waiting = []
            for _ in range(HALF_OPEN):
                client = socket.create_connection(("127.0.0.1", self.site.http_port))
                held.callback(client.close)
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: half")
                waiting.append(client)
            begun = time.monotonic()
            text = self.site.page("metrics")
            took = time.monotonic() - begun
            for client in waiting:
                client.setblocking(False)
                try:
                    client.recv(1)
                    return None
                except BlockingIOError:
                    pass  # it is held
                except ConnectionError:
                    return None
            return took if "\nkeymast_ready 1\n" in text else None

    @staticmethod
    def labels_of(name):
        """Labels that docs/metrics.md gives a family; None when it has no such family."""
        for family, _, labels in ROW.findall((SOURCE / "docs/metrics.md").read_text()):
            if family == name:
                return set(re.findall(r"`([a-z]+)`", labels))
        return None

    def check_labels(self, text):
        for line in text.splitlines():
            found = re.match(r"((?:keymast|process)_[a-z_]+)\{([^}]*)\}", line)
            if not found:
                continue
            labels = self.labels_of(found[1])
            if labels is None:
                labels = self.labels_of(re.sub(r"_(bucket|sum|count)$", "", found[1])) | {"le"}
            self.assertEqual(set(re.findall(r'([a-z]+)="', found[2])) - {"le"}, labels - {"le"},
                             line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
