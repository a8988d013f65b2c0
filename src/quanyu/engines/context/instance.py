"""Attribute instances: an attribute is one, or a list of them told apart by `datasetId`; how two of them merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quanyu.kernel.ngsi.members import KINDS as VALUE_OF
from quanyu.kernel.ngsi.members import NULL, Instance, instances

Attribute = Instance | list[Instance]
_NOTHING_IN_ANY_LANGUAGE: Final = {"@none": NULL}

META: Final = frozenset(VALUE_OF.values()) | {
    "type", "unitCode", "observedAt", "datasetId", "objectType", "valueType", "expiresAt", "createdAt", "modifiedAt",
    "deletedAt", "instanceId", "entity", "entityList",
}  # fmt: skip
"""Members of an instance that are no sub-attributes."""


def keyed(attribute: Any) -> dict[str | None, Instance]:
    """Return the instances by datasetId; None is the default instance, and NULL alone stands for it."""
    if attribute is None:
        return {}
    if attribute == NULL:
        return {None: attribute}
    return {instance.get("datasetId"): instance for instance in instances(attribute)}


def packed(found: Mapping[str | None, Instance]) -> Attribute | None:
    """Return instances as a document holds them: one bare, several in a list, None for none."""
    if len(found) == 1:
        return next(iter(found.values()))
    return list(found.values()) or None


def is_null(instance: Any) -> bool:
    """Whether an instance says that the one with its datasetId shall go."""
    if instance.__class__ is not dict:
        return bool(instance == NULL)
    member = VALUE_OF.get(instance.get("type", ""))
    if member is None:
        return any(instance.get(each) == NULL for each in VALUE_OF.values())
    value = instance.get(member)
    return bool(value == NULL or (member == "languageMap" and value == _NOTHING_IN_ANY_LANGUAGE))


def bare(instance: Instance) -> Instance:
    """Return an instance without what stands for removal: it is added where there is nothing to remove."""
    member = VALUE_OF.get(instance.get("type", ""))
    clean: Instance = {}
    for name, value in instance.items():
        if name == member:
            clean[name] = _patched(None, value)
        elif name in META:
            if value != NULL:
                clean[name] = value
        else:
            subs = {key: bare(each) for key, each in keyed(value).items() if not is_null(each)}
            if subs:
                clean[name] = packed(subs)
    return clean


def merged(old: Instance, new: Instance) -> Instance:
    """NGSI-LD 5.5.12: return an instance with another merged into it, down into its value and sub-attributes."""
    was: str = old["type"]
    kind: str = new.get("type", was)
    member = VALUE_OF[kind]
    result = dict(old)
    if kind != was:
        result.pop(VALUE_OF[was])
    result["type"] = kind
    for name, value in new.items():
        if name == member:
            result[name] = _patched(old.get(name) if kind == was else None, value)
        elif value == NULL:
            result.pop(name, None)
        elif name in META:
            result[name] = value
        else:
            subs = merged_instances(keyed(result.get(name)), keyed(value))
            if subs:
                result[name] = packed(subs)
            else:
                result.pop(name, None)
    return result


def merged_instances(
    old: Mapping[str | None, Instance], new: Mapping[str | None, Instance]
) -> dict[str | None, Instance]:
    """Merge instances by datasetId: one that stands is merged or goes, another is added."""
    result = dict(old)
    for key, instance in new.items():
        if is_null(instance):
            result.pop(key, None)
        elif key in result:
            result[key] = merged(result[key], instance)
        else:
            result[key] = bare(instance)
    return result


def replaced_members(old: Instance, fragment: Instance) -> Instance:
    """NGSI-LD 5.5.8: return an instance with the members of a fragment in place of its own; NULL removes a member."""
    result = dict(old)
    for name, value in fragment.items():
        kept = value
        if name not in META:
            kept = packed({key: each for key, each in keyed(value).items() if not is_null(each)})
        if kept is None or kept == NULL:
            result.pop(name, None)
        else:
            result[name] = kept
    return result


def _patched(old: Any, new: Any) -> Any:
    """Merge JSON objects member by member as RFC 7396 does, with NULL for null; anything else takes the old's place."""
    if new.__class__ is not dict:
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value == NULL:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result
