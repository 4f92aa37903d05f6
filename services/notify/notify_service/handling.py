"""The one way to write: `await handle(stream, command, about)`."""

from collections.abc import Sequence

import asyncpg
from sqlmodel import SQLModel

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Recorded
from mpp.forgetting import ForgettingRow
from notify_service import notification, preferences, template, views
from notify_service.erasure import forgetting

TABLES: tuple[type[SQLModel], ...] = (*views.TABLES, ForgettingRow)


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    await views.project(tx, recorded)
    await forgetting.project(tx, recorded)


DECIDERS = (notification.decider, preferences.decider, template.decider, forgetting.decider)
handle = Handler(DECIDERS, project)
