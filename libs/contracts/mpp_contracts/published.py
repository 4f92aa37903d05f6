"""What every published event has: an owner, a name, a version, and the mall it speaks of."""

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

MALL_CODE = r"^[0-9]{4}(-[0-9]{1,2})?$"
NATION = "0000"  # the mall of what concerns none: people belong to the whole country


class Published(BaseModel):
    """A fact told to other services; it gains optional fields only, a new meaning is a new event.

    Subject: `mpp.<service>.<mall>.<event>.v<version>`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    owner: ClassVar[str]
    event: ClassVar[str]
    version: ClassVar[int] = 1

    mall: str = Field(pattern=MALL_CODE, description="mall code: Kemendagri region code without dots")

    def __init_subclass__(cls, *, owner: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if owner:
            cls.owner = owner
        cls.event = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @property
    def subject(self) -> str:
        return f"mpp.{self.owner}.{self.mall}.{self.event}.v{self.version}"
