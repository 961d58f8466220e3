# SPDX-License-Identifier: Apache-2.0
"""What secrets look like that are in files: private keys of certificates, and the keys of a store, which an
independent reader opens with the master key (docs/keys-at-rest.md, records/meta.h)."""

import base64
import ctypes
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_pem_private_key)

MARK = b"keymast meta\0\0\0\0"
WRAPPING = b"keymast meta key"
NONCE, TAG, MOST = 24, 16, 1024  # octets; MOST of a sealed body
BLOCK = 32768  # of RocksDB's log
SODIUM = ctypes.CDLL("libsodium.so.23")


def numbers_of(path):
    """(of what, octets) of the numbers that make a private key."""
    key = load_pem_private_key(path.read_bytes(), None)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"seed": key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())}
    numbers = key.private_numbers()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"scalar": numbers.private_value.to_bytes(32, "big")}
    return {part: getattr(numbers, part).to_bytes((getattr(numbers, part).bit_length() + 7) // 8, "big")
            for part in ("p", "q", "d", "dmp1", "dmq1", "iqmp")}


def lines_of(path):
    """Octets of the lines of base64 that tell of a number and of what is beside it in the file: as they are
    they are DER, in base64 they are PEM. A line within one number is a part of that one in any form."""
    lines = [base64.b64decode(line) for line in path.read_bytes().splitlines() if b"-" not in line]
    der, at, found = b"".join(lines), 0, {}
    places = [(der.index(octets), len(octets)) for octets in numbers_of(path).values()]
    for number, line in enumerate(lines):
        shared = [min(at + len(line), begin + size) - max(at, begin) for begin, size in places]
        if any(12 <= octets < len(line) for octets in shared):
            found[f"line {number}"] = line
        at += len(line)
    return found


def named(kind, paths):
    """`kind` of these files, by name."""
    return {f"{path.name} {part}": octets for path in paths for part, octets in kind(path).items()}


def opened(key, clear, sealed):
    """XChaCha20-Poly1305; None: it is another's, or ends elsewhere."""
    plain = ctypes.create_string_buffer(len(sealed) - NONCE - TAG)
    body = sealed[NONCE:]
    failed = SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, None, None, body, ctypes.c_ulonglong(len(body)), clear, ctypes.c_ulonglong(len(clear)),
        sealed[:NONCE], key)
    return None if failed else plain.raw


def wrapping_key(master):
    return HKDF(hashes.SHA256(), 32, None, WRAPPING).derive(master)


def unwrapped(wrapped, masters):
    """What one of them wrapped, by keymastd or in a token."""
    for master in masters:
        key = opened(wrapping_key(master), WRAPPING, wrapped)
        if key:
            return key
        try:
            return AESGCM(master).decrypt(wrapped[1:13], wrapped[13:], WRAPPING)
        except InvalidTag:
            continue
    return None


def payloads(octets):
    """Of a log of RocksDB, whose records are cut at the ends of blocks."""
    for begin in range(0, len(octets), BLOCK):
        block, at = octets[begin:begin + BLOCK], 0
        while at + 7 <= len(block):
            size, kind = struct.unpack_from("<HB", block, at + 4)
            if not kind:
                break
            yield block[at + 7:at + 7 + size]
            at += 7 + size


def read_meta(octets, at, masters):
    """The keys of one meta entry, and its own; None where none of the masters opens it."""
    end = at + len(MARK) + 2
    named_keys, end = octets[end], end + 1
    wrapped = []
    for _ in range(named_keys):
        end += 1 + octets[end]
        size = struct.unpack_from("!H", octets, end)[0]
        wrapped.append(octets[end + 2:end + 2 + size])
        end += 2 + size
    meta_key = unwrapped(wrapped[0], masters)
    bodies = (opened(meta_key, octets[at:end], octets[end:end + size])
              for size in range(NONCE + TAG + 1, MOST)) if meta_key else ()
    body = next((body for body in bodies if body), None)
    if body is None:
        return None
    keys, at = {"import key": body[1:33]}, 35
    for _ in range(struct.unpack_from("!H", body, 33)[0]):
        number = struct.unpack_from("!I", body, at)[0]
        keys[f"record key {number}"] = body[at + 5:at + 37]
        keys[f"page key {number}"] = body[at + 38:at + 70]
        at += 70
    # Each has a record key of its own, the last.
    keys[f"meta key {number}"] = meta_key
    return keys


def keys_of_store(data, masters):
    """All that any meta entry in its files has, which one of the master keys opens."""
    keys = {}
    for path in sorted(data.iterdir()):
        if path.suffix not in (".log", ".sst"):
            continue
        octets = path.read_bytes()
        octets = b"".join(payloads(octets)) if path.suffix == ".log" else octets
        at = octets.find(MARK)
        while at >= 0:
            keys.update(read_meta(octets, at, masters) or {})
            at = octets.find(MARK, at + 1)
    return keys
