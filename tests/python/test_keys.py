"""Keys as objects: what a session and a store make, find and tell."""

from __future__ import annotations

import copy
import datetime
import enum
import inspect
import io
import json
import pickle
import pydoc
import typing
import uuid
from datetime import timedelta

import pytest

import kmshsm
from kmshsm import KeySpec, KeyState, KeyUsage, Origin, ProtectionLevel, SignatureAlgorithm
from kmshsm._actions import Actions

UTC = datetime.timezone.utc
# Where the clock of the store stands.
NOW = datetime.datetime(2019, 7, 4, 13, 14, 15, tzinfo=UTC)


@pytest.fixture(params=["store", "session"])
def kms(request: pytest.FixtureRequest, store: kmshsm.Store) -> kmshsm.Store | kmshsm.Session:
    """Both manage keys."""
    return store if request.param == "store" else store.session()


def test_what_the_front_page_says(kms: kmshsm.Store | kmshsm.Session) -> None:
    key = kms.create_key(protection_level="HSM")
    sealed = key.encrypt(b"hello", context={"for": "you"})
    assert key.decrypt(sealed, context={"for": "you"}) == b"hello"
    assert kms.decrypt(sealed, {"for": "you"}) == b"hello"
    assert kms.decrypt(kms.encrypt(key.id, b"hello")) == b"hello"
    with pytest.raises(kmshsm.CryptoError):
        key.decrypt(sealed)
    data_key = key.generate_data_key(16, {"disk": "7"})
    assert key.decrypt(data_key.ciphertext_blob, {"disk": "7"}) == data_key.plaintext
    assert len(kms.generate_random(20)) == 20


def test_a_key_opens_its_own(kms: kmshsm.Store | kmshsm.Session) -> None:
    key, other = kms.create_key(), kms.create_key()
    sealed = key.encrypt(b"hello", {"for": "you"})
    assert key.decrypt(sealed, {"for": "you"}) == b"hello"
    assert key.decrypt(key.encrypt(b"anew")) == b"anew"
    with pytest.raises(kmshsm.CryptoError, match="of another key") as refused:
        other.decrypt(sealed, {"for": "you"})
    assert refused.value.code == "InvalidParameter"
    assert refused.value.request_id is not None
    # Whose it is does not help with another context, and a session opens all that it may.
    with pytest.raises(kmshsm.CryptoError):
        other.decrypt(sealed)
    assert kms.decrypt(sealed, {"for": "you"}) == b"hello"


def test_moving_to_another_key(kms: kmshsm.Store | kmshsm.Session) -> None:
    old, new = kms.create_key(), kms.create_key()
    moved = new.re_encrypt(old.encrypt(b"hello", {"a": "1"}), {"a": "1"})
    again = new.re_encrypt(moved, {"a": "2"}, source_context={"a": "1"})
    bare = old.re_encrypt(new.encrypt(b"hello"), {"a": "3"}, source_context={})
    old_ones = new.encrypt(b"hello")
    old.disable()
    assert (new.decrypt(moved, {"a": "1"}), new.decrypt(again, {"a": "2"})) == (b"hello", b"hello")
    for refused in (bare, old_ones):
        with pytest.raises(kmshsm.KmsError):
            kms.decrypt(refused, {"a": "3"})
    with pytest.raises(kmshsm.CryptoError):
        new.re_encrypt(moved, {"a": "2"})


def test_metadata(kms: kmshsm.Store | kmshsm.Session) -> None:
    key = kms.create_key(
        KeySpec.AES_128,
        key_usage=KeyUsage.ENCRYPT_DECRYPT,
        protection_level=ProtectionLevel.HSM,
        description="of the shop",
        tags={"stage": "production"},
        rotate_every=timedelta(days=7),
    )
    assert key.metadata == kmshsm.KeyMetadata(
        id=key.id,
        arn=f"acs:kms:cn-hongkong:111122223333:key/{key.id}",
        spec=KeySpec.AES_128,
        usage=KeyUsage.ENCRYPT_DECRYPT,
        state=KeyState.ENABLED,
        origin=Origin.ALIYUN_KMS,
        protection_level=ProtectionLevel.HSM,
        description="of the shop",
        creator="111122223333",
        created=NOW,
        primary_version=key.version().id,
        last_rotation=NOW,
        automatic_rotation="Enabled",
        rotation_interval=timedelta(days=7),
        next_rotation=NOW + timedelta(days=7),
        deletion=None,
        material_expires=None,
        is_protected=False,
    )
    told = key.metadata
    assert (key.arn, key.spec, key.usage, key.state) == (
        told.arn,
        told.spec,
        told.usage,
        told.state,
    )
    assert (key.description, key.tags) == ("of the shop", {"stage": "production"})
    with pytest.raises(AttributeError):
        told.state = KeyState.DISABLED  # type: ignore[misc]


def test_a_key_through_its_life(store: kmshsm.Store) -> None:
    key = store.create_key()
    key.disable()
    assert key.state == "Disabled"
    with pytest.raises(kmshsm.InvalidState, match=r"Rejected\.Disabled"):
        key.encrypt(b"")
    key.enable()
    key.description = "another"
    key.tag({"a": "1", "b": "2"})
    key.untag("a")
    assert (key.description, key.tags) == ("another", {"b": "2"})
    key.rotate_every(timedelta(days=30))
    assert key.metadata.rotation_interval == timedelta(days=30)
    key.rotate_every(None)
    assert key.metadata.automatic_rotation == "Disabled"
    key.protect(description="do not")
    assert key.metadata.is_protected
    with pytest.raises(kmshsm.InvalidState):
        key.schedule_deletion()
    key.unprotect()
    key.schedule_deletion(7)
    assert key.state == "PendingDeletion"
    assert key.metadata.deletion == NOW + timedelta(days=7)
    key.cancel_deletion()
    key.schedule_deletion(7)
    store.api.advance_clock(7 * 86_400)
    with pytest.raises(kmshsm.NotFound):
        _gone = key.state


def test_names(kms: kmshsm.Store | kmshsm.Session) -> None:
    key, other = kms.create_key(), kms.create_key()
    key.add_alias("alias/shop")
    key.add_alias("alias/kiosk")
    other.add_alias("alias/other")
    assert {alias.name for alias in key.aliases()} == {"alias/shop", "alias/kiosk"}
    assert {(alias.name, alias.key_id) for alias in kms.aliases()} == {
        ("alias/shop", key.id),
        ("alias/kiosk", key.id),
        ("alias/other", other.id),
    }
    (alias,) = other.aliases()
    assert alias.arn == "acs:kms:cn-hongkong:111122223333:alias/other"
    for name in (key.id, key.arn, "alias/shop"):
        assert kms.key(name) == key
    kms.delete_alias("alias/shop")
    for absent in ("alias/shop", str(uuid.uuid4())):
        with pytest.raises(kmshsm.NotFound):
            kms.key(absent)


def test_lists_have_all_pages(store: kmshsm.Store) -> None:
    keys = [store.create_key(KeySpec.AES_128 if n % 50 == 0 else None) for n in range(230)]
    assert list(store.keys()) == keys
    assert list(store.keys(key_spec=KeySpec.AES_128)) == keys[::50]
    keys[0].disable()
    assert list(store.keys(key_spec="Aliyun_AES_128", key_state="Enabled")) == keys[50::50]
    keys_of = store.keys()
    assert next(keys_of) == keys[0]
    with pytest.raises(kmshsm.ArgumentError, match="Filters"):
        list(store.keys(colour="red"))
    pair = store.create_key("EC_P256")
    versions = [pair.version(), *(_week_later(store, pair) for _ in range(3))][::-1]
    assert list(pair.versions()) == versions
    assert [version.created - NOW for version in versions] == [
        timedelta(7 * n) for n in (3, 2, 1, 0)
    ]


def _week_later(store: kmshsm.Store, key: kmshsm.Key) -> kmshsm.KeyVersion:
    """No version is younger than a week when the next is made."""
    store.api.advance_clock(7 * 86_400)
    return key.create_version()


@pytest.mark.parametrize(
    ("spec", "region", "algorithm"),
    [
        (KeySpec.EC_P256, "cn-hongkong", SignatureAlgorithm.ECDSA_SHA_256),
        (KeySpec.EC_P256K, "cn-hongkong", SignatureAlgorithm.ECDSA_SHA_256),
        (KeySpec.RSA_2048, "cn-hongkong", SignatureAlgorithm.RSA_PSS_SHA_256),
        (KeySpec.EC_SM2, "cn-hangzhou", SignatureAlgorithm.SM2DSA),
    ],
)
def test_signatures(
    store: kmshsm.Store, spec: KeySpec, region: str, algorithm: SignatureAlgorithm
) -> None:
    with store.session(region=region) as session:
        key = session.create_key(spec, key_usage=KeyUsage.SIGN_VERIFY, protection_level="HSM")
        signature = key.sign(b"message")
        assert key.verify(b"message", signature)
        assert key.verify(io.BytesIO(b"message"), signature, algorithm)
        assert not key.verify(b"massage", signature)
        assert key.public_key.startswith("-----BEGIN PUBLIC KEY-----")
        older = key.version()
        newer = _week_later(store, key)
        assert key.version() == newer != older
        assert older.verify(b"message", signature)
        assert not key.verify(b"message", signature)
        assert older.public_key != newer.public_key
        with pytest.raises(kmshsm.ArgumentError):
            key.sign(b"message", "ROT13")


@pytest.mark.parametrize(
    ("spec", "region"), [(KeySpec.RSA_2048, "cn-hongkong"), (KeySpec.EC_SM2, "cn-hangzhou")]
)
def test_public_key_encryption(store: kmshsm.Store, spec: KeySpec, region: str) -> None:
    with store.session(region=region) as session:
        key = session.create_key(spec, key_usage="ENCRYPT/DECRYPT", protection_level="HSM")
        version = key.version()
        assert version.decrypt(version.encrypt(b"short")) == b"short"
        with pytest.raises(kmshsm.CryptoError):
            version.decrypt(_week_later(store, key).encrypt(b"short"))


def test_import(kms: kmshsm.Store | kmshsm.Session) -> None:
    key = kms.create_key(origin=Origin.EXTERNAL, protection_level="HSM")
    assert key.state is KeyState.PENDING_IMPORT
    given = key.import_parameters()
    wrapped = kmshsm.byok.wrap(given.public_key, "RSAES_OAEP_SHA_256", b"k" * 32)
    key.import_material(wrapped, given.import_token, expires=NOW + timedelta(days=1))
    assert key.metadata.material_expires == NOW + timedelta(days=1)
    assert key.decrypt(key.encrypt(b"hello")) == b"hello"
    key.delete_material()
    assert key.state is KeyState.PENDING_IMPORT


def test_a_store_is_of_an_account_in_a_region() -> None:
    with kmshsm.open(account="1", region="cn-hangzhou") as store:
        key = store.create_key(protection_level="HSM") if _locks(store) else store.create_key()
        assert key.arn.startswith("acs:kms:cn-hangzhou:1:key/")
        with store.session() as other, pytest.raises(kmshsm.NotFound):
            other.key(key.id)
        with store.session("1", "cn-hangzhou") as same:
            assert same.key(key.id) == key
    with pytest.raises(kmshsm.ArgumentError, match=r"Abi\.Closed"):
        _closed = key.state
    with pytest.raises(kmshsm.ArgumentError, match="RegionId"):
        kmshsm.open(region="nowhere")


def _locks(store: kmshsm.Store) -> bool:
    return bool(store.status()["hsm_keys"] == "usable")


def test_equal_keys(store: kmshsm.Store) -> None:
    key, other = store.create_key(), store.create_key()
    assert key == store.key(key.id) != other
    assert key != key.id
    assert len({key, store.key(key.id), other}) == 2
    assert repr(key) == f"<kmshsm.Key {key.id}>"
    version = key.version()
    assert version == key.version()
    assert version != version.id
    assert repr(version) == f"<kmshsm.KeyVersion {version.id} of {key.id}>"


def test_keys_do_not_travel(store: kmshsm.Store) -> None:
    key = store.create_key()
    for refused in (key, key.version(), store.session()):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                attempt(refused)
    told = key.metadata
    assert pickle.loads(pickle.dumps(told)) == told


def test_enumerations_are_texts() -> None:
    spec = KeySpec.AES_256
    assert spec == "Aliyun_AES_256"
    assert f"{spec} {spec!s}" == "Aliyun_AES_256 Aliyun_AES_256"
    assert json.dumps({"KeySpec": spec}) == '{"KeySpec": "Aliyun_AES_256"}'
    assert KeySpec("RSA_2048") is KeySpec.RSA_2048


@pytest.mark.parametrize(
    ("kind", "method", "parameter"),
    [
        (KeySpec, "create_key", "key_spec"),
        (KeyUsage, "create_key", "key_usage"),
        (Origin, "create_key", "origin"),
        (ProtectionLevel, "create_key", "protection_level"),
    ],
)
def test_enumerations_have_what_the_engine_knows(
    kind: type[enum.Enum], method: str, parameter: str
) -> None:
    # The annotations are texts; these are rendered from the engine's own schemas.
    annotation = getattr(Actions, method).__annotations__[parameter]
    known = eval(annotation, {"Literal": typing.Literal})
    assert {member.value for member in kind} == set(typing.get_args(known)) - {None}


@pytest.mark.parametrize(
    "kind", [SignatureAlgorithm, kmshsm.EncryptionAlgorithm, kmshsm.WrappingAlgorithm]
)
def test_algorithms_are_those_of_the_engine(store: kmshsm.Store, kind: type[enum.Enum]) -> None:
    action, others = {
        "SignatureAlgorithm": ("AsymmetricSign", {"Digest": "AAAA"}),
        "EncryptionAlgorithm": ("AsymmetricEncrypt", {"Plaintext": "AAAA"}),
        "WrappingAlgorithm": ("GetParametersForImport", {"WrappingKeySpec": "RSA_2048"}),
    }[kind.__name__]
    name = "WrappingAlgorithm" if action == "GetParametersForImport" else "Algorithm"
    request = {"KeyId": "alias/x", "KeyVersionId": str(uuid.uuid4()), name: "ROT13", **others}
    if action == "GetParametersForImport":
        del request["KeyVersionId"]
    with pytest.raises(kmshsm.ArgumentError) as caught:
        store.api.call(action, request)
    assert all(member.value in caught.value.message for member in kind), caught.value.message


def test_help_is_of_use() -> None:
    for kind in (kmshsm.Store, kmshsm.Session, kmshsm.Key, kmshsm.KeyVersion):
        for name in dir(kind):
            if not name.startswith("_"):
                assert inspect.getdoc(getattr(kind, name)), f"{kind.__name__}.{name}"
    plain = pydoc.TextDoc()
    assert "context" in pydoc.render_doc(kmshsm.Key, renderer=plain)
