# SPDX-License-Identifier: Apache-2.0
"""SRTP and SRTCP packets: session keys, tags, packet index (RFC 3711, RFC 6188, RFC 7714)."""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MKI_LENGTH = 6  # MSK ID || MTK ID
ROC_REACH = 64  # how far from the guess a rollover counter is looked for


class Policy:
    """What the SP payload of an MSK message says (RFC 3830 section 6.10.1)."""

    def __init__(self, params):
        def value(kind, default):
            return int.from_bytes(params[kind], "big") if kind in params else default

        self.is_aead = value(0, 1) == 6  # RFC 7714 section 14.2
        self.tag = 16 if self.is_aead else value(11, 10)
        self.rtcp_tag = 16 if self.is_aead else value(19, 10)

    def __eq__(self, other):
        return vars(self) == vars(other)


def derive(master, salt, label, length):
    """RFC 3711 section 4.3.1 with key derivation rate 0. A 96-bit salt is padded on the right."""
    salt = salt.ljust(14, b"\0")
    start = int.from_bytes(salt, "big") ^ (label << 48)
    iv = (start << 16).to_bytes(16, "big")
    return Cipher(algorithms.AES(master), modes.CTR(iv)).encryptor().update(bytes(length))


class Session:
    """Session keys of one MTK."""

    def __init__(self, policy, master, salt):
        self.policy = policy
        if policy.is_aead:
            self.rtp = AESGCM(derive(master, salt, 0, len(master))), derive(master, salt, 2, 12)
            self.rtcp = AESGCM(derive(master, salt, 3, len(master))), derive(master, salt, 5, 12)
        else:
            self.rtp, self.rtcp = derive(master, salt, 1, 20), derive(master, salt, 4, 20)


def is_rtcp(octets):
    return 192 <= octets[1] <= 223  # RFC 5761 section 4


def mki_of(octets, policy):
    """The MKI closes an AEAD packet (RFC 7714 section 8.2) and stands before the tag otherwise."""
    if policy.is_aead:
        return octets[-MKI_LENGTH:]
    tag = policy.rtcp_tag if is_rtcp(octets) else policy.tag
    return octets[-tag - MKI_LENGTH:-tag]


def rtp_header_length(octets):
    length = 12 + 4 * (octets[0] & 15)
    if octets[0] & 0x10:
        length += 4 + 4 * struct.unpack_from("!H", octets, length + 2)[0]
    return length


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _is_gcm(cipher, iv, sealed, covered):
    try:
        cipher.decrypt(iv, sealed, covered)
        return True
    except InvalidTag:
        return False


def rtp_is_authentic(octets, session, roc):
    tag = session.policy.tag
    if not session.policy.is_aead:
        covered = octets[:-tag - MKI_LENGTH] + struct.pack("!I", roc)
        return hmac.compare_digest(hmac.digest(session.rtp, covered, hashlib.sha1)[:tag],
                                   octets[-tag:])
    cipher, salt = session.rtp
    header = rtp_header_length(octets)
    iv = _xor(b"\0\0" + octets[8:12] + struct.pack("!I", roc) + octets[2:4], salt)
    return _is_gcm(cipher, iv, octets[header:-MKI_LENGTH], octets[:header])


def rtcp_is_authentic(octets, session):
    """(authentic, index) of an SRTCP packet; its index is in clear."""
    policy = session.policy
    end = len(octets) - MKI_LENGTH - (0 if policy.is_aead else policy.rtcp_tag)
    word = struct.unpack_from("!I", octets, end - 4)[0]
    if not policy.is_aead:
        given = octets[-policy.rtcp_tag:]
        computed = hmac.digest(session.rtcp, octets[:end], hashlib.sha1)[:policy.rtcp_tag]
        return hmac.compare_digest(computed, given), word & 0x7FFFFFFF
    cipher, salt = session.rtcp
    iv = _xor(b"\0\0" + octets[4:8] + b"\0\0" + struct.pack("!I", word & 0x7FFFFFFF), salt)
    covered = octets[:8] + octets[end - 4:end]
    return _is_gcm(cipher, iv, octets[8:end - 4], covered), word & 0x7FFFFFFF


def find_index(octets, session, last):
    """The 48-bit index whose ROC the tag proves, looked for around `last`; None when there is none."""
    sequence = struct.unpack_from("!H", octets, 2)[0]
    roc = last >> 16
    if sequence - (last & 0xFFFF) < -0x8000:  # RFC 3711 appendix A
        roc += 1
    elif sequence - (last & 0xFFFF) > 0x8000:
        roc -= 1
    for distance in range(ROC_REACH):
        for candidate in {roc + distance, roc - distance}:
            if 0 <= candidate < 1 << 32 and rtp_is_authentic(octets, session, candidate):
                return candidate << 16 | sequence
    return None
