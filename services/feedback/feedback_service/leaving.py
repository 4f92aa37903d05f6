"""How feedback forgets: complaints lose their words and their reporter."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from feedback_service import queries, rules, views
from mpp.eventsourcing.handler import Step
from mpp.forgetting import Erased, Forgetting

if TYPE_CHECKING:
    from mpp.service import Running


async def erase(running: "Running", citizen: UUID, at: datetime) -> Erased:
    """Answers to surveys can't be found by anybody, so they stay: they are nobody's."""
    if running.vault is None:
        raise RuntimeError("feedback has no vault")
    kept = await running.vault.forget(citizen, at)
    own = await views.complaints_by(running.reader, citizen)
    if running.documents is not None:
        files = await queries.evidence_of(running.reader, [row["id"] for row in own])
        await running.documents.delete(files)
    steps = [Step(f"complaint-{row['id']}", rules.ForgetReporter(at)) for row in own]
    erased = ("complaint-words", "complaint-reporter") if own else ()
    return Erased(erased, steps=steps, also=[running.vault.erased(citizen, kept)])


forgetting = Forgetting(erase)
