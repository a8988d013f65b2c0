"""Regular expressions of queries (IEEE 1003.2 extended, as NGSI-LD 4.9 asks), matched in linear time.

A pattern is read into a graph of states. All ways through it are followed at once, one step for each character, so no
pattern can make matching explode as it can where ways are tried one after another. Sets of states are integers, and a
step once taken is remembered. A pattern is found anywhere in a text unless it is anchored with ^ and $.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from quanyu.kernel.ngsi.pattern_grammar import ANY, BEGIN, END, CharSet, Machine, read_pattern

TEXT_MAX: Final = 4_096
"""Characters of a value; a longer one matches no pattern."""
_STEPS_MAX: Final = 2_000


@lru_cache(maxsize=64)
def compile_pattern(text: str) -> Callable[[str], bool]:
    """Compile a pattern to a test that a text holds it; raises Invalid (q.pattern, q.complex)."""
    return _Finder(read_pattern(text)).found


class _Finder:
    """A machine that walks a text once; what one character does to a set of states is remembered up to a limit."""

    def __init__(self, machine: Machine) -> None:
        self.signs = machine.signs
        self.next = machine.next
        self.final = 1 << machine.final
        self.free = self.closure(machine.start, begin=False, end=False)
        self.first = self.closure(machine.start, begin=True, end=False)
        self.empty = self.closure(machine.start, begin=True, end=True) & self.final
        self.steps: dict[tuple[int, str], int] = {}
        self.after: list[int | None] = [None] * len(machine.signs)

    def closure(self, start: int, *, begin: bool, end: bool) -> int:
        """Give the states that are reached without reading a character, as a set of bits."""
        seen = 0
        todo = [start]
        while todo:
            place = todo.pop()
            if seen >> place & 1:
                continue
            seen |= 1 << place
            sign = self.signs[place]
            if sign is None or (sign is BEGIN and begin) or (sign is END and end):
                todo.extend(self.next[place])
        return seen

    def found(self, text: str) -> bool:
        if len(text) > TEXT_MAX:
            return False
        if not text:
            return bool(self.empty)
        final, steps = self.final, self.steps
        states = self.first
        for character in text:
            if states & final:
                return True
            following = steps.get((states, character))
            states = self.step(states, character) if following is None else following
        return bool(states & final) or self.ended(states)

    def step(self, states: int, character: str) -> int:
        """Read one character: follow every state that accepts it, and begin anew as the pattern may start anywhere."""
        following = self.free
        rest = states
        while rest:
            low = rest & -rest
            rest ^= low
            place = low.bit_length() - 1
            sign = self.signs[place]
            if sign is ANY or (isinstance(sign, CharSet) and sign.holds(character)):
                following |= self.beyond(self.next[place][0])
        if len(self.steps) >= _STEPS_MAX:
            self.steps.clear()
        self.steps[states, character] = following
        return following

    def beyond(self, place: int) -> int:
        """Give what is reached from a state, worked out when first asked."""
        found = self.after[place]
        if found is None:
            found = self.after[place] = self.closure(place, begin=False, end=False)
        return found

    def ended(self, states: int) -> bool:
        """Whether one of the states may pass the end of the text."""
        while states:
            low = states & -states
            states ^= low
            place = low.bit_length() - 1
            if self.signs[place] is END and self.closure(place, begin=False, end=True) & self.final:
                return True
        return False
