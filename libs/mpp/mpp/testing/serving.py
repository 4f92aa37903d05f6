"""A real HTTP server on a free loopback port, inside the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from mpp.settings import Settings


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Ctrl-C belongs to the test run


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The base address of an ASGI app that is served until the block ends, accepted work finished."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            raise RuntimeError("the app did not start") from task.exception()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def settings_for(service: str, **wishes: Any) -> Settings:
    """Settings with everything a test does not care about filled in."""
    nowhere = {"database_url": "postgresql://nowhere", "nats_url": "nats://nowhere"}
    return Settings(**{"service": service, "secret_key": "00" * 32, "clock": "request"} | nowhere | wishes)
