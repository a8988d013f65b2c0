"""The same drawing and the same choices in several engines: ours, SpiffWorkflow that others wrote, and a token game.

After every act all must show the same open tasks, and have passed the same tasks by themselves; in the end all must
have ended. Acts are chosen among what is open, so the order in which tasks are completed is the same by construction
and any other disagreement shows in the next set of open tasks. The token game is BPMN 2.0.2, chapter 13, word for word
and nothing else: where the two engines differ, it says which of them left the standard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec.structs import replace
from SpiffWorkflow.bpmn.parser import BpmnParser, TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.defaults import UserTask
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from quanyu.kernel.bpmn import Given, read, write
from quanyu.kernel.bpmn.names import word
from quanyu.kernel.bpmn.words import PROCESS
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Field, Flow, Gateway, Step, expand_calls
from tests.engines.casework import CaseDesk, make_engine
from tests.kernel.weaving import woven

ACTS_MAX = 60
"""A flow that loops longer than that has agreed long enough."""


class Engine(Protocol):
    """What both have in common: `passed` are the tasks that it completed by itself since the last act."""

    passed: list[str]

    def open(self) -> list[str]: ...

    def ended(self) -> bool: ...

    def do(self, name: str, data: Mapping[str, Any]) -> None: ...


class Ours:
    """The case engine, driven as people drive it."""

    def __init__(self, flows: Sequence[Flow], name: str) -> None:
        self.desk = CaseDesk(make_engine(flows))
        before = len(self.desk.records)
        self.id = self.desk.open(flow=name)
        self.passed = self._passed(before)

    def open(self) -> list[str]:
        return sorted(token.step for token in self.desk.state_of(self.id).tokens)

    def ended(self) -> bool:
        return self.desk.state_of(self.id).state == "closed"

    def do(self, name: str, data: Mapping[str, Any]) -> None:
        before = len(self.desk.records)
        try:
            self.desk.act(self.id, "duty", name, fields=dict(data))
        except Invalid as refused:
            # Whoever comes last has to say what became of the matter; SpiffWorkflow has no such word.
            if refused.code != "case.outcome_missing":
                raise
            self.desk.act(self.id, "duty", name, fields={**data, "outcome": "no_action"}, note="done")
        self.passed = self._passed(before)

    def _passed(self, before: int) -> list[str]:
        bodies = [record.body or {} for record in self.desk.records[before:]]
        return [each["step"] for body in bodies for each in body.get("passed", ()) if "step" in each]


class Parser(BpmnParser):  # type: ignore[misc] # SpiffWorkflow has no types
    """Takes every kind of task as one that is completed from outside: kinds differ in who completes them."""

    OVERRIDE_PARSER_CLASSES: ClassVar = {
        full_tag(name): (TaskParser, UserTask)
        for name in ("manualTask", "receiveTask", "serviceTask", "sendTask", "businessRuleTask")
    }


class Theirs:
    """SpiffWorkflow on files; `named` says what we call the task of an id."""

    def __init__(
        self,
        files: Iterable[bytes],
        process: str,
        automatic: Mapping[str, Step],
        named: Callable[[str], str] = str,
    ) -> None:
        self.named = named
        parser = Parser()
        for content in files:
            parser.add_bpmn_str(content)
        self.automatic = automatic
        self.workflow = BpmnWorkflow(parser.get_spec(process), parser.get_subprocess_specs(process))
        self.passed: list[str] = []
        self._settle()

    def open(self) -> list[str]:
        return sorted(name for name, _ in self._ready())

    def ended(self) -> bool:
        return bool(self.workflow.completed)

    def do(self, name: str, data: Mapping[str, Any]) -> None:
        self.passed = []
        task = dict(self._ready())[name]
        task.data.update(data)
        task.run()
        self._settle()

    def _settle(self) -> None:
        """Go on until only people are asked."""
        while True:
            self.workflow.do_engine_steps()
            hub = next(((name, task) for name, task in self._ready() if name in self.automatic), None)
            if hub is None:
                return
            name, task = hub
            for field, text in self.automatic[name].sets:
                task.data[field] = eval(text, {"__builtins__": {}}, dict(task.data))
            self.passed.append(name)
            task.run()

    def _ready(self) -> list[tuple[str, Any]]:
        tasks = self.workflow.get_tasks(state=TaskState.READY)
        return [(self._name(task), task) for task in tasks if task.task_spec.manual]

    def _name(self, task: Any) -> str:
        """The name as our expanded flow has it: behind the calls in which the task stands."""
        name, flow = self.named(task.task_spec.bpmn_id), task.workflow
        while flow.parent_task_id is not None:
            caller = self.workflow.get_task_from_id(flow.parent_task_id)
            name, flow = f"{self.named(caller.task_spec.bpmn_id)}.{name}", caller.workflow
        return name


class Game:
    """Tokens on arrows: a parallel gateway takes one from every arrow that leads to it, all else takes any."""

    def __init__(self, whole: Flow) -> None:
        self.whole = whole
        self.steps = {step.name: step for step in whole.steps}
        self.parallel = {node.name for node in whole.nodes if isinstance(node, Gateway) and node.kind == "parallel"}
        self.marks: Counter[int] = Counter()
        self.resting: Counter[str] = Counter()
        self.data: dict[str, Any] = {}
        self.passed: list[str] = []
        self._leave("")
        self._settle()

    def open(self) -> list[str]:
        return sorted(self.resting.elements())

    def ended(self) -> bool:
        return not self.marks.total() and not self.resting.total()

    def do(self, name: str, data: Mapping[str, Any]) -> None:
        self.passed = []
        self.data.update(data)
        self.resting[name] -= 1
        self._leave(name)
        self._settle()

    def _arrows(self, name: str, end: str) -> list[int]:
        return [place for place, arrow in enumerate(self.whole.arrows) if getattr(arrow, end) == name]

    def _leave(self, name: str) -> None:
        out = self._arrows(name, "source")
        if name and name not in self.steps and name not in self.parallel:
            guards = {place: self.whole.arrows[place].when for place in out}
            free = [place for place, guard in guards.items() if guard is None]
            out = [place for place, guard in guards.items() if guard and self._holds(guard)][:1] or free
        self.marks.update(out)

    def _holds(self, guard: str) -> bool:
        return bool(eval(guard, {"__builtins__": {}}, self.data))

    def _settle(self) -> None:
        while fired := next((name for name in self._targets() if self._fires(name)), None):
            step = self.steps.get(fired)
            if step is not None and step.waits:
                self.resting[fired] += 1
                continue
            if step is not None:
                self.data |= {field: eval(text, {"__builtins__": {}}, self.data) for field, text in step.sets}
                self.passed.append(fired)
            self._leave(fired)

    def _targets(self) -> list[str]:
        """Elements with a token before them; those at an end are gone."""
        for place in [place for place in self.marks if not self.whole.arrows[place].target]:
            del self.marks[place]
        return [self.whole.arrows[place].target for place in sorted(self.marks) if self.marks[place]]

    def _fires(self, name: str) -> bool:
        into = self._arrows(name, "target")
        if name in self.parallel and any(not self.marks[place] for place in into):
            return False
        taken = into if name in self.parallel else [next(place for place in into if self.marks[place])]
        self.marks.subtract(taken)
        return True


class Verdict(msgspec.Struct, frozen=True):
    """What a walk in all engines showed: who agrees with the case engine, and what was seen where somebody does not."""

    spiff: bool
    game: bool
    seen: str = ""


def compare(flows: Sequence[Flow], name: str, seed: int) -> Verdict:
    """Walk one flow with the choices of a seed in all engines."""
    whole = next(each for each in expand_calls(flows) if each.name == name)
    automatic = {step.name: step for step in whole.steps if not step.waits}
    return walk(flows, whole, Theirs([write(each) for each in flows], f"{PROCESS}{name}", automatic), seed)


def compare_drawing(content: bytes, process: str, given: Given, seed: int) -> Verdict:
    """Walk a drawing of another tool: they run the file, we what we read in it."""
    made = read(content, given)
    # They run only what is marked so; modellers for the browser leave the mark out.
    runs = content.replace(b'isExecutable="false"', b'isExecutable="true"')
    theirs = Theirs([runs], process, {}, lambda id: word(id, "step"))
    return walk([with_desk(made)], with_desk(made), theirs, seed)


def with_desk(made: Flow) -> Flow:
    """The same flow with one desk for all lanes, so that one person can walk through it."""
    steps = tuple(replace(step, by="duty" if step.waits else "") for step in made.steps)
    return replace(made, steps=steps, roles={})


def walk(flows: Sequence[Flow], whole: Flow, theirs: Theirs, seed: int) -> Verdict:
    """Walk to the end, or until somebody sees something else."""
    steps = {step.name: step for step in whole.steps}
    engines: tuple[Engine, ...] = (Ours(flows, whole.name), theirs, Game(whole))
    chance, done = Random(seed), list[str]()
    while True:
        ours, spiff, game = ((engine.open(), sorted(engine.passed), engine.ended()) for engine in engines)
        if ours != spiff or ours != game:
            seen = f"{whole.name} of seed {seed} after {done}: ours {ours}, SpiffWorkflow {spiff}, token game {game}"
            return Verdict(ours == spiff, ours == game, seen)
        if ours[2] or len(done) == ACTS_MAX:
            return Verdict(spiff=True, game=True)
        step = steps[chance.choice(ours[0])]
        data = {field.name: filled(field, chance) for field in step.fields}
        for engine in engines:
            engine.do(step.name, data)
        done.append(step.name)


def filled(field: Field, chance: Random) -> Any:
    """What somebody writes into a field."""
    if field.kind == "number":
        return chance.randint(0, 1)
    return chance.choice(field.choices or (True, False))


def compare_seed(seed: int) -> Verdict:
    """Weave a flow, every third with calls of another, and compare."""
    part = woven(seed + 1_000_000, name="part", alone=True)
    flows = [woven(seed, calls=("part",), name="woven"), part] if seed % 3 == 0 else [woven(seed, name="woven")]
    return compare(flows, "woven", seed)
