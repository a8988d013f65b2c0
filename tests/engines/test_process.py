"""How cases went, read from their own records; a limit that the hub's own step keeps; steps that are left to the hub."""

from __future__ import annotations

from quanyu.engines.cases.slimming import costs, without
from quanyu.engines.cases.walked import walk_of
from quanyu.kernel.flow import Field, Flow, Gateway, flow, granted, refused, step
from quanyu.kernel.time import working_days
from tests.engines.casework import DAY, CaseDesk, make_engine


def joint() -> Flow:
    """A clerk looks, two offices decide side by side, the hub gathers, a chief delivers."""
    return flow(
        "joint",
        case="permit",
        private=True,
        roles={"one": "ecology.enforcement", "two": "streets.chaoyang"},
        steps=[
            step("look", by="clerk"),
            step("first", by="one", fields=[Field("one_ok", "yes_no", True, "甲", "One")]),
            step("second", by="two", fields=[Field("two_ok", "yes_no", True, "乙", "Two")]),
            step("gather", kind="rule", sets={"both": "one_ok and two_ok"}, zh="汇总", en="Gather"),
            step("deliver", by="chief", outcome=[granted], ends=True),
            step("refuse", by="chief", outcome=[refused], ends=True),
        ],
        nodes=[Gateway("part", "parallel"), Gateway("join", "parallel"), Gateway("judge", "exclusive")],
        arrows=[
            ("", "look"), ("look", "part"), ("part", "first"), ("part", "second"), ("first", "join"), ("second", "join"),
            ("join", "gather"), ("gather", "judge"), ("judge", "deliver", "both"), ("judge", "refuse"),
            ("deliver", ""), ("refuse", ""),
        ],
        overall=working_days(5),
        until="gather",
    )  # fmt: skip


def walked(one_ok: bool = True) -> tuple[CaseDesk, str]:
    """Look for a day; the first office takes two days, the second five; the chief one more."""
    desk = CaseDesk(make_engine([joint()]))
    id = desk.open("person:clerk", flow="joint", text="开店")
    desk.at += DAY
    desk.act(id, "clerk", "look")
    desk.at += 2 * DAY
    desk.act(id, "handler", "first", fields={"one_ok": one_ok})
    desk.at += 3 * DAY
    desk.act(id, "street", "second", fields={"two_ok": True})
    desk.at += DAY
    word = "granted" if one_ok else "refused"
    desk.act(id, "chief", "deliver" if one_ok else "refuse", fields={"outcome": word}, note="一次送达")
    return desk, id


def test_a_limit_that_the_hub_s_own_step_keeps_stops_there() -> None:
    desk, id = walked()
    case = desk.state_of(id)
    assert case.overall.stopped == case.done[3].at
    assert case.done[3].step == "gather"
    assert desk.folded(id) == case


def test_the_stretches_of_a_case_follow_its_branches() -> None:
    desk, id = walked()
    walk = walk_of(id, [record for record in desk.records if record.subject == id])
    told = [(each.step, (each.ended or 0) - each.began, each.before) for each in walk.stretches]
    assert told == [("look", DAY, ()), ("first", 2 * DAY, (0,)), ("second", 5 * DAY, (0,)), ("deliver", DAY, (2, 1))]
    assert (walk.outcome, (walk.closed_at or 0) - walk.opened_at) == ("granted", 7 * DAY)


def test_days_and_refusals_of_a_step_and_what_its_absence_would_have_meant() -> None:
    walks = []
    for verdict in (True, False):
        desk, id = walked(verdict)
        walks.append(walk_of(id, [record for record in desk.records if record.subject == id]))
    told = {each.step: (each.done, each.days_median, each.refused) for each in costs(walks)}
    assert told["first"] == (2, 2.0, 1)
    assert told["second"] == (2, 5.0, 0)
    slim = without(walks, "second")
    assert (slim.days_median, slim.days_median_without, slim.let_through) == (7.0, 4.0, 0)
    hasty = without(walks, "first")
    assert (hasty.saved_days_total, hasty.let_through, hasty.examples[0][1]) == (0.0, 1, "one_ok")
