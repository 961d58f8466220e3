# SPDX-License-Identifier: Apache-2.0
"""group_vectors.json is what the Python peer makes, and what it takes: the C++ side is held against that file."""
import json
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from mikeyv2 import edits, group_rekey, group_vectors, mtk, report  # noqa: E402
from mikeyv2.octets import Refused  # noqa: E402
from mikeyv2.tables import *  # noqa: E402, F403


class GroupVectors(unittest.TestCase):
    def setUp(self):
        self.found = json.loads(group_vectors.FILE.read_text())

    def test_the_file_is_current(self):
        self.assertEqual(group_vectors.FILE.read_text(), group_vectors.text(), "python3 -m mikeyv2.group_vectors writes it")

    def member(self, u, root):
        return group_rekey.Member(group_vectors.DOMAIN, b"\0\7", u["csb_id"], b"treetree", 4, 9, {b"\0\7\0\1": group_vectors.MSK_BEFORE},
                                  u["signer"], group_vectors.private(u["signer"]).public_key(), lambda tree, epoch: root, u["encr"])

    def test_updates_are_applied(self):
        for u in self.found["updates"]:
            for packet in map(bytes.fromhex, u["packets"]):
                m = self.member(u, bytes.fromhex(u["root"]))
                expected = "announced" if u["kind"] == group_rekey.ANNOUNCEMENT else "applied"
                self.assertEqual(m.receive(0, packet), expected, u["name"])
                self.assertEqual(m.key_id, u["roll"] or u["signer"])

    def test_another_encryption_than_the_groups_is_refused(self):
        u = self.found["updates"][0]
        m = self.member({**u, "encr": AES_CM_128}, bytes.fromhex(u["root"]))
        with self.assertRaises(Refused):
            m.receive(0, bytes.fromhex(u["packets"][0]))

    def test_keys_are_taken(self):
        for k in self.found["keys"]:
            if k["name"] == "tree keys alone":
                continue
            got = report.take_keys(bytes.fromhex(k["octets"]), group_vectors.R, k["csb_id"], k["encr"],
                                   bytes.fromhex(k["report"]) or None, k["t"] - 1)
            self.assertEqual([m.key.hex() for m in got.msks()], k["msks"], k["name"])

    def test_ticks_are_opened(self):
        public = group_vectors.private(1).public_key()
        for tick in self.found["ticks"]:
            for m in tick:
                under = mtk.Under(*(bytes.fromhex(m[k]) for k in ("msk", "rand")), m["prf"], m["encr"], m["mac"])
                opened = mtk.open_signed(bytes.fromhex(m["octets"]), under, 1, public)
                self.assertEqual((opened.key.hex(), opened.counter), (m["key"], m["counter"]))

    def test_every_flipped_bit_of_a_signed_mtk_message_is_refused(self):
        m = self.found["ticks"][1][1]
        under = mtk.Under(*(bytes.fromhex(m[k]) for k in ("msk", "rand")), m["prf"], m["encr"], m["mac"])
        octets, public = bytes.fromhex(m["octets"]), group_vectors.private(1).public_key()
        for bit in range(8 * len(octets)):
            with self.assertRaises(Refused):
                mtk.open_signed(edits.flipped(octets, bit), under, 1, public)

    def test_who_knows_the_msk_alone_cannot_sign(self):
        m = self.found["ticks"][0][0]
        under = mtk.Under(*(bytes.fromhex(m[k]) for k in ("msk", "rand")), m["prf"], m["encr"], m["mac"])
        octets = bytes.fromhex(m["octets"])
        at = octets.index(b"\0\0\0\1\0\1") + 6  # key id, leaf, leaves; then the signature of this tick of one
        forged = edits.flipped(octets, 8 * at)[:-32]
        forged += under.proof(m["csb_id"], forged)
        with self.assertRaisesRegex(Refused, "signature"):
            mtk.open_signed(forged, under, 1, group_vectors.private(1).public_key())


if __name__ == "__main__":
    unittest.main()
