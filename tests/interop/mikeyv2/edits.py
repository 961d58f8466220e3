# SPDX-License-Identifier: Apache-2.0
"""Small changes of TLVs, payloads and octets, for twists."""
from dataclasses import replace

from .octets import Reader, u8, u16
from .payloads import *
from .tables import *


# TLV octets

def split(tlvs):
    r, found = Reader(tlvs), []
    while r.left():
        found.append((r.uint(1), r.sized(2)))
    return found


def join(pairs):
    return b"".join(u8(t) + u16(len(v)) + v for t, v in pairs)


def without(*kinds):
    return lambda tlvs: join([(t, v) for t, v in split(tlvs) if t not in kinds])


def with_tlv(kind, value):
    return lambda tlvs: join(sorted([(t, v) for t, v in split(tlvs) if t != kind] + [(kind, value)]))


def swapped(tlvs):
    pairs = split(tlvs)
    return join([pairs[1], pairs[0]] + pairs[2:])


def doubled(tlvs):
    pairs = split(tlvs)
    return join(pairs[:1] + pairs)


def chosen(kind, value):
    """Of A's choice itself, so that all of the answer follows it."""
    def change(choice):
        other = type(choice)(choice)
        other[kind] = value
        return other
    return change


# payload lists

def changed(cls, **fields):
    return lambda payloads: [replace(p, **fields) if isinstance(p, cls) else p for p in payloads]


def mapped(cls, change):
    return lambda payloads: [change(p) if isinstance(p, cls) else p for p in payloads]


def removed(cls):
    return lambda payloads: [p for p in payloads if not isinstance(p, cls)]


def added(payload, before=None):
    def change(payloads):
        at = next((i for i, p in enumerate(payloads) if before and isinstance(p, before)), len(payloads))
        return payloads[:at] + [payload] + payloads[at:]
    return change


def repeated(cls):
    return lambda payloads: [q for p in payloads for q in ((p, p) if isinstance(p, cls) else (p,))]


def reordered(payloads):
    return [payloads[1], payloads[0]] + payloads[2:]


# the plaintext of a KEMAC

def then_key(key):
    """One more Key data behind a chain of one."""
    return lambda plain: bytes((P_KEY,)) + plain[1:] + encode_chain([key])[1]


# whole datagrams

def flipped(octets, bit):
    return octets[: bit // 8] + bytes((octets[bit // 8] ^ 0x80 >> bit % 8,)) + octets[bit // 8 + 1 :]


def put(at, value):
    value = bytes(value)
    return lambda octets: octets[:at] + value + octets[at + len(value) :]


def cut(count):
    return lambda octets: octets[:-count]


def then(octets):
    return lambda before: before + octets
