# SPDX-License-Identifier: Apache-2.0
"""§11: tickets, sealed by a controller or kept by both peers."""
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .octets import Reader, Refused, u16, u32, u64
from .payloads import Identity
from .prf import H
from .tables import *

LIFETIME = 24 * 3600


@dataclass(frozen=True)
class Resumption:
    """What both keep of an exchange: O shows `ticket`, the original answerer its id."""
    ticket: bytes
    secret: bytes
    id_o: Identity
    id_a: Identity
    expiry: int
    dh_kind: bool
    sealed: bool
    generation: int = 0

    @property
    def id(self):
        return H(self.ticket)[:16]


def _put(octets):
    return u16(len(octets)) + octets


class Sealer:
    """A controller keeps none of it: all is inside the ticket. It keeps what was spent."""

    def __init__(self, key):
        self.aead = AESGCM(key)
        self.spent = {}  # ticket id: TH
        self.generations = {}  # identity of a member: its generation

    def make(self, random, secret, id_o, id_a, expiry, dh_kind):
        generation = self.generations.get(id_o, 0)
        plain = (bytes((dh_kind,)) + u32(generation) + u64(expiry) + secret + bytes((id_o.type, id_a.type)) + _put(id_o.value)
                 + _put(id_a.value))
        nonce = random.octets(12)
        return Resumption(nonce + self.aead.encrypt(nonce, plain, b""), secret, id_o, id_a, expiry, dh_kind, True, generation)

    def open(self, ticket):
        try:
            r = Reader(self.aead.decrypt(ticket[:12], ticket[12:], b""))
        except (InvalidTag, ValueError):
            raise Refused("ticket", "§11") from None
        dh_kind, generation, expiry, secret = bool(r.uint(1)), r.uint(4), r.uint(8), r.take(32)
        type_o, type_a = r.uint(1), r.uint(1)
        id_o, id_a = Identity(type_o, r.sized(2)), Identity(type_a, r.sized(2))
        if generation != self.generations.get(id_o, 0):
            raise Refused("ticket is void", "§11")
        return Resumption(ticket, secret, id_o, id_a, expiry, dh_kind, True, generation)


class Peers:
    """What a peer holds unsealed, of tickets that it gave or was given."""

    def __init__(self):
        self.held = {}  # ticket id: Resumption

    def keep(self, resumption):
        self.held[resumption.id] = resumption

    def wipe(self, ticket_id):
        self.held.pop(ticket_id, None)

    def to(self, own, peer, now):
        """(what this end shows to that peer, as a ticket id?), newest last."""
        for r in reversed(list(self.held.values())):
            if r.expiry > now and (r.id_o, r.id_a) == (own, peer):
                return r, False
            if r.expiry > now and (r.id_a, r.id_o) == (own, peer) and not r.sealed:
                return r, True
        return None, False


def may_resume(resumption, mode):
    """§11: a sealed ticket of a DH kind resumes in modes 4 and 6 only."""
    return mode in (DHHMAC, EARLY_DHHMAC) or mode == PSK and not (resumption.sealed and resumption.dh_kind)
