# SPDX-License-Identifier: Apache-2.0
"""Misbehaviours in what a join gets: each changes the content of the KEMAC, and O must not join by it."""
from dataclasses import replace

from . import content
from .octets import Refused
from .payloads import *
from .tables import *


def _content(change):
    def twist(plain):
        got = _decoded(plain)
        change(got)
        return got.encode()
    return twist


def _decoded(plain):
    """RSA's begins with the sender."""
    try:
        return content.decode(plain, False)
    except Refused:
        return content.decode(plain, True)


def _key(kind, **fields):
    """The Key data of that type with other fields."""
    def change(got):
        got.keys = [replace(k, **fields) if k.type == kind else k for k in got.keys]
    return change


def _without(kind):
    def change(got):
        got.keys = [k for k in got.keys if k.type != kind]
    return change


def _set(**fields):
    return lambda got: got.__dict__.update(fields)


def _msks(count):
    def change(got):
        got.keys = [got.keys[0]] * count + got.keys[1:]
        got.rands, got.msk_states = got.rands * count, got.msk_states * count
    return change


def _many(got):
    got.keys += [KeyData(K_VERIFY, bytes(32), spi=bytes(4))] * (KEYS_MAX + 1 - len(got.keys))


def _long(got):
    got.keys[1:1] = [KeyData(K_TREE, bytes(32 * 32), spi=bytes(4 + 5 * 32))] * 2


CHANGES = [
    ("no group RAND", "§3.5", _set(rands=[])),
    ("two group RANDs for one MSK", "§3.5", _set(rands=[bytes(16)] * 2)),
    ("group RAND of 17 octets", "§10", _set(rands=[bytes(17)])),
    ("no CSB ID of the group", "§10", _set(csb_id=None)),
    ("no MSK state", "§3.5", _set(msk_states=[])),
    ("MSK state of 10 octets", "§3.6", _set(msk_states=[bytes(10)])),
    ("no member state", "§10", _set(member_state=None)),
    ("member state of 34 octets", "§3.6", _set(member_state=bytes(34))),
    ("MSK state of another group", "§10", _set(msk_states=[bytes(11)])),
    ("no MTK", "§10", _without(K_MTK)),
    ("three MSKs", "§3.5", _msks(3)),
    ("MSK of 24 octets", "§3.5", _key(K_TGK, key=bytes(24))),
    ("MSK with an SPI", "§3.5", _key(K_TGK, interval=None, spi=bytes(4))),
    ("unicast TGK in a group", "§3.5", _key(K_TGK, interval=None, key=bytes(32))),
    ("interval of one octet", "§3.5", _key(K_TGK, interval=(b"\1", b"\2"))),
    ("MTK ID of 3 octets in an MKI", "§3.5", _key(K_MTK, spi=bytes(7))),
    ("MTK without SPI", "§3.5", _key(K_MTK, spi=None)),
    ("master salt of 13 octets", "§3.5", _key(K_MTK, salt=bytes(13))),
    ("master key of 24 octets", "§3.5", _key(K_MTK, key=bytes(24))),
    ("verification key of 31 octets", "§3.5", _key(K_VERIFY, key=bytes(31))),
    ("tree keys of which one is cut", "§3.5", _key(K_TREE, key=bytes(63))),
    ("tree keys with a step too much", "§3.5", _key(K_TREE, spi=bytes(4 + 5 * 5))),
    ("KV 3", "§3.5", None),
    ("Key data of type 5", "§3.5", _key(K_VERIFY, type=5)),
    ("17 keys", "§14", _many),
    ("key data above 2,048 octets", "§14", _long),
]


def _kv_3(plain):
    return plain[:1] + bytes((plain[1] & 0xF0 | 3,)) + plain[2:]


def group_table(make):
    """In the answer of mode 1; the same content comes in KEYS of modes 3 and 4."""
    table = [make(f"join: {name}", clause, "A", "answer.plain", _content(change) if change else _kv_3, join=True)
             for name, clause, change in CHANGES]
    late = [make(f"join: {name}, in KEYS", clause, "A", "keys.plain", _content(change), DHHMAC, join=True)
            for name, clause, change in CHANGES[:4]]
    table.append(make("join: map without keys", "§3.1", "A", "answer.plain", lambda plain: b"", join=True))
    table.append(make("join: no keys at all", "§7", "A", "keys.plain", lambda plain: b"", DHHMAC, join=True))
    return table + late
