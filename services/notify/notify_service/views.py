"""Read tables of notify: notifications, their deliveries, preferences and templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import TIMESTAMP, BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import Recorded
from mpp.eventsourcing.views import Changes
from notify_service import notification as n
from notify_service import preferences as p
from notify_service.template import TemplateSaved


class View(SQLModel, registry=registry()):
    """A table that can be made anew from the log."""


def _moment(**kwargs: Any) -> Any:
    return Field(sa_type=TIMESTAMP(timezone=True), **kwargs)


class NotificationRow(View, table=True):
    """What somebody is told; this is their inbox."""

    __tablename__ = "notifications"
    id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)
    citizen: UUID | None = None
    mall: str
    kind: str
    facts: dict[str, str] = Field(sa_type=JSONB)
    urgent: bool
    at: datetime = _moment()
    expires_at: datetime = _moment()
    chosen: bool
    read_at: datetime | None = _moment(default=None, nullable=True)
    __table_args__ = (
        Index("notifications_inbox", "citizen", "position"),
        Index("notifications_to_choose", "urgent", postgresql_where="not chosen"),
    )


class DeliveryRow(View, table=True):
    """A notification on one channel."""

    __tablename__ = "deliveries"
    notification: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    urgent: bool
    state: str
    attempts: int
    next_at: datetime | None = _moment(nullable=True)
    at: datetime = _moment()
    reason: str | None = None
    __table_args__ = (
        Index("deliveries_waiting", "urgent", "next_at", postgresql_where="state = 'waiting'"),
        Index("deliveries_failed", "at", postgresql_where="state = 'failed'"),
        Index("deliveries_sending", "channel", postgresql_where="state = 'sending'"),
    )


class PreferencesRow(View, table=True):
    __tablename__ = "preferences"
    citizen: UUID = Field(primary_key=True)
    version: int
    channels: list[str] = Field(sa_type=JSONB)
    consent: bool
    off: dict[str, list[str]] = Field(sa_type=JSONB)
    quiet: list[str] | None = Field(sa_type=JSONB)
    zone: str
    language: str


class TemplateRow(View, table=True):
    """What is said now of each kind; where nothing was saved, what comes with the service."""

    __tablename__ = "templates"
    kind: str = Field(primary_key=True)
    version: int
    texts: dict[str, Any] = Field(sa_type=JSONB)


TABLES: tuple[type[SQLModel], ...] = (NotificationRow, DeliveryRow, PreferencesRow, TemplateRow)
NEW = {
    "channels": [],
    "consent": False,
    "off": {},
    "quiet": [each.isoformat() for each in p.QUIET],
    "zone": p.CAPITAL,
    "language": "id",
}


class Batch:
    """What a batch of events changes, one set per table."""

    def __init__(self) -> None:
        self.notifications, self.deliveries = Changes(NotificationRow), Changes(DeliveryRow)
        self.preferences, self.templates = Changes(PreferencesRow), Changes(TemplateRow)

    def preference(self, r: Recorded) -> None:
        citizen = _of(r)
        now: dict[str, Any] = {"version": r.version}
        match r.event:
            case p.PreferencesBegun():
                self.preferences.put(citizen, **NEW, **now)
                return
            case p.PreferencesForgotten():
                self.preferences.drop(citizen)
                return
            case p.ContactsHeard(channels=channels):
                now |= {"channels": list(channels)}
            case p.ConsentHeard(given=given):
                now |= {"consent": given}
            case p.PreferencesSet(off=off, quiet=quiet, zone=zone, language=language):
                hours = [each.isoformat() for each in quiet] if quiet else None
                now |= {"off": off, "quiet": hours, "zone": zone, "language": language}
        self.preferences.change(citizen, **now)

    def notification(self, r: Recorded) -> None:
        id_ = _of(r)
        match r.event:
            case n.NotificationWanted() as e:
                facts = e.model_dump(mode="python", include={"citizen", "mall", "kind", "facts", "urgent"})
                when = {"at": e.at, "expires_at": e.expires_at, "chosen": False, "position": r.position}
                self.notifications.put(id_, **facts, **when)
            case n.ChannelsChosen(channels=channels, not_before=at, urgent=urgent):
                self.notifications.change(id_, chosen=True)
                for channel in channels:
                    new = {"urgent": urgent, "state": "waiting", "attempts": 0}
                    self.deliveries.put(id_, channel, next_at=at, at=at, **new)
            case n.NotificationRead(at=at):
                self.notifications.change(id_, read_at=at)
            case n.RecipientForgotten(channels=channels):
                self.notifications.drop(id_)
                for channel in channels:
                    self.deliveries.drop(id_, channel)
            case n.OnChannel() as e:
                self._delivery(id_, e)

    def _delivery(self, id_: UUID, e: n.OnChannel) -> None:
        now: dict[str, Any] = {"at": e.at}
        match e:
            case n.AttemptBegun():
                now |= {"state": "sending"}
            case n.AttemptFailed(reason=reason, again_at=again, attempts=attempts):
                now |= {"state": "waiting", "next_at": again, "reason": reason, "attempts": attempts}
            case n.NotificationSent():
                now |= {"state": "sent", "reason": None}
            case n.NotificationFailed(reason=reason):
                now |= {"state": "failed", "reason": reason}
            case n.NotificationRetried():
                now |= {"state": "waiting", "next_at": e.at, "attempts": 0, "reason": None}
        self.deliveries.change(id_, e.channel, **now)

    async def write(self, tx: asyncpg.Connection) -> None:
        for changes in (self.notifications, self.deliveries, self.preferences, self.templates):
            await changes.write(tx)


def _of(r: Recorded) -> UUID:
    return UUID(r.stream.partition("-")[2])


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """All events of a batch as one set per table."""
    batch = Batch()
    for r in recorded:
        match r.event:
            case TemplateSaved(version=version, texts=texts):
                kind = r.stream.removeprefix("template-")
                batch.templates.put(kind, version=version, texts=texts.model_dump(mode="json"))
            case _ if r.stream.startswith("preferences-"):
                batch.preference(r)
            case _ if r.stream.startswith("notification-"):
                batch.notification(r)
    await batch.write(tx)
