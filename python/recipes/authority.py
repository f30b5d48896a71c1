"""Certificates (X.509) under a root whose private key is in the HSM.

    root_key = private_key(key)                     # of hsmkeys.py
    root = make_root(root_key, "Example Root", days=3650)
    request = make_request(server_key, "www.example.com")
    leaf = issue(root, root_key, request, days=90)

The server's key may be in the HSM, too, or anywhere else: it asks by a signing request (PKCS #10).
Fields are those of RFC 5280 that a TLS client looks at.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

SHA256 = hashes.SHA256()


def make_root(key: CertificateIssuerPrivateKeyTypes, name: str, days: int) -> x509.Certificate:
    """A certificate for the key by itself. It may issue leaves, not other authorities."""
    subject = _name(name)
    public = key.public_key()
    builder = _begin(subject, subject, public, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(issues=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(identifier, critical=False).sign(key, SHA256)


def make_request(
    key: CertificateIssuerPrivateKeyTypes, host: str
) -> x509.CertificateSigningRequest:
    """What a server asks its authority with; signed, so that it has the key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(host))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    return builder.add_extension(names, critical=False).sign(key, SHA256)


def issue(
    root: x509.Certificate,
    root_key: CertificateIssuerPrivateKeyTypes,
    request: x509.CertificateSigningRequest,
    days: int,
) -> x509.Certificate:
    """A server's certificate for the key and the names of a request.

    Whether these names are the asker's is for the caller to know.
    """
    if not request.is_signature_valid:
        raise ValueError("the request is not signed by its key")
    public = request.public_key()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    builder = _begin(request.subject, root.subject, public, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(issues=False), critical=True)
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    for extension in (server, names, issuer, x509.SubjectKeyIdentifier.from_public_key(public)):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(root_key, SHA256)


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    public: CertificatePublicKeyTypes,
    days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(public).serial_number(x509.random_serial_number())
    # An hour ago, for clocks that are behind.
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(
        now + timedelta(days=days)
    )


def _usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
