"""Reads an extended regular expression (IEEE 1003.2) into a graph of states, bounded in size."""

import re
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.q_words import too_complex

PATTERN_MAX: Final = 1_000
"""Characters of a pattern."""
STATES_MAX: Final = 500
"""States after repetitions are written out."""
_DEPTH_MAX: Final = 32


class CharSet(msgspec.Struct, frozen=True):
    """One character out of ranges and classes, or, `inverse`, out of all others."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ()
    inverse: bool = False

    def holds(self, character: str) -> bool:
        """Whether the character is one of the set."""
        inside = any(low <= character <= high for low, high in self.ranges) or any(
            _CLASSES[name](character) for name in self.classes
        )
        return inside is not self.inverse


class Anchor(msgspec.Struct, frozen=True):
    """A sign that reads no character."""

    name: str


BEGIN: Final = Anchor("^")
END: Final = Anchor("$")
ANY: Final = Anchor(".")
Sign = CharSet | Anchor | None


def _punctuation(character: str) -> bool:
    return character.isprintable() and not character.isalnum() and not character.isspace()


_CLASSES: Final[dict[str, Callable[[str], bool]]] = {
    "alpha": str.isalpha,
    "digit": lambda character: "0" <= character <= "9",
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda character: character in " \t",
    "punct": _punctuation,
    "print": str.isprintable,
    "graph": lambda character: character.isprintable() and not character.isspace(),
    "cntrl": lambda character: character < " " or character == "\x7f",
    "xdigit": lambda character: character in "0123456789abcdefABCDEF",
    "word": lambda character: character.isalnum() or character == "_",
}
_SHORT: Final = {"d": "digit", "w": "word", "s": "space"}
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_COUNT: Final = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")
_CLASS: Final = re.compile(r"\[:([a-z]+):\]")


class Machine:
    """States with a sign each and what comes next; a state without a sign is passed for nothing."""

    def __init__(self) -> None:
        self.signs: list[Sign] = []
        self.next: list[list[int]] = []
        self.start = 0
        self.final = 0

    def state(self, sign: Sign = None, *following: int) -> int:
        """Add a state and give its number; raises Invalid (q.complex) when there are too many."""
        if len(self.signs) >= STATES_MAX:
            too_complex(f"a pattern needs more than {STATES_MAX} states")
        self.signs.append(sign)
        self.next.append(list(following))
        return len(self.signs) - 1


def read_pattern(text: str) -> Machine:
    """Read a pattern; raises Invalid with code q.pattern where it is not one, q.complex where it is too big."""
    if len(text) > PATTERN_MAX:
        too_complex(f"a pattern has {len(text)} of at most {PATTERN_MAX} characters")
    reader = _Reader(text)
    tree = reader.either()
    if reader.at < len(text):
        reader.fail("the end or |")
    machine = Machine()
    machine.final = machine.state()
    machine.start = _built(machine, tree, machine.final)
    return machine


class Sequence(msgspec.Struct, frozen=True):
    """Parts one after another."""

    parts: "tuple[Part, ...]"


class Choice(msgspec.Struct, frozen=True):
    """One of several parts."""

    parts: "tuple[Part, ...]"


class Repeat(msgspec.Struct, frozen=True):
    """A part from `least` to `most` times; None: any number."""

    part: "Part"
    least: int
    most: int | None


Part = CharSet | Anchor | Sequence | Choice | Repeat


def _built(machine: Machine, part: Part, following: int) -> int:
    """Lay a part before the state `following` and give the state at which it begins."""
    if isinstance(part, CharSet | Anchor):
        return machine.state(part, following)
    if isinstance(part, Sequence):
        for each in reversed(part.parts):
            following = _built(machine, each, following)
        return following
    if isinstance(part, Choice):
        return machine.state(None, *(_built(machine, each, following) for each in part.parts))
    if part.most is None:
        loop = machine.state(None, following)
        machine.next[loop].append(_built(machine, part.part, loop))
        following = loop
    else:
        end = following
        for _ in range(part.most - part.least):
            following = machine.state(None, _built(machine, part.part, following), end)
    for _ in range(part.least):
        before, following = following, _built(machine, part.part, following)
        if following == before:  # an empty part, however often
            break
    return following


class _Reader:
    """One pass over the pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def fail(self, expected: str) -> NoReturn:
        raise Invalid(
            f"pattern {self.text[:60]!r} cannot be read at character {self.at + 1}: {expected} is expected",
            code="q.pattern",
            where="q",
            remedy="write an extended regular expression without back references and look-around",
            position=self.at,
        )

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def either(self) -> Part:
        parts = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Part:
        parts: list[Part] = []
        while self.at < len(self.text) and self.peek() not in ("|", ")"):
            parts.append(self.repeated(self.one()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self, part: Part) -> Part:
        sign = self.peek()
        if not sign or sign not in "*+?{":
            return part
        if sign == "{":
            found = _COUNT.match(self.text, self.at)
            if found is None:
                self.fail("a count such as {2} or {2,5}")
            least = int(found[1])
            most = int(found[3]) if found[3] else None if found[2] else least
            if most is not None and most < least:
                self.fail("a count whose end is not below its beginning")
            self.at = found.end()
        else:
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
            self.at += 1
        if self.peek() and self.peek() in "*+?{":
            self.fail("a character, a set or a group before another repetition")
        return Repeat(part, least, most)

    def one(self) -> Part:
        sign = self.peek()
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.bracket()
        if sign == "\\":
            return self.escaped()
        if sign in "*+?{":
            self.fail("a character, a set or a group before a repetition")
        self.at += 1
        anchor = {"^": BEGIN, "$": END, ".": ANY}.get(sign)
        return anchor or CharSet(((sign, sign),))

    def group(self) -> Part:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            too_complex(f"groups of a pattern stand more than {_DEPTH_MAX} deep")
        self.at += 1
        if self.text.startswith("?:", self.at):
            self.at += 2
        part = self.either()
        if self.peek() != ")":
            self.fail(")")
        self.at += 1
        self.depth -= 1
        return part

    def escaped(self) -> CharSet:
        sign = self.text[self.at + 1 : self.at + 2]
        if sign.lower() in _SHORT and sign:
            self.at += 2
            return CharSet(classes=(_SHORT[sign.lower()],), inverse=sign.isupper())
        if not sign or (sign.isalnum() and sign not in _ESCAPED):
            self.fail("an escaped sign, or \\d, \\w or \\s,")
        self.at += 2
        plain = _ESCAPED.get(sign, sign)
        return CharSet(((plain, plain),))

    def bracket(self) -> CharSet:
        """Read `[a-z[:digit:]]`; a ] that comes first stands for itself."""
        self.at += 1
        inverse = self.peek() == "^"
        self.at += inverse
        ranges: list[tuple[str, str]] = []
        classes: list[str] = []
        first = True
        while first or self.peek() != "]":
            first = False
            if self.text.startswith("[:", self.at):
                named = _CLASS.match(self.text, self.at)
                if named is None or named[1] not in _CLASSES:
                    self.fail(f"one of the classes {', '.join(_CLASSES)}")
                classes.append(named[1])
                self.at = named.end()
                continue
            low = self.member(classes)
            if low is None:
                continue
            high = low
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                end = self.member(classes)
                if end is None or end < low:
                    self.fail("a range whose end is not below its beginning")
                high = end
            ranges.append((low, high))
        self.at += 1
        return CharSet(tuple(ranges), tuple(classes), inverse)

    def member(self, classes: list[str]) -> str | None:
        """Read one character of a set; None where it was a class such as \\d, which is put to the others."""
        if not self.peek():
            self.fail("]")
        if self.peek() != "\\":
            self.at += 1
            return self.text[self.at - 1]
        found = self.escaped()
        if found.inverse:
            self.fail("a character (no inverse class)")
        if found.classes:
            classes.extend(found.classes)
            return None
        return found.ranges[0][0]
