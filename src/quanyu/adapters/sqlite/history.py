"""The past in SQLite: instances that are no plain numbers, and the records that tell of an entity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quanyu.adapters.sqlite.context.entry import NAMED_MAX
from quanyu.adapters.sqlite.statements import Statements
from quanyu.adapters.sqlite.store import Reading
from quanyu.engines.context.tables import ENTITY
from quanyu.engines.history.store import FIRST, LAST, IndexWindow
from quanyu.kernel.journal import Instant, Record, Row, Stored

NEXT_SERIES = (
    "SELECT attribute, dataset FROM instances WHERE entity = ? AND (attribute, dataset) > (?, ?)"
    " ORDER BY attribute, dataset LIMIT 1"
)
OTHERS = (
    "SELECT id, type FROM temporal WHERE id > ?1 UNION ALL"
    " SELECT id, type FROM departed WHERE id > ?1 AND id NOT IN (SELECT id FROM temporal) ORDER BY id LIMIT ?2"
)
DESCRIBED = (
    "SELECT seq FROM described WHERE entity = ? AND (tells & ?) <> 0 AND at >= ? AND at < ? ORDER BY seq DESC LIMIT ?"
)
BIRTHS = Statements(
    lambda size: (
        f"SELECT id, born FROM entity WHERE id IN ({', '.join('?' * size)}) AND born IS NOT NULL"  # noqa: S608
    )
)
BY = frozenset({"observed_at", "at", "modified"})
SEQS_MAX = 500


class SqliteHistory:
    """Implements `engines.history.store.TemporalIndex` over a reading connection; `upcast` decodes stored records."""

    def __init__(self, connect: Callable[[], Reading], upcast: Callable[[Stored], Record]) -> None:
        self._connect = connect
        self._upcast = upcast

    def series(self, entity: str) -> list[tuple[str, str]]:
        """Return the (attribute, dataset) of which instances are stored; each is found by a step in the index."""
        connection = self._connect()
        found: list[tuple[str, str]] = []
        last = ("", "")
        while True:
            row = connection.execute(NEXT_SERIES, (entity, *last)).fetchone()
            if row is None:
                return found
            last = row
            found.append(row)

    def instances(
        self, entity: str, attribute: str, dataset: str, window: IndexWindow, limit: int, *, newest: bool = False
    ) -> list[Row]:
        """Return up to `limit` rows in the order of the window's time."""
        assert window.by in BY
        turn = "DESC" if newest else "ASC"
        return list(
            self._connect().execute(
                f"SELECT * FROM instances WHERE entity = ? AND attribute = ? AND dataset = ? AND {window.by} >= ?"  # noqa: S608
                f" AND {window.by} < ? ORDER BY {window.by} {turn} LIMIT ?",
                (entity, attribute, dataset, window.start, window.end, limit),
            )
        )

    def described(self, entity: str, tells: int, limit: int, start: Instant = FIRST, end: Instant = LAST) -> list[int]:
        """Return the seqs of kept records that tell of an entity without a time, newest first."""
        rows = self._connect().execute(DESCRIBED, (entity, tells, start, end, limit))
        return [row[0] for row in rows]

    def births(self, entities: Sequence[str]) -> dict[str, int]:
        """Return the seqs of the records that made these entities, of those that stand and say so.

        Rows of entities lag: those that wait are written before anybody looks.
        """
        connection = self._connect()
        if connection.store.waits and any(connection.store.lacks(ENTITY, id) for id in entities):
            connection.settle((ENTITY.name,))
        found: dict[str, int] = {}
        for start in range(0, len(entities), NAMED_MAX):
            some = entities[start : start + NAMED_MAX]
            # A few sizes of the statement do for all.
            size = 1 << (len(some) - 1).bit_length()
            rows = connection.execute(BIRTHS[size], (*some, *([some[-1]] * (size - len(some)))))
            found |= dict(rows)
        return found

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """Return records by seq, in order."""
        found: list[Record] = []
        for start in range(0, len(seqs), SEQS_MAX):
            part = seqs[start : start + SEQS_MAX]
            marks = ", ".join("?" * len(part))
            connection = self._connect()
            rows = connection.execute(f"SELECT * FROM journal WHERE seq IN ({marks}) ORDER BY seq", part)  # noqa: S608
            found += [self._upcast(connection.store.heads.stored(row)) for row in rows]
        return found

    def temporal(self, id: str) -> Row | None:
        """Return the row of an entity that was told to the history itself."""
        row: Row | None = self._connect().execute("SELECT * FROM temporal WHERE id = ?", (id,)).fetchone()
        return row

    def departed(self, id: str) -> Row | None:
        """Return the row of an entity that was deleted."""
        row: Row | None = self._connect().execute("SELECT * FROM departed WHERE id = ?", (id,)).fetchone()
        return row

    def others(self, after: str, limit: int) -> list[tuple[str, str]]:
        """Return ids and types of entities that the context need not know, in order of id."""
        return list(self._connect().execute(OTHERS, (after, limit)))
