"""Values as a sender writes them, kind by kind (4.5.2 to 4.5.24, 4.6.3, 4.6.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, Final

import msgspec

from quanyu.kernel.entity import check_id
from quanyu.kernel.errors import Invalid, Unsupported
from quanyu.kernel.geo import check_geometry
from quanyu.kernel.ngsi.members import GEOMETRIES, NULL, TEXT_MAX, VALUE_DEPTH_MAX, Words

_INTEGER_MAX: Final = 2**63 - 1
_LANGUAGE: Final = re.compile(r"@none|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_LANGUAGE_CHARS_MAX: Final = 64


def null_fault(where: str) -> Invalid:
    """Return what is said when NULL stands where nothing can be removed (5.5.4)."""
    return Invalid(
        f"{NULL} stands where nothing is removed.",
        code="attribute.null",
        where=where,
        remedy="Delete the attribute, or leave it out.",
    )


def is_scalar(value: Any) -> bool:
    """Whether this is plainly a sound value by itself: a text, truth value or number of common size."""
    kind = value.__class__
    if kind is float:
        return isfinite(value)
    if kind is str:
        return bool(value != NULL)
    return kind is bool or (kind is int and -_INTEGER_MAX <= value <= _INTEGER_MAX)


def plain(value: Any, where: str, deep: bool = False) -> Any:
    """Return a JSON value that is not null; `deep` allows NULL inside its objects (merge, 5.5.12)."""
    kind = value.__class__
    if kind is str or kind is bool:
        return value
    if kind is int:
        return value if -_INTEGER_MAX <= value <= _INTEGER_MAX else _as_float(value, where)
    if kind is float:
        if not isfinite(value):
            raise Invalid(
                "A value is not a finite number.",
                code="attribute.number",
                where=where,
                remedy="Leave a missing value out.",
            )
        return value
    if kind is dict or kind is list:
        return _walked(value, where, nulls=deep)
    raise Invalid(
        "A value is null." if value is None else f"A {kind.__name__} is no JSON value.",
        code="attribute.value",
        where=where,
        remedy=f'To remove it, send "{NULL}" in a patch; otherwise leave it out.',
    )


def _as_float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError as beyond:
        raise Invalid(
            "A number exceeds what can be kept.", code="attribute.number", where=where, remedy="Send it as text."
        ) from beyond


def _walked(value: Any, where: str, nulls: bool) -> Any:
    """Check what stands inside a compound value, level by level, and return the value as it was sent."""
    level = [value]
    for _ in range(VALUE_DEPTH_MAX):
        below: list[Any] = []
        for item in level:
            for inner in item.values() if item.__class__ is dict else item:
                kind = inner.__class__
                if kind is dict or kind is list:
                    below.append(inner)
                elif kind is str:
                    if inner == NULL and not nulls:
                        raise null_fault(where)
                elif kind is float and not isfinite(inner):
                    raise Invalid("A value holds what is not a finite number.", code="attribute.number", where=where)
        if not below:
            return value
        level = below
    raise Invalid(
        f"A value is nested deeper than {VALUE_DEPTH_MAX} levels.",
        code="attribute.depth",
        where=where,
        remedy="Flatten it, or send it as text.",
    )


def geometry(value: Any, where: str) -> Any:
    """Return a checked GeoJSON geometry, which may come as text that holds one (4.7.2)."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError) as unreadable:
            raise Invalid(
                "A text is no GeoJSON geometry.",
                code="attribute.geometry",
                where=where,
                remedy="Send the geometry as an object.",
            ) from unreadable
    if is_point(value):
        return value
    try:
        check_geometry(value, where=where)
    except Unsupported as collection:
        raise Invalid(
            collection.message, code="attribute.geometry", where=f"{where}.type", remedy=collection.remedy
        ) from collection
    return value


def is_point(value: Any) -> bool:
    """Whether this is plainly a sound Point, the geometry of most entities; all else is checked at length."""
    if value.__class__ is not dict or len(value) != 2 or value.get("type") != "Point":
        return False
    position = value.get("coordinates")
    if position.__class__ is not list or len(position) != 2:
        return False
    east, north = position
    return (
        (east.__class__ is float or east.__class__ is int)
        and (north.__class__ is float or north.__class__ is int)
        and -180 <= east <= 180
        and -90 <= north <= 90
    )


def is_geometry(value: Any) -> bool:
    """Whether an object has the outline of a geometry, so that a GeoProperty is meant (4.5.2.3)."""
    if value.__class__ is not dict:
        return False
    kind = value.get("type")
    return kind.__class__ is str and kind in GEOMETRIES and "coordinates" in value


def one_or_more(value: Any, where: str, what: str, check: Callable[[Any, str], str]) -> str | list[str]:
    """Return a checked text or a list of at least one; a list of one stays a list."""
    if isinstance(value, list):
        if not value:
            raise Invalid(
                f"A list of {what} is empty.", code="attribute.value", where=where, remedy="Leave the attribute out."
            )
        return [check(item, f"{where}[{place}]") for place, item in enumerate(value)]
    return check(value, where)


def object_id(value: Any, where: str) -> str:
    """Return the URI of a related entity."""
    if value == NULL:
        raise null_fault(where)
    return check_id(value, where)


def object_list(value: Any, where: str) -> list[dict[str, str]]:
    """Return the ordered objects of a ListRelationship, each as `{"object": id}`, from either way to write them."""
    if not isinstance(value, list):
        raise Invalid(
            "An objectList is no list.", code="attribute.value", where=where, remedy='Write ["urn:…", "urn:…"].'
        )
    made = []
    for place, item in enumerate(value):
        within = f"{where}[{place}]"
        if isinstance(item, dict):
            if set(item) != {"object"}:
                raise Invalid(
                    "An item holds more or less than its object.",
                    code="attribute.value",
                    where=within,
                    remedy='Write {"object": "urn:…"}.',
                )
            item = item["object"]
        made.append({"object": object_id(item, within)})
    return made


def language_map(value: Any, where: str, nulls: bool = False) -> dict[str, Any]:
    """Return a map of language tags to texts or lists of texts; `nulls` allows NULL for a language to be removed."""
    if not isinstance(value, dict) or not value:
        raise Invalid(
            "A languageMap is not an object of languages.",
            code="attribute.value",
            where=where,
            remedy='Write {"en": "…", "zh": "…"}.',
        )
    for tag, text in value.items():
        if len(tag) > _LANGUAGE_CHARS_MAX or not _LANGUAGE.fullmatch(tag):
            raise Invalid(
                f"{tag[:_LANGUAGE_CHARS_MAX]!r} is no language tag.",
                code="attribute.language",
                where=where,
                remedy="Write a tag such as en-GB.",
            )
        texts = text if isinstance(text, list) else [text]
        for item in texts:
            if not isinstance(item, str):
                raise Invalid(
                    f"The text for {tag} is no text.",
                    code="attribute.value",
                    where=f"{where}.{tag}",
                    remedy="Send a text or a list of them.",
                )
            if item == NULL and not nulls:
                raise null_fault(f"{where}.{tag}")
    return value


def vocabulary(value: Any, where: str, words: Words) -> str | list[str]:
    """Return the stored names of vocabulary words."""

    def name_of(item: Any, within: str) -> str:
        if not isinstance(item, str) or not item or len(item) > TEXT_MAX:
            raise Invalid(
                "A vocab is no word.",
                code="attribute.value",
                where=within,
                remedy="Write a word of the context, or an IRI.",
            )
        if item == NULL:
            raise null_fault(within)
        return item if words.core and ":" not in item else words.name(item)

    return one_or_more(value, where, "words", name_of)


def raw_json(value: Any, where: str) -> Any:
    """Return raw JSON as it was sent: an object or a list, whose content is nobody's business (4.5.24)."""
    if value.__class__ is not dict and value.__class__ is not list:
        raise Invalid(
            "A json is no object and no list.",
            code="attribute.value",
            where=where,
            remedy="Send other values as a Property.",
        )
    return _walked(value, where, nulls=True)


def value_list(value: Any, where: str) -> list[Any]:
    """Return the ordered values of a ListProperty."""
    if not isinstance(value, list):
        raise Invalid("A valueList is no list.", code="attribute.value", where=where, remedy="Write [1, 2, 3].")
    for place, item in enumerate(value):
        if item == NULL:
            raise null_fault(f"{where}[{place}]")
        plain(item, f"{where}[{place}]")
    return value
