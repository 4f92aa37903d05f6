"""What the browser keeps for us: sealed, so that it can neither read nor change it."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest, digest
from os import urandom
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


class Seal:
    """AES-256-GCM with a key for each purpose, made from one secret: nothing of one opens for another."""

    def __init__(self, secret: str) -> None:
        self._secret = bytes.fromhex(secret)
        self._keys: dict[str, AESGCM] = {}

    def seal(self, purpose: str, facts: Any) -> str:
        """Text that fits into a cookie."""
        nonce, plain = urandom(NONCE), zlib.compress(json.dumps(facts, separators=(",", ":")).encode())
        return urlsafe_b64encode(nonce + self._key(purpose).encrypt(nonce, plain, b"")).decode()

    def open(self, purpose: str, sealed: str | None) -> Any:
        """The facts; None when this was not sealed here for this purpose."""
        try:
            blob = urlsafe_b64decode(sealed or "")
            return json.loads(zlib.decompress(self._key(purpose).decrypt(blob[:NONCE], blob[NONCE:], b"")))
        except (ValueError, InvalidTag, zlib.error):
            return None

    def sign(self, purpose: str, said: str) -> str:
        """A short proof that we said so."""
        return digest(self._secret, f"{purpose} {said}".encode(), sha256).hex()[:32]

    def signed(self, purpose: str, said: str, proof: str) -> bool:
        return compare_digest(self.sign(purpose, said).encode(), proof.encode())

    def _key(self, purpose: str) -> AESGCM:
        if purpose not in self._keys:
            made = HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._secret)
            self._keys[purpose] = AESGCM(made)
        return self._keys[purpose]
