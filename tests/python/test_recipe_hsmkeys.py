"""Key pairs of the HSM as private keys of cryptography: certificates and tokens."""

from __future__ import annotations

import copy
import json
import subprocess
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from recipes.authority import issue, make_request, make_root
from recipes.hsmkeys import EllipticCurveKey, HsmKey, RSAKey, private_key
from recipes.tokens import TokenIssuer

if TYPE_CHECKING:
    from pathlib import Path

    import kmshsm

SHA256 = hashes.SHA256()
PEM = serialization.Encoding.PEM
PSS = padding.PSS(padding.MGF1(SHA256), padding.PSS.DIGEST_LENGTH)
HOST = "www.example.com"


def signer(session: kmshsm.Session, spec: str) -> kmshsm.Key:
    """A new key pair for signatures."""
    return session.create_key(spec, key_usage="SIGN/VERIFY", protection_level="HSM")


def elliptic(session: kmshsm.Session, spec: str = "EC_P256") -> EllipticCurveKey:
    key = private_key(signer(session, spec))
    assert isinstance(key, EllipticCurveKey)
    return key


def rsa_key(session: kmshsm.Session, usage: str = "SIGN/VERIFY") -> RSAKey:
    key = private_key(session.create_key("RSA_2048", key_usage=usage, protection_level="HSM"))
    assert isinstance(key, RSAKey)
    return key


def refuse_private(key: HsmKey) -> None:
    """What would show the private key, and what the HSM does not do."""
    with pytest.raises(UnsupportedAlgorithm, match="does not leave"):
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(UnsupportedAlgorithm, match="does not leave"):
        key.private_numbers()
    assert copy.copy(key) is key
    assert copy.deepcopy(key) is key


@pytest.mark.parametrize("spec", ["EC_P256", "EC_P256K"])
def test_a_curve(session: kmshsm.Session, spec: str) -> None:
    key = elliptic(session, spec)
    signature = key.sign(b"message", ec.ECDSA(SHA256))
    key.public_key().verify(signature, b"message", ec.ECDSA(SHA256))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"another", ec.ECDSA(SHA256))
    assert key.key_size == 256
    assert key.curve.name == {"EC_P256": "secp256r1", "EC_P256K": "secp256k1"}[spec]
    refuse_private(key)
    for algorithm in (hashes.SHA384(), utils.Prehashed(SHA256)):
        with pytest.raises(UnsupportedAlgorithm):
            key.sign(b"message", ec.ECDSA(algorithm))
    with pytest.raises(UnsupportedAlgorithm, match="does not leave"):
        key.exchange(ec.ECDH(), ec.generate_private_key(ec.SECP256R1()).public_key())


def test_rsa_signs(session: kmshsm.Session) -> None:
    key = rsa_key(session)
    for scheme in (padding.PKCS1v15(), PSS, padding.PSS(padding.MGF1(SHA256), 32)):
        signature = key.sign(b"message", scheme, SHA256)
        key.public_key().verify(signature, b"message", scheme, SHA256)
    assert key.key_size == 2048
    refuse_private(key)
    for other in (
        padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH),
        padding.PSS(padding.MGF1(hashes.SHA1()), 32),
        padding.OAEP(padding.MGF1(SHA256), SHA256, None),
    ):
        with pytest.raises(UnsupportedAlgorithm):
            key.sign(b"message", other, SHA256)
    with pytest.raises(UnsupportedAlgorithm):
        key.sign(b"message", PSS, hashes.SHA512())


def test_rsa_decrypts(session: kmshsm.Session) -> None:
    key = rsa_key(session, "ENCRYPT/DECRYPT")
    for algorithm in (hashes.SHA256(), hashes.SHA1()):
        scheme = padding.OAEP(padding.MGF1(algorithm), algorithm, None)
        assert key.decrypt(key.public_key().encrypt(b"message", scheme), scheme) == b"message"
    for other in (
        padding.PKCS1v15(),
        padding.OAEP(padding.MGF1(hashes.SHA1()), SHA256, None),
        padding.OAEP(padding.MGF1(SHA256), SHA256, b"label"),
    ):
        with pytest.raises(UnsupportedAlgorithm):
            key.decrypt(key.public_key().encrypt(b"message", other), other)


def test_sm2_is_refused(store: kmshsm.Store) -> None:
    with (
        store.session(region="cn-hangzhou") as session,
        pytest.raises((UnsupportedAlgorithm, ValueError)),
    ):
        private_key(signer(session, "EC_SM2"))


@pytest.mark.parametrize("spec", ["EC_P256", "RSA_2048"])
@pytest.mark.parametrize("leaf_in_hsm", [True, False])
def test_a_chain(session: kmshsm.Session, tmp_path: Path, spec: str, leaf_in_hsm: bool) -> None:
    """A root in the HSM issues a server's certificate; cryptography and openssl accept it."""
    root_key = private_key(signer(session, spec))
    server_key: Any = (
        private_key(signer(session, spec))
        if leaf_in_hsm
        else rsa.generate_private_key(65537, 2048)
        if spec == "RSA_2048"
        else ec.generate_private_key(ec.SECP256R1())
    )
    root = make_root(root_key, "Example Root", days=3650)
    request = make_request(server_key, HOST)
    leaf = issue(root, root_key, request, days=90)

    limits = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert limits.critical
    assert (limits.value.ca, limits.value.path_length) == (True, 0)
    verifier = PolicyBuilder().store(Store([root]))
    assert verifier.build_server_verifier(x509.DNSName(HOST)).verify(leaf, []) == [leaf, root]
    with pytest.raises(VerificationError):
        verifier.build_server_verifier(x509.DNSName("www.example.org")).verify(leaf, [])
    stranger = make_root(elliptic(session), "Example Root", days=1)
    with pytest.raises(VerificationError):
        other = PolicyBuilder().store(Store([stranger]))
        other.build_server_verifier(x509.DNSName(HOST)).verify(leaf, [])

    for name, made in (("root", root), ("request", request), ("leaf", leaf)):
        (tmp_path / name).write_bytes(made.public_bytes(PEM))
    openssl(tmp_path, "req", "-in", "request", "-verify", "-noout")
    verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname"]
    openssl(tmp_path, *verify, HOST, "-CAfile", "root", "leaf")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(tmp_path, *verify, "www.example.org", "-CAfile", "root", "leaf")


def openssl(directory: Path, *arguments: str) -> None:
    """The program accepts it."""
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def test_a_request_of_another_key_is_refused(session: kmshsm.Session) -> None:
    root_key = elliptic(session)
    root = make_root(root_key, "Example Root", days=1)
    der = bytearray(make_request(elliptic(session), HOST).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    with pytest.raises(ValueError, match="not signed by its key"):
        issue(root, root_key, x509.load_der_x509_csr(bytes(der)), days=1)


@pytest.mark.parametrize(
    ("spec", "algorithm"), [("EC_P256", "ES256"), ("RSA_2048", "RS256"), ("RSA_2048", "PS256")]
)
def test_tokens(session: kmshsm.Session, spec: str, algorithm: str) -> None:
    """Verified by PyJWT and joserfc, with the public keys alone; also those before a rotation."""
    issuer = TokenIssuer(signer(session, spec), algorithm)
    expires = datetime.now(timezone.utc) + timedelta(minutes=5)
    claims = {"sub": "alice", "aud": "shop", "exp": int(expires.timestamp())}
    tokens = [issuer.issue(claims)]
    session.api.advance_clock(8 * 86400)
    issuer.rotate()
    document = json.loads(json.dumps(issuer.jwks()))
    tokens.append(issuer.issue(claims))
    issuer.use_newest()
    tokens.append(issuer.issue(claims))
    versions = [jwt.get_unverified_header(token)["kid"] for token in tokens]
    assert versions[0] == versions[1] != versions[2]
    assert [sorted({"d", "p", "q", "key_ops"} & set(key)) for key in document["keys"]] == [[], []]

    for token, version in zip(tokens, versions):
        public = jwt.PyJWKSet.from_dict(document)[version]
        assert jwt.decode(token, public, algorithms=[algorithm], audience="shop") == claims
        theirs = KeySet.import_key_set(document)
        assert joserfc_jwt.decode(token, theirs, algorithms=[algorithm]).claims == claims

        head, _, signature = token.split(".")
        forged = ".".join([head, issuer.issue({"sub": "bob"}).split(".")[1], signature])
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(forged, public, algorithms=[algorithm], audience="shop")
        with pytest.raises(BadSignatureError):
            joserfc_jwt.decode(forged, theirs, algorithms=[algorithm])
