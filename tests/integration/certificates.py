# SPDX-License-Identifier: Apache-2.0
"""An authority for tests: certificates, good or wrong in one way, and revocation lists, as files in PEM."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CONTROLLERS = "1.3.6.1.4.1.55555.7"  # extended key usage
KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


def hours(count):
    return datetime.timedelta(hours=count)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def usage_of(**allowed):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def write_key(key, path):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


class Authority:
    def __init__(self, root, name="authority"):
        self.root, self.name = root, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder().subject_name(name_of(name)).issuer_name(name_of(name))
            .public_key(self.key.public_key()).serial_number(1)
            .not_valid_before(now - hours(48)).not_valid_after(now + hours(480))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage_of(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(self.key, hashes.SHA256()))
        self.file = root / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        self.serials = {}

    def issue(self, name, *, kind="ed25519", email=None, dns=None, ip=None, begin=-1, end=24, signs=True,
              controller=False):
        """Writes NAME.pem and NAME.key."""
        key = KEYS[kind]()
        now = datetime.datetime.utcnow()
        names = [x509.RFC822Name(email)] if email else []
        names += [x509.DNSName(dns)] if dns else []
        names += [x509.IPAddress(ipaddress.ip_address(ip))] if ip else []
        self.serials[name] = x509.random_serial_number()
        builder = (
            x509.CertificateBuilder().subject_name(name_of(name)).issuer_name(name_of(self.name))
            .public_key(key.public_key()).serial_number(self.serials[name])
            .not_valid_before(now + hours(begin)).not_valid_after(now + hours(end))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(usage_of(digital_signature=signs, key_encipherment=kind == "rsa",
                                    key_agreement=not signs and kind != "rsa"), critical=True))
        if controller:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([x509.ObjectIdentifier(CONTROLLERS)]), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        (self.root / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        write_key(key, self.root / f"{name}.key.pem")
        return name

    def revoke(self, *names, path=None, end=24):
        """Writes a list of these, and of no others."""
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(name_of(self.name))
                   .last_update(now - hours(1)).next_update(now + hours(end)))
        for name in names:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(self.serials[name])
                .revocation_date(now).build())
        path = path or self.root / f"{self.name}.crl"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        return path
