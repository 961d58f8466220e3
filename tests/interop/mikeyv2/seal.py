# SPDX-License-Identifier: Apache-2.0
"""Makes a message: its chain, then its proofs in their order; and checks them."""
from . import message, signatures
from .octets import Refused
from .payloads import Kemac, Sign, V
from .prf import equal
from .tables import *


def kemac(keys, encr, mac_alg, plain):
    """KEMAC with its MAC still zero."""
    return Kemac(encr, keys.encrypt(encr, plain), mac_alg, bytes(MAC_SIZE[mac_alg]))


def v(mac_alg):
    return V(mac_alg, bytes(MAC_SIZE[mac_alg]))


def sign(private):
    return Sign(signatures.type_of(private), bytes(signatures.size_of(private)))


def build(header, payloads, keys, private=None, edit=bytes):
    """Each proof covers what is before it, the proofs before it too (§4.2). edit: a twist of the octets before any proof."""
    octets, ends = message.encode(header, payloads)
    octets = bytearray(edit(bytes(octets)))
    for payload, end in zip(payloads, ends):
        if isinstance(payload, (Kemac, V)) and payload.mac_alg in MAC_SIZE:  # a twist may have made it NULL
            size = len(payload.mac)
            octets[end - size : end] = keys.mac(payload.mac_alg, bytes(octets[: end - size]))[:size]
        elif isinstance(payload, Sign) and private:  # a twist may have added one
            size = len(payload.signature)
            octets[end - size : end] = signatures.sign(private, keys.covered(bytes(octets[: end - size])))
    return bytes(octets)


def check_mac(m, cls, keys):
    """V or KEMAC of a message that came."""
    proof = m.one(cls)
    if proof is None or not equal(proof.mac, keys.mac(proof.mac_alg, m.before_proof(cls))):
        raise Refused("MAC", "§4.2")


def check_signature(m, keys, public):
    proof = m.one(Sign)
    signatures.verify(public, proof.s_type, proof.signature, keys.covered(m.before_proof(Sign)))
