"""The one way to write: `await handle(stream, command, about)`."""

from collections.abc import Sequence

import asyncpg
from sqlmodel import SQLModel

from feedback_service import mall, rules, survey, transaction, views
from feedback_service.leaving import forgetting
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Recorded
from mpp.forgetting import ForgettingRow

TABLES: tuple[type[SQLModel], ...] = (*views.TABLES, ForgettingRow)


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    await views.project(tx, recorded)
    await forgetting.project(tx, recorded)


DECIDERS = (mall.decider, transaction.decider, survey.decider, rules.decider, forgetting.decider)
handle = Handler(DECIDERS, project)
