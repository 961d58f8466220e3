# SPDX-License-Identifier: Apache-2.0
"""GROUP_REKEY, announcements and key roll, and what of group keys is installed, at our member (§10)."""
from dataclasses import replace

from mikeyv2 import content, edits, message
from mikeyv2.group_rekey import ANNOUNCEMENT, build, public_of
from mikeyv2.group_scenes import CONTENT, MSK_1, MSK_ID, NEXT, OLD, ROOT, STRANGER, UPDATE
from mikeyv2.group_scenes import packets as _packets
from mikeyv2.lab import NOW
from mikeyv2.octets import u16, u32
from mikeyv2.payloads import *
from mikeyv2.tables import *

from .group_target import OurMember
from .rows import expect
from .scenes import scene

DOMAIN = UPDATE.key_domain
TREES = [bytes((i,)) * 50 for i in range(16)]
NAME = {"domain": DOMAIN.hex(), "key_group": 7, "csb_id": UPDATE.csb_id, "encr": AES_CM_256}
LATER = replace(UPDATE, epoch=6, t=11)


def place(epoch, t, tree_id=b"treetree"):
    return tree_id + u32(epoch) + u32(t) + u32(0) * 2 + u16(1400) + u32(1000) + u32(0) * 2


def given(epoch=4, number=1, t=9, tree_id=b"treetree", group=b"\0\7", domain=DOMAIN, signer=(1, OLD)):
    """Content of an answer or of KEYS."""
    keys = [KeyData(K_TGK, MSK_1, interval=(b"\0\1", b"\xff\xfe"))]
    keys += [KeyData(K_VERIFY, public_of(signer[1]), spi=u32(signer[0]))] if signer else []
    return content.Content(keys, None, [bytes(16)], UPDATE.csb_id, [domain + group + u16(number) + u32(3)], place(epoch, t, tree_id))


def member(trees=TREES, waits=False):
    return OurMember(NAME, given(), {tree: ROOT for tree in trees}, waits)


def packets(count=3, update=UPDATE, **more):
    return _packets(count, update, **more)


def announcement(signer=OLD, **changes):
    return build(replace(UPDATE, kind=ANNOUNCEMENT, **changes), [None], (1, signer), MSK_1, MSK_ID)[0]


def group_scene(name, by="network"):
    return scene(name, "§10", (), by)


def _is_dropped(wrong):
    """What a member says of a packet, and takes the good one behind it."""
    m = member()
    seen = m.is_dropped(wrong)
    m.takes(packets()[0])
    return seen


def _with_path(packet, change):
    """Another EXT 245; what it covers is not changed."""
    m = message.decode(packet)
    payloads = m.payloads[:-2] + [replace(m.payloads[-2], data=change(m.payloads[-2].data)), m.payloads[-1]]
    return bytes(message.encode(m.header, payloads)[0])


# place

@group_scene("GROUP_REKEY of an epoch that was applied")
def _(_mode):
    m = member()
    seen = m.is_dropped(packets(update=replace(UPDATE, epoch=4, t=11))[0])
    first = packets()
    m.takes(first[0])
    m.is_dropped(first[1], "already_held")
    return seen


@group_scene("GROUP_REKEY of an old T")
def _(_mode):
    m = member()
    m.takes(packets()[0])
    seen = m.is_dropped(packets(update=replace(LATER, t=10))[0])
    m.takes(packets(update=LATER, old_msk=None)[0])
    return seen


@group_scene("GROUP_REKEY of another group", "controller of another group")
def _(_mode):
    m = member()
    others = ({"csb_id": 78}, {"key_domain": b"\1\2\4"}, {"msk_id": b"\0\x08\0\2"})
    seen = {m.is_dropped(packets(update=replace(UPDATE, **other), old_msk=None)[0]) for other in others}
    m.takes(packets()[0])
    return "; ".join(sorted(seen))


@group_scene("GROUP_REKEY of a tree that is not held")
def _(_mode):
    return _is_dropped(packets(update=replace(UPDATE, tree_id=b"another!"))[0])


@group_scene("GROUP_REKEY far ahead: the member is stale, and asks")
def _(_mode):
    m = member()
    told = m.receive(NOW, packets(update=replace(UPDATE, epoch=69))[0])
    expect(told["event"] == "far ahead" and told["is_missing"] and (told["epoch"], told["t"]) == (4, 9), f"it is {told}")
    m.takes(packets(update=replace(UPDATE, epoch=68))[0])
    return "REPORT missing"


# proofs

@group_scene("GROUP_REKEY whose filter MAC is wrong")
def _(_mode):
    m, octets = member(), packets()[0]
    at = message.decode(octets).ends[-3]
    seen = m.is_dropped(edits.flipped(octets, 8 * at - 1), "authentication_failed")
    m.takes(octets)
    return seen


@group_scene("GROUP_REKEY signed by another member", "member")
def _(_mode):
    m = member()
    seen = {m.is_dropped(packets(signing=(1, STRANGER))[0]), m.is_dropped(packets(signing=(1, STRANGER), old_msk=None)[0])}
    m.takes(packets()[0])
    return "; ".join(sorted(seen))


@group_scene("GROUP_REKEY under a key that is not held", "member")
def _(_mode):
    return _is_dropped(packets(signing=(2, STRANGER))[0])


@group_scene("wrong signatures without filter MAC: 20 a second are computed")
def _(_mode):
    m, bad = member(), packets(signing=(1, STRANGER), old_msk=None)[0]
    for _ in range(20):
        m.is_dropped(bad, "authentication_failed")
    seen = m.is_dropped(bad, "rate_limited")
    m.is_dropped(bad, "authentication_failed", NOW + 1)
    return seen


@group_scene("wrong signatures without filter MAC do not keep out who has the MSK")
def _(_mode):
    m, bad = member(), packets(signing=(1, STRANGER), old_msk=None)[0]
    for _ in range(30):
        m.is_dropped(bad)
    m.takes(packets()[0])
    return "taken beside them"


@group_scene("Merkle path of another length")
def _(_mode):
    m, octets = member(), packets(old_msk=None)[0]
    changes = (lambda path: path + bytes(16), lambda path: path[:-16])
    seen = {m.is_dropped(_with_path(octets, change)) for change in changes}
    m.takes(octets)
    return "; ".join(sorted(seen))


@group_scene("Merkle path of half a node")
def _(_mode):
    m, octets = member(), packets(1, old_msk=None)[0]
    seen = m.is_dropped(_with_path(octets, lambda path: path + bytes(8)), "malformed")
    m.takes(octets)
    return seen


@group_scene("packet of an update said to be at another place")
def _(_mode):
    m, octets = member(), packets(old_msk=None)[0]
    seen = {m.is_dropped(_with_path(octets, lambda path: path[:4] + bytes(place) + path[6:])) for place in ((1, 3), (0, 4))}
    m.takes(octets)
    return "; ".join(sorted(seen))


@group_scene("packet of an update beyond its last")
def _(_mode):
    m, octets = member(), packets(1, old_msk=None)[0]
    seen = {m.is_dropped(_with_path(octets, lambda path: path[:4] + bytes(place) + path[6:])) for place in ((1, 1), (0, 0))}
    m.takes(octets)
    return "; ".join(sorted(seen))


@group_scene("17 packets under one signature", "controller")
def _(_mode):
    m = member(TREES + [bytes((16,)) * 50])
    seen = m.is_dropped(packets(17)[0])
    m.takes(packets(16)[0])
    return seen


@group_scene("GROUP_REKEY: bits flipped on the way")
def _(_mode):
    octets, m = packets(2, roll=(2, NEXT))[1], member()
    seen = {m.is_dropped(edits.flipped(octets, bit), now=NOW + bit) for bit in range(0, 8 * len(octets), 5)}
    m.takes(octets)
    expect(len(seen) > 1, "the reasons are not counted")
    return "dropped"


# content

@group_scene("KEMAC of another root behind a good signature: the member's keys are stale")
def _(_mode):
    m = member()
    told = m.receive(NOW, packets(root=b"?" * 32)[0])
    expect(told["event"] == "stale" and told["is_missing"] and (told["epoch"], told["t"]) == (4, 9), f"it is {told}")
    m.takes(packets()[1])
    return "REPORT missing"


@group_scene("GROUP_REKEY under another encryption than the group's", "controller")
def _(_mode):
    return _is_dropped(packets(encr=AES_CM_128)[0])


def _is_odd(keys, rands=(), **more):
    """A GROUP_REKEY with that inside is dropped."""
    m = member()
    inside = content.Content(list(keys), None, list(rands), **more)
    octets = build(UPDATE, TREES[:3], (1, OLD), MSK_1, MSK_ID, ROOT, inside)[0]
    seen = m.is_dropped(octets)
    m.takes(packets()[0])
    return seen


@group_scene("more than an MSK in a GROUP_REKEY", "controller")
def _(_mode):
    msk = CONTENT.keys[0]
    verifier = KeyData(K_VERIFY, public_of(STRANGER), spi=u32(1))
    return "; ".join(sorted({_is_odd([msk, verifier]), _is_odd([msk], csb_id=5)}))


@group_scene("another key than an MSK in a GROUP_REKEY", "controller")
def _(_mode):
    mtk = KeyData(K_MTK, b"k" * 16, b"s" * 12, spi=b"\0\7\0\2\0\1")
    verifier = KeyData(K_VERIFY, public_of(STRANGER), spi=u32(1))
    return "; ".join(sorted({_is_odd([mtk]), _is_odd([verifier])}))


@group_scene("MTK ID in a GROUP_REKEY", "controller")
def _(_mode):
    def change(payloads):
        ids = message.encode_key_id(UPDATE.key_domain, UPDATE.msk_id, b"\0\1")
        return [Ext(E_KEY_ID, ids) if isinstance(p, Ext) and p.type == E_KEY_ID else p for p in payloads]
    return _is_dropped(packets(change=change)[0])


@group_scene("PRF 0 in a GROUP_REKEY", "controller")
def _(_mode):
    return _is_dropped(packets(prf=PRF_MIKEY1)[0])


@group_scene("GROUP_REKEY without keys", "controller")
def _(_mode):
    return _is_dropped(build(UPDATE, [None], (1, OLD), MSK_1, MSK_ID)[0])


@group_scene("GROUP_REKEY with a signature of another type", "controller")
def _(_mode):
    m, octets = member(), packets(old_msk=None)[0]
    of = message.decode(octets)
    seen = m.is_dropped(bytes(message.encode(of.header, of.payloads[:-1] + [Sign(S_ECDSA, of.payloads[-1].signature)])[0]))
    m.takes(octets)
    return seen


# announcements

@group_scene("announcement signed by another member", "member")
def _(_mode):
    return _is_dropped(announcement(STRANGER))


@group_scene("announcement: it moves no T")
def _(_mode):
    m = member()
    m.takes(announcement(), "announced")
    expect((m.told["epoch"], m.told["t"]) == (4, 9), f"it moved: {m.told}")
    m.takes(packets()[0])
    return "announced alone"


@group_scene("announcement of an unknown tree, replayed: one REPORT")
def _(_mode):
    m, octets = member(), announcement(tree_id=b"another!")
    m.takes(octets, "other tree")
    expect(m.told["is_missing"], "it asks for nothing")
    return m.is_dropped(octets)


@group_scene("announcement of an unknown tree from before the last update")
def _(_mode):
    return _is_dropped(announcement(tree_id=b"another!", t=9))


@group_scene("announcement replayed: it brings no older repair window back")
def _(_mode):
    m, old = member(), announcement(window=30000)
    for octets, window in ((old, 30000), (announcement(t=11, window=5000), 5000), (old, 5000)):
        m.takes(octets, "announced")
        expect(m.told["window"] == window, f"the window is {m.told['window']}")
    return "the window stays"


@group_scene("announcement with keys", "controller")
def _(_mode):
    return _is_dropped(packets(update=replace(UPDATE, kind=ANNOUNCEMENT))[0])


# key roll

@group_scene("key roll to a key that nobody has", "controller")
def _(_mode):
    class Forged:
        """Public key of another than signs."""
        def public_key(self):
            return NEXT.public_key()

        def sign(self, octets):
            return STRANGER.sign(octets)
    m = member()
    seen = m.is_dropped(packets(roll=(2, Forged()))[0])
    m.takes(packets(roll=(2, NEXT))[0])
    return seen


@group_scene("the old key behind a key roll, of another update", "who has the old key")
def _(_mode):
    m = member()
    m.takes(packets(roll=(2, NEXT))[1])
    expect(m.told["key_id"] == 2, "it did not roll")
    seen = m.is_dropped(packets(update=LATER, old_msk=None)[0])
    m.takes(packets(update=LATER, old_msk=None, signing=(2, NEXT))[0])
    return seen


@group_scene("the old key behind a key roll that came in a packet for others", "who has the old key")
def _(_mode):
    m, rolling = member([TREES[2]]), packets(roll=(2, NEXT))
    m.takes(rolling[0], "not for it")
    expect(m.told["key_id"] == 2, "it did not roll")
    others = (LATER, replace(UPDATE, t=11), replace(LATER, t=10))
    seen = {m.is_dropped(packets(update=other, old_msk=None)[2]) for other in others}
    m.takes(rolling[2])
    expect(m.told["key_id"] == 2, "it rolled back")
    return "; ".join(sorted(seen))


@group_scene("another key roll in another packet of the same update", "who has the old key")
def _(_mode):
    m = member([TREES[2]])
    m.takes(packets(roll=(2, NEXT))[0], "not for it")
    m.takes(packets(roll=(3, STRANGER))[1], "not for it")
    expect(m.told["key_id"] == 2, "it rolled again")
    m.takes(packets(roll=(2, NEXT))[2])
    return "no roll"


@group_scene("KEYS from before a key roll: the old key does not come back, unless by who is asked behind it")
def _(_mode):
    for epoch, asked, asked_at, key_id in ((4, False, 0, 2), (4, True, NOW - 1, 2), (4, True, NOW + 1, 1), (5, False, 0, 1)):
        m = member([])
        m.takes(packets(roll=(2, NEXT))[0], "not for it")
        told = m.install(given(epoch=epoch, number=2), asked, asked_at)
        expect(told["status"] == "ok" and told["key_id"] == key_id, f"epoch {epoch}, asked {asked}: {told}")
    return "the new key stays"


# what waits

@group_scene("updates that cannot be applied yet: one packet of each of the newest 4")
def _(_mode):
    m = member([], waits=True)
    first = packets(update=replace(UPDATE, epoch=6, t=11))
    m.takes(first[0], "kept")
    m.is_dropped(first[1], "already_held")
    for epoch in (7, 8, 9, 10):
        m.takes(packets(1, replace(UPDATE, epoch=epoch, t=epoch + 5))[0], "kept")
    expect(m.told["pending"] == 4, f"{m.told['pending']} are kept")
    seen = m.is_dropped(packets(1, replace(UPDATE, epoch=6, t=11))[0])
    m.learn({tree: ROOT for tree in TREES})
    m.takes(packets()[0])
    expect(m.told["later"] == ["applied"] * 4, f"of those kept: {m.told['later']}")
    return seen


@group_scene("kept packets that an applied update has passed by")
def _(_mode):
    m = member([], waits=True)
    m.takes(packets(1)[0], "kept")
    m.takes(packets(1, replace(LATER, epoch=7, t=12))[0], "kept")
    m.learn({TREES[1]: ROOT}, waits=True)
    m.takes(packets(2, LATER)[1])
    expect(m.told["later"] == [] and m.told["pending"] == 1, f"it is {m.told}")
    return "dropped"


# what is installed

def _is_not_installed(asked, reason=None, **other):
    m = member()
    seen = m.is_not_installed(given(**other), asked, reason)
    told = m.install(given(epoch=5, t=10), False)
    expect(told["status"] == "ok" and told["epoch"] == 5, f"newer keys get {told}")
    return seen


@group_scene("keys of an older epoch")
def _(_mode):
    return _is_not_installed(True, epoch=3, number=9)


@group_scene("keys of the same epoch and an older MSK")
def _(_mode):
    return _is_not_installed(True, number=0)


@group_scene("keys of another group, to a REPORT or unasked", "controller of another group")
def _(_mode):
    seen = {_is_not_installed(True, epoch=5, group=b"\0\x08"), _is_not_installed(True, epoch=5, domain=b"\1\2\4")}
    return "; ".join(sorted(seen))


@group_scene("keys of a new tree that nobody asked for")
def _(_mode):
    return _is_not_installed(False, epoch=5, tree_id=b"another!")


@group_scene("older T in newer keys")
def _(_mode):
    m = member()
    m.takes(packets()[0])
    told = m.install(given(epoch=5, number=2, t=1), True)
    expect(told["status"] == "ok" and told["t"] == 10, f"its T is {told['t']}")
    return "the T stays"
