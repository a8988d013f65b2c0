"""Members of an attribute besides its value and its sub-attributes: when, in which unit, of which dataset (4.5.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quanyu.kernel.entity import check_name
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.members import (
    INFERRED,
    OUTPUT,
    PROOF,
    RELATIONS,
    SEALED,
    SYSTEM,
    TEXT_MAX,
    UNITLESS,
    Words,
)
from quanyu.kernel.ngsi.reading_value import object_id, one_or_more

Read = Callable[[Words, Any, str | None, str, str], Any]
"""Words, what was sent, the kind if it is known, the attribute's name, the place → what is stored, or None."""


def _instant(words: Words, value: Any, kind: str | None, name: str, where: str) -> str:
    return canonical(value, where)


def _unit(words: Words, value: Any, kind: str | None, name: str, where: str) -> str:
    if kind in UNITLESS:
        raise Invalid(f"A {kind} has no unit.", code="attribute.member", where=where, remedy="Leave unitCode out.")
    return _text(value, where)


def _dataset(words: Words, value: Any, kind: str | None, name: str, where: str) -> str | None:
    """4.5.5.1: the default instance may say so, but never does when it is written."""
    return None if value == "@none" else object_id(value, where)


def _value_type(words: Words, value: Any, kind: str | None, name: str, where: str) -> str:
    if kind in RELATIONS:
        raise Invalid(f"A {kind} has no valueType.", code="attribute.member", where=where, remedy="Leave it out.")
    text = _text(value, where)
    if kind == "LanguageProperty" and text.rpartition(":")[2].rpartition("#")[2] != "langString":
        raise Invalid(
            "The valueType of a LanguageProperty is not langString.",
            code="attribute.value",
            where=where,
            remedy="Leave it out.",
        )
    return words.name(text)


def _object_type(words: Words, value: Any, kind: str | None, name: str, where: str) -> str | list[str]:
    if kind is not None and kind not in RELATIONS:
        raise Invalid(f"A {kind} has no objectType.", code="attribute.member", where=where, remedy="Leave it out.")
    return _types(words, value, where)


def _sealed_id(words: Words, value: Any, kind: str | None, name: str, where: str) -> str:
    _check_proof(name, where)
    return object_id(value, where)


def _sealed_type(words: Words, value: Any, kind: str | None, name: str, where: str) -> str | list[str]:
    _check_proof(name, where)
    return _types(words, value, where)


def _check_proof(name: str, where: str) -> None:
    if name != PROOF:
        raise Invalid(f"A seal stands outside {PROOF}.", code="attribute.member", where=where, remedy="Leave it out.")


def _ignored(words: Words, value: Any, kind: str | None, name: str, where: str) -> None:
    """What the hub itself writes, and the type, which is read already."""


def _foreign(words: Words, value: Any, kind: str | None, name: str, where: str) -> None:
    raise Invalid(
        f"A member has no place in a {kind or 'fragment'}.",
        code="attribute.member",
        where=where,
        remedy="Leave it out.",
    )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > TEXT_MAX:
        raise Invalid(
            f"A member is no text of 1 to {TEXT_MAX} characters.",
            code="attribute.value",
            where=where,
            remedy="Send a text.",
        )
    return value


def _types(words: Words, value: Any, where: str) -> str | list[str]:
    return one_or_more(value, where, "types", lambda item, within: type_name(item, words, within))


def type_name(value: Any, words: Words, where: str) -> str:
    """Return the stored name of an entity type."""
    if not isinstance(value, str):
        raise Invalid("A type is no text.", code="entity.type", where=where, remedy="Name the type.")
    check_name(value, where)
    name = value if words.core and ":" not in value else words.name(value)
    if name in ("id", "type"):
        raise Invalid(f"{value!r} is a keyword, no type.", code="entity.type", where=where, remedy="Name the type.")
    return name


READ_MEMBER: Final[dict[str, Read]] = {
    **dict.fromkeys((*INFERRED, *OUTPUT, "@context", "id", "@id"), _foreign),
    **dict.fromkeys((*SYSTEM, "instanceId", "lang", "type", "@type"), _ignored),
    "observedAt": _instant,
    "expiresAt": _instant,
    "unitCode": _unit,
    "datasetId": _dataset,
    "valueType": _value_type,
    "objectType": _object_type,
    "entityIdSealed": _sealed_id,
    "entityTypeSealed": _sealed_type,
}
"""Member as sent → what reads it."""
REMOVABLE: Final = frozenset({"observedAt", "expiresAt", "unitCode", "valueType", "objectType"})
"""Members for which NULL may stand in a fragment; a dataset is no member that can be removed (5.5.8)."""
assert READ_MEMBER.keys() >= SEALED
