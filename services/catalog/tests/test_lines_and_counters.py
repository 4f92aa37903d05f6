"""Lines and counters: letters, quotas, one line for a service, desks that serve lines of their mall."""

import pytest
from pydantic import ValidationError

from catalog_service.command import Command, UnknownAgency, UnknownLine, UnknownService
from catalog_service.counter import CounterDefined, CounterOfAnotherMall, DefineCounter
from catalog_service.line import (
    CloseLine,
    DefineLine,
    LineClosed,
    LineDefined,
    LineOpened,
    NoSuchLine,
    OpenLine,
    QuotasExceedCapacity,
    ServiceInAnotherLine,
    ServiceTwice,
)
from catalog_service.rules import IfVersion, VersionMismatch, decider
from mpp.eventsourcing.decider import Event, Rejected
from mpp.testing.scenario import given


def test_a_line_takes_services_capacity_and_quotas(mall: list[Event]) -> None:
    line = DefineLine(line="AB", title="Pajak", capacity=100, quotas={"kiosk": 60, "web": 40})
    told = LineDefined(line="AB", title="Pajak", capacity=100, quotas={"kiosk": 60, "web": 40})
    given(decider, *mall).when(line, line).then(told)


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (DefineLine(line="C", title="C", services=("ktp",)), ServiceInAnotherLine),
        (DefineLine(line="C", title="C", services=("paspor",)), UnknownService),
        (DefineLine(line="A", title="A", services=("ktp", "ktp")), ServiceTwice),
        (
            DefineLine(line="A", title="A", capacity=10, quotas={"kiosk": 6, "web": 5}),
            QuotasExceedCapacity,
        ),
        (CloseLine(line="Z", reason="network-down"), NoSuchLine),
        (OpenLine(line="Z"), NoSuchLine),
        (DefineCounter(counter="7406-02", title="Loket 2", lines=("A", "Z")), UnknownLine),
        (DefineCounter(counter="7406-02", title="Loket 2", agency="imigrasi"), UnknownAgency),
        (DefineCounter(counter="3271-02", title="Loket 2"), CounterOfAnotherMall),
        (DefineCounter(counter="7406-2-02", title="Loket 2"), CounterOfAnotherMall),
    ],
)
def test_what_contradicts_the_mall_is_refused_by_its_rule(
    mall: list[Event], command: Command, rule: type[Rejected]
) -> None:
    given(decider, *mall).when(command).refused(rule)


def test_a_service_moves_when_its_old_line_lets_it_go_first(mall: list[Event]) -> None:
    given(decider, *mall).when(
        DefineLine(line="A", title="Disdukcapil", services=("kk",)),
        DefineLine(line="C", title="KTP", services=("ktp",)),
    ).then(
        LineDefined(line="A", title="Disdukcapil", services=("kk",)),
        LineDefined(line="C", title="KTP", services=("ktp",)),
    )


def test_a_line_is_closed_and_opened_by_hand_and_stays_closed_when_redefined(mall: list[Event]) -> None:
    state = (
        given(decider, *mall)
        .when(
            CloseLine(line="A", reason="network-down"),
            CloseLine(line="A", reason="network-down"),
            DefineLine(line="A", title="Dukcapil", services=("ktp", "kk")),
        )
        .then(
            LineClosed(line="A", reason="network-down"),
            LineDefined(line="A", title="Dukcapil", services=("ktp", "kk")),
        )
    )
    assert state.lines["A"].closed == "network-down"


def test_only_a_closed_line_is_opened(mall: list[Event]) -> None:
    given(decider, *mall).when(OpenLine(line="A")).then()
    closed = LineClosed(line="A", reason="lunch")
    given(decider, *mall, closed).when(OpenLine(line="A")).then(LineOpened(line="A"))


def test_a_counter_serves_each_line_once(mall: list[Event]) -> None:
    given(decider, *mall).when(DefineCounter(counter="7406-02", title="Loket 2", lines=("B", "A", "B"))).then(
        CounterDefined(counter="7406-02", title="Loket 2", lines=("B", "A"))
    )


@pytest.mark.parametrize("line", ["a", "A1", "ABC", "", "Á"])
def test_a_line_is_named_by_one_or_two_capital_letters(line: str) -> None:
    with pytest.raises(ValidationError):
        DefineLine(line=line, title="x")


@pytest.mark.parametrize("reason", ["Pak Budi sakit", "", "-x", "UPPER"])
def test_a_reason_is_a_code_and_never_free_text(reason: str) -> None:
    with pytest.raises(ValidationError):
        CloseLine(line="A", reason=reason)


def test_a_command_for_another_version_is_refused(mall: list[Event]) -> None:
    command = CloseLine(line="A", reason="lunch")
    refusal = given(decider, *mall).when(IfVersion(3, command)).refused(VersionMismatch)
    assert refusal.facts["version"] == len(mall)
    given(decider, *mall).when(IfVersion(len(mall), command)).then(LineClosed(line="A", reason="lunch"))
