"""What machines at the door and on the wall do with tickets: they print papers and speak calls."""

from datetime import datetime, timedelta

from mpp.eventsourcing.decider import Event, NotFound, Rejected
from queue_service import command as c
from queue_service import ticket as t
from queue_service.hall import Claim
from queue_service.ticket import Ticket

PAPERS = 3  # of one ticket that a kiosk prints; more are the staff's to give
LEASE = timedelta(seconds=20)  # to speak a call
STALE = timedelta(seconds=60)  # older calls are shown, not spoken


class UnknownPrint(NotFound):
    """No such print job of this ticket."""


class PrintEnded(Rejected):
    """This print job was confirmed or failed already."""


class PapersUsedUp(Rejected):
    """A kiosk prints a ticket three times at most; a paper that failed does not count."""


class CallTaken(Rejected):
    """Another board speaks this call, or has: stay silent."""


class CallStale(Rejected):
    """The call is too old to be spoken; show it."""


class CallNotClaimed(Rejected):
    """Only the board that claimed a call says that it was heard."""


def printed(command: c.RequestPrint | c.EndPrint, ticket: Ticket, at: datetime) -> list[Event]:
    status = dict(ticket.jobs).get(command.job)
    if isinstance(command, c.RequestPrint):
        papers = sum(status in ("pending", "printed") for _, status in ticket.jobs)
        if papers >= PAPERS and not command.free:
            raise PapersUsedUp(allowed=PAPERS)
        asked = {"job": command.job, "device": command.device, "again": papers > 0}
        return [t.PrintRequested(**t.of(ticket, at), **asked)]
    if status is None:
        raise UnknownPrint
    if status == (command.reason or "printed"):
        return []  # said twice
    if status != "pending":
        raise PrintEnded(status=status)
    if command.reason:
        return [t.PrintFailed(**t.of(ticket, at), job=command.job, reason=command.reason)]
    return [t.PrintConfirmed(**t.of(ticket, at), job=command.job)]


def spoken(
    command: c.ClaimCall | c.HearCall, ticket: Ticket, claim: Claim | None, at: datetime
) -> list[Event]:
    """The first board wins; when it falls silent, another may try."""
    mine = claim is not None and claim.board == command.board
    if isinstance(command, c.HearCall):
        if claim is None or not mine:
            raise CallNotClaimed
        return [] if claim.heard else [t.CallHeard(**t.of(ticket, at), call=command.call)]
    if claim is not None and (claim.heard or (at < claim.until and not mine)):
        raise CallTaken(heard=claim.heard, until=claim.until.isoformat())
    if at - command.called_at > STALE:
        raise CallStale(called_at=command.called_at.isoformat())
    if claim is not None and mine and at < claim.until:
        return []
    told = {"call": command.call, "board": command.board, "until": at + LEASE}
    return [t.CallClaimed(**t.of(ticket, at), **told)]
