"""A COMMIT is lost on its way, or only its reply: the callers never notice, and all is written once."""

import pytest

from mpp.testing.proxy import PASS, Link, Rule, Ruling, cut
from mpp_node.bench.world import until

from .scene import Scene
from .stand import QUEUES

pytestmark = pytest.mark.long
COMMIT = b"Q\x00\x00\x00\x0bcommit\x00"
EVERY, MANY = 7, 20  # one COMMIT in seven is cut; so many for each process


class Cutting:
    """Ends the connection at one COMMIT in EVERY of one process. `cuts`: how often it did."""

    def __init__(self, *, before: bool) -> None:
        self._before, self._commits, self.cuts = before, 0, 0

    def rule(self) -> Rule:
        return self._lost if self._before else self._unanswered

    def _lost(self, _: Link, up: bool, data: bytes) -> Ruling:
        return self._now(cut()) if up and self._due(data) else PASS

    def _unanswered(self, link: Link, up: bool, data: bytes) -> Ruling:
        if up:
            link.note["due"] = self._due(data)
        elif link.note.get("due"):
            return self._now(cut())
        return PASS

    def _due(self, data: bytes) -> bool:
        self._commits += COMMIT in data
        return COMMIT in data and self._commits % EVERY == 0

    def _now(self, ruling: Ruling) -> Ruling:
        self.cuts += 1
        return ruling


@pytest.mark.parametrize("before", [True, False], ids=["itself", "reply"])
async def test_a_commit_is_lost_again_and_again(scene: Scene, before: bool) -> None:
    scene.stand.proxied = ("postgres",)
    async with scene.under_load() as crowd:
        crowd.strike()
        cutting = [Cutting(before=before) for _ in QUEUES]
        for part, by in zip(QUEUES, cutting, strict=True):
            scene.stand.proxies[part, "postgres"].let_go(by.rule())
        await until(lambda: min(by.cuts for by in cutting) >= MANY, "connections cut at a COMMIT", 90)
        for part in QUEUES:
            scene.stand.proxies[part, "postgres"].let_go()
        await crowd.recovered()
        assert crowd.failures() == [], "the service asks the log by itself, and nobody waits in vain"
        cuts = sum(by.cuts for by in cutting)
    what = "COMMIT lost on its way" if before else "the reply to a COMMIT lost"
    scene.row(f"{what}, {cuts} times (cut by a proxy)")
