#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keymast-mikey as a user runs it: files, standard input, captures, exit statuses; no key on any
output unless it is asked for."""

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["KEYMAST_BIN"])
PAGE = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"], "docs/keymast-mikey.md")
PUBLISHED = pathlib.Path(os.environ["KEYMAST_SOURCE_DIR"], "tests/vectors/published")
MUK, MSK = "000102030405060708090a0b0c0d0e0f", "404142434445464748494a4b4c4d4e4f"
MTK, RAND = "707172737475767778797a7b7c7d7e7f", "101112131415161718191a1b1c1d1e1f"
VERIFIED, UNVERIFIED, MALFORMED, FAILED, USAGE = range(5)


def published(file, name):
    vectors = json.loads((PUBLISHED / file).read_text(encoding="utf-8"))["vectors"]
    vector = next(one for one in vectors if one["name"] == name)
    return [message["octets"] for message in vector["messages"]]


MSK_MESSAGE, MTK_MESSAGE = published("mtk.json", "aes_cm")
VERIFICATION = published("verification.json", "msk")[1]


def udp(octets, port=2269):
    """An IPv4 packet with a UDP datagram, as raw IP."""
    datagram = struct.pack(">HHHH", 40000, port, 8 + len(octets), 0) + octets
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 1, 17, 0,
                       bytes([192, 0, 2, 1]), bytes([239, 0, 0, 1])) + datagram


def pcap(packets):
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    return header + b"".join(struct.pack("<IIII", 0, 0, len(p), len(p)) + p for p in packets)


def pcapng(packets):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 101, 0, 0))
    return section + interface + b"".join(
        block(6, struct.pack("<IIIII", 0, 0, 0, len(p), len(p)) + p) for p in packets)


class Tool(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="keymast-mikey-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name, content, mode=0o600):
        path = pathlib.Path(self.folder.name, name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def run_tool(self, *words, stdin=b"", status=VERIFIED):
        done = subprocess.run([BIN / "keymast-mikey", *words], input=stdin, capture_output=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def keys(self, *lines):
        return self.path("keys", "\n".join(lines) + "\n")

    def decode(self, *words, **options):
        return json.loads(self.run_tool("decode", "--json", *words, **options).stdout)

    def test_statuses(self):
        keys = self.keys("muk " + MUK)
        wrong = self.path("wrong", "f" * 32)
        self.run_tool("decode", "--hex", MSK_MESSAGE, "--key-file", keys)
        self.run_tool("decode", "--hex", MSK_MESSAGE, status=UNVERIFIED)
        self.run_tool("decode", "--hex", MSK_MESSAGE[:-2], "--key-file", keys, status=MALFORMED)
        self.run_tool("decode", "--hex", MSK_MESSAGE, "--key-file", wrong, status=FAILED)
        self.run_tool("decode", status=USAGE)
        self.run_tool("decode", self.folder.name + "/none", status=USAGE)
        self.run_tool("decode", "--hex", "0x", status=USAGE)
        self.run_tool("decode", "--no-such-option", status=USAGE)
        self.assertIn(b"Exit status", self.run_tool("decode", "--help").stdout)

    def test_the_worst_of_several_messages_is_the_status(self):
        keys = self.keys(MUK)
        for others, status in (([VERIFICATION], VERIFIED), ([MTK_MESSAGE[:-2]], MALFORMED),
                               ([MTK_MESSAGE[:-2] + "00", VERIFICATION], FAILED),
                               (["01", MTK_MESSAGE[:-2] + "00"], MALFORMED)):
            document = self.decode("--hex", MSK_MESSAGE, *others, "--key-file", keys, status=status)
            self.assertEqual(len(document["messages"]), 1 + len(others))

    def test_every_form_of_input_is_the_same(self):
        keys = self.keys(MUK)
        delivery = [MSK_MESSAGE, MTK_MESSAGE, VERIFICATION]
        packets = [udp(bytes.fromhex(one)) for one in delivery]
        rtp = udp(bytes.fromhex("80600001"), 5004)
        forms = {"text": "\n\n".join(delivery) + "  # the last one\n", "pcap": pcap(packets + [rtp]),
                 "pcapng": pcapng([rtp] + packets)}
        for name, content in forms.items():
            with self.subTest(name):
                path = self.path(name, content, 0o644)
                found = self.decode(path, "--key-file", keys)["messages"]
                self.assertEqual([one["octets"] for one in found], delivery)
                piped = self.decode("-", "--key-file", keys, stdin=path.read_bytes())["messages"]
                self.assertEqual(piped, found)
        binary = self.path("binary", bytes.fromhex(MSK_MESSAGE))
        self.assertEqual(self.decode(binary, "--key-file", keys)["messages"][0]["kind"],
                         "MSK message")
        moved = self.path("moved", pcap([udp(bytes.fromhex(MSK_MESSAGE), 4000), rtp]))
        self.run_tool("decode", moved, "--key-file", keys, status=MALFORMED)
        self.run_tool("decode", moved, "--key-file", keys, "--port", "4000")
        self.run_tool("decode", moved, "--key-file", keys, "--any-port")

    def test_an_mtk_message_alone_takes_rand_from_the_command_line(self):
        keys = self.keys(MSK)
        self.run_tool("decode", "--hex", MTK_MESSAGE, "--key-file", keys, status=UNVERIFIED)
        self.run_tool("decode", "--hex", MTK_MESSAGE, "--key-file", keys, "--rand", RAND)
        self.run_tool("decode", "--hex", MTK_MESSAGE, "--rand", "1", status=USAGE)

    def test_keys_are_shown_only_when_asked_for(self):
        keys = self.keys("muk " + MUK)
        for view in ([], ["--json"], ["--color", "always"]):
            words = ["decode", "--hex", MSK_MESSAGE, MTK_MESSAGE, "--key-file", keys, *view]
            hidden = self.run_tool(*words)
            shown = self.run_tool(*words, "--reveal").stdout.decode().replace("\n", "")
            for secret in (MSK, MTK):
                self.assertNotIn(secret, hidden.stdout.decode() + hidden.stderr.decode())
                self.assertIn(secret, shown)
            self.assertNotIn(MUK, shown)

    def test_a_key_file_is_for_its_owner_alone(self):
        keys = self.path("open", MUK, 0o640)
        refused = self.run_tool("decode", "--hex", MSK_MESSAGE, "--key-file", keys, status=USAGE)
        self.assertIn(b"chmod 600", refused.stderr)
        self.run_tool("decode", "--hex", MSK_MESSAGE, "--key-file", "-", stdin=MUK.encode())
        both = self.run_tool("decode", "-", "--key-file", "-", stdin=MUK.encode(), status=USAGE)
        self.assertNotIn(MUK.encode(), both.stderr)
        broken = self.path("broken", MUK + "0")
        told = self.run_tool("decode", "--hex", MSK_MESSAGE, "--key-file", broken, status=USAGE)
        self.assertIn(b"line 1", told.stderr)
        self.assertNotIn(MUK.encode(), told.stderr)

    def test_a_time_of_tesla_is_a_time(self):
        message = "01000a000000000700010000" "01000a" "0508" "e5a1b2c300000001"
        shown = self.run_tool("decode", "--hex", message, status=MALFORMED).stdout.decode()
        self.assertIn("2022-01-31T00:58:43", shown)

    def test_colour_is_for_terminals(self):
        plain = self.run_tool("decode", "--hex", MSK_MESSAGE, status=UNVERIFIED).stdout
        inked = self.run_tool("decode", "--hex", MSK_MESSAGE, "--color", "always",
                              status=UNVERIFIED).stdout
        self.assertNotIn(b"\x1b", plain)
        self.assertIn(b"\x1b[", inked)

    def test_what_is_decoded_builds_to_the_same(self):
        for path in PUBLISHED.glob("*.json"):
            for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]:
                rounds = vector.get("rounds", [vector])
                octets = [one["octets"] for of in rounds for one in of.get("messages", [])]
                if not octets:  # key derivation
                    continue
                shown = subprocess.run([BIN / "keymast-mikey", "decode", "--json", "--hex", *octets],
                                       capture_output=True, timeout=60, check=False).stdout
                built = self.run_tool("build", stdin=shown).stdout.decode()
                self.assertEqual(built.split(), octets)

    def test_published_runs_are_verified(self):
        """As far as a symmetric key can: signatures are not checked, V and MACs are, of updates too."""
        for file in ("psk_mode.json", "dhhmac.json", "pk.json", "rsar.json", "error.json"):
            for vector in json.loads((PUBLISHED / file).read_text(encoding="utf-8"))["vectors"]:
                is_hint = any(of.get("proven") is False for of in vector["rounds"])
                if is_hint or not vector["test_keys"]:
                    continue
                messages = [one for of in vector["rounds"] for one in of["messages"]]
                is_signed = ["SIGN" in [p["payload"] for p in one["proofs"]] for one in messages]
                keys = self.keys(*(f"{name} {key}" for name, key in vector["test_keys"].items()))
                found = self.decode("--hex", *(one["octets"] for one in messages), "--key-file", keys,
                                    status=UNVERIFIED if any(is_signed) else VERIFIED)["messages"]
                self.assertEqual([one["outcome"] == "verified" for one in found],
                                 [not signed for signed in is_signed], f"{file} {vector['name']}")

    def test_an_error_whose_v_is_wrong_failed_and_one_without_is_a_hint(self):
        vectors = json.loads((PUBLISHED / "error.json").read_text(encoding="utf-8"))["vectors"]
        named = {vector["name"]: vector for vector in vectors}
        asked, told = (one["octets"] for one in named["psk"]["rounds"][0]["messages"])
        keys = self.keys(*(f"{name} {key}" for name, key in named["psk"]["test_keys"].items()))
        damaged = told[:-2] + f"{int(told[-2:], 16) ^ 1:02x}"
        found = self.decode("--hex", asked, damaged, "--key-file", keys, status=FAILED)["messages"]
        self.assertEqual([one["outcome"] for one in found], ["verified", "failed"])
        hint = named["another_time"]["rounds"][0]["messages"][1]["octets"]
        found = self.decode("--hex", hint, "--key-file", keys, status=UNVERIFIED)["messages"]
        self.assertEqual(found[0]["reason"], "an error without proof is a hint")

    def test_an_update_without_identities_has_those_of_its_bundle(self):
        def message(data_type, time, *payloads):
            return {"header": {"data_type": data_type, "v": 1, "csb_id": 7},
                    "payloads": [{"type": "T", "ts_type": "COUNTER", "ts_value": time}, *payloads]}
        rand, kemac = {"type": "RAND", "rand": RAND}, {"type": "KEMAC", "seal": {"key": "psk"}}
        idi, idr = ({"type": "ID", "id": {"text": text}} for text in ("a@example.org", "b@example.org"))
        v = {"type": "V", "seal": {"key": "psk", "idi": idi["id"], "idr": idr["id"], "rand": RAND,
                                   "timestamp": "00000002"}}
        keys = self.keys("psk " + MUK)
        built = self.run_tool("build", "--key-file", keys, stdin=json.dumps(
            [message("Pre-shared", 1, rand, idi, idr, kemac), message("Pre-shared", 2, kemac),
             message("PSK ver msg", 2, v)]).encode())
        found = self.decode("-", "--key-file", keys, stdin=built.stdout)["messages"]
        self.assertEqual([(one["outcome"], one["reason"]) for one in found], 3 * [("verified", "")])

    def test_published_descriptions_build_to_the_published_octets(self):
        for file in ("psk.json", "msk.json", "mtk.json", "verification.json"):
            for vector in json.loads((PUBLISHED / file).read_text(encoding="utf-8"))["vectors"]:
                keys = self.keys(*(f"{name} {key}" for name, key in vector["test_keys"].items()))
                described = json.dumps([one["description"] for one in vector["messages"]])
                built = self.run_tool("build", "--key-file", keys, stdin=described.encode()).stdout
                self.assertEqual(built.decode().split(),
                                 [one["octets"] for one in vector["messages"]])

    def test_build_writes_what_decode_reads(self):
        described = self.path("one.json", json.dumps({"payloads": [{"type": "RAND", "rand": RAND}]}))
        octets = self.run_tool("build", described).stdout.decode().strip()
        self.assertEqual(self.run_tool("build", described, "--binary").stdout.hex(), octets)
        capture = pathlib.Path(self.folder.name, "out.pcap")
        self.run_tool("build", described, "--pcap", "--output", capture)
        found = self.decode(capture, status=MALFORMED)["messages"]
        self.assertEqual([one["octets"] for one in found], [octets])
        self.assertEqual(self.run_tool("build", described, "--pcap").stdout, capture.read_bytes())
        self.run_tool("build", described, "--output", self.folder.name + "/no/such", status=USAGE)
        two = self.run_tool("build", "--binary", stdin=b"[{}, {}]", status=USAGE)
        self.assertIn(b"one message", two.stderr)
        wrong = self.run_tool("build", stdin=b'{"payloads": [{"type": "T"}]}', status=USAGE)
        self.assertIn(b"payloads[0]", wrong.stderr)

    def test_a_description_cannot_write_to_the_terminal(self):
        for described in (b'{"\\u001b[2J": 1}', b'{"payloads": [{"type": "RAND", "\\u009b1m": 1}]}'):
            told = self.run_tool("build", stdin=described, status=USAGE).stderr
            self.assertFalse(any(octet < 32 and octet != 10 for octet in told), told)
            self.assertNotIn("\x9b", told.decode(errors="replace"))

    def test_the_examples_of_the_page_are_right(self):
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        begin = next(i for i, line in enumerate(lines) if line.startswith('    {"header"'))
        first = "\n".join(lines[begin:lines.index("", begin)])
        answer = next(line for line in lines if line.startswith("| verification | `")).split("`")[1]
        keys = self.keys("psk " + MUK, "tgk " + MSK)
        built = self.run_tool("build", "--key-file", keys, stdin=f"[{first}, {answer}]".encode())
        found = self.decode("-", "--key-file", keys, stdin=built.stdout)["messages"]
        self.assertEqual([one["outcome"] for one in found], ["verified", "verified"])

    def test_vectors_are_the_published_ones(self):
        folder = pathlib.Path(self.folder.name, "new/vectors")
        self.run_tool("vectors", folder)
        for path in PUBLISHED.iterdir():
            self.assertEqual((folder / path.name).read_bytes(), path.read_bytes(), path.name)
        self.run_tool("vectors", "/proc/none", status=USAGE)

    def test_a_recording_of_ours_is_read(self):
        """What --record writes has one section a start; so has this."""
        keys = self.keys(MUK)
        recording = pcapng([udp(bytes.fromhex(MSK_MESSAGE))]) + pcapng([udp(bytes.fromhex(MTK_MESSAGE))])
        found = self.decode(self.path("recording", recording), "--key-file", keys)["messages"]
        self.assertEqual([one["kind"] for one in found], ["MSK message", "MTK message"])
        cut = self.path("cut", recording[:-3])
        self.assertIn("breaks off", self.decode(cut, "--key-file", keys)["notes"][0])


if __name__ == "__main__":
    unittest.main()
