"""The vault: what is sealed can be read by its service, for its purpose, until its subject is forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from mpp.eventsourcing.log import Unavailable
from mpp.privacy import GRACE, VAULT_SQL, Forgotten, Kept, Vault, opened
from mpp.testing.serving import settings_for

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SITI = UUID("01939c00-0000-7000-8000-000000000001")
MASTER = "11" * 32


@asynccontextmanager
async def vault(url: str, master: str = MASTER, service: str = "toy") -> AsyncIterator[Vault]:
    settings = settings_for(service, db_schema="toy", database_url=url, master_key=SecretStr(master))
    async with opened(settings) as one:
        await one.prepare()
        yield one


@pytest_asyncio.fixture
async def db(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(VAULT_SQL)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def toy(postgres_url: str, db: asyncpg.Connection) -> AsyncIterator[Vault]:
    async with vault(postgres_url) as one:
        yield one


async def keep(one: Vault, db: asyncpg.Connection, purpose: str, facts: dict[str, Any], **more: Any) -> None:
    await (await one.put(SITI, purpose, facts, **more))(db)


async def test_facts_come_back_as_they_were_for_their_purpose_alone(
    toy: Vault, db: asyncpg.Connection
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id", "family": [{"name": "Budi"}], "age": 41})
    await keep(toy, db, "identity", {"nik": "7406014501850001"})

    assert await toy.read(db, SITI, "contact") == {
        "age": 41,
        "email": "siti@example.id",
        "family": [{"name": "Budi"}],
    }
    assert await toy.held(db, SITI) == {
        "contact": await toy.read(db, SITI, "contact"),
        "identity": {"nik": "7406014501850001"},
    }
    assert await toy.read(db, uuid4(), "contact") == {}


async def test_a_fact_can_be_changed_and_taken_out(toy: Vault, db: asyncpg.Connection) -> None:
    await keep(toy, db, "contact", {"email": "old@example.id", "phone": "0811"})
    await keep(toy, db, "contact", {"email": "new@example.id", "phone": None})

    assert await toy.read(db, SITI, "contact") == {"email": "new@example.id"}


async def test_nothing_readable_is_in_any_table(toy: Vault, db: asyncpg.Connection) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    vault_, keys = await db.fetch("select * from vault"), await db.fetch("select * from toy_keys.keys")

    assert (len(vault_), len(keys)) == (1, 1)
    assert b"siti" not in vault_[0]["sealed"] and len(keys[0]["wrapped"]) == 12 + 32 + 16


@pytest.mark.parametrize(
    "moved",
    [
        f"person = '{UUID(int=7)}'",
        "purpose = 'identity'",
        "name = 'phone'",
        "sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
    ],
)
async def test_a_row_that_was_moved_or_touched_is_not_read(
    toy: Vault, db: asyncpg.Connection, moved: str
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    await keep(toy, db, "identity", {"nik": "1"})
    await db.execute(f"update vault set {moved} where purpose = 'contact'")
    rows = await db.fetch("select distinct person, purpose from vault")

    said = [await read(toy, db, row["person"], row["purpose"]) for row in rows]
    assert {"email": "siti@example.id"} not in said and {"phone": "siti@example.id"} not in said
    assert "a row of the vault was moved or touched" in said or {} in said


async def read(one: Vault, db: asyncpg.Connection, person: UUID, purpose: str) -> Any:
    try:
        return await one.read(db, person, purpose)
    except RuntimeError as refused:
        return str(refused)


async def test_another_service_with_the_same_keys_reads_nothing(
    toy: Vault, db: asyncpg.Connection, postgres_url: str
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    async with vault(postgres_url, service="other") as other:
        with pytest.raises(RuntimeError, match="master key"):
            await other.read(db, SITI, "contact")


async def test_a_wrong_master_key_is_said_clearly(
    toy: Vault, db: asyncpg.Connection, postgres_url: str
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    async with vault(postgres_url, "22" * 32) as wrong:
        with pytest.raises(RuntimeError, match="the master key is not the one"):
            await wrong.read(db, SITI, "contact")


async def test_who_is_forgotten_can_be_read_by_no_replica_from_that_moment(
    toy: Vault, db: asyncpg.Connection, postgres_url: str
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    async with vault(postgres_url) as replica:
        assert await replica.read(db, SITI, "contact")
        assert await toy.forget(SITI, NOW) == []
        assert await replica.held(db, SITI) == {} == await toy.held(db, SITI)
        for one in (toy, replica):
            with pytest.raises(Forgotten):
                await one.put(SITI, "contact", {"email": "again@example.id"})


async def test_what_the_law_keeps_stays_until_then_and_is_said(toy: Vault, db: asyncpg.Connection) -> None:
    until = NOW + timedelta(days=365)
    await keep(toy, db, "application", {"name": "Siti"}, retain_until=until)
    await keep(toy, db, "application", {"phone": "0811"}, retain_until=NOW)  # never becomes earlier
    await keep(toy, db, "contact", {"email": "siti@example.id"})

    kept = await toy.forget(SITI, NOW)
    await toy.erased(SITI, kept)(db)
    assert kept == [Kept("application", until)]
    assert await toy.held(db, SITI) == {"application": {"name": "Siti", "phone": "0811"}}
    assert await db.fetchval("select count(*) from vault") == 2

    assert await toy.forget(SITI, until) == []
    assert await toy.held(db, SITI) == {}


async def test_the_keys_of_who_was_forgotten_are_deleted_after_a_day(
    toy: Vault, db: asyncpg.Connection
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    await toy.forget(SITI, NOW)
    await toy.forget(SITI, NOW + timedelta(hours=5))  # asking again delays nothing

    assert await toy.sweep(NOW + GRACE) == 0
    assert await toy.sweep(NOW + GRACE + timedelta(seconds=1)) == 1
    assert await db.fetchval("select count(*) from toy_keys.keys") == 0
    with pytest.raises(Forgotten):
        await toy.put(SITI, "contact", {"email": "again@example.id"})


async def test_keys_that_a_restored_key_store_brought_back_stay_shut_and_go_again(
    toy: Vault, db: asyncpg.Connection
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    [before] = await db.fetch("select * from toy_keys.keys")
    await toy.forget(SITI, NOW)
    await toy.sweep(NOW + timedelta(days=2))
    await db.execute(
        "insert into toy_keys.keys (person, purpose, wrapped, made_at) values ($1, $2, $3, $4)", *before[:4]
    )

    assert await toy.held(db, SITI) == {}
    assert await toy.sweep(NOW + timedelta(days=2)) == 1


async def test_no_new_purpose_is_begun_for_who_was_forgotten_but_what_the_law_keeps_goes_on(
    toy: Vault, db: asyncpg.Connection
) -> None:
    await keep(toy, db, "application", {"name": "Siti"}, retain_until=NOW + timedelta(days=365))
    await toy.forget(SITI, NOW)

    with pytest.raises(Forgotten):
        await toy.put(SITI, "contact", {"email": "siti@example.id"})
    await keep(toy, db, "application", {"phone": "0811"})
    assert await toy.held(db, SITI) == {"application": {"name": "Siti", "phone": "0811"}}


async def test_a_key_store_from_before_the_forgetting_opens_nothing_once_it_is_replayed(
    toy: Vault, db: asyncpg.Connection
) -> None:
    await keep(toy, db, "contact", {"email": "siti@example.id"})
    rows, keys = await db.fetch("select * from vault"), await db.fetch("select * from toy_keys.keys")
    await toy.erased(SITI, await toy.forget(SITI, NOW))(db)
    await toy.sweep(NOW + timedelta(days=2))

    await db.execute("delete from toy_keys.tombstones")
    for key in keys:
        values = "insert into toy_keys.keys (person, purpose, wrapped, made_at) values ($1, $2, $3, $4)"
        await db.execute(values, *key[:4])
    for row in rows:
        await db.execute("insert into vault values ($1, $2, $3, $4, $5)", *row)
    await toy.replay(db, NOW + timedelta(days=3))

    assert await toy.held(db, SITI) == {}
    with pytest.raises(Forgotten):
        await toy.put(SITI, "identity", {"nik": "1"})


async def test_the_rows_leave_with_the_commit_or_not_at_all(toy: Vault, db: asyncpg.Connection) -> None:
    row = await toy.put(SITI, "contact", {"email": "siti@example.id"})
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await row(db)
            raise ZeroDivisionError
    assert await toy.held(db, SITI) == {}


async def test_without_the_key_store_nothing_is_read_or_taken(db: asyncpg.Connection) -> None:
    nowhere = settings_for(
        "toy", database_url="postgresql://x@127.0.0.1:1/x", master_key=SecretStr(MASTER), keys_url=None
    )
    async with opened(nowhere) as one:
        with pytest.raises(Unavailable):
            await one.put(SITI, "contact", {"email": "siti@example.id"})
