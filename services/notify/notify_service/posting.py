"""A message posted over HTTP, and what is known of it afterwards."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from notify_service.channel import Delivered, Later, Refused, Result, Unsure

PATIENCE = 10.0
BUSY = {408, 425, 429, 503}  # it says itself that it did not do it
NOT_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


async def posted(
    url: str,
    said: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    refused: Callable[[httpx.Response], Result | None] = lambda answer: None,
) -> Result:
    """A connection of its own each time: one that was idle may break with the request in it."""
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.post(url, json=said, headers=headers)
    except NOT_BEGUN:
        return Later("unreachable")
    except httpx.HTTPError:
        return Unsure()
    if answer.is_success:
        return Delivered()
    if known := refused(answer):
        return known
    if answer.status_code in BUSY:
        return Later(f"http-{answer.status_code}", _after(answer))
    if answer.is_client_error:
        return Refused(f"http-{answer.status_code}")
    return Unsure()  # it failed in the middle, or a gateway between lost the answer


def _after(answer: httpx.Response) -> float | None:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdigit() else None
