"""The one pass over plain entities says what reading at length says, and leaves everything else to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi import reading
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.reading import read_entity
from quanyu.kernel.ngsi.reading_alike import ALIKE_MIN, plain_entities
from quanyu.kernel.ngsi.reading_plain import plain_entity

STATION: dict[str, Any] = {
    "id": "urn:ngsi-ld:Station:1",
    "type": "Station",
    "name": {"type": "Property", "value": "东四"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.4, 39.9]}},
    "pm25": {"type": "Property", "value": 12.5, "unitCode": "GQ", "observedAt": "2026-03-02T08:00:00Z"},
    "ownedBy": {"type": "Relationship", "object": "urn:ngsi-ld:Unit:ecology"},
}
NULL = "urn:ngsi-ld:null"
NAMES = [
    "id",
    "type",
    "@id",
    "scope",
    "name",
    "location",
    "createdAt",
    "温度",
    "a b",
    "ex:a",
    "@context",
    "value",
    "1x",
]
VALUES = st.sampled_from([
    1, 1.5, float("inf"), 2**80, True, None, "x", NULL, "urn:a:b", [1], {}, "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.50Z",
    {"type": "Point", "coordinates": [116, 39]}, {"type": "Point", "coordinates": [200, 39]}, {"type": "Point"},
])  # fmt: skip
MEMBERS = ["type", "value", "object", "unitCode", "observedAt", "datasetId", "accuracy", "createdAt", "languageMap"]
ATTRIBUTES = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {"type": st.sampled_from(["Property", "GeoProperty", "Relationship", "VocabProperty", "X", 1])},
        optional=dict.fromkeys(MEMBERS[1:], VALUES),
    ),
)
ENTITIES = st.dictionaries(st.sampled_from(NAMES), ATTRIBUTES, max_size=5).map(
    lambda more: {"id": "urn:ngsi-ld:Station:1", "type": "Station", **more}
)


def at_length(document: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "plain_entity", lambda document: None)
        return read_entity(document, CORE)


def test_a_plain_entity_is_stored_as_it_was_sent() -> None:
    found = plain_entity(STATION)
    assert found == STATION
    assert found == at_length(STATION)


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "/beijing"},
        {"type": ["Station", "Thing"]},
        {"type": "type"},
        {"id": "no uri"},
        {"location": {"type": "Property", "value": 1}},
        {"pm25": 12.5},
        {"pm25": {"value": 12.5}},
        {"pm25": {"type": "Property", "value": 1, "datasetId": "urn:d:1"}},
        {"pm25": {"type": "Property", "value": 1, "observedAt": "2026-03-02T08:00:00.50Z"}},
        {"pm25": {"type": "Property", "value": NULL}},
        {"createdAt": {"type": "Property", "value": 1}},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_reader(change: dict[str, Any]) -> None:
    assert plain_entity({**STATION, **change}) is None


@settings(max_examples=500, deadline=None)
@given(ENTITIES)
def test_one_pass_never_disagrees_with_reading_at_length(document: dict[str, Any]) -> None:
    found = plain_entity(document)
    if found is None:
        return
    try:
        assert found == at_length(document)
    except Invalid as fault:
        pytest.fail(f"reading at length refuses {document}: {fault}")


@settings(max_examples=300, deadline=None)
@given(ENTITIES, st.lists(ENTITIES, max_size=2), st.dictionaries(st.sampled_from(["name", "pm25"]), ATTRIBUTES))
def test_many_at_once_are_judged_as_each_is(same: Any, others: list[Any], change: dict[str, Any]) -> None:
    batch = [{**same, "id": f"urn:ngsi-ld:Station:{number}"} for number in range(ALIKE_MIN + 2)]
    batch[3] |= change
    for documents in ([*batch, *others, None, "x"], [{**STATION, **each} for each in (*batch, *others)]):
        expected = [plain_entity(each) if isinstance(each, dict) else None for each in documents]
        assert plain_entities(documents) == expected


@pytest.mark.parametrize(
    "strange", [{"type": []}, {"type": "Property", "value": {}}, None, 1, {"type": "Relationship"}]
)
def test_one_that_is_not_plain_among_many_is_told_apart(strange: Any) -> None:
    batch: list[Any] = [{**STATION, "pm10": STATION["pm25"]} for _ in range(ALIKE_MIN)]
    batch[-1] = {**batch[-1], "pm10": strange}
    *plain, last = plain_entities(batch)
    assert plain == batch[:-1]
    assert last is None
