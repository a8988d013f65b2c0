"""Where all entities stand, as columns: read whole once, then only what the journal says has changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.adapters.sqlite.store import Reading
from quanyu.engines.context.places import place_of
from quanyu.engines.context.tables import ENTITY
from quanyu.kernel.journal import Stored

PAGE: Final = 50_000
ENTITIES: Final = frozenset({ENTITY.name})
_ALL: Final = "SELECT n, type, doc FROM entity WHERE n > ? ORDER BY n LIMIT ?"
Standing = tuple[int, str, float, float]
"""Number, type, longitude and latitude of the middle."""


Read = Callable[[int, int, Collection[str] | None], list[Stored]]
"""Returns records behind a seq, so many, of some kinds."""


class _Value(msgspec.Struct, gc=False):
    type: str
    coordinates: msgspec.Raw


class _Location(msgspec.Struct, gc=False):
    value: _Value


class _Placed(msgspec.Struct, gc=False):
    """The part of a document that most entities have: one location, a point."""

    location: _Location


_placed: Final = msgspec.json.Decoder(_Placed)
_pair: Final = msgspec.json.Decoder(list[float])
_decode: Final = msgspec.json.Decoder().decode


class SqliteAtlas:
    """Reads places out of the documents themselves; `connect` returns this thread's connection, `read` the journal."""

    def __init__(self, connect: Callable[[], Reading], read: Read) -> None:
        self._connect, self._read = connect, read

    def _reading(self) -> Reading:
        connection = self._connect()
        connection.settle(ENTITIES)
        return connection

    def seq(self) -> int:
        """Return the last record that this connection sees."""
        rows: Any = self._connect().execute("SELECT max(seq) FROM journal")
        return int(rows.fetchone()[0] or 0)

    def places(self) -> Iterator[Sequence[Standing]]:
        """Yield pages of entities that stand somewhere, in order of their numbers."""
        connection: Any = self._reading()
        after = -1
        while rows := connection.execute(_ALL, (after, PAGE)).fetchall():
            after = int(rows[-1][0])
            yield list(_standing(rows))

    def changed(self, after: int, upto: int, kinds: Collection[str], limit: int) -> list[str]:
        """Return ids of entities that records of some kinds are about."""
        found: dict[str, None] = {}
        while len(found) < limit and (records := self._read(after, limit, kinds)):
            found |= dict.fromkeys(record.subject for record in records if record.seq <= upto)
            after = records[-1].seq
            if after >= upto:
                break
        return list(found)

    def standing(self, ids: Iterable[str]) -> Mapping[str, tuple[int, Standing | None]]:
        """Return number and place of entities, those that stand nowhere without one; what is gone is left out."""
        found: dict[str, tuple[int, Standing | None]] = {}
        connection: Any = self._reading()
        for id in ids:
            row = connection.execute("SELECT n, type, doc FROM entity WHERE id = ?", (id,)).fetchone()
            if row is not None:
                found[id] = (row[0], next(_standing([row]), None))
        return found

    def documents(self, numbers: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield entities by number, as they are stored."""
        connection: Any = self._reading()
        for n in numbers:
            row = connection.execute("SELECT doc FROM entity WHERE n = ?", (n,)).fetchone()
            if row is not None:
                yield n, _decode(row[0])


def _standing(rows: Iterable[tuple[Any, ...]]) -> Iterator[Standing]:
    for n, kind, text in rows:
        try:
            value = _placed.decode(text).location.value
            if value.type == "Point":
                lon, lat = _pair.decode(value.coordinates)[:2]
                yield n, kind.partition("\n")[0], lon, lat
                continue
        except msgspec.MsgspecError:
            pass  # several instances, another attribute, or no place at all: the document tells
        box = place_of(_decode(text))
        if box is not None:
            yield n, kind.partition("\n")[0], (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
