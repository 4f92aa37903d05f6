"""The three malls to begin with: their real totals, and what is made up is marked."""

from collections import Counter
from typing import TypeVar

import pytest

from catalog_service import rules, seeds, shell
from catalog_service.counter import CounterDefined
from catalog_service.document import ImportMall
from catalog_service.line import LineDefined
from catalog_service.mall import Mall
from catalog_service.standard import ServicePublished
from catalog_service.tenant import TenantOpened
from mpp.eventsourcing.decider import Event
from mpp.service import Running

E = TypeVar("E", bound=Event)
BOMBANA, BOGOR, PALEMBANG = "7406", "3271", "1671"


def events(code: str) -> list[Event]:
    return rules.decide(ImportMall(seeds.documents()[code]), Mall())


def of(kind: type[E], found: list[Event]) -> list[E]:
    return [event for event in found if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("code", "agencies", "named", "services"),
    [(BOMBANA, 14, 14, 156), (BOGOR, 14, 11, 145), (PALEMBANG, 29, 17, 378)],
)
def test_a_mall_has_its_real_totals_and_marks_what_no_source_names(
    code: str, agencies: int, named: int, services: int
) -> None:
    found = events(code)
    assert rules.check(f"mall-{code}", found) == []
    tenants, offered = of(TenantOpened, found), of(ServicePublished, found)
    assert len(tenants) == agencies and sum(not tenant.generated for tenant in tenants) == named
    assert len(offered) == services
    described = [service for service in offered if not service.standard.generated]
    assert described and all(service.standard.unconfirmed for service in described)
    assert all(service.standard.procedure and service.standard.evaluation for service in offered)


@pytest.mark.parametrize("code", [BOMBANA, BOGOR, PALEMBANG])
def test_every_service_waits_in_a_line_without_a_limit_that_a_counter_serves(code: str) -> None:
    found = events(code)
    lines, counters = of(LineDefined, found), of(CounterDefined, found)
    queued = Counter(service for line in lines for service in line.services)
    assert queued == Counter(service.code for service in of(ServicePublished, found))
    assert all(line.capacity is None and not line.quotas for line in lines)
    served = {line for counter in counters for line in counter.lines}
    assert served == {line.line for line in lines}


def test_kota_bogor_has_counters_for_its_real_day() -> None:
    found = events(BOGOR)
    services = of(ServicePublished, found)
    minutes = sum(service.standard.minutes for service in services) / len(services)
    counters = len(of(CounterDefined, found))
    assert 3850 * minutes <= counters * 480 * 0.9


def test_bombana_has_sixteen_counters_and_palembang_more_lines_than_letters() -> None:
    assert len(of(CounterDefined, events(BOMBANA))) == 16
    assert of(LineDefined, events(PALEMBANG))[26].line == "AA"


async def test_seeding_again_adds_nothing(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    log = "select count(*) from events"
    before = await running.reader.fetchval(log)
    assert await shell.seed(running, []) == 0
    assert await running.reader.fetchval(log) == before
