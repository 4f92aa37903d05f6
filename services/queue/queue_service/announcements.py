"""What the queue tells others of its own events."""

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp_contracts import queue as told
from mpp_contracts.published import Published
from queue_service import booking as b
from queue_service import ticket as t
from queue_service.hall import CounterEvent, HallClosed, HallOpened, MessageSent, PlanChanged, mall_and_day


def announce(recorded: Recorded) -> Published | None:
    """Every event of a hall and of its bookings; what was heard from the catalog is not told again."""
    event = recorded.event
    if not isinstance(event, TOLD):
        return None
    mall, day = mall_and_day(recorded.stream)
    common = {"mall": mall, "date": day, "at": event.at}
    match event:
        case HallOpened():
            return told.HallOpened(**common)
        case PlanChanged():
            return told.HallChanged(**common)
        case HallClosed():
            return told.HallClosed(**common)
        case t.TicketEvent():
            return _of_ticket(event, common)
        case _:
            return _alike(event, common)


def _alike(event: Event, common: dict[str, object]) -> Published:
    """What is told as it is, by the name of the event."""
    contract: type[Published] = getattr(told, type(event).__name__)
    shared = {*type(event).model_fields} & {*contract.model_fields}
    return contract(**{name: getattr(event, name) for name in shared} | common)


def _of_ticket(event: t.TicketEvent, common: dict[str, object]) -> Published | None:
    name = type(event).__name__
    contract: type[told.OfTicket] = getattr(told, name)
    facts = {shared: getattr(event, shared) for shared in SHARED[name]} | common
    if isinstance(event, t.TicketCalled | t.TicketRecalled):
        facts["counter_title"] = event.title
    if isinstance(event, t.TicketCompleted | t.TicketServed):
        facts["served_seconds"] = event.served
    return contract(**facts)


TOLD = (
    HallOpened,
    PlanChanged,
    HallClosed,
    MessageSent,
    CounterEvent,
    t.TicketEvent,
    b.BookingMade,
    b.BookingCancelled,
    b.BookingUsed,
    b.BookingLapsed,
)
OF_TICKETS = tuple(
    e for e in vars(t).values() if isinstance(e, type) and issubclass(e, t.TicketEvent) and "type" in vars(e)
)
SHARED = {e.__name__: {*e.model_fields} & {*getattr(told, e.__name__).model_fields} for e in OF_TICKETS}
