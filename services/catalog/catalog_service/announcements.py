"""What other services are told of a mall's events."""

from catalog_service import counter, hours, line, mall, standard, tenant
from mpp.eventsourcing.log import Recorded
from mpp_contracts import catalog
from mpp_contracts.published import Published


def announce(recorded: Recorded) -> Published | None:
    """The published event that tells this one; every event of a mall is told."""
    of, told = recorded.stream.removeprefix("mall-"), recorded.event.model_dump()
    match recorded.event:
        case mall.MallDefined(maturity=maturity):
            return catalog.MallDescribed(mall=of, type=maturity, **told)
        case hours.HoursSet():
            return catalog.HoursSet(mall=of, **told)
        case hours.HolidaysSet():
            return catalog.HolidaysSet(mall=of, **told)
        case hours.DayOverridden():
            return catalog.DayOverridden(mall=of, **told)
        case hours.DayRestored():
            return catalog.DayRestored(mall=of, **told)
        case tenant.TenantOpened():
            return catalog.TenantOpened(mall=of, **told)
        case standard.ServicePublished(version=version, standard=content):
            named = {name: told[name] for name in ("code", "agency", "title")}
            return catalog.ServicePublished(mall=of, minutes=content.minutes, standard=version, **named)
        case standard.ServiceWithdrawn():
            return catalog.ServiceWithdrawn(mall=of, **told)
        case line.LineDefined():
            return catalog.LineDefined(mall=of, **told)
        case line.LineClosed():
            return catalog.LineClosed(mall=of, **told)
        case line.LineOpened():
            return catalog.LineOpened(mall=of, **told)
        case counter.CounterDefined():
            return catalog.CounterDefined(mall=of, **told)
    return None
