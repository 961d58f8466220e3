# SPDX-License-Identifier: Apache-2.0
"""Certificates that prove something else than they are shown for, to our Offerer and to our Answerer."""
from mikeyv2 import edits, message, schedule, seal
from mikeyv2.lab import ALICE, BOB, CONTROLLER_USE, KEYS, certificate, der, x509
from mikeyv2.certificates import Credentials
from mikeyv2.party import untwisted
from mikeyv2.payloads import Cert, Err, Randr, Sign
from mikeyv2.prf import H, ZERO
from mikeyv2.tables import *

from .labs import OurA, OurO
from .rows import expect, finishes
from .scenes import is_dropped as dropped_by_a, scene
from .offerer_scenes import goes_on, is_dropped

SHOWN = {DH, EARLY_DH}  # certificates in full
PROVISIONAL = {"provisional": True, "session": b"s" * 16}  # before the SDP's fingerprint has come


def _answered_by(mode, credentials, join=False, **options):
    """An answer of who has these; then the right ones."""
    lab = OurO((mode,), join, **options)
    right, lab.a.party.credentials = lab.a.party.credentials, (credentials,)
    cap = lab.open()
    seen = is_dropped(lab, lab.to_a(cap))
    if "fingerprint" not in options.get("plan", {}):
        lab.forget()
        lab.a.party.credentials = right
        lab.to_o(lab.to_a(lab.to_o(lab.to_a(cap))))
        expect(lab.o.state == "done", f"an honest answer gets {lab.o.told}")
    return seen


def _of_bob(**options):
    key = KEYS.root_key  # any
    issuer_key = options.pop("issuer_key", key)
    cert = certificate("bob", key, options.pop("issuer", "root"), issuer_key, [x509.RFC822Name(BOB.value.decode())], **options)
    return Credentials(key, (der(cert),))


@scene("certificate of an unknown authority", "§5", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer="nobody"))


@scene("certificate with the authority's name but not its signature", "§5", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer_key=KEYS.mallory[S_ED25519].private))


@scene("certificate that has expired", "§5", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(days=-0.5))


@scene("certificate whose key may not sign", "§5", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(signs=False))


@scene("certificate issued by who is no authority", "§5", SHOWN, "Answerer")
def _(mode):
    mallory, key = KEYS.mallory[S_ED25519], KEYS.root_key
    cert = certificate("bob", key, "mallory", mallory.private, [x509.RFC822Name(BOB.value.decode())])
    return _answered_by(mode, Credentials(key, (der(cert), *mallory.chain)))


@scene("another party answers, with a certificate of the same authority", "§6", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, KEYS.mallory[S_ED25519])


@scene("certificate of the right name, signature by another key", "§4.2", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, Credentials(KEYS.mallory[S_ED25519].private, KEYS.bob[S_ED25519].chain))


@scene("member's certificate in the name of a group", "§6", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, KEYS.alice[S_ED25519], join=True)


@scene("certificate of the group's authority without a controller's usage", "§6", SHOWN, "Answerer")
def _(mode):
    key = KEYS.root_key
    cert = certificate("member", key, "root", key, [x509.DNSName("groups.example.org")])
    return _answered_by(mode, Credentials(key, (der(cert),)), join=True)


@scene("controller's certificate of another authority", "§6", SHOWN, "Answerer")
def _(mode):
    key = KEYS.root_key
    cert = certificate("other", key, "root", key, [x509.DNSName("groups.example.net")], use=CONTROLLER_USE)
    return _answered_by(mode, Credentials(key, (der(cert),)), join=True)


@scene("certificate that is not the SDP's fingerprint", "§12", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, KEYS.bob[S_ED25519], plan={"fingerprint": bytes(32)})


@scene("provisional answer, by a certificate that has expired", "§12", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer="nobody", days=-0.5), plan=PROVISIONAL)


@scene("provisional answer, by a certificate whose key may not sign", "§12", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer="nobody", signs=False), plan=PROVISIONAL)


@scene("provisional answer, signed by another key than the certificate's", "§12", SHOWN, "Answerer")
def _(mode):
    return _answered_by(mode, Credentials(KEYS.mallory[S_ED25519].private, KEYS.bob[S_ED25519].chain), plan=PROVISIONAL)


@scene("provisional answer, by the hash of a certificate", "§12", SHOWN, "Answerer")
def _(mode):
    lab = OurO((mode,), plan=PROVISIONAL, a={"show": "chash"}, known=({BOB: KEYS.bob[S_ED25519].chain}, {}))
    return is_dropped(lab, lab.to_a(lab.open()))


@scene("ERROR by SIGN of who answers provisionally", "§12", SHOWN, "Answerer")
def _(mode):
    lab, stranger = OurO((mode,), plan=PROVISIONAL), _of_bob(issuer="nobody")
    cap = lab.open()
    th = H(cap[0])
    keys = schedule.MessageKeys(b"?", PRF_SHA256, lab.o.csb_id, DT_ERROR, lab.o.rand_i, bytes(32), th, th, ZERO)
    payloads = [Randr(ROLE_O, lab.o.rand_i), Randr(ROLE_A, bytes(32)), Cert(stranger.chain[0]), Err(ERR_OTHER), seal.sign(stranger.private)]
    seen = is_dropped(lab, [bytes(seal.build(message.Header(DT_ERROR, lab.o.csb_id), payloads, keys, stranger.private))])
    expect("error" not in lab.o.told, "it is shown")
    goes_on(lab, lab.to_a(cap))
    return seen


def _opened_by(mode, credentials):
    lab = OurA((mode,))
    right, lab.alice.credentials = lab.alice.credentials, (credentials,)
    lab.again()
    seen = dropped_by_a(lab, lab.open())
    lab.alice.credentials = right
    lab.again()
    finishes(lab)
    return seen


@scene("CAP with the certificate of another member", "§6", SHOWN, "Offerer")
def _(mode):
    return _opened_by(mode, KEYS.mallory[S_ED25519])


@scene("CAP with a certificate of an unknown authority", "§5", SHOWN, "Offerer")
def _(mode):
    key = KEYS.root_key
    cert = certificate("alice", key, "nobody", key, [x509.UniformResourceIdentifier(ALICE.value.decode())])
    return _opened_by(mode, Credentials(key, (der(cert),)))


@scene("CAP with the right certificate, SIGN by another key", "§4.2", SHOWN, "Offerer")
def _(mode):
    return _opened_by(mode, Credentials(KEYS.mallory[S_ED25519].private, KEYS.alice[S_ED25519].chain))


def _unsigned(point, value):
    return edits.removed(Sign)(value) if point == "cap.payloads" else value


@scene("whose certificate A has, asked without its key", "§6", {DH}, "Offerer")
def _(mode):
    alice = KEYS.alice[S_ED25519]
    said = set()
    for known in ({}, {ALICE: alice.chain}):
        for show in ("chash", "none"):
            for private, twist in ((alice.private, _unsigned), (KEYS.mallory[S_ED25519].private, untwisted)):
                lab = OurA((mode,), o={"show": show}, known=({}, known), o_twist=twist)
                lab.alice.credentials = (Credentials(private, alice.chain),)
                lab.again()
                hint = message.decode(*lab.to_a(lab.open()))
                expect("answered" not in lab.names(), "its answer tells")
                said.add((hint.one(Err).number, len(hint.octets), lab.a.told["status"]))
    expect(len(said) == 1, f"one is told from the other: {said}")
    lab.o_twist, lab.alice.credentials = untwisted, (alice,)
    lab.again()
    finishes(lab)
    return f"ERROR {said.pop()[0]}"
