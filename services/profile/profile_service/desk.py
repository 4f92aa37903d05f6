"""What a process keeps while it serves: one way to write facts, one to read them, whoever asks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, Request

from mpp.eventsourcing.decider import Forbidden
from mpp.eventsourcing.handler import Also, Outcome, Step
from mpp.eventsourcing.log import About
from mpp.service import Running
from mpp.web.auth import Actor
from profile_service import nik, niks, reading, rules
from profile_service.citizen import ChangeFacts, Register
from profile_service.command import KINDS, Gone, Kind, NotRegistered, Purpose
from profile_service.facts import Contact, Facts, Identity, NotBorn, stored
from profile_service.handling import handle, vault_of
from profile_service.leaving import ANSWERING

A_DAY = timedelta(days=1)  # the date of the request is not that of every zone


class ConsentMissing(Forbidden):
    """The citizen has not agreed that data is used for this purpose."""


@dataclass(frozen=True, slots=True)
class Known:
    """A citizen as the tables know them."""

    citizen: UUID
    version: int
    mall: str | None
    consents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One change under way: of whom, by whom, based on which version."""

    citizen: UUID
    at: datetime
    about: About
    expected: int | None = None


class Desk:
    """Reads and writes facts; the vault is asked for each, so that a forgotten person is unknown at once."""

    def __init__(self, running: Running) -> None:
        self.running, self.vault = running, vault_of(running)

    @property
    def asked(self) -> frozenset[str]:
        """Who must answer when somebody wants to be forgotten: profile, and who else runs here."""
        owners = self.running.settings.owners
        return frozenset({"profile"} | (ANSWERING & {*owners} if owners else ANSWERING))

    async def known(self, db: asyncpg.Connection, citizen: UUID) -> Known:
        """Raises NotRegistered, Gone."""
        sql = """select c.version, c.mall, c.registered_at, l.request,
                array(select jsonb_object_keys(c.consents)) as consents
            from citizens c left join leavings l using (citizen) where c.citizen = $1"""
        row = await db.fetchrow(sql, citizen)
        if row is not None and row["request"] is not None:
            raise Gone
        if row is None or row["registered_at"] is None:
            raise NotRegistered
        return Known(citizen, row["version"], row["mall"], frozenset(row["consents"]))

    async def agreed(self, db: asyncpg.Connection, citizen: UUID, purpose: Purpose) -> Known:
        """The same, for this purpose only. Raises ConsentMissing."""
        known = await self.known(db, citizen)
        if purpose not in known.consents:
            raise ConsentMissing(f"no consent for {purpose}", purpose=purpose)
        return known

    async def register(
        self, change: Change, facts: Identity, mall: str | None = None
    ) -> tuple[Outcome, tuple[str, ...]]:
        """Somebody becomes known, or corrects who they are; with the NIK's warnings."""
        steps: list[Any] = [Register(change.citizen, change.at, mall)]
        also, warnings = list[Also](), tuple[str, ...]()
        told = stored(facts)
        if facts.birth_date is not None and facts.birth_date > change.at.date() + A_DAY:
            raise NotBorn(field="birth_date")
        if facts.nik is None:
            del told["nik"]
        else:
            valid = nik.read(facts.nik, change.at.date() + A_DAY)
            warnings = valid.warnings + nik.contradictions(valid, facts.birth_date, facts.sex)
            hash_ = niks.hashed(self.running.settings.secret_key, valid.number)
            also.append(niks.claimed(change.citizen, hash_))
        steps.append(ChangeFacts(change.citizen, change.at, "identity"))
        return await self._write(change, steps, "identity", told, also), warnings

    async def change(self, change: Change, kind: Kind, facts: Facts) -> Outcome:
        """Facts of one kind, as a whole."""
        channels = facts.channels if isinstance(facts, Contact) else ()
        step = ChangeFacts(change.citizen, change.at, kind, channels)
        return await self._write(change, [step], kind, stored(facts), [])

    async def _write(
        self, change: Change, commands: list[Any], kind: Kind, facts: Mapping[str, Any], also: Sequence[Also]
    ) -> Outcome:
        if change.expected is not None:
            commands[0] = rules.IfVersion(change.expected, commands[0])
        steps = [Step(rules.stream(change.citizen), command) for command in commands]
        rows = await self.vault.put(change.citizen, kind, facts)
        return await handle.all(steps, change.about, also=[*also, rows])

    async def facts(
        self, db: asyncpg.Connection, citizen: UUID, kinds: Iterable[Kind] = KINDS, *, full: bool = False
    ) -> dict[str, dict[str, Any]]:
        """What is held, by kind; NIKs masked unless `full`."""
        wanted = list(kinds)
        held = await self.vault.read_all(db, [(citizen, kind) for kind in wanted])
        found: dict[str, dict[str, Any]] = {kind: held[citizen, kind] for kind in wanted}
        return found if full else {kind: _masked(each) for kind, each in found.items()}

    async def note(
        self, citizen: UUID, at: datetime, actor: Actor, kinds: Iterable[str], purpose: str
    ) -> None:
        """Write down that somebody else reads; before they are answered."""
        command = reading.NoteReading(citizen, at, actor.id, actor.role, tuple(kinds), purpose)
        await handle(reading.stream(citizen), command, About(actor=actor.id, role=actor.role))


def _masked(facts: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {k: nik.masked(fact) if k == "nik" else fact for k, fact in facts.items()}
    if "members" in shown:
        shown["members"] = [_masked({k: v for k, v in each.items() if v}) for each in shown["members"]]
    return shown


async def desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


AtDesk = Annotated[Desk, Depends(desk)]
