"""The comparison itself: what it would notice, planted."""

from dataclasses import replace
from typing import Any

import pytest

from .comparison import Fact, Findings, compare_calls, compare_order, compare_tickets, known_as

KEYS = ("k1", "k2", "k3")
ASKED: list[dict[str, Any]] = [{"what": "asked", "act": "issue", "key": key} for key in KEYS]
TOLD: list[dict[str, Any]] = [
    {
        "what": "told",
        "act": "issue",
        "key": key,
        "status": 201,
        "ticket": f"t{key}",
        "number": number,
        "mall": "9901",
    }
    for key, number in zip(KEYS, ("A001", "A002", "A003"), strict=True)
]
FACTS = [
    Fact(
        n + 1, "hall-9901-2031-03-03", "ticket-issued", told["ticket"], told["number"], known_as(told["key"])
    )
    for n, told in enumerate(TOLD)
]


def compared(ledger: list[dict[str, Any]], facts: list[Fact]) -> Findings:
    found = Findings()
    compare_tickets(found, ledger, facts)
    return found


def test_what_is_in_order_is_clean_and_counted() -> None:
    found = compared([*ASKED, *TOLD], FACTS)
    assert found.clean and (found.acknowledged, found.unacknowledged) == (3, 0)
    found = compared([*ASKED, *TOLD[:2]], FACTS)
    assert found.clean and (found.acknowledged, found.unacknowledged) == (2, 1)


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (FACTS[:2], "lost"),
        ([*FACTS[:2], replace(FACTS[2], number="A004")], "lost"),
        ([*FACTS[:2], replace(FACTS[2], ticket="another")], "lost"),
        ([*FACTS, replace(FACTS[2], position=4)], "doubled"),
        ([*FACTS[:2], replace(FACTS[2], number="A002")], "doubled"),
        ([*FACTS, Fact(4, FACTS[0].stream, "ticket-issued", "t4", "A004", known_as("k4"))], "wrong"),
        ([*FACTS, Fact(4, FACTS[0].stream, "ticket-issued", "t4", "A004", None)], "wrong"),
    ],
    ids=["gone", "number", "ticket", "key twice", "number twice", "foreign key", "no key"],
)
def test_a_ticket_that_is_not_as_it_was_told_is_noticed(facts: list[Fact], what: str) -> None:
    assert getattr(compared([*ASKED, *TOLD], facts), what) != []


def test_one_number_told_to_two_is_noticed() -> None:
    told = [*TOLD[:2], {**TOLD[2], "number": "A002"}]
    assert compared([*ASKED, *told], FACTS).doubled != []


def test_somebody_called_twice_and_a_call_that_is_gone_are_noticed() -> None:
    ledger = [entry | {"act": "call-next", "status": 200} for entry in [*ASKED, *TOLD]]
    calls = [replace(fact, type="ticket-called") for fact in FACTS]
    found = Findings()
    compare_calls(found, ledger, calls)
    assert found.clean and found.calls == 3
    compare_calls(found, ledger, calls[:2])
    assert found.lost != []
    found = Findings()
    compare_calls(found, ledger, [*calls, replace(calls[0], position=9, key=known_as("k3"))])
    assert found.doubled != []


@pytest.mark.parametrize(
    ("there", "what"),
    [([1, 2], "lost"), ([1, 2, 2, 3], "doubled"), ([1, 3, 2], "wrong"), ([1, 2, 3, 4], "wrong")],
)
def test_what_boards_and_consumers_miss_double_or_reorder_is_noticed(there: list[int], what: str) -> None:
    found = Findings()
    compare_order(found, [1, 2, 3], there, "a board")
    assert getattr(found, what) != []
