# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus server over a Site, with the rules that are shipped."""

import json
import os
import pathlib
import re
import socket
import time
import urllib.request

from harness import BIN, PATIENCE, free_port, wait_for

SOURCE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"])
TOOLS = BIN.parent / "tools"
RULES = SOURCE / "deploy/prometheus/keymast.rules.yml"
FASTER = 60
AGAIN = 30  # s after which a fault that is over in a moment is done once more


def faster(rules):
    """The rules with every duration, of `for` and of ranges, divided by FASTER; nothing else differs."""
    seconds = {"s": 1, "m": 60, "h": 3600}

    def shorter(match):
        length = int(match[2]) * seconds[match[3]] * 1000 // FASTER
        return f"{match[1]}{length}ms" if length else f"{match[1]}0s"

    return re.sub(r"(for: |\[)(\d+)([smh])(?=\]|$)", shorter, rules, flags=re.MULTILINE)


class Prometheus:
    """Scrapes a site each `period` seconds; in the first of them keymast-api waits for keymastd. `alerts` are
    the names of those that fire."""

    def __init__(self, site, period=1):
        self.site = site
        self.port = free_port(socket.SOCK_STREAM)
        folder = site.root / "prometheus"
        folder.mkdir()
        (folder / "keymast.rules.yml").write_text(faster(RULES.read_text()))
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": f"{period}s", "scrape_timeout": f"{period}s",
                       "evaluation_interval": "500ms"},
            "rule_files": [str(folder / "keymast.rules.yml")],
            "scrape_configs": [{"job_name": "keymast", "static_configs": [
                {"targets": [f"127.0.0.1:{site.http_port}"]}]}],
        }))
        self.process = site.start_process(
            "prometheus", SOURCE / "scripts/prometheus", TOOLS,
            f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}")
        wait_for(self.scrapes, 120, lambda: f"Prometheus scrapes: {self.process.log()[-2000:]}")

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def scrapes(self):
        try:
            return any(target["health"] == "up" for target in self.ask("targets")["activeTargets"])
        except OSError:
            return False

    def alerts(self):
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
                if alert["state"] == "firing"}

    def fires(self, *names, seconds=300, again=None):
        """Each of them is seen firing, not all at once: some faults are over in a moment, and `again` does
        them once more, for a scrape or two may fail just then."""
        missing, due = set(names), time.monotonic() + AGAIN

        def all_seen():
            nonlocal due
            missing.difference_update(self.alerts())
            if missing and again and time.monotonic() > due:
                again()
                due = time.monotonic() + AGAIN
            return not missing
        wait_for(all_seen, seconds, lambda: f"{missing} fire, and not only {self.alerts()}")

    def resolves(self, *names, seconds=300):
        """None fires by what a scrape said: a failed one says nothing."""
        wait_for(lambda: self.scrapes() and not self.alerts() & set(names), seconds,
                 lambda: f"{self.alerts() & set(names)} end")
