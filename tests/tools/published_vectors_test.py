#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published vectors, computed again by a program that shares no code with the codec: HMAC of Python's
standard library, AES of openssl's command line, RFC 3830 read anew."""

import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import unittest

FOLDER = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"], "tests/vectors/published")
MINE = 0xFF  # in the place of the CS ID, §4.1.4
CONSTANTS = {"encr_key": 0x150533E1, "auth_key": 0x2D22AC75, "salt_key": 0x29B88916,
             "TEK": 0x2AD01C64, "salt": 0x39A2C14B}


def prf(func, inkey, label, size):  # §4.1.2
    digest = {"MIKEY-1": hashlib.sha1, "PRF-HMAC-SHA-256": hashlib.sha256}[func]
    out = bytes(size)
    for at in range(0, len(inkey), 32):
        chain, piece = label, b""
        while len(piece) < size:
            chain = hmac.new(inkey[at:at + 32], chain, digest).digest()
            piece += hmac.new(inkey[at:at + 32], chain + label, digest).digest()
        out = bytes(a ^ b for a, b in zip(out, piece))
    return out


def label(constant, cs_id, csb_id, rand):  # §4.1.3
    return constant.to_bytes(4, "big") + bytes([cs_id]) + csb_id.to_bytes(4, "big") + rand


def aes_ctr(key, counter, data):
    command = ["openssl", "enc", f"-aes-{8 * len(key)}-ctr", "-K", key.hex(), "-iv", counter.hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=20).stdout


class Message:
    """What a message says, found by the offsets that the vector gives, read from its octets."""

    def __init__(self, vector):
        self.octets = bytes.fromhex(vector["octets"])
        self.csb_id = int.from_bytes(self.octets[4:8], "big")
        self.prf = ["MIKEY-1", "PRF-HMAC-SHA-256"][self.octets[3] & 0x7F]
        self.t = self.rand = self.mac = None
        self.ids, self.encr_data, self.mac_alg, self.encr_alg = [], b"", 0, 0
        for group in vector["fields"]:
            for field in group.get("fields", []):
                self.take(group["group"], field)

    def take(self, group, field):
        if field.get("is_length") or "group" in field:
            return
        place = slice(field["offset"], field["offset"] + field["length"])
        octets, name = self.octets[place], (group, field["name"])
        if name == ("T", "ts_value"):
            self.t = octets
        elif name == ("RAND", "rand"):
            self.rand = octets
        elif name == ("ID", "id"):
            self.ids.append(octets)
        elif name == ("KEMAC", "encr_alg"):
            self.encr_alg = octets[0]
        elif name == ("KEMAC", "encr_data"):
            self.encr_data = octets
        elif name in (("KEMAC", "mac_alg"), ("V", "auth_alg")):
            self.mac_alg = octets[0]
        elif name in (("KEMAC", "mac"), ("V", "ver_data")):
            self.mac, self.head = octets, self.octets[:field["offset"]]

    def derive(self, key, rand, name, size, cs_id=MINE):
        return prf(self.prf, key, label(CONSTANTS[name], cs_id, self.csb_id, rand), size)

    def mac_under(self, key, rand, more=b""):  # §4.2.4, §5.2
        digest = {1: hashlib.sha1, 2: hashlib.sha256}[self.mac_alg]
        auth_key = self.derive(key, rand, "auth_key", digest().digest_size)
        return hmac.new(auth_key, self.head + more, digest).digest()

    def decrypt(self, key, rand):  # §4.2.3
        size = {1: 16, 3: 32}[self.encr_alg]
        salt = self.derive(key, rand, "salt_key", 14)
        mask = bytes(2) + self.csb_id.to_bytes(4, "big") + self.t.rjust(8, b"\0")
        counter = bytes(a ^ b for a, b in zip(salt, mask)) + bytes(2)
        return aes_ctr(self.derive(key, rand, "encr_key", size), counter, self.encr_data)


class Published(unittest.TestCase):
    def vectors(self, file):
        return json.loads((FOLDER / file).read_text(encoding="utf-8"))["vectors"]

    def test_key_derivation(self):
        for vector in self.vectors("key_derivation.json"):
            expected = bytes.fromhex(vector["outkey"])
            text = label(vector["constant"], vector["cs_id"], vector["csb_id"],
                         bytes.fromhex(vector["rand"]))
            found = prf(vector["prf_func"], bytes.fromhex(vector["inkey"]), text, len(expected))
            self.assertEqual(found.hex(), expected.hex(), vector["name"])

    def check(self, message, key, first, vector):
        """The MAC, what was encrypted and the keys derived, under a key and a first message."""
        rand = message.rand or first.rand
        for derived in vector["derived_keys"]:
            name, _, cs = derived["name"].partition(" of CS ")
            inkey = bytes.fromhex(vector["key_data"])[4:][:int(vector["key_data"][4:8], 16)] \
                if cs else key
            found = message.derive(inkey, rand, name, derived["octets"], int(cs) if cs else MINE)
            self.assertEqual(found.hex(), derived["value"], derived["name"])
        if "key_data" in vector:
            self.assertEqual(message.decrypt(key, rand).hex(), vector["key_data"])
        return message.mac_under(key, rand)

    def test_messages(self):
        for file in ("psk.json", "msk.json", "mtk.json"):
            for vector in self.vectors(file):
                messages = [Message(one) for one in vector["messages"]]
                keys = {name: bytes.fromhex(key) for name, key in vector["test_keys"].items()}
                for message, one in zip(messages, vector["messages"]):
                    with self.subTest(f"{file} {vector['name']}"):
                        if "key" in one:
                            mac = self.check(message, keys[one["key"]], messages[0], one)
                            self.assertEqual(mac.hex(), message.mac.hex())
                        elif one["outcome"] == "failed":
                            macs = [message.mac_under(key, message.rand) for key in keys.values()]
                            self.assertNotIn(message.mac, macs)

    def test_verifications(self):
        for vector in self.vectors("verification.json"):
            with self.subTest(vector["name"]):
                asked, answer = (Message(one) for one in vector["messages"])
                key = bytes.fromhex(vector["test_keys"]["muk"])
                ids = b"" if vector["name"] == "without_identities" else b"".join(asked.ids)
                if answer.mac is None:  # NULL
                    self.assertEqual(vector["messages"][1]["outcome"], "unverified")
                    continue
                holds = answer.mac_under(key, asked.rand, ids + asked.t) == answer.mac
                self.assertEqual(holds, vector["messages"][1]["outcome"] == "verified")


if __name__ == "__main__":
    unittest.main()
