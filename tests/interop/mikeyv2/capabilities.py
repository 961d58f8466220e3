# SPDX-License-Identifier: Apache-2.0
"""§3.3: the CAP payload, offer and choice."""
from .octets import Reader, require, u8, u16, u32
from .tables import *

MUST = {T_MODES, T_PRF, T_ENCR, T_MAC, T_PROFILES}
NEVER_IN_ANSWER = {T_COOKIE, T_FRESH, T_TICKET, T_TICKET_ID, T_STREAMS}
LISTS = {T_MODES: 1, T_PRF: 1, T_ENCR: 1, T_MAC: 1, T_GROUPS: 1, T_SIGNATURES: 1, T_PROFILES: 2}
SIZES = {T_FEATURES: (4, 4), T_DATAGRAM: (2, 2), T_SESSION: (16, 32), T_COOKIE: (1, 64), T_FRESH: (16, 16),
         T_TICKET: (1, TICKET_MAX), T_TICKET_ID: (16, 16), T_FRAGMENTS: (1, 1)}


class Capabilities(dict):
    """TLV type to octets. Order on the wire is the order of types."""

    def encode(self):
        return b"".join(u8(t) + u16(len(v)) + v for t, v in sorted(self.items()))

    @classmethod
    def decode(cls, octets):
        reader, caps, last = Reader(octets), cls(), 0
        while reader.left():
            kind = reader.uint(1)
            require(kind > last, "TLVs not in rising order, or twice", "§3.3")
            last = kind
            caps[kind] = reader.sized(2)
            check_value(kind, caps[kind])
        return caps

    def list(self, kind):
        size = LISTS[kind]
        value = self.get(kind, b"")
        return [int.from_bytes(value[i : i + size], "big") for i in range(0, len(value), size)]

    def with_list(self, kind, numbers):
        self[kind] = b"".join(n.to_bytes(LISTS[kind], "big") for n in numbers)
        return self

    def number(self, kind, default):
        return int.from_bytes(self[kind], "big") if kind in self else default

    def streams(self):
        value = self.get(T_STREAMS, b"")
        return [(value[i], int.from_bytes(value[i + 1 : i + 5], "big")) for i in range(0, len(value), 5)]


def check_value(kind, value):
    if kind in LISTS:
        size = LISTS[kind]
        entries = [value[i : i + size] for i in range(0, len(value), size)]
        require(0 < len(value) <= LIST_MAX and len(value) % size == 0, f"length of TLV {kind}", "§3.3")
        require(len(set(entries)) == len(entries), f"repetition in TLV {kind}", "§3.3")
    elif kind in SIZES:
        low, high = SIZES[kind]
        require(low <= len(value) <= high, f"length of TLV {kind}", "§3.3")
        if kind == T_DATAGRAM:
            require(int.from_bytes(value, "big") >= DATAGRAM, "datagram below 1,232", "§3.3")
        if kind == T_FRAGMENTS:
            require(2 <= value[0] <= 8, "fragments", "§3.3")
    elif kind == T_STREAMS:
        require(value and len(value) % 5 == 0 and len(value) <= 5 * STREAMS_MAX, "streams", "§9")
        streams = [(value[i], value[i + 1 : i + 5]) for i in range(0, len(value), 5)]
        require(all(direction in (1, 2, 3) for direction, _ in streams), "direction", "§3.3")
        named = [ssrc for _, ssrc in streams if any(ssrc)]
        require(len(set(named)) == len(named), "SSRC named twice", "§9")
        require(not any(any(ssrc) for direction, ssrc in streams if direction == 2), "SSRC of nobody", "§3.3")


def check_offer(caps, join):
    """Which TLVs a CAP has."""
    require(MUST <= caps.keys(), "TLV missing", "§3.3")
    modes = set(caps.list(T_MODES))
    require((T_GROUPS in caps) == bool(modes & WITH_DH), "groups", "§3.3")
    require((T_SIGNATURES in caps) == bool(modes & SIGNED), "signatures", "§3.3")
    require((T_STREAMS in caps) != join, "streams are for unicast", "§3.3")
    require(join or T_FEATURES not in caps, "features are for groups", "§3.3")
    require(not (T_TICKET in caps and T_TICKET_ID in caps), "ticket and ticket id", "§11")
    if T_TICKET in caps or T_TICKET_ID in caps:
        require(modes <= PSK_TYPE, "a ticket resumes PSK-type modes", "§11")


def check_choice(offer, choice, join):
    """§3.3: one value a TLV, each taken from O's list. Returns the mode."""
    require(MUST <= choice.keys(), "TLV missing", "§3.3")
    require(not NEVER_IN_ANSWER & choice.keys(), "TLV that no answer has", "§3.3")
    for kind in (T_MODES, T_PRF, T_ENCR, T_MAC, T_GROUPS, T_SIGNATURES):
        require(len(choice.list(kind)) <= 1, "a choice of several", "§3.3")
    for kind in LISTS:
        implied = {DH} if kind == T_MODES and EARLY_DH in offer.list(T_MODES) else set()  # §8: mode 5 implies mode 3
        require(set(choice.list(kind)) <= set(offer.list(kind)) | implied, "choice outside of the offer", "§3.3")
    mode = choice.list(T_MODES)[0]
    require((T_GROUPS in choice) == (mode in WITH_DH), "group of the choice", "§3.3")
    require((T_SIGNATURES in choice) == (mode in SIGNED), "signature of the choice", "§3.3")
    require(join or T_FEATURES not in choice, "features are for groups", "§3.3")
    features = choice.number(T_FEATURES, 0)
    require(features & ~offer.number(T_FEATURES, 0) == 0, "feature that was not offered", "§10")
    return mode


def retry_capabilities(cookie=None, fresh=None):
    caps = Capabilities()
    if cookie is not None:
        caps[T_COOKIE] = cookie
    if fresh is not None:
        caps[T_FRESH] = fresh
    return caps
