"""Whole documents between a sender's words and stored names: the names only, nothing is checked or normalized."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quanyu.kernel.ngsi.context import Context

RAW_OF_ENTITY = frozenset(["id", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt"])
RAW_OF_INSTANCE = frozenset(
    {"id", "type", "value", "object", "languageMap", "json", "valueList", "objectList", "unitCode", "observedAt"}
    | {"datasetId", "instanceId", "lang", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)
"""Members whose value is taken as it is; what a value holds inside is the sender's own."""

NAMED_IN_INSTANCE = frozenset(["vocab", "objectType", "valueType"])
"""Members whose value is a word of the context, or a list of such."""

Rename = Callable[[str], str]


def stored_form(document: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return a normalized entity in stored names; its own "@context" is left out."""
    return _entity(document, context.name, context.name, context.name)


def shown_form(document: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return a stored entity in the words of a context."""
    return _entity(document, _same, context.word, context.type_word)


def _same(name: str) -> str:
    return name


def _entity(document: dict[str, Any], stored: Rename, written: Rename, word: Rename) -> dict[str, Any]:
    """`stored` tells members from attributes; `written` names attributes, `word` types and vocabulary words."""
    out: dict[str, Any] = {}
    for key, value in document.items():
        if key == "@context":
            continue
        name = stored(key)
        if name in RAW_OF_ENTITY:
            out[name] = value
        elif name == "type":
            out[name] = _words(value, word)
        else:
            out[written(key)] = _attribute(value, stored, written, word)
    return out


def _attribute(value: Any, stored: Rename, written: Rename, word: Rename) -> Any:
    if isinstance(value, list):
        return [_attribute(each, stored, written, word) for each in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, held in value.items():
        name = stored(key)
        if name in RAW_OF_INSTANCE:
            out[name] = held
        elif name in NAMED_IN_INSTANCE:
            out[name] = _words(held, word)
        else:
            out[written(key)] = _attribute(held, stored, written, word)
    return out


def _words(value: Any, word: Rename) -> Any:
    if isinstance(value, list):
        return [_words(each, word) for each in value]
    return word(value) if isinstance(value, str) else value
