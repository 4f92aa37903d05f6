"""The classical predictors of delay, as the literature on queues names them (Ibrahim and Whitt, 2009)."""

from collections import defaultdict, deque
from datetime import datetime

from mpp_node.bench.estimates.scenarios import Scenario
from queue_service.hall import Hall

NAMES = ("oracle", "QL", "HOL", "LES", "mean-20")


class Classics:
    """What each would say to somebody who has just come, who is counted in the line already."""

    def __init__(self, scenario: Scenario):
        self._scenario = scenario
        self._last: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=20))
        self._services: dict[str, list[float]] = defaultdict(list)

    def called(self, line: str, waited: float) -> None:
        self._last[line].append(waited)

    def served(self, line: str, minutes: float) -> None:
        self._services[line].append(minutes)

    def guess(self, hall: Hall, line: str, minute: float) -> dict[str, float]:
        """Minutes until the call: by the line's length (QL), who waits first (HOL), who was last (LES)."""
        counters = [id_ for id_, lines in self._scenario.counters.items() if line in lines]
        there = [id_ for id_ in counters if not self._away(id_, minute)] or counters
        idle = any(id_ not in hall.busy for id_ in there)
        places = [*hall.line(line)]
        ahead = len(places) - 1
        first = min((hall.ticket(place.ticket).issued_at for place in places), default=None)
        waits = self._last[line]
        if idle and not ahead:
            return dict.fromkeys(NAMES, 0.0)
        return {
            "oracle": (ahead + 1) * self._true(line) / len(there),
            "QL": (ahead + 1) * self._seen(line) / len(there),
            "HOL": self._since(first, hall) if ahead else 0.0,
            "LES": waits[-1] if waits else 0.0,
            "mean-20": sum(waits) / len(waits) if waits else 0.0,
        }

    def _away(self, counter: str, minute: float) -> bool:
        begin, end = self._scenario.breaks.get(counter, (0.0, 0.0))
        return begin <= minute < end

    def _true(self, line: str) -> float:
        """Mean minutes of a turn: the oracle knows who will not come, too."""
        served = [s for s in self._scenario.services if s.line == line]
        mean = sum(s.share * s.mean for s in served) / sum(s.share for s in served)
        absent = self._scenario.absent
        return (1 - absent) * mean + absent * self._scenario.patience

    def _seen(self, line: str) -> float:
        """Mean minutes of today's services; before the first the standard's."""
        seen = self._services[line]
        if seen:
            return sum(seen) / len(seen)
        served = [s for s in self._scenario.services if s.line == line]
        return sum(s.share * s.standard for s in served) / sum(s.share for s in served)

    def _since(self, first: datetime | None, hall: Hall) -> float:
        return (hall.last_at - first).total_seconds() / 60 if first else 0.0
