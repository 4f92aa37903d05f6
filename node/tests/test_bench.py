"""The bench: a short run of everything, and the loss of a ticket that it would notice."""

import asyncio
import json
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.eventsourcing.verify import contiguous, invariants, snapshot, views_are_fold
from mpp.eventsourcing.views import create_statements
from mpp.migrate import migrate
from mpp_node.__main__ import app
from mpp_node.bench import command, filling
from mpp_node.bench.command import measure
from mpp_node.bench.consumer import in_order
from mpp_node.bench.live import late
from mpp_node.bench.load import Caller, Tally, officer
from mpp_node.bench.malls import LINES, news, opening
from mpp_node.bench.numbers import check, numbers
from mpp_node.bench.table import BARS, report
from mpp_node.bench.world import Broken, Size
from queue_service import promises
from queue_service.__main__ import service
from queue_service.hall import stream_of
from queue_service.reactions import react
from queue_service.views import TABLES

MALL, DAY = "9901", date(2031, 3, 3)
RATES = {
    "bare_fastapi_rps",
    "noop_rps",
    "ticket_rps",
    "ticket_rps_grown",
    "ticket_two_replicas_rps",
    "call_next_rps",
    "pgbench_insert_tps",
    "consumer_eps",
    "rebuild_eps",
    "start_s",
    "live_pages",
}
DELAYS = {"event_to_consumer_ms", "event_to_board_ms", "live_fanout_ms"}
SMALL = Size(pages=200, fans=20, events=8_000, waiting=200, rebuilt=4_000)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of one short round."""
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    measure(1, 0.3, file, SMALL)
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def test_every_figure_is_measured(measured: dict[str, Any]) -> None:
    assert {*measured} == RATES | DELAYS | {"live_page_kib", "memory_mib", "about"}
    assert [key for key in RATES if not measured[key] > 0] == []


def test_delays_are_told_by_their_percentiles(measured: dict[str, Any]) -> None:
    for key in DELAYS:
        told = measured[key]
        assert {*told} == {"p50", "p95", "p99"}
        assert told["p50"] <= told["p95"] <= told["p99"]


def test_every_page_that_was_opened_is_open_at_the_end(measured: dict[str, Any]) -> None:
    assert measured["live_pages"] == SMALL.pages


def test_memory_is_told_by_process(measured: dict[str, Any]) -> None:
    assert {*measured["memory_mib"]} == {"postgres", "nats", "gateway", "queue"}


def test_every_acknowledged_ticket_is_there_once_and_no_number_is_missing(measured: dict[str, Any]) -> None:
    about = measured["about"]
    assert about["tickets"] > 0
    assert (about["gaps"], about["duplicates"]) == (0, 0)


def test_a_lost_fact_ends_the_command_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def loses(*_: object) -> None:
        raise Broken("a ticket is gone")

    monkeypatch.setattr(command, "measure", loses)
    ended = CliRunner().invoke(app, ["bench"])
    assert (ended.exit_code, str(ended.exception)) == (1, "mpp: a ticket is gone")


async def test_a_log_filled_fast_keeps_every_promise(postgres_url: str) -> None:
    await migrate(postgres_url, "queue", service.migrations)
    await filling.fill(postgres_url, 5_000)
    async with filling.writing(postgres_url) as write:
        for event in opening(MALL):
            await write.all(react(event))
    tickets = await filling.gather(postgres_url, MALL, DAY, [*LINES, *LINES])
    moment = await snapshot(postgres_url, "queue")
    handle = service.handle
    checks = [
        await contiguous(moment),
        await invariants(moment, handle.decode, promises.check),
        await views_are_fold(moment, "queue", TABLES, handle.decode, handle.project),
    ]
    assert [check.violations for check in checks] == [()] * 3
    assert await moment.fetchval("select count(*) from events") >= 5_000
    recent = (
        "select count(*) from queue.events where recorded_at > now() - interval '30 days' and stream ~ $1"
    )
    assert await moment.fetchval(recent, "hall-97") == 0
    assert (await check(moment, MALL, DAY, acknowledged=len(tickets))).issued == 2 * len(LINES)
    await moment.close()


async def written(url: str, numbered: list[int]) -> asyncpg.Connection:
    """A log in which line A gave these numbers, and the view of its tickets."""
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA_SQL)
    for statement in create_statements(TABLES):
        await connection.execute(statement)
    for version, seq in enumerate(numbered, 1):
        await connection.execute(
            """with made as (select gen_random_uuid() as ticket), told as (
                insert into events (id, stream, version, type, data, about)
                select gen_random_uuid(), $1, $2, 'ticket-issued',
                       jsonb_build_object('line', 'A', 'seq', $3::int, 'number', $4::text, 'ticket', ticket),
                       '{}' from made)
               insert into tickets (id, hall, number, line, service, channel, status, issued_at)
               select ticket, $1, $4, 'A', 's', 'kiosk', 'waiting', now() from made""",
            stream_of(MALL, DAY),
            version,
            seq,
            f"A{seq:03d}",
        )
    return connection


async def test_numbers_one_after_the_other_are_in_order(postgres_url: str) -> None:
    connection = await written(postgres_url, [1, 2, 3])
    assert (await check(connection, MALL, DAY, acknowledged=3)).issued == 3
    await connection.close()


@pytest.mark.parametrize(
    ("numbered", "gaps", "duplicates"), [([1, 2, 4], 1, 0), ([1, 2, 2, 3], 0, 1), ([2, 3], 1, 0)]
)
async def test_a_gap_or_a_number_given_twice_breaks_the_bench(
    postgres_url: str, numbered: list[int], gaps: int, duplicates: int
) -> None:
    connection = await written(postgres_url, numbered)
    found = await numbers(connection, MALL, DAY)
    assert (found.gaps, found.duplicates) == (gaps, duplicates)
    with pytest.raises(Broken):
        await check(connection, MALL, DAY, acknowledged=len(numbered))
    await connection.close()


async def test_an_acknowledged_ticket_that_is_not_in_the_log_breaks_the_bench(postgres_url: str) -> None:
    connection = await written(postgres_url, [1, 2])
    with pytest.raises(Broken, match="3 tickets were acknowledged"):
        await check(connection, MALL, DAY, acknowledged=3)
    await connection.close()


async def test_a_ticket_that_is_in_the_log_but_not_in_the_view_breaks_the_bench(postgres_url: str) -> None:
    connection = await written(postgres_url, [1, 2])
    await connection.execute("delete from tickets where number = 'A002'")
    with pytest.raises(Broken):
        await check(connection, MALL, DAY, acknowledged=2)
    await connection.close()


FIRST, SECOND = UUID(int=1), UUID(int=2)
CALLS = [{"ticket": FIRST, "position": 10, "at": 5.0}, {"ticket": SECOND, "position": 20, "at": 6.0}]


def test_a_page_counts_once_for_each_call_that_its_ticket_waited_for() -> None:
    pages = {FIRST: [(9, 4.9), (12, 5.01), (21, 6.5)], SECOND: [(9, 4.9), (12, 5.02), (20, 6.03)]}
    assert [round(ms) for ms in late(CALLS, pages, 0, 9)] == [10, 20, 30]
    assert [round(ms) for ms in late(CALLS, pages, 5.5, 9)] == [30]


def test_a_page_that_is_not_told_of_a_call_breaks_the_bench() -> None:
    with pytest.raises(Broken, match="not told"):
        [*late(CALLS, {FIRST: [(10, 5.1)], SECOND: [(10, 5.1)]}, 0, 9)]


class Wire(asyncio.Transport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


def test_an_answer_in_pieces_counts_once_and_the_next_request_follows_it() -> None:
    tally, wire = Tally(), Wire()
    caller = Caller(officer("9901-01", {}), tally, None)
    caller.connection_made(wire)
    caller.ask()
    ticket = "0198c0de-0000-7000-8000-000000000001"
    body = f'{{"id":"{ticket}","number":"A001"}}'
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    for start in range(0, len(answer), 7):
        caller.data_received(answer[start : start + 7])
    assert (tally.counted, tally.odd) == (1, {})
    assert [line.split(b" ")[1] for line in wire.written] == [
        b"/api/queue/v1/counters/9901-01/call-next",
        f"/api/queue/v1/tickets/{ticket}/miss".encode(),
    ]


def test_an_answer_that_should_not_be_is_kept_and_ends_its_connection() -> None:
    tally, wire = Tally(), Wire()
    caller = Caller(officer("9901-01", {}), tally, None)
    caller.connection_made(wire)
    caller.ask()
    caller.data_received(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}")
    assert (tally.counted, [*tally.odd], len(wire.written)) == (0, ["500"], 1)


def test_a_report_holds_medians_and_their_spread() -> None:
    def round_(ticket: float, noop: float, p50: float) -> dict[str, Any]:
        rates = {"ticket_rps": ticket, "noop_rps": noop, "bare_fastapi_rps": 8.0}
        return rates | {"ticket_two_replicas_rps": ticket, "event_to_board_ms": {"p50": p50}}

    told = report([round_(3.0, 4.0, 9.0), round_(1.0, 4.0, 7.0), round_(2.0, 4.0, 8.0)], {})
    assert (told["ticket_rps"], told["event_to_board_ms"]) == (2.0, {"p50": 8.0})
    assert told["about"]["spread"]["ticket_rps"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert told["about"]["ratios"]["ticket_rps ÷ noop_rps"] == {"median": 0.5, "min": 0.25, "max": 0.75}


def test_a_median_says_whether_it_misses_its_bar_or_reaches_more() -> None:
    assert BARS["rebuild_eps"].shown(50_000) == "≥ 50,000 (150,000)"
    assert BARS["rebuild_eps"].shown(49_999) == "≥ 50,000 (150,000) missed"
    assert BARS["rebuild_eps"].shown(150_000) == "≥ 50,000 (150,000) better"
    assert BARS["live_page_kib"].shown(12) == "≤ 30 (12) better"
    assert BARS["event_to_board_ms.p99"].shown(150) == "≤ 150"
    assert BARS["event_to_board_ms.p99"].shown(150.1) == "≤ 150 missed"


def test_news_that_are_missing_doubled_or_out_of_order_are_no_figure() -> None:
    told = news(4, first=0)
    facts = [event.model_dump() for event in told]
    heard: list[Any] = [(f"mall-{e.mall}", f["code"], f["minutes"]) for e, f in zip(told, facts, strict=True)]
    later: list[Any] = [*heard, (heard[0][0], "service.9", 1)]
    in_order(told, heard[::-1])  # these are of four malls
    for wrong in (heard[1:], [*heard, heard[0]], later):
        with pytest.raises(Broken):
            in_order(told, wrong)
