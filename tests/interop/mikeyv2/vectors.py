# SPDX-License-Identifier: Apache-2.0
"""Worked numbers: whole exchanges from a seed, with every key on the way, as JSON in hex. What is in it is secret to nobody."""
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import group_rekey, lab, message, prf, schedule
from .content import Content
from .lab import ALICE, BOB, GROUP_URI, Lab
from .payloads import Kemac, KeyData, V
from .tables import *


def _keys(k, kemac):
    """Message keys (§4.3) of one message."""
    found = {"inkey": k.inkey, "prf": k.prf, "context": k.context, "h1": k.h1, "h2": k.h2,
             "authentication": k.key(prf.AUTHENTICATION, MAC_SIZE[kemac.mac_alg])}
    if isinstance(kemac, Kemac):
        found["encryption"], found["salt"] = k.key(prf.ENCRYPTION, ENCR_KEY[kemac.encr]), k.key(prf.SALT, 14)
        found["plaintext"] = k.decrypt(kemac.encr, kemac.data)
    return found


def exchange(mode, join, **options):
    seen = Lab((mode,), join, **options)
    passed = [datagrams[0] for datagrams in seen.run()]
    assert seen.o.state == "done" and len(passed) == 4
    o, names = seen.o, ("cap", "answer", "finish", "keys")
    entry = next(iter(seen.a.entries.values()))
    answer, keys = message.decode(passed[1]), message.decode(passed[3])
    found = {"mode": MODE_NAMES[mode], "join": join, "psk": lab.PSK_AB, "id_o": ALICE.value, "id_a": (GROUP_URI if join else BOB).value,
             **dict(zip(names, passed)), "th": o.th, "ah": o.ah, "f": o.f, "x": o.x, "rand_i": o.rand_i, "rand_r": o.answer_rand}
    if o.psk:
        found["psk_v2"] = o.psk
        cap = message.decode(passed[0])
        found["cap_keys"] = _keys(schedule.MessageKeys(o.psk, 1, o.csb_id, DT_CAP, o.rand_i, b""), cap.one(V)) if cap.one(V) else None
    if answer.one(Kemac):
        inkey = o.psk if mode == DHHMAC else o.x
        found["answer_keys"] = _keys(schedule.MessageKeys(inkey, o.prf, o.csb_id, answer.header.data_type, o.rand_i, o.answer_rand, o.th,
                                                          o.th, prf.ZERO), answer.one(Kemac))
    if mode != DH:
        proof = message.decode(passed[2]).one(V) or message.decode(passed[2]).one(Kemac)
        found["finish_keys"] = _keys(o.keys_for(FINISH_OF[mode], o.answer_rand), proof)
    found["keys_keys"] = _keys(o.keys_for(DT_KEYS, keys.rand(ROLE_A)), keys.one(Kemac))
    found["resumption_secret"] = schedule.resumption_secret(o.x, o.th, o.ah)
    if o.sessions:
        assert entry.sessions == o.sessions
        found["sessions"] = [vars(s) for s in o.sessions]
    return found


def update():
    """GROUP_REKEY of three packets with filter MAC and key roll."""
    old, new = (Ed25519PrivateKey.from_private_bytes(bytes((i,)) * 32) for i in (1, 2))
    u = group_rekey.Update(b"\1\2\3", b"\0\7\0\2", 77, group_rekey.TREE, b"treetree", 5, b"n" * 16, 10)
    root, msk_1, msk_2 = b"r" * 32, b"1" * 16, b"2" * 16
    content = Content([KeyData(K_TGK, msk_2, interval=(b"\0\1", b"\xff\xff"))])
    packets = group_rekey.build(u, [bytes((i,)) * 50 for i in range(3)], (1, old), msk_1, b"\0\7\0\1", root, content, (2, new))
    bodies = [group_rekey.body_of(message.decode(p)) for p in packets]
    leaves = [group_rekey.leaf_of(i, body) for i, body in enumerate(bodies)]
    return {"packets": packets, "root": root, "msk_before": msk_1, "msk": msk_2, "wrapping": u.wrapping(root).inkey,
            "filter_key": u.filter_key(msk_1), "leaves": leaves, "merkle_root": group_rekey.levels_of(leaves)[-1][0],
            "signed": u.signed(1, 3, group_rekey.levels_of(leaves)[-1][0]), "roll": u.roll(1, 2, group_rekey.public_of(new)),
            "old_public": group_rekey.public_of(old), "new_public": group_rekey.public_of(new)}


def certificates():
    """Of the signed modes: they differ at each run."""
    def private(c):
        return c.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sides = {"alice": lab.KEYS.alice, "bob": lab.KEYS.bob, "controller": lab.KEYS.controller}
    return {"anchor": lab.der(lab.KEYS.root), "controller_use": lab.CONTROLLER_USE, "valid_at": int(lab.NOW),
            **{name: {str(kind): {"certificate": c.chain[0], "key": private(c)} for kind, c in side.items()}
               for name, side in sides.items()}}


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def everything():
    variants = {"": {}, " key wrap": {"o": {"encr": (KEY_WRAP,)}}, " AES-CM-128, SHA-1, MIKEY-1": {
        "o": {"encr": (AES_CM_128,), "mac": (HMAC_SHA1,), "prf": (PRF_MIKEY1,)}, "a": {"mac": (1,), "prf": (0,)}}}
    small = {"show": "chash"}
    found = {}
    for mode in MODE_NAMES:
        for name, options in variants.items():
            o = {**options.get("o", {}), **(small if mode == RSA else {})}
            a = {**options.get("a", {}), **(small if mode == RSA else {})}
            found[MODE_NAMES[mode] + name] = _exchange_of(mode, False, o, a)
        found[MODE_NAMES[mode] + " join"] = _exchange_of(mode, True, small if mode == RSA else {}, small if mode == RSA else {})
    return plain({"exchanges": found, "group_rekey": update(), "certificates": certificates()})


def _exchange_of(mode, join, o, a):
    peers = {GROUP_URI if join else BOB: (lab.KEYS.controller[S_ED25519] if join else lab.KEYS.bob[S_RSA_PSS]).chain}
    mine = {ALICE: lab.KEYS.alice[S_RSA_PSS].chain}
    return exchange(mode, join, o=o, a=a, known=(peers, mine) if mode == RSA else ({}, {}))
