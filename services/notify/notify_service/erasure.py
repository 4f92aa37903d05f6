"""How notify forgets: no preferences, no inbox, nothing that waits to be sent."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from mpp.eventsourcing.handler import Step
from mpp.forgetting import Erased, Forgetting
from notify_service import queries
from notify_service.notification import ForgetRecipient
from notify_service.preferences import ForgetPreferences

if TYPE_CHECKING:
    from mpp.service import Running


async def erase(running: "Running", citizen: UUID, at: datetime) -> Erased:
    """Addresses were never here: profile was asked for them each time."""
    told = await queries.notifications_of(running.reader, citizen)
    steps = [Step(f"notification-{id_}", ForgetRecipient(at)) for id_ in told]
    steps.append(Step(f"preferences-{citizen}", ForgetPreferences(at)))
    return Erased(("notifications", "preferences") if told else ("preferences",), steps=steps)


forgetting = Forgetting(erase)
