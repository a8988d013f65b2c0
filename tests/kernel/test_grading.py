"""Grading by thresholds: any column is enough, a graver figure never grades milder, and nothing is guessed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.grading import grade, read_thresholds
from quanyu.kernel.plan import read_book

DAY = date(2026, 4, 15)
LIMITS = {"dead": (30, 10, 3, 0), "seriously_hurt": (100, 50, 10, 0), "loss_cny": (1e8, 5e7, 1e7, 0)}
ROWS = [
    {"of": "accident", "measure": measure, "level": str(level), "at_least": str(limit), "unit": "C62", "zh": "数",
     "en": measure, "valid_from": "2012-01-01", "valid_to": "", "source": "test", "status": "verified"}
    for measure, limits in LIMITS.items()
    for level, limit in zip((1, 2, 3, 4), limits, strict=True)
]  # fmt: skip
FIGURES = st.fixed_dictionaries(
    {},
    optional={"dead": st.integers(0, 60), "seriously_hurt": st.integers(0, 200), "loss_cny": st.integers(0, 2 * 10**8)},
)


@given(FIGURES, st.sampled_from(sorted(LIMITS)), st.integers(0, 10**8))
def test_a_graver_figure_never_grades_milder(figures: dict[str, float], measure: str, more: int) -> None:
    rows = read_thresholds(ROWS, "test")
    before = grade(rows, "accident", figures, DAY)
    after = grade(rows, "accident", figures | {measure: figures.get(measure, 0) + more}, DAY)
    assert before is not None
    assert after is not None
    assert after.level is not None
    assert before.level is None or after.level <= before.level


@given(FIGURES)
def test_the_level_is_the_gravest_of_its_columns(figures: dict[str, float]) -> None:
    rows = read_thresholds(ROWS, "test")
    found = grade(rows, "accident", figures, DAY)
    each = [alone.level for name in figures if (alone := grade(rows, "accident", {name: figures[name]}, DAY))]
    assert found is not None
    assert found.level == min((level for level in each if level is not None), default=None)


def test_what_no_source_gives_is_unknown_and_what_is_not_graded_is_none() -> None:
    rows = read_thresholds([row for row in ROWS if row["level"] == "1"], "test")
    silent = [{**row, "level": "2", "at_least": ""} for row in ROWS if row["level"] == "1"]
    rows = (*rows, *read_thresholds(silent, "test"))
    found = grade(rows, "accident", {"dead": 29}, DAY)
    assert found is not None
    assert (found.level, found.unknown) == (None, (2, 3, 4))
    assert grade(rows, "security", {"dead": 29}, DAY) is None
    assert grade(rows, "accident", {"dead": 29}, date(2011, 1, 1)) is None


def test_rows_that_cannot_be_read_are_named() -> None:
    for wrong in ({"level": "x"}, {"at_least": "many"}, {"valid_from": "soon"}):
        with pytest.raises(Invalid) as told:
            read_thresholds([ROWS[0], {**ROWS[0], **wrong}], "table")
        assert (told.value.code, told.value.where) == ("grading.row", "table, row 2")


def test_plans_name_kinds_and_tasks_name_plans() -> None:
    kind = {"kind": "fire", "of": "accident", "case": "incident", "handling": "emergency", "zh": "火", "en": "Fire",
            "source": "s", "status": "unverified"}  # fmt: skip
    plan = {"plan": "p", "kind": "fire", "handling": "emergency", "level": "3", "zh": "预", "en": "Plan", "lead": "u",
            "supports": "", "source": "s", "status": "unverified"}  # fmt: skip
    task = {"plan": "p", "task": "t", "unit": "u", "zh": "任", "en": "Task", "basis": "b", "source": "s", "status": "x"}
    book = read_book([kind], [plan, {**plan, "plan": "q", "kind": "*incident", "level": ""}], [task])
    assert [each.plan for each in book.fitting("fire", "emergency", 3)] == ["p", "q"]
    assert [each.plan for each in book.fitting("fire", "emergency", 4)] == ["q"]
    assert book.fitting("flood", "emergency", 3) == []
    wrong: list[tuple[list[dict[str, str]], list[dict[str, str]], list[dict[str, str]]]] = [
        ([kind], [{**plan, "kind": "flood"}], []),
        ([{**kind, "handling": "some"}], [], []),
    ]
    for rows in wrong:
        with pytest.raises(Invalid) as told:
            read_book(*rows)
        assert told.value.code == "plan.row"
    with pytest.raises(Invalid) as told:
        read_book([kind], [plan], [{**task, "plan": "z"}])
    assert told.value.code == "plan.task"
