"""The way to write: commands of this service, decided and projected."""

from mpp.eventsourcing.handler import Handler
from queue_service import mall, rules, views

handle = Handler([rules.decider, mall.decider], project=views.project)
