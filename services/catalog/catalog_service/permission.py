"""Who may change what: admins of the mall or the nation; a claim of agencies narrows them to these."""

from collections.abc import Iterable

import asyncpg

from mpp.eventsourcing.decider import Forbidden
from mpp.web.auth import Actor

ADMINS = ("mall-admin", "national-admin")
KEEPERS = (*ADMINS, "supervisor")  # may open and close lines

_CONCERNED = """select agency from services where mall = $1 and (code = any($2) or code in
        (select unnest(services) from lines where mall = $1 and line = any($3)))
    union select agency from counters where id = $4 and agency <> ''"""


def whole(actor: Actor, mall: str) -> None:
    """What concerns every agency of the mall."""
    actor.require(*ADMINS, mall=mall)
    if actor.agencies is not None:
        raise Forbidden("This concerns every agency of the mall.")


async def part(
    actor: Actor,
    db: asyncpg.Connection,
    mall: str,
    *,
    roles: tuple[str, ...] = ADMINS,
    agencies: Iterable[str] = (),
    services: Iterable[str] = (),
    lines: Iterable[str] = (),
    counter: str = "",
) -> None:
    """What concerns the agencies named, and those that own the services, lines and counter named."""
    actor.require(*roles, mall=mall)
    if actor.agencies is None:
        return
    rows = await db.fetch(_CONCERNED, mall, list(services), list(lines), counter)
    for agency in {*agencies, *(row["agency"] for row in rows)}:
        actor.require(*roles, mall=mall, agency=agency)
