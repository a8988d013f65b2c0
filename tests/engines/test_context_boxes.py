"""What lies in a box or near a point, among points and lines: as many as their coordinates say, in their order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.context import SqliteContext
from quanyu.engines.context.view import ContextView
from quanyu.kernel.geo import distance_m
from quanyu.kernel.journal import Command
from quanyu.kernel.view import EVERYTHING, Query
from tests.hubs import bare_hub

ENTITIES = 1500
"""More than are read at once."""
LINES = range(0, ENTITIES, 50)
TWICE = range(1, ENTITIES, 50)


def place(number: int, chance: random.Random) -> Any:
    longitude, latitude = 116 + chance.random(), 39 + chance.random()
    if number in LINES:
        line = [[longitude, latitude], [longitude + 0.1, latitude]]
        return {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": line}}
    point = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}
    if number in TWICE:
        far = {"type": "Point", "coordinates": [longitude + 0.1, latitude]}
        return [point, {"type": "GeoProperty", "value": far, "datasetId": "urn:ngsi-ld:Dataset:far"}]
    return point


def positions(attribute: Any) -> list[list[float]]:
    values = [each["value"] for each in (attribute if isinstance(attribute, list) else [attribute])]
    return [
        position
        for value in values
        for position in (value["coordinates"] if value["type"] == "LineString" else [value["coordinates"]])
    ]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ContextView, dict[str, Any]]]:
    chance = random.Random(4)
    places = {f"urn:ngsi-ld:Lamp:{number:04d}": place(number, chance) for number in range(ENTITIES)}
    home: Path = tmp_path_factory.mktemp("boxes")
    with bare_hub(home) as hub:
        made = [Command("entity.create", id, {"type": "Lamp", "location": each}) for id, each in places.items()]
        hub.commit_blocking(made, "system:test")
        yield ContextView(SqliteContext(hub.store.connection)), places  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [0.01, 0.2, 0.5, 1.2])
def test_a_box_holds_what_lies_in_it_in_order(city: tuple[ContextView, dict[str, Any]], size: float) -> None:
    view, places = city
    chance = random.Random(size)
    for _ in range(5):
        west, south = 116 + chance.random() * (1 - size), 39 + chance.random() * (1 - size)
        box = west, south, west + size, south + size
        found = [each["id"] for each in view.query(Query(box=box, limit=10_000), EVERYTHING).items]
        said = []
        for id, attribute in places.items():
            (first, latitude), (last, _) = positions(attribute)[0], positions(attribute)[-1]
            if first <= box[2] and last >= box[0] and box[1] <= latitude <= box[3]:
                said.append(id)
        assert found == said


def test_a_point_on_the_edge_of_a_box_lies_in_it(city: tuple[ContextView, dict[str, Any]]) -> None:
    view, places = city
    longitude, latitude = positions(places["urn:ngsi-ld:Lamp:0002"])[0]
    for box in (
        (longitude, latitude, longitude, latitude),
        (longitude, latitude, longitude + 1e-9, latitude + 1e-9),
        (longitude - 1e-9, latitude - 1e-9, longitude, latitude),
    ):
        assert [each["id"] for each in view.query(Query(box=box), EVERYTHING).items] == ["urn:ngsi-ld:Lamp:0002"]


@pytest.mark.parametrize("metres", [500, 20_000, 200_000])
def test_near_is_a_distance_from_points(city: tuple[ContextView, dict[str, Any]], metres: float) -> None:
    view, places = city
    near = (116.5, 39.5)
    found = [each["id"] for each in view.query(Query(near=(*near, metres), limit=10_000), EVERYTHING).items]
    points = {id: each for id, each in places.items() if len(positions(each)) == 1}
    said = [id for id, each in points.items() if distance_m(near, tuple(positions(each)[0])) <= metres]  # type: ignore[arg-type]
    assert [id for id in found if id in points] == said


def test_pages_of_a_box_follow_one_another(city: tuple[ContextView, dict[str, Any]]) -> None:
    view, places = city
    after, found = None, list[str]()
    while True:
        page = view.query(Query(box=(115, 38, 118, 41), limit=70, after=after), EVERYTHING)
        found += [each["id"] for each in page.items]
        after = page.after
        if after is None:
            break
    assert found == list(places)
