# SPDX-License-Identifier: Apache-2.0
"""Two keymast-peer processes hold a session over loopback: descriptions by files and pipes, MIKEYv2 and
SRTP on one port each. What somebody changes on the way is fatal."""

import base64
import os
import pathlib
import re
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

from harness import BIN, free_port, wait_for  # noqa: E402 (no byte code in the tree)
from peers import ALICE, BOB, PCMU_FRAME, Relay, Session, even_port, heard, open_rtcp, value  # noqa: E402
from reuse.srtp import is_rtcp  # noqa: E402


class Peer(unittest.TestCase):
    def setUp(self):
        self.session = Session(self)

    def wait_heard(self, process, *streams):
        try:
            wait_for(lambda: heard(process, streams), 30, f"{process.name} hears {streams}")
        except AssertionError as late:
            raise AssertionError(f"{late}: {process.last} {process.log()}") from late
        for number in streams:
            stream = process.last["streams"][str(number)]
            self.assertEqual(stream["received"], stream["tone"], process.last)
        self.assertEqual(process.last["state"], "up")
        self.assertEqual(process.last["media_refused"], 0)

    def wait_failed(self, process, reason):
        wait_for(lambda: not process.running(), 30, f"{process.name} gives up: {process.last}")
        self.assertEqual(process.stop(), 1)
        self.assertEqual(process.last["state"], "failed")
        self.assertIn(reason, process.last["reason"])

    def stop(self, *processes):
        for process in processes:
            self.assertEqual(process.stop(), 0, process.log())

    def test_one_stream_each_way_and_either_side_offers(self):
        for first in ("alice", "bob"):
            with self.subTest(first=first):
                offerer, answerer = self.session.both(first=first, offer=f"{first}-offer",
                                                      answer=f"{first}-answer")
                self.wait_heard(offerer, 1)
                self.wait_heard(answerer, 1)
                self.assertEqual(offerer.last["mode"], "early DHHMAC")
                self.stop(offerer, answerer)

    def test_several_streams_each_its_way_in_every_mode(self):
        for mode in ("psk", "dhhmac", "early-dhhmac"):
            with self.subTest(mode=mode):
                # A direction is each side's own view of a stream.
                offerer, answerer = self.session.both(
                    "--modes", mode, offer=f"{mode}-offer", answer=f"{mode}-answer",
                    offerer=("--stream", "sendrecv", "--stream", "sendonly:L16", "--stream",
                             "recvonly", "--stream", "sendrecv:L16"),
                    answerer=("--stream", "sendrecv", "--stream", "recvonly:L16", "--stream",
                              "sendonly", "--stream", "sendrecv:L16"))
                self.wait_heard(offerer, 1, 3, 4)
                self.wait_heard(answerer, 1, 2, 4)
                self.assertFalse(offerer.last["streams"]["2"]["receives"])
                self.assertEqual(offerer.last["mode"].lower().replace(" ", "-"), mode)
                self.stop(offerer, answerer)

    def test_named_pipes(self):
        for name in ("offer", "answer"):
            os.mkfifo(self.session.path(name), 0o600)
        offerer, answerer = self.session.both()
        self.wait_heard(offerer, 1)
        self.wait_heard(answerer, 1)
        self.stop(offerer, answerer)

    def test_standard_input_and_output(self):
        """A description that comes through an ordinary pipe, the report beside it."""
        argv = [BIN / "keymast-peer", "answer", "--identity", BOB, "--peer-identity", ALICE,
                "--key-file", self.session.key, "--offer", "-", "--answer", "-", "--for", "60s"]
        log = open(self.session.path("bob.err"), "w+")
        self.addCleanup(log.close)
        bob = subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            alice = self.session.start("alice", "offer")
            bob.stdin.write(self.session.read("offer") + "\n")
            bob.stdin.flush()
            lines = []
            while not lines or lines[-1].strip():
                lines.append(bob.stdout.readline())
                self.assertTrue(lines[-1], "standard output ended")
            self.session.path("answer.partial").write_text("".join(lines[:-1]))
            self.session.path("answer.partial").rename(self.session.path("answer"))
            self.wait_heard(alice, 1)
            self.stop(alice)
        finally:
            bob.kill()
            bob.communicate()

    def test_early_media_is_held_until_its_answer(self):
        port = free_port()
        alice = self.session.start("alice", "offer", "--early", f"127.0.0.1:{port}",
                                   answer="answer-to-alice")
        bob = self.session.start("bob", "answer", "--media", f"127.0.0.1:{port}",
                                 answer="answer-of-bob")
        wait_for(lambda: alice.last.get("early", 0) > 10, 20, lambda: f"early media: {alice.log()}")
        self.assertEqual(alice.last["state"], "early")
        wait_for(lambda: heard(bob, [1]), 20, "Bob hears who has not been told of him")
        self.session.pass_on("answer-of-bob", "answer-to-alice")
        wait_for(lambda: alice.last["state"] == "up", 20, "the answer makes it final")
        self.wait_heard(alice, 1)
        self.stop(alice, bob)

    def test_early_media_of_somebody_else_is_thrown_away(self):
        port = free_port()
        alice = self.session.start("alice", "offer", "--early", f"127.0.0.1:{port}",
                                   answer="answer-to-alice")
        bob = self.session.start("bob", "answer", "--media", f"127.0.0.1:{port}",
                                 answer="answer-of-bob")
        wait_for(lambda: alice.last.get("early", 0) > 10, 20, lambda: f"early media: {alice.log()}")
        self.session.pass_on("answer-of-bob", "answer-to-alice", self.other_session)
        self.wait_failed(alice, "an answer to another offer: policy_violation")

    def check_finish_alone(self, offerer, answerer):
        """Finish and KEYS came by the port: a busy machine may have sent them again, up to four times."""
        for process in (offerer, answerer):
            self.assertIn(process.last["port"]["mikey"], range(1, 5))

    def test_key_management_in_the_description(self):
        alice, bob = self.session.both(offerer=("--key-mgmt",))
        self.wait_heard(alice, 1)
        self.wait_heard(bob, 1)
        for name in ("offer", "answer"):
            message = base64.b64decode(re.search(r"a=key-mgmt:mikey (\S+)", self.session.read(name))[1])
            self.assertEqual(message[0], 2)
        self.check_finish_alone(alice, bob)
        self.stop(alice, bob)

    def test_the_answerer_adds_a_stream_later(self):
        more = ("--next-offer", self.session.path("offer2"), "--next-answer",
                self.session.path("answer2"))
        alice = self.session.start("alice", "offer", "--next", "answer", "--add", "recvonly:L16", *more)
        bob = self.session.start("bob", "answer", "--next", "offer", "--add", "sendonly:L16", *more)
        self.wait_heard(alice, 1, 2)
        wait_for(lambda: bob.last["rounds"] == 2 and bob.last["state"] == "up", 20, "round 2")
        before = bob.last["streams"]["1"]["received"]
        wait_for(lambda: bob.last["streams"]["1"]["received"] > before, 20, "the first one goes on")
        self.wait_heard(bob, 1)
        self.assertEqual(alice.last["mki"], bob.last["mki"])
        self.assertNotEqual(alice.last["mki"], "")
        # By the ticket that Alice was given: without the key, and without public-key work.
        self.assertEqual((alice.last["resumed"], alice.last["mode"]), (True, "PSK"))
        self.stop(alice, bob)

    def certificate(self, who, kind):
        """A key, and a certificate that nobody issued: its fingerprint in SDP is what counts."""
        key, certificate = self.session.path(f"{who}.key"), self.session.path(f"{who}.crt")
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out",
             certificate, "-subj", f"/CN={who}", "-days", "2"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        key.chmod(0o600)
        return "--certificate", certificate, "--private-key", key

    def certificates(self):
        return (self.certificate("alice", ["ed25519"]),
                self.certificate("bob", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]))

    def chains(self):
        """RSA keys; each certificate has another behind it."""
        options = [self.certificate(who, ["rsa:2048"]) for who in ("alice", "bob")]
        texts = [self.session.path(f"{who}.crt").read_text() for who in ("alice", "bob")]
        self.session.path("alice.crt").write_text(texts[0] + texts[1])
        self.session.path("bob.crt").write_text(texts[1] + texts[0])
        return options

    def each_mode(self, modes, of_alice, of_bob):
        """Both sides, when they hear each other, mode by mode."""
        for mode in modes:
            with self.subTest(mode=mode):
                alice, bob = self.session.both("--modes", mode, offerer=of_alice, answerer=of_bob,
                                               key=None, offer=f"{mode}-offer",
                                               answer=f"{mode}-answer")
                self.wait_heard(alice, 1)
                self.wait_heard(bob, 1)
                self.assertEqual(alice.last["mode"].lower().replace(" ", "-"), mode)
                yield mode, alice, bob
                self.stop(alice, bob)

    def test_certificates_by_their_fingerprints(self):
        for mode, _, _ in self.each_mode(("dh", "early-dh"), *self.certificates()):
            self.assertIn("a=fingerprint:sha-256 ", self.session.read(f"{mode}-offer"))

    def test_certificates_in_the_description(self):
        """CAP and answer in a=key-mgmt, each beside its fingerprint; RSA's are longer than a datagram."""
        of_alice, of_bob = self.chains()
        for mode, alice, bob in self.each_mode(("dh", "rsa"), (*of_alice, "--key-mgmt"), of_bob):
            self.check_finish_alone(alice, bob)
            for name in ("offer", "answer"):
                text = self.session.read(f"{mode}-{name}")
                self.assertIn("a=fingerprint:sha-256 ", text)
                message = base64.b64decode(re.search(r"a=key-mgmt:mikey (\S+)", text)[1])
                self.assertGreater(len(message), 1232)

    def test_rsa_certificates_and_chains_in_the_media_path(self):
        for _, alice, bob in self.each_mode(("dh", "early-dh", "rsa"), *self.chains()):
            # RETRY, FRAGMENTs of the answer, KEYS; both FRAGMENTs of CAP once more behind RETRY.
            self.assertGreaterEqual(alice.last["port"]["mikey"], 4)
            self.assertGreaterEqual(bob.last["port"]["mikey"], 5)

    def early(self, of_alice, who, of_other, *options):
        """Alice calls early, at a port where this one answers, until she holds media."""
        port = free_port()
        alice = self.session.start("alice", "offer", *of_alice, "--early", f"127.0.0.1:{port}",
                                   *options, key=None, answer="answer-to-alice")
        other = self.session.start(who, "answer", *of_other, "--media", f"127.0.0.1:{port}",
                                   key=None, answer=f"answer-of-{who}")
        wait_for(lambda: alice.last.get("early", 0) > 10, 20, lambda: f"early media: {alice.log()}")
        self.assertEqual(alice.last["state"], "early")
        wait_for(lambda: heard(other, [1]), 20, f"{who} hears who has not been told of him")
        return alice, other

    def test_early_media_by_certificates_is_held_until_the_fingerprint(self):
        of_alice, of_bob = self.certificates()
        alice, bob = self.early(of_alice, "bob", of_bob)
        self.session.pass_on("answer-of-bob", "answer-to-alice")
        wait_for(lambda: alice.last["state"] == "up", 20, "the fingerprint makes it final")
        self.wait_heard(alice, 1)
        self.stop(alice, bob)

    def test_early_media_of_another_certificate_is_thrown_away(self):
        """Mallory answers first, in Bob's name; the call comes up with Bob all the same."""
        of_alice, of_bob = self.certificates()
        p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]  # so that the fingerprint alone differs
        sound = self.session.path("sound")
        alice, mallory = self.early(of_alice, "mallory", self.certificate("mallory", p256),
                                    "--sink", f"1=file:{sound}")
        bob = self.session.start("bob", "answer", *of_bob, key=None, answer="answer-of-bob")
        self.assertFalse(sound.exists())
        self.session.pass_on("answer-of-bob", "answer-to-alice")
        wait_for(lambda: heard(bob, [1]), 20, f"Bob hears Alice: {alice.last}")
        wait_for(lambda: alice.last["media_refused"] > 10, 20, "Mallory is not heard any more")
        early = alice.last["early"]
        wait_for(lambda: heard(alice, [1], early + 10), 20, f"Alice hears Bob: {alice.last}")
        self.assertEqual(alice.last["state"], "up")
        self.stop(alice, bob, mallory)
        # Nothing of Mallory's was handed on.
        self.assertEqual(alice.last["early"], early)
        received = alice.last["streams"]["1"]["received"]
        self.assertEqual(sound.stat().st_size, (received - early) * PCMU_FRAME)

    def test_another_fingerprint_beside_the_answer(self):
        of_alice, of_bob = self.certificates()
        alice = self.session.start("alice", "offer", *of_alice, "--key-mgmt", key=None,
                                   answer="answer-as-read")
        bob = self.session.start("bob", "answer", *of_bob, key=None, answer="answer-as-written")
        other = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
        self.session.pass_on("answer-as-written", "answer-as-read",
                             lambda text: re.sub("a=fingerprint:.*[0-9A-F]", other, text))
        self.wait_failed(alice, "a=key-mgmt:mikey: authentication_failed")
        self.assertEqual(bob.stop(), 1)
        self.assertEqual(bob.last["state"], "offered")

    def test_another_fingerprint_than_the_certificates(self):
        of_alice, of_bob = self.certificates()
        other = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
        for name in ("offer", "answer"):
            with self.subTest(name=name):
                alice, bob = self.changed(
                    name, lambda text: re.sub("a=fingerprint:.*[0-9A-F]", other, text),
                    of_alice, of_bob, prefix=f"in-{name}-")
                self.wait_failed(alice, "no answer")
                self.assertEqual(bob.stop(), 1)
                self.assertEqual(bob.last["state"], "offered")
                refused = bob if name == "offer" else alice
                self.assertGreaterEqual(refused.last["mikey_refused"], 1)

    # What somebody on the way changes.

    @staticmethod
    def other_session(text):
        return text.replace(value(text, "mikeyv2-id"), base64.b64encode(bytes(32)).decode())

    @staticmethod
    def without_dh(text):
        """mikeyv2-cap with mode PSK alone, and all else as it was."""
        old = value(text, "mikeyv2-cap")
        octets, kept = base64.b64decode(old), b""
        while octets:
            kind, size = octets[0], int.from_bytes(octets[1:3], "big")
            if kind == 1:
                kept += bytes([1, 0, 1, 1])
            elif kind != 5:
                kept += octets[:3 + size]
            octets = octets[3 + size:]
        return text.replace(old, base64.b64encode(kept).decode())

    @staticmethod
    def with_fingerprint(text):
        line = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
        return text.replace("a=mikeyv2-id", line + "\r\na=mikeyv2-id", 1)

    def changed(self, name, change, of_alice=(), of_bob=(), prefix=""):
        """Alice and Bob, with a description changed between them."""
        paths = {kind: prefix + kind for kind in ("offer", "answer")}
        paths["key"] = None if of_alice else ""
        written, read = f"{prefix}{name}-as-written", f"{prefix}{name}-as-read"
        writes, reads = {**paths, name: written}, {**paths, name: read}
        of_offer, of_answer = (writes, reads) if name == "offer" else (reads, writes)
        alice = self.session.start("alice", "offer", *of_alice, **of_offer)
        bob = self.session.start("bob", "answer", *of_bob, **of_answer)
        self.session.pass_on(written, read, change)
        return alice, bob

    def test_another_session_in_the_offer(self):
        alice, bob = self.changed("offer", self.other_session)
        self.wait_failed(alice, "an answer to another offer: policy_violation")
        self.assertEqual(bob.stop(), 1)
        self.assertEqual(bob.last["state"], "offered")
        self.assertEqual(bob.last["port"]["mikey"], 0)

    def test_another_session_in_the_answer(self):
        alice, bob = self.changed("answer", self.other_session)
        self.wait_failed(alice, "an answer to another offer: policy_violation")
        self.assertEqual(bob.stop(), 1)
        self.assertEqual(bob.last["state"], "offered")

    def test_fewer_capabilities_in_the_offer(self):
        alice, bob = self.changed("offer", self.without_dh)
        self.wait_failed(bob, "a proven CAP is not what its description told")
        self.wait_failed(alice, "the other side says error 12")

    def test_other_capabilities_in_the_answer(self):
        alice, bob = self.changed("answer", self.without_dh)
        self.wait_failed(alice, "not what its description told: policy_violation")

    def test_a_fingerprint_of_somebody(self):
        alice, bob = self.changed("offer", self.with_fingerprint)
        self.wait_failed(bob, "a=fingerprint: certificate_untrusted")

    def test_a_fingerprint_of_somebody_in_the_answer(self):
        alice, bob = self.changed("answer", self.with_fingerprint)
        self.wait_failed(alice, "a=fingerprint: certificate_untrusted")

    def test_a_protocol_taken_off_or_put_on_the_list(self):
        alice = self.session.start("alice", "offer", "--key-mgmt", offer="offer-as-written")
        bob = self.session.start("bob", "answer", offer="offer-as-read")
        self.session.pass_on("offer-as-written", "offer-as-read",
                             lambda text: text.replace("a=key-mgmt", "a=key-mgmt:x eA==\r\na=key-mgmt", 1))
        self.wait_failed(bob, "policy_violation")

    def test_another_key(self):
        other = self.session.path("other")
        other.touch(mode=0o600)
        other.write_text(secrets.token_hex(32))
        alice = self.session.start("alice", "offer")
        bob = self.session.start("bob", "answer", key=other)
        self.wait_failed(alice, "no answer")
        self.assertEqual(bob.stop(), 1)
        self.assertEqual(bob.last["state"], "offered")

    # The port.

    def test_what_else_comes_to_the_port(self):
        port = free_port()
        alice = self.session.start("alice", "offer")
        bob = self.session.start("bob", "answer", "--media", f"127.0.0.1:{port}")
        self.wait_heard(bob, 1)
        stun = bytes.fromhex("000100002112a442") + bytes(12)
        stray = {"dtls": [bytes([first]) + bytes(30) for first in (20, 22, 63)],
                 "stun": [stun, b"\x02" + stun[1:]],
                 "other": [b"\x00" + bytes(30), b"\x40" + bytes(30), b"\xc0" + bytes(30), b"\x01"]}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for datagrams in stray.values():
                for datagram in datagrams:
                    out.sendto(datagram, ("127.0.0.1", port))
            out.sendto(b"\x02\xf1" + bytes(60), ("127.0.0.1", port))
        wait_for(lambda: bob.last["mikey_refused"] == 1, 20, f"all are counted: {bob.last}")
        for kind, datagrams in stray.items():
            self.assertEqual(bob.last["port"][kind], len(datagrams))
        before = bob.last["streams"]["1"]["received"]
        wait_for(lambda: bob.last["streams"]["1"]["received"] > before, 20, "the session goes on")
        self.stop(alice, bob)

    def test_both_report_and_take_leave(self):
        """MIKEYv2, RTP and RTCP between two ports, over a way that opens the reports for itself."""
        relay = Relay(self)
        alice = self.session.start("alice", "offer", "--stream", "sendrecv", "--stream", "sendonly",
                                   "--reveal-keys", self.session.path("keys"),
                                   offer="offer-as-written", answer="answer-as-read")
        bob = self.session.start("bob", "answer", "--stream", "sendrecv", "--stream", "recvonly",
                                 offer="offer-as-read", answer="answer-as-written")
        self.session.pass_on("offer-as-written", "offer-as-read", lambda text: relay.stand_in(1, text))
        self.session.pass_on("answer-as-written", "answer-as-read",
                             lambda text: relay.stand_in(0, text))
        self.wait_heard(alice, 1)
        self.wait_heard(bob, 1, 2)
        for process, streams in ((alice, "12"), (bob, "1")):
            wait_for(lambda: all("told" in process.last["streams"][s]["rtcp"] for s in streams), 40,
                     f"{process.name} is told what came: {process.last}")
            for stream in streams:
                self.assertEqual(process.last["streams"][stream]["rtcp"]["told"]["lost"], 0)
        self.assertEqual(bob.last["streams"]["2"]["rtcp"]["sent"], 0)  # no key of his, no report
        self.stop(alice)
        wait_for(lambda: all(bob.last["streams"][s]["rtcp"].get("left") for s in "12"), 20,
                 f"Bob hears that Alice leaves: {bob.last}")
        self.stop(bob)
        for process in (alice, bob):
            port = process.last["port"]
            self.assertTrue(port["mikey"] and port["rtp"] and port["rtcp"], port)
            self.assertEqual(process.last["media_refused"], 0)
        self.check_reports(relay.seen)

    def check_reports(self, seen):
        keys = {}
        for line in self.session.path("keys").read_text().splitlines():
            _, ssrc, profile, key, salt, _ = line.split()
            self.assertEqual(profile, "AEAD_AES_256_GCM")
            keys[int(ssrc)] = bytes.fromhex(key), bytes.fromhex(salt)
        indexes, names, plain, left = {}, {True: set(), False: set()}, [], set()
        for is_alices, octets in seen:
            if octets[0] >> 6 != 2 or not is_rtcp(octets):
                continue
            ssrc = int.from_bytes(octets[4:8], "big")
            compound, index = open_rtcp(octets, *keys[ssrc])
            indexes.setdefault(ssrc, []).append(index)
            plain.append(compound)
            while compound:
                size = 4 + 4 * int.from_bytes(compound[2:4], "big")
                self.assertIn(compound[1], (200, 201, 202, 203))
                self.assertEqual(int.from_bytes(compound[4:8], "big"), ssrc)
                if compound[1] == 202:
                    names[is_alices].add(compound[8:10 + compound[9]])
                if compound[1] == 203:
                    left.add(ssrc)
                compound = compound[size:]
        for each in indexes.values():
            self.assertEqual(each, list(range(1, len(each) + 1)))  # RFC 3711 section 3.4
        # One name a party, whatever it sends; all three that sent have left.
        self.assertEqual([len(each) for each in names.values()], [1, 1])
        self.assertEqual(left, set(keys))
        self.dissect(plain, {each[2:].decode() for one in names.values() for each in one})

    def dissect(self, packets, names):
        """tshark finds what is meant, and nothing malformed."""
        if shutil.which("tshark") is None:
            self.skipTest("no tshark")
        text = "".join(f"000000 {packet.hex(' ')}\n" for packet in packets)
        self.session.path("rtcp.txt").write_text(text)
        subprocess.run(["text2pcap", "-q", "-u", "5000,5002", self.session.path("rtcp.txt"),
                        self.session.path("rtcp.pcap")], check=True, capture_output=True)
        found = subprocess.run(
            ["tshark", "-r", self.session.path("rtcp.pcap"), "-d", "udp.port==5002,rtcp", "-T",
             "fields", "-e", "rtcp.sdes.text", "-e", "_ws.malformed", "-e", "rtcp.length_check"],
            capture_output=True, text=True)
        lines = found.stdout.splitlines()
        self.assertEqual(len(lines), len(packets), found.stderr)
        for line in lines:
            name, malformed, length_is_right = line.split("\t")
            self.assertIn(name.split(",")[0], names)
            self.assertEqual((malformed, length_is_right.lower()[:1] in ("1", "t")), ("", True), line)

    def test_rtp_from_outside_and_to_outside(self):
        source, sink = free_port(), free_port()
        sound = self.session.path("sound")
        alice = self.session.start("alice", "offer", "--source", f"1=udp:127.0.0.1:{source}",
                                   "--sink", f"1=file:{sound}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
            player.bind(("127.0.0.1", sink))
            player.settimeout(20)
            bob = self.session.start("bob", "answer", "--sink", f"1=udp:127.0.0.1:{sink}")
            wait_for(lambda: bob.last.get("state") == "up", 20, "keys")
            payload = secrets.token_bytes(160)
            packet = bytes([0x80, 0x80]) + bytes.fromhex("1234000000641111aaaa") + payload
            player.sendto(packet, ("127.0.0.1", source))
            got = player.recv(2000)
        # Payload, marker and timestamp are the encoder's; number and SSRC the session's.
        self.assertEqual(got[12:], payload)
        self.assertEqual(got[:2] + got[4:8], packet[:2] + packet[4:8])
        self.assertEqual(int.from_bytes(got[8:12], "big"), alice.last["streams"]["1"]["ssrc"])
        wait_for(lambda: sound.exists() and sound.stat().st_size >= 5 * PCMU_FRAME, 20, "a tone")
        self.stop(alice, bob)

    def test_a_player_opens_what_is_sent(self):
        """ffmpeg as the receiver of one direction, under the keys that Alice was asked to reveal."""
        if shutil.which("ffmpeg") is None:
            self.skipTest("no ffmpeg")
        port, relay = even_port(), Relay(self)
        alice = self.session.start(
            "alice", "offer", "--stream", "sendrecv", "--stream", "sendonly", "--profiles",
            "AES_CM_128_HMAC_SHA1_80", "--reveal-keys", self.session.path("keys"),
            offer="offer-of-alice", answer="answer-to-alice")
        bob = self.session.start("bob", "answer", "--stream", "sendrecv", "--stream", "recvonly",
                                 offer="offer-to-bob", answer="answer-of-bob")
        self.session.pass_on("offer-of-alice", "offer-to-bob", lambda text: relay.stand_in(1, text))
        self.session.pass_on("answer-of-bob", "answer-to-alice",
                             lambda text: relay.stand_in(0, text))
        self.wait_heard(alice, 1)
        keys = wait_for(lambda: self.session.path("keys").exists() and
                        self.session.path("keys").read_text(), 20, "keys")
        self.assertEqual(self.session.path("keys").stat().st_mode & 0o777, 0o600)
        session, ssrc, profile, key, salt, mki = keys.splitlines()[2].split()
        self.assertEqual((session, profile, mki), ("3", "AES_CM_128_HMAC_SHA1_80", "-"))
        relay.copies[int(ssrc).to_bytes(4, "big")] = port
        samples = self.play(port, bytes.fromhex(key + salt))
        # The tone of a stream follows from its SSRC.
        hertz = 300 + 40 * (int(ssrc) % 16)
        rises = sum(a < 0 <= b for a, b in zip(samples, samples[1:]))
        self.assertAlmostEqual(rises * 8000 / len(samples), hertz, delta=5)
        self.stop(alice, bob)

    def play(self, port, key_and_salt):
        """The sound that ffmpeg makes of SRTP at a port: samples at 8 kHz."""
        inline = base64.b64encode(key_and_salt).decode()
        description = self.session.path("player.sdp")
        description.write_text(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"m=audio {port} RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{inline}\n")
        done = subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,udp,rtp,srtp",
             "-analyzeduration", "200000", "-i", str(description), "-t", "1", "-f", "s16le", "-"],
            capture_output=True, timeout=40)
        samples = struct.unpack(f"<{len(done.stdout) // 2}h", done.stdout)
        self.assertGreater(len(samples), 4000, done.stderr.decode())
        return samples


if __name__ == "__main__":
    unittest.main(verbosity=2)
