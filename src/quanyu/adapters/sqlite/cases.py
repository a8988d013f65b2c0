"""Cases in SQLite: one index per list and sort, trigrams for Chinese text, every statement under the filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import apsw
import msgspec

from quanyu.engines.cases.option import ROLE_ALIASES
from quanyu.engines.cases.store import CasePage, StoredCase, Viewer
from quanyu.engines.cases.tables import NO_DUE
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import CaseQuery, Filter

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS case_by_due ON case_index (state, sort_at, serial);
CREATE INDEX IF NOT EXISTS case_by_opened ON case_index (state, opened_at, serial);
CREATE INDEX IF NOT EXISTS case_by_turn ON case_index (role, unit, sort_at, serial) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS case_by_opening ON case_index (opened_at);
CREATE INDEX IF NOT EXISTS case_by_closing ON case_index (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_asset ON case_index (asset) WHERE asset IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_district ON case_index (district, state, sort_at, serial);
CREATE INDEX IF NOT EXISTS case_by_reporter ON case_index (reporter) WHERE reporter IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_return ON case_index (returned_to, returned_by) WHERE returned_to IS NOT NULL;
CREATE INDEX IF NOT EXISTS case_by_waiting ON case_index (sort_at) WHERE waiting = 1;
CREATE INDEX IF NOT EXISTS case_ask_what ON case_ask (what, role, unit, serial);
CREATE INDEX IF NOT EXISTS case_reach_unit ON case_reach (unit, serial);
CREATE VIRTUAL TABLE IF NOT EXISTS case_search USING fts5
    (text, content='case_text', content_rowid='serial', tokenize='trigram', detail='full');
CREATE TRIGGER IF NOT EXISTS case_text_put AFTER INSERT ON case_text BEGIN
    INSERT INTO case_search (rowid, text) VALUES (new.serial, new.text);
END;
CREATE TRIGGER IF NOT EXISTS case_text_changed AFTER UPDATE ON case_text BEGIN
    INSERT INTO case_search (case_search, rowid, text) VALUES ('delete', old.serial, old.text);
    INSERT INTO case_search (rowid, text) VALUES (new.serial, new.text);
END;
CREATE TRIGGER IF NOT EXISTS case_text_gone AFTER DELETE ON case_text BEGIN
    INSERT INTO case_search (case_search, rowid, text) VALUES ('delete', old.serial, old.text);
END;
"""
TRIGRAM: Final = 3
"""Shorter words than this are not in the trigram index and are looked for in the text itself."""

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

_LISTS: Final = {
    "open": "i.state = 'open'",
    "waiting": "i.waiting = 1 AND i.state <> 'closed'",
    "overdue": "i.state = 'open' AND (i.late = 1 OR i.due_at <= :now)",
    "bank": "i.state = 'suspended'",
    "calendar": "i.serial IN (SELECT serial FROM case_ask WHERE what = 'calendar')",
    "closed": "i.state = 'closed'",
    "all": "1",
}
WORK_LISTS: Final = frozenset({"mine", "returned", "approvals", "waiting", "overdue", "bank", "calendar"})
"""Lists that call somebody to work: history is in them only when it is asked for."""

FOUND: Final = "SELECT f.serial, f.version, f.head, f.doc, i.sort_at, i.opened_at"
SELECT_CASE: Final = f"{FOUND} FROM case_index i JOIN case_file f USING (serial)"
SORTS: Final = {
    "due": (4, "i.sort_at, i.serial", "(i.sort_at, i.serial) > (:after, :after_serial)"),
    "opened": (5, "i.opened_at DESC, i.serial DESC", "(i.opened_at, i.serial) < (:after, :after_serial)"),
    "oldest": (5, "i.opened_at, i.serial", "(i.opened_at, i.serial) > (:after, :after_serial)"),
}
"""Of each sort: the column of the cursor's key, the order, and the condition that continues after a cursor."""

_COLUMNS: Final = {"kind": "kind", "flow": "flow", "state": "state", "unit": "unit", "asset": "asset"}


class SqliteCases:
    """Implements `engines.cases.store.CaseStore` and `TimerStore` over a reading connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def _rows(self, sql: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return list(self._connect().execute(sql, values))

    def find(self, serial: int, scope: Filter) -> StoredCase | None:
        """Return a case if it exists and may be seen."""
        where, values = _visible(scope)
        sql = f"{SELECT_CASE} WHERE i.serial = :serial AND {' AND '.join(where)}"
        rows = self._rows(sql, values | {"serial": serial})
        return StoredCase(*rows[0][:4]) if rows else None

    def entries(self, serial: int) -> list[bytes]:
        """Return the lines of a case's history in order."""
        return [row[0] for row in self._rows("SELECT doc FROM case_action WHERE serial = ? ORDER BY n", (serial,))]

    def query(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> CasePage:
        """Return a page of a list, in the order of the sort; the cursor is the last row's sort key."""
        where, values = _matching(query, scope, viewer)
        key, order, beyond = SORTS[query.sort]
        if query.after is not None:
            where.append(beyond)
            values |= dict(zip(("after", "after_serial"), _cursor(query.after, query.sort), strict=True))
        sql = f"{SELECT_CASE} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT :limit"
        rows = self._rows(sql, values | {"limit": query.limit + 1})
        page = rows[: query.limit]
        more = len(rows) > query.limit
        after = f"{query.sort}:{page[-1][key]}:{page[-1][0]}" if more else None
        return CasePage([StoredCase(*row[:4]) for row in page], after)

    def count(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> int:
        """Return how many cases match, whatever the page."""
        where, values = _matching(query, scope, viewer)
        return int(self._rows(f"SELECT count(*) FROM case_index i WHERE {' AND '.join(where)}", values)[0][0])  # noqa: S608

    def bank(self, scope: Filter, now: Instant) -> list[dict[str, Any]]:
        """Return the problem bank by unit, most overdue first."""
        where, values = _visible(scope)
        rows = self._rows(
            "SELECT coalesce(i.lead_unit, i.unit) AS answers, count(*), sum(i.sort_at <= :now), min(i.opened_at)"  # noqa: S608
            f" FROM case_index i WHERE i.state = 'suspended' AND i.historical = 0 AND {' AND '.join(where)}"
            " GROUP BY answers ORDER BY 3 DESC, 2 DESC, 1",
            values | {"now": now},
        )
        return [dict(zip(("unit", "count", "overdue", "oldest_at"), row, strict=True)) for row in rows]

    def facts(self, start: Instant, end: Instant) -> Iterable[dict[str, Any]]:
        """Return the flat rows of cases opened or closed in [start, end)."""
        names = [_RENAMED.get(name, name) for name in FACT_COLUMNS]
        columns = ", ".join(FACT_COLUMNS)
        rows = self._rows(
            f"SELECT {columns} FROM case_index WHERE opened_at >= :start AND opened_at < :end"  # noqa: S608
            f" UNION SELECT {columns} FROM case_index WHERE closed_at >= :start AND closed_at < :end",
            {"start": start, "end": end},
        )
        flags = [_RENAMED.get(name, name) for name in FACT_COLUMNS if name in _FLAGS]
        for row in rows:
            fact = dict(zip(names, row, strict=True))
            review = fact.pop("sort_at")
            fact["review_at"] = review if fact["state"] == "suspended" and review != NO_DUE else None
            for name in flags:
                if fact[name] is not None:
                    fact[name] = bool(fact[name])
            yield fact

    def open_cases(self) -> Iterator[tuple[int, bytes]]:
        """Yield serial and state of every case that is not closed."""
        sql = "SELECT f.serial, f.doc FROM case_index i JOIN case_file f USING (serial) WHERE i.state <> 'closed'"
        return ((row[0], row[1]) for row in self._rows(sql))

    def find_flow(self, digest: str) -> bytes | None:
        """Return the document of a pinned flow."""
        rows = self._rows("SELECT doc FROM flow WHERE hash = ?", (digest,))
        return rows[0][0] if rows else None

    def next_timer(self) -> Instant | None:
        """Return the instant of the earliest timer."""
        rows = self._rows("SELECT due FROM case_timer ORDER BY due LIMIT 1")
        return rows[0][0] if rows else None

    def timers_due(self, now: Instant, limit: int) -> list[tuple[Instant, int, str]]:
        """Return timers with instants up to now, earliest first."""
        sql = "SELECT due, serial, name FROM case_timer WHERE due <= ? ORDER BY due, serial, name LIMIT ?"
        return [(row[0], row[1], row[2]) for row in self._rows(sql, (now, limit))]


def _visible(scope: Filter) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a filter: a limit that is None limits nothing, an empty one lets nothing pass."""
    where, values = ["1"], dict[str, Any]()
    if scope.units is not None:
        where.append(
            "EXISTS (SELECT 1 FROM case_reach r WHERE r.serial = i.serial"
            " AND r.unit IN (SELECT value FROM json_each(:units)))"
        )
        values["units"] = _array(scope.units)
    if scope.places is not None:
        where.append("i.district IN (SELECT value FROM json_each(:places))")
        values["places"] = _array(scope.places)
    if scope.person is not None:
        where.append("i.reporter = :reporter")
        values["reporter"] = scope.person
    return where, values


def _array(words: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(words)).decode()


def _matching(query: CaseQuery, scope: Filter, viewer: Viewer) -> tuple[list[str], dict[str, Any]]:
    where, values = _visible(scope)
    values["now"] = viewer.now
    if query.historical is None and query.list in WORK_LISTS:
        where.append("i.historical = 0")
    for part, more in (_listed(query.list, viewer), _asked(query), _searched(query.text)):
        where += part
        values |= more
    used = " ".join(where)
    return where, {name: value for name, value in values.items() if f":{name}" in used}


def _listed(name: str, viewer: Viewer) -> tuple[list[str], dict[str, Any]]:
    if name in _LISTS:
        return [_LISTS[name]], {}
    if name == "approvals":
        return _approvals(viewer)
    if name == "unanswered":
        return _unanswered(viewer)
    values: dict[str, Any] = {"person": viewer.person}
    turns = []
    for place, grant in enumerate(viewer.grants):
        role = ROLE_ALIASES.get(grant.role, grant.role)
        reach, named = _turn(name, place, grant.unit)
        if grant.district is not None:
            reach += f" AND (i.district = :district{place} OR (i.district IS NULL AND i.unit = :unit{place}))"
        turns.append(f"({reach})")
        values |= {f"role{place}": role, f"unit{place}": grant.unit, f"district{place}": grant.district}
        values |= named
    if name == "mine":
        turns = [f"(i.person IS NULL AND ({' OR '.join(turns)}))"] if turns else []
        turns.append("i.person = :person")
    if not turns:
        return ["0"], {}
    if name == "returned":
        # The plus keeps the planner on the index of returned cases: they are few, open ones are many.
        return ["+i.state = 'open'", "i.returned_to IS NOT NULL", f"({' OR '.join(turns)})"], values
    return ["i.state = 'open'", f"({' OR '.join(turns)})"], values


def _approvals(viewer: Viewer) -> tuple[list[str], dict[str, Any]]:
    """Return what makes a case wait for this viewer's decision: the role that it asks, at a unit where it names one."""
    values: dict[str, Any] = {}
    answers = []
    for place, grant in enumerate(viewer.grants):
        reach = f"a.role = :role{place}"
        if grant.unit is not None:
            reach += f" AND (a.unit IS NULL OR a.unit = :unit{place})"
        if grant.district is not None:
            reach += f" AND (i.district = :district{place} OR (i.district IS NULL AND a.unit = :unit{place}))"
        answers.append(f"({reach})")
        role = ROLE_ALIASES.get(grant.role, grant.role)
        values |= {f"role{place}": role, f"unit{place}": grant.unit, f"district{place}": grant.district}
    if not answers:
        return ["0"], {}
    asked = "i.serial IN (SELECT serial FROM case_ask WHERE what IN ('dispute', 'extension'))"
    mine = f"a.serial = i.serial AND a.what <> 'calendar' AND ({' OR '.join(answers)})"
    return [asked, f"EXISTS (SELECT 1 FROM case_ask a WHERE {mine})"], values  # noqa: S608


def _unanswered(viewer: Viewer) -> tuple[list[str], dict[str, Any]]:
    units = [grant.unit for grant in viewer.grants if grant.role == "handler" and grant.unit]
    everywhere = any(grant.role == "chief" or (grant.role == "handler" and not grant.unit) for grant in viewer.grants)
    told = "SELECT 1 FROM case_notice n WHERE n.serial = i.serial"
    if everywhere:
        return ["i.state = 'open'", f"EXISTS ({told})"], {}
    if not units:
        return ["0"], {}
    own = f"EXISTS ({told} AND n.unit IN (SELECT value FROM json_each(:told)))"  # noqa: S608
    return ["i.state = 'open'", own], {"told": _array(units)}


def _turn(name: str, place: int, unit: str | None) -> tuple[str, dict[str, Any]]:
    """Return what makes a case one's own turn, or returned by or to one, under one grant."""
    if name == "mine":
        reach = f"i.role = :role{place}"
        return (reach if unit is None else f"{reach} AND (i.unit IS NULL OR i.unit = :unit{place})"), {}
    words = f"(:unit{place}, :role{place})" if unit is not None else f"(:role{place})"
    reach = f"(i.returned_to IN {words} OR i.returned_by IN {words})"
    if unit is None:
        # A role that is held everywhere sees what its units handed to and fro.
        reach = f"({reach} OR (i.returned_to IS NOT NULL AND :role{place} IN ('handler', 'chief')))"
    return reach, {}


def _asked(query: CaseQuery) -> tuple[list[str], dict[str, Any]]:
    where: list[str] = []
    values: dict[str, Any] = {}
    for name, column in _COLUMNS.items():
        if (value := getattr(query, name)) is not None:
            where.append(f"i.{column} = :q_{name}")
            values[f"q_{name}"] = value
    if query.place is not None:
        where.append("(i.district = :q_place OR i.grid = :q_place)")
        values["q_place"] = query.place
    if query.historical is not None:
        where.append("i.historical = :q_historical")
        values["q_historical"] = int(query.historical)
    if query.opened_from is not None:
        where.append("i.opened_at >= :q_from")
        values["q_from"] = query.opened_from
    if query.opened_to is not None:
        where.append("i.opened_at < :q_to")
        values["q_to"] = query.opened_to
    if query.box is not None:
        where.append("i.lon BETWEEN :q_west AND :q_east AND i.lat BETWEEN :q_south AND :q_north")
        values |= dict(zip(("q_west", "q_south", "q_east", "q_north"), query.box, strict=True))
    return where, values


def _searched(text: str | None) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a search: every word must stand in the text, as it is written."""
    words = (text or "").split()[:8]
    long = [word for word in words if len(word) >= TRIGRAM]
    where: list[str] = []
    values: dict[str, Any] = {}
    if long:
        where.append("i.serial IN (SELECT rowid FROM case_search WHERE case_search MATCH :q_match)")
        values["q_match"] = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
    for place, word in enumerate(word for word in words if len(word) < TRIGRAM):
        within = "EXISTS (SELECT 1 FROM case_text t WHERE t.serial = i.serial AND instr(lower(t.text), :q_word{}))"
        where.append(within.format(place))
        values[f"q_word{place}"] = word.lower()
    return where, values


def _cursor(text: str, sort: str) -> tuple[int, int]:
    word, _, rest = text.partition(":")
    key, _, serial = rest.partition(":")
    try:
        if word != sort:
            raise ValueError(word)
        return int(key), int(serial)
    except ValueError as fault:
        raise Invalid(
            f"Cursor {text[:60]!r} does not continue a list sorted by {sort}.",
            code="query.cursor",
            where="after",
            remedy="Send the cursor of the page before, unchanged, with the same query.",
        ) from fault
