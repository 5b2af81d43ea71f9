# SPDX-License-Identifier: Apache-2.0
"""A throw-away certificate authority: root, intermediate, and leaves with the faults that tests need.

Keys are made for each run and live in the run's temporary directory only.
"""
import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """Files of one certificate (leaf first, then the intermediate) and of its key."""

    cert: Path
    key: Path
    serial: int

    def as_config(self):
        return {"cert": str(self.cert), "key": str(self.key)}


def make_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def pem_of_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def pem_of(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def named(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def build(subject, issuer, key, signer, validity, extensions):
    builder = (x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(validity[0]).not_valid_after(validity[1]))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


class Authority:
    """Root and intermediate. Clients get `ca_file`, which holds the root alone: servers must send the chain."""

    def __init__(self, directory, name="Viaduct test"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        now = datetime.datetime.utcnow()
        years = (now - 30 * DAY, now + 3650 * DAY)
        self.root_key, self.intermediate_key = make_key("ecdsa"), make_key("rsa")
        self.root = build(f"{name} root", f"{name} root", self.root_key, self.root_key, years,
                          [(x509.BasicConstraints(ca=True, path_length=1), True)])
        self.intermediate = build(f"{name} intermediate", f"{name} root", self.intermediate_key, self.root_key, years,
                                  [(x509.BasicConstraints(ca=True, path_length=0), True)])
        self.ca_file = self.directory / "ca.pem"
        self.ca_file.write_bytes(pem_of(self.root))

    def issue(self, names, kind="ecdsa", days=(-10, 365), label=None, usage=ExtendedKeyUsageOID.SERVER_AUTH):
        """Makes a leaf for DNS `names`, valid from `days[0]` to `days[1]` relative to today."""
        key = make_key(kind)
        now = datetime.datetime.utcnow()
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        leaf = build(names[0], f"{self.name} intermediate", key, self.intermediate_key,
                     (now + days[0] * DAY, now + days[1] * DAY),
                     [(alternative, False), (x509.BasicConstraints(ca=False, path_length=None), True),
                      (x509.ExtendedKeyUsage([usage]), False)])
        label = label or f"{names[0].replace('*', '_')}-{kind}-{leaf.serial_number % 100000}"
        cert_file, key_file = self.directory / f"{label}.pem", self.directory / f"{label}.key"
        cert_file.write_bytes(pem_of(leaf) + pem_of(self.intermediate))
        key_file.write_bytes(pem_of_key(key))
        key_file.chmod(0o600)
        return Pair(cert_file, key_file, leaf.serial_number)


def serial_of_der(der):
    return x509.load_der_x509_certificate(der).serial_number
