"""The way to write: commands of this service, decided and projected."""

from mpp.eventsourcing.handler import Handler
from queue_service import booking, mall, rules, views

DECIDERS = (rules.decider, booking.decider, mall.decider)
handle = Handler(DECIDERS, project=views.project)
