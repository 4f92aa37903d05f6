"""The one way to change a mall: `await handle(stream, command, about)`."""

from catalog_service import rules, views
from mpp.eventsourcing.handler import Handler

handle = Handler(deciders=[rules.decider], project=views.project)
