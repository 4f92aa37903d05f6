"""Server-sent events, as a page in a browser reads them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from mpp_node.simulate.client import Client

SILENCE = 40.0  # real seconds; the node gives a sign of life every 15


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `id` is the position of the log after which a page that comes back goes on."""

    name: str
    data: Any
    id: int | None


async def events(client: Client, path: str, after: int | None = None, **query: str) -> AsyncIterator[Event]:
    """The events of one connection until it ends. Raises httpx.HTTPError when it breaks or is refused."""
    headers = client.headers | ({} if after is None else {"Last-Event-ID": str(after)})
    patience = httpx.Timeout(SILENCE, connect=5.0, pool=None)
    async with client.http.stream("GET", path, params=query, headers=headers, timeout=patience) as answer:
        answer.raise_for_status()
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                known = int(fields["id"]) if "id" in fields else None
                yield Event(fields.get("event", "message"), orjson.loads(fields["data"]), known)
                fields = {}
            else:
                fields = {}
