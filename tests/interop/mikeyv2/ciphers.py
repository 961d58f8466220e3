# SPDX-License-Identifier: Apache-2.0
"""What a KEMAC is encrypted by: AES-CM (RFC 3830 §4.2.3) and key wrap with padding (RFC 5649)."""
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from .octets import Refused, u32, u64
from .tables import *


def _aes_cm(key, salt, csb_id, t, octets):
    block = b"\0\0" + u32(csb_id) + u64(t)
    iv = bytes(a ^ b for a, b in zip(salt, block)) + b"\0\0"  # §4.3
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(octets)


def encrypt(encr, key, salt, csb_id, t, plain):
    if encr != KEY_WRAP:
        return _aes_cm(key, salt, csb_id, t, plain)
    return aes_key_wrap_with_padding(key, plain) if plain else b""  # §4.3: no plaintext, no Encr data


def decrypt(encr, key, salt, csb_id, t, data):
    if encr != KEY_WRAP:
        return _aes_cm(key, salt, csb_id, t, data)
    try:
        return aes_key_unwrap_with_padding(key, data) if data else b""
    except (InvalidUnwrap, ValueError):
        raise Refused("key wrap", "RFC 5649") from None
