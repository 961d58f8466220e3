#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published exchanges of version 2 (tests/vectors/published/mikeyv2.json), computed again by the peer that was
written from docs/mikeyv2.md alone."""
import json
import os
import pathlib
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519

from mikeyv2 import content, dh, message, prf, schedule, srtp
from mikeyv2.payloads import Dh, Identity, Idr, Kemac, Pke, Sign, V
from mikeyv2.tables import *

FILE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"], "tests/vectors/published/mikeyv2.json")
ID_TYPES = {"NAI": 0, "URI": 1}
ANSWERS = {DT_PSK_RESP, DT_RSA_RESP, DT_DH_RESP, DT_DHHMAC_RESP}
FINISHES = {DT_PSK_FIN, DT_RSA_FIN, DT_DH_FIN, DT_DHHMAC_FIN}


def bytes_of(values):
    return {name: bytes.fromhex(value) for name, value in values.items()}


def identity_of(told):
    return Identity(ID_TYPES[told["id_type"]], told["identity"].encode())


class Fixed:
    """The randomness that a private value was made of."""

    def __init__(self, group, value):
        self.key = dh.Private.__new__(dh.Private)
        self.key.group = group
        self.key._key = (x25519.X25519PrivateKey.from_private_bytes(value) if group == X25519 else
                         ec.derive_private_key(int.from_bytes(value, "big"), ec.SECP256R1()))


class Exchange:
    """One vector, its secrets computed from keys, private values and octets alone."""

    def __init__(self, vector):
        self.vector, self.mode = vector, vector["mode"]
        self.octets = [bytes.fromhex(one["octets"]) for one in vector["messages"]]
        self.messages = [message.decode(one) for one in self.octets]
        by_type = {m.header.data_type: (m, o) for m, o in zip(self.messages, self.octets)}
        self.cap, self.th = self.messages[0], prf.H(by_type[DT_CAP][1])  # the last CAP is the one that was answered
        answer = [pair for kind, pair in by_type.items() if kind in ANSWERS]
        self.answer, self.ah = (answer[0][0], prf.H(answer[0][1])) if answer else (None, None)
        self.finish = next((pair[0] for kind, pair in by_type.items() if kind in FINISHES), None)
        keys, ids = bytes_of(vector["test_keys"]), (identity_of(vector["offerer"]), identity_of(vector["answerer"]))
        self.is_resumed = "resumption" in keys
        self.psk_v2 = (schedule.psk_v2_of_ticket(keys["resumption"], *ids) if self.is_resumed else
                       schedule.psk_v2(keys["psk"], *ids) if "psk" in keys else None)
        self.x = (schedule.secret_x(self.mode, psk=self.psk_v2, envelope=self.envelope(), z=self.z(), th=self.th)
                  if self.answer else None)

    def envelope(self):
        if self.mode != RSA:
            return None
        key = serialization.load_pem_private_key(self.vector["offerer"]["private_key"].encode(), None)
        return key.decrypt(self.answer.one(Pke).data, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))

    def verify(self, side, signature, covered):
        """Ed25519: the kinds that sign anew each time cannot be in a file that is the same each time."""
        x509.load_der_x509_certificate(bytes.fromhex(self.vector[side]["certificate"])).public_key().verify(signature, covered)

    def z(self):
        if self.mode in (PSK, RSA):
            return None
        values, public = bytes_of(self.vector["private_values"]), {
            "offerer": (self.finish.one(Dh) or self.cap.one(Dh)), "answerer": self.answer.one(Dh)}
        secrets = {Fixed(public[other].group, values[mine]).key.secret(public[other].group, public[other].value)
                   for mine, other in (("offerer", "answerer"), ("answerer", "offerer"))}
        assert len(secrets) == 1
        return secrets.pop()

    def keys_of(self, m):
        """The row of §4.4."""
        kind, csb, rand_i = m.header.data_type, m.header.csb_id, self.cap.rand(ROLE_O)
        if kind == DT_CAP:
            return schedule.MessageKeys(self.psk_v2 or b"", 1, csb, kind, rand_i, b"")
        if kind in ANSWERS:
            inkey = self.psk_v2 if self.mode == DHHMAC else self.x
            return schedule.MessageKeys(inkey, m.header.prf, csb, kind, rand_i, m.rand(ROLE_A), self.th, self.th)
        if kind == DT_ERROR:
            return schedule.MessageKeys(self.psk_v2, 1, csb, kind, rand_i, m.rand(ROLE_A), self.th, self.th)
        return schedule.MessageKeys(self.x, m.header.prf, csb, kind, rand_i, m.rand(ROLE_A), self.f(), self.th, self.ah)

    def f(self):
        return prf.H(self.th + self.ah)


class Published(unittest.TestCase):
    def setUp(self):
        self.vectors = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]

    def exchanges(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                yield vector, Exchange(vector)

    def test_secrets(self):
        for vector, e in self.exchanges():
            told = {**bytes_of(vector["hashes"]), **bytes_of(vector["secrets"])}
            found = {"th": e.th}
            if e.answer:
                found.update(ah=e.ah, f=e.f(), x=e.x, resumption=schedule.resumption_secret(e.x, e.th, e.ah))
            if e.psk_v2:
                found["psk_v2"] = e.psk_v2
            has_psk = e.psk_v2 and not e.is_resumed
            found["report"] = schedule.report_key(e.psk_v2 if has_psk else found["resumption"])
            self.assertEqual({name: told[name] for name in found}, found)

    def test_proofs_and_contents(self):
        for vector, e in self.exchanges():
            for m, octets, told in zip(e.messages, e.octets, vector["messages"]):
                keys = e.keys_of(m) if m.header.data_type != DT_RETRY else None
                self.assertEqual([kind.__name__.upper() for kind in (Kemac, V, Sign) if m.one(kind)],
                                 [proof["payload"] for proof in told.get("proofs", [])])
                for proof in told.get("proofs", []):
                    self.check_proof(e, keys, m, octets, proof, told["from"])
                if "encryption" in told:
                    plain = keys.decrypt(m.one(Kemac).encr, m.one(Kemac).data)
                    self.assertEqual(plain.hex(), told["encryption"]["plain"])
                    content.decode(plain, m.header.data_type == DT_RSA_RESP)

    def check_proof(self, e, keys, m, octets, proof, side):
        head, value = octets[:proof["head"]], bytes.fromhex(proof["value"])
        self.assertEqual(keys.covered(b"").hex(), proof["covers"])
        self.assertEqual(octets[len(head) : len(head) + len(value)], value)
        if proof["payload"] == "SIGN":
            return e.verify(side, value, keys.covered(head))
        closing = m.one(Kemac) or m.one(V)
        return self.assertEqual(keys.mac(closing.mac_alg, head), closing.mac)

    def test_traffic_keys(self):
        for vector, e in self.exchanges():
            if "traffic_keys" not in vector:
                continue
            tgk = e.x
            if e.mode in (PSK, RSA):
                plain = e.keys_of(e.answer).decrypt(e.answer.one(Kemac).encr, e.answer.one(Kemac).data)
                tgk = content.decode(plain, e.mode == RSA).keys[0].key
            self.assertEqual(tgk.hex(), vector["secrets"]["tgk"])
            for told in vector["traffic_keys"]:
                found = schedule.traffic_keys(e.answer.header.prf, tgk, told["cs_id"], e.cap.header.csb_id, e.cap.rand(ROLE_O),
                                              e.answer.rand(ROLE_A), e.f(), 32, 12)
                self.assertEqual([key.hex() for key in found], [told["master_key"], told["master_salt"]])

    def test_each_side_is_named(self):
        for vector, e in self.exchanges():
            named = [p.identity for p in e.cap.payloads if isinstance(p, Idr)]
            self.assertEqual(named, [identity_of(vector["offerer"]), identity_of(vector["answerer"])])


if __name__ == "__main__":
    unittest.main()
