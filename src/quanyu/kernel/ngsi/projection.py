"""Which members of an entity are asked for (NGSI-LD 4.21): `pick=id,name,locatedAt{name}`, `omit=type|name`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.q_words import DEPTH_MAX, TERMS_MAX, refuse, too_complex
from quanyu.kernel.ngsi.scanner import Scanner

# A name, a compact IRI, or an IRI.
_NAME: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\s,|{};"<>\\^`]+|[^\W\d_]\w*')


class Projection(msgspec.Struct, frozen=True):
    """Stored names in the order of the text, and for names in braces what is asked of the linked entities."""

    names: tuple[str, ...]
    below: tuple[tuple[str, Projection], ...] = ()

    def of(self, name: str) -> Projection | None:
        """Give what is asked of the entities that a relationship links to; None where nothing special is."""
        return next((inner for key, inner in self.below if key == name), None)

    @property
    def plain(self) -> tuple[str, ...]:
        """The names that stand without braces: what `omit` takes away whole."""
        linked = {key for key, _ in self.below}
        return tuple(name for name in self.names if name not in linked)

    @property
    def hops(self) -> int:
        """How many relationships the deepest name follows (the joinLevel that it needs)."""
        return max((1 + inner.hops for _, inner in self.below), default=0)

    def text(self, context: Context) -> str:
        """Write the projection in the words of a context."""
        found = []
        for name in self.names:
            inner = self.of(name)
            found.append(context.word(name) + (f"{{{inner.text(context)}}}" if inner else ""))
        return ",".join(found)


class _Level:
    """Names of one pair of braces while they are read."""

    def __init__(self) -> None:
        self.names: dict[str, _Level | None] = {}

    def done(self) -> Projection:
        below = tuple((name, level.done()) for name, level in self.names.items() if level is not None)
        return Projection(tuple(self.names), below)


def parse_projection(text: str | Sequence[str], context: Context, *, where: str = "pick") -> Projection:
    """Read pick or omit (`where`): text, or the list of a query body, whose items are read alike.

    A name that stands twice counts once. Raises Invalid (projection.syntax, projection.complex).
    """
    top = _Level()
    terms = 0
    for each in [text] if isinstance(text, str) else text:
        terms += _Reader(each, context, where).names(top)
        if terms > TERMS_MAX:
            too_complex(f"it names more than {TERMS_MAX} members", where=where, code="projection.complex")
    if not top.names:
        refuse(0, "the name of a member", "", where=where, code="projection.syntax")
    return top.done()


class _Reader(Scanner):
    """One pass from left to right, with the open braces on a stack of its own."""

    def __init__(self, text: str, context: Context, where: str) -> None:
        super().__init__(text, where, "projection")
        self.context = context

    def names(self, top: _Level) -> int:
        """Read names into a level and give how many there were."""
        level, above, terms = top, list[_Level](), 0
        while True:
            name = self.context.name(self.read(_NAME, "the name of a member"))
            terms += 1
            if terms > TERMS_MAX:
                self.complain(f"it names more than {TERMS_MAX} members")
            if self.take("{"):
                if len(above) >= DEPTH_MAX:
                    self.complain(f"braces stand more than {DEPTH_MAX} deep")
                above.append(level)
                inner = level.names.get(name) or _Level()
                level.names[name] = inner
                level = inner
                continue
            level.names.setdefault(name, None)
            while above and self.take("}"):
                level = above.pop()
            if not self.take(",", "|"):
                break
        if above:
            self.fail("} or , or |")
        self.end(", or | or { or the end")
        return terms
