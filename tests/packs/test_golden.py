"""Every golden case of every pack, by one test: what an official wrote is what the hub computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pytest

from quanyu.assembly.opening import load_declared
from quanyu.assembly.packs import load_calendar
from quanyu.engines.indicators.formula import Plan
from quanyu.kernel.declare import Rule
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import Parameter
from quanyu.kernel.form import Blank, Held, compile_form
from quanyu.kernel.grading import grade, read_thresholds
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.time import WallLimit, day_of, due, parse_instant

ZONE = "Asia/Shanghai"
PLACE = "110000"
HOUR_US = 3_600_000_000


@cache
def packs() -> tuple[Pack, ...]:
    """The packs with what the city puts into their tables."""
    return tuple(load_declared("beijing", False).packs)


CASES = [(pack.id, case) for pack in packs() for case in pack.golden["case"]]


@cache
def parameters() -> Parameters:
    return load_declared("beijing", False).parameters


def named(kind: str, name: str) -> Any:
    return next(each for pack in packs() for each in getattr(pack, kind) if each.name == name)


def check_parameter(case: Mapping[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(QuanyuError) as refused:
            parameters().get(case["parameter"], case["on"], PLACE)
        assert refused.value.code == case["error"]
        return
    pinned = parameters().get(case["parameter"], case["on"], PLACE)
    assert pinned.value == case["value"]
    assert pinned.status == case.get("status", pinned.status)


def fires(rule: Rule, values: list[float], on: date, others: Mapping[str, float]) -> bool:
    """Judge hourly values one by one, as the rule is meant; `others` are attributes that stand still."""
    names = rule.condition.__code__.co_varnames[: rule.condition.__code__.co_argcount]
    given = {rule.attribute, *others}
    limits: dict[str, float] = {
        name: parameters().get(name, on, PLACE).number() for name in names if name not in given
    } | dict(others)
    if rule.unchanged is not None:
        assert isinstance(rule.unchanged, WallLimit)
        hours = rule.unchanged.length_us // HOUR_US
        return any(len(set(values[n : n + hours + 1])) == 1 for n in range(len(values) - hours))
    lasting = rule.lasting.length_us if isinstance(rule.lasting, WallLimit) else 0
    since: int | None = None
    for hour, value in enumerate(values):
        held = rule.condition(**{rule.attribute: value}, **limits)
        if since is not None and rule.clears:
            held = rule.condition(**{rule.attribute: value / rule.clears}, **limits)
        since = (hour if since is None else since) if held else None
        if since is not None and (hour - since) * HOUR_US >= lasting:
            return True
    return False


def check_rule(case: Mapping[str, Any]) -> None:
    assert fires(named("rules", case["rule"]), case["values"], case["on"], case.get("attributes", {})) == case["fires"]


def check_indicator(case: Mapping[str, Any]) -> None:
    plan = Plan(named("indicators", case["indicator"]), parameters())
    pinned = plan.pinned(parameters(), case["on"], PLACE)
    measures = dict.fromkeys(plan.measures) | case["measures"]
    value = plan.value(measures, pinned)
    assert value == (None if "value" not in case else pytest.approx(case["value"], abs=1e-3))
    assert plan.judge(value, plan.band(pinned)) == case["state"]


def check_due(case: Mapping[str, Any]) -> None:
    start = parse_instant(case["start"])
    limit: Any = Parameter(case["limit"]) if "limit" in case else named("flows", case["flow"]).overall
    if isinstance(limit, Parameter):
        limit = parameters().get(limit.id, day_of(start, ZONE), PLACE).limit()
    assert due(start, limit, load_calendar(False)) == parse_instant(case["due"])


def check_grade(case: Mapping[str, Any]) -> None:
    rows = [row for pack in packs() for row in pack.tables.get("incident_levels", ())]
    found = grade(read_thresholds(rows, "incident_levels"), case["of"], case["figures"], case["on"])
    assert found is not None
    assert found.level == case.get("level")
    assert list(found.by) == case.get("by", list(found.by))
    assert list(found.unknown) == case.get("unknown", [])


def check_form(case: Mapping[str, Any]) -> None:
    """What somebody of whom this is held, who answers so, is asked; which conditions fail, and what comparing finds."""
    blank = load_declared("beijing", False).forms.get(case["form"])
    given: dict[str, Any] = dict(case.get("held", {}))
    assert given.keys() <= {*blank.fetched}
    held = {id: Held(id, blank_register(blank, id), value, "2026-01-31", "golden") for id, value in given.items()}
    made = compile_form(blank, case.get("answers", {}), held, today=case["on"], disputed=case.get("disputed", []))
    assert [page.name for page in made.pages] == case["asks"]
    assert [each.words.zh for each in made.failed] == case.get("fails", [])
    assert {each.name: each.holds for each in made.compared if each.holds is not None} == case.get("compares", {})
    assert made.complete is case.get("complete", False)


def blank_register(blank: Blank, element: str) -> str:
    return next(item.registers[0] for item in blank.items if item.element == element)


CHECKS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "parameter": check_parameter,
    "rule": check_rule,
    "indicator": check_indicator,
    "due": check_due,
    "grade": check_grade,
    "form": check_form,
}


@pytest.mark.parametrize(("pack", "case"), CASES, ids=[f"{pack}: {case['says'][:60]}" for pack, case in CASES])
def test_golden(pack: str, case: Mapping[str, Any]) -> None:
    check = CHECKS[case["kind"]]
    check(case)


def test_every_rule_flow_and_indicator_but_the_plain_has_a_case() -> None:
    said = {(case["kind"], case.get("rule") or case.get("indicator")) for _, case in CASES}
    packs_with_cases = {pack for pack, _ in CASES}
    assert packs_with_cases == {pack.id for pack in packs()}
    assert {("rule", "heavy_particles"), ("rule", "stuck_sensor"), ("indicator", "on_time_closing")} <= said
