"""What kept records tell of one entity without an observedAt: values, scopes, and what was taken away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quanyu.engines.history.telling import INTERFACE, Told, gone, told
from quanyu.kernel.journal import Record
from quanyu.kernel.temporal import NULL

SCOPE_OFFSET = 1_000_000_000
GONE_OFFSET = SCOPE_OFFSET + 1
"""Offsets of instances that are not written as such: the scope set by a record, then the attributes it took away."""

NULLS: dict[str, tuple[str, Any]] = {
    "Property": ("value", NULL),
    "GeoProperty": ("value", NULL),
    "Relationship": ("object", NULL),
    "LanguageProperty": ("languageMap", {"@none": NULL}),
    "VocabProperty": ("vocab", NULL),
    "JsonProperty": ("json", NULL),
    "ListProperty": ("valueList", NULL),
    "ListRelationship": ("objectList", NULL),
}
"""How an instance that was deleted is written (4.5.7)."""


def tells_of(records: Iterable[Record]) -> list[Told]:
    """Return, of one entity's records in order, the instances without a time, the scopes, and the deletions."""
    found: list[Told] = []
    standing: dict[tuple[str, str], str] = {}
    scope: Any = None
    for record in records:
        tells = told(record)
        found += [each for each in tells if each.observed_at is None]
        if record.kind in ("history.added", "history.amended"):
            continue
        before, scope = scope, _scope(record, scope)
        if scope != before:
            found.append(_scope_told(record, scope))
        left = list(standing) if record.kind == "entity.deleted" else gone(record)
        for number, (name, dataset) in enumerate(left):
            kind = standing.pop((name, dataset), "Property")
            member, null = NULLS.get(kind, NULLS["Property"])
            content = {"type": kind, member: null, "deletedAt": record.at}
            found.append(_plain(record, name, dataset, content, GONE_OFFSET + number))
        standing |= {(each.attribute, each.dataset): str(each.content.get("type")) for each in tells}
    return found


def _scope(record: Record, before: Any) -> Any:
    body = record.body or {}
    if record.kind == "entity.merged":
        head = body.get("head") or {}
        return head.get("scope", before)
    return (body.get("document") or {}).get("scope")


def _scope_told(record: Record, scope: Any) -> Told:
    """NGSI-LD 4.5.6: a scope set by the core API was observed when it was set; a scope that is gone is empty."""
    if scope is None:
        content = {"type": "Property", "value": [], "deletedAt": record.at}
        return _plain(record, "scope", "", content, SCOPE_OFFSET)
    return _plain(record, "scope", "", {"type": "Property", "value": scope}, SCOPE_OFFSET, record.at)


def _plain(
    record: Record, name: str, dataset: str, content: dict[str, Any], offset: int, observed_at: int | None = None
) -> Told:
    return Told(
        record.subject, name, dataset, observed_at, record.at, content, "", INTERFACE, record.seq, offset,
        record.at, record.seq,
    )  # fmt: skip
