"""What a record changed: which entity, which of its attributes came, changed or went, and what stood before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from quanyu.kernel.entity import RESERVED, Document, batch_of
from quanyu.kernel.journal import Instant, Record
from quanyu.kernel.ngsi.instants import micros
from quanyu.kernel.ngsi.members import Instance, instances

Observed = tuple[str, str, Instant, Any, str | None]
"""Entity, attribute, observed_at, value, unit."""


class Change(msgspec.Struct):
    """One entity changed by one record.

    `made`, `changed` and `gone` are names of attributes; one that lost some of its instances is changed and gone. What a
    replacement made is not told from what it changed unless `before` (names → attributes as they stood) says it.
    `patch` is what the record laid down, an observed value as (observed_at, value, unit, the latest instant at which the
    same attribute was observed in this batch of records); `document` the whole entity where the record holds it.
    """

    seq: int
    at: Instant
    entity: str
    types: tuple[str, ...] | None
    created: bool = False
    deleted: bool = False
    made: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    patch: Mapping[str, Any] = {}
    document: Document | None = None
    before: Document | None = None

    @property
    def touched(self) -> frozenset[str]:
        """All names that it concerns."""
        return self.made | self.changed | self.gone


def change_of(record: Record) -> Change:
    """Return what a record of an entity changed (created, replaced, merged, deleted)."""
    body = record.body or {}
    if record.kind == "entity.deleted":
        return _deleted(record, body)
    if record.kind == "entity.merged":
        return _merged(record, body)
    document = body["document"]
    names = frozenset(_attributes(document))
    change = Change(record.seq, record.at, record.subject, _types(document["type"]), document=document)
    if record.kind == "entity.created":
        change.created, change.made = True, names
        return change
    before = body.get("before")
    change.before = before
    known = names if before is None else frozenset(before)
    change.changed = names & known
    change.made = names if before is None else names - known
    change.gone = frozenset(body.get("gone", ()))
    return change


def _deleted(record: Record, body: Mapping[str, Any]) -> Change:
    before = body.get("before")
    return Change(
        record.seq, record.at, record.subject, _types(body["type"]), deleted=True, before=before,
        gone=frozenset(_attributes(before)) if before else frozenset(),
    )  # fmt: skip


def _merged(record: Record, body: Mapping[str, Any]) -> Change:
    patch: Mapping[str, Any] = body["patch"]
    before: Mapping[str, Any] = body.get("before") or {}
    made = frozenset(body["added"])
    gone = {name for name, attribute in patch.items() if attribute is None}
    changed = {name for name, attribute in patch.items() if attribute is not None} - made
    for name, touched in body.get("datasets", {}).items():
        attribute = patch.get(name)
        left = {each.get("datasetId") for each in instances(attribute)} if attribute is not None else set()
        if set(touched) - left:
            gone.add(name)
            if not set(touched) & left:
                changed.discard(name)
    # Scope and further types are told as changes of the members that they are.
    changed |= {name for name in body.get("head", ()) if name != "expiresAt"}
    return Change(
        record.seq, record.at, record.subject, _types(body["type"]), made=made, changed=frozenset(changed),
        gone=frozenset(gone), patch={**patch, **body.get("head", {})}, before=dict(before) if before else None,
    )  # fmt: skip


def observed_in(record: Record, wanted: Callable[[str], bool]) -> Sequence[Observed]:
    """Return the live observations of wanted attributes; imported history notifies nobody."""
    body = record.body or {}
    if body.get("as") == "history":
        return ()
    if "rows" in body:
        return [(row[0], row[1], row[2], row[3], row[4]) for row in body["rows"] if wanted(row[1])]
    names = {name for name in body["attributes"] if wanted(name)}
    if not names:
        return ()
    return [
        (each.entity, each.attribute, each.observed_at, each.value, each.unit)
        for each in batch_of(body)
        if each.attribute in names
    ]


def laid(document: Document, patch: Mapping[str, Any], at: Instant) -> Document:
    """Return the entity as a record left it at an instant: its own changes laid over what stands now."""
    made = dict(document)
    for name, attribute in patch.items():
        if attribute is None:
            made.pop(name, None)
        elif attribute.__class__ is tuple:
            made[name] = _observed(document.get(name), attribute)
        elif name in RESERVED:
            made[name] = attribute
        else:
            made[name] = _stamped(document.get(name), attribute, at)
    return made


def _stamped(standing: Any, attribute: Any, at: Instant) -> Any:
    """Return an attribute as a record laid it down, with the system instants that are known of its instances."""
    known: dict[str | None, Instance] = {}
    if standing is not None:
        known = {each.get("datasetId"): each for each in instances(standing)}
    made = []
    for instance in instances(attribute):
        stood: Instance = known.get(instance.get("datasetId"), {})
        stamps: Instance = {name: stood[name] for name in ("createdAt", "modifiedAt") if name in stood}
        if stood == {**instance, **stamps}:
            made.append(stood)
        else:
            made.append({**instance, "createdAt": stamps.get("createdAt", at), "modifiedAt": at})
    return made if isinstance(attribute, list) else made[0]


def _observed(attribute: Any, row: tuple[Instant, Any, str | None, Instant]) -> Any:
    """Lay an observed value over the default instance, unless one stands there that is newer than all in sight."""
    observed_at, value, unit, latest = row
    found: list[Instance] = [] if attribute is None else instances(attribute)
    default = next((each for each in found if "datasetId" not in each), None)
    if default is not None:
        standing = default.get("observedAt")
        at = standing if standing is None or standing.__class__ is int else micros(standing)
        if at is not None and at > latest:
            return attribute
    new: Instance = {**(default or {"type": "Property"}), "value": value, "observedAt": observed_at}
    if unit:
        new["unitCode"] = unit
    others = [each for each in found if each is not default]
    return [new, *others] if others else new


def _types(types: str | list[str]) -> tuple[str, ...]:
    return tuple(types) if isinstance(types, list) else (types,)


def _attributes(document: Mapping[str, Any]) -> list[str]:
    return [name for name in document if name not in RESERVED]
