"""Flows as graphs: what may stand in them, and every refusal with its code and place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from quanyu.domains.governance.vitals import flows as vitals
from quanyu.domains.green.air import flows as air
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    Boundary,
    Call,
    Field,
    Flow,
    FlowClock,
    Gateway,
    Keeping,
    Step,
    Wait,
    dispute,
    fixed,
    flow,
    flow_document,
    flow_from_document,
    flow_hash,
    no_action,
    not_ours,
    parameter,
    pause,
    photo,
    planned,
    return_once,
    same_person,
    soundness,
    step,
)
from quanyu.kernel.time import hours, working_days

CLOSE = step("close", by="duty", outcome=[fixed, no_action])
ARROWS = [("", "survey"), ("survey", "part"), ("part", "dig"), ("part", "tell_street"), ("tell_street", "notice"),
          ("dig", "meet"), ("notice", "meet"), ("meet", "calm"), ("calm", "grade"), ("grade", "judge"),
          ("judge", "close", "grade_points >= 60"), ("judge", "dig_again"), ("dig_again", "grade"),
          ("close", "thank"), ("thank", "")]  # fmt: skip


def road_works(**changes: Any) -> Flow:
    """Survey, dig while the street is told, let the ground settle, grade it, dig again until it is good."""
    given: dict[str, Any] = {
        "steps": [
            step("survey", by="duty", fields=[Field("dug_on", "date", required=False), Field("size", "number")]),
            step(
                "dig",
                by="handler",
                within=working_days(3),
                boundary=[Boundary("late", hours(8), "remind", interrupting=False)],
            ),
            step("tell_street", kind="send", tells="street"),
            step("notice", by="clerk", kind="manual", boundary=[Boundary("gone", hours(24), "meet_alone")]),
            step("meet_alone", by="chief"),
            step("grade", kind="rule", sets={"grade_points": "max(0, 100 - size / 2)"}),
            step("dig_again", by="handler", fields=[Field("size", "number")]),
            CLOSE,
            step("thank", kind="send", tells="reporter"),
            step("remind", kind="service", tells="lead"),
        ],
        "nodes": [
            Gateway("part", "parallel"),
            Gateway("either", "exclusive"),
            Gateway("meet", "parallel", "会合", "Meet"),
            Wait("calm", parameter("settling"), since="dug_on"),
            Gateway("judge", "exclusive"),
        ],
        "arrows": [
            *(each for each in ARROWS if each != ("notice", "meet")),
            ("notice", "either"), ("meet_alone", "either"), ("either", "meet"), ("remind", ""),
        ],
        "clocks": [FlowClock("answer", working_days(1), until="survey"), FlowClock("permit", hours(2), "dug_on")],
    }  # fmt: skip
    return flow("road_works", case="works", overall=working_days(9), **(given | changes))


def net(steps: Iterable[Step], arrows: Iterable[Any], *nodes: Any, **more: Any) -> Flow:
    return flow("f", case="c", steps=[*steps], arrows=[*arrows], nodes=nodes, overall=hours(1), **more)


def work(name: str, **more: Any) -> Step:
    return step(name, by="handler", **more)


def test_a_graph_says_what_follows_what() -> None:
    made = road_works()
    assert made.handling.name == "survey"
    assert made.following("survey") == made.get_step("dig")
    assert made.following("close") is None
    assert [each.name for each in made.net.before("dig")] == ["survey"]
    assert made.reads == {"grade_points", "size", "dug_on"}
    assert made.parameters == ("settling",)
    assert made.restart == "survey"
    assert not made.is_row


def test_a_document_brings_the_same_graph_back() -> None:
    made = road_works()
    document = msgspec.json.decode(msgspec.json.encode(flow_document(made)))
    assert flow_from_document(document) == made
    assert flow_hash(flow_from_document(document)) == flow_hash(made)
    assert len({flow_hash(made), flow_hash(road_works(clocks=[])), flow_hash(road_works(amber=0.5))}) == 3


SHIPPED = {
    "inspect_source": "7865feef4735d62244b16aa8f31f40b4",
    "mend_station": "ab8b2a93636161e434ee016aea8f72e7",
    "restore_vital": "7abfc35c265ad7768a70b169c4c69f82",
    "mend_rule": "a70a3ac866df79a44c84973232f43736",
}


def test_rows_of_steps_keep_the_hash_that_open_cases_pinned() -> None:
    declared = [value for module in (air, vitals) for value in vars(module).values() if isinstance(value, Flow)]
    assert {each.name: flow_hash(each) for each in declared} == SHIPPED
    assert flow_hash(grid_of_today()) == "f498e8e03175520e66a8301769804a3d"


def grid_of_today() -> Flow:
    """The grid flow as the first release declared it."""
    limits = {name: parameter(f"grid_{name}_limit") for name in ("collect", "register", "dispatch", "handle",
                                                                 "feedback", "check", "overall")}  # fmt: skip
    return flow(
        "grid_case",
        case="grid",
        zh="网格案件",
        en="Grid case",
        roles={"lead": "city.command", "check": "city.supervision"},
        steps=[
            step("collect", by="clerk", within=limits["collect"]),
            step("register", by="duty", within=limits["register"], outcome=[not_ours, no_action]),
            step("dispatch", by="dispatcher", within=limits["dispatch"], to="lead"),
            step("handle", by="lead", within=limits["handle"], evidence=[photo(1)],
                 may=[return_once, dispute, pause("weather"), pause("material")]),
            step("feedback", by="dispatcher", within=limits["feedback"]),
            step("check", by="check", within=limits["check"], fails="handle", unless=same_person("handle")),
            step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
        ],
        overall=limits["overall"],
        escalate="city.director",
        confirm=working_days(3),
    )  # fmt: skip


def test_a_reopened_case_begins_before_its_ways_part() -> None:
    made = net(
        [work("see"), work("send", to="handler"), work("a"), work("b"), CLOSE],
        [("", "see"), ("see", "part"), ("part", "send"), ("send", "a"), ("part", "b"), ("a", "meet"), ("b", "meet"),
         ("meet", "close"), ("close", "")],
        Gateway("part", "parallel"), Gateway("meet", "parallel"),
    )  # fmt: skip
    assert made.handling.name == "a"
    assert made.restart == "see"


PART, MEET, CHOOSE = Gateway("part", "parallel"), Gateway("meet", "parallel"), Gateway("choose", "exclusive")
SIZE = [Field("size", "number"), Field("day", "date")]
REFUSED: list[tuple[str, str, Callable[[], Flow]]] = [
    ("flow.arrow_nowhere", "flow f", lambda: net([CLOSE], [("", "close"), ("close", "gone")])),
    (
        "flow.arrow_nowhere",
        "flow f step close",
        lambda: net([step("close", by="duty", outcome=[fixed], boundary=[Boundary("t", hours(1), "gone")])], []),
    ),
    ("flow.arrows", "flow f", lambda: net([CLOSE], [("close", "")])),
    ("flow.arrows", "flow f", lambda: net([CLOSE], [("", "close", "severity == 'red'"), ("close", "")])),
    ("flow.arrows", "flow f", lambda: net([CLOSE], [("", "close")])),
    ("flow.arrows", "flow f", lambda: net([work("a"), CLOSE], [("", "a"), ("a", "close"), ("a", ""), ("close", "")])),
    ("flow.arrows", "flow f", lambda: net([CLOSE], [("", "close"), ("close", "", "severity == 'red'")])),
    (
        "flow.arrows",
        "flow f",
        lambda: net([work("a"), CLOSE], [("", "a"), ("a", "choose"), ("choose", "close"), ("choose", "a"),
                                         ("close", "")], CHOOSE),
    ),
    (
        "flow.arrows",
        "flow f",
        lambda: net([CLOSE], [("", "part"), ("part", "close"), ("part", "close"), ("close", "")], PART),
    ),
    ("flow.unreached", "flow f", lambda: net([CLOSE, work("a")], [("", "close"), ("close", ""), ("a", "")])),
    ("flow.unreached", "flow f", lambda: net([CLOSE], [("", "close"), ("close", ""), ("choose", "")], CHOOSE)),
    ("flow.arrows", "flow f", lambda: net([CLOSE], [], CHOOSE)),
    ("flow.name", "flow f node Choose", lambda: net([CLOSE], [("", "Choose"), ("Choose", "close"), ("close", "")],
                                                    Gateway("Choose", "exclusive"))),
    ("flow.name", "flow f node step", lambda: net([CLOSE], [("", "step"), ("step", "close"), ("close", "")],
                                                  Wait("step", hours(1)))),
    ("flow.kind", "flow f node any", lambda: net([CLOSE], [("", "any"), ("any", "close"), ("close", "")],
                                                 Gateway("any", "inclusive"))),  # type: ignore[arg-type]
    ("flow.kind", "flow f step a", lambda: net([work("a", kind="script"), CLOSE], [])),
    ("flow.step_twice", "flow f", lambda: net([CLOSE], [("", "close"), ("close", "")], Wait("close", hours(1)))),
    ("flow.limit", "flow f node rest", lambda: net([CLOSE], [("", "rest"), ("rest", "close"), ("close", "")],
                                                   Wait("rest", 3))),  # type: ignore[arg-type]
    ("flow.since", "flow f node rest", lambda: net([CLOSE], [("", "rest"), ("rest", "close"), ("close", "")],
                                                   Wait("rest", hours(1), "size"))),
    ("flow.call", "flow f node inner", lambda: net([CLOSE], [("", "inner"), ("inner", "close"), ("close", "")],
                                                   Call("inner", "Bad name"))),
    (
        "expression",
        "flow f arrow choose to the end, line 1, column 1",
        lambda: net([work("a"), CLOSE], [("", "a"), ("a", "choose"), ("choose", "", "nobody > 3"), ("choose", "close"),
                                         ("close", "")], CHOOSE),
    ),
    ("flow.automatic", "flow f step a", lambda: net([step("a", kind="send", within=hours(1)), CLOSE], [])),
    ("flow.sets", "flow f step a", lambda: net([step("a", kind="rule"), CLOSE], [])),
    ("flow.sets", "flow f step a", lambda: net([work("a", sets={"x": "1"}), CLOSE], [])),
    ("flow.sets", "flow f step a", lambda: net([step("a", kind="rule", sets={"severity": "1"}), CLOSE], [])),
    ("expression", "flow f step a sets x, line 1, column 1",
     lambda: net([step("a", kind="rule", sets={"x": "y"}), CLOSE], [])),
    ("flow.boundary", "flow f step a",
     lambda: net([work("a", boundary=[Boundary("t", hours(1), "a"), Boundary("t", hours(2), "a")]), CLOSE], [])),
    ("flow.boundary", "flow f step a",
     lambda: net([step("a", kind="send", boundary=[Boundary("t", hours(1), "close")]), CLOSE], [])),
    ("flow.clock", "flow f clock overall", lambda: net([CLOSE], [], clocks=[FlowClock("overall", hours(1))])),
    ("flow.clock", "flow f clock x", lambda: net([CLOSE], [], clocks=[FlowClock("x", hours(1))] * 2)),
    ("flow.clock", "flow f clock x", lambda: net([CLOSE], [], clocks=[FlowClock("x", hours(1), until="gone")])),
    ("flow.since", "flow f clock x", lambda: net([CLOSE], [], clocks=[FlowClock("x", hours(1), since="gone")])),
    ("flow.since", "flow f keeps", lambda: net([CLOSE], [], keeps=Keeping(hours(1), since="gone"))),
    ("flow.figure", "flow f", lambda: net([CLOSE], [], figures=[parameter("Not a name")])),
    ("flow.figure", "flow f", lambda: net([work("a", fields=SIZE), CLOSE], [], figures=[parameter("size")])),
    ("flow.personal", "flow f step a", lambda: net([work("a", fields=[Field("who", personal=True)]), CLOSE], [])),
    ("flow.personal", "flow f step a",
     lambda: net([work("a", fields=[Field("day", "date"), Field("who", personal=True, counted=True)]), CLOSE], [],
                 keeps=Keeping(hours(1), since="day"))),
    (
        "flow.loop",
        "flow f",
        lambda: net([work("a", fields=SIZE), step("inform", kind="send"), CLOSE],
                    [("", "a"), ("a", "choose"), ("choose", "close", "size > 3"), ("choose", "inform"),
                     ("inform", "choose"), ("close", "")], CHOOSE),
    ),
    (
        "flow.loop",
        "flow f",
        lambda: net([work("a", fields=SIZE), CLOSE],
                    [("", "a"), ("a", "rest"), ("rest", "choose"), ("choose", "close", "size > 3"), ("choose", "rest"),
                     ("close", "")], CHOOSE, Wait("rest", hours(1), "day")),
    ),
    (
        "flow.loop",
        "flow f",
        lambda: net([work("a", fields=SIZE, boundary=[Boundary("t", hours(1), "inform", since="day")]), CLOSE,
                     step("inform", kind="send")],
                    [("", "a"), ("a", "close"), ("close", ""), ("inform", "a")]),
    ),
    (
        "flow.stuck",
        "flow f",
        lambda: net([work("a", fields=SIZE), work("b"), CLOSE],
                    [("", "a"), ("a", "choose"), ("choose", "close", "size > 3"), ("choose", "b"), ("b", "b"),
                     ("close", "")], CHOOSE),
    ),
    (
        "flow.no_default",
        "flow f",
        lambda: net([work("a"), CLOSE], [("", "choose"), ("choose", "a", "severity == 'red'"),
                                         ("choose", "close", "severity == 'info'"), ("a", "close"), ("close", "")],
                    CHOOSE),
    ),
    (
        "flow.stuck",
        "flow f",
        lambda: net([work("a", fields=SIZE), work("b"), CLOSE],
                    [("", "a"), ("a", "choose"), ("choose", "meet", "size > 3"), ("choose", "b"), ("b", "meet"),
                     ("meet", "close"), ("close", "")], CHOOSE, MEET),
    ),
    (
        "flow.doubled",
        "flow f",
        lambda: net([work("a"), work("b"), CLOSE], [("", "part"), ("part", "a"), ("part", "b"), ("a", "close"),
                                                    ("b", "close"), ("close", "")], PART),
    ),
    (
        "flow.doubled",
        "flow f",
        lambda: net([work("send", to="handler"), work("a", may=[return_once]), work("b"), CLOSE],
                    [("", "send"), ("send", "part"), ("part", "a"), ("part", "b"), ("a", "meet"), ("b", "meet"),
                     ("meet", "close"), ("close", "")], PART, MEET),
    ),
    (
        "flow.outcome_missing",
        "flow f",
        lambda: net([work("a"), CLOSE], [("", "part"), ("part", "a"), ("part", "close"), ("a", ""), ("close", "")],
                    PART),
    ),
    ("flow.outcome_missing", "flow f", lambda: net([step("a", kind="send")], [])),
    (
        "flow.outcome_missing",
        "flow f",
        lambda: net([step("close", by="duty", outcome=[fixed], boundary=[Boundary("t", hours(1), "inform")]),
                     step("inform", kind="send")], [("", "close"), ("close", ""), ("inform", "")]),
    ),
    (
        "flow.outcome_missing",
        "flow f",
        lambda: net([CLOSE], [("", "close"), ("close", "rest"), ("rest", "")], Wait("rest", hours(1))),
    ),
    (
        "flow.side",
        "flow f",
        lambda: net([work("a", boundary=[Boundary("t", hours(1), "close", interrupting=False)]), CLOSE], []),
    ),
    ("flow.size", "flow f", lambda: net([*(work(f"a{n}") for n in range(1000)), CLOSE], [])),
]  # fmt: skip


def wide(ways: int, length: int) -> Flow:
    """Part into so many ways of so many steps, each with a choice, and meet again."""
    arrows: list[Any] = [("", "part"), ("meet", "close"), ("close", "")]
    steps, nodes = [], [PART, MEET]
    for n in range(ways):
        nodes += [Gateway(f"x{n}", "exclusive"), Gateway(f"y{n}", "exclusive")]
        row = [f"w{n}_{m}" for m in range(length)]
        steps += [work(name, fields=SIZE) for name in row]
        arrows += [("part", f"x{n}"), (f"x{n}", row[0], "severity == 'red'"), (f"x{n}", f"y{n}"), (f"y{n}", "meet")]
        arrows += [*zip(row, [*row[1:], f"y{n}"], strict=True)]
    return net([work("start"), *steps, CLOSE], [("", "start"), ("start", "part"), *arrows[1:]], *nodes)


def test_a_wide_flow_is_proven_without_walking_every_order() -> None:
    assert len(wide(30, 30).net.elements) == 964


def test_a_flow_that_stands_in_too_many_ways_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "ALL_ORDERS_MAX", 20)
    monkeypatch.setattr(soundness, "SCHEDULED_MAX", 20)
    with pytest.raises(Invalid) as refused:
        wide(4, 4)
    assert (refused.value.code, refused.value.where) == ("flow.unproven", "flow f")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: way_off(12), "flow.stuck"),
        (lambda: meeting_early(12), "flow.doubled"),
        (lambda: outcome_on_the_way(12), "flow.outcome_missing"),
    ],
)
def test_in_a_wide_flow_the_same_faults_are_found(make: Callable[[], Flow], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        make()
    assert refused.value.code == code


def way_off(ways: int) -> Flow:
    names = [f"a{n}" for n in range(ways)]
    arrows: list[Any] = [("", "part"), *(("part", name) for name in names), *((name, "meet") for name in names[1:])]
    arrows += [("a0", "choose"), ("choose", "off", "severity == 'red'"), ("choose", "meet"), ("off", "")]
    off = step("off", by="duty", outcome=[fixed])
    nodes = (PART, MEET, CHOOSE)
    return net([*map(work, names), off, CLOSE], [*arrows, ("meet", "close"), ("close", "")], *nodes)


def meeting_early(ways: int) -> Flow:
    names = [f"a{n}" for n in range(ways)]
    arrows: list[Any] = [("", "part"), *(("part", name) for name in names), *((name, "meet") for name in names[2:])]
    arrows += [(names[0], "same"), (names[1], "same"), ("same", "meet"), ("meet", "close"), ("close", "")]
    return net([*(work(name) for name in names), work("same"), CLOSE], arrows, PART, MEET)


def outcome_on_the_way(ways: int) -> Flow:
    names = [f"a{n}" for n in range(ways)]
    arrows: list[Any] = [("", "part"), *(("part", name) for name in [*names, "close"])]
    return net([*(work(name) for name in names), CLOSE], [*arrows, *((name, "") for name in [*names, "close"])], PART)


@pytest.mark.parametrize(("code", "where", "make"), REFUSED)
def test_what_cannot_come_to_its_end_is_refused_with_its_place(code: str, where: str, make: Callable[[], Flow]) -> None:
    with pytest.raises(Invalid) as refused:
        make()
    assert (refused.value.code, refused.value.where) == (code, where), refused.value.message
    assert refused.value.remedy
