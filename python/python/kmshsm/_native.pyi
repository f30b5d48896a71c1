from collections.abc import Iterator, Mapping
from datetime import datetime
from os import PathLike
from typing import Literal, final

from typing_extensions import Buffer, Self, disjoint_base

__all__ = [
    "DataKey",
    "ExportedDataKey",
    "ImportParameters",
    "MessageDigest",
    "Session",
    "Store",
    "__version__",
    "create",
    "indicator",
    "operate_alone_json",
    "self_test_json",
    "set_key_memory",
    "verify_audit_json",
    "wrap_key_material",
    "zeroize",
]

__version__: str

def create(
    place: str,
    *,
    passphrase: Buffer | str | None = None,
    key_file: Buffer | None = None,
    identity: str = "EC_P256",
) -> None: ...
def indicator() -> Literal["approved", "not approved"] | None: ...
def operate_alone_json(
    operation: str,
    parameters: str,
    /,
    texts: dict[str, Buffer | str | None] | None = None,
    keys: dict[str, Buffer | None] | None = None,
) -> str: ...
def self_test_json() -> str: ...
def set_key_memory(bytes: int) -> None: ...
def verify_audit_json(
    path: str | PathLike[str], *, public_key: str | None = None, head: str | None = None
) -> str: ...
def wrap_key_material(public_key: Buffer, algorithm: str, material: Buffer) -> bytes: ...
def zeroize() -> None: ...

@disjoint_base
class Store:
    def __new__(
        cls,
        place: str,
        *,
        passphrase: Buffer | str | None = None,
        key_file: Buffer | None = None,
        shares: list[str] | None = None,
        keeper: int | None = None,
        options_json: str,
    ) -> Self: ...
    @property
    def is_test_only(self) -> bool: ...
    def status_json(self) -> str: ...
    def tick_json(self) -> str: ...
    def flush(self) -> None: ...
    def audit_key(self) -> str: ...
    def export_audit_json(self, path: str | PathLike[str]) -> str: ...
    def operate_json(
        self,
        operation: str,
        parameters: str,
        /,
        texts: dict[str, Buffer | str | None] | None = None,
        keys: dict[str, Buffer | None] | None = None,
    ) -> str: ...
    def close(self) -> None: ...

@disjoint_base
class Session:
    def __new__(
        cls, store: Store, login_json: str, access_key_secret: Buffer | str | None = None
    ) -> Self: ...
    def call_json(self, action: str, parameters: str, /) -> str: ...
    def encrypt(
        self,
        key_id: str,
        plaintext: Buffer,
        context: Mapping[str, str] | None = None,
    ) -> bytes: ...
    def decrypt(self, ciphertext: Buffer, context: Mapping[str, str] | None = None) -> bytes: ...
    def _decrypt_of(
        self, key_id: str, ciphertext: Buffer, context: Mapping[str, str] | None = None
    ) -> bytes: ...
    def generate_data_key(
        self,
        key_id: str,
        number_of_bytes: int = 32,
        context: Mapping[str, str] | None = None,
    ) -> DataKey: ...
    def generate_data_key_without_plaintext(
        self,
        key_id: str,
        number_of_bytes: int = 32,
        context: Mapping[str, str] | None = None,
    ) -> bytes: ...
    def generate_random(self, length: int) -> bytes: ...
    def get_parameters_for_import(
        self,
        key_id: str,
        wrapping_key_spec: str = "RSA_2048",
        wrapping_algorithm: str = "RSAES_OAEP_SHA_256",
    ) -> ImportParameters: ...
    def import_key_material(
        self,
        key_id: str,
        encrypted_key_material: Buffer,
        import_token: Buffer,
        *,
        expires: datetime | int | None = None,
    ) -> None: ...
    def asymmetric_sign(
        self, key_id: str, key_version_id: str, algorithm: str, digest: Buffer
    ) -> bytes: ...
    def asymmetric_verify(
        self, key_id: str, key_version_id: str, algorithm: str, digest: Buffer, value: Buffer
    ) -> bool: ...
    def message_digest(
        self,
        key_id: str,
        key_version_id: str,
        algorithm: str,
        *,
        user_id: Buffer | None = None,
    ) -> MessageDigest: ...
    def asymmetric_encrypt(
        self, key_id: str, key_version_id: str, algorithm: str, plaintext: Buffer
    ) -> bytes: ...
    def asymmetric_decrypt(
        self, key_id: str, key_version_id: str, algorithm: str, ciphertext_blob: Buffer
    ) -> bytes: ...
    def get_public_key(self, key_id: str, key_version_id: str) -> str: ...
    def re_encrypt(
        self,
        ciphertext_blob: Buffer,
        destination_key_id: str,
        *,
        source_context: Mapping[str, str] | None = None,
        destination_context: Mapping[str, str] | None = None,
        source_key_id: str | None = None,
        source_key_version_id: str | None = None,
        source_encryption_algorithm: str | None = None,
    ) -> bytes: ...
    def export_data_key(
        self,
        ciphertext_blob: Buffer,
        public_key_blob: Buffer,
        context: Mapping[str, str] | None = None,
        *,
        wrapping_key_spec: str = "RSA_2048",
        wrapping_algorithm: str = "RSAES_OAEP_SHA_256",
    ) -> bytes: ...
    def generate_and_export_data_key(
        self,
        key_id: str,
        public_key_blob: Buffer,
        number_of_bytes: int = 32,
        context: Mapping[str, str] | None = None,
        *,
        wrapping_key_spec: str = "RSA_2048",
        wrapping_algorithm: str = "RSAES_OAEP_SHA_256",
    ) -> ExportedDataKey: ...
    def close(self) -> None: ...

@final
class DataKey:
    @property
    def plaintext(self) -> bytes: ...
    @property
    def ciphertext_blob(self) -> bytes: ...
    def __iter__(self) -> Iterator[bytes]: ...

@final
class ExportedDataKey:
    @property
    def ciphertext_blob(self) -> bytes: ...
    @property
    def exported_data_key(self) -> bytes: ...
    def __iter__(self) -> Iterator[bytes]: ...

@final
class ImportParameters:
    @property
    def public_key(self) -> bytes: ...
    @property
    def import_token(self) -> bytes: ...
    @property
    def token_expire_time(self) -> datetime: ...

@final
class MessageDigest:
    def update(self, data: Buffer) -> None: ...
    def digest(self) -> bytes: ...
