# SPDX-License-Identifier: Apache-2.0
"""Certificates for a benchmark, signed by themselves: nobody verifies them but Viaduct, which is told to trust them."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from peers.peer import Site

VALID_DAYS = 2


def make_site(folder, name, is_rsa=False):
    """A certificate for `name` with a key of its own, ECDSA P-256 or RSA 2048; returns the Site."""
    key = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime.utcnow() - datetime.timedelta(hours=1)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(begin)
                   .not_valid_after(begin + datetime.timedelta(days=VALID_DAYS))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                   .sign(key, hashes.SHA256()))
    site = Site(name, f"{folder}/{name}.crt", f"{folder}/{name}.key")
    with open(site.certificate, "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(site.key, "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()))
    return site
