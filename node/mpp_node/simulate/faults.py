"""Faults of a day: what may happen to a part of the node, and in which order; the same for a seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

EVERYTHING = "everything"
KILLED = ("queue", "catalog", "nats", "postgres", "traefik", "site", EVERYTHING)
FROZEN = ("queue", "catalog", "nats", "postgres", "traefik")
FREEZES = (1.0, 6.0)  # real seconds: the shortest, the longest
KEPT = (0.3, 0.95)  # share of a stream's newest file that is left when its end is lost


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `size` is the seconds of a freeze, or the share that a lost end leaves."""

    how: str  # kill, freeze, delete, purge, cut
    part: str  # of the node; for the last three, whose stream
    size: float = 0.0

    def __str__(self) -> str:
        match self.how:
            case "kill":
                return f"kill -9 {self.part}"
            case "freeze":
                return f"freeze {self.part} for {self.size:.1f} s"
            case "cut":
                return f"kill -9 nats, cut the end of the {self.part}'s stream"
        return f"{self.how} the {self.part}'s stream"


def drawn(chance: Random, many: int) -> list[Fault]:
    """So many faults; each kind comes once before one comes again."""
    return [*islice(_rounds(chance), many)]


def _rounds(chance: Random) -> Iterator[Fault]:
    while True:
        kinds = [("kill", part) for part in KILLED] + [("freeze", part) for part in FROZEN]
        kinds += [(how, "queue") for how in ("delete", "purge", "cut")]
        chance.shuffle(kinds)
        for how, part in kinds:
            sizes = {"freeze": FREEZES, "cut": KEPT}.get(how)
            yield Fault(how, part, round(chance.uniform(*sizes), 2) if sizes else 0.0)
