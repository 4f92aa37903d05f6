"""The feedback service, put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from feedback_service import api, complaint, evidence, handling, metrics, reactions, register, surveys
from feedback_service.announcements import announce
from feedback_service.deadlines import Deadlines
from feedback_service.desk import Desk
from feedback_service.leaving import forgetting
from feedback_service.pages import Pages
from mpp.eventsourcing.log import Recorded
from mpp.service import Listen, Running, Service
from mpp_contracts.profile import SubjectForgotten
from mpp_contracts.queue import TicketCompleted
from mpp_contracts.tracking import ApplicationEnded


def attach(app: FastAPI, running: Running) -> None:
    """What this process keeps while it runs."""
    desk = app.state.desk = Desk(running)
    desk.pages = Pages(desk)
    running.everywhere.append(desk.pages.follow)
    running.closing.append(desk.hub.close)


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    """A complaint is filed first and once; no deadline is said twice."""
    if not stream.startswith("complaint-"):
        return []
    filed = [isinstance(r.event, complaint.ComplaintFiled) for r in recorded]
    passed = [r.event.due for r in recorded if isinstance(r.event, complaint.DeadlinePassed)]
    wrong = [] if filed and filed[0] and sum(filed) == 1 else ["not filed first and once"]
    return wrong + (["a deadline was said to have passed twice"] if len({*passed}) < len(passed) else [])


service = Service(
    name="feedback",
    title="Feedback: surveys, the satisfaction index and complaints",
    handle=handling.handle,
    tables=handling.TABLES,
    announce=announce,
    routers=[surveys.router, register.router, evidence.router, api.router],
    internal=[register.internal],
    migrations=Path(__file__).parent.parent / "migrations",
    check=check,
    listens={
        "catalog": Listen(reactions.CATALOG, reactions.of_catalog),
        "queue": Listen((TicketCompleted,), reactions.of_transactions),
        "tracking": Listen((ApplicationEnded,), reactions.of_transactions),
        "profile": Listen((SubjectForgotten,), reactions.of_people),
    },
    once={"deadlines": Deadlines().run, "forgetting": forgetting.answer, "files": evidence.tidy},
    vault=True,
    files=evidence.LARGEST,
    measures=metrics.MEASURES,
    attach=attach,
)

if __name__ == "__main__":
    service.main()
