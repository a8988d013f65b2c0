"""Where branches go: on from an element, past what nobody has to do, to the steps and waits where they rest.

Everything is resolved here and written into the record (tokens, waits, clocks, what was passed, values), so that the
fold knows nothing of flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from quanyu.engines.cases.office import Office
from quanyu.engines.cases.option import need_of
from quanyu.engines.cases.state import KEEP, OVERALL, CaseState, ClockState, Token, Waiting
from quanyu.kernel.errors import Conflict
from quanyu.kernel.expression import compile_expression
from quanyu.kernel.flow import Arrow, Flow, Gateway, Parameter, Step, Wait
from quanyu.kernel.journal import Body, Instant
from quanyu.kernel.time import Limit, midnight


class Course:
    """The way of one branch within one decision; `left` is the token that it starts from, None at the opening."""

    def __init__(
        self,
        office: Office,
        flow: Flow,
        case: CaseState,
        at: Instant,
        *,
        left: int | None = None,
        data: Mapping[str, Any] | None = None,
        side: bool = False,
    ) -> None:
        self.passed: list[dict[str, Any]] = []
        self.begun_at = at
        """From when the overall clock counts where this way begins it."""
        self._office, self._flow, self._case, self._at = office, flow, case, at
        self._left = left
        self._side = side or left in case.sides
        self._new = dict(data or {})
        self._tokens: list[Token] = []
        self._waits: list[Waiting] = []
        self._clocks: list[ClockState] = []
        self._joins = set(case.joins)
        self._last = case.token_last
        self._behind = ""

    def start(self) -> Course:
        """Begin at the start of the flow."""
        return self._go([(arrow.target, "") for arrow in self._flow.net.out("")])

    def enter(self, name: str) -> Course:
        """Begin at an element, as a way back, a timer or a new start does; "" is the start of the flow."""
        return self._go([(name, "")]) if name else self.start()

    def leave(self, name: str) -> Course:
        """Go on from an element along its arrows."""
        self._behind = name
        return self._go([(arrow.target, name) for arrow in self._flow.net.out(name)])

    @property
    def ends(self) -> bool:
        """Whether nothing of the main way is left: then the case has to end."""
        if self._side:
            return False
        others = self._case.main_branches - {self._left}
        return not (self._tokens or self._waits or self._joins or others)

    @property
    def steps_passed(self) -> list[str]:
        """Steps that the hub passed itself, in their order."""
        return [each["step"] for each in self.passed if "step" in each]

    def body(self) -> Body:
        """Return what the record says of the way: tokens and clocks always, all else where there is any."""
        clocks = [*self._begun_clock(), *self._clocks, *self._dated_clocks()]
        body: Body = {
            "tokens": msgspec.to_builtins(self._tokens),
            "clocks": msgspec.to_builtins(clocks),
        }
        more: Body = {
            "waits": msgspec.to_builtins(self._waits),
            "passed": self.passed,
            "stops": [clock for step in self.steps_passed for clock in stopped_by(self._flow, step)],
            "data": {name: value for name, value in self._new.items() if name in self._flow.reads},
        }
        if self._side:
            more["sides"] = [*(each.id for each in self._tokens), *(each.id for each in self._waits)]
        if (keep := self._kept_from()) is not None:
            more["keep"] = msgspec.to_builtins(keep)
        body |= {name: value for name, value in more.items() if value}
        if self._joins != set(self._case.joins):
            body["joins"] = sorted(list(each) for each in self._joins)
        return body

    def _go(self, agenda: list[tuple[str, str]]) -> Course:
        while agenda:
            name, source = agenda.pop(0)
            if name:
                agenda[:0] = self._arrive(name, source)
        return self

    def _arrive(self, name: str, source: str) -> list[tuple[str, str]]:
        """Let a branch arrive; return where it goes on at once, nothing where it rests or has to wait for others."""
        net = self._flow.net
        element, out = net.elements[name], net.out(name)
        on = [(arrow.target, name) for arrow in out]
        if isinstance(element, Step):
            if element.waits:
                self._rest(element)
                return []
            self._pass(element)
        elif isinstance(element, Wait):
            if not self._case.historical:
                self._await(element)
                return []
            # History is told in one piece: nothing wakes a case whose time is over.
            self.passed.append({"node": name})
        elif isinstance(element, Gateway) and element.kind == "exclusive" and (len(out) > 1 or out[0].when is not None):
            arrow = self._chosen(name, out)
            self.passed.append({"node": name, "to": arrow.target})
            return [(arrow.target, name)]
        elif net.is_join(name):
            self._joins.add((name, source))
            arrived = {each for join, each in self._joins if join == name}
            if len(arrived) < len(net.into(name)):
                return []
            self._joins -= {(name, each) for each in arrived}
        return on

    def _next_id(self) -> int:
        self._last += 1
        return self._last

    def _rest(self, step: Step) -> None:
        need = need_of(self._case, step.by)
        token = Token(self._next_id(), step.name, self._at, need.role, need.unit)
        self._tokens.append(token)
        self._clocks += self._office.step_clocks(self._flow, step, token.id, self._at, self._case)
        if self._case.historical:
            return
        for timer in step.boundary:
            start = self._from(timer.since) or self._at
            self._clocks.append(self._clock(f"bound.{token.id}.{timer.name}", timer.after, start))

    def _await(self, node: Wait) -> None:
        waiting = Waiting(self._next_id(), node.name, self._at)
        self._waits.append(waiting)
        self._clocks.append(self._clock(f"wait.{waiting.id}", node.until, self._from(node.since) or self._at))

    def _pass(self, step: Step) -> None:
        entry: dict[str, Any] = {"step": step.name, "kind": step.kind}
        if step.tells:
            entry["tells"] = step.tells
        for field, text in step.sets:
            value = compile_expression(text).value(self._row())
            self._new[field] = value
            entry.setdefault("sets", {})[field] = value
        self.passed.append(entry)

    def _chosen(self, name: str, out: tuple[Arrow, ...]) -> Arrow:
        """Return the first way whose guard holds, else the one without a guard; raises Conflict (case.no_way)."""
        row = self._row()
        for arrow in out:
            if arrow.when is not None and compile_expression(arrow.when).holds(row):
                return arrow
        free = next((arrow for arrow in out if arrow.when is None), None)
        if free is not None:
            return free
        guards = [arrow.when for arrow in out if arrow.when]
        unknown = sorted({each for text in guards for each in compile_expression(text).names if row.get(each) is None})
        missing = f"Not known yet: {', '.join(unknown)}. " if unknown else ""
        raise Conflict(
            f"No way leads on from {name} of flow {self._flow.name}: no guard holds.",
            code="case.no_way",
            where=f"flow {self._flow.name} node {name}",
            remedy=f"{missing}Guards: {'; '.join(guards)}.",
            guards=guards,
            unknown=unknown,
        )

    def _row(self) -> dict[str, Any]:
        figures = {each.id: float(self._case.limits[each.id][0]) for each in self._flow.figures}
        return {"severity": self._case.severity, **figures, **self._case.data, **self._new}

    def _clock(self, name: str, limit: Limit | Parameter, at: Instant) -> ClockState:
        return self._office.clock(self._flow, name, limit, at, self._case)

    def _from(self, field: str | None) -> Instant | None:
        return day_start(self._office, self._row().get(field)) if field else None

    def _begun_clock(self) -> Iterator[ClockState]:
        """Start the clock of the whole case where this way is the one that it waited for."""
        overall = self._case.find_clock(OVERALL)
        if overall is None or overall.begun or self._flow.begins not in (self._behind, *self.steps_passed):
            return
        yield self._office.overall_clock(self._flow, self.begun_at, self._case, begun=True)

    def _dated_clocks(self) -> Iterator[ClockState]:
        """Start the named clocks whose day was filled in or mended by this decision."""
        for clock in self._flow.clocks:
            if clock.since in self._new and self._case.data.get(clock.since) != self._new[clock.since]:
                start = self._from(clock.since)
                if start is not None:
                    yield self._clock(clock.name, clock.limit, start)

    def _kept_from(self) -> ClockState | None:
        """Start the time to keep where this decision filled in or mended the day from which it counts."""
        keeps = self._flow.keeps
        if keeps is None or self._new.get(keeps.since) in (None, self._case.data.get(keeps.since)):
            return None
        start = self._from(keeps.since)
        return None if start is None else self._clock(KEEP.partition(".")[0], keeps.limit, start)


def day_start(office: Office, value: Any) -> Instant | None:
    """Return the first instant of a day in the city; None where the value is no day."""
    try:
        return midnight(date.fromisoformat(value), office.calendar.zone)
    except (TypeError, ValueError):
        return None


def opening_clocks(office: Office, flow: Flow, case: CaseState, at: Instant) -> list[ClockState]:
    """Return the named clocks that run from the opening, or from a day that the case knows already."""
    made = []
    for clock in flow.clocks:
        start = at if clock.since is None else day_start(office, case.data.get(clock.since))
        if start is not None:
            made.append(office.clock(flow, clock.name, clock.limit, start, case))
    return made


def stopped_by(flow: Flow, step: str) -> list[str]:
    """Return the clocks that stop when a step is done: named ones, and the overall clock where the step keeps it."""
    return [*([OVERALL] if flow.until == step else []), *(clock.name for clock in flow.clocks if clock.until == step)]
