"""An answered survey: one event on a stream of its own, which leads to no transaction and to nobody."""

from dataclasses import dataclass
from datetime import date as Date
from typing import Annotated

from pydantic import Field

from feedback_service.ikm import ELEMENTS
from mpp.eventsourcing.decider import Decider, Event, Rejected

Score = Annotated[int, Field(ge=1, le=4)]
Scores = Annotated[tuple[Score, ...], Field(min_length=ELEMENTS, max_length=ELEMENTS)]
CLASSES: dict[str, tuple[str, ...]] = {
    "sex": ("female", "male"),
    "age": ("under-20", "20-29", "30-39", "40-49", "50-59", "60-up"),
    "education": ("primary", "junior", "senior", "diploma", "bachelor", "master-up"),
    "occupation": ("civil-servant", "military-police", "employee", "self-employed", "student", "other"),
}


class AlreadyAnswered(Rejected):
    """This transaction's survey was answered before; an answer can't be changed."""


class SurveyAnswered(Event, type="survey-answered"):
    """Nine scores and the day; `classes` are coarse and optional, such as `age:30-39`."""

    mall: str
    agency: str
    service: str
    date: Date
    scores: Scores
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerSurvey:
    """Take this answer."""

    answer: SurveyAnswered


def decide(command: AnswerSurvey, answered: bool) -> list[Event]:
    if answered:
        raise AlreadyAnswered
    return [command.answer]


def evolve(answered: bool, event: Event) -> bool:
    return answered or isinstance(event, SurveyAnswered)


decider: Decider[bool] = Decider("survey", False, decide, evolve, (SurveyAnswered,))
