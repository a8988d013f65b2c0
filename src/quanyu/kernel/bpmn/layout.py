"""A picture of a flow: layers from left to right, roles as bands, the same for the same flow.

Sizes are those of common drawing tools, in pixels of the diagram interchange format (BPMN 2.0.2, chapter 12).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

TASK: Final = (100, 80)
GATEWAY: Final = (50, 50)
EVENT: Final = (36, 36)

_LEFT: Final = 160
_TOP: Final = 80
_HEADER: Final = 30
_MARGIN: Final = 50
_COLUMN: Final = 170
_ROW: Final = 130
_BUS: Final = 56
"""How far above or below the middle of a row the lines run that pass other boxes by."""
_LANES_APART: Final = 3
_SPREAD: Final = 7

Point = tuple[int, int]


class Box(msgspec.Struct, frozen=True):
    """Where a shape stands: its upper left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> Point:
        """The middle of the shape."""
        return self.x + self.width // 2, self.y + self.height // 2


class Node(msgspec.Struct, frozen=True):
    """Something to be placed; `host` is the shape on whose edge it sits."""

    id: str
    size: Point
    lane: str | None = None
    host: str | None = None


class Edge(msgspec.Struct, frozen=True):
    """A line to be drawn between two nodes."""

    id: str
    source: str
    target: str


class Layout(msgspec.Struct, frozen=True):
    """Where everything stands: shapes by id, bands from top to bottom, corners of lines by id."""

    pool: Box
    lanes: Mapping[str, Box]
    boxes: Mapping[str, Box]
    ways: Mapping[str, tuple[Point, ...]]


def lay_out(nodes: Sequence[Node], edges: Sequence[Edge], lanes: Sequence[str]) -> Layout:
    """Return a layout in layers: a node stands right of everything that leads to it, loops left aside."""
    hosts = {node.id: node.host for node in nodes if node.host is not None}
    standing = [node for node in nodes if node.host is None]
    links = [(hosts.get(edge.source) or edge.source, edge.target) for edge in edges]
    order, layers = _layers([node.id for node in standing], links)
    bands = _bands(standing, order, links, lanes)
    boxes, lane_boxes, pool = _place(standing, layers, bands, lanes)
    seats: dict[str, int] = defaultdict(int)
    for node in nodes:
        if node.host is not None:
            host = boxes[node.host]
            seats[node.host] += 1
            x = host.x + host.width - seats[node.host] * (node.size[0] + 4) + node.size[0] // 2
            boxes[node.id] = Box(x, host.y + host.height - node.size[1] // 2, *node.size)
    ways = {edge.id: _way(edge, number, boxes, hosts, layers) for number, edge in enumerate(edges)}
    return Layout(pool, lane_boxes, boxes, ways)


def _layers(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> tuple[list[str], dict[str, int]]:
    """Return the nodes in an order that follows the links, and the longest way to each, loops left aside."""
    following: dict[str, list[str]] = {id: [] for id in ids}
    for source, target in links:
        following[source].append(target)
    state: dict[str, int] = {}
    done: list[str] = []
    for root in ids:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(following[root]))]
        while stack:
            here, rest = stack[-1]
            step = next((each for each in rest if each not in state), None)
            if step is None:
                state[here] = 2
                done.append(here)
                stack.pop()
            else:
                state[step] = 1
                stack.append((step, iter(following[step])))
    order = done[::-1]
    rank = {id: place for place, id in enumerate(order)}
    layers = dict.fromkeys(order, 0)
    for here in order:
        for target in following[here]:
            if rank[target] > rank[here]:
                layers[target] = max(layers[target], layers[here] + 1)
    return order, layers


def _bands(
    nodes: Sequence[Node], order: Sequence[str], links: Sequence[tuple[str, str]], lanes: Sequence[str]
) -> dict[str, str]:
    """Return the band of each node; what has no role stands in the band of what leads to it."""
    first = lanes[0] if lanes else ""
    bands = {node.id: node.lane for node in nodes if node.lane in lanes and node.lane is not None}
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        before[target].append(source)
        after[source].append(target)
    for id in order:
        if id not in bands:
            near = [bands[each] for each in (*before[id], *after[id]) if each in bands]
            bands[id] = near[0] if near else first
    return bands


def _place(
    nodes: Sequence[Node], layers: Mapping[str, int], bands: Mapping[str, str], lanes: Sequence[str]
) -> tuple[dict[str, Box], dict[str, Box], Box]:
    cells: dict[tuple[str, int], list[Node]] = defaultdict(list)
    for node in nodes:
        cells[bands[node.id], layers[node.id]].append(node)
    left = _LEFT + (2 * _HEADER if lanes else _HEADER) + _MARGIN
    width = left - _LEFT + (max(layers.values(), default=0) + 1) * _COLUMN
    boxes: dict[str, Box] = {}
    lane_boxes: dict[str, Box] = {}
    top = _TOP
    for lane in lanes or ("",):
        rows = max((len(cell) for (band, _), cell in cells.items() if band == lane), default=1)
        for (band, layer), cell in cells.items():
            if band != lane:
                continue
            for row, node in enumerate(cell):
                x = left + layer * _COLUMN + TASK[0] // 2
                y = top + row * _ROW + _ROW // 2
                boxes[node.id] = Box(x - node.size[0] // 2, y - node.size[1] // 2, *node.size)
        if lanes:
            lane_boxes[lane] = Box(_LEFT + _HEADER, top, width - _HEADER, rows * _ROW)
        top += rows * _ROW
    return boxes, lane_boxes, Box(_LEFT, _TOP, width, top - _TOP)


def _way(
    edge: Edge, number: int, boxes: Mapping[str, Box], hosts: Mapping[str, str | None], layers: Mapping[str, int]
) -> tuple[Point, ...]:
    """Return the corners of a line: straight to a neighbour, else between the columns and along the edge of a row."""
    source, target = boxes[edge.source], boxes[edge.target]
    host = hosts.get(edge.source)
    shift = (number % _SPREAD - _SPREAD // 2) * _LANES_APART
    end = (target.x, target.middle[1])
    before = target.middle[0] - _COLUMN // 2 + shift
    if host is not None:
        below = source.y + source.height + 2 * (number % _LANES_APART + 1)
        start = (source.middle[0], source.y + source.height)
        return (start, (start[0], below), (before, below), (before, end[1]), end)
    start = (source.x + source.width, source.middle[1])
    after = source.middle[0] + _COLUMN // 2 + shift
    if layers[edge.target] == layers[edge.source] + 1:
        return (start, end) if start[1] == end[1] else (start, (after, start[1]), (after, end[1]), end)
    down = target.middle[1] > source.middle[1] or (target.middle[1] == source.middle[1] and target.x > source.x)
    bus = source.middle[1] + (_BUS if down else -_BUS)
    return (start, (after, start[1]), (after, bus), (before, bus), (before, end[1]), end)
