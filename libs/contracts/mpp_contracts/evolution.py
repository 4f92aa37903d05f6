"""How published events may change: new ones, and new optional fields; anything else breaks a reader."""

from collections.abc import Mapping
from typing import Any

HOW_TO_EVOLVE = """\
Somebody may read these events already, and 14 days of them are in the streams. So:
- a new fact about the event: add an optional field, with a default that says "not known";
- a new meaning: add a new event, and go on telling the old one until nobody listens to it;
- a field nobody needs: leave it."""
_NOTES = frozenset({"title", "description", "examples"})


def broken(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What a reader of `before` would stumble over in `now`; both: type → schema."""
    wrong = [f"{name} is gone" for name in before if name not in now]
    for name in before.keys() & now.keys():
        wrong += _changed(before[name], now[name], name)
    return sorted(wrong)


def _changed(before: Any, now: Any, at: str) -> list[str]:
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [found for b, n in zip(before, now, strict=True) for found in _changed(b, n, at)]
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [] if before == now else [f"{at}: {before!r} became {now!r}"]
    wrong = _fields(before, now, at)
    for keyword in (before.keys() | now.keys()) - _NOTES - {"properties", "required"}:
        wrong += _changed(before.get(keyword), now.get(keyword), f"{at} ({keyword})")
    return wrong


def _fields(before: Mapping[str, Any], now: Mapping[str, Any], at: str) -> list[str]:
    was, is_ = before.get("properties", {}), now.get("properties", {})
    wrong = [f"{at}.{name} is gone" for name in was if name not in is_]
    for name in was.keys() & is_.keys():
        wrong += _changed(was[name], is_[name], f"{at}.{name}")
    must, must_now = {*before.get("required", ())}, {*now.get("required", ())}
    wrong += [f"{at}.{name} is required now" for name in must_now - must]
    return wrong + [f"{at}.{name} may be missing now" for name in must - must_now if name in is_]
