"""How people are forgotten: profile asks everybody, and each service that holds something answers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mpp_contracts.published import NATION, Published


class Kept(BaseModel):
    """What the law keeps although its subject asked to be forgotten."""

    model_config = ConfigDict(frozen=True)
    purpose: str
    until: datetime
    law: str = Field(description="code of the rule that demands it")


class Answered(Published):
    """A service has erased what it held of somebody; each service publishes its own kind of this."""

    mall: str = NATION
    citizen: UUID
    request: UUID
    erased: tuple[str, ...] = Field((), description="kinds of data that can't be read any more")
    kept: tuple[Kept, ...] = ()
    at: datetime
