"""What was folded, kept in memory while it is asked for."""

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from time import monotonic
from typing import TypeVar

V = TypeVar("V")
IDLE_SECONDS = 3600.0


class Memory(MutableMapping[str, V]):
    """By stream, the latest `most`; one that was not kept anew for an hour is let go: its day is over."""

    def __init__(self, most: int, idle: float = IDLE_SECONDS) -> None:
        self._most, self._idle = most, idle
        self._kept: OrderedDict[str, tuple[V, float]] = OrderedDict()

    def __getitem__(self, stream: str) -> V:
        return self._kept[stream][0]

    def __setitem__(self, stream: str, value: V) -> None:
        now = monotonic()
        self._kept[stream] = value, now
        self._kept.move_to_end(stream)
        while len(self._kept) > self._most or next(iter(self._kept.values()))[1] < now - self._idle:
            self._kept.popitem(last=False)

    def __delitem__(self, stream: str) -> None:
        del self._kept[stream]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
