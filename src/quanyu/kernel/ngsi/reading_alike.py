"""Plain entities of a batch, judged attribute by attribute: what many say alike is looked at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from quanyu.kernel.entity import Checked
from quanyu.kernel.ngsi.instants import is_canonical
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, NULL
from quanyu.kernel.ngsi.reading_plain import are_ids, is_place, is_plain_type, is_plain_word, is_unit, plain_entity
from quanyu.kernel.ngsi.reading_value import is_scalar

ALIKE_MIN: Final = 8
"""Fewer with the same attributes are read one by one."""
_ONE: Final = {dict}
_TEXTS: Final = {str}
_NUMBERS: Final = {float}
_NOTHING: Final = {None}

Column = Sequence[Mapping[str, Any]]
"""One attribute of many entities."""


def plain_entities(documents: Sequence[Any]) -> list[Checked | None]:
    """Return of each what `plain_entity` returns."""
    found: list[Checked | None] = [None] * len(documents)
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, document in enumerate(documents):
        if document.__class__ is dict:
            alike.setdefault((*document,), []).append(place)
    for names, places in alike.items():
        some = [documents[place] for place in places]
        read = Checked if len(some) >= ALIKE_MIN and _are_plain_alike(names, some) else plain_entity
        for place, document in zip(places, some, strict=True):
            found[place] = read(document)
    return found


def _are_plain_alike(names: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> bool:
    try:
        return _are_plain(names, documents)
    except TypeError:  # an object or a list stands where a word should
        return False


def _are_plain(names: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> bool:
    """Whether entities that have the same members are all plain."""
    if len(names) > ATTRIBUTES_MAX or "id" not in names or "type" not in names:
        return False
    for name in names:
        column = [document[name] for document in documents]
        if name == "id":
            sound = are_ids(column)
        elif name == "type":
            sound = {*map(type, column)} == _TEXTS and all(map(is_plain_type, {*column}))
        else:
            sound = {*map(type, column)} == _ONE and _is_plain(name, column)
        if not sound:
            return False
    return True


def _is_plain(name: str, column: Column) -> bool:
    kinds = {each.get("type") for each in column}
    if kinds == {"Property"}:
        return is_plain_word(name) and _are_properties(column)
    if kinds == {"GeoProperty"}:
        return all(is_place(name, each) for each in column)
    return (
        kinds == {"Relationship"}
        and is_plain_word(name)
        and {*map(len, column)} == {2}
        and are_ids([each.get("object") for each in column])
    )


def _are_properties(column: Column) -> bool:
    values: list[Any] = [each.get("value") for each in column]
    classes = {*map(type, values)}
    if classes == _NUMBERS:
        sound = all(map(isfinite, values))
    elif classes == _TEXTS:
        sound = NULL not in values
    else:
        sound = all(map(is_scalar, values))
    times = {each.get("observedAt") for each in column}
    units = {each.get("unitCode") for each in column}
    if not (sound and _are_said(times, is_canonical) and _are_said(units, is_unit)):
        return False
    # Whatever else stands there is read at length.
    return {*map(len, column)} == {2 + (times != _NOTHING) + (units != _NOTHING)}


def _are_said(said: set[Any], judge: Callable[[str], bool]) -> bool:
    """Whether a member is missing everywhere, or a sound text everywhere."""
    return said == _NOTHING or ({*map(type, said)} == _TEXTS and all(map(judge, said)))
