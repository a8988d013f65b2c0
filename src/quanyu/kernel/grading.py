"""Grading by thresholds: the gravest level of which any one figure reaches its column decides.

A column whose limit nobody has given is not guessed: where it might have decided, the grade is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from quanyu.kernel.errors import Invalid

LEVELS: Final = (1, 2, 3, 4)
"""Especially major, major, larger, general: the smaller number is the graver one."""


class Threshold(msgspec.Struct, frozen=True):
    """From which figure on a class of incident is of a level; without a limit the source does not give it."""

    of: str
    measure: str
    level: int
    at_least: float | None
    unit: str
    zh: str
    en: str
    valid_from: date
    valid_to: date | None
    source: str
    status: str

    def in_force(self, on: date) -> bool:
        """Whether the row counts on a day; both ends are included."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Grade(msgspec.Struct, frozen=True):
    """What figures say: the level and the measures that reach it; `unknown` are levels without any limit given.

    Without a level nothing that is known is reached, and one of the unknown levels may hold.
    """

    level: int | None
    by: tuple[str, ...] = ()
    unknown: tuple[int, ...] = ()


def read_thresholds(rows: Iterable[Mapping[str, str]], where: str) -> tuple[Threshold, ...]:
    """Read the rows of a table; raises Invalid (grading.row) that names the row at fault."""
    return tuple(_threshold(row, f"{where}, row {number}") for number, row in enumerate(rows, 1))


def grade(thresholds: Iterable[Threshold], of: str, figures: Mapping[str, float], on: date) -> Grade | None:
    """Return the grade of a class of incident on a day; None where the class is not graded by figures."""
    rows = [row for row in thresholds if row.of == of and row.in_force(on)]
    if not rows:
        return None
    unknown = tuple(level for level in LEVELS if all(row.at_least is None for row in rows if row.level == level))
    for level in LEVELS:
        reached = [row.measure for row in rows if row.level == level and _reaches(row, figures)]
        if reached:
            return Grade(level, tuple(dict.fromkeys(reached)), tuple(each for each in unknown if each < level))
    return Grade(None, (), unknown)


def _reaches(row: Threshold, figures: Mapping[str, float]) -> bool:
    figure = figures.get(row.measure)
    return figure is not None and row.at_least is not None and figure >= row.at_least


def _threshold(row: Mapping[str, str], where: str) -> Threshold:
    given: dict[str, Any] = {name: row.get(name) for name in Threshold.__struct_fields__}
    for name in ("at_least", "valid_to"):
        given[name] = given[name] or None
    try:
        return msgspec.convert(given, Threshold, strict=False)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"Row of thresholds cannot be read: {fault}.",
            code="grading.row",
            where=where,
            remedy="Write of, measure, level (1 to 4), at_least (a number, or empty where no source gives it), dates, source.",
        ) from fault
