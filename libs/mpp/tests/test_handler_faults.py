"""Connections, servers and processes die under the handler: nothing is lost, nothing doubled."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from mpp.eventsourcing.handler import Handler, Outcome
from mpp.eventsourcing.log import About, Log, Unavailable, connect
from mpp.testing import toy
from mpp.testing.toy import Close, Give
from mpp_servers.postgres import Postgres

A = "hall-7406"


class Proxy:
    """Between a client and PostgreSQL: `lose` the next "commit", or its "reply", or fall "silent"."""

    def __init__(self, dsn: str):
        self._server = urlsplit(dsn)
        self.lose = ""
        self.lost = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        proxy = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        yield self._server._replace(netloc=f"{self._server.netloc.rpartition(':')[0]}:{port}").geturl()
        proxy.close()

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        server, send = await asyncio.open_connection(self._server.hostname, self._server.port)
        replies = asyncio.create_task(self._pump(server, answer))
        try:
            while data := await client.read(65536):
                if self.lose and data.endswith(b"commit\0"):
                    what, self.lose = self.lose, ""
                    self.lost += 1
                    if what == "silent":
                        continue
                    replies.cancel()
                    if what == "reply":
                        await asyncio.wait([replies])
                        send.write(data)
                        await server.read(1)
                    return
                send.write(data)
                await send.drain()
        finally:
            replies.cancel()
            for writer in (send, answer):
                writer.transport.abort()

    async def _pump(self, server: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        while data := await server.read(65536):
            answer.write(data)
            await answer.drain()
        answer.close()


@asynccontextmanager
async def behind_proxy(dsn: str, **options: Any) -> AsyncIterator[tuple[Handler, Proxy, asyncpg.Connection]]:
    await toy.create(dsn)
    proxy, direct = Proxy(dsn), await connect(dsn, "toy", "test")
    async with proxy.open() as through, toy.writing(through, **options) as handle:
        yield handle, proxy, direct
    await direct.close()


async def given(database: asyncpg.Connection) -> list[tuple[str, int]]:
    rows = await database.fetch(
        "select data->>'whom' as whom, (data->>'number')::int as number from events order by position"
    )
    return [(row["whom"], row["number"]) for row in rows]


def answered(outcomes: list[Outcome]) -> list[tuple[str, int]]:
    return [(e.whom, e.number) for o in outcomes for e in o.events if isinstance(e, toy.Given)]


@pytest.mark.parametrize("what", ["commit", "reply", "silent"])
async def test_a_commit_or_its_reply_is_lost_and_everything_is_written_once(
    postgres_url: str, what: str
) -> None:
    async with behind_proxy(postgres_url, patience=2) as (handle, proxy, database):
        await handle(A, Give("before"))
        proxy.lose = what
        outcomes = await asyncio.gather(*(handle(A, Give(str(n))) for n in range(20)))
        after = await handle(A, Give("after"))

        assert proxy.lost == 1
        assert [("before", 1), *answered([*outcomes, after])] == await given(database)
        assert [number for _, number in await given(database)] == list(range(1, 23))


async def test_a_reply_lost_for_a_key_without_events_is_found_in_the_table_of_keys(postgres_url: str) -> None:
    async with behind_proxy(postgres_url) as (handle, proxy, database):
        await handle(A, Close())
        proxy.lose = "reply"
        outcome = await handle(A, Close(), About(key="k", request=b"r"))

        assert (proxy.lost, outcome.events, outcome.repeated) == (1, (), False)
        assert await database.fetchval("select count(*) from commands") == 1


async def test_what_leaves_no_trace_to_look_for_is_not_claimed_after_a_lost_reply(postgres_url: str) -> None:
    async def row(tx: asyncpg.Connection) -> None:
        await tx.execute("insert into inbox (source, position) values ('x', 1)")

    async with behind_proxy(postgres_url) as (handle, proxy, _):
        proxy.lose = "reply"
        with pytest.raises(Unavailable):
            await handle.all([], also=[row])


async def test_a_connection_killed_in_mid_flight_costs_no_command(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    killed: list[int] = []

    async def kill(tx: asyncpg.Connection) -> None:
        if len(killed) < 1:
            killed.append(tx.get_server_pid())
            await database.execute("select pg_terminate_backend($1, 5000)", killed[0])

    async with toy.writing(postgres_url) as handle:
        await handle(A, Give("before"))
        outcomes = await asyncio.gather(
            *(handle(A, Give(str(n)), also=[kill] if n == 5 else []) for n in range(10))
        )

        assert len(killed) == 1
        assert [("before", 1), *answered(outcomes)] == await given(database)
    await database.close()


async def test_connections_killed_again_and_again_lose_and_double_nothing(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    kill = """select count(pg_terminate_backend(pid)) from pg_stat_activity
        where application_name = 'toy-write'"""

    async def client(handle: Handler, name: int) -> list[Outcome]:
        outcomes = []
        for n in range(15):
            about = About(key=str(uuid4()), request=b"r")
            while True:
                try:
                    outcomes.append(await handle(A, Give(f"{name}.{n}"), about))
                    break
                except Unavailable:
                    continue
        return outcomes

    async with toy.writing(postgres_url, batch=4) as handle:
        progress, kills = asyncio.Event(), 0
        handle.committed = progress.set

        async def killer() -> None:
            nonlocal kills
            while True:
                await progress.wait()  # else it would kill faster than anything can be written
                progress.clear()
                kills += await database.fetchval(kill)

        killing = asyncio.create_task(killer())
        try:
            clients = await asyncio.gather(*(client(handle, name) for name in range(8)))
        finally:
            killing.cancel()
            await asyncio.wait([killing])
        outcomes = [outcome for each in clients for outcome in each]

    assert kills > 5
    assert sorted(answered(outcomes)) == sorted(await given(database))
    assert [number for _, number in await given(database)] == list(range(1, 121))
    await database.close()


async def test_without_a_database_the_caller_is_told_and_it_goes_on_when_it_returns(
    own_postgres: Postgres,
) -> None:
    await toy.create(own_postgres.url())
    async with toy.writing(own_postgres.url()) as handle:
        await handle(A, Give("before"))
        own_postgres.kill()
        with pytest.raises(Unavailable):
            await handle(A, Give("during"), About(key="k", request=b"r"))
        own_postgres.start()

        assert answered([await handle(A, Give("during"), About(key="k", request=b"r"))]) == [("during", 2)]


async def test_a_server_without_a_free_connection_is_unavailable_not_broken(own_postgres: Postgres) -> None:
    await toy.create(own_postgres.url())
    database = await asyncpg.connect(own_postgres.url())
    await database.execute("create role guest login password 'guest' connection limit 0")
    guest = urlsplit(own_postgres.url())
    dsn = guest._replace(netloc=f"guest:guest@{guest.hostname}:{guest.port}").geturl()
    async with toy.writing(dsn) as handle:
        with pytest.raises(Unavailable):
            await handle(A, Give("x"))
    await database.close()


async def test_a_server_that_only_reads_is_unavailable_not_broken(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    name = await database.fetchval("select current_database()")
    await database.execute(f"alter database {name} set default_transaction_read_only = on")
    async with toy.writing(postgres_url) as handle:
        with pytest.raises(Unavailable):
            await handle(A, Give("x"))
        await database.execute("set transaction_read_only = off")
        await database.execute(f"alter database {name} reset default_transaction_read_only")

        assert answered([await handle(A, Give("y"))]) == [("y", 1)]
    await database.close()


REPLICA = """
import asyncio, json, sys
from mpp.testing import toy

async def main(dsn, name):
    async with toy.writing(dsn, batch=8) as handle:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        outcomes = []
        for round in range(10):
            gives = (handle("hall-7406", toy.Give(f"{name}.{round}.{n}")) for n in range(20))
            outcomes += await asyncio.gather(*gives)
        print(json.dumps([(e.whom, e.number) for o in outcomes for e in o.events]))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_is_found_after_a_lost_reply_is_answered_when_a_second_machine_has_it_too(
    own_postgres: Postgres,
) -> None:
    """Restarted, the server shows what it had written and no standby had confirmed."""
    dsn, about = own_postgres.url(), About(key="k", request=b"r")
    await toy.create(dsn)
    async with toy.writing(dsn, patience=1) as handle:
        await handle(A, Give("before"))
        await second_machine(dsn, "nobody")
        with pytest.raises(Unavailable):
            await handle(A, Give("x"), about)
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)
        with pytest.raises(Unavailable):
            await handle(A, Give("x"), about)
        await second_machine(dsn, "")
        outcome = await handle(A, Give("x"), about)

        assert (outcome.repeated, answered([outcome])) == (True, [("x", 2)])


async def second_machine(dsn: str, name: str) -> None:
    """Whose word every COMMIT waits for from now on."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"alter system set synchronous_standby_names = '{name}'")
    await connection.execute("select pg_reload_conf()")
    while await connection.fetchval("show synchronous_standby_names") != name:
        await connection.fetchval("select pg_sleep(0.01)")
    await connection.close()


async def test_a_standby_is_never_asked_what_became_of_a_commit(own_postgres: Postgres) -> None:
    """It may not have played yet what it has received."""
    await toy.create(own_postgres.url())
    await asyncio.to_thread(own_postgres.stop)
    (own_postgres.data / "standby.signal").touch()
    await asyncio.to_thread(own_postgres.start)
    log = Log(own_postgres.url(), "toy")

    with pytest.raises(Unavailable):
        async with log.transaction():
            raise AssertionError("a standby was taken for the primary")
    await log.close()


async def test_two_processes_on_one_log_give_each_number_once(postgres_url: str) -> None:
    await toy.create(postgres_url)
    pipe = asyncio.subprocess.PIPE
    replicas = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", REPLICA, postgres_url, name, stdin=pipe, stdout=pipe
        )
        for name in "ab"
    ]
    for replica in replicas:
        assert replica.stdout and await replica.stdout.readline() == b"ready\n"
    results: list[Any] = [
        json.loads(out) for out, _ in await asyncio.gather(*(r.communicate(b"go\n") for r in replicas))
    ]
    database = await connect(postgres_url, "toy", "test")
    told = await given(database)

    assert [number for _, number in told] == list(range(1, 401))
    assert sorted(told) == sorted((whom, number) for result in results for whom, number in result)
    assert [r["version"] for r in await database.fetch("select version from events order by position")] == [
        number for _, number in told
    ]
    await database.close()
