"""The attribute projection language (4.21): which members of an entity, and of the entities it links to, are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.members import HEAD, SYSTEM, Words

Picked = str | tuple[str, tuple[Any, ...]]
"""A member by its stored name; with a tuple: that relationship, and the members of the entities it links to."""

Projection = Mapping[str, "Projection | None"]

_TOKEN: Final = re.compile(r"[,|{}]|[^,|{}]+")
_CHARS_MAX: Final = 65_536
_TERMS_MAX: Final = 500
_LEVELS_MAX: Final = 10
_KEPT: Final = (HEAD | SYSTEM) - {"@context"}


def parse_projection(text: str | Sequence[str], context: Words, where: str = "pick") -> tuple[Picked, ...]:
    """Read `id,name,locatedAt{id,isInCountry{name}}`, or a list of such terms, into stored names."""
    if isinstance(text, str):
        return _Parser(text, context, where).whole()
    if not isinstance(text, list | tuple) or not text or not all(isinstance(item, str) for item in text):
        raise _broken("names no member", where)
    if len(text) > _TERMS_MAX:
        raise _broken(f"names more than {_TERMS_MAX} members", where)
    return tuple(term for item in text for term in _Parser(item, context, where).whole())


class _Parser:
    """One pass over the tokens."""

    def __init__(self, text: str, context: Words, where: str) -> None:
        self.context, self.where = context, where
        if len(text) > _CHARS_MAX:
            raise _broken(f"has more than {_CHARS_MAX} characters", where)
        self.tokens = _TOKEN.findall(text)
        self.place = 0
        if len(self.tokens) > 2 * _TERMS_MAX:
            raise _broken(f"names more than {_TERMS_MAX} members", where)

    def whole(self) -> tuple[Picked, ...]:
        terms = self.terms(1)
        if self.place < len(self.tokens):
            raise _broken(f"goes on with {self.tokens[self.place][:40]!r}", self.where)
        return terms

    def terms(self, level: int) -> tuple[Picked, ...]:
        if level > _LEVELS_MAX:
            raise _broken(f"goes deeper than {_LEVELS_MAX} levels", self.where)
        made = [self.term(level)]
        while self.peek() in (",", "|"):
            self.place += 1
            made.append(self.term(level))
        return tuple(made)

    def term(self, level: int) -> Picked:
        token = self.peek()
        if token is None or token in (",", "|", "{", "}"):
            raise _broken("misses a name", self.where)
        self.place += 1
        name = self.stored_name(token)
        if self.peek() != "{":
            return name
        self.place += 1
        inner = self.terms(level + 1)
        if self.peek() != "}":
            raise _broken("misses }", self.where)
        self.place += 1
        return name, inner

    def peek(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def stored_name(self, token: str) -> str:
        if token in _KEPT:
            return token
        check_name(token, self.where)
        return token if self.context.core and ":" not in token else self.context.name(token)


def _broken(why: str, where: str) -> Invalid:
    return Invalid(
        f"The projection {why}.", code="projection.syntax", where=where, remedy="Write for example id,name,owner{name}."
    )


def projection(picked: Iterable[Picked] | None) -> Projection | None:
    """Return picked members by name, each with the projection of what it links to."""
    if picked is None:
        return None
    return {
        term if isinstance(term, str) else term[0]: None if isinstance(term, str) else projection(term[1])
        for term in picked
    }


def levels(picked: Iterable[Picked] | None) -> int:
    """Return how many levels of linked entities a projection reaches into; 0 when it names own members only."""
    return max((1 + levels(term[1]) for term in picked or () if not isinstance(term, str)), default=0)
