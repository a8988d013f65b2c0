"""The operations of NGSI-LD 5.6 on one entity: what stands afterwards, and what the records say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from quanyu.kernel.errors import Conflict, Invalid, Missing
from quanyu.kernel.ngsi.members import NULL
from tests.engines.desk import NOON, SECOND, Desk, sitting

CAR = "urn:ngsi-ld:Vehicle:A1"
GPS = "urn:ngsi-ld:Dataset:gps"
T0, T1, T2 = "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with sitting() as desk:
        desk.send(
            "entity.create",
            CAR,
            {
                "type": "Vehicle",
                "brand": {"type": "Property", "value": "Mercedes"},
                "speed": [
                    {"type": "Property", "value": 55, "source": {"type": "Property", "value": "meter"}},
                    {"type": "Property", "value": 54.5, "datasetId": GPS},
                ],
                "address": {"type": "Property", "value": {"street": "Allee", "city": "Berlin", "country": "Germany"}},
                "temperature": {"type": "Property", "value": 25, "unitCode": "CEL", "observedAt": T0},
                "street": {"type": "LanguageProperty", "languageMap": {"fr": "Grand Place", "nl": "Grote Markt"}},
            },
        )
        yield desk


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


# -- append (5.6.3) ---------------------------------------------------------------------------------------------------


def test_append_adds_and_overwrites_instance_by_instance(desk: Desk) -> None:
    (record,) = desk.send(
        "entity.append", CAR, {"attributes": {"colour": prop("red"), "speed": prop(60, datasetId=GPS)}}
    )
    assert record.body is not None
    assert (record.kind, record.body["added"]) == ("entity.merged", ["colour"])
    assert record.body["datasets"] == {"speed": [GPS]}
    speed = desk.find(CAR)["speed"]
    assert [each["value"] for each in speed] == [55, 60]
    assert desk.find(CAR)["colour"] == prop("red")


def test_append_without_overwriting_leaves_what_stands(desk: Desk) -> None:
    body = {"attributes": {"brand": prop("BMW"), "colour": prop("red")}, "overwrite": False}
    (record,) = desk.send("entity.append", CAR, body)
    assert record.body is not None
    assert list(record.body["patch"]) == ["colour"]
    assert desk.find(CAR)["brand"] == prop("Mercedes")
    assert desk.send("entity.append", CAR, {"attributes": {"brand": prop("BMW")}, "overwrite": False}) == ()


def test_append_extends_or_replaces_scopes_and_adds_types(desk: Desk) -> None:
    desk.send("entity.append", CAR, {"attributes": {}, "scope": "/a", "overwrite": False})
    desk.send("entity.append", CAR, {"attributes": {}, "scope": ["/b", "/a"], "type": "Car", "overwrite": False})
    found = desk.find(CAR)
    assert (found["scope"], found["type"]) == (["/a", "/b"], ["Vehicle", "Car"])
    (record,) = desk.send("entity.append", CAR, {"attributes": {}, "scope": "/c", "type": ["Car", "Vehicle"]})
    assert record.body is not None
    assert record.body["head"] == {"scope": "/c"}
    assert desk.find(CAR)["type"] == ["Vehicle", "Car"]


# -- update (5.6.2, 5.5.8) --------------------------------------------------------------------------------------------


def test_update_replaces_the_whole_attribute_and_adds_a_new_one(desk: Desk) -> None:
    desk.send("entity.update", CAR, {"attributes": {"brand": {"type": "Relationship", "object": "urn:x:1"}}})
    desk.send("entity.update", CAR, {"attributes": {"speed": prop(99), "wheels": prop(4)}})
    found = desk.find(CAR)
    assert found["brand"] == {"type": "Relationship", "object": "urn:x:1"}
    assert found["speed"] == [prop(99), prop(54.5, datasetId=GPS)]
    assert found["wheels"] == prop(4)


def test_update_removes_with_null(desk: Desk) -> None:
    desk.send("entity.update", CAR, {"attributes": {"brand": NULL, "speed": prop(NULL, datasetId=GPS)}})
    found = desk.find(CAR)
    assert "brand" not in found
    assert found["speed"] == prop(55, source=prop("meter"))
    assert desk.send("entity.update", CAR, {"attributes": {"never": NULL}}) == ()
    desk.send(
        "entity.update", CAR, {"attributes": {"street": {"type": "LanguageProperty", "languageMap": {"@none": NULL}}}}
    )
    assert "street" not in desk.find(CAR)


def test_update_replaces_a_scope_and_gives_none(desk: Desk) -> None:
    assert desk.send("entity.update", CAR, {"attributes": {}, "scope": "/a"}) == ()
    desk.send("entity.append", CAR, {"attributes": {}, "scope": "/a"})
    desk.send("entity.update", CAR, {"attributes": {}, "scope": "/b"})
    assert desk.find(CAR)["scope"] == "/b"


# -- merge patch (5.6.17, 5.5.12) -------------------------------------------------------------------------------------


def test_patch_merges_down_into_values_and_sub_attributes(desk: Desk) -> None:
    fragment = {
        "address": prop({"street": "Pariser Platz", "country": NULL}),
        "speed": prop(56, source=prop("radar"), accuracy=prop(0.5)),
        "street": {"type": "LanguageProperty", "languageMap": {"fr": NULL, "de": "Großer Platz"}},
        "brand": NULL,
    }
    desk.send("entity.patch", CAR, {"fragment": fragment})
    found = desk.find(CAR)
    assert found["address"] == prop({"street": "Pariser Platz", "city": "Berlin"})
    assert found["speed"][0] == prop(56, source=prop("radar"), accuracy=prop(0.5))
    assert found["street"]["languageMap"] == {"nl": "Grote Markt", "de": "Großer Platz"}
    assert "brand" not in found


def test_patch_keeps_members_that_are_not_named(desk: Desk) -> None:
    desk.send("entity.patch", CAR, {"fragment": {"temperature": {"type": "Property", "value": "hot"}}})
    assert desk.find(CAR)["temperature"] == prop("hot", unitCode="CEL", observedAt=T0)
    desk.send("entity.patch", CAR, {"fragment": {"temperature": {"unitCode": NULL}}})
    assert desk.find(CAR)["temperature"] == prop("hot", observedAt=T0)


def test_patch_adds_instances_without_what_stands_for_removal(desk: Desk) -> None:
    fragment = {"speed": prop(57, datasetId="urn:d:2", note=NULL), "gone": NULL, "load": prop({"kg": 5, "t": NULL})}
    desk.send("entity.patch", CAR, {"fragment": fragment})
    found = desk.find(CAR)
    assert found["speed"][2] == prop(57, datasetId="urn:d:2")
    assert found["load"] == prop({"kg": 5})
    assert "gone" not in found


def test_patch_gives_the_common_instant_where_one_stood(desk: Desk) -> None:
    fragment = {"temperature": prop("mild"), "brand": prop("BMW")}
    desk.send("entity.patch", CAR, {"fragment": fragment, "observed_at": T2})
    found = desk.find(CAR)
    assert found["temperature"]["observedAt"] == T2
    assert "observedAt" not in found["brand"]


def test_patch_keeps_the_kind_where_the_sender_left_it_open(desk: Desk) -> None:
    desk.send("entity.patch", CAR, {"fragment": {"street": prop("Große Straße")}, "lang": "de"})
    assert desk.find(CAR)["street"]["languageMap"] == {
        "fr": "Grand Place", "nl": "Grote Markt", "de": "Große Straße",
    }  # fmt: skip
    desk.send("entity.append", CAR, {"attributes": {"owner": {"type": "Relationship", "object": "urn:p:1"}}})
    desk.send("entity.patch", CAR, {"fragment": {"owner": prop("urn:p:2")}, "simplified": True})
    assert desk.find(CAR)["owner"] == {"type": "Relationship", "object": "urn:p:2"}
    desk.send("entity.patch", CAR, {"fragment": {"owner": prop(5)}})
    assert desk.find(CAR)["owner"] == prop(5)


def test_patch_takes_head_members(desk: Desk) -> None:
    desk.send("entity.patch", CAR, {"fragment": {"type": "Car", "scope": "/a", "expiresAt": "2030-01-01T00:00:00Z"}})
    found = desk.find(CAR)
    assert (found["type"], found["scope"], found["expiresAt"]) == (["Vehicle", "Car"], "/a", "2030-01-01T00:00:00Z")
    desk.send("entity.patch", CAR, {"fragment": {"scope": NULL, "expiresAt": NULL}})
    assert not {"scope", "expiresAt"} & desk.find(CAR).keys()
    assert desk.send("entity.patch", CAR, {"fragment": {"type": "Car"}}) == ()


# -- one attribute (5.6.4, 5.6.19, 5.6.5) -----------------------------------------------------------------------------


def test_partial_overwrites_members_of_one_instance(desk: Desk) -> None:
    desk.send("entity.partial", CAR, {"attribute": "address", "fragment": {"value": {"city": "Bonn"}}})
    assert desk.find(CAR)["address"] == prop({"city": "Bonn"})
    desk.send("entity.partial", CAR, {"attribute": "speed", "fragment": {"value": 1, "datasetId": GPS}})
    desk.send("entity.partial", CAR, {"attribute": "speed", "fragment": {"source": NULL, "unitCode": "KMH"}})
    assert desk.find(CAR)["speed"] == [prop(55, unitCode="KMH"), prop(1, datasetId=GPS)]
    desk.send("entity.partial", CAR, {"attribute": "speed", "fragment": {"type": "Property", "value": NULL}})
    assert desk.find(CAR)["speed"] == prop(1, datasetId=GPS)


def test_put_attribute_replaces_an_instance(desk: Desk) -> None:
    desk.send(
        "entity.put_attribute",
        CAR,
        {"attribute": "temperature", "instance": {"type": "Relationship", "object": "urn:t:1"}},
    )
    desk.send("entity.put_attribute", CAR, {"attribute": "speed", "instance": prop(2, datasetId=GPS)})
    found = desk.find(CAR)
    assert found["temperature"] == {"type": "Relationship", "object": "urn:t:1"}
    assert found["speed"][1] == prop(2, datasetId=GPS)


def test_drop_removes_an_instance_all_or_the_scope(desk: Desk) -> None:
    desk.send("entity.drop", CAR, {"attribute": "speed"})
    assert desk.find(CAR)["speed"] == prop(54.5, datasetId=GPS)
    desk.send("entity.append", CAR, {"attributes": {"speed": prop(3)}, "scope": "/a"})
    desk.send("entity.drop", CAR, {"attribute": "speed", "dataset": GPS})
    assert desk.find(CAR)["speed"] == prop(3)
    (record,) = desk.send("entity.drop", CAR, {"attribute": "speed", "all": True})
    assert record.body is not None
    assert record.body["patch"] == {"speed": None}
    desk.send("entity.drop", CAR, {"attribute": "scope"})
    assert not {"speed", "scope"} & desk.find(CAR).keys()


def test_upsert_creates_replaces_or_updates(desk: Desk) -> None:
    other = "urn:ngsi-ld:Vehicle:B2"
    document = {"type": "Vehicle", "brand": prop("VW")}
    assert desk.send("entity.upsert", other, {"document": document, "mode": "update"})[0].kind == "entity.created"
    desk.send("entity.upsert", other, {"document": {"type": "Car", "wheels": prop(4)}, "mode": "update"})
    assert desk.find(other) == {"id": other, "type": ["Vehicle", "Car"], "brand": prop("VW"), "wheels": prop(4)}
    (record,) = desk.send("entity.upsert", other, {"document": {"type": "Car", "brand": prop("VW")}})
    assert record.body is not None
    assert (record.kind, record.body["gone"]) == ("entity.replaced", ["wheels"])
    assert desk.find(other) == {"id": other, "type": "Car", "brand": prop("VW")}


# -- observed values --------------------------------------------------------------------------------------------------


def test_a_plain_number_with_its_instant_is_an_observed_value(desk: Desk) -> None:
    body = {"attributes": {"temperature": prop(26, observedAt=T1), "brand": prop("BMW")}}
    kept, observed = desk.send("entity.update", CAR, body)
    assert (kept.kind, observed.kind) == ("entity.merged", "observed")
    assert kept.body is not None
    assert list(kept.body["patch"]) == ["brand"]
    assert observed.body == {"rows": [[CAR, "temperature", 1_772_355_600_000_000, 26, None, 1]], "as": "live"}
    found = desk.find(CAR)["temperature"]
    assert (found["value"], found["observedAt"]) == (26, 1_772_355_600_000_000)
    assert "unitCode" not in found


@pytest.mark.parametrize(
    "instance",
    [
        prop(26, observedAt="2026-02-01T00:00:00Z"),
        prop(26),
        prop("26", observedAt=T1),
        prop(True, observedAt=T1),
        prop(26, observedAt="2027-01-01T00:00:00Z"),
        prop(26, observedAt=T1, source=prop("x")),
        prop(26, observedAt=T1, datasetId=GPS),
        prop(2**60, observedAt=T1),
    ],
    ids=["older", "timeless", "text", "boolean", "future", "with sub-attribute", "dataset", "inexact"],
)
def test_everything_else_is_kept(desk: Desk, instance: dict[str, Any]) -> None:
    (record,) = desk.send("entity.update", CAR, {"attributes": {"temperature": instance}})
    assert record.kind == "entity.merged"


def test_changes_build_on_the_observed_value(desk: Desk) -> None:
    desk.send("entity.partial", CAR, {"attribute": "temperature", "fragment": {"value": 30, "observedAt": T1}})
    assert desk.find(CAR)["temperature"]["unitCode"] == "CEL"
    (record,) = desk.send("entity.partial", CAR, {"attribute": "temperature", "fragment": {"unitCode": "FAH"}})
    assert record.kind == "observed"
    desk.send("entity.patch", CAR, {"fragment": {"temperature": {"note": prop("in the shade")}}})
    assert desk.find(CAR)["temperature"] == prop(30, unitCode="FAH", observedAt=T1, note=prop("in the shade"))
    assert desk.view.last(CAR, "temperature") is None


def test_a_dataset_beside_an_observed_value_leaves_it(desk: Desk) -> None:
    desk.send("entity.update", CAR, {"attributes": {"temperature": prop(30, observedAt=T1)}})
    desk.send("entity.append", CAR, {"attributes": {"temperature": prop(31, datasetId=GPS)}})
    default, other = desk.find(CAR)["temperature"]
    assert (default["value"], other["value"]) == (30, 31)
    assert desk.view.last(CAR, "temperature") is not None
    desk.send("entity.update", CAR, {"attributes": {"temperature": prop(32)}})
    assert [each["value"] for each in desk.find(CAR)["temperature"]] == [32, 31]
    assert desk.view.last(CAR, "temperature") is None


# -- stamps and what stood before -------------------------------------------------------------------------------------


def test_stamps_say_when_each_instance_came_and_changed(desk: Desk) -> None:
    made = NOON + SECOND
    desk.send("entity.update", CAR, {"attributes": {"speed": prop(56), "wheels": prop(4)}})
    changed = desk.at
    found = desk.find(CAR, sys=True)
    assert (found["createdAt"], found["modifiedAt"]) == (made, changed)
    assert (found["brand"]["createdAt"], found["brand"]["modifiedAt"]) == (made, made)
    assert [(each["createdAt"], each["modifiedAt"]) for each in found["speed"]] == [(made, changed), (made, made)]
    assert (found["wheels"]["createdAt"], found["wheels"]["modifiedAt"]) == (changed, changed)
    desk.send("entity.update", CAR, {"attributes": {"temperature": prop(26, observedAt=T1)}})
    found = desk.find(CAR, sys=True)
    assert (found["temperature"]["createdAt"], found["temperature"]["modifiedAt"]) == (made, desk.at)
    assert found["modifiedAt"] == desk.at
    desk.send("entity.replace", CAR, {"type": "Vehicle", "brand": prop("VW")})
    found = desk.find(CAR, sys=True)
    assert (found["createdAt"], found["brand"]["createdAt"]) == (made, desk.at)
    assert "createdAt" not in desk.find(CAR)


def test_records_tell_what_stood_before_when_somebody_wants_it() -> None:
    with sitting(keeps_before=True) as desk:
        desk.send("entity.create", CAR, {"type": "Vehicle", "brand": prop("VW"), "level": prop(1, observedAt=T0)})
        desk.send("entity.update", CAR, {"attributes": {"level": prop(2, observedAt=T1)}})
        (record,) = desk.send(
            "entity.update", CAR, {"attributes": {"level": prop("full"), "brand": NULL, "x": prop(1)}, "scope": "/a"}
        )
        assert record.body is not None
        assert record.body["before"] == {"level": prop(2, observedAt=T1), "brand": prop("VW")}
        (record,) = desk.send("entity.merge", CAR, {"x": None})
        assert record.body is not None
        assert record.body["before"] == {"x": prop(1)}
        (record,) = desk.send("entity.delete", CAR)
        assert record.body is not None
        level = record.body["before"]["level"]
        assert (level.pop("createdAt") < level.pop("modifiedAt"), level) == (True, prop("full"))
        assert record.body["type"] == "Vehicle"


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("entity.append", {}, "entity.shape"),
        ("entity.append", {"attributes": {"brand": prop(NULL)}}, "attribute.null"),
        ("entity.append", {"attributes": {"brand": [prop(1), prop(2)]}}, "attribute.dataset"),
        ("entity.append", {"attributes": {"brand": prop(1, datasetId="no uri")}}, "attribute.dataset"),
        ("entity.append", {"attributes": {"brand": prop(1, unitCode=5)}}, "attribute.unit"),
        ("entity.append", {"attributes": {"brand": {"type": "VocabProperty", "vocab": 5}}}, "attribute.vocab"),
        ("entity.append", {"attributes": {"n": [prop(1, datasetId=f"urn:d:{n}") for n in range(1001)]}}, "attribute.size"),
        ("entity.append", {"attributes": {"brand": prop(1, observedAt="yesterday")}}, "time.unreadable"),
        ("entity.append", {"attributes": {f"a{n}": prop(1) for n in range(501)}}, "entity.size"),
        ("entity.append", {"attributes": {}, "scope": "a b"}, "entity.scope"),
        ("entity.append", {"attributes": {}, "type": [1]}, "entity.type"),
        ("entity.update", {"attributes": {"speed": prop(1, datasetId=NULL)}}, "attribute.dataset"),
        ("entity.patch", {"fragment": {"type": NULL}}, "entity.fixed"),
        ("entity.patch", {"fragment": {"new": {"unitCode": "CEL"}}}, "attribute.kind"),
        ("entity.patch", {"fragment": {"brand": {"type": "GeoProperty", "value": {"type": "Point"}}}}, "geo.type"),
        ("entity.patch", {"fragment": {"brand": {"type": "Colour"}}}, "attribute.kind"),
        ("entity.partial", {"attribute": "scope", "fragment": {"value": "/b"}}, "attribute.fixed"),
        ("entity.partial", {"fragment": {"value": "/b"}}, "attribute.name"),
        ("entity.partial", {"attribute": "brand", "fragment": {"type": "GeoProperty"}}, "attribute.kind"),
        ("entity.partial", {"attribute": "brand", "fragment": {"datasetId": NULL}}, "attribute.dataset"),
        ("entity.put_attribute", {"attribute": "brand", "instance": {"type": "Property"}}, "attribute.value"),
        ("entity.upsert", {}, "entity.shape"),
        ("entity.merge", {"id": "urn:x:2"}, "entity.fixed"),
    ],
)  # fmt: skip
def test_bad_changes_are_refused_and_change_nothing(desk: Desk, kind: str, body: dict[str, Any], code: str) -> None:
    before = desk.find(CAR)
    with pytest.raises(Invalid) as refused:
        desk.send(kind, CAR, body)
    assert refused.value.code == code
    assert desk.find(CAR) == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("entity.partial", {"attribute": "never", "fragment": {"value": 1}}),
        ("entity.partial", {"attribute": "speed", "dataset": "urn:d:9", "fragment": {"value": 1}}),
        ("entity.put_attribute", {"attribute": "never", "instance": prop(1)}),
        ("entity.drop", {"attribute": "never"}),
        ("entity.drop", {"attribute": "never", "all": True}),
        ("entity.drop", {"attribute": "brand", "dataset": GPS}),
        ("entity.drop", {"attribute": "scope"}),
    ],
)
def test_what_does_not_stand_is_missing(desk: Desk, kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Missing) as refused:
        desk.send(kind, CAR, body)
    assert refused.value.code == "attribute.missing"


def test_an_entity_must_stand_and_only_once(desk: Desk) -> None:
    for kind in ("entity.append", "entity.patch", "entity.drop", "entity.delete", "entity.expire"):
        with pytest.raises(Missing):
            desk.send(kind, "urn:ngsi-ld:Vehicle:none", {"attributes": {}, "fragment": {}, "attribute": "a"})
    with pytest.raises(Conflict):
        desk.send("entity.create", CAR, {"type": "Vehicle"})


def test_a_number_that_no_record_can_hold_is_refused(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.send("entity.append", CAR, {"attributes": {"huge": prop(2**70)}})
    assert refused.value.code == "record.value"


def test_deep_nesting_is_refused(desk: Desk) -> None:
    instance = prop(1)
    for _ in range(20):
        instance = prop(1, sub=instance)
    with pytest.raises(Invalid) as refused:
        desk.send("entity.append", CAR, {"attributes": {"deep": instance}})
    assert refused.value.code == "attribute.depth"
