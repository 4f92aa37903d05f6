"""Malls, tenants and public services with versioned standards."""

import datetime as dt

import pytest
from pydantic import ValidationError

from catalog_service.command import UnknownAgency
from catalog_service.hours import HolidaysSet, SetHolidays
from catalog_service.line import LineDefined
from catalog_service.mall import AnotherMall, DefineMall, Mall
from catalog_service.rules import check, decider
from catalog_service.standard import (
    Duration,
    NotOffered,
    PublishService,
    ServicePublished,
    ServiceWithdrawn,
    Standard,
    WithdrawService,
)
from catalog_service.tenant import OpenTenant, TenantOpened
from mpp.eventsourcing.decider import Event
from mpp.testing.scenario import given

MINUTES_8, MINUTES_9 = Standard(minutes=8, product="KTP"), Standard(minutes=9, product="KTP")
BOMBANA = {"slug": "bombana", "title": "MPP", "region": "Bombana", "timezone": "Asia/Makassar"}


def publish(code: str = "ktp", title: str = "ktp", standard: Standard = MINUTES_8) -> PublishService:
    return PublishService(code=code, agency="disdukcapil", title=title, standard=standard)


def told(version: int, title: str = "ktp", standard: Standard = MINUTES_8) -> ServicePublished:
    return ServicePublished(code="ktp", agency="disdukcapil", title=title, version=version, standard=standard)


def test_a_changed_standard_is_a_new_version_and_the_same_one_is_nothing_new(mall: list[Event]) -> None:
    given(decider, *mall).when(publish(), publish(standard=MINUTES_9), publish(standard=MINUTES_9)).then(
        told(2, standard=MINUTES_9)
    )


def test_another_title_keeps_the_version_of_the_standard(mall: list[Event]) -> None:
    given(decider, *mall).when(publish(title="KTP-el")).then(told(1, title="KTP-el"))


def test_a_service_that_comes_back_counts_its_versions_on(mall: list[Event]) -> None:
    given(decider, *mall).when(WithdrawService(code="ktp"), publish()).then(
        LineDefined(line="A", title="Disdukcapil", services=("kk",)),
        ServiceWithdrawn(code="ktp"),
        told(2),
    )


def test_what_is_not_offered_cannot_be_withdrawn(mall: list[Event]) -> None:
    given(decider, *mall).when(WithdrawService(code="paspor")).refused(NotOffered)


def test_a_service_belongs_to_an_agency_of_the_mall(mall: list[Event]) -> None:
    command = PublishService(code="paspor", agency="imigrasi", title="Paspor", standard=MINUTES_8)
    given(decider, *mall).when(command).refused(UnknownAgency)


def test_a_duration_is_in_hours_or_in_working_days() -> None:
    assert Duration(hours=0.5).working_days is None
    with pytest.raises(ValidationError):
        Duration(hours=1, working_days=1)


def test_the_standard_has_the_fourteen_components_of_the_law() -> None:
    delivery = {"requirements", "procedure", "duration", "fee", "product", "complaints"}
    management = {
        "legal_basis",
        "facilities",
        "competence",
        "supervision",
        "staff",
        "guarantee",
        "safety",
        "evaluation",
    }
    assert len(delivery | management) == 14 and delivery | management <= set(Standard.model_fields)


def test_an_agency_moves_in_once_and_may_change_its_name(mall: list[Event]) -> None:
    same, other = (
        OpenTenant(agency="samsat", title="Samsat"),
        OpenTenant(agency="samsat", title="Samsat Bombana"),
    )
    given(decider, *mall).when(same, other).then(TenantOpened(agency="samsat", title="Samsat Bombana"))


def test_a_mall_keeps_its_code(mall: list[Event]) -> None:
    given(decider, *mall).when(DefineMall(code="7407", **BOMBANA)).refused(AnotherMall)


def test_holidays_given_with_a_description_serve_only_years_not_known_yet(mall: list[Event]) -> None:
    by_hand = HolidaysSet(year=2026, days={dt.date(2026, 5, 1): "by hand"})
    national = (SetHolidays(year=2026, days={}), SetHolidays(year=2027, days={}))
    given(decider, *mall, by_hand).when(DefineMall(code="7406", **BOMBANA, holidays=national)).then(
        HolidaysSet(year=2027, days={})
    )


@pytest.mark.parametrize("zone", ["Asia/Bombana", "", "../../etc/passwd", "WITA+8"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError):
        DefineMall(code="7406", **{**BOMBANA, "timezone": zone})


def test_control_characters_are_no_title() -> None:
    with pytest.raises(ValidationError):
        publish(title="KTP\x00")


def test_the_check_finds_what_no_rule_would_have_let_pass(mall: list[Event]) -> None:
    assert check("mall-7406", mall) == []
    stolen = LineDefined(line="C", title="C", services=("ktp", "paspor"))
    assert check("mall-7406", [*mall, stolen]) == [
        "service ktp is in lines A and C",
        "line C serves paspor, which is not offered",
    ]
    assert check("mall-7406", [*mall, told(4)]) == ["service ktp went from standard 1 to 4"]
    assert check("mall-9999", mall) == ["describes mall 7406"]


def test_a_mall_that_is_not_defined_has_no_code() -> None:
    assert Mall().code == ""
