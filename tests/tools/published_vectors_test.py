#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published vectors, computed again by a program that shares no code with the codec: HMAC and modular
arithmetic of Python's standard library, AES of openssl's command line, RFC 3830 read anew. `cryptography` reads
RSA keys and certificates, no more."""

import hashlib
import hmac
import json
import os
import pathlib
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding

import rfc3830 as rfc
from rfc3830 import CONSTANTS, MINE, aes_cm, label, prf

FOLDER = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"], "tests/vectors/published")

class Shown:
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
        return aes_cm(self.derive(key, rand, "encr_key", size),
                      self.derive(key, rand, "salt_key", 14), self.csb_id, self.t, self.encr_data)


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
                messages = [Shown(one) for one in vector["messages"]]
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
                asked, answer = (Shown(one) for one in vector["messages"])
                key = bytes.fromhex(vector["test_keys"]["muk"])
                ids = b"" if vector["name"] == "without_identities" else b"".join(asked.ids)
                if answer.mac is None:  # NULL
                    self.assertEqual(vector["messages"][1]["outcome"], "unverified")
                    continue
                holds = answer.mac_under(key, asked.rand, ids + asked.t) == answer.mac
                self.assertEqual(holds, vector["messages"][1]["outcome"] == "verified")


FILES = {"psk_mode.json": "PSK", "pk.json": "PK", "dh.json": "DH", "dhhmac.json": "DHHMAC",
         "rsar.json": "RSA-R", "error.json": None}
INIT, ANSWER = {"PSK": 0, "PK": 2, "DH": 4, "DHHMAC": 7, "RSA-R": 9}, {0: 1, 2: 3, 4: 5, 7: 8, 9: 10}
ERROR, RSAR_ANSWER = 6, 10
# What each data type ends with, and has in it beside that (§3; RFC 4650 §3; RFC 4738 §3).
FORM = {0: [rfc.KEMAC], 1: [rfc.V], 2: [rfc.KEMAC, rfc.PKE, rfc.SIGN], 3: [rfc.V], 4: [rfc.SIGN],
        5: [rfc.SIGN], 7: [rfc.KEMAC], 8: [rfc.KEMAC], 9: [rfc.SIGN],
        10: [rfc.KEMAC, rfc.PKE, rfc.SIGN]}
NAMES = {rfc.KEMAC: "KEMAC", rfc.V: "V", rfc.SIGN: "SIGN"}
ERRORS = {"Auth failure": 0, "Invalid TS": 1, "Invalid SPpar": 10, "Invalid DT": 11}


class Party:
    """One of the parties of a file."""

    def __init__(self, name, told, authority):
        self.name, self.identity = name, told["identity"].encode()
        self.der = bytes.fromhex(told["certificate"])
        self.certificate = x509.load_der_x509_certificate(self.der)
        key = serialization.load_pem_private_key(told["private_key"].encode(), None)
        numbers = key.private_numbers()
        self.n, self.d = numbers.public_numbers.n, numbers.d
        self.size = key.key_size // 8
        assert self.certificate.public_key().public_numbers() == numbers.public_numbers
        names = self.certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [told["identity"]]
        authority.public_key().verify(self.certificate.signature,
                                      self.certificate.tbs_certificate_bytes, padding.PKCS1v15(),
                                      self.certificate.signature_hash_algorithm)

    def raise_private(self, octets):
        return pow(int.from_bytes(octets, "big"), self.d, self.n).to_bytes(self.size, "big")


class Round:
    """A message and its answer, with what both sides have by then."""

    def __init__(self, vector, told, before):
        self.messages = [rfc.Message(bytes.fromhex(one["octets"])) for one in told["messages"]]
        self.first, self.answer = self.messages
        self.told, self.random = told, told["random"]
        self.is_update = before is not None
        self.is_error = "error" in told
        rands = [one.get(rfc.RAND).data for one in self.messages if one.get(rfc.RAND)]
        self.rand = rands[-1] if rands else before.rand if before else None
        group = self.answer.get(rfc.EXT)  # RFC 4738 §3.9.3
        self.csb_id = int.from_bytes(group.data, "big") if group else self.first.csb_id
        name = next((p["key"] for one in told["messages"] for p in one["proofs"] if "key" in p), None)
        self.shared = bytes.fromhex(vector["test_keys"][name]) if name else None
        self.before = before
        self.time = int.from_bytes(self.first.get(rfc.T).data, "big")

    def context(self, message):
        """Of the keys of a message itself: a group's bundle has the CSB ID of the extension."""
        return (self.csb_id if message.data_type == RSAR_ANSWER else message.csb_id), self.rand


def rounds_of(file, mode):
    document = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    told = document["test_parties"]
    authority = x509.load_der_x509_certificate(bytes.fromhex(told["authority"]["certificate"]))
    parties = {name: Party(name, told[name], authority) for name in ("alice", "bob")}
    for vector in document["vectors"]:
        assert mode in (vector["mode"], None)
        both, before = [parties[vector["initiator"]], parties[vector["responder"]]], None
        for one in vector["rounds"]:
            before = Round(vector, one, before)
            yield f"{file} {vector['name']}: {one['about']}", vector, before, both


def every_round(check):
    def test(self):
        for where, vector, one, parties in self.rounds:
            with self.subTest(where):
                check(self, vector, one, parties)
    return test


class Runs(unittest.TestCase):
    """What the step machines send, from the octets, the keys and the values drawn alone."""

    @classmethod
    def setUpClass(cls):
        cls.prime = rfc.oakley5()
        cls.rounds = [one for file, mode in FILES.items() for one in rounds_of(file, mode)]

    @every_round
    def test_forms(self, vector, one, parties):
        first, answer = one.messages
        is_psk = one.is_update and vector["mode"] in ("PK", "RSA-R") and \
            list(vector["test_keys"]) == ["env_key"]  # §4.5: under a cached envelope key
        self.assertEqual(first.data_type, INIT["PSK" if is_psk else vector["mode"]])
        self.assertEqual(answer.data_type, ERROR if one.is_error else ANSWER[first.data_type])
        for message in one.messages:
            self.assertEqual(message.prf, vector["algorithms"]["prf_func"])
            self.assertEqual(message.csb_id, first.csb_id)
            self.assertEqual(message.get(rfc.T).data, first.get(rfc.T).data)
            if message.data_type != ERROR:
                found = [p.kind for p in message.payloads
                         if p.kind in (rfc.KEMAC, rfc.PKE, rfc.V, rfc.SIGN)]
                self.assertEqual(found, FORM[message.data_type])
        self.assertEqual(first.v_flag, 1)
        self.assertEqual(first.get(rfc.ID).data, parties[0].identity)
        self.assertTrue("rand" not in one.random or one.random["rand"] == one.rand.hex())

    def check_fields(self, octets, node):
        place = slice(node["offset"], node["offset"] + node["length"])
        for inside in node.get("fields", []):
            self.check_fields(octets, inside)
        if "value" in node and "bits" not in node:
            value = node["value"]
            spelt = value if isinstance(value, str) else f"{value:0{2 * node['length']}x}"
            self.assertEqual(octets[place].hex(), spelt, node["name"])

    @every_round
    def test_fields_are_where_they_are_said_to_be(self, _vector, one, _parties):
        for message, told in zip(one.messages, one.told["messages"]):
            octets, kemac = message.octets, message.get(rfc.KEMAC)
            plain = octets
            if "key_data" in told:  # the group of what was decrypted lies over what was encrypted
                begin = kemac.begin + 4
                plain = octets[:begin] + bytes.fromhex(told["key_data"]) + octets[begin + len(kemac.data):]
            for group in told["fields"]:
                for node in group["fields"]:
                    self.check_fields(plain if "group" in node else octets, node)

    @every_round
    def test_certificates(self, _vector, one, parties):
        for message, party in zip(one.messages, parties):
            for payload in message.all(rfc.CERT):
                self.assertEqual(payload.data, party.der)
        chash = one.first.get(rfc.CHASH)
        if chash:
            self.assertEqual(chash.data, hashlib.sha256(parties[1].der).digest())

    @every_round
    def test_times(self, vector, one, _parties):
        """NTP counts from 1900 (§6.6); each message has a T of its own (§5.2)."""
        if one.is_update:
            expected = one.before.time + 1
        elif one.first.get(rfc.T).alg == 2:
            expected = 1
        else:
            expected = (vector["unix_time"] + 2208988800) << 32
        self.assertEqual(one.time, expected)

    def behind(self, one, message, parties):  # §5.2, RFC 4738 §3.6
        if message.data_type in (1, 3, ERROR, RSAR_ANSWER):
            return parties[0].identity + parties[1].identity + one.first.get(rfc.T).data
        return b""

    def check_signature(self, vector, message, signer, behind):
        sign = message.get(rfc.SIGN)
        covered = message.octets[:sign.last] + behind
        block = rfc.pkcs1_signature_block(vector["algorithms"]["signature_hash"], covered,
                                          signer.size)
        self.assertEqual(sign.alg, 0)
        self.assertEqual(signer.raise_private(block).hex(), sign.data.hex())
        self.assertEqual(pow(int.from_bytes(sign.data, "big"), 65537, signer.n),
                         int.from_bytes(block, "big"))

    def check_mac(self, one, message, proof, behind):
        covered = message.octets[:proof.last] + behind
        if message.get(rfc.PKE):  # §6.2: KEMAC alone, as if it were the last payload
            covered = b"\0" + message.octets[proof.begin + 1:proof.last]
        mac = message.mac(proof, one.shared, one.context(message), covered)
        self.assertEqual(mac.hex(), proof.mac.hex())

    @every_round
    def test_proofs(self, vector, one, parties):
        for message, party, told in zip(one.messages, parties, one.told["messages"]):
            proofs = [p for p in message.payloads if p.kind in NAMES]
            behind = self.behind(one, message, parties)
            self.assertEqual([NAMES[p.kind] for p in proofs],
                             [p["payload"] for p in told["proofs"]])
            for proof, shown in zip(proofs, told["proofs"]):
                if proof.kind != rfc.KEMAC:
                    self.assertEqual(shown["behind"], behind.hex())
                if proof.kind == rfc.SIGN:
                    self.check_signature(vector, message, party, behind)
                else:
                    self.check_mac(one, message, proof, behind if proof.kind == rfc.V else b"")

    @every_round
    def test_keys_of_messages(self, _vector, one, _parties):
        for message, told in zip(one.messages, one.told["messages"]):
            for key in told.get("derived_keys", []):
                found = message.derive(one.shared, key["name"], key["octets"],
                                       one.context(message))
                self.assertEqual(found.hex(), key["value"], key["name"])

    def check_key_data(self, one, message, sender, told):
        plain = message.decrypt(one.shared, one.context(message))
        self.assertEqual(plain.hex(), told["key_data"])
        kind = rfc.ID if message.get(rfc.PKE) else rfc.KEY_DATA
        inside = list(rfc.chain(kind, rfc.Cursor(plain)))
        if kind == rfc.ID:  # §3.2, against a message redirected under another name
            self.assertEqual(inside.pop(0).data, sender.identity)
        if not inside:
            return
        self.assertEqual(inside[0].data.hex(), one.random["tgk"])
        if not one.is_error:
            self.assertEqual(inside[0].spi.hex(), one.told["mki"])
            self.assertEqual(inside[0].data.hex(), one.told["tgk"])

    @every_round
    def test_envelopes_and_key_data(self, _vector, one, parties):
        for message, sender, receiver, told in zip(one.messages, parties, parties[::-1],
                                                   one.told["messages"]):
            pke, kemac = message.get(rfc.PKE), message.get(rfc.KEMAC)
            if pke:
                key = rfc.pkcs1_envelope(receiver.raise_private(pke.data))
                self.assertEqual(key.hex(), one.random["env_key"])
                self.assertEqual(key, one.shared)
            if kemac and kemac.data:
                self.check_key_data(one, message, sender, told)

    def exponent(self, one, name):
        return int(one.random[name], 16)

    @every_round
    def test_diffie_hellman(self, _vector, one, _parties):
        if "dh_initiator" not in one.random:
            return
        value = one.first.get(rfc.DH).value
        self.assertEqual(pow(2, self.exponent(one, "dh_initiator"), self.prime),
                         int.from_bytes(value, "big"))
        if one.is_error:
            return
        for dh in one.first.all(rfc.DH) + one.answer.all(rfc.DH):
            self.assertEqual(dh.spi.hex(), one.told["mki"])
        theirs, ours = (dh.value for dh in one.answer.all(rfc.DH))
        self.assertEqual(ours, value)
        self.assertEqual(pow(2, self.exponent(one, "dh_responder"), self.prime),
                         int.from_bytes(theirs, "big"))
        for base, exponent in ((theirs, "dh_initiator"), (ours, "dh_responder")):
            secret = pow(int.from_bytes(base, "big"), self.exponent(one, exponent), self.prime)
            self.assertEqual(secret.to_bytes(192, "big").hex(), one.told["dh_secret"])
        self.assertEqual(one.told["dh_secret"], one.told["tgk"])

    @every_round
    def test_traffic_keys(self, _vector, one, _parties):
        if one.is_error:
            return
        tgk = bytes.fromhex(one.told["tgk"])
        self.assertEqual(one.csb_id, one.told["csb_id"])
        self.assertEqual([key["cs_id"] for key in one.told["traffic_keys"]], [1, 2])
        policy = one.first.get(rfc.SP) or one.answer.get(rfc.SP)
        for key in one.told["traffic_keys"]:
            if policy:  # §6.10.1: parameter 1 is the length of the encryption key
                self.assertIn(bytes([1, 1, len(key["tek"]) // 2]), policy.data)
            for name, constant in (("tek", "TEK"), ("salt", "salt")):
                text = label(CONSTANTS[constant], key["cs_id"], one.csb_id, one.rand)
                found = prf(one.first.prf, tgk, text, len(key[name]) // 2)
                self.assertEqual(found.hex(), key[name])

    @every_round
    def test_an_update_without_keys_leaves_them(self, _vector, one, _parties):
        if one.is_update and not one.random.keys() - {"env_key"}:
            self.assertEqual(one.told["traffic_keys"], one.before.told["traffic_keys"])

    @every_round
    def test_errors(self, _vector, one, _parties):
        if not one.is_error:
            return
        self.assertEqual(one.answer.get(rfc.ERR).number, ERRORS[one.told["error"]])
        has_proof = one.answer.get(rfc.V) or one.answer.get(rfc.SIGN)
        self.assertEqual(has_proof is not None, one.told["proven"])
        self.assertEqual(one.answer.get(rfc.SP) is not None, one.told["proven"])

    def test_every_error_of_a_mode_is_proven_somewhere(self):
        proven = [(vector["mode"], vector["algorithms"]["prf_func"])
                  for _, vector, one, _ in self.rounds if one.told.get("proven")]
        self.assertEqual(len(set(proven)), 10)


if __name__ == "__main__":
    unittest.main()
