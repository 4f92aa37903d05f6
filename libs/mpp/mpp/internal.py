"""What services ask of each other directly: a late consumer reads the owner's events from its log."""

from collections.abc import Callable
from typing import Annotated, Any

import asyncpg
import httpx
from fastapi import APIRouter, Query, Response

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Row, Unavailable
from mpp.eventsourcing.rebuild import recorded_after
from mpp.messaging.message import Announce, Message, decode, messages_of
from mpp.settings import Settings
from mpp.web.auth import Actor, needs
from mpp.web.request import Db

PAGE = 500


def events_router(decode_row: Callable[[Row], Event], announce: Announce) -> APIRouter:
    """`GET /internal/events?after=`: CloudEvents in log order, one a line; for the role `system`."""
    router = APIRouter()

    @router.get("/events")
    async def events(
        _: Annotated[Actor, needs("system")], db: Db, after: Annotated[int, Query(ge=0)] = 0
    ) -> Response:
        messages: list[Message] = []
        position = after
        while not messages and (page := await recorded_after(db, decode_row, position, PAGE)):
            messages = messages_of(page, announce, after)
            position = page[-1].position
        lines = b"\n".join(m.encode() for m in messages)
        return Response(lines, media_type="application/x-ndjson")

    return router


class Owners:
    """Reads other services' events with a system token of this installation."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient):
        self._settings, self._client = settings, client

    async def events_after(self, source: str, position: int) -> list[Message]:
        """The owner's next published events; none when there are no more."""
        answer = await self.ask(source, "events", after=position)
        return [decode(line) for line in answer.content.splitlines()]

    async def ask(self, source: str, path: str, **parameters: Any) -> httpx.Response:
        """What `GET /internal/<path>` of another service answers; Unavailable when it refuses or is away."""
        url = self._settings.owners.get(source)
        if url is None:
            raise Unavailable(f"no address of {source} is known")
        try:
            headers = {"Authorization": f"Bearer {await self._token()}"}
            answer = await self._client.get(f"{url}/internal/{path}", params=parameters, headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as failure:
            raise Unavailable(f"{source} does not answer: {type(failure).__name__}") from failure
        return answer

    async def _token(self) -> str:
        form: dict[str, Any] = {
            "grant_type": "client_credentials",
            "client_id": self._settings.system_client_id,
            "client_secret": self._settings.system_client_secret.get_secret_value(),
        }
        answer = await self._client.post(str(self._settings.system_token_url), data=form)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


async def reader_pool(settings: Settings, schema: str) -> asyncpg.Pool:
    """Connections for reading endpoints: read-only, opened when first needed."""
    server = {
        "search_path": f"{schema}, public",
        "application_name": f"{schema}-read",
        "default_transaction_read_only": "on",
        "statement_timeout": "10s",
        "idle_in_transaction_session_timeout": "10s",
    }
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=settings.pool_size,
        server_settings=server,
        timeout=3,
        reset=_as_it_is,  # one round trip less at each release; nothing here changes a session
    )


async def _as_it_is(_: asyncpg.Connection) -> None:
    return None
