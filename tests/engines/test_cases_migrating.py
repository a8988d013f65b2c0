"""Moving open cases to another version of their flow: previewed, said, undone; refused whole where there is no place."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from quanyu.engines.cases.migrating import preview
from quanyu.engines.cases.tables import serial_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.flow import (
    Boundary,
    Flow,
    FlowClock,
    Gateway,
    Wait,
    flow,
    flow_document,
    flow_hash,
    parameter,
    pause,
    same_person,
    step,
)
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.time import hours, working_days
from tests.engines.branching import MEET, PART, close_step, desk_of, stands, work
from tests.engines.casework import HOUR, CaseDesk, limits


def version(name: str = "repair", **changes: Any) -> Flow:
    given: dict[str, Any] = {
        "roles": {"lead": "ecology.enforcement"},
        "steps": [
            step("accept", by="duty", within=hours(2)),
            step("repair", by="lead", within=hours(20), may=[pause("weather")]),
            step("check", by="duty", unless=same_person("accept"), fails="repair"),
            close_step(),
        ],
        "overall": working_days(5),
    }
    return flow(name, case="c", **(given | changes))


def newer() -> Flow:
    """The same repair with a survey before it, a shorter limit, a reminder, a wait and a clock of its own."""
    return version(
        roles={"lead": "centre", "crew": "streets.chaoyang"},
        steps=[
            step("accept", by="duty", within=hours(2)),
            step("survey", by="duty"),
            step(
                "mend",
                by="crew",
                within=hours(10),
                boundary=[Boundary("late", hours(4), "remind", interrupting=False)],
            ),
            step("remind", by="dispatcher"),
            step("check", by="duty", unless=same_person("accept"), fails="mend"),
            close_step(),
        ],
        nodes=[Wait("dry", hours(6))],
        arrows=[("", "accept"), ("accept", "survey"), ("survey", "mend"), ("mend", "dry"), ("dry", "check"),
                ("check", "close"), ("close", ""), ("remind", "")],
        clocks=[FlowClock("answer", hours(30))],
        overall=working_days(7),
    )  # fmt: skip


def both(*more: Flow) -> tuple[CaseDesk, str]:
    """A desk at which the old version is kept in the journal and the newer one is declared; and a case to repair."""
    desk = desk_of(version())
    id = desk.open(flow="repair")
    desk.act(id, "duty", "accept")
    desk.cases.office.flows["repair"] = (flow_hash(newer()), newer())
    for each in more:
        desk.run(Command("flow.define", "", flow_document(each)), "system:test")
    return desk, id


def migrate(desk: CaseDesk, id: str, actor: str = "person:chief", /, **body: Any) -> list[Record]:
    given = {"to": "repair", "note": "the new rule", "map": {"repair": "mend"}} | body
    return desk.run(Command("case.migrate", id, given), actor)


def test_a_case_moves_to_the_place_that_the_map_names() -> None:
    desk, id = both()
    before = desk.state_of(id)
    desk.at += HOUR
    records = migrate(desk, id)
    case = desk.state_of(id)
    assert [record.kind for record in records] == ["flow.defined", "case.acted"]
    assert records[-1].body is not None
    assert (records[-1].body["from"], records[-1].body["to"]) == (flow_hash(version()), flow_hash(newer()))
    assert records[-1].body["map"] == {"repair": "mend"}
    assert [(token.id, token.step, token.unit) for token in case.tokens] == [
        (before.tokens[0].id, "mend", "streets.chaoyang")
    ]
    named = {clock.name: clock for clock in case.clocks}
    assert sorted(named) == ["answer", "bound.2.late", "overall", "step.2"]
    assert named["overall"].start == before.overall.start
    assert (named["step.2"].limit, named["step.2"].start) == ("10 hours", before.tokens[0].at)
    assert named["answer"].start == case.opened_at
    assert desk.folded(id) == case
    assert desk.replayed().rows == desk.state.rows


def test_after_the_move_the_case_follows_the_new_version() -> None:
    desk, id = both()
    migrate(desk, id)
    desk.at += 5 * HOUR
    assert "bound.2.late.strike" in desk.wake()
    desk.act(id, "street", "mend")
    assert stands(desk.state_of(id)) == ["remind", "dry"]
    desk.at += 6 * HOUR
    desk.wake()
    with pytest.raises(Denied) as refused:
        desk.act(id, "duty", "check", fields={"passed": True})
    assert refused.value.code == "case.same_person"


def test_moving_back_undoes_a_move() -> None:
    desk, id = both()
    before = desk.state_of(id)
    migrate(desk, id)
    migrate(desk, id, to=flow_hash(version()), map={"mend": "repair"}, note="too early")
    after = desk.state_of(id)
    assert replace(after, last=before.last, units=before.units) == before
    desk.act(id, "handler", "repair")
    assert desk.replayed().rows == desk.state.rows


def test_a_clock_keeps_its_pauses_its_pinned_law_and_what_fired() -> None:
    old = version(overall=parameter("inspect_limit"))
    new = version(overall=parameter("inspect_limit"), amber=0.5, red=0.6)
    desk = desk_of(old, parameters=limits("3 working days"))
    id = desk.open(flow="repair")
    desk.act(id, "duty", "accept")
    desk.at += 21 * HOUR
    assert "step.2.overdue" in desk.wake()
    desk.act(id, "handler", "pause", fields={"ground": "weather"})
    desk.cases.renew(parameters=limits("9 working days"))
    desk.cases.office.flows["repair"] = (flow_hash(new), new)
    migrate(desk, id, map={})
    case = desk.state_of(id)
    assert case.overall.stands
    assert case.overall.limit == "3 working days"
    assert "step.2.overdue" in case.fired
    desk.at += HOUR
    desk.act(id, "handler", "resume")
    assert desk.state_of(id).overall.due is not None
    assert desk.replayed().rows == desk.state.rows


@pytest.mark.parametrize(
    ("kind", "code", "given", "actor"),
    [
        (Denied, "case.role_missing", {}, "person:duty"),
        (Invalid, "case.reason_missing", {"note": " "}, "person:chief"),
        (Invalid, "case.flow_unknown", {"to": "nothing"}, "person:chief"),
        (Conflict, "case.migrate_place", {"map": {}}, "person:chief"),
        (Conflict, "case.migrate_place", {"map": {"repair": "dry"}}, "person:chief"),
        (Invalid, "case.migrate_map", {"map": {"repair": "gone"}}, "person:chief"),
        (Invalid, "case.migrate_map", {"map": {"gone": "mend"}}, "person:chief"),
        (Conflict, "case.migrate_standing", {"map": {"repair": "remind"}}, "person:chief"),
        (Conflict, "case.migrate_state", {"to": flow_hash(version())}, "person:chief"),
        (Invalid, "case.body", {"map": 3}, "person:chief"),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(
    kind: type[QuanyuError], code: str, given: dict[str, Any], actor: str
) -> None:
    desk, id = both()
    rows = dict(desk.state.rows)
    with pytest.raises(kind) as refused:
        migrate(desk, id, actor, **given)
    assert refused.value.code == code
    assert refused.value.remedy or code == "case.body"
    assert desk.state.rows == rows


def test_only_an_open_case_of_the_same_flow_moves() -> None:
    desk, id = both(version("other"))
    with pytest.raises(Missing):
        migrate(desk, "urn:ngsi-ld:Case:20260302-99")
    with pytest.raises(Conflict) as refused:
        migrate(desk, id, to=flow_hash(version("other")), map={})
    assert "follows repair, not other" in refused.value.message
    with pytest.raises(Conflict) as refused:
        desk.run(Command("case.migrate", id, {"to": "repair", "note": "x"}, expects=1), "person:chief")
    assert refused.value.code == "case.stale"


def parted(**changes: Any) -> Flow:
    given: dict[str, Any] = {
        "steps": [work("see"), work("a"), work("b"), close_step()],
        "nodes": [PART, MEET],
        "arrows": [("", "see"), ("see", "part"), ("part", "a"), ("part", "b"), ("a", "meet"), ("b", "meet"),
                   ("meet", "close"), ("close", "")],
    }  # fmt: skip
    return flow("parted", case="c", overall=working_days(5), **(given | changes))


def test_branches_move_together_or_not_at_all() -> None:
    row = parted(steps=[work("see"), work("both"), close_step()], nodes=[], arrows=[])
    wider = parted(
        steps=[work("see"), work("a"), work("a2"), work("b"), close_step()],
        arrows=[("", "see"), ("see", "part"), ("part", "a"), ("a", "a2"), ("a2", "meet"), ("part", "b"), ("b", "meet"),
                ("meet", "close"), ("close", "")],
    )  # fmt: skip
    desk = desk_of(parted())
    id = desk.open(flow="parted")
    desk.act(id, "handler", "see")
    for each in (row, wider):
        desk.run(Command("flow.define", "", flow_document(each)), "system:test")
    for places in ({"a": "both", "b": "both"}, {"a": "both", "b": "close"}):
        with pytest.raises(Conflict) as refused:
            migrate(desk, id, to=flow_hash(row), map=places)
        assert refused.value.code == "case.migrate_standing"
    migrate(desk, id, to=flow_hash(wider), map={"a": "a2"})
    assert stands(desk.state_of(id)) == ["a2", "b"]
    desk.act(id, "handler", "b")
    assert desk.state_of(id).joins == (("meet", "b"),)
    with pytest.raises(Conflict) as refused:
        migrate(desk, id, to=flow_hash(row), map={"a2": "both"})
    assert refused.value.code in ("case.migrate_place", "case.migrate_standing")
    migrate(desk, id, to=flow_hash(parted()), map={"a2": "a"})
    desk.act(id, "handler", "a")
    assert stands(desk.state_of(id)) == ["close"]
    assert desk.replayed().rows == desk.state.rows


def test_a_preview_says_for_each_case_where_it_would_stand_and_what_cannot_go() -> None:
    desk, id = both()
    waiting = desk.open(flow="repair")
    assert desk.state_of(waiting).flow_hash == flow_hash(newer())
    rows = dict(desk.state.rows)
    cases = [(serial_of(each), desk.state_of(each), None) for each in (id, waiting)]
    versions = {flow_hash(each): each for each in (version(), newer())}
    shown = list(preview(desk.cases.office, cases, versions, (flow_hash(newer()), newer()), {"repair": "mend"}))
    assert shown[0]["steps"] == [{"from": "repair", "to": "mend"}]
    assert {each["clock"]: (each["limit_before"], each["limit"]) for each in shown[0]["clocks"]} == {
        "overall": ("5 working days", "7 working days"),
        "answer": (None, "30 hours"),
        "step.2": ("20 hours", "10 hours"),
        "bound.2.late": (None, "4 hours"),
    }
    assert shown[1]["why_not"]["code"] == "case.migrate_state"
    assert desk.state.rows == rows


def test_a_gateway_is_no_place_for_a_branch() -> None:
    new = version(nodes=[Gateway("x", "exclusive")],
                  arrows=[("", "accept"), ("accept", "x"), ("x", "repair"), ("repair", "check"), ("check", "close"),
                          ("close", "")])  # fmt: skip
    desk, id = both(new)
    with pytest.raises(Conflict) as refused:
        migrate(desk, id, to=flow_hash(new), map={"repair": "x"})
    assert refused.value.code == "case.migrate_place"
