"""The elements of a flow and what leads from one to the next, looked up by name."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from quanyu.kernel.flow.words import Arrow, Boundary, Call, Gateway, Node, Step, Wait

Element = Step | Gateway | Wait | Call


def stands(element: Element) -> bool:
    """Whether a branch rests at the element until an act or an instant; all others are passed at once."""
    return element.waits if isinstance(element, Step) else not isinstance(element, Gateway)


class Net:
    """Elements by name, arrows by source. A flow without arrows has its steps one after another."""

    def __init__(self, steps: Sequence[Step], nodes: Sequence[Node], arrows: Sequence[Arrow]) -> None:
        self.elements: Mapping[str, Element] = {each.name: each for each in (*steps, *nodes)}
        self.arrows = tuple(arrows) or _in_a_row([each.name for each in steps])
        out: dict[str, list[Arrow]] = {name: [] for name in ("", *self.elements)}
        into: dict[str, list[str]] = {name: [] for name in ("", *self.elements)}
        for arrow in self.arrows:
            out.setdefault(arrow.source, []).append(arrow)
            sources = into.setdefault(arrow.target, [])
            if arrow.source not in sources:
                sources.append(arrow.source)
        self._out = {name: tuple(each) for name, each in out.items()}
        self._into = {name: tuple(each) for name, each in into.items()}
        self._before: dict[str, list[str]] = {}
        for source in self._out:
            for target in self.next_of(source):
                self._before.setdefault(target, []).append(source)

    def out(self, name: str) -> tuple[Arrow, ...]:
        """Return the arrows that leave an element, in the order in which they are tried; "" is the start."""
        return self._out[name]

    def into(self, name: str) -> tuple[str, ...]:
        """Return the elements from which arrows lead here; "" among them is the start."""
        return self._into[name]

    def is_join(self, name: str) -> bool:
        """Whether the element waits for several ways."""
        element = self.elements.get(name)
        return isinstance(element, Gateway) and element.kind == "parallel" and len(self._into[name]) > 1

    def boundaries(self, name: str) -> tuple[Boundary, ...]:
        """Return the timers on an element."""
        element = self.elements.get(name)
        return element.boundary if isinstance(element, Step) else ()

    def next_of(self, name: str, *, timers: bool = True) -> Iterator[str]:
        """Yield what may follow an element by an arrow or, where asked, by a timer on it; "" is an end."""
        for arrow in self._out[name]:
            yield arrow.target
        if timers:
            for each in self.boundaries(name):
                yield each.to

    def reach(self, name: str, *, timers: bool = True) -> frozenset[str]:
        """Return every element that may follow this one, near or far; "" is among them where an end is."""
        found: set[str] = set()
        agenda = deque([name])
        while agenda:
            here = agenda.popleft()
            for target in self.next_of(here, timers=timers) if here in self._out and (here or here == name) else ():
                if target not in found:
                    found.add(target)
                    if target:
                        agenda.append(target)
        return frozenset(found)

    def before(self, name: str) -> Iterator[Step]:
        """Yield the steps from which ways lead to this one, the nearest first."""
        for source in self._sources(name):
            element = self.elements.get(source)
            if isinstance(element, Step) and source != name:
                yield element

    @cached_property
    def ending(self) -> frozenset[str]:
        """Elements from which a branch can come to an end itself; that a side branch of it ends does not count."""
        aside = {(name, each.to) for name in self.elements for each in self.boundaries(name) if not each.interrupting}
        aside -= {(arrow.source, arrow.target) for arrow in self.arrows}
        return frozenset(self._sources("", frozenset(aside)))

    def _sources(self, name: str, apart: frozenset[tuple[str, str]] = frozenset()) -> Iterator[str]:
        seen, agenda = {name}, deque([name])
        while agenda:
            here = agenda.popleft()
            for source in self._before.get(here, ()):
                if (source, here) in apart:
                    continue
                if source and source not in seen:
                    seen.add(source)
                    agenda.append(source)
                    yield source

    def landing(self, name: str) -> tuple[frozenset[str], bool]:
        """Return where a branch that leaves an element may next rest, and whether it may end instead."""
        resting: set[str] = set()
        ends = False
        seen, agenda = set[str](), deque([name])
        while agenda:
            for target in self.next_of(agenda.popleft(), timers=False):
                if target in seen:
                    continue
                seen.add(target)
                if not target:
                    ends = True
                elif stands(self.elements[target]) or self.is_join(target):
                    resting.add(target)
                else:
                    agenda.append(target)
        return frozenset(resting), ends


def _in_a_row(names: Sequence[str]) -> tuple[Arrow, ...]:
    return tuple(Arrow(source, target) for source, target in zip(("", *names), (*names, ""), strict=True))
