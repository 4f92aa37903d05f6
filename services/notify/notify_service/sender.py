"""The duty that sends, by one replica: urgent ones have a lane of their own."""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from mpp.duty import every
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import About, Unavailable
from mpp.service import Running
from notify_service import channel as said
from notify_service import contacts, queries
from notify_service.channel import Channel, Message
from notify_service.desk import preferences_of
from notify_service.kinds import KINDS
from notify_service.notification import UNSURE, Begin, Choose, GiveUp, NotNow, Sent, TryAgain
from notify_service.template import Texts
from notify_service.texts import all_texts

log = structlog.get_logger()
PAUSE = 0.2  # seconds between two looks
TOGETHER = {True: 16, False: 8}  # sent at once, by urgency
SYSTEM = About(role="system")


def real() -> datetime:
    return datetime.now(UTC)


class Sender:
    """Sends through the channels that this installation has; nothing waits for one that it has not."""

    def __init__(self, channels: Mapping[str, Channel], now: Callable[[], datetime] = real) -> None:
        self._channels, self._now = channels, now

    async def run(self, running: Running) -> None:
        """Both lanes without end."""
        await self.settle(running)
        async with asyncio.TaskGroup() as lanes:
            for urgent in (True, False):
                lanes.create_task(every(PAUSE, partial(self.look, running, urgent), "sending"))

    async def settle(self, running: Running) -> None:
        """Attempts that a replica began before it died: they may have arrived, so they are not repeated."""
        for row in await queries.under_way(running.reader):
            log.warning("an attempt was interrupted", notification=str(row["notification"]))
            await self._say(running, row, GiveUp(row["channel"], self._now(), UNSURE))

    async def look(self, running: Running, urgent: bool) -> int:
        """Choose channels, then send what is due; how many were tried."""
        for row in await queries.to_choose(running.reader, urgent, 100):
            await self._choose(running, row)
        many = TOGETHER[urgent]
        due = await queries.to_send(running.reader, urgent, self._now(), [*self._channels], many)
        if due:
            texts = await all_texts(running.reader)
            await asyncio.gather(*(self._send(running, row, texts[row["kind"]]) for row in due))
        return len(due)

    async def _choose(self, running: Running, row: Mapping[str, Any]) -> None:
        known, kind = await preferences_of(running.reader, row["citizen"]), KINDS[row["kind"]]
        now = self._now()
        channels = known.through(kind, self._channels) if now < row["expires_at"] else ()
        command = Choose(channels, known.not_before(kind, now))
        await running.handle(f"notification-{row['id']}", command, SYSTEM)

    async def _send(self, running: Running, row: Mapping[str, Any], texts: Texts) -> None:
        name, citizen = row["channel"], UUID(bytes=row["citizen"].bytes)
        if running.owners is None:
            raise RuntimeError("notify has to know where profile is")
        try:
            to = await contacts.address(running.owners, citizen, name)
        except Unavailable:
            await self._again(running, row, said.Later("profile-away"))
            return
        if to is None:
            await self._say(running, row, GiveUp(name, self._now(), "no-address"))
            return
        known = await preferences_of(running.reader, citizen)
        text = texts.of(known.language).filled(row["facts"])
        message = Message(row["notification"], to, text.subject, text.text)

        async def begin() -> bool:
            return await self._say(running, row, Begin(name, self._now()))

        result = await self._channels[name].send(message, begin)
        await self._settled(running, row, result)

    async def _settled(self, running: Running, row: Mapping[str, Any], result: said.Result) -> None:
        name, now = row["channel"], self._now()
        match result:
            case said.Delivered():
                await self._say(running, row, Sent(name, now))
            case said.Refused(reason):
                await self._say(running, row, GiveUp(name, now, reason))
            case said.Unsure():
                await self._say(running, row, GiveUp(name, now, UNSURE))
            case said.Later():
                await self._again(running, row, result)

    async def _again(self, running: Running, row: Mapping[str, Any], later: said.Later) -> None:
        chance = random.random()  # noqa: S311 - spreads, hides nothing
        await self._say(
            running, row, TryAgain(row["channel"], self._now(), later.reason, chance, later.after)
        )

    async def _say(self, running: Running, row: Mapping[str, Any], command: Any) -> bool:
        """Whether the command was followed by what it asks for."""
        try:
            outcome = await running.handle(f"notification-{row['notification']}", command, SYSTEM)
        except NotNow:
            return False
        except Rejected as refusal:
            log.warning("notification not moved", refusal=refusal.code)
            return False
        if not isinstance(command, Begin):
            return True
        delivery = outcome.state.on.get(row["channel"])
        return delivery is not None and delivery.state == "sending"
