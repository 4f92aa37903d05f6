"""The processes that come with the service."""

from datetime import UTC, datetime
from importlib.resources import files

import yaml

from mpp.eventsourcing.log import About
from mpp.service import Running
from tracking_service import forms
from tracking_service.process import DefineProcess, Process


def processes() -> list[Process]:
    """In the order of their files."""
    folder = files("tracking_service") / "seeds"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name)
    return [Process.model_validate(yaml.safe_load(file.read_text())) for file in found]


async def seed(running: Running, _: list[str]) -> int:
    """Define the processes that are not there yet; one that is there keeps what was changed in it."""
    known = {row["code"] for row in await running.reader.fetch("select distinct code from processes")}
    for process in processes():
        forms.check(process)
        if process.code not in known:
            asked = DefineProcess(process, datetime.now(UTC))
            await running.handle(f"process-{process.code}", asked, About(role="system"))
    return 0
