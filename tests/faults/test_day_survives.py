"""A working day in which the queue and NATS are killed in the middle."""

import asyncio
import json
import os
import signal
from pathlib import Path

import httpx

from mpp.testing.node import RunningNode

DATE = "2027-03-01"


def pid_of(node: RunningNode, part: str) -> int:
    state = json.loads((node.folder / "home" / "state.json").read_text())
    return int(state["parts"][part]["pid"])


async def issued(node: RunningNode, client: httpx.AsyncClient) -> int:
    """Numbers given so far; 0 while nobody can be asked."""
    try:
        answer = await client.get("/api/queue/v1/malls/bombana/lines", params={"date": DATE})
        return sum(line["issued"] for line in answer.json()["items"]) if answer.is_success else 0
    except httpx.TransportError:
        return 0


async def test_killing_the_queue_and_nats_in_the_middle_of_a_day_loses_nothing(
    node: RunningNode, tmp_path: Path
) -> None:
    report = tmp_path / "day.json"
    words = ("simulate", "--mall", "bombana", "--date", DATE, "--speed", "1500", "--json", str(report))
    day = await asyncio.create_subprocess_exec(
        *node.command(*words), env=node.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told = asyncio.create_task(day.communicate())
    victims = [(20, "queue"), (40, "nats"), (60, "queue")]
    async with httpx.AsyncClient(base_url=node.address) as client:
        for numbers, part in victims:
            while await issued(node, client) < numbers and not told.done():
                await asyncio.sleep(0.05)
            os.kill(pid_of(node, part), signal.SIGKILL)
    output = (await told)[0].decode()
    assert day.returncode == 0, output
    verdict = json.loads(report.read_text())
    assert (
        verdict["clean"] and verdict["issued"] == verdict["served"] + verdict["missed"] + verdict["cancelled"]
    )
    assert verdict["played"]["retried"] > 0, "nobody noticed the kills: they came too late"
    assert {check["service"] for checks in verdict["checks"].values() for check in checks} == {
        "catalog",
        "queue",
    }
