"""The order of entities (NGSI-LD 4.23): keys, types among one another, collations and distances."""

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.ngsi.collation import parse_collation
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.order import parse_order


def entity(id: str, **values: Any) -> dict[str, Any]:
    return {"id": id, "type": "T", **{name: {"type": "Property", "value": value} for name, value in values.items()}}


def ordered(documents: list[dict[str, Any]], text: str | list[str], **more: Any) -> str:
    return "".join(document["id"] for document in parse_order(text, CORE, **more).sorted(documents))


def test_keys_apply_one_after_the_other() -> None:
    some = [entity("a", name="x", age=2), entity("b", name="y", age=1), entity("c", name="x", age=1)]
    assert ordered(some, "name") == "acb"
    assert ordered(some, "name,age") == "cab"
    assert ordered(some, "name;desc,age") == "bca"
    assert ordered(some, " name ; asc , age ; desc ") == "acb"
    assert ordered(some, ["age;desc", "name;desc"]) == "abc"
    assert ordered(some, "id;desc") == "cba"
    assert ordered(some, "type,name,id") == "acb"
    assert parse_order("name,age.observedAt", CORE).attributes() == {"name", "age"}


def test_types_follow_one_another_and_nothing_comes_last() -> None:
    values: list[Any] = [3, "x", {"k": 1}, [1], False, "07:00:00Z", "2020-01-01", "2020-01-01T00:00:00Z"]
    some = [entity(str(place), v=value) for place, value in enumerate(values)]
    some = [{"id": "9", "type": "T"}, entity("8", v=None), *reversed(some)]
    assert ordered(some, "v") == "0123456798"
    assert ordered(some, "v;desc") == "7654321098"


def test_members_are_reached_as_in_a_query() -> None:
    some = [
        {
            "id": "a",
            "createdAt": 2,
            "name": [
                {"type": "Property", "value": "z", "datasetId": "urn:d", "n": {"type": "Property", "value": 9}},
                {"type": "Property", "value": "b", "observedAt": "1970-01-01T00:00:00.000001Z"},
            ],
            "place": {"type": "Property", "value": {"city": "Zürich"}},
            "color": {"type": "LanguageProperty", "languageMap": {"en": "red", "de": "rot"}},
            "owner": {"type": "Relationship", "object": "urn:2"},
            "kind": {"type": "VocabProperty", "vocab": "B"},
        },
        {
            "id": "b",
            "createdAt": 1,
            "name": {"type": "Property", "value": "c", "observedAt": 2},
            "place": {"type": "Property", "value": {"city": "Aachen"}},
            "color": {"type": "LanguageProperty", "languageMap": {"en": "blue", "de": "zinnober"}},
            "owner": {"type": "ListRelationship", "objectList": [{"object": "urn:1"}]},
            "kind": {"type": "VocabProperty", "vocab": "A"},
        },
    ]
    for text, ids in {
        "name": "ab",
        "createdAt": "ba",
        "name.observedAt": "ab",
        "name.observedAt;desc": "ba",
        "place[city]": "ba",
        "place[street]": "ab",
        "color": "ab",
        "color[en]": "ba",
        "owner": "ba",
        "kind": "ba",
        "name.n": "ab",
    }.items():
        assert ordered(some, text) == ids, text


def test_times_that_are_none_do_not_stop_the_order() -> None:
    some: list[dict[str, Any]] = [{"id": "a", "createdAt": "2020-02-31T00:00:00Z"}, {"id": "b", "createdAt": 5}]
    assert ordered(some, "createdAt") == "ba"


def test_distances() -> None:
    def at(id: str, kind: str, coordinates: Any) -> dict[str, Any]:
        return {"id": id, "location": {"type": "GeoProperty", "value": {"type": kind, "coordinates": coordinates}}}

    some: list[dict[str, Any]] = [
        at("f", "Point", [10, 45]),
        entity("x", location="here"),
        at("n", "Point", [8.01, 40.01]),
    ]
    some += [dict[str, Any](id="-"), at("m", "LineString", [[9, 41], [20, 41]]), at("?", "LineString", [[0, 0]])]
    assert ordered(some, "location;dist-asc", order_from=[8, 40]) == "nmf?x-"
    assert ordered(some, "location;dist-asc", order_from="[8,40]") == "nmf?x-"
    assert ordered(some, "location;dist-desc", order_from=[8, 40]) == "x?fmn-"
    line = [[10, 44], [10, 46]]
    assert ordered(some, "location;dist-asc", order_from=line, order_geometry="LineString") == "fmn?x-"


@pytest.mark.parametrize(
    ("collation", "names", "expected"),
    [
        (None, "b A á Z", "A Z b á"),
        ("und", "b A á Z a", "a A á b Z"),
        ("und-u-ks-level1", "b A a Á", "A a Á b"),
        ("und-u-ks-level2", "á A a", "A a á"),
        ("en", "résumé resume Resume", "resume Resume résumé"),
        ("de", "Zebra Ähre Apfel", "Ähre Apfel Zebra"),
        ("de-u-co-phonebk", "Arzt Ähre Ader Afe", "Ader Ähre Afe Arzt"),
        ("de", "Straße Strasse Strata", "Strasse Straße Strata"),
        ("und", "a1 a-1 a", "a a-1 a1"),
        ("zh", "张三 李四 阿明 b 王五", "b 阿明 李四 王五 张三"),
        ("zh-u-co-pinyin", "中 北", "北 中"),
    ],
)
def test_collations(collation: str | None, names: str, expected: str) -> None:
    some = [entity(name + " ", name=name) for name in names.split()]
    assert ordered(some, "name", collation=collation).split() == expected.split()


@pytest.mark.parametrize("tag", ["", "!!nope", "not a tag", "d", "de_DE", "en-" + "x" * 9])
def test_what_is_no_collation_is_refused(tag: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_collation(tag)
    assert (caught.value.code, caught.value.where) == ("order.collation", "collation")


@pytest.mark.parametrize("tag", ["sv", "de-u-co-search", "en-u-co-phonebk", "und-u-kn", "und-u-ks-level9"])
def test_a_collation_that_would_sort_wrongly_is_unsupported(tag: str) -> None:
    with pytest.raises(Unsupported) as caught:
        parse_collation(tag)
    assert caught.value.code == "order.collation"
    assert "zh" in str(caught.value.remedy)


@pytest.mark.parametrize(
    "text", ["", "name;", "name;up", "name;ascending", ",name", "name,", "name age", "a{b}", "name=="]
)
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_order(text, CORE)
    assert (caught.value.code, caught.value.where) == ("order.syntax", "orderBy")


@pytest.mark.parametrize("text", [[], ",".join("a" * 21), ["a"] * 21, "a" * 65_537])
def test_too_many_keys_are_refused(text: str | list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_order(text, CORE)
    assert (caught.value.code, caught.value.where) == ("order.complex", "orderBy")


def test_a_distance_needs_a_place() -> None:
    with pytest.raises(Invalid) as caught:
        parse_order("location;dist-asc", CORE)
    assert (caught.value.code, caught.value.where) == ("order.from", "orderFrom")
    with pytest.raises(Invalid) as caught:
        parse_order("location;dist-asc", CORE, order_from="8,40")
    assert (caught.value.code, caught.value.where) == ("geo.type", "orderFrom.coordinates")
    with pytest.raises(Invalid) as caught:
        parse_order("location;dist-asc", CORE, order_from=[8, 40], order_geometry="Circle")
    assert (caught.value.code, caught.value.where) == ("geo.type", "orderFrom.geometry")
