"""What others say: malls with their working time and services, and what citizens did elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from typing import Any
from uuid import UUID, uuid4

import pytest

from mpp.eventsourcing.handler import Step
from mpp.service import Running
from mpp.testing.installed import Client
from mpp_contracts import catalog, feedback, profile, queue
from mpp_contracts.published import NATION, Published
from tracking_service import reactions
from tracking_service.__main__ import service
from tracking_service.desk import Desk, national
from tracking_service.erasure import forgetting

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
DAY = Date(2026, 11, 23)
HOURS = catalog.Hours(opens=time(7, 30), closes=time(16), last_ticket=time(15, 30))


async def hear(running: Running, *events: Published) -> None:
    for event in events:
        heard = next(each for each in service.listens.values() if type(event) in each.contracts)
        steps: Sequence[Step] = heard.react(event)
        if steps:
            await running.handle.all(steps)


def ticket(kind: type[queue.OfTicket], id_: UUID, citizen: UUID | None, **more: Any) -> queue.OfTicket:
    facts = {"mall": "7406", "date": DAY, "at": NOON, "ticket": id_, "number": "A012", "line": "A"}
    return kind.model_validate(facts | {"citizen": citizen} | more)


def complaint(kind: type[feedback.OfComplaint], id_: UUID, citizen: UUID | None, **more: Any) -> Published:
    facts = {"mall": "7406", "complaint": id_, "number": "ADU-1", "kind": "complaint", "citizen": citizen}
    return kind.model_validate(facts | {"at": NOON + timedelta(hours=1)} | more)


def described(code: str) -> list[Published]:
    """A mall in the east that offers two services, one of which can be applied for."""
    return [
        catalog.MallDescribed(
            mall=code, slug=f"mall-{code}", title="MPP", region="Papua", timezone="Asia/Jayapura"
        ),
        catalog.HoursSet(mall=code, week=(*(HOURS,) * 4, None, HOURS, None)),
        catalog.HolidaysSet(mall=code, year=2026, days={Date(2026, 12, 25): "Natal"}),
        catalog.TenantOpened(mall=code, agency="polri", title="Polres"),
        *(
            catalog.ServicePublished(mall=code, code=each, agency="polri", title=each, minutes=8, standard=4)
            for each in ("polri.skck-baru", "polri.stm")
        ),
    ]


async def test_a_mall_s_working_time_is_what_the_catalog_says(running: Running) -> None:
    closed, opened = Date(2026, 11, 24), Date(2026, 11, 29)
    await hear(running, *described("9101"))
    await hear(running, catalog.DayOverridden(mall="9101", date=closed, reason="flood"))
    await hear(running, catalog.DayOverridden(mall="9101", date=opened, hours=HOURS, reason="fair"))
    mall = await Desk(running).mall("mall-9101")
    calendar = mall.calendar(NOON)
    assert (calendar.zone, mall.title("agency", "polri")) == ("Asia/Jayapura", "Polres")
    assert calendar.hours(DAY) == (time(7, 30), time(16))
    assert calendar.hours(Date(2026, 11, 27)) is None  # a Friday
    assert calendar.hours(closed) is None and calendar.hours(opened) == (time(7, 30), time(16))
    assert Date(2026, 12, 25) in calendar.closed
    assert national(2027) <= calendar.closed  # of years the catalog has not told
    await hear(running, catalog.DayRestored(mall="9101", date=closed))
    assert (await Desk(running).mall("9101")).calendar(NOON).hours(closed) == (time(7, 30), time(16))


async def test_what_is_withdrawn_can_not_be_applied_for_any_more(running: Running, client: Client) -> None:
    await hear(running, *described("9102"))
    anybody, citizen = client(), client("citizen")
    offered = (await anybody.get("/processes", params={"mall": "9102"})).json()
    assert [each["code"] for each in offered] == ["skck"]
    wish = {"mall": "9102", "service": "polri.skck-baru"}
    opened = await citizen.post("/applications", json=wish)
    assert opened.status_code == 201
    await hear(running, catalog.ServiceWithdrawn(mall="9102", code="polri.skck-baru"))
    assert (await anybody.get("/processes", params={"mall": "9102"})).json() == []
    assert (await citizen.post("/applications", json=wish)).status_code == 404
    begun = await citizen.get(f"/applications/{opened.json()['id']}")
    assert begun.json()["status"] == "draft"  # what was begun goes on


async def test_a_citizen_s_history_is_theirs_across_services(running: Running, client: Client) -> None:
    siti, wati, first, second = uuid4(), uuid4(), uuid4(), uuid4()
    events = [
        ticket(queue.TicketIssued, first, siti, service="ktp", channel="web"),
        complaint(feedback.ComplaintFiled, second, siti),
        ticket(queue.TicketIssued, uuid4(), wati, service="ktp", channel="web"),
    ]
    await hear(running, *events, *events)  # told twice, remembered once
    done = {"counter": "7406-01", "service": "ktp", "served_seconds": 60}
    await hear(running, ticket(queue.TicketCompleted, first, siti, **done))
    await hear(running, complaint(feedback.ComplaintStatusChanged, second, siti, status="verified"))
    history = (await client("citizen", subject=str(siti)).get("/me/history")).json()
    assert [(each["kind"], each["status"], each["at"]) for each in history] == [
        ("complaint", "verified", "2026-11-23T13:00:00+08:00"),
        ("ticket", "served", "2026-11-23T12:00:00+08:00"),
    ]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (queue.TicketMissed, "missed"),
        (queue.TicketCancelled, "cancelled"),
        (queue.TicketLapsed, "lapsed"),
    ],
)
async def test_how_a_ticket_ended_is_told(
    kind: type[queue.OfTicket], status: str, running: Running, client: Client
) -> None:
    citizen, id_ = uuid4(), uuid4()
    await hear(running, ticket(queue.TicketIssued, id_, citizen, service="ktp", channel="web"))
    await hear(running, ticket(kind, id_, citizen, counter="7406-01"))
    (told,) = (await client("citizen", subject=str(citizen)).get("/me/history")).json()
    assert told["status"] == status


async def test_of_who_did_not_sign_in_nothing_is_kept(running: Running) -> None:
    before = await running.reader.fetchval("select count(*) from events")
    await hear(running, ticket(queue.TicketIssued, uuid4(), None, service="ktp", channel="kiosk"))
    await hear(running, ticket(queue.TicketCancelled, uuid4(), None))
    await hear(running, complaint(feedback.ComplaintFiled, uuid4(), None))
    await hear(running, complaint(feedback.ComplaintStatusChanged, uuid4(), None, status="closed"))
    assert await running.reader.fetchval("select count(*) from events") == before


async def test_a_forgotten_citizen_has_no_history(running: Running, client: Client) -> None:
    citizen, id_ = uuid4(), uuid4()
    http = client("citizen", subject=str(citizen))
    await hear(running, ticket(queue.TicketIssued, id_, citizen, service="ktp", channel="web"))
    wish = profile.SubjectForgotten(mall=NATION, citizen=citizen, request=uuid4(), at=NOON)
    assert [step.stream for step in reactions.of_people(wish)] == [f"subject-{citizen}"]
    erased = await forgetting._erase(running, citizen, NOON)
    await running.handle.all(erased.steps, also=erased.also)
    assert (await http.get("/me/history")).json() == []
    await hear(running, ticket(queue.TicketCancelled, id_, citizen))  # said later of what is forgotten
    assert (await http.get("/me/history")).json() == []
    asked = await client("system", path="/internal").get(f"/subjects/{citizen}")
    assert asked.json() == {"applications": [], "history": []}
