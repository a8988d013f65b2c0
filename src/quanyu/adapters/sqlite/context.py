"""Entities in SQLite: R*Tree boxes, an index of observed values, last values joined on reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from quanyu.kernel.entity import NAME_PATTERN, Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import Near, Point, bounds, centre, contains, distance_m
from quanyu.kernel.journal import Instant
from quanyu.kernel.view import Query

SCHEMA = """
CREATE INDEX IF NOT EXISTS entity_type ON entity (type, id);
CREATE INDEX IF NOT EXISTS entity_scope ON entity (scope, id) WHERE scope IS NOT NULL;
CREATE INDEX IF NOT EXISTS last_value ON last (attribute, value);
CREATE VIRTUAL TABLE IF NOT EXISTS place_box USING rtree (n, west, east, south, north);
CREATE TRIGGER IF NOT EXISTS place_put AFTER INSERT ON place BEGIN
    INSERT INTO place_box VALUES (new.n, new.west, new.east, new.south, new.north);
END;
CREATE TRIGGER IF NOT EXISTS place_moved AFTER UPDATE ON place BEGIN
    UPDATE place_box SET west = new.west, east = new.east, south = new.south, north = new.north WHERE n = new.n;
END;
CREATE TRIGGER IF NOT EXISTS place_gone AFTER DELETE ON place BEGIN
    DELETE FROM place_box WHERE n = old.n;
END;
"""
SELECT = "SELECT e.id, e.doc, e.n, EXISTS (SELECT 1 FROM observed o WHERE o.n = e.n) FROM "
LAST_VALUE = "SELECT l.value, l.observed_at FROM entity e JOIN last l ON l.n = e.n AND l.attribute = ? WHERE e.id = ?"
LAST_OF = "SELECT attribute, value, observed_at, unit, provenance FROM last WHERE n = ?"
SQL_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class SqliteContext:
    """Implements `engines.context.store.ContextStore` over a reading connection."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect

    def find(self, id: str) -> Document | None:
        """Return the entity with its last values."""
        connection = self._connect()
        row = connection.execute(SELECT + "entity e WHERE e.id = ?", (id,)).fetchone()
        return _overlaid(connection, row) if row else None

    def query(self, query: Query, types: frozenset[str] | None) -> list[Document]:
        """Return a page of matching entities in order of id."""
        connection = self._connect()
        exact = _exact(query)
        found: list[Document] = []
        after = query.after
        while len(found) < query.limit:
            step = query.limit - len(found) if exact is None else max(query.limit, 200)
            rows = self._rows(connection, query, types, after, step)
            for row in rows:
                document = _overlaid(connection, row)
                if exact is None or exact(document):
                    found.append(document)
                    if len(found) == query.limit:
                        break
            if len(rows) < step:
                break
            after = rows[-1][0]
        return found

    def _rows(
        self, connection: apsw.Connection, query: Query, types: frozenset[str] | None, after: str | None, limit: int
    ) -> list[Any]:
        tables, conditions, bound = _compiled(query, types)
        if after is not None:
            conditions.append("e.id > ?")
            bound.append(after)
        where = " AND ".join(conditions) or "1"
        if "place_box" in tables:
            # Ordered outside SQL: the box decides the plan, and a page of a box is small.
            rows = list(connection.execute(f"{SELECT}{tables} WHERE {where}", bound))
            rows.sort()
            return rows[:limit]
        return list(connection.execute(f"{SELECT}{tables} WHERE {where} ORDER BY e.id LIMIT ?", (*bound, limit)))

    def count(self, query: Query, types: frozenset[str] | None) -> int:
        """Return how many entities match."""
        connection = self._connect()
        exact = _exact(query)
        tables, conditions, bound = _compiled(query, types)
        where = " AND ".join(conditions) or "1"
        if exact is None:
            row = connection.execute(f"SELECT count(*) FROM {tables} WHERE {where}", bound).fetchone()  # noqa: S608
            return int(row[0]) if row else 0
        rows = connection.execute(f"{SELECT}{tables} WHERE {where}", bound)
        return sum(1 for row in rows if exact(msgspec.json.decode(row[1])))

    def last(self, id: str, attribute: str) -> tuple[Any, Instant] | None:
        """Return the last observed value of an attribute."""
        row = self._connect().execute(LAST_VALUE, (attribute, id)).fetchone()
        return (row[0], row[1]) if row else None

    def types(self) -> list[tuple[str, int]]:
        """Return the types that stand, each with its number of entities."""
        return [(row[0], row[1]) for row in self._connect().execute("SELECT type, count(*) FROM entity GROUP BY type")]


def _overlaid(connection: apsw.Connection, row: Any) -> Document:
    document: Document = msgspec.json.decode(row[1])
    if row[3]:
        for attribute, value, observed_at, unit, provenance in connection.execute(LAST_OF, (row[2],)):
            laid = {"type": "Property", "value": value, "observedAt": observed_at, "provenance": provenance}
            if unit:
                laid["unitCode"] = unit
            document[attribute] = laid
    return document


def _compiled(query: Query, types: frozenset[str] | None) -> tuple[str, list[str], list[Any]]:
    tables, conditions, bound = "entity e", list[str](), list[Any]()
    box = query.box or _box_around(query)
    if box is not None:
        # CROSS JOIN fixes the order: the tree first, then one row per hit.
        tables = "place_box b CROSS JOIN place p ON p.n = b.n CROSS JOIN entity e ON e.n = b.n"
        west, south, east, north = box
        conditions += ["b.west <= ?", "b.east >= ?", "b.south <= ?", "b.north >= ?"]
        bound += [east, west, north, south]
        # The tree rounds to 32-bit floats outwards; the exact box stands in `place`.
        conditions += ["p.west <= ?", "p.east >= ?", "p.south <= ?", "p.north >= ?"]
        bound += [east, west, north, south]
    if query.type is not None:
        conditions.append("e.type = ?")
        bound.append(query.type)
    for column, names in (("type", types), ("id", query.ids)):
        if names is not None:
            conditions.append(f"e.{column} IN ({', '.join('?' * len(names))})")
            bound += names
    if query.scope is not None:
        # A prefix as a range, so that the index serves it: everything below /beijing lies before '/beijing0'.
        conditions.append("(e.scope = ? OR (e.scope > ? AND e.scope < ?))")
        bound += [query.scope, f"{query.scope}/", f"{query.scope}0"]
    for attribute, operator, value in query.where:
        condition, values = _condition(attribute, SQL_OPERATORS[operator], value)
        conditions.append(condition)
        bound += values
    return tables, conditions, bound


def _condition(attribute: str, operator: str, value: Any) -> tuple[str, list[Any]]:
    if not NAME_PATTERN.match(attribute):
        raise Invalid(f"Attribute {attribute!r} is not a name.", code="query.attribute", where="q")
    described = f"json_extract(e.doc, '$.{attribute}.value') {operator} ?"
    observed = "SELECT n FROM last WHERE attribute = ? AND value"
    unobserved = "NOT EXISTS (SELECT 1 FROM last l WHERE l.n = e.n AND l.attribute = ?)"
    condition = f"(e.n IN ({observed} {operator} ?) OR ({described} AND {unobserved}))"
    return condition, [attribute, value, value, attribute]


def _box_around(query: Query) -> tuple[float, float, float, float] | None:
    box = None
    if query.near is not None:
        lon, lat, metres = query.near
        box = Near((lon, lat), metres).bounds()
    elif query.polygon is not None:
        box = bounds(dict(query.polygon))
    return (box.west, box.south, box.east, box.north) if box else None


def _exact(query: Query) -> Callable[[Document], bool] | None:
    """Return the test that a box alone cannot decide, on the entity's centre."""
    if query.near is not None:
        lon, lat, metres = query.near
        return lambda document: distance_m((lon, lat), _centre_of(document)) <= metres
    if query.polygon is not None:
        polygon = dict(query.polygon)
        return lambda document: contains(polygon, _centre_of(document))
    return None


def _centre_of(document: Document) -> Point:
    location = document.get("location")
    for attribute in [location] if location else document.values():
        if isinstance(attribute, dict) and attribute.get("type") == "GeoProperty":
            return centre(attribute["value"])
    raise AssertionError("an entity in the box index has a place")
