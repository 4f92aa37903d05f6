"""Commands become facts: together in one commit, each with its own answer, and none because of another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing import handler as handlers
from mpp.eventsourcing.decider import UnknownEvent
from mpp.eventsourcing.handler import Handler, KeyReused, Step
from mpp.eventsourcing.log import About, PostgresWriting, Row, Span, Unavailable, connect
from mpp.testing import toy
from mpp.testing.toy import Close, Give, Given, Spoil

A, B = "hall-7406", "hall-3271"


@pytest_asyncio.fixture
async def handle(postgres_url: str) -> AsyncIterator[Handler]:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handler:
        yield handler


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(postgres_url, "toy", "test")
    yield connection
    await connection.close()


def keyed(request: bytes = b"same", key: str | None = None) -> About:
    return About(actor=uuid4(), key=key or str(uuid4()), request=request)


def numbers(outcomes: list[Any]) -> list[int]:
    return [event.number for outcome in outcomes for event in outcome.events]


async def test_many_commands_share_few_commits_and_each_gets_its_own_answer(
    handle: Handler, database: asyncpg.Connection
) -> None:
    outcomes = await asyncio.gather(*(handle(A, Give(str(n))) for n in range(200)))

    assert [outcome.events[0].whom for outcome in outcomes] == [str(n) for n in range(200)]  # type: ignore[attr-defined]
    assert sorted(numbers(outcomes)) == list(range(1, 201))
    assert await database.fetchval("select count(distinct xmin::text) from events") <= 2
    assert await database.fetchval("select count(*) from toy_numbers") == 200


async def test_a_refused_command_fails_alone(handle: Handler) -> None:
    await handle(A, Close())

    answers = await asyncio.gather(
        handle(B, Give("1")), handle(A, Give("2")), handle(B, Give("3")), return_exceptions=True
    )

    assert isinstance(answers[1], toy.HallClosed)
    assert numbers([answers[0], answers[2]]) == [1, 2]


async def test_a_command_that_breaks_is_singled_out_and_the_others_succeed(
    handle: Handler, database: asyncpg.Connection
) -> None:
    commands: list[Any] = [Give(str(n)) for n in range(14)]
    commands[5], commands[9] = "nonsense", Spoil()

    answers = await asyncio.gather(*(handle(A, command) for command in commands), return_exceptions=True)

    assert isinstance(answers.pop(9), RuntimeError)
    assert isinstance(answers.pop(5), TypeError)
    assert numbers(answers) == list(range(1, 13))
    assert [r["number"] for r in await database.fetch("select * from toy_numbers order by 1, 2")] == list(
        range(1, 13)
    )


async def test_several_streams_are_decided_as_one_or_not_at_all(handle: Handler) -> None:
    await handle(B, Close())

    with pytest.raises(toy.HallClosed):
        await handle.all([Step(A, Give("x")), Step(B, Give("x"))])
    outcome = await handle.all([Step(A, Give("y")), Step("hall-1671", Give("y")), Step(A, Give("z"))])

    assert [event.number for event in outcome.events] == [1, 1, 2]  # type: ignore[attr-defined]
    assert (outcome.stream, outcome.version, outcome.state.given) == (A, 2, 2)


async def test_the_same_key_gets_the_first_answer_within_a_batch_later_and_after_a_restart(
    handle: Handler, postgres_url: str
) -> None:
    about = keyed()
    first, twin = await asyncio.gather(handle(A, Give("x"), about), handle(A, Give("x"), about))
    await handle(A, Give("y"))
    later = await handle(A, Give("x"), about)
    async with toy.writing(postgres_url) as restarted:
        after_restart = await restarted(A, Give("x"), about)

    assert not first.repeated
    for repeat in (twin, later, after_restart):
        assert (repeat.events, repeat.version, repeat.repeated) == (first.events, first.version, True)


async def test_the_same_key_with_another_request_is_refused(handle: Handler) -> None:
    about = keyed(b"one")
    await handle(A, Give("x"), about)

    with pytest.raises(KeyReused):
        await handle(A, Give("y"), About(actor=about.actor, key=about.key, request=b"two"))
    stranger = await handle(A, Give("z"), keyed(b"two", about.key))

    assert numbers([stranger]) == [2]


async def test_a_key_that_led_to_nothing_is_remembered_too(handle: Handler) -> None:
    about = keyed()
    await handle(A, Close())
    first = await handle(A, Close(), about)

    again = await handle(A, Close(), about)

    assert (first.events, first.repeated) == ((), False)
    assert (again.events, again.version, again.repeated) == ((), 1, True)
    with pytest.raises(KeyReused):
        await handle(B, Give("x"), About(actor=about.actor, key=about.key, request=b"other"))


async def test_a_refused_key_may_be_used_again(handle: Handler) -> None:
    about = keyed()
    await handle(A, Close())
    with pytest.raises(toy.HallClosed):
        await handle(A, Give("x"), about)

    assert numbers([await handle(B, Give("x"), about)]) == [1]


async def test_a_caller_who_leaves_harms_nobody(handle: Handler) -> None:
    tasks = [asyncio.create_task(handle(A, Give(str(n)))) for n in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    stayed = [a for a in answers if not isinstance(a, asyncio.CancelledError)]
    after = await handle(A, Give("after"))

    assert len(stayed) == 20
    assert numbers([*stayed, after]) == list(range(1, len(stayed) + 2))


async def test_a_caller_who_leaves_during_the_commit_harms_nobody(handle: Handler) -> None:
    written, go = asyncio.Event(), asyncio.Event()

    async def wait(tx: asyncpg.Connection) -> None:
        written.set()
        await go.wait()

    leaving = asyncio.create_task(handle(A, Give("leaves"), also=[wait]))
    staying = asyncio.create_task(handle(A, Give("stays")))
    await written.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    go.set()

    assert numbers([await staying]) == [2]


async def test_a_cancellation_from_elsewhere_fails_one_caller_alone(handle: Handler) -> None:
    async def broken_off(tx: asyncpg.Connection) -> None:
        raise asyncio.CancelledError

    alone = asyncio.create_task(handle(A, Give("alone"), also=[broken_off]))
    others = [asyncio.create_task(handle(A, Give(str(n)))) for n in range(5)]

    with pytest.raises(Unavailable):
        await alone
    assert numbers([*await asyncio.gather(*others), await handle(A, Give("after"))]) == [1, 2, 3, 4, 5, 6]


async def test_when_the_writer_ends_nobody_waits_for_ever_and_somebody_is_told(handle: Handler) -> None:
    died, written = asyncio.Event(), asyncio.Event()
    handle.died = died.set

    async def wait(tx: asyncpg.Connection) -> None:
        written.set()
        await asyncio.Event().wait()

    under_way = asyncio.create_task(handle(A, Give("under way"), also=[wait]))
    await written.wait()
    waiting = asyncio.create_task(handle(A, Give("waiting")))
    await asyncio.sleep(0)
    assert handle._writer
    handle._writer.cancel()
    await died.wait()

    for asked in (under_way, waiting, asyncio.create_task(handle(A, Give("later")))):
        with pytest.raises(Unavailable):
            await asked


async def test_more_commands_than_could_be_answered_are_refused_at_once(
    handle: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "MOST_WAITING", 10)
    answers = await asyncio.gather(*(handle(A, Give(str(n))) for n in range(12)), return_exceptions=True)

    assert [type(answer) for answer in answers[10:]] == [Unavailable, Unavailable]
    assert numbers(answers[:10]) == list(range(1, 11))


async def test_a_crowd_that_asks_again_is_answered_with_one_query(
    handle: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [keyed() for _ in range(20)]
    first = await asyncio.gather(*(handle(A, Give(str(n)), key) for n, key in enumerate(keys)))
    asked, spans = list[int](), PostgresWriting.spans

    async def counted(tx: PostgresWriting, wanted: Sequence[Span]) -> list[list[Row]]:
        asked.append(len(wanted))
        return await spans(tx, wanted)

    monkeypatch.setattr(PostgresWriting, "spans", counted)
    again = await asyncio.gather(*(handle(A, Give(str(n)), key) for n, key in enumerate(keys)))

    assert [o.events for o in again] == [o.events for o in first]
    assert all(o.repeated for o in again)
    assert sum(asked) == 20 and len(asked) <= 2


async def test_a_key_that_comes_back_for_another_stream_gets_its_first_answer(handle: Handler) -> None:
    key = keyed()
    first, again = await handle(A, Give("x"), key), await handle(B, Give("x"), key)

    assert (again.stream, again.events, again.state, again.repeated) == (A, first.events, first.state, True)


async def test_what_else_is_written_is_atomic_with_the_events(
    handle: Handler, database: asyncpg.Connection
) -> None:
    async def fails(tx: asyncpg.Connection) -> None:
        await tx.execute("insert into inbox (source, position) values ('x', 1)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await handle(A, Give("x"), also=[fails])

    assert await database.fetchval("select count(*) from events") == 0
    assert await database.fetchval("select count(*) from inbox") == 0


async def test_a_swallowed_database_error_is_not_taken_for_a_commit(handle: Handler) -> None:
    async def swallows(tx: asyncpg.Connection) -> None:
        try:
            await tx.execute("insert into nowhere values (1)")
        except asyncpg.PostgresError:
            return

    with pytest.raises(RuntimeError, match="rolled back"):
        await handle(A, Give("x"), also=[swallows])

    assert numbers([await handle(A, Give("y"))]) == [1]


@pytest.mark.parametrize(
    "behind_its_back",
    [
        "delete from events where version = 3",
        "update events set id = gen_random_uuid(), data = '{\"number\": 7}' where version = 3",
        "delete from events",
    ],
)
async def test_the_cache_is_dropped_when_the_log_is_another_one(
    handle: Handler, database: asyncpg.Connection, behind_its_back: str
) -> None:
    for n in range(3):
        await handle(A, Give(str(n)))
    await database.execute(behind_its_back)
    expected = {"delete from events where version = 3": 3, "delete from events": 1}.get(behind_its_back, 8)
    await database.execute("delete from toy_numbers")

    assert numbers([await handle(A, Give("next"))]) == [expected]


async def test_the_cache_is_bounded_and_forgotten_streams_are_read_again(postgres_url: str) -> None:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url, cached=2) as handle:
        for _ in range(2):
            for mall in range(5):
                last = await handle(f"hall-{mall}", Give("x"))

        assert numbers([last]) == [2]
        assert len(handle._cache) == 2


async def test_an_event_of_a_newer_version_stops_its_stream_with_a_clear_error_and_no_other(
    handle: Handler, database: asyncpg.Connection
) -> None:
    await handle(A, Give("x"))
    await database.execute(
        "insert into events (id, stream, version, type, data, about) "
        "values (gen_random_uuid(), $1, 2, 'number-praised', '{}', '{}')",
        A,
    )

    answers = await asyncio.gather(handle(A, Give("y")), handle(B, Give("z")), return_exceptions=True)

    assert isinstance(answers[0], UnknownEvent)
    assert "number-praised" in str(answers[0])
    assert numbers([answers[1]]) == [1]


async def test_stopping_finishes_what_was_accepted_and_refuses_what_comes_later(postgres_url: str) -> None:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url, batch=10) as handle:
        accepted = [asyncio.create_task(handle(A, Give(str(n)))) for n in range(50)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(handle.stop())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await handle(A, Give("late"))
        await stopping

        assert sorted(numbers(await asyncio.gather(*accepted))) == list(range(1, 51))


async def test_the_relay_is_told_of_each_commit_that_added_events(handle: Handler) -> None:
    told: list[str] = []
    handle.committed = lambda: told.append("poke")

    await handle(A, Close())
    await handle(A, Close())

    assert told == ["poke"]


async def test_events_carry_who_asked_and_nothing_personal(
    handle: Handler, database: asyncpg.Connection
) -> None:
    actor = uuid4()
    about = About(actor=actor, role="kiosk", key="secret", request=b"r", traceparent="00-ab-cd-01")
    outcome = await handle(A, Give("x"), about)

    row = await database.fetchrow("select about::text, type, data::text from events")
    assert (
        row
        and row["about"] == f'{{"role": "kiosk", "actor": "{actor}", "traceparent": "00-ab-cd-01"}}'
        and row["type"] == "number-given"
    )
    assert outcome.events == (Given(number=1, whom="x"),)
    assert b"secret" not in (await database.fetchval("select key from commands"))
