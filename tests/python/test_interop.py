"""Against others: the program openssl, and the package cryptography.

Key pairs cannot be brought into the library, so no signature of others is verified here; the tests
in src/crypto read published ones. The package does not know the curve of SM2, openssl does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import kmshsm
from keypairs import DECRYPTS, REGION, SIGNS, decrypter, der, signer

EXAMPLE = Path(__file__).parents[2] / "python" / "examples" / "sign.py"
MESSAGE = b"signed here, verified there\n" * 1000
SHA256 = hashes.SHA256()
PADDINGS = {
    "RSA_PSS_SHA_256": padding.PSS(padding.MGF1(SHA256), salt_length=32),
    "RSA_PKCS1_SHA_256": padding.PKCS1v15(),
    "RSAES_OAEP_SHA_1": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
    "RSAES_OAEP_SHA_256": padding.OAEP(padding.MGF1(SHA256), SHA256, None),
}
OPTIONS = {
    "RSA_PSS_SHA_256": ["rsa_padding_mode:pss", "rsa_pss_saltlen:32", "rsa_mgf1_md:sha256"],
    "RSA_PKCS1_SHA_256": ["rsa_padding_mode:pkcs1"],
    "ECDSA_SHA_256": [],
    "RSAES_OAEP_SHA_1": ["rsa_padding_mode:oaep", "rsa_oaep_md:sha1"],
    "RSAES_OAEP_SHA_256": ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256"],
    "SM2PKE": [],
}
# What openssl prints of a public key.
DESCRIBED = {
    "RSA_2048": "Public-Key: (2048 bit)",
    "RSA_3072": "Public-Key: (3072 bit)",
    "RSA_4096": "Public-Key: (4096 bit)",
    "EC_P256": "ASN1 OID: prime256v1",
    "EC_P256K": "ASN1 OID: secp256k1",
    "EC_SM2": "ASN1 OID: SM2",
}


def openssl(*arguments: object, given: bytes = b"") -> bytes:
    """What the program prints."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def refused(*arguments: object) -> bool:
    """Whether the program says that a signature is wrong."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    return done.returncode == 1 and b"failure" in (done.stdout + done.stderr).lower()


def options(names: list[str], flag: str = "-pkeyopt") -> list[str]:
    """As options of the command line."""
    return [word for name in names for word in (flag, name)]


def write(path: Path, content: bytes | str) -> Path:
    """A new file."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rsa_public_key(pem: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    return key


@pytest.mark.parametrize("spec", DESCRIBED)
def test_public_keys_are_read(session: kmshsm.Session, spec: str) -> None:
    pem = session.get_public_key(*signer(session, spec))
    text = openssl("pkey", "-pubin", "-noout", "-text", given=pem.encode()).decode()
    assert DESCRIBED[spec] in text
    # As it is written there, too.
    assert openssl("pkey", "-pubin", given=pem.encode()) == pem.encode()
    assert openssl("pkey", "-pubin", "-outform", "DER", given=pem.encode()) == der(pem)
    if spec == "EC_SM2":
        return
    key = serialization.load_pem_public_key(pem.encode())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_bytes(serialization.Encoding.PEM, spki) == pem.encode()
    assert key.public_bytes(serialization.Encoding.DER, spki) == der(pem)
    if isinstance(key, rsa.RSAPublicKey):
        assert key.public_numbers().e == 65537


@pytest.mark.parametrize(("spec", "algorithm"), [pair for pair in SIGNS if pair[1] != "SM2DSA"])
def test_signatures(session: kmshsm.Session, tmp_path: Path, spec: str, algorithm: str) -> None:
    key, version = signer(session, spec)
    pem = session.get_public_key(key, version)
    value = session.sign_message(key, version, algorithm, MESSAGE)

    public = write(tmp_path / "public.pem", pem)
    signature = write(tmp_path / "signature", value)
    verify = ["dgst", "-sha256", "-verify", public, "-signature", signature]
    verify += options(OPTIONS[algorithm], "-sigopt")
    openssl(*verify, write(tmp_path / "message", MESSAGE))
    assert refused(*verify, write(tmp_path / "other", MESSAGE[1:]))

    theirs = serialization.load_pem_public_key(pem.encode())
    for message in (MESSAGE, MESSAGE[1:]):
        try:
            if isinstance(theirs, rsa.RSAPublicKey):
                theirs.verify(value, message, PADDINGS[algorithm], SHA256)
            else:
                assert isinstance(theirs, ec.EllipticCurvePublicKey)
                theirs.verify(value, message, ec.ECDSA(SHA256))
        except InvalidSignature:
            assert message != MESSAGE
        else:
            assert message == MESSAGE


@pytest.mark.parametrize("user_id", [None, b"1234567812345678", b"ALICE123@YAHOO.COM"])
def test_signatures_of_sm2(session: kmshsm.Session, tmp_path: Path, user_id: bytes | None) -> None:
    key, version = signer(session, "EC_SM2")
    value = session.sign_message(key, version, "SM2DSA", MESSAGE, user_id=user_id)
    public = write(tmp_path / "public.pem", session.get_public_key(key, version))
    signature = write(tmp_path / "signature", value)
    message = write(tmp_path / "message", MESSAGE)
    distid = f"distid:{(user_id or b'1234567812345678').decode()}"
    by_dgst = ["dgst", "-sm3", "-verify", public, "-signature", signature, "-sigopt"]
    by_pkeyutl = ["pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pubin", "-inkey", public]
    by_pkeyutl += ["-sigfile", signature, "-in", message, "-pkeyopt"]
    openssl(*by_dgst, distid, message)
    openssl(*by_pkeyutl, distid)
    assert refused(*by_dgst, "distid:BOB", message)
    assert refused(*by_pkeyutl, "distid:BOB")


@pytest.mark.parametrize(("spec", "algorithm"), DECRYPTS)
def test_we_decrypt_what_they_encrypt(
    session: kmshsm.Session, tmp_path: Path, spec: str, algorithm: str
) -> None:
    key, version = decrypter(session, spec)
    pem = session.get_public_key(key, version)
    encrypt = ["pkeyutl", "-encrypt", "-pubin", "-inkey", write(tmp_path / "public.pem", pem)]
    encrypt += options(OPTIONS[algorithm])
    for message in (b"x", b"encrypted there, decrypted here", bytes(100)):
        blobs = [openssl(*encrypt, given=message)]
        if spec != "EC_SM2":
            scheme = PADDINGS[algorithm]
            blobs.append(rsa_public_key(pem).encrypt(message, scheme))
        for blob in blobs:
            assert session.asymmetric_decrypt(key, version, algorithm, blob) == message


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_data_keys_exported_to_rsa(session: kmshsm.Session, tmp_path: Path, algorithm: str) -> None:
    key = session.api.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
    private = write(
        tmp_path / "private.pem",
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    )
    public = openssl("pkey", "-in", private, "-pubout", "-outform", "DER")
    theirs = serialization.load_pem_private_key(private.read_bytes(), None)
    assert isinstance(theirs, rsa.RSAPrivateKey)
    decrypt = ["pkeyutl", "-decrypt", "-inkey", private, *options(OPTIONS[algorithm])]
    scheme = PADDINGS[algorithm]

    made = session.generate_and_export_data_key(key, public, wrapping_algorithm=algorithm)
    again = session.export_data_key(made.ciphertext_blob, public, wrapping_algorithm=algorithm)
    data_key = session.decrypt(made.ciphertext_blob)
    for exported in (made.exported_data_key, again):
        assert openssl(*decrypt, given=exported) == data_key
        assert theirs.decrypt(exported, scheme) == data_key


def test_data_keys_exported_to_sm2(session: kmshsm.Session, tmp_path: Path) -> None:
    key = session.api.create_key(protection_level="HSM")["KeyMetadata"]["KeyId"]
    private = write(tmp_path / "private.pem", openssl("genpkey", "-algorithm", "SM2"))
    public = openssl("pkey", "-in", private, "-pubout", "-outform", "DER")
    decrypt = ["pkeyutl", "-decrypt", "-inkey", private]
    for number in (1, 32, 1024):
        made = session.generate_and_export_data_key(
            key, public, number, wrapping_key_spec="EC_SM2", wrapping_algorithm="SM2PKE"
        )
        again = session.export_data_key(
            made.ciphertext_blob, public, wrapping_key_spec="EC_SM2", wrapping_algorithm="SM2PKE"
        )
        data_key = session.decrypt(made.ciphertext_blob)
        for exported in (made.exported_data_key, again):
            assert openssl(*decrypt, given=in_der(exported)) == data_key


@pytest.mark.parametrize(
    ("spec", "digest"),
    [("EC_P256", ["-sha256"]), ("EC_SM2", ["-sm3", "-sigopt", "distid:1234567812345678"])],
)
def test_the_example(tmp_path: Path, spec: str, digest: list[str]) -> None:
    place = tmp_path / "store"
    passphrase = write(tmp_path / "passphrase", b"right")
    kmshsm.create(place, passphrase=b"right")
    with (
        kmshsm.open(place, passphrase=b"right", allow_unprotected_memory=True) as store,
        store.session(region=REGION) as session,
    ):
        key, _ = signer(session, spec)
    message = write(tmp_path / "message", MESSAGE)

    def example(action: str, *files: Path, given: bytes = b"") -> tuple[int, bytes]:
        command = [sys.executable, EXAMPLE, "--allow-unprotected-memory", action, place]
        command += [passphrase, REGION, key, *files]
        done = subprocess.run([*map(str, command)], input=given, stdout=subprocess.PIPE)
        return done.returncode, done.stdout

    public = write(tmp_path / "public.pem", example("public-key")[1])
    code, value = example("sign", message)
    assert code == 0
    signature = write(tmp_path / "signature", value)
    openssl("dgst", *digest, "-verify", public, "-signature", signature, message)
    assert example("verify", message, given=value) == (0, b"The signature is right.\n")
    assert example("verify", public, given=value) == (1, b"The signature is wrong.\n")
    assert example("sign", tmp_path / "nothing") == (1, b"")


def in_der(raw: bytes) -> bytes:
    """04 | x | y | C3 | C2 as SEQUENCE { INTEGER x, INTEGER y, OCTET STRING C3, OCTET STRING C2 }
    (GM/T 0009)."""
    assert raw[0] == 4
    numbers = [raw[1:33].lstrip(b"\0"), raw[33:65].lstrip(b"\0")]
    # A sign bit makes room for itself.
    fields = [tlv(2, b"\0" + number if number[0] & 0x80 else number) for number in numbers]
    return tlv(0x30, b"".join([*fields, tlv(4, raw[65:97]), tlv(4, raw[97:])]))


def tlv(tag: int, value: bytes) -> bytes:
    """Tag, length, value (X.690)."""
    if len(value) < 0x80:
        return bytes([tag, len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value
