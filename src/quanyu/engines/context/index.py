"""Indexes over entities, moved with every change: which types stand how often, which attributes, which values.

An entity stands in them under the code of its *kind*: its one type, or its sorted set of types. So nothing is counted
twice, and a selection of types is a set of codes. Values stand under the code of (kind, attribute, form); the forms are
Property, GeoProperty and so on. A point stands as its cell, and its code is of all kinds together: who asks for a place
does not ask each kind. How many entities have an attribute is counted by *shape*: most entities of a type have
the same attributes, so that one count stands for all of them. Codes are digests of what they stand for, so they need no
looking up. No row here is canonical: `rebuild` makes them again from the entities.

The value index may say too much and never too little: whoever reads it looks at the entity itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from quanyu.engines.context.cells import cell_of
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.journal import Row, State, Table
from quanyu.kernel.ngsi.members import KINDS as VALUE_OF
from quanyu.kernel.ngsi.members import instances

VERSION: Final = 4
"""Of the layout below; a home with another has its indexes made again."""
BLOCK: Final = 1024
"""Entities are counted in blocks of so many numbers, so that a deep offset is a sum and not a walk."""
ALL: Final = 0
"""The kind under which every entity is counted."""

SHAPE: Final = Table("entity_shape", ("code INTEGER", "count INTEGER"), canonical=False, lags=True)
KINDS: Final = Table("entity_kind", ("types TEXT", "code INTEGER", "count INTEGER"), canonical=False, lags=True)
TYPED: Final = Table("typed", ("kind INTEGER", "n INTEGER"), keys=2, canonical=False, lags=True)
TALLY: Final = Table("tally", ("kind INTEGER", "block INTEGER", "count INTEGER"), keys=2, canonical=False, lags=True)
FIELD: Final = Table(
    "field",
    ("shape INTEGER", "attribute TEXT", "form TEXT", "kind INTEGER", "code INTEGER"),
    keys=3,
    canonical=False,
    lags=True,
)
VALUE: Final = Table("value", ("code INTEGER", "value", "n INTEGER"), keys=3, canonical=False, lags=True)
MARK: Final = Table("index_mark", ("name TEXT", "value INTEGER"), canonical=False, lags=True)
INDEXES: Final = (SHAPE, KINDS, TYPED, TALLY, FIELD, VALUE, MARK)

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
GEO: Final = "GeoProperty"
_INTEGER: Final = 2**63

FormName = tuple[str, str]
"""An attribute and the form that it has."""
FormNames = tuple[FormName, ...]
Rest = Callable[[], FormNames]
New = tuple[int, Document]
"""Number and document of an entity as it was created."""
Forms = dict[FormName, list[Any]]
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
            forms[(name, attribute["type"])] = held_by(attribute)
        else:
            for instance in attribute:
                held = forms.setdefault((name, instance["type"]), [SEVERAL])
                held += [value for value in values_of(instance) if value not in held]
    for name in observed:
        if name not in document:
            forms[(name, "Property")] = []
    return forms


def held_by(instance: Mapping[str, Any]) -> list[Any]:
    """Return what the index holds of an attribute with one instance."""
    held = values_of(instance)
    # An observed value may come to stand beside one with a datasetId.
    if len(held) > 1 or "datasetId" in instance:
        held.append(SEVERAL)
    return held


def names_of(document: Document, left_out: Collection[str], observed: Iterable[str] = ()) -> FormNames:
    """Return the forms of all attributes but some, as `forms_of` names them."""
    names: dict[FormName, None] = {}
    for name, attribute in document.items():
        if name in left_out:
            continue
        if name in RESERVED:
            if name == SCOPE:
                names[(SCOPE, SCOPE)] = None
        else:
            names.update(dict.fromkeys((name, each["type"]) for each in instances(attribute)))
    for name in observed:
        if name not in document and name not in left_out:
            names[(name, "Property")] = None
    return tuple(names)


def values_of(instance: Mapping[str, Any]) -> list[Any]:
    """Return the values of an instance as the index holds them: at least one, so that every attribute is found."""
    raw: Any = instance[VALUE_OF[instance["type"]]]
    if raw.__class__ in SCALARS:
        return [indexed(raw)]
    if raw.__class__ is dict:
        if instance["type"] == GEO:
            cell = cell_of(raw)
            return [EXISTS if cell is None else cell]
        if "languageMap" in instance:
            raw = list(raw.values())
        elif "object" in raw or "@value" in raw:
            raw = [raw]
        else:
            return [EXISTS]
    elif raw.__class__ is not list:
        return [EXISTS]
    found: dict[Any, None] = {}
    for part in _parts(raw):
        if part.__class__ in SCALARS:
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


SCALARS: Final = frozenset({str, int, float, bool})


def indexed(value: Any) -> str | float | bytes:
    """Return a value as it is compared in the index: numbers below texts below the rest."""
    if value.__class__ is float:
        return float(value)
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


def enter(state: State, types: str | list[str], n: int, forms: Forms) -> None:
    """Index a new entity, or one with new types."""
    shape = shape_of(kind_of(types), tuple(forms))
    count_kind(state, shape, n // BLOCK, 1)
    count_shape(state, shape, 1)
    state.put(TYPED, (shape.kind, n))
    rows = [(code, value, n) for code, values in zip(shape.codes, forms.values(), strict=True) for value in values]
    state.put_all(VALUE, rows)


def leave(state: State, types: str | list[str], n: int, forms: Forms) -> None:
    """Take an entity out of the indexes."""
    shape = shape_of(kind_of(types), tuple(forms))
    count_kind(state, shape, n // BLOCK, -1)
    count_shape(state, shape, -1)
    state.delete(TYPED, shape.kind, n)
    for code, values in zip(shape.codes, forms.values(), strict=True):
        for value in values:
            state.delete(VALUE, code, value, n)


def change(state: State, types: str | list[str], n: int, before: Forms, after: Forms, rest: Rest) -> None:
    """Move an entity from what it said to what it says; `rest` tells the forms of its attributes in neither."""
    if before == after:
        return
    kind = kind_of(types)
    if before.keys() != after.keys():
        others = rest()
        count_shape(state, shape_of(kind, (*others, *before)), -1)
        count_shape(state, shape_of(kind, (*others, *after)), 1)
    gone: list[Row] = []
    come: list[Row] = []
    for form in {**before, **after}:
        old, new = before.get(form, ()), after.get(form, ())
        code = code_of(kind, form)
        gone += [(code, value, n) for value in old if value not in new]
        come += [(code, value, n) for value in new if value not in old]
    for row in gone:
        state.delete(VALUE, *row)
    state.put_all(VALUE, come)


class Shape(NamedTuple):
    """What entities with the same types and the same attributes in the same forms have in common."""

    code: int
    types: str
    kind: int
    forms: FormNames
    codes: tuple[int, ...]
    """Of the forms, in their order."""


@lru_cache(maxsize=4096)
def shape_of(kind: str, forms: FormNames) -> Shape:
    """Return the shape of a kind with some forms, whatever their order."""
    ordered = sorted(f"{attribute} {form}" for attribute, form in forms)
    code = _digest("\n".join((*ordered, "", kind)), 6)
    return Shape(code, kind, kind_code(kind), forms, tuple(code_of(kind, form) for form in forms))


@lru_cache(maxsize=4096)
def kind_code(kind: str) -> int:
    """Return the code of a kind: it is counted under it, so it is wide enough never to meet another's."""
    return _digest(kind, 6)


@lru_cache(maxsize=16_384)
def code_of(kind: str, form: FormName) -> int:
    """Return the code under which the values of an attribute stand; two may share one, since who finds looks again."""
    return _digest(f"{form[0]} {form[1]}\n{'' if form[1] == GEO else kind}", 4)


def _digest(text: str, size: int) -> int:
    # Half of the range: SQLite keeps such a number in so many bytes.
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest(), "big") >> 1


def count_kind(state: State, shape: Shape, block: int, more: int) -> None:
    """Count entities of a kind in one block."""
    row = state.get(KINDS, shape.types)
    state.put(KINDS, (shape.types, shape.kind, row[2] + more if row else max(0, more)))
    for each in (shape.kind, ALL):
        row = state.get(TALLY, each, block)
        state.put(TALLY, (each, block, row[2] + more if row else max(0, more)))


def count_shape(state: State, shape: Shape, more: int) -> None:
    """Count entities of a shape; the first brings the attributes along."""
    row = state.get(SHAPE, shape.code)
    if row is None:
        state.put(MARK, ("version", VERSION))
        for (attribute, form), code in zip(shape.forms, shape.codes, strict=True):
            state.put(FIELD, (shape.code, attribute, form, shape.kind, code))
    state.put(SHAPE, (shape.code, row[1] + more if row else max(0, more)))
