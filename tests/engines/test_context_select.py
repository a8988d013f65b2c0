"""Selections equal a plain look at every entity, whatever the way to them, and tell an actor nothing he may not see."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.adapters.sqlite.context import kinds as kinds_module
from quanyu.adapters.sqlite.context import search as search_module
from quanyu.adapters.sqlite.context import store as store_module
from quanyu.adapters.sqlite.context.search import Search
from quanyu.engines.context import entering, index
from quanyu.engines.context.view import ContextView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.order import parse_order
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types
from quanyu.kernel.ngsi.writing import NORMALIZED, write_entity
from quanyu.kernel.view import EVERYTHING, NOTHING, Filter, Query, Selection
from tests.engines.desk import Desk, sitting

TYPES = ("A", "B", "C")
LONG = "x" * 300


def q(text: str) -> Any:
    return parse_q(text, CORE)


scalars = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.5, 2.0, 1e30, 2**63 + 5]),
    st.booleans(),
    st.sampled_from(["a", "b", "", LONG, LONG + "y"]),
)
values = st.one_of(
    scalars,
    st.lists(scalars, min_size=1, max_size=3),
    st.sampled_from([{"k": 1}, {"@type": "Count", "@value": 1}]),
    st.just(list(range(100))),
)


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


def place(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


attributes = st.fixed_dictionaries(
    {},
    optional={
        "x": st.one_of(
            values.map(prop), st.tuples(values, values).map(lambda t: [prop(t[0]), prop(t[1], datasetId="urn:d:1")])
        ),
        "y": values.map(prop),
        "rel": st.sampled_from(["urn:e:0", "urn:e:1"]).map(lambda id: {"type": "Relationship", "object": id}),
        "words": st.sampled_from(["a", "b"]).map(
            lambda w: {"type": "LanguageProperty", "languageMap": {"en": w, "de": [w]}}
        ),
        "location": st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda p: place(*p)),
        "area": st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda p: place(*p)),
        "scope": st.sampled_from(["/a", "/a/b", "/a/b/c", ["/a/b", "/d"], "/ab"]),
    },
)
types = st.one_of(st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True))
entities = st.lists(st.tuples(types, attributes, st.one_of(st.none(), scalars)), max_size=14)
leaf = st.sampled_from(
    [
        "x", "y==1", "x!=1", "x>0", "x>=0.5", "x>0;x<1", "x>=1;x<=2;y>0", "x<2", 'x=="a"', 'x>"a"', "x==true", "x==0..2",
        "x==1,2,3", 'y=="b","a"', f'x=="{LONG}"', f'x>"{LONG}"', f'x<"{LONG}y"', "rel==urn:e:1", 'words=="a"', "x[k]==1",
        "!y", "rel.createdAt", "o>0", "o", "x==9223372036854775813", 'x~="a"', "rel{x}>0", "createdAt>2000-01-01T00:00:00Z",
    ]
)  # fmt: skip
queries = st.one_of(
    st.none(), leaf, st.tuples(leaf, leaf).map(";".join), st.tuples(leaf, leaf).map("|".join),
    st.tuples(leaf, leaf, leaf).map(lambda t: f"({t[0]}|{t[1]});{t[2]}"),
)  # fmt: skip
selections = st.fixed_dictionaries(
    {},
    optional={
        "types": st.sampled_from(["A", "A,B", "(A;B)|C", "*"]),
        "q": queries,
        "scope_q": st.sampled_from(["/a", "/a/#", "/a/+", "/+/b", "#", "/d,/ab", "(/a/b;/d)"]),
        "geo": st.sampled_from(["location", "area", "far"]),
        "attrs": st.sampled_from([("x",), ("rel", "y"), ("o",), ("scope",)]),
        "id_pattern": st.sampled_from(["[02468]$", "urn"]),
        "ids": st.sampled_from([("urn:e:1", "urn:e:3"), ("urn:e:9", "urn:e:0", "urn:none:1", "urn:e:0")]),
    },
)
filters = st.sampled_from(
    [EVERYTHING, Filter(types=frozenset({"A", "B"})), Filter(masked=frozenset({"x", "location"})), NOTHING,
     Filter(types=frozenset(TYPES), masked=frozenset({"o", "scope"}))]
)  # fmt: skip


def fill(desk: Desk, rows: list[Any]) -> None:
    """Make entities urn:e:0, urn:e:1 …, some of them observed."""
    for number, (kinds, members, observed) in enumerate(rows):
        desk.send("entity.create", f"urn:e:{number}", {"type": kinds, **members})
        if observed is not None and not isinstance(observed, str) and abs(observed) < 2**60:
            row = [[f"urn:e:{number}", "o" if number % 2 else "x", desk.at, observed, None]]
            desk.send("observe", "batch", {"rows": row, "as": "live"})


def selection_of(parts: dict[str, Any], **more: Any) -> Selection:
    made: dict[str, Any] = {name: parts[name] for name in ("attrs", "id_pattern", "ids") if name in parts}
    if parts.get("types"):
        made["types"] = parse_types(parts["types"], CORE)
    if parts.get("q"):
        made["q"] = q(parts["q"])
    if "scope_q" in parts:
        made["scope_q"] = parse_scope_q(parts["scope_q"])
    if "geo" in parts:
        where = "location" if parts["geo"] == "far" else parts["geo"]
        relation = "near;minDistance==150000" if parts["geo"] == "far" else "near;maxDistance==150000"
        made["geo"] = parse_geo(relation, "Point", [2, 2], where, CORE)
    return Selection(**made, **more)


def looked_at(view: ContextView, count: int, selection: Selection, scope: Filter) -> list[str]:
    """Return what a plain look at every entity selects."""
    found = []
    for number in range(count):
        document = view.find(f"urn:e:{number}", scope, sys=True)
        if document is None:
            continue
        types = document["type"]
        if (
            (selection.types is None or selection.types.matches(types))
            and (selection.ids is None or document["id"] in selection.ids)
            and (selection.id_pattern is None or (selection.id_pattern == "urn" or document["id"][-1] in "02468"))
            and (not selection.attrs or any(name in document for name in selection.attrs))
            and (selection.q is None or selection.q.matches(document, lambda id: view.find(id, scope)))
            and (selection.geo is None or selection.geo.matches(document))
            and (selection.scope_q is None or selection.scope_q.matches(document.get("scope")))
        ):
            found.append(document["id"])
    return found


@pytest.mark.parametrize("way", ["small indexes", "streams and walks", "indexes read whole"])
@settings(max_examples=60, deadline=None)
@given(rows=entities, asked=st.lists(selections, min_size=1, max_size=6), scope=filters, settled=st.booleans())
def test_selections_equal_a_look_at_everything(
    way: str, rows: list[Any], asked: list[dict[str, Any]], scope: Filter, settled: bool
) -> None:
    ways = {
        "small indexes": ((500, 10_000), 5_000),
        "streams and walks": ((0, 1), 5_000),
        "indexes read whole": ((0,), 2),
    }
    with sitting() as desk, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Search, "caps", ways[way][0])
        patch.setattr(Search, "walked_max", ways[way][1])
        patch.setattr(kinds_module, "STREAMS_MAX", 1 if way == "small indexes" else 200)
        fill(desk, rows)
        if settled:
            desk.settle()
        for parts in asked:
            selection = selection_of(parts, limit=100)
            expected = looked_at(desk.view, len(rows), selection, scope)
            page = desk.view.select(selection, scope)
            assert [document["id"] for document in page.items] == expected
            assert desk.view.tally(selection, scope) == len(expected)
            assert [document == desk.view.find(document["id"], scope) for document in page.items] == [True] * len(
                expected
            )


@settings(max_examples=40, deadline=None)
@given(
    rows=entities, parts=selections, limit=st.integers(1, 5), offset=st.integers(0, 6), block=st.sampled_from([2, 1024])
)
def test_pages_join_up_and_offsets_skip(
    rows: list[Any], parts: dict[str, Any], limit: int, offset: int, block: int
) -> None:
    with sitting() as desk, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BLOCK", block)
        patch.setattr(entering, "BLOCK", block)
        patch.setattr(kinds_module, "BLOCK", block)
        fill(desk, rows)
        whole = looked_at(desk.view, len(rows), selection_of(parts), EVERYTHING)
        seen: list[str] = []
        after: str | None = "0"
        while after is not None:
            page = desk.view.select(selection_of(parts, limit=limit, after=int(after)), EVERYTHING)
            seen += [document["id"] for document in page.items]
            after = page.after
        assert seen == whole
        page = desk.view.select(selection_of(parts, limit=limit, offset=offset), EVERYTHING)
        assert [document["id"] for document in page.items] == whole[offset : offset + limit]
        assert (page.after is None) == (offset + limit >= len(whole))


def test_order_is_by_one_key_after_the_other() -> None:
    with sitting() as desk:
        for number, (x, y) in enumerate([(1, 5), (0, 7), (1, 9), (0, 7)]):
            desk.send("entity.create", f"urn:e:{number}", {"type": "A", "x": prop(x), "y": prop(y)})
        page = desk.view.select(Selection(order=parse_order("x,y;desc", CORE), limit=3, offset=1), EVERYTHING)
        assert [document["id"][-1] for document in page.items] == ["3", "2", "0"]
        assert page.after is None
        page = desk.view.select(Selection(order=parse_order("createdAt;desc", CORE)), EVERYTHING)
        assert [document["id"][-1] for document in page.items] == ["3", "2", "1", "0"]
        assert "createdAt" not in page.items[0]


def test_a_question_that_looks_at_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with sitting() as desk:
        for number in range(20):
            desk.send("entity.create", f"urn:e:{number}", {"type": "A", "x": prop(number)})
        desk.settle()
        view = ContextView(SqliteContext(desk.store.connection, examined_max=10))
        assert len(view.select(Selection(q=q("x>=15")), EVERYTHING).items) == 5
        assert len(view.select(Selection(limit=5), EVERYTHING).items) == 5
        assert view.tally(Selection(), EVERYTHING) == 20
        for ask in (view.select, view.tally):
            with pytest.raises(Invalid) as refused:
                ask(Selection(id_pattern="none"), EVERYTHING)
            assert refused.value.code == "query.too_many"
        monkeypatch.setattr(store_module, "ORDERED_MAX", 5)
        with pytest.raises(Invalid) as refused:
            view.select(Selection(order=parse_order("x", CORE)), EVERYTHING)
        assert refused.value.code == "query.too_many"


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        (Selection(limit=-1), "query.limit"),
        (Selection(limit=10_001), "query.limit"),
        (Selection(offset=-1), "query.offset"),
        (Selection(after=-1), "query.after"),
        (Selection(id_pattern="(("), "q.pattern"),
    ],
)
def test_bad_selections_are_refused(selection: Selection, code: str) -> None:
    with sitting() as desk, pytest.raises(Invalid) as refused:
        desk.view.select(selection, EVERYTHING)
    assert refused.value.code == code


def test_json_is_what_is_stored_or_nothing() -> None:
    with sitting() as desk:
        desk.send("entity.create", "urn:e:0", {"type": "A", "x": prop(1), "secret": prop(2)})
        assert desk.view.json("urn:e:0", EVERYTHING) == (
            b'{"id":"urn:e:0","type":"A","x":{"type":"Property","value":1},"secret":{"type":"Property","value":2}}'
        )
        assert desk.view.json("urn:e:0", Filter(masked=frozenset({"other"}))) is not None
        assert desk.view.json("urn:e:0", Filter(masked=frozenset({"secret"}))) is None
        assert desk.view.json("urn:e:0", NOTHING) is None
        assert desk.view.json("urn:e:1", EVERYTHING) is None
        desk.send("entity.patch", "urn:e:0", {"fragment": {"expiresAt": "2030-01-01T00:00:00Z"}})
        assert desk.view.json("urn:e:0", EVERYTHING) is None
        desk.send("entity.patch", "urn:e:0", {"fragment": {"expiresAt": "urn:ngsi-ld:null"}})
        desk.send("observe", "batch", {"rows": [["urn:e:0", "x", desk.at, 2.0, None]], "as": "live"})
        text = desk.view.json("urn:e:0", EVERYTHING)
        assert text is not None
        assert msgspec.json.decode(text)["x"]["value"] == 2.0


@pytest.mark.parametrize("provenance", ["reported", "reported:form", "simulated:green/air", "measured:mqtt:a"])
def test_text_is_the_normalized_form_of_what_is_found(provenance: str) -> None:
    with sitting() as desk:
        several = [prop(1), {**prop(2), "datasetId": "urn:d:1"}]
        standing = {"type": "A", "x": {**prop(1), "unitCode": "GQ", "accuracy": prop(0.1)}, "several": several}
        desk.send("entity.create", "urn:e:0", standing)
        rows = [
            ["urn:e:0", name, desk.at, 2.5, unit] for name, unit in (("x", None), ("several", "GP"), ("new", "CEL"))
        ]
        desk.send("observe", "batch", {"rows": rows, "as": "live"}, provenance)
        found, text = desk.view.find("urn:e:0", EVERYTHING), desk.view.json("urn:e:0", EVERYTHING)
        assert found is not None
        assert text is not None
        assert msgspec.json.decode(text) == write_entity(found, CORE, NORMALIZED)


def test_entities_looked_up_together_equal_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "READ_MAX", 4)
    with sitting() as desk:
        ids = [f"urn:e:{number}" for number in range(11)]
        for number, id in enumerate(ids):
            desk.send("entity.create", id, {"type": "A", "x": prop(number)})
        rows = [[id, name, desk.at, 2.5, "GQ"] for id in ids[::2] for name in ("x", "o")]
        desk.send("observe", "batch", {"rows": rows, "as": "live"})
        asked = ("urn:e:none", *reversed(ids), ids[3])
        found = desk.view.query(Query(ids=asked, limit=100), EVERYTHING).items
        assert found == [desk.view.find(id, EVERYTHING) for id in ids]
        everything = desk.view.select(Selection(limit=100), EVERYTHING).items
        assert everything == found
        first = desk.view.query(Query(ids=asked, limit=5), EVERYTHING)
        rest = desk.view.query(Query(ids=asked, limit=100, after=first.after), EVERYTHING)
        assert [*first.items, *rest.items] == found


def test_discovery_names_types_and_attributes() -> None:
    with sitting() as desk:
        desk.send("entity.create", "urn:e:0", {"type": "A", "x": prop(1), "scope": "/a"})
        desk.send("entity.create", "urn:e:1", {"type": ["A", "B"], "x": {"type": "Relationship", "object": "urn:e:0"}})
        desk.send("entity.create", "urn:e:2", {"type": "C", "secret": prop(1)})
        desk.send("observe", "batch", {"rows": [["urn:e:0", "o", desk.at, 2.0, None]], "as": "live"})
        types = {each.type: each for each in desk.view.discover_types(EVERYTHING)}
        assert {name: each.count for name, each in types.items()} == {"A": 2, "B": 1, "C": 1}
        assert types["A"].attributes == {"o": ("Property",), "x": ("Property", "Relationship")}
        attributes = {each.attribute: each for each in desk.view.discover_attributes(EVERYTHING)}
        assert set(attributes) == {"o", "x", "secret"}
        assert (attributes["x"].count, attributes["x"].types) == (2, ("A", "B"))
        narrow = Filter(types=frozenset({"A", "C"}), masked=frozenset({"secret"}))
        assert [each.type for each in desk.view.discover_types(narrow)] == ["A", "C"]
        assert [each.attribute for each in desk.view.discover_attributes(narrow)] == ["o", "x"]
        assert desk.view.types(EVERYTHING) == [("A", 2), ("B", 1), ("C", 1)]
        desk.send("entity.delete", "urn:e:2")
        assert [each.type for each in desk.view.discover_types(EVERYTHING)] == ["A", "B"]
        assert desk.view.discover_types(NOTHING) == []
