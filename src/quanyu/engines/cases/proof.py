"""What an action must bring: fields of the right kind, photographs, measured values, an outcome that is true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from quanyu.engines.cases.bodies import ActBody
from quanyu.engines.cases.option import Option
from quanyu.engines.cases.state import CaseState
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import ENDINGS, Field


def check_fields(option: Option, body: ActBody) -> None:
    """Refuse fields that the action does not know, misses, or cannot read; the place is `body.fields.<name>`."""
    if body.fields:
        _check_given(option, body)
    for field in option.fields:
        if not (field.required and field.asked(body.fields)):
            continue
        value = body.note if field.name == "note" else body.fields.get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise _missing(option, field)


def _check_given(option: Option, body: ActBody) -> None:
    measured = {proof.attribute for proof in option.evidence if proof.attribute} if option.evidence else ()
    for name, value in body.fields.items():
        if name in measured:
            _check_number(name, value)
        elif (field := _find_field(option, name)) is None:
            known = {each.name for each in option.fields if each.name != "note"}
            accepted = ", ".join(sorted(known.union(measured))) or "none"
            raise Invalid(
                f"Action {option.action} has no field {name!r}.",
                code="case.field_unknown",
                where=f"body.fields.{name}",
                remedy=f"Accepted fields: {accepted}.",
            )
        elif value is not None:
            _check_kind(field, value)


def _find_field(option: Option, name: str) -> Field | None:
    for field in option.fields:
        if field.name == name:
            return field if name != "note" else None
    return None


def outcome_missing(option: Option) -> Invalid:
    """Return the refusal of a last step that does not say what became of the matter."""
    return Invalid(
        f"Action {option.action} names no outcome.",
        code="case.outcome_missing",
        where="body.fields.outcome",
        remedy=f"Choose one of {', '.join(option.outcomes)}.",
        outcomes=list(option.outcomes),
    )


def _missing(option: Option, field: Field) -> Invalid:
    if field.name == "note":
        return Invalid(
            f"Action {option.action} gives no reason.",
            code="case.reason_missing",
            where="body.note",
            remedy="Write the reason in the note.",
        )
    if field.name == "outcome":
        return outcome_missing(option)
    return Invalid(
        f"Action {option.action} misses the field {field.name}.",
        code="case.field_missing",
        where=f"body.fields.{field.name}",
        remedy=f"Give {field.title['en']} ({field.kind}).",
    )


def _unreadable(field: str, value: Any, want: str) -> Invalid:
    return Invalid(
        f"Field {field} is {value!r:.60}.", code="case.field_kind", where=f"body.fields.{field}", remedy=f"Send {want}."
    )


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise _unreadable(name, value, "a number")


def _check_kind(field: Field, value: Any) -> None:
    match field.kind:
        case "number":
            _check_number(field.name, value)
        case "yes_no":
            if not isinstance(value, bool):
                raise _unreadable(field.name, value, "true or false")
        case "choice":
            if value not in field.choices:
                raise _unreadable(field.name, value, f"one of {', '.join(field.choices)}")
        case "date":
            _check_date(field.name, value)
        case "units":
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or len(value) > 20:
                raise _unreadable(field.name, value, "a list of at most 20 units")
        case "person":
            if not isinstance(value, dict) or not isinstance(value.get("id"), str) or set(value) - {"id", "name"}:
                raise _unreadable(field.name, value, 'a person as {"id", "name"}')
        case _:
            if not isinstance(value, str) or len(value) > 1000:
                raise _unreadable(field.name, value, "text of at most 1000 characters")


def _check_date(name: str, value: Any) -> None:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError) as fault:
        raise _unreadable(name, value, "a day such as 2026-05-09") from fault


def photos(body: ActBody) -> int:
    """Count the photographs that came with an action."""
    return len([file for file in body.files if file.type.startswith("image/")])


def check_evidence(option: Option, body: ActBody) -> None:
    """Refuse a step that comes without its proof."""
    for proof in option.evidence:
        if proof.kind == "photo" and photos(body) < proof.count:
            raise Invalid(
                f"Step {option.step} brings {photos(body)} of {proof.count} photographs.",
                code="case.evidence_missing",
                where="body.files",
                remedy=f"Attach {proof.count} photographs (image files) of what was found or done.",
                kind="photo",
                count=proof.count,
            )
        if proof.kind == "measurement" and body.fields.get(proof.attribute or "") is None:
            raise Invalid(
                f"Step {option.step} brings no measured value of {proof.attribute}.",
                code="case.evidence_missing",
                where=f"body.fields.{proof.attribute}",
                remedy=f"Measure {proof.attribute} and send the number.",
                kind="measurement",
                attribute=proof.attribute,
            )


def check_outcome(state: CaseState, body: ActBody, fields: Mapping[str, Any], measured: bool = False) -> None:
    """Refuse a word that nothing makes true: fixed needs evidence or the reporter's yes, planned a date, and so on.

    `measured`: the step that ends the case brought a measured value itself.
    """
    word = fields["outcome"]
    needs = ENDINGS[word].needs
    if needs == "evidence":
        receipts = bool(state.notices) and not state.outstanding
        if measured or state.proven or state.confirmed == "yes" or receipts or photos(body):
            return
        raise Invalid(
            "Outcome fixed has neither evidence nor the reporter's yes.",
            code="case.evidence_missing",
            where="body.fields.outcome",
            remedy="Attach a photograph, ask the reporter, or choose another outcome.",
            kind="photo",
            count=1,
        )
    given = {"date": fields.get("date"), "who": fields.get("who"), "why": body.note.strip()}
    if needs in given and not given[needs]:
        where = "body.note" if needs == "why" else f"body.fields.{needs}"
        raise Invalid(
            f"Outcome {word} does not say {needs}.",
            code="case.outcome_incomplete",
            where=where,
            remedy={
                "date": "Give the planned day.",
                "who": "Name the unit that it belongs to.",
                "why": "Write in the note why, or what was given.",
            }[needs],
        )
