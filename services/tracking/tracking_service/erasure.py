"""How tracking forgets: drafts and what was never filed at once; what was filed when the law lets it go."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from mpp.eventsourcing.handler import Step
from mpp.forgetting import Erased, Forgetting
from mpp_contracts.subjects import Kept
from tracking_service import queries
from tracking_service.command import ForgetApplicant
from tracking_service.past import ForgetOwner

if TYPE_CHECKING:
    from mpp.service import Running


async def erase(running: "Running", citizen: UUID, at: datetime) -> Erased:
    """The law keeps filed applications for as long as their process says; nobody is told whose they were."""
    if running.vault is None:
        raise RuntimeError("tracking has no vault")
    kept = await running.vault.forget(citizen, at)
    own = await queries.applications_of(running.reader, citizen)
    past = await queries.past_of(running.reader, citizen)
    if running.documents is not None:
        spared = {each.purpose for each in kept}
        lost = [row["id"] for row in own if f"application-{row['id']}" not in spared]
        await running.documents.delete(await queries.files_of(running.reader, lost))
    laws = {f"application-{row['id']}": row["law"] for row in own}
    steps = [Step(f"application-{row['id']}", ForgetApplicant(at)) for row in own]
    steps += [Step(f"past-{row['id']}", ForgetOwner(at)) for row in past]
    words = ("application-answers", "application-documents") if own else ()
    return Erased(
        (*words, *(("history",) if past else ())),
        kept=tuple(Kept(purpose="application", until=each.until, law=laws[each.purpose]) for each in kept),
        steps=steps,
        also=[running.vault.erased(citizen, kept)],
    )


forgetting = Forgetting(erase)
