"""Flows in flows: a call becomes part of the flow that calls."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    Arrow,
    Call,
    Field,
    Flow,
    FlowClock,
    Gateway,
    Keeping,
    expand_calls,
    fixed,
    flow,
    flow_document,
    flow_from_document,
    no_action,
    photo,
    step,
)
from quanyu.kernel.time import hours
from tests.kernel.test_flow_graph import CHOOSE, CLOSE, MEET, PART, SIZE, net, work


def inner(**changes: Any) -> Flow:
    given: dict[str, Any] = {
        "roles": {"lead": "inner.unit", "lab": "lab.unit"},
        "steps": [
            step("take", by="lead", outcome=[no_action], fields=[Field("grade", "number")]),
            step("measure", by="lab", fails="take", evidence=[photo(1)]),
            step("sign", by="chief", outcome=[fixed]),
        ],
        "clocks": [FlowClock("lab", hours(3), until="measure")],
    }
    return flow("sampling", case="c", overall=hours(5), **(given | changes))


def test_a_called_flow_is_put_in_with_its_roles_its_clock_and_its_way_back() -> None:
    caller = net(
        [work("see"), CLOSE], [("", "see"), ("see", "sample"), ("sample", "close"), ("close", "")],
        Call("sample", "sampling"), roles={"lead": "outer.unit"},
    )  # fmt: skip
    made = expand_calls([caller, inner()])[0]
    assert [each.name for each in made.steps] == ["see", "sample.take", "sample.measure", "sample.sign", "close"]
    assert made.roles == {"lead": "outer.unit", "lab": "lab.unit"}
    assert made.get_step("sample.measure").back == "sample.take"
    assert [clock.name for clock in made.clocks] == ["sample.lab"]
    assert [bool(each.outcome) for each in made.steps] == [False, True, False, False, True]
    assert not made.calls
    assert flow_from_document(flow_document(made)) == made
    assert expand_calls([made]) == [made]


def test_a_call_at_the_end_leaves_the_end_to_the_called_flow() -> None:
    caller = net([work("see")], [("", "see"), ("see", "sample"), ("sample", "")], Call("sample", "sampling"),
                 roles={"lead": ""})  # fmt: skip
    made = expand_calls([caller, inner()])[0]
    assert made.get_step("sample.sign").outcome == (fixed,)


def test_several_ends_of_a_called_flow_are_one_way_into_a_join() -> None:
    called = net(
        [work("a", fields=SIZE), work("c", outcome=[fixed]), work("d", outcome=[fixed])],
        [("", "a"), ("a", "choose"), ("choose", "c", "size > 3"), ("choose", "d"), ("c", ""), ("d", "")], CHOOSE,
    )  # fmt: skip
    caller = flow("g", case="c", overall=hours(1), steps=[work("x"), CLOSE], nodes=[PART, MEET, Call("in", "f")],
                  arrows=[("", "part"), ("part", "in"), ("part", "x"), ("in", "meet"), ("x", "meet"),
                          ("meet", "close"), ("close", "")])  # fmt: skip
    made = expand_calls([caller, called])[0]
    assert Arrow("in.end", "meet") in made.arrows
    assert made.net.into("meet") == ("x", "in.end")


def test_parallel_ends_of_a_called_flow_meet_before_the_caller_goes_on() -> None:
    called = net(
        [work("a", outcome=[fixed]), work("c"), work("d", outcome=[fixed])],
        [("", "part"), ("part", "a"), ("part", "c"), ("a", ""), ("c", "d"), ("d", "")], PART,
    )  # fmt: skip
    caller = flow("g", case="c", overall=hours(1), steps=[work("x"), CLOSE], nodes=[Call("in", "f")],
                  arrows=[("", "x"), ("x", "in"), ("in", "close"), ("close", "")])  # fmt: skip
    made = expand_calls([caller, called])[0]
    assert made.net.into("in.end") == ("in.a", "in.d")
    assert made.net.into("close") == ("in.end",)
    assert made.find_node("in.end") == Gateway("in.end", "parallel")


def test_ends_that_meet_only_sometimes_are_refused() -> None:
    called = net(
        [work("a", fields=SIZE), work("c", outcome=[fixed]), work("d", outcome=[fixed]), work("e", outcome=[fixed])],
        [("", "a"), ("a", "choose"), ("choose", "e", "size > 3"), ("choose", "part"), ("part", "c"), ("part", "d"),
         ("c", ""), ("d", ""), ("e", "")], CHOOSE, PART,
    )  # fmt: skip
    caller = flow("g", case="c", overall=hours(1), steps=[CLOSE], nodes=[Call("in", "f")],
                  arrows=[("", "in"), ("in", "close"), ("close", "")])  # fmt: skip
    with pytest.raises(Invalid) as refused:
        expand_calls([caller, called])
    assert refused.value.code == "flow.doubled"


def test_a_flow_that_erases_is_called_only_by_one_that_does() -> None:
    keeps = Keeping(hours(5), since="day")
    called = net([step("a", by="duty", fields=[Field("day", "date")]), CLOSE], [("", "a"), ("a", "close"), ("close", "")],
                 keeps=keeps)  # fmt: skip
    caller = flow("g", case="c", overall=hours(1), steps=[CLOSE], nodes=[Call("in", "f")],
                  arrows=[("", "in"), ("in", "close"), ("close", "")])  # fmt: skip
    with pytest.raises(Invalid) as refused:
        expand_calls([caller, called])
    assert refused.value.code == "flow.call"
    assert "erases" in refused.value.message


def test_a_flow_that_calls_itself_is_refused_with_the_chain() -> None:
    def calling(name: str, other: str) -> Flow:
        return flow(name, case="c", overall=hours(1), steps=[CLOSE], nodes=[Call("in", other)],
                    arrows=[("", "in"), ("in", "close"), ("close", "")])  # fmt: skip

    with pytest.raises(Invalid) as refused:
        expand_calls([calling("a", "b"), calling("b", "c"), calling("c", "a")])
    assert refused.value.code == "flow.call"
    assert "a > b > c > a" in refused.value.message
    with pytest.raises(Invalid) as refused:
        expand_calls([calling("a", "nowhere")])
    assert refused.value.code == "flow.call"
