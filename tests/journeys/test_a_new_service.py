"""The page that shows how a service is made: its files are taken out of it, and run."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Message, decode
from mpp.testing.tokens import TokenMint
from mpp_contracts.queue import TicketIssued
from mpp_servers.nats import Nats
from mpp_servers.server import free_port

HOUSE = Path(__file__).parents[2]
BLOCK = re.compile(r"^`([\w./]+)`\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MALL, DAY = "7406", date(2026, 11, 23)
LIBRARIES = ("libs/mpp", "libs/contracts", "libs/servers")


def written(folder: Path) -> Path:
    """Every file of the page, in its place below this folder; the service's own folder."""
    page = (HOUSE / "docs" / "a-new-service.md").read_text()
    for name, text in BLOCK.findall(page):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "services/visits/visits_service/__init__.py").touch()
    # Beside the contracts of the house, which stay where they are.
    (folder / "libs/contracts/mpp_contracts/__init__.py").write_text(
        f'"""Extended."""\n\n__path__.append({str(HOUSE / "libs/contracts/mpp_contracts")!r})\n'
    )
    return folder / "services" / "visits"


class Visits:
    """The service as a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = written(folder)
        paths = [folder / "libs/contracts", self.folder, *(HOUSE / name for name in LIBRARIES)]
        own = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "MPP_SERVICE": "visits"}
        self.environment = os.environ | environment | own
        self.url = f"http://127.0.0.1:{environment['MPP_PORT']}"

    async def run(self, *words: str) -> tuple[int, str]:
        process = await self._start(*words)
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        process = await self._start("migrate", "serve")
        try:
            async with httpx.AsyncClient() as client:
                while True:
                    try:
                        if (await client.get(f"{self.url}/health/ready")).status_code == 200:
                            break
                    except httpx.HTTPError:
                        assert process.returncode is None, "it ended"
                    await asyncio.sleep(0.05)
            yield
        finally:
            process.terminate()
            await process.communicate()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "visits_service", *words]
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )


@pytest.fixture
def environment(postgres_url: str, own_nats: Nats, mint: TokenMint) -> dict[str, str]:
    return {
        "MPP_DATABASE_URL": postgres_url,
        "MPP_NATS_URL": own_nats.url,
        "MPP_SECRET_KEY": "00" * 32,
        "MPP_PORT": str(free_port()),
        "MPP_ISSUERS": f"[{mint.issuer().model_dump_json()}]",
    }


async def tickets(jetstream: JetStream, many: int) -> None:
    """So many people take a number, as the queue tells it."""
    await jetstream.ensure("queue")
    _, last = await jetstream.bounds("queue")
    told = []
    for n in range(1, many + 1):
        now = datetime.now(UTC)
        facts = {"ticket": uuid4(), "number": f"A{n:03}", "line": "A", "service": "ktp", "channel": "kiosk"}
        event = TicketIssued.model_validate({"mall": MALL, "date": DAY, "at": now, **facts})
        message = Message(uuid4(), n, n - 1, event.subject, now, event.model_dump(mode="json"))
        told.append((message.subject, message.encode()))
    await jetstream.publish(told, last)


async def test_the_files_of_the_page_make_a_service_that_listens_answers_and_tells(
    tmp_path: Path, environment: dict[str, str], own_nats: Nats, mint: TokenMint
) -> None:
    visits, jetstream = Visits(tmp_path, environment), JetStream(own_nats.url, "test")
    await jetstream.connect()
    async with visits.serving(), httpx.AsyncClient(base_url=visits.url) as client:
        admin = {"Authorization": f"Bearer {mint.token('mall-admin', malls=[MALL])}"}
        foreign = {"Authorization": f"Bearer {mint.token('mall-admin', malls=['3271'])}"}
        path = f"/api/visits/v1/malls/{MALL}"
        assert (await client.put(f"{path}/threshold", json={"visits": 3}, headers=foreign)).status_code == 403
        assert (await client.put(f"{path}/threshold", json={"visits": 0}, headers=admin)).status_code == 422
        assert (await client.put(f"{path}/threshold", json={"visits": 3}, headers=admin)).status_code == 204

        await tickets(jetstream, 4)
        while (days := (await client.get(f"{path}/days")).json()) != [{"date": str(DAY), "visits": 4}]:
            assert not days or days[0]["visits"] <= 4, days
            await asyncio.sleep(0.05)
        while (stored := await jetstream.last("visits")) is None:
            await asyncio.sleep(0.05)
        busy = decode(stored.payload)
        assert busy.subject == f"mpp.visits.{MALL}.busy-day.v1"
        assert busy.data == {"mall": MALL, "date": str(DAY), "visits": 3}
    code, out = await visits.run("verify")
    assert code == 0, out
    await jetstream.close()


def test_the_service_of_the_page_has_the_rooms_of_every_service(tmp_path: Path) -> None:
    rooms = {path.name for path in (written(tmp_path) / "visits_service").glob("*.py")}
    catalog = {path.name for path in (HOUSE / "services/catalog/catalog_service").glob("*.py")}
    shared = {"__init__.py", "__main__.py", "api.py", "handling.py", "views.py", "announcements.py"}
    assert shared <= catalog & rooms and "reactions.py" in rooms
