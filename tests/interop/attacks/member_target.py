# SPDX-License-Identifier: Apache-2.0
"""Our whole member: it joins at the peer, asks that for what it misses, and opens the media that the peer protects."""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mikeyv2 import report, schedule
from mikeyv2.lab import A_ADDRESS, ALICE, GROUP_URI, NOW, O_ADDRESS, PSK_AB, Lab
from mikeyv2.octets import Refused, u16, u32
from mikeyv2.randomness import Seeded
from mikeyv2.tables import *

from .labs import OurLab
from .rows import expect
from .target import HOST, credentials_of

R = schedule.report_key(schedule.psk_v2(PSK_AB, ALICE, GROUP_URI))
SSRC = 0x1111
REPORT_FEATURE = 1 << 6


def protected(key, salt, mki, seq, payload=b"media", ssrc=SSRC):
    """An RTP packet under AEAD_AES_128_GCM (RFC 3711 §4.3, RFC 7714 §8.1)."""
    def derive(label, size):
        x = bytearray(salt + bytes(4))
        x[7] ^= label
        return Cipher(algorithms.AES(key), modes.CTR(bytes(x))).encryptor().update(bytes(size))
    head = b"\x80\x60" + u16(seq) + u32(3000 * seq) + u32(ssrc)
    iv = bytes(a ^ b for a, b in zip(bytes(2) + u32(ssrc) + u32(0) + u16(seq), derive(2, 12)))
    return head + AESGCM(derive(0, 16)).encrypt(iv, payload, head) + mki


class WholeMember:
    """by_hash: it joins by a certificate, which it takes the controller to have."""

    def __init__(self, seed=1, by_hash=False):
        self.lab = Lab((DH if by_hash else PSK,), True, a={"features": REPORT_FEATURE})
        self.more = {"modes": "dh", "credentials": credentials_of(self.lab.alice)} if by_hash else {"modes": "psk"}
        self.group, self.target, self.now, self.seed, self.seq = self.lab.group, OurLab.target, NOW, seed, 0
        self.controller = report.Controller(self.group, {ALICE: R}, {}, set(), {})
        self.said = []  # (when, data type, octets) that nobody has looked at
        self._begin()

    def _begin(self, goes_on=False):
        g = self.group
        here = self.target.at(A_ADDRESS)
        self._told(self.target.order(
            "be member", now=self.now, to=here.getsockname()[1], domain=g.key_domain.hex(), key_group=int.from_bytes(g.key_group, "big"),
            csb_id=g.csb_id, encr=g.encr, uri=GROUP_URI.value.hex(), me=ALICE.value.hex(), psk=PSK_AB.hex(), seed=self.seed,
            goes_on=goes_on, ssrcs=[SSRC], **self.more))

    def restarts(self):
        """With what it keeps durably."""
        self._begin(True)

    def _told(self, told):
        self.told = told
        self.said += [(at, kind, self.target.at(A_ADDRESS).recv(65536)) for at, kind in told["sent_at"]]
        return told

    def hears(self, octets, way="keying", address=A_ADDRESS):
        """way: from the controller, `multicast` or `media`."""
        self.target.at(address).sendto(octets, (HOST, self.target.ports[None]))
        return self._told(self.target.order(way, now=self.now))

    def waits(self, seconds):
        self.now += seconds
        return self._told(self.target.order("wait", now=self.now))

    def leaves(self):
        return self._told(self.target.order("leave", now=self.now))

    def heard(self):
        """What it said, of (when, data type)."""
        said, self.said = self.said, []
        return said

    def answers_of(self, octets):
        if octets[1] == DT_REPORT:
            try:
                keys = self.controller.receive(octets, Seeded(octets), A_ADDRESS)
            except Refused:
                return []
            return [keys] if keys else []
        return self.lab.log(self.lab.a.receive(self.now, O_ADDRESS, octets))

    def goes_on(self, loses=lambda octets: False):
        """What it said is answered, and so on, but for what the network loses."""
        for _ in range(6):
            for _, _, octets in self.heard():
                for answer in self.answers_of(octets):
                    if not loses(answer):
                        self.hears(answer)
        return self

    def joins(self):
        self.goes_on()
        expect(self.told["is_joined"], f"it does not join: {self.told}")
        self.waits(0)
        self.heard()
        return self

    def packet(self, mtk=None, mki=None):
        """The next media packet, under the group's keys or others."""
        self.seq += 1
        key, salt = mtk or self.group.mtk
        return protected(key, salt, mki or self.group.mki(), self.seq)

    def opens(self, packet):
        told = self.hears(packet, "media")
        expect(told["status"] == "ok", f"it does not open: {told}")

    def is_dropped(self, octets, way="keying", reason=None, address=A_ADDRESS):
        """Its keys, and what it took, stay."""
        before = self.told["state"], self.told["taken"]
        told = self.hears(octets, way, address)
        expect(told["status"] != "ok" and (told["state"], told["taken"]) == before, f"took it: {told}")
        expect(reason in (None, told["status"]), f"another reason: {told}")
        return "dropped: " + told["status"]
