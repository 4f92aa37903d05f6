"""An issuer of tokens for tests: real ES256 keys, real discovery and JWKS over HTTP."""

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mpp.settings import Issuer
from mpp.web.auth import ROLES

AUDIENCE = "mpp"


class TokenMint:
    """`with TokenMint() as mint:` serves its keys on a free loopback port; `mint.token(role="officer")`."""

    def __init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.fetches = 0  # how often the keys were asked for
        self.rotate()

    def rotate(self) -> None:
        """Forget the old key and sign with a new one from now on."""
        self.kid = uuid.uuid4().hex
        self.keys = {self.kid: ec.generate_private_key(ec.SECP256R1())}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def issuer(
        self,
        roles: Iterable[str] = ROLES,
        malls: Iterable[str] | None = None,
        audience: str = AUDIENCE,
    ) -> Issuer:
        """How a service's settings trust this mint."""
        return Issuer(
            issuer=self.url,
            jwks_url=f"{self.url}/jwks",
            audience=audience,
            roles=frozenset(roles),
            malls=None if malls is None else frozenset(malls),
        )

    def token(
        self,
        role: str | None = None,
        *,
        roles: Iterable[str] = (),
        malls: Iterable[str] | None = None,
        agencies: Iterable[str] | None = None,
        subject: str | None = None,
        ttl: float = 600,
        audience: str = AUDIENCE,
        issuer: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A signed token, valid for `ttl` seconds; `claims` are added as they are."""
        now = int(time.time())
        made: dict[str, Any] = {
            "iss": issuer or self.url,
            "sub": subject or str(uuid.uuid4()),
            "aud": audience,
            "iat": now,
            "exp": int(now + ttl),
            "jti": uuid.uuid4().hex,
            "roles": [*roles, *([role] if role else [])],
        }
        if malls is not None:
            made["malls"] = list(malls)
        if agencies is not None:
            made["agencies"] = list(agencies)
        return jwt.encode(made | dict(claims or {}), self.keys[self.kid], "ES256", {"kid": self.kid})

    def expired(self, role: str | None = None, **wishes: Any) -> str:
        """A token that was good until ten minutes ago."""
        past = int(time.time()) - 1200
        return self.token(role, claims={"iat": past, "exp": past + 600}, **wishes)

    def forged(self, role: str | None = None, **wishes: Any) -> str:
        """A token under our key's name, signed with somebody else's key."""
        claims = jwt.decode(self.token(role, **wishes), options={"verify_signature": False})
        return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.ECAlgorithm
        return {
            "keys": [
                json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "ES256", "use": "sig"}
                for kid, key in self.keys.items()
            ]
        }

    def start(self) -> None:
        """Serve; again on the same port after `stop`."""
        mint = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mint._answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Pages)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Become unreachable."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, asked: BaseHTTPRequestHandler) -> None:
        pages: dict[str, dict[str, Any]] = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"},
            "/jwks": self.jwks(),
        }
        self.fetches += asked.path == "/jwks"
        body = json.dumps(pages.get(asked.path, {})).encode()
        asked.send_response(200 if asked.path in pages else 404)
        asked.send_header("Content-Type", "application/json")
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@pytest.fixture(scope="session")
def mint() -> Iterator[TokenMint]:
    """An issuer whom the services of tests trust."""
    with TokenMint() as mint:
        yield mint
