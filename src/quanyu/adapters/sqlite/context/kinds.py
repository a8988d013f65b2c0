"""Kinds of entities: which a selection of types means, how many there are, and where the millionth begins."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import apsw
import msgspec

from quanyu.adapters.sqlite.context.entry import COLUMNS, Entry
from quanyu.engines.context.expiry import is_over
from quanyu.engines.context.index import ALL, BLOCK, types_of
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.selection import Types

STREAMS_MAX: Final = 200
"""Kinds whose entities are merged from as many cursors; more are picked out of all entities."""
DEAD_MAX: Final = 10_000
STANDING: Final = "SELECT types, code, count FROM entity_kind WHERE count > 0"
WALK: Final = f"SELECT {COLUMNS} FROM entity e WHERE e.n > ? ORDER BY e.n"  # noqa: S608
WALK_KIND: Final = (
    f"SELECT {COLUMNS} FROM typed t CROSS JOIN entity e ON e.n = t.n"  # noqa: S608
    " WHERE t.kind = ? AND t.n > ? ORDER BY t.n"
)
EXPIRED: Final = "SELECT n, type, doc FROM entity WHERE expires <= ? ORDER BY expires LIMIT ?"


class Kinds:
    """The kinds that a selection of types and an actor's filter leave, as they stand now; `everything`: all of them."""

    def __init__(
        self, connection: apsw.Connection, types: Types | None, allowed: frozenset[str] | None, now: Instant
    ) -> None:
        self._connection, self._now = connection, now
        self.everything = types is None and allowed is None
        self.codes: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        for kind, code, count in connection.execute(STANDING):
            names: str | list[str] = types_of(kind) if "\n" in kind else kind
            if types is not None and not types.matches(names):
                continue
            if allowed is not None and not allowed.issuperset([names] if isinstance(names, str) else names):
                continue
            self.codes[kind] = code
            self._counts[kind] = count

    def hold(self, kind: str) -> bool:
        """Whether an entity of a kind is meant; one made a moment ago may be of a kind not known here yet."""
        return self.everything or kind in self.codes

    def count(self) -> int:
        """Return how many entities there are of these kinds, without those that have expired."""
        return sum(self._counts.values()) - sum(1 for _ in self._dead())

    def counts(self) -> Iterable[tuple[str, int]]:
        """Return the kinds, each with its number of entities."""
        return self._counts.items()

    def walk(self, after: int) -> Iterator[Entry]:
        """Yield entities of these kinds in the order in which they were made."""
        execute: Any = self._connection.execute
        if self.everything:
            return iter(execute(WALK, (after,)))
        if len(self.codes) > STREAMS_MAX:
            return (entry for entry in execute(WALK, (after,)) if entry[2] in self.codes)
        streams = [execute(WALK_KIND, (code, after)) for code in self.codes.values()]
        return iter(streams[0]) if len(streams) == 1 else heapq.merge(*streams)

    def skip(self, offset: int) -> int:
        """Return the number after which to walk so that `offset` entities are left out."""
        if offset <= 0:
            return 0
        dead = Counter(n // BLOCK for n in self._dead())
        for block, count in self._blocks():
            alive = count - dead[block]
            if alive > offset:
                return self._within(block, offset, dead[block])
            offset -= alive
        return -1

    def _blocks(self) -> Sequence[tuple[int, int]]:
        codes = [ALL] if self.everything else list(self.codes.values())
        if len(codes) == 1:
            sql = "SELECT block, count FROM tally WHERE kind = ? ORDER BY block"
            return list(self._connection.execute(sql, codes))
        marks = ", ".join(map(str, codes))
        sql = f"SELECT block, sum(count) FROM tally WHERE kind IN ({marks}) GROUP BY block ORDER BY block"  # noqa: S608
        return list(self._connection.execute(sql))

    def _within(self, block: int, offset: int, dead: int) -> int:
        """Return the number of the last entity to leave out, inside a block."""
        low, high = block * BLOCK, (block + 1) * BLOCK
        if self.everything:
            rows = self._connection.execute("SELECT n FROM entity WHERE n >= ? AND n < ? ORDER BY n", (low, high))
        else:
            marks = ", ".join(map(str, self.codes.values()))
            rows = self._connection.execute(
                f"SELECT n FROM typed WHERE kind IN ({marks}) AND n >= ? AND n < ? ORDER BY n",  # noqa: S608
                (low, high),
            )
        gone = set(self._dead()) if dead else set()
        for (n,) in rows:
            if n not in gone:
                if offset == 0:
                    return int(n) - 1
                offset -= 1
        return high - 1

    def _dead(self) -> Iterator[int]:
        """Yield entities of these kinds that have expired and are about to go."""
        for n, kind, text in self._connection.execute(EXPIRED, (self._now, DEAD_MAX)):
            if self.hold(kind) and is_over(msgspec.json.decode(text), self._now):
                yield n
