# SPDX-License-Identifier: Apache-2.0
"""Clients that take all they can get: what they cannot take from others."""

import resource
import socket
import unittest
import urllib.error
import urllib.request

from harness import BIN, Site, wait_for
from http2 import open_streams


class Overload(unittest.TestCase):
    def setUp(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the attacker's own
        self.site = Site("overload")
        self.addCleanup(self.site.close)

    def keep(self, connection):
        self.addCleanup(connection.close)
        return connection

    def test_slow_and_endless_http_clients(self):
        site = self.site.up()
        address = ("127.0.0.1", site.http_port)
        for _ in range(300):
            self.keep(socket.create_connection(address)).sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        self.assertIn("keymast_channels 0\n", self.site.metrics())
        self.assertEqual(self.site.page("livez"), "alive\n")
        self.site.wait_readiness()
        endless = self.keep(socket.create_connection(address))
        with self.assertRaises(ConnectionError):
            for _ in range(64):
                endless.sendall(b"A" * (1 << 20))
        self.assertTrue(site.api.running())
        cut = {line.split(" ")[0]: float(line.split(" ")[1]) for line in
               self.site.page("metrics").splitlines() if line.startswith("keymast_api_http_cut_total")}
        self.assertGreaterEqual(cut['keymast_api_http_cut_total{reason="crowded"}'], 1)
        self.assertEqual(cut['keymast_api_http_cut_total{reason="too_long"}'], 1)

    def start_api_with(self, descriptors):
        site = self.site.init()
        site.start_server()
        site.start_api(under=["prlimit", f"--nofile={descriptors // 4}:{descriptors}"])
        return site.wait_ready()

    def idle(self, role, count):
        """Connections that never say a word; those beyond the listener's share are closed again."""
        for _ in range(count):
            connection = self.keep(socket.socket(socket.AF_UNIX))
            connection.connect(f"{self.site.root}/{role}.sock")

    def ask(self, role):
        server = f"unix:{self.site.root}/{role}.sock"
        return self.site.run(BIN / "keymastctl", "--server", server, "status").returncode

    def test_idle_connections_of_viewers_leave_operators_and_headends_alone(self):
        site = self.start_api_with(descriptors=1024)
        site.create_channel()
        site.enrol_headend("one")
        site.start_headend()
        wait_for(lambda: site.headend.last.get("connected"), 20, "the headend is connected")
        self.idle("viewer", 1100)
        self.idle("auditor", 500)
        self.assertEqual(self.ask("operator"), 0)
        self.assertTrue(site.headend.last["connected"])
        site.headend.kill()
        site.start_headend()
        wait_for(lambda: site.headend.last.get("connected"), 20, "a headend connects anew")
        self.assertEqual(self.site.page("livez"), "alive\n")
        refused = 'keymast_api_connections_refused_total{listener="%s"} '
        text = self.site.page("metrics")
        self.assertNotIn(refused % "viewer" + "0\n", text)
        self.assertIn(refused % "operator" + "0\n", text)
        self.assertIn('"few_descriptors"', site.api.log())
        # Who never speaks is ended while it still holds its end.
        wait_for(lambda: self.ask("viewer") == 0, 60, "a viewer gets in again")

    def streams(self, role, method, count, message=b"", ends=True):
        for connection in open_streams(f"{self.site.root}/{role}.sock", method, count, message, ends):
            self.keep(connection)

    def value(self, series):
        line = next(line for line in self.site.page("metrics").splitlines()
                    if line.startswith(series + " "))
        return float(line.rsplit(" ", 1)[1])

    def refused(self, share):
        return self.value(f'keymast_api_calls_refused_total{{share="{share}"}}')

    def test_streams_of_others_leave_an_expulsion_alone(self):
        site = self.site.up()
        site.create_channel()
        site.create_subscriber("mallory")
        site.add_member("one", "mallory")
        site.enrol_headend("one")
        site.start_headend()
        wait_for(lambda: site.headend.last.get("connected"), 20, "the headend is connected")
        self.streams("auditor", b"/keymast.v1.Rekeys/Watch", 1100)
        name = b"\x0a\x10headends/headend"  # HeadendReport.headend, and never a proof
        self.streams("headend", b"/keymast.v1.Headends/TrafficKeys", 1100, name, ends=False)
        wait_for(lambda: self.refused("auditor_streams") > 0, 20, "watches fill their share")
        wait_for(lambda: self.refused("headend_streams") > 0, 20, "streams fill their share")
        site.ctl.call("members", "expel", "one", "mallory")
        self.site.wait_readiness()
        self.assertEqual(self.refused("operator"), 0)
        self.assertTrue(site.headend.last["connected"])
        # Streams without a proof are ended while their clients still hold them.
        site.headend.kill()
        site.start_headend()
        wait_for(lambda: site.headend.last.get("connected"), 60, "a headend connects anew")

    def test_watchers_that_do_not_read_leave_one_that_does_alone(self):
        site = self.site.up()
        watcher = site.start_process("watcher", BIN / "keymastctl", "--server",
                                     f"unix:{site.root}/auditor.sock", "--output", "json", "watch")
        self.streams("auditor", b"/keymast.v1.Rekeys/Watch", 100)
        share = 'keymast_api_calls{share="auditor_streams"} 101\n'
        wait_for(lambda: share in self.site.page("metrics"), 20, "all of them watch")
        for batch in range(3):
            site.create_subscribers(f"s{batch}x", 1000)
        def created():
            return sum(line.get("kind") == "CREATED" for line in watcher.lines)
        wait_for(lambda: created() == 3000, 120, "the watcher that reads has every event")
        self.assertTrue(watcher.running())
        self.assertTrue(site.api.running())
        # 300,000 events lie unread: more than a share holds, however little that is for each.
        self.assertGreater(self.value("keymast_api_watchers_cut_total"), 0)
        unread = self.value('keymast_api_unread_octets{share="auditor_streams"}')
        self.assertGreater(unread, 1 << 20)
        self.assertLessEqual(unread, 33 << 20)
        self.assertIn("keymast_watchers_dropped_total 0\n", self.site.metrics())
        self.assertIn("keymast_api_core_connections_total 1\n", self.site.page("metrics"))

    def test_a_listener_that_is_gone_ends_alive(self):
        site = self.site.up()
        self.assertEqual(self.site.page("livez"), "alive\n")
        (site.root / "headend.sock").unlink()
        with self.assertRaises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://127.0.0.1:{site.http_port}/livez", timeout=20)
        self.assertEqual(answer.exception.code, 503)
        answer.exception.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
