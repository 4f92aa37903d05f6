"""Forms: JSON Schema, checked before anybody fills one in, and what the profile can fill in."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from mpp.eventsourcing.decider import Invalid
from tracking_service.process import Process, ProcessFlawed

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class AnswersWrong(Invalid):
    """The answers are not what the form asks for."""


def check(process: Process) -> None:
    """ProcessFlawed when the form is no JSON Schema of an object, or takes what nobody asked for."""
    form = process.form
    try:
        jsonschema_rs.meta.validate({"$schema": DRAFT} | form)
        jsonschema_rs.validator_for(form)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as wrong:
        raise ProcessFlawed(f"the form is no JSON Schema: {_said(wrong)}") from None
    if form.get("type") != "object" or form.get("additionalProperties") is not False:
        raise ProcessFlawed("the form must be of an object with additionalProperties: false")


def _said(wrong: Exception) -> str:
    return str(getattr(wrong, "message", wrong))[:200]


def judge(process: Process, answers: dict[str, Any], *, complete: bool) -> None:
    """Raises AnswersWrong with a place and a rule for each error, never with what was answered."""
    form = process.form if complete else _partial(process.form)
    validator = jsonschema_rs.validator_for(form, validate_formats=True)
    if found := [*_errors(validator, answers)]:
        raise AnswersWrong(errors=found[:50])


def _errors(validator: Any, answers: dict[str, Any]) -> Iterator[dict[str, str]]:
    for error in validator.iter_errors(answers):
        at = "/".join(str(part) for part in error.instance_path)
        yield {"pointer": f"/answers/{at}".rstrip("/"), "rule": str(error.schema_path[-1])}


def _partial(form: Any) -> Any:
    """The same form while it is being filled in: nothing is required yet."""
    if isinstance(form, dict):
        return {key: _partial(value) for key, value in form.items() if key != "required" or _names(value)}
    return form


def _names(value: Any) -> bool:
    """A field may be called `required`; the keyword is a list."""
    return not isinstance(value, list)


def prefilled(form: dict[str, Any]) -> dict[str, str]:
    """Which fact of the profile fills which field."""
    fields = form.get("properties", {})
    return {name: field["x-prefill"] for name, field in fields.items() if "x-prefill" in field}
