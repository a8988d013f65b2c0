"""Cases in SQLite: an index for every list of open cases, counts that are kept, trigrams for Chinese text.

Every statement stands under the filter. Nothing here grows with closed cases but their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Any, Final

from quanyu.adapters.sqlite import case_turns
from quanyu.adapters.sqlite.case_lists import SORTS, cursor, matching, named, visible
from quanyu.adapters.sqlite.case_turns import Turns
from quanyu.adapters.sqlite.store import Reading
from quanyu.engines.cases.store import CasePage, StoredCase, Viewer
from quanyu.engines.cases.tables import DAY_CASES_MAX, NO_DUE, TABLES, seqs_of
from quanyu.kernel.journal import Instant, Record, Row, Stored
from quanyu.kernel.view import CaseQuery, Filter

INDEXES: Final = """
CREATE INDEX IF NOT EXISTS case_by_due ON case_row (sort_at) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS case_by_role ON case_row (role, sort_at) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS case_by_turn ON case_row (role, unit, district, sort_at) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS case_by_district ON case_row (district, sort_at) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS case_by_person ON case_row (person, sort_at) WHERE person IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_return ON case_row (returned_to, returned_by) WHERE returned_to IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_waiting ON case_row (sort_at) WHERE waiting = 1;
CREATE INDEX IF NOT EXISTS case_by_timer ON case_row (timer_at) WHERE timer_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_closing ON case_row (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_bank ON case_row (lead_unit) WHERE state = 'suspended';
CREATE INDEX IF NOT EXISTS case_ask_what ON case_ask (what, role, unit, serial);
CREATE INDEX IF NOT EXISTS case_by_asset ON case_opening (asset) WHERE asset IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_reporter ON case_opening (reporter) WHERE reporter IS NOT NULL;
CREATE VIRTUAL TABLE IF NOT EXISTS case_search USING fts5
    (text, content='', contentless_delete=1, tokenize='trigram', detail='full');
CREATE VIRTUAL TABLE IF NOT EXISTS case_search_terms USING fts5vocab (case_search, instance);
CREATE TRIGGER IF NOT EXISTS case_text_put BEFORE INSERT ON case_text BEGIN
    INSERT OR REPLACE INTO case_search (rowid, text) VALUES (new.serial, new.text || char(10, 10));
    SELECT raise(IGNORE);
END;
"""
"""Words go into the index and nowhere else; two line ends behind them make every two characters begin a trigram."""

SCHEMA: Final = INDEXES + case_turns.SCHEMA

FACT_COLUMNS: Final = (
    "serial", "kind", "flow", "channel", "district", "grid", "asset", "category", "historical", "simulated",
    "opened_at", "closed_at", "due_at", "severity", "state", "unit", "lead_unit", "outcome", "late", "returns",
    "reworks", "first_right", "on_time", "handled_on_time", "merged_into",
    "sort_at",
)  # fmt: skip
_FLAGS: Final = frozenset({"historical", "simulated", "late", "first_right", "on_time", "handled_on_time"})
_RENAMED: Final = {
    "category": "class",
    "first_right": "first_dispatch_right",
    "channel": "reporter_channel",
    "lead_unit": "lead",
}

FOUND: Final = "SELECT i.serial, i.version, o.seq, i.doc FROM case_row i JOIN case_opening o USING (serial)"
JOINED: Final = "case_row i JOIN case_opening o USING (serial)"
SEQS_MAX: Final = 500
CASES: Final = frozenset(table.name for table in TABLES)
DAY: Final = timedelta(days=1)


class SqliteCases:
    """Implements `engines.cases.store.CaseStore` and `TimerStore`; `upcast` decodes stored records."""

    def __init__(self, connect: Callable[[], Reading], upcast: Callable[[Stored], Record]) -> None:
        self._connect = connect
        self._upcast = upcast
        self._turns = Turns(self._rows)

    def _rows(self, sql: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        connection = self._connect()
        connection.settle(CASES)
        return connection.execute(sql, values).fetchall()

    def _plain(self, doc: bytes) -> bytes:
        return self._connect().store.press.plain(doc)

    def _case_of(self, row: Row) -> StoredCase:
        return StoredCase(row[0], row[1], row[2], self._plain(row[3]))

    def find(self, serial: int, scope: Filter) -> StoredCase | None:
        """Return a case if it exists and may be seen."""
        where, values = visible(scope)
        rows = self._rows(f"{FOUND} WHERE i.serial = :serial AND {' AND '.join(where)}", values | {"serial": serial})
        return self._case_of(rows[0]) if rows else None

    def trail(self, serial: int) -> list[int]:
        """Return the seqs of the records after the opening, in order."""
        pages = self._rows("SELECT seqs FROM case_trail WHERE serial = ? ORDER BY page", (serial,))
        last = self._rows("SELECT seqs FROM case_row WHERE serial = ?", (serial,))
        return [seq for row in (*pages, *last) for seq in seqs_of(row[0])]

    def records(self, seqs: Sequence[int]) -> list[Record]:
        """Return records of the journal, in order."""
        found: list[Record] = []
        asked = sorted(seqs)
        for start in range(0, len(asked), SEQS_MAX):
            part = asked[start : start + SEQS_MAX]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT * FROM journal WHERE seq IN ({marks}) ORDER BY seq"  # noqa: S608
            connection = self._connect()
            heads = connection.store.heads
            found += [self._upcast(heads.stored(row)) for row in connection.execute(sql, tuple(part))]
        return found

    def query(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> CasePage:
        """Return a page of a list, in the order of the sort; the cursor is the last row's sort key."""
        where, values = matching(query, scope, viewer)
        if query.after is not None:
            where.append(SORTS[query.sort][2])
            values |= dict(zip(("after", "after_serial"), cursor(query.after, query.sort), strict=True))
        branches = self._turns.branches(query, scope, viewer)
        parts: Iterable[list[tuple[int, int]]]
        if branches is None:
            parts = [self._keys(query, where, values)]
        else:
            rest = [each for each in where if ":person" not in each and each != "i.state = 'open'"]
            parts = [self._keys(query, [*rest, *own], values | more) for own, more in branches]
        # A claimed case of two grants comes twice, one after the other.
        keys = list(dict.fromkeys(merge(*parts)))[: query.limit + 1] if query.sort == "due" else next(iter(parts), [])
        page = keys[: query.limit]
        after = f"{query.sort}:{page[-1][0]}:{page[-1][1]}" if len(keys) > query.limit else None
        return CasePage(self._stored([serial for _, serial in page]), after)

    def _keys(self, query: CaseQuery, where: list[str], values: dict[str, Any]) -> list[tuple[int, int]]:
        key, order, _ = SORTS[query.sort]
        source = JOINED if any("o." in each for each in where) else "case_row i"
        sql = f"SELECT {key}, i.serial FROM {source} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT :limit"  # noqa: S608
        return [(row[0], row[1]) for row in self._rows(sql, named(where, values) | {"limit": query.limit + 1})]

    def _stored(self, serials: list[int]) -> list[StoredCase]:
        marks = ", ".join("?" * len(serials))
        found = {
            row[0]: self._case_of(row) for row in self._rows(f"{FOUND} WHERE i.serial IN ({marks})", tuple(serials))
        }
        return [found[serial] for serial in serials if serial in found]

    def count(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> int:
        """Return how many cases match, whatever the page."""
        kept = self._turns.count(query, scope, viewer)
        if kept is not None:
            return kept
        where, values = matching(query, scope, viewer)
        source = JOINED if any("o." in each for each in where) else "case_row i"
        sql = f"SELECT count(*) FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608
        return int(self._rows(sql, named(where, values))[0][0])

    def bank(self, scope: Filter, now: Instant) -> list[dict[str, Any]]:
        """Return the problem bank by unit, most overdue first."""
        where, values = visible(scope)
        rows = self._rows(
            "SELECT coalesce(i.lead_unit, i.unit) AS answers, count(*), sum(i.sort_at <= :now), min(o.opened_at)"  # noqa: S608
            f" FROM {JOINED} WHERE i.state = 'suspended' AND i.historical = 0 AND {' AND '.join(where)}"
            " GROUP BY answers ORDER BY 3 DESC, 2 DESC, 1",
            values | {"now": now},
        )
        return [dict(zip(("unit", "count", "overdue", "oldest_at"), row, strict=True)) for row in rows]

    def facts(self, start: Instant, end: Instant, doc: bool = False) -> Iterable[dict[str, Any]]:
        """Return the flat rows of cases opened or closed in [start, end)."""
        names = [*(_RENAMED.get(name, name) for name in FACT_COLUMNS), *(["doc"] if doc else [])]
        columns = ", ".join(FACT_COLUMNS) + (", i.doc" if doc else "")
        rows = self._rows(
            f"SELECT {columns} FROM {JOINED} WHERE i.serial >= :first AND i.serial < :last"  # noqa: S608
            " AND o.opened_at >= :start AND o.opened_at < :end"
            f" UNION SELECT {columns} FROM {JOINED} WHERE i.closed_at >= :start AND i.closed_at < :end",
            {"start": start, "end": end, "first": _first_serial(start, -DAY), "last": _first_serial(end, 2 * DAY)},
        )
        flags = [_RENAMED.get(name, name) for name in FACT_COLUMNS if name in _FLAGS]
        for row in rows:
            fact = dict(zip(names, row, strict=True))
            if doc:
                fact["doc"] = self._plain(fact["doc"])
            review = fact.pop("sort_at")
            fact["review_at"] = review if fact["state"] == "suspended" and review != NO_DUE else None
            for name in flags:
                if fact[name] is not None:
                    fact[name] = bool(fact[name])
            yield fact

    def open_cases(self) -> Iterator[tuple[int, bytes]]:
        """Yield serial and state of every case that is not closed."""
        sql = "SELECT serial, doc FROM case_row WHERE state <> 'closed'"
        return ((row[0], self._plain(row[1])) for row in self._rows(sql))

    def find_flow(self, digest: str) -> bytes | None:
        """Return the document of a pinned flow."""
        rows = self._rows("SELECT doc FROM flow WHERE hash = ?", (digest,))
        return rows[0][0] if rows else None

    def next_timer(self) -> Instant | None:
        """Return the instant of the earliest timer; while rows wait, that somebody has to look.

        It waits for nothing: who asks may hold what the writer needs.
        """
        connection = self._connect()
        if not connection.store.waits.isdisjoint(CASES):
            return 0
        sql = "SELECT timer_at FROM case_row WHERE timer_at IS NOT NULL ORDER BY timer_at LIMIT 1"
        row: tuple[Instant] | None = connection.execute(sql).fetchone()
        return row[0] if row else None

    def timers_due(self, now: Instant, limit: int) -> list[tuple[Instant, int, str]]:
        """Return timers with instants up to now, earliest first."""
        sql = "SELECT timer_at, serial, timer FROM case_row WHERE timer_at <= ? ORDER BY timer_at, serial LIMIT ?"
        return [(row[0], row[1], row[2]) for row in self._rows(sql, (now, limit))]


def _first_serial(at: Instant, shift: timedelta) -> int:
    """Return the least serial of a day near an instant: numbers begin with the day of opening, in the city's zone."""
    try:
        day = datetime.fromtimestamp(at / 1_000_000, UTC) + shift
    except (OverflowError, ValueError, OSError):
        return 0 if at < 0 else 2**62
    return int(day.strftime("%Y%m%d")) * DAY_CASES_MAX
