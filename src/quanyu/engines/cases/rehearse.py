"""A flow or a limit over the cases of the past: which would have been due when, and which late, before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from quanyu.engines.cases.migrating import preview
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.state import CaseState, ClockState, Opening
from quanyu.engines.cases.tables import serial_of
from quanyu.kernel.errors import Missing
from quanyu.kernel.flow import Flow, Parameter, Step, flow_hash
from quanyu.kernel.journal import Instant
from quanyu.kernel.time import Limit, parse_limit

EXAMPLES_MAX: Final = 50

Case = tuple[str, Opening, CaseState]


class Lights:
    """Counts of one version: cases that turned amber, red and late, and those whose due is unknown or stands."""

    def __init__(self) -> None:
        self.counts = {"amber": 0, "red": 0, "late": 0, "unknown": 0}

    def see(self, clock: ClockState, end: Instant) -> bool:
        """Count a clock as it stood when its case ended, or now; say whether it was late."""
        if clock.due is None:
            self.counts["unknown"] += 1
            return False
        late = end > clock.due
        self.counts["late"] += late
        self.counts["red"] += clock.red is not None and end >= clock.red
        self.counts["amber"] += clock.amber is not None and end >= clock.amber
        return late


class FlowRehearsal:
    """One flow under two laws: `see` each case of the past, then ask for the outcome.

    The clock of the whole case is counted again, with its pauses and what was added to it, under the limit of each law;
    a step's from the end of the step before it, pauses left aside. `now` ends what is still open. `version_of` gives the
    flow that a case pinned: then it is asked, too, which open cases could move to the new version as they stand.
    """

    def __init__(
        self,
        before: tuple[Office, Flow | None],
        after: tuple[Office, Flow | None],
        now: Instant,
        version_of: Callable[[str], Flow] | None = None,
    ) -> None:
        self._offices = (before[0], after[0])
        self._flows = (before[1], after[1])
        self.now = now
        self.cases = self.open = 0
        self._lights = (Lights(), Lights())
        self._turned: dict[str, list[str]] = {"turned_late": [], "no_longer_late": []}
        self._moved = 0
        self._examples: list[dict[str, Any]] = []
        self._version_of = version_of
        self._moves: dict[str, int] = {"can": 0, "cannot": 0}
        self._obstacles: dict[str, dict[str, Any]] = {}
        self._standing: dict[str, int] = {}
        self._steps: dict[str, list[int]] = {}

    def see(self, case: Case) -> None:
        """Judge one case under both laws."""
        id, head, state = case
        if not state.overall.begun:
            # A draft that nobody handed in: no limit has begun yet.
            return
        self.cases += 1
        # A historical case is judged at the instant up to which it is known.
        now = state.seen_at if state.historical else self.now
        # The limit is kept, or missed, at the step that stops the clock: mostly the last.
        end = state.overall.stopped if state.overall.stopped is not None else now
        if state.closed_at is None:
            self.open += 1
            for token in state.tokens:
                self._standing[token.step] = self._standing.get(token.step, 0) + 1
            self._move(case)
        clocks = [self._overall(law, head, state) for law in (0, 1)]
        late = [lights.see(clock, end) for lights, clock in zip(self._lights, clocks, strict=True)]
        if clocks[0].due != clocks[1].due:
            self._moved += 1
            if len(self._examples) < EXAMPLES_MAX:
                due = {"before_at": clocks[0].due, "after_at": clocks[1].due}
                self._examples.append({"case": id, "opened_at": state.opened_at, "ended_at": state.closed_at, **due})
        if late[0] != late[1]:
            found = self._turned["turned_late" if late[1] else "no_longer_late"]
            found.append(id)
        for law in (0, 1):
            self._walk(law, head, state)

    def outcome(self) -> dict[str, Any]:
        """Return the counts of both laws, the cases whose fate changes, and the steps that come or go."""
        names = [[step.name for step in flow.steps] if flow else [] for flow in self._flows]
        flow = self._flows[1] or self._flows[0]
        assert flow is not None, "a replay of a flow knows it before or after"
        before, after = (lights.counts for lights in self._lights)
        turned = {name: {"count": len(ids), "examples": ids[:EXAMPLES_MAX]} for name, ids in self._turned.items()}
        return {
            "flow": flow.name,
            "title": flow.title,
            "cases": self.cases,
            "open": self.open,
            "due_moved": {"count": self._moved, "examples": self._examples},
            **{word: {"before": before[word], "after": after[word]} for word in before},
            **turned,
            "moves": None if self._version_of is None else self._moves | {"why": list(self._obstacles.values())},
            "steps": list(self._step_rows()),
            "new_steps": [name for name in names[1] if name not in names[0]],
            "gone_steps": [
                {"step": name, "standing": self._standing.get(name, 0)} for name in names[0] if name not in names[1]
            ],
        }

    def _move(self, case: Case) -> None:
        """Ask whether an open case could go over to the new version, every element keeping its name."""
        id, head, state = case
        flow = self._flows[1]
        if self._version_of is None or flow is None:
            return
        new = (flow_hash(flow), flow)
        versions = {state.flow_hash: self._version_of(state.flow_hash)}
        [shown] = preview(self._offices[1], [(serial_of(id), state, head.category)], versions, new, {})
        why = shown["why_not"]
        self._moves["can" if why is None else "cannot"] += 1
        if why is not None:
            first = {"code": why["code"], "count": 0, "case": id, "message": why["message"], "remedy": why["remedy"]}
            self._obstacles.setdefault(why["code"], first)["count"] += 1

    def _overall(self, law: int, head: Opening, state: CaseState) -> ClockState:
        """Return the clock of the whole case under a law; without a flow or a limit there, as it is."""
        office, flow, clock = self._offices[law], self._flows[law], state.overall
        limit = None if flow is None else self._limit(office, flow, flow.overall, head, state)
        if flow is None or limit is None or clock.stands:
            return clock
        fresh = msgspec.structs.replace(clock, limit=str(limit), stopped=None)
        return office.keeper.recount(
            fresh, amber=flow.amber, red=flow.red, escalate_after=flow.escalate_after, longer=state.longer(clock)
        )

    def _limit(
        self, office: Office, flow: Flow, limit: Limit | Parameter, head: Opening, state: CaseState
    ) -> Limit | None:
        if not isinstance(limit, Parameter):
            return limit
        try:
            pinned = office.pin(flow, state.opened_at, state.district, head.category)
        except Missing:
            return None
        return parse_limit(pinned[limit.id][0])

    def _walk(self, law: int, head: Opening, state: CaseState) -> None:
        """Count the steps that were done, and those that were late under a law's limits."""
        flow, office = self._flows[law], self._offices[law]
        if flow is None:
            return
        known: dict[str, Step] = {step.name: step for step in flow.steps}
        arrived = state.opened_at
        for done in state.done:
            step = known.get(done.step)
            if step is not None and step.within is not None:
                limit = self._limit(office, flow, step.within, head, state)
                row = self._steps.setdefault(step.name, [0, 0, 0, 0])
                row[law] += 1
                if limit is not None:
                    clock = office.keeper.start("step", limit, arrived, amber=flow.amber, red=flow.red)
                    row[2 + law] += clock.due is not None and done.at > clock.due
            arrived = done.at

    def _step_rows(self) -> Iterator[dict[str, Any]]:
        for name, (done_before, done_after, late_before, late_after) in self._steps.items():
            yield {
                "step": name,
                "limit": {"before": self._limit_words(0, name), "after": self._limit_words(1, name)},
                "done": max(done_before, done_after),
                "late": {"before": late_before, "after": late_after},
            }

    def _limit_words(self, law: int, name: str) -> str | None:
        flow = self._flows[law]
        step = next((each for each in flow.steps if each.name == name), None) if flow else None
        if step is None or step.within is None:
            return None
        return step.within.id if isinstance(step.within, Parameter) else str(step.within)
