# SPDX-License-Identifier: Apache-2.0
"""PRFs, KDF and labels of §4.3."""
import hashlib
import hmac

from .octets import u8, u16, u32
from .tables import *

ZERO = bytes(32)  # "0" of §4.1
ENCRYPTION, AUTHENTICATION, SALT = 0x150533E1, 0x2D22AC75, 0x29B88916
TEK, TEK_SALT = 0x2AD01C64, 0x39A2C14B


def H(octets):
    return hashlib.sha256(octets).digest()


def mac(key, octets, hash_="sha256"):
    return hmac.digest(key, octets, hash_)


def equal(a, b):
    return hmac.compare_digest(a, b)


def prf(number, inkey, label, size):
    """RFC 3830 §4.1.2; RFC 6043 §6.1 puts SHA-256 and 256 in place of SHA-1 and 160, blocks of inkey stay of 256 bits."""
    hash_ = "sha256" if number == PRF_SHA256 else "sha1"
    out = bytes(size)
    for at in range(0, len(inkey), 32):
        s, a, stream = inkey[at : at + 32], label, b""
        while len(stream) < size:
            a = mac(s, a, hash_)
            stream += mac(s, a + label, hash_)
        out = bytes(x ^ y for x, y in zip(out, stream))
    return out


def kdf(key, name, fields=b"", size=32):
    return mac(key, b"MIKEYv2 " + name + b"\0" + fields)[:size]


def label(constant, cs, csb_id, data_type, rand_i, rand_r, context):
    """§4.3; cs is 0xFF and data_type the message's for message keys, the CS ID and 0 for traffic keys."""
    return (u32(constant) + u8(cs) + u32(csb_id) + u8(data_type) + u8(len(rand_i)) + rand_i + u8(len(rand_r)) + rand_r
            + b"\x20" + context)
