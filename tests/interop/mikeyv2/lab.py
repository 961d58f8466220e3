# SPDX-License-Identifier: Apache-2.0
"""Two ends in memory, with keys and certificates made for the purpose; nothing of it goes on a network."""
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from .answerer import Answerer
from .certificates import EPOCH, Credentials, Trust
from .group import Group
from .offerer import Offerer, Plan
from .party import Event, Party, Policy, Send, untwisted
from .payloads import Identity
from .randomness import Seeded
from .tables import *
from .tickets import Sealer

NOW = 1_800_000_000.0
O_ADDRESS, A_ADDRESS = ("192.0.2.1", 2269), ("192.0.2.2", 2269)
ALICE, BOB = Identity(URI, b"sip:alice@example.org"), Identity(NAI, b"bob@example.org")
GROUP_URI = Identity(URI, b"mbms://groups.example.org/one")
MALLORY = Identity(URI, b"sip:mallory@example.org")
PSK_AB = bytes(range(32))
CONTROLLER_USE = "1.3.6.1.4.1.32473.1"


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, names=(), ca=False, use=None, days=3650, signs=True, enciphers=True):
    builder = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(EPOCH + timedelta(seconds=NOW - 86400))
               .not_valid_after(EPOCH + timedelta(seconds=NOW, days=days))
               .add_extension(x509.BasicConstraints(ca, None), True))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    builder = builder.add_extension(x509.KeyUsage(signs, False, enciphers, False, False, ca, ca, False, False), True)
    if use:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(use)]), False)
    hash_ = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, hash_)


def der(cert):
    return cert.public_bytes(Encoding.DER)


class Keys:
    """One anchor, and a certificate of each type for each side."""

    def __init__(self):
        self.root_key = ed25519.Ed25519PrivateKey.generate()
        self.root = certificate("root", self.root_key, "root", self.root_key, ca=True)
        make = {S_ED25519: ed25519.Ed25519PrivateKey.generate, S_ECDSA: lambda: ec.generate_private_key(ec.SECP256R1()),
                S_RSA_PSS: lambda: rsa.generate_private_key(65537, 2048)}
        uri, mail = x509.UniformResourceIdentifier(ALICE.value.decode()), x509.RFC822Name(BOB.value.decode())
        self.alice, self.bob, self.controller, self.mallory = {}, {}, {}, {}
        for kind, generate in make.items():
            self.alice[kind] = self._make("alice", generate(), [uri])
            self.bob[kind] = self._make("bob", generate(), [mail])
        controller = [x509.DNSName("groups.example.org")]
        for kind in make:
            if kind != S_RSA_PSS:
                self.controller[kind] = self._make("controller", make[kind](), controller, CONTROLLER_USE)
            self.mallory[kind] = self._make("mallory", make[kind](), [x509.UniformResourceIdentifier(MALLORY.value.decode())])

    def _make(self, subject, key, names, use=None):
        return Credentials(key, (der(certificate(subject, key, "root", self.root_key, names, use=use)),))

    def revoking(self, chain, days=30):
        """The authority's list, DER, of a leaf; it is current for so long."""
        serial, moment = x509.load_der_x509_certificate(chain[0]).serial_number, EPOCH + timedelta(seconds=NOW)
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment - timedelta(days=1)).build()
        lists = x509.CertificateRevocationListBuilder().issuer_name(_name("root")).last_update(moment - timedelta(days=1))
        return lists.next_update(moment + timedelta(days=days)).add_revoked_certificate(one).sign(self.root_key, None).public_bytes(Encoding.DER)

    def trust(self):
        return Trust(anchors=(self.root,), controller_use=CONTROLLER_USE)


KEYS = Keys()


def all_policy(**changes):
    policy = Policy(groups=(X25519, P256, OAKLEY5))
    for name, value in changes.items():
        setattr(policy, name, value)
    return policy


class Lab:
    """O (alice) and A (bob, or the controller of a group) and what passed between them."""

    def __init__(self, modes, join=False, seed=1, o=None, a=None, plan=None, kind=S_ED25519, o_twist=untwisted, a_twist=untwisted,
                 known=({}, {}), lists=()):
        kind = S_RSA_PSS if RSA in modes else kind
        o_key = [KEYS.alice[kind]]
        a_key = [(KEYS.controller if join else KEYS.bob)[S_ED25519 if join and kind == S_RSA_PSS else kind]]
        peer = GROUP_URI if join else BOB
        self.group = make_group(seed) if join else None
        self.alice = Party(ALICE, {peer: PSK_AB}, tuple(o_key), KEYS.trust(), all_policy(**(o or {})))
        self.bob = Party(BOB, {ALICE: PSK_AB}, tuple(a_key), KEYS.trust(), all_policy(**(a or {})),
                         sealer=Sealer(bytes(32)) if join else None, also=(GROUP_URI,) if join else ())
        self.alice.trust.known, self.bob.trust.known = known
        self.bob.trust.lists = lists
        self.plan = Plan(A_ADDRESS, peer, modes, join=(bytes(3), bytes(2)) if join else None)
        for name, value in (plan or {}).items():
            setattr(self.plan, name, value)
        self.now = NOW
        self.seed, self.o_twist = seed, o_twist
        self.a = Answerer(self.bob, Seeded(f"{seed}-a"), [self.group] if join else [], a_twist)
        if EARLY_DH in modes and self.plan.fresh is None:
            self.plan.fresh = self.a.fresh.now(self.now)
        self.events = []
        self.again()

    def again(self):
        """A fresh O of the same party."""
        self.seed = f"{self.seed}+"
        self.o = Offerer(self.alice, self.plan, Seeded(f"{self.seed}-o"), self.o_twist)
        return self.o

    def log(self, actions):
        self.events += [e for e in actions if isinstance(e, Event)]
        return [s.octets for s in actions if isinstance(s, Send)]

    def to_a(self, datagrams, address=O_ADDRESS):
        return [out for d in datagrams for out in self.log(self.a.receive(self.now, address, d))]

    def to_o(self, datagrams, address=A_ADDRESS):
        return [out for d in datagrams for out in self.log(self.o.receive(self.now, address, d))]

    def open(self):
        return self.log(self.o.open(self.now))

    def run(self, rounds=6):
        """Until nobody says anything; what passed, message by message."""
        passed, datagrams, to_a = [], self.open(), True
        while datagrams and rounds:
            passed.append(datagrams)
            datagrams = (self.to_a if to_a else self.to_o)(datagrams)
            to_a, rounds = not to_a, rounds - 1
        return passed

    def names(self):
        return [e.name for e in self.events]

    def dropped(self):
        return [e.value for e in self.events if e.name == "dropped"]


def make_group(seed):
    random = Seeded(f"{seed}-group")
    return Group(GROUP_URI, b"\x12\x34\x56", b"\x00\x07", random.number(32), random.octets(16), random.octets(16),
                 (random.octets(16), random.octets(12)), members={ALICE}, tree_keys=tuple(random.octets(16) for _ in range(4)),
                 verification_key=(5, random.octets(32)))


def drive(lab, lose=lambda n: False, copies=1, seconds=20, delay=0.02):
    """A network on a virtual clock that loses and doubles; gives how many datagrams were sent."""
    queue, sent = [], 0  # (time, to A?, datagram)

    def post(actions_of, to_a):
        nonlocal sent
        for d in actions_of:
            for _ in range(copies):
                if not lose(sent):
                    queue.append((lab.now + delay, to_a, d))
                sent += 1

    post(lab.open(), True)
    end = lab.now + seconds
    while True:
        moments = [q[0] for q in queue] + ([lab.o.next_timer] if lab.o.next_timer else [])
        if not moments or min(moments) > end:
            return sent
        lab.now = min(moments)
        due = [q for q in queue if q[0] <= lab.now]
        queue = [q for q in queue if q[0] > lab.now]
        for _, to_a, d in due:
            post((lab.to_a if to_a else lab.to_o)([d]), not to_a)
        post(lab.log(lab.o.timer(lab.now)), True)
