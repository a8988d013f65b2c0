"""Who stands in an area: kept up with what is made, moved and removed, without writers doing anything for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quanyu.adapters.sqlite.atlas import SqliteAtlas
from quanyu.adapters.sqlite.store import SqliteStore
from quanyu.assembly import atlas as atlas_module
from quanyu.assembly.atlas import Atlas
from quanyu.assembly.hub import Hub
from quanyu.assembly.warning_targets import Districts, region_of
from quanyu.kernel.cap import Circle
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo.region import Region, Shape
from quanyu.kernel.journal import Command
from quanyu.kernel.warning import Target
from tests.hubs import bare_hub

AREA = Region([Shape([[(116, 39), (117, 39), (117, 41), (116, 41), (116, 39)]])])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with bare_hub(tmp_path / "home") as made:
        yield made


@pytest.fixture
def atlas(hub: Hub) -> Atlas:
    assert isinstance(hub.store, SqliteStore)
    return Atlas(SqliteAtlas(hub.store.connection, hub.store.read), {"Home": "people"})


def put(hub: Hub, id: str, kind: str, lon: float, word: str = "create", **more: Any) -> None:
    """Make an entity, or lay new values over it."""
    point = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 40]}}
    fixed = {"id": id, "type": kind} if word == "create" else {}
    document = (
        fixed | {"location": point} | {name: {"type": "Property", "value": value} for name, value in more.items()}
    )
    hub.commit_blocking([Command(f"entity.{word}", id, document)], "system:test")


def test_counts_follow_what_is_made_moved_and_removed(hub: Hub, atlas: Atlas) -> None:
    assert atlas.count(AREA).types == {}
    put(hub, "urn:ngsi-ld:Home:1", "Home", 116.5, people=120)
    put(hub, "urn:ngsi-ld:Lamp:1", "Lamp", 116.5)
    put(hub, "urn:ngsi-ld:Lamp:2", "Lamp", 118.0)
    found = atlas.count(AREA)
    assert (found.types, found.people, found.counted) == ({"Home": 1, "Lamp": 1}, 120, 1)
    put(hub, "urn:ngsi-ld:Lamp:2", "Lamp", 116.1, "merge")
    assert atlas.count(AREA).types == {"Home": 1, "Lamp": 2}
    put(hub, "urn:ngsi-ld:Lamp:1", "Lamp", 118.1, "merge")
    assert atlas.count(AREA).types == {"Home": 1, "Lamp": 1}
    hub.commit_blocking([Command("entity.delete", "urn:ngsi-ld:Home:1", {})], "system:test")
    found = atlas.count(AREA)
    assert (found.types, found.people, found.seq) == ({"Lamp": 1}, 0, hub.last_seq)


def test_lists_name_those_who_count_people(hub: Hub, atlas: Atlas) -> None:
    atlas.count(AREA)
    put(hub, "urn:ngsi-ld:Home:1", "Home", 116.5, people=120)
    put(hub, "urn:ngsi-ld:Home:2", "Home", 118.5, people=90)
    put(hub, "urn:ngsi-ld:Lamp:1", "Lamp", 116.5)
    assert [each["id"] for each in atlas.listed([AREA], 10)] == ["urn:ngsi-ld:Home:1"]


def test_shapes_other_than_points_stand_where_their_middle_is(hub: Hub, atlas: Atlas) -> None:
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[115.5, 40], [116.9, 40]]}}
    document = {"id": "urn:ngsi-ld:Road:1", "type": "Road", "location": line}
    hub.commit_blocking([Command("entity.create", "urn:ngsi-ld:Road:1", document)], "system:test")
    put(hub, "urn:ngsi-ld:Word:1", "Word", 116.2)
    hub.commit_blocking(
        [Command("entity.create", "urn:ngsi-ld:Idea:1", {"id": "urn:ngsi-ld:Idea:1", "type": "Idea"})], "system:test"
    )
    assert atlas.count(AREA).types == {"Road": 1, "Word": 1}


def test_after_very_many_changes_the_columns_are_made_anew(
    hub: Hub, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas_module, "CHANGED_MAX", 2)
    atlas.count(AREA)
    for number in range(5):
        put(hub, f"urn:ngsi-ld:Lamp:{number}", "Lamp", 116.5)
    assert atlas.count(AREA).types == {"Lamp": 5}


def test_a_target_is_its_shapes_and_the_outlines_of_its_districts() -> None:
    ring = ((116.0, 39.0), (117.0, 39.0), (117.0, 41.0), (116.0, 39.0))
    target = Target(polygons=(ring, ring[:2]), circles=(Circle((118.0, 40.0), 3.0),))
    assert not region_of(target).empty
    assert region_of(Target()).empty
    square = [[[116, 39], [117, 39], [117, 41], [116, 41], [116, 39]]]
    feature = {"properties": {"code": "110108"}, "geometry": {"type": "Polygon", "coordinates": square}}
    districts = Districts(lambda: {"features": [feature]})
    assert len(districts.regions(["110108", "110108"])) == 2
    with pytest.raises(Invalid) as caught:
        districts.regions(["999999"])
    assert caught.value.code == "warning.district"
