"""How every service listens: the server's settings, its memory, and how it goes."""

import gc
from socket import socket

import uvicorn
from fastapi import FastAPI

from mpp.settings import Settings

# Seconds. A gateway gives idle connections up after 90 and must be the first to: what it sends on one that we
# are just closing it answers itself, with 502 or 500.
KEEP_ALIVE = 120


def as_served(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How every service listens."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nobody asks where a request came from
        timeout_graceful_shutdown=int(settings.drain_seconds),
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE,
    )


def spare_the_collector() -> None:
    """What the start has made stays for good: it is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Draining(uvicorn.Server):
    """A server whose live pages end before it waits for its connections."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        state = self.config.app.state  # type: ignore[union-attr]
        state.draining = True
        for close in state.running.closing:
            close()
        await super().shutdown(sockets)
        self._captured_signals.clear()  # not raised again: the process ends by itself, its last spans sent
