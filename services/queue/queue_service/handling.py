"""The way to write: commands of this service, decided and projected."""

from mpp.eventsourcing.handler import Handler
from queue_service import hall, mall, views

handle = Handler([hall.decider, mall.decider], project=views.project)
