# SPDX-License-Identifier: Apache-2.0
"""10,000 truncated, flipped, replayed and foreign datagrams on every port: counted by reason, no
state changed, nothing sent back; and one valid datagram behind them does change it."""

import collections
import itertools
import random
import socket
import struct
import time
import unittest

from acknowledged import Acknowledged
from harness import RtpSource, Site, wait_for
from invariants import prove

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


def broken_rtp(packets, rng):
    """Endless (octets, reason): what is wrong with a packet of the source on air. `packets` are of its
    last 60 and no two in a row: others would be an encoder that began anew (RFC 3550 A.1)."""
    while True:
        packet = bytearray(rng.choice(packets))
        reason = rng.choice(["truncated", "no_extension", "unknown_version", "unexpected",
                             "malformed", "replayed", "foreign"])
        if reason == "truncated":
            del packet[rng.randrange(12):]
        elif reason == "no_extension":
            packet[0] |= rng.choice([0x1f, 0x10])  # CSRCs and an extension that are not there
            del packet[rng.randrange(12, 16):]
            reason = "truncated"
        elif reason == "unknown_version":
            packet[0] ^= rng.choice([0x40, 0x80, 0xc0])
        elif reason == "unexpected":
            packet[1] ^= 1 << rng.randrange(7)
        elif reason == "malformed":
            packet[0] |= 0x20  # padding, its length in the last octet
            packet[-1] = rng.choice([0, 255])
        elif reason == "foreign":
            packet = bytes([rng.randrange(0x80), rng.randrange(0x80)]) + rng.randbytes(300)
            reason = "unknown_version"
        yield bytes(packet), reason


def later(packet, by):
    """A packet under another sequence number, ahead of its own."""
    sequence = int.from_bytes(packet[2:4], "big") + by
    return packet[:2] + (sequence & 0xffff).to_bytes(2, "big") + packet[4:]


def sender_report(ssrc, kind=200, blocks=0):
    return struct.pack("!BBHIQIII", 0x80 | blocks, kind, 6, ssrc, time.time_ns(), 1, 2, 3)


def broken_rtcp(ssrc, rng):
    """Endless (octets, reason): what is wrong with a sender report of the source on air."""
    while True:
        packet = bytearray(sender_report(ssrc))
        reason = rng.choice(["truncated", "unknown_version", "unexpected", "malformed",
                             "wrong_source", "foreign"])
        if reason == "truncated":
            del packet[rng.randrange(2, len(packet)):]
        elif reason == "unknown_version":
            packet[0] ^= rng.choice([0x40, 0x80, 0xc0])
        elif reason == "unexpected":
            packet[1] = rng.choice([201, 202, 203, 204])
        elif reason == "malformed":
            packet[0] |= 1 + rng.randrange(31)  # report blocks that are not there
        elif reason == "wrong_source":
            packet[4 + rng.randrange(4)] ^= 1 << rng.randrange(8)
        elif reason == "foreign":
            packet = bytes([rng.randrange(0x80), 200, 0, rng.randrange(50)]) + rng.randbytes(200)
            reason = "unknown_version"
        yield bytes(packet), reason


def until_tick(channel, period):
    """Seconds until the schedule of `channel` changes its MTK: rekey/grid.h, FNV-1a of its id."""
    phase = 0xcbf29ce484222325
    for octet in channel.encode():
        phase = (phase ^ octet) * 0x100000001b3 % 2**64
    return (phase % (period * 1000) / 1000 - time.time()) % period


def quiet_period(channel):
    """A period of MTKs that does not end within five minutes: what changes now is not the schedule."""
    return next(period for period in range(1200, 86400) if until_tick(channel, period) > 300)


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
        self.site.ctl = Acknowledged(self.site.ctl)
        self.forgers = set()  # ports that the test sends from

    def socket(self):
        """Open until the end, so that its port is nobody else's."""
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(out.close)
        out.bind(("127.0.0.1", 0))
        self.forgers.add(out.getsockname()[1])
        return out

    def expect_invariants(self):
        prove(self.site, self.site.ctl, steady=True, forgers=self.forgers)

    def flood(self, port, datagrams, address="127.0.0.1"):
        """Sends COUNT of `datagrams`, and sees that nothing comes back."""
        out = self.socket()
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        out.settimeout(0.5)
        for number, octets in enumerate(itertools.islice(datagrams, COUNT)):
            out.sendto(octets, (address, port))
            if number % 50 == 0:
                time.sleep(0.002)
        with self.assertRaises(TimeoutError, msg="an answer to garbage"):
            out.recv(2000)

    def flood_broken(self, port, broken):
        """As flood, of (octets, reason); returns how many of each reason were sent."""
        sent = list(itertools.islice(broken, COUNT))
        self.flood(port, (octets for octets, _ in sent))
        return collections.Counter(reason for _, reason in sent)

    def expect_counted(self, counted, before, reasons=()):
        """`counted()` is what a program refused by reason, with what the kernel dropped as `drops`:
        COUNT more of them, some of each of `reasons`. What the kernel dropped nobody can count by
        reason, so it is few."""
        def more():
            return {reason: count - before.get(reason, 0) for reason, count in counted().items()
                    if count > before.get(reason, 0)}
        try:
            wait_for(lambda: sum(more().values()) >= COUNT, 15, "all of it is counted")
        finally:
            found = more()
            print(found)
        self.assertLess(found.get("drops", 0), COUNT / 10, found)
        for reason in reasons:
            self.assertGreater(found.get(reason, 0), 0, f"{reason} in {found}")
        return found

    def channel(self):
        site = self.site.up()
        site.create_channel(mtkPeriod=f"{quiet_period('one')}s", mskPeriod="86400s", mskLead="60s")
        return site

    def member_of(self, site):
        member = site.member_with_receiver("one", "member")
        wait_for(lambda: member.last.get("mtk_id"), 20, "the receiver holds an MTK")
        return member

    def discards(self):
        """By reason, of the server."""
        counted = {}
        for line in self.site.metrics().splitlines():
            if line.startswith("keymast_datagrams_discarded_total{"):
                reason = line.split('reason="')[1].split('"')[0]
                counted[reason] = counted.get(reason, 0) + float(line.rsplit(" ", 1)[1])
        return counted

    def test_server(self):
        site = self.channel()
        member = self.member_of(site)
        time.sleep(1)
        records = datagrams_of(site.root / "receiver-member.pcapng")
        samples = [octets for port, octets in records if port == site.mikey_port]
        self.assertTrue(samples)
        samples += [octets for port, octets in records if port != site.mikey_port][:len(samples)]
        before, counted = site.state_hash(), self.discards()
        self.flood(site.mikey_port, mutations(samples, random.Random(1)))
        self.expect_counted(self.discards, counted,
                            ("truncated", "malformed", "unexpected",
                             "unknown_identity", "unknown_version"))
        self.assertEqual(site.state_hash(), before)
        site.ctl.call("rekeys", "now", "one", "--level", "msk")
        wait_for(lambda: member.last.get("msk_changes", 0) >= 1, 20, "the MSK changes")
        self.assertNotEqual(site.state_hash(), before)
        self.expect_invariants()

    def test_receiver(self):
        site = self.channel()
        site.enrol_headend("one")
        site.start_headend()
        member = self.member_of(site)
        sources = site.start_sources()
        wait_for(lambda: member.last["opened"] > 100, 20, "the picture")
        for source in sources:
            source.stop()
        sent = sum(source.sent for source in sources)
        wait_for(lambda: member.last["opened"] == sent, 20, "all of the picture")
        records = datagrams_of(site.root / "receiver-member.pcapng")
        msk_port = int(member.endpoint.rsplit(":", 1)[1])
        definition = site.ctl.call("channels", "get", "one")
        ports = [("key", msk_port, "127.0.0.1", ("truncated", "replayed", "authentication_failed")),
                 ("key", definition["multicast"]["mtkPort"], "239.255.42.1",
                  ("truncated", "replayed", "already_held"))]
        ports += [("media", stream["port"], "239.255.42.1",
                   ("truncated", "unknown_channel", "unknown_key", "authentication_failed",
                    "replayed")) for stream in definition["streams"]]
        before = self.receiver_state(member)
        for seed, (kind, port, address, reasons) in enumerate(ports):
            def counted():
                counts = dict(member.last["media_discards" if kind == "media" else "discards"])
                return {**counts, "drops": member.last["kernel_drops"]}
            samples = [octets for to, octets in records if to == port]
            self.assertTrue(samples, f"recorded datagrams to port {port}")
            if kind == "media":  # a number that was not there yet is new until the tag is tried
                samples += [later(octets, 300) for octets in samples]
            was = counted()
            self.flood(port, mutations(samples, random.Random(seed)), address)
            self.expect_counted(counted, was, reasons)
            self.assertEqual(self.receiver_state(member), before)
        self.assertTrue(member.running())
        site.ctl.call("rekeys", "now", "one", "--level", "msk")
        wait_for(lambda: member.last["state_hash"] != before[0], 20, "a valid message changes it")
        self.expect_invariants()

    @staticmethod
    def receiver_state(member):
        """What no bad datagram may change: keys and counters, and where the streams stand."""
        last = member.last
        return (last["state_hash"], last["opened"],
                {name: (stream["index"], stream["opened"])
                 for name, stream in last["packets"].items()})

    def test_headend(self):
        site = self.channel()
        site.enrol_headend("one")
        site.start_headend()
        wait_for(lambda: site.headend.last.get("mtk_id"), 20, "the headend holds an MTK")
        self.member_of(site)
        port, rng = site.inputs["video"], random.Random(4)
        source = RtpSource(port, 96).start()
        def video():
            return site.headend.last["channels"]["one"]["streams"]["video"]
        wait_for(lambda: video()["packets_out"] > 100, 20, "packets of the encoder")
        source.stop()
        wait_for(lambda: video()["packets_out"] == source.sent, 20, "all packets of the encoder")
        packets = [source.packet(number) for number in range(source.sent - 60, source.sent, 2)]
        before = site.headend.last["state_hash"]
        def counted():
            return {**site.headend.last["discards"], "drops": site.headend.last["input_drops"]}
        for at, broken in ((port, broken_rtp(packets, rng)),
                           (port + 1, broken_rtcp(source.ssrc, rng))):
            was = counted()
            expected = self.flood_broken(at, broken)
            found = self.expect_counted(counted, was, expected)
            for reason in set(found) - {"drops"}:
                self.assertLessEqual(found[reason], expected[reason], reason)
            self.assertEqual(sum(found.values()), COUNT)
            self.assertEqual(site.headend.last["state_hash"], before)
        out = self.socket()
        for octets, to in ((sender_report(source.ssrc), port + 1),
                           (source.packet(source.sent), port)):
            out.sendto(octets, ("127.0.0.1", to))
            wait_for(lambda: site.headend.last["state_hash"] != before, 20,
                     "a valid datagram changes it")
            before = site.headend.last["state_hash"]
        self.expect_invariants()


if __name__ == "__main__":
    unittest.main(verbosity=2)
