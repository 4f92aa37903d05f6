"""Health and metrics: what the machinery around a service asks it."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from mpp.web.answer import json_response
from mpp.web.problems import RETRY_AFTER

Ready = Callable[[], Awaitable[dict[str, bool]]]
READY_SECONDS = 3.0


def health(ready: Ready) -> APIRouter:
    """`/health/live|ready|startup` and `/metrics`; ready asks each thing the service cannot work without."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        return json_response({"status": "live"})

    @router.get("/health/ready")
    async def is_ready(request: Request) -> Response:
        async with asyncio.timeout(READY_SECONDS):
            checks = await ready()
        if getattr(request.app.state, "draining", False):
            checks = checks | {"draining": False}
        good = all(checks.values())
        request.app.state.started = good or getattr(request.app.state, "started", False)
        status = "ready" if good else "not ready"
        return json_response(
            {"status": status, "checks": checks}, 200 if good else 503, None if good else RETRY_AFTER
        )

    @router.get("/health/startup")
    async def startup(request: Request) -> Response:
        if getattr(request.app.state, "started", False):
            return json_response({"status": "started"})
        return await is_ready(request)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
