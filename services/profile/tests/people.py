"""People for tests: each with a NIK and a token of their own."""

from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx

SERIAL = count(1)


def nik(day: int = 45, serial: int | None = None) -> str:
    """Somebody of Bombana, born on the 5th of January 1985; a woman unless told otherwise."""
    return f"740601{day:02}0185{serial or next(SERIAL):04}"


async def registered(client: Any, **facts: Any) -> tuple[UUID, httpx.AsyncClient]:
    """A citizen who has just registered, and their client."""
    id_ = uuid4()
    http = client("citizen", subject=str(id_))
    answer = await http.put("/me", json={"name": "Siti Aminah", **facts})
    assert answer.status_code == 201, answer.text
    return id_, http


async def consented(http: httpx.AsyncClient, purpose: str, given: bool = True) -> None:
    answer = await http.put(f"/me/consents/{purpose}", json={"given": given, "text": "2026-11"})
    assert answer.status_code == 200, answer.text
