"""The development issuer: OpenID discovery, its public key, tokens for the services themselves."""

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

TOKEN_SECONDS = 900
LONGEST_FORM = 4096


def router(home: Home) -> APIRouter:
    """The endpoints of the issuer of this node."""
    api, signer = APIRouter(), Signer(home)
    clients = {service.name: home.secret(f"client/{service.name}") for service in SERVICES}

    @api.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        """OpenID Connect Discovery 1.0; nobody signs in here, so there is no authorization endpoint."""
        return {
            "issuer": signer.issuer,
            "jwks_uri": f"{signer.issuer}/oidc/jwks",
            "token_endpoint": f"{signer.issuer}/oidc/token",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
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
        """The client-credentials grant of RFC 6749: a service gets the role `system`."""
        form = await _form(request)
        if form is None or form.get("grant_type") is None:
            return _refusal(400, "invalid_request")
        if form["grant_type"] != "client_credentials":
            return _refusal(400, "unsupported_grant_type")
        name, secret = _credentials(request, form)
        if not hmac.compare_digest(clients.get(name, "").encode(), secret.encode()) or not secret:
            return _refusal(401, "invalid_client")
        granted = signer.token(["system"], ttl=TOKEN_SECONDS)
        answer = {"access_token": granted, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return api


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
