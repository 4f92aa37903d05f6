"""Problems: every refusal and every failure as one RFC 9457 answer."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
import httpx
import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import Unavailable
from mpp.web.exchange import exchange_of

log = structlog.get_logger()

RETRY_AFTER = {"Retry-After": "2"}
UNREACHABLE: tuple[type[Exception], ...] = (
    Unavailable,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    httpx.TransportError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,  # told to go between two statements, asyncpg loses its place
    asyncpg.exceptions.OperatorInterventionError,  # shutting down, starting up, statement timeout
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,  # deadlock, serialization
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,  # the primary moved
)


class Malformed(Rejected):
    """The request cannot be read."""

    status = 400


class Unauthenticated(Rejected):
    """No token, or one that does not count here."""

    status = 401


class VersionMismatch(Rejected):
    """If-Match names another version than the current one."""

    status = 412


class TooLarge(Rejected):
    """The body is larger than this service reads."""

    status = 413


class UnsupportedMediaType(Rejected):
    """The body is of a kind this endpoint does not read."""

    status = 415


def problem(
    status: int,
    code: str,
    detail: str = "",
    *,
    instance: str = "",
    title: str = "",
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem+json answer; `code` is the stable word in its type `urn:mpp:problem:<code>`."""
    title = title or code.replace("-", " ").capitalize()
    body = dict(facts or {}) | {
        "type": f"urn:mpp:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "instance": f"urn:mpp:request:{instance}",
    }
    content = orjson.dumps(body, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, headers, "application/problem+json")


def refusal(error: Rejected, instance: str) -> Response:
    """What a rule's refusal looks like from outside."""
    headers = {"WWW-Authenticate": 'Bearer realm="mpp"'} if error.status == 401 else None
    return problem(
        error.status,
        error.code,
        error.detail,
        instance=instance,
        title=error.title,
        facts=error.facts,
        headers=headers,
    )


def failure(instance: str) -> Response:
    """The answer to our own mistake: the request's id, and nothing else."""
    return problem(500, "internal-error", "The request failed; its id helps us find why.", instance=instance)


def explain_problems(app: FastAPI) -> None:
    """Teach an app to answer each exception with its problem."""
    for kind, explain in EXPLAINED.items():
        app.add_exception_handler(kind, explain)


async def explained(request: Request, error: Exception) -> Response:
    """The problem that answers this exception; what nobody foresaw is raised again."""
    for kind in type(error).__mro__:
        if explain := EXPLAINED.get(kind):
            return await explain(request, error)
    raise error


async def _rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)  # noqa: S101 - registered for this type alone
    return refusal(error, _id(request))


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("unavailable", request_id=_id(request), error=type(error).__name__)
    detail = "What this needs cannot be reached now; try again shortly."
    return problem(503, "unavailable", detail, instance=_id(request), headers=RETRY_AFTER)


async def _interface(request: Request, error: Exception) -> Response:
    if "clos" in str(error) or "terminat" in str(error):  # a closed connection or pool has no type of its own
        return await _unavailable(request, error)
    raise error


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code == 400:
        return refusal(Malformed("The body cannot be read."), _id(request))
    code = phrase.lower().replace(" ", "-").replace("'", "")
    detail = error.detail if isinstance(error.detail, str) else ""
    return problem(error.status_code, code, detail, instance=_id(request), title=phrase, headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, "malformed", "The body is not JSON.", instance=_id(request))
    if any(tuple(e["loc"]) == ("body",) for e in found) and foreign_body(request):
        return refusal(UnsupportedMediaType("The body must be JSON."), _id(request))
    errors = [{"at": _at(e["loc"]), "message": _message(e)} for e in found]
    detail = "Some fields are missing or wrong."
    return problem(422, "invalid", detail, instance=_id(request), facts={"errors": errors})


def _at(loc: Any) -> str:
    return ".".join(str(part) for part in loc)[:200]


def _message(error: Mapping[str, Any]) -> str:
    """Pydantic's sentence, unless it repeats what was typed."""
    return "Unknown kind" if error["type"] == "union_tag_invalid" else str(error["msg"])


def foreign_body(request: Request) -> bool:
    """Whether there is a body and it does not say that it is JSON."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return bool(exchange_of(request.scope).body) and not json


def _allowed(request: Request) -> list[str]:
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path is not None and compile_path(route.path)[0].match(request.url.path):
            methods |= route.methods or set()
    return sorted(methods)


def _id(request: Request) -> str:
    return exchange_of(request.scope).request_id


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


EXPLAINED: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    **dict.fromkeys(UNREACHABLE, _unavailable),
    asyncpg.InterfaceError: _interface,
    Rejected: _rejected,
    HTTPException: _http,
    RequestValidationError: _invalid,
}
