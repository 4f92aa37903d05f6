"""Templates: what is said of each kind, in Indonesian and English, checked when it is saved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Decider, Event, Invalid, NotFound
from notify_service.kinds import KINDS

Language = Literal["id", "en"]
PLACEHOLDER = re.compile(r"\(\(([^()]*)\)\)")


class UnknownKind(NotFound):
    """Nobody is ever told of this."""


class PlaceholderMissing(Invalid):
    """A text lacks facts that it has to tell."""


class PlaceholderUnknown(Invalid):
    """A text asks for facts that are not known of this kind."""


class Text(BaseModel):
    """One language: the subject of a mail, and what is said; `((number))` stands for the fact `number`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    subject: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[^\x00-\x1f\x7f]*$")]
    text: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]

    def filled(self, facts: Mapping[str, str]) -> "Text":
        """With the facts in their places; nothing that a fact holds is looked at again."""

        def fact(found: re.Match[str]) -> str:
            return facts.get(found[1].strip(), "")

        subject = re.sub(r"[\x00-\x1f\x7f]+", " ", PLACEHOLDER.sub(fact, self.subject))
        return Text.model_construct(subject=subject, text=PLACEHOLDER.sub(fact, self.text))


class Texts(BaseModel):
    """Both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Text
    en: Text

    def of(self, language: str) -> Text:
        return self.en if language == "en" else self.id


class TemplateSaved(Event, type="template-saved"):
    version: int
    texts: Texts
    at: datetime


@dataclass(frozen=True, slots=True)
class SaveTemplate:
    """From now on it is said so."""

    kind: str
    texts: Texts
    at: datetime


@dataclass(frozen=True, slots=True)
class Template:
    version: int = 0
    texts: Texts | None = None


def check(kind: str, texts: Texts) -> None:
    """Raises UnknownKind, PlaceholderMissing, PlaceholderUnknown, each naming what it means."""
    known = KINDS.get(kind)
    if known is None:
        raise UnknownKind(kind=kind)
    for language in ("id", "en"):
        said = texts.of(language)
        in_text = {name.strip() for name in PLACEHOLDER.findall(said.text)}
        used = in_text | {name.strip() for name in PLACEHOLDER.findall(said.subject)}
        if unknown := sorted(used - known.facts):
            raise PlaceholderUnknown(f"unknown: {', '.join(unknown)}", language=language, unknown=unknown)
        if missing := sorted(known.facts - in_text):
            raise PlaceholderMissing(f"missing: {', '.join(missing)}", language=language, missing=missing)


def decide(command: SaveTemplate, state: Template) -> list[Event]:
    check(command.kind, command.texts)
    if command.texts == state.texts:
        return []
    return [TemplateSaved(version=state.version + 1, texts=command.texts, at=command.at)]


def evolve(state: Template, event: Event) -> Template:
    return Template(event.version, event.texts) if isinstance(event, TemplateSaved) else state


decider: Decider[Template] = Decider("template", Template(), decide, evolve, (TemplateSaved,))
