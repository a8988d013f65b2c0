"""Where all entities stand, as columns: read whole once, then only what the journal says has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import apsw
import msgspec

from quanyu.engines.context.index import types_of
from quanyu.engines.context.places import SLOT_BITS, place_of
from quanyu.kernel.entity import Document

PAGE: Final = 100_000
_decode: Any = msgspec.json.Decoder().decode
_PLACES: Final = "SELECT key, (west + east) / 2, (south + north) / 2 FROM place WHERE key > ? ORDER BY key LIMIT ?"
_TYPED: Final = "SELECT n FROM typed WHERE kind = ? AND n > ? ORDER BY n LIMIT ?"
_FRESH: Final = "SELECT e.n, e.type, e.doc FROM unindexed u CROSS JOIN entity e ON e.n = u.n"
_CHANGED: Final = (
    "SELECT DISTINCT subject FROM journal WHERE seq > ?1 AND seq <= ?2"
    " AND kind IN (SELECT value FROM json_each(?3)) LIMIT ?4"
)

Standing = tuple[int, str, float, float]
"""Number, type, longitude and latitude of the middle."""


class SqliteAtlas:
    """Reads the boxes that geo queries start from; `connect` returns this thread's read-only connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def seq(self) -> int:
        """Return the last record that this connection sees."""
        row = self._connect().execute("SELECT max(seq) FROM journal").fetchone()
        return int(row[0] or 0)

    def places(self) -> Iterator[Sequence[tuple[int, float, float]]]:
        """Yield pages of number, longitude and latitude of entities that are indexed, in order of their numbers."""
        connection: Any = self._connect()
        after = -1
        while rows := connection.execute(_PLACES, (after, PAGE)).fetchall():
            after = int(rows[-1][0])
            # Slot 0 is the place of an entity; further geometries say where it reaches, not where it stands.
            yield [(key >> SLOT_BITS, lon, lat) for key, lon, lat in rows if not key & ((1 << SLOT_BITS) - 1)]

    def kinds(self) -> list[tuple[str, int]]:
        """Return the types of entities with the code under which they are listed."""
        rows: Any = self._connect().execute("SELECT types, code FROM entity_kind WHERE count > 0").fetchall()
        return list(rows)

    def numbers(self, code: int) -> Iterator[Sequence[int]]:
        """Yield pages of the numbers of entities of a type."""
        connection: Any = self._connect()
        after = -1
        while rows := connection.execute(_TYPED, (code, after, PAGE)).fetchall():
            after = int(rows[-1][0])
            yield [row[0] for row in rows]

    def fresh(self) -> list[Standing]:
        """Return entities that are not indexed yet."""
        return list(_standing(self._connect().execute(_FRESH)))

    def changed(self, after: int, upto: int, kinds: Collection[str], limit: int) -> list[str]:
        """Return ids of entities that records of some kinds are about."""
        named = msgspec.json.encode(sorted(kinds)).decode()
        return [row[0] for row in self._connect().execute(_CHANGED, (after, upto, named, limit))]

    def standing(self, ids: Iterable[str]) -> Mapping[str, tuple[int, Standing | None]]:
        """Return number and place of entities, those that are gone or stand nowhere without one; unknown ids left out."""
        found: dict[str, tuple[int, Standing | None]] = {}
        connection = self._connect()
        for id in ids:
            row = connection.execute("SELECT n, type, doc FROM entity WHERE id = ?", (id,)).fetchone()
            if row is not None:
                found[id] = (row[0], next(_standing([row]), None))
        return found

    def values(self, numbers: Sequence[int], attribute: str) -> Iterator[tuple[int, float]]:
        """Yield the numbers that an attribute of entities has."""
        connection = self._connect()
        for n in numbers:
            row = connection.execute("SELECT doc FROM entity WHERE n = ?", (n,)).fetchone()
            value = _decode(row[0]).get(attribute, {}).get("value") if row else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield n, float(value)


def _standing(rows: Iterable[tuple[Any, ...]]) -> Iterator[Standing]:
    for n, kind, text in rows:
        document: Document = _decode(text)
        box = place_of(document)
        if box is not None:
            yield n, _first(kind), (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _first(kind: str) -> str:
    names = types_of(kind)
    return names if isinstance(names, str) else names[0]
