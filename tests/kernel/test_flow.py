"""Flows: checked where they are written, and the same flow after a round trip through its document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    Ending,
    Field,
    Flow,
    Parameter,
    Permission,
    dispute,
    extension,
    fixed,
    flow,
    flow_document,
    flow_from_document,
    flow_hash,
    measurement,
    no_action,
    parameter,
    pause,
    photo,
    return_once,
    same_person,
    step,
)
from quanyu.kernel.time import calendar_months, hours, minutes, working_days

CLOSE = step("close", by="duty", outcome=[fixed])


def walk(**changes: Any) -> Flow:
    given: dict[str, Any] = {
        "case": "alarm",
        "roles": {"lead": "ecology.enforcement", "check": "ecology.supervision", "arbiter": ""},
        "steps": [
            step("accept", by="duty", within=minutes(30), may=[dispute]),
            step("dispatch", by="dispatcher", within=hours(1), to="lead"),
            step(
                "inspect",
                by="lead",
                within=parameter("inspect_limit"),
                evidence=[photo(2), measurement("pm25")],
                may=[return_once, pause("weather")],
                fields=[Field("found", "choice", choices=("yes", "no"), zh="是否发现", en="Found")],
            ),
            step("check", by="check", within=working_days(2), unless=same_person("inspect")),
            step("close", by="duty", outcome=[fixed, no_action]),
        ],
        "overall": working_days(5),
        "escalate": "ecology.director",
        "escalate_after": working_days(5),
        "confirm": calendar_months(1),
    }
    return flow("inspect_source", **(given | changes))


def test_a_flow_says_what_its_steps_mean() -> None:
    made = walk()
    assert made.handling.name == "inspect"
    assert made.get_step("check").back == "inspect"
    assert made.get_step("inspect").grounds == ("weather",)
    assert made.parameters == ("inspect_limit",)
    assert made.get_step("check").title == {"zh": "核查", "en": "Check on site"}
    following = made.following("accept")
    assert following is not None
    assert following.name == "dispatch"
    assert made.following("close") is None


def test_a_flow_without_dispatch_is_handled_where_a_failed_check_returns_to() -> None:
    made = flow("f", case="c", overall=hours(1), steps=[
        step("intake", by="clerk"), step("repair", by="handler"), step("review", by="chief", fails="repair"), CLOSE,
    ])  # fmt: skip
    assert made.handling.name == "repair"
    assert flow("f", case="c", overall=hours(1), steps=[CLOSE]).handling.name == "close"


def test_a_document_brings_the_same_flow_back() -> None:
    made = walk()
    document = msgspec.json.decode(msgspec.json.encode(flow_document(made)))
    assert flow_from_document(document) == made
    assert flow_hash(flow_from_document(document)) == flow_hash(made)


def test_more_time_stands_in_the_document_only_where_it_may_be_asked_for() -> None:
    assert "extend" not in flow_document(walk())
    made = walk(extend=extension(parameter("longer"), role="check"))
    longer = step("a", by="duty", within=hours(1), extend=extension(hours(2)))
    for each in (made, flow("f", case="c", steps=[longer, CLOSE], overall=hours(9))):
        assert flow_from_document(msgspec.json.decode(msgspec.json.encode(flow_document(each)))) == each
    assert made.parameters == ("inspect_limit", "longer")
    assert flow_hash(made) != flow_hash(walk())


def test_any_changed_word_changes_the_hash_and_nothing_else_does() -> None:
    assert flow_hash(walk()) == flow_hash(walk(roles=dict(sorted(walk().roles.items()))))
    others = [walk(red=0.95), walk(zh="别名"), walk(overall=working_days(6)), walk(escalate="other.unit")]
    assert len({flow_hash(each) for each in [walk(), *others]}) == 5


@pytest.mark.parametrize(
    ("code", "where", "make"),
    [
        ("flow.name", "flow Bad", lambda: flow("Bad", case="c", steps=[CLOSE], overall=hours(1))),
        ("flow.name", "flow f step A b", lambda: walk_to(step("A b", by="duty"))),
        ("flow.name", "flow f step comment", lambda: walk_to(step("comment", by="duty"))),
        ("flow.empty", "flow f", lambda: flow("f", case="c", steps=[], overall=hours(1))),
        ("flow.step_twice", "flow f", lambda: walk_to(step("close", by="duty"))),
        ("flow.outcome_missing", "flow f", lambda: flow("f", case="c", steps=[step("a", by="duty")], overall=hours(1))),
        ("flow.share", "flow inspect_source", lambda: walk(amber=0.95)),
        ("flow.escalate", "flow inspect_source", lambda: walk(escalate=None)),
        ("flow.limit", "flow inspect_source", lambda: walk(overall=3)),
        ("flow.limit", "flow inspect_source", lambda: walk(confirm=parameter("x"))),
        ("flow.limit", "flow f step a", lambda: walk_to(step("a", by="duty", within=5))),  # type: ignore[arg-type]
        ("flow.role_unknown", "flow f step a", lambda: walk_to(step("a", by="mayor"))),
        ("flow.role_unknown", "flow f step a", lambda: walk_to(step("a", by="duty", to="lead"))),
        ("flow.step_unknown", "flow f step a", lambda: walk_to(step("a", by="duty", unless=same_person("close")))),
        ("flow.step_unknown", "flow f step a", lambda: walk_to(step("a", by="duty", fails="nowhere"))),
        ("flow.return_nowhere", "flow f step a", lambda: walk_to(step("a", by="duty", may=[return_once]))),
        ("flow.two_in_one", "flow f step a", lambda: walk_to(step("a", by="duty", to="handler", outcome=[fixed]))),
        ("flow.until", "flow inspect_source", lambda: walk(until="nowhere")),
        ("flow.ends", "flow f step a", lambda: walk_to(step("a", by="duty", ends=True))),
        ("flow.evidence", "flow f step a", lambda: walk_to(step("a", by="duty", evidence=[photo(0)]))),
        ("flow.evidence", "flow f step a", lambda: walk_to(step("a", by="duty", evidence=[measurement("")]))),
        ("flow.ground", "flow f step a", lambda: walk_to(step("a", by="duty", may=[Permission("pause")]))),
        (
            "flow.outcome_unknown",
            "flow f step a",
            lambda: walk_to(step("a", by="duty", outcome=[Ending("gone", "why", "", "")])),
        ),
        ("flow.role_unknown", "flow inspect_source", lambda: walk(extend=extension(hours(1), role="mayor"))),
        ("flow.limit", "flow f step a", lambda: walk_to(step("a", by="duty", extend=extension(5)))),  # type: ignore[arg-type]
        ("flow.name", "flow f step extend", lambda: walk_to(step("extend", by="duty"))),
        ("flow.field", "flow f step a", lambda: walk_to(step("a", by="duty", fields=[Field("passed")]))),
        (
            "flow.field_when",
            "flow f step a",
            lambda: walk_to(step("a", by="duty", fields=[Field("why", when=("grant", False))])),
        ),
        (
            "flow.field_when",
            "flow f step a",
            lambda: walk_to(
                step(
                    "a",
                    by="duty",
                    fields=[Field("grant", "choice", choices=("yes", "no")), Field("why", when=("grant", "maybe"))],
                )
            ),
        ),
    ],
)
def test_what_could_not_be_walked_is_refused_with_its_place(code: str, where: str, make: Callable[[], Flow]) -> None:
    with pytest.raises(Invalid) as refused:
        make()
    assert (refused.value.code, refused.value.where) == (code, where)
    assert refused.value.remedy


def walk_to(first: Any) -> Flow:
    return flow("f", case="c", steps=[first, CLOSE], overall=hours(1))


@pytest.mark.parametrize("document", [{}, {"name": "f"}, flow_document(walk()) | {"overall": 7}])
def test_a_document_that_is_no_flow_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        flow_from_document(document)
    assert refused.value.code == "flow.document"


def test_a_limit_from_a_parameter_keeps_its_id() -> None:
    assert flow_from_document(flow_document(walk())).get_step("inspect").within == Parameter("inspect_limit")
