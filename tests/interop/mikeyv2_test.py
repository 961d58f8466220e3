# SPDX-License-Identifier: Apache-2.0
"""Our MIKEYv2 and the one in Python that was written from docs/mikeyv2.md alone, each as the Offerer of
the other: both end with the same keys."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

INTEROP = pathlib.Path(__file__).resolve().parent
PARTY = pathlib.Path(os.environ["KEYMAST_BIN"]) / "mikeyv2_party"
MEMBER, PEER, GROUP = "nai:member@example.org", "uri:sip:bob@example.org", "uri:mikey://example.org/tv"
PSK = "5a" * 16
MODES = {"psk": "1", "dhhmac": "4", "early-dhhmac": "6"}
SIGNED_MODES = {"rsa": "2", "dh": "3", "early-dh": "5"}
CONTROLLERS = "1.3.6.1.4.1.55555.7"
KEYS = {"ed25519": ed25519.Ed25519PrivateKey.generate, "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048)}
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def key_octets(key, encoding):
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Side:
    """A certificate and its key, under one authority."""

    authority_key = ec.generate_private_key(ec.SECP256R1())

    def __init__(self, kind, names, issuer="authority", usages=()):
        self.key = KEYS[kind]() if kind else self.authority_key
        if kind == "rsa":  # of a CAP that fits no datagram
            names = [*names, *(x509.DNSName(letter * 60 + ".example.org") for letter in "abcdef")]
        now = datetime.datetime.utcnow()
        name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        builder = (x509.CertificateBuilder().subject_name(name("end" if kind else issuer)).issuer_name(name(issuer))
                   .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
                   .add_extension(x509.BasicConstraints(not kind, None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ObjectIdentifier(u) for u in usages]), critical=False)
        self.certificate = builder.sign(self.authority_key, hashes.SHA256())

    @property
    def der(self):
        return self.certificate.public_bytes(DER)

    def save(self, folder, name):
        (folder / f"{name}.key").write_bytes(key_octets(self.key, PEM))
        (folder / f"{name}.pem").write_bytes(self.certificate.public_bytes(PEM))


def start(command, waits_for_port):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=INTEROP)
    port = process.stderr.readline().split()[-1] if waits_for_port else None
    return process, port


def result(process):
    out, err = process.communicate(timeout=30)
    lines = out.strip().splitlines()
    assert lines, err
    return json.loads(lines[-1])


def keys(sessions):
    return {s["cs"]: (s["ssrc"], s["key"], s["salt"]) for s in sessions}


class Mikeyv2(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.psk = pathlib.Path(self.folder.name) / "psk"
        self.psk.write_text(PSK)

    def python(self, command, identity, other, *more, mode="psk"):
        return [sys.executable, "-m", "mikeyv2", command, "--identity", identity, "--modes", mode,
                "--psk-file", f"{other}={self.psk}", "--profiles", "7", "--reveal", *more]

    def party(self, *words):
        return [PARTY, *words]

    def exchange(self, answer, offer_of):
        """The results of both sides; offer_of makes the Offerer's command from the port."""
        answerer, port = start(answer, True)
        offerer, _ = start(offer_of(port), False)
        try:
            return result(offerer), result(answerer)
        finally:
            for process in (offerer, answerer):
                process.kill()
                process.communicate()

    def check_session(self, offered, answered):
        self.assertEqual(offered["state"], "done", (offered, answered))
        self.assertEqual(answered["state"], "verified", (offered, answered))
        self.assertEqual(len(offered["sessions"]), 2)
        self.assertEqual(keys(offered["sessions"]), keys(answered["sessions"]))

    def each(self):
        """Every mode, and in the first under load too."""
        for mode, number in MODES.items():
            for load in (False, True) if mode == "psk" else (False,):
                with self.subTest(mode=mode, load=load):
                    yield mode, number, load

    def test_our_offer_is_answered(self):
        for mode, number, load in self.each():
            more = ["--load"] if load else []
            answer = self.python("answer", PEER, MEMBER, "--listen", "127.0.0.1:0", *more, mode=mode)
            self.check_session(*self.exchange(answer, lambda port: self.party("offer", port, "session", number)))

    def test_we_answer_an_offer(self):
        for mode, number, load in self.each():
            offer = lambda port: self.python("offer", MEMBER, PEER, "--to", f"127.0.0.1:{port}", "--peer", PEER,
                                             "--stream", "both:287454020", mode=mode)
            self.check_session(*self.exchange(self.party("answer", "load" if load else "idle", number), offer))

    def test_we_join_a_group(self):
        group = {"uri": GROUP, "key_domain": "010203", "key_group": "0001", "msk": "aa" * 16,
                 "rand": "bb" * 16, "mtk": {"key": "cc" * 16, "salt": "dd" * 12}, "csb_id": 77,
                 "members": [MEMBER], "profile": 7, "tree_keys": ["ee" * 16] * 3}
        path = pathlib.Path(self.folder.name) / "group.json"
        path.write_text(json.dumps(group))
        for mode, number, _ in self.each():
            answer = self.python("answer", "uri:mikey://example.org/", MEMBER, "--listen", "127.0.0.1:0",
                                 "--group-file", str(path), mode=mode)
            joined, answered = self.exchange(answer, lambda port: self.party("offer", port, "join", number))
            self.assertEqual(joined["state"], "done", (joined, answered))
            self.assertEqual(answered["state"], "verified", (joined, answered))
            self.assertEqual(joined["group"]["csb_id"], 77)
            given = {k["type"]: (k["key"], k["salt"]) for k in joined["group"]["keys"]}
            self.assertEqual(given[0], ("aa" * 16, ""))
            self.assertEqual(given[10], ("cc" * 16, "dd" * 12))
            self.assertEqual(given[8], ("ee" * 48, ""))

    def test_our_group_is_joined(self):
        for mode, number, _ in self.each():
            offer = lambda port: self.python("offer", MEMBER, GROUP, "--to", f"127.0.0.1:{port}", "--peer",
                                             GROUP, "--join", mode=mode)
            joined, answered = self.exchange(self.party("answer", "idle", number), offer)
            self.assertEqual(joined["state"], "done", (joined, answered))
            self.assertEqual(answered["state"], "verified", (joined, answered))
            self.assertEqual(joined["group"]["csb_id"], 0xabcdef01)
            self.assertEqual([k["key"] for k in joined["group"]["keys"]], ["c3" * 16, "c3" * 16])


class ByCertificate(Mikeyv2):
    """The same in the modes by certificate. Those of RSA need FRAGMENTs."""

    def setUp(self):
        super().setUp()
        path = self.path = pathlib.Path(self.folder.name)
        Side("", ()).save(path, "authority")

    def use(self, kind, show):
        member = Side(kind, [x509.RFC822Name("member@example.org")])
        peer = Side(kind, [x509.UniformResourceIdentifier("sip:bob@example.org"), x509.DNSName("example.org")],
                    usages=[CONTROLLERS])
        authority = x509.load_pem_x509_certificate((self.path / "authority.pem").read_bytes()).public_bytes(DER).hex()
        for side, name, known in ((member, "member", {"sip:bob@example.org": peer, "mikey://example.org/tv": peer}),
                                  (peer, "peer", {"member@example.org": member})):
            side.save(self.path, name)
            (self.path / f"{name}.json").write_text(json.dumps(
                {"key": key_octets(side.key, DER).hex(), "chain": [side.der.hex()], "anchor": authority, "show": show,
                 "usage": CONTROLLERS, "known": {who: [other.der.hex()] for who, other in known.items()}}))
        self.show = show

    def python(self, command, identity, other, *more, mode):
        name, known = ("member", "peer") if identity == MEMBER else ("peer", "member")
        use = ["--key-file", self.path / f"{name}.key", "--certificate-file", self.path / f"{name}.pem",
               "--anchor-file", self.path / "authority.pem", "--controller-use", CONTROLLERS, "--show", self.show]
        for who in (MEMBER,) if known == "member" else (PEER, GROUP):
            use += ["--known-certificate", f"{who}={self.path / known}.pem"]
        return [sys.executable, "-m", "mikeyv2", command, "--identity", identity, "--modes", mode,
                "--profiles", "7", "--reveal", *map(str, use), *more]

    def party(self, *words):
        return [PARTY, *words, str(self.path / ("member.json" if words[0] == "offer" else "peer.json"))]

    def each(self):
        """Every mode with every kind of key that it has, and in each way to show it."""
        for mode, kind, show in (("rsa", "rsa", "chash"), ("rsa", "rsa", "none"), ("rsa", "rsa", "cert"), ("dh", "ed25519", "cert"), ("dh", "p256", "chash"),
                                 ("dh", "rsa", "none"), ("early-dh", "ed25519", "none"), ("early-dh", "p256", "cert"),
                                 ("early-dh", "rsa", "cert")):
            with self.subTest(mode=mode, kind=kind, show=show):
                self.use(kind, show)
                yield mode, SIGNED_MODES[mode], False


if __name__ == "__main__":
    unittest.main()
