"""A query of the native API as a search."""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, ge, gt, le, lt
from typing import Any, Final

import apsw

from quanyu.adapters.sqlite.context.entry import Entry
from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.adapters.sqlite.context.search import Wanted
from quanyu.engines.context.cells import Box
from quanyu.engines.context.index import GEO, SCOPE
from quanyu.engines.context.places import place_of
from quanyu.kernel.entity import NAME_PATTERN, Document
from quanyu.kernel.errors import Invalid
from quanyu.kernel.geo import Near, Point, bounds, centre, contains, distance_m
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.members import instances
from quanyu.kernel.ngsi.q import Comparison
from quanyu.kernel.ngsi.selection import Types
from quanyu.kernel.view import Filter, Query

Test = Callable[[Document], bool]
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {"==": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


def wanted(connection: apsw.Connection, query: Query, scope: Filter, now: Instant) -> Wanted:
    """Return the search for a query; Invalid for a condition on what is no name."""
    tests: list[Test] = []
    leaves: list[list[Comparison]] = []
    for attribute, operator, value in query.where:
        if not NAME_PATTERN.match(attribute):
            raise Invalid(f"Attribute {attribute!r} is not a name.", code="query.attribute", where="q")
        tests.append(_condition(attribute, operator, value))
        if isinstance(value, str | int | float):
            leaves.append([Comparison(attribute, operator, (value,))])  # type: ignore[arg-type]
    if query.scope is not None:
        rooted = f"/{query.scope.removeprefix('/')}"
        leaves.append([Comparison(SCOPE, "==", (rooted,)), Comparison(SCOPE, "..", (f"{rooted}/", f"{rooted}0"))])
        tests.append(_below(query.scope))
    box = query.box or _box_around(query)
    if box is not None:
        tests.append(_meeting(box))
    exact = _exact(query)
    if exact is not None:
        tests.append(exact)
    return Wanted(
        kinds=Kinds(connection, None if query.type is None else Types(query.type), scope.types, now),
        ids=query.ids,
        leaves=leaves,
        box=None if box is None else (box, None),
        matches=_all(tests),
    )


def _all(tests: list[Test]) -> Callable[[Entry, Document], bool] | None:
    if len(tests) == 1:
        test = tests[0]
        return lambda _, document: test(document)
    return (lambda _, document: all(test(document) for test in tests)) if tests else None


def _below(path: str) -> Test:
    """Whether one of the scopes is a path or lies below it."""

    def holds(document: Document) -> bool:
        scopes: Any = document.get("scope", ())
        found = (scopes,) if isinstance(scopes, str) else scopes
        return any(each == path or each.startswith(f"{path}/") for each in found)

    return holds


def _condition(attribute: str, operator: str, value: Any) -> Test:
    """Compare like with like: a number with numbers, a text with texts; only `!=` holds between the two."""
    compare = _COMPARE.get(operator)

    def holds(document: Document) -> bool:
        found = document.get(attribute)
        if found is None:
            return False
        for instance in instances(found):
            has = instance.get("value")
            same = _sort(has) == _sort(value)
            if compare is None:
                if has is not None and not (same and has == value):
                    return True
            elif same and compare(has, value):
                return True
        return False

    return holds


def _sort(value: Any) -> type:
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else type(value)


def _meeting(box: Box) -> Test:
    """Whether the place of an entity has something in common with a box; most places are points."""
    west, south, east, north = box

    def meets(document: Document) -> bool:
        location = document.get("location")
        if location.__class__ is dict and location["type"] == GEO and location["value"]["type"] == "Point":
            position = location["value"]["coordinates"]
            return west <= position[0] <= east and south <= position[1] <= north  # type: ignore[no-any-return]
        other = place_of(document)
        return other is not None and (
            other[0] <= east and other[2] >= west and other[1] <= north and other[3] >= south
        )  # fmt: skip

    return meets


def _box_around(query: Query) -> Box | None:
    box = None
    if query.near is not None:
        lon, lat, metres = query.near
        box = Near((lon, lat), metres).bounds()
    elif query.polygon is not None:
        box = bounds(dict(query.polygon))
    return (box.west, box.south, box.east, box.north) if box else None


def _exact(query: Query) -> Test | None:
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
        for instance in instances(attribute):
            if isinstance(instance, dict) and instance.get("type") == "GeoProperty":
                return centre(instance["value"])
    raise AssertionError("an entity that meets a box has a place")
