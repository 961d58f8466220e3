# SPDX-License-Identifier: Apache-2.0
"""MTK messages at our member, with and without EXT 242 (§10)."""
from dataclasses import replace

from mikeyv2 import edits, mtk
from mikeyv2.group_rekey import public_of
from mikeyv2.group_scenes import OLD, STRANGER
from mikeyv2.lab import A_ADDRESS
from mikeyv2.octets import u32
from mikeyv2.tables import *

from .labs import OurO
from .offerer_scenes import ended
from .rekey_scenes import group_scene
from .rows import expect


class OurKeyring:
    """Ours has joined, with MTK IDs from 5 on, and holds the verification key 1 where MTK messages are signed."""

    def __init__(self, signed=True):
        lab = OurO((PSK,), True)
        g = self.group = lab.group
        g.mtk_id = 5
        ended(lab)
        self.target, self.now, self.signed = lab.target, lab.now, signed
        told = self.target.order("keyring", domain=g.key_domain.hex(), key_group=int.from_bytes(g.key_group, "big"), csb_id=g.csb_id,
                                 encr=g.encr, signer_id=1 if signed else 0, signer=public_of(OLD).hex(), now=lab.now)
        expect(told["status"] == "ok", f"no member to begin with: {told}")
        self.under = mtk.Under(g.msk, g.rand, encr=g.encr)
        self.next = mtk.Mtk(g.key_domain, g.msk_id(), 6, g.csb_id, 2, b"k" * 16, b"s" * 12)
        self.state = self.receive(b"?")["state"]

    def receive(self, octets):
        return self.target.exchange("mtk", self.now, A_ADDRESS, octets)[0]

    def made(self, signing=(1, OLD), **other):
        return mtk.build([(replace(self.next, **other), self.under)], signing if self.signed else None)[0]

    def is_dropped(self, octets):
        told = self.receive(octets)
        expect(told["status"] != "ok" and told["state"] == self.state, f"took it: {told}")
        return "dropped: " + told["status"]

    def takes(self, octets):
        told = self.receive(octets)
        expect(told["status"] == "ok" and told["state"] != self.state, f"an honest MTK message gets {told}")
        self.state = told["state"]

    def is_odd(self, *wrong):
        """Each is dropped, and then one that is right is taken."""
        seen = {self.is_dropped(octets) for octets in wrong}
        self.takes(self.made())
        return "; ".join(sorted(seen))


@group_scene("MTK message of an old COUNTER")
def _(_mode):
    k = OurKeyring()
    old = k.made()
    k.takes(k.made(mtk_id=7, counter=3))
    seen = k.is_dropped(old)
    k.takes(k.made(counter=4))
    return seen


@group_scene("another key under a known MTK ID", "controller")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(mtk_id=5, key=b"?" * 16))


@group_scene("MTK ID outside of the interval", "controller")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(mtk_id=4))


@group_scene("MTK message of another group or MSK", "controller of another group")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(key_domain=b"\1\2\3"), k.made(msk_id=b"\0\x08\0\1"), k.made(msk_id=b"\0\7\0\2"))


@group_scene("MTK message of another CSB ID", "controller of another group")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(csb_id=k.group.csb_id ^ 1))


@group_scene("MTK of another length than the profile's", "controller")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(key=bytes(32)), k.made(salt=bytes(14)))


@group_scene("MTK message whose MAC is wrong", "stranger")
def _(_mode):
    k = OurKeyring()
    stranger = replace(k.under, msk=b"?" * 16)
    return k.is_odd(edits.flipped(k.made(), 8 * len(k.made()) - 1), mtk.build([(k.next, stranger)], (1, OLD))[0])


@group_scene("MTK message whose MAC is wrong, in a group that does not sign", "stranger")
def _(_mode):
    k = OurKeyring(signed=False)
    return k.is_odd(edits.flipped(k.made(), 8 * len(k.made()) - 1))


@group_scene("MTK message without signature, by a member", "member")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made(None, key=b"?" * 16))


@group_scene("MTK message signed by another member", "member")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made((1, STRANGER)))


@group_scene("MTK message signed under a key that is not held", "member")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(k.made((2, OLD)), k.made((2, STRANGER)))


@group_scene("MTK message with the signature of another one", "member")
def _(_mode):
    k = OurKeyring()
    good = mtk.signature_of(k.made())
    other = replace(k.next, key=b"?" * 16)
    tick = [(replace(k.next, mtk_id=6 + i), k.under) for i in range(3)]
    in_tick = mtk.signature_of(mtk.build(tick, (1, OLD))[1])
    return k.is_odd(mtk.with_signature(other, k.under, good), mtk.with_signature(other, k.under, in_tick))


@group_scene("Merkle path of another length in an MTK message", "member")
def _(_mode):
    k = OurKeyring()
    octets = mtk.build([(k.next, k.under), (replace(k.next, mtk_id=7), k.under)], (1, OLD))[0]
    ext = mtk.signature_of(octets)
    seen = {k.is_dropped(mtk.with_signature(k.next, k.under, changed)) for changed in (ext[:6] + ext[22:], ext[:-64] + bytes(8) + ext[-64:])}
    k.takes(octets)
    return "; ".join(sorted(seen))


@group_scene("MTK message beyond the last of its tick", "member")
def _(_mode):
    k = OurKeyring()
    ext = mtk.signature_of(k.made())
    return k.is_odd(*(mtk.with_signature(k.next, k.under, ext[:4] + bytes(place) + ext[6:]) for place in ((1, 1), (0, 0))))


@group_scene("short EXT 242", "member")
def _(_mode):
    k = OurKeyring()
    return k.is_odd(*(mtk.with_signature(k.next, k.under, u32(1) + bytes((0, 1)) + bytes(size)) for size in (0, 63)))


@group_scene("MTK message: bits flipped on the way")
def _(_mode):
    k = OurKeyring()
    octets = k.made()
    k.is_odd(*(edits.flipped(octets, bit) for bit in range(0, 8 * len(octets), 3)))
    return "dropped"
