"""The boxes in which entities lie, by GeoProperty: what a geo query starts from. No row here is canonical."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from quanyu.engines.context.index import FRESH, MARK
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.geo import bounds
from quanyu.kernel.journal import State, Table
from quanyu.kernel.ngsi.members import instances

PLACE: Final = Table(
    "place",
    ("key INTEGER", "west REAL", "south REAL", "east REAL", "north REAL"),
    canonical=False,
    deferred=FRESH,
)
"""`key` is the number of the entity with the slot of the attribute in its lowest eight bits."""
SLOT: Final = Table("geo_slot", ("attribute TEXT", "slot INTEGER"), canonical=False)
SLOT_BITS: Final = 8
SLOT_MAX: Final = 255
"""GeoProperties that came too late for a slot of their own share the last."""
PLACES: Final = (SLOT, PLACE)

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


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


def boxes_of(document: Document) -> Iterator[tuple[str, Box]]:
    """Yield the GeoProperties of an entity with their boxes: `location` first, the others in their order."""
    location = document.get("location")
    if location is not None:
        box = box_of(location)
        if box is not None:
            yield "location", box
    for name, attribute in document.items():
        if attribute.__class__ is dict:
            if attribute["type"] != "GeoProperty":
                continue
        elif attribute.__class__ is not list or name in RESERVED:
            continue
        if name != "location":
            box = box_of(attribute)
            if box is not None:
                yield name, box


def place_of(document: Document) -> Box | None:
    """Return the box of attribute `location`, or of the first GeoProperty."""
    return next((box for _, box in boxes_of(document)), None)


def enter(state: State, n: int, document: Document) -> None:
    """Write the boxes of a new entity, which is marked for its values already."""
    boxes = _keyed(state, n, document)
    if boxes:
        state.put_all(PLACE, [(key, *box) for key, box in boxes.items()])


def move(state: State, n: int, id: str, old: Document, new: Document) -> None:
    """Write the boxes that moved: an index entry costs more than the document."""
    before, after = _keyed(state, n, old), _keyed(state, n, new)
    if before == after:
        return
    state.put(FRESH, (n, id))
    for key, box in after.items():
        if before.get(key) != box:
            state.put(PLACE, (key, *box))
    for key in before:
        if key not in after:
            state.delete(PLACE, key)


def _keyed(state: State, n: int, document: Document) -> dict[int, Box]:
    """Return boxes by key: slot 0 is the entity's place, every further GeoProperty has its own slot."""
    found: dict[int, Box] = {}
    for name, box in boxes_of(document):
        key = n << SLOT_BITS | (_slot(state, name) if found else 0)
        found[key] = _around(found[key], box) if key in found else box
    return found


def _slot(state: State, attribute: str) -> int:
    row = state.get(SLOT, attribute)
    if row is not None:
        return int(row[1])
    counter = state.get(MARK, "slot")
    slot = min(SLOT_MAX, counter[1] + 1 if counter else 1)
    state.put(MARK, ("slot", slot))
    state.put(SLOT, (attribute, slot))
    return slot
