"""The plain entity: one type, attributes of plain kinds, no context of its own. It is stored as it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from quanyu.kernel.entity import ID_MAX, ID_PATTERN, Checked, is_name
from quanyu.kernel.ngsi.instants import is_canonical
from quanyu.kernel.ngsi.members import ATTRIBUTES_MAX, GEO_NAMES, NULL, PROOF, RESERVED, TEXT_MAX
from quanyu.kernel.ngsi.reading_head import READ_HEAD
from quanyu.kernel.ngsi.reading_value import is_point, is_scalar

_APART: Final = GEO_NAMES | RESERVED | READ_HEAD.keys() | {PROOF}
"""Names of which the standard says more than of others."""


def plain_entity(document: Mapping[str, Any]) -> Checked | None:
    """Return an entity under the core context when all of it is plain, in one pass; else None.

    None says nothing of whether it is sound: whoever reads at length finds out, and says what is wrong.
    """
    try:
        return Checked(document) if _is_plain(document) else None
    except TypeError:  # an object or a list stands where a word should
        return None


def _is_plain(document: Mapping[str, Any]) -> bool:
    if len(document) > ATTRIBUTES_MAX or not is_id(document.get("id")):
        return False
    for name, given in document.items():
        if given.__class__ is dict:
            kind = given.get("type")
            if kind == "Property":
                # Whatever else stands there is read at length.
                besides = _besides(given.get("observedAt"), given.get("unitCode"))
                if len(given) - 2 != besides or not is_scalar(given.get("value")) or not is_plain_word(name):
                    return False
            elif kind == "GeoProperty":
                if not is_place(name, given):
                    return False
            elif kind != "Relationship" or len(given) != 2 or not is_id(given.get("object")) or not is_plain_word(name):
                return False
        elif name == "type":
            if given.__class__ is not str or not is_plain_type(given):
                return False
        elif name != "id":
            return False
    return "type" in document


@lru_cache(maxsize=4096)
def _besides(observed_at: str | None, unit: str | None) -> int | None:
    """Return how many members say when a value was observed and its unit; None when one of them is not sound.

    The attributes of an entity, and of its neighbours, mostly say the same.
    """
    if observed_at is not None and (observed_at.__class__ is not str or not is_canonical(observed_at)):
        return None
    if unit is not None and (unit.__class__ is not str or not is_unit(unit)):
        return None
    return (observed_at is not None) + (unit is not None)


def is_place(name: str, given: Mapping[str, Any]) -> bool:
    """Whether a GeoProperty of this name is a point and nothing besides."""
    return len(given) == 2 and is_point(given.get("value")) and (name in GEO_NAMES or is_plain_word(name))


def is_unit(text: str) -> bool:
    """Whether a text may be a unitCode."""
    return 0 < len(text) <= TEXT_MAX and text != NULL


def is_id(value: Any) -> bool:
    """Whether a value is an absolute URI."""
    return value.__class__ is str and len(value) <= ID_MAX and value != NULL and ID_PATTERN.match(value) is not None


def are_ids(values: Sequence[Any]) -> bool:
    """Whether all values, one at least, are absolute URIs."""
    return (
        {*map(type, values)} == {str}
        and max(map(len, values)) <= ID_MAX
        and NULL not in values
        and None not in map(ID_PATTERN.match, values)
    )


@lru_cache(maxsize=4096)
def is_plain_word(name: str) -> bool:
    """Whether an attribute of any kind may have this name under the core context."""
    return ":" not in name and name not in _APART and is_name(name)


@lru_cache(maxsize=4096)
def is_plain_type(name: str) -> bool:
    """Whether a word is a type under the core context."""
    return ":" not in name and len(name) <= ID_MAX and name not in ("id", "type") and is_name(name)
