"""Who holds what has a number: its secret, made from the id, so that it is stored nowhere."""

import base64
import hmac
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr


class Holder:
    """Secrets of this installation: each service makes and knows the same for a ticket, an application, …"""

    def __init__(self, secret_key: SecretStr) -> None:
        self._key = bytes.fromhex(secret_key.get_secret_value())

    def secret(self, kind: str, id: UUID) -> str:  # noqa: A002
        """24 characters that the holder was given with the answer, in a link or a QR code."""
        digest = hmac.digest(self._key, kind.encode() + b" " + id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def is_secret(self, kind: str, id: UUID, said: str | None) -> bool:  # noqa: A002
        return said is not None and hmac.compare_digest(self.secret(kind, id).encode(), said.encode())


class Links:
    """Proofs for addresses that open one thing for a short time, to whoever holds them."""

    def __init__(self, secret_key: SecretStr) -> None:
        self._key = bytes.fromhex(secret_key.get_secret_value())

    def proof(self, what: str, until: int) -> str:
        """32 characters; `until`: seconds since 1970."""
        digest = hmac.digest(self._key, f"link {what} {until}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def holds(self, what: str, until: int, proof: str, now: datetime) -> bool:
        return now.timestamp() <= until and hmac.compare_digest(
            self.proof(what, until).encode(), proof.encode()
        )
