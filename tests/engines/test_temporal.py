"""Evolutions by example: what was told, amended and forgotten, as NGSI-LD 5.6.11 to 5.7.4 ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.kernel.entity import Observation
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.temporal import Evolutions, Selector, TemporalQuery, instance_of, parse_period
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, Filter
from tests.engines.chronicle import Chronicle

CAR, BUS = "urn:ngsi-ld:Vehicle:1", "urn:ngsi-ld:Bus:1"
ALL = TemporalQuery()


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Chronicle]:
    chronicle = Chronicle(tmp_path / "lake")
    yield chronicle
    chronicle.store.close()


def number(value: float, time: str, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2020-09-01T{time}Z", **more}


def at(time: str) -> int:
    return parse_instant(f"2020-09-01T{time}Z")


SPEED = [number(120, "12:03:00"), number(80, "12:05:00"), number(100, "12:07:00")]
FUEL = [number(67, "12:03:00"), number(53, "13:05:00"), number(40, "14:07:00", datasetId="urn:x:fuel")]


def told(past: Chronicle, id: str = CAR, **attributes: Any) -> None:
    past.tell(
        "history.add", id, {"type": [id.split(":")[2]], "attributes": attributes or {"speed": SPEED, "fuel": FUEL}}
    )


def one(found: Evolutions | None) -> dict[str, Any]:
    assert found is not None
    (document,) = found.items
    return dict(document)


def values(document: dict[str, Any], name: str) -> list[Any]:
    return [each.get("value", each.get("object")) for each in document.get(name, [])]


@pytest.mark.parametrize("state", ["unread", "read", "flushed", "again"])
def test_what_is_told_is_found(past: Chronicle, state: str) -> None:
    told(past)
    if state != "unread":
        past.feed()
    if state in ("flushed", "again"):
        past.flush()
    if state == "again":
        past.again()
    document = one(past.view.find(CAR, ALL, EVERYTHING))
    assert (document["id"], document["type"]) == (CAR, "Vehicle")
    assert values(document, "speed") == [120, 80, 100]
    assert values(document, "fuel") == [67, 53, 40]
    assert document["fuel"][2]["datasetId"] == "urn:x:fuel"
    assert document["speed"][0]["observedAt"] == at("12:03:00")
    assert len({each["instanceId"] for name in ("speed", "fuel") for each in document[name]}) == 6


def test_plain_numbers_may_be_pruned_and_all_else_is_kept(past: Chronicle) -> None:
    told(past)
    added, measured = past.records
    assert (added.kind, measured.kind) == ("history.added", "history.measured")
    assert {kind.name: kind.life for kind in past.engine.kinds}["history.measured"] == "telemetry"
    assert added.body is not None
    assert added.body["numbers"] == 5
    assert [list(added.body["attributes"]), len(added.body["attributes"]["fuel"])] == [["fuel"], 1]


def test_telling_the_same_key_again_corrects_it(past: Chronicle) -> None:
    told(past)
    past.feed()
    past.flush()
    told(past, speed=[number(121, "12:03:00"), number(100, "12:07:00"), number(60, "12:09:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [121, 80, 100, 60]


def test_a_second_telling_adds_types_and_makes_no_entity(past: Chronicle) -> None:
    told(past)
    (added, _) = past.tell("history.add", CAR, {"type": ["Truck", "Vehicle"], "attributes": {"speed": SPEED}})
    assert added.body is not None
    assert (added.body["created"], added.body["type"]) == (False, ["Vehicle", "Truck"])
    assert one(past.view.find(CAR, ALL, EVERYTHING))["type"] == ["Vehicle", "Truck"]


def test_texts_shapes_and_relations_are_told_whole(past: Chronicle) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}}
    sub = {"type": "Property", "value": 5, "accuracy": {"type": "Property", "value": 0.1}}
    told(
        past,
        location=[{**place, "observedAt": "2020-09-01T12:03:00Z"}],
        parked=[{"type": "Relationship", "object": "urn:x:p", "observedAt": "2020-09-01T12:03:00Z"}],
        depth=[{**sub, "observedAt": "2020-09-01T12:03:00Z"}],
    )
    past.observe([Observation(CAR, "door", at("12:04:00"), "open")])
    document = one(past.view.find(CAR, ALL, EVERYTHING))
    assert document["location"][0]["value"] == place["value"]
    assert document["parked"][0]["object"] == "urn:x:p"
    assert document["depth"][0]["accuracy"] == sub["accuracy"]
    assert values(document, "door") == ["open"]


def test_before_is_exclusive_after_and_between_begin_inclusive(past: Chronicle) -> None:
    told(past)

    def asked(**span: Any) -> list[Any]:
        return values(one(past.view.find(CAR, TemporalQuery(timed=True, **span), EVERYTHING)), "speed")

    assert asked(start=at("12:05:00")) == [80, 100]
    assert asked(end=at("12:05:00")) == [120]
    assert asked(start=at("12:03:00"), end=at("12:07:00")) == [120, 80]


def test_the_last_n_are_counted_per_attribute(past: Chronicle) -> None:
    told(past)
    document = one(past.view.find(CAR, TemporalQuery(last=2), EVERYTHING))
    assert values(document, "speed") == [80, 100]
    assert values(document, "fuel") == [53, 40]


def test_datasets_are_chosen(past: Chronicle) -> None:
    told(past)
    assert values(one(past.view.find(CAR, TemporalQuery(datasets=("",)), EVERYTHING)), "fuel") == [67, 53]
    document = one(past.view.find(CAR, TemporalQuery(datasets=("urn:x:fuel",)), EVERYTHING))
    assert (values(document, "fuel"), "speed" in document) == ([40], False)


def test_one_instance_is_amended_and_keeps_its_identity(past: Chronicle) -> None:
    told(past)
    past.feed()
    past.flush()
    before = one(past.view.find(CAR, ALL, EVERYTHING))["speed"][0]["instanceId"]
    pair = instance_of(before)
    assert pair is not None
    known = past.view.instance(CAR, "speed", pair, EVERYTHING)
    assert known is not None
    amended = {"type": "Property", "value": 129, "observedAt": "2020-09-01T12:03:00Z"}
    past.tell(
        "history.amend",
        CAR,
        {"id": list(pair), "attribute": "speed", "instance": amended, "created": known["createdAt"]},
    )
    document = one(past.view.find(CAR, TemporalQuery(sys=True), EVERYTHING))
    assert values(document, "speed") == [129, 80, 100]
    assert document["speed"][0]["instanceId"] == before
    assert document["speed"][0]["createdAt"] < document["speed"][0]["modifiedAt"]
    past.tell("history.strike", CAR, {"instances": [list(pair)], "reason": "deleted"})
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [80, 100]
    with pytest.raises(Missing) as gone:
        past.tell("history.amend", CAR, {"id": list(pair), "attribute": "speed", "instance": amended, "created": 0})
    assert gone.value.code == "history.instance"


def test_an_amended_instance_may_move_in_time(past: Chronicle) -> None:
    told(past)
    moved = {"type": "Property", "value": 1, "observedAt": "2020-09-01T13:00:00Z"}
    past.tell("history.amend", CAR, {"id": [2, 0], "attribute": "speed", "instance": moved, "created": past.now})
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [80, 100, 1]
        past.feed()
        past.flush()


@pytest.mark.parametrize(
    ("dataset", "left"), [("", [40]), ("urn:x:fuel", [67, 53]), ("*", [])], ids=["default", "one", "all"]
)
def test_datasets_of_an_attribute_are_forgotten(past: Chronicle, dataset: str, left: list[int]) -> None:
    told(past)
    past.feed()
    past.flush()
    past.tell("history.forget", CAR, {"attribute": "fuel", "dataset": dataset})
    assert past.view.has(CAR, "fuel", None, EVERYTHING) == bool(left)
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "fuel") == left
        past.feed()
        past.again()
    told(past, fuel=[number(1, "11:00:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "fuel") == [1, *left]


def test_a_whole_entity_is_forgotten(past: Chronicle) -> None:
    told(past)
    past.feed()
    past.flush()
    past.tell("history.forget", CAR, {})
    assert past.view.find(CAR, ALL, EVERYTHING) is None
    with pytest.raises(Missing) as unknown:
        past.tell("history.forget", CAR, {})
    assert unknown.value.code == "history.missing"
    told(past, speed=[number(7, "12:00:00")])
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [7]


def test_what_entities_say_of_themselves_is_told(past: Chronicle) -> None:
    car = {"id": CAR, "type": "Vehicle", "scope": "/a", "name": {"type": "Property", "value": "A"}, "speed": SPEED[0]}
    past.standing.documents[CAR] = {"id": CAR, "type": "Vehicle"}
    first = past.write("entity.created", CAR, {"n": 1, "document": car})
    past.write(
        "entity.merged",
        CAR,
        {
            "n": 1,
            "type": "Vehicle",
            "patch": {"name": {"type": "Property", "value": "B"}, "speed": SPEED[1]},
            "head": {"scope": "/b"},
        },
    )
    gone = past.write("entity.merged", CAR, {"n": 1, "type": "Vehicle", "patch": {"name": None}})
    for _ in range(2):
        document = one(past.view.find(CAR, ALL, EVERYTHING))
        assert values(document, "name") == ["A", "B"]
        assert values(document, "speed") == [120, 80]
        assert values(document, "scope") == ["/a", "/b"]
        assert document["scope"][0]["observedAt"] == first.at
        timed = TemporalQuery(timed=True, time_property="createdAt", end=first.at + 1)
        assert values(one(past.view.find(CAR, timed, EVERYTHING)), "name") == ["A"]
        deleted = one(past.view.find(CAR, TemporalQuery(time_property="deletedAt"), EVERYTHING))
        assert deleted["name"][0]["value"] == "urn:ngsi-ld:null"
        assert deleted["name"][0]["deletedAt"] == gone.at
        assert "speed" not in deleted
        past.feed()
    observed = TemporalQuery(timed=True, start=0)
    assert values(one(past.view.find(CAR, observed, EVERYTHING)), "name") == []


def test_only_the_touched_datasets_of_a_change_are_told(past: Chronicle) -> None:
    past.standing.documents[CAR] = {"id": CAR, "type": "Vehicle"}
    default = {"type": "Property", "value": 1}
    other = {"type": "Property", "value": 2, "datasetId": "urn:x:d"}
    past.write("entity.created", CAR, {"n": 1, "document": {"id": CAR, "type": "Vehicle", "level": [default, other]}})
    patch = {"level": [default, {**other, "value": 3}]}
    past.write("entity.merged", CAR, {"n": 1, "type": "Vehicle", "patch": patch, "datasets": {"level": ["urn:x:d"]}})
    past.write(
        "entity.merged",
        CAR,
        {"n": 1, "type": "Vehicle", "patch": {"level": default}, "datasets": {"level": ["urn:x:d"]}},
    )
    assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "level") == [1, 2, 3]
    deleted = one(past.view.find(CAR, TemporalQuery(time_property="deletedAt"), EVERYTHING))
    assert [each["datasetId"] for each in deleted["level"]] == ["urn:x:d"]


def test_a_deleted_entity_keeps_its_past(past: Chronicle) -> None:
    past.write("entity.created", CAR, {"n": 1, "document": {"id": CAR, "type": "Vehicle", "speed": SPEED[0]}})
    past.write("entity.deleted", CAR, {"n": 1, "type": "Vehicle"})
    for _ in range(2):
        assert values(one(past.view.find(CAR, ALL, EVERYTHING)), "speed") == [120]
        found = past.view.query(
            TemporalQuery(selectors=(Selector(types=parse_types("Vehicle", CORE)),), timed=True), EVERYTHING
        )
        assert [each["id"] for each in found.items] == [CAR]
        past.feed()


def test_entities_are_found_by_what_their_instances_say(past: Chronicle) -> None:
    told(past)
    told(past, BUS, speed=[number(45, "12:03:00"), number(95, "15:00:00")])
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

    told(past, location=[place(116.4, "12:00:00"), place(117.4, "13:00:00")])
    near = parse_geo("near;maxDistance==2000", "Point", "[116.4,39.9]", None, CORE)

    def asked(start: str) -> int:
        return len(past.view.query(TemporalQuery(timed=True, start=at(start), geo=near), EVERYTHING).items)

    assert (asked("11:00:00"), asked("12:30:00")) == (1, 0)


def test_a_scope_is_judged_while_it_was_valid(past: Chronicle) -> None:
    scope = [
        {"type": "Property", "value": ["/A/B", "/C"], "observedAt": "2020-09-01T10:00:00Z"},
        {"type": "Property", "value": "/S", "observedAt": "2020-09-01T12:06:00Z"},
    ]
    told(past, scope=scope, speed=SPEED)

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
        told(past, id, speed=SPEED)
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
    told(past, speed=early, fuel=late)
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
    told(past)

    def asked(methods: Any, period: str, **more: Any) -> dict[str, Any]:
        query = TemporalQuery(values_only=True, methods=methods, period=parse_period(period), **more)
        return one(past.view.find(CAR, query, EVERYTHING))

    for _ in range(2):
        document = asked(("avg", "max"), "PT1H", attrs=("speed",))
        assert document["speed"] == {
            "type": "Property",
            "avg": [[100.0, at("12:03:00"), at("13:03:00")]],
            "max": [[120.0, at("12:03:00"), at("13:03:00")]],
        }
        default, other = asked(("sum",), "PT1H", attrs=("fuel",), timed=True, start=at("12:00:00"))["fuel"]
        assert default["sum"] == [
            [67.0, at("12:00:00"), at("13:00:00")],
            [53.0, at("13:00:00"), at("14:00:00")],
        ]
        assert (other["datasetId"], other["sum"]) == ("urn:x:fuel", [[40.0, at("14:00:00"), at("15:00:00")]])
        whole = asked(("totalCount", "distinctCount", "stddev", "sumsq"), "PT0S", attrs=("speed",))["speed"]
        assert [whole[name][0][0] for name in ("totalCount", "distinctCount", "sumsq")] == [3, 3, 30800.0]
        assert whole["stddev"][0][0] == pytest.approx(16.3299, abs=1e-4)
        assert whole["sumsq"][0][1:] == [at("12:03:00"), at("12:07:00")]
        past.feed()
        past.flush()


def test_months_are_those_of_the_calendar(past: Chronicle) -> None:
    days = ["2020-01-31", "2020-02-28", "2020-02-29", "2020-03-30", "2020-12-31"]
    told(past, speed=[{"type": "Property", "value": 1, "observedAt": f"{day}T00:00:00Z"} for day in days])
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
    from quanyu.kernel.time import format_instant

    return format_instant(instant)[:10]


def test_texts_and_truths_are_aggregated_as_the_table_says(past: Chronicle) -> None:
    def text(value: Any, time: str) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": f"2020-09-01T{time}Z"}

    told(
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
    told(past)
    told(past, BUS, speed=SPEED)
    stranger, masked = Filter(types=frozenset({"Bus"})), Filter(masked=frozenset({"speed"}))
    assert past.view.find(CAR, ALL, stranger) is None
    assert past.view.stands(BUS, stranger)
    assert not past.view.stands(CAR, stranger)
    found = past.view.query(TemporalQuery(timed=True, count=True), stranger)
    assert ([each["id"] for each in found.items], found.total) == ([BUS], 1)
    assert "speed" not in one(past.view.find(CAR, ALL, masked))
    hidden = past.view.query(TemporalQuery(timed=True, q=parse_q("speed>0", CORE)), masked)
    assert hidden.items == []
    assert past.view.instance(CAR, "speed", (2, 0), masked) is None


def test_an_answer_that_is_too_large_is_refused(past: Chronicle, monkeypatch: pytest.MonkeyPatch) -> None:
    told(past)
    monkeypatch.setattr("quanyu.engines.history.aggregating.AGGREGATES_MAX", 2)
    query = TemporalQuery(values_only=True, methods=("avg",), period=parse_period("PT1M"))
    for _ in range(2):
        with pytest.raises(Invalid) as refused:
            past.view.find(CAR, query, EVERYTHING)
        assert refused.value.code == "query.too_many"
        past.feed()
        past.flush()


@pytest.mark.parametrize(
    ("kind", "body", "error", "code"),
    [
        ("history.add", {"attributes": {}}, Invalid, "history.type"),
        ("history.add", {"attributes": "all"}, Invalid, "history.add"),
        ("history.add", {"attributes": {}, "create": False}, Missing, "history.missing"),
        ("history.amend", {"id": [9, 0], "attribute": "a", "instance": {}, "created": 0}, Missing, "history.instance"),
        ("history.amend", {}, Invalid, "history.amend"),
        ("history.forget", {"attribute": 1}, Invalid, "history.forget"),
    ],
)
def test_what_cannot_be_told_is_refused(
    past: Chronicle, kind: str, body: dict[str, Any], error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as refused:
        past.tell(kind, CAR, body)
    assert getattr(refused.value, "code", None) == code
    assert past.records == []


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1H", "PT1D", "P-1D", "bogus", "P1.5D", "P99999999Y"])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_period(text)
    assert refused.value.code == "temporal.duration"
