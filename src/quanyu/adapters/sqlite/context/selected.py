"""A selection of NGSI-LD as a search: what its indexes can know, and the test that decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import apsw

from quanyu.adapters.sqlite.context.entry import Entry
from quanyu.adapters.sqlite.context.kinds import Kinds
from quanyu.adapters.sqlite.context.leaves import Leaf, leaves_of, scope_leaf
from quanyu.adapters.sqlite.context.search import Wanted
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Instant
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.q import Comparison
from quanyu.kernel.ngsi.q_plan import terms_of
from quanyu.kernel.ngsi.q_words import SYSTEM
from quanyu.kernel.view import Filter, Selection

Lookup = Callable[[str], Document | None]
Test = Callable[[Entry, Document], bool]
STAMPED: Final = frozenset({"createdAt", "modifiedAt"})


def wanted(connection: apsw.Connection, selection: Selection, lookup: Lookup, scope: Filter, now: Instant) -> Wanted:
    """Return the search for a selection."""
    return Wanted(
        kinds=Kinds(connection, selection.types, scope.types, now),
        ids=selection.ids,
        leaves=_leaves(selection),
        box=_box(selection),
        matches=_test(selection, lookup),
        sys=selection.sys or _asks_stamps(selection),
    )


def _leaves(selection: Selection) -> list[Leaf]:
    leaves: list[Leaf] = []
    if selection.q is not None:
        leaves += leaves_of(selection.q.root)
    if selection.scope_q is not None:
        leaves.append(scope_leaf(selection.scope_q))
    if selection.attrs and SYSTEM.isdisjoint(selection.attrs):
        leaves.append([Comparison(name, "exists") for name in selection.attrs])
    return leaves


def _box(selection: Selection) -> tuple[tuple[float, float, float, float], str | None] | None:
    box = None if selection.geo is None else selection.geo.box()
    return None if selection.geo is None or box is None else (box, selection.geo.attribute)


def _asks_stamps(selection: Selection) -> bool:
    """Whether the question or the order is about when something came or changed."""
    paths = [] if selection.q is None else [term.path for term in terms_of(selection.q.root)]
    paths += [] if selection.order is None else [term.path for term in selection.order.terms]
    return any(not STAMPED.isdisjoint(path.names) for path in paths)


def _test(selection: Selection, lookup: Lookup) -> Test | None:
    """Return the test of everything that types do not decide, the cheapest part first."""
    tests: list[Test] = []
    if selection.id_pattern is not None:
        fits = compile_pattern(selection.id_pattern)
        tests.append(lambda entry, _: fits(entry[1]))
    if selection.attrs:
        attrs = frozenset(selection.attrs)
        tests.append(lambda _, document: not attrs.isdisjoint(document))
    if selection.scope_q is not None:
        scope_q = selection.scope_q
        tests.append(lambda _, document: scope_q.matches(document.get("scope")))
    if selection.q is not None:
        q = selection.q
        tests.append(lambda _, document: q.matches(document, lookup))
    if selection.geo is not None:
        geo = selection.geo
        tests.append(lambda _, document: geo.matches(document))
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda entry, document: all(test(entry, document) for test in tests)
