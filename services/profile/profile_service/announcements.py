"""What other services are told of a citizen's events."""

from mpp.eventsourcing.log import Recorded
from mpp_contracts import profile
from mpp_contracts.published import Published
from profile_service import citizen, leaving


def announce(recorded: Recorded) -> Published | None:
    """The published event that tells this one; that facts other than contacts changed concerns nobody."""
    match recorded.event:
        case citizen.Registered(citizen=who, mall=mall, at=at):
            return profile.CitizenRegistered(citizen=who, at=at, assisted=mall is not None)
        case citizen.FactsChanged(citizen=who, kind="contact", channels=channels, at=at):
            return profile.ContactsChanged(citizen=who, at=at, channels=channels)
        case citizen.ConsentGiven(citizen=who, purpose=purpose, at=at):
            return profile.ConsentGiven(citizen=who, at=at, purpose=purpose)
        case citizen.ConsentWithdrawn(citizen=who, purpose=purpose, at=at):
            return profile.ConsentWithdrawn(citizen=who, at=at, purpose=purpose)
        case leaving.ForgettingAsked(citizen=who, request=request, at=at):
            return profile.SubjectForgotten(citizen=who, at=at, request=request)
    return None
