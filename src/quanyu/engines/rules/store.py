"""The port of rules: the reader's own rows, what is asked of entities, and how attributes are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from quanyu.kernel.declare import Rule
from quanyu.kernel.entity import Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import centre, check_geometry
from quanyu.kernel.journal import Row, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import EVERYTHING, Entities, History, Query

RULE_PAGE: Final = Table("rule_page", ("part TEXT", "page INTEGER", "body BLOB"), keys=2, canonical=False)
"""All memory as it stood at some step: MessagePack of entries with packed columns (see memory)."""
RULE_STEP: Final = Table("rule_step", ("step INTEGER", "body BLOB"), canonical=False)
"""What each step since then changed."""
RULE_HIT: Final = Table("rule_hit", ("rule TEXT", "day TEXT", "count INTEGER"), keys=2, canonical=False)
"""How often each rule fired, by the city day on which what it found began."""

LOOKED_UP_MAX: Final = 1_000
"""Entities asked for in one query."""

Describe = Callable[[Sequence[str]], Mapping[str, Document]]
"""Looks entities up; ids that do not exist are left out."""


class Law(Protocol):
    """Rules that judge and the parameters that they judge by."""

    @property
    def rules(self) -> Sequence[Rule]:
        """Rules that are not switched off."""
        ...

    @property
    def parameters(self) -> Parameters:
        """Parameters, the city's rows included."""
        ...


Laws = Callable[[int], Law]
"""Gives the law with everything that was released up to a record's seq."""


class Past(NamedTuple):
    """Where a rule that is taken up finds the memory that it would have: the history, and the ids of a type."""

    history: History
    entities: Callable[[str], Sequence[str]]


class ReaderState(Protocol):
    """What a reader finds of its own when it starts."""

    def rows(self, table: Table) -> Iterable[Row]:
        """Yield all rows of one of its tables."""
        ...


class Label(NamedTuple):
    """What people call an attribute, and the common code of its unit."""

    zh: str
    en: str
    unit: str | None = None


Labels = Mapping[tuple[str, str], Label]
"""By type and attribute, as types.csv gives them."""


def describe_by(entities: Entities) -> Describe:
    """Return a look-up in the read view of context, a page at a time."""

    def describe(ids: Sequence[str]) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for first in range(0, len(ids), LOOKED_UP_MAX):
            some = tuple(ids[first : first + LOOKED_UP_MAX])
            page = entities.query(Query(ids=some, limit=LOOKED_UP_MAX), EVERYTHING)
            found.update((document["id"], document) for document in page.items)
        return found

    return describe


def standing_value(attribute: Any) -> float | None:
    """Return the number that a document states and nobody observes: a threshold of its own, a capacity."""
    if not isinstance(attribute, dict) or "observedAt" in attribute:
        return None
    value = attribute.get("value")
    return float(value) if isinstance(value, int | float) else None


def text_of(document: Document, name: str) -> str | None:
    """Return a scope, a text or the object of a relation by name; None when the document has none."""
    attribute = document.get(name)
    if isinstance(attribute, dict):
        attribute = attribute.get("object", attribute.get("value"))
    return attribute if isinstance(attribute, str) and attribute else None


def place_of(document: Document) -> dict[str, Any] | None:
    """Return the middle of the entity's geometry in degrees, and its district where the document says so."""
    place: dict[str, Any] = {}
    for attribute in document.values():
        if isinstance(attribute, dict) and attribute.get("type") == "GeoProperty":
            try:
                place["lon"], place["lat"] = centre(check_geometry(attribute.get("value")))
            except Invalid:
                continue
            break
    district = text_of(document, "district")
    return (place | ({"district": district} if district else {})) or None
