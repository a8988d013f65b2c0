"""What the query language asks of a @context: names both ways; and the names that the standard itself reserves."""

from typing import Final, Protocol

DEFAULT_PREFIX: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
"""IRIs that begin so are stored as the bare word that follows."""

TIMES: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "observedAt", "expiresAt"})
"""Members that hold an instant: text, or whole microseconds where the store laid them in."""

SYSTEM: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Members of an entity that are no attribute of its own; no index on attribute values knows them."""


class Naming(Protocol):
    """Translates between what a sender writes and what is stored; a `Context` is one."""

    def name(self, term: str) -> str:
        """Give the stored name of a term, a compact IRI or an IRI."""
        ...

    def word(self, name: str) -> str:
        """Give the shortest word that means this stored name."""
        ...


def stored_name(word: str, context: Naming) -> str:
    """Translate an attribute name of a query; the names of members that the standard fixes stay as they are."""
    return word if word in _FIXED else context.name(word)


def iri_of(name: str) -> str:
    """Give the IRI of a stored name that is no core term."""
    return name if ":" in name else DEFAULT_PREFIX + name


_FIXED: Final = SYSTEM | TIMES | {"datasetId", "unitCode", "objectType", "valueType", "lang"}
