# SPDX-License-Identifier: Apache-2.0
"""§5 certificates, §6 identity rules."""
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, wraps
from urllib.parse import urlparse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from .octets import Refused
from .prf import H
from .tables import *

EPOCH = datetime(1970, 1, 1)


@dataclass
class Credentials:
    private: object
    chain: tuple  # DER, leaf first


@dataclass
class Trust:
    anchors: tuple = ()  # x509.Certificate
    revoked: frozenset = frozenset()  # H of certificates
    lists: tuple = ()  # revocation lists, DER, for who reads those
    pins: dict = field(default_factory=dict)  # Identity to the set of H
    known: dict = field(default_factory=dict)  # Identity to a chain (DER): certificates that need not be sent
    controller_use: str = None  # OID of the extended key usage of controllers

    def by_hash(self, hash_):
        return next((chain for chain in self.known.values() if H(chain[0]) == hash_), None)


def _as_refusal(f):
    """What the library cannot read, by any of its exceptions, is a bad certificate."""
    @wraps(f)
    def guarded(*args, **more):
        try:
            return f(*args, **more)
        except Refused:
            raise
        except Exception:
            raise Refused("certificate", "§5") from None
    return guarded


@lru_cache(maxsize=64)
def load(der):
    return x509.load_der_x509_certificate(der)


@_as_refusal
@lru_cache(maxsize=64)
def public_key(chain):
    return load(chain[0]).public_key()


@lru_cache(maxsize=256)
def _extension(certificate, cls):
    try:
        return certificate.extensions.get_extension_for_class(cls).value
    except x509.ExtensionNotFound:
        return None


@lru_cache(maxsize=256)
def _issued(issuer, certificate):
    key = issuer.public_key()
    if issuer.subject != certificate.issuer:
        raise Refused("issuer", "§5")
    args = (certificate.signature, certificate.tbs_certificate_bytes)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(*args)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*args, ec.ECDSA(certificate.signature_hash_algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(*args, padding.PKCS1v15(), certificate.signature_hash_algorithm)
        else:
            raise Refused("issuer's key", "§5")
    except InvalidSignature:
        raise Refused("certificate signature", "§5") from None


def _valid_now(certificate, now):
    moment = EPOCH + timedelta(seconds=now)
    if not certificate.not_valid_before <= moment <= certificate.not_valid_after:
        raise Refused("certificate is not valid now", "§5")


def _is_ca(certificate):
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if not basic or not basic.ca or (usage and not usage.key_cert_sign):
        raise Refused("issuer is no CA", "§5")


def _signs(leaf):
    usage = _extension(leaf, x509.KeyUsage)
    if usage and not usage.digital_signature:
        raise Refused("key usage", "§5")


def _enciphers(leaf):
    usage = _extension(leaf, x509.KeyUsage)
    return usage is None or usage.key_encipherment


@_as_refusal
def check_leaf(der, now):
    """§12, provisional: valid now and of the right key usage, whoever issued it."""
    leaf = load(der)
    _valid_now(leaf, now)
    _signs(leaf)


def check_chain(trust, chain, now):
    """A chain to an anchor, leaf first, not revoked, valid now."""
    certificates = [load(der) for der in chain]
    if trust.revoked & {H(der) for der in chain}:
        raise Refused("revoked", "§5")
    for certificate in certificates:
        _valid_now(certificate, now)
    _signs(certificates[0])
    for certificate, issuer in zip(certificates, certificates[1:]):
        _is_ca(issuer)
        _issued(issuer, certificate)
    last = certificates[-1]
    for anchor in trust.anchors:
        if anchor.subject == last.issuer:
            _valid_now(anchor, now)
            _issued(anchor, last)
            return
    raise Refused("no trust anchor", "§5")


def names(leaf):
    """Rule 1: (ID type, octets) of the subjectAltNames that can be an identity."""
    san = _extension(leaf, x509.SubjectAlternativeName)
    if san is None:
        return set()
    return ({(URI, n.encode()) for n in san.get_values_for_type(x509.UniformResourceIdentifier)}
            | {(NAI, n.encode()) for n in san.get_values_for_type(x509.RFC822Name)})


@_as_refusal
def check_identity(trust, chain, identity, now, fingerprint=None, group=False):
    """§6 rules 1 to 3: that the credential proves that identity; a fingerprint is the SDP's. True where it may encipher, for mode 2."""
    pinned = H(chain[0])
    if trust.revoked & {pinned}:
        raise Refused("revoked", "§5")
    if fingerprint is not None:
        if pinned != fingerprint:
            raise Refused("not the SDP's fingerprint", "§12")
        return True
    if identity is not None and pinned in trust.pins.get(identity, ()):
        return True
    if identity is None:
        raise Refused("nothing tells who may answer", "§6")
    check_chain(trust, chain, now)
    leaf = load(chain[0])
    if group:
        _check_controller(trust, leaf, identity)
    elif (identity.type, identity.value) not in names(leaf):
        raise Refused("identity is not the certificate's", "§6")
    return _enciphers(leaf)


def _check_controller(trust, leaf, group_uri):
    """Rule 2: the authority of the group's URI, and the controllers' extended key usage."""
    use = _extension(leaf, x509.ExtendedKeyUsage)
    if not trust.controller_use or use is None or trust.controller_use not in {oid.dotted_string for oid in use}:
        raise Refused("member's certificate", "§6")
    san = _extension(leaf, x509.SubjectAlternativeName)
    authority = _authority(group_uri.value.decode("ascii", "replace"))
    hosts = {name.lower() for name in san.get_values_for_type(x509.DNSName)} if san else set()
    uris = {_authority(u) for u in san.get_values_for_type(x509.UniformResourceIdentifier)} if san else set()
    if not authority or not (authority[0] in hosts or authority in uris):
        raise Refused("certificate names another authority", "§6")


def _authority(uri):
    """(host, port), or None."""
    found = urlparse(uri)
    return found.hostname and (found.hostname, found.port)
