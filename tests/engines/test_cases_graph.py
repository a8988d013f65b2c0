"""Cases on flows with branches: who stands where, what is passed, what fires, and what is refused."""

from __future__ import annotations

import pytest

from quanyu.engines.cases.actions import available, option_document
from quanyu.engines.cases.clocks import pending
from quanyu.engines.cases.moving import HUB
from quanyu.kernel.errors import Conflict, Denied, Invalid
from quanyu.kernel.flow import Boundary, Call, Field, Wait, dispute, flow, step
from quanyu.kernel.journal import Command
from quanyu.kernel.time import hours
from tests.engines.branching import (
    CHOOSE,
    MEET,
    PART,
    close_step,
    desk_of,
    net,
    offices,
    road_works,
    stands,
    work,
)
from tests.engines.casework import DAY, HOUR, CaseDesk


def surveyed(desk: CaseDesk, **fields: object) -> str:
    id = desk.open(flow="road_works")
    desk.act(id, "duty", "survey", fields={"size": 100} | fields)
    return id


def settled(desk: CaseDesk, size: int = 10) -> str:
    """A case whose ground has settled."""
    id = surveyed(desk, size=size)
    desk.act(id, "handler", "dig")
    desk.act(id, "street", "hear")
    desk.at += 4 * DAY
    desk.wake()
    return id


def same_again(desk: CaseDesk, id: str) -> None:
    assert desk.folded(id) == desk.state_of(id)
    assert desk.replayed().rows == desk.state.rows


def test_ways_part_and_each_branch_has_its_unit_its_clock_and_its_person() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    case = desk.state_of(id)
    assert [(token.step, token.role, token.unit) for token in case.tokens] == [
        ("dig", "handler", "ecology.enforcement"),
        ("hear", "handler", "streets.chaoyang"),
    ]
    assert case.find_clock(f"step.{case.tokens[0].id}") is not None
    desk.act(id, "street", "claim")
    assert [token.person for token in desk.state_of(id).tokens] == [None, "person:street"]
    assert ("inform", HUB) in [(done.step, done.person) for done in case.done]
    same_again(desk, id)


def test_a_join_waits_for_every_way_and_the_rest_then_waits_for_the_ground() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    desk.act(id, "street", "hear")
    case = desk.state_of(id)
    assert stands(case) == ["dig"]
    assert case.joins == (("meet", "either"),)
    desk.act(id, "handler", "dig")
    case = desk.state_of(id)
    assert (stands(case), case.joins, case.token) == (["calm"], (), None)
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "dig")
    assert "waits at calm" in refused.value.message
    desk.at += DAY
    assert desk.wake() == []
    desk.at += 3 * DAY
    assert [name for name in desk.wake() if name.startswith("wait.")] == [f"wait.{case.waits[0].id}.over"]
    assert stands(desk.state_of(id)) == ["dig_again"]
    same_again(desk, id)


def test_a_rule_step_sets_what_the_choice_reads() -> None:
    desk = desk_of(road_works())
    good, bad = settled(desk, size=10), settled(desk, size=100)
    assert (stands(desk.state_of(good)), desk.state_of(good).data["points"]) == (["close"], 95)
    assert (stands(desk.state_of(bad)), desk.state_of(bad).data["points"]) == (["dig_again"], 50)
    timed = next(record for record in desk.records if record.subject == bad and record.body and "passed" in record.body
                 and record.kind == "case.timed")  # fmt: skip
    assert timed.body is not None
    assert timed.body["passed"] == [
        {"step": "grade", "kind": "rule", "sets": {"points": 50}},
        {"node": "choose", "to": "dig_again"},
    ]
    desk.act(bad, "handler", "dig_again", fields={"size": 20})
    assert stands(desk.state_of(bad)) == ["close"]
    desk.act(bad, "duty", "close", fields={"outcome": "no_action"}, note="grown over")
    assert desk.state_of(bad).done[-1].step == "thank"
    same_again(desk, bad)


def test_the_last_step_asks_for_an_outcome_and_the_case_ends() -> None:
    desk = desk_of(road_works())
    id = settled(desk)
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "close")
    assert refused.value.code == "case.outcome_missing"
    desk.act(id, "duty", "close", fields={"outcome": "no_action"}, note="enough")
    case = desk.state_of(id)
    assert (case.state, stands(case), list(pending(case))) == ("closed", [], [])
    assert {clock.name for clock in case.clocks} == {"overall", "answer"}
    assert all(clock.stopped for clock in case.clocks)


def test_a_timer_on_a_step_opens_a_side_branch_once_and_holds_no_case_open() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    dig = desk.state_of(id).tokens[0].id
    desk.at += 9 * HOUR
    assert f"bound.{dig}.late.strike" in desk.wake()
    case = desk.state_of(id)
    assert stands(case) == ["dig", "hear", "remind"]
    assert case.sides == (case.tokens[2].id,)
    desk.act(id, "handler", "dig")
    desk.act(id, "street", "hear")
    desk.at += 4 * DAY
    desk.wake()
    assert stands(desk.state_of(id)) == ["remind", "dig_again"]
    desk.act(id, "dispatcher", "remind")
    assert stands(desk.state_of(id)) == ["dig_again"]
    same_again(desk, id)


def test_an_interrupting_timer_takes_the_step_away() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    desk.at += 25 * HOUR
    desk.wake()
    case = desk.state_of(id)
    assert stands(case) == ["dig", "rule", "remind"]
    assert [name for name in case.fired if name.startswith("bound.")] == [f"bound.{case.tokens[0].id}.late.strike"]
    with pytest.raises(Conflict):
        desk.act(id, "street", "hear")
    desk.act(id, "chief", "rule")
    assert case.joins == ()
    assert desk.state_of(id).joins == (("meet", "either"),)
    same_again(desk, id)


def test_a_side_branch_that_stands_is_not_opened_again() -> None:
    remind = Boundary("late", hours(1), "remind", interrupting=False)
    made = net(
        [work("a", boundary=[remind]), work("b", fails="a"), close_step(), step("remind", by="duty")],
        [("", "a"), ("a", "b"), ("b", "close"), ("close", ""), ("remind", "")],
    )
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.at += 2 * HOUR
    desk.wake()
    desk.act(id, "handler", "a")
    desk.act(id, "handler", "b", fields={"passed": False}, note="not yet")
    desk.at += 2 * HOUR
    assert len(desk.wake()) == 1
    assert stands(desk.state_of(id)) == ["a", "remind"]
    desk.act(id, "handler", "a")
    desk.act(id, "handler", "b", fields={"passed": True})
    desk.act(id, "duty", "close", fields={"outcome": "no_action"}, note="done")
    assert (desk.state_of(id).state, desk.state_of(id).sides) == ("closed", ())
    same_again(desk, id)


def test_an_action_is_the_askers_own_branch_unless_one_is_named() -> None:
    desk = desk_of(offices())
    id = desk.open(flow="f")
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b", fields={"person": {"id": "person:street"}})
    assert desk.state_of(id).tokens[1].person == "person:street"
    desk.act(id, "dispatcher", "assign", step="do_b", fields={"person": {"id": "person:late"}})
    assert [token.person for token in desk.state_of(id).tokens] == [None, "person:late"]
    with pytest.raises(Conflict) as refused:
        desk.act(id, "dispatcher", "assign", step="close", fields={"person": {"id": "x"}})
    assert refused.value.code == "case.branch_unknown"
    with pytest.raises(Denied):
        desk.act(id, "street", "dispute", step="do_a", note="not mine")
    desk.act(id, "street", "return", note="wrong street")
    case = desk.state_of(id)
    assert stands(case) == ["do_a", "send_b"]
    assert (case.returned_to, case.returned_until) == ("dispatcher", "send_b")
    same_again(desk, id)


def test_each_branch_may_be_returned_once_before_arbitration_of_its_own() -> None:
    desk = desk_of(offices())
    id = desk.open(flow="f")
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b")
    desk.act(id, "street", "return", note="wrong street")
    desk.act(id, "handler", "return", note="not ours")
    assert (desk.state_of(id).returns, sorted(desk.state_of(id).bounced)) == (2, ["lead", "street"])
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b")
    for who, place in (("street", "do_b"), ("handler", "do_a")):
        with pytest.raises(Conflict) as refused:
            desk.act(id, who, "return", step=place, note="again")
        assert refused.value.code == "case.return_exhausted"
    desk.act(id, "street", "dispute", step="do_b", note="not our street")
    desk.act(id, "chief", "arbitrate", fields={"decision": "stands"}, note="it is")
    with pytest.raises(Conflict) as refused:
        desk.act(id, "street", "dispute", step="do_b", note="still not")
    assert refused.value.code == "case.arbitrated"
    # What was decided for one branch says nothing of the other.
    desk.act(id, "handler", "dispute", step="do_a", note="not ours")
    assert desk.state_of(id).settled == ("street",)
    same_again(desk, id)


def test_the_branch_that_objects_is_the_one_that_is_moved() -> None:
    desk = desk_of(offices())
    id = desk.open(flow="f")
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b")
    desk.act(id, "street", "dispute", note="not our street")
    case = desk.state_of(id)
    assert case.disputed == case.tokens[1].id
    desk.act(id, "handler", "do_a")
    assert desk.state_of(id).objection is not None
    desk.act(id, "chief", "arbitrate", fields={"decision": "moved", "unit": "centre"}, note="the centre's")
    case = desk.state_of(id)
    assert [(token.step, token.unit) for token in case.tokens] == [("do_b", "centre")]
    assert (case.objection, case.disputed) == (None, 0)
    same_again(desk, id)


def test_a_returned_case_can_be_reopened_before_its_ways_part() -> None:
    desk = desk_of(offices())
    id = desk.open(flow="f")
    for who, action in (("dispatcher", "send_a"), ("dispatcher", "send_b"), ("handler", "do_a"), ("street", "do_b")):
        desk.act(id, who, action)
    desk.act(id, "duty", "close", fields={"outcome": "no_action"}, note="done")
    desk.act(id, "duty", "reopen", note="not done")
    assert stands(desk.state_of(id)) == ["send_a", "send_b"]
    same_again(desk, id)


def test_where_no_guard_holds_the_act_is_refused_and_nothing_changes() -> None:
    made = net(
        [work("a", fields=[Field("size", "number", required=False)]), work("b"), close_step()],
        [("", "a"), ("a", "choose"), ("choose", "b", "size > 10"), ("choose", "close", "size <= 10"), ("b", "close"),
         ("close", "")],
        CHOOSE,
    )  # fmt: skip
    desk = desk_of(made)
    id = desk.open(flow="f")
    before = dict(desk.state.rows)
    with pytest.raises(Conflict) as refused:
        desk.act(id, "handler", "a")
    assert refused.value.code == "case.no_way"
    assert refused.value.details["unknown"] == ["size"]
    assert desk.state.rows == before
    desk.act(id, "handler", "a", fields={"size": 3})
    assert stands(desk.state_of(id)) == ["close"]


def test_a_field_that_hangs_on_another_is_missed_only_where_it_is_asked_for() -> None:
    fields = [Field("complete", "yes_no"), Field("asked_for", when=("complete", False))]
    arrows = [("", "a"), ("a", "close"), ("close", "")]
    made = net([work("a", fields=fields), close_step()], arrows)
    desk = desk_of(made)
    id = desk.open(flow="f")
    option = next(each for each in available(made, desk.state_of(id)) if each.action == "a")
    assert option_document(option)["fields"][1]["when"] == {"field": "complete", "is": False}
    with pytest.raises(Invalid) as refused:
        desk.act(id, "handler", "a", fields={"complete": False})
    assert (refused.value.code, refused.value.where) == ("case.field_missing", "body.fields.asked_for")
    desk.act(id, "handler", "a", fields={"complete": True})
    assert stands(desk.state_of(id)) == ["close"]
    other = desk.open(flow="f")
    desk.act(other, "handler", "a", fields={"complete": False, "asked_for": "the plan"})
    assert stands(desk.state_of(other)) == ["close"]
    same_again(desk, other)


def test_a_choice_at_the_start_reads_category_and_severity() -> None:
    made = net(
        [work("a"), close_step()],
        [("", "choose"), ("choose", "a", "category == 'A1' and severity == 'red'"), ("choose", "close"),
         ("a", "close"), ("close", "")],
        CHOOSE,
    )  # fmt: skip
    desk = desk_of(made)
    assert stands(desk.state_of(desk.open(flow="f", severity="red", **{"class": "A1"}))) == ["a"]
    assert stands(desk.state_of(desk.open(flow="f", severity="info", **{"class": "A1"}))) == ["close"]
    assert stands(desk.state_of(desk.open(flow="f", severity="red"))) == ["close"]


def test_an_outcome_on_the_way_ends_all_branches() -> None:
    made = net(
        [step("a", by="duty", outcome=close_step().outcome), work("b"), close_step()],
        [("", "part"), ("part", "a"), ("part", "b"), ("a", "meet"), ("b", "meet"), ("meet", "close"), ("close", "")],
        PART, MEET,
    )  # fmt: skip
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.act(id, "duty", "a", fields={"outcome": "no_action"}, note="nothing to do")
    assert (desk.state_of(id).state, stands(desk.state_of(id))) == ("closed", [])
    same_again(desk, id)


def test_a_receive_step_is_done_by_the_hub_when_a_message_comes() -> None:
    made = net([step("heard", by="clerk", kind="receive"), close_step()], [])
    desk = desk_of(made)
    id = desk.open(flow="f")
    with pytest.raises(Denied):
        desk.act(id, "handler", "heard")
    desk.run(Command("case.act", id, {"action": "heard"}), "engine:exchange")
    assert stands(desk.state_of(id)) == ["close"]
    with pytest.raises(Denied):
        desk.run(Command("case.act", id, {"action": "close", "fields": {"outcome": "fixed"}}), "engine:exchange")


def test_a_called_flow_runs_inside_the_caller() -> None:
    inner = flow("sampling", case="c", overall=hours(9), steps=[work("take"), close_step()], roles={"lab": "centre"})
    outer = flow("outer", case="c", overall=hours(9), steps=[work("see"), close_step()], nodes=[Call("s", "sampling")],
                 arrows=[("", "see"), ("see", "s"), ("s", "close"), ("close", "")])  # fmt: skip
    desk = desk_of(outer, inner)
    id = desk.open(flow="outer")
    for who, action in (("handler", "see"), ("handler", "s.take"), ("duty", "s.close")):
        desk.act(id, who, action)
    assert stands(desk.state_of(id)) == ["close"]


def test_branches_may_end_apart_and_the_last_one_ends_the_case() -> None:
    made = net(
        [step("a", by="duty", outcome=close_step().outcome), step("b", by="duty", outcome=close_step().outcome)],
        [("", "part"), ("part", "a"), ("part", "b"), ("a", ""), ("b", "")], PART,
    )  # fmt: skip
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.act(id, "duty", "b")
    assert stands(desk.state_of(id)) == ["a"]
    with pytest.raises(Invalid) as refused:
        desk.act(id, "duty", "a")
    assert refused.value.code == "case.outcome_missing"
    desk.act(id, "duty", "a", fields={"outcome": "no_action"}, note="done")
    assert desk.state_of(id).state == "closed"


def test_an_objection_goes_with_the_branch_that_a_timer_takes_away() -> None:
    desk = desk_of(road_works())
    id = surveyed(desk)
    desk.act(id, "street", "dispute", note="not our street")
    desk.at += 25 * HOUR
    desk.wake()
    assert (desk.state_of(id).objection, desk.state_of(id).disputed) == (None, 0)
    same_again(desk, id)


def test_an_objection_ends_with_its_step_and_a_case_that_only_waits_has_no_holder() -> None:
    made = net(
        [work("a", may=[dispute], boundary=[Boundary("rest", hours(1), "calm")]), close_step()],
        [("", "part"), ("part", "a"), ("part", "hold"), ("a", "calm"), ("calm", "meet"), ("hold", "meet"),
         ("meet", "close"), ("close", "")],
        PART, MEET, Wait("calm", hours(9)), Wait("hold", hours(9)),
    )  # fmt: skip
    desk = desk_of(made)
    id = desk.open(flow="f")
    desk.act(id, "handler", "dispute", note="no")
    desk.act(id, "handler", "a")
    case = desk.state_of(id)
    assert (stands(case), case.objection, case.token) == (["hold", "calm"], None, None)
    assert "assign" not in [option.action for option in available(made, case)]
    same_again(desk, id)
