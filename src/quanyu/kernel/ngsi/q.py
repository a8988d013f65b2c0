"""The query language of NGSI-LD (4.9): `temperature>20;(name~="^A"|owner{name}=="B")`."""

import re
from collections.abc import Collection
from typing import Final

from quanyu.kernel.ngsi.context import Context
from quanyu.kernel.ngsi.q_grammar import read_query
from quanyu.kernel.ngsi.q_match import Document, Lookup, judge
from quanyu.kernel.ngsi.q_plan import Comparison, required_of, terms_of
from quanyu.kernel.ngsi.q_text import text_of
from quanyu.kernel.ngsi.q_words import SYSTEM, Node

_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")

__all__ = ["SYSTEM", "Comparison", "Document", "Lookup", "Q", "parse_q"]


class Q:
    """A query that was read and compiled once, to be asked of many documents."""

    __slots__ = ("_judge", "root")

    def __init__(self, root: Node) -> None:
        self.root = root
        self._judge = judge(root)

    def matches(self, document: Document, lookup: Lookup | None = None) -> bool:
        """Whether a document in stored form fulfils the query.

        `lookup` gives linked entities by id; without it no condition along a relationship holds.
        Raises Invalid (q.complex) where a relationship leads to more entities than one question may look at.
        """
        return self._judge(document, lookup)

    def required(self) -> tuple[Comparison, ...]:
        """Conditions that every matching document fulfils, for an index to start from; none where nothing is sure."""
        return required_of(self.root)

    def text(self, context: Context) -> str:
        """Write the query in the words of a context; reading it in that context gives an equal query."""
        return text_of(self.root, context)

    def attributes(self) -> frozenset[str]:
        """Stored names of the entity's own attributes and members that the query looks at; SYSTEM holds the latter."""
        return frozenset(term.path.attribute for term in terms_of(self.root))

    @property
    def hops(self) -> int:
        """How many relationships the longest path follows (the joinLevel that it needs)."""
        return max(len(term.path.hops) for term in terms_of(self.root))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Q) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)


def parse_q(text: str, context: Context, expand_values: Collection[str] = (), *, escaped: bool = False) -> Q:
    """Read a query in the words of a context.

    `expand_values` names the attributes whose values are words of the context too. The parameter jsonKeys needs no
    counterpart: values keep their keys as they were sent. With `escaped`, percent escapes are undone first: senders
    write the q of a subscription as it would stand in a URL. Raises Invalid: q.syntax with details `position` and
    `expected`, q.pattern, q.complex, and what the context says of its words.
    """
    return Q(read_query(_unescaped(text) if escaped and isinstance(text, str) else text, context, expand_values))


def _unescaped(text: str) -> str:
    """Undo percent escapes that make UTF-8; others stay as they are."""
    return _ESCAPES.sub(_decoded, text)


def _decoded(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found.group().replace("%", "")).decode()
    except UnicodeDecodeError:
        return found.group()
