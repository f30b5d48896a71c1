"""Bring your own key: what the owner of key material does, on a machine without a store.

>>> import kmshsm, os
>>> with kmshsm.open("memory:") as kms:
...     key = kms.create_key(origin="EXTERNAL")
...     parameters = key.import_parameters()
...     wrapped = kmshsm.byok.wrap(parameters.public_key, "RSAES_OAEP_SHA_256", os.urandom(32))
...     key.import_material(wrapped, parameters.import_token)
...     str(key.state)
'Enabled'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmshsm import _native

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["wrap"]


def wrap(public_key: Buffer, algorithm: str, material: Buffer) -> bytes:
    """Wraps key material for import_key_material.

    It needs neither a store nor a session. A ``bytearray`` of material is better than ``bytes``,
    for its owner can wipe it after the call, and the library keeps no copy.

    :param public_key: What get_parameters_for_import gave: SubjectPublicKeyInfo in DER, not PEM.
    :param algorithm: The wrapping algorithm that it was asked for.
    :param material: For RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1, RSAES_PKCS1_V1_5 and SM2PKE the
        bytes of a symmetric key; for RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD a private key in
        PKCS #8, DER or PEM; for SM2PKE_SM4_ECB the 32 bytes d of a private key of SM2, or the key
        in PKCS #8.
    :return: What import_key_material takes; in JSON, its Base64.
    """
    return _native.wrap_key_material(public_key, algorithm, material)
