"""Formulas: which measures and parameters they name, the value they give, and the band that judges it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

from quanyu.engines.indicators.engine import Standing
from quanyu.engines.indicators.expression import Expression
from quanyu.engines.indicators.measure import CASE_COLUMNS, DATA, window_us
from quanyu.kernel.declare import Indicator, Measure
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.parameter import Parameters, Pinned

WARN_SHARE: Final = 0.1
"""A value within this share of the band (or of its only end) from an end warns."""

PERCENT: Final = "P1"


class Plan:
    """An indicator checked once: names that its formula takes, and parameters that it, its measures and band need."""

    def __init__(self, indicator: Indicator, known: Parameters) -> None:
        self.indicator = indicator
        place = f"indicator {indicator.name}"
        self.measures = {measure.name: measure for measure in indicator.measures}
        self.takes = tuple(inspect.signature(indicator.formula).parameters)
        needed = [name for name in self.takes if name not in self.measures]
        needed += [end for end in indicator.band if isinstance(end, str)]
        for measure in indicator.measures:
            needed += _check_measure(measure, place, known)
        unknown = [name for name in needed if name not in known]
        if unknown:
            raise Invalid(
                f"Indicator {indicator.name} names {unknown[0]!r}, which is neither a measure nor a parameter.",
                code="indicator.name",
                where=place,
                remedy="Declare the measure, or the parameter in params.toml.",
            )
        self.parameters = tuple(dict.fromkeys(needed))
        self.every_us = window_us(indicator.every)
        self.lasting_us = window_us(indicator.lasting) if indicator.lasting else 0

    def pinned(self, known: Parameters, on: date, jurisdiction: str) -> dict[str, Pinned]:
        """Return the parameters in force on a day; one that has no value then is left out."""
        found = {}
        for name in self.parameters:
            try:
                found[name] = known.get(name, on, jurisdiction)
            except Missing:
                continue
        return found

    def value(self, measures: Mapping[str, float | None], pinned: Mapping[str, Pinned]) -> float | None:
        """Return the formula's number; None when a measure or a parameter that it takes is not known."""
        taken: list[Any] = []
        for name in self.takes:
            part = measures[name] if name in measures else (pinned[name].number() if name in pinned else None)
            if part is None:
                return None
            taken.append(part)
        try:
            result = self.indicator.formula(*taken)
        except ZeroDivisionError:
            return None
        return None if result is None else float(result)

    def band(self, pinned: Mapping[str, Pinned]) -> tuple[float | None, float | None]:
        """Return both ends as numbers."""
        low, high = (_end(end, pinned) for end in self.indicator.band)
        return low, high

    def judge(self, value: float | None, band: tuple[float | None, float | None]) -> Standing:
        """Judge a value: out of the band, near one of its ends, or normal."""
        if value is None:
            return "none"
        low, high = band
        if (low is not None and value < low) or (high is not None and value > high):
            return "out"
        margin = self._margin(low, high)
        near_low = low is not None and value < low + margin
        near_high = high is not None and value > high - margin
        return "warn" if near_low or near_high else "normal"

    def _margin(self, low: float | None, high: float | None) -> float:
        if self.indicator.unit == PERCENT:
            # A share ends at 0 and 100 by itself, so a one-sided band has a width.
            return WARN_SHARE * ((100.0 if high is None else high) - (0.0 if low is None else low))
        if low is not None and high is not None:
            return WARN_SHARE * (high - low)
        return WARN_SHARE * abs(low if low is not None else high or 0.0)


def _end(end: float | str | None, pinned: Mapping[str, Pinned]) -> float | None:
    if isinstance(end, str):
        return float(pinned[end].number()) if end in pinned else None
    return end


def _check_measure(measure: Measure, place: str, known: Parameters) -> Iterable[str]:
    """Refuse a measure that could never be taken; return the parameters that it names."""
    where = f"{place}, measure {measure.name}"
    window_us(measure.window)
    if measure.over != "cases" and not (measure.type and measure.attribute):
        raise Invalid(f"Measure {measure.name} names no type and attribute.", code="indicator.measure", where=where)
    if measure.over == "history" and (measure.fold == "share" or measure.where or measure.value):
        raise Invalid(
            f"Measure {measure.name} folds history, which knows neither shares nor expressions.",
            code="indicator.measure",
            where=where,
            remedy='Use over="context" for conditions on last values.',
        )
    named: set[str] = set()
    for text in (measure.where, measure.value):
        if text:
            named |= Expression(text, where).names
    if measure.over != "cases":
        return sorted(name for name in named if name in known)
    named = {name for name in named if not name.startswith(DATA)}
    unknown = sorted(name for name in named - CASE_COLUMNS if name not in known)
    if unknown:
        raise Invalid(
            f"Measure {measure.name} reads {unknown[0]!r}, which is no column of a case.",
            code="indicator.measure",
            where=where,
            remedy=f"Columns are {', '.join(sorted(CASE_COLUMNS))}.",
        )
    return sorted(named - CASE_COLUMNS)


@lru_cache(maxsize=512)
def formula_text(formula: Callable[..., Any]) -> str:
    """Return the formula as it is written, without its docstring; empty when there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(formula)))
    except (OSError, TypeError, SyntaxError):
        return ""
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    body = [each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
        return ast.unparse(body[0].value)
    return "\n".join(ast.unparse(each) for each in body)
