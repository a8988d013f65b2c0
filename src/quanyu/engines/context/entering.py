"""New entities enter the indexes together: those that say alike are written attribute by attribute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Final

from quanyu.engines.context.cells import cells_of
from quanyu.engines.context.index import (
    BLOCK,
    EXISTS,
    GEO,
    SCALARS,
    TEXT_MAX,
    TYPED,
    VALUE,
    New,
    Shape,
    count_kind,
    count_shape,
    enter,
    forms_of,
    held_by,
    indexed,
    shape_of,
)
from quanyu.kernel.entity import RESERVED
from quanyu.kernel.journal import Row, State
from quanyu.kernel.ngsi.members import KINDS as VALUE_OF

_ONE: Final = {dict}
_FLOATS: Final = {float}
_TEXTS: Final = {str}
_NONE_HAS: Final = {False}
_HEAD: Final = frozenset({"id", "type"})
_OTHERS: Final = RESERVED - _HEAD


def enter_all(state: State, entities: Sequence[New]) -> list[New]:
    """Index new entities as they were created, but for their boxes; return those that may have some."""
    alike: dict[tuple[str, ...], list[New]] = {}
    rest: list[New] = []
    for entity in entities:
        document = entity[1]
        types = document["type"]
        if types.__class__ is str:
            alike.setdefault((types, *document), []).append(entity)
        else:
            rest.append(entity)
    entered = Entered(state)
    for names, some in alike.items():
        if _OTHERS.isdisjoint(names[1:]):
            rest += entered.take(names[0], [name for name in names[1:] if name not in _HEAD], some)
        else:
            rest += some
    entered.write()
    for n, document in rest:
        enter(state, document["type"], n, forms_of(document, document))
    return [*rest, *entered.boxed]


class Entered:
    """Index rows of new entities; `boxed` are those that may have boxes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rows: list[Row] = []
        self.boxed: list[New] = []

    def take(self, types: str, names: Sequence[str], entities: Sequence[New]) -> list[New]:
        """Enter entities of one type that name the same attributes; return those that have several instances of one."""
        columns = [[document[name] for _, document in entities] for name in names]
        if all({*map(type, column)} == _ONE for column in columns):
            forms = [{each["type"] for each in column} for column in columns]
            if all(len(each) == 1 for each in forms):
                shape = shape_of(types, tuple(zip(names, [each.pop() for each in forms], strict=True)))
                self._enter(shape, columns, entities)
                return []
        several: list[New] = []
        formed: dict[tuple[str, ...], list[New]] = {}
        for entity in entities:
            found = [entity[1][name] for name in names]
            if {*map(type, found)} == _ONE:
                formed.setdefault(tuple([each["type"] for each in found]), []).append(entity)
            else:
                several.append(entity)
        for given, some in formed.items():
            shape = shape_of(types, tuple(zip(names, given, strict=True)))
            self._enter(shape, [[document[name] for _, document in some] for name in names], some)
        return several

    def _enter(self, shape: Shape, columns: Sequence[Sequence[Mapping[str, Any]]], entities: Sequence[New]) -> None:
        state, numbers = self._state, [n for n, _ in entities]
        for block, count in Counter([n // BLOCK for n in numbers]).items():
            count_kind(state, shape, block, count)
        count_shape(state, shape, len(numbers))
        state.put_all(TYPED, [(shape.kind, n) for n in numbers])
        boxed: set[int] = set()
        for (_, form), code, column in zip(shape.forms, shape.codes, columns, strict=True):
            values = _values_of(form, column)
            if values is None:
                self._rows += [
                    (code, value, n) for each, n in zip(column, numbers, strict=True) for value in held_by(each)
                ]
                boxed.update(numbers if form == GEO else ())
                continue
            if form == GEO and None in values:
                boxed.update([n for n, cell in zip(numbers, values, strict=True) if cell is None])
                values = [EXISTS if cell is None else cell for cell in values]
            self._rows += zip(repeat(code), values, numbers)
        if boxed:
            self.boxed += [entity for entity in entities if entity[0] in boxed]

    def write(self) -> None:
        """Put the values."""
        self._state.put_all(VALUE, self._rows)


def _values_of(form: str, column: Sequence[Mapping[str, Any]]) -> list[Any] | None:
    """Return what the index holds of an attribute, one value an entity (the cell of a place, None for none).

    None when an entity may have more than one value.
    """
    if {"datasetId" in each for each in column} != _NONE_HAS:
        return None
    member = VALUE_OF[form]
    raws = [each[member] for each in column]
    if form == GEO:
        return cells_of(raws)
    classes = {*map(type, raws)}
    if classes == _FLOATS:
        return raws
    if classes == _TEXTS:
        return [raw[:TEXT_MAX] for raw in raws]
    return [indexed(raw) for raw in raws] if classes <= SCALARS else None
