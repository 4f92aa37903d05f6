"""Places in a line: a persistent sorted list, so that a fold can be kept and thrown away at no cost."""

import sys
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

CHUNK = 128


class Place(NamedTuple):
    """Where a ticket stands: priority rank first, then order, then the order of issue."""

    rank: int
    order: int
    seq: int
    ticket: UUID


@dataclass(frozen=True, slots=True)
class Places:
    """Sorted chunks of at most 128 places; add, remove and rank touch one chunk."""

    chunks: tuple[tuple[Place, ...], ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.chunks))

    def __iter__(self) -> Iterator[Place]:
        return (place for chunk in self.chunks for place in chunk)

    @property
    def first(self) -> Place | None:
        return self.chunks[0][0] if self.chunks else None

    def add(self, place: Place) -> "Places":
        if not self.chunks:
            return Places(((place,),))
        last = self.chunks[-1]
        if last[-1] < place and len(last) < CHUNK:  # behind everybody, as most are
            return Places((*self.chunks[:-1], (*last, place)))
        at = max(bisect_right(self.chunks, place, key=_head) - 1, 0)
        chunk = [*self.chunks[at]]
        insort(chunk, place)
        half = CHUNK // 2
        parts = (tuple(chunk),) if len(chunk) <= CHUNK else (tuple(chunk[:half]), tuple(chunk[half:]))
        return Places(self.chunks[:at] + parts + self.chunks[at + 1 :])

    def remove(self, place: Place) -> "Places":
        """Without this place; KeyError when it is not there."""
        at = bisect_right(self.chunks, place, key=_head) - 1
        chunk = self.chunks[at] if at >= 0 else ()
        inside = bisect_left(chunk, place)
        if place not in chunk[inside : inside + 1]:
            raise KeyError(place)
        rest = chunk[:inside] + chunk[inside + 1 :]
        return Places(self.chunks[:at] + ((rest,) if rest else ()) + self.chunks[at + 1 :])

    def ahead_of(self, place: Place) -> int:
        """How many stand before this place."""
        at = bisect_right(self.chunks, place, key=_head) - 1
        if at < 0:
            return 0
        return sum(map(len, self.chunks[:at])) + bisect_left(self.chunks[at], place)

    def start_of(self, rank: int) -> int:
        """How many have a better rank."""
        return self.ahead_of(Place(rank, -sys.maxsize, 0, UUID(int=0)))

    def nth(self, index: int) -> Place | None:
        """The place at this index from the front, if so many wait."""
        for chunk in self.chunks:
            if index < len(chunk):
                return chunk[index]
            index -= len(chunk)
        return None


def _head(chunk: tuple[Place, ...]) -> Place:
    return chunk[0]
