"""Folds entity records into rows: the document, its stamps, its boxes, its last values, and the indexes over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from quanyu.engines.context import index, places, stamps
from quanyu.engines.context.entering import enter_all
from quanyu.engines.context.expiry import expires_at
from quanyu.engines.context.observed import newest
from quanyu.engines.context.overlay import laid_over
from quanyu.engines.context.tables import (
    BORN,
    COUNTER,
    CREATED,
    DOC,
    ENTITY,
    ENTITY_N,
    ENTITY_VERSION,
    LAST,
    MODIFIED,
    OBSERVED,
    STAMPS,
)
from quanyu.kernel.entity import RESERVED, UNTOLD, Document
from quanyu.kernel.journal import Body, Record, Row, State
from quanyu.kernel.ngsi.members import instances

_encode = msgspec.json.Encoder().encode
_decode: Any = msgspec.json.Decoder().decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
NOTHING: frozenset[str] = frozenset()


def fold(record: Record, body: Body, state: State) -> None:
    """Fold one record."""
    if record.kind == "observed":
        _observe(record, body, state)
        return
    if record.kind == "entity.created":
        document = body["document"]
        state.put(COUNTER, ("entity", body["n"]))
        _write(record, state, body["n"], document, None, None)
        state.later(_enter_all, (body["n"], document))
        return
    row = state.get(ENTITY, record.subject)
    assert row is not None
    old = _decode(row[DOC])
    if record.kind == "entity.merged":
        _merge(record, body, state, row, old)
    elif record.kind == "entity.replaced":
        _replace(record, body["document"], state, row, old)
    else:
        _delete(record.subject, state, row, old)


def fold_new(records: Sequence[Record], state: State) -> None:
    """Fold records of entities that were created, one after the other, together."""
    made = [(body["n"], body["document"]) for record in records if (body := record.body) is not None]
    state.put(COUNTER, ("entity", made[-1][0]))
    state.put_all(
        ENTITY, [_row(record, n, document, None, None) for record, (n, document) in zip(records, made, strict=True)]
    )
    for each in made:
        state.later(_enter_all, each)


def _enter_all(state: State, entities: Sequence[index.New]) -> None:
    places.enter_all(state, enter_all(state, entities))


def _later(state: State, move_index: Callable[..., None], *of: Any) -> None:
    """Move an index in its turn, after those of the entities that were new before."""
    state.later(_one_by_one, (move_index, of))


def _one_by_one(state: State, moves: Sequence[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
    for move_index, of in moves:
        move_index(state, *of)


def _merge(record: Record, body: Body, state: State, row: Row, old: Document) -> None:
    n, patch, datasets = row[ENTITY_N], body["patch"], body.get("datasets", {})
    document = applied(old, patch, body.get("head"))
    stamped = stamps.decoded(row[STAMPS])
    for name in patch:
        stamps.touched(stamped, row[CREATED], record.at, name, old.get(name), document.get(name), datasets.get(name))
    _write(record, state, n, document, row, stamps.encoded(stamped))
    if _has_place(old, patch) or _has_place(document, patch):
        _later(state, places.move, n, old, document)
    observed = observed_names(state, n)
    if document["type"] != old["type"]:
        _later(state, index.leave, old["type"], n, index.forms_of(old, old, observed))
        left = _forget_last(state, n, observed, patch, datasets)
        _later(state, index.enter, document["type"], n, index.forms_of(document, document, left))
        return
    names = [*patch, *(name for name in body.get("head", ()) if name == index.SCOPE)]
    before = index.forms_of(old, [name for name in names if name in old], [name for name in names if name in observed])
    left = _forget_last(state, n, observed, patch, datasets) if observed else observed
    after = index.forms_of(document, [name for name in names if name in document], [e for e in names if e in left])
    if before != after:
        rest = lambda: index.names_of(document, names, observed)  # noqa: E731
        _later(state, index.change, old["type"], n, before, after, rest)


def _replace(record: Record, document: Document, state: State, row: Row, old: Document) -> None:
    n = row[ENTITY_N]
    base = None if record.at == row[CREATED] else stamps.encoded({stamps.BASE: record.at})
    _write(record, state, n, document, row, base)
    _later(state, places.move, n, old, document)
    observed = observed_names(state, n)
    before = index.forms_of(old, old, observed)
    _forget_last(state, n, observed, observed, {})
    after = index.forms_of(document, document)
    if document["type"] == old["type"]:
        _later(state, index.change, old["type"], n, before, after, lambda: ())
    else:
        _later(state, index.leave, old["type"], n, before)
        _later(state, index.enter, document["type"], n, after)


def _delete(subject: str, state: State, row: Row, old: Document) -> None:
    n = row[ENTITY_N]
    observed = observed_names(state, n)
    _later(state, index.leave, old["type"], n, index.forms_of(old, old, observed))
    _forget_last(state, n, observed, observed, {})
    _later(state, places.move, n, old, {})
    state.delete(ENTITY, subject)


def applied(document: Document, patch: Mapping[str, Any], head: Mapping[str, Any] | None = None) -> Document:
    """Return the document after a merge; a member given as None is gone."""
    merged = dict(document)
    for members in (patch, head or {}):
        for name, value in members.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = value
    return merged


def observed_names(state: State, n: int) -> Collection[str]:
    """Return the attributes of an entity that have a last observed value."""
    row = state.get(OBSERVED, n)
    return row[1].split("\n") if row else NOTHING


def deletion_body(row: Row, state: State, before: bool) -> Body:
    """Return the body of a record that an entity is deleted: where its life began, and what stood when `before` asks."""
    document = _decode(row[DOC])
    body: Body = {"n": row[ENTITY_N], "type": document["type"]}
    if row[BORN] is not None:
        body |= {"born": row[BORN], "created": row[CREATED]}
    if before:
        rows = [state.get(LAST, row[ENTITY_N], name) for name in observed_names(state, row[ENTITY_N])]
        stood = laid_over(document, [(r[1], r[2], r[3], r[7], r[8]) for r in rows if r is not None])
        body["before"] = _stamped(stood, row)
    return body


def _stamped(document: Document, row: Row) -> Document:
    """Lay in when an entity and its attributes came and last changed."""
    noted = stamps.decoded(row[STAMPS])
    for name, attribute in document.items():
        if name not in RESERVED:
            for instance in instances(attribute):
                stamp = stamps.stamp_of(noted, row[CREATED], name, instance.get("datasetId"))
                instance["createdAt"], instance["modifiedAt"] = stamp
    return {**document, "createdAt": row[CREATED], "modifiedAt": row[MODIFIED]}


def _write(record: Record, state: State, n: int, document: Document, old: Row | None, stamped: str | None) -> None:
    state.put(ENTITY, _row(record, n, document, old, stamped))


def _row(record: Record, n: int, document: Document, old: Row | None, stamped: str | None) -> Row:
    text = _encode(document).decode()
    # The word rarely stands in a document; a text is searched faster than a document walked.
    expires = expires_at(document) if '"expiresAt"' in text else None
    return (
        record.subject,
        n,
        index.kind_of(document["type"]),
        text,
        old[ENTITY_VERSION] + 1 if old else 1,
        old[CREATED] if old else record.at,
        record.at,
        record.provenance,
        stamped,
        expires,
        old[BORN] if old else _born(record),
    )


def _born(record: Record) -> int | None:
    """Return where the life of an entity begins, unless whoever reads the journal takes note of that record itself."""
    return None if UNTOLD in (record.body or NOTHING) else record.seq


def _has_place(document: Document, names: Iterable[str]) -> bool:
    """Whether one of some attributes is a GeoProperty."""
    for name in names:
        attribute = document.get(name)
        if attribute is not None and any(each["type"] == "GeoProperty" for each in instances(attribute)):
            return True
    return False


def _forget_last(
    state: State, n: int, observed: Collection[str], replaced: Iterable[str], datasets: Mapping[str, Any]
) -> Collection[str]:
    """Drop last values whose default instance was written or removed; return the names that keep theirs."""
    if not observed:
        return observed
    gone = {name for name in replaced if name in observed and (name not in datasets or None in datasets[name])}
    if not gone:
        return observed
    for name in sorted(gone):
        state.delete(LAST, n, name)
    left = [name for name in observed if name not in gone]
    if left:
        state.put(OBSERVED, (n, "\n".join(left)))
    else:
        state.delete(OBSERVED, n)
    return left


def _observe(record: Record, body: Body, state: State) -> None:
    seq, at, provenance = record.seq, record.at, record.provenance
    for n, name, observed_at, value, unit, offset, id in newest(body):
        said = state.get(OBSERVED, n)
        # What is not said to be observed has no last value to look for.
        old = state.get(LAST, n, name) if said is not None and name in said[1] else None
        if old is None:
            _enter_series(state, id, n, name)
        elif old[3] > observed_at:
            continue
        state.put(LAST, (n, name, value, observed_at, at, seq, offset, unit, provenance))


def _enter_series(state: State, id: str, n: int, name: str) -> None:
    """Take note that an attribute is observed; one that is not described is counted like one that is."""
    row = state.get(OBSERVED, n)
    state.put(OBSERVED, (n, f"{row[1]}\n{name}" if row else name))
    entity = state.get(ENTITY, id)
    assert entity is not None
    if name not in _decode_names(entity[DOC]):
        document = _decode(entity[DOC])
        others = row[1].split("\n") if row else ()
        rest = lambda: index.names_of(document, (name,), others)  # noqa: E731
        _later(state, index.change, document["type"], n, {}, {(name, "Property"): []}, rest)
