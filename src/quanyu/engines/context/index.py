"""Indexes over entities, moved with every change: which types stand how often, which attributes, which values.

An entity stands in them under the code of its *kind*: its one type, or its sorted set of types. So nothing is counted
twice, and a selection of types is a set of codes. Values stand under the code of (kind, attribute, form); the forms are
Property, GeoProperty and so on. No row here is canonical: `rebuild` makes them again from the entities.

The value index may say too much and never too little: whoever reads it looks at the entity itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.journal import State, Table
from quanyu.kernel.ngsi.members import KINDS as VALUE_OF
from quanyu.kernel.ngsi.members import instances

VERSION: Final = 1
"""Of the layout below; a home with another has its indexes made again."""
BLOCK: Final = 1024
"""Entities are counted in blocks of so many numbers, so that a deep offset is a sum and not a walk."""
ALL: Final = 0
"""The kind under which every entity is counted."""

KINDS: Final = Table("entity_kind", ("types TEXT", "code INTEGER", "count INTEGER"), canonical=False)
TYPED: Final = Table("typed", ("kind INTEGER", "n INTEGER"), keys=2, canonical=False)
TALLY: Final = Table("tally", ("kind INTEGER", "block INTEGER", "count INTEGER"), keys=2, canonical=False)
FIELD: Final = Table(
    "field",
    ("kind INTEGER", "attribute TEXT", "form TEXT", "code INTEGER", "count INTEGER"),
    keys=3,
    canonical=False,
)
FRESH: Final = Table("unindexed", ("n INTEGER", "id TEXT"), canonical=False)
"""Entities whose values wait to be indexed; whoever reads the value index looks at them too."""
VALUE: Final = Table("value", ("code INTEGER", "value", "n INTEGER"), keys=3, canonical=False, deferred=FRESH)
MARK: Final = Table("index_mark", ("name TEXT", "value INTEGER"), canonical=False)
INDEXES: Final = (KINDS, TYPED, TALLY, FIELD, FRESH, VALUE, MARK)

EXISTS: Final = b""
"""Stands for a value that no index can order."""
MANY: Final = b"+"
"""Stands for a list too long to index: such an entity is always looked at."""
SEVERAL: Final = b"*"
"""Stands beside the values of an attribute that has more than one: two bounds may be kept by two of them."""
TRUE: Final = b"t"
FALSE: Final = b"f"
TEXT_MAX: Final = 256
"""Characters of a text that the index holds."""
VALUES_MAX: Final = 64
SCOPE: Final = "scope"
"""Scopes stand in the value index like an attribute of this name (which none can bear)."""
_INTEGER: Final = 2**63

Forms = dict[tuple[str, str], list[Any]]
"""Values to index by attribute and form."""


def kind_of(types: str | list[str]) -> str:
    """Return what a set of types is called in the index; no name of a type holds a line break."""
    return types if isinstance(types, str) else "\n".join(sorted(types))


def types_of(kind: str) -> list[str]:
    """Return the types of a kind."""
    return kind.split("\n")


def forms_of(document: Document, names: Iterable[str], observed: Iterable[str] = ()) -> Forms:
    """Return what the index holds of some attributes; one that is only observed is a Property without a row here."""
    forms: Forms = {}
    for name in names:
        if name in RESERVED:
            if name == SCOPE:
                scopes: list[Any] = instances(document[SCOPE])
                forms[(SCOPE, SCOPE)] = [f"/{each.removeprefix('/')}"[:TEXT_MAX] for each in scopes]
            continue
        attribute = document.get(name)
        if attribute is None:
            continue
        if attribute.__class__ is dict:
            held = forms[(name, attribute["type"])] = values_of(attribute)
            # An observed value may come to stand beside one with a datasetId.
            if len(held) > 1 or "datasetId" in attribute:
                held.append(SEVERAL)
        else:
            for instance in attribute:
                held = forms.setdefault((name, instance["type"]), [SEVERAL])
                held += [value for value in values_of(instance) if value not in held]
    for name in observed:
        if name not in document:
            forms[(name, "Property")] = []
    return forms


def values_of(instance: Mapping[str, Any]) -> list[Any]:
    """Return the values of an instance as the index holds them: at least one, so that every attribute is found."""
    raw: Any = instance[VALUE_OF[instance["type"]]]
    if raw.__class__ in _SCALARS:
        return [indexed(raw)]
    if raw.__class__ is dict:
        raw = list(raw.values()) if "languageMap" in instance else [raw]
    elif raw.__class__ is not list:
        return [EXISTS]
    found: dict[Any, None] = {}
    for part in _parts(raw):
        if part.__class__ in _SCALARS:
            found[indexed(part)] = None
            if len(found) > VALUES_MAX:
                return [MANY]
    return list(found) or [EXISTS]


def _parts(values: list[Any]) -> Iterator[Any]:
    """Yield the elements of lists in lists, typed values of JSON-LD, and what a ListRelationship points at."""
    left = list(values)
    while left:
        part = left.pop()
        if part.__class__ is list:
            left += part
        else:
            yield part.get("object", part.get("@value")) if part.__class__ is dict else part


_SCALARS: Final = frozenset({str, int, float, bool})


def indexed(value: Any) -> str | float | bytes:
    """Return a value as it is compared in the index: numbers below texts below the rest."""
    if value.__class__ is str:
        return str(value[:TEXT_MAX])
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    if value.__class__ is int and not -_INTEGER <= value < _INTEGER:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    found: float = value
    return found


def enter(state: State, types: str | list[str], n: int, id: str, forms: Forms) -> None:
    """Index a new entity."""
    kind = _kind(state, kind_of(types))
    _count(state, kind, n, 1)
    state.put(TYPED, (kind, n))
    if any(forms.values()):
        state.put(FRESH, (n, id))
    _put(state, kind, n, forms)


def leave(state: State, types: str | list[str], n: int, id: str, forms: Forms) -> None:
    """Take an entity out of the indexes."""
    row = state.get(KINDS, kind_of(types))
    if row is None:
        return
    if any(forms.values()):
        state.put(FRESH, (n, id))
    state.put(KINDS, (row[0], row[1], row[2] - 1))
    _count(state, row[1], n, -1)
    state.delete(TYPED, row[1], n)
    _remove(state, row[1], n, forms)


def change(state: State, types: str | list[str], n: int, id: str, before: Forms, after: Forms) -> None:
    """Move an entity from what it said to what it says; attributes in neither keep their rows."""
    row = state.get(KINDS, kind_of(types))
    if row is None or before == after:
        return
    # A marker stands for rows that wait: without any it would never be taken away.
    if any(before.get(form, []) != after.get(form, []) for form in {**before, **after}):
        state.put(FRESH, (n, id))
    kind = row[1]
    for form, old in before.items():
        new = after.get(form)
        if new is None:
            _remove(state, kind, n, {form: old})
        elif new != old:
            code = _code(state, kind, form, 0)
            for value in old:
                if value not in new:
                    state.delete(VALUE, code, value, n)
            for value in new:
                if value not in old:
                    state.put(VALUE, (code, value, n))
    _put(state, kind, n, {form: new for form, new in after.items() if form not in before})


def enter_again(state: State, types: str | list[str], n: int, forms: Forms) -> None:
    """Put the values of an entity that is counted already but whose values may have been lost."""
    row = state.get(KINDS, kind_of(types))
    assert row is not None, f"the kind of entity {n} is not counted"
    for form, values in forms.items():
        code = _code(state, row[1], form, 0)
        for value in values:
            state.put(VALUE, (code, value, n))


def _put(state: State, kind: int, n: int, forms: Forms) -> None:
    put = state.put
    for form, values in forms.items():
        code = _code(state, kind, form, 1)
        for value in values:
            put(VALUE, (code, value, n))


def _remove(state: State, kind: int, n: int, forms: Forms) -> None:
    for form, values in forms.items():
        code = _code(state, kind, form, -1)
        for value in values:
            state.delete(VALUE, code, value, n)


def _kind(state: State, types: str) -> int:
    row = state.get(KINDS, types)
    code: int = _next(state, "kind") if row is None else row[1]
    state.put(KINDS, (types, code, row[2] + 1 if row else 1))
    return code


def _code(state: State, kind: int, form: tuple[str, str], more: int) -> int:
    """Return the code of an attribute in a form, and count entities that have it."""
    attribute, name = form
    row = state.get(FIELD, kind, attribute, name)
    if row is None:
        code = _next(state, "field")
        state.put(FIELD, (kind, attribute, name, code, max(0, more)))
        return code
    if more:
        state.put(FIELD, (kind, attribute, name, row[3], row[4] + more))
    return int(row[3])


def _next(state: State, name: str) -> int:
    row = state.get(MARK, name)
    code = row[1] + 1 if row else 1
    state.put(MARK, (name, code))
    if code == 1:
        state.put(MARK, ("version", VERSION))
    return code


def _count(state: State, kind: int, n: int, more: int) -> None:
    block = n // BLOCK
    for each in (kind, ALL):
        row = state.get(TALLY, each, block)
        state.put(TALLY, (each, block, row[2] + more if row else max(0, more)))
