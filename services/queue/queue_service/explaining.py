"""Explanations: why a ticket was called, in one sentence that a citizen would accept."""

from zoneinfo import ZoneInfo

from queue_service.plan import Plan
from queue_service.ticket import Why

PRIORITIES = {
    "elderly": ("lanjut usia", "elderly"),
    "disabled": ("penyandang disabilitas", "disabled"),
    "pregnant": ("ibu hamil atau membawa bayi", "pregnant or with an infant"),
}
TIMES = {1: ("sekali", "once"), 2: ("dua kali", "twice")}


def explain(number: str, line: str, counter: str, why: Why, plan: Plan) -> dict[str, str]:
    """The sentence in Indonesian and English; `counter` is its title, times are the mall's."""
    local = why.slot.astimezone(ZoneInfo(plan.timezone)) if why.slot else None
    slot = f"{local:%H.%M}" if local else ""
    return {
        "id": f"{number} dipanggil {_id(line, counter, why, slot)}.",
        "en": f"{number} was called {_en(line, counter, why, slot.replace('.', ':'))}.",
    }


def _id(line: str, counter: str, why: Why, slot: str) -> str:
    if why.rule == "threshold":
        return f"karena di antrean {line} ada yang sudah menunggu lebih dari {why.minutes} menit"
    if why.rule == "own":
        return f"karena diarahkan khusus ke {counter}"
    if why.rule == "priority":
        return f"lebih dulu karena didahulukan: {_class(why, 0)}"
    if why.passed:
        before = f"{why.passed} orang di depannya menunggu petugas lain"
        return f"karena petugas di {counter} menangani layanannya; {before}"
    if why.rejoined:
        return "lagi karena sudah kembali setelah nomornya terlewat"
    if slot:
        return f"sesuai reservasinya pukul {slot}"
    if why.rule == "order":
        return f"karena {counter} mendahulukan antrean {_then(why.lines, 0) if why.lines else line}"
    if why.rule == "ratio":
        turns = ", ".join(f"{name} {_times(times, 0)}" for name, times in why.ratio)
        return f"karena kini giliran antrean {line}: {counter} memanggil bergantian, {turns}"
    return (
        f"karena paling lama menunggu di antrean {_and(why.lines or (line,), 0)}: {why.waited_minutes} menit"
    )


def _en(line: str, counter: str, why: Why, slot: str) -> str:
    if why.rule == "threshold":
        return f"because somebody in line {line} has waited longer than {why.minutes} minutes"
    if why.rule == "own":
        return f"because it was sent to {counter} itself"
    if why.rule == "priority":
        return f"first because of the right of way: {_class(why, 1)}"
    if why.passed:
        people = "1 person before it waits" if why.passed == 1 else f"{why.passed} people before it wait"
        return f"because the officer at {counter} handles its service; {people} for another officer"
    if why.rejoined:
        return "again because its holder came back after missing the call"
    if slot:
        return f"as booked for {slot}"
    if why.rule == "order":
        return f"because {counter} takes line {_then(why.lines, 1) if why.lines else line} first"
    if why.rule == "ratio":
        turns = ", ".join(f"{name} {_times(times, 1)}" for name, times in why.ratio)
        return f"because it is the turn of line {line}: {counter} calls in turn, {turns}"
    lines = "line" if len(why.lines) < 2 else "lines"
    return (
        f"because it waited longest in {lines} {_and(why.lines or (line,), 1)}: {why.waited_minutes} minutes"
    )


def _class(why: Why, language: int) -> str:
    return PRIORITIES.get(why.priority or "", (why.priority or "", why.priority or ""))[language]


def _times(times: int, language: int) -> str:
    return TIMES.get(times, (f"{times} kali", f"{times} times"))[language]


def _then(lines: tuple[str, ...], language: int) -> str:
    return (", lalu ", ", then ")[language].join(lines)


def _and(lines: tuple[str, ...], language: int) -> str:
    if len(lines) == 1:
        return lines[0]
    return ", ".join(lines[:-1]) + (" dan ", " and ")[language] + lines[-1]
