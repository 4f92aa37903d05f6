"""Who asks: from a bearer token to an Actor with roles, malls and agencies."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from mpp.eventsourcing.decider import Forbidden
from mpp.web.exchange import exchange_of, header
from mpp.web.problems import Unauthenticated

NATIONAL = frozenset({"national-admin", "analyst", "system"})
STRONGEST_FIRST = (
    "system",
    "national-admin",
    "mall-admin",
    "supervisor",
    "officer",
    "analyst",
    "display",
    "kiosk",
    "citizen",
)
ROLES = frozenset(STRONGEST_FIRST)


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone known by our own UUID; malls and agencies None: not narrowed."""

    id: UUID | None = None
    roles: frozenset[str] = frozenset()
    malls: frozenset[str] | None = frozenset()
    agencies: frozenset[str] | None = None

    @property
    def anonymous(self) -> bool:
        return self.id is None

    @property
    def role(self) -> str:
        """The strongest role held, "" without any."""
        return next((role for role in STRONGEST_FIRST if role in self.roles), "")

    def may(self, *roles: str, mall: str | None = None, agency: str | None = None) -> bool:
        """Whether one of these roles is held, in this mall and for this agency."""
        held = self.roles.intersection(roles)
        if self.malls is None and mall is not None:
            held &= NATIONAL  # an officer is never an officer of every mall
        inside = mall is None or self.malls is None or mall in self.malls
        return bool(held) and inside and (agency is None or self.agencies is None or agency in self.agencies)

    def require(self, *roles: str, mall: str | None = None, agency: str | None = None) -> None:
        """Raise Unauthenticated (401) for nobody, Forbidden (403) for somebody who may not."""
        if self.anonymous:
            raise Unauthenticated("This needs a token.")
        if not self.may(*roles, mall=mall, agency=agency):
            raise Forbidden("Your role does not allow this here.", needs=sorted(roles))


ANONYMOUS = Actor()


async def who(request: Request) -> Actor:
    """Whoever the bearer token speaks of; nobody without one."""
    exchange = exchange_of(request.scope)
    if exchange.actor is None:
        exchange.actor = await _identified(request)
    actor: Actor = exchange.actor
    return actor


async def _identified(request: Request) -> Actor:
    given = header(request, b"authorization")
    if given is None:
        return ANONYMOUS
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Only bearer tokens count here.")
    actor: Actor = await request.app.state.verifier.verify(token.strip())
    return actor


class Needs:
    """A dependency: the actor, who must hold one of the roles (401 for nobody, 403 otherwise)."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Actor:
        actor = await who(request)
        actor.require(*self.roles)
        return actor


Who = Annotated[Actor, Depends(who)]


def needs(*roles: str) -> Any:
    """`Officer = Annotated[Actor, needs("officer", "supervisor")]`."""
    unknown = set(roles) - ROLES
    if unknown:
        raise ValueError(f"no such role: {sorted(unknown)}")
    return Depends(Needs(roles))
