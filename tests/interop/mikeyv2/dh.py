# SPDX-License-Identifier: Apache-2.0
"""§5: DH groups x25519, secp256r1 and OAKLEY 5."""
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .octets import Refused
from .tables import *

# RFC 3526 §2; generator 2
OAKLEY5_P = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF", 16)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Private:
    """A private value; it serves one exchange."""

    def __init__(self, group, random):
        self.group = group
        if group == X25519:
            self._key = x25519.X25519PrivateKey.from_private_bytes(random.octets(32))
            self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif group == P256:
            self._key = ec.derive_private_key(int.from_bytes(random.octets(40), "big") % (P256_ORDER - 1) + 1, ec.SECP256R1())
            self.public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        else:
            self._key = int.from_bytes(random.octets(32), "big") | 1 << 255
            self.public = pow(2, self._key, OAKLEY5_P).to_bytes(192, "big")

    def secret(self, group, public):
        """Z at full length (§4.4)."""
        if group != self.group:
            raise Refused("DH group", "§3.3")
        try:
            return {X25519: self._x25519, P256: self._p256, OAKLEY5: self._oakley}[group](public)
        except ValueError:
            raise Refused("public value", "§5") from None

    def _x25519(self, public):
        return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(public))  # refuses an all-zero secret

    def _p256(self, public):
        if public[0] != 4:
            raise ValueError("form of the point")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)  # refuses what is not on the curve
        return self._key.exchange(ec.ECDH(), point)

    def _oakley(self, public):
        value = int.from_bytes(public, "big")
        if not 2 <= value <= OAKLEY5_P - 2:
            raise ValueError("range")
        return pow(value, self._key, OAKLEY5_P).to_bytes(192, "big")
