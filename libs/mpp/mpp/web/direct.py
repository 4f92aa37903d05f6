"""The hot route: endpoints that a whole mall asks at once, called without FastAPI's solver and middleware.

FastAPI reads the signature, describes it in OpenAPI and would answer the same; what it does for each request
(two exit stacks, three layers of exception handling, a solver) costs more than issuing a ticket does.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from inspect import iscoroutinefunction
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mpp.web.exchange import exchange_of
from mpp.web.problems import Malformed, explained, foreign_body

_ABSENT = object()
_MISSING = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class Direct(APIRoute):
    """`APIRouter(route_class=Direct)`: such an endpoint asks for path parameters, for one JSON body, and for
    dependencies that are told the request alone; it returns a Response. Anything else is a TypeError.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(path, endpoint, **kwargs)
        asked = self.dependant
        parts = (asked.query_params, asked.header_params, asked.cookie_params, asked.body_params[1:])
        odd = [str(field.name) for part in parts for field in part]
        odd += [str(below.name) for below in asked.dependencies if not _simple(below)]
        if odd:
            names = ", ".join(odd)
            raise TypeError(f"{endpoint.__name__} asks for more than a hot route gives: {names}")
        self._given = [(str(below.name), below.call) for below in asked.dependencies]
        self._path = [(field.name, _adapter(field)) for field in asked.path_params]
        self._body = [(field.name, _adapter(field), field) for field in asked.body_params]

    async def answer(self, request: Request) -> Response:
        """The endpoint's answer; raises what FastAPI's solver would."""
        body = _parsed(request) if self._body else _ABSENT
        values: dict[str, Any] = {}
        for name, call in self._given:
            values[name] = await call(request)  # type: ignore[misc]
        errors: list[Any] = []
        for name, adapter in self._path:
            try:
                values[name] = adapter.validate_python(request.scope["path_params"][name])
            except ValidationError as wrong:
                errors += _located(wrong, "path", name)
        for name, adapter, field in self._body:
            try:
                if body is not _ABSENT:
                    values[name] = adapter.validate_python(body, from_attributes=True)
                elif field.field_info.is_required():
                    errors.append(_MISSING)
                else:
                    values[name] = field.get_default()
            except ValidationError as wrong:
                errors += _located(wrong, "body")
        if errors:
            raise RequestValidationError(errors)
        answered: Response = await self.endpoint(**values)
        return answered


def _simple(below: Any) -> bool:
    """Whether a dependency is `async def …(request)`, or an object that is called like one."""
    alone = below.request_param_name == "request" and not below.dependencies
    return alone and any(map(iscoroutinefunction, (below.call, type(below.call).__call__)))


def _parsed(request: Request) -> Any:
    """What the body says; its bytes when it does not claim to be JSON."""
    body = exchange_of(request.scope).body
    if not body or foreign_body(request):
        return body or _ABSENT
    try:
        return json.loads(body)  # the parser of FastAPI and of the edge: all must read the same
    except json.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    except (ValueError, RecursionError):
        raise Malformed("The body cannot be read.") from None


def _adapter(field: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[field.field_info.annotation, field.field_info])


def _located(wrong: ValidationError, *place: str) -> Iterable[dict[str, Any]]:
    for error in wrong.errors(include_url=False):
        yield {**error, "loc": (*place, *error["loc"])}


class Hot:
    """Sits before an app: takes the requests of its direct routes, and hands on the rest."""

    def __init__(self, app: FastAPI, routes: Sequence[Direct], dress: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app, self._answer = app, dress(self._serve)
        self._routes = [(method, r.path_regex, r) for r in routes for method in r.methods or ()]

    def found(self, scope: Scope) -> bool:
        """Whether a direct route takes this request, which it then is told."""
        if scope["type"] != "http":
            return False
        method, path = scope["method"], scope["path"]
        for taken, regex, route in self._routes:
            if taken == method and (match := regex.match(path)):
                scope.update(route=route, app=self._app, path_params=match.groupdict())
                return True
        return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await scope["route"].answer(request)
        except Exception as error:
            response = await explained(request, error)
        await response(scope, receive, send)
