"""Officers: a process in which each calls, recalls now and then, and serves or misses whoever is called."""

import asyncio
import json
import random
import sys
from itertools import count
from typing import Any

from .asking import Answer, Client, connections, until_told
from .ledger import Ledger

QUEUE = "/api/queue/v1"
PAUSE = (0.2, 0.8)  # seconds between two people


async def officer(client: Client, counter: str, stop: asyncio.Event) -> None:
    """Every fifth is called again, every third does not come."""
    for n in count():
        await asyncio.sleep(random.uniform(*PAUSE))
        if stop.is_set():
            return
        called = await client.give("call-next", f"{QUEUE}/counters/{counter}/call-next", mall=counter[:4])
        if called.status == 204:
            continue
        steps = ["miss"] if n % 3 == 0 or called.status != 200 else ["start", "complete"]
        for step in ["recall", *steps] if n % 5 == 0 else steps:
            await _step(client, called, step)


async def _step(client: Client, called: Answer, step: str) -> None:
    """With whoever was called; a refusal to call names whoever is still at the counter."""
    if called.ticket:
        await client.give(step, f"{QUEUE}/tickets/{called.ticket}/{step}")


async def main(task: dict[str, Any]) -> None:
    """`task`: ledger, ways, headers, counters."""
    ledger, stop = Ledger(task["ledger"]), asyncio.Event()
    async with connections() as http:
        officers = [
            officer(Client(http, task["ways"], task["headers"], ledger, n), counter, stop)
            for n, counter in enumerate(task["counters"])
        ]
        await until_told(officers, stop)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
