"""Rules that a city writes: the same plan as a function gives, clear refusals, sentences, trials and comparisons."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.domains.green.air import rules as air
from quanyu.engines.changes.words import differences
from quanyu.engines.rules.comparing import Stay, Version, compared
from quanyu.engines.rules.compile import compile_rule, condition_of
from quanyu.engines.rules.pins import Pins
from quanyu.engines.rules.saying import condition_words, sentence
from quanyu.engines.rules.store import Label
from quanyu.engines.rules.trial import tried
from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Observation, observations
from quanyu.kernel.errors import Invalid
from quanyu.kernel.parameter import Parameter, Parameters
from quanyu.kernel.rule_file import rule_document, rule_from_document

HOUR = 3_600_000_000
START = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00."""
ZONE = "Asia/Shanghai"
PARAMETERS = Parameters(
    [Parameter(name, value, "GQ", date(2020, 1, 1), None, "CN", "test", "unverified", name, name)
     for name, value in (("pm25_day_limit", 60), ("o3_hour_limit", 200), ("no2_hour_limit", 200), ("so2_hour_limit", 500))]
)  # fmt: skip
DECLARED = [each for each in vars(air).values() if isinstance(each, Rule)]
LABEL = Label("PM2.5", "PM2.5", "GQ")


def written(**changes: Any) -> Rule:
    document = rule_document(air.heavy_particles, condition_of(air.heavy_particles))
    return rule_from_document(document | changes)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda rule: rule.name)
def test_a_rule_written_in_the_same_words_is_the_same_rule(declared: Rule) -> None:
    again = rule_from_document(rule_document(declared, condition_of(declared)))
    assert compile_rule(again, PARAMETERS).hash == compile_rule(declared, PARAMETERS).hash
    assert rule_document(again, condition_of(again)) == rule_document(declared, condition_of(declared))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("pm25 > 1 and\n pm25 ** 2 > 4", "rule heavy_particles:2:2"),
        ("pm25 > [1][0]", "rule heavy_particles:1:8"),
        ("pm25 > 2 *", "rule heavy_particles:1:11"),
        ("pm25 > '1'", "rule heavy_particles:1:8"),
        ("(" * 300 + "pm25", "rule heavy_particles:1:"),
        ("abs(pm25, 1) > 2", "rule heavy_particles:1:1"),
        ("pm25\0 > 1", "rule heavy_particles:1:"),
    ],
)
def test_a_refusal_names_line_and_column(text: str, where: str) -> None:
    with pytest.raises(Invalid) as found:
        compile_rule(written(when=text), PARAMETERS)
    assert found.value.code == "rule.condition"
    assert str(found.value.where).startswith(where)


@given(st.text(alphabet="pm25abs()<>=+-*/.andornt _0\n[]'\"", max_size=60))
def test_any_text_compiles_or_is_refused_with_our_error(text: str) -> None:
    code = None
    try:
        compile_rule(written(when=text), PARAMETERS)
    except Invalid as error:
        code = error.code
    assert code in (None, "rule.condition", "rule.document")


def test_a_condition_is_never_called() -> None:
    with pytest.raises(AssertionError, match="compiled"):
        written().condition(pm25=1.0)


def test_a_sentence_says_when_how_long_where_and_then_what() -> None:
    names = {
        "pm25": {"zh": "细颗粒物", "en": "PM2.5"},
        "pm25_day_limit": {"zh": "日均限值(60 µg/m³)", "en": "daily limit (60 µg/m³)"},
    }
    rule = air.heavy_particles
    said = sentence(
        rule, condition_of(rule), names, {"zh": "空气质量站", "en": "air quality station"},
        {"zh": "排查污染源", "en": "Inspect the source"},
    )  # fmt: skip
    assert said["when"] == {"zh": "细颗粒物 > 2 × 日均限值(60 µg/m³)", "en": "PM2.5 > 2 × daily limit (60 µg/m³)"}
    assert said["whole"]["zh"] == (
        "所有空气质量站:当细颗粒物 > 2 × 日均限值(60 µg/m³),持续1小时,间断超过3小时重新计,"
        "越过限值的80%才解除,按橙色等级开启“排查污染源”。"
    )
    assert said["whole"]["en"] == (
        "Everywhere (air quality station): when PM2.5 > 2 × daily limit (60 µg/m³), for 1 hour, begun anew after 3 hours "
        "without data, standing until the value has passed 80% of the limit, open “Inspect the source” at orange."
    )
    words = {"zh": "站", "en": "station"}
    silent = sentence(air.silent_station, "pm25 >= 0", names, words, words)
    assert silent["when"] == {"zh": "已6小时没有数据", "en": "there is no data for 6 hours"}
    stuck = sentence(air.stuck_sensor, "pm25 >= 0", names, words, words)
    assert stuck["when"]["en"] == "the value has not moved for 18 hours"
    odd = sentence(
        written(baseline=5.0, lasting=None, clears=None, group_by="district"), "pm25 >= 0", names, words, words
    )
    assert "5 robust deviations" in odd["when"]["en"]
    assert odd["where"] == {"zh": "所有站(按district合并)", "en": "Everywhere (station), together by district"}


def test_differences_are_said_field_by_field() -> None:
    before = rule_document(air.heavy_particles, "pm25 > 2 * pm25_day_limit")
    after = before | {"when": "pm25 > 100", "lasting": "2 hours", "severity": "red", "off": True, "clears": None}
    found = differences(before, after, lambda text: condition_words(text, {"pm25": {"zh": "细颗粒物", "en": "PM2.5"}}))
    assert [each["words"]["zh"] for each in found] == [
        "条件:由细颗粒物 > 2 × pm25_day_limit改为细颗粒物 > 100",
        "等级:由橙色改为红色",
        "停用:由否改为是",
        "持续时间:由1小时改为2小时",
        "解除系数:由0.8改为无",
    ]
    assert found[3]["words"]["en"] == "Must last: from 1 hour to 2 hours"
    assert differences(None, after, lambda text: {}) == []


def test_a_trial_shows_each_step() -> None:
    plan = compile_rule(air.heavy_particles, PARAMETERS)
    values = [100, 130, 187, 110, 95]
    samples = [(START + hour * HOUR, {"pm25": float(value)}) for hour, value in enumerate(values)]
    steps = list(tried(plan, Pins(PARAMETERS, "CN", ZONE), samples, LABEL, {}))
    assert [step["holds"] for step in steps] == [False, True, True, False, False]
    assert [step["stood_us"] for step in steps] == [None, 0, HOUR, 2 * HOUR, None], "110 is still above 80 % of 120"
    assert [step["limit"] for step in steps] == [120.0] * 5
    assert [[said["word"] for said in step["says"]] for step in steps] == [[], [], ["fires"], [], ["ends"]]
    assert steps[2]["says"][0]["why"]["en"].startswith("PM2.5 above 120 µg/m³")


def test_a_trial_of_silence_asks_once_more() -> None:
    plan = compile_rule(air.silent_station, PARAMETERS)
    steps = list(tried(plan, Pins(PARAMETERS, "CN", ZONE), [(START, {"pm25": 1.0})], LABEL, {}, until=START + 7 * HOUR))
    assert [said["word"] for said in steps[1]["says"]] == ["fires"]
    assert steps[1]["since"] == START


def seen(version: Version, entity: str, *values: float) -> None:
    rows = [Observation(entity, "pm25", START + hour * HOUR, value) for hour, value in enumerate(values)]
    version.read(observations(rows))


def test_two_versions_are_compared_over_the_same_past() -> None:
    pins = Pins(PARAMETERS, "CN", ZONE)
    describe = lambda ids: {id: {"id": id, "type": "AirQualityObserved"} for id in ids}  # noqa: E731
    rules = [written(when=f"pm25 > {limit}", lasting=None, clears=None, max_gap=None) for limit in (150, 100)]
    before, after = (Version(compile_rule(rule, PARAMETERS), pins, describe, START) for rule in rules)
    until = START + 10 * HOUR
    for version in (before, after):
        seen(version, "urn:a", 160, 50, 120, 50, 50)
        seen(version, "urn:b", 50, 50, 50, 50, 200)
        version.finish(until)
    stays = {"urn:a": [Stay(START + 2 * HOUR, None, False), Stay(START, START + HOUR, True)]}
    found = compared("heavy", before, after, until, ZONE, {"urn:a": "110105", "urn:b": None}, stays)
    assert (found["before"]["count"], found["after"]["count"]) == (2, 3)
    assert (found["gained"], found["lost"], found["same"]) == (1, 0, 2)
    assert (found["overlap"], found["met_own_case"]) == (1, 1)
    assert found["after"] == {
        "count": 3, "assets": 2, "lasted_us": 8 * HOUR, "longest_us": 6 * HOUR, "still_holds": 1,
    }  # fmt: skip
    assert found["places"] == [{"name": "", "before": 1, "after": 1}, {"name": "110105", "before": 1, "after": 2}]
    assert found["assets"][0] == {"name": "urn:a", "before": 1, "after": 2}
    assert found["examples"]["gained"] == [
        {"asset": "urn:a", "from": START + 2 * HOUR, "to": START + 3 * HOUR, "value": 120.0, "district": "110105"}
    ]


def test_a_rule_that_is_switched_off_finds_nothing_and_loses_all() -> None:
    pins = Pins(PARAMETERS, "CN", ZONE)
    describe = lambda ids: {id: {"id": id, "type": "AirQualityObserved"} for id in ids}  # noqa: E731
    plan = compile_rule(air.silent_station, PARAMETERS)
    before, after = Version(plan, pins, describe, START), Version(None, pins, describe, START)
    for version in (before, after):
        seen(version, "urn:a", 1, 2)
        version.finish(START + 9 * HOUR)
    found = compared("silent", before, after, START + 9 * HOUR, ZONE, {}, {})
    assert (found["lost"], found["gained"], found["same"]) == (1, 0, 0)
    assert found["examples"]["lost"][0]["from"] == START + HOUR


LEVELS = st.lists(st.integers(0, 200), max_size=30)


@given(LEVELS, st.integers(0, 200), st.integers(0, 200))
def test_gained_lost_and_same_add_up(values: list[int], low: int, high: int) -> None:
    pins = Pins(PARAMETERS, "CN", ZONE)
    describe = lambda ids: {id: {"id": id, "type": "AirQualityObserved"} for id in ids}  # noqa: E731
    rules = [written(when=f"pm25 > {limit}", lasting=None, clears=None, max_gap=None) for limit in (low, high)]
    before, after = (Version(compile_rule(rule, PARAMETERS), pins, describe, START) for rule in rules)
    until = START + 40 * HOUR
    for version in (before, after):
        seen(version, "urn:a", *map(float, values))
        version.finish(until)
    found = compared("heavy", before, after, until, ZONE, {}, {})
    assert found["gained"] + found["same"] == found["after"]["count"] == sum(day["after"] for day in found["days"])
    assert found["lost"] <= found["before"]["count"]
    if low == high:
        assert (found["gained"], found["lost"]) == (0, 0)
    if high >= low:
        assert found["gained"] == 0, "whoever is above the higher limit was above the lower"
