"""What a flow is asked before it may exist: names, roles, limits, proof; `ways` asks what leads where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from quanyu.kernel.flow.refusing import refuse
from quanyu.kernel.flow.ways import (
    check_arrows,
    check_clocks,
    check_elements,
    check_figures,
    check_keeping,
    check_kind,
    check_ways,
)
from quanyu.kernel.flow.whole import Flow
from quanyu.kernel.flow.words import (
    APPLICANT,
    DESK_ROLES,
    ENDINGS,
    NAME,
    RESERVED,
    Extension,
    Field,
    Parameter,
    Step,
    is_name,
)
from quanyu.kernel.time import DayLimit, WallLimit

ELEMENTS_MAX: Final = 1_000
ARROWS_MAX: Final = 4_000


def check_flow(made: Flow) -> None:
    """Refuse a flow that could not be walked to its end; raises Invalid with the flow, the place and the remedy."""
    _check_whole(made)
    check_clocks(made)
    check_keeping(made)
    check_figures(made)
    if not made.is_row:
        check_arrows(made)
    for each in made.steps:
        _check_step(made, each)
    if not made.is_row:
        check_elements(made)
        check_ways(made)
    elif not made.steps[-1].outcome:
        raise refuse(
            f"ends with step {made.steps[-1].name!r}, which has no outcome.",
            "outcome_missing",
            f"flow {made.name}",
            f"Give the last step outcome=[{', '.join(ENDINGS)}] or some of them.",
        )


def _check_whole(made: Flow) -> None:
    place = f"flow {made.name}"
    if not NAME.match(made.name) or not NAME.match(made.case):
        raise refuse(f"or its case {made.case!r} has no name in snake_case.", "name", place, "Use a-z, 0-9 and _.")
    if not made.steps:
        raise refuse("has no steps.", "empty", place, "Give it at least a step that ends the case.")
    if len(made.steps) + len(made.nodes) > ELEMENTS_MAX or len(made.arrows) > ARROWS_MAX:
        raise refuse(
            f"has {len(made.steps) + len(made.nodes)} elements and {len(made.arrows)} arrows.",
            "size",
            place,
            f"Keep to {ELEMENTS_MAX} elements and {ARROWS_MAX} arrows; make several flows of it.",
        )
    seen: set[str] = set()
    for element in (*made.steps, *made.nodes):
        if element.name in seen:
            kind = "steps" if isinstance(element, Step) else "elements"
            raise refuse(f"has two {kind} {element.name!r}.", "step_twice", place, "Give each its own name.")
        seen.add(element.name)
    if not 0 < made.amber < made.red <= 1:
        raise refuse(f"has amber {made.amber} and red {made.red}.", "share", place, "Keep 0 < amber < red <= 1.")
    if made.escalate_after is not None and not made.escalate:
        raise refuse("escalates to nobody.", "escalate", place, "Name the unit in escalate=.")
    check_limit(made.overall, place)
    _check_extension(made, made.extend, place)
    if made.until is not None and made.until not in {each.name for each in made.steps}:
        raise refuse(f"is kept by the step {made.until!r}.", "until", place, "Name one of its steps in until=.")
    _check_begin(made, place)
    for limit in (made.escalate_after, made.confirm):
        if limit is not None and not isinstance(limit, WallLimit | DayLimit):
            raise refuse(f"has the limit {limit!r}.", "limit", place, "Use hours(), working_days() and the like.")


def _check_begin(made: Flow, place: str) -> None:
    if made.begins is not None and (made.begins == made.until or made.begins not in {each.name for each in made.steps}):
        raise refuse(
            f"begins its overall limit with {made.begins!r}.",
            "begins",
            place,
            "Name one of its steps in begins=, another than that of until=.",
        )
    timers = {timer.name for each in made.steps for timer in each.boundary if timer.interrupting}
    if made.deemed is not None and (made.begins is None or made.deemed not in timers):
        raise refuse(
            f"deems its overall limit begun by the timer {made.deemed!r}.",
            "deemed",
            place,
            "Name an interrupting timer of one of its steps in deemed=, beside begins=.",
        )


def check_limit(limit: object, place: str) -> None:
    """Refuse what is no limit."""
    if not isinstance(limit, WallLimit | DayLimit | Parameter):
        raise refuse(
            f"has the limit {limit!r}.", "limit", place, "Use hours(), working_days() and the like, or parameter()."
        )


def _check_extension(made: Flow, extend: Extension | None, place: str) -> None:
    if extend is not None:
        check_limit(extend.by, place)
        _check_role(made, extend.role, place)


def _check_role(made: Flow, role: str, place: str) -> None:
    if role not in made.roles and role not in DESK_ROLES and role != APPLICANT:
        known = ", ".join((*made.roles, *sorted(DESK_ROLES), APPLICANT))
        raise refuse(f"names the role {role!r}.", "role_unknown", place, f"Add it to roles= or use one of {known}.")


def _check_step(made: Flow, each: Step) -> None:
    place = f"flow {made.name} step {each.name}"
    if not is_name(each.name):
        raise refuse("has no name in snake_case.", "name", place, "Use a-z, 0-9 and _.")
    if each.waits and each.name in RESERVED:
        raise refuse("bears the name of an action.", "name", place, f"Use none of {', '.join(sorted(RESERVED))}.")
    check_kind(each, place)
    for role in (each.by if each.waits or each.by else None, each.to):
        if role is not None:
            _check_role(made, role, place)
    _check_extension(made, each.extend, place)
    for name in (each.fails, each.unless.step if each.unless else None):
        if name is not None and name not in (earlier := {before.name for before in made.net.before(each.name)}):
            known = ", ".join(sorted(earlier)) or "none: it is the first"
            raise refuse(f"points to step {name!r}.", "step_unknown", place, f"Name an earlier step ({known}).")
    if each.within is not None:
        check_limit(each.within, place)
    if each.permits("return") and made.dispatch_before(each.name) is None:
        raise refuse("returns to nobody.", "return_nowhere", place, "Put a step with to= before it.")
    if each.ends and not each.outcome:
        raise refuse("ends the case without a word.", "ends", place, "Give it outcome=[…], or leave ends= out.")
    if each.to and (each.outcome or each.back):
        raise refuse("dispatches and judges at once.", "two_in_one", place, "Make two steps of it.")
    _check_proof(each, place)


def _check_proof(each: Step, place: str) -> None:
    for proof in each.evidence:
        if proof.count < 1 or (proof.kind == "measurement" and not proof.attribute):
            raise refuse("asks for empty evidence.", "evidence", place, "Use photo(n) with n >= 1, measurement(name).")
    if any(permission.word == "pause" and not permission.ground for permission in each.may):
        raise refuse("pauses without a ground.", "ground", place, "State it: pause('weather').")
    words = [ending.word for ending in each.outcome]
    if unknown := [word for word in words if word not in ENDINGS]:
        raise refuse(f"ends with the word {unknown[0]!r}.", "outcome_unknown", place, f"Use {', '.join(ENDINGS)}.")
    names = [field.name for field in each.fields]
    if len({*names, "passed", "outcome"}) < len(names) + 2:
        raise refuse("asks twice for one field.", "field", place, "Name each once; passed and outcome are taken.")
    for field in each.fields:
        if field.when is not None and not _may_be(each.fields, *field.when):
            raise refuse(
                f"asks for {field.name} when {field.when[0]} is {field.when[1]!r}, which it never is.",
                "field_when",
                place,
                "Name another field of the step: a yes_no with true or false, or a choice with one of its words.",
            )


def _may_be(fields: Iterable[Field], name: str, value: bool | str) -> bool:
    """Whether a field of the step may have a value."""
    field = next((each for each in fields if each.name == name and each.when is None), None)
    if field is None:
        return False
    return isinstance(value, bool) if field.kind == "yes_no" else value in field.choices
