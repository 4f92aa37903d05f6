"""A notification: one thing that somebody is told, and what became of it on each channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event, NotFound, Rejected
from notify_service.preferences import Channel

State = Literal["waiting", "sending", "sent", "failed"]
MOST = {False: 8, True: 4}  # attempts, by urgency
FIRST = {False: timedelta(seconds=15), True: timedelta(seconds=1)}  # before the second attempt; then doubled
LONGEST = {False: timedelta(hours=1), True: timedelta(seconds=15)}
EXPIRED, TOO_OFTEN, UNSURE = "expired", "too-often", "unsure"


class UnknownNotification(NotFound):
    """No such notification."""


class NotNow(Rejected):
    """It is not waiting to be sent: somebody else sends it, or it is over."""


class NotificationWanted(Event, type="notification-wanted"):
    """It is in the inbox from now on. `facts`: codes and numbers, never who or where somebody is."""

    citizen: UUID
    mall: str
    kind: str
    facts: dict[str, str]
    urgent: bool
    at: datetime
    expires_at: datetime


class ChannelsChosen(Event, type="channels-chosen"):
    channels: tuple[Channel, ...]
    not_before: datetime
    urgent: bool


class OnChannel(Event):
    """Something that happened on one channel; whom and what it was about is repeated for those who listen."""

    citizen: UUID
    template: str
    channel: Channel
    at: datetime


class AttemptBegun(OnChannel, type="attempt-begun"):
    """Recorded before anything that can't be taken back: who dies after it does not try again."""


class AttemptFailed(OnChannel, type="attempt-failed"):
    """Nothing was handed over; it is tried again."""

    reason: str
    attempts: int
    again_at: datetime


class NotificationSent(OnChannel, type="notification-sent"):
    """The other side has taken it over."""


class NotificationFailed(OnChannel, type="notification-failed"):
    """It was given up; `unsure`: the other side may have it."""

    reason: str


class NotificationRetried(OnChannel, type="notification-retried"):
    """A human has it tried again."""

    expires_at: datetime


class NotificationRead(Event, type="notification-read"):
    at: datetime


class RecipientForgotten(Event, type="recipient-forgotten"):
    """Whose it was is known no more; nothing is sent."""

    channels: tuple[Channel, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    citizen: UUID
    mall: str
    kind: str
    facts: Mapping[str, str]
    urgent: bool
    at: datetime
    lives: timedelta


@dataclass(frozen=True, slots=True)
class Choose:
    channels: tuple[Channel, ...]
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Begin:
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class TryAgain:
    """`after`: seconds that the other side asked for; `chance`: from 0 to 1, spreads what failed together."""

    channel: Channel
    at: datetime
    reason: str
    chance: float
    after: float | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    channel: Channel
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Read:
    at: datetime


@dataclass(frozen=True, slots=True)
class ForgetRecipient:
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    state: State
    attempts: int = 0
    next_at: datetime = datetime.min
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    wanted: NotificationWanted | None = None
    expires_at: datetime = datetime.min
    chosen: bool = False
    read: bool = False
    gone: bool = False
    on: Mapping[Channel, Delivery] = field(default_factory=dict)


def decide(command: Any, state: Notification) -> list[Event]:
    """Raises UnknownNotification, NotNow."""
    if isinstance(command, Want):
        return [_wanted(command)] if state.wanted is None else []
    if state.wanted is None:
        raise UnknownNotification
    if state.gone:
        return []
    match command:
        case Choose(channels, not_before):
            facts = {"channels": channels, "not_before": not_before, "urgent": state.wanted.urgent}
            return [] if state.chosen else [ChannelsChosen(**facts)]
        case Read(at):
            return [] if state.read else [NotificationRead(at=at)]
        case ForgetRecipient(at):
            return [RecipientForgotten(channels=tuple(state.on), at=at)]
    return [_on_channel(command, state, state.wanted)]


def _on_channel(command: Any, state: Notification, wanted: NotificationWanted) -> Event:
    where = {"citizen": wanted.citizen, "template": wanted.kind, "channel": command.channel, "at": command.at}
    match command:
        case Retry(channel, at):
            _is(state, channel, "failed")
            return NotificationRetried(**where, expires_at=at + timedelta(hours=1))
        case Begin(channel):
            _is(state, channel, "waiting")
            if command.at >= state.expires_at:
                return NotificationFailed(**where, reason=EXPIRED)
            return AttemptBegun(**where)
        case Sent(channel):
            unsure = state.on[channel].reason == UNSURE if channel in state.on else False
            _is(state, channel, "sending", *(("failed",) if unsure else ()))
            return NotificationSent(**where)
        case GiveUp(channel, reason=reason):
            _is(state, channel, "waiting", "sending")
            return NotificationFailed(**where, reason=reason)
        case TryAgain(channel, reason=reason):
            _is(state, channel, "waiting", "sending")
            again = _again_at(command, state)
            if again is None:
                over = state.on[channel].attempts + 1 >= MOST[_urgent(state)]
                return NotificationFailed(**where, reason=TOO_OFTEN if over else EXPIRED)
            attempts = state.on[channel].attempts + 1
            return AttemptFailed(**where, reason=reason, attempts=attempts, again_at=again)
    raise TypeError(f"{type(command).__name__} is no command of a notification")


def _wanted(w: Want) -> Event:
    facts = {"citizen": w.citizen, "mall": w.mall, "kind": w.kind, "facts": {**w.facts}, "urgent": w.urgent}
    return NotificationWanted.model_validate(facts | {"at": w.at, "expires_at": w.at + w.lives})


def _is(state: Notification, channel: Channel, *allowed: State) -> None:
    delivery = state.on.get(channel)
    if delivery is None or delivery.state not in allowed:
        raise NotNow(channel=channel, state=delivery.state if delivery else None)


def _urgent(state: Notification) -> bool:
    return state.wanted is not None and state.wanted.urgent


def _again_at(command: TryAgain, state: Notification) -> datetime | None:
    """Exponential with full jitter, or what the other side asked for; None: it is not worth it any more."""
    urgent, failed = _urgent(state), state.on[command.channel].attempts + 1
    if failed >= MOST[urgent]:
        return None
    wait = min(LONGEST[urgent], FIRST[urgent] * 2 ** (failed - 1)) * command.chance
    wait = max(wait, timedelta(seconds=command.after or 0))
    again = command.at + wait
    return again if again < state.expires_at else None


def evolve(state: Notification, event: Event) -> Notification:
    match event:
        case NotificationWanted(expires_at=expires_at):
            return replace(state, wanted=event, expires_at=expires_at)
        case ChannelsChosen(channels=channels, not_before=at):
            return replace(
                state, chosen=True, on={each: Delivery("waiting", next_at=at) for each in channels}
            )
        case NotificationRead():
            return replace(state, read=True)
        case RecipientForgotten():
            return replace(state, gone=True, on={})
        case NotificationRetried(expires_at=expires_at):
            state = replace(state, expires_at=expires_at)
    return _delivered(state, event) if isinstance(event, OnChannel) else state


def _delivered(state: Notification, event: OnChannel) -> Notification:
    old = state.on.get(event.channel, Delivery("waiting"))
    match event:
        case AttemptBegun():
            new = replace(old, state="sending")
        case AttemptFailed(again_at=again, attempts=attempts):
            new = replace(old, state="waiting", attempts=attempts, next_at=again)
        case NotificationSent():
            new = replace(old, state="sent", reason="")
        case NotificationFailed(reason=reason):
            new = replace(old, state="failed", reason=reason)
        case _:
            new = Delivery("waiting", next_at=event.at)
    return replace(state, on={**state.on, event.channel: new})


EVENTS: tuple[type[Event], ...] = (
    NotificationWanted,
    ChannelsChosen,
    AttemptBegun,
    AttemptFailed,
    NotificationSent,
    NotificationFailed,
    NotificationRetried,
    NotificationRead,
    RecipientForgotten,
)
decider: Decider[Notification] = Decider("notification", Notification(), decide, evolve, EVENTS)
