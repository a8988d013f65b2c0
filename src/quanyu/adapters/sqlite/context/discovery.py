"""Which types and attributes stand (NGSI-LD 5.7.5 to 5.7.10): read off the counts, not off the entities."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import apsw

from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.engines.context.index import SCOPE, types_of
from quanyu.kernel.view import AttributeFound, TypeFound

FIELDS: Final = (
    "SELECT f.kind, f.attribute, f.form, sum(s.count) FROM entity_shape s JOIN field f ON f.shape = s.code"
    " WHERE s.count > 0 GROUP BY f.kind, f.attribute, f.form ORDER BY f.attribute, f.form"
)


def counted_types(kinds: Kinds) -> list[tuple[str, int]]:
    """Return types with their numbers of entities; one with several types counts for each."""
    found: dict[str, int] = {}
    for kind, count in kinds.counts():
        for type in types_of(kind):
            found[type] = found.get(type, 0) + count
    return sorted(found.items())


def types(connection: apsw.Connection, kinds: Kinds, masked: Collection[str]) -> list[TypeFound]:
    """Return types with the attributes that their entities have."""
    names = {code: types_of(kind) for kind, code in kinds.codes.items()}
    held: dict[str, dict[str, dict[str, None]]] = {}
    for kind, attribute, form, _ in connection.execute(FIELDS):
        if attribute != SCOPE and attribute not in masked:
            for type in names.get(kind, ()):
                held.setdefault(type, {}).setdefault(attribute, {})[form] = None
    return [
        TypeFound(type, count, {name: tuple(forms) for name, forms in held.get(type, {}).items()})
        for type, count in counted_types(kinds)
    ]


def attributes(connection: apsw.Connection, kinds: Kinds, masked: Collection[str]) -> list[AttributeFound]:
    """Return attributes with the kinds they come in and the types of the entities that have them."""
    names = {code: types_of(kind) for kind, code in kinds.codes.items()}
    counts: dict[str, int] = {}
    forms: dict[str, dict[str, None]] = {}
    types: dict[str, set[str]] = {}
    for kind, attribute, form, count in connection.execute(FIELDS):
        if attribute != SCOPE and attribute not in masked and kind in names:
            counts[attribute] = counts.get(attribute, 0) + count
            forms.setdefault(attribute, {})[form] = None
            types.setdefault(attribute, set()).update(names[kind])
    return [AttributeFound(name, counts[name], tuple(forms[name]), tuple(sorted(types[name]))) for name in counts]
