"""Reading: only the files that matter, and only where files contest a key are rows compared.

Files that cannot hold the same key are read as they are. Where the ranges of two files (or of a file and the hot
tail) meet, the shared stretch of time is *contested*: there, and only there, the last row of each key by (seq,
offset) is chosen and struck instances are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quanyu.adapters.lake.log import MIXED, SINGLE, DataFile, Version
from quanyu.adapters.lake.parquet import column_arrays
from quanyu.engines.history.columns import Rows, sorted_rows
from quanyu.engines.history.store import Struck, Window

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STRETCHES_MAX = 8
"""More contested stretches than this are joined at their narrowest gaps: bounds the text of a query."""

LISTED_MAX = 64
"""More names than this are joined: a long list is compared slowly."""

_PARAMETER = re.compile(r"\$([a-z]\w*)")
Stretch = tuple[int, int]
Answer = dict[str, Any]
"""Columns by name, as NumPy arrays (masked where a column holds nulls)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read a window: the files it touches, the tail's rows, the contested stretches (inclusive ends)."""

    window: Window
    files: tuple[DataFile, ...]
    tail: Rows
    contested: tuple[Stretch, ...]
    struck: tuple[tuple[int, int], ...]


def plan(version: Version, window: Window, tail: Rows, struck: Struck) -> Plan:
    """Choose files by their statistics and find where they contest one another."""
    files = tuple(file for file in version.files if touches(file, window))
    tail, single = sorted_rows(tail.after(version.last_seq))
    parts = [*files, *_as_file(tail, single)]
    hit = tuple(sorted(pair for pair in struck if any(part.seqs[0] <= pair[0] <= part.seqs[1] for part in parts)))
    stretches = [part.times for part in parts if part.mixed or _holds(part, hit)]
    return Plan(window, files, tail, contested(stretches + meetings(parts)), hit)


def touches(file: DataFile, window: Window) -> bool:
    """Whether the file may hold a row of the window."""
    start, end = window.times
    if file.times[1] < start or file.times[0] >= end:
        return False
    return _may_hold(file.attributes, window.attributes) and _may_hold(file.entities, window.entities)


def source(plan: Plan, table: Path) -> tuple[str, dict[str, Any]]:
    """Return SQL of the window's standing rows, times in µs, and the values bound in it."""
    where, values = _where(plan.window)
    inside = _inside(plan.contested, values)
    contending = [file for file in plan.files if any(_meet(file.times, stretch) for stretch in plan.contested)]
    clean = [file for file in plan.files if not any(_within(file.times, stretch) for stretch in plan.contested)]
    parts = []
    if clean:
        values["clean"] = [str(table / file.path) for file in clean]
        apart = f" AND NOT ({inside})" if contending else ""
        parts.append(f"{_FILES.format('$clean')} WHERE {where}{apart}")
    rows = [_TAIL] if len(plan.tail) else []
    if contending:
        values["contending"] = [str(table / file.path) for file in contending]
        rows.append(f"{_FILES.format('$contending')} WHERE {where} AND ({inside})")
    if plan.contested:
        one = isinstance(plan.window.attribute, str)
        parts.append(_standing(" UNION ALL ".join(rows), "entity, t" if one else "entity, attribute, t", plan.struck))
    else:
        parts += rows
    return _left(plan.window, " UNION ALL ".join(f"({part})" for part in parts), values), values


def fetch(connection: DuckDBPyConnection, plan: Plan, table: Path, select: str, values: dict[str, Any]) -> Answer:
    """Run `select` over the plan's rows, which it knows as `rows`; return the columns it names."""
    rows, bound = source(plan, table)
    cursor = connection.cursor()
    try:
        if len(plan.tail):
            cursor.register("tail", _tail_table(plan.tail))
        if plan.struck:
            pairs = np.array(plan.struck, np.int64)
            cursor.register("struck", {"seq": pairs[:, 0].copy(), "offset": pairs[:, 1].astype(np.int32)})
        if plan.window.forgotten:
            cursor.register("forgotten", forgotten_table(plan.window.forgotten))
        text = f"WITH rows AS ({rows}) {select}"
        named = set(_PARAMETER.findall(text))
        cursor.execute(text, {name: value for name, value in (bound | values).items() if name in named})
        answer: Answer = cursor.fetchnumpy()
    finally:
        cursor.close()
    return answer


def contested(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Join stretches that touch, then the nearest ones until few enough are left."""
    joined: list[Stretch] = []
    for low, high in sorted(stretches):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    while len(joined) > STRETCHES_MAX:
        gaps = [after[0] - before[1] for before, after in pairwise(joined)]
        i = gaps.index(min(gaps))
        joined[i : i + 2] = [(joined[i][0], joined[i + 1][1])]
    return tuple(joined)


_COLUMNS = 'value, seq, "offset", unit, quality'
_FILES = (
    f'SELECT entity, attribute, epoch_us(observed_at) AS t, epoch_us("at") AS "at", {_COLUMNS}'  # noqa: S608
    " FROM read_parquet({}, hive_partitioning = false)"
)
_TAIL = f'SELECT entity, attribute, observed_at AS t, "at", {_COLUMNS} FROM tail'  # noqa: S608


def _standing(rows: str, key: str, struck: Sequence[tuple[int, int]]) -> str:
    """Return SQL that keeps the last row of every key, unless that one was struck."""
    last = (  # our own text; what comes from outside is bound
        f"SELECT * FROM ({rows}) QUALIFY row_number() OVER"  # noqa: S608
        f' (PARTITION BY {key} ORDER BY seq DESC, "offset" DESC) = 1'
    )
    return f'SELECT * FROM ({last}) ANTI JOIN struck USING (seq, "offset")' if struck else last  # noqa: S608


def _left(window: Window, rows: str, values: dict[str, Any]) -> str:
    """Return SQL of the rows that were recorded in the window's time and not forgotten since."""
    conditions = []
    if window.recorded:
        values |= {"start": window.start, "end": window.end}
        conditions.append('r."at" >= $start AND r."at" < $end')
    if window.forgotten:
        conditions.append(FORGOTTEN)
    return f"SELECT * FROM ({rows}) r WHERE {' AND '.join(conditions)}" if conditions else rows  # noqa: S608


FORGOTTEN = (
    "NOT EXISTS (SELECT 1 FROM forgotten f"
    " WHERE f.entity = r.entity AND (f.attribute = '' OR f.attribute = r.attribute) AND r.seq < f.upto)"
)
"""Condition for rows `r` that were not forgotten."""


def forgotten_table(forgotten: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Return what was forgotten as a table for DuckDB."""
    entities, attributes, uptos = zip(*forgotten, strict=True)
    return {
        "entity": np.array(entities, object), "attribute": np.array(attributes, object), "upto": np.array(uptos)
    }  # fmt: skip


def _where(window: Window) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    conditions = []
    if not window.recorded:
        values |= {"start": window.start, "end": window.end}
        conditions.append("observed_at >= make_timestamptz($start) AND observed_at < make_timestamptz($end)")
    if isinstance(window.attribute, str):
        values["attribute"] = window.attribute
        conditions.append("attribute = $attribute")
    elif window.attribute is not None:
        conditions.append(_in("attribute", "a", window.attribute, values))
    if window.entities is not None:
        conditions.append(_in("entity", "e", window.entities, values))
    return " AND ".join(conditions) or "true", values


def _in(column: str, letter: str, names: Sequence[str], values: dict[str, Any]) -> str:
    if len(names) > LISTED_MAX:
        values[letter] = list(names)
        return f"{column} IN (SELECT unnest(${letter}::VARCHAR[]))"
    values |= {f"{letter}{i}": name for i, name in enumerate(names)}
    return f"{column} IN ({', '.join(f'${letter}{i}' for i in range(len(names)))})" if names else "false"


def _may_hold(ends: tuple[str, str], names: Sequence[str] | None) -> bool:
    return names is None or any(ends[0] <= name <= ends[1] for name in names)


def _inside(stretches: Sequence[Stretch], values: dict[str, Any]) -> str:
    """Return the condition for rows in contested stretches, its ends bound in `values`."""
    for i, (low, high) in enumerate(stretches):
        values |= {f"c{i}": low, f"d{i}": high}
    return " OR ".join(
        f"observed_at BETWEEN make_timestamptz($c{i}) AND make_timestamptz($d{i})" for i in range(len(stretches))
    )


_WORDS = ("entity", "attribute", "quality", "unit")


def _tail_table(rows: Rows) -> dict[str, Any]:
    """Return the tail as a table for DuckDB, words as Python strings (the tail of one window is small)."""
    names = np.array([*rows.words.names, None], object)
    names[0] = None
    return column_arrays(rows) | {name: names[getattr(rows, name)] for name in _WORDS}


def _as_file(tail: Rows, single: bool) -> list[DataFile]:
    """Return the tail with the ranges that a file of its rows would have; it claims every entity of the window."""
    if not len(tail):
        return []
    name = SINGLE if single else MIXED
    times = (int(tail.observed_at.min()), int(tail.observed_at.max()))
    anything = ("", chr(0x10FFFF))
    return [DataFile(name, len(tail), 0, anything, anything, times, (int(tail.seq.min()), int(tail.seq.max())))]


def meetings(parts: Sequence[DataFile]) -> list[Stretch]:
    """Return the stretches of time that two parts with common entities and attributes share."""
    found: list[Stretch] = []
    open_: list[DataFile] = []
    for part in sorted(parts, key=lambda part: part.times):
        open_ = [other for other in open_ if other.times[1] >= part.times[0]]
        found += [(part.times[0], min(part.times[1], other.times[1])) for other in open_ if other.overlaps(part)]
        open_.append(part)
    return found


def _holds(part: DataFile, pairs: Iterable[tuple[int, int]]) -> bool:
    return any(part.seqs[0] <= seq <= part.seqs[1] for seq, _ in pairs)


def _meet(times: Stretch, stretch: Stretch) -> bool:
    return times[0] <= stretch[1] and stretch[0] <= times[1]


def _within(times: Stretch, stretch: Stretch) -> bool:
    return stretch[0] <= times[0] and times[1] <= stretch[1]
