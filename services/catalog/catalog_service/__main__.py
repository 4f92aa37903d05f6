"""The catalog service: `python -m catalog_service serve | migrate | seed | import FILE | …`."""

from collections.abc import Sequence
from pathlib import Path

from catalog_service import admin, api, intake, rules, shell, views
from catalog_service.announcements import announce
from catalog_service.handling import handle
from mpp.eventsourcing.log import Recorded
from mpp.service import Service


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    return rules.check(stream, [each.event for each in recorded])


service = Service(
    name="catalog",
    title="Catalog: malls, their hours, agencies, services, lines and counters",
    handle=handle,
    tables=views.TABLES,
    announce=announce,
    routers=[intake.router, api.router, admin.router],
    migrations=Path(__file__).parent.parent / "migrations",
    check=check,
    commands={"seed": shell.seed, "import": shell.import_},
)

if __name__ == "__main__":
    service.main()
