"""The desk: what endpoints and the sender need to find: preferences, texts, live pages."""

from datetime import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from mpp.eventsourcing.log import Reading
from mpp.service import Running
from mpp.web.live import Hub
from notify_service import queries
from notify_service.preferences import Preferences
from notify_service.template import Language
from notify_service.texts import all_texts


async def preferences_of(db: Reading, citizen: UUID) -> Preferences:
    """As they are; those of somebody unknown are the cautious ones."""
    row = await queries.preferences(db, citizen)
    if row is None:
        return Preferences()
    quiet = tuple(time.fromisoformat(each) for each in row["quiet"]) if row["quiet"] else None
    return Preferences(
        channels=tuple(row["channels"]),
        consent=row["consent"],
        off={group: tuple(channels) for group, channels in row["off"].items()},
        quiet=quiet,  # type: ignore[arg-type]
        zone=row["zone"],
        language=row["language"],
        begun=True,
    )


class Desk:
    """One per process."""

    def __init__(self, running: Running):
        self.handle, self.reader, self.hub = running.handle, running.reader, Hub()

    async def shown(
        self, rows: list[dict[str, Any]], language: Language | None = None
    ) -> list[dict[str, Any]]:
        """Notifications as their reader sees them, in the wanted language or the one they chose."""
        texts = await all_texts(self.reader)
        shown = []
        for row in rows:
            chosen = language or (await preferences_of(self.reader, row["citizen"])).language
            said = texts[row["kind"]].of(chosen).filled(row["facts"])
            about = {name: row[name] for name in ("kind", "facts", "urgent", "mall")}
            when = {"at": row["at"].isoformat(), "read_at": row["read_at"] and row["read_at"].isoformat()}
            shown.append({"id": str(row["id"]), "subject": said.subject, "text": said.text} | about | when)
        return shown


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]
