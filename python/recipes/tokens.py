"""JSON Web Tokens that a key pair of the HSM signs, by PyJWT: ES256, RS256 or PS256.

    issuer = TokenIssuer(key, "ES256")
    token = issuer.issue({"sub": "alice", "exp": ...})

The ``kid`` of a token is the version of the key that has signed it, and `jwks` has the public keys
of all versions: those who verify need that document alone, at ``/.well-known/jwks.json`` as a rule,
and any library. After `rotate` it has one more; when they have fetched it, `use_newest`. Tokens of
older versions verify until they expire.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from recipes.hsmkeys import EllipticCurveKey, private_key

if TYPE_CHECKING:
    import kmshsm


class TokenIssuer:
    """Who signs tokens with the newest version of a key pair."""

    def __init__(self, key: kmshsm.Key, algorithm: str) -> None:
        """ES256 for a key of spec EC_P256, RS256 or PS256 for RSA."""
        self._key = key
        self._algorithm = algorithm
        self.use_newest()

    def issue(self, claims: dict[str, Any]) -> str:
        """A signed token."""
        headers = {"kid": self._private.version.id}
        return jwt.encode(claims, self._private, algorithm=self._algorithm, headers=headers)

    def rotate(self) -> None:
        """Makes a version that does not sign yet. The store allows that every seven days."""
        self._key.create_version()

    def use_newest(self) -> None:
        """Signs with the newest version from now on."""
        self._private = private_key(self._key)

    def jwks(self) -> dict[str, Any]:
        """The public keys of all versions, as a JWK Set (RFC 7517)."""
        keys = []
        for version in self._key.versions():
            private = private_key(version)
            if isinstance(private, EllipticCurveKey):
                jwk = ECAlgorithm.to_jwk(private.public_key())
            else:
                jwk = RSAAlgorithm.to_jwk(private.public_key())
            about = {"kid": version.id, "use": "sig", "alg": self._algorithm}
            # PyJWT says key_ops, too; RFC 7517 4.3 wants one of the two.
            keys.append({**json.loads(jwk), **about})
            keys[-1].pop("key_ops", None)
        return {"keys": keys}
