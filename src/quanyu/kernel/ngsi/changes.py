"""What a notification says of change (5.8.6): values before it, and what is gone; still in the stored form.

`write_entity` writes what these functions return: `previousValue` and its like, NULL values and `deletedAt`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.members import KINDS, PREVIOUS, Instance, instances
from quanyu.kernel.ngsi.writing_attribute import null_of


def deleted_instance(instance: Instance, at: Instant | None = None, *, show_changes: bool = False) -> Instance:
    """Return what is said of an attribute instance that is gone, deleted `at` (left out when None).

    Its system instants stay when they were laid in; `show_changes` adds the value that it had.
    """
    kind = instance["type"]
    made: Instance = {"type": kind, KINDS[kind]: null_of(kind)}
    for member in ("datasetId", "instanceId", "createdAt", "modifiedAt"):
        if member in instance:
            made[member] = instance[member]
    if at is not None:
        made["deletedAt"] = at
    if show_changes:
        made[PREVIOUS[kind]] = instance[KINDS[kind]]
    return made


def deleted_entity(
    before: Document, at: Instant, *, attributes: Iterable[str] = (), show_changes: bool = False, sys: bool = False
) -> Document:
    """Return what is said of an entity that is gone: id, type and when.

    `attributes` are those that the subscription watches, said to be gone too; `show_changes` says it of all, with the
    values they had; `sys` says of each when.
    """
    made: Document = {"id": before["id"], "type": before["type"], "deletedAt": at}
    for member in ("createdAt", "modifiedAt"):
        if member in before:
            made[member] = before[member]
    watched = frozenset(attributes)
    for name, attribute in before.items():
        if _is_attribute(attribute) and (show_changes or name in watched):
            gone = [
                deleted_instance(each, at if sys else None, show_changes=show_changes) for each in instances(attribute)
            ]
            made[name] = gone if len(gone) > 1 else gone[0]
    return made


def with_changes(
    document: Document,
    before: Mapping[str, Any],
    names: Iterable[str],
    at: Instant | None = None,
    *,
    show_changes: bool = False,
) -> Document:
    """Return the entity with what is gone from the attributes named, each NULL, and with `show_changes` old values.

    `before` is the entity as it stood; `at`, when it is to be said, the instant of the change.
    """
    made = dict(document)
    for name in names:
        old = {each.get("datasetId"): each for each in instances(before[name])} if name in before else {}
        several = []
        for instance in instances(document[name]) if name in document else []:
            was = old.pop(instance.get("datasetId"), None)
            if show_changes and was is not None and _value(was) != _value(instance):
                instance = instance | {PREVIOUS[was["type"]]: _value(was)}
            several.append(instance)
        several += [deleted_instance(each, at, show_changes=show_changes) for each in old.values()]
        if several:
            made[name] = several if len(several) > 1 else several[0]
    return made


def _value(instance: Instance) -> Any:
    return instance[KINDS[instance["type"]]]


def _is_attribute(attribute: Any) -> bool:
    first = instances(attribute)[0] if attribute else None
    return isinstance(first, dict) and first.get("type") in KINDS
