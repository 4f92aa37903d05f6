"""A client of the simulation gives each command once, however often it has to be sent."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from mpp_node.simulate.client import Client, Refused, Tally, connections
from mpp_node.simulate.clock import Clock

NINE = dt.datetime.fromisoformat("2026-11-23T09:00:00+08:00")
CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n" + b'{"id": "t1"}'
AWAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
WRONG = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
PROBLEM = b'{"type": "urn:mpp:problem:line-full", "status": 409, "detail": "no more"}'
KIND = b"content-type: application/problem+json"
FULL = b"HTTP/1.1 409 Conflict\r\n%s\r\ncontent-length: %d\r\n\r\n" % (KIND, len(PROBLEM)) + PROBLEM
NO_ROUTE = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[Client, list[bytes], Tally]]:
    """A client of a server that gives these answers, one a connection; b"" breaks it."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[len(asked) - 1].replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port, tally = server.sockets[0].getsockname()[1], Tally()
    async with server, connections(f"http://127.0.0.1:{port}") as http:
        yield Client(http, Clock(NINE, None), tally, "token"), asked, tally


def header(request: bytes, name: bytes) -> bytes:
    return next(
        line.partition(b": ")[2] for line in request.split(b"\r\n") if line.lower().startswith(name + b":")
    )


async def test_a_command_is_sent_again_with_its_key_until_it_is_answered() -> None:
    async with answering(b"", AWAY, WRONG, NO_ROUTE, CREATED) as (client, asked, tally):
        assert await client.post("/tickets", {"mall": "bombana"}) == {"id": "t1"}
    keys = {header(request, b"idempotency-key") for request in asked}
    assert len(asked) == 5 and len(keys) == 1
    assert UUID(keys.pop().decode())
    assert (tally.requests, tally.retried, tally.failed) == (5, 4, ["POST /tickets: 500 "])


async def test_every_request_says_who_asks_and_when_in_simulated_time() -> None:
    async with answering(CREATED) as (client, asked, _):
        await client.get("/tickets")
    assert header(asked[0], b"mpp-time") == NINE.isoformat().encode()
    assert header(asked[0], b"authorization") == b"Bearer token"


async def test_a_refusal_is_told_by_its_code_and_not_tried_again() -> None:
    async with answering(FULL, CREATED) as (client, asked, _):
        with pytest.raises(Refused, match="no more") as refused:
            await client.post("/tickets", {})
    assert refused.value.code == "line-full"
    assert len(asked) == 1
