# SPDX-License-Identifier: Apache-2.0
"""Who a side is and what it knows; what its steps give back."""
from dataclasses import dataclass, field

from . import certificates, signatures
from .capabilities import Capabilities
from .payloads import Identity
from .tables import *
from .tickets import Peers, Sealer


@dataclass(frozen=True)
class Send:
    address: object
    octets: bytes


@dataclass(frozen=True)
class Event:
    """name: `keys`, `verified`, `done`, `failed`, `unconfirmed`, `dropped`, `hint`, `marked` (durable before what follows)."""
    name: str
    value: object = None


@dataclass
class Policy:
    """What a side offers, in its order, or takes."""
    modes: tuple = (EARLY_DH, DH, EARLY_DHHMAC, DHHMAC, PSK, RSA)
    prf: tuple = (PRF_SHA256,)
    encr: tuple = (AES_CM_256, KEY_WRAP, AES_CM_128)
    mac: tuple = (HMAC_SHA256,)
    groups: tuple = (X25519, P256)
    signatures: tuple = (S_ED25519, S_ECDSA, S_RSA_PSS)
    profiles: tuple = (0x0008, 0x0007, 0x0001, 0x0002)
    features: int = 0x41
    datagram: int = DATAGRAM
    fragments: int = 8
    show: str = "cert"  # or "chash", "none"
    check_v: bool = True
    policies: int = 1  # SPs that an answer has
    give_tickets: bool = False
    give_fresh: bool = True


@dataclass
class Party:
    identity: Identity
    psks: dict = field(default_factory=dict)  # peer's identity: PSK
    credentials: tuple = ()
    trust: certificates.Trust = field(default_factory=certificates.Trust)
    policy: Policy = field(default_factory=Policy)
    peers: Peers = field(default_factory=Peers)
    sealer: Sealer = None  # a controller's
    also: tuple = ()  # more identities of its own, groups that it controls

    def is_own(self, identity):
        return identity is not None and (identity == self.identity or identity in self.also)

    def signer(self, accepted):
        """The credentials of the first signature type that the other verifies."""
        for kind in accepted:
            for c in self.credentials:
                if signatures.type_of(c.private) == kind:
                    return c
        return None


def untwisted(_point, value):
    """Attack tests put another function here: misbehave.py."""
    return value


def raw(twist, name):
    """The twist of a message's octets before its proofs are computed; it keeps their number."""
    return lambda octets: twist(name + ".raw", octets)


def offered(policy, modes, join):
    """A CAP payload of a policy."""
    caps = Capabilities()
    caps.with_list(T_MODES, modes).with_list(T_PRF, policy.prf).with_list(T_ENCR, policy.encr).with_list(T_MAC, policy.mac)
    caps.with_list(T_PROFILES, policy.profiles)
    if set(modes) & WITH_DH:
        caps.with_list(T_GROUPS, policy.groups)
    if set(modes) & SIGNED:
        caps.with_list(T_SIGNATURES, policy.signatures)
    if join:
        caps[T_FEATURES] = policy.features.to_bytes(4, "big")
    if policy.datagram != DATAGRAM:
        caps[T_DATAGRAM] = policy.datagram.to_bytes(2, "big")
    if policy.fragments:
        caps[T_FRAGMENTS] = bytes((policy.fragments,))
    return caps
