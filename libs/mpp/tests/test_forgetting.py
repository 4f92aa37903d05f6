"""How a service forgets: asked once, erased however often it takes, answered once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from mpp.eventsourcing.decider import Decider
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import SCHEMA_SQL, Recorded, connect
from mpp.forgetting import (
    FORGETTING_SQL,
    Answer,
    Erased,
    Forget,
    Forgetting,
    ForgettingAnswered,
    ForgettingAsked,
    decide,
    evolve,
)
from mpp.privacy import VAULT_SQL
from mpp.service import Running, Service
from mpp.testing.scenario import Scenario
from mpp.testing.serving import settings_for
from mpp_contracts.profile import SubjectForgotten
from mpp_contracts.subjects import Kept
from mpp_contracts.tracking import SubjectAnswered

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SITI, REQUEST = uuid4(), uuid4()
KEPT = Kept(purpose="application", until=NOW + timedelta(days=365), law="retention")
STREAM = f"subject-{SITI}"


def story() -> Scenario[Any]:
    return Scenario(
        Decider("subject", frozenset(), decide, evolve, (ForgettingAsked, ForgettingAnswered)), frozenset()
    )


ASKED = Forget(SITI, REQUEST, NOW)
ANSWERED = Answer(SITI, REQUEST, ("contact",), (KEPT,), NOW)


def test_a_request_is_taken_once_and_answered_once() -> None:
    happened = story().when(ASKED, ASKED, ANSWERED, ANSWERED, ASKED).happened
    assert [type(event) for event in happened] == [ForgettingAsked, ForgettingAnswered]


def test_nobody_is_answered_who_did_not_ask() -> None:
    story().when(ANSWERED).then()


def test_somebody_may_ask_again() -> None:
    other = uuid4()
    happened = story().when(ASKED, ANSWERED, Forget(SITI, other, NOW)).happened
    assert [getattr(event, "request", None) for event in happened] == [REQUEST, REQUEST, other]


@dataclass
class House:
    """A service that holds contacts and, for the law, applications."""

    running: Running
    forgetting: Forgetting
    db: asyncpg.Connection
    dies: bool = False

    @property
    def vault(self) -> Any:
        return self.running.vault

    async def keep(self, purpose: str, facts: dict[str, Any], **more: Any) -> None:
        await (await self.vault.put(SITI, purpose, facts, **more))(self.db)

    async def ask(self) -> None:
        heard = SubjectForgotten(citizen=SITI, at=NOW, request=REQUEST)
        await self.running.handle.all(self.forgetting.steps(heard))

    async def answers(self) -> list[dict[str, Any]]:
        rows = await self.db.fetch("select data from events where type = 'forgetting-answered'")
        return [ForgettingAnswered.model_validate_json(row["data"]).model_dump() for row in rows]


@pytest_asyncio.fixture
async def house(postgres_url: str) -> AsyncIterator[House]:
    async def erase(running: Running, citizen: UUID, now: datetime) -> Erased:
        assert running.vault is not None
        kept = await running.vault.forget(citizen, now)
        if made.dies:
            raise KeyboardInterrupt  # as if the process ended here
        shown = tuple(Kept(purpose=each.purpose, until=each.until, law="retention") for each in kept)
        return Erased(("contact",), shown, also=[running.vault.erased(citizen, kept)])

    forgetting = Forgetting(erase)

    async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
        await forgetting.project(tx, recorded)

    settings = settings_for("toy", database_url=postgres_url, master_key=SecretStr("11" * 32))
    service = Service(
        name="toy",
        title="toy",
        handle=Handler([forgetting.decider], project),
        tables=(),
        announce=lambda recorded: forgetting.announced(recorded, SubjectAnswered),
        routers=(),
        migrations=Path(),
        check=lambda _, __: [],
        vault=True,
    )
    db = await connect(postgres_url, "toy", "test")
    await db.execute("create schema toy")
    for sql in (SCHEMA_SQL, VAULT_SQL, FORGETTING_SQL):
        await db.execute(sql)
    async with service.running(settings) as running:
        assert running.vault is not None
        await running.vault.prepare()
        made = House(running, forgetting, db)
        yield made
    await db.close()


async def test_what_a_service_holds_is_erased_and_what_the_law_keeps_is_told(house: House) -> None:
    await house.keep("contact", {"email": "siti@example.id"})
    await house.keep("application", {"name": "Siti"}, retain_until=KEPT.until)
    await house.ask()

    assert await house.forgetting.answer_all(house.running, NOW) == 1
    assert await house.forgetting.answer_all(house.running, NOW) == 0
    assert await house.vault.held(house.db, SITI) == {"application": {"name": "Siti"}}
    [answer] = await house.answers()
    assert (answer["request"], answer["erased"]) == (REQUEST, ("contact",))
    assert [(kept["purpose"], kept["until"]) for kept in answer["kept"]] == [("application", KEPT.until)]


async def test_a_process_that_dies_in_between_erases_again_and_answers_once(house: House) -> None:
    await house.keep("contact", {"email": "siti@example.id"})
    await house.ask()
    house.dies = True
    with pytest.raises(KeyboardInterrupt):
        await house.forgetting.answer_all(house.running, NOW)
    assert await house.answers() == []

    house.dies = False
    await house.forgetting.answer_all(house.running, NOW)
    assert len(await house.answers()) == 1
    assert await house.db.fetchval("select count(*) from vault") == 0


async def test_the_answer_is_published_as_the_services_own(house: House) -> None:
    event = ForgettingAnswered(citizen=SITI, request=REQUEST, erased=("contact",), kept=(KEPT,), at=NOW)
    told = house.forgetting.announced(Recorded(1, uuid4(), STREAM, 1, event, NOW), SubjectAnswered)
    assert told is not None
    assert (told.subject, told.kept) == ("mpp.tracking.0000.subject-answered.v1", (KEPT,))


async def test_whom_a_restored_key_store_knows_again_is_forgotten_again(house: House) -> None:
    await house.keep("contact", {"email": "siti@example.id"})
    [key] = await house.db.fetch("select * from toy_keys.keys")
    await house.ask()
    await house.forgetting.answer_all(house.running, NOW)
    await house.db.execute("delete from toy_keys.keys; delete from toy_keys.tombstones")
    await house.db.execute(
        "insert into toy_keys.keys (person, purpose, wrapped, made_at) values ($1, $2, $3, $4)", *key[:4]
    )

    await house.forgetting.sweep(house.running, NOW)
    assert await house.db.fetchval("select count(*) from toy_keys.keys where disabled_at is null") == 0
