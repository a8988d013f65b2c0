"""Sound flows made at random: blocks in blocks, so that every way that parts meets again or ends."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from quanyu.kernel.flow import (
    Arrow,
    Boundary,
    Call,
    Field,
    Flow,
    Gateway,
    Node,
    Parameter,
    Step,
    Wait,
    fixed,
    flow,
    no_action,
    step,
)  # fmt: skip
from quanyu.kernel.time import Limit, calendar_days, calendar_months, hours, minutes, working_days

CHOICES = ("a", "b", "c", "d")
AUTOMATIC = ("service", "send", "rule")
Loose = list[tuple[str, str | None]]
"""Ends of ways that lead on to whatever comes next, each with its guard."""


class Weaver:
    """Weaves one flow; `size` is about how many blocks it has. `calls` are names of flows that may stand in it.

    A flow that is to be called ends `alone`: with one branch, for what follows a call begins once. With `timers` it
    also has waits, and steps that are taken over or followed by a reminder.
    """

    def __init__(
        self, chance: Random, size: int, calls: Sequence[str] = (), alone: bool = False, timers: bool = False
    ) -> None:
        self.chance, self.left, self.calls, self.alone, self.timers = chance, size, calls, alone, timers
        self.steps: list[Step] = []
        self.nodes: list[Node] = []
        self.arrows: list[Arrow] = []

    def flow(self, name: str = "woven", **given: Any) -> Flow:
        loose = self.block([("", None)], 0)
        self.tail(loose, 0)
        made: dict[str, Any] = {"case": "matter", "overall": working_days(5)} | given
        return flow(name, steps=self.steps, nodes=self.nodes, arrows=self.arrows, **made)

    def name(self, stem: str) -> str:
        return f"{stem}{len(self.steps) + len(self.nodes) + 1}"

    def lead(self, loose: Loose, target: str) -> None:
        self.arrows += [Arrow(source, target, when) for source, when in loose]

    def add_step(self, loose: Loose, stem: str = "s", **given: Any) -> str:
        made = step(self.name(stem), **({"by": "duty"} | given))
        self.lead(loose, made.name)
        self.steps.append(made)
        return made.name

    def add_gateway(self, loose: Loose, kind: Any) -> str:
        made = Gateway(self.name("g"), kind)
        self.lead(loose, made.name)
        self.nodes.append(made)
        return made.name

    def one(self, loose: Loose) -> Loose:
        """Let several ways meet, so that what follows counts them once."""
        return loose if len(loose) == 1 and loose[0][1] is None else [(self.add_gateway(loose, "exclusive"), None)]

    def block(self, loose: Loose, depth: int) -> Loose:
        """Weave a piece with one way in and return its ways out."""
        self.left -= 1
        words = ["step", "step", "automatic"] + (["call"] if self.calls else [])
        words += ["wait", "taken_over", "reminded"] if self.timers else []
        if self.left > 0 and depth < 4:
            words += ["row", "row", "choice", "choice", "beside", "loop"]
        return list(getattr(self, self.chance.choice(words))(loose, depth))

    def step(self, loose: Loose, depth: int) -> Loose:
        kind = self.chance.choice(("user", "user", "manual", "receive"))
        return [(self.add_step(loose, kind=kind), None)]

    def automatic(self, loose: Loose, depth: int) -> Loose:
        first = self.add_step(loose)
        kind = self.chance.choice(AUTOMATIC)
        sets = {f"sum_{first}": "1 + 2"} if kind == "rule" else None
        return [(self.add_step([(first, None)], "m", by="", kind=kind, sets=sets), None)]

    def call(self, loose: Loose, depth: int) -> Loose:
        made = Call(self.name("c"), self.chance.choice(self.calls))
        self.lead(loose, made.name)
        self.nodes.append(made)
        return [(made.name, None)]

    def limit(self) -> Limit | Parameter:
        count = self.chance.randint(1, 90)
        made = (minutes(count), hours(count), calendar_days(count), calendar_months(count), working_days(count))
        return self.chance.choice((*made, Parameter("some_limit")))

    def wait(self, loose: Loose, depth: int) -> Loose:
        made = Wait(self.name("w"), self.limit(), None, self.chance.choice(("", "等待")), "")
        self.lead(loose, made.name)
        self.nodes.append(made)
        return [(self.add_step([(made.name, None)]), None)]

    def taken_over(self, loose: Loose, depth: int) -> Loose:
        """A step that a timer takes away from whoever holds it, perhaps counted from a day that it asks for."""
        name = self.name("s")
        since = f"day_{name}" if self.chance.random() < 0.5 else None
        fields = [Field(since, "date", required=False)] if since else []
        timer = Boundary("late", self.limit(), f"t_{name}", since=since)
        first = self.add_step(loose, fields=fields, boundary=[timer])
        self.steps.append(step(timer.to, by="duty"))
        return [(first, None), (timer.to, None)]

    def reminded(self, loose: Loose, depth: int) -> Loose:
        """A step with a reminder beside it, which ends by itself."""
        timer = Boundary("remind", self.limit(), f"r_{self.name('s')}", interrupting=False)
        first = self.add_step(loose, boundary=[timer])
        self.steps.append(step(timer.to, by="duty"))
        self.arrows.append(Arrow(timer.to, ""))
        return [(first, None)]

    def row(self, loose: Loose, depth: int) -> Loose:
        return self.block(self.block(loose, depth + 1), depth + 1)

    def ways(self, loose: Loose) -> list[Loose]:
        """Let a step choose among two to four ways; the last is for all other cases, or has a guard too."""
        count = self.chance.randint(2, 4)
        name = self.name("s")
        field = Field(f"way_{name}", "choice", choices=CHOICES[:count])
        gate = self.add_gateway([(self.add_step(loose, fields=[field]), None)], "exclusive")
        guards: list[str | None] = [f"way_{name} == '{each}'" for each in CHOICES[:count]]
        if self.chance.random() < 0.7:
            guards[self.chance.randrange(count)] = None
        return [[(gate, guard)] for guard in guards]

    def choice(self, loose: Loose, depth: int) -> Loose:
        out: Loose = []
        for way in self.ways(loose):
            out += way if self.chance.random() < 0.25 else self.block(way, depth + 1)
        return [(self.add_gateway(out, "exclusive"), None)] if self.chance.random() < 0.5 else out

    def beside(self, loose: Loose, depth: int) -> Loose:
        gate = self.add_gateway(self.one(loose), "parallel")
        out: Loose = []
        for _ in range(self.chance.randint(2, 3)):
            out += self.one(self.block([(gate, None)], depth + 1))
        return [(self.add_gateway(out, "parallel"), None)]

    def loop(self, loose: Loose, depth: int) -> Loose:
        entry = self.add_gateway(loose, "exclusive")
        ends = self.block([(entry, None)], depth + 1)
        name = self.name("s")
        again = self.add_step(ends, fields=[Field(f"again_{name}", "yes_no")])
        gate = self.add_gateway([(again, None)], "exclusive")
        self.arrows.append(Arrow(gate, entry, f"again_{name}"))
        return [(gate, None)]

    def tail(self, loose: Loose, depth: int) -> None:
        """End the flow: by one step, by one of several, or by several beside one another."""
        kinds = ["close", "close", "choice"] + ([] if self.alone else ["beside"])
        kind = self.chance.choice(kinds) if depth < 2 and self.left > 0 else "close"
        self.left -= 1
        if kind == "close":
            self.arrows.append(Arrow(self.add_step(loose, "e", outcome=[fixed, no_action]), ""))
        elif kind == "choice":
            for way in self.ways(loose):
                self.tail(self.block(way, 3), depth + 1)
        else:
            gate = self.add_gateway(self.one(loose), "parallel")
            for _ in range(2):
                self.tail(self.block([(gate, None)], 3), depth + 1)


def woven(seed: int, calls: Sequence[str] = (), alone: bool = False, timers: bool = False, **given: Any) -> Flow:
    """The flow of a seed."""
    chance = Random(seed)
    return Weaver(chance, chance.randint(1, 14), calls, alone, timers).flow(**given)
