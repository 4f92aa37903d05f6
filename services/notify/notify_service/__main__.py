"""The notify service, put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from mpp.eventsourcing.log import Recorded
from mpp.service import Listen, Running, Service
from notify_service import api, handling, metrics, notification, office, reactions
from notify_service.announcements import announce
from notify_service.desk import Desk
from notify_service.erasure import forgetting
from notify_service.outside import Outside
from notify_service.pages import Pages
from notify_service.sender import Sender


def attach(app: FastAPI, running: Running) -> None:
    """What this process keeps while it runs."""
    desk = app.state.desk = Desk(running)
    running.everywhere.append(Pages(desk).follow)
    running.closing.append(desk.hub.close)


async def send(running: Running) -> None:
    """The duty, with the channels that the environment names."""
    await Sender(Outside().channels()).run(running)


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    """Between two attempts on a channel there is word of the first; nothing is sent twice."""
    if not stream.startswith("notification-"):
        return []
    wrong, under_way, sent = [], set(), set()
    for event in (r.event for r in recorded if isinstance(r.event, notification.OnChannel)):
        match event:
            case notification.AttemptBegun(channel=channel):
                wrong += [f"two attempts at once by {channel}"] if channel in under_way else []
                wrong += [f"sent and tried again by {channel}"] if channel in sent else []
                under_way.add(channel)
            case notification.NotificationSent(channel=channel):
                sent.add(channel)
                under_way.discard(channel)
            case _:
                under_way.discard(event.channel)
    return wrong


service = Service(
    name="notify",
    title="Notify: what people should hear of, and how they are told",
    handle=handling.handle,
    tables=handling.TABLES,
    announce=announce,
    routers=[api.router, office.router],
    internal=[api.internal],
    migrations=Path(__file__).parent.parent / "migrations",
    check=check,
    listens={
        "profile": Listen(reactions.PROFILE, reactions.of_profile),
        "queue": Listen(reactions.QUEUE, reactions.of_queue),
        "tracking": Listen(reactions.TRACKING, reactions.of_tracking),
        "feedback": Listen(reactions.FEEDBACK, reactions.of_feedback),
    },
    once={"sender": send, "forgetting": forgetting.answer},
    measures=metrics.MEASURES,
    attach=attach,
)

if __name__ == "__main__":
    service.main()
