# SPDX-License-Identifier: Apache-2.0
"""Pre-shared key messages of MIKEY in 3GPP form: keys by the PRF, MAC, decryption (RFC 3830, 4563)."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ENCR, AUTH, SALT = 0x150533E1, 0x2D22AC75, 0x29B88916  # section 4.1.4
PSK, PSK_VERIFICATION = 0, 1
KEMAC, T, ID, V, SP, RAND, GENERAL = 1, 5, 6, 9, 10, 11, 21
HASHES = {0: hashlib.sha1, 1: hashlib.sha256}       # PRF func; RFC 6043 section 6.1
MACS = {1: hashlib.sha1, 2: hashlib.sha256}
KEY_LENGTHS = {1: 16, 3: 32}                        # AES-CM-128, AES-CM-256


class NotMikey(Exception):
    """The octets are no message of the kinds read here."""


def prf(function, key, label, length):
    """Section 4.1.2: the key in pieces of 256 bits, their outputs xored."""
    out = bytes(length)
    for at in range(0, len(key), 32):
        piece, chained, block = key[at:at + 32], label, b""
        while len(block) < length:
            chained = hmac.digest(piece, chained, HASHES[function])
            block += hmac.digest(piece, chained + label, HASHES[function])
        out = bytes(a ^ b for a, b in zip(out, block))
    return out


class Message:
    """A parsed message. Nothing of it is true before `open` has verified the MAC."""

    def __init__(self, octets):
        self.octets = octets
        self.ids, self.identities, self.policy, self.rand = {}, [], {}, None
        self.counter = self.kemac = self.verification = None
        try:
            self._parse()
        except (struct.error, IndexError, KeyError) as error:
            raise NotMikey("cut off") from error

    def _parse(self):
        version, self.data_type, payload, flags, self.csb, streams, map_type = struct.unpack_from(
            "!BBBBIBB", self.octets)
        if version != 1 or self.data_type not in (PSK, PSK_VERIFICATION):
            raise NotMikey("version or data type")
        self.prf = flags & 0x7F
        at = 10 + (9 * streams if map_type == 0 else 0)
        readers = {GENERAL: self._general, T: self._time, RAND: self._rand, ID: self._identity,
                   SP: self._policy, KEMAC: self._kemac, V: self._verify}
        while payload:
            if payload not in readers:
                raise NotMikey(f"payload {payload}")
            kind, payload = payload, self.octets[at]
            at = readers[kind](at + 1)
        if at != len(self.octets):
            raise NotMikey("trailing octets")

    def _counted(self, at, width):
        length = int.from_bytes(self._take(at, width), "big")
        return self._take(at + width, length), at + width + length

    def _take(self, at, length):
        if at + length > len(self.octets):
            raise NotMikey("cut off")
        return self.octets[at:at + length]

    def _general(self, at):
        kind = self.octets[at]
        data, end = self._counted(at + 1, 2)
        if kind == 3:  # RFC 4563 section 4
            while data:
                self.ids[data[0]], data = data[2:2 + data[1]], data[2 + data[1]:]
        return end

    def _time(self, at):
        if self.octets[at] != 2:  # COUNTER
            raise NotMikey("time stamp type")
        self.counter = struct.unpack_from("!I", self.octets, at + 1)[0]
        return at + 5

    def _rand(self, at):
        self.rand, end = self._counted(at, 1)
        return end

    def _identity(self, at):
        identity, end = self._counted(at + 1, 2)
        self.identities.append(identity.decode("utf-8", "replace"))
        return end

    def _policy(self, at):
        data, end = self._counted(at + 2, 2)
        while data:
            self.policy[data[0]], data = data[2:2 + data[1]], data[2 + data[1]:]
        return end

    def _kemac(self, at):
        encryption = self.octets[at]
        data, end = self._counted(at + 1, 2)
        mac = self.octets[end]
        length = MACS[mac]().digest_size
        self.kemac = (encryption, data, mac, self._take(end + 1, length))
        self.covered = self.octets[:end + 1]
        return end + 1 + length

    def _verify(self, at):
        algorithm = self.octets[at]
        length = MACS[algorithm]().digest_size
        self.verification = (algorithm, self._take(at + 1, length))
        return at + 1 + length

    # What it is, by what it carries (TS 33.246 section 6.4.6).
    def is_msk(self):
        return self.kemac is not None and 1 in self.ids and 2 not in self.ids

    def is_mtk(self):
        return self.kemac is not None and 1 in self.ids and 2 in self.ids

    def msk_id(self):
        """Key Domain ID || MSK ID."""
        return self.ids.get(0, b"") + self.ids[1]

    def open(self, key, rand):
        """Key data of the KEMAC under `key`, as {key, salt}, or None when the MAC is wrong."""
        encryption, data, mac, given = self.kemac

        def derive(constant, length):
            label = struct.pack("!IBI", constant, 0xFF, self.csb) + rand
            return prf(self.prf, key, label, length)

        auth_key = derive(AUTH, MACS[mac]().digest_size)
        if not hmac.compare_digest(hmac.digest(auth_key, self.covered, MACS[mac]), given):
            return None
        # Section 4.2.3: S xor (0x0000 || CSB ID || T), T padded on the left.
        moment = b"\0\0" + struct.pack("!IQ", self.csb, self.counter)
        iv = bytes(a ^ b for a, b in zip(derive(SALT, 14), moment)) + b"\0\0"
        cipher = Cipher(algorithms.AES(derive(ENCR, KEY_LENGTHS[encryption])), modes.CTR(iv))
        return key_data(cipher.decryptor().update(data))


def key_data(octets):
    """The one key data sub-payload (section 6.13)."""
    kind = octets[1] >> 4
    length = struct.unpack_from("!H", octets, 2)[0]
    found = {"key": octets[4:4 + length], "salt": b""}
    if kind in (1, 3, 5):  # with salt
        at = 4 + length
        salt_length = struct.unpack_from("!H", octets, at)[0]
        found["salt"] = octets[at + 2:at + 2 + salt_length]
    return found
