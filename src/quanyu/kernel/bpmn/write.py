"""A flow as a BPMN 2.0 file: nodes and arrows in the standard's words, the rest in ours, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quanyu.kernel.bpmn import words
from quanyu.kernel.bpmn.facts import flow_tags, step_tags, tag, title_tags
from quanyu.kernel.bpmn.layout import EVENT, GATEWAY, TASK, Box, Edge, Layout, Node, Point, lay_out
from quanyu.kernel.bpmn.span import LIMIT_LANGUAGE, iso_text, limit_text
from quanyu.kernel.bpmn.words import LANE, PROCESS, START
from quanyu.kernel.bpmn.xml import Tag, render
from quanyu.kernel.flow import Boundary, Call, Flow, Gateway, Parameter, Step, Wait
from quanyu.kernel.time import Limit


def timer_id(step: str, name: str) -> str:
    """Return the id of a timer on a step; no name holds a hyphen, so it is nobody else's."""
    return f"timer-{step}-{name}"


class Drawn:
    """A flow as nodes and edges with the ids that they bear in the file: one end for each arrow that ends."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.lanes = tuple(dict.fromkeys(each.by for each in flow.steps if each.by))
        self.ends: list[str] = []
        self.edges: list[Edge] = []
        self.conditions: dict[str, str] = {}
        for arrow in flow.net.arrows:
            edge = self._edge(arrow.source or START, arrow.target)
            if arrow.when is not None:
                self.conditions[edge.id] = arrow.when
        for step in flow.steps:
            for timer in step.boundary:
                self._edge(timer_id(step.name, timer.name), timer.to)

    def _edge(self, source: str, target: str) -> Edge:
        if not target:
            self.ends.append(target := f"end-{len(self.ends) + 1}")
        edge = Edge(f"flow-{len(self.edges) + 1}", source, target)
        self.edges.append(edge)
        return edge

    @property
    def nodes(self) -> Iterator[Node]:
        """Yield what is to be placed."""
        yield Node(START, EVENT)
        for step in self.flow.steps:
            yield Node(step.name, TASK, step.by or None)
        for node in self.flow.nodes:
            yield Node(node.name, {Gateway: GATEWAY, Wait: EVENT, Call: TASK}[type(node)])
        for end in self.ends:
            yield Node(end, EVENT)
        for step in self.flow.steps:
            for timer in step.boundary:
                yield Node(timer_id(step.name, timer.name), EVENT, host=step.name)

    def around(self, id: str) -> Iterator[Tag]:
        """Yield the references of a node to its arrows."""
        yield from (Tag("bpmn:incoming", text=edge.id) for edge in self.edges if edge.target == id)
        yield from (Tag("bpmn:outgoing", text=edge.id) for edge in self.edges if edge.source == id)


def write(flow: Flow, layout: Layout | None = None) -> bytes:
    """Return the file; positions are taken from `layout` where it places everything, else drawn in layers.

    Raises Invalid (bpmn.text) for a title that XML cannot hold.
    """
    drawn = Drawn(flow)
    placed = layout if layout is not None and _covers(layout, drawn) else None
    if placed is None:
        placed = lay_out(list(drawn.nodes), drawn.edges, drawn.lanes)
    process = f"{PROCESS}{flow.name}"
    participant = Tag("bpmn:participant", id=f"participant-{flow.name}", name=flow.zh, processRef=process)
    return render(
        Tag(
            "bpmn:definitions",
            Tag("bpmn:collaboration", participant, id=f"collaboration-{flow.name}"),
            Tag("bpmn:process", *_process(drawn), id=process, name=flow.zh, isExecutable="true"),
            _diagram(drawn, placed),
            xmlns__bpmn=words.MODEL,
            xmlns__bpmndi=words.DIAGRAM,
            xmlns__dc=words.CORNERS,
            xmlns__di=words.LINES,
            xmlns__xsi=words.INSTANCE,
            xmlns__quanyu=words.OURS,
            id=f"definitions-{flow.name}",
            targetNamespace=words.OURS,
            exporter="Quanyu",
        )
    )


def _covers(layout: Layout, drawn: Drawn) -> bool:
    return all(node.id in layout.boxes for node in drawn.nodes) and set(drawn.lanes) <= layout.lanes.keys()


def _facts(*tags: Tag) -> Iterator[Tag]:
    if tags:
        yield Tag("bpmn:extensionElements", *tags)


def _process(drawn: Drawn) -> Iterator[Tag]:
    flow = drawn.flow
    yield from _facts(*flow_tags(flow, arrows=bool(flow.arrows) and not flow.nodes))
    if drawn.lanes:
        yield Tag("bpmn:laneSet", *(_lane(drawn, lane) for lane in drawn.lanes), id=f"lanes-{flow.name}")
    yield Tag("bpmn:startEvent", *drawn.around(START), id=START)
    for step in flow.steps:
        yield _step(drawn, step)
    for node in flow.nodes:
        yield _node(drawn, node)
    for end in drawn.ends:
        yield Tag("bpmn:endEvent", *drawn.around(end), id=end)
    for step in flow.steps:
        for timer in step.boundary:
            yield _timer_on(drawn, step, timer)
    for edge in drawn.edges:
        yield _arrow(drawn, edge)


def _lane(drawn: Drawn, lane: str) -> Tag:
    held = [Tag("bpmn:flowNodeRef", text=step.name) for step in drawn.flow.steps if step.by == lane]
    name = words.DESK_TITLES.get(lane, lane) if lane not in drawn.flow.roles else lane
    return Tag("bpmn:lane", *_facts(tag("lane", role=lane)), *held, id=f"{LANE}{lane}", name=name)


def _step(drawn: Drawn, step: Step) -> Tag:
    facts = _facts(*step_tags(step, in_lane=bool(step.by)))
    return Tag(f"bpmn:{words.TASK_OF[step.kind]}", *facts, *drawn.around(step.name), id=step.name, name=step.zh)


def _node(drawn: Drawn, node: Gateway | Wait | Call) -> Tag:
    children = [*_facts(*title_tags(node.en)), *drawn.around(node.name)]
    names = {"id": node.name} | ({"name": node.zh} if node.zh else {})
    match node:
        case Gateway():
            default = _default(drawn, node) if node.kind == "exclusive" else {}
            return Tag(f"bpmn:{words.GATEWAY_OF[node.kind]}", *children, **names, **default)
        case Wait():
            timer = _timer(node.until, node.since)
            return Tag("bpmn:intermediateCatchEvent", *children, timer, **names)
        case Call():
            return Tag("bpmn:callActivity", *children, **names, calledElement=f"{PROCESS}{node.flow}")


def _default(drawn: Drawn, node: Gateway) -> dict[str, str]:
    leaving = [edge.id for edge in drawn.edges if edge.source == node.name]
    free = [id for id in leaving if id not in drawn.conditions]
    return {"default": free[0]} if free and len(leaving) > 1 else {}


def _timer(limit: Limit | Parameter, since: str | None) -> Tag:
    """Return a timer: ISO 8601 where it has the words, else ours, marked as such so that nobody misreads them."""
    iso = iso_text(limit)
    kind = {"xsi__type": "bpmn:tFormalExpression"}
    if since is not None:
        said = Tag("bpmn:timeDate", text=f"{limit_text(limit)} since {since}", **kind, language=LIMIT_LANGUAGE)
    elif iso is None:
        said = Tag("bpmn:timeDuration", text=limit_text(limit), **kind, language=LIMIT_LANGUAGE)
    else:
        said = Tag("bpmn:timeDuration", text=iso, **kind)
    return Tag("bpmn:timerEventDefinition", said)


def _timer_on(drawn: Drawn, step: Step, timer: Boundary) -> Tag:
    id = timer_id(step.name, timer.name)
    return Tag(
        "bpmn:boundaryEvent",
        *drawn.around(id),
        _timer(timer.after, timer.since),
        id=id,
        cancelActivity="true" if timer.interrupting else "false",
        attachedToRef=step.name,
    )


def _arrow(drawn: Drawn, edge: Edge) -> Tag:
    condition = drawn.conditions.get(edge.id)
    said = []
    if condition is not None:
        language = {"xsi__type": "bpmn:tFormalExpression", "language": words.EXPRESSION}
        said = [Tag("bpmn:conditionExpression", text=condition, **language)]
    return Tag("bpmn:sequenceFlow", *said, id=edge.id, sourceRef=edge.source, targetRef=edge.target)


def _diagram(drawn: Drawn, layout: Layout) -> Tag:
    name = drawn.flow.name
    shapes = [_shape(f"participant-{name}", layout.pool, isHorizontal="true")]
    shapes += [_shape(f"{LANE}{lane}", layout.lanes[lane], isHorizontal="true") for lane in drawn.lanes]
    exclusive = {node.name for node in drawn.flow.nodes if isinstance(node, Gateway) and node.kind == "exclusive"}
    for node in drawn.nodes:
        marked = {"isMarkerVisible": "true"} if node.id in exclusive else {}
        shapes.append(_shape(node.id, layout.boxes[node.id], **marked))
    lines = [_line(edge, layout.ways.get(edge.id) or _straight(edge, layout.boxes)) for edge in drawn.edges]
    plane = Tag("bpmndi:BPMNPlane", *shapes, *lines, id=f"plane-{name}", bpmnElement=f"collaboration-{name}")
    return Tag("bpmndi:BPMNDiagram", plane, id=f"diagram-{name}")


def _straight(edge: Edge, boxes: Mapping[str, Box]) -> tuple[Point, ...]:
    return boxes[edge.source].middle, boxes[edge.target].middle


def _shape(id: str, box: Box, **marks: str) -> Tag:
    bounds = Tag("dc:Bounds", x=str(box.x), y=str(box.y), width=str(box.width), height=str(box.height))
    return Tag("bpmndi:BPMNShape", bounds, id=f"shape-{id}", bpmnElement=id, **marks)


def _line(edge: Edge, way: Sequence[Point]) -> Tag:
    corners = [Tag("di:waypoint", x=str(x), y=str(y)) for x, y in way]
    return Tag("bpmndi:BPMNEdge", *corners, id=f"edge-{edge.id}", bpmnElement=edge.id)
