"""Codes of bookings: signed with Ed25519, so that a kiosk without a network knows a real one."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from mpp.eventsourcing.decider import Invalid

KIND = "mpp-booking"  # the `typ` of a code: nothing else that is signed counts


class CodeForged(Invalid):
    """The code was not signed here, or was changed since."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says: which booking, where, for what and when; nothing about a person."""

    booking: UUID
    mall: str
    service: str
    slot: datetime
    channel: str


class Codes:
    """Signs with the key of this installation; trusts it, and the public keys (JWK) that it was told of."""

    def __init__(self, secret_key: SecretStr, trusted: Sequence[Mapping[str, str]] = ()):
        seed = HKDF(hashes.SHA256(), 32, None, b"mpp bookings").derive(
            bytes.fromhex(secret_key.get_secret_value())
        )
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        own = {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public), "alg": "EdDSA", "use": "sig"}
        self.jwks = [own | {"kid": _thumbprint(own["x"])}, *map(dict, trusted)]
        self._keys = {key["kid"]: _public(key["x"]) for key in self.jwks}

    def sign(self, code: Code) -> str:
        """A JSON Web Signature, about 300 characters: fits a QR code."""
        claims = {
            "jti": str(code.booking),
            "mall": code.mall,
            "service": code.service,
            "slot": code.slot.isoformat(timespec="minutes"),
            "channel": code.channel,
        }
        return jwt.encode(claims, self._private, "EdDSA", {"kid": self.jwks[0]["kid"], "typ": KIND})

    def read(self, said: str) -> Code:
        """What the code says. Raises CodeForged."""
        try:
            head = jwt.get_unverified_header(said)
            if head.get("typ") != KIND or head.get("kid") not in self._keys:
                raise CodeForged
            claims: dict[str, Any] = jwt.decode(said, self._keys[head["kid"]], ["EdDSA"])
            slot = datetime.fromisoformat(claims["slot"])
            return Code(UUID(claims["jti"]), claims["mall"], claims["service"], slot, claims["channel"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise CodeForged from None


def _public(x: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _thumbprint(x: str) -> str:
    """Of the key as RFC 7638 and RFC 8037 say, its first twelve characters."""
    said = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return _base64url(hashlib.sha256(said.encode()).digest())[:12]
