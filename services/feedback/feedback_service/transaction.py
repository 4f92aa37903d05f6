"""A transaction whose survey may be answered: a ticket that was served, or an application that ended."""

from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from typing import Literal
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event, NotFound, Rejected

ANSWERABLE = timedelta(days=30)
Kind = Literal["ticket", "application"]


class UnknownTransaction(NotFound):
    """No such ticket or application has ended yet, or the secret is not its own."""


class SurveyOver(Rejected):
    """A survey can be answered for 30 days."""


class TransactionEnded(Event, type="transaction-ended"):
    """It counts once among those who could be asked."""

    kind: Kind
    transaction: UUID
    mall: str
    service: str
    day: Date
    agency: str = ""  # a ticket's is what the catalog says of its service


@dataclass(frozen=True, slots=True)
class EndTransaction:
    """Another service said that it ended."""

    kind: Kind
    transaction: UUID
    mall: str
    service: str
    day: Date
    agency: str = ""


def stream_of(transaction: UUID) -> str:
    return f"transaction-{transaction}"


def decide(command: EndTransaction, ended: bool) -> list[Event]:
    c = command
    event = TransactionEnded(
        kind=c.kind, transaction=c.transaction, mall=c.mall, service=c.service, day=c.day, agency=c.agency
    )
    return [] if ended else [event]


def evolve(ended: bool, event: Event) -> bool:
    return True


decider: Decider[bool] = Decider("transaction", False, decide, evolve, (TransactionEnded,))
