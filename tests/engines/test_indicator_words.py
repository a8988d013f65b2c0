"""What an indicator may say: formulas, expressions, bands; a wrong declaration is refused when it is loaded."""

from __future__ import annotations

from typing import Any, cast

import pytest

from quanyu.engines.indicators.expression import Expression
from quanyu.engines.indicators.formula import Plan, formula_text
from quanyu.kernel.declare import Indicator, Measure, indicator
from quanyu.kernel.errors import Invalid
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import hours, working_days
from tests.engines.town import PARAMETERS, dust, on_time, over_share


def test_judging_warns_near_an_end() -> None:
    plan = Plan(dust, PARAMETERS)
    assert [plan.judge(value, (None, 60)) for value in (50, 55, 60, 61, None)] == [
        "normal", "warn", "warn", "out", "none",
    ]  # fmt: skip
    share = Plan(on_time, PARAMETERS)
    assert [share.judge(value, (90, None)) for value in (89, 90.5, 95)] == ["out", "warn", "normal"]
    assert [plan.judge(value, (0, 100)) for value in (5, 50, -1)] == ["warn", "normal", "out"]


def declared(**change: Any) -> Indicator:
    measure: dict[str, Any] = {"name": "m", "over": "cases", "fold": "count", "window": hours(1)} | change
    made = indicator(
        measures=[Measure(**measure)], zh="甲", en="A", unit="C62", owner="o", every=hours(1), direction="lower"
    )
    return made(lambda m: m)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"window": working_days(2)}, "indicator.window"),
        ({"where": "colour == 'red'"}, "indicator.measure"),
        ({"where": "kind ="}, "indicator.expression"),
        ({"where": "kind.upper() == 'A'"}, "indicator.expression"),
        ({"where": "[x for x in kind]"}, "indicator.expression"),
        ({"where": "kind is 3"}, "indicator.expression"),
        ({"where": "kind in 'abc'"}, "indicator.expression"),
        ({"over": "history", "type": "Air"}, "indicator.measure"),
        ({"over": "history", "type": "Air", "attribute": "pm25", "fold": "share"}, "indicator.measure"),
        ({"name": "other"}, "indicator.name"),
    ],
)
def test_a_wrong_declaration_is_refused_when_it_is_loaded(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        Plan(declared(**change), Parameters())
    assert refused.value.code == code
    assert "m" in str(refused.value.where or "measure")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + 2 * b - 1", 8),
        ("not (a > b)", True),
        ("a > b or b == 4", True),
        ("a is None", False),
        ("c is None and a < b", True),
        ("c > 1", None),
        ("a / (b - 4)", None),
        ("min(a, b) + max(a, b) + abs(-a)", 10),
        ("1 < a < b", True),
        ("-a", -3),
    ],
)
def test_expressions(text: str, value: object) -> None:
    assert Expression(text, "here")({"a": 3, "b": 4, "c": None}) == (10 if text.startswith("a + 2") else value)


def test_the_formula_is_shown_as_written() -> None:
    assert formula_text(over_share.formula) == "100 * over / heard if high >= 0 else None"
    assert formula_text(cast(Any, len)) == ""
