"""A row: named texts of one line of a file, turned into the command it asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from catalog_service.command import Command
from catalog_service.counter import DefineCounter
from catalog_service.document import Entry, Fault, Part
from catalog_service.hours import Hours, OverrideDay, SetHours
from catalog_service.line import DefineLine
from catalog_service.mall import DefineMall
from catalog_service.standard import Duration, PublishService, Standard
from catalog_service.tenant import OpenTenant

COMMANDS: dict[Part, type[Command]] = {
    "mall": DefineMall,
    "hours": SetHours,
    "days": OverrideDay,
    "agencies": OpenTenant,
    "services": PublishService,
    "lines": DefineLine,
    "counters": DefineCounter,
}
LISTS = {"assumed", "requirements", "procedure", "legal_basis", "unconfirmed", "services", "lines"}
GROUPS = {"duration": "duration_", "quotas": "quota_"}  # written as several columns in a sheet
CHANNELS = ("kiosk", "web", "mobile", "telegram", "counter")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOTHING = {"", "null", "~"}


def columns(part: Part) -> list[str]:
    """What a sheet of this part may have in its header."""
    names = [name for name in COMMANDS[part].model_fields if name not in ("standard", "quotas", "holidays")]
    match part:
        case "services":
            names += [name for name in Standard.model_fields if name != "duration"]
            names += [f"duration_{unit}" for unit in Duration.model_fields]
        case "lines":
            names += [f"quota_{channel}" for channel in CHANNELS]
    return names


def required(part: Part) -> list[str]:
    """What a sheet of this part must have in its header."""
    models = (COMMANDS[part], Standard) if part == "services" else (COMMANDS[part],)
    needed = [name for model in models for name, about in model.model_fields.items() if about.is_required()]
    return [name for name in needed if name != "standard"]


@dataclass(frozen=True, slots=True)
class Row:
    """Texts (or lists and mappings of texts) by column; `lines` tells where a column stands alone."""

    part: Part
    number: int
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, column: str, reason: str) -> Fault:
        return Fault(self.part, self.lines.get(column, self.number), column, reason)

    def read(self, mall: str) -> Entry | list[Fault]:
        """The command asked for, or everything wrong with the row; `mall` completes counter ids."""
        values = {n: v for n, v in self.values.items() if not (isinstance(v, str) and v in NOTHING)}
        try:
            shaped = {"week": week(values)} if self.part == "hours" else self._shape(values, mall)
            return Entry(self.part, self.number, COMMANDS[self.part].model_validate(shaped))
        except ValidationError as error:
            return [
                self.fault(self._column(problem["loc"]), reason_of(problem))
                for problem in error.errors(include_url=False, include_input=False)
            ]
        except Unreadable as error:
            return [self.fault(error.column, error.reason)]

    def _shape(self, values: dict[str, Any], mall: str) -> dict[str, Any]:
        shaped: dict[str, Any] = {}
        grouped: dict[str, Any] = {}
        for name, value in values.items():
            group = next((group for group, prefix in GROUPS.items() if name.startswith(prefix)), None)
            if group:
                grouped.setdefault(group, {})[name.removeprefix(GROUPS[group])] = value
            elif name in LISTS and isinstance(value, str):
                shaped[name] = [text for piece in re.split(r"[;\n]", value) if (text := piece.strip())]
            else:
                shaped[name] = value
        shaped = {**grouped, **shaped}
        match self.part:
            case "services":
                top = {name: shaped.pop(name) for name in ("code", "agency", "title") if name in shaped}
                shaped = {**top, "standard": shaped}  # type: ignore[dict-item]
            case "counters" if mall and re.fullmatch(r"[0-9]{1,3}", str(shaped.get("counter"))):
                shaped["counter"] = f"{mall}-{shaped['counter']:0>2}"
            case "days" if "hours" in shaped:
                shaped["hours"] = span(shaped["hours"], "hours")
        return shaped

    def _column(self, place: tuple[int | str, ...]) -> str:
        names = [str(name) for name in place if name != "standard"]
        if len(names) > 1 and (column := GROUPS.get(names[0], "") + names[1]) in self.values:
            return column
        return names[0] if names else ""


class Unreadable(Exception):
    """A text that is not what its column should hold."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def span(value: Any, column: str) -> Hours:
    """`07:30-16:00`, or a mapping with opens, closes and last_ticket."""
    if not isinstance(value, Mapping):
        found = re.fullmatch(r"\s*(\d\d?:\d\d)\s*[-–]\s*(\d\d?:\d\d)\s*", str(value))
        if not found:
            raise Unreadable(column, "hours are written 07:30-16:00")
        value = {"opens": found[1].zfill(5), "closes": found[2].zfill(5)}
    try:
        return Hours.model_validate(value)
    except ValidationError as error:
        raise Unreadable(column, reason_of(error.errors()[0])) from None


def week(values: Mapping[str, Any]) -> list[Hours | None]:
    """`mon-fri: 07:30-16:00` and the like → seven days from Monday; days not named are closed."""
    days: list[Hours | None] = [None] * 7
    for name, value in values.items():
        first, _, last = str(name).partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            raise Unreadable(name, "days are written mon, sat or mon-fri")
        for day in range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1):
            days[day] = span(value, name)
    return days


def reason_of(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")
