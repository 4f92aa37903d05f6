"""What the tables of a service tell Prometheus is true now, or is not told at all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from mpp import gauges
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import connect
from mpp.gauges import VITALS, Gauges, Measure, Tally, look
from mpp.testing import toy
from mpp.testing.toy import Close, Give

OPEN = Gauges(
    "select hall, given as toy_given from toy_halls where not closed", ["hall"], toy_given="Numbers given"
)
WHOM = Tally("toy_people_total", "Numbers by whom", "type = 'number-given'", whom="data ->> 'whom'")
ALL = Tally("toy_all_total", "Every event")
RARELY = Gauges("select count(*) as toy_rare from events", every=3600, toy_rare="Events, counted rarely")
SLOW = Gauges("select 1 as toy_slow from pg_sleep(5)", toy_slow="Never told")
BROKEN = Gauges("select 1 / 0 as toy_broken", toy_broken="Never told")


@pytest_asyncio.fixture
async def handle(postgres_url: str) -> AsyncIterator[Handler]:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handle:
        yield handle


def told(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "toy", **labels})


async def seen(dsn: str, *measures: Measure) -> None:
    await look("toy", dsn, "toy", measures)


async def test_a_gauge_follows_its_row_and_goes_with_it(handle: Handler, postgres_url: str) -> None:
    await handle("hall-7406", Give("a"))
    await seen(postgres_url, OPEN)
    assert told("toy_given", hall="hall-7406") == 1
    await handle("hall-7406", Give("b"))
    await handle("hall-3271", Give("c"))
    await seen(postgres_url, OPEN)
    assert (told("toy_given", hall="hall-7406"), told("toy_given", hall="hall-3271")) == (2, 1)
    await handle("hall-7406", Close())
    await seen(postgres_url, OPEN)
    assert (told("toy_given", hall="hall-7406"), told("toy_given", hall="hall-3271")) == (None, 1)


async def test_what_reads_much_is_read_rarely_and_at_once_after_trouble(
    handle: Handler, postgres_url: str
) -> None:
    for _ in range(2):
        await handle("hall-7406", Give("a"))
        await seen(postgres_url, RARELY)
    assert told("toy_rare") == 1
    await seen("postgresql://nobody@127.0.0.1:9/none", RARELY)
    assert told("toy_rare") is None
    await seen(postgres_url, RARELY)
    assert told("toy_rare") == 2


async def test_events_are_counted_once_from_the_first_look_on(handle: Handler, postgres_url: str) -> None:
    await handle("hall-7406", Give("before"))
    await seen(postgres_url, WHOM, ALL)
    for whom in ("a", "a", "b"):
        await handle("hall-7406", Give(whom))
    await handle("hall-7406", Close())
    await seen(postgres_url, WHOM, ALL)
    await seen(postgres_url, WHOM, ALL)
    counted = [told("toy_people_total", whom=whom) for whom in ("before", "a", "b")]
    assert counted == [None, 2, 1]
    assert told("toy_all_total") == 4


async def test_a_service_tells_how_far_its_log_came_and_what_waits_for_a_human(
    handle: Handler, postgres_url: str
) -> None:
    await handle("hall-7406", Give("a"))
    database = await connect(postgres_url, "toy", "test")
    await database.execute("insert into inbox (source, position) values ('catalog', 12), ('queue', 7)")
    parked = "insert into parked values ('catalog', $1, $2, '{}', 'NoSuchLine')"
    await database.executemany(parked, [(9, "7406"), (10, "7406"), (11, "3271")])
    await database.close()
    await seen(postgres_url, *VITALS)
    assert told("log_position") == 1
    assert (told("inbox_position", source="catalog"), told("inbox_position", source="queue")) == (12, 7)
    assert told("inbox_parked_keys", source="catalog") == 2
    assert told("inbox_parked_keys", source="queue") == 0


async def test_what_fails_is_forgotten_and_hides_nothing_else(handle: Handler, postgres_url: str) -> None:
    await handle("hall-7406", Give("a"))
    await seen(postgres_url, OPEN)
    before = told("measured_timestamp_seconds")
    await seen(postgres_url, BROKEN, OPEN)
    assert told("toy_given", hall="hall-7406") == 1
    assert told("database_up") == 1
    assert told("measured_timestamp_seconds") == before  # it is said that not all was measured


async def test_a_database_that_does_not_answer_is_told_and_no_old_number_stays(
    handle: Handler, postgres_url: str
) -> None:
    await handle("hall-7406", Give("a"))
    await seen(postgres_url, OPEN)
    await seen("postgresql://nobody@127.0.0.1:9/none", WHOM, OPEN)
    assert (told("database_up"), told("toy_given", hall="hall-7406")) == (0, None)
    await seen(postgres_url, OPEN)
    assert (told("database_up"), told("toy_given", hall="hall-7406")) == (1, 1)


async def test_a_database_that_is_frozen_is_told_too(
    handle: Handler, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "ANSWER_SECONDS", 0.5)
    await handle("hall-7406", Give("a"))
    await seen(postgres_url, OPEN)
    accepted = asyncio.Event()
    async with await asyncio.start_server(lambda *_: accepted.set(), "127.0.0.1") as mute:
        port = mute.sockets[0].getsockname()[1]
        await seen(f"postgresql://nobody@127.0.0.1:{port}/none", OPEN)
    assert accepted.is_set()
    assert (told("database_up"), told("toy_given", hall="hall-7406")) == (0, None)


async def test_a_query_that_takes_too_long_is_not_taken_for_a_lost_database(
    handle: Handler, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "QUERY_SECONDS", 0.2)
    await handle("hall-7406", Give("a"))
    await seen(postgres_url, SLOW, OPEN)
    assert (told("database_up"), told("toy_slow"), told("toy_given", hall="hall-7406")) == (1, None, 1)


@pytest.mark.parametrize("behind", [OPEN, WHOM, *VITALS])
async def test_an_empty_service_tells_nothing_wrong(
    behind: Measure, handle: Handler, postgres_url: str
) -> None:
    await seen(postgres_url, behind)
    assert told("database_up") == 1
