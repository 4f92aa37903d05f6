"""What the queue tells others of its own events."""

from mpp.eventsourcing.log import Recorded
from mpp_contracts import queue as told
from mpp_contracts.published import Published
from queue_service import ticket as t
from queue_service.hall import HallClosed, HallOpened, PlanChanged, mall_and_day


def announce(recorded: Recorded) -> Published | None:
    """Every event of a hall is told; what was heard from the catalog is not told again."""
    if not recorded.stream.startswith("hall-"):
        return None
    mall, day = mall_and_day(recorded.stream)
    event = recorded.event
    common = {"mall": mall, "date": day, "at": event.at}  # type: ignore[attr-defined]
    match event:
        case HallOpened():
            return told.HallOpened(**common)
        case PlanChanged():
            return told.HallChanged(**common)
        case HallClosed():
            return told.HallClosed(**common)
        case t.TicketEvent():
            return _of_ticket(event, common)
    return None


def _of_ticket(event: t.TicketEvent, common: dict[str, object]) -> Published | None:
    name = type(event).__name__
    contract: type[told.OfTicket] = getattr(told, name)
    facts = {shared: getattr(event, shared) for shared in SHARED[name]} | common
    if isinstance(event, t.TicketCalled | t.TicketRecalled):
        facts["counter_title"] = event.title
    if isinstance(event, t.TicketCompleted):
        facts["served_seconds"] = event.served
    return contract(**facts)


OF_TICKETS = tuple(
    e for e in vars(t).values() if isinstance(e, type) and issubclass(e, t.TicketEvent) and "type" in vars(e)
)
SHARED = {e.__name__: {*e.model_fields} & {*getattr(told, e.__name__).model_fields} for e in OF_TICKETS}
