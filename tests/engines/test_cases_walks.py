"""Laws of branching: every flow that is let in can be walked to its end, and its records rebuild the same rows."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from quanyu.engines.cases.actions import available
from quanyu.engines.cases.state import CaseState
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    Boundary,
    Field,
    Flow,
    Gateway,
    Step,
    Wait,
    fixed,
    flow,
    flow_document,
    flow_from_document,
    flow_hash,
    no_action,
    soundness,
    step,
)
from quanyu.kernel.journal import Command
from quanyu.kernel.time import hours, working_days
from tests.engines.branching import desk_of
from tests.engines.casework import CaseDesk

SIZE = [Field("size", "number")]
ACTS_MAX = 150

Shape = Any
LEAVES = st.sampled_from(["work", "work", "work", "wait", "rule", "send", "timed", "reminded"])
SHAPES: st.SearchStrategy[Shape] = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.just("row"), st.lists(inner, min_size=1, max_size=3))
        | st.tuples(st.just("choice"), st.lists(inner, min_size=2, max_size=3))
        | st.tuples(st.just("beside"), st.lists(inner, min_size=2, max_size=3))
        | st.tuples(st.just("loop"), st.lists(inner, min_size=1, max_size=1))
    ),
    max_leaves=8,
)


class Builder:
    """Turns a shape into elements and arrows; every part is entered at one place and left at one."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.nodes: list[Any] = []
        self.arrows: list[Any] = []

    def name(self, stem: str) -> str:
        return f"{stem}_{len(self.steps) + len(self.nodes)}"

    def step(self, stem: str, **more: Any) -> str:
        self.steps.append(step(self.name(stem), **more))
        return self.steps[-1].name

    def node(self, stem: str) -> str:
        name = self.name(stem)
        kinds: dict[str, Any] = {"x": Gateway(name, "exclusive"), "p": Gateway(name, "parallel")}
        self.nodes.append(kinds.get(stem) or Wait(name, hours(3)))
        return name

    def build(self, shape: Shape) -> tuple[str, str]:
        if isinstance(shape, str):
            return self.leaf(shape)
        word, parts = shape
        ends = [self.build(part) for part in parts]
        if word == "row":
            self.arrows += [(before[1], after[0]) for before, after in pairwise(ends)]
            return ends[0][0], ends[-1][1]
        kind = "p" if word == "beside" else "x"
        first, last = self.node(kind), self.node(kind)
        if word == "loop":
            look = self.step("look", by="duty", fields=SIZE)
            self.arrows += [(first, ends[0][0]), (ends[0][1], look), (look, last), (last, first, "size > 60")]
            return first, last
        for place, (begin, end) in enumerate(ends):
            guard = () if word == "beside" or place == len(ends) - 1 else (f"size > {30 * (place + 1)}",)
            self.arrows += [(first, begin, *guard), (end, last)]
        return first, last

    def leaf(self, word: str) -> tuple[str, str]:
        if word == "wait":
            name = self.node("w")
        elif word == "rule":
            name = self.step("r", kind="rule", sets={"size": "abs(size - 50)"})
        elif word == "send":
            name = self.step("s", kind="send")
        elif word == "timed":
            merge, other = self.node("x"), self.step("o", by="duty")
            name = self.step("t", by="duty", within=hours(1), boundary=[Boundary("b", hours(2), other)])
            self.arrows += [(name, merge), (other, merge)]
            return name, merge
        elif word == "reminded":
            side = self.step("n", by="duty")
            self.arrows.append((side, ""))
            name = self.step("m", by="duty", boundary=[Boundary("b", hours(1), side, interrupting=False)])
        else:
            name = self.step("a", by="duty", fields=SIZE)
        return name, name


def built(shape: Shape, chance: random.Random | None = None) -> Flow:
    """Build the flow of a shape; with chance, one or two of its arrows go astray."""
    builder = Builder()
    begin, end = builder.build(("row", ["work", shape]))
    builder.steps.append(step("close", by="duty", outcome=[fixed, no_action]))
    arrows = [("", begin), *builder.arrows, (end, "close"), ("close", "")]
    for _ in range(chance.randrange(1, 3) if chance else 0):
        assert chance is not None
        place = chance.randrange(1, len(arrows) - 1)
        target = chance.choice([*builder.steps, *builder.nodes]).name
        arrows[place] = (arrows[place][0], target, *arrows[place][2:])
    return flow("f", case="c", steps=builder.steps, nodes=builder.nodes, arrows=arrows, overall=working_days(5))


def may_do(made: Flow, case: CaseState) -> list[str]:
    return [option.action for option in available(made, case) if option.action == option.step]


def walk(desk: CaseDesk, made: Flow, id: str, chance: random.Random, most: int = ACTS_MAX) -> CaseState:
    """Do steps and let timers fire by chance until the case ends, or for so long."""
    for _ in range(most):
        case = desk.state_of(id)
        assert desk.folded(id) == case
        if case.state == "closed":
            break
        steps, timers = may_do(made, case), desk.timers()
        assert len(steps) == len(case.tokens) == len({token.step for token in case.tokens})
        wakes = [due for due, _, name in timers if not name.startswith("overall.")]
        assert steps or wakes, f"stuck at {case.joins} of {made}"
        if not steps or (wakes and chance.random() < 0.3):
            desk.at = max(desk.at, min(due for due, _, _ in timers))
            desk.wake()
            continue
        action = chance.choice(steps)
        fields: dict[str, Any] = {}
        if made.get_step(action).fields:
            fields["size"] = chance.randrange(100)
        if made.get_step(action).back:
            fields["passed"] = chance.random() < 0.7
        if made.get_step(action).outcome and (len(case.tokens) == 1 or action == "close"):
            fields["outcome"] = "no_action"
        desk.act(id, "duty", action, fields=fields, note="by chance")
    return desk.state_of(id)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SHAPES, st.integers(0, 2**32))
def test_a_sound_flow_walks_to_its_end_and_its_records_rebuild_it(shape: Shape, seed: int) -> None:
    made = built(shape)
    assert flow_from_document(flow_document(made)) == made
    desk, chance = desk_of(made), random.Random(seed)
    ids = [desk.open(flow="f") for _ in range(2)]
    ended = [walk(desk, made, id, chance) for id in ids]
    assert desk.replayed().rows == desk.state.rows
    for case in ended:
        if case.state == "closed":
            assert (case.tokens, case.waits, case.joins, case.sides) == ((), (), (), ())
            assert all(clock.stopped for clock in case.clocks)


def scribbled(chance: random.Random) -> Flow:
    """A drawing by chance, at times with a parting and a join in it: few are sound."""
    steps = [step(f"a{n}", by="duty", fields=SIZE) for n in range(chance.randrange(1, 5))]
    names = [each.name for each in steps] + ["close"]
    gates = [Gateway(f"g{n}", chance.choice(["exclusive", "parallel"])) for n in range(chance.randrange(0, 4))]
    names += [each.name for each in gates]
    arrows: list[Any] = [("", chance.choice(names))]
    for place, each in enumerate(steps):
        arrows.append((each.name, chance.choice(names)))
        if place and chance.random() < 0.2:
            steps[place] = step(each.name, by="duty", fields=SIZE, fails=f"a{chance.randrange(place)}")
    for gate in gates:
        targets = chance.sample(names, k=min(len(names), chance.randrange(1, 4)))
        for place, target in enumerate(targets):
            last = place == len(targets) - 1 or gate.kind == "parallel"
            arrows.append((gate.name, target) if last else (gate.name, target, f"size > {50 - 20 * place}"))
    steps.append(step("close", by="duty", outcome=[fixed, no_action]))
    return flow(
        "f", case="c", steps=steps, nodes=gates, arrows=[*arrows, ("close", "")], overall=working_days(5)
    )  # fmt: skip


def shape_of(chance: random.Random, depth: int = 0) -> Shape:
    if depth > 2 or chance.random() < 0.3:
        return chance.choice(["work", "work", "rule", "timed", "reminded"])
    word = chance.choice(["row", "choice", "beside", "beside", "loop"])
    return word, [shape_of(chance, depth + 1) for _ in range(1 if word == "loop" else 2)]


def verdict(seed: int) -> Flow | str:
    """A scribble, or a sound drawing with arrows gone astray; or the code under which it is refused."""
    chance = random.Random(seed)
    try:
        return scribbled(chance) if seed % 2 else built(shape_of(chance), chance)
    except Invalid as fault:
        return str(fault.code)


DRAWINGS = 700


@pytest.mark.parametrize("part", range(3))
def test_whatever_drawing_is_let_in_never_stops_a_case(part: int) -> None:
    let_in, parted = 0, 0
    for seed in range(part * DRAWINGS, (part + 1) * DRAWINGS):
        made = verdict(seed)
        if isinstance(made, str):
            assert made.startswith("flow."), made
            continue
        let_in += 1
        parted += any(node.kind == "parallel" for node in made.nodes if isinstance(node, Gateway))
        desk = desk_of(made)
        id = desk.open(flow="f")
        walk(desk, made, id, random.Random(seed))
        assert desk.replayed().rows == desk.state.rows
    assert let_in > 30
    assert parted > 5


def test_moving_one_branch_at_a_time_lets_in_no_more_than_walking_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = range(DRAWINGS)
    sound = {seed for seed in seeds if not isinstance(verdict(seed), str)}
    monkeypatch.setattr(soundness, "ALL_ORDERS_MAX", 0)
    assert {seed for seed in seeds if not isinstance(verdict(seed), str)} <= sound


def renamed(made: Flow) -> tuple[Flow, dict[str, str]]:
    """The same flow under other names, and the map that leads there; the close step keeps its name."""
    places = {name: name if name == "close" else f"{name}_new" for name in made.net.elements}
    document = flow_document(made)
    for each in (*document["steps"], *document.get("nodes", ())):
        each["name"] = places[each["name"]]
        for timer in each.get("boundary", ()):
            timer["to"] = places[timer["to"]]
        if "fails" in each:
            each["fails"] = places[each["fails"]]
    for arrow in document["arrows"]:
        arrow[:2] = [places.get(name, name) for name in arrow[:2]]
    return flow_from_document(document), places


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SHAPES, st.integers(0, 2**32), st.integers(0, 12))
@example(("beside", ["wait", ("row", ["timed"])]), 0, 1)
def test_a_case_moves_to_the_same_flow_under_other_names_from_wherever_it_stands(
    shape: Shape, seed: int, steps: int
) -> None:
    made = built(shape)
    other, places = renamed(made)
    desk, chance = desk_of(made), random.Random(seed)
    id = desk.open(flow="f")
    desk.run(Command("flow.define", "", flow_document(other)), "system:test")
    before = walk(desk, made, id, chance, steps)
    if before.state == "closed":
        return

    def move(to: Flow, where: dict[str, str]) -> CaseState:
        body = {"to": flow_hash(to), "map": where, "note": "by chance"}
        desk.run(Command("case.migrate", id, body), "person:chief")
        return desk.state_of(id)

    there = move(other, places)
    assert [token.step for token in there.tokens] == [places[token.step] for token in before.tokens]
    assert there.clocks == before.clocks
    assert replace(move(made, {new: old for old, new in places.items()}), last=before.last) == before
    move(other, places)
    walk(desk, other, id, chance)
    assert desk.replayed().rows == desk.state.rows
