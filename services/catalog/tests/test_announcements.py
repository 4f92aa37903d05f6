"""What other services are told: every event of a mall, in the words of the contract."""

import datetime as dt
from uuid import uuid4

from catalog_service import rules, seeds
from catalog_service.announcements import announce
from catalog_service.document import ImportMall
from catalog_service.hours import DayOverridden, DayRestored, SetHolidays
from catalog_service.line import LineClosed, LineOpened
from catalog_service.mall import Mall
from catalog_service.standard import ServiceWithdrawn
from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp_contracts import catalog
from mpp_contracts.published import Published

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def told(event: Event) -> Published:
    published = announce(Recorded(1, uuid4(), "mall-7406-2", 1, event, NOW))
    assert published is not None and published.mall == "7406-2"
    return published


def everything() -> list[Event]:
    document = seeds.documents()["7406"]
    holidays = (SetHolidays(year=2026, days={dt.date(2026, 8, 17): "HUT RI"}),)
    return [
        *rules.decide(ImportMall(document, holidays), Mall()),
        DayOverridden(date=NOW.date(), reason="flood"),
        DayRestored(date=NOW.date()),
        LineClosed(line="A", reason="lunch"),
        LineOpened(line="A"),
        ServiceWithdrawn(code="adminduk.ktp-baru"),
    ]


def test_every_kind_of_event_is_told_and_survives_the_journey() -> None:
    events = everything()
    assert {type(event) for event in events} == set(rules.decider.events)
    for event in events:
        published = told(event)
        assert type(published).model_validate_json(published.model_dump_json()) == published


def test_a_service_is_told_with_its_minutes_and_the_version_of_its_standard() -> None:
    published = [told(event) for event in everything()]
    service = next(each for each in published if isinstance(each, catalog.ServicePublished))
    assert (service.code, service.minutes, service.standard) == ("adminduk.ktp-baru", 8, 1)


def test_a_mall_is_told_with_its_maturity_class_as_type() -> None:
    described = told(everything()[0])
    assert isinstance(described, catalog.MallDescribed)
    assert (described.type, described.timezone) == ("2.0", "Asia/Makassar")


def test_a_subject_names_the_mall_and_the_event() -> None:
    subjects = [told(event).subject for event in everything()[:3]]
    assert subjects == [
        "mpp.catalog.7406-2.mall-described.v1",
        "mpp.catalog.7406-2.hours-set.v1",
        "mpp.catalog.7406-2.tenant-opened.v1",
    ]
