#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spells docs/mikeyv2-group-examples.md from the vectors of a group, so that page and code cannot drift.

mikeyv2_group_examples.py > docs/mikeyv2-group-examples.md     writes it
mikeyv2_group_examples.py --check docs/mikeyv2-group-examples.md   fails where it is another
"""
import json
import pathlib
import sys

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "interop"))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

import mikeyv2_examples  # noqa: E402
from mikeyv2 import group_rekey, message, mtk, prf, report  # noqa: E402
from mikeyv2.octets import Reader  # noqa: E402
from mikeyv2.payloads import INNER, Ext, Idr, Kemac, KeyData, Randr, T, V, decode_chain  # noqa: E402
from mikeyv2.tables import *  # noqa: E402, F403

HEAD = """# Worked messages of a group of MIKEYv2

What [the specification](mikeyv2.md) has beside exchanges, octet by octet: GROUP_REKEY, REPORT, KEYS outside of an exchange, signed MTK messages.
Exchanges are on [another page](mikeyv2-examples.md). The same and more stand for programs in `tests/interop/mikeyv2/group_vectors.json`, made by the
peer in Python that was written from the specification alone; our code makes the same octets in the tests, and takes them. This page is spelled from
that file. The keys are published and protect nothing.

Each line is a payload with all of its octets. Under a message stand the values on the way to them, called as in the specification: of a KEMAC or V
inkey and context of §4.4, the keys that follow from them by §4.3, the octets that are covered before the message (§4.2), and what the KEMAC has
inside. EXT 241 is any octets here; the new root that a member finds by them is given.
"""
EXTENSIONS = {E_KEY_ID: "key ids", E_CSB_ID: "CSB ID", E_TREE: "tree update", E_MTK_SIGNATURE: "signature", E_FILTER: "filter MAC",
              E_ROLL: "key roll", E_PATH: "path", E_UPDATE: "update", E_MSK: "MSK state", E_MEMBER: "member", E_REPORT: "report",
              E_TICKET: "ticket"}
KEYS = {K_TGK: "MSK", K_TREE: "tree", K_MTK: "MTK", K_VERIFY: "verify", K_TEK_SALT: "TEK+SALT"}
COLUMN, WIDTH = 22, 60  # of names, and octets a line


def rows(name, octets):
    return mikeyv2_examples.rows(name, octets, COLUMN, WIDTH)


def title(payload):
    if isinstance(payload, Ext):
        return f"EXT {payload.type} {EXTENSIONS[payload.type]}"
    if isinstance(payload, KeyData):
        return f"Key data {payload.type} {KEYS[payload.type]}"
    name = type(payload).__name__.upper()
    return f"{name}({payload.role})" if isinstance(payload, (Idr, Randr)) else name


def spelled(octets, payloads, ends, at, indent=""):
    """The payloads that begin at `at`, a line each."""
    lines = []
    for payload, end in zip(payloads, ends):
        if title(payload) == "PADDING":
            lines.append(f"{'PADDING':{COLUMN}}{octets[at : at + 3].hex()}, and {end - at - 3} octets of zeros")
        else:
            lines += rows(indent + title(payload), octets[at:end])
        at = end
    return lines


def inside(plain):
    found = decode_chain(P_KEY, Reader(plain), INNER) if plain else []
    return ["inside"] + (spelled(plain, [p for p, _ in found], [end for _, end in found], 0, "  ") or ["  nothing"])


def outside(m):
    """A message's payloads; the first begins where the header, of 10 octets and the map, ends."""
    reader = Reader(m.octets)
    message.decode_header(reader)
    return rows("HDR", m.octets[: reader.at]) + spelled(m.octets, m.payloads, m.ends, reader.at)


def proof(keys, of):
    """What a KEMAC or V is made by."""
    lines = rows("inkey", keys.inkey) + rows("context", keys.context) + rows("auth key", keys.key(prf.AUTHENTICATION, MAC_SIZE[of.mac_alg]))
    lines += rows("covers first", keys.covered(b""))
    if not isinstance(of, Kemac) or not of.data:
        return lines
    lines += rows("encr key", keys.key(prf.ENCRYPTION, ENCR_KEY[of.encr]))
    if of.encr != KEY_WRAP:
        lines += rows("salt", keys.key(prf.SALT, 14))
    return lines + inside(keys.decrypt(of.encr, of.data))


def block(*parts):
    """Parts are apart by an empty line."""
    return mikeyv2_examples.block([line for part in parts for line in ["", *part]][1:])


def octets_of(of, *names):
    return [bytes.fromhex(of[name]) for name in names]


# GROUP_REKEY

def packet_of(update, number):
    octets = bytes.fromhex(update["packets"][number])
    m = message.decode(octets)
    head, key_id, index, leaves, path = group_rekey.read(m)
    leaf = group_rekey.leaf_of(index, group_rekey.body_of(m))
    root = group_rekey.root_of(leaf, index, leaves, path)
    signing = rows("leaf", leaf) + rows("root of the leaves", root) + rows("signed", head.signed(key_id, leaves, root))
    roll = m.ext(E_ROLL)
    if roll:
        signing += rows("signed by new key", head.roll(key_id, int.from_bytes(roll[:4], "big"), roll[4:36]))
    before = bytes.fromhex(update["msk_before"])
    if before:
        signing += rows("filter key", head.filter_key(before))
    kemac = m.one(Kemac)
    wrapping = proof(head.wrapping(bytes.fromhex(update["root"])), kemac) if kemac else []
    text = f"**Packet {number}**, index {index} of {leaves}, {len(octets)} octets\n"
    return [text, block(*filter(None, (outside(m), wrapping, signing)))]


def update_of(update, about, numbers):
    first_use = "by the MKI" if update["first_use"] == group_rekey.BY_MKI else f"{update['first_use']} ms from now"
    values = rows("new root", bytes.fromhex(update["root"])) if update["trees"] else []
    values += rows("MSK before", bytes.fromhex(update["msk_before"]))
    text = (f"## {about}\n\nEpoch {update['epoch']}, T {update['t']}, first use {first_use}, repair window {update['window']} ms, signed by key "
            f"{update['signer']}.\n")
    return [text, block(values)] + [line for number in numbers for line in packet_of(update, number)]


# REPORT, and KEYS that answer it

def report_of(told):
    octets = bytes.fromhex(told["octets"])
    m = message.decode(octets)
    held = "held for very long" if told["held"] == 0xFFFFFFFF else f"held for {told['held']} ms"
    text = f"**REPORT {told['name']}**, T {told['t']}, the newest MSK {held}, {len(octets)} octets\n"
    r, rand = octets_of(told, "r", "rand")
    return [text, block(outside(m), proof(report.report_keys(r, told["csb_id"], rand), m.one(V)))]


def keys_of(told):
    octets, asked, r, rand_r = octets_of(told, "octets", "report", "r", "rand_r")
    m = message.decode(octets)
    keys = report.unasked_keys(r, told["csb_id"], rand_r, told["t"])
    if asked:
        keys = report.answer_keys(r, told["csb_id"], message.decode(asked).rand(ROLE_O), rand_r, asked)
    return [f"**KEYS {told['name']}**, {len(octets)} octets\n", block(outside(m), proof(keys, m.one(Kemac)))]


# MTK messages

def mtk_of(told, number, public):
    octets, msk, rand = octets_of(told, "octets", "msk", "rand")
    under = mtk.Under(msk, rand, told["prf"], told["encr"], told["mac"])
    opened = mtk.open_signed(octets, under, 1, public)
    found = decode_chain(octets[2], Reader(octets, 10), {c.KIND: c for c in (Ext, T, Kemac)})
    (ext, ext_end), (kemac, _) = found[2:]
    index, leaves, path = ext.data[4], ext.data[5], ext.data[6:-64]
    draft = octets[: ext_end - len(ext.data)] + bytes(len(ext.data)) + octets[ext_end : -len(kemac.mac)]
    leaf = mtk.leaf_of(index, draft)
    root = mtk.root_of(leaf, index, leaves, [path[at : at + 16] for at in range(0, len(path), 16)])
    keys = [line for name, constant, size in (("auth key", prf.AUTHENTICATION, MAC_SIZE[told["mac"]]),
                                              ("encr key", prf.ENCRYPTION, ENCR_KEY[told["encr"]]), ("salt", prf.SALT, 14))
            for line in rows(name, under.key(constant, told["csb_id"], size))]
    return [f"**MTK message {number}**, leaf {index} of {leaves}, {len(octets)} octets\n",
            block(rows("HDR", octets[:10]) + spelled(octets, [p for p, _ in found], [end for _, end in found], 10),
                  rows("MSK", msk) + rows("RAND of the group", rand) + keys + inside(under.crypt(told["csb_id"], opened.counter, kemac.data)),
                  rows("leaf", leaf) + rows("root of the leaves", root) + rows("signed", mtk.signed(1, leaves, root)))]


def page(vectors):
    private = {number: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)) for number, seed in vectors["seeds"].items()}
    public = {number: group_rekey.public_of(key) for number, key in private.items()}
    updates, reports, keys = ({one["name"]: one for one in vectors[kind]} for kind in ("updates", "reports", "keys"))
    in_common = [line for number in public for line in rows(f"seed of key {number}", bytes.fromhex(vectors["seeds"][number]))
                 + rows(f"key {number}", public[number])]
    parts = [HEAD, "## Verification keys\n\nEd25519; a seed is RFC 8032's private key.\n", block(in_common)]
    parts += update_of(updates["2 packets"], "A tree update of two packets", (0, 1))
    parts += update_of(updates["key roll"], "A key roll, in the last of three packets", (2,))
    parts += update_of(updates["subset difference, first use told"], "Subset difference, with a time of first use", (0,))
    parts += update_of(updates["announcement"], "An announcement", (0,))
    user = bytes.fromhex(vectors["psk_v2"])
    parts += [f"## REPORT and its answers\n\nThe member is NAI `{bytes.fromhex(vectors['member']).decode()}`, the group URI "
              f"`{bytes.fromhex(vectors['group']).decode()}`.\n", block(rows("PSKv2", user) + rows("R", prf.kdf(user, b"report")))]
    for asked, answer in (("acknowledge", "to acknowledge: a next MSK"), ("missing", "to missing"), ("leave", "to leave")):
        parts += report_of(reports[asked]) + keys_of(keys[answer])
    parts += report_of(reports["with a ticket"])
    parts += ["## Unasked KEYS\n\nUnder the same R.\n"] + keys_of(keys["unasked"]) + keys_of(keys["tree keys alone"])
    parts += ["## Signed MTK messages of one tick\n\nOf three groups, under key 1. The last leaf has no neighbour at first and moves up.\n"]
    for number, told in enumerate(vectors["ticks"][1]):
        parts += mtk_of(told, number, private["1"].public_key())
    return "\n".join(parts)


if __name__ == "__main__":
    file = TESTS / "interop/mikeyv2/group_vectors.json"
    mikeyv2_examples.spell(page(json.loads(file.read_text(encoding="utf-8"))))
