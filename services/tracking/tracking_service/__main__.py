"""The tracking service, put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from mpp.eventsourcing.log import Recorded
from mpp.service import Listen, Running, Service
from mpp_contracts.profile import SubjectForgotten
from tracking_service import (
    api,
    application,
    files,
    follow,
    handling,
    metrics,
    office,
    reactions,
    seeding,
    things,
)
from tracking_service.announcements import announce
from tracking_service.desk import Desk
from tracking_service.erasure import forgetting
from tracking_service.scheduler import Scheduler


def attach(app: FastAPI, running: Running) -> None:
    """What this process keeps while it runs."""
    app.state.desk = Desk(running)


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    """An application is opened first and once, closed once and last, and no time limit is said twice."""
    if not stream.startswith("application-"):
        return []
    events = [r.event for r in recorded]
    opened = [isinstance(event, application.ApplicationOpened) for event in events]
    closed = [isinstance(event, application.ApplicationClosed) for event in events]
    passed = [
        (event.due.step, event.due.at) for event in events if isinstance(event, application.DeadlinePassed)
    ]
    wrong = [] if opened and opened[0] and sum(opened) == 1 else ["not opened first and once"]
    wrong += ["closed twice"] if sum(closed) > 1 else []
    return wrong + (["a time limit was said to have passed twice"] if len({*passed}) < len(passed) else [])


service = Service(
    name="tracking",
    title="Tracking: applications, their processes and time limits",
    handle=handling.handle,
    tables=handling.TABLES,
    announce=announce,
    routers=[api.router, office.router, files.router, follow.router, things.router],
    internal=[things.internal],
    migrations=Path(__file__).parent.parent / "migrations",
    check=check,
    listens={
        "catalog": Listen(reactions.CATALOG, reactions.of_catalog),
        "queue": Listen(reactions.QUEUE, reactions.of_queue),
        "feedback": Listen(reactions.FEEDBACK, reactions.of_feedback),
        "profile": Listen((SubjectForgotten,), reactions.of_people),
    },
    once={"scheduler": Scheduler().run, "forgetting": forgetting.answer, "files": files.tidy},
    commands={"seed": seeding.seed},
    vault=True,
    files=files.LARGEST,
    measures=metrics.MEASURES,
    attach=attach,
)

if __name__ == "__main__":
    service.main()
