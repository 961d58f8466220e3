# SPDX-License-Identifier: Apache-2.0
"""What tests of joins by MIKEYv2 share."""

import re
import socket
import threading
import unittest

from harness import BIN, Site, free_port, wait_for


class Proxy:
    """A way to keymastd that loses what `loses` wants, and counts data types of version 2 each way."""

    def __init__(self, server_port, loses):
        self.loses = loses
        self.server = ("127.0.0.1", server_port)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.near.bind(("127.0.0.1", 0))
        self.port = self.near.getsockname()[1]
        self.answers = []  # octets of each answer and KEYS that came, those lost too
        self.ways = {}
        threading.Thread(target=self._there, daemon=True).start()

    def _there(self):
        while True:
            try:
                octets, client = self.near.recvfrom(65535)
            except OSError:
                return
            if client not in self.ways:
                self.ways[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.ways[client].connect(self.server)
                threading.Thread(target=self._back, args=(client,), daemon=True).start()
            if not self.loses("there", octets):
                self.ways[client].send(octets)

    def _back(self, client):
        while True:
            try:
                octets = self.ways[client].recv(65535)
            except OSError:
                return
            self.answers.append(octets)
            if not self.loses("back", octets):
                self.near.sendto(octets, client)

    def close(self):
        for way in (self.near, *self.ways.values()):
            way.close()


def led_to(proxy, site, channel):
    """The session description of a channel, changed so that joins come to the proxy."""
    text = (site.root / f"{channel}.sdp").read_text()
    changed = re.sub(r"(a=mikeyv2-join:\S+) \d+ ", rf"\1 {proxy.port} ", text)
    assert text != changed, text
    path = site.root / "proxy.sdp"
    path.write_text(changed)
    return path


class JoinCase(unittest.TestCase):
    """A channel on air, and receivers that join it."""

    NAME = "join"

    def setUp(self):
        self.site = Site(self.NAME)
        self.addCleanup(self.site.close)

    def up(self, **configuration):
        self.site.write_configuration(**configuration)
        self.site.up()
        self.site.create_channel()
        self.site.enrol_headend("one")
        self.site.start_headend()
        self.site.start_sources()

    def member(self, name):
        """A subscriber that is entitled, and nothing more."""
        self.site.create_subscriber(name)
        return self.site.add_member("one", name, join=False)

    def receiver(self, name, modes="all", endpoint=None, sdp="one", suffix="", more=()):
        record = self.site.root / f"receiver-{name}{suffix}.pcapng"
        self.site.records.append(record)
        return self.site.start_process(
            f"receiver-{name}{suffix}", BIN / "keymast-receiver", "--sdp",
            self.site.root / f"{sdp}.sdp", "--key-file", self.site.credentials[name], "--identity",
            f"{name}@example.org", "--listen", endpoint or f"127.0.0.1:{free_port()}",
            "--interface", "127.0.0.1", "--state", self.site.root / f"receiver-{name}{suffix}.state",
            "--record", record, "--join", modes, *more)

    def through(self, proxy):
        """A session description that leads to the proxy."""
        return led_to(proxy, self.site, "one").stem

    def opens(self, receiver, seconds=30):
        before = receiver.last.get("opened", 0)
        wait_for(lambda: receiver.last.get("opened", 0) > before + 25, seconds,
                 lambda: f"{receiver.name} opens packets: {receiver.log()[-800:]}")

    def joined(self, name):
        return self.site.ctl.call("members", "get", "one", name).get("joined", False)

    def metric(self, name, labels=""):
        found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", self.site.metrics(), re.MULTILINE)
        return float(found.group(1)) if found else 0
