"""What services ask of each other directly: a late consumer reads the owner's events from its log."""

from collections.abc import Callable, Container
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import APIRouter, Query, Response

from mpp.eventsourcing.decider import Event, Rejected
from mpp.eventsourcing.log import Reading, Row, Unavailable, lost
from mpp.eventsourcing.rebuild import recorded_after
from mpp.messaging.inbox import OtherHistory
from mpp.messaging.message import Announce, Message, decode, messages_of
from mpp.settings import Settings
from mpp.web.auth import Actor, needs
from mpp.web.openapi import problems
from mpp.web.request import Db

PAGE, PAGES = 500, 50  # events read at a time, and how often for one answer
LAST = (1 << 63) - 1
PATIENCE = 10.0  # seconds without an answer after which a reader's connection counts as lost


class NotHere(Rejected):
    """Another event is at this position, or none: this log lost what somebody heard of it."""


class Told:
    """What a service has told of its own log: for consumers that come late and pages that missed some."""

    def __init__(self, decode_row: Callable[[Row], Event], announce: Announce) -> None:
        self._decode, self._announce = decode_row, announce

    async def after(
        self, db: Reading, position: int, seen: UUID | None = None, start: int = 0
    ) -> tuple[list[Message], int]:
        """The next published events after `position`, and how far the log was read for them.

        seen: the event that the asker heard at `position`; raises NotHere when it is not there.
        start: where an earlier answer without messages had read to.
        """
        if seen and await db.fetchval("select id from events where position = $1", position) != seen:
            raise NotHere(position=position)
        messages: list[Message] = []
        reached = max(position, start)
        for _ in range(PAGES):
            page = await recorded_after(db, self._decode, reached, PAGE)
            messages = messages_of(page, self._announce, position, seen)
            if messages or not page:
                return messages, reached
            reached = page[-1].position
        return messages, reached

    async def onward(self, pool: asyncpg.Pool, position: int, seen: UUID | None = None) -> list[Message]:
        """The same from the service's own tables, however much must be read for it; none at the end."""
        try:
            messages, reached = await self.after(pool, position, seen)
            read = position
            while not messages and reached > read:
                read, (messages, reached) = reached, await self.after(pool, position, seen, reached)
        except Exception as failure:
            if lost(failure):
                raise Unavailable("the database does not answer") from failure
            raise
        return messages

    def router(self) -> APIRouter:
        """`GET /internal/events?after=`: CloudEvents in log order, one a line; for the role `system`.

        No lines and `Mpp-Read-To`: much was read that is told to nobody; ask again with `start`.
        """
        router = APIRouter()

        @router.get("/events", responses=problems(NotHere))
        async def events(
            _: Annotated[Actor, needs("system")],
            db: Db,
            after: Annotated[int, Query(ge=0, le=LAST)] = 0,
            seen: UUID | None = None,
            start: Annotated[int, Query(ge=0, le=LAST)] = 0,
        ) -> Response:
            messages, reached = await self.after(db, after, seen, start)
            more = not messages and reached > max(after, start)
            headers = {"Mpp-Read-To": str(reached)} if more else {}
            lines = b"\n".join(m.encode() for m in messages)
            return Response(lines, media_type="application/x-ndjson", headers=headers)

        return router


class Owners:
    """Reads other services' events with a system token of this installation."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient):
        self._settings, self._client = settings, client

    async def events_after(self, source: str, position: int, seen: UUID | None = None) -> list[Message]:
        """The owner's next published events; none when there are no more.

        seen: the event heard at `position`; raises OtherHistory when the owner has lost it.
        """
        asked: dict[str, Any] = {"after": position} | ({"seen": str(seen)} if seen else {})
        start: str | None = "0"
        while start is not None:
            answer = await self.ask(source, "events", {NotHere.status}, start=start, **asked)
            if answer.status_code == NotHere.status:
                raise OtherHistory(f"{source} has no event {seen} at {position}")
            start = answer.headers.get("Mpp-Read-To")
        return [decode(line) for line in answer.content.splitlines()]

    async def ask(
        self, source: str, path: str, passing: Container[int] = (), /, **parameters: Any
    ) -> httpx.Response:
        """What `GET /internal/<path>` of another service answers; Unavailable when it is away, or refuses
        otherwise than with a status in `passing`."""
        url = self._settings.owners.get(source)
        if url is None:
            raise Unavailable(f"no address of {source} is known")
        try:
            headers = {"Authorization": f"Bearer {await self._token()}"}
            answer = await self._client.get(f"{url}/internal/{path}", params=parameters, headers=headers)
            if answer.status_code not in passing:
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
        "statement_timeout": "9s",
        "idle_in_transaction_session_timeout": "10s",
    }
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=settings.pool_size,
        server_settings=server,
        timeout=3,
        command_timeout=PATIENCE,
        reset=_as_it_is,  # one round trip less at each release; nothing here changes a session
    )


async def _as_it_is(_: asyncpg.Connection) -> None:
    return None
