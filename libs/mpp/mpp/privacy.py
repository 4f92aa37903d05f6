"""The vault: personal data, sealed with a key per person and purpose, so that forgetting is losing a key."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from os import urandom
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import Reading, Unavailable, lost
from mpp.settings import Settings

VAULT_SQL = files(__package__).joinpath("privacy.sql").read_text()
KEYS_SQL = files(__package__).joinpath("privacy_keys.sql").read_text()
GRACE = timedelta(hours=24)  # from a key's disabling to its deletion; the law gives 72 h in all
NONCE = 12
CHUNK = 1000  # people forgotten again with one query

Row = Callable[[Any], Awaitable[None]]  # as `also` of a command: atomic with its events


class Forgotten(Rejected):
    """This person asked to be forgotten: nothing new is kept for this purpose."""

    status = 410


@dataclass(frozen=True, slots=True)
class Kept:
    """What the law keeps of a person who asked to be forgotten."""

    purpose: str
    until: datetime


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["Vault"]:
    """The vault of a service as its settings say; the key store is first asked when it is needed."""
    if settings.master_key is None:
        raise ValueError("MPP_MASTER_KEY is needed: this service holds personal data")
    schema, master = f"{settings.table_schema}_keys", bytes.fromhex(settings.master_key.get_secret_value())
    server = {"search_path": schema, "application_name": schema, "statement_timeout": "9s"}
    url = settings.keys_url or settings.database_url
    async with asyncpg.create_pool(
        url, min_size=0, max_size=4, server_settings=server, timeout=3, command_timeout=10
    ) as keys:
        yield Vault(settings.service, schema, keys, master)


class Vault:
    """One service's vault. `person` is any data subject: a citizen, or a case whose reporter has no account.

    Sealed with AES-256-GCM, bound to service, person, purpose and name: a row that is moved can't be read.
    Keys live in a store of their own, wrapped by the master key, and are asked for each time: what is
    disabled can't be read any more, by no replica.
    """

    def __init__(self, service: str, schema: str, keys: asyncpg.Pool, master: bytes) -> None:
        self._service, self.schema, self._keys, self._master = service.encode(), schema, keys, AESGCM(master)

    async def prepare(self) -> None:
        """Makes the schema and the tables of the key store where they are missing."""
        async with self._keys.acquire() as connection, connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended('keys:' || $1, 0))", self.schema
            )
            if await connection.fetchval("select to_regnamespace($1)", self.schema) is None:
                await connection.execute(f"create schema {self.schema}")
            await connection.execute(KEYS_SQL)

    async def put(
        self, person: UUID, purpose: str, facts: Mapping[str, Any], *, retain_until: datetime | None = None
    ) -> Row:
        """The rows that store these facts (anything JSON; None takes one out), as `also` of a command.

        `retain_until`: the law keeps this purpose until then, also from somebody who wants to be forgotten;
        it never becomes earlier. Raises Forgotten, Unavailable.
        """
        key = AESGCM(await self._key(person, purpose, retain_until))
        sealed = {
            name: None if fact is None else self._seal(key, orjson.dumps(fact), person, purpose, name)
            for name, fact in facts.items()
        }

        async def row(tx: asyncpg.Connection) -> None:
            gone = [name for name, blob in sealed.items() if blob is None]
            there = {name: blob for name, blob in sealed.items() if blob is not None}
            own = "delete from vault where person = $1 and purpose = $2 and name = any($3::text[])"
            await tx.execute(own, person, purpose, gone)
            await tx.execute(
                """insert into vault (person, purpose, name, sealed)
                select $1, $2, * from unnest($3::text[], $4::bytea[])
                on conflict (person, purpose, name)
                do update set sealed = excluded.sealed, sealed_at = clock_timestamp()""",
                person,
                purpose,
                list(there),
                list(there.values()),
            )

        return row

    async def read(self, db: Reading, person: UUID, purpose: str) -> dict[str, Any]:
        """All facts of one person for one purpose; none when there are none or they are forgotten."""
        return (await self.read_all(db, [(person, purpose)]))[person, purpose]

    async def read_all(
        self, db: Reading, wanted: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], dict[str, Any]]:
        """The same for many at once, with two queries."""
        asked = list(dict.fromkeys(wanted))
        people, purposes = [person for person, _ in asked], [purpose for _, purpose in asked]
        found: dict[tuple[UUID, str], dict[str, Any]] = {each: {} for each in asked}
        rows = await db.fetch(
            """select person, purpose, name, sealed from vault
            where (person, purpose) in (select * from unnest($1::uuid[], $2::text[])) order by name""",
            people,
            purposes,
        )
        if not rows:
            return found
        keys = await self._ask(
            "fetch",
            """select person, purpose, wrapped from keys where disabled_at is null
            and (person, purpose) in (select * from unnest($1::uuid[], $2::text[]))
            and not exists (select from tombstones as t
                where t.person = keys.person and t.purpose = keys.purpose)""",
            people,
            purposes,
        )
        open_ = {(k["person"], k["purpose"]): AESGCM(self._unwrap(k)) for k in keys}
        for row in rows:
            person, purpose, name, sealed = row
            if key := open_.get((person, purpose)):
                about = self._about(person, purpose, name)
                found[person, purpose][name] = orjson.loads(_unsealed(key, sealed, about))
        return found

    async def held(self, db: Reading, person: UUID) -> dict[str, dict[str, Any]]:
        """Everything that can be read of a person, by purpose."""
        rows = await db.fetch("select distinct purpose from vault where person = $1", person)
        all_ = await self.read_all(db, [(person, row["purpose"]) for row in rows])
        return {purpose: facts for (_, purpose), facts in all_.items() if facts}

    async def forget(self, person: UUID, at: datetime) -> list[Kept]:
        """From now on nothing of this person can be read, but for what the law keeps, which is returned.

        No key is made for them any more, for no purpose. Disabled keys are deleted by `sweep`; doing it again
        changes nothing but for what the law kept until now.
        """
        await self._bury([person], at)
        kept = await self._ask(
            "fetch",
            "select purpose, retain_until from keys where person = $1 and disabled_at is null order by 1",
            person,
        )
        return [Kept(row["purpose"], row["retain_until"]) for row in kept]

    async def replay(self, db: Reading, at: datetime, people: Iterable[UUID] = ()) -> None:
        """Forget again everybody whom the service's own tables (and the caller) know as forgotten.

        Before it serves and each hour: a key store may have been restored from an older copy, and the law
        keeps nothing for ever.
        """
        known = {row["person"] for row in await db.fetch("select person from forgotten")}
        everybody = sorted(known.union(people))
        for begin in range(0, len(everybody), CHUNK):
            await self._bury(everybody[begin : begin + CHUNK], at)

    async def _bury(self, people: list[UUID], at: datetime) -> None:
        await self._ask(
            "execute",
            """with gone as (
                update keys set disabled_at = coalesce(disabled_at, $2)
                where person = any($1::uuid[]) and (retain_until is null or retain_until <= $2)
                returning person, purpose)
            insert into tombstones (person, purpose, buried_at) select person, purpose, $2 from gone
            union all select person, '', $2 from unnest($1::uuid[]) as person on conflict do nothing""",
            people,
            at,
        )

    def erased(self, person: UUID, kept: Iterable[Kept] = ()) -> Row:
        """The rows of a person who was forgotten leave the vault, and that they were is kept here too."""
        spared = [each.purpose for each in kept]

        async def row(tx: asyncpg.Connection) -> None:
            sql = "delete from vault where person = $1 and purpose <> all($2::text[])"
            await tx.execute(sql, person, spared)
            await tx.execute("insert into forgotten (person) values ($1) on conflict do nothing", person)

        return row

    async def sweep(self, now: datetime) -> int:
        """Delete keys that were disabled a day ago, or that a restored key store brought back; how many."""
        gone = await self._ask(
            "fetch",
            """delete from keys using (
                select person, purpose from keys where disabled_at < $1
                union select person, purpose from tombstones where buried_at < $1) as old
            where keys.person = old.person and keys.purpose = old.purpose returning 1""",
            now - GRACE,
        )
        return len(gone)

    async def _key(self, person: UUID, purpose: str, retain_until: datetime | None) -> bytes:
        fresh = urandom(32)
        wrapped = self._seal(self._master, fresh, person, purpose, "key")
        rows = await self._ask(
            "fetch",
            """insert into keys as k (person, purpose, wrapped, retain_until) select $1, $2, $3, $4
            where not exists (select from tombstones where person = $1 and purpose = $2) and (
                not exists (select from tombstones where person = $1 and purpose = '')
                or exists (select from keys where person = $1 and purpose = $2 and disabled_at is null))
            on conflict (person, purpose) do update set retain_until = greatest(k.retain_until, $4)
            returning person, purpose, wrapped, disabled_at""",
            person,
            purpose,
            wrapped,
            retain_until,
        )
        if not rows or rows[0]["disabled_at"] is not None:
            raise Forgotten
        return self._unwrap(rows[0])

    def _unwrap(self, row: Mapping[str, Any]) -> bytes:
        wrapped, about = row["wrapped"], self._about(row["person"], row["purpose"], "key")
        try:
            return self._master.decrypt(wrapped[:NONCE], wrapped[NONCE:], about)
        except InvalidTag:
            raise RuntimeError("the master key is not the one that wrapped this key") from None

    def _seal(self, key: AESGCM, fact: bytes, person: UUID, purpose: str, name: str) -> bytes:
        nonce = urandom(NONCE)
        return nonce + key.encrypt(nonce, fact, self._about(person, purpose, name))

    def _about(self, person: UUID, purpose: str, name: str) -> bytes:
        return b"\x00".join((self._service, person.bytes, purpose.encode(), name.encode()))

    async def _ask(self, how: str, sql: str, *values: Any) -> Any:
        try:
            return await getattr(self._keys, how)(sql, *values)
        except Exception as failure:
            if lost(failure):
                raise Unavailable("the key store does not answer") from failure
            raise


def _unsealed(key: AESGCM, sealed: bytes, about: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:NONCE], sealed[NONCE:], about)
    except InvalidTag:
        raise RuntimeError("a row of the vault was moved or touched") from None
