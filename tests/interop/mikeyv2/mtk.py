# SPDX-License-Identifier: Apache-2.0
"""§10: MTK messages, of version 1, and their signature across the groups of a tick (EXT 242)."""
from dataclasses import dataclass

from . import ciphers, prf
from .group_rekey import leaf_of, levels_of, path_of, root_of
from .message import decode_key_id, encode_key_id
from .octets import Reader, Refused, require, u8, u16, u32
from .payloads import Ext, Kemac, KeyData, T, decode_chain, encode_chain
from .tables import *


@dataclass(frozen=True)
class Mtk:
    """An MTK message without its keys of protection."""
    key_domain: bytes
    msk_id: bytes
    mtk_id: int
    csb_id: int
    counter: int
    key: bytes
    salt: bytes


@dataclass(frozen=True)
class Under:
    """What protects it: the MSK as a pre-shared key, RFC 3830's labels with the group's RAND."""
    msk: bytes
    rand: bytes
    prf: int = PRF_SHA256
    encr: int = AES_CM_128
    mac: int = HMAC_SHA256

    def key(self, constant, csb_id, size):
        return prf.prf(self.prf, self.msk, u32(constant) + u8(0xFF) + u32(csb_id) + self.rand, size)

    def crypt(self, csb_id, counter, octets):
        keys = (self.key(prf.ENCRYPTION, csb_id, ENCR_KEY[self.encr]), self.key(prf.SALT, csb_id, 14))
        return ciphers.encrypt(self.encr, *keys, csb_id, counter, octets)

    def proof(self, csb_id, octets):
        size = MAC_SIZE[self.mac]
        return prf.mac(self.key(prf.AUTHENTICATION, csb_id, size), octets, "sha256" if size == 32 else "sha1")


def signed(key_id, leaves, root):
    return b"MIKEYv2 mtk\0" + u32(key_id) + u8(leaves) + root


def _encode(mtk, under, signature):
    payloads = [Ext(E_KEY_ID, encode_key_id(mtk.key_domain, mtk.msk_id, u16(mtk.mtk_id))), T(mtk.counter)]
    if signature is not None:
        payloads.append(Ext(E_MTK_SIGNATURE, signature))
    plain = encode_chain([KeyData(K_TEK_SALT, mtk.key, mtk.salt)])[1]
    size = MAC_SIZE[under.mac]
    payloads.append(Kemac(under.encr, under.crypt(mtk.csb_id, mtk.counter, plain), under.mac, bytes(size)))
    first, chain, _ = encode_chain(payloads)
    return (u8(1) + u8(0) + u8(first) + u8(under.prf) + u32(mtk.csb_id) + u8(0) + u8(1) + chain)[:-size]


def build(messages, signing=None):
    """messages: [(Mtk, Under)] of a tick; signing: (key id, Ed25519 private key)."""
    if signing is None:
        return [with_signature(mtk, under, None) for mtk, under in messages]
    key_id, private = signing
    count = len(messages)
    shape = levels_of([b""] * count)
    drafts = [_encode(mtk, under, bytes(6 + 16 * len(path_of(shape, i)) + 64)) for i, (mtk, under) in enumerate(messages)]
    levels = levels_of([leaf_of(i, draft) for i, draft in enumerate(drafts)])
    signature = private.sign(signed(key_id, count, levels[-1][0]))
    exts = [u32(key_id) + u8(i) + u8(count) + b"".join(path_of(levels, i)) + signature for i in range(count)]
    return [with_signature(mtk, under, ext) for (mtk, under), ext in zip(messages, exts)]


def with_signature(mtk, under, ext):
    """The message with that as EXT 242, or without one, and its MAC."""
    octets = _encode(mtk, under, ext)
    return octets + under.proof(mtk.csb_id, octets)


def signature_of(octets):
    """EXT 242 of a message."""
    r = Reader(octets[2:])
    first, _, _ = r.uint(1), r.take(1 + 4), r.take(2)
    payloads = [p for p, _ in decode_chain(first, r, {c.KIND: c for c in (Ext, T, Kemac)})]
    return payloads[2].data


def open_signed(octets, under, key_id, public):
    """The Mtk in a signed message: MAC, EXT 242, KEMAC."""
    r = Reader(octets)
    require((r.uint(1), r.uint(1)) == (1, 0), "MTK message", "§10")
    first, prf_number, csb_id = r.uint(1), r.uint(1), r.uint(4)
    require((prf_number, r.uint(1), r.uint(1)) == (under.prf, 0, 1), "header of an MTK message", "§10")
    chain = decode_chain(first, r, {c.KIND: c for c in (Ext, T, Kemac)})
    r.end()
    require([type(p) for p, _ in chain] == [Ext, T, Ext, Kemac], "MTK message", "§10")
    (ids, _), (t, _), (ext, ext_end), (kemac, _) = chain
    require((ids.type, ext.type) == (E_KEY_ID, E_MTK_SIGNATURE), "MTK message", "§10")
    require((kemac.encr, kemac.mac_alg) == (under.encr, under.mac), "algorithms", "§10")
    head = octets[: -len(kemac.mac)]
    require(prf.equal(under.proof(csb_id, head), kemac.mac), "MAC", "§10")
    s = Reader(ext.data)
    of, index, leaves = s.uint(4), s.uint(1), s.uint(1)
    path = s.rest()
    require(index < leaves and len(path) >= 64 and len(path) % 16 == 0 and of == key_id, "EXT 242", "§10")
    path, signature = path[:-64], path[-64:]
    draft = head[: ext_end - len(ext.data)] + bytes(len(ext.data)) + head[ext_end:]
    root = root_of(leaf_of(index, draft), index, leaves, [path[i : i + 16] for i in range(0, len(path), 16)])
    try:
        public.verify(signature, signed(key_id, leaves, root))
    except Exception:
        raise Refused("signature", "§10") from None
    inner = Reader(under.crypt(csb_id, t.value, kemac.data))
    found = decode_chain(P_KEY, inner, {KeyData.KIND: KeyData})
    inner.end()
    require(len(found) == 1 and found[0][0].type == K_TEK_SALT and found[0][0].spi is None and found[0][0].interval is None,
            "key of an MTK message", "§10")
    domain, msk_id, mtk_id = decode_key_id(ids.data, (0, 1, 2))
    return Mtk(domain, msk_id, int.from_bytes(mtk_id, "big"), csb_id, t.value, found[0][0].key, found[0][0].salt)
