"""Processes: what can't work is refused, and those that come with the service can be filed and decided."""

import csv
from typing import Any

import pytest
from hypothesis import given as any_
from hypothesis import strategies as st

from catalog_service.seeds import _text as of_catalog
from mpp.testing.scenario import given
from profile_service.facts import FIELDS
from tracking_service import forms
from tracking_service.process import (
    ENDS,
    DefineProcess,
    Process,
    ProcessDefined,
    ProcessFlawed,
    decider,
    flaws,
)
from tracking_service.seeding import processes

from .cases import LICENCE, MONDAY, STEP

SEEDS = {process.code: process for process in processes()}
TOLD: dict[str, dict[str, Any]] = {
    "ktp-reprint": {"reason": "lost"},
    "birth-certificate": {"child": "Wa Ode", "sex": "female", "born_on": "2026-11-01", "born_at": "Rumbia"},
    "practice-licence": {"profession": "nurse", "registration": "STR-12", "place": "Puskesmas Rumbia"},
    "skck": {"birth_date": "1990-07-01", "purpose": "work"},
    "nib": {"email": "siti@example.id", "business": "Warung", "field": "56101", "address": "Jl. Yani 1"},
}
PERSON = {"name": "Siti", "nik": "7406014107900001", "phone": "+6281234567890"}


def steps(*leads_to: tuple[str, ...]) -> Process:
    """A process of steps a, b, c, …; each leads to these."""
    made = tuple(STEP(code=chr(97 + n), leads_to=leads) for n, leads in enumerate(leads_to))
    return LICENCE.model_copy(update={"steps": made})


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (steps(("b",), ("a",)), "step a never comes to an end"),
        (steps(("approved", "b"), ("b",)), "step b never comes to an end"),
        (steps(("approved",), ("rejected",)), "step b is never reached"),
        (steps(("approved", "z")), "step a leads to z, which is none"),
        (steps(("rejected",)), "it never grants anything"),
        (steps(()), "step a never comes to an end"),
    ],
)
def test_what_can_not_work_is_refused_with_a_sentence(process: Process, said: str) -> None:
    refused = given(decider).when(DefineProcess(process, MONDAY)).refused(ProcessFlawed)
    assert said in refused.facts["flaws"]


def test_steps_and_documents_have_names_of_their_own() -> None:
    twice = LICENCE.model_copy(update={"steps": LICENCE.steps * 2, "documents": LICENCE.documents * 2})
    assert {"step checking is there twice", "document str is there twice"} <= {*flaws(twice)}
    ending = STEP(code="approved", leads_to=("approved",))
    assert "step approved is named like an end" in flaws(LICENCE.model_copy(update={"steps": (ending,)}))


def ways(n: int) -> st.SearchStrategy[Any]:
    """Where each of n steps leads to."""
    one = st.lists(st.sampled_from([*"abcde"[:n], *ENDS]), max_size=4, unique=True).map(tuple)
    return st.lists(one, min_size=n, max_size=n)


GRAPHS = st.integers(1, 5).flatmap(ways)


@any_(GRAPHS)
def test_a_process_is_taken_exactly_when_every_walk_may_end_and_every_step_may_be_met(graph: Any) -> None:
    process = steps(*graph)
    leads = {step.code: step.leads_to for step in process.steps}

    def met(start: str) -> set[str]:
        """Everything on walks from there, by walking."""
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            at = ahead.pop()
            if at not in seen:
                seen.add(at)
                ahead += leads.get(at, ())
        return seen

    works = met("a") >= {*leads} and "approved" in met("a") and all(met(code) & {*ENDS} for code in leads)
    assert works == (not [*flaws(process)])


def test_a_change_is_a_new_version_and_the_same_again_is_nothing() -> None:
    other = LICENCE.model_copy(update={"deemed_granted": True})
    told = given(decider).when(
        DefineProcess(LICENCE, MONDAY), DefineProcess(LICENCE, MONDAY), DefineProcess(other, MONDAY)
    )
    first, second = told.happened
    assert isinstance(first, ProcessDefined) and isinstance(second, ProcessDefined)
    assert (first.version, second.version, told.state.process) == (1, 2, other)


def test_a_process_is_read_from_the_log_as_it_was_written() -> None:
    for process in SEEDS.values():
        event = ProcessDefined(version=1, process=process, at=MONDAY)
        assert decider.decode(event.type, event.model_dump_json()) == event


@pytest.mark.parametrize(
    "form",
    [
        {"type": "nothing", "additionalProperties": False},
        {"type": "object"},
        {"type": "array", "additionalProperties": False},
        {"type": "object", "additionalProperties": False, "properties": {"a": {"pattern": "("}}},
        {"type": "object", "additionalProperties": False, "properties": {"a": {"$ref": "#/nowhere"}}},
    ],
)
def test_a_form_that_nobody_can_fill_in_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ProcessFlawed):
        forms.check(LICENCE.model_copy(update={"form": form}))


def test_the_five_processes_are_there_with_their_time_limits() -> None:
    limits = {code: (each.limit.amount, each.limit.unit, each.deemed_granted) for code, each in SEEDS.items()}
    assert limits == {
        "ktp-reprint": (24, "hours", False),
        "birth-certificate": (24, "hours", False),
        "practice-licence": (5, "working-days", True),
        "skck": (1, "working-hours", False),
        "nib": (1, "working-hours", False),
    }


@pytest.mark.parametrize("process", SEEDS.values(), ids=SEEDS.keys())
def test_every_process_that_comes_with_the_service_can_work(process: Process) -> None:
    assert [*flaws(process)] == []
    forms.check(process)
    assert process.keeping and process.product and process.documents


@pytest.mark.parametrize("process", SEEDS.values(), ids=SEEDS.keys())
def test_its_form_takes_true_answers_and_refuses_others(process: Process) -> None:
    told = PERSON | TOLD[process.code]
    forms.judge(process, told, complete=True)
    forms.judge(process, {"name": "Siti"}, complete=False)
    for field in process.form["required"]:
        missing = {name: value for name, value in told.items() if name != field}
        with pytest.raises(forms.AnswersWrong):
            forms.judge(process, missing, complete=True)
        with pytest.raises(forms.AnswersWrong):
            forms.judge(process, {field: "\x00"}, complete=False)
    with pytest.raises(forms.AnswersWrong):
        forms.judge(process, told | {"colour": "red"}, complete=True)


def fields(process: Process) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = process.form["properties"]
    return found


@pytest.mark.parametrize("process", SEEDS.values(), ids=SEEDS.keys())
def test_every_field_and_every_choice_speaks_indonesian_and_english(process: Process) -> None:
    said = [*fields(process).values()]
    said += [choice for field in said for choice in field.get("oneOf", ())]
    assert [each for each in said if not (each.get("title") and each.get("x-title-en"))] == []
    assert [name for name, field in fields(process).items() if "enum" in field] == []  # a choice has words


@pytest.mark.parametrize("process", SEEDS.values(), ids=SEEDS.keys())
def test_the_profile_knows_the_facts_that_fill_it(process: Process) -> None:
    wanted = forms.prefilled(process.form)
    assert {"name", "nik", "phone"} <= {*wanted}
    assert {*wanted.values()} <= {*FIELDS}


@pytest.mark.parametrize("process", SEEDS.values(), ids=SEEDS.keys())
def test_the_catalog_s_standard_promises_the_same(process: Process) -> None:
    standards = {row["code"]: row for row in csv.DictReader(of_catalog("services.csv").splitlines())}
    for service in process.services:
        standard = standards[service]
        column = "duration_working_days" if process.limit.unit == "working-days" else "duration_hours"
        assert standard[column] == str(process.limit.amount)
        days = standard["deemed_granted_after_working_days"]
        assert days == (str(process.limit.amount) if process.deemed_granted else "")


ANYTHING = st.none() | st.integers() | st.text()


@any_(st.dictionaries(st.sampled_from([*PERSON, "reason", "colour"]), ANYTHING, max_size=4))
def test_a_refused_answer_is_never_said_back(answers: dict[str, Any]) -> None:
    try:
        forms.judge(SEEDS["ktp-reprint"], answers, complete=True)
    except forms.AnswersWrong as wrong:
        for error in wrong.facts["errors"]:
            assert {*error} == {"pointer", "rule"}
            assert error["pointer"].removeprefix("/answers").strip("/") in {"", *answers}
