"""Kiosks: a process that takes numbers, and insists on each until it has an answer."""

import asyncio
import json
import random
import sys
from itertools import count
from typing import Any

from .asking import Client, connections, until_told
from .ledger import Ledger

TICKETS = "/api/queue/v1/tickets"


async def kiosk(client: Client, wanted: list[dict[str, str]], pause: float, stop: asyncio.Event) -> None:
    """One number after the other, `pause` seconds apart on average."""
    await asyncio.sleep(random.uniform(0, pause))
    for n in count(random.randrange(len(wanted))):
        if stop.is_set():
            return
        body = wanted[n % len(wanted)]
        began = asyncio.get_running_loop().time()
        await client.give("issue", TICKETS, body, mall=body["mall"])
        spent = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, pause * random.uniform(0.5, 1.5) - spent))


async def main(task: dict[str, Any]) -> None:
    """`task`: ledger, ways, headers, kiosks (how many), rate (tickets a second of all), wanted."""
    ledger, stop, many = Ledger(task["ledger"]), asyncio.Event(), task["kiosks"]
    async with connections() as http:
        clients = [Client(http, task["ways"], task["headers"], ledger, n) for n in range(many)]
        pause = many / task["rate"]
        await until_told([kiosk(client, task["wanted"], pause, stop) for client in clients], stop)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
