"""The bench: a short run of everything, and the loss of a ticket that it would notice."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import asyncpg
import pytest

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.eventsourcing.views import create_statements
from mpp_node.bench.load import Caller, Tally, officer
from mpp_node.bench.numbers import check, numbers
from mpp_node.bench.table import report
from mpp_node.bench.world import Broken
from queue_service.hall import stream_of
from queue_service.views import TABLES

MALL, DAY = "9901", date(2031, 3, 3)
RATES = {
    "bare_fastapi_rps",
    "noop_rps",
    "ticket_rps",
    "ticket_two_replicas_rps",
    "call_next_rps",
    "pgbench_insert_tps",
    "consumer_eps",
    "rebuild_eps",
    "start_s",
}
DELAYS = {"event_to_consumer_ms", "event_to_board_ms"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The report of one short round."""
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    words = ["bench", "--rounds", "1", "--seconds", "0.3", "--json", str(file)]
    ended = subprocess.run(
        [sys.executable, "-m", "mpp_node", *words], capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    yield json.loads(file.read_text())


def test_every_figure_is_measured(measured: dict[str, Any]) -> None:
    assert {*measured} == RATES | DELAYS | {"memory_mib", "about"}
    assert [key for key in RATES if not measured[key] > 0] == []


def test_delays_are_told_by_their_percentiles(measured: dict[str, Any]) -> None:
    for key in DELAYS:
        told = measured[key]
        assert {*told} == {"p50", "p95", "p99"}
        assert told["p50"] <= told["p95"] <= told["p99"]


def test_memory_is_told_by_process(measured: dict[str, Any]) -> None:
    assert {*measured["memory_mib"]} == {"postgres", "nats", "gateway", "queue"}


def test_every_acknowledged_ticket_is_there_once_and_no_number_is_missing(measured: dict[str, Any]) -> None:
    about = measured["about"]
    assert about["tickets"] > 0
    assert (about["gaps"], about["duplicates"]) == (0, 0)


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
