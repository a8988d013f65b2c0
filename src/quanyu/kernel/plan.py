"""Plans: who leads, who supports and what each does, by kind of incident, way of handling and level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from quanyu.kernel.errors import Invalid

Handling = Literal["normal", "emergency"]
ANY: Final = "*"
T = TypeVar("T")


class IncidentKind(msgspec.Struct, frozen=True):
    """A kind of incident: its class, how it is handled at first, and what the law asks for because of it.

    `case`: the kind of case that it is; `regrade`: the parameter within which new figures count; `report` and `inquiry`:
    flows of the cases that its declaration opens beside it, none where empty.
    """

    kind: str
    of: str
    case: str
    handling: Handling
    zh: str
    en: str
    source: str
    status: str
    regrade: str = ""
    report: str = ""
    inquiry: str = ""


class Task(msgspec.Struct, frozen=True):
    """What one unit does under a plan; `basis` is the article or default that asks for it."""

    plan: str
    task: str
    unit: str
    zh: str
    en: str
    basis: str
    source: str
    status: str


class Plan(msgspec.Struct, frozen=True):
    """A plan for a kind of incident (`*<case>`: any of that kind of case), a way of handling and a level (None: any)."""

    plan: str
    kind: str
    handling: Handling
    level: int | None
    zh: str
    en: str
    lead: str
    supports: tuple[str, ...]
    source: str
    status: str
    tasks: tuple[Task, ...] = ()


class PlanBook(msgspec.Struct, frozen=True):
    """Kinds and plans of all packs."""

    kinds: Mapping[str, IncidentKind] = {}
    plans: Sequence[Plan] = ()

    def fitting(self, kind: str, handling: str, level: int | None) -> list[Plan]:
        """Return the plans that may be activated, the most specific first."""
        known = self.kinds.get(kind)
        kinds = (kind, f"{ANY}{known.case if known else ''}")
        found = [
            plan
            for plan in self.plans
            if plan.kind in kinds and plan.handling == handling and plan.level in (level, None)
        ]
        return sorted(found, key=lambda plan: (plan.kind != kind, plan.level is None))

    def find(self, id: str) -> Plan | None:
        """Return a plan by its id."""
        return next((plan for plan in self.plans if plan.plan == id), None)


def read_book(
    kinds: Iterable[Mapping[str, str]], plans: Iterable[Mapping[str, str]], tasks: Iterable[Mapping[str, str]]
) -> PlanBook:
    """Read the tables of plans; raises Invalid (plan.row, plan.task) that names the row at fault."""
    found = {row["kind"]: _row(row, IncidentKind) for row in kinds}
    asked = [_row(row, Task) for row in tasks]
    read = [_row(_listed(row), Plan) for row in plans]
    known = {plan.plan for plan in read}
    cases = {f"{ANY}{kind.case}" for kind in found.values()}
    for plan in read:
        if plan.kind not in found and plan.kind not in cases:
            raise Invalid(
                f"Plan {plan.plan} is for the kind {plan.kind!r}, which no table has.",
                code="plan.row",
                where=plan.plan,
                remedy=f"Use one of {', '.join((*sorted(cases), *found))}.",
            )
    for task in asked:
        if task.plan not in known:
            raise Invalid(
                f"Task {task.task} belongs to the plan {task.plan!r}, which no table has.",
                code="plan.task",
                where=task.task,
                remedy="Name a plan of incident_plans.csv.",
            )
    whole = [
        msgspec.structs.replace(plan, tasks=tuple(each for each in asked if each.plan == plan.plan)) for plan in read
    ]
    return PlanBook(found, whole)


def _listed(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        **row,
        "level": row["level"] or None,
        "supports": tuple(each for each in row["supports"].split(";") if each),
    }


def _row(row: Mapping[str, Any], shape: type[T]) -> T:
    try:
        return msgspec.convert(dict(row), shape, strict=False)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Row {next(iter(row.values()), '')!r:.60} of the plans cannot be read: {fault}.",
            code="plan.row",
            where=shape.__name__,
            remedy="Fill in every column of the table's header.",
        ) from fault
