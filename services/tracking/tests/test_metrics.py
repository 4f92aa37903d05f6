"""What Prometheus is told of a mall is what its applications are."""

import httpx
from prometheus_client import REGISTRY

from mpp.gauges import look
from mpp.service import Running
from tracking_service.command import LookAtClock
from tracking_service.metrics import MEASURES

from .cases import HOUR, MONDAY
from .conftest import MALL, Person

PDF = b"%PDF-1.7\n%%EOF\n"
NAMES = ("applications_open", "deadlines_at_risk", "deadlines_passed")


async def told(running: Running) -> list[float]:
    """Open, at risk and past a limit, in Bombana, read now and not when their minute is over."""
    for measure in MEASURES:
        measure.forget("tracking")
    await look("tracking", running.settings.database_url, running.schema, MEASURES)
    labels = {"service": "tracking", "mall": MALL}
    return [REGISTRY.get_sample_value(f"tracking_{name}", labels) or 0 for name in NAMES]


async def test_open_applications_and_their_time_limits_are_told_per_mall(
    person: Person, officer: httpx.AsyncClient, running: Running
) -> None:
    async def since() -> list[float]:
        return [now - then for now, then in zip(await told(running), before, strict=True)]

    await person.opens()
    before = await told(running)  # a draft is not open yet
    path, stream = f"/applications/{person.application}", f"application-{person.application}"
    await person.answers()
    await person.http.put(f"{path}/documents/kk", content=PDF)
    assert (await person.submits()).status_code == 204
    assert (await officer.post(f"{path}/office/declare-complete", json={})).status_code == 204
    assert await since() == [1, 0, 0]
    await running.handle(stream, LookAtClock(MONDAY + 6 * HOUR))
    assert await since() == [1, 1, 0]
    await running.handle(stream, LookAtClock(MONDAY + 8 * HOUR))
    assert await since() == [1, 0, 1]
    assert (await person.http.post(f"{path}/withdraw")).status_code == 204
    assert await since() == [0, 0, 0]
