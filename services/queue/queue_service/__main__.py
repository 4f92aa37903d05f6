"""The queue service, put together."""

from pathlib import Path

from fastapi import FastAPI

from mpp.service import Listen, Running, Service
from queue_service import (
    api,
    boards,
    bookings,
    devices,
    metrics,
    office,
    promises,
    reactions,
    seats,
    statistics,
    views,
)
from queue_service.announcements import announce
from queue_service.desk import Desk
from queue_service.handling import handle
from queue_service.pages import Pages
from queue_service.upkeep import Upkeep


def attach(app: FastAPI, running: Running) -> None:
    """What this process keeps while it runs."""
    desk = app.state.desk = Desk(running)
    desk.pages = Pages(desk)
    app.state.verifier = devices.Devices(desk, app.state.verifier)
    running.everywhere.append(desk.pages.follow)
    running.closing.append(desk.hub.close)


service = Service(
    name="queue",
    title="MPP queue",
    handle=handle,
    tables=views.TABLES,
    announce=announce,
    routers=[
        api.router,
        boards.router,
        bookings.hot,
        bookings.router,
        devices.router,
        seats.router,
        office.router,
        statistics.router,
    ],
    migrations=Path(__file__).parent.parent / "migrations",
    check=promises.check,
    listens={"catalog": Listen(reactions.CONTRACTS, reactions.react)},
    once={"upkeep": Upkeep().run},
    measures=metrics.MEASURES,
    attach=attach,
)

if __name__ == "__main__":
    service.main()
