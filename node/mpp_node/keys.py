"""The development issuer's key and the tokens signed with it."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from mpp_node.home import Home
from mpp_node.services import AUDIENCE

ALGORITHM = "ES256"


class Signer:
    """Signs tokens of the development issuer; its key is made once and kept in the node's folder."""

    def __init__(self, home: Home) -> None:
        self.issuer = home.address
        self._key = _kept_key(home.folder / "issuer.pem")

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public key; its `kid` is the thumbprint of RFC 7638."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        members = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        thumbprint = urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()
        return {**public, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}

    def token(
        self,
        roles: Iterable[str],
        *,
        malls: Iterable[str] = (),
        agencies: Iterable[str] = (),
        subject: str = "",
        name: str = "",
        ttl: float = 3600,
        audience: str = AUDIENCE,
    ) -> str:
        """A token for `ttl` seconds; malls are codes, an empty list leaves the claim out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject or str(uuid4()),
            "aud": audience,
            "iat": now,
            "exp": now + int(ttl),
            "jti": str(uuid4()),
            "roles": list(roles),
        }
        claims |= {claim: list(some) for claim, some in (("malls", malls), ("agencies", agencies)) if some}
        claims |= {"name": name} if name else {}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.jwk["kid"]})


def _kept_key(file: Path) -> ec.EllipticCurvePrivateKey:
    if not file.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        draft.rename(file)
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} holds no key of an elliptic curve")
    return key
