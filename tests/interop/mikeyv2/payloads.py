# SPDX-License-Identifier: Apache-2.0
"""§3.2: each payload, behind its `next payload` octet."""
from dataclasses import dataclass

from .octets import malformed, require, u8, u16, u32
from .tables import *


@dataclass(frozen=True)
class Kemac:
    encr: int
    data: bytes
    mac_alg: int
    mac: bytes
    KIND = P_KEMAC

    def encode(self):
        return u8(self.encr) + u16(len(self.data)) + self.data + u8(self.mac_alg) + self.mac

    @staticmethod
    def decode(r):
        encr = r.uint(1)
        require(encr in ENCR_KEY, "encryption algorithm", "§3.3")  # NULL has no place here
        data, mac_alg = r.sized(2), r.uint(1)
        require(mac_alg in MAC_SIZE, "MAC algorithm", "§3.3")
        return Kemac(encr, data, mac_alg, r.take(MAC_SIZE[mac_alg]))


@dataclass(frozen=True)
class Pke:
    data: bytes
    KIND = P_PKE

    def encode(self):
        return u16(len(self.data)) + self.data

    @staticmethod
    def decode(r):
        size = r.uint(2)
        require(size >> 14 == 0, "PKE's C")
        return Pke(r.take(size))


@dataclass(frozen=True)
class Dh:
    group: int
    value: bytes
    KIND = P_DH

    def encode(self):
        return u8(self.group) + self.value + b"\0"

    @staticmethod
    def decode(r):
        group = r.uint(1)
        require(group in DH_SIZE, "DH group", "§3.3")
        value = r.take(DH_SIZE[group])
        require(r.uint(1) == 0, "DH's reserved bits or KV")
        return Dh(group, value)


@dataclass(frozen=True)
class Sign:
    s_type: int
    signature: bytes
    KIND = P_SIGN

    def encode(self):
        return u16(self.s_type << 12 | len(self.signature)) + self.signature

    @staticmethod
    def decode(r):
        head = r.uint(2)
        require(head >> 12 in (S_ED25519, S_ECDSA, S_RSA_PSS), "signature type", "§3.3")
        return Sign(head >> 12, r.take(head & 0xFFF))


@dataclass(frozen=True)
class T:
    value: int
    KIND = P_T

    def encode(self):
        return u8(2) + u32(self.value)

    @staticmethod
    def decode(r):
        require(r.uint(1) == 2, "TS type is not COUNTER")
        return T(r.uint(4))


@dataclass(frozen=True)
class Cert:
    der: bytes
    KIND = P_CERT

    def encode(self):
        return u8(0) + u16(len(self.der)) + self.der

    @staticmethod
    def decode(r):
        require(r.uint(1) == 0, "certificate type")
        return Cert(r.sized(2))


@dataclass(frozen=True)
class Chash:
    hash: bytes
    KIND = P_CHASH

    def encode(self):
        return u8(2) + self.hash

    @staticmethod
    def decode(r):
        require(r.uint(1) == 2, "hash function")
        return Chash(r.take(32))


@dataclass(frozen=True)
class V:
    mac_alg: int
    mac: bytes
    KIND = P_V

    def encode(self):
        return u8(self.mac_alg) + self.mac

    @staticmethod
    def decode(r):
        mac_alg = r.uint(1)
        require(mac_alg in MAC_SIZE, "MAC algorithm", "§3.3")
        return V(mac_alg, r.take(MAC_SIZE[mac_alg]))


@dataclass(frozen=True)
class Sp:
    number: int
    parameters: bytes
    KIND = P_SP

    def encode(self):
        return u8(self.number) + u8(0) + u16(len(self.parameters)) + self.parameters

    @staticmethod
    def decode(r):
        number = r.uint(1)
        require(r.uint(1) == 0, "protocol type")
        return Sp(number, r.sized(2))


@dataclass(frozen=True)
class Rand:
    value: bytes
    KIND = P_RAND

    def encode(self):
        return u8(len(self.value)) + self.value

    @staticmethod
    def decode(r):
        return Rand(r.sized(1))


@dataclass(frozen=True)
class Err:
    number: int
    KIND = P_ERR

    def encode(self):
        return u8(self.number) + u16(0)

    @staticmethod
    def decode(r):
        number = r.uint(1)
        require(r.uint(2) == 0, "ERR's reserved octets")
        return Err(number)


@dataclass(frozen=True)
class Identity:
    type: int
    value: bytes

    def encode(self):
        """`ID` of §4.3."""
        return u8(self.type) + u16(len(self.value)) + self.value


@dataclass(frozen=True)
class Idr:
    role: int
    identity: Identity
    KIND = P_IDR

    def encode(self):
        return u8(self.role) + self.identity.encode()

    @staticmethod
    def decode(r):
        role, type_ = r.uint(1), r.uint(1)
        require(role in (ROLE_O, ROLE_A), "IDR's role")
        require(type_ in (NAI, URI, OCTET_STRING), "ID type")
        value = r.sized(2)
        require(1 <= len(value) <= 255, "identity of none or above 255 octets", "§3.2")
        return Idr(role, Identity(type_, value))


@dataclass(frozen=True)
class Randr:
    role: int
    value: bytes
    KIND = P_RANDR

    def encode(self):
        return u8(self.role) + u8(len(self.value)) + self.value

    @staticmethod
    def decode(r):
        role = r.uint(1)
        require(role in (ROLE_O, ROLE_A), "RANDR's role")
        value = r.sized(1)
        require(16 <= len(value) <= 32, "RAND's length")
        return Randr(role, value)


@dataclass(frozen=True)
class Ext:
    type: int
    data: bytes
    KIND = P_EXT

    def encode(self):
        return u8(self.type) + u16(len(self.data)) + self.data

    @staticmethod
    def decode(r):
        return Ext(r.uint(1), r.sized(2))


@dataclass(frozen=True)
class Cap:
    tlvs: bytes
    KIND = P_CAP

    def encode(self):
        return u8(1) + u16(len(self.tlvs)) + self.tlvs

    @staticmethod
    def decode(r):
        require(r.uint(1) == 1, "version of CAP")
        return Cap(r.sized(2))


@dataclass(frozen=True)
class Padding:
    size: int
    KIND = P_PADDING

    def encode(self):
        return u16(self.size) + bytes(self.size)

    @staticmethod
    def decode(r):
        octets = r.sized(2)
        require(not any(octets), "padding that is not zero")
        return Padding(len(octets))


@dataclass(frozen=True)
class Fragment:
    hash: bytes
    index: int
    count: int
    data: bytes
    KIND = P_FRAGMENT

    def encode(self):
        return self.hash + u8(self.index) + u8(self.count) + u16(len(self.data)) + self.data

    @staticmethod
    def decode(r):
        hash_, index, count = r.take(16), r.uint(1), r.uint(1)
        require(2 <= count <= 8 and index < count, "fragment's index or count", "§3.6")
        return Fragment(hash_, index, count, r.sized(2))


@dataclass(frozen=True)
class KeyData:
    type: int
    key: bytes
    salt: bytes = b""
    spi: bytes = None  # KV 1
    interval: tuple = None  # KV 2: (from, to)
    KIND = P_KEY

    SALTED = (K_TGK_SALT, K_TEK_SALT, K_MTK)

    def encode(self):
        kv = 1 if self.spi is not None else 2 if self.interval is not None else 0
        octets = u8(self.type << 4 | kv) + u16(len(self.key)) + self.key
        if self.type in self.SALTED:
            octets += u16(len(self.salt)) + self.salt
        for field in ((self.spi,), self.interval, ())[{1: 0, 2: 1, 0: 2}[kv]]:
            octets += u8(len(field)) + field
        return octets

    @staticmethod
    def decode(r):
        head = r.uint(1)
        type_, kv = head >> 4, head & 15
        require(kv <= 2, "KV")
        key = r.sized(2)
        salt = r.sized(2) if type_ in KeyData.SALTED else b""
        spi = r.sized(1) if kv == 1 else None
        interval = (r.sized(1), r.sized(1)) if kv == 2 else None
        return KeyData(type_, key, salt, spi, interval)


OUTER = {c.KIND: c for c in (Kemac, Pke, Dh, Sign, T, Cert, Chash, V, Sp, Err, Idr, Randr, Ext, Cap, Padding, Fragment)}
INNER = {c.KIND: c for c in (KeyData, Rand, Idr, Ext)}  # §3.5


def decode_chain(kind, reader, classes):
    """The payloads of a chain with where each ends; the caller checks that nothing stands behind."""
    found = []
    while kind != P_LAST:
        require(kind in classes, f"payload {kind}")
        require(len(found) < 64, "more than 64 payloads", "§3.2")
        following = P_LAST if kind == P_SIGN else reader.uint(1)  # SIGN has no such field and is last
        found.append((classes[kind].decode(reader), reader.at))
        kind = following
    return found


def encode_chain(payloads):
    """(first kind, octets, where each payload ends)."""
    octets, ends = b"", []
    kinds = [p.KIND for p in payloads] + [P_LAST]
    for payload, following in zip(payloads, kinds[1:]):
        octets += (b"" if payload.KIND == P_SIGN else u8(following)) + payload.encode()
        ends.append(len(octets))
    return kinds[0], octets, ends
