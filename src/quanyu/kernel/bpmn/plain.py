"""What a plain drawing leaves unsaid: the order of its steps, who may end it, and what its conditions ask for."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from quanyu.kernel.bpmn.names import word
from quanyu.kernel.expression import compile_expression
from quanyu.kernel.flow import GIVEN, OF_MATTERS, Arrow, Ending, Field, Step
from quanyu.kernel.flow.net import Net
from quanyu.kernel.flow.soundness import main_way

ENDINGS: Final[tuple[Ending, ...]] = OF_MATTERS
WORD: Final = re.compile(r"[a-z][a-z0-9_]*")
OTHER: Final = "other"
"""The choice that takes the default way."""

_NO_FIELDS: Final = frozenset({*GIVEN, "true", "false", "null", "none"})
"""Names that a condition may hold and nobody can be asked for; the last four are slips of other languages."""


def called(id: str, prefix: str) -> str:
    """Return the name of a flow that is called by the id of its process."""
    return word(id.removeprefix(prefix), "flow")


def order(arrows: Sequence[Arrow], steps: Sequence[Step]) -> dict[str, int]:
    """Return the place of each element on the ways from the start, the nearest first."""
    following: dict[str, list[str]] = {}
    for arrow in arrows:
        following.setdefault(arrow.source, []).append(arrow.target)
    for step in steps:
        following.setdefault(step.name, []).extend(timer.to for timer in step.boundary)
    found, agenda = {"": 0}, deque([""])
    while agenda:
        for target in following.get(agenda.popleft(), ()):
            if target not in found:
                found[target] = len(found)
                agenda.append(target)
    return found


def in_line(steps: list[Step], nodes: Sequence[Any], arrows: list[Arrow]) -> tuple[list[Step], list[Arrow]]:
    """Return steps that simply follow one another in that order and without arrows; others as they are."""
    following = {arrow.source: arrow.target for arrow in arrows if arrow.when is None}
    if nodes or len(arrows) != len(steps) + 1 or len(following) != len(arrows):
        return steps, arrows
    by_name = {step.name: step for step in steps}
    line: list[Step] = []
    here = following.get("", "")
    while here in by_name:
        line.append(by_name.pop(here))
        here = following.get(here, "")
    return (line, []) if len(line) == len(steps) and not here else (steps, arrows)


def ending(steps: Sequence[Step], nodes: Sequence[Any], arrows: Sequence[Arrow]) -> frozenset[str]:
    """Return the waiting steps of the main way that may be the last; side branches end no case."""
    net = Net(steps, nodes, arrows)
    main = main_way(net)
    return frozenset(step.name for step in steps if step.waits and step.name in main and net.landing(step.name)[1])


def fields(steps: Sequence[Step], nodes: Sequence[Any], arrows: Sequence[Arrow]) -> dict[str, list[Field]]:
    """Return the fields that conditions read and no step asks for, at the steps right before the choice."""
    net = Net(steps, nodes, arrows)
    asked = {field.name for step in steps for field in step.fields} | {name for step in steps for name, _ in step.sets}
    values = _compared(arrow.when for arrow in arrows if arrow.when is not None)
    found: dict[str, list[Field]] = {}
    for arrow in arrows:
        if arrow.when is None:
            continue
        others = any(each.when is None for each in net.out(arrow.source))
        for name in sorted(compile_expression(arrow.when).names - asked - _NO_FIELDS):
            field = _field(name, values.get(name, []), others)
            for step in _before(net, steps, arrow.source):
                if all(each.name != name for each in found.setdefault(step.name, [])):
                    found[step.name].append(field)
    return found


def _before(net: Net, steps: Sequence[Step], name: str) -> Iterator[Step]:
    """Yield the waiting steps from which a branch may come to an element without resting in between."""
    waiting = {step.name: step for step in steps if step.waits}
    seen, agenda = {name}, deque([name])
    while agenda:
        for source in net.into(agenda.popleft()):
            if source in waiting and source not in seen:
                yield waiting[source]
            elif source and source not in seen:
                agenda.append(source)
            seen.add(source)


def _compared(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Return the numbers and texts that each name is compared with."""
    values: dict[str, list[Any]] = {}
    for text in dict.fromkeys(texts):
        for node in ast.walk(ast.parse(text.strip(), mode="eval")):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for side in sides:
                    if isinstance(side, ast.Name):
                        values.setdefault(side.id, []).extend(_constants(sides))
    return values


def _field(name: str, values: Sequence[Any], others: bool) -> Field:
    """Return a field whose kind follows from what it is compared with; `others`: a way is left for the rest."""
    if values and all(isinstance(value, str) for value in values):
        return Field(name, "choice", choices=tuple(dict.fromkeys([*values, OTHER] if others else values)))
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return Field(name, "number")
    return Field(name, "yes_no")


def _constants(sides: Iterable[ast.expr]) -> Iterator[Any]:
    for side in sides:
        listed: Iterable[ast.expr] = side.elts if isinstance(side, ast.Tuple | ast.List) else [side]
        yield from (each.value for each in listed if isinstance(each, ast.Constant))
