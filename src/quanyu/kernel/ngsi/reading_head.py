"""The members of an entity that are no attributes: id, type, scope, expiresAt (4.5.1, 4.18, 4.22)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from quanyu.kernel.entity import Document, check_id
from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.instants import canonical
from quanyu.kernel.ngsi.members import NULL, SCOPES_MAX, SYSTEM, TEXT_MAX, TYPES_MAX, Words
from quanyu.kernel.ngsi.reading_attribute import AttributeReader
from quanyu.kernel.ngsi.reading_member import type_name
from quanyu.kernel.ngsi.reading_value import null_fault

_SCOPE: Final = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")


def read_id(value: object, where: str = "id") -> str:
    """Return an entity's id: an absolute URI that is not NULL."""
    id = check_id(value, where)
    if id == NULL:
        raise null_fault(where)
    return id


def read_types(value: object, words: Words, where: str = "type") -> str | list[str]:
    """Return the stored name of the entity type, or the list of more than one."""
    if not isinstance(value, list):
        return type_name(value, words, where)
    if not 1 <= len(value) <= TYPES_MAX:
        raise Invalid(
            f"An entity has {len(value)} types.", code="entity.type", where=where, remedy=f"Name 1 to {TYPES_MAX}."
        )
    return _one_or_many(type_name(item, words, f"{where}[{place}]") for place, item in enumerate(value))


def read_scopes(value: object, where: str = "scope") -> str | list[str]:
    """Return the scope, or the list of more than one."""
    if not isinstance(value, list):
        return _scope(value, where)
    if not 1 <= len(value) <= SCOPES_MAX:
        raise Invalid(
            f"An entity has {len(value)} scopes.", code="entity.scope", where=where, remedy=f"Name 1 to {SCOPES_MAX}."
        )
    return _one_or_many(_scope(item, f"{where}[{place}]") for place, item in enumerate(value))


def _one_or_many(names: Iterable[str]) -> str | list[str]:
    several = list(dict.fromkeys(names))
    return several[0] if len(several) == 1 else several


def _scope(value: object, where: str) -> str:
    if value == NULL:
        raise null_fault(where)
    if not isinstance(value, str) or len(value) > TEXT_MAX or not _SCOPE.fullmatch(value):
        raise Invalid(
            f"{(value[:80] if isinstance(value, str) else type(value).__name__)!r} is no scope.",
            code="entity.scope",
            where=where,
            remedy="Write /Madrid/Gardens: levels of letters, digits and underscores, each beginning with a letter.",
        )
    return value


def check_head(head: Document) -> None:
    """Refuse an entity without id or type."""
    if "id" not in head:
        raise Invalid("An entity has no id.", code="entity.id", where="id", remedy="Give its id, an absolute URI.")
    if "type" not in head:
        raise Invalid("An entity has no type.", code="entity.type", where="type", remedy="Name its type.")


def _id(head: Document, value: Any, reader: AttributeReader) -> None:
    head["id"] = read_id(value)


def _type(head: Document, value: Any, reader: AttributeReader) -> None:
    if value.__class__ is str and reader.core and ":" not in value:
        head["type"] = type_name(value, reader.words, "type")
    else:
        head["type"] = read_types(value, reader.words)


def _scopes(head: Document, value: Any, reader: AttributeReader) -> None:
    head["scope"] = NULL if reader.nulls and value == NULL else read_scopes(value)


def _expiry(head: Document, value: Any, reader: AttributeReader) -> None:
    head["expiresAt"] = NULL if reader.nulls and value == NULL else canonical(value, "expiresAt")


def _ignored(head: Document, value: Any, reader: AttributeReader) -> None:
    """What the hub itself writes, and the context, which the caller has read."""


READ_HEAD: Final[dict[str, Callable[[Document, Any, AttributeReader], None]]] = {
    "id": _id,
    "@id": _id,
    "type": _type,
    "@type": _type,
    "scope": _scopes,
    "expiresAt": _expiry,
    **dict.fromkeys((*SYSTEM, "@context"), _ignored),
}
"""Member of an entity as sent → what puts it into the head of the stored document."""
