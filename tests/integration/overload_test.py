# SPDX-License-Identifier: Apache-2.0
"""Clients that take all they can get: what they cannot take from others."""

import socket
import unittest
import urllib.request

from harness import Site, wait_for


class Overload(unittest.TestCase):
    def setUp(self):
        self.site = Site("overload")
        self.addCleanup(self.site.close)

    def page(self, path):
        address = f"http://127.0.0.1:{self.site.http_port}{path}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.read().decode()

    def keep(self, connection):
        self.addCleanup(connection.close)
        return connection

    def test_slow_and_endless_http_clients(self):
        site = self.site.up()
        address = ("127.0.0.1", site.http_port)
        for _ in range(300):
            self.keep(socket.create_connection(address)).sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        self.assertIn("keymast_channels 0\n", self.page("/metrics"))
        self.assertEqual(self.page("/livez"), "alive\n")
        self.assertEqual(self.page("/readyz"), "ready\n")
        endless = self.keep(socket.create_connection(address))
        with self.assertRaises(ConnectionError):
            for _ in range(64):
                endless.sendall(b"A" * (1 << 20))
        self.assertTrue(site.api.running())
        cut = {line.split(" ")[0]: float(line.split(" ")[1]) for line in
               self.page("/metrics").splitlines() if line.startswith("keymast_api_http_cut_total")}
        self.assertGreaterEqual(cut['keymast_api_http_cut_total{reason="crowded"}'], 1)
        self.assertEqual(cut['keymast_api_http_cut_total{reason="too_long"}'], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
