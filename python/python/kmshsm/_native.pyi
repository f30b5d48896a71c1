from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import final

from typing_extensions import Buffer, disjoint_base

__all__ = ["DataKey", "ImportParameters", "Session", "Store", "__version__", "create", "zeroize"]

__version__: str

def create(
    place: str, *, passphrase: Buffer | str | None = None, key_file: Buffer | None = None
) -> None: ...
def zeroize() -> None: ...

@disjoint_base
class Store:
    def __new__(
        cls,
        place: str,
        *,
        passphrase: Buffer | str | None = None,
        key_file: Buffer | None = None,
        allow_unprotected_memory: bool = False,
    ) -> Store: ...
    def status_json(self) -> str: ...
    def close(self) -> None: ...

@disjoint_base
class Session:
    def __new__(cls, store: Store, account: str, region: str) -> Session: ...
    def call_json(self, action: str, parameters: str, /) -> str: ...
    def encrypt(
        self,
        key_id: str,
        plaintext: Buffer,
        encryption_context: Mapping[str, str] | None = None,
    ) -> bytes: ...
    def decrypt(
        self, ciphertext: Buffer, encryption_context: Mapping[str, str] | None = None
    ) -> bytes: ...
    def generate_data_key(
        self,
        key_id: str,
        number_of_bytes: int = 32,
        encryption_context: Mapping[str, str] | None = None,
    ) -> DataKey: ...
    def generate_data_key_without_plaintext(
        self,
        key_id: str,
        number_of_bytes: int = 32,
        encryption_context: Mapping[str, str] | None = None,
    ) -> bytes: ...
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
    def close(self) -> None: ...

@final
class DataKey:
    @property
    def plaintext(self) -> bytes: ...
    @property
    def ciphertext_blob(self) -> bytes: ...
    def __iter__(self) -> Iterator[bytes]: ...

@final
class ImportParameters:
    @property
    def public_key(self) -> bytes: ...
    @property
    def import_token(self) -> bytes: ...
    @property
    def token_expire_time(self) -> datetime: ...
