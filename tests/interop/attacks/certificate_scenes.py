# SPDX-License-Identifier: Apache-2.0
"""Certificates that prove something else than they are shown for, to our Offerer and to our Answerer."""
from mikeyv2 import edits, message, schedule, seal
from mikeyv2.lab import ALICE, BOB, CONTROLLER_USE, KEYS, certificate, der, x509
from mikeyv2.certificates import Credentials
from mikeyv2.octets import u16
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


def _answered_by(mode, credentials, join=False, lists=(), **options):
    """An answer of who has these, in full; then the right ones. In mode 2 those are known, and named by their hash."""
    lab = OurO((mode,), join, **options)
    right, lab.a.party.credentials = lab.a.party.credentials, (credentials,)
    show, lab.a.party.policy.show = lab.a.party.policy.show, "cert"
    if lists:
        lab.alice.trust.lists = lists
        lab.again()
    cap = lab.open()
    said = lab.to_a(cap)
    if [d[1] for d in said] == [DT_RETRY]:
        said = lab.to_a(lab.to_o(said))
    seen = is_dropped(lab, said)
    if "fingerprint" not in options.get("plan", {}):
        lab.forget()
        lab.a.party.credentials, lab.a.party.policy.show = right, show
        lab.to_o(lab.to_a(lab.to_o(lab.to_a(cap))))
        expect(lab.o.state == "done", f"an honest answer gets {lab.o.told}")
    return seen


def _of_bob(**options):
    key = KEYS.root_key  # any
    issuer_key = options.pop("issuer_key", key)
    cert = certificate("bob", key, options.pop("issuer", "root"), issuer_key, [x509.RFC822Name(BOB.value.decode())], **options)
    return Credentials(key, (der(cert),))


@scene("certificate of an unknown authority", "§5", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer="nobody"))


@scene("certificate with the authority's name but not its signature", "§5", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(issuer_key=KEYS.mallory[S_ED25519].private))


@scene("certificate that has expired", "§5", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(days=-0.5))


@scene("certificate whose key may not sign", "§5", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, _of_bob(signs=False))


@scene("certificate issued by who is no authority", "§5", SIGNED, "Answerer")
def _(mode):
    mallory, key = KEYS.mallory[S_ED25519], KEYS.root_key
    cert = certificate("bob", key, "mallory", mallory.private, [x509.RFC822Name(BOB.value.decode())])
    return _answered_by(mode, Credentials(key, (der(cert), *mallory.chain)))


@scene("certificate that is revoked", "§5", SIGNED, "Answerer")
def _(mode):
    bob = _of_bob()
    return _answered_by(mode, bob, lists=(KEYS.revoking(bob.chain),))


@scene("certificate of an authority whose revocation list is past", "§5", SIGNED, "Answerer")
def _(mode):
    lab = OurO((mode,))
    lab.alice.trust.lists = (KEYS.revoking(_of_bob().chain, days=-0.5),)
    lab.again()
    return is_dropped(lab, lab.to_a(lab.open()))


@scene("chain of five certificates", "§3.2", SIGNED, "Answerer")
def _(mode):
    bob = _of_bob()
    return _answered_by(mode, Credentials(bob.private, bob.chain * 5), plan={"big_cap": True})


@scene("another party answers, with a certificate of the same authority", "§6", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, KEYS.mallory[S_ED25519])


@scene("certificate of the right name, signature by another key", "§4.2", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, Credentials(KEYS.mallory[S_ED25519].private, KEYS.bob[S_ED25519].chain))


@scene("member's certificate in the name of a group", "§6", SIGNED, "Answerer")
def _(mode):
    return _answered_by(mode, KEYS.alice[S_ED25519], join=True)


@scene("certificate of the group's authority without a controller's usage", "§6", SIGNED, "Answerer")
def _(mode):
    key = KEYS.root_key
    cert = certificate("member", key, "root", key, [x509.DNSName("groups.example.org")])
    return _answered_by(mode, Credentials(key, (der(cert),)), join=True)


@scene("controller's certificate of another authority", "§6", SIGNED, "Answerer")
def _(mode):
    key = KEYS.root_key
    cert = certificate("other", key, "root", key, [x509.DNSName("groups.example.net")], use=CONTROLLER_USE)
    return _answered_by(mode, Credentials(key, (der(cert),)), join=True)


@scene("certificate that is not the SDP's fingerprint", "§12", SIGNED, "Answerer")
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


def _opened_by(mode, credentials, lists=()):
    """A CAP of who has these, in full; then the right ones."""
    lab = OurA((mode,), o={"show": "cert"}, lists=lists)
    right, lab.alice.credentials = lab.alice.credentials, (credentials,)
    lab.again()
    seen = dropped_by_a(lab, lab.open())
    lab.alice.credentials = right
    lab.again()
    finishes(lab)
    return seen


def _kind(mode):
    """Mode 2 is offered with an RSA key alone."""
    return S_RSA_PSS if mode == RSA else S_ED25519


def _of_alice(mode, **options):
    key = KEYS.mallory[_kind(mode)].private  # any
    name = x509.UniformResourceIdentifier(ALICE.value.decode())
    issuer = options.pop("issuer", "root"), options.pop("issuer_key", KEYS.root_key)
    return Credentials(key, (der(certificate("alice", key, *issuer, [name], **options)),))


@scene("CAP with the certificate of another member", "§6", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, KEYS.mallory[_kind(mode)])


@scene("CAP with a certificate of an unknown authority", "§5", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, _of_alice(mode, issuer="nobody"))


@scene("CAP with a certificate that has the authority's name but not its signature", "§5", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, _of_alice(mode, issuer_key=KEYS.mallory[S_ED25519].private))


@scene("CAP with a certificate that has expired", "§5", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, _of_alice(mode, days=-0.5))


@scene("CAP with a certificate whose key may not sign", "§5", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, _of_alice(mode, signs=False))


@scene("CAP with a certificate issued by who is no authority", "§5", SIGNED, "Offerer")
def _(mode):
    mallory, alice = KEYS.mallory[S_ED25519], _of_alice(mode, issuer="mallory", issuer_key=KEYS.mallory[S_ED25519].private)
    return _opened_by(mode, Credentials(alice.private, (*alice.chain, *mallory.chain)))


@scene("CAP with a certificate that is revoked", "§5", SIGNED, "Offerer")
def _(mode):
    alice = _of_alice(mode)
    return _opened_by(mode, alice, (KEYS.revoking(alice.chain),))


@scene("CAP with a certificate of an authority whose revocation list is past", "§5", SIGNED, "Offerer")
def _(mode):
    lab = OurA((mode,), o={"show": "cert"}, lists=(KEYS.revoking(_of_alice(mode).chain, days=-0.5),), plan={"fresh": b"-" * 16})
    return dropped_by_a(lab, lab.open())


@scene("CAP of mode 2 with a certificate whose key may not encipher", "§5", {RSA}, "Offerer")
def _(mode):
    lab = OurA((mode,), o={"show": "cert"})
    right, lab.alice.credentials = lab.alice.credentials, (_of_alice(mode, enciphers=False),)
    lab.again()
    said = lab.to_a(lab.open())
    expect([d[1] for d in said] == [DT_ERROR] and "answered" not in lab.names(), f"it is answered: {lab.a.told}")
    lab.alice.credentials = right
    lab.again()
    finishes(lab)
    return f"ERROR {message.decode(said[0]).one(Err).number}"


@scene("CAP with the right certificate, SIGN by another key", "§4.2", SIGNED, "Offerer")
def _(mode):
    return _opened_by(mode, Credentials(KEYS.mallory[_kind(mode)].private, KEYS.alice[_kind(mode)].chain))


def _unsigned(point, value):
    return edits.removed(Sign)(value) if point == "cap.payloads" else value


@scene("whose certificate A has, asked without its key", "§6", {RSA, DH}, "Offerer")
def _(mode):
    alice, bob = KEYS.alice[_kind(mode)], KEYS.bob[_kind(mode)]
    said = set()
    for known in ({}, {ALICE: alice.chain}):
        for show in ("chash", "none"):
            for private, twist in ((alice.private, _unsigned), (KEYS.mallory[_kind(mode)].private, untwisted)):
                lab = OurA((mode,), o={"show": show}, known=({BOB: bob.chain}, known), o_twist=twist)
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


@scene("SIGN of a size that no key has, by whose certificate nobody has", "§6", {RSA, DH}, "Offerer")
def _(mode):
    said = set()
    for s_type, size in ((S_RSA_PSS, 255), (S_RSA_PSS, 513), (S_RSA_PSS, 1), (S_ED25519, 63), (S_ECDSA, 65), (3, 64)):
        def odd(point, value, sign=u16(s_type << 12 | size) + bytes(size)):
            return value[: -258 if mode == RSA else -66] + sign if point == "cap.octets" else value
        lab = OurA((mode,), o={"show": "none"}, known=({BOB: KEYS.bob[_kind(mode)].chain}, {}), o_twist=odd)
        events = len(lab.events)
        hints = lab.to_a(lab.open())
        expect("answered" not in lab.since(events) and lab.a.told["status"] != "ok", f"it is answered: {lab.a.told}")
        said.add(f"ERROR {message.decode(hints[0]).one(Err).number}" if hints else "dropped: " + lab.a.told["status"])
    return "; ".join(sorted(said))
