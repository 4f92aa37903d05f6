"""What feedback does when others speak: it remembers malls, counts what ended, forgets people."""

from collections.abc import Sequence
from datetime import timedelta, timezone

from feedback_service.leaving import forgetting
from feedback_service.mall import Hear
from feedback_service.transaction import EndTransaction, stream_of
from mpp.eventsourcing.handler import Step
from mpp_contracts import catalog
from mpp_contracts.profile import SubjectForgotten
from mpp_contracts.published import Published
from mpp_contracts.queue import TicketCompleted
from mpp_contracts.tracking import ApplicationEnded

# An application is ended at no mall's clock; its day is that of the country's middle zone.
MIDDLE = timezone(timedelta(hours=8))
CATALOG: tuple[type[Published], ...] = (
    catalog.MallDescribed,
    catalog.HolidaysSet,
    catalog.DayOverridden,
    catalog.DayRestored,
    catalog.TenantOpened,
    catalog.ServicePublished,
    catalog.ServiceWithdrawn,
)


def of_catalog(event: Published) -> Sequence[Step]:
    """One published fact, one thing to remember about its mall."""
    kind, key, gone = _about(event)
    fact = None if gone else event.model_dump(mode="json", exclude={"mall"})
    return [Step(f"mall-{event.mall}", Hear(kind, key, fact))]


def _about(event: Published) -> tuple[str, str, bool]:
    """Its kind, its key within the mall, and whether it takes back what was said."""
    match event:
        case catalog.MallDescribed():
            return "mall", "", False
        case catalog.HolidaysSet(year=year):
            return "holidays", str(year), False
        case catalog.DayOverridden(date=day) | catalog.DayRestored(date=day):
            return "day", day.isoformat(), isinstance(event, catalog.DayRestored)
        case catalog.TenantOpened(agency=agency):
            return "agency", agency, False
        case catalog.ServicePublished(code=code) | catalog.ServiceWithdrawn(code=code):
            return "service", code, isinstance(event, catalog.ServiceWithdrawn)
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_transactions(event: Published) -> Sequence[Step]:
    """Somebody was served, or an application ended: a survey may be answered."""
    match event:
        case TicketCompleted(ticket=id_, mall=mall, service=service, date=day):
            return [Step(stream_of(id_), EndTransaction("ticket", id_, mall, service, day))]
        case ApplicationEnded(application=id_, mall=mall, service=service, at=at, agency=agency):
            day = at.astimezone(MIDDLE).date()
            return [Step(stream_of(id_), EndTransaction("application", id_, mall, service, day, agency))]
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_people(event: Published) -> Sequence[Step]:
    """Somebody wants to be forgotten."""
    if isinstance(event, SubjectForgotten):
        return forgetting.steps(event)
    raise TypeError(f"{type(event).__name__} is not listened to")
