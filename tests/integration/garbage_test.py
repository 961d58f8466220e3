# SPDX-License-Identifier: Apache-2.0
"""10,000 truncated, flipped, replayed and foreign datagrams on every port: counted by reason, no
state changed, nothing sent back."""

import random
import socket
import time
import unittest
import urllib.request

from harness import Site, wait_for

COUNT = 10000


def mutations(samples, rng):
    """Endless mutations of real datagrams: prefixes, bit flips, replays, random octets."""
    while True:
        sample = bytearray(rng.choice(samples))
        kind = rng.randrange(4)
        if kind == 0:
            del sample[rng.randrange(len(sample)):]
        elif kind == 1:
            sample[rng.randrange(len(sample))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            sample = bytearray(rng.randbytes(rng.randrange(1, 400)))
        yield bytes(sample)


def datagrams_of(path):
    """UDP payloads of a pcapng that our programs recorded: (destination port, octets)."""
    octets = path.read_bytes()
    found, at = [], 0
    while at + 12 <= len(octets):
        kind = int.from_bytes(octets[at:at + 4], "little")
        length = int.from_bytes(octets[at + 4:at + 8], "little")
        if kind == 6:
            size = int.from_bytes(octets[at + 20:at + 24], "little")
            packet = octets[at + 28:at + 28 + size]
            found.append((int.from_bytes(packet[22:24], "big"), packet[28:]))
        at += max(length, 12)
    return found


class Garbage(unittest.TestCase):
    def setUp(self):
        self.site = Site("garbage")
        self.addCleanup(self.site.close)

    def flood(self, port, samples, address="127.0.0.1", seed=1):
        """Sends COUNT mutations; returns what came back."""
        rng = random.Random(seed)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            out.settimeout(0.2)
            for number, octets in zip(range(COUNT), mutations(samples, rng)):
                out.sendto(octets, (address, port))
                if number % 50 == 0:
                    time.sleep(0.002)
            time.sleep(0.3)
            try:
                return out.recv(2000)
            except TimeoutError:
                return None

    def discards(self):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.site.http_port}/metrics",
                                      timeout=5).read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("keymast_datagrams_discarded_total"))

    def test_server(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="600s", mskPeriod="86400s", mskLead="60s")
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        time.sleep(1)
        samples = [octets for _, octets in datagrams_of(site.root / "receiver-member.pcapng")]
        self.assertTrue(samples)
        before, counted = site.state_hash(), self.discards()
        self.assertIsNone(self.flood(site.mikey_port, samples))
        self.assertEqual(site.state_hash(), before)
        self.assertGreaterEqual(self.discards() - counted, COUNT * 0.99)
        site.ctl.call("rekey-now", "one", "--level", "msk")
        wait_for(lambda: member.last.get("msk_changes", 0) >= 1, 20, "the MSK changes")
        self.assertNotEqual(site.state_hash(), before)

    def test_receiver(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="600s", mskPeriod="86400s", mskLead="60s")
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        time.sleep(1.5)
        records = datagrams_of(site.root / "receiver-member.pcapng")
        msk_port = int(member.endpoint.rsplit(":", 1)[1])
        before = member.last["state_hash"]
        unicast = [octets for port, octets in records if port == msk_port]
        self.assertIsNone(self.flood(msk_port, unicast))
        definition = site.ctl.call("channels", "get", "one")
        mtk_port = definition["multicast"]["mtkPort"]
        self.flood(mtk_port, [o for p, o in records if p == mtk_port], "239.255.42.1", 2)
        for stream in definition["streams"]:
            self.flood(stream["port"], [bytes([0x80, 96] + [7] * 60)], "239.255.42.1", 3)
        time.sleep(1.5)
        self.assertEqual(member.last["state_hash"], before)
        self.assertTrue(member.running())

    def test_headend(self):
        site = self.site.up()
        site.create_channel(mtkPeriod="600s", mskPeriod="86400s", mskLead="60s")
        site.enrol_headend("one")
        site.start_headend()
        wait_for(lambda: site.headend.last.get("mtk_id"), 20, "the headend holds an MTK")
        before = site.headend.last["state_hash"]
        # No first octet of these is an RTP version 2 header: all of it is refused.
        samples = [bytes([0x40, 96] + [7] * 60)]
        rng = random.Random(4)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for number in range(COUNT):
                octets = bytes([rng.randrange(0x80)]) + rng.randbytes(rng.randrange(0, 200))
                out.sendto(octets or samples[0], ("127.0.0.1", site.inputs["video"]))
                if number % 50 == 0:
                    time.sleep(0.002)
        time.sleep(2)
        self.assertEqual(site.headend.last["state_hash"], before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
