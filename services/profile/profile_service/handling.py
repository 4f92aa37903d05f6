"""The one way to change a profile: `await handle(stream, command, about)`; and how profile itself forgets."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from sqlmodel import SQLModel

from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import Recorded
from mpp.forgetting import Erased, Forgetting, ForgettingRow
from mpp.privacy import Vault
from profile_service import leaving, niks, reading, rules, views
from profile_service.command import KINDS

if TYPE_CHECKING:
    from mpp.service import Running

TABLES: tuple[type[SQLModel], ...] = (*views.TABLES, ForgettingRow)


def vault_of(running: "Running") -> Vault:
    """Where personal data is."""
    if running.vault is None:
        raise RuntimeError("profile runs with a vault")
    return running.vault


async def erase(running: "Running", citizen: UUID, at: datetime) -> Erased:
    """Everything profile holds goes: no law keeps any of it."""
    vault = vault_of(running)
    await vault.forget(citizen, at)
    request = await running.reader.fetchval("select request::text from leavings where citizen = $1", citizen)
    heard = leaving.HearAnswer(citizen, at, UUID(request), "profile", KINDS, ())
    gone = [vault.erased(citizen), niks.released(citizen)]
    return Erased(KINDS, steps=[Step(rules.stream(citizen), heard)], also=gone)


forgetting = Forgetting(erase)


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    await views.project(tx, recorded)
    await forgetting.project(tx, recorded)


handle = Handler([rules.decider, reading.decider, forgetting.decider], project)
