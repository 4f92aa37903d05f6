"""What the queue does when the catalog speaks: it remembers."""

from collections.abc import Sequence

from mpp.eventsourcing.handler import Step
from mpp_contracts import catalog as heard
from mpp_contracts.published import Published
from queue_service.mall import Hear

CONTRACTS: tuple[type[Published], ...] = (
    heard.MallDescribed,
    heard.HoursSet,
    heard.HolidaysSet,
    heard.DayOverridden,
    heard.DayRestored,
    heard.ServicePublished,
    heard.ServiceWithdrawn,
    heard.LineDefined,
    heard.LineClosed,
    heard.LineOpened,
    heard.CounterDefined,
)


def react(event: Published) -> Sequence[Step]:
    """One published fact, one thing to remember about its mall."""
    kind, key, gone = _about(event)
    fact = None if gone else event.model_dump(mode="json", exclude={"mall"})
    return [Step(f"mall-{event.mall}", Hear(kind, key, fact))]


def _about(event: Published) -> tuple[str, str, bool]:
    """Its kind, its key within the mall, and whether it takes back what was said."""
    match event:
        case heard.MallDescribed():
            return "mall", "", False
        case heard.HoursSet():
            return "week", "", False
        case heard.HolidaysSet(year=year):
            return "holidays", str(year), False
        case heard.DayOverridden(date=day) | heard.DayRestored(date=day):
            return "day", day.isoformat(), isinstance(event, heard.DayRestored)
        case heard.ServicePublished(code=code) | heard.ServiceWithdrawn(code=code):
            return "service", code, isinstance(event, heard.ServiceWithdrawn)
        case heard.LineDefined(line=line):
            return "line", line, False
        case heard.LineClosed(line=line) | heard.LineOpened(line=line):
            return "line-closed", line, isinstance(event, heard.LineOpened)
        case heard.CounterDefined(counter=counter):
            return "counter", counter, False
    raise TypeError(f"{type(event).__name__} is not listened to")
