"""What every command and event of a citizen's stream shares."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from mpp.eventsourcing.decider import Rejected

Kind = Literal["identity", "contact", "address", "family"]  # of facts, and the vault's purposes
KINDS: tuple[Kind, ...] = ("identity", "contact", "address", "family")
Purpose = Literal["prefill", "notifications", "statistics"]
PURPOSES: tuple[Purpose, ...] = ("prefill", "notifications", "statistics")


class NotRegistered(Rejected):
    """Nobody is registered here yet."""

    status = 404


class Gone(Rejected):
    """This citizen asked to be forgotten."""

    status = 410


@dataclass(frozen=True, slots=True)
class Of:
    """A command to one citizen."""

    citizen: UUID
    at: datetime
