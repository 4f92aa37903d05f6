"""Three real malls to begin with: what sources state, and the rest generated and marked as such."""

import csv
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import product
from typing import Any

import yaml

from catalog_service.command import Command
from catalog_service.counter import DefineCounter
from catalog_service.document import Document, Entry, Part
from catalog_service.hours import SetHours
from catalog_service.importing.rows import Row, week
from catalog_service.line import DefineLine
from catalog_service.mall import DefineMall
from catalog_service.standard import PublishService, Standard
from catalog_service.tenant import OpenTenant

Facts = Mapping[str, Any]
Asked = tuple[Part, Command]


def documents() -> dict[str, Document]:
    """The malls by code, each as a document that a catalog can take over."""
    facts = yaml.safe_load(_text("malls.yaml"))
    offers = _offers(facts["components"])
    return {mall["describe"]["code"]: _document(mall, offers) for mall in facts["malls"]}


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _offers(common: Facts) -> dict[str, list[PublishService]]:
    """What each kind of agency usually offers, the services that sources describe first."""
    offers = defaultdict(list)
    for number, record in enumerate(csv.DictReader(_text("services.csv").splitlines()), 2):
        entry = Row("services", number, record).read("")
        if not isinstance(entry, Entry) or not isinstance(entry.command, PublishService):
            raise ValueError(f"services.csv: {entry}")
        service = entry.command
        filled = _filled(service.standard, common)
        offers[service.agency].append(service.model_copy(update={"standard": filled}))
    return {kind: sorted(found, key=lambda s: s.standard.generated) for kind, found in offers.items()}


def _filled(standard: Standard, common: Facts) -> Standard:
    """Components that no source states come from `common`; of a described service they are named."""
    told = standard.model_dump()
    empty = [name for name in common if not told[name]]
    unconfirmed = () if standard.generated else tuple(empty)
    return Standard(**told | {name: common[name] for name in empty} | {"unconfirmed": unconfirmed})


def _document(mall: Facts, offers: Mapping[str, list[PublishService]]) -> Document:
    services = _services(mall, offers)
    lines, counters = _places(mall, services)
    commands: list[Asked] = [
        ("mall", DefineMall(**mall["describe"])),
        ("hours", SetHours(week=week(mall["hours"]))),
        *(("agencies", _tenant(agency)) for agency in mall["agencies"]),
        *(("services", service) for found in services.values() for service in found),
        *(("lines", line) for line in lines),
        *(("counters", counter) for counter in counters),
    ]
    return Document(tuple(Entry(part, row, command) for row, (part, command) in enumerate(commands, 1)))


def _tenant(agency: Facts) -> OpenTenant:
    return OpenTenant(
        agency=agency["agency"], title=agency["title"], generated=agency.get("generated", False)
    )


def _services(mall: Facts, offers: Mapping[str, list[PublishService]]) -> dict[str, list[PublishService]]:
    """By agency: all that sources describe, then an equal share of each agency's list up to the total."""
    ranked = []
    for agency in mall["agencies"]:
        usual = sorted((s for kind in agency["offers"] for s in offers[kind]), key=_generated)
        for rank, service in enumerate(usual, 1):
            own = service.model_copy(update={"agency": agency["agency"]})
            ranked.append((_generated(service), rank / len(usual), own))
    ranked.sort(key=lambda each: each[:2])
    services: dict[str, list[PublishService]] = {agency["agency"]: [] for agency in mall["agencies"]}
    for *_, service in ranked[: mall["services"]]:
        services[service.agency].append(service)
    return services


def _generated(service: PublishService) -> bool:
    return service.standard.generated


def _places(
    mall: Facts, services: Mapping[str, list[PublishService]]
) -> tuple[list[DefineLine], list[DefineCounter]]:
    """Each agency has a line or more, dealt its services in turn, and counters that serve all of them."""
    letters, code = _letters(), mall["describe"]["code"]
    lines: list[DefineLine] = []
    counters: list[DefineCounter] = []
    for agency in mall["agencies"]:
        name, title, several = agency["agency"], agency["title"], agency.get("lines", 1)
        own = [
            DefineLine(
                line=next(letters),
                title=f"{title} {number + 1}" if several > 1 else title,
                services=tuple(service.code for service in services[name][number::several]),
            )
            for number in range(several)
        ]
        lines += own
        for number in range(len(counters) + 1, len(counters) + agency["counters"] + 1):
            counters.append(
                DefineCounter(
                    counter=f"{code}-{number:02}",
                    title=f"Loket {number}",
                    agency=name,
                    lines=tuple(line.line for line in own),
                )
            )
    return lines, counters


def _letters() -> Iterator[str]:
    """A … Z, AA, AB …"""
    yield from string.ascii_uppercase
    yield from map("".join, product(string.ascii_uppercase, repeat=2))
