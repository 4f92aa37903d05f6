"""How somebody wants to be told: what profile says of their channels and consent, and what they chose."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from mpp.eventsourcing.decider import Decider, Event
from notify_service.kinds import Group, Kind

Channel = Literal["email", "telegram", "sms"]
CHANNELS: tuple[Channel, ...] = ("email", "telegram", "sms")
OF_PROFILE: dict[str, Channel] = {"email": "email", "telegram": "telegram", "phone": "sms"}
QUIET = (time(21), time(7))
CAPITAL = "Asia/Jakarta"


class PreferencesBegun(Event, type="preferences-begun"):
    """Something is known of how somebody is told; until then nobody is told anything outside the inbox."""


class ContactsHeard(Event, type="contacts-heard"):
    """Through which channels somebody can be reached; never where."""

    channels: tuple[Channel, ...]


class ConsentHeard(Event, type="consent-heard"):
    given: bool


class PreferencesSet(Event, type="preferences-set"):
    """`off`: channels that are not wanted for a group; `quiet`: no disturbance from … until …, or none."""

    off: dict[Group, tuple[Channel, ...]]
    quiet: tuple[time, time] | None
    zone: str
    language: Literal["id", "en"]


class PreferencesForgotten(Event, type="preferences-forgotten"):
    at: datetime


@dataclass(frozen=True, slots=True)
class HearContacts:
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class HearConsent:
    given: bool


@dataclass(frozen=True, slots=True)
class SetPreferences:
    off: Mapping[Group, tuple[Channel, ...]]
    quiet: tuple[time, time] | None
    zone: str
    language: Literal["id", "en"]


@dataclass(frozen=True, slots=True)
class ForgetPreferences:
    at: datetime


@dataclass(frozen=True, slots=True)
class Preferences:
    """As they are; nobody is told anything outside the inbox before they agreed."""

    channels: tuple[Channel, ...] = ()
    consent: bool = False
    off: Mapping[Group, tuple[Channel, ...]] = field(default_factory=dict)
    quiet: tuple[time, time] | None = QUIET
    zone: str = CAPITAL
    language: Literal["id", "en"] = "id"
    begun: bool = False

    def through(self, kind: Kind, installed: Collection[str] = CHANNELS) -> tuple[Channel, ...]:
        """The channels for this kind; a text message costs money, so only where there is no other."""
        if not self.consent:
            return ()
        off = self.off.get(kind.group, ())
        wanted = [each for each in self.channels if each in installed and each not in off]
        free = [each for each in wanted if each != "sms"]
        return tuple(free or wanted)

    def not_before(self, kind: Kind, now: datetime) -> datetime:
        """When somebody may be disturbed: at once by what is urgent, else after the quiet hours."""
        if kind.urgent or self.quiet is None:
            return now
        begin, end = self.quiet
        local = now.astimezone(ZoneInfo(self.zone))
        clock = local.time()
        quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if not quiet or begin == end:
            return now
        until = datetime.combine(local.date(), end, local.tzinfo)
        return until if clock < end else until + timedelta(days=1)


Command = HearContacts | HearConsent | SetPreferences | ForgetPreferences


def decide(command: Command, state: Preferences) -> list[Event]:
    changes = _changes(command, state)
    begins = bool(changes) and not state.begun
    return [PreferencesBegun(), *changes] if begins else changes


def _changes(command: Command, state: Preferences) -> list[Event]:
    match command:
        case HearContacts(channels):
            return [] if channels == state.channels else [ContactsHeard(channels=channels)]
        case HearConsent(given):
            return [] if given == state.consent else [ConsentHeard(given=given)]
        case SetPreferences(off, quiet, zone, language):
            chosen = PreferencesSet(off={**off}, quiet=quiet, zone=zone, language=language)
            return [] if evolve(state, chosen) == state else [chosen]
        case ForgetPreferences(at):
            return [PreferencesForgotten(at=at)] if state.begun else []


def evolve(state: Preferences, event: Event) -> Preferences:
    match event:
        case PreferencesBegun():
            return replace(state, begun=True)
        case ContactsHeard(channels=channels):
            return replace(state, channels=channels)
        case ConsentHeard(given=given):
            return replace(state, consent=given)
        case PreferencesSet(off=off, quiet=quiet, zone=zone, language=language):
            return replace(state, off=off, quiet=quiet, zone=zone, language=language)
        case PreferencesForgotten():
            return Preferences()
    return state


EVENTS = (PreferencesBegun, ContactsHeard, ConsentHeard, PreferencesSet, PreferencesForgotten)
decider: Decider[Preferences] = Decider("preferences", Preferences(), decide, evolve, EVENTS)
