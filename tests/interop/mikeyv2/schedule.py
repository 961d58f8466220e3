# SPDX-License-Identifier: Apache-2.0
"""§4.4: which key protects what; one object a message."""
from dataclasses import dataclass

from . import ciphers
from .prf import *
from .tables import *


def psk_v2(psk, id_o, id_a):
    """§4.3; the PSK itself is never used."""
    return kdf(psk, b"PSK", id_o.encode() + id_a.encode())


def psk_v2_of_ticket(secret, id_o, id_a):
    return kdf(secret, b"O", id_o.encode() + id_a.encode())


def report_key(user_key):
    return kdf(user_key, b"report")


def resumption_secret(x, th, ah):
    return kdf(x, b"resume", th + ah)


def secret_x(mode, psk=None, envelope=None, z=None, th=None):
    if mode == PSK:
        return psk
    if mode == RSA:
        return envelope
    return z if mode in (DH, EARLY_DH) else kdf(psk, b"X", z + th)


@dataclass(frozen=True)
class MessageKeys:
    """Keys of one message (§4.3), and what its proofs cover besides it (§4.2)."""
    inkey: bytes
    prf: int
    csb_id: int
    data_type: int
    rand_i: bytes
    rand_r: bytes
    context: bytes = ZERO
    h1: bytes = ZERO
    h2: bytes = ZERO
    t: int = 0

    def key(self, constant, size):
        return prf(self.prf, self.inkey,
                   label(constant, 0xFF, self.csb_id, self.data_type, self.rand_i, self.rand_r, self.context), size)

    def covered(self, octets):
        return covered(self.data_type, self.h1, self.h2, octets)

    def mac(self, mac_alg, octets):
        """Of octets that end right before the MAC."""
        key = self.key(AUTHENTICATION, MAC_SIZE[mac_alg])
        return mac(key, self.covered(octets), "sha256" if mac_alg == HMAC_SHA256 else "sha1")

    def encrypt(self, encr, plain):
        return ciphers.encrypt(encr, self.key(ENCRYPTION, ENCR_KEY[encr]), self.key(SALT, 14), self.csb_id, self.t, plain)

    def decrypt(self, encr, data):
        return ciphers.decrypt(encr, self.key(ENCRYPTION, ENCR_KEY[encr]), self.key(SALT, 14), self.csb_id, self.t, data)


def covered(data_type, h1, h2, octets):
    return b"MIKEYv2 " + NAMES[data_type] + b"\0" + h1 + h2 + octets


def traffic_keys(prf_number, tgk, cs_id, csb_id, rand_i, rand_r, f, key_size, salt_size):
    """§4.3: (SRTP master key, master salt)."""
    return tuple(prf(prf_number, tgk, label(constant, cs_id, csb_id, 0, rand_i, rand_r, f), size)
                 for constant, size in ((TEK, key_size), (TEK_SALT, salt_size)))
