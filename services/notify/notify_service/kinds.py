"""What people are told of: the facts each kind speaks of, its urgency, how long it is worth saying."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Group = Literal["calls", "tickets", "applications", "complaints", "surveys"]
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """`facts`: the placeholders its templates have to hold; `urgent`: at once, also at night."""

    group: Group
    facts: frozenset[str]
    lives: timedelta
    urgent: bool = False


def _kind(group: Group, *facts: str, lives: timedelta = 3 * DAY, urgent: bool = False) -> Kind:
    return Kind(group, frozenset(facts), lives, urgent)


CALL = timedelta(minutes=5)
KINDS: dict[str, Kind] = {
    "ticket-called": _kind("calls", "number", "counter", lives=CALL, urgent=True),
    "ticket-recalled": _kind("calls", "number", "counter", lives=CALL, urgent=True),
    "ticket-near": _kind("calls", "number", "position", lives=2 * CALL, urgent=True),
    "ticket-missed": _kind("tickets", "number", lives=timedelta(hours=1)),
    "booking-made": _kind("tickets", "slot"),
    "booking-withdrawn": _kind("tickets", "slot"),
    "application-submitted": _kind("applications", "number"),
    "application-sent-back": _kind("applications", "number", "reasons"),
    "application-in-progress": _kind("applications", "number", "step"),
    "application-paused": _kind("applications", "number", "reasons"),
    "application-approved": _kind("applications", "number"),
    "application-deemed-granted": _kind("applications", "number"),
    "application-rejected": _kind("applications", "number", "reasons"),
    "application-withdrawn": _kind("applications", "number"),
    "application-overdue": _kind("applications", "number"),
    "product-issued": _kind("applications", "number", lives=7 * DAY),
    "survey-open": _kind("surveys", "number", lives=7 * DAY),
    "complaint-filed": _kind("complaints", "number"),
    "complaint-forwarded": _kind("complaints", "number", "agency"),
    "complaint-answered": _kind("complaints", "number", lives=7 * DAY),
    "complaint-closed": _kind("complaints", "number"),
}
