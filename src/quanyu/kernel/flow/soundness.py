"""Whether every case that follows a net can come to its end: its markings are walked, each choice both ways.

A marking is where branches rest and which ways have arrived at joins. Branches never take anything from one another,
so a stuck marking is found by moving one branch at a time; all orders are walked only while they are few. In the
schedule the branch that is furthest back moves first: a branch that could be doubled then waits for its double.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from quanyu.kernel.flow.net import Net, stands
from quanyu.kernel.flow.words import Boundary, Call, Gateway, Step, Wait

ALL_ORDERS_MAX: Final = 3_000
SCHEDULED_MAX: Final = 20_000
"""States that are looked at; a net with more is refused rather than believed."""

Arrival = tuple[str, str]
"""A join and the element from which a way has arrived there."""


class Marking(msgspec.Struct, frozen=True):
    """Where branches rest, and what has arrived at joins."""

    rests: frozenset[str] = frozenset()
    arrivals: frozenset[Arrival] = frozenset()


class Fault(msgspec.Struct, frozen=True):
    """Why a net is refused."""

    code: str
    why: str
    remedy: str


class Unsound(Exception):
    """Carries a fault out of the walk."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.why)
        self.fault = fault


class Walk:
    """Walks markings from one on; `singles` are the elements at which the only branch may rest."""

    def __init__(self, net: Net, *, ends: bool, every_order: bool) -> None:
        self.singles: set[str] = set()
        self.complete = True
        self._net = net
        self._ends = ends
        self._every_order = every_order
        self._left = ALL_ORDERS_MAX if every_order else SCHEDULED_MAX
        self._reached: dict[str, frozenset[str]] = {}
        self._rank = {} if every_order else _ranks(net)

    def run(self, first: Marking | None = None, *, enter: str | None = None) -> None:
        """Walk from a marking, from an element that is entered, or from the start; raises Unsound."""
        agenda = [first] if first is not None else list(self.start(enter))
        seen = set(agenda)
        while agenda and self._left > 0:
            marking = agenda.pop()
            if len(marking.rests) == 1 and not marking.arrivals:
                self.singles |= marking.rests
            if not self._every_order:
                self._check_apart(marking)
            for name in self._movers(marking):
                for after in self._moved(marking, name):
                    if after not in seen:
                        seen.add(after)
                        agenda.append(after)
        self.complete = self._left > 0

    def start(self, enter: str | None) -> Iterator[Marking]:
        """Yield the markings of a case that begins."""
        agenda = ((enter, ""),) if enter is not None else tuple((each.target, "") for each in self._net.out(""))
        for marking in self._passed(agenda, Marking()):
            if not marking.rests and self._ends:
                raise Unsound(_no_outcome("its start, with nothing done"))
            yield self._unstuck(marking)

    def _check_apart(self, marking: Marking) -> None:
        """Refuse branches of which one can come, by itself and while the other stays, to where that one rests or was."""
        resting = {name for name in marking.rests if stands(self._net.elements[name])}
        resting |= {source for _, source in marking.arrivals}
        for name in sorted(marking.rests):
            met = (resting - {name}) & self._alone(name)
            if met:
                raise Unsound(_doubled(min(met)))

    def _alone(self, name: str) -> frozenset[str]:
        """Return where a branch can come without waiting for others at a join."""
        known = self._reached.get(name)
        if known is None:
            found, agenda = set[str](), [name]
            while agenda:
                here = agenda.pop()
                targets = [target for target in self._net.next_of(here, timers=False) if target]
                targets += [target for target, _ in _jumps(self._net, here)]
                new = [each for each in targets if each not in found and not self._net.is_join(each)]
                found |= set(new)
                agenda += new
            known = self._reached[name] = frozenset(found)
        return known

    def _movers(self, marking: Marking) -> list[str]:
        names = sorted(marking.rests)
        return names if self._every_order else [min(names, key=lambda name: self._rank[name])] if names else []

    def _moved(self, marking: Marking, name: str) -> Iterator[Marking]:
        """Yield what follows when the branch at an element goes on: done, sent back, or taken away by a timer."""
        element = self._net.elements[name]
        rest = Marking(marking.rests - {name}, marking.arrivals)
        if isinstance(element, Gateway):
            for way in self._net.out(name):
                yield from map(self._unstuck, self._passed(((way.target, name),), rest))
            return
        done = tuple((each.target, name) for each in self._net.out(name))
        ends = self._net.landing(name)[1]
        for after in self._passed(done, rest):
            if after.rests or after.arrivals:
                yield self._unstuck(after)
            # In one order only, it is not seen who comes last: whoever may end must then be able to end the case.
            if self._ends and not isinstance(element, Call) and ends and not (self._every_order and after.rests):
                self._check_end(name)
        for target, by_timer in _jumps(self._net, name):
            for after in self._passed(((target, name),), rest):
                gone = not after.rests and not after.arrivals
                if self._ends and (gone or (not self._every_order and self._may_end(target))):
                    raise Unsound(_no_outcome(f"a timer on {name}" if by_timer else f"the way back from {name}"))
                yield self._unstuck(after)

    def _may_end(self, target: str) -> bool:
        return not stands(self._net.elements[target]) and self._net.landing(target)[1]

    def _check_end(self, name: str) -> None:
        element = self._net.elements[name]
        if isinstance(element, Wait):
            raise Unsound(_no_outcome(f"the wait {name}"))
        if isinstance(element, Step) and not element.outcome:
            raise Unsound(_no_outcome(f"step {name}, which has no outcome"))

    def _unstuck(self, marking: Marking) -> Marking:
        if marking.arrivals and not marking.rests:
            join, source = min(marking.arrivals)
            others = ", ".join(
                sorted(set(self._net.into(join)) - {each for at, each in marking.arrivals if at == join})
            )
            why = f"may stop for ever at join {join}: {source} has arrived, {others or 'another way'} never will."
            raise Unsound(Fault("stuck", why, "Join in parallel only ways that a parallel gateway has parted."))
        return marking

    def _passed(self, agenda: tuple[Arrival, ...], marking: Marking) -> set[Marking]:
        """Let branches arrive at (element, from) and pass on until all rest; every choice is taken each way."""
        results: set[Marking] = set()
        begun = (tuple(sorted(agenda)), marking)
        seen, states = {begun}, [begun]
        while states and self._left > 0:
            self._left -= 1
            waiting, here = states.pop()
            if not waiting:
                results.add(here)
                continue
            (name, source), others = waiting[0], waiting[1:]
            for more, after in self._arrived(name, source, here):
                state = (tuple(sorted((*others, *more))), after)
                if state not in seen:
                    seen.add(state)
                    states.append(state)
        return results

    def _arrived(self, name: str, source: str, here: Marking) -> list[tuple[tuple[Arrival, ...], Marking]]:
        if not name:
            return [((), here)]
        element, out = self._net.elements[name], self._net.out(name)
        ways = tuple((each.target, name) for each in out)
        if stands(element):
            if name in here.rests:
                raise Unsound(_doubled(name))
            return [((), Marking(here.rests | {name}, here.arrivals))]
        if self._net.is_join(name):
            if (name, source) in here.arrivals:
                raise Unsound(_doubled(name))
            arrivals = here.arrivals | {(name, source)}
            if len(arrivals & {(name, each) for each in self._net.into(name)}) < len(self._net.into(name)):
                return [((), Marking(here.rests, arrivals))]
            full = frozenset(each for each in arrivals if each[0] != name)
            return [(ways, Marking(here.rests, full))]
        if isinstance(element, Gateway) and element.kind == "exclusive":
            if not self._every_order and name not in here.rests:
                # One choice after the other: choices made at once multiply.
                return [((), Marking(here.rests | {name}, here.arrivals))]
            return [((way,), here) for way in ways]
        return [(ways, here)]


def _jumps(net: Net, name: str) -> Iterator[tuple[str, bool]]:
    """Yield where a branch may go from a step besides its arrows, and whether a timer sends it there."""
    element = net.elements[name]
    if not isinstance(element, Step):
        return
    for timer in element.boundary:
        if timer.interrupting:
            yield timer.to, True
    if element.back:
        yield element.back, False
    if element.permits("return"):
        target = next((each.name for each in net.before(name) if each.to), None)
        if target is not None:
            yield target, False


def _no_outcome(by: str) -> Fault:
    return Fault(
        "outcome_missing", f"may end by {by}.", "Let a step with outcome=[…] be the last thing done on every way."
    )


def _doubled(name: str) -> Fault:
    return Fault(
        "doubled",
        f"may bring two branches to {name} at once.",
        "Join parted ways in a parallel gateway before they meet, and send no branch back over the parting.",
    )


def _ranks(net: Net) -> dict[str, int]:
    """Number the elements so that, loops apart, whatever comes before has the smaller number."""
    order: list[str] = []
    seen = {""}
    stack = [("", iter([each.target for each in net.out("")]))]
    while stack:
        name, targets = stack[-1]
        target = next((each for each in targets if each not in seen), None)
        if target is None:
            order.append(name)
            stack.pop()
            continue
        seen.add(target)
        stack.append((target, iter([*net.next_of(target)])))
    # Whoever may end comes last of all: a second branch then finds the first still there.
    late = len(order)
    return {name: -place + (late if name and net.landing(name)[1] else 0) for place, name in enumerate(order)}


def _walked(net: Net, first: Marking | None, enter: str | None, *, ends: bool) -> Walk:
    walk = Walk(net, ends=ends, every_order=True)
    walk.run(first, enter=enter)
    if walk.complete:
        return walk
    walk = Walk(net, ends=ends, every_order=False)
    walk.run(first, enter=enter)
    return walk


def find_fault(net: Net, first: Marking | None = None) -> Fault | None:
    """Return why a case that starts there, or at the start, might not come to its end; None when it always can."""
    sides = [timer for element in net.elements.values() for timer in net.boundaries(element.name)]
    try:
        walks = [_walked(net, first, None, ends=True)]
        walks += [_walked(net, None, each.to, ends=False) for each in sides if not each.interrupting]
    except Unsound as unsound:
        return unsound.fault
    if not all(walk.complete for walk in walks):
        remedy = "Put part of it into a flow of its own, and call that."
        return Fault("unproven", f"has more than {SCHEDULED_MAX} ways to stand.", remedy)
    return _find_side_fault(net, [each for each in sides if not each.interrupting])


def _find_side_fault(net: Net, sides: list[Boundary]) -> Fault | None:
    """A side branch keeps to itself: it may not lead into the main way, nor into another side branch."""
    ways = {"": main_way(net)} | {each.to: side_way(net, each.to) for each in sides}
    owner: dict[str, str] = {}
    for start, names in ways.items():
        for name in sorted(names):
            if owner.setdefault(name, start) != start:
                where = f"that of {owner[name]}" if owner[name] else "the main way"
                why = f"lets the side branch that starts at {start} run into {where} at {name}."
                return Fault("side", why, "Let the side branch end by itself, or make the timer interrupting.")
    return None


def main_way(net: Net) -> frozenset[str]:
    """Return the elements of the main way: whatever is reached without a side branch."""
    return _way(net, [each.target for each in net.out("")])


def side_way(net: Net, start: str) -> frozenset[str]:
    """Return the elements of the side branch that starts there."""
    return _way(net, [start])


def _way(net: Net, agenda: list[str]) -> frozenset[str]:
    found = set(agenda)
    while agenda:
        name = agenda.pop()
        if not name:
            continue
        nexts = [each.target for each in net.out(name)]
        nexts += [each.to for each in net.boundaries(name) if each.interrupting]
        new = [each for each in nexts if each not in found]
        found |= set(new)
        agenda += new
    return frozenset(found - {""})


def find_singles(net: Net) -> frozenset[str]:
    """Return the elements at which a case may rest with its only branch: there it may begin again."""
    return frozenset(_walked(net, None, None, ends=False).singles)
