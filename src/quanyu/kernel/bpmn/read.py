"""A BPMN 2.0 file as a flow: ours comes back as it was written, a plain one with what had to be assumed, said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from quanyu.kernel.bpmn import plain, words
from quanyu.kernel.bpmn.facts import (
    Facts,
    flag_of,
    limit_of,
    number_of,
    read_clocks,
    read_extension,
    read_figures,
    read_keeping,
    read_parts,
    read_step,
)
from quanyu.kernel.bpmn.layout import Layout
from quanyu.kernel.bpmn.names import lane_role, name_nodes, pool_role, process_name
from quanyu.kernel.bpmn.picture import read_layout
from quanyu.kernel.bpmn.scan import Inventory, Remark, local, place, refuse, scan
from quanyu.kernel.bpmn.span import LIMIT_LANGUAGE, read_iso, read_limit
from quanyu.kernel.bpmn.words import MODEL, PROCESS, START
from quanyu.kernel.bpmn.write import timer_id
from quanyu.kernel.bpmn.xml import Element
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.expression import Expression
from quanyu.kernel.flow import (
    APPLICANT,
    DESK_ROLES,
    STEP_TITLES,
    Arrow,
    Boundary,
    Call,
    Flow,
    Gateway,
    Parameter,
    Step,
    Wait,
    flow,
)
from quanyu.kernel.time import Limit

_SINCE: Final = " since "
_HEAD: Final = ("flow", "role", "clock", "figure")
_STEP: Final = ("step", "may", "evidence", "outcome", "field", "sets")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the importer says for a drawing that does not: `roles` by the name or id of a lane."""

    name: str | None = None
    case: str | None = None
    overall: Limit | Parameter | None = None
    roles: Mapping[str, str] = {}


class Assumed(msgspec.Struct, frozen=True):
    """Something that a plain drawing did not say and the hub took: `value` for the element of this id."""

    what: Literal["name", "case", "role", "outcome", "field"]
    element: str
    value: str
    line: int


class Drawing(msgspec.Struct, frozen=True):
    """A flow as it was drawn: what was read past, what was assumed, and where everything stands in the picture."""

    flow: Flow
    left_out: tuple[Remark, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    layout: Layout | None = None


def read(content: bytes, given: Given | None = None) -> Flow:
    """Return the flow of a file; raises what `read_drawing` raises."""
    return read_drawing(content, given).flow


def read_drawing(content: bytes, given: Given | None = None) -> Drawing:
    """Return the flow of a file with its picture; raises Invalid or Unsupported with line and element, never half a flow."""
    return _Reader(scan(content), given or Given()).read()


class _Reader:
    """One file while it is read."""

    def __init__(self, found: Inventory, given: Given) -> None:
        self.found, self.given = found, given
        self.facts = Facts(found.process, *_HEAD)
        self.head = self.facts.get("flow")
        self.assumed: list[Assumed] = []
        inner = {id: each for id, each in found.nodes.items() if each.name not in words.EVENTS[:2]}
        elements = {id: each for id, each in inner.items() if each.name != "boundaryEvent"}
        self.names = name_nodes(elements, ours=self.head is not None)
        self.ids = {name: id for id, name in self.names.items()}
        self.roles: dict[str, str] = {fact.get("name"): fact.get("unit") for fact in self.facts.all("role")}
        self.bands: dict[str, Element] = {}
        self.own: set[str] = set()

    def read(self) -> Drawing:
        self._check_head()
        start = self._start()
        arrows = self._arrows(start)
        elements = [self.found.nodes[id] for id in self.names]
        steps = [self._step(each) for each in elements if each.name in words.TASKS]
        nodes = [self._node(each) for each in elements if each.name not in words.TASKS]
        if len(self.own) < len(steps):
            order = plain.order(arrows, steps)
            steps = sorted(steps, key=lambda step: order.get(step.name, len(order)))
            steps = self._completed(steps, nodes, arrows)
        made = self._made(steps, nodes, arrows)
        layout = read_layout(self.found, made, {START: start.get("id"), **self.ids}, self.bands)
        return Drawing(made, tuple(self.found.left_out), tuple(self.assumed), layout)

    def _check_head(self) -> None:
        if self.head is None and self.given.overall is None:
            raise refuse(
                self.found.process,
                "says nowhere within what time a case has to end",
                "overall",
                "State it: --overall '5 working days' or --overall parameter:ID; no limit is assumed.",
            )

    def _assume(self, what: Any, element: Element, value: str) -> str:
        self.assumed.append(Assumed(what, element.get("id"), value, element.line))
        return value

    def _start(self) -> Element:
        starts = [each for each in self.found.nodes.values() if each.name == "startEvent"]
        if len(starts) != 1:
            where = f": lines {', '.join(str(each.line) for each in starts)}" if starts else ""
            raise refuse(self.found.process, f"has {len(starts)} start events{where}", "start", "Draw one start event.")
        return starts[0]

    def _arrows(self, start: Element) -> list[Arrow]:
        """Return the arrows between elements, in the order of the file; those of timers belong to their steps."""
        defaults = {local(node.get("default")) for node in self.found.nodes.values() if node.get("default")}
        found = []
        for id, arrow in self.found.arrows.items():
            source, target = (self.found.nodes[local(arrow.get(end))] for end in ("sourceRef", "targetRef"))
            if source.name == "endEvent" or target.name in ("startEvent", "boundaryEvent"):
                raise refuse(arrow, f"leads from {place(source)} to {place(target)}", "arrow", "Turn it round.")
            when = self._condition(arrow)
            if id in defaults and when is not None:
                raise refuse(arrow, "is the default way and has a condition", "default", "Remove one of the two.")
            if source.name == "boundaryEvent":
                if when is not None:
                    raise refuse(arrow, "has a condition behind a timer", "arrow", "Put an exclusive gateway there.")
                continue
            found.append(Arrow("" if source is start else self.names[source.get("id")], self._target(target), when))
        return found

    def _target(self, target: Element) -> str:
        return "" if target.name == "endEvent" else self.names[target.get("id")]

    def _condition(self, arrow: Element) -> str | None:
        said = arrow.find(MODEL, "conditionExpression")
        if said is None:
            return None
        language = said.get("language")
        if language not in ("", words.EXPRESSION):
            raise refuse(
                arrow,
                f"has a condition in the language {language[:80]}",
                "language",
                "Write it as an expression of the hub: severity == 'red' and not passed.",
            )
        text = said.text if language else said.text.strip()
        Expression(text, place(said) if said.get("id") else place(arrow))
        return text

    def _step(self, element: Element) -> Step:
        facts = Facts(element, *_STEP)
        own = facts.get("step")
        name, kind = self.names[element.get("id")], words.TASKS[element.name]
        title = element.get("name")
        if own is not None:
            self.own.add(name)
        zh, en = (title, own.get("en")) if own is not None else self._titles(name, title)
        by = self._by(element, own, waits=kind in words.WAITING)
        parts = read_parts(facts) | (read_step(own) if own is not None else {})
        boundary = tuple(self._timers(element))
        return Step(name=name, by=by, zh=zh, en=en, kind=kind, boundary=boundary, **parts)  # type: ignore[arg-type]

    def _titles(self, name: str, title: str) -> tuple[str, str]:
        said = title.strip()
        return (said, said) if said else STEP_TITLES.get(name, (name, name))

    def _by(self, element: Element, own: Element | None, *, waits: bool) -> str:
        lane = self.found.lanes.get(element.get("id"))
        if lane is not None:
            role = self._role(lane, lane_role(lane, self.given.roles, self.roles))
            self.bands.setdefault(role, lane)
            return role
        if own is not None and "by" in own.attributes:
            return own.get("by")
        if not waits:
            return ""
        return self._role(self.found.process, pool_role(self.found, self.given.roles, self.roles))

    def _role(self, element: Element, role: str) -> str:
        if role not in self.roles and role not in DESK_ROLES and role != APPLICANT:
            self.roles[role] = ""
            self._assume("role", element, role)
        return role

    def _timers(self, step: Element) -> Iterator[Boundary]:
        name = self.names[step.get("id")]
        for id, event in self.found.nodes.items():
            if event.name != "boundaryEvent" or local(event.get("attachedToRef")) != step.get("id"):
                continue
            leaving = self.found.leaving(id)
            if len(leaving) != 1:
                raise refuse(event, f"has {len(leaving)} arrows out", "timer", "Let one arrow leave the timer.")
            after, since = self._timer(event)
            target = self._target(self.found.nodes[local(leaving[0].get("targetRef"))])
            own = id.removeprefix(f"timer-{name}-")
            made = next(iter(name_nodes([own], ours=self.head is not None and own != id).values()))
            self.ids[timer_id(name, made)] = id
            yield Boundary(made, after, target, event.get("cancelActivity", "true") in ("true", "1"), since)

    def _timer(self, event: Element) -> tuple[Limit | Parameter, str | None]:
        """Return how long a timer runs and from what day; None is from its own start."""
        timers = list(event.of(MODEL, "timerEventDefinition"))
        said = [each for timer in timers for each in timer.of(MODEL, "timeDuration", "timeDate")]
        if len(timers) != 1 or len(said) != 1:
            raise refuse(event, "does not say once how long it waits", "timer", "Give it one timer with a duration.")
        text, where = said[0].text.strip(), place(event)
        if said[0].get("language") == LIMIT_LANGUAGE:
            limit, _, since = text.partition(_SINCE)
            return read_limit(limit, where), since or None
        if said[0].name == "timeDate":
            raise refuse(
                event,
                f"waits for the date {text[:40]!r}, which would be over for every later case",
                "timer",
                f"Count from a date field: language={LIMIT_LANGUAGE} and '3 working days since FIELD'.",
            )
        return read_iso(text, where), None

    def _node(self, element: Element) -> Gateway | Wait | Call:
        name, zh = self.names[element.get("id")], element.get("name")
        title = Facts(element, "title").get("title")
        en = title.get("en") if title is not None else ("" if self.head is not None else zh)
        if element.name in words.GATEWAYS:
            return Gateway(name, words.GATEWAYS[element.name], zh, en)  # type: ignore[arg-type]
        if element.name == "intermediateCatchEvent":
            until, since = self._timer(element)
            return Wait(name, until, since, zh, en)
        called = local(element.get("calledElement"))
        if not called:
            raise refuse(element, "calls nothing", "call", "Name the process of the flow that it calls.")
        return Call(name, plain.called(called, PROCESS), zh, en)

    def _completed(self, steps: list[Step], nodes: list[Any], arrows: list[Arrow]) -> list[Step]:
        """Give steps that others drew what a flow cannot do without, and say so."""
        finished = []
        asked = plain.fields(steps, nodes, arrows)
        ending = plain.ending(steps, nodes, arrows)
        for step in steps:
            element = self.found.nodes[self.ids[step.name]]
            if step.name not in self.own:
                fields = (*step.fields, *asked.get(step.name, ()))
                outcome = step.outcome or (plain.ENDINGS if step.name in ending else ())
                for field in asked.get(step.name, ()):
                    self._assume("field", element, f"{field.name}: {field.kind}")
                if outcome and not step.outcome:
                    self._assume("outcome", element, ", ".join(each.word for each in outcome))
                step = msgspec.structs.replace(step, fields=fields, outcome=outcome)
            finished.append(step)
        return finished

    def _made(self, steps: list[Step], nodes: list[Any], arrows: list[Arrow]) -> Flow:
        head, given, process = self.head, self.given, self.found.process
        name = given.name or (head.get("name") if head is not None else "")
        name = name or self._assume("name", process, process_name(process))
        case = given.case or (head.get("case") if head is not None else "") or self._assume("case", process, name)
        pool = self.found.participant
        zh = process.get("name") or (pool.get("name") if pool is not None else "") or name
        drawn = head is not None and head.get("arrows") == "drawn"
        made: dict[str, Any] = {"zh": zh, "en": zh, "overall": given.overall}
        if head is not None:
            made |= {"en": head.get("en") or zh, "overall": given.overall or limit_of(head, "overall")}
            made |= {"amber": number_of(head, "amber", float, 0.7), "red": number_of(head, "red", float, 0.9)}
            made |= {"escalate": head.attributes.get("escalate"), "confirm": limit_of(head, "confirm")}
            made |= {"extend": read_extension(head), "keeps": read_keeping(head), "until": head.attributes.get("until")}
            made["private"] = "private" in head.attributes and flag_of(head, "private")
            made |= {name: head.attributes.get(name) for name in ("begins", "deemed")}
            made |= {"escalate_after": limit_of(head, "escalateAfter"), "clocks": read_clocks(self.facts)}
            made["figures"] = read_figures(self.facts)
        if made["overall"] is None:
            raise refuse(process, "has no overall limit", "overall", "Say overall= in quanyu:flow, or give --overall.")
        steps, arrows = plain.in_line(steps, nodes, arrows) if not drawn else (steps, arrows)
        try:
            return flow(name, case=case, roles=self.roles, steps=steps, nodes=nodes, arrows=arrows, **made)
        except QuanyuError as fault:
            raise self._placed(fault) from fault

    def _placed(self, fault: QuanyuError) -> QuanyuError:
        """Say in which line the element stands that a flow refuses."""
        said = set(plain.WORD.findall(fault.where or "")) | set(plain.WORD.findall(fault.message))
        lines = sorted({self.found.nodes[id].line for name, id in self.ids.items() if name in said})
        listed = ", ".join(str(line) for line in lines) or str(self.found.process.line)
        fault.where = f"line {listed}{f': {fault.where}' if fault.where else ''}"
        return fault
