# SPDX-License-Identifier: Apache-2.0
"""Named misbehaviours that the page's rules must stop, one line each. A twist changes what one side makes before its proofs are
computed, so the proofs are good and the rule alone stands in the way; `wire` changes the datagram behind them. Attack tests against
other programs use the same table."""
from dataclasses import dataclass, field

from . import edits as e
from .dh import OAKLEY5_P
from .misbehave_group import group_table
from .message import MapEntry
from .octets import Reader, u16
from .payloads import *
from .tables import *


@dataclass(frozen=True)
class Misbehaviour:
    name: str
    clause: str  # the check that is attacked
    by: str  # O or A misbehaves, the other is honest
    point: str  # message.stage: `raw` and others before the proofs, `octets` behind them; "wire": on the way
    change: object
    modes: tuple = (PSK,)
    honest: str = "drops"  # or "retry", "error", "ignores": goes on as if it were not there
    lab: dict = field(default_factory=dict)


def _m(name, clause, by, point, change, modes=(PSK,), honest="drops", **lab):
    return Misbehaviour(name, clause, by, point, change, modes if isinstance(modes, tuple) else (modes,), honest, lab)


_POINT_AT_NONE = bytes(32)  # a point of small order of x25519
_OFF_CURVE = b"\x04" + bytes(63) + b"\x01"
_ODD_EXT = Ext(99, b"odd")



def _as_it_is(value):
    return value


def _tree_last(plain):
    """Key data of a group in another order than the table's."""
    r = Reader(plain)
    chain = [p for p, _ in decode_chain(P_KEY, r, INNER)]
    keys = [p for p in chain if isinstance(p, KeyData)]
    return encode_chain([keys[0], *keys[:0:-1], *chain[len(keys) :]])[1]


TABLE = [
    # form of the header
    _m("version octet 1", "§3.1", "O", "cap.raw", e.put(0, [1])),
    _m("version octet 3", "§3.1", "O", "cap.raw", e.put(0, [3])),
    _m("data type of version 1", "§3.1", "O", "cap.raw", e.put(1, [0])),
    _m("data type of an answer to A", "§7", "O", "cap.raw", e.put(1, [DT_PSK_RESP])),
    _m("V bit of the header", "§3.1", "O", "cap.raw", e.put(3, [0x81])),
    _m("PRF 0 in CAP", "§3.1", "O", "cap.raw", e.put(3, [0])),
    _m("#CS 1 with the empty map", "§3.1", "O", "cap.raw", e.put(8, [1])),
    _m("map type 0", "§3.1", "O", "cap.raw", e.put(9, [0])),
    _m("PRF 2", "§3.1", "A", "answer.raw", e.put(3, [2])),
    _m("V bit of an answer", "§3.1", "A", "answer.raw", e.put(3, [0x81])),
    _m("version 1 of an answer", "§3.1", "A", "answer.raw", e.put(0, [1])),
    # form of the chain
    _m("octets behind the chain", "§3.2", "O", "cap.octets", e.then(b"\0")),
    _m("octets behind SIGN", "§3.2", "O", "cap.octets", e.then(b"\0"), DH),
    _m("MAC one octet short", "§3.2", "O", "cap.octets", e.cut(1)),
    _m("MAC half", "§3.2", "O", "cap.octets", e.cut(16)),
    _m("SIGN is not last", "§3.2", "O", "cap.payloads", lambda p: p[:-1] + [p[-1], Padding(4)], DH),
    _m("two SIGN", "§3.2", "O", "cap.payloads", lambda p: p + [p[-1]], DH),
    _m("two V", "§3.4", "O", "cap.payloads", e.repeated(V)),
    _m("payloads in another order", "§3.4", "O", "cap.payloads", e.reordered),
    _m("two RANDR", "§3.4", "O", "cap.payloads", e.repeated(Randr)),
    _m("two CAP payloads", "§3.4", "O", "cap.payloads", e.repeated(Cap)),
    _m("RANDR of the other role", "§3.4", "O", "cap.payloads", e.changed(Randr, role=2)),
    _m("RAND of 15 octets", "§3.2", "O", "cap.payloads", _as_it_is, plan={"rand_size": 15}),
    _m("RAND of 33 octets", "§3.2", "O", "cap.payloads", _as_it_is, plan={"rand_size": 33}),
    _m("RAND of 16 octets", "§3.2", "O", "cap.payloads", _as_it_is, honest="ignores", plan={"rand_size": 16}),
    _m("65 payloads", "§3.2", "O", "cap.payloads", lambda p: p[:4] + [_ODD_EXT] * 60 + p[4:]),
    _m("SIGN of another type than its key", "§5", "O", "cap.payloads", e.changed(Sign, s_type=S_ECDSA), DH),
    _m("5 certificates", "§3.2", "O", "cap.payloads", lambda p: [x for y in p for x in ([y] * 5 if isinstance(y, Cert) else [y])], DH,
       o={"show": "cert"}, plan={"big_cap": True}),
    _m("identity of 256 octets", "§3.2", "O", "cap.payloads", e.mapped(Idr, lambda i: Idr(i.role, Identity(1, b"x" * 256)))),
    _m("bad padding", "§3.2", "O", "cap.payloads", e.mapped(Padding, lambda p: _BadPadding(p.size))),
    _m("known extension out of its place", "§3.4", "O", "cap.payloads", e.added(Ext(E_TREE, b"x"), V)),
    _m("unknown extension", "§3.4", "O", "cap.payloads", e.added(_ODD_EXT, Padding), honest="ignores"),
    _m("NULL MAC in V", "§3.3", "O", "cap.payloads", e.mapped(V, lambda v: V(0, b""))),
    _m("HMAC-SHA-1 in CAP's V", "§4.4", "O", "cap.payloads", e.mapped(V, lambda v: V(HMAC_SHA1, bytes(20)))),
    _m("oversize", "§14", "O", "cap.octets", lambda o: o + bytes(MESSAGE_MAX + 1 - len(o))),
    # the CAP payload
    _m("version of the CAP payload", "§3.2", "O", "cap.payloads", e.mapped(Cap, lambda c: _OtherCap(c.tlvs))),
    _m("swapped TLV order", "§3.3", "O", "cap.tlvs", e.swapped),
    _m("duplicate TLV", "§3.3", "O", "cap.tlvs", e.doubled),
    _m("unknown TLV", "§3.3", "O", "cap.tlvs", e.with_tlv(200, b"?"), honest="ignores"),
    _m("dropped capability", "§3.3", "O", "cap.tlvs", e.without(T_MAC)),
    _m("capability dropped on the way", "§4.1", "wire", "cap", lambda o: o.replace(bytes((T_ENCR, 0, 3, 3, 241, 1)), bytes((T_ENCR, 0, 3, 1, 241, 3)))),
    _m("empty list", "§3.3", "O", "cap.tlvs", e.with_tlv(T_PRF, b"")),
    _m("repetition in a list", "§3.3", "O", "cap.tlvs", e.with_tlv(T_ENCR, b"\3\3")),
    _m("profile of one octet", "§3.3", "O", "cap.tlvs", e.with_tlv(T_PROFILES, b"\0")),
    _m("groups without a mode for them", "§3.3", "O", "cap.tlvs", e.with_tlv(T_GROUPS, bytes((X25519,)))),
    _m("no groups with mode 4", "§3.3", "O", "cap.tlvs", e.without(T_GROUPS), DHHMAC),
    _m("signatures without a mode for them", "§3.3", "O", "cap.tlvs", e.with_tlv(T_SIGNATURES, b"\x0f")),
    _m("features in unicast", "§3.3", "O", "cap.tlvs", e.with_tlv(T_FEATURES, bytes(4))),
    _m("streams in a join", "§3.3", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((1, 0, 0, 0, 0))), join=True),
    _m("no streams in unicast", "§3.3", "O", "cap.tlvs", e.without(T_STREAMS)),
    _m("direction 4", "§3.3", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((4, 0, 0, 0, 0)))),
    _m("one SSRC for two streams", "§9", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((1, 0, 0, 0, 7)) * 2)),
    _m("SSRC of a stream that O does not send", "§3.3", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((2, 0, 0, 0, 7)))),
    _m("128 streams", "§9", "O", "cap.tlvs", e.with_tlv(T_STREAMS, bytes((3, 0, 0, 0, 0)) * 128)),
    _m("datagram of 1,231", "§3.3", "O", "cap.tlvs", e.with_tlv(T_DATAGRAM, u16(1231))),
    _m("9 fragments", "§3.3", "O", "cap.tlvs", e.with_tlv(T_FRAGMENTS, b"\x09")),
    _m("ticket and ticket id", "§3.3", "O", "cap.tlvs", lambda t: e.with_tlv(T_TICKET_ID, bytes(16))(e.with_tlv(T_TICKET, b"?")(t))),
    _m("session of 15 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_SESSION, bytes(15))),
    _m("fresh of 17 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_FRESH, bytes(17))),
    _m("ticket of 1,025 octets", "§3.3", "O", "cap.tlvs", e.with_tlv(T_TICKET, bytes(1025))),
    _m("empty ticket", "§3.3", "O", "cap.tlvs", e.with_tlv(T_TICKET, b"")),
    _m("ticket with a signed mode", "§3.3", "O", "cap.tlvs", e.with_tlv(T_TICKET, b"?"), DH),
    _m("no algorithm that A knows", "§7", "O", "cap.tlvs", e.with_tlv(T_ENCR, b"\x63"), honest="error"),
    _m("PSK-type mode without IDR(2)", "§4.3", "O", "cap.payloads", lambda p: [x for x in p if not (isinstance(x, Idr) and x.role == 2)]),
    # proofs and identities of CAP
    _m("V left out", "§7", "O", "cap.payloads", e.removed(V)),
    _m("SIGN left out of early DH", "§3.3", "O", "cap.payloads", e.removed(Sign), EARLY_DH),
    _m("unknown identity", "§7", "O", "cap.payloads",
       e.mapped(Idr, lambda i: Idr(1, Identity(URI, b"sip:nobody@example.org")) if i.role == 1 else i)),
    _m("identity that the certificate has not", "§6", "O", "cap.payloads",
       e.mapped(Idr, lambda i: Idr(1, Identity(URI, b"sip:mallory@example.org")) if i.role == 1 else i), DH),
    _m("A's own identity as O's", "§6", "O", "cap.payloads", 
       e.mapped(Idr, lambda i: Idr(1, Identity(NAI, b"bob@example.org")) if i.role == 1 else i)),
    _m("IDR(2) that A does not serve", "§7", "O", "cap.payloads",
       e.mapped(Idr, lambda i: Idr(2, Identity(URI, b"sip:carol@example.org")) if i.role == 2 else i)),
    _m("V without a mode that uses it", "§3.3", "O", "cap.payloads", e.added(V(HMAC_SHA256, bytes(32)), Sign), DH),
    _m("CERT without a mode that uses it", "§6", "O", "cap.payloads", lambda p: p[:3] + [Cert(b"0")] + p[3:]),
    _m("small-order point in CAP", "§5", "O", "cap.payloads", e.changed(Dh, value=_POINT_AT_NONE), EARLY_DHHMAC),
    _m("point off the curve", "§5", "O", "cap.payloads", e.changed(Dh, value=_OFF_CURVE), EARLY_DHHMAC, o={"groups": (P256,)}),
    _m("compressed form of a point", "§5", "O", "cap.payloads", e.mapped(Dh, lambda d: Dh(d.group, b"\2" + d.value[1:])),
       EARLY_DHHMAC, o={"groups": (P256,)}),
    *[_m(f"OAKLEY 5 value {name}", "§5", "O", "cap.payloads", e.changed(Dh, value=value.to_bytes(192, "big")), EARLY_DHHMAC,
         o={"groups": (OAKLEY5,)}) for name, value in (("0", 0), ("1", 1), ("p-1", OAKLEY5_P - 1), ("p", OAKLEY5_P))],
    _m("DH of the second group", "§3.3", "O", "cap.tlvs", e.with_tlv(T_GROUPS, bytes((P256, X25519))), EARLY_DHHMAC),
    _m("DH without an early mode", "§3.3", "O", "cap.payloads", e.added(Dh(X25519, b"\x09" + bytes(31)), Padding), DHHMAC),
    _m("reserved bits of DH", "§3.2", "O", "cap.payloads", e.mapped(Dh, lambda d: _OddDh(d.value)), EARLY_DHHMAC),
    _m("wrong FRESH", "§8", "O", "cap.tlvs", e.with_tlv(T_FRESH, bytes(16)), EARLY_DH, "retry", a={"modes": (EARLY_DH,)}),
    _m("no FRESH", "§8", "O", "cap.tlvs", e.without(T_FRESH), EARLY_DH, "retry", a={"modes": (EARLY_DH,)}),
    _m("ticket that nobody gave", "§11", "O", "cap.tlvs", e.with_tlv(T_TICKET, b"?" * 60)),
    _m("map in a finish", "§3.1", "O", "finish.raw", e.put(8, [0, 2])),
    # the answer
    _m("choice: mode outside of the offer", "§7", "A", "answer.tlvs", e.with_tlv(T_MODES, bytes((DHHMAC,))),
       EARLY_DHHMAC),
    _m("cross-mode: PSK_RESP that names mode 4", "§7", "A", "answer.tlvs", e.with_tlv(T_MODES, b"\4")),
    _m("choice: encr outside of the offer", "§3.3", "A", "answer.tlvs", e.with_tlv(T_ENCR, b"\1"), o={"encr": (3, 241)}),
    _m("choice: NULL encr", "§3.3", "A", "answer.tlvs", e.with_tlv(T_ENCR, b"\0")),
    _m("choice: NULL MAC", "§3.3", "A", "answer.tlvs", e.with_tlv(T_MAC, b"\0")),
    _m("choice: mac outside of the offer", "§3.3", "A", "answer.tlvs", e.with_tlv(T_MAC, b"\1")),
    _m("choice: prf outside of the offer", "§3.3", "A", "answer.tlvs", e.with_tlv(T_PRF, b"\0")),
    _m("choice: two of one list", "§3.3", "A", "answer.tlvs", e.with_tlv(T_ENCR, b"\3\1")),
    _m("choice: profile outside of the offer", "§3.3", "A", "answer.tlvs", e.with_tlv(T_PROFILES, b"\0\1"), o={"profiles": (8, 7)}),
    _m("choice: signature of another type", "§3.3", "A", "answer.tlvs", e.with_tlv(T_SIGNATURES, b"\x0e"), DH),
    *[_m(f"{name} outside of the offer, used throughout", "§3.3", "A", "answer.choice", e.chosen(kind, value), mode, **options)
      for name, kind, value, mode, options in (
          ("encr", T_ENCR, b"\1", PSK, {"o": {"encr": (3, 241)}}), ("mac", T_MAC, b"\1", PSK, {}), ("prf", T_PRF, b"\0", PSK, {}),
          ("group", T_GROUPS, bytes((P256,)), DH, {"o": {"groups": (X25519,)}}),
          ("profile", T_PROFILES, b"\0\1", PSK, {"o": {"profiles": (8, 7)}}),
          ("feature", T_FEATURES, b"\x80\0\0\0", PSK, {"join": True}))],
    _m("group in a choice without DH", "§3.3", "A", "answer.tlvs", e.with_tlv(T_GROUPS, bytes((X25519,))), (PSK, DHHMAC), a={"modes": (PSK,)}),
    _m("no group in a choice with DH", "§3.3", "A", "answer.tlvs", e.without(T_GROUPS), DHHMAC),
    _m("signature in a choice without SIGN", "§3.3", "A", "answer.tlvs", e.with_tlv(T_SIGNATURES, b"\x0f"), (PSK, DH), a={"modes": (PSK,)}),
    _m("no mac in a choice", "§3.3", "A", "answer.tlvs", e.without(T_MAC), DH),
    _m("no profiles in a choice", "§3.3", "A", "answer.tlvs", e.without(T_PROFILES), DH, join=True),
    _m("features in a choice of unicast", "§3.3", "A", "answer.tlvs", e.with_tlv(T_FEATURES, bytes(4))),
    _m("cookie in an answer", "§3.3", "A", "answer.tlvs", e.with_tlv(T_COOKIE, b"?")),
    _m("session that nobody asked for", "§12", "A", "answer.tlvs", e.with_tlv(T_SESSION, bytes(16))),
    _m("NULL encryption in KEMAC", "§3.3", "A", "answer.payloads", e.changed(Kemac, encr=0)),
    _m("NULL MAC in KEMAC", "§3.3", "A", "answer.payloads", e.changed(Kemac, mac_alg=0, mac=b"")),
    _m("KEMAC under another algorithm than chosen", "§3.3", "A", "answer.payloads", e.changed(Kemac, encr=1)),
    _m("truncated MAC of KEMAC", "§3.2", "A", "answer.payloads", e.changed(Kemac, mac=bytes(16))),
    _m("header's PRF is not the choice", "§3.3", "A", "answer.raw", e.put(3, [0])),
    _m("wrong transcript: h1 zero", "§4.4", "A", "answer.keys", lambda k: e.replace(k, h1=bytes(32))),
    _m("wrong transcript: context zero", "§4.3", "A", "answer.keys", lambda k: e.replace(k, context=bytes(32))),
    _m("wrong transcript: signature without TH", "§4.4", "A", "answer.keys", lambda k: e.replace(k, h1=bytes(32)), DH),
    _m("signature under the name of another message", "§4.2", "A", "answer.keys", lambda k: e.replace(k, data_type=DT_DH_FIN), DH),
    _m("key without RANDr", "§4.3", "A", "answer.keys", lambda k: e.replace(k, rand_r=b"")),
    _m("IDR(2) of another", "§6", "A", "answer.payloads", e.mapped(Idr, lambda i: Idr(2, Identity(URI, b"sip:carol@example.org")))),
    _m("IDR(2) of O: reflection", "§6", "A", "answer.payloads", e.mapped(Idr, lambda i: Idr(2, Identity(URI, b"sip:alice@example.org")))),
    _m("small-order point in an answer", "§5", "A", "answer.payloads", e.changed(Dh, value=_POINT_AT_NONE), DH),
    _m("DH of a group that was not chosen", "§3.3", "A", "answer.payloads", e.mapped(Dh, lambda d: Dh(P256, b"\4" + bytes(64))), DH),
    _m("two TGKs", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 32)] * 2)[1]),
    _m("TGK of 16 octets", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 16)])[1]),
    _m("no TGK in mode 1", "§3.5", "A", "answer.plain", lambda p: b""),
    _m("TGK in mode 6", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 32)])[1], EARLY_DHHMAC),
    _m("TEK instead of TGK", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(K_TEK, b"k" * 32)])[1]),
    _m("group key in unicast", "§3.5", "A", "answer.plain", lambda p: p[:0] + encode_chain(
        [KeyData(0, b"k" * 32), KeyData(K_VERIFY, bytes(32), spi=bytes(4))])[1]),
    _m("data in mode 4's KEMAC", "§3.5", "A", "answer.plain", lambda p: encode_chain([KeyData(0, b"k" * 32)])[1], DHHMAC),
    _m("order inside a KEMAC", "§3.5", "A", "answer.plain", lambda p: encode_chain(
        [KeyData(0, b"k" * 32), Ext(E_CSB_ID, bytes(4)), Rand(bytes(16))])[1]),
    _m("order of key data", "§3.5", "A", "answer.plain", _tree_last, join=True),
    _m("octets behind the inner chain", "§3.5", "A", "answer.plain", e.then(b"\0")),
    _m("IDR(2) inside RSA's KEMAC is another", "§6", "A", "answer.plain",
       lambda p: p.replace(b"bob@example.org", b"eve@example.org"), RSA),
    _m("PKE of something else", "§5", "A", "answer.payloads", e.mapped(Pke, lambda p: Pke(bytes(255) + b"\2")), RSA),
    _m("C of PKE", "§3.2", "A", "answer.payloads", e.mapped(Pke, lambda p: _OddPke(p.data)), RSA),
    _m("crypto session left out", "§9", "A", "answer.header", lambda h: e.replace(h, map=h.map[:1])),
    _m("crypto session too much", "§9", "A", "answer.header", lambda h: e.replace(h, map=h.map + (MapEntry(9, (0,), 9),))),
    _m("no map", "§3.1", "A", "answer.header", lambda h: e.replace(h, map=None)),
    _m("one SSRC twice", "§9", "A", "answer.header", lambda h: e.replace(h, map=tuple(e.replace(x, ssrc=5) for x in h.map))),
    _m("SSRC of O changed", "§9", "A", "answer.header", lambda h: e.replace(h, map=(e.replace(h.map[0], ssrc=5),) + h.map[1:]),
       plan={"streams": ((3, 77),)}),
    _m("profile in the choice that no policy has", "§3.3", "A", "answer.tlvs", e.with_tlv(T_PROFILES, b"\0\7\0\x08"), o={"profiles": (8, 7)}),
    _m("gap in a group's CS IDs", "§10", "A", "answer.header", lambda h: e.replace(h, map=(e.replace(h.map[0], cs_id=2),)), join=True),
    _m("group's stream without ROC", "§10", "A", "answer.header", lambda h: e.replace(h, map=(e.replace(h.map[0], roc_seq=None),)), join=True),
    _m("group's stream with the MKI of no MTK", "§10", "A", "answer.header",
       lambda h: e.replace(h, map=(e.replace(h.map[0], spi=b"nowhat"),)), join=True),
    _m("policy that is not there", "§9", "A", "answer.header",
       lambda h: e.replace(h, map=(e.replace(h.map[0], policies=(9,)),) + h.map[1:])),
    _m("session data of 5 octets", "§9", "A", "answer.header", lambda h: e.replace(h, map=(_OddEntry(h.map[0]),) + h.map[1:])),
    _m("policy number twice", "§9", "A", "answer.payloads", e.repeated(Sp)),
    _m("policy that no crypto session has", "§9", "A", "answer.payloads",
       e.added(Sp(9, b"\0\1\6\1\1\x20\2\1\0\4\1\x0c\7\1\1\x08\1\1\x14\1\x10"), Kemac)),
    _m("type of IDR", "§3.2", "A", "answer.payloads", e.mapped(Idr, lambda i: Idr(2, Identity(3, i.identity.value)))),
    _m("hash function of CHASH", "§3.2", "A", "answer.payloads",
       lambda p: [_OddChash(bytes(32)) if isinstance(x, (Cert, Chash)) else x for x in p], DH),
    _m("signature type 2", "§3.3", "A", "answer.payloads", e.changed(Sign, s_type=2), DH),
    _m("policy of no profile", "§9", "A", "answer.payloads", e.mapped(Sp, lambda s: Sp(s.number, s.parameters[:-1] + b"\x04"))),
    _m("SRTP encryption off", "§9", "A", "answer.payloads", e.mapped(Sp, lambda s: Sp(s.number, s.parameters.replace(b"\7\1\1", b"\7\1\0")))),
    _m("group keys in mode 3's answer type", "§1", "A", "answer.payloads", e.added(Kemac(3, b"", 2, bytes(32)), Sign), DH, join=True),
    # the finish
    _m("finish of another mode", "§7", "O", "finish.raw", e.put(1, [DT_RSA_FIN])),
    _m("wrong transcript: AH zero in a finish", "§4.4", "O", "finish.keys", lambda k: e.replace(k, h2=bytes(32))),
    _m("wrong transcript: TH of another in a finish", "§4.4", "O", "finish.keys", lambda k: e.replace(k, h1=bytes(32)), DH),
    _m("finish under PSKv2 alone", "§4.4", "O", "finish.keys", lambda k: e.replace(k, context=bytes(32)), DHHMAC),
    _m("policy in a finish that the answer has not", "§9", "O", "finish.payloads", e.added(Sp(7, b"\0\1\1"), V)),
    _m("small-order point in a finish", "§5", "O", "finish.payloads", e.changed(Dh, value=_POINT_AT_NONE), DH),
    _m("small-order point in a finish under a MAC", "§5", "O", "finish.payloads", e.changed(Dh, value=_POINT_AT_NONE), DHHMAC),
    _m("data in the finish's KEMAC", "§3.4", "O", "finish.payloads", e.changed(Kemac, data=b"x"), DHHMAC),
    _m("V by HMAC-SHA-1 where SHA-256 was chosen", "§3.3", "O", "finish.payloads", e.mapped(V, lambda v: V(1, bytes(20)))),
    _m("truncated V in a finish", "§3.2", "O", "finish.octets", e.cut(20)),
    # KEYS and RETRY
    _m("TGK in KEYS of a session", "§3.5", "A", "keys.plain", lambda p: encode_chain([KeyData(0, b"k" * 32)])[1]),
    _m("two tickets", "§11", "A", "keys.plain", lambda p: encode_chain([KeyData(K_TICKET, b"t", spi=bytes(4))] * 2)[1]),
    _m("cookie in KEYS", "§3.4", "A", "keys.payloads", e.mapped(Cap, lambda c: Cap(e.with_tlv(T_COOKIE, b"?")(c.tlvs)))),
    _m("no fresh in the CAP payload of KEYS", "§3.4", "A", "keys.payloads", e.mapped(Cap, lambda c: Cap(b""))),
    _m("no RANDR(1) in KEYS", "§3.4", "A", "keys.payloads", lambda p: p[1:]),
    _m("ticket in an answer", "§11", "A", "answer.plain", e.then_key(KeyData(K_TICKET, b"t", spi=bytes(4)))),
    _m("KEYS under another PRF than chosen", "§3.1", "A", "keys.raw", e.put(3, [0])),
    _m("KEMAC of KEYS under another algorithm than chosen", "§3.3", "A", "keys.payloads", e.changed(Kemac, encr=1)),
    _m("finish under another PRF than chosen", "§3.1", "O", "finish.raw", e.put(3, [0])),
    _m("policy in the finish of a join", "§9", "O", "finish.payloads", e.added(Sp(0, b""), V), join=True),
    _m("T in KEYS of an exchange", "§3.4", "A", "keys.payloads", e.added(T(1), Kemac)),
    _m("KEYS with the MAC of nobody", "§7", "A", "keys.octets", lambda o: o[:-32] + bytes(32)),
    _m("no cookie in RETRY", "§3.4", "A", "retry.octets", lambda o: o[:45] + b"\0\1\0\0", load=True),
    _m("RETRY of another RANDi", "§2", "A", "retry.octets", e.put(13, bytes(32)), load=True),
]


class _BadPadding(Padding):
    def encode(self):
        return u16(self.size) + bytes(self.size - 1) + b"\1"


class _OtherCap(Cap):
    def encode(self):
        return b"\2" + u16(len(self.tlvs)) + self.tlvs


class _OddDh(Dh):
    def __init__(self, value):
        super().__init__(X25519, value)

    def encode(self):
        return bytes((self.group,)) + self.value + b"\x10"


class _OddChash(Chash):
    def encode(self):
        return b"\0" + bytes(20)


class _OddEntry:
    """A crypto session with an octet too much of session data."""

    def __init__(self, entry):
        self.entry, self.cs_id, self.policies, self.ssrc = entry, entry.cs_id, entry.policies, entry.ssrc

    def encode(self):
        octets = self.entry.encode()
        return octets[:5] + b"\5" + octets[6:10] + b"?" + octets[10:]


class _OddPke(Pke):
    def encode(self):
        return u16(0x4000 | len(self.data)) + self.data


TABLE += group_table(_m)
BY_NAME = {m.name: m for m in TABLE}


def twist(misbehaviour):
    """What that side calls in place of party.untwisted."""
    return lambda point, value: misbehaviour.change(value) if point == misbehaviour.point else value


def run(m, lab_class):
    """The misbehaviour against the honest side in memory: (does the honest side do what it must?, what was seen)."""
    options = dict(m.lab)
    load, join = options.pop("load", False), options.pop("join", False)
    if m.by in "OA":
        options["o_twist" if m.by == "O" else "a_twist"] = twist(m)
    lab = lab_class(m.modes, join, **options)
    lab.a.load = load
    passed = [[m.change(d) for d in lab.open()]] if m.by == "wire" else [lab.open()]
    if m.by == "wire":
        assert passed[0] != [lab.o.caps_sent[-1]], "the change changes nothing"
    said = lab.to_a(passed[0])
    if m.honest != "retry" and not m.point.startswith("retry") and [d[1] for d in said] == [DT_RETRY]:
        said = lab.to_a(lab.to_o(said))  # what is too long for an address that has proved nothing
    return _judge(m, lab, said)


def _judge(m, lab, said):
    kinds = [d[1] for d in said]
    at_cap = m.point.startswith("cap") or m.by == "wire"
    if m.honest == "ignores":
        lab.to_o(lab.to_a(lab.to_o(said)))
        return lab.o.state == "done", lab.names()
    if m.honest == "retry":
        return kinds == [DT_RETRY] and not lab.a.entries, kinds
    if m.honest == "error":
        lab.to_o(said)
        return kinds == [DT_ERROR] and not lab.a.entries and lab.o.state == "failed", kinds
    if at_cap:
        return not said and not lab.a.entries and "dropped" in lab.names(), lab.dropped()
    finish = lab.to_o(said)
    if m.point.startswith(("answer", "retry")):
        return not finish and lab.o.state == "offered" and lab.o.sessions is None and "dropped" in lab.names(), lab.dropped()
    keys = lab.to_a(finish)
    if m.point.startswith("finish"):
        return not keys and "verified" not in lab.names() and "dropped" in lab.names(), lab.dropped()
    lab.to_o(keys)
    return lab.o.state == "answered" and "dropped" in lab.names(), lab.dropped()
