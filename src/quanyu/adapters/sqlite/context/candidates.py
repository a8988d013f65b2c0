"""Numbers of entities that may match, out of the indexes: never too few, so whoever asks looks at the entity itself."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import apsw

from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.engines.context.cells import EASTWARD, NORTHWARD, Area, Box
from quanyu.engines.context.index import FALSE, GEO, MANY, SCOPE, TRUE, code_of, indexed
from quanyu.engines.context.places import SLOT_BITS, SLOT_MAX
from quanyu.kernel.ngsi.q import Comparison

Source = Callable[[int], list[int] | None]
"""Asked for at most so many numbers: all of them in any order, or None when there are more."""

STREAMS_MAX: Final = 200
TYPES_JOINED_MAX: Final = 20
VALUES_MAX: Final = 500
_FIELDS: Final = "SELECT DISTINCT kind, code FROM field WHERE attribute = ?"
_IN_BOX: Final = "SELECT key FROM place_box WHERE west <= ? AND east >= ? AND south <= ? AND north >= ? LIMIT ?"
_GEO_CODES: Final = "SELECT DISTINCT code FROM field WHERE form = 'GeoProperty'"
_SLOT: Final = "SELECT slot FROM geo_slot WHERE attribute = ?"
_BEYOND: Final = {True: "x''", False: "''"}
"""Where the numbers end, and where the texts do."""


class Index:
    """The value index as one selection sees it: under its kinds, without masked attributes."""

    def __init__(self, connection: apsw.Connection, kinds: Kinds) -> None:
        self._connection, self._kinds = connection, kinds

    def source(self, leaf: Sequence[Comparison]) -> Source:
        """Return the source of entities for which one of some comparisons may hold."""

        def fetch(cap: int) -> list[int] | None:
            found: list[int] = []
            for comparison in leaf:
                for sql, bound in self._statements(comparison):
                    found += [row[0] for row in self._connection.execute(f"{sql} LIMIT ?", (*bound, cap + 1))]
                    if len(found) > cap:
                        found = list(set(found))
                        if len(found) > cap:
                            return None
            return list(set(found))

        return fetch

    def stream(self, leaf: Sequence[Comparison], after: int) -> Iterator[int] | None:
        """Yield in order what may equal a value; None where there is no such order to follow."""
        if len(leaf) != 1 or leaf[0].operator != "==":
            return None
        comparison = leaf[0]
        values = list(dict.fromkeys([*map(indexed, comparison.values), MANY]))
        codes = self._codes(comparison.attribute)
        if len(codes) * len(values) > STREAMS_MAX:
            return None
        sql = "SELECT n FROM value WHERE code = ? AND value = ? AND n > ? ORDER BY n"
        cursors = [self._connection.execute(sql, (code, value, after)) for code in codes for value in values]
        last = "SELECT n FROM last WHERE attribute = ? AND value = ? AND n > ? ORDER BY n"
        cursors += [
            self._connection.execute(last, (comparison.attribute, _bound(value), after)) for value in comparison.values
        ]
        return _distinct(heapq.merge(*cursors))

    def _statements(self, comparison: Comparison) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield what to ask of the value index and of last values."""
        for condition, cut, whole in conditions(comparison):
            for code in self._codes(comparison.attribute):
                yield f"SELECT n FROM value WHERE code = ?{condition}", (code, *cut)  # noqa: S608
            if comparison.attribute != SCOPE:
                yield self._observed(condition), (comparison.attribute, *whole)
        if comparison.operator not in ("exists", "!="):
            for code in self._codes(comparison.attribute):
                yield "SELECT n FROM value WHERE code = ? AND value = ?", (code, MANY)

    def _observed(self, condition: str) -> str:
        sql = f"SELECT n FROM last WHERE attribute = ?{condition}"  # noqa: S608
        if self._kinds.everything or len(self._kinds.codes) > TYPES_JOINED_MAX:
            return sql
        marks = ", ".join(map(str, self._kinds.codes.values()))
        return f"{sql} AND EXISTS (SELECT 1 FROM typed t WHERE t.kind IN ({marks}) AND t.n = last.n)"  # noqa: S608

    def _codes(self, attribute: str) -> list[int]:
        kinds = self._kinds
        wanted = set(kinds.codes.values())
        rows = self._connection.execute(_FIELDS, (attribute,))
        return list({code: None for kind, code in rows if kinds.everything or kind in wanted})


def conditions(comparison: Comparison) -> Iterator[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """Yield conditions on a column `value`, each with what is bound for cut texts and for whole ones."""
    operator, values = comparison.operator, comparison.values
    if operator in ("exists", "!="):
        yield "", (), ()
    elif operator == "==":
        for start in range(0, len(values), VALUES_MAX):
            some = values[start : start + VALUES_MAX]
            yield f" AND value IN ({', '.join('?' * len(some))})", tuple(map(indexed, some)), tuple(map(_bound, some))
    elif operator == "..":
        low, high = values
        yield " AND value BETWEEN ? AND ?", (indexed(low), indexed(high)), (_bound(low), _bound(high))
    else:
        # A text that was cut sorts before itself, so texts on the edge are looked at.
        value = values[0]
        text = isinstance(value, str)
        sign = f"{operator}=" if text and operator in ("<", ">") else operator
        below = " AND value >= ''" if text else ""
        more = below if operator in ("<", "<=") else f" AND value < {_BEYOND[text]}"
        yield f" AND value {sign} ?{more}", (indexed(value),), (_bound(value),)


def _bound(value: Any) -> Any:
    found = indexed(value)
    if isinstance(value, str):
        return value
    return {TRUE: 1, FALSE: 0}.get(found, found) if isinstance(found, bytes) else found


def box_source(connection: apsw.Connection, box: Box, attribute: str | None) -> Source:
    """Return the source of entities that may lie in a box; `attribute` None is the place of the entity."""
    area = Area(box)
    if attribute is None:
        slots, codes = {0}, [code for (code,) in connection.execute(_GEO_CODES)]
    else:
        slots = {0, *(slot for (slot,) in connection.execute(_SLOT, (attribute,)))}
        codes = [code_of("", (attribute, GEO))]

    def fetch(cap: int) -> list[int] | None:
        found: set[int] = set()
        for part in (_in_boxes(connection, box, slots, cap), _in_cells(connection, area, codes, cap)):
            if part is None:
                return None
            found |= part
        return list(found) if len(found) <= cap else None

    return fetch


def _in_boxes(connection: apsw.Connection, box: Box, slots: set[int], cap: int) -> set[int] | None:
    west, south, east, north = box
    rows: list[Any] = connection.execute(_IN_BOX, (east, west, north, south, 2 * cap + 1)).fetchall()
    return None if len(rows) > 2 * cap else {key >> SLOT_BITS for (key,) in rows if key & SLOT_MAX in slots}


def _in_cells(connection: apsw.Connection, area: Area, codes: Sequence[int], cap: int) -> set[int] | None:
    found: list[int] = []
    sql = _cells_sql(len(area.ranges))
    for code in codes if area.ranges else ():
        bound = (code, *area.eastward, *area.northward, 2 * cap + 1, *chain.from_iterable(area.ranges))
        found += [n for (n,) in connection.execute(sql, bound)]
        if len(found) > 2 * cap:
            return None
    return set(found)


@lru_cache(maxsize=64)
def _cells_sql(ranges: int) -> str:
    """Return the question for so many ranges of cells, one statement for all of them."""
    parts = [
        f"SELECT n FROM value WHERE code = ?1 AND value BETWEEN ?{place} AND ?{place + 1}"  # noqa: S608
        f" AND value & {EASTWARD} BETWEEN ?2 AND ?3 AND value & {NORTHWARD} BETWEEN ?4 AND ?5"
        for place in range(7, 7 + 2 * ranges, 2)
    ]
    return f"{' UNION ALL '.join(parts)} LIMIT ?6"


def chosen(sources: Iterable[Source], caps: Sequence[int]) -> list[int] | None:
    """Return the numbers of the first source found to be small, in order; None when none is."""
    offered = list(sources)
    for cap in caps:
        for source in offered:
            found = source(cap)
            if found is not None:
                return sorted(found)
    return None


def _distinct(rows: Iterable[Any]) -> Iterator[int]:
    before = 0
    for (n,) in rows:
        if n != before:
            before = n
            yield n
