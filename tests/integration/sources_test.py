# SPDX-License-Identifier: Apache-2.0
"""A channel of source-specific multicast: server and headend send from addresses of their own, and what
anybody else sends to the group does not reach a receiver."""

import random
import socket
import unittest

from acknowledged import Acknowledged
from harness import Site, wait_for
from invariants import prove
from own_network import ip, main

SERVER, HEADEND, STRANGER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
GROUP = "232.42.0.1"


def send_from(address, ports, count=50):
    """Datagrams that look like messages and packets, to each port of the group."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((address, 0))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        for _ in range(count):
            for port in ports:
                head = random.choice((b"\x01\x00", b"\x80\x60"))
                sender.sendto(head + random.randbytes(80), (GROUP, port))


def listener(port):
    group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    group.bind((GROUP, port))
    group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     socket.inet_aton(GROUP) + socket.inet_aton(SERVER))
    group.settimeout(20)
    return group


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ip("link", "set", "lo", "up")
        for address in (HEADEND, STRANGER):
            ip("address", "add", f"{address}/8", "dev", "lo")

    def setUp(self):
        self.site = Site("sources")
        self.addCleanup(self.site.close)
        self.site.ctl = Acknowledged(self.site.ctl)

    def create_channel(self, sources):
        definition = self.site.channel_definition("one", GROUP)
        definition["multicast"]["sources"] = sources
        self.site.create_channel(definition=definition)
        self.ports = [definition["multicast"]["mtkPort"],
                      *(stream["port"] for stream in definition["streams"])]

    def expect_picture(self):
        def opened():
            return self.member.last.get("opened", 0)
        before = opened()
        wait_for(lambda: opened() > before + 50, 30, "the picture")

    def discards(self):
        """Kinds, of keys and of media; a key that is repeated is none."""
        return {kind for of in ("discards", "media_discards") for kind in self.member.last.get(of, {})
                if kind != "already_held"}

    def up(self, sources):
        site = self.site.up()
        self.create_channel(sources)
        site.enrol_headend("one")
        site.start_headend(more=["--output-interface", HEADEND])
        self.member = site.member_with_receiver("one", "member")
        site.start_sources()
        return site

    def test_strangers_are_not_heard(self):
        site = self.up([SERVER, HEADEND])
        self.expect_picture()
        sdp = (site.root / "one.sdp").read_text()
        self.assertIn(f"a=source-filter: incl IN IP4 {GROUP} {SERVER} {HEADEND}", sdp)
        kinds = self.discards()
        # Who joins it from anywhere hears them: it is the filter that keeps them off.
        with listener(self.ports[0]) as anybody:
            send_from(STRANGER, self.ports)
            wait_for(lambda: anybody.recvfrom(2048)[1][0] == STRANGER, 20, "they are sent")
        self.expect_picture()
        self.assertEqual(self.discards() - kinds, set(), "nothing of it came")
        changes = self.member.last["mtk_changes"]
        wait_for(lambda: self.member.last["mtk_changes"] > changes + 1, 20, "keys change")
        prove(site, site.ctl)

    def test_a_headend_that_is_no_source_says_so(self):
        site = self.up([SERVER])
        wait_for(lambda: site.headend.last.get("channels", {}).get("one", {}).get("silent")
                 == "wrong_source", 20, "the headend says why it is silent")
        self.assertEqual(self.member.last.get("opened", 0), 0)

    def test_a_group_of_that_range_needs_sources(self):
        self.site.up()
        with self.assertRaisesRegex(Exception, "channel.multicast.sources"):
            self.create_channel([])


if __name__ == "__main__":
    main()
