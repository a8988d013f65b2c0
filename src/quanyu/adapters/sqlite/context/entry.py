"""A row of `entity` as it is read, and the document that an actor sees of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec

from quanyu.adapters.sqlite.statements import Statements
from quanyu.engines.context.expiry import is_over, without_expired
from quanyu.engines.context.index import types_of
from quanyu.engines.context.overlay import laid, laid_over
from quanyu.engines.context.stamps import decoded, stamp_of
from quanyu.kernel.entity import RESERVED, Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.instants import text_of as instant_text
from quanyu.kernel.ngsi.members import instances
from quanyu.kernel.view import Filter

Entry = tuple[int, str, str, bytes, Instant, Instant, str | None, Instant | None, str | None]
"""n, id, kind, document as JSON, created, modified, stamps, expires, what is observed of it (a line each, None: nothing)."""

Last = tuple[str, Any, Instant, str | None, str, Instant]
"""Attribute, value, observed_at, unit, provenance, at."""

_OBSERVED: Final = "(SELECT o.names FROM observed o WHERE o.n = e.n)"
COLUMNS: Final = f"e.n, e.id, e.type, CAST(e.doc AS BLOB), e.created, e.modified, e.stamps, e.expires, {_OBSERVED}"
"""The document as bytes: made into a text it would be taken apart and put together again before it is decoded."""
BY_ID: Final = f"SELECT {COLUMNS} FROM entity e WHERE e.id = ?"  # noqa: S608
BY_IDS: Final = Statements(lambda size: f"SELECT {COLUMNS} FROM entity e WHERE e.id IN ({', '.join('?' * size)})")  # noqa: S608
BY_NUMBER: Final = f"SELECT {COLUMNS} FROM entity e WHERE e.n = ? AND +e.id = ?"  # noqa: S608
"""The entity with an id, where it has a number; the sign keeps the id's index out of it."""
_JSON: Final = f"SELECT e.n, e.type, CAST(e.doc AS BLOB), e.expires, {_OBSERVED} FROM entity e"  # noqa: S608
JSON_BY_ID: Final = f"{_JSON} WHERE e.id = ?"
JSON_BY_NUMBER: Final = f"{_JSON} WHERE e.n = ? AND +e.id = ?"
BY_NUMBERS: Final = f"SELECT {COLUMNS} FROM json_each(?) j CROSS JOIN entity e ON e.n = j.value"  # noqa: S608
"""Entities with numbers that come as a JSON array, in its order."""
_LAST: Final = "l.attribute, l.value, l.observed_at, l.unit, l.provenance, l.at"
LAST_OF: Final = f"SELECT {_LAST} FROM last l WHERE l.n = ?"  # noqa: S608
LAST_OF_ALL: Final = f"SELECT l.n, {_LAST} FROM json_each(?) j CROSS JOIN last l ON l.n = j.value"  # noqa: S608
NAMED_MAX: Final = 512
"""Ids in one statement."""
_decode: Any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def visible(kind: str, scope: Filter) -> bool:
    """Whether an actor may see an entity: all of its types must be among those that he may see."""
    if scope.types is None:
        return True
    return kind in scope.types or ("\n" in kind and scope.types.issuperset(types_of(kind)))


def named(connection: apsw.Connection, ids: Sequence[str]) -> list[Entry]:
    """Return the entities with these ids that stand, in the order in which they were made."""
    execute: Any = connection.execute
    found: list[Entry] = []
    for start in range(0, len(ids), NAMED_MAX):
        some = ids[start : start + NAMED_MAX]
        # A few sizes of the statement do for all.
        size = 1 << (len(some) - 1).bit_length()
        found += execute(BY_IDS[size], (*some, *([some[-1]] * (size - len(some)))))
    return sorted(found)


def last_of_all(connection: apsw.Connection, entries: Iterable[Entry]) -> dict[int, list[Last]]:
    """Return the last values of the entities of which something is observed, by number."""
    found: dict[int, list[Last]] = {entry[0]: [] for entry in entries if entry[8]}
    if found:
        execute: Any = connection.execute
        for n, *last in execute(LAST_OF_ALL, (str([*found]),)):
            found[n].append((*last,))
    return found


def document_of(
    connection: apsw.Connection,
    entry: Entry,
    masked: Collection[str],
    now: Instant,
    sys: bool = False,
    last: Sequence[Last] | None = None,
) -> Document | None:
    """Return what stands at `now`: last values laid over, without masked attributes and what has expired.

    `last`: the last values, where they were looked up with those of others.
    """
    document: Document = _decode(entry[3])
    if entry[7] is not None and entry[7] <= now:
        if is_over(document, now):
            return None
        document = without_expired(document, now)
    rows: Sequence[Last] = ()
    if entry[8]:
        rows = list(connection.execute(LAST_OF, (entry[0],))) if last is None else last
        laid_over(document, [row[:5] for row in rows])
    if masked:
        document = {name: value for name, value in document.items() if name not in masked}
    if sys:
        _stamp(document, entry, {row[0]: row[5] for row in rows})
    return document


def json_of(connection: apsw.Connection, n: int, json: bytes) -> bytes:
    """Return an entity's document as JSON with its last values laid in, as a sender would write them."""
    document: Document = _decode(json)
    for name, value, observed_at, unit, provenance, _ in connection.execute(LAST_OF, (n,)):
        # What somebody reported is the value itself; what was measured or simulated says so.
        said = None if provenance.startswith("reported") else {"type": "Property", "value": provenance}
        document[name] = laid(document.get(name), value, instant_text(observed_at), unit, said)
    return _encode(document)


def _stamp(document: Document, entry: Entry, observed: dict[str, Instant]) -> None:
    """Lay in when the entity and each instance of its attributes came and last changed."""
    stamps = decoded(entry[6])
    for name, attribute in document.items():
        if name in RESERVED:
            continue
        for instance in instances(attribute):
            dataset = instance.get("datasetId")
            created, modified = stamp_of(stamps, entry[4], name, dataset)
            if dataset is None and name in observed:
                modified = max(modified, observed[name])
            instance["createdAt"] = created
            instance["modifiedAt"] = modified
    document["createdAt"] = entry[4]
    document["modifiedAt"] = max(entry[5], *observed.values()) if observed else entry[5]
