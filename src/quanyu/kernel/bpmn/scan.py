"""What a file holds: the process that counts, its nodes and arrows, what is not supported and what was read past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from quanyu.kernel.bpmn.words import CHILDREN, DEFINITIONS, DIAGRAM, INSTANCE, MODEL, NODES, NOTES, OURS
from quanyu.kernel.bpmn.xml import Element, parse
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.flow import ARROWS_MAX, ELEMENTS_MAX

SUPPORTED: Final = (
    "Use start and end events, user, manual, receive, service, send and business-rule tasks, exclusive and parallel "
    "gateways, timer events, call activities, lanes and sequence flows."
)
NODES_MAX: Final = 2 * ELEMENTS_MAX
"""Nodes of a process, events counted: what a flow may hold, and as many starts, ends and timers."""
LISTED_MAX: Final = 50
"""Elements that the text of an error names; its details hold all."""


class Remark(msgspec.Struct, frozen=True):
    """An element of a file that somebody should know of: `id` and `name` as they stand there."""

    element: str
    id: str
    name: str
    line: int

    def __str__(self) -> str:
        said = " ".join(part for part in (self.element, self.id and f"id {self.id}", self.name and f"“{self.name}”")
                        if part)  # fmt: skip
        return f"{said} in line {self.line}"


class Inventory:
    """A process taken apart; every reference in it leads somewhere."""

    def __init__(self, process: Element, definitions: Element, left_out: list[Remark]) -> None:
        self.process = process
        self.definitions = definitions
        self.left_out = left_out
        self.nodes = {each.get("id"): each for each in process.of(MODEL, *NODES)}
        self.arrows = {each.get("id"): each for each in process.of(MODEL, "sequenceFlow")}
        self.lanes: dict[str, Element] = {}
        self.lane_order: list[Element] = []
        for lane_set in process.of(MODEL, "laneSet"):
            self._lanes(lane_set)
        self.participant = next(
            (each for pool in definitions.of(MODEL, "collaboration") for each in pool.of(MODEL, "participant")
             if _local(each.get("processRef")) == process.get("id")),
            None,
        )  # fmt: skip

    def _lanes(self, lane_set: Element) -> None:
        for lane in lane_set.of(MODEL, "lane"):
            inner = lane.find(MODEL, "childLaneSet")
            if inner is None:
                self.lane_order.append(lane)
            for reference in lane.of(MODEL, "flowNodeRef"):
                self.lanes[_local(reference.text)] = lane
            if inner is not None:
                self._lanes(inner)

    def leaving(self, id: str) -> list[Element]:
        """Return the arrows out of a node, in the order of the file."""
        return [each for each in self.arrows.values() if _local(each.get("sourceRef")) == id]

    def facts(self, element: Element) -> Iterator[Element]:
        """Yield the elements of our own namespace that an element carries."""
        return facts_of(element)


def _local(reference: str) -> str:
    """Return the id of a reference, which may be written with a prefix."""
    return reference.strip().rpartition(":")[2]


local = _local


def facts_of(element: Element) -> Iterator[Element]:
    """Yield the elements of our own namespace that an element carries."""
    extension = element.find(MODEL, "extensionElements")
    return iter(()) if extension is None else extension.of(OURS)


def place(element: Element) -> str:
    """Return where an element is, for errors."""
    id = element.get("id")
    return f"line {element.line}, {element.name}{f' {id}' if id else ''}"


def refuse(element: Element, why: str, code: str, remedy: str) -> Invalid:
    """Return the error about an element: which, in which line."""
    named = f"{element.name[0].upper()}{element.name[1:]} {element.get('id') or '(without id)'}"
    return Invalid(f"{named} in line {element.line} {why}.", code=f"bpmn.{code}", where=place(element), remedy=remedy)


def scan(content: bytes) -> Inventory:
    """Take a file apart; raises Invalid (bpmn.…) or Unsupported with every element that the hub does not know."""
    root = parse(content)
    if root.space != MODEL or root.name != "definitions":
        raise Invalid(
            f"File holds {root.name[:60]!r}, not BPMN 2.0 definitions.",
            code="bpmn.not_bpmn",
            where=f"line {root.line}",
            remedy="Export the drawing as BPMN 2.0 XML.",
        )
    left_out: list[Remark] = []
    process = _process(root, left_out)
    unsupported = [*_unsupported(root, process, left_out)]
    if unsupported:
        raise _not_supported(unsupported)
    _check_ids(root)
    _check_size(process)
    found = Inventory(process, root, left_out)
    _check_references(found)
    return found


def _process(root: Element, left_out: list[Remark]) -> Element:
    processes = list(root.of(MODEL, "process"))
    running = [each for each in processes if each.get("isExecutable") in ("true", "1")]
    drawn = [each for each in processes if next(each.of(MODEL, *NODES), None) is not None]
    chosen = processes if len(processes) == 1 else running if len(running) == 1 else drawn
    if len(chosen) != 1:
        lines = ", ".join(str(each.line) for each in processes)
        raise Invalid(
            f"File holds {len(processes)} processes, {len(running)} of them executable"
            f"{f': lines {lines}' if lines else ''}.",
            code="bpmn.processes",
            where=place(processes[0] if processes else root),
            remedy="Mark the one that the hub shall run with isExecutable=true; other pools are only looked at.",
        )
    left_out += [_remark(each) for each in processes if each is not chosen[0]]
    return chosen[0]


def _remark(element: Element, parent: Element | None = None, element_name: str = "") -> Remark:
    owner = element if element.get("id") or parent is None else parent
    return Remark(element_name or element.name, owner.get("id"), element.get("name") or owner.get("name"), element.line)


def _unsupported(element: Element, process: Element, left_out: list[Remark]) -> Iterator[Remark]:
    """Yield what stands where nothing of the kind may stand, depth first, in the order of the file."""
    known = CHILDREN.get(element.name, frozenset())
    if element.get("isForCompensation") in ("true", "1"):
        yield _remark(element, None, f"{element.name} for compensation")
    left_out += [_remark(element, None, f"{name} of {element.name}") for name in element.attributes if name[0] == "{"
                 and not name.startswith((f"{{{INSTANCE}}}", f"{{{OURS}}}"))]  # fmt: skip
    for child in element.children:
        if child.space == DIAGRAM:
            continue
        if child.space == MODEL and child.name == "extensionElements":
            left_out += [_remark(each, element) for each in child.children if each.space != OURS]
        elif child.space == MODEL and (child.name in NOTES or child.name == "messageFlow"):
            left_out.append(_remark(child, element))
        elif child.space == MODEL and child.name in known:
            if child.name in DEFINITIONS:
                left_out.append(_remark(child, element))
            elif child.name != "participant" and (child.name != "process" or child is process):
                yield from _unsupported(child, process, left_out)
        else:
            what = child.name if child.space == MODEL else f"{{{child.space}}}{child.name}"
            at = f"{what} in {element.name}" if element.name not in ("process", "definitions") else what
            yield _remark(child, element, at)


def _not_supported(unsupported: list[Remark]) -> Unsupported:
    listed = "; ".join(str(each) for each in unsupported[:LISTED_MAX])
    more = len(unsupported) - LISTED_MAX
    plain = any(each.element == "task" for each in unsupported)
    return Unsupported(
        f"Drawing holds {len(unsupported)} elements that the hub does not run: {listed}"
        f"{f'; and {more} more' if more > 0 else ''}.",
        code="bpmn.unsupported",
        where=f"line {unsupported[0].line}",
        remedy=f"{'Say of each plain task what it is. ' if plain else ''}{SUPPORTED}",
        elements=[msgspec.to_builtins(each) for each in unsupported],
    )


def _check_size(process: Element) -> None:
    nodes, arrows = (sum(1 for _ in process.of(MODEL, *names)) for names in (NODES, ("sequenceFlow",)))
    if nodes > NODES_MAX or arrows > ARROWS_MAX:
        raise refuse(
            process,
            f"has {nodes} elements and {arrows} arrows",
            "too_big",
            f"Keep to {NODES_MAX} elements and {ARROWS_MAX} arrows; call other flows for the rest.",
        )


def _check_ids(root: Element) -> None:
    seen: dict[str, Element] = {}
    rest = [root]
    while rest:
        element = rest.pop()
        id = element.attributes.get("id")
        if element.space in (MODEL, DIAGRAM):
            if id is not None and id in seen:
                raise refuse(
                    element, f"has the id of {place(seen[id])}", "id_twice", "Give each element an id of its own."
                )
            if id is not None:
                seen[id] = element
            rest += element.children[::-1]


def _check_references(found: Inventory) -> None:
    """Refuse arrows, lanes and events that lead to nothing in this process."""
    for element in (*found.nodes.values(), *found.arrows.values()):
        if not element.get("id"):
            raise refuse(element, "has no id", "id_missing", "Give each element an id.")
    known: dict[str, object] = {**found.nodes}
    arrows: dict[str, object] = {**found.arrows}
    for arrow in found.arrows.values():
        for end in ("sourceRef", "targetRef"):
            _resolve(arrow, arrow.get(end), end, known)
    for node in found.nodes.values():
        for child in node.of(MODEL, "incoming", "outgoing"):
            _resolve(node, child.text, child.name, arrows)
        if node.get("default"):
            _resolve(node, node.get("default"), "default", arrows)
        if node.name == "boundaryEvent":
            _resolve(node, node.get("attachedToRef"), "attachedToRef", known)
    for id, lane in found.lanes.items():
        _resolve(lane, id, "flowNodeRef", known)


def _resolve(element: Element, reference: str, word: str, known: dict[str, object]) -> None:
    if _local(reference) not in known:
        raise refuse(
            element,
            f"refers by {word} to {reference.strip()[:80]!r}, which the process does not hold",
            "dangling",
            "Draw the arrow anew, or remove what refers to nothing.",
        )
