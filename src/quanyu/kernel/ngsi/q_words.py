"""What a query consists of once it is read: values, paths, terms, and how terms combine."""

from __future__ import annotations

from typing import Final, Literal, NoReturn

import msgspec

from quanyu.kernel.errors import Invalid

TIMES: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "observedAt", "expiresAt"})
"""Members that hold an instant: text, or whole microseconds where the store laid them in."""

SYSTEM: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Members of an entity that are no attribute of its own; no index on attribute values knows them."""

TERMS_MAX: Final = 1_000
PATTERNS_MAX: Final = 20
DEPTH_MAX: Final = 32
"""Parentheses within parentheses, and names in one path."""

Operator = Literal["exists", "absent", "==", "!=", ">", ">=", "<", "<=", "~=", "!~="]
Kind = Literal["number", "boolean", "text", "bare", "dateTime", "date", "time", "pattern"]


class Value(msgspec.Struct, frozen=True):
    """A value as it was written: `text` stood in quotes, `bare` is a URI or word that did not."""

    kind: Kind
    value: str | int | float | bool


class Hop(msgspec.Struct, frozen=True):
    """A Relationship to follow, and the types (stored names) that its target must have one of; none: any type."""

    name: str
    types: tuple[str, ...] = ()


class Path(msgspec.Struct, frozen=True):
    """Where a term looks: along `hops`, at an attribute and down its sub-attributes, then into the value.

    Names are stored names; `trailing` are the words in square brackets, which no @context translates.
    """

    names: tuple[str, ...]
    trailing: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()

    @property
    def attribute(self) -> str:
        """The attribute of the queried entity itself at which the path starts."""
        return self.hops[0].name if self.hops else self.names[0]

    @property
    def plain(self) -> bool:
        """Whether the path is no more than the name of an attribute."""
        return not self.hops and not self.trailing and len(self.names) == 1


class Term(msgspec.Struct, frozen=True):
    """One condition. Two `values` with `ranged` are the ends of an interval, otherwise several are a list.

    `vocab` are the values as stored names, by which a VocabProperty is compared; `expanded` says that the sender asked
    (expandValues) for the values to be read as names.
    """

    path: Path
    operator: Operator
    values: tuple[Value, ...] = ()
    ranged: bool = False
    vocab: tuple[str, ...] = ()
    expanded: bool = False


class All(msgspec.Struct, frozen=True):
    """Every part holds."""

    parts: tuple[Node, ...]


class Either(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Node, ...]


Node = Term | All | Either


def refuse(position: int, expected: str, found: str, *, where: str = "q", code: str = "q.syntax") -> NoReturn:
    """Raise the one syntax error of the query languages; `found` is cut short."""
    shown = repr(found[:20]) if found else "the end"
    raise Invalid(
        f"{where} cannot be read at character {position + 1}: {shown} stands where {expected} is expected",
        code=code,
        where=where,
        remedy=f"write {expected}",
        position=position,
        expected=expected,
    )


def too_complex(what: str, *, where: str = "q", code: str = "q.complex") -> NoReturn:
    """Raise the error for a query that is sound but costs too much."""
    raise Invalid(f"{where} is too complex: {what}", code=code, where=where, remedy="ask in several queries")
