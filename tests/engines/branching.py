"""Flows with branches for tests of cases, and people who walk them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quanyu.engines.cases.state import CaseState
from quanyu.kernel.flow import (
    Boundary,
    Field,
    Flow,
    FlowClock,
    Gateway,
    Step,
    Wait,
    dispute,
    fixed,
    flow,
    no_action,
    pause,
    return_once,
    step,
)
from quanyu.kernel.time import calendar_days, hours, minutes, working_days
from tests.engines.casework import CaseDesk, make_engine

CHOOSE, PART, MEET = Gateway("choose", "exclusive"), Gateway("part", "parallel"), Gateway("meet", "parallel")


def road_works(**changes: Any) -> Flow:
    """Survey, then dig while the street is heard; the ground settles; a grade decides whether to dig again."""
    given: dict[str, Any] = {
        "roles": {"lead": "ecology.enforcement", "street": "streets.chaoyang"},
        "steps": [
            step("survey", by="duty", fields=[Field("dug_on", "date", required=False), Field("size", "number")]),
            step(
                "dig",
                by="lead",
                within=hours(30),
                may=[dispute, pause("weather")],
                boundary=[Boundary("late", hours(8), "remind", interrupting=False)],
            ),
            step("inform", kind="send"),
            step("hear", by="street", may=[dispute], boundary=[Boundary("silent", hours(24), "rule")]),
            step("rule", by="chief"),
            step("grade", kind="rule", sets={"points": "max(0, 100 - size / 2)"}),
            step("dig_again", by="lead", fields=[Field("size", "number")]),
            step("close", by="duty", outcome=[fixed, no_action]),
            step("thank", kind="send"),
            step("remind", by="dispatcher"),
        ],
        "nodes": [
            PART,
            Gateway("either", "exclusive"),
            MEET,
            Wait("calm", calendar_days(2), since="dug_on"),
            CHOOSE,
        ],
        "arrows": [
            ("", "survey"), ("survey", "part"), ("part", "dig"), ("part", "inform"), ("inform", "hear"),
            ("hear", "either"), ("rule", "either"), ("either", "meet"), ("dig", "meet"), ("meet", "calm"),
            ("calm", "grade"), ("grade", "choose"), ("choose", "close", "points >= 60"), ("choose", "dig_again"),
            ("dig_again", "grade"), ("close", "thank"), ("thank", ""), ("remind", ""),
        ],
        "clocks": [
            FlowClock("answer", hours(2), until="survey", zh="答复", en="Answer"),
            FlowClock("permit", calendar_days(30), since="dug_on", zh="许可", en="Permit"),
        ],
        "overall": working_days(9),
        "escalate": "ecology.director",
    }  # fmt: skip
    return flow("road_works", case="works", **(given | changes))


def net(steps: Iterable[Step], arrows: Iterable[Any], *nodes: Any, **more: Any) -> Flow:
    return flow("f", case="c", steps=[*steps], arrows=[*arrows], nodes=nodes, overall=working_days(5), **more)


def close_step(**more: Any) -> Step:
    return step("close", by="duty", outcome=[fixed, no_action], **more)


def work(name: str, **more: Any) -> Step:
    return step(name, by="handler", **more)


def offices(**changes: Any) -> Flow:
    """Two offices side by side, each with a dispatch and a return of its own."""
    return net(
        [
            step("send_a", by="dispatcher", to="lead"),
            step("do_a", by="lead", may=[return_once, dispute], within=minutes(30)),
            step("send_b", by="dispatcher", to="street"),
            step("do_b", by="street", may=[return_once, dispute], within=hours(2)),
            close_step(),
        ],
        [
            ("", "part"), ("part", "send_a"), ("part", "send_b"), ("send_a", "do_a"), ("send_b", "do_b"),
            ("do_a", "meet"), ("do_b", "meet"), ("meet", "close"), ("close", ""),
        ],
        PART, MEET,
        **({"roles": {"lead": "ecology.enforcement", "street": "streets.chaoyang"}} | changes),
    )  # fmt: skip


def desk_of(*flows: Flow, **given: Any) -> CaseDesk:
    return CaseDesk(make_engine(flows, **given))


def stands(case: CaseState) -> list[str]:
    """Where the case stands: steps in their order, then waits."""
    return [*(token.step for token in case.tokens), *(each.node for each in case.waits)]
