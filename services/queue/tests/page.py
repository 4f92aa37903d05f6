"""A live page as a browser holds it open: everything it was told, in order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import httpx
import orjson

PATIENCE = 20.0  # seconds until a test gives up waiting


@dataclass(frozen=True, slots=True)
class Said:
    """One server-sent event."""

    event: str
    data: Any
    id: int | None


class Page:
    """An open live page: everything it was told, in order."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url, self._headers = url, headers
        self.said: list[Said] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        await self.until(lambda said: True)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        timeout = httpx.Timeout(PATIENCE)
        try:
            async with (
                httpx.AsyncClient(timeout=timeout) as client,
                client.stream("GET", self._url, headers=self._headers) as answer,
            ):
                assert answer.status_code == 200, await answer.aread()
                fields = dict[str, str]()
                async for line in answer.aiter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif "event" in fields:
                        number = int(fields["id"]) if "id" in fields else None
                        self.said.append(Said(fields["event"], orjson.loads(fields["data"]), number))
                        self._news.set()
                        fields = {}
        finally:
            self._news.set()

    async def until(self, wanted: Callable[[Said], bool]) -> Said:
        """The first that is wanted, when it comes."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                for said in self.said[seen:]:
                    seen += 1
                    if wanted(said):
                        return said
                if self._task.done():
                    await self._task
                    raise AssertionError(f"the page ended; it was told {self.said[-3:]}")
                self._news.clear()
                await self._news.wait()

    async def ended(self) -> None:
        """When the server closed the page."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._task])

    def calls(self, kind: str = "call") -> list[tuple[str, str]]:
        """The numbers called, each with its counter."""
        return [(s.data["number"], s.data["counter"]) for s in self.said if s.event == kind]

    @property
    def last(self) -> int | None:
        """The id a browser would come back with."""
        return max((said.id for said in self.said if said.id is not None), default=None)


def is_call(number: str) -> Callable[[Said], bool]:
    return lambda said: said.event in ("call", "recall") and said.data["number"] == number
