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
    if len(document) > ATTRIBUTES_MAX or not is_id(document.get("id")):
        return None
    for name, given in document.items():
        if given.__class__ is dict:
            kind = given.get("type")
            if kind == "Property":
                if not is_plain_word(name) or not _is_property(given):
                    return None
            elif kind == "GeoProperty":
                if not is_place(name, given):
                    return None
            elif kind != "Relationship" or len(given) != 2 or not is_id(given.get("object")) or not is_plain_word(name):
                return None
        elif name == "type":
            if given.__class__ is not str or not is_plain_type(given):
                return None
        elif name != "id":
            return None
    return Checked(document) if "type" in document else None


def _is_property(given: dict[str, Any]) -> bool:
    """Whether a Property holds a scalar, and besides it at most its unit and when it was observed."""
    if not is_scalar(given.get("value")):
        return False
    known = 2
    observed_at = given.get("observedAt")
    if observed_at is not None:
        if observed_at.__class__ is not str or not is_canonical(observed_at):
            return False
        known += 1
    unit = given.get("unitCode")
    if unit is not None:
        if unit.__class__ is not str or not is_unit(unit):
            return False
        known += 1
    # Whatever else stands there is read at length.
    return len(given) == known


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
