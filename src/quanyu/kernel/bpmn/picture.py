"""The picture in a file, if it shows everything: kept so that a drawing comes back as its author placed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isfinite
from typing import Final

from quanyu.kernel.bpmn.layout import Box, Layout, Point
from quanyu.kernel.bpmn.scan import Inventory, local
from quanyu.kernel.bpmn.words import CORNERS, DIAGRAM, LINES
from quanyu.kernel.bpmn.write import Drawn
from quanyu.kernel.bpmn.xml import Element
from quanyu.kernel.flow import Flow

FAR: Final = 1_000_000
"""Pixels beyond which a position is no position."""
MARGIN: Final = 30


def read_layout(found: Inventory, flow: Flow, ids: Mapping[str, str], bands: Mapping[str, Element]) -> Layout | None:
    """Return where the file shows the flow, by the ids that `write` gives; None unless it shows every element.

    `ids` are those of the file by those that `write` gives; `bands` the lanes by role.
    """
    shapes: dict[str, Box] = {}
    lines: dict[str, tuple[Point, ...]] = {}
    for diagram in found.definitions.of(DIAGRAM, "BPMNDiagram"):
        for plane in diagram.of(DIAGRAM, "BPMNPlane"):
            for each in plane.of(DIAGRAM, "BPMNShape", "BPMNEdge"):
                _see(each, shapes, lines)
    drawn = Drawn(flow)
    there, ways = dict(ids), dict[str, tuple[Point, ...]]()
    left: dict[str, list[Element]] = {}
    for arrow in found.arrows.values():
        left.setdefault(local(arrow.get("sourceRef")), []).append(arrow)
    for edge in drawn.edges:
        taken = _take(left.get(there[edge.source], []), there.get(edge.target), found)
        if taken is None:
            return None
        there[edge.target] = local(taken.get("targetRef"))
        if (way := lines.get(taken.get("id"))) is not None:
            ways[edge.id] = way
    boxes = {node.id: shapes[there[node.id]] for node in drawn.nodes if there[node.id] in shapes}
    lanes = {role: shapes[lane.get("id")] for role, lane in bands.items() if lane.get("id") in shapes}
    pool = None if found.participant is None else shapes.get(found.participant.get("id"))
    if not found.lane_order and boxes and len(drawn.lanes) < 2:
        # A drawing without lanes is one band: the pool, or whatever holds everything.
        pool = pool or _around(boxes.values())
        lanes = {role: Box(pool.x + MARGIN, pool.y, pool.width - MARGIN, pool.height) for role in drawn.lanes}
    whole = len(boxes) == sum(1 for _ in drawn.nodes) and set(drawn.lanes) <= lanes.keys()
    return Layout(pool, lanes, boxes, ways) if pool is not None and whole else None


def _take(leaving: list[Element], target: str | None, found: Inventory) -> Element | None:
    """Take the first arrow that leads to an element, or to any end."""
    for place, arrow in enumerate(leaving):
        leads_to = local(arrow.get("targetRef"))
        if found.nodes[leads_to].name == "endEvent" if target is None else leads_to == target:
            return leaving.pop(place)
    return None


def _see(each: Element, shapes: dict[str, Box], lines: dict[str, tuple[Point, ...]]) -> None:
    shown = local(each.get("bpmnElement"))
    if each.name == "BPMNShape":
        bounds = each.find(CORNERS, "Bounds")
        numbers = None if bounds is None else _numbers(bounds, "x", "y", "width", "height")
        if numbers is not None and min(numbers[2:]) > 0:
            shapes[shown] = Box(*numbers)
        return
    corners = [_numbers(corner, "x", "y") for corner in each.of(LINES, "waypoint")]
    way = tuple((corner[0], corner[1]) for corner in corners if corner is not None)
    if len(way) == len(corners) and len(way) > 1:
        lines[shown] = way


def _numbers(element: Element, *names: str) -> list[int] | None:
    try:
        numbers = [float(element.get(name)) for name in names]
    except ValueError:
        return None
    if all(isfinite(number) and abs(number) < FAR for number in numbers):
        return [round(number) for number in numbers]
    return None


def _around(boxes: Collection[Box]) -> Box:
    """Return a band around everything, for a drawing that has no pool."""
    left, top = min(box.x for box in boxes) - MARGIN, min(box.y for box in boxes) - MARGIN
    right = max(box.x + box.width for box in boxes) + MARGIN
    return Box(left - MARGIN, top, right - left + MARGIN, max(box.y + box.height for box in boxes) + MARGIN - top)
