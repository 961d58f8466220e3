# SPDX-License-Identifier: Apache-2.0
"""Worked messages of a group (§10): GROUP_REKEY, announcements, REPORT, KEYS outside of an exchange, signed MTK messages, from fixed
keys. `python3 -m mikeyv2.group_vectors` writes group_vectors.json beside this file; what is in it is secret to nobody."""
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import group_rekey, mtk, report, schedule, seal, srtp
from .content import Content
from .group_rekey import ANNOUNCEMENT, BY_MKI, SUBSET, TREE, Update
from .message import Header, MapEntry
from .octets import u16, u32
from .payloads import Identity, Kemac, KeyData, Randr, T
from .tables import *

FILE = pathlib.Path(__file__).with_name("group_vectors.json")
SEEDS = {1: bytes((1,)) * 32, 2: bytes((2,)) * 32}  # key id: seed of the Ed25519 key
DOMAIN, CSB = b"\1\2\3", 0x4D
MEMBER, GROUP = Identity(NAI, b"member@example.org"), Identity(URI, b"mikey://example.org/tv")
MSK_BEFORE, MSK = bytes(range(16)), bytes(range(16, 32))
PSK_V2 = bytes(range(64, 96))
R = schedule.report_key(PSK_V2)


def private(key_id):
    return Ed25519PrivateKey.from_private_bytes(SEEDS[key_id])


def update(name, count, kind=TREE, encr=AES_CM_256, filtered=True, roll=None, root=b"r" * 32, msk=MSK, signer=1, **more):
    u = Update(DOMAIN, b"\0\7\0\2", CSB, **{**dict(kind=kind, tree_id=b"treetree", epoch=5, nonce=bytes(range(96, 112)), t=10), **more})
    trees = [None] if kind == ANNOUNCEMENT else [bytes((i,)) * (20 + i) for i in range(count)]
    plain = None if kind == ANNOUNCEMENT else Content([KeyData(K_TGK, msk, interval=(b"\0\1", b"\xff\xfe"))])
    packets = group_rekey.build(u, trees, (signer, private(signer)), MSK_BEFORE if filtered else None, b"\0\7\0\1" if filtered else None,
                                root, plain, (roll, private(roll)) if roll else None, encr)
    return {"name": name, "domain": DOMAIN, "msk_id": u.msk_id, "csb_id": CSB, "kind": kind, "tree_id": u.tree_id, "epoch": u.epoch,
            "nonce": u.nonce, "t": u.t, "first_use": u.first_use, "window": u.window, "encr": encr, "root": root, "msk": msk,
            "msk_before": MSK_BEFORE if filtered else b"", "signer": signer, "roll": roll or 0, "trees": [t for t in trees if t],
            "packets": packets}


def updates():
    return [update(f"{n} packets", n) for n in (1, 2, 3, 5, 7, 16)] + [
        update("no filter MAC", 2, filtered=False),
        update("key roll", 3, roll=2),
        update("AES-CM-128", 2, encr=AES_CM_128, root=b"s" * 16),
        update("key wrap, 256 bits", 2, encr=KEY_WRAP, msk=bytes(range(32))),
        update("subset difference, first use told", 2, kind=SUBSET, first_use=2500, window=30000),
        update("by the next key", 1, signer=2, epoch=6, t=11),
        update("announcement", 1, kind=ANNOUNCEMENT),
        update("announcement without filter MAC", 1, kind=ANNOUNCEMENT, filtered=False)]


class Fixed:
    """Randomness of one octet."""

    def __init__(self, octet):
        self.octet = octet

    def octets(self, size):
        return bytes((self.octet,)) * size


def a_report(name, kind, ticket=b"", **more):
    of = {"t": 7, "tree_id": b"treetree", "epoch": 5, "last_t": 10, "msk_id": b"\0\7\0\2", "held": 1500, **more}
    octets = report.build_report(Fixed(0x51), R, MEMBER, GROUP, (DOMAIN, of["msk_id"]), CSB, kind=kind, ticket=ticket or None, **of)
    return {"name": name, "kind": kind, "ticket": ticket, "domain": DOMAIN, "csb_id": CSB, "r": R, "rand": b"\x51" * 32, **of,
            "octets": octets}


def reports():
    return [a_report("acknowledge", report.ACKNOWLEDGE), a_report("missing", report.MISSING, t=8, held=0xFFFFFFFF),
            a_report("leave", report.LEAVE, t=9), a_report("with a ticket", report.MISSING, bytes(range(200))),
            a_report("longer than its padding", report.MISSING, bytes(500))]


def group_content(two=False):
    keys = [KeyData(K_TGK, MSK, interval=(b"\0\5", b"\xff\xfe"))]
    keys += [KeyData(K_TGK, bytes(range(32, 48)), interval=(b"\0\1", b"\xff\xfe"))] if two else []
    keys.append(KeyData(K_TREE, bytes(range(48)), spi=u32(9) + b"".join(u32(v) + b"\1" for v in (3, 4, 5))))
    keys.append(KeyData(K_MTK, b"k" * 16, b"s" * 12, spi=b"\0\7\0\2\0\5"))
    keys.append(KeyData(K_VERIFY, group_rekey.public_of(private(1)), spi=u32(1)))
    states = [DOMAIN + b"\0\7\0\2" + u32(41)] + ([DOMAIN + b"\0\7\0\3" + u32(0)] if two else [])
    member = b"treetree" + u32(5) + u32(10) + u32(3) + u32(2) + u16(1400) + u32(1000) + u32(8) + u32(4)
    return Content(keys, None, [bytes((i,)) * 16 for i in range(len(states))], CSB, states, member)


def loose(name, encr, got, asked=None, t=0):
    keys = report.answer_keys(R, CSB, b"\x51" * 32, b"\x52" * 32, asked) if asked else report.unasked_keys(R, CSB, b"\x52" * 32, t)
    entries = (MapEntry(1, (0,), 0x1111, (3, 700), b"\0\7\0\2\0\5"), MapEntry(2, (0,), 0x2222, (0, 9), b"\0\7\0\2\0\5"))
    has_streams = bool(got.msks())
    payloads = ([Randr(ROLE_O, b"\x51" * 32)] if asked else []) + [Randr(ROLE_A, b"\x52" * 32)] + ([] if asked else [T(t)])
    payloads += ([srtp.policy(0, 0x0007)] if has_streams else []) + [seal.kemac(keys, encr, HMAC_SHA256, got.encode())]
    octets = seal.build(Header(DT_KEYS, CSB, map=entries if has_streams else None), payloads, keys)
    return {"name": name, "encr": encr, "report": asked or b"", "t": t, "r": R, "rand_r": b"\x52" * 32, "csb_id": CSB, "domain": DOMAIN,
            "group": b"\0\7", "msks": [k.key for k in got.msks()], "octets": octets}


def all_keys():
    asked = {one["name"]: one["octets"] for one in reports()}
    tree_only = Content([group_content().keys[1]], member_state=group_content().member_state)
    return [loose("to missing", AES_CM_256, group_content(), asked["missing"]),
            loose("to leave", AES_CM_256, Content(), asked["leave"]),
            loose("to acknowledge: a next MSK", AES_CM_128, group_content(True), asked["acknowledge"]),
            loose("unasked", AES_CM_256, group_content(), t=5),
            loose("unasked, key wrap", KEY_WRAP, group_content(True), t=6), loose("tree keys alone", AES_CM_256, tree_only, t=7)]


def tick(count, **more):
    messages = [(mtk.Mtk(DOMAIN, u16(7 + i) + b"\0\2", 5 + i, CSB + i, 40 + i, bytes((i,)) * 16, bytes((i + 1,)) * 12),
                 mtk.Under(bytes((i + 2,)) * 16, bytes((i + 3,)) * 16, **more)) for i in range(count)]
    octets = mtk.build(messages, (1, private(1)))
    return [{"domain": m.key_domain, "msk_id": m.msk_id, "mtk_id": m.mtk_id, "csb_id": m.csb_id, "counter": m.counter, "key": m.key,
             "salt": m.salt, "msk": u.msk, "rand": u.rand, "prf": u.prf, "encr": u.encr, "mac": u.mac, "octets": o}
            for (m, u), o in zip(messages, octets)]


def ticks():
    return [tick(1), tick(3), tick(20), tick(2, prf=PRF_MIKEY1, mac=HMAC_SHA1), tick(2, encr=AES_CM_256)]


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def text():
    found = {"seeds": {str(k): v for k, v in SEEDS.items()}, "member": MEMBER.value, "group": GROUP.value, "psk_v2": PSK_V2,
             "updates": updates(), "reports": reports(), "keys": all_keys(), "ticks": ticks()}
    return json.dumps(plain(found), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
