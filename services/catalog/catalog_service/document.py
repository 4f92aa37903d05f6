"""A document: what a file says about a mall, row by row, whatever its format was."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from catalog_service.command import Command
from catalog_service.hours import SetHolidays
from mpp.eventsourcing.decider import Event, Invalid, Rejected

Part = Literal["mall", "hours", "days", "agencies", "services", "lines", "counters"]
PARTS: tuple[Part, ...] = ("mall", "hours", "days", "agencies", "services", "lines", "counters")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: `row` as an editor or a spreadsheet counts it, from 1; column "" means the row."""

    part: str
    row: int
    column: str
    reason: str

    def place(self) -> tuple[int, str, int, str]:
        """For an order by parts, rows and columns; what concerns the whole file comes first."""
        part = PARTS.index(self.part) if self.part in PARTS else -1
        return part, self.part, self.row, self.column


@dataclass(frozen=True, slots=True)
class Entry:
    """One row and the command that it asks for."""

    part: Part
    row: int
    command: Command

    @property
    def key(self) -> str:
        """What tells this row from others of its part."""
        for name in ("code", "line", "counter", "agency", "date"):
            if hasattr(self.command, name):
                return str(getattr(self.command, name))
        return ""


@dataclass(frozen=True, slots=True)
class Document:
    """Rows in the order of PARTS, and what could not be read."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Readable rows by part."""
        found = [entry.part for entry in self.entries]
        return {part: found.count(part) for part in PARTS if part in found}


@dataclass(frozen=True, slots=True)
class ImportMall:
    """Take a document over, whole or not at all; rows change or add, nothing is withdrawn.

    `holidays` serve the years that the mall does not know; `only_new` leaves a mall that exists as it is;
    a `rehearsal` ends in Rehearsed or in the refusal that the real thing would meet.
    """

    document: Document
    holidays: tuple[SetHolidays, ...] = ()
    only_new: bool = False
    rehearsal: bool = False


class Rehearsed(Rejected):
    """How a rehearsal ends when the document is good: nothing is written; `events` would have been."""

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__("nothing was written")
        self.events = tuple(events)


class BadDocument(Invalid):
    """The document was refused; `errors` name part, row, column and reason of each fault."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=Fault.place)
        errors: list[dict[str, Any]] = [asdict(fault) for fault in self.faults]
        super().__init__(f"{len(errors)} faults; nothing was changed", errors=errors)
