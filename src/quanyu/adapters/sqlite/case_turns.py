"""How many cases stand where: kept counts, and the few ordered stretches of an index that a work list is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from quanyu.adapters.sqlite.case_lists import (
    WORK_LISTS,
    Where,
    array,
    branch_turn,
    leading_turn,
    named,
    plain,
    visible,
)
from quanyu.engines.cases.option import ROLE_ALIASES
from quanyu.engines.cases.store import Viewer
from quanyu.kernel.view import CaseQuery, Filter, Grant

_COLUMNS: Final = ("state", "historical", "held", "role", "unit", "district", "waiting", "late")
_KEY: Final = (
    "{0}.state, {0}.historical, {0}.person IS NOT NULL, coalesce({0}.role, ''), coalesce({0}.unit, ''),"
    " coalesce({0}.district, ''), {0}.waiting, {0}.late"
)
_WATCHED: Final = ("state", "role", "unit", "person", "district", "waiting", "late", "historical")
_MOVED: Final = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _WATCHED)
_ONE: Final = f"ON CONFLICT ({', '.join(_COLUMNS)}) DO UPDATE SET n = n"

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS case_tally (
    state TEXT, historical INTEGER, held INTEGER, role TEXT, unit TEXT, district TEXT, waiting INTEGER, late INTEGER,
    n INTEGER, PRIMARY KEY ({", ".join(_COLUMNS)})
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS case_row_put AFTER INSERT ON case_row BEGIN
    INSERT INTO case_tally VALUES ({_KEY.format("new")}, 1) {_ONE} + 1;
END;
CREATE TRIGGER IF NOT EXISTS case_row_moved AFTER UPDATE ON case_row WHEN {_MOVED} BEGIN
    INSERT INTO case_tally VALUES ({_KEY.format("old")}, -1) {_ONE} - 1;
    INSERT INTO case_tally VALUES ({_KEY.format("new")}, 1) {_ONE} + 1;
END;
CREATE TRIGGER IF NOT EXISTS case_row_gone AFTER DELETE ON case_row BEGIN
    INSERT INTO case_tally VALUES ({_KEY.format("old")}, -1) {_ONE} - 1;
END;
"""  # noqa: S608
"""Counting a million rows takes longer than looking at the first page of them: the counts go along with the rows."""

_TALLIED: Final = {
    "open": "state = 'open'",
    "waiting": "waiting = 1 AND state IN ('open', 'suspended')",
    "overdue": "state = 'open' AND late = 1",
    "bank": "state = 'suspended'",
    "closed": "state = 'closed'",
    "all": "1",
}
_LATE_UNTOLD: Final = (
    "SELECT count(*) FROM case_row i WHERE i.timer_at <= :now AND i.state = 'open' AND i.late = 0 AND i.due_at <= :now"
    " AND i.historical = 0"
)
"""Overdue, and the timer that says so is about to be fired."""

UNTALLIED: Final = frozenset({"returned", "approvals", "unanswered", "calendar"})
"""Short lists with a table or an index of their own."""

BRANCHES_MAX: Final = 600
Rows = Callable[[str, Any], list[tuple[Any, ...]]]


class Turns:
    """Looks at the kept counts; what they cannot answer is answered by None, and by looking at the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def count(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> int | None:
        """Return how many cases a list holds that asks for nothing besides."""
        limited = scope.units is not None or scope.person is not None or scope.subjects is not None
        if not plain(query) or limited or query.list in UNTALLIED:
            return None
        where, values = self._placed(scope)
        if query.list in WORK_LISTS:
            where.append("historical = 0")
        if query.list == "mine":
            own = self._own(scope, viewer)
            turns, more = _turns(viewer)
            held = self._sum(["state = 'open'", "held = 0", turns, *where], values | more) if turns else 0
            return own + held + self._beside(scope, viewer)
        found = self._sum([_TALLIED[query.list], *where], values)
        if query.list == "overdue":
            more_where, more = visible(scope)
            sql = f"{_LATE_UNTOLD} AND {' AND '.join(more_where)}"
            found += int(self._rows(sql, {"now": viewer.now} | more)[0][0])
        return found

    def branches(self, query: CaseQuery, scope: Filter, viewer: Viewer) -> list[Where] | None:
        """Return the parts of one's work list, each of which an index gives in the order of time left."""
        if query.list != "mine" or query.sort != "due" or query.text is not None:
            return None
        found: list[Where] = []
        if viewer.person:
            found.append((["i.state = 'open'", "i.person = :person"], {"person": viewer.person}))
        branch, values = branch_turn(viewer)
        # The plus keeps the planner off the index of open cases: cases with branches are few.
        found.append((["+i.state = 'open'", branch], values))
        stood: set[tuple[str, str, str]] = set()
        for grant in viewer.grants:
            role = ROLE_ALIASES.get(grant.role, grant.role)
            if grant.unit is None and grant.district is None:
                found.append((["i.state = 'open'", "i.person IS NULL", "i.role = :role"], {"role": role}))
            else:
                stood.update(self._stood(role, grant))
        if len(stood) > BRANCHES_MAX:
            return None
        for role, unit, district in sorted(stood):
            where = ["i.state = 'open'", "i.person IS NULL", "i.role = :role", "i.unit IS :unit"]
            values = {"role": role, "unit": unit or None, "district": district or None}
            found.append(([*where, "i.district IS :district"], values))
        return found

    def _stood(self, role: str, grant: Grant) -> Iterator[tuple[str, str, str]]:
        where = ["state = 'open'", "historical IN (0, 1)", "held = 0", "role = :role", "n > 0"]
        if grant.unit is not None:
            where.append("unit IN ('', :unit)")
        if grant.district is not None:
            where.append("(district = :district OR (district = '' AND unit <> '' AND unit = :unit))")
        sql = f"SELECT DISTINCT unit, district FROM case_tally WHERE {' AND '.join(where)}"  # noqa: S608
        values = {"role": role, "unit": grant.unit or "", "district": grant.district or ""}
        yield from ((role, unit, district) for unit, district in self._rows(sql, values))

    def _own(self, scope: Filter, viewer: Viewer) -> int:
        where, values = visible(scope)
        sql = f"SELECT count(*) FROM case_row i WHERE i.person = :person AND {' AND '.join(where)}"  # noqa: S608
        found = self._rows(f"{sql} AND i.state = 'open' AND i.historical = 0", values | {"person": viewer.person})
        return int(found[0][0])

    def _beside(self, scope: Filter, viewer: Viewer) -> int:
        """Count the cases of which only a branch behind the leading one is the viewer's."""
        where, values = visible(scope)
        leading, more = leading_turn(viewer)
        branch, others = branch_turn(viewer)
        where += ["+i.state = 'open'", "i.historical = 0", branch, f"(({leading}) IS NOT TRUE)"]
        sql = f"SELECT count(*) FROM case_row i WHERE {' AND '.join(where)}"  # noqa: S608
        return int(self._rows(sql, named(where, values | more | others))[0][0])

    def _placed(self, scope: Filter) -> Where:
        if scope.places is None:
            return [], {}
        return ["district IN (SELECT value FROM json_each(:places))"], {"places": array(scope.places)}

    def _sum(self, where: list[str], values: dict[str, Any]) -> int:
        found = self._rows(f"SELECT total(n) FROM case_tally WHERE {' AND '.join(where)}", values)  # noqa: S608
        return int(found[0][0])


def _turns(viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """Return which counts belong to whoever holds the grants."""
    turns: list[str] = []
    values: dict[str, Any] = {}
    for place, grant in enumerate(viewer.grants):
        reach = f"role = :role{place}"
        values[f"role{place}"] = ROLE_ALIASES.get(grant.role, grant.role)
        if grant.unit is not None:
            reach += f" AND unit IN ('', :unit{place})"
            values[f"unit{place}"] = grant.unit
        if grant.district is not None:
            own = f" OR (district = '' AND unit = :unit{place})" if grant.unit is not None else ""
            reach += f" AND (district = :district{place}{own})"
            values[f"district{place}"] = grant.district
        turns.append(f"({reach})")
    return f"({' OR '.join(turns)})" if turns else "", values
