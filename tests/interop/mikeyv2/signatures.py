# SPDX-License-Identifier: Apache-2.0
"""§5: signatures of the three types, and RSA-OAEP."""
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from .octets import Refused
from .tables import *

_SHA = hashes.SHA256()
_PSS = padding.PSS(padding.MGF1(_SHA), 32)
_OAEP = padding.OAEP(padding.MGF1(_SHA), _SHA, None)


def type_of(key):
    """S type of a public or private key: the type is that of the signer's key."""
    if isinstance(key, (ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey)):
        return S_ED25519
    if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)) and isinstance(key.curve, ec.SECP256R1):
        return S_ECDSA
    if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)) and 2048 <= key.key_size <= 4096:
        return S_RSA_PSS
    raise Refused("key of no signature type", "§5")


def size_of(key):
    return key.key_size // 8 if type_of(key) == S_RSA_PSS else 64


def sign(private, octets):
    kind = type_of(private)
    if kind == S_ED25519:
        return private.sign(octets)
    if kind == S_RSA_PSS:
        return private.sign(octets, _PSS, _SHA)
    r, s = utils.decode_dss_signature(private.sign(octets, ec.ECDSA(_SHA)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(public, s_type, signature, octets):
    if type_of(public) != s_type or len(signature) != size_of(public):
        raise Refused("signature type", "§5")
    try:
        if s_type == S_ED25519:
            public.verify(signature, octets)
        elif s_type == S_RSA_PSS:
            public.verify(signature, octets, _PSS, _SHA)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            public.verify(utils.encode_dss_signature(r, s), octets, ec.ECDSA(_SHA))
    except InvalidSignature:
        raise Refused("signature", "§5") from None


def _mgf1(seed, size):
    blocks = (hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def seal(public, octets, random):
    """PKE: RFC 8017 §7.1.1 by hand, so that a seed replays."""
    numbers, size = public.public_numbers(), public.key_size // 8
    data = hashlib.sha256(b"").digest() + bytes(size - len(octets) - 66) + b"\x01" + octets
    seed = random.octets(32)
    masked = bytes(a ^ b for a, b in zip(data, _mgf1(seed, len(data))))
    block = b"\0" + bytes(a ^ b for a, b in zip(seed, _mgf1(masked, 32))) + masked
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def open_(private, data, random):
    """A failure is no error of its own: 32 random octets instead, and the MAC fails."""
    instead = random.octets(32)
    try:
        plain = private.decrypt(data, _OAEP)
    except ValueError:
        return instead
    return plain if len(plain) == 32 else instead
