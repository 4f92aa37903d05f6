"""Figures of the index as they are shown: for a mall, its agencies and its services."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from feedback_service import queries
from feedback_service.desk import Desk, Mall
from feedback_service.ikm import ELEMENTS, SHOWN_FROM, Weights, band, ikm, nrr, rounded, sample_size
from feedback_service.period import days_of


@dataclass(slots=True)
class Sum:
    """Answers added up."""

    ended: int = 0
    answers: int = 0
    totals: tuple[int, ...] = (0,) * ELEMENTS

    def add(self, row: Mapping[str, Any]) -> None:
        self.ended += row["ended"]
        self.answers += row["answers"]
        self.totals = tuple(a + b for a, b in zip(self.totals, row["totals"], strict=True))


def figure(sum_: Sum, weights: Weights) -> dict[str, Any]:
    """The index with its band and elements; null under five answers, which would show what people said."""
    needed = sample_size(sum_.ended)
    shown: dict[str, Any] = {"answers": sum_.answers, "transactions": sum_.ended, "sample_needed": needed}
    shown["adequate"] = sum_.answers >= needed > 0
    if sum_.answers < SHOWN_FROM:
        return shown | {"answers": None, "ikm": None, "band": None, "elements": None, "too_few": True}
    index = rounded(ikm(sum_.totals, sum_.answers, weights))
    elements = [f"{rounded(nrr(total, sum_.answers))}" for total in sum_.totals]
    return shown | {"ikm": f"{index:.2f}", "band": band(index), "elements": elements, "too_few": False}


def grouped(rows: Iterable[Mapping[str, Any]], by: str) -> dict[str, Sum]:
    sums: dict[str, Sum] = {}
    for row in rows:
        sums.setdefault(row[by], Sum()).add(row)
    return sums


async def of_mall(desk: Desk, mall: Mall, period: str) -> dict[str, Any]:
    """Everything shown of one mall and period."""
    first, last = days_of(period)
    rows = await queries.ratings(desk.reader, mall.code, first, last)
    whole = Sum()
    for row in rows:
        whole.add(row)
    classes = await queries.respondents(desk.reader, mall.code, first, last)
    return {
        "mall": mall.code,
        "title": mall.title("mall", ""),
        "period": period,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "weights": mall.weights,
        **figure(whole, mall.weights),
        "respondents": {key: count for key, count in classes.items() if count >= SHOWN_FROM},
        "agencies": _parts(mall, rows, "agency"),
        "services": _parts(mall, rows, "service"),
    }


def _parts(mall: Mall, rows: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return [
        {"code": code, "title": mall.title(by, code), **figure(sum_, mall.weights)}
        for code, sum_ in sorted(grouped(rows, by).items())
        if code
    ]


async def public_of_mall(desk: Desk, mall: Mall, period: str) -> bytes:
    """The live figure: without its parts."""
    whole = await of_mall(desk, mall, period)
    return orjson.dumps({name: part for name, part in whole.items() if name not in ("agencies", "services")})
