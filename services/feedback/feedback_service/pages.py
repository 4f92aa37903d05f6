"""Live pages: a mall's index of this year, said again when somebody has answered."""

import asyncio
from time import monotonic

import structlog

from feedback_service.desk import Desk
from feedback_service.figures import public_of_mall
from mpp.eventsourcing.log import lost
from mpp.messaging.tail import tail
from mpp.service import Running
from mpp.web.live import frame

log = structlog.get_logger()
TOGETHER = 1.0  # seconds in which answers are gathered
JOINING = 10.0  # seconds from the request of a page until it must listen, or counts as gone
SAID = "mpp.feedback.survey-answered.v1"


def topic(mall: str, period: str) -> str:
    return f"ikm {mall} {period}"


class Pages:
    """Feeds the hub of one process from the published events of all replicas."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._watched: dict[
            tuple[str, str], float
        ] = {}  # mall and period → until when a page may not yet listen
        self._moved: dict[str, int] = {}  # mall → position of its last answer

    def watch(self, mall: str, period: str) -> None:
        self._watched[mall, period] = monotonic() + JOINING

    async def follow(self, running: Running) -> None:
        """Without end: hear every answer, show the figures that moved."""
        position = int(await running.reader.fetchval("select coalesce(max(position), 0) from events"))
        self._desk.hub.begin(position)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show())
            async for batch in tail(running.jetstream, "feedback", position, running.told_after):
                for message in batch:
                    if message.type == SAID:
                        self._moved[message.key] = message.position

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(TOGETHER)
            moved, self._moved = self._moved, {}
            try:
                for code, period in [each for each in self._watched if each[0] in moved]:
                    await self._say(code, period, moved[code])
            except Exception as failure:
                if not lost(failure):
                    raise
                self._moved = moved | self._moved
                log.warning("pages wait for the database")

    async def _say(self, code: str, period: str, position: int) -> None:
        gone = monotonic() > self._watched[code, period]
        if gone and not self._desk.hub.watched(topic(code, period)):
            del self._watched[code, period]
            return
        figure = await public_of_mall(self._desk, await self._desk.mall(code), period)
        self._desk.hub.publish(topic(code, period), frame("ikm", figure, position), position, kept=1)
