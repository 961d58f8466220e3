# SPDX-License-Identifier: Apache-2.0
"""§3.5: what is inside a KEMAC."""
from dataclasses import dataclass, field

from .grammar import check_inner
from .octets import Reader, require, u32
from .payloads import *
from .tables import *


@dataclass
class Content:
    keys: list = field(default_factory=list)
    identity: Identity = None
    rands: list = field(default_factory=list)
    csb_id: int = None
    msk_states: list = field(default_factory=list)
    member_state: bytes = None

    def of(self, *types):
        return [k for k in self.keys if k.type in types]

    def msks(self):
        return [k for k in self.keys if k.type == K_TGK and k.interval]

    def encode(self):
        payloads = [Idr(ROLE_A, self.identity)] if self.identity else []
        payloads += self.keys + [Rand(r) for r in self.rands]
        if self.csb_id is not None:
            payloads.append(Ext(E_CSB_ID, u32(self.csb_id)))
        payloads += [Ext(E_MSK, state) for state in self.msk_states]
        if self.member_state is not None:
            payloads.append(Ext(E_MEMBER, self.member_state))
        return encode_chain(payloads)[1]


def decode(plain, rsa):
    if not plain and not rsa:
        return Content()
    reader = Reader(plain)
    payloads = [p for p, _ in decode_chain(P_IDR if rsa else P_KEY, reader, INNER)]
    reader.end()
    check_inner(payloads)
    content = Content()
    for p in payloads:
        if isinstance(p, Idr):
            require(rsa, "identity inside KEMAC", "§3.5")
            content.identity = p.identity
        elif isinstance(p, KeyData):
            content.keys.append(_checked(p))
        elif isinstance(p, Rand):
            require(len(p.value) == 16, "group RAND", "§10")
            content.rands.append(p.value)
        elif p.type == E_CSB_ID:
            require(len(p.data) == 4, "CSB ID", "§3.6")
            content.csb_id = int.from_bytes(p.data, "big")
        elif p.type == E_MSK:
            require(len(p.data) == 11, "MSK state", "§3.6")
            content.msk_states.append(p.data)
        elif p.type == E_MEMBER:
            require(len(p.data) == 38, "member state", "§3.6")
            content.member_state = p.data
    kinds = [k.type for k in content.keys]
    require(kinds == sorted(kinds), "order of key data", "§3.5")
    require(sum(len(k.key) for k in content.keys) <= KEY_DATA_MAX and len(content.keys) <= KEYS_MAX, "key data", "§14")
    return content


_SPI_SIZES = {K_LABEL: 8, K_MTK: 6, K_VERIFY: 4, K_TICKET: 4}


def _checked(k):
    require(k.type in (K_TGK, K_TREE) or k.type in _SPI_SIZES, "type of key data", "§3.5")
    if k.type == K_TGK:
        require(k.spi is None and len(k.key) in (16, 32), "TGK", "§3.5")
        require(k.interval is None or all(len(end) == 2 for end in k.interval), "interval of an MSK", "§3.5")
        require(k.interval is not None or len(k.key) == 32, "unicast TGK", "§3.5")
        return k
    require(k.spi is not None, "SPI", "§3.5")
    if k.type == K_TREE:  # keys of neighbouring levels: node 4, then for each version 4 and step 1
        count = (len(k.spi) - 4) // 5
        require(count >= 1 and len(k.spi) == 4 + 5 * count and len(k.key) in (16 * count, 32 * count), "tree keys", "§3.5")
        return k
    require(len(k.spi) == _SPI_SIZES[k.type], "SPI", "§3.5")
    sizes = {K_LABEL: (16,), K_MTK: (16, 32), K_VERIFY: (32,), K_TICKET: range(1, TICKET_MAX + 1)}
    require(len(k.key) in sizes[k.type], "key size", "§3.5")
    require(k.type != K_MTK or len(k.salt) in (12, 14), "master salt", "§3.5")
    return k


def check_unicast(content, mode):
    """§3.5: modes 1 and 2 have exactly one TGK, all others none, and no key of a group."""
    require(len(content.of(K_TGK)) == (1 if mode in (PSK, RSA) else 0), "number of TGKs", "§3.5")
    require(len(content.of(K_TICKET)) <= 1, "tickets", "§11")
    require(not content.msks() and not content.of(K_TREE, K_LABEL, K_MTK, K_VERIFY), "group key in unicast", "§3.5")


def check_group(content):
    """§10: what O gets in the message that holds group keys."""
    msks = content.msks()
    require(1 <= len(msks) <= 2 and len(msks) == len(content.of(K_TGK)), "MSKs", "§3.5")
    require(len(content.rands) == len(msks) == len(content.msk_states), "RAND and EXT 247 for each MSK", "§3.5")
    require(content.csb_id is not None and content.member_state is not None, "EXT 4 and EXT 248", "§10")
    require(content.of(K_MTK), "current MTK", "§10")
