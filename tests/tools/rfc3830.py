# SPDX-License-Identifier: Apache-2.0
"""RFC 3830 read anew, for who checks the codec: key derivation, AES-CM, MACs, RSA and Diffie-Hellman by Python's
standard library and openssl's command line, and messages taken apart without the codec's help."""

import hashlib
import hmac
import subprocess

MINE = 0xFF  # in the place of the CS ID, §4.1.4
CONSTANTS = {"encr_key": 0x150533E1, "auth_key": 0x2D22AC75, "salt_key": 0x29B88916,
             "TEK": 0x2AD01C64, "salt": 0x39A2C14B}
KEMAC, PKE, DH, SIGN, T, ID, CERT, CHASH, V, SP, RAND, ERR = range(1, 13)
KEY_DATA, EXT = 20, 21
DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256}  # by MAC algorithm
ENCR_KEYS = {1: 16, 3: 32}  # AES-CM-128, AES-CM-256


def prf(func, inkey, text, size):  # §4.1.2
    digest = {"MIKEY-1": hashlib.sha1, "PRF-HMAC-SHA-256": hashlib.sha256}[func]
    out = bytes(size)
    for at in range(0, len(inkey), 32):
        chain, piece = text, b""
        while len(piece) < size:
            chain = hmac.new(inkey[at:at + 32], chain, digest).digest()
            piece += hmac.new(inkey[at:at + 32], chain + text, digest).digest()
        out = bytes(a ^ b for a, b in zip(out, piece))
    return out


def label(constant, cs_id, csb_id, rand):  # §4.1.3
    return constant.to_bytes(4, "big") + bytes([cs_id]) + csb_id.to_bytes(4, "big") + rand


def aes_ctr(key, counter, data):
    command = ["openssl", "enc", f"-aes-{8 * len(key)}-ctr", "-K", key.hex(), "-iv", counter.hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout


def aes_cm(key, salt, csb_id, t, data):  # §4.2.3
    mask = bytes(2) + csb_id.to_bytes(4, "big") + t.rjust(8, b"\0")
    return aes_ctr(key, bytes(a ^ b for a, b in zip(salt, mask)) + bytes(2), data)


def pi_bits(bits):
    """The integer part of 2^bits pi, by Machin's formula."""
    one = 1 << (bits + 64)

    def arctan_of_inverse(x):
        total, power, n = 0, one // x, 1
        while power:
            total += power // n if n % 4 == 1 else -(power // n)
            power, n = power // (x * x), n + 2
        return total
    return (4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))) >> 64


def oakley5():  # RFC 3526 §2
    return 2**1536 - 2**1472 - 1 + 2**64 * (pi_bits(1406) + 741804)


def pkcs1_signature_block(hash_name, data, size):  # RFC 8017 §9.2
    info = {"SHA-1": "3021300906052b0e03021a05000414",
            "SHA-256": "3031300d060960864801650304020105000420"}[hash_name]
    digest = {"SHA-1": hashlib.sha1, "SHA-256": hashlib.sha256}[hash_name](data).digest()
    end = b"\0" + bytes.fromhex(info) + digest
    return b"\0\1".ljust(size - len(end), b"\xff") + end


def pkcs1_envelope(block):  # RFC 8017 §7.2.2
    padding, _, key = block[2:].partition(b"\0")
    if block[:2] != b"\0\2" or len(padding) < 8:
        raise ValueError("no padding of PKCS#1 v1.5")
    return key


class Cursor:
    def __init__(self, octets, at=0):
        self.octets, self.at = octets, at

    def take(self, size):
        if self.at + size > len(self.octets):
            raise ValueError("truncated")
        self.at += size
        return self.octets[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def sized(self, size):
        return self.take(self.number(size))


class Payload:
    """One payload: what it says, where it begins, and where its last field does, a proof's place."""

    def __init__(self, kind, cursor):
        self.kind, self.begin = kind, cursor.at
        self.next = 0 if kind == SIGN else cursor.number(1)
        getattr(self, f"read_{kind}")(cursor)

    def read_1(self, at):  # KEMAC, §6.2
        self.alg, self.data, self.mac_alg = at.number(1), at.sized(2), at.number(1)
        self.last = at.at
        self.mac = at.take(DIGESTS[self.mac_alg]().digest_size)

    def read_2(self, at):  # PKE, §6.3
        head = at.number(2)
        self.cache, self.data = head >> 14, at.take(head & 0x3FFF)

    def read_3(self, at):  # DH, §6.4
        if at.number(1) != 0:
            raise ValueError("not OAKLEY 5")
        self.value = at.take(192)
        self.validity(at.number(1) & 15, at)

    def read_4(self, at):  # SIGN, §6.5
        head = at.number(2)
        self.last, self.alg = at.at, head >> 12
        self.data = at.take(head & 0xFFF)

    def read_5(self, at):  # T, §6.6
        self.alg = at.number(1)
        self.data = at.take(4 if self.alg == 2 else 8)

    def read_6(self, at):  # ID and CERT, §6.7
        self.alg, self.data = at.number(1), at.sized(2)

    def read_8(self, at):  # CHASH, §6.8 and RFC 6043 §6.7
        if at.number(1) != 2:
            raise ValueError("not SHA-256")
        self.data = at.take(32)

    def read_9(self, at):  # V, §6.9
        self.mac_alg = at.number(1)
        self.last = at.at
        self.mac = at.take(DIGESTS[self.mac_alg]().digest_size)

    def read_10(self, at):  # SP, §6.10
        self.number, self.alg, self.data = at.number(1), at.number(1), at.sized(2)

    def read_11(self, at):  # RAND, §6.11
        self.data = at.sized(1)

    def read_12(self, at):  # ERR, §6.12
        self.number = at.number(1)
        at.take(2)

    def read_20(self, at):  # key data, §6.13
        head = at.number(1)
        self.alg, self.data = head >> 4, at.sized(2)
        if self.alg & 1:
            self.salt = at.sized(2)
        self.validity(head & 15, at)

    def validity(self, kind, at):  # §6.14
        self.spi = at.sized(1) if kind == 1 else b""

    read_7 = read_21 = read_6  # CERT; general extension, §6.15


def chain(kind, cursor):
    while kind != 0:
        payload = Payload(kind, cursor)
        yield payload
        kind = payload.next
    if cursor.at != len(cursor.octets):
        raise ValueError("trailing octets")


class Message:
    def __init__(self, octets):
        at = Cursor(octets)
        self.octets = octets
        version, self.data_type, first, flags = at.take(4)  # §6.1
        self.v_flag, self.prf = flags >> 7, ["MIKEY-1", "PRF-HMAC-SHA-256"][flags & 0x7F]
        self.csb_id, self.cs_count = at.number(4), at.number(1)
        if version != 1 or at.number(1) != 0:
            raise ValueError("not version 1 with an SRTP-ID map")
        self.map = at.take(9 * self.cs_count)  # §6.1.1
        self.payloads = list(chain(first, at))

    def all(self, kind):
        return [one for one in self.payloads if one.kind == kind]

    def get(self, kind):
        return next(iter(self.all(kind)), None)

    def derive(self, key, name, size, context):
        """A key of the message's own (§4.1.4); `context` is CSB ID and RAND."""
        return prf(self.prf, key, label(CONSTANTS[name], MINE, *context), size)

    def mac(self, payload, key, context, covered):  # §4.2.4
        digest = DIGESTS[payload.mac_alg]
        auth_key = self.derive(key, "auth_key", digest().digest_size, context)
        return hmac.new(auth_key, covered, digest).digest()

    def decrypt(self, key, context):
        kemac = self.get(KEMAC)
        encr_key = self.derive(key, "encr_key", ENCR_KEYS[kemac.alg], context)
        salt = self.derive(key, "salt_key", 14, context)
        return aes_cm(encr_key, salt, context[0], self.get(T).data, kemac.data)
