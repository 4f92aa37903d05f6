"""Tokens: verified against the keys of trusted issuers, remembered for a minute at most."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import jwt
import structlog

from mpp.eventsourcing.log import Unavailable
from mpp.settings import Issuer
from mpp.web.auth import NATIONAL, Actor
from mpp.web.problems import Unauthenticated

log = structlog.get_logger()

ALGORITHMS = ("ES256", "RS256", "EdDSA")
LEEWAY = 15  # seconds that clocks may differ
REMEMBERED = 60.0  # seconds a verified token is not verified again
LONGEST = 8192  # characters of a token


class KeyRing:
    """The public keys of one issuer, fetched when a token names one that is not known yet."""

    def __init__(self, issuer: Issuer, http: httpx.AsyncClient, pause: float, lifetime: float) -> None:
        self.issuer, self._http, self._pause, self._lifetime = issuer, http, pause, lifetime
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked = self._fetched = float("-inf")
        self._failed = False
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK:
        """Raises Unauthenticated for a key the issuer does not have, Unavailable when it cannot be asked."""
        if kid not in self._keys or (self._old and not self._lock.locked()):
            async with self._lock:
                now = time.monotonic()
                if (kid not in self._keys or self._old) and now - self._asked > self._pause:
                    self._asked = now
                    await self._fetch()
        if kid in self._keys:
            return self._keys[kid]
        if self._failed:
            raise Unavailable(f"keys of {self.issuer.issuer}")
        raise Unauthenticated("The token is signed with an unknown key.")

    @property
    def _old(self) -> bool:
        return time.monotonic() - self._fetched > self._lifetime

    async def _fetch(self) -> None:
        try:
            answer = await self._http.get(self.issuer.jwks_url)
            answer.raise_for_status()
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in answer.json()["keys"] if _usable(key)}
        except (httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            self._failed = True  # what is known stays in use
            log.warning("keys not fetched", issuer=self.issuer.issuer, error=type(error).__name__)
        else:
            self._failed = False
            self._fetched = time.monotonic()


class Verifier:
    """From token to Actor; a service has one. `pause`: least seconds between two fetches of keys."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        http: httpx.AsyncClient | None = None,
        *,
        pause: float = 5.0,
        lifetime: float = 600.0,
        remembered: int = 20_000,
    ) -> None:
        self._http = http or httpx.AsyncClient(timeout=3.0)
        self._rings = {issuer.issuer: KeyRing(issuer, self._http, pause, lifetime) for issuer in issuers}
        self._seen: OrderedDict[bytes, tuple[float, Actor]] = OrderedDict()
        self._most = remembered

    async def verify(self, token: str) -> Actor:
        """Raises Unauthenticated for a token that does not count, Unavailable when keys cannot be had."""
        if len(token) > LONGEST:
            raise Unauthenticated("The token is too long.")
        name = hashlib.sha256(token.encode()).digest()
        seen = self._seen.get(name)
        if seen is not None and seen[0] > time.time():
            self._seen.move_to_end(name)
            return seen[1]
        claims, issuer = await self._claims(token)
        actor = actor_of(claims, issuer)
        self._seen[name] = (min(time.time() + REMEMBERED, int(claims["exp"])), actor)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return actor

    async def _claims(self, token: str) -> tuple[dict[str, Any], Issuer]:
        try:
            head = jwt.get_unverified_header(token)
            named = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("The token cannot be read.") from None
        ring = self._rings.get(named) if isinstance(named, str) else None
        if ring is None or head.get("alg") not in ALGORITHMS or not isinstance(head.get("kid"), str):
            raise Unauthenticated("The token is not from a trusted issuer.")
        key = await ring.key(head["kid"])
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=ring.issuer.audience,
                issuer=ring.issuer.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except jwt.PyJWTError:
            raise Unauthenticated("The token does not count here.") from None
        return claims, ring.issuer

    async def aclose(self) -> None:
        await self._http.aclose()


def actor_of(claims: dict[str, Any], issuer: Issuer) -> Actor:
    """Whom verified claims speak of, no wider than the issuer is trusted for."""
    roles = (_words(claims, "roles") or frozenset()) & issuer.roles
    malls = _words(claims, "malls")
    if malls is None and not roles & NATIONAL:
        malls = frozenset()
    if issuer.malls is not None:
        malls = issuer.malls if malls is None else malls & issuer.malls
    return Actor(_identity(claims["sub"], issuer), roles, malls, _words(claims, "agencies"))


def _words(claims: dict[str, Any], name: str) -> frozenset[str] | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise Unauthenticated(f"The token's {name} must be a list of words.")
    return frozenset(value)


def _identity(subject: str, issuer: Issuer) -> UUID:
    try:
        return UUID(subject)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{issuer.issuer}#{subject}")


def _usable(key: dict[str, Any]) -> bool:
    fits = key.get("kty") in ("EC", "RSA", "OKP") and key.get("alg", "ES256") in ALGORITHMS
    return fits and key.get("use", "sig") == "sig" and isinstance(key.get("kid"), str)
