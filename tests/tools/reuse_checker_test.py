#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reuse checker against published vectors, and against recordings with a planted reuse each."""

import hashlib
import hmac
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from reuse import mikey, pcapng, srtp  # noqa: E402 (the path is set above)

USER, OTHER = bytes(range(16)), bytes(range(16, 32))
RAND = bytes.fromhex("101112131415161718191a1b1c1d1e1f")
DOMAIN = bytes.fromhex("262f01")
GROUP, SERVER = "239.255.42.1", "127.0.0.1"
CM80 = {0: b"\1", 1: b"\x10", 11: b"\x0a"}
GCM = {0: b"\6", 1: b"\x10", 20: b"\x10"}


def message(key, counter, ids, inner, rand, identities=(), policy=None, with_rand=True):
    """A pre-shared key message as a sender makes it."""
    def derive(constant, length):
        return mikey.prf(0, key, struct.pack("!IBI", constant, 0xFF, 0) + rand, length)

    parts = [(mikey.GENERAL, b"\3" + counted(b"".join(bytes([kind, len(value)]) + value
                                                     for kind, value in ids.items()), 2)),
             (mikey.T, b"\2" + struct.pack("!I", counter))]
    if with_rand:
        parts.append((mikey.RAND, counted(rand, 1)))
    parts += [(mikey.ID, b"\0" + counted(name.encode(), 2)) for name in identities]
    if policy:
        data = b"".join(bytes([kind, len(value)]) + value for kind, value in policy.items())
        parts.append((mikey.SP, b"\0\0" + counted(data, 2)))
    moment = b"\0\0" + struct.pack("!IQ", 0, counter)
    iv = bytes(a ^ b for a, b in zip(derive(mikey.SALT, 14), moment)) + b"\0\0"
    cipher = Cipher(algorithms.AES(derive(mikey.ENCR, 16)), modes.CTR(iv)).encryptor()
    parts.append((mikey.KEMAC, b"\1" + counted(cipher.update(inner), 2) + b"\1"))
    octets = struct.pack("!BBBBIBB", 1, 0, parts[0][0], 0, 0, 0, 1)
    for (_, body), following in zip(parts, [kind for kind, _ in parts[1:]] + [0]):
        octets += bytes([following]) + body
    return octets + hmac.digest(derive(mikey.AUTH, 20), octets, "sha1")


def counted(octets, width):
    return len(octets).to_bytes(width, "big") + octets


def msk_message(counter, msk=b"M" * 16, number=1, user=USER, identity="one@example.org",
                policy=None):
    return message(user, counter, {0: DOMAIN, 1: struct.pack("!HH", 1, number)},
                   b"\0\2" + counted(msk, 2) + b"\2\0\1\2\0\xff", RAND,
                   ("keys.example.org", identity), policy or CM80)


def mtk_message(counter, mtk=b"K" * 16, number=1, mtk_id=1, msk=b"M" * 16, salt=b"S" * 14):
    return message(msk, counter, {0: DOMAIN, 1: struct.pack("!HH", 1, number),
                                  2: struct.pack("!H", mtk_id)},
                   b"\0\x30" + counted(mtk, 2) + counted(salt, 2), RAND, with_rand=False)


def packet(index, payload=b"p" * 40, mtk=b"K" * 16, number=1, mtk_id=1, ssrc=7, salt=b"S" * 14):
    """An AES_CM_128_HMAC_SHA1_80 packet; its payload is not encrypted, the tag does not mind."""
    body = struct.pack("!BBHII", 0x80, 96, index & 0xFFFF, 0, ssrc) + payload
    auth_key = srtp.derive(mtk, salt, 1, 20)
    tag = hmac.digest(auth_key, body + struct.pack("!I", index >> 16), "sha1")[:10]
    return body + struct.pack("!HHH", 1, number, mtk_id) + tag


def udp(target, octets):
    source, destination = (bytes(int(part) for part in address.split("."))
                           for address in (SERVER, target))
    return (struct.pack("!BBHIBBH", 0x45, 0, 28 + len(octets), 0, 1, 17, 0) + source + destination
            + struct.pack("!HHHH", 2269, 5004, 8 + len(octets), 0) + octets)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def record(*datagrams):
    octets = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    octets += block(1, struct.pack("<HHI", 101, 0, 0))
    for target, datagram in datagrams:
        data = udp(target, datagram)
        octets += block(6, struct.pack("<IIIII", 0, 0, 0, len(data), len(data)) + data)
    return octets


def multicast(*messages):
    return [(GROUP, octets) for octets in messages]


GOOD = [(SERVER, msk_message(1)), (SERVER, msk_message(2)),
        *multicast(mtk_message(1), mtk_message(2), mtk_message(3, b"L" * 16, mtk_id=2),
                   packet(65535), packet(65536), packet(65537),
                   packet(65538, mtk=b"L" * 16, mtk_id=2))]


class Vectors(unittest.TestCase):
    def test_prf_of_a_key_in_two_pieces(self):
        label = bytes.fromhex("2ad01c640212345678") + RAND
        self.assertEqual(mikey.prf(0, bytes(range(48)), label, 40).hex(),
                         "9a28bc66a418964c8fc68b41c20baf9ba76e8e9d866954b57f29fc07b4cd3a93481a3e70"
                         "54d50bb8")
        self.assertEqual(mikey.prf(1, bytes(range(48)), label, 40).hex(),
                         "3cc72e691df88783dc35c7f675e34af854943d659db90f3c61f286fdad373dbd3535e05b"
                         "69600b13")

    def test_a_worked_group_message_opens(self):
        octets = bytes.fromhex(
            "010015001234567800010503000f000300f1100104000200010202000501020000000700010024065c4d"
            "677e59a45ed4c8fa212f167f910de17e4fc82323c1a63d56de34eba76db2ccb22d0105f36d14147a48bcf"
            "48496a6fe5c5f092cf09de8")
        parsed = mikey.Message(octets)
        self.assertTrue(parsed.is_mtk())
        self.assertEqual(parsed.counter, 7)
        opened = parsed.open(bytes(range(0x40, 0x50)), RAND)
        self.assertEqual(opened["key"], bytes(range(0x70, 0x80)))
        self.assertEqual(opened["salt"], bytes(range(0x80, 0x8E)))
        self.assertIsNone(parsed.open(bytes(16), RAND))

    def test_every_truncation_of_a_message_is_refused(self):
        whole = msk_message(1)
        for length in range(len(whole)):
            with self.assertRaises(mikey.NotMikey):
                mikey.Message(whole[:length])

    def test_key_derivation_of_rfc3711(self):  # B.3
        master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
        salt = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
        self.assertEqual(srtp.derive(master, salt, 0, 16).hex(), "c61e7a93744f39ee10734afe3ff7a087")
        self.assertEqual(srtp.derive(master, salt, 1, 20).hex(),
                         "cebe321f6ff7716b6fd4ab49af256a156d38baa4")

    def test_reference_packets(self):
        header, mki = bytes.fromhex("800f1234decafbadcafebabe"), b"\0\1\0\1\0\1"
        master = bytes.fromhex("e1f97a0d3e018be0d64fa32c06de4139")
        salt = bytes.fromhex("0ec675ad498afeebb6960b3aabe6")
        session = srtp.Session(srtp.Policy(CM80), master, salt)
        octets = header + bytes.fromhex("4e55dc4ce79978d88ca4d215949d2402") + mki + bytes.fromhex(
            "b78d6acc99ea179b8dbb")
        self.assertEqual(srtp.mki_of(octets, session.policy), mki)
        self.assertEqual(srtp.find_index(octets, session, 0), 0x1234)
        self.assertIsNone(srtp.find_index(octets[:-1] + b"\0", session, 0))

        session = srtp.Session(srtp.Policy(GCM), bytes(range(16)),
                               bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaab"))
        octets = header + bytes.fromhex("c5002ede04cfdd2eb91159e0880aa06e"
                                        "d2976826f796b201df3131a127e8a392") + mki
        self.assertEqual(srtp.mki_of(octets, session.policy), mki)
        self.assertEqual(srtp.find_index(octets, session, 0), 0x1234)

    def test_srtcp(self):
        session = srtp.Session(srtp.Policy(CM80), b"K" * 16, b"S" * 14)
        body = struct.pack("!BBHI", 0x80, 200, 1, 7) + b"x" * 20 + struct.pack("!I", 0x80000005)
        tag = hmac.digest(srtp.derive(b"K" * 16, b"S" * 14, 4, 20), body, "sha1")[:10]
        octets = body + b"\0\1\0\1\0\1" + tag
        self.assertEqual(srtp.rtcp_is_authentic(octets, session), (True, 5))
        self.assertFalse(srtp.rtcp_is_authentic(octets[:-1] + b"\0", session)[0])


class Records(unittest.TestCase):
    def test_reading_goes_on_behind_a_cut_block(self):
        cut = []
        octets = record(*GOOD)[:-50] + record(*GOOD)
        read = list(pcapng.datagrams(octets, lambda: cut.append(1)))
        self.assertEqual(len(read), 2 * len(GOOD) - 1)
        self.assertEqual(len(cut), 1)

    def test_addresses_and_octets(self):
        first = next(iter(pcapng.datagrams(record((GROUP, b"octets")))))
        self.assertEqual(str(first.target[0]), GROUP)
        self.assertEqual(first.octets, b"octets")


class Checker(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="keymast-reuse-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "one.key").write_bytes(USER)
        (self.folder / "two.key").write_bytes(OTHER)
        (self.folder / "users.json").write_text(json.dumps({
            "one@example.org": str(self.folder / "one.key"),
            "two@example.org": str(self.folder / "two.key")}))

    def check(self, *records):
        paths = []
        for number, octets in enumerate(records):
            paths.append(self.folder / f"{number}.pcapng")
            paths[-1].write_bytes(octets)
        done = subprocess.run([sys.executable, HERE / "reuse_checker.py", "--users",
                               self.folder / "users.json", "--json", *paths],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    def test_a_good_run_in_several_records(self):
        status, found = self.check(record(*GOOD), record(*GOOD[:4]) + record(*GOOD[4:]))
        self.assertEqual(status, 0, found)
        self.assertEqual(found["violations"], [])
        self.assertEqual(found["counts"]["srtp_packets"], 4)
        self.assertEqual(found["counts"]["mtks"], 2)
        self.assertEqual(found["counts"]["copies"], 4)

    def violation(self, *more):
        status, found = self.check(record(*GOOD, *more))
        self.assertEqual(status, 1, found)
        self.assertEqual(len(found["violations"]), 1, found)
        return found["violations"][0]

    def test_counter_of_a_user_key_twice(self):
        key = hashlib.sha256(USER).hexdigest()[:16]
        self.assertIn(f"counter of user key {key} 2",
                      self.violation((SERVER, msk_message(2, b"N" * 16, number=2))))

    def test_counter_of_a_user_key_that_two_subscribers_have(self):
        (self.folder / "two.key").write_bytes(USER)
        self.assertIn("counter of user key",
                      self.violation((SERVER, msk_message(2, identity="two@example.org"))))

    def test_the_same_counter_of_two_users_is_none(self):
        status, _ = self.check(record(*GOOD, (SERVER, msk_message(
            2, user=OTHER, identity="two@example.org"))))
        self.assertEqual(status, 0)

    def test_counter_of_a_subscriber_whose_key_is_not_known(self):
        stranger = {"user": b"?" * 16, "identity": "three@example.org"}
        self.assertIn("three@example.org 9", self.violation(
            (SERVER, msk_message(9, **stranger)), (SERVER, msk_message(9, b"N" * 16, **stranger))))

    def test_msk_id_with_two_keys(self):
        self.assertIn("MSK 262f0100010001 used twice",
                      self.violation((SERVER, msk_message(3, b"N" * 16))))

    def test_one_key_under_two_msk_ids(self):
        self.assertIn("MSK octets", self.violation((SERVER, msk_message(3, number=2))))

    def test_counter_of_an_msk_twice(self):
        self.assertIn("counter of MSK 262f0100010001 3",
                      self.violation(*multicast(mtk_message(3, b"O" * 16, mtk_id=3))))

    def test_mtk_id_with_two_keys(self):
        self.assertIn("MTK 262f01000100010002 used twice",
                      self.violation(*multicast(mtk_message(4, b"O" * 16, mtk_id=2))))

    def test_one_key_under_two_mtk_ids(self):
        self.assertIn("MTK octets", self.violation(*multicast(mtk_message(4, mtk_id=3))))

    def test_packet_index_twice(self):
        self.assertIn("SRTP index MTK 000100010001 SSRC 00000007 65536",
                      self.violation(*multicast(packet(65536, b"q" * 40))))

    def test_the_same_sequence_number_after_a_wrap_is_none(self):
        status, found = self.check(record(*GOOD, *multicast(packet(131072))))
        self.assertEqual(status, 0, found)

    def test_forged_and_unknown_datagrams_prove_nothing(self):
        status, found = self.check(record(*GOOD, *multicast(packet(65539)[:-1] + b"\0")))
        self.assertEqual((status, found["gaps"]), (2, ["packets with a wrong tag"]))
        status, found = self.check(record(*multicast(packet(1))))
        self.assertEqual(status, 2)
        self.assertEqual(found["counts"]["packets_without_key"], 1)

    def gaps(self, *datagrams):
        status, found = self.check(record(*datagrams))
        self.assertEqual((status, found["violations"]), (2, []), found)
        return found["gaps"]

    def test_packets_under_a_key_that_no_message_gave_prove_nothing(self):
        unread = [packet(5, payload * 40, b"Z" * 16, mtk_id=9) for payload in (b"a", b"b")]
        self.assertEqual(self.gaps(*GOOD, *multicast(*unread)), ["2 packets without key"])

    def test_a_run_without_packets_proves_nothing(self):
        self.assertEqual(self.gaps(*GOOD[:5]), ["no srtp_packets could be opened"])

    def test_multicast_datagrams_of_no_known_kind_prove_nothing(self):
        self.assertEqual(self.gaps(*GOOD, *multicast(b"?" * 40)), ["1 unknown multicast datagrams"])

    def test_mtk_messages_under_an_msk_that_no_message_gave_prove_nothing(self):
        self.assertEqual(self.gaps(*GOOD, *multicast(mtk_message(1, number=2, msk=b"Z" * 16))),
                         ["1 mtk messages without msk"])

    def test_counter_of_an_msk_that_is_not_known(self):
        unread = [mtk_message(1, number=2, msk=b"Z" * 16),
                  mtk_message(1, b"L" * 16, number=2, mtk_id=2, msk=b"Z" * 16)]
        self.assertIn("counter of MSK 262f0100010002 1", self.violation(*multicast(*unread)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
