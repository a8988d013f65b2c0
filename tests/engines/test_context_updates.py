"""Updates of attributes that were read, alone and in groups: the short way comes to what the long one does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly.writer import Call
from quanyu.kernel.entity import Checked
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command, Row, Table
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.members import NULL
from quanyu.kernel.ngsi.reading import read_fragment
from tests.engines.desk import sitting

CAR = "urn:ngsi-ld:Vehicle:A1"
GPS = "urn:ngsi-ld:Dataset:gps"
T0, T1 = "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z"


def prop(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **members}


some_values = st.sampled_from([1, 2.5, True, "a", [1, 2], {"k": 1}, NULL])
some_instances = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": some_values},
    optional={"unitCode": st.just("GQ"), "observedAt": st.sampled_from([T0, "2026-03-01T10:00:00.5Z"]),
              "datasetId": st.just(GPS), "accuracy": st.sampled_from([0.5, {"type": "Property", "value": 1}])},
)  # fmt: skip
fragments = st.dictionaries(
    st.sampled_from(["brand", "speed", "temperature", "colour"]), some_instances | some_values, min_size=1
)


@settings(max_examples=60, deadline=None)
@given(fragments)
def test_an_update_as_it_was_read_comes_to_the_same(fragment: dict[str, Any]) -> None:
    try:
        read = read_fragment(fragment, CORE)
    except Invalid:
        return
    several = [prop(1), prop(2, datasetId=GPS)]
    before = {"type": "Vehicle", "brand": prop(1), "speed": prop(2, observedAt=T0), "temperature": several}
    with sitting() as one, sitting() as other:
        for desk, attributes in ((one, Checked(read)), (other, read)):
            desk.send("entity.create", CAR, before)
            desk.send("entity.update", CAR, {"attributes": attributes})
        assert one.find(CAR, sys=True) == other.find(CAR, sys=True)
        assert one.store.read(0, 10)[-1].body == other.store.read(0, 10)[-1].body


def test_what_a_group_of_updates_begins_with_is_fetched_together(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"urn:e:{number}" for number in range(3)]
    with sitting() as desk:
        for id in ids:
            desk.send("entity.create", id, {"type": "A", "x": prop(1, observedAt=T0), "x2": prop(1, observedAt=T0)})
        desk.settle()
        desk.writer.state.lost()
        asked: list[str] = []
        fetch = desk.writer.state._fetch

        def noted(table: Table, key: Any) -> Row | None:
            asked.append(table.name)
            return fetch(table, key)

        monkeypatch.setattr(desk.writer.state, "_fetch", noted)
        for name in ("x2", "x", "x"):
            body = {"attributes": {name: prop(2, observedAt=T1)}}
            _, made = desk.writer.process([Call([Command("entity.update", id, body)], "person:a") for id in ids])
            assert [record.kind for record in made] == ["observed"] * 3
        assert set(asked) <= {"last"}, "x may be within another name"
        assert [desk.find(id)["x"]["value"] for id in ids] == [2, 2, 2]
