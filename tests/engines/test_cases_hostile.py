"""Flows and cases that mean no good, and cities that lost a unit: a clear error, nothing lost, nothing that runs for ever."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.engines.cases.engine import CasesEngine
from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.flow import (
    ELEMENTS_MAX,
    Call,
    Flow,
    expand_calls,
    flow,
    flow_document,
    flow_from_document,
    kept_flow,
    step,
)
from quanyu.kernel.journal import Command
from quanyu.kernel.time import hours
from tests.engines.branching import CHOOSE, close_step, desk_of, net, road_works, stands, work
from tests.engines.casework import CALENDAR, PEOPLE, CaseDesk, limits


def test_a_flow_of_a_thousand_elements_is_walked_in_one_decision() -> None:
    made = net([work("a"), *(step(f"s{n}", kind="send") for n in range(ELEMENTS_MAX - 2)), close_step()], [])
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.act(id, "handler", "a")
    case = desk.state_of(id)
    assert (stands(case), len(case.done)) == (["close"], ELEMENTS_MAX - 1)
    assert desk.replayed().rows == desk.state.rows


def test_calls_nest_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> list[Flow]:
        calls = [
            flow(f"f{n}", case="c", steps=[close_step()], overall=hours(1), nodes=[Call("c", f"f{n + 1}")],
                 arrows=[("", "c"), ("c", "close"), ("close", "")])
            for n in range(depth)
        ]  # fmt: skip
        return [*calls, flow(f"f{depth}", case="c", steps=[work("do"), close_step()], overall=hours(1))]

    made = expand_calls(nested(10))[0]
    assert made.steps[0].name == "c." * 10 + "do"
    for depth in (20, 2_000):
        with pytest.raises(Invalid) as refused:
            expand_calls(nested(depth))
        assert refused.value.code == "flow.call"


def test_a_flow_grown_too_large_by_calls_is_refused() -> None:
    inner = flow("inner", case="c", overall=hours(1), steps=[*(work(f"w{n}") for n in range(600)), close_step()])
    arrows = [("", "a"), ("a", "b"), ("b", "close"), ("close", "")]
    outer = flow("outer", case="c", overall=hours(1), steps=[close_step()], arrows=arrows,
                 nodes=[Call("a", "inner"), Call("b", "inner")])  # fmt: skip
    with pytest.raises(Invalid) as refused:
        expand_calls([outer, inner])
    assert refused.value.code == "flow.size"


def lost_city() -> CaseDesk:
    """A desk whose city profile has lost the lead unit of a flow."""
    made = flow(
        "f",
        case="c",
        overall=hours(9),
        roles={"lead": "gone.unit", "check": "ecology.supervision"},
        steps=[step("send", by="dispatcher", to="lead"), step("do", by="lead"), close_step()],
        escalate="gone.too",
    )
    return CaseDesk(CasesEngine([made], limits(), CALENDAR, lambda actor: PEOPLE.get(actor, []), {"centre"}))


def test_a_lead_unit_that_vanished_is_named_at_the_dispatch_and_when_the_pack_is_loaded() -> None:
    desk = lost_city()
    id = desk.open(flow="f")
    rows = dict(desk.state.rows)
    with pytest.raises(Invalid) as refused:
        desk.act(id, "dispatcher", "send")
    assert (refused.value.code, refused.value.where) == ("case.unit_unknown", "flow f role lead")
    assert desk.state.rows == rows
    desk.act(id, "dispatcher", "send", fields={"unit": "centre"})
    assert desk.state_of(id).tokens[0].unit == "centre"
    assert desk.cases.office.vacancies() == [
        f"flow f gives the role {role} to the unit {unit}, which the city profile does not have"
        for role, unit in (("lead", "gone.unit"), ("check", "ecology.supervision"), ("escalate", "gone.too"))
    ]


def test_a_guard_on_a_missing_field_takes_the_way_without_a_guard_or_says_what_is_missing() -> None:
    made = net(
        [work("a"), work("b", fields=road_works().steps[0].fields), close_step()],
        [("", "a"), ("a", "choose"), ("choose", "b", "size > 3"), ("choose", "close", "not (size > 3)"),
         ("b", "close"), ("close", "")],
        CHOOSE,
    )  # fmt: skip
    desk = desk_of(made)
    id = desk.open(flow="f")
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "a")
    assert (refused.value.code, refused.value.details["unknown"]) == ("case.no_way", ["size"])
    assert "Not known yet: size" in str(refused.value.remedy)


def test_a_definition_that_today_would_be_refused_still_moves_the_cases_that_pinned_it() -> None:
    document = flow_document(net([work("a"), close_step()], []))
    document["steps"][0]["name"] = "migrate"
    with pytest.raises(Invalid):
        flow_from_document(document)
    assert kept_flow(document).steps[0].name == "migrate"


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["name", "title", "zh"]), st.text(max_size=3), max_size=2),
)


def places(document: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, as the keys that lead there."""
    keys = list(document) if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    return [so_far, *(place for key in keys for place in places(document[key], (*so_far, key)))]


WRITTEN = msgspec.json.encode(flow_document(road_works()))
PLACES = [place for place in places(msgspec.json.decode(WRITTEN)) if place]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), JUNK)
def test_a_damaged_document_is_a_flow_or_refused_and_never_a_crash(place: tuple[Any, ...], junk: Any) -> None:
    document: Any = msgspec.json.decode(WRITTEN)
    here = document
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = junk
    try:
        made = flow_from_document(document)
    except Invalid as refused:
        assert refused.code  # noqa: PT017
        return
    desk_of(road_works()).run(Command("flow.define", "", flow_document(made)), "system:test")
