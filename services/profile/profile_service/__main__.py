"""The profile service, put together: `python -m profile_service serve | migrate | …`."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from mpp.eventsourcing.log import Recorded
from mpp.service import Listen, Running, Service
from profile_service import api, between, counter, handling, metrics, reactions, rules, upkeep
from profile_service.announcements import announce
from profile_service.desk import Desk


def attach(app: FastAPI, running: Running) -> None:
    """What this process keeps while it runs."""
    app.state.desk = Desk(running)


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    return rules.check(stream, [each.event for each in recorded])


service = Service(
    name="profile",
    title="Profile: citizens, what they told once, and their right to be forgotten",
    handle=handling.handle,
    tables=handling.TABLES,
    announce=announce,
    routers=[api.router, counter.router],
    internal=[between.router],
    migrations=Path(__file__).parent.parent / "migrations",
    check=check,
    listens={
        source: Listen((contract,), reactions.react) for source, contract in reactions.CONTRACTS.items()
    },
    once={"forgetting": handling.forgetting.answer, "upkeep": upkeep.run},
    vault=True,
    measures=metrics.MEASURES,
    attach=attach,
)

if __name__ == "__main__":
    service.main()
