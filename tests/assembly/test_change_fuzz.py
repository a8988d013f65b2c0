"""Whatever a proposal holds, it would load or is refused with an error of ours."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.assembly.law import LawBook
from quanyu.assembly.packs import load_city, load_packs
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.flow import flow_document, flow_from_document
from quanyu.kernel.journal import Row, Table
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.rule_file import rule_from_document
from tests.hubs import MORNING


class Nothing:
    """A home in which nothing was released."""

    def rows(self, table: Table) -> list[Row]:
        return []


@cache
def book() -> LawBook:
    packs = load_packs()
    return LawBook(packs, Parameters(row for pack in packs for row in pack.parameters), load_city("beijing"), Nothing())


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=12),
    st.sampled_from(["1 hour", "2 working days", "handle", "lead", "fixed", "2026-03-05", "CN", "110000", "pm25 > 1"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a document where something can be put."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        found += places(each, (*path, key))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def definitions(kind: str) -> list[tuple[str, dict[str, Any]]]:
    law = book().law
    if kind == "flow":
        return [(flow.name, flow_document(flow)) for flow in law.flows]
    names = (
        [rule.name for rule in law.rules] if kind == "rule" else ["pm25_day_limit", "inspect_limit", "o3_hour_limit"]
    )
    found = [(name, book().present(kind, name, MORNING)) for name in names]
    return [(name, document) for name, document in found if document is not None]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["rule", "flow", "parameter"]))
def test_a_bent_definition_is_refused_or_would_load(data: st.DataObject, kind: str) -> None:
    name, document = data.draw(st.sampled_from(definitions(kind)))
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        put(document, data.draw(st.sampled_from(places(document))), data.draw(VALUES))
    try:
        checked = book().checks[kind](name, document, MORNING, "proposed")
    except QuanyuError as error:
        assert error.code and error.message  # noqa: PT017, PT018
        return
    if kind == "rule":
        assert rule_from_document(checked.document).name == name
    elif kind == "flow":
        assert flow_document(flow_from_document(checked.document)) == checked.document
    else:
        assert checked.line.startswith(name)


@given(
    st.sampled_from(["rule", "flow", "parameter"]),
    st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    st.text(max_size=8),
)
def test_any_document_is_refused_or_would_load(kind: str, document: dict[str, Any], name: str) -> None:
    code: str | None = None
    try:
        book().checks[kind](name, document, MORNING, "proposed")
    except QuanyuError as error:
        code = error.code
    assert code is not None, "nothing made up at random is a whole definition"


def test_a_flow_may_be_sent_back_as_it_is_shown() -> None:
    for name, document in definitions("flow"):
        shown = document | {"hash": "0", "pack": "x", "release": 0, "classes": [], "amber": 0.5}
        assert book().checks["flow"](name, shown, MORNING, "proposed").document == document | {"amber": 0.5}
