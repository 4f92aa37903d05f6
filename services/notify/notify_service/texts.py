"""What is said of each kind: what was saved, else what comes with the service."""

from functools import cache
from importlib.resources import files

import yaml

from mpp.eventsourcing.log import Reading
from notify_service import queries
from notify_service.template import Texts


@cache
def shipped() -> dict[str, Texts]:
    """The texts that come with the service."""
    told = yaml.safe_load((files("notify_service") / "seeds" / "texts.yaml").read_text())
    return {kind: Texts.model_validate(texts) for kind, texts in told.items()}


async def all_texts(db: Reading) -> dict[str, Texts]:
    """In force now, by kind."""
    return shipped() | {kind: texts for kind, (_, texts) in (await queries.saved_texts(db)).items()}
