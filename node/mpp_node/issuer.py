"""The development issuer: OpenID discovery, its public key, tokens for services and for whoever signs in."""

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import parse_qs, unquote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from mpp_node.home import Home
from mpp_node.keys import ALGORITHM, Signer
from mpp_node.services import ROLES, SERVICES
from mpp_node.sign_in import CLIENT, SignIns
from mpp_node.sign_in import TOKEN_SECONDS as SIGNED_IN_SECONDS

TOKEN_SECONDS = 900
LONGEST_FORM = 4096


def router(home: Home, sign_ins: SignIns) -> APIRouter:
    """The endpoints of the issuer of this node."""
    api, signer = APIRouter(), Signer(home)
    clients = {name: home.secret(f"client/{name}") for name in (*(s.name for s in SERVICES), CLIENT)}

    @api.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": signer.issuer,
            "jwks_uri": f"{signer.issuer}/oidc/jwks",
            "authorization_endpoint": f"{signer.issuer}/oidc/authorize",
            "token_endpoint": f"{signer.issuer}/oidc/token",
            "grant_types_supported": ["client_credentials", "authorization_code"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": list(ROLES),
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "jti", "roles", "malls", "agencies"],
        }

    @api.get("/oidc/jwks")
    async def jwks() -> dict[str, Any]:
        """The public keys, RFC 7517."""
        return {"keys": [signer.jwk]}

    @api.post("/oidc/token")
    async def token(request: Request) -> JSONResponse:
        """RFC 6749: a service gets the role `system`, the pages get a token for whoever signed in."""
        form = await _form(request)
        if form is None or form.get("grant_type") is None:
            return _refusal(400, "invalid_request")
        if form["grant_type"] not in ("client_credentials", "authorization_code"):
            return _refusal(400, "unsupported_grant_type")
        name, secret = _credentials(request, form)
        if not hmac.compare_digest(clients.get(name, "").encode(), secret.encode()) or not secret:
            return _refusal(401, "invalid_client")
        if form["grant_type"] == "authorization_code":
            claims = sign_ins.exchange(form.get("code", ""), form.get("code_verifier", ""))
            if claims is None or name != CLIENT:
                return _refusal(400, "invalid_grant")
            return _granted(signer.token(**claims, ttl=SIGNED_IN_SECONDS), SIGNED_IN_SECONDS)  # type: ignore[arg-type]
        if name == CLIENT:
            return _refusal(400, "unauthorized_client")
        return _granted(signer.token(["system"], ttl=TOKEN_SECONDS), TOKEN_SECONDS)

    return api


def _granted(token: str, seconds: int) -> JSONResponse:
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": seconds}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return None
    try:
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    except UnicodeDecodeError:
        return None


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret from the Authorization header, else from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(name), unquote(secret)


def _refusal(status: int, error: str) -> JSONResponse:
    headers = {"WWW-Authenticate": 'Basic realm="mpp"'} if status == 401 else {}
    return JSONResponse({"error": error}, status, headers={**headers, "Cache-Control": "no-store"})
