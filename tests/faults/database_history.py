"""The log has lost facts that were told: the alarm, and that nobody is told a second history."""

import asyncio

from mpp_node.bench.world import until

from .comparison import ACTS
from .scene import Scene
from .stand import QUEUES, Stand

ALARM = "relay_log_lost_facts"
TO_CLIENTS = ("ticket ", "call ", *(f"{act} " for act in ACTS))
PAST = 1.0  # seconds that an answer may need on its way
TO_OTHERS = ("listener", "JetStream")
PROMISE = (
    "what is in no copy is gone, and its numbers are given to other people. The relay notices and publishes "
    "nothing on top (`relay_log_lost_facts` is 1), `mpp verify` says it, and no consumer hears a second "
    "history: they stand still until an operator decides. A board that connects anew shows the log as it is, "
    "and officers are refused what followed from what is gone. "
    "Lost and doubled count what kiosks and officers were told."
)


async def told(stand: Stand) -> int:
    """The last sequence of JetStream while the log is away, when what was on its way has arrived."""
    before, end = -1, await stand.sequence()
    while before != end:
        await asyncio.sleep(1)
        before, end = end, await stand.sequence()
    return end


async def alarmed(stand: Stand) -> None:
    """Until the process that relays has seen that facts are gone."""
    await until(lambda: any(stand.metric(part, ALARM) == 1 for part in QUEUES), "the alarm")


async def silent(scene: Scene, end: int) -> None:
    """Tickets go on, and nothing follows sequence `end` in JetStream."""
    await scene.crowd.tickets(300)
    more = await scene.stand.sequence() - end
    assert not more, f"{more} messages of a second history were published"


def noticed(scene: Scene, copied: float, lost: float) -> None:
    """`mpp verify` names it, others heard nothing twice; keeps in the findings what clients were told.

    Only answers given between the copy and the loss (epoch seconds) are gone: all from before it are in the
    copy, and all from after it in the log.
    """
    found = scene.findings
    assert "JetStream = log" in scene.verified, scene.verified
    twice = [said for said in found.doubled if said.startswith(TO_OTHERS)]
    assert not twice, f"{len(twice)} heard twice: {twice[:5]}"
    found.lost = [said for said in found.lost if said.startswith(TO_CLIENTS)]
    assert found.gone, "nothing was lost: this fault did not happen"
    strange = [answer for answer in found.gone if not copied <= answer["at"] <= lost + PAST]
    assert not strange, f"{len(strange)} answers are gone that must not be: {strange[:3]}"
    told = (*TO_OTHERS, "board ")
    wrong = [said for said in found.wrong if not said.startswith(told) and " refused, " not in said]
    assert not wrong, f"{len(wrong)} things that nobody promised away: {wrong[:5]}"
