"""Questions about evolutions by example: which entities, which part, which aggregates (NGSI-LD 5.7.3, 5.7.4, 4.5.19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.temporal import Selector, TemporalQuery, parse_period
from quanyu.kernel.time import format_instant
from quanyu.kernel.view import EVERYTHING, Filter
from tests.engines.chronicle import BUS, CAR, SPEED, Chronicle, at, number, one, tell, values


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Chronicle]:
    chronicle = Chronicle(tmp_path / "lake")
    yield chronicle
    chronicle.store.close()


def test_entities_are_found_by_what_their_instances_say(past: Chronicle) -> None:
    tell(past)
    tell(past, BUS, speed=[number(45, "12:03:00"), number(95, "15:00:00")])
    past.standing.documents["urn:ngsi-ld:Vehicle:2"] = {"id": "urn:ngsi-ld:Vehicle:2", "type": "Vehicle"}

    def asked(**more: Any) -> list[str]:
        selector = Selector(**{name: more.pop(name) for name in ("ids", "id_pattern", "types") if name in more})
        asked = TemporalQuery(timed=True, end=at("14:30:00"), selectors=(selector,), **more)
        found = past.view.query(asked, EVERYTHING)
        return sorted(each["id"] for each in found.items)

    for _ in range(2):
        assert asked() == [BUS, CAR]
        assert asked(types=parse_types("Bus", CORE)) == [BUS]
        assert asked(types=parse_types("Bus,Vehicle", CORE)) == [BUS, CAR]
        assert asked(ids=(CAR, "urn:x:none")) == [CAR]
        assert asked(id_pattern="^urn:ngsi-ld:Bus") == [BUS]
        assert asked(attrs=("fuel",)) == [CAR]
        several = (Selector(ids=(CAR,)), Selector(types=parse_types("Bus", CORE)), Selector(id_pattern="Vehicle"))
        both = past.view.query(TemporalQuery(timed=True, selectors=several, count=True), EVERYTHING)
        assert (sorted(each["id"] for each in both.items), both.total) == ([BUS, CAR], 2)
        assert asked(q=parse_q("speed>90", CORE)) == [CAR]
        assert asked(q=parse_q("speed>=45;!fuel", CORE)) == [BUS]
        assert asked(q=parse_q("fuel==40", CORE)) == [CAR]
        past.feed()
        past.flush()


def test_a_place_is_judged_when_it_was_so(past: Chronicle) -> None:
    def place(x: float, time: str) -> dict[str, Any]:
        return {
            "type": "GeoProperty",
            "value": {"type": "Point", "coordinates": [x, 39.9]},
            "observedAt": f"2020-09-01T{time}Z",
        }

    tell(past, location=[place(116.4, "12:00:00"), place(117.4, "13:00:00")])
    near = parse_geo("near;maxDistance==2000", "Point", "[116.4,39.9]", None, CORE)

    def asked(start: str) -> int:
        return len(past.view.query(TemporalQuery(timed=True, start=at(start), geo=near), EVERYTHING).items)

    assert (asked("11:00:00"), asked("12:30:00")) == (1, 0)


def test_a_scope_is_judged_while_it_was_valid(past: Chronicle) -> None:
    scope = [
        {"type": "Property", "value": ["/A/B", "/C"], "observedAt": "2020-09-01T10:00:00Z"},
        {"type": "Property", "value": "/S", "observedAt": "2020-09-01T12:06:00Z"},
    ]
    tell(past, scope=scope, speed=SPEED)

    def asked(text: str, **span: Any) -> list[Any]:
        query = TemporalQuery(timed=True, scope_q=parse_scope_q(text), **span)
        found = past.view.query(query, EVERYTHING).items
        return values(dict(found[0]), "speed") if found else []

    assert asked("/A/B", start=at("12:00:00")) == [120, 80]
    assert asked("(/A/B;/C)", start=at("12:00:00")) == [120, 80]
    assert asked("/S", start=at("12:00:00")) == [100]
    assert asked("/S", end=at("12:06:00")) == []
    assert asked("/Y") == []


def test_pages_count_and_order(past: Chronicle) -> None:
    ids = [f"urn:ngsi-ld:Vehicle:{each}" for each in range(7)]
    for id in ids:
        tell(past, id, speed=SPEED)
    page = past.view.query(TemporalQuery(timed=True, limit=3, offset=3, count=True), EVERYTHING)
    assert ([each["id"] for each in page.items], page.total, page.more) == (ids[3:6], 7, True)
    last = past.view.query(TemporalQuery(timed=True, limit=3, offset=6), EVERYTHING)
    assert ([each["id"] for each in last.items], last.total, last.more) == (ids[6:], None, False)
    down = past.view.query(TemporalQuery(timed=True, limit=2, descending=True), EVERYTHING)
    assert [each["id"] for each in down.items] == [ids[6], ids[5]]


def test_a_part_is_whole_in_its_time_and_leads_on(past: Chronicle) -> None:
    """6.3.10: nothing within the answered time is missing, and asking on from its end comes to the end."""
    early = [number(each, f"12:{each:02}:00") for each in range(30)]
    late = [number(each, f"13:{each:02}:00") for each in range(30)]
    tell(past, speed=early, fuel=late)
    part = past.view.find(CAR, TemporalQuery(page=20), EVERYTHING)
    document = one(part)
    assert part is not None
    assert (part.partial, part.first, part.last) == (True, at("12:00:00"), at("12:19:00"))
    assert (values(document, "speed"), "fuel" in document) == (list(range(20)), False)
    assert part.rest == {CAR: {"fuel": "Property"}}
    newest = past.view.find(CAR, TemporalQuery(page=20, last=100), EVERYTHING)
    assert newest is not None
    assert (newest.first, newest.last, newest.rest) == (at("13:10:00"), at("13:29:00"), {CAR: {"speed": "Property"}})
    start, seen = 0, 0
    for _ in range(10):
        found = past.view.find(CAR, TemporalQuery(page=20, timed=True, start=start), EVERYTHING)
        assert found is not None
        seen += sum(len(one(found).get(name, [])) for name in ("speed", "fuel"))
        if not found.partial:
            break
        assert found.last is not None
        start = found.last
    assert seen == 60 + 3


def test_aggregates_begin_where_the_question_does(past: Chronicle) -> None:
    tell(past)

    def asked(methods: Any, period: str, **more: Any) -> dict[str, Any]:
        query = TemporalQuery(values_only=True, methods=methods, period=parse_period(period), **more)
        return one(past.view.find(CAR, query, EVERYTHING))

    for _ in range(2):
        document = asked(("avg", "max"), "PT1H", attrs=("speed",))
        assert document["speed"] == {
            "type": "Property",
            "avg": [(100.0, at("12:03:00"), at("13:03:00"))],
            "max": [(120.0, at("12:03:00"), at("13:03:00"))],
        }
        default, other = asked(("sum",), "PT1H", attrs=("fuel",), timed=True, start=at("12:00:00"))["fuel"]
        assert default["sum"] == [
            (67.0, at("12:00:00"), at("13:00:00")),
            (53.0, at("13:00:00"), at("14:00:00")),
        ]
        assert (other["datasetId"], other["sum"]) == ("urn:x:fuel", [(40.0, at("14:00:00"), at("15:00:00"))])
        whole = asked(("totalCount", "distinctCount", "stddev", "sumsq"), "PT0S", attrs=("speed",))["speed"]
        assert [whole[name][0][0] for name in ("totalCount", "distinctCount", "sumsq")] == [3, 3, 30800.0]
        assert whole["stddev"][0][0] == pytest.approx(16.3299, abs=1e-4)
        assert whole["sumsq"][0][1:] == (at("12:03:00"), at("12:07:00"))
        past.feed()
        past.flush()


def test_months_are_those_of_the_calendar(past: Chronicle) -> None:
    days = ["2020-01-31", "2020-02-28", "2020-02-29", "2020-03-30", "2020-12-31"]
    tell(past, speed=[{"type": "Property", "value": 1, "observedAt": f"{day}T00:00:00Z"} for day in days])
    for _ in range(2):
        query = TemporalQuery(values_only=True, methods=("totalCount",), period=parse_period("P1M"))
        counts = one(past.view.find(CAR, query, EVERYTHING))["speed"]["totalCount"]
        assert [(count, _day(start), _day(end)) for count, start, end in counts] == [
            (2, "2020-01-31", "2020-02-29"),
            (2, "2020-02-29", "2020-03-31"),
            (1, "2020-12-31", "2021-01-31"),
        ]
        past.feed()
        past.flush()


def _day(instant: int) -> str:
    return format_instant(instant)[:10]


def test_texts_and_truths_are_aggregated_as_the_table_says(past: Chronicle) -> None:
    def text(value: Any, time: str) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": f"2020-09-01T{time}Z"}

    tell(
        past,
        door=[text("b", "12:00:00"), text("a", "12:01:00"), text("b", "12:02:00")],
        open=[text(True, "12:00:00"), text(False, "12:01:00")],
        tags=[text(["x", "y"], "12:00:00"), text([], "12:01:00")],
        mixed=[text(5, "12:00:00"), text("word", "12:01:00")],
    )
    methods = ("totalCount", "distinctCount", "min", "max", "sum", "avg")
    document = one(past.view.find(CAR, TemporalQuery(values_only=True, methods=methods), EVERYTHING))  # type: ignore[arg-type]
    told_of = {name: {method: rows[0][0] for method, rows in document[name].items() if method != "type"}
               for name in ("door", "open", "tags", "mixed")}  # fmt: skip
    assert told_of["door"] == {"totalCount": 3, "distinctCount": 2, "min": "a", "max": "b"}
    assert told_of["open"] == {"totalCount": 2, "distinctCount": 2, "min": 0.0, "max": 1.0, "sum": 1.0, "avg": 0.5}
    assert told_of["tags"] == {"totalCount": 2, "distinctCount": 2, "min": 0.0, "max": 2.0, "sum": 2.0, "avg": 1.0}
    assert told_of["mixed"]["totalCount"] == 2


def test_nobody_sees_what_is_not_for_him(past: Chronicle) -> None:
    tell(past)
    tell(past, BUS, speed=SPEED)
    stranger, masked = Filter(types=frozenset({"Bus"})), Filter(masked=frozenset({"speed"}))
    assert past.view.find(CAR, TemporalQuery(), stranger) is None
    assert past.view.stands(BUS, stranger)
    assert not past.view.stands(CAR, stranger)
    found = past.view.query(TemporalQuery(timed=True, count=True), stranger)
    assert ([each["id"] for each in found.items], found.total) == ([BUS], 1)
    assert "speed" not in one(past.view.find(CAR, TemporalQuery(), masked))
    hidden = past.view.query(TemporalQuery(timed=True, q=parse_q("speed>0", CORE)), masked)
    assert hidden.items == []
    assert past.view.instance(CAR, "speed", (2, 0), masked) is None


HOURS = {"values_only": True, "methods": ("avg",), "period": parse_period("PT1M")}


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        ("aggregating.AGGREGATES_MAX", HOURS),
        ("aggregating.INSTANCES_MAX", {**HOURS, "attrs": ("fuel",)}),
        ("gathering.DESCRIBED_MAX", {"time_property": "createdAt"}),
        ("judging.INSTANCES_MAX", {"q": parse_q("speed.unitCode==1|speed>0", CORE)}),
        ("temporal.EXAMINED_MAX", {"count": True}),
    ],
)
def test_an_answer_that_is_too_large_is_refused(
    past: Chronicle, monkeypatch: pytest.MonkeyPatch, limit: str, more: dict[str, Any]
) -> None:
    tell(past)
    tell(past, BUS, speed=SPEED)
    for name in ("a", "b", "c"):
        tell(past, CAR, name=[{"type": "Property", "value": name}])
    query = TemporalQuery(timed=True, **more)
    assert past.view.query(query, EVERYTHING).items
    monkeypatch.setattr(f"quanyu.engines.history.{limit}", 1)
    monkeypatch.setattr("quanyu.engines.history.temporal.CHUNK", 1)
    for _ in range(2):
        with pytest.raises(Invalid) as refused:
            past.view.query(query, EVERYTHING)
        assert refused.value.code == "query.too_many"
        past.feed()
        past.flush()


def test_too_many_instances_of_one_time_are_refused(past: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [number(each, "12:00:00", datasetId=f"urn:x:{each}") for each in range(5)]
    tell(past, speed=[*SPEED, *told])
    monkeypatch.setattr("quanyu.engines.history.temporal.INSTANCES_MAX", 3)
    with pytest.raises(Invalid) as refused:
        past.view.find(CAR, TemporalQuery(page=2), EVERYTHING)
    assert refused.value.code == "query.too_many"


def test_periods_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quanyu.kernel.temporal.EDGES_MAX", 10)
    with pytest.raises(Invalid) as refused:
        parse_period("P1M").edges(0, 2**50)
    assert refused.value.code == "query.too_many"
    with pytest.raises(Invalid) as beyond:
        parse_period("P9999Y").edges(0, 2**60)
    assert beyond.value.code == "temporal.duration"


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1H", "PT1D", "P-1D", "bogus", "P1.5D", "P99999999Y"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(text)
    assert refused.value.code == "temporal.duration"
