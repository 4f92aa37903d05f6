"""Cases: a complaint as somebody may see it, its words, and who asks about it without a name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from feedback_service import queries
from feedback_service.desk import Desk, Mall
from feedback_service.rules import UnknownComplaint
from mpp.eventsourcing.handler import Also
from mpp.eventsourcing.log import About
from mpp.web.auth import Actor

COORDINATORS = ("supervisor", "mall-admin", "national-admin")
MOMENTS = ("filed_at", "answered_at", "closed_at", "class_due")
PLAIN = ("number", "kind", "status", "agency", "service", "outcome", "reason")


def purpose(complaint: UUID) -> str:
    return f"complaint-{complaint}"


def subject(complaint: UUID, citizen: UUID | None) -> UUID:
    """Whose words they are: the citizen's, or the complaint's own."""
    return citizen or complaint


async def found(desk: Desk, named: str) -> Mapping[str, Any]:
    row = await queries.complaint(desk.reader, named)
    if row is None:
        raise UnknownComplaint
    return row


def holds(desk: Desk, row: Mapping[str, Any], secret: str | None, who: Actor) -> bool:
    """Whether it is theirs: by its secret, or signed in as who reported it by name."""
    known = row["citizen"] is not None and row["citizen"] == who.id
    return known or desk.holder.is_secret("complaint", row["id"], secret)


def of_staff(row: Mapping[str, Any], who: Actor) -> bool:
    """Those who coordinate, and officers of the agency that has it."""
    if who.may(*COORDINATORS, mall=row["mall"], agency=row["agency"]):
        return True
    return row["agency"] is not None and who.may("officer", mall=row["mall"], agency=row["agency"])


def nameless(about: About, desk: Desk) -> About:
    """A command of somebody who wants to stay unknown: no actor, no trace, of the request a keyed digest."""
    return replace(about, actor=None, role="", traceparent="", request=desk.markers.sealed(about.request))


async def kept(desk: Desk, whose: UUID, complaint: UUID, words: UUID, text: str) -> list[Also]:
    return [await desk.vault.put(whose, purpose(complaint), {str(words): text})]


def brief(row: Mapping[str, Any], mall: Mall) -> dict[str, Any]:
    """What everybody may know of a complaint that is not secret: no text, no reporter."""
    return {name: row[name] for name in PLAIN} | {name: mall.told(row[name]) for name in MOMENTS}


async def whole(desk: Desk, row: Mapping[str, Any], mall: Mall, *, reporter: bool) -> dict[str, Any]:
    """With its words and history; `reporter`: also who it was, when that is known."""
    whose = subject(row["id"], row["citizen"])
    held = await desk.vault.read(desk.reader, whose, purpose(row["id"]))
    history = [_step(each, held, mall) for each in await queries.history(desk.reader, row["id"])]
    shown = brief(row, mall) | {"mall": row["mall"], "anonymous": row["anonymous"], "secret": row["secret"]}
    files = [
        {"id": str(each["id"]), "media": each["media"], "bytes": each["bytes"]}
        for each in await queries.evidence(desk.reader, row["id"])
    ]
    shown |= {"history": history, "evidence": files, "reporter": None, "citizen": None}
    if reporter and not row["anonymous"]:
        shown |= {"reporter": held.get("reporter"), "citizen": row["citizen"] and str(row["citizen"])}
    return shown


def _step(each: Mapping[str, Any], held: Mapping[str, Any], mall: Mall) -> dict[str, Any]:
    shown = {name: each[name] for name in ("happened", "agency", "reason", "outcome", "due")}
    words = held.get(str(each["words"])) if each["words"] else None
    return shown | {"at": mall.told(each["at"]), "words": words}


def statistics(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Counts without a word of text, by class, agency and status, and of all together."""
    shown: dict[str, list[dict[str, Any]]] = {"all": [], "class": [], "agency": [], "status": []}
    for row in rows:
        days = row["median_days"]
        share = row["in_time"] / row["settled"] if row["settled"] else None
        counted = {"of": row["of"], "complaints": row["complaints"], "in_time": share}
        shown[row["by"]].append(counted | {"median_days": None if days is None else round(days, 2)})
    return shown
