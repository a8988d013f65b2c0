"""The boxes in which entities lie, by GeoProperty: what a geo query starts from, besides the cells of points.

No row here is canonical.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from quanyu.engines.context.cells import Box
from quanyu.engines.context.index import GEO, MARK, New
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.geo import bounds
from quanyu.kernel.journal import State, Table
from quanyu.kernel.ngsi.members import instances

PLACE: Final = Table(
    "place",
    ("key INTEGER", "west REAL", "south REAL", "east REAL", "north REAL"),
    canonical=False,
    lags=True,
)
"""`key` is the number of the entity with the slot of the attribute in its lowest eight bits."""
SLOT: Final = Table("geo_slot", ("attribute TEXT", "slot INTEGER"), canonical=False, lags=True)
SLOT_BITS: Final = 8
SLOT_MAX: Final = 255
"""GeoProperties that came too late for a slot of their own share the last."""
PLACES: Final = (SLOT, PLACE)


def box_of(attribute: Any) -> Box | None:
    """Return the box around all instances of a GeoProperty; None for another kind."""
    box: Box | None = None
    for instance in instances(attribute):
        if instance.get("type") == "GeoProperty":
            found = _bounds(instance["value"])
            if box is not None:
                found = _around(box, found)
            box = found
    return box


def _bounds(geometry: Any) -> Box:
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        return longitude, latitude, longitude, latitude
    box = bounds(geometry)
    return box.west, box.south, box.east, box.north


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def boxes_of(document: Document) -> list[tuple[str, Box]]:
    """Return the GeoProperties of an entity with their boxes: `location` first, the others in their order."""
    found: list[tuple[str, Box]] = []
    for name, attribute in document.items():
        if attribute.__class__ is dict:
            if attribute["type"] == "GeoProperty":
                found.append((name, _bounds(attribute["value"])))
        elif attribute.__class__ is list and name not in RESERVED:
            box = box_of(attribute)
            if box is not None:
                found.append((name, box))
    if len(found) > 1:
        found.sort(key=lambda each: each[0] != "location")
    return found


def place_of(document: Document) -> Box | None:
    """Return the box of attribute `location`, or of the first GeoProperty."""
    location = document.get("location")
    if location.__class__ is dict and location["type"] == "GeoProperty":
        return _bounds(location["value"])
    boxes = boxes_of(document)
    return boxes[0][1] if boxes else None


def enter_all(state: State, entities: Iterable[New]) -> None:
    """Write the boxes of new entities."""
    rows = [(key, *box) for n, document in entities for key, box in _keyed(state, n, document).items()]
    state.put_all(PLACE, rows)


def move(state: State, n: int, old: Document, new: Document) -> None:
    """Write the boxes that moved: an index entry costs more than the document."""
    before, after = _keyed(state, n, old), _keyed(state, n, new)
    if before == after:
        return
    for key, box in after.items():
        if before.get(key) != box:
            state.put(PLACE, (key, *box))
    for key in before:
        if key not in after:
            state.delete(PLACE, key)


def _keyed(state: State, n: int, document: Document) -> dict[int, Box]:
    """Return boxes by key: slot 0 is the entity's place, every further GeoProperty has its own slot; points have none."""
    found: dict[int, Box] = {}
    for place, (name, box) in enumerate(boxes_of(document)):
        if _are_points(document[name]):
            continue
        key = n << SLOT_BITS | (_slot(state, name) if place else 0)
        found[key] = _around(found[key], box) if key in found else box
    return found


def _are_points(attribute: Any) -> bool:
    """Whether the value index holds the cells of all that an attribute says of places."""
    return not any(each["type"] == GEO and each["value"]["type"] != "Point" for each in instances(attribute))


def _slot(state: State, attribute: str) -> int:
    row = state.get(SLOT, attribute)
    if row is not None:
        return int(row[1])
    counter = state.get(MARK, "slot")
    slot = min(SLOT_MAX, counter[1] + 1 if counter else 1)
    state.put(MARK, ("slot", slot))
    state.put(SLOT, (attribute, slot))
    return slot
