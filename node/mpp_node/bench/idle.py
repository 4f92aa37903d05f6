"""An endpoint that does nothing, served as a service is: once in a bare FastAPI, once with all of ours."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import APIRouter, FastAPI, Response

from mpp.serving import as_served, spare_the_collector
from mpp.settings import Settings
from mpp.web.app import create_app
from mpp.web.request import AboutIt
from queue_service.api import Wanted

BARE, DRESSED = "/nothing", "/api/idle/v1/nothing"
NOTHING = b'{"nothing":true}'
router = APIRouter()


@router.post("/nothing", status_code=201)
async def nothing(wanted: Wanted, about: AboutIt) -> Response:
    """Body, token and key of a ticket; then nothing."""
    return Response(NOTHING, 201, media_type="application/json")


@asynccontextmanager
async def frozen(app: FastAPI) -> AsyncIterator[None]:
    spare_the_collector()
    yield


def bare() -> FastAPI:
    """The body of a ticket, and nothing but FastAPI."""
    app = FastAPI(lifespan=frozen)

    @app.post(BARE, status_code=201)
    async def nothing(wanted: Wanted) -> Response:
        return Response(NOTHING, 201, media_type="application/json")

    @app.get("/health/ready")
    async def ready() -> Response:
        return Response()

    return app


def dressed(settings: Settings) -> FastAPI:
    """The same with the library's edge, problems, token and key."""

    async def ready() -> dict[str, bool]:
        return {}

    return create_app(
        service="idle",
        title="idle",
        version="1",
        routers=[router],
        settings=settings,
        ready=ready,
        lifespan=frozen,
    )


def main() -> None:
    """`bare` or `dressed`, with the server settings of a service."""
    settings = Settings(service="idle")
    app = bare() if sys.argv[1] == "bare" else dressed(settings)
    uvicorn.Server(as_served(app, settings)).run()


if __name__ == "__main__":
    main()
