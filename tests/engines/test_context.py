"""Queries on entities: type, attribute, box, near, polygon, scope, pages, masks; equal to a plain scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.assembly.hub import Hub
from quanyu.engines.context.view import ContextView
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import distance_m
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, NOTHING, Filter, Query
from tests.hubs import MORNING, bare_hub

POINTS = [(116.0 + column * 0.1, 39.5 + row * 0.1) for row in range(10) for column in range(10)]


def station(n: int) -> str:
    return f"urn:ngsi-ld:Station:{n:03d}"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with bare_hub(tmp_path_factory.mktemp("home")) as hub:
        commands = [
            Command(
                "entity.create",
                station(n),
                {
                    "type": "Station" if n % 4 else "Depot",
                    "scope": "/beijing/dongcheng" if n < 50 else "/beijing/xicheng",
                    "level": n,
                    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(POINTS[n])}},
                },
            )
            for n in range(100)
        ]
        hub.commit_blocking([*commands, Command("entity.create", "urn:ngsi-ld:Idea:1", {"type": "Idea"})], "person:a")
        batch = observations([Observation(station(n), "pm25", MORNING, float(n * 2), "GQ") for n in range(0, 100, 2)])
        hub.commit_blocking([Command("observe", "test", body_of(batch), "measured")], "person:a")
        yield hub


@pytest.fixture
def view(hub: Hub) -> ContextView:
    return ContextView(SqliteContext(hub.store.connection))  # type: ignore[attr-defined]


def ids(view: ContextView, scope: Filter = EVERYTHING, **query: Any) -> list[str]:
    return [document["id"] for document in view.query(Query(limit=1000, **query), scope).items]


def test_by_type_and_attribute(view: ContextView) -> None:
    assert len(ids(view, type="Depot")) == 25
    assert ids(view, where=(("level", ">=", 97),)) == [station(97), station(98), station(99)]
    assert ids(view, where=(("pm25", ">", 190.0),)) == [station(96), station(98)]
    assert ids(view, type="Depot", where=(("pm25", ">", 190.0),)) == [station(96)]
    assert ids(view, where=(("level", "!=", 3), ("level", "<", 5))) == [station(n) for n in (0, 1, 2, 4)]


def test_by_scope_takes_what_is_below(view: ContextView) -> None:
    assert len(ids(view, scope=EVERYTHING, type="Station")) == 75
    assert len(view.query(Query(scope="/beijing", limit=1000), EVERYTHING).items) == 100
    assert len(view.query(Query(scope="/beijing/xicheng", limit=1000), EVERYTHING).items) == 50
    assert view.query(Query(scope="/beij"), EVERYTHING).items == []


@settings(max_examples=60, deadline=None)
@given(
    st.floats(115.9, 117.1), st.floats(39.4, 40.6), st.floats(0, 0.7), st.floats(0, 0.7), st.floats(1000.0, 60_000.0)
)
def test_places_equal_a_scan(
    view_of_all: ContextView, lon: float, lat: float, wide: float, high: float, metres: float
) -> None:
    box = (lon, lat, lon + wide, lat + high)
    inside = [station(n) for n, (x, y) in enumerate(POINTS) if lon <= x <= lon + wide and lat <= y <= lat + high]
    assert ids(view_of_all, box=box) == inside
    ring = [station(n) for n, point in enumerate(POINTS) if distance_m((lon, lat), point) <= metres]
    assert ids(view_of_all, near=(lon, lat, metres)) == ring
    assert view_of_all.count(Query(near=(lon, lat, metres)), EVERYTHING) == len(ring)


@pytest.fixture(scope="module")
def view_of_all(hub: Hub) -> ContextView:
    return ContextView(SqliteContext(hub.store.connection))  # type: ignore[attr-defined]


def test_by_polygon(view: ContextView) -> None:
    triangle = {"type": "Polygon", "coordinates": [[[116.0, 39.5], [116.35, 39.5], [116.0, 39.85], [116.0, 39.5]]]}
    found = ids(view, polygon=triangle)
    assert station(11) in found
    assert station(33) not in found


def test_pages_join_up(view: ContextView) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = view.query(Query(type="Station", limit=7, after=after), EVERYTHING)
        seen += [document["id"] for document in page.items]
        if page.after is None:
            break
        after = page.after
    assert seen == ids(view, type="Station")


def test_filter_limits_every_answer(view: ContextView) -> None:
    depots = Filter(types=frozenset({"Depot"}), masked=frozenset({"level"}))
    assert len(ids(view, depots)) == 25
    assert view.count(Query(), depots) == 25
    assert view.find(station(1), depots) is None
    found = view.find(station(0), depots)
    assert found is not None
    assert "level" not in found
    assert view.types(depots) == [("Depot", 25)]
    assert ids(view, NOTHING) == []
    assert view.count(Query(), NOTHING) == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(limit=0), "query.limit"),
        (Query(after="urn:ngsi-ld:Station:001"), "query.cursor"),
        (Query(where=(("level", "~", 1),)), "query.operator"),
        (Query(where=(("le vel", "==", 1),)), "query.attribute"),
        (Query(box=(117.0, 39.0, 116.0, 40.0)), "query.box"),
        (Query(near=(116.0, 39.0, -1.0)), "query.near"),
    ],
)
def test_bad_queries_are_refused(view: ContextView, query: Query, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        view.query(query, EVERYTHING)
    assert refused.value.code == code


def test_moved_entity_is_found_at_its_new_place(tmp_path: Path) -> None:
    with bare_hub(tmp_path) as hub:
        view = ContextView(SqliteContext(hub.store.connection))  # type: ignore[attr-defined]

        def at(lon: float) -> dict[str, Any]:
            return {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 39.9]}}}

        hub.commit_blocking([Command("entity.create", station(1), {"type": "Bus", **at(116.1)})], "person:a")
        hub.commit_blocking([Command("entity.merge", station(1), at(116.5))], "person:a")
        assert ids(view, box=(116.0, 39.0, 116.2, 40.0)) == []
        assert ids(view, box=(116.4, 39.0, 116.6, 40.0)) == [station(1)]
        hub.commit_blocking([Command("entity.merge", station(1), {"location": None})], "person:a")
        assert ids(view, box=(116.4, 39.0, 116.6, 40.0)) == []
