"""What the catalog would say: malls to measure in, and news of others in any number."""

import time as clock
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from itertools import count, islice
from uuid import uuid4

from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Message
from mpp_contracts.catalog import (
    CounterDefined,
    Hours,
    HoursSet,
    LineDefined,
    MallDescribed,
    ServicePublished,
)
from mpp_contracts.published import Published

ZONE, OFFSET = "Asia/Jakarta", "+07:00"
ALWAYS = Hours(opens=time(0), closes=time(23, 59, 59), last_ticket=time(23, 59, 59))
LINES = tuple("ABCDEFGHIJKLMNOPQRST")
COUNTERS = 40
MALLS = tuple(f"99{n:02d}" for n in range(1, 6))
ELSEWHERE = tuple(f"98{n:02d}" for n in range(1, 11))  # malls that only the news are about
WINDOW = 128


def service_of(line: str) -> str:
    return f"service.{line.lower()}"


def counters_of(mall: str) -> list[str]:
    return [f"{mall}-{n:02d}" for n in range(1, COUNTERS + 1)]


def opening(mall: str) -> Iterator[Published]:
    """A mall of twenty lines and forty counters, open day and night."""
    yield MallDescribed(mall=mall, slug=f"mall-{mall}", title=f"MPP {mall}", region=mall, timezone=ZONE)
    yield HoursSet(mall=mall, week=(ALWAYS,) * 7)
    for line in LINES:
        code = service_of(line)
        yield ServicePublished(mall=mall, code=code, agency="one", title=code, minutes=8, standard=1)
        yield LineDefined(mall=mall, line=line, title=f"Line {line}", services=(code,))
    for n, counter in enumerate(counters_of(mall)):
        lines = (LINES[n % len(LINES)], LINES[(n + 7) % len(LINES)])
        yield CounterDefined(mall=mall, counter=counter, title=f"Loket {n + 1}", agency="one", lines=lines)


def news(many: int, first: int) -> list[Published]:
    """Services of other malls, fifty each, that change and change again."""
    return list(islice(_changes(first), many))


def _changes(first: int) -> Iterator[Published]:
    for n in count(first):
        code = f"service.{n // len(ELSEWHERE) % 50}"
        mall, minutes = ELSEWHERE[n % len(ELSEWHERE)], 1 + n // 500
        yield ServicePublished(mall=mall, code=code, agency="one", title=code, minutes=minutes, standard=1)


class Catalog:
    """Speaks on NATS in the catalog's name; `position` is that of its last event."""

    def __init__(self, url: str) -> None:
        self._url, self.position = url, 0

    async def tell(self, events: Sequence[Published]) -> float:
        """Stores these in JetStream, in order; events a second."""
        jetstream, began = JetStream(self._url, "bench"), clock.perf_counter()
        await jetstream.connect()
        try:
            await jetstream.ensure("catalog")
            for start in range(0, len(events), WINDOW):
                expected, window = self.position, events[start : start + WINDOW]
                await jetstream.publish([*self._spoken(window)], expected)
        finally:
            await jetstream.close()
        return len(events) / (clock.perf_counter() - began)

    def _spoken(self, events: Sequence[Published]) -> Iterator[tuple[str, bytes]]:
        for event in events:
            before, self.position = self.position, self.position + 1
            data, now = event.model_dump(mode="json"), datetime.now(UTC)
            message = Message(uuid4(), self.position, before, event.subject, now, data)
            yield message.subject, message.encode()
