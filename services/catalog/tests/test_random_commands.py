"""Whatever is asked of a mall in whatever order: its promises hold, and its state is the fold of its log."""

import datetime as dt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service import rules
from catalog_service.command import Command
from catalog_service.counter import DefineCounter
from catalog_service.document import Document, Entry, ImportMall, Part
from catalog_service.hours import OverrideDay, RestoreDay
from catalog_service.line import CloseLine, DefineLine, OpenLine
from catalog_service.mall import DefineMall, Mall
from catalog_service.standard import PublishService, Standard, WithdrawService
from catalog_service.tenant import OpenTenant
from mpp.eventsourcing.decider import Event, Rejected, fold

AGENCIES = st.sampled_from(["samsat", "polri", "djp"])
SERVICES = st.sampled_from(["a.a", "a.b", "a.c", "a.d"])
LETTERS = st.sampled_from(["A", "B", "AA"])
COUNTERS = st.sampled_from(["7406-01", "7406-02", "3271-01"])
DATES = st.sampled_from([dt.date(2026, 11, 23), dt.date(2026, 11, 24)])
TITLES = st.sampled_from(["Satu", "Dua"])

define = st.builds(
    DefineMall,
    code=st.just("7406"),
    slug=st.just("bombana"),
    title=TITLES,
    region=st.just("Bombana"),
    timezone=st.just("Asia/Makassar"),
)
tenant = st.builds(OpenTenant, agency=AGENCIES, title=TITLES)
publish = st.builds(
    PublishService,
    code=SERVICES,
    agency=AGENCIES,
    title=TITLES,
    standard=st.builds(Standard, minutes=st.sampled_from([5, 8])),
)
line = st.builds(
    DefineLine,
    line=LETTERS,
    title=TITLES,
    services=st.lists(SERVICES, max_size=3).map(tuple),
    capacity=st.none() | st.integers(0, 5),
    quotas=st.dictionaries(st.sampled_from(["kiosk", "web"]), st.integers(0, 4)),
)
counter = st.builds(
    DefineCounter,
    counter=COUNTERS,
    title=TITLES,
    agency=st.none() | AGENCIES,
    lines=st.lists(LETTERS, max_size=2).map(tuple),
)
single = st.one_of(
    define,
    tenant,
    publish,
    publish,
    line,
    line,
    counter,
    st.builds(WithdrawService, code=SERVICES),
    st.builds(CloseLine, line=LETTERS, reason=st.sampled_from(["lunch", "flood"])),
    st.builds(OpenLine, line=LETTERS),
    st.builds(OverrideDay, date=DATES, reason=st.just("flood")),
    st.builds(RestoreDay, date=DATES),
)


def rows(part: Part, commands: list[Command]) -> list[Entry]:
    return [Entry(part, number, command) for number, command in enumerate(commands, 2)]


document = st.builds(
    lambda agencies, services, lines, counters: ImportMall(
        Document(
            (
                *rows("agencies", agencies),
                *rows("services", services),
                *rows("lines", lines),
                *rows("counters", counters),
            )
        )
    ),
    *(st.lists(kind, max_size=3) for kind in (tenant, publish, line, counter)),
)


@settings(max_examples=300, deadline=None)
@given(define, st.lists(single | document, max_size=40))
def test_no_order_of_commands_breaks_a_promise(first: Command, commands: list[Any]) -> None:
    log: list[Event] = []
    state = Mall()
    for command in (first, *commands):
        try:
            news = rules.decide(command, state)
        except Rejected:
            continue
        state = fold(rules.decider, news, state)
        log += news
        assert rules.check("mall-7406", log) == []
        if not isinstance(command, RestoreDay | WithdrawService):
            assert rules.decide(command, state) == []
    assert fold(rules.decider, log) == state
    assert fold(rules.decider, [rules.decider.decode(e.type, e.model_dump_json()) for e in log]) == state
