"""An SMS gateway: one POST a message, a bearer token, and a memory for ids."""

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Gateway:
    """Everything it took in `messages`; `troubles`: statuses to refuse the next ones with."""

    token: str = "emulated"  # noqa: S105
    troubles: list[int] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/messages", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "who are you?"}, 401)
        if self.troubles:
            return JSONResponse({"error": "refused"}, self.troubles.pop(0), {"Retry-After": "1"})
        self.messages.append(await request.json())
        return JSONResponse({"accepted": True}, 202)
