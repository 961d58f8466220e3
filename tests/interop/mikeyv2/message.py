# SPDX-License-Identifier: Apache-2.0
"""§3.1, §3.4: header, map, whole messages, and where a proof's own octets begin."""
from dataclasses import dataclass, field

from .capabilities import Capabilities, check_choice, check_offer
from .grammar import check_rows
from .octets import Reader, malformed, require, u8, u16, u32
from .payloads import *
from .tables import *


@dataclass(frozen=True)
class MapEntry:
    """A crypto session of the GENERIC-ID map (§9, RFC 6043 §6.1.1)."""
    cs_id: int
    policies: tuple
    ssrc: int
    roc_seq: tuple = None
    spi: bytes = b""

    def encode(self):
        session = u32(self.ssrc) + (u32(self.roc_seq[0]) + u16(self.roc_seq[1]) if self.roc_seq else b"")
        s_bit = 0x80 if self.roc_seq else 0
        return (u8(self.cs_id) + u8(0) + u8(s_bit | len(self.policies)) + bytes(self.policies) + u16(len(session)) + session
                + u8(len(self.spi)) + self.spi)

    @staticmethod
    def decode(r):
        cs_id = r.uint(1)
        require(r.uint(1) == 0, "protocol of a crypto session", "§9")
        head = r.uint(1)
        policies = tuple(r.take(head & 0x7F))
        size = r.uint(2)
        require(size == (10 if head & 0x80 else 4), "session data", "§9")
        ssrc = r.uint(4)
        roc_seq = (r.uint(4), r.uint(2)) if head & 0x80 else None
        return MapEntry(cs_id, policies, ssrc, roc_seq, r.sized(1))


@dataclass(frozen=True)
class Header:
    data_type: int
    csb_id: int
    prf: int = PRF_SHA256
    map: tuple = None  # None: the empty map

    def encode(self, first):
        tail = u8(0) + u8(1) if self.map is None else u8(len(self.map)) + u8(2) + b"".join(e.encode() for e in self.map)
        return u8(2) + u8(self.data_type) + u8(first) + u8(self.prf) + u32(self.csb_id) + tail


_ALWAYS_PRF_1 = {DT_CAP, DT_RETRY, DT_FRAGMENT, DT_REPORT, DT_GROUP_REKEY}
_MAY_HAVE_MAP = set(ANSWERS) | {DT_KEYS}


def decode_header(r):
    require(r.uint(1) == 2, "version", "§3.1")
    data_type, first, v_prf = r.uint(1), r.uint(1), r.uint(1)
    require(data_type in NAMES or data_type in (DT_RETRY, DT_FRAGMENT), "data type", "§3.1")
    require(v_prf & 0x80 == 0, "V bit", "§3.1")
    require(v_prf in (PRF_SHA256, PRF_MIKEY1), "PRF", "§3.1")
    require(data_type not in _ALWAYS_PRF_1 or v_prf == PRF_SHA256, "PRF", "§3.1")
    csb_id, count, map_type = r.uint(4), r.uint(1), r.uint(1)
    if map_type == 1:
        require(count == 0, "#CS of the empty map", "§3.1")
        return Header(data_type, csb_id, v_prf), first
    require(map_type == 2 and data_type in _MAY_HAVE_MAP and count, "map", "§3.1")
    entries = tuple(MapEntry.decode(r) for _ in range(count))
    return Header(data_type, csb_id, v_prf, entries), first


@dataclass
class Message:
    header: Header
    payloads: list
    octets: bytes
    ends: list
    modes: list = field(default_factory=list)  # whose row of §3.4 it is
    caps: Capabilities = None
    choice_mode: int = None

    def all(self, cls):
        return [p for p in self.payloads if isinstance(p, cls)]

    def one(self, cls):
        found = self.all(cls)
        return found[0] if found else None

    def ext(self, kind):
        return next((p.data for p in self.payloads if isinstance(p, Ext) and p.type == kind), None)

    def rand(self, role):
        return next((p.value for p in self.all(Randr) if p.role == role), None)

    def identity(self, role):
        return next((p.identity for p in self.all(Idr) if p.role == role), None)

    def before_proof(self, cls):
        """§4.2: the message up to the MAC or signature of that payload."""
        at = next(i for i, p in enumerate(self.payloads) if isinstance(p, cls))
        proof = self.payloads[at]
        return self.octets[: self.ends[at] - len(proof.signature if cls is Sign else proof.mac)]


def decode(octets):
    """Form alone (§3); what stands in it is not believed before its proof."""
    r = Reader(octets)
    header, first = decode_header(r)
    chain = decode_chain(first, r, OUTER)
    r.end()
    payloads = [p for p, _ in chain]
    require(len([p for p in payloads if isinstance(p, Cert)]) <= 4, "more than 4 certificates", "§3.2")
    modes = check_rows(header.data_type, payloads)
    message = Message(header, payloads, octets, [end for _, end in chain], modes)
    cap = message.one(Cap)
    if cap:
        message.caps = Capabilities.decode(cap.tlvs)
    _CHECKS.get(header.data_type, lambda m: None)(message)
    return message


def _check_cap(m):
    caps, join = m.caps, m.ext(E_KEY_ID) is not None
    check_offer(caps, join)
    modes, dh = set(caps.list(T_MODES)), m.one(Dh)
    require(m.identity(ROLE_A) is not None or not (modes & PSK_TYPE or join), "IDR(2) is missing", "§4.3")
    require((dh is not None) == bool(modes & EARLY), "public value goes with early modes", "§3.3")
    require(dh is None or dh.group == caps.list(T_GROUPS)[0], "group of the public value", "§3.3")
    require(m.one(Sign) or EARLY_DH not in modes, "SIGN is missing", "§3.3")
    require(not m.one(Sign) or modes & SIGNED, "SIGN without a mode that uses it", "§3.3")
    require(not m.one(V) or modes & PSK_TYPE, "V without a mode that uses it", "§3.3")
    require(not (m.one(Cert) or m.one(Chash)) or modes & SIGNED, "certificate without a mode that uses it", "§6")
    require(not m.one(V) or m.one(V).mac_alg == HMAC_SHA256, "MAC of CAP's V", "§4.4")
    if join:
        decode_key_id(m.ext(E_KEY_ID), (E_ID_DOMAIN, E_ID_MSK))


def _check_answer(m):
    modes = ANSWERS[m.header.data_type]
    chosen = m.caps.list(T_MODES)
    require(len(chosen) == 1 and chosen[0] in modes and chosen[0] in m.modes, "type fits no chosen mode", "§7")
    m.choice_mode = chosen[0]


def _check_retry(m):
    require(T_COOKIE in m.caps and set(m.caps) <= {T_COOKIE, T_FRESH}, "CAP payload of RETRY", "§3.4")
    fragment = m.one(Fragment)
    require(not fragment or not fragment.data, "data in RETRY's FRAGMENT", "§3.4")


def _check_fragment(m):
    require(m.caps is None or set(m.caps) == {T_COOKIE}, "CAP payload of FRAGMENT", "§3.4")
    require(m.one(Fragment).data, "empty FRAGMENT", "§3.6")


def _check_keys(m):
    require(m.caps is None or set(m.caps) == {T_FRESH}, "CAP payload of KEYS", "§3.4")
    require((m.rand(ROLE_O) is None) == (m.one(T) is not None), "RANDR(1) or T", "§4.4")


def _check_error(m):
    proof = m.one(V) or m.one(Sign)
    named = m.identity(ROLE_A) or m.one(Cert) or m.one(Chash)
    require(proof or not (m.rand(ROLE_A) or named), "RANDR(2) or identity without proof", "§13")
    require(not proof or m.rand(ROLE_A), "proof without RANDR(2)", "§3.4")
    require(not m.one(Sign) or named, "SIGN of nobody", "§3.4")


def _check_report(m):
    require(m.one(V).mac_alg == HMAC_SHA256, "MAC of REPORT", "§4.4")
    require(len(m.ext(E_REPORT)) == 25 and m.ext(E_REPORT)[0] in (1, 2, 3), "report", "§3.6")
    require(1 <= len(m.ext(E_TICKET) or b"?") <= TICKET_MAX, "ticket", "§3.6")
    decode_key_id(m.ext(E_KEY_ID), (E_ID_DOMAIN, E_ID_MSK))


_CHECKS = {DT_CAP: _check_cap, DT_RETRY: _check_retry, DT_FRAGMENT: _check_fragment, DT_KEYS: _check_keys,
           DT_ERROR: _check_error, DT_REPORT: _check_report, **{kind: _check_answer for kind in ANSWERS}}

# RFC 4563 §4: entries of EXT 3
E_ID_DOMAIN, E_ID_MSK, E_ID_MTK = 0, 1, 2
_ID_SIZES = {E_ID_DOMAIN: 3, E_ID_MSK: 4, E_ID_MTK: 2}


def encode_key_id(*ids):
    return b"".join(u8(kind) + u8(len(value)) + value for kind, value in enumerate(ids))


def decode_key_id(data, kinds):
    r, ids = Reader(data), []
    for kind in kinds:
        require(r.uint(1) == kind, "Key ID type", "RFC 4563 §4")
        value = r.sized(1)
        require(len(value) == _ID_SIZES[kind], "Key ID length", "§3.6")
        ids.append(value)
    r.end("more Key IDs")
    return ids


def encode(header, payloads):
    """(octets, end of each payload); proofs are still zero and are filled in by seal.py."""
    first, chain, ends = encode_chain(payloads)
    head = header.encode(first)
    return bytearray(head + chain), [len(head) + end for end in ends]
