"""Where somebody can be reached: asked of profile each time, kept nowhere."""

from typing import Any
from uuid import UUID

import httpx

from mpp.eventsourcing.log import Unavailable
from mpp.internal import Owners
from notify_service.preferences import OF_PROFILE, Channel

NOBODY = {403, 404, 410}  # no consent, not registered, forgotten
FIELD = {channel: field for field, channel in OF_PROFILE.items()}


async def address(owners: Owners, citizen: UUID, channel: Channel) -> str | None:
    """The address on this channel; None when nobody is to be told there. Raises Unavailable."""
    try:
        answer = await owners.ask("profile", f"citizens/{citizen}/contacts", purpose="notifications")
    except Unavailable as refusal:
        cause = refusal.__cause__
        if isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code in NOBODY:
            return None
        raise
    found: dict[str, Any] = answer.json()
    said = found.get(FIELD[channel])
    return None if said is None else str(said)
