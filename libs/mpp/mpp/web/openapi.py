"""The OpenAPI page: what every operation may answer, written once for all of them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from mpp.eventsourcing.decider import Rejected
from mpp.web.auth import Needs, who
from mpp.web.request import about, if_match, key, last_event_id

REF = {"$ref": "#/components/schemas/Problem"}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457; some problems add facts of their own",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:mpp:problem:line-full"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri", "description": "id of the request"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
CHANGING = {"post", "put", "patch", "delete"}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "OIDC access token"}


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    shape = {"type": "string"} | schema
    return {"name": name, "in": "header", "required": False, "description": description, "schema": shape}


KEY = _header("Idempotency-Key", "chosen by the client; a repeat gets the first answer", format="uuid")
HEADERS: dict[Any, dict[str, Any]] = {
    about: KEY,
    key: KEY,
    if_match: _header("If-Match", "the ETag that this change is based on", pattern=r'^(\*|"[0-9]{1,18}")$'),
    last_event_id: _header("Last-Event-ID", "id of the last event seen", pattern=r"^[0-9]{1,18}$"),
}


def problems(*rules: type[Rejected]) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of an endpoint: the refusals it answers with beyond those every endpoint has."""
    return {rule.status: _documented(rule.status, (rule.__doc__ or "").strip()) for rule in rules}


def page(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an app, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=app.routes)
        for route in iter_route_contexts(app.routes):
            for method in route.methods or ():
                operation = made["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    _complete(operation, method.lower(), route)
        components = made.setdefault("components", {})
        components["securitySchemes"] = {"bearer": BEARER}
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = PROBLEM
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(operation: dict[str, Any], method: str, route: RouteContext) -> None:
    answers, asked = operation["responses"], list(_dependencies(route.dependant))
    headers = {HEADERS[call]["name"]: HEADERS[call] for call in asked if call in HEADERS}
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers.values()]
    roles = sorted({role for call in asked if isinstance(call, Needs) for role in call.roles})
    if roles:
        operation["security"], operation["x-roles"] = [{"bearer": []}], roles
    elif who in asked or about in asked:
        operation["security"] = [{}, {"bearer": []}]
    validated = "HTTPValidationError" in str(answers.get("422", ""))
    if validated:
        del answers["422"]
    for status in _statuses(operation, method, validated):
        answers.setdefault(str(status), _documented(status))


def _statuses(operation: dict[str, Any], method: str, validated: bool) -> Iterator[int]:
    yield from (400, 503)
    parameters = operation.get("parameters", [])
    if any(parameter["in"] == "path" for parameter in parameters):
        yield 404
    if "security" in operation:
        yield from (401, 403)
    if validated:
        yield 422
    if "requestBody" in operation:
        yield from (413, 415)
    if method in CHANGING:
        yield from (409, 422)
    if any(parameter["name"] == "If-Match" for parameter in parameters):
        yield 412


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for below in dependant.dependencies:
        yield below.call
        yield from _dependencies(below)


def _documented(status: int, description: str = "") -> dict[str, Any]:
    text = description or HTTPStatus(status).phrase
    return {"description": text, "content": {"application/problem+json": {"schema": REF}}}
