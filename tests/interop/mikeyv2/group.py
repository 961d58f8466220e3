# SPDX-License-Identifier: Apache-2.0
"""§10: a group as its controller sees it, as far as a join needs it."""
from dataclasses import dataclass, field

from . import srtp
from .content import Content
from .message import MapEntry
from .octets import u16, u32
from .payloads import Identity, KeyData
from .tables import *


@dataclass
class Group:
    uri: Identity
    key_domain: bytes
    key_group: bytes
    csb_id: int
    msk: bytes
    rand: bytes
    mtk: tuple  # (key, salt)
    tree_id: bytes = bytes(8)
    epoch: int = 1
    t: int = 1
    counter: int = 1
    key_number: int = 1
    mtk_id: int = 1
    streams: tuple = ((0x1111, 0, 7),)  # SSRC, ROC, SEQ
    profile: int = 0x0007
    members: set = field(default_factory=set)
    tree_keys: tuple = ()  # of a leaf's path, leaf first
    verification_key: tuple = None  # (key id, public key)
    encr: int = AES_CM_256
    report_window: int = 1000

    def entitled(self, member):
        return member in self.members

    def is_named(self, domain, group):
        """EXT 3 of a join: zeros where O does not know them."""
        return domain in (bytes(3), self.key_domain) and group in (bytes(2), self.key_group)

    def algorithms(self):
        return {T_PRF: (PRF_SHA256,), T_ENCR: (self.encr,), T_MAC: (HMAC_SHA256,)}

    def profiles(self):
        return (self.profile,)

    def msk_id(self):
        return self.key_group + u16(self.key_number)

    def mki(self):
        return self.msk_id() + u16(self.mtk_id)

    def content(self, _member):
        """(content of KEMAC, map, SPs)."""
        keys = [KeyData(K_TGK, self.msk, interval=(u16(self.mtk_id), u16(0xFFFF)))]
        if self.tree_keys:
            spi = u32(8) + b"".join(u32(self.epoch) + b"\1" for _ in self.tree_keys)
            keys.append(KeyData(K_TREE, b"".join(self.tree_keys), spi=spi))
        keys.append(KeyData(K_MTK, self.mtk[0], self.mtk[1], spi=self.mki()))
        if self.verification_key:
            keys.append(KeyData(K_VERIFY, self.verification_key[1], spi=u32(self.verification_key[0])))
        msk_state = self.key_domain + self.msk_id() + u32(self.counter)
        member_state = (self.tree_id + u32(self.epoch) + u32(self.t) + u32(0) + u32(0) + u16(1400) + u32(self.report_window)
                        + u32(0) + u32(0))
        got = Content(keys, None, [self.rand], self.csb_id, [msk_state], member_state)
        entries = tuple(MapEntry(i, (0,), ssrc, (roc, seq), self.mki()) for i, (ssrc, roc, seq) in enumerate(self.streams, 1))
        return got, entries, [srtp.policy(0, self.profile)]
