"""The indexes equal a recount after whatever happened to the entities, and can be made again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.adapters.sqlite import context as sqlite_context
from quanyu.adapters.sqlite.context import kinds as kinds_module
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly.checkpoint import RebuiltState
from quanyu.assembly.reindex import reindex
from quanyu.assembly.writer import Call
from quanyu.engines.context.cells import MANY, cell_of, cells_of
from quanyu.engines.context.engine import ContextEngine
from quanyu.engines.context.index import (
    BLOCK,
    FIELD,
    GEO,
    KINDS,
    MARK,
    SHAPE,
    TALLY,
    TYPED,
    VALUE,
    forms_of,
    kind_of,
)
from quanyu.engines.context.places import PLACE, boxes_of
from quanyu.engines.context.tables import DOC, ENTITY, ENTITY_N, KIND, LAST, OBSERVED
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.journal import Command, Receipt, Record
from quanyu.kernel.ngsi.choice import AnyOf
from quanyu.kernel.ngsi.geo import GeoQuery
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.selection import Types
from quanyu.kernel.view import EVERYTHING, Selection
from tests.engines.desk import Desk, sitting

IDS = ("urn:e:0", "urn:e:1", "urn:e:2")
SET = "urn:d:1"
instants = st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", "2026-03-01T07:00:00Z"])


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


def place(lon: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 40.0]}}


def line(lon: float, **members: Any) -> dict[str, Any]:
    return {
        "type": "GeoProperty",
        "value": {"type": "LineString", "coordinates": [[lon, 40.0], [lon, 41.0]]},
        **members,
    }


values = st.one_of(st.integers(0, 2), st.sampled_from(["a", "b", True, [1, 2], [1, "a"], {"k": 1}]))
instances = st.one_of(
    values.map(prop),
    st.tuples(st.integers(0, 3), instants).map(lambda t: prop(t[0], observedAt=t[1])),
    values.map(lambda value: prop(value, datasetId=SET)),
    st.tuples(values, values).map(lambda t: [prop(t[0]), prop(t[1], datasetId=SET)]),
    st.integers(0, 3).map(place),
    st.integers(0, 3).map(line),
    st.integers(0, 3).map(lambda lon: [place(lon), line(lon, datasetId=SET)]),
    st.just({"type": "Relationship", "object": "urn:e:1"}),
)
members = st.dictionaries(st.sampled_from(["x", "y", "location", "area"]), instances, max_size=3)
nulled = st.dictionaries(
    st.sampled_from(["x", "y", "location", "area"]), st.one_of(instances, st.just(NULL)), max_size=3
)
heads = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["A", "B", ["A", "B"]]), "scope": st.sampled_from(["/a", ["/a", "/b"]])}
)
documents = st.tuples(members, heads).map(lambda t: {"type": "A", **t[1], **t[0]})
names = st.sampled_from(["x", "y", "location"])
bodies = st.one_of(
    documents.map(lambda body: ("entity.create", body)),
    documents.map(lambda body: ("entity.replace", body)),
    members.map(lambda body: ("entity.merge", {**body, "y": None})),
    st.tuples(members, heads, st.booleans()).map(
        lambda t: ("entity.append", {"attributes": t[0], "overwrite": t[2], **t[1]})
    ),
    st.tuples(nulled, heads).map(lambda t: ("entity.update", {"attributes": t[0], **t[1]})),
    st.tuples(nulled, heads).map(lambda t: ("entity.patch", {"fragment": {**t[1], **t[0]}})),
    st.tuples(names, values).map(lambda t: ("entity.partial", {"attribute": t[0], "fragment": {"value": t[1]}})),
    st.tuples(names, st.booleans()).map(lambda t: ("entity.drop", {"attribute": t[0], "all": t[1]})),
    st.tuples(documents, st.sampled_from(["replace", "update"])).map(
        lambda t: ("entity.upsert", {"document": t[0], "mode": t[1]})
    ),
    st.just(("entity.delete", {})),
    st.just(("observe", {"attribute": "x"})),
    st.just(("observe", {"attribute": "z"})),
)
histories = st.lists(st.tuples(st.sampled_from(IDS), bodies, st.booleans()), max_size=25)


def play(desk: Desk, history: list[Any]) -> list[Record]:
    """Send what happened; what is refused changes nothing."""
    records: list[Record] = []
    for id, (kind, body), settled in history:
        subject = id
        if kind == "observe":
            subject = "batch"
            body = {"rows": [[id, body["attribute"], desk.at, 1.5, None]], "as": "live"}
        try:
            records += desk.send(kind, subject, body)
        except QuanyuError:
            continue
        if settled:
            desk.settle()
    return records


def has_line(attribute: Any) -> bool:
    found = attribute if isinstance(attribute, list) else [attribute]
    return any(each["type"] == GEO and each["value"]["type"] != "Point" for each in found)


def of_all(named: tuple[str, str, str]) -> tuple[str, str, str]:
    return ("", *named[1:]) if named[2] == GEO else named


def check_indexes(desk: Desk) -> None:
    """Compare every index with what the entities say."""
    desk.settle()
    store = desk.store
    entities = list(store.rows(ENTITY))
    observed = {row[0]: row[1].split("\n") for row in store.rows(OBSERVED)}
    assert sorted((n, name) for n, found in observed.items() for name in found) == [
        (row[0], row[1]) for row in store.rows(LAST)
    ]
    kinds: Counter[str] = Counter()
    blocks: Counter[tuple[str, int]] = Counter()
    fields: Counter[tuple[str, str, str]] = Counter()
    rows: set[tuple[str, str, str, str, int]] = set()
    boxes = set()
    for row in entities:
        n, document = row[ENTITY_N], msgspec.json.decode(row[DOC])
        kind = kind_of(document["type"])
        assert row[KIND] == kind
        kinds[kind] += 1
        blocks[kind, n // BLOCK] += 1
        for (attribute, form), held in forms_of(document, document, observed.get(n, ())).items():
            fields[kind, attribute, form] += 1
            of = "" if form == GEO else kind
            rows |= {(of, attribute, form, repr(value), n) for value in held}
        boxes |= {(n, *box) for name, box in boxes_of(document) if has_line(document[name])}
    codes = {row[1]: row[0] for row in store.rows(KINDS)}
    assert {row[0]: row[2] for row in store.rows(KINDS) if row[2]} == kinds
    assert {(codes[row[0]], row[1]) for row in store.rows(TYPED)} == {(row[KIND], row[ENTITY_N]) for row in entities}
    found = {(row[0], row[1]): row[2] for row in store.rows(TALLY) if row[2]}
    assert {(codes[kind], block): count for (kind, block), count in found.items() if kind} == blocks
    assert sum(count for (kind, _), count in found.items() if kind == 0) == len(entities)
    named = {row[4]: (codes[row[3]], row[1], row[2]) for row in store.rows(FIELD) if row[3] in codes}
    shapes = {row[0]: row[1] for row in store.rows(SHAPE)}
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in store.rows(FIELD):
        if shapes[row[0]]:
            counted[codes[row[3]], row[1], row[2]] += shapes[row[0]]
    assert counted == fields
    assert {(*of_all(named[row[0]]), repr(row[1]), row[2]) for row in store.rows(VALUE)} == rows
    assert {(row[0] >> 8, *row[1:]) for row in store.rows(PLACE)} == boxes


@settings(max_examples=150, deadline=None)
@given(histories)
def test_indexes_equal_a_recount(history: list[Any]) -> None:
    with sitting() as desk:
        play(desk, history)
        check_indexes(desk)


@settings(max_examples=60, deadline=None)
@given(histories)
def test_records_alone_make_the_same_state(history: list[Any]) -> None:
    with sitting() as desk:
        records = play(desk, history)
        desk.settle()
        engine, rebuilt = ContextEngine(), RebuiltState()
        for record in records:
            body = msgspec.msgpack.decode(msgspec.msgpack.encode(record.body))
            engine.evolve(msgspec.structs.replace(record, body=body), rebuilt)
        for table in engine.tables:
            if table.canonical:
                assert list(rebuilt.rows(table)) == list(desk.store.rows(table))


groups = st.lists(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.tuples(st.sampled_from(IDS), bodies), min_size=1, max_size=3)), max_size=4
    ),
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(groups)
def test_calls_that_share_a_group_leave_what_they_would_alone(history: list[Any]) -> None:
    """Whatever of them is refused, whole or in part: in the indexes too, which move once for the group."""
    with sitting() as together, sitting() as alone:
        for calls in history:
            group = [
                Call([_command(together, each) for each in some], "person:a", None, atomic) for atomic, some in calls
            ]
            results, _ = together.writer.process(group)
            for call, result in zip(group, results, strict=True):
                (apart,), _ = alone.writer.process([call])
                assert isinstance(result, Exception) == isinstance(apart, Exception)
                if isinstance(result, Receipt):
                    assert isinstance(apart, Receipt)
                    assert [outcome.seqs for outcome in result.outcomes] == [each.seqs for each in apart.outcomes]
        check_indexes(together)
        for table in ContextEngine.tables:
            if table.canonical:
                assert list(together.store.rows(table)) == list(alone.store.rows(table))


def _command(desk: Desk, given: tuple[str, tuple[str, dict[str, Any]]]) -> Command:
    id, (kind, body) = given
    if kind != "observe":
        return Command(kind, id, body)
    return Command(kind, "batch", {"rows": [[id, body["attribute"], desk.at, 1.5, None]], "as": "live"})


@settings(max_examples=30, deadline=None)
@given(histories)
def test_indexes_can_be_made_again(history: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        play(desk, history)
        desk.settle()
        stand = bool(list(desk.store.rows(ENTITY)))
        desk.store.clear(MARK)
        desk.store.clear(VALUE)
        desk.store.close()
        engine = ContextEngine()
        store = SqliteStore(Path(folder) / "quanyu.db", engine.tables, [sqlite_context.SCHEMA])
        assert reindex(store) == stand
        assert not reindex(store)
        store.close()
        desk = Desk(Path(folder))
        if stand:
            check_indexes(desk)
        desk.store.close()


def test_an_entity_made_again_in_the_group_that_deleted_it_is_another() -> None:
    with sitting() as desk:
        desk.send("entity.create", "urn:e:0", {"type": "A", "x": prop(1)})
        calls = [
            Command("entity.delete", "urn:e:0", {}),
            Command("entity.create", "urn:e:0", {"type": "A", "x": prop(2)}),
        ]
        results, _ = desk.writer.process([Call([each], "person:a") for each in calls])
        assert all(isinstance(each, Receipt) for each in results)
        assert [row[ENTITY_N] for row in desk.store.rows(ENTITY)] == [2]
        check_indexes(desk)


def test_slots_of_places_run_out_and_are_shared() -> None:

    with sitting() as desk:
        many = {f"g{n}": line(n / 10) for n in range(300)}
        desk.send("entity.create", "urn:e:0", {"type": "A", **many})
        desk.settle()
        assert len(list(desk.store.rows(PLACE))) == 256
        for name, lon in (("g0", 0.0), ("g1", 0.1), ("g270", 27.0), ("g299", 29.9)):
            near = GeoQuery("near", {"type": "Point", "coordinates": [lon, 40.0]}, name, 1000.0)
            assert len(desk.view.select(Selection(geo=near), EVERYTHING).items) == 1
            far = GeoQuery("near", {"type": "Point", "coordinates": [50, 0]}, name, 10.0)
            assert desk.view.select(Selection(geo=far), EVERYTHING).items == []


def test_many_types_of_entities_are_merged_in_order(monkeypatch: Any) -> None:

    with sitting() as desk:
        for number in range(12):
            desk.send("entity.create", f"urn:e:{number:02d}", {"type": f"T{number % 4}"})
        wanted = Selection(types=Types(AnyOf(("T0", "T1", "T3"))), limit=100)
        ordered = [f"urn:e:{number:02d}" for number in range(12) if number % 4 != 2]
        for streams in (200, 2):
            monkeypatch.setattr(kinds_module, "STREAMS_MAX", streams)
            assert [each["id"] for each in desk.view.select(wanted, EVERYTHING).items] == ordered


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-190, 190) | st.integers(-180, 180), st.floats(-95, 95)), min_size=1, max_size=60))
def test_cells_of_many_points_are_those_of_each(points: list[tuple[float, float]]) -> None:
    for geometries in (
        [{"type": "Point", "coordinates": list(each)} for each in points],
        [{"type": "Point", "coordinates": list(each)} for each in points * MANY],
        [{"type": "Point", "coordinates": list(each)} for each in points * MANY] + [line(1)["value"]],
    ):
        assert cells_of(geometries) == [cell_of(each) for each in geometries]


def test_entities_that_name_the_same_attributes_in_other_forms_are_indexed_each_in_its_own() -> None:
    forms = [
        prop(1.5),
        prop("a"),
        place(2),
        line(2),
        line(3, datasetId=SET),
        [prop(1), prop(2, datasetId=SET)],
        prop([1, 2]),
    ]
    with sitting() as desk:
        commands = [
            Command("entity.create", f"urn:e:{number}", {"type": "A", "x": forms[number % 7], "y": forms[number // 7]})
            for number in range(49)
        ]
        (receipt,), _ = desk.writer.process([Call(commands, "person:a")])
        assert isinstance(receipt, Receipt)
        check_indexes(desk)
