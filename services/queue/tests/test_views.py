"""The read tables are what the log folds to, on a real PostgreSQL, whatever happened and however it came."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, connect
from mpp.eventsourcing.verify import contiguous, invariants, snapshot, views_are_fold
from mpp.migrate import migrate
from queue_service import command as c
from queue_service import mall, promises, views
from queue_service.__main__ import service
from queue_service.handling import DECIDERS

from .any_day import STREAM, WISHES, AnyDay
from .day import PLAN, at


@pytest_asyncio.fixture
async def database(postgres_url: str) -> str:
    await migrate(postgres_url, "queue", service.migrations)
    return postgres_url


@pytest_asyncio.fixture
async def handle(database: str) -> AsyncIterator[Handler]:
    handle = Handler(DECIDERS, project=views.project)
    log = Log(database, "queue")
    handle.start(log)
    yield handle
    await handle.stop()
    await log.close()


@pytest_asyncio.fixture
async def db(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database, "queue", "test")
    yield connection
    await connection.close()


async def give(handle: Handler, command: object, stream: str = STREAM) -> bool:
    """Whether the rules allowed it."""
    try:
        await handle(stream, command)
    except Rejected:
        return False
    return True


async def checked(database: str, handle: Handler) -> list[str]:
    connection = await snapshot(database, "queue")
    try:
        checks = [
            await contiguous(connection),
            await invariants(connection, handle.decode, promises.check),
            await views_are_fold(connection, "queue", views.TABLES, handle.decode, views.project),
        ]
    finally:
        await connection.close()
    assert all(check.looked_at for check in checks)
    return [broken for check in checks for broken in check.violations]


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_day_the_views_are_the_fold(
    database: str, handle: Handler, db: asyncpg.Connection, seed: int
) -> None:
    chance, day = Random(seed), AnyDay()
    day.give(c.OpenHall(day.now, PLAN))
    for _ in range(400):
        wish = chance.choice([wish for wish in WISHES if wish != "close"])
        day.give(day.command(wish, chance.randint(0, 5000)))
    commands = [*day.commands]
    while commands:
        some = [commands.pop(0) for _ in range(min(chance.randint(1, 60), len(commands)))]
        await asyncio.gather(*(give(handle, command) for command in some))
    assert await checked(database, handle) == []
    stored = await db.fetch("select id, status, line from tickets where hall = $1", STREAM)
    state = {x.id: (x.status, x.line) for x in day.hall.tickets.values()}
    assert {row["id"]: (row["status"], row["line"]) for row in stored} == state


async def test_the_questions_of_the_service_are_answered_from_the_tables(
    handle: Handler, db: asyncpg.Connection
) -> None:
    ticket = UUID(int=1)
    commands = [
        c.OpenHall(at("07:00"), PLAN),
        c.IssueTicket(at("08:00"), ticket, "a.1", "web"),
        c.CallNext(at("08:10"), "1"),
        c.Recall(at("08:11"), ticket),
        c.Start(at("08:12"), ticket),
    ]
    assert all([await give(handle, command) for command in commands])
    assert await views.hall_of(db, ticket) == STREAM and await views.hall_of(db, UUID(int=2)) is None
    assert await views.served_now(db, STREAM) == [ticket]
    calls = await views.calls_of(db, STREAM, 10)
    assert [(call["kind"], call["number"], call["counter_title"]) for call in calls] == [
        ("recall", "A001", "Loket 1"),
        ("call", "A001", "Loket 1"),
    ]
    assert await views.calls_of(db, STREAM, 1) == calls[:1]
    first, last = calls[1]["position"], calls[0]["position"]
    replay = await views.calls_between(db, STREAM, first, last, 10)
    assert [(row["position"], row["type"]) for row in replay] == [(last, "ticket-recalled")]


async def test_a_hall_is_stale_from_the_moment_its_mall_is_spoken_of(
    handle: Handler, db: asyncpg.Connection
) -> None:
    async def stale() -> list[str]:
        return [row["stream"] for row in await views.stale_halls(db)]

    await handle(STREAM, c.OpenHall(at("07:00"), PLAN))
    assert await stale() == []
    await handle("mall-7406", mall.Hear("line-closed", "A", {"line": "A", "reason": "flood"}))
    await handle("mall-3271", mall.Hear("line-closed", "A", {"line": "A", "reason": "flood"}))
    assert await stale() == [STREAM]
    assert await views.facts_of(db, "7406") == {("line-closed", "A"): {"line": "A", "reason": "flood"}}
    await handle(STREAM, c.ChangePlan(at("07:01"), PLAN.model_copy(update={"closed": "x"})))
    assert await stale() == []
    await handle("mall-7406", mall.Hear("line-closed", "A", None))
    assert await stale() == [STREAM] and await views.facts_of(db, "7406") == {}
    await handle(STREAM, c.CloseHall(at("16:00")))
    assert await stale() == []


async def test_a_wrong_row_is_found(database: str, handle: Handler, db: asyncpg.Connection) -> None:
    await handle(STREAM, c.OpenHall(at("07:00"), PLAN))
    await handle(STREAM, c.IssueTicket(at("08:00"), UUID(int=1), "a.1", "web"))
    assert await checked(database, handle) == []
    await db.execute("update tickets set status = 'called'")
    assert await checked(database, handle) == ["tickets: 1 rows missing", "tickets: 1 rows not in the log"]
