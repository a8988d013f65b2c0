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
        self.width = len(machine.signs) // 8 + 1
        self.steps: dict[tuple[int, str], int] = {}
        self.any = sum(1 << place for place, sign in enumerate(machine.signs) if sign is ANY)
        self.sets: dict[CharSet, int] = {}
        for place, sign in enumerate(machine.signs):
            if isinstance(sign, CharSet):
                self.sets[sign] = self.sets.get(sign, 0) | 1 << place
        self.masks: dict[str, int] = {}
        self.jumps: dict[tuple[int, int], int] = {}
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
        accepting = states & self.accepting(character)
        for place, octet in enumerate(accepting.to_bytes(self.width, "little")):
            if octet:
                jump = self.jumps.get((place, octet))
                following |= self.jump(place, octet) if jump is None else jump
        if len(self.steps) >= _STEPS_MAX:
            self.steps.clear()
        self.steps[states, character] = following
        return following

    def accepting(self, character: str) -> int:
        """Give the states that accept a character."""
        found = self.masks.get(character)
        if found is None:
            found = self.any
            for sign, places in self.sets.items():
                if sign.holds(character):
                    found |= places
            if len(self.masks) >= _STEPS_MAX:
                self.masks.clear()
            self.masks[character] = found
        return found

    def jump(self, place: int, octet: int) -> int:
        """Give what is reached from eight states at once, so that many states cost little more than few."""
        found = 0
        for bit in range(8):
            if octet >> bit & 1:
                found |= self.beyond(self.next[place * 8 + bit][0])
        self.jumps[place, octet] = found
        return found

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
