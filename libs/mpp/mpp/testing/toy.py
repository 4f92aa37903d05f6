"""A toy service for the kernel's own tests: a hall gives out numbers without gaps."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from sqlalchemy import JSON, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.decider import Decider, Event, Rejected
from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import SCHEMA_SQL, Log, Recorded, connect
from mpp.eventsourcing.views import Changes, create_statements
from mpp.messaging.message import Message
from mpp_contracts.published import Published


@dataclass(frozen=True, slots=True)
class Give:
    """One number, for whom."""

    whom: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """No numbers any more; closing twice does nothing."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """Leads to an event that cannot be projected."""


class Given(Event, type="number-given"):
    number: int
    whom: str = ""


class Closed(Event, type="hall-closed"):
    """Announced to nobody."""


class Spoilt(Event, type="hall-spoilt"):
    """Its projection fails."""


class HallClosed(Rejected):
    """No numbers in a closed hall."""


class NumberGiven(Published, owner="toy"):
    """A hall gave a number."""

    number: int
    whom: str = ""


@dataclass(frozen=True, slots=True)
class Hall:
    """A hall: how many numbers it gave, and whether it gives more."""

    given: int = 0
    closed: bool = False


def decide(command: Any, hall: Hall) -> list[Event]:
    match command:
        case Give() if hall.closed:
            raise HallClosed
        case Give(whom):
            return [Given(number=hall.given + 1, whom=whom)]
        case Close():
            return [] if hall.closed else [Closed()]
        case Spoil():
            return [Spoilt()]
    raise TypeError(f"no such command: {command!r}")


def evolve(hall: Hall, event: Event) -> Hall:
    match event:
        case Given(number=number):
            return replace(hall, given=number)
        case Closed():
            return replace(hall, closed=True)
    return hall


decider = Decider(kind="hall", initial=Hall(), decide=decide, evolve=evolve, events=(Given, Closed, Spoilt))


class NumberRow(SQLModel, table=True):
    """One number as readers see it."""

    __tablename__ = "toy_numbers"
    hall: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    whom: str
    facts: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON().with_variant(JSONB, "postgresql"))
    )


class HallRow(SQLModel, table=True):
    """One hall as readers see it."""

    __tablename__ = "toy_halls"
    hall: str = Field(primary_key=True)
    given: int | None = Field(default=None, index=True)
    closed: bool | None = None


TABLES = (NumberRow, HallRow)


async def project(tx: asyncpg.Connection, events: Sequence[Recorded]) -> None:
    numbers, halls = Changes(NumberRow), Changes(HallRow)
    for recorded in events:
        match recorded.event:
            case Given(number=number, whom=whom):
                facts = {"version": recorded.version}
                numbers.put(recorded.stream, number, whom=whom, facts=facts)
                if recorded.version == 1:
                    halls.put(recorded.stream, given=number, closed=False)
                else:
                    halls.change(recorded.stream, given=number)
            case Closed():
                if recorded.version == 1:
                    halls.put(recorded.stream, given=0, closed=True)
                else:
                    halls.change(recorded.stream, closed=True)
            case Spoilt():
                raise RuntimeError("this cannot be projected")
    await numbers.write(tx)
    await halls.write(tx)


def announce(recorded: Recorded) -> Published | None:
    match recorded.event:
        case Given(number=number, whom=whom):
            return NumberGiven(mall=recorded.stream.partition("-")[2], number=number, whom=whom)
    return None


def react(heard: Published) -> list[Step]:
    """Whoever was given a number elsewhere gets one here; somebody `bad` breaks the rules of this house."""
    match heard:
        case NumberGiven(mall=mall, whom="bad"):
            return [Step(f"hall-{mall}", Spoil())]
        case NumberGiven(mall=mall, number=number):
            return [Step(f"hall-{mall}", Give(str(number)))]
    return []


def check(stream: str, events: Sequence[Recorded]) -> list[str]:
    """Numbers are 1, 2, 3 …"""
    numbers = [r.event.number for r in events if isinstance(r.event, Given)]
    return [] if numbers == list(range(1, len(numbers) + 1)) else ["numbers with gaps"]


def handler(**options: Any) -> Handler:
    return Handler([decider], project, **options)


async def create(dsn: str, schema: str = "toy") -> None:
    """The schema with the kernel's tables and this service's views."""
    connection = await connect(dsn, "public", "create")
    try:
        await connection.execute(f"create schema {schema}")
        await connection.execute(f"set search_path to {schema}, public")
        for statement in [SCHEMA_SQL, *create_statements(TABLES)]:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def writing(
    dsn: str, schema: str = "toy", *, patience: float = 20, **options: Any
) -> AsyncIterator[Handler]:
    """A started handler on the log in this schema."""
    handle, log = handler(**options), Log(dsn, schema, "write", patience)
    handle.start(log)
    try:
        yield handle
    finally:
        await handle.stop()
        await log.close()


def told(messages: Sequence[Message]) -> list[int]:
    """The numbers that these messages tell of."""
    return [int(m.data["number"]) for m in messages]
