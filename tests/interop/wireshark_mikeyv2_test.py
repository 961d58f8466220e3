# SPDX-License-Identifier: Apache-2.0
"""deploy/wireshark/mikeyv2.lua in tshark: of what the Python peer writes every field with its value, of malformed messages the mark,
and of nothing at all a Lua error."""
import collections
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import wireshark_fields  # noqa: E402
import wireshark_samples  # noqa: E402
from mikeyv2 import edits, group_rekey, group_vectors, message  # noqa: E402
from mikeyv2.octets import Refused  # noqa: E402
from mikeyv2.tables import *  # noqa: E402, F403

SCRIPT = HERE.parents[1] / "deploy/wireshark/mikeyv2.lua"
TREES = {"mikeyv2." + name for name in ("payload", "session", "param", "tlv", "stream")}
SAMPLES = wireshark_samples.good()


def fields(proto):
    """[(name, value)] of the fields of a dissected message, marks left out."""
    return [(f.get("name"), f.get("show")) for f in proto.iter("field")
            if f.get("name").startswith("mikeyv2.") and f.get("name") not in TREES]


def octets_of(proto):
    """Which octets the fields that have no parts cover."""
    covered = collections.Counter()
    for f in proto.iter("field"):
        if f.get("name").startswith("mikeyv2.") and f.get("name") not in TREES:
            covered.update(range(int(f.get("pos")), int(f.get("pos")) + int(f.get("size"))))
    return covered


class Wireshark(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.pcap = pathlib.Path(folder.name) / "mikeyv2.pcap"

    def tshark(self, datagrams, *options, script=True, **capture):
        wireshark_fields.write_pcap(self.pcap, datagrams, **capture)
        lua = ["-X", f"lua_script:{SCRIPT}"] if script else []
        done = subprocess.run(["tshark", *lua, "-r", str(self.pcap), *options], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("lua", done.stderr.lower())
        return done.stdout

    def protos(self, datagrams, name="mikeyv2", **capture):
        tree = xml.etree.ElementTree.fromstring(self.tshark(datagrams, "-T", "pdml", **capture))
        return [packet.find(f"proto[@name='{name}']") for packet in tree.iter("packet")]

    def column(self, datagrams, *columns, **capture):
        """[[value, ...]] a packet."""
        options = [option for column in columns for option in ("-e", column)]
        text = self.tshark(datagrams, "-T", "fields", "-E", "occurrence=f", *options, **capture)
        return [line.split("\t") for line in text.splitlines()]

    def marks(self, datagrams, **capture):
        """Which of them have the mark, which is Wireshark's own too."""
        rows = self.column(datagrams, "mikeyv2.version", "mikeyv2.malformed", "_ws.malformed", "_ws.lua.error", **capture)
        self.assertEqual(len(rows), len(datagrams))
        for row in rows:
            self.assertEqual((bool(row[1]), row[3]), (bool(row[2]), ""), row)
        return [bool(row[1]) for row in rows]

    def test_every_field_with_its_value(self):
        for sample, proto in zip(SAMPLES, self.protos(SAMPLES), strict=True):
            self.assertEqual(fields(proto), wireshark_fields.fields_of(sample))

    def test_every_octet_is_shown(self):
        for sample, proto in zip(SAMPLES, self.protos(SAMPLES), strict=True):
            self.assertEqual(set(octets_of(proto)), set(range(28, 28 + len(sample))))

    def test_no_good_message_has_the_mark(self):
        self.assertFalse(any(self.marks(SAMPLES)))

    def test_samples_are_of_every_kind(self):
        seen = {name for sample in SAMPLES for name, _ in wireshark_fields.fields_of(sample)}
        kinds = {sample[1] for sample in SAMPLES}
        self.assertEqual(kinds, {DT_ERROR, *range(DT_CAP, DT_REPORT + 1)})
        known = subprocess.run(["tshark", "-G", "fields", "-X", f"lua_script:{SCRIPT}"], capture_output=True, text=True).stdout
        shown = {line.split("\t")[2] for line in known.splitlines() if line.startswith("F") and "\tmikeyv2." in line}
        # Of messages of version 1, and of what is encrypted, none is ever good where this is shown.
        inside = {"mikeyv2." + n for n in ("mtk_signature", "group_csb_id", "key_domain", "counter", "tree_leaf", "leaf_generation",
                                           "largest_rekey", "report_t", "keys_t")}
        self.assertEqual(shown - seen - TREES - {"mikeyv2.malformed", "mikeyv2.cut"}, inside)

    def test_what_is_malformed_has_the_mark(self):
        cases = list(wireshark_samples.malformed())
        messages = [octets for _, octets in cases]
        self.assertTrue(all(self.marks(messages)))
        for (why, octets), row in zip(cases, self.column(messages, "_ws.expert.message"), strict=True):
            self.assertIn(why, row[0], octets.hex())

    def test_bodies_that_no_good_message_shows(self):
        by_name = {}
        for why, octets in wireshark_samples.malformed():
            if "does not have these" in why and b"\x15" in octets[10:40]:
                for proto in self.protos([octets]):
                    by_name.update(fields(proto))
        for name in ("mtk_signature", "group_csb_id", "key_domain", "counter", "tree_leaf", "largest_rekey", "keys_t"):
            self.assertIn("mikeyv2." + name, by_name)

    def test_every_truncation_has_the_mark(self):
        kinds = {}
        for sample in SAMPLES:
            kinds.setdefault(sample[1], sample)
        parts = [sample[:size] for sample in kinds.values() for size in range(1, len(sample))]
        # SIGN and V may end where a shorter message would: then the order of payloads is wrong.
        self.assertTrue(all(self.marks(parts)))

    def test_what_the_peer_takes_has_no_mark(self):
        dice = random.Random(1)
        flipped = [edits.flipped(sample, dice.randrange(8 * len(sample))) for sample in SAMPLES for _ in range(40)]
        flipped = [octets for octets in flipped if octets[0] == 2]
        for octets, marked in zip(flipped, self.marks(flipped), strict=True):
            try:
                taken = message.decode(octets)
                if taken.header.data_type == DT_GROUP_REKEY:
                    group_rekey.read(taken)
                wireshark_fields.fields_of(octets)  # parameters of SP, bodies of EXT
            except (Refused, UnicodeDecodeError):
                continue
            self.assertFalse(marked, octets.hex())

    def test_noise_is_no_lua_error(self):
        dice = random.Random(2)
        noise = [b"\2" + dice.randbytes(dice.randrange(200)) for _ in range(300)]
        for sample in SAMPLES:
            octets = bytearray(sample)
            for _ in range(dice.randrange(1, 20)):
                octets[dice.randrange(1, len(octets))] = dice.randrange(256)
            noise.append(bytes(octets))
        self.marks(noise)

    def test_what_the_capture_cut_is_not_malformed(self):
        rows = self.column(SAMPLES[:8], "mikeyv2.cut", "mikeyv2.malformed", "_ws.lua.error", snap=28 + 60)
        self.assertEqual([[bool(c) for c in row] for row in rows], [[True, False, False]] * 8)

    def test_version_1_is_left_to_wireshark(self):
        old = [m["octets"] for m in group_vectors.tick(2)]
        with_script, without = (self.tshark(old, "-O", "mikey", "-T", "pdml", script=s) for s in (True, False))
        protos = [[xml.etree.ElementTree.tostring(p) for p in xml.etree.ElementTree.fromstring(text).iter("proto")
                   if p.get("name") == "mikey"] for text in (with_script, without)]
        self.assertEqual(*protos)
        self.assertEqual(len(protos[0]), 2)
        self.assertNotIn('name="mikeyv2', with_script)

    def test_media_ports_have_it_too(self):
        found = self.protos(SAMPLES, port=5004)
        self.assertTrue(all(proto is not None for proto in found))
        # STUN's cookie, RTP, version 1, and what has no form.
        stun = wireshark_samples.encode(DT_PSK_FIN, wireshark_samples.RAND_O, csb_id=0x2112A442)
        others = [stun, b"\x80" + SAMPLES[0][1:], group_vectors.tick(1)[0]["octets"], b"\2" * 40]
        self.assertEqual(self.protos(others, port=5004), [None] * 4)

    def test_decode_as(self):
        rows = self.column([b"\2" * 40], "mikeyv2.version", "mikeyv2.malformed", port=6000)
        self.assertEqual(rows, [["", ""]])
        text = self.tshark([b"\2" * 40], "-d", "udp.port==6000,mikeyv2", "-T", "fields", "-e", "mikeyv2.version", port=6000)
        self.assertEqual(text.split(), ["2"])

    def test_the_line_of_a_message(self):
        line = self.tshark([group_vectors.reports()[1]["octets"], group_vectors.updates()[0]["packets"][0]])
        self.assertIn("MIKEYv2", line)
        self.assertIn("REPORT, CSB ID 0x0000004d, missing of epoch 5", line)
        self.assertIn("GROUP_REKEY, CSB ID 0x0000004d, tree update of epoch 5", line)


if __name__ == "__main__":
    unittest.main()
