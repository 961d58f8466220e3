# SPDX-License-Identifier: Apache-2.0
"""Rows beside those of the peer's own table: values and places of which it tries one."""
from mikeyv2 import edits as e
from mikeyv2.dh import OAKLEY5_P
from mikeyv2.misbehave import Misbehaviour
from mikeyv2.misbehave_group import _content
from mikeyv2.payloads import *
from mikeyv2.octets import Reader, u8, u16
from mikeyv2.tables import *

_DHHMAC_MODES = (DHHMAC, EARLY_DHHMAC)
# Points of small order of curve25519, canonical or not.
_SMALL = {
    "0": "00" * 32, "1": "01" + "00" * 31, "p-1": "ec" + "ff" * 30 + "7f", "p": "ed" + "ff" * 30 + "7f", "p+1": "ee" + "ff" * 30 + "7f",
    "of order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "of order 8, the other": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
}
_OFF = {"infinity": "00" * 65, "a compressed form": "02" + "11" * 64, "a hybrid form": "06" + "11" * 64, "a point off the curve": "04" + "11" * 64,
        "coordinates above p": "04" + "ff" * 64}
_GCM = b"\0\1\6\1\1\x10\2\1\0\4\1\x0c\7\1\1\x08\1\1\x14\1\x10"


def _m(name, clause, by, point, change, modes=(PSK,), honest="drops", **lab):
    return Misbehaviour(name, clause, by, point, change, modes if isinstance(modes, tuple) else (modes,), honest, lab)


def _value(octets):
    return e.mapped(Dh, lambda d: Dh(d.group, octets))


class _NoData:
    """A crypto session without session data: its SSRC is nobody's."""

    def __init__(self, entry):
        self.entry, self.cs_id, self.policies, self.ssrc = entry, entry.cs_id, entry.policies, entry.ssrc

    def encode(self):
        return self.entry.encode()[:4] + u16(0) + u8(0)


class _Protocol(_NoData):
    def encode(self):
        octets = self.entry.encode()
        return octets[:1] + b"\1" + octets[2:]


def _hybrid(dh):
    """A good point of secp256r1 in another form."""
    return Dh(dh.group, bytes((6 | dh.value[-1] & 1,)) + dh.value[1:])


def _two_msks(got):
    got.keys.insert(0, got.keys[0])


def _kv(payload):
    class Odd(Dh):
        def encode(self):
            return bytes((self.group,)) + self.value + b"\1\0"
    return Odd(payload.group, payload.value)


class _OtherSp(Sp):
    def encode(self):
        return u8(self.number) + b"\1" + u16(len(self.parameters)) + self.parameters


def _ticket(got):
    got.keys.append(KeyData(K_TICKET, b"t", spi=bytes(4)))


def _csb_id_first(plain):
    """EXT 4 in front of the group RAND."""
    r = Reader(plain)
    chain = [p for p, _ in decode_chain(P_KEY, r, INNER)]
    ext = next(p for p in chain if isinstance(p, Ext) and p.type == E_CSB_ID)
    at = next(i for i, p in enumerate(chain) if isinstance(p, Rand))
    rest = [p for p in chain if p is not ext]
    return encode_chain(rest[:at] + [ext] + rest[at:])[1]


def _second_csb_id(plain):
    at = plain.rindex(b"\x04\0\4")
    return plain[:at - 1] + b"\x15" + plain[at:at + 7] + plain[at - 1:]


def _ids(data):
    return e.mapped(Ext, lambda x: Ext(E_KEY_ID, data) if x.type == E_KEY_ID else x)


def _points():
    for mode in _DHHMAC_MODES:
        at = [("A", "answer.payloads", "answer")] + [("O", "finish.payloads", "finish") if mode == DHHMAC else ("O", "cap.payloads", "CAP")]
        for by, point, where in at:
            for name, octets in _SMALL.items():
                yield _m(f"x25519 point {name}, {where} of mode {mode}", "§5", by, point, _value(bytes.fromhex(octets)), mode)
            for name, octets in _OFF.items():
                yield _m(f"secp256r1: {name}, {where} of mode {mode}", "§5", by, point, _value(bytes.fromhex(octets)), mode, o={"groups": (P256,)})
            yield _m(f"secp256r1: hybrid form of a good point, {where} of mode {mode}", "§5", by, point, e.mapped(Dh, _hybrid), mode,
                     o={"groups": (P256,)})
            for name, value in (("0", 0), ("1", 1), ("p-1", OAKLEY5_P - 1), ("p", OAKLEY5_P), ("2^1536-1", 2**1536 - 1)):
                yield _m(f"OAKLEY 5: {name}, {where} of mode {mode}", "§5", by, point, _value(value.to_bytes(192, "big")), mode,
                         o={"groups": (OAKLEY5,)})


TABLE = [
    *_points(),
    # CAP
    _m("oversize with a good proof", "§14", "O", "cap.payloads", e.added(Ext(99, bytes(MESSAGE_MAX)), Padding)),
    _m("identity of no octets", "§3.2", "O", "cap.payloads", e.mapped(Idr, lambda i: Idr(i.role, Identity(URI, b"")) if i.role == 1 else i)),
    _m("RANDR(2) in CAP", "§3.4", "O", "cap.payloads", lambda p: p[:1] + [Randr(2, bytes(32))] + p[1:]),
    _m("T in CAP", "§3.4", "O", "cap.payloads", e.added(T(1), Padding)),
    _m("KEMAC in CAP", "§3.4", "O", "cap.payloads", e.added(Kemac(3, b"", 2, bytes(32)), Padding)),
    _m("SIGN without a mode that uses it", "§3.3", "O", "cap.payloads", lambda p: p + [Sign(S_ED25519, bytes(64))]),
    _m("CHASH without a mode that uses it", "§6", "O", "cap.payloads", lambda p: p[:3] + [Chash(bytes(32))] + p[3:]),
    _m("TLVs that end early", "§3.3", "O", "cap.tlvs", lambda t: t[:-1]),
    _m("half a TLV at the end", "§3.3", "O", "cap.tlvs", lambda t: t + b"\xfa\0"),
    _m("swapped TLVs of the end", "§3.3", "O", "cap.tlvs", lambda t: e.join(e.split(t)[:-2] + e.split(t)[:-3:-1])),
    _m("1 fragment", "§3.3", "O", "cap.tlvs", e.with_tlv(T_FRAGMENTS, b"\x01")),
    _m("features of 3 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_FEATURES, bytes(3)), join=True),
    _m("cookie of 65 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_COOKIE, bytes(65))),
    _m("session of 33 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_SESSION, bytes(33))),
    _m("ticket id of 15 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_TICKET_ID, bytes(15))),
    _m("ticket id that nobody has", "§11", "O", "cap.tlvs", e.with_tlv(T_TICKET_ID, bytes(16))),
    _m("direction 0", "§3.3", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((0, 0, 0, 0, 0)))),
    _m("streams of 6 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((3, 0, 0, 0, 0, 0)))),
    *[_m(f"no {name} in CAP", "§3.3", "O", "cap.tlvs", e.without(kind))
      for name, kind in (("modes", T_MODES), ("prf", T_PRF), ("encr", T_ENCR), ("profiles", T_PROFILES))],
    _m("KV of DH", "§3.2", "O", "cap.payloads", e.mapped(Dh, _kv), EARLY_DHHMAC),
    _m("early mode without DH", "§3.3", "O", "cap.payloads", e.removed(Dh), EARLY_DHHMAC),
    _m("Key Domain ID of 2 octets", "§3.4", "O", "cap.payloads", _ids(b"\0\2\1\2\1\4\0\1\0\0"), join=True),
    _m("EXT 3 without MSK ID", "§3.4", "O", "cap.payloads", _ids(b"\0\3\1\2\3"), join=True),
    _m("MSK ID twice in EXT 3", "§3.4", "O", "cap.payloads", _ids(b"\0\3\1\2\3\1\4\0\1\0\0\1\4\0\1\0\0"), join=True),
    _m("MTK ID in EXT 3 of a join", "§3.4", "O", "cap.payloads", _ids(b"\0\3\1\2\3\1\4\0\1\0\0\2\2\0\1"), join=True),
    _m("EXT 3 twice", "§3.4", "O", "cap.payloads", lambda p: [y for x in p for y in ((x, x) if isinstance(x, Ext) else (x,))], join=True),
    _m("join for a peer, not a group", "§7", "O", "cap.payloads", e.mapped(Idr, lambda i: Idr(2, Identity(NAI, b"bob@example.org"))
                                                                            if i.role == 2 else i), join=True),
    _m("session with a group", "§7", "O", "cap.payloads",
       e.mapped(Idr, lambda i: Idr(2, Identity(URI, b"mbms://groups.example.org/one")) if i.role == 2 else i)),
    _m("order of modes changed on the way", "§4.1", "wire", "cap", lambda o: o.replace(b"\1\0\3\6\4\1", b"\1\0\3\1\4\6"),
       (EARLY_DHHMAC, DHHMAC, PSK)),
    _m("group changed on the way", "§4.1", "wire", "cap", lambda o: o.replace(bytes((T_GROUPS, 0, 3, X25519)), bytes((T_GROUPS, 0, 3, 240))),
       DHHMAC),
    _m("identity changed on the way", "§4.1", "wire", "cap", lambda o: o.replace(b"sip:alice@", b"sip:alicf@")),
    _m("public value changed on the way", "§4.2", "wire", "cap", lambda o: o[:-100] + bytes((o[-100] ^ 1,)) + o[-99:], EARLY_DHHMAC,
       o={"groups": (OAKLEY5,)}),
    # the answer
    _m("cross-mode: answer of mode 6 that names mode 4", "§7", "A", "answer.tlvs", e.with_tlv(T_MODES, b"\4"), (EARLY_DHHMAC, DHHMAC)),
    _m("cross-mode: answer of mode 4 that names mode 6", "§7", "A", "answer.tlvs", e.with_tlv(T_MODES, b"\6"), (DHHMAC, EARLY_DHHMAC)),
    _m("cross-mode: answer of mode 4 of the type of mode 1", "§7", "A", "answer.raw", e.put(1, [DT_PSK_RESP]), (DHHMAC, PSK)),
    _m("two modes in a choice", "§3.3", "A", "answer.tlvs", e.with_tlv(T_MODES, b"\1\4"), (PSK, DHHMAC)),
    _m("ticket in a choice", "§3.3", "A", "answer.tlvs", e.with_tlv(T_TICKET, b"?")),
    _m("streams in a choice", "§3.3", "A", "answer.tlvs", e.with_tlv(T_STREAMS, bytes((3, 0, 0, 0, 0)))),
    _m("fresh in a choice", "§3.3", "A", "answer.tlvs", e.with_tlv(T_FRESH, bytes(16))),
    _m("another session in a choice", "§12", "A", "answer.tlvs", e.with_tlv(T_SESSION, b"t" * 16), plan={"session": b"s" * 16}),
    _m("session left out of a choice", "§12", "A", "answer.tlvs", e.without(T_SESSION), plan={"session": b"s" * 16}),
    _m("IDR(1) instead of IDR(2)", "§3.4", "A", "answer.payloads", e.mapped(Idr, lambda i: Idr(1, i.identity))),
    _m("IDR(2) left out", "§3.4", "A", "answer.payloads", e.removed(Idr)),
    _m("octets behind an answer", "§3.2", "A", "answer.octets", e.then(b"\0")),
    _m("answer cut by one octet", "§3.2", "A", "answer.octets", e.cut(1)),
    _m("unknown extension in an answer", "§3.4", "A", "answer.payloads", e.added(Ext(99, b"odd"), Kemac), honest="ignores"),
    _m("known extension in an answer", "§3.4", "A", "answer.payloads", e.added(Ext(E_TREE, b"x"), Kemac)),
    _m("SIGN in an answer of mode 1", "§3.4", "A", "answer.payloads", lambda p: p + [Sign(S_ED25519, bytes(64))]),
    _m("RANDR(1) of another", "§7", "A", "answer.payloads", e.mapped(Randr, lambda r: Randr(r.role, bytes(32)) if r.role == 1 else r)),
    _m("crypto session without session data", "§9", "A", "answer.header", lambda h: e.replace(h, map=(_NoData(h.map[0]),) + h.map[1:])),
    _m("crypto session of another protocol", "§9", "A", "answer.header", lambda h: e.replace(h, map=(_Protocol(h.map[0]),) + h.map[1:])),
    _m("CS ID 0", "§9", "A", "answer.header", lambda h: e.replace(h, map=(e.replace(h.map[0], cs_id=0),) + h.map[1:])),
    _m("crypto sessions in falling order", "§9", "A", "answer.header", lambda h: e.replace(h, map=h.map[::-1])),
    _m("one CS ID twice", "§9", "A", "answer.header", lambda h: e.replace(h, map=(h.map[0], e.replace(h.map[1], cs_id=h.map[0].cs_id)))),
    _m("policy of a profile that was not chosen", "§3.3", "A", "answer.tlvs", e.with_tlv(T_PROFILES, b"\0\x08"), a={"policies": 2}),
    _m("join: two MSKs and one state", "§3.5", "A", "answer.plain", _content(_two_msks), join=True),
    _m("policy of another protocol", "§3.2", "A", "answer.payloads", e.mapped(Sp, lambda s: _OtherSp(s.number, s.parameters))),
    _m("policy without map", "§3.1", "A", "answer.payloads", e.added(Sp(0, _GCM), Dh), DHHMAC, join=True),
    _m("ticket in an answer to a join", "§11", "A", "answer.plain", _content(_ticket), join=True),
    _m("join: order inside a KEMAC", "§3.5", "A", "answer.plain", _csb_id_first, join=True),
    _m("two CSB IDs of a group", "§3.5", "A", "answer.plain", _second_csb_id, join=True),
    _m("TGK with an SPI", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 32, spi=b"spi!")])[1]),
    _m("TGK with an interval", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 32, interval=(b"\0\1", b"\0\2"))])[1]),
    _m("IDR(2) inside a KEMAC of mode 1", "§3.5", "A", "answer.plain", lambda p: encode_chain(
        [Idr(2, Identity(NAI, b"bob@example.org")), KeyData(0, b"k" * 32)])[1]),
    _m("join keys in a session", "§3.5", "A", "answer.plain", lambda p: encode_chain(
        [KeyData(0, b"k" * 32), Rand(bytes(16)), Ext(E_MSK, bytes(11))])[1]),
    # the finish
    _m("cross-mode: V instead of public value and KEMAC", "§3.4", "O", "finish.payloads", lambda p: p[:2] + [V(2, bytes(32))], DHHMAC),
    _m("cross-mode: public value and KEMAC instead of V", "§3.4", "O", "finish.payloads",
       lambda p: p[:2] + [Dh(X25519, b"\x09" + bytes(31)), Kemac(3, b"", 2, bytes(32))], EARLY_DHHMAC),
    _m("public value of another group in a finish", "§3.3", "O", "finish.payloads", e.mapped(Dh, lambda d: Dh(P256, b"\4" + bytes(64))), DHHMAC),
    _m("finish under another encr than chosen", "§3.3", "O", "finish.payloads", e.changed(Kemac, encr=1), DHHMAC),
    _m("NULL MAC in a finish", "§3.3", "O", "finish.payloads", e.mapped(V, lambda v: V(0, b""))),
    _m("NULL MAC in a finish's KEMAC", "§3.3", "O", "finish.payloads", e.changed(Kemac, mac_alg=0, mac=b""), DHHMAC),
    _m("octets behind a finish", "§3.2", "O", "finish.octets", e.then(b"\0")),
    _m("V bit of a finish", "§3.1", "O", "finish.raw", e.put(3, [0x81])),
    _m("unknown extension in a finish", "§3.4", "O", "finish.payloads", e.added(Ext(99, b"odd"), V), honest="ignores"),
    _m("known extension in a finish", "§3.4", "O", "finish.payloads", e.added(Ext(E_TREE, b"x"), V)),
    _m("finish of another name", "§4.2", "O", "finish.keys", lambda k: e.replace(k, data_type=DT_KEYS)),
    _m("wrong transcript: TH zero in a finish", "§4.4", "O", "finish.keys", lambda k: e.replace(k, h1=bytes(32))),
    _m("wrong transcript: context of the answer in a finish", "§4.4", "O", "finish.keys", lambda k: e.replace(k, context=k.h1)),
    _m("the answer's policy with other parameters", "§9", "O", "finish.payloads", e.added(Sp(3, b"\7\1\0"), V)),
    _m("the answer's policy, and another", "§9", "O", "finish.payloads", lambda p: p[:2] + [Sp(3, _GCM), Sp(7, b"\0\1\1")] + p[2:]),
    # KEYS and RETRY
    _m("policy in KEYS of a session", "§3.1", "A", "keys.payloads", e.added(Sp(0, _GCM), Kemac)),
    _m("MSK in KEYS of a session", "§3.5", "A", "keys.plain",
       lambda p: encode_chain([KeyData(0, b"k" * 16, interval=(b"\0\1", b"\0\2")), Rand(bytes(16)), Ext(E_MSK, bytes(11))])[1]),
    _m("octets behind KEYS", "§3.2", "A", "keys.octets", e.then(b"\0")),
    _m("NULL MAC in KEYS", "§3.3", "A", "keys.payloads", e.changed(Kemac, mac_alg=0, mac=b"")),
    _m("unknown extension in KEYS", "§3.4", "A", "keys.payloads", e.added(Ext(99, b"odd"), Kemac), honest="ignores"),
    _m("V bit of KEYS", "§3.1", "A", "keys.raw", e.put(3, [0x81])),
    _m("fresh twice in KEYS", "§3.3", "A", "keys.payloads", e.mapped(Cap, lambda c: Cap(c.tlvs * 2))),
    _m("RANDR(1) of another in KEYS", "§7", "A", "keys.payloads", e.mapped(Randr, lambda r: Randr(r.role, bytes(32)) if r.role == 1 else r)),
    _m("ticket without SPI", "§3.5", "A", "keys.plain", lambda p: encode_chain([KeyData(K_TICKET, b"t")])[1]),
    _m("group's CSB ID in KEYS of a session", "§3.5", "A", "keys.plain", lambda p: encode_chain(
        [KeyData(K_TICKET, b"t", spi=bytes(4)), Ext(E_CSB_ID, bytes(4))])[1]),
    _m("another TLV in RETRY", "§3.4", "A", "retry.octets", lambda o: _retry_more(o), load=True),
    _m("RETRY cut by one octet", "§3.2", "A", "retry.octets", e.cut(1), load=True),
    _m("RETRY under PRF 0", "§3.1", "A", "retry.octets", e.put(3, [0]), load=True),
    _m("RETRY with another CSB ID", "§2", "A", "retry.octets", e.put(4, bytes(4)), load=True),
]


def _retry_more(octets):
    """The CAP payload at the end, with one more TLV: next 0, version 1, length, TLVs."""
    at = octets.index(bytes((T_COOKIE, 0, 17)), 40)
    tlvs = octets[at:] + bytes((T_FRAGMENTS, 0, 1, 8))
    return octets[: at - 2] + u16(len(tlvs)) + tlvs
