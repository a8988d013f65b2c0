"""The conditions of lists of cases: what a question, a filter and a viewer say in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from quanyu.engines.cases.option import ROLE_ALIASES
from quanyu.engines.cases.store import Viewer
from quanyu.kernel.errors import Invalid
from quanyu.kernel.view import CaseQuery, Filter, Grant

TRIGRAM: Final = 3
"""Shorter words than this are no trigram; they are beginnings of some."""

WORDS_MAX: Final = 8
LAST_CHARACTER: Final = "\U0010ffff"

LISTED: Final = {
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

SORTS: Final = {
    "due": ("i.sort_at", "i.sort_at, i.serial", "(i.sort_at, i.serial) > (:after, :after_serial)"),
    "opened": ("i.serial", "i.serial DESC", "i.serial < :after_serial"),
    "oldest": ("i.serial", "i.serial", "i.serial > :after_serial"),
}
"""Of each sort: the key in the cursor, the order, and the condition that continues after a cursor.

Numbers are given by the day of opening and in turn, so the newest opening has the greatest serial.
"""

_MOVING: Final = {"state": "state"}
_UNIT: Final = "(i.unit = :q_unit OR i.serial IN (SELECT b.serial FROM case_branch b WHERE b.unit = :q_unit))"
"""A unit holds a case where any of its branches stands there."""
_ROLE: Final = (
    "(i.role = :q_role OR EXISTS (SELECT 1 FROM case_branch b WHERE b.serial = i.serial AND b.role = :q_role))"
)
_OPENED: Final = {"kind": "kind", "flow": "flow", "asset": "asset", "category": "category"}
_SEVERAL: Final = "IN (SELECT value FROM json_each(:q_kind))"
_GRID: Final = (
    "(i.district = :q_place OR EXISTS (SELECT 1 FROM case_opening g WHERE g.serial = i.serial AND g.grid = :q_place))"
)

Where = tuple[list[str], dict[str, Any]]
"""Conditions that must all hold, and the values that they name."""


def matching(query: CaseQuery, scope: Filter, viewer: Viewer) -> Where:
    """Return what a case must meet to be in a list, whatever the page."""
    where, values = visible(scope)
    values["now"] = viewer.now
    if query.historical is None and query.list in WORK_LISTS:
        where.append("i.historical = 0")
    for part, more in (_listed(query.list, viewer), _asked(query), _searched(query.text)):
        where += part
        values |= more
    return where, named(where, values)


def named(where: Iterable[str], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the conditions name."""
    used = " ".join(where)
    return {name: value for name, value in values.items() if f":{name}" in used}


def visible(scope: Filter) -> Where:
    """Return the conditions of a filter: a limit that is None limits nothing, an empty one lets nothing pass."""
    where, values = ["1"], dict[str, Any]()
    if scope.units is not None:
        where.append(
            "EXISTS (SELECT 1 FROM case_involved r WHERE r.serial = i.serial"
            " AND r.unit IN (SELECT value FROM json_each(:units)))"
        )
        values["units"] = array(scope.units)
    if scope.places is not None:
        where.append("i.district IN (SELECT value FROM json_each(:places))")
        values["places"] = array(scope.places)
    if scope.person is not None:
        where.append("i.serial IN (SELECT serial FROM case_opening WHERE reporter = :reporter)")
        values["reporter"] = scope.person
    if scope.subjects is not None:
        where.append(
            "i.serial IN (SELECT serial FROM case_subject WHERE subject IN (SELECT value FROM json_each(:subjects)))"
        )
        values["subjects"] = array(scope.subjects)
    return where, values


def array(words: Iterable[str]) -> str:
    """Return words as SQLite takes many at once."""
    return msgspec.json.encode(sorted(words)).decode()


def turn(grant: Grant, place: int) -> tuple[str, dict[str, Any]]:
    """Return what makes a case that nobody claimed the turn of whoever holds a grant."""
    reach = f"i.role = :role{place}"
    if grant.unit is not None:
        reach += f" AND (i.unit IS NULL OR i.unit = :unit{place})"
    return _within(reach, grant, place)


def leading_turn(viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """Return what makes the leading branch of a case the turn of a viewer."""
    turns, values = ["i.person = :person"], dict[str, Any](person=viewer.person)
    for place, grant in enumerate(viewer.grants):
        reach, more = turn(grant, place)
        turns.append(f"(i.person IS NULL AND {reach})")
        values |= more
    return " OR ".join(turns), values


def branch_turn(viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """Return what makes a branch behind the leading one the turn of a viewer; few cases have such branches."""
    turns, values = ["b.person = :person"], dict[str, Any](person=viewer.person)
    for place, grant in enumerate(viewer.grants):
        reach, more = turn(grant, place)
        own = reach.replace("i.role", "b.role").replace("i.unit", "b.unit")
        turns.append(f"(b.person IS NULL AND {own})")
        values |= more
    mine = f"b.serial = i.serial AND ({' OR '.join(turns)})"
    branches = "i.serial IN (SELECT serial FROM case_branch)"
    return f"{branches} AND EXISTS (SELECT 1 FROM case_branch b WHERE {mine})", values  # noqa: S608


def _within(reach: str, grant: Grant, place: int) -> tuple[str, dict[str, Any]]:
    if grant.district is not None:
        reach += f" AND (i.district = :district{place} OR (i.district IS NULL AND i.unit = :unit{place}))"
    role = ROLE_ALIASES.get(grant.role, grant.role)
    return reach, {f"role{place}": role, f"unit{place}": grant.unit, f"district{place}": grant.district}


def _returned(grant: Grant, place: int) -> tuple[str, dict[str, Any]]:
    """Return what makes a case one that was returned by or to whoever holds a grant."""
    words = f"(:unit{place}, :role{place})" if grant.unit is not None else f"(:role{place})"
    reach = f"(i.returned_to IN {words} OR i.returned_by IN {words})"
    if grant.unit is None:
        # A role that is held everywhere sees what its units handed to and fro.
        reach = f"({reach} OR (i.returned_to IS NOT NULL AND :role{place} IN ('handler', 'chief')))"
    return _within(reach, grant, place)


def _listed(name: str, viewer: Viewer) -> Where:
    if name in LISTED:
        return [LISTED[name]], {}
    if name == "unanswered":
        return _unanswered(viewer)
    if name == "approvals":
        return _approvals(viewer)
    values: dict[str, Any] = {"person": viewer.person}
    turns = []
    for place, grant in enumerate(viewer.grants):
        reach, more = (turn if name == "mine" else _returned)(grant, place)
        turns.append(f"({reach})")
        values |= more
    if name == "mine":
        turns = [f"(i.person IS NULL AND ({' OR '.join(turns)}))"] if turns else []
        turns.append("i.person = :person")
        branch, more = branch_turn(viewer)
        turns.append(f"({branch})")
        values |= more
    if not turns:
        return ["0"], {}
    if name == "returned":
        # The plus keeps the planner on the index of returned cases: they are few, open ones are many.
        return ["+i.state = 'open'", "i.returned_to IS NOT NULL", f"({' OR '.join(turns)})"], values
    return ["i.state = 'open'", f"({' OR '.join(turns)})"], values


def _unanswered(viewer: Viewer) -> Where:
    units = [grant.unit for grant in viewer.grants if grant.role == "handler" and grant.unit]
    everywhere = any(grant.role == "chief" or (grant.role == "handler" and not grant.unit) for grant in viewer.grants)
    told = "i.serial IN (SELECT n.serial FROM case_notice n"
    if everywhere:
        return ["+i.state = 'open'", f"{told})"], {}
    if not units:
        return ["0"], {}
    own = f"{told} WHERE n.unit IN (SELECT value FROM json_each(:told)))"  # noqa: S608
    return ["+i.state = 'open'", own], {"told": array(units)}


def _approvals(viewer: Viewer) -> Where:
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


def _asked(query: CaseQuery) -> Where:
    where: list[str] = []
    opened: list[str] = []
    values: dict[str, Any] = {}
    for columns, conditions, alias in ((_MOVING, where, "i"), (_OPENED, opened, "o")):
        for name, column in columns.items():
            if (value := getattr(query, name)) is None:
                continue
            several = name == "kind" and "," in value
            conditions.append(f"{alias}.{column} " + (_SEVERAL if several else f"= :q_{name}"))
            values[f"q_{name}"] = array(value.split(",")) if several else value
    if query.unit is not None:
        where.append(_UNIT)
        values["q_unit"] = query.unit
    if query.role is not None:
        where.append(_ROLE)
        values["q_role"] = query.role
    if query.place is not None:
        where.append(_GRID)
        values["q_place"] = query.place
    if query.historical is not None:
        where.append("i.historical = :q_historical")
        values["q_historical"] = int(query.historical)
    if query.opened_from is not None:
        opened.append("o.opened_at >= :q_from")
        values["q_from"] = query.opened_from
    if query.opened_to is not None:
        opened.append("o.opened_at < :q_to")
        values["q_to"] = query.opened_to
    if query.box is not None:
        opened.append("o.lon BETWEEN :q_west AND :q_east AND o.lat BETWEEN :q_south AND :q_north")
        values |= dict(zip(("q_west", "q_south", "q_east", "q_north"), query.box, strict=True))
    return where + opened, values


def _searched(text: str | None) -> Where:
    """Return the conditions of a search: every word must stand in the text, as it is written."""
    words = (text or "").split()[:WORDS_MAX]
    long = [word for word in words if len(word) >= TRIGRAM]
    where: list[str] = []
    values: dict[str, Any] = {}
    if long:
        where.append("i.serial IN (SELECT rowid FROM case_search WHERE case_search MATCH :q_match)")
        values["q_match"] = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
    for place, word in enumerate(word.lower() for word in words if len(word) < TRIGRAM):
        within = "i.serial IN (SELECT doc FROM case_search_terms WHERE term >= :q_word{0} AND term < :q_word{0}_end)"
        where.append(within.format(place))
        values |= {f"q_word{place}": word, f"q_word{place}_end": word + LAST_CHARACTER}
    return where, values


def cursor(text: str, sort: str) -> tuple[int, int]:
    """Return sort key and serial that a page ended with; raises Invalid (query.cursor) for anything else."""
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


def plain(query: CaseQuery) -> bool:
    """Tell whether a question asks for a list and nothing besides."""
    return query == CaseQuery(list=query.list, sort=query.sort, limit=query.limit, after=query.after)
