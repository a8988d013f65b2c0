"""Work lists of cases that stand at several steps: every branch is in the list of whoever holds it, once."""

from __future__ import annotations

from quanyu.engines.cases.views import CasesView
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.engines.branching import offices, stands
from tests.engines.casework import PEOPLE, CaseDesk, inspect_source, make_engine, plain_flow
from tests.ports.casebook import Make, ids, scope, view_of

WHO = [name.removeprefix("person:") for name in PEOPLE]


def parted(desk: CaseDesk) -> str:
    id = desk.open(flow="f")
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b")
    return id


def mine(view: CasesView, who: str) -> list[str]:
    found = ids(view, scope(who), list="mine")
    assert view.count(CaseQuery(list="mine"), scope(who)) == len(found) == len(set(found)), who
    assert sorted(found) == sorted(ids(view, scope(who), list="mine", sort="opened"))
    return sorted(found)


def test_each_branch_is_in_the_list_of_its_unit_and_of_its_person(stored: Make) -> None:
    desk = CaseDesk(make_engine([inspect_source(), plain_flow(), offices()]))
    id, other = parted(desk), desk.to_inspect()
    view = view_of(desk, stored(desk))
    assert mine(view, "handler") == sorted([id, other])
    assert mine(view, "street") == [id]
    assert mine(view, "duty") == []
    assert ids(view, unit="streets.chaoyang") == [id]
    assert sorted(ids(view, unit="ecology.enforcement")) == sorted([id, other])
    assert view.count(CaseQuery(unit="streets.chaoyang"), EVERYTHING) == 1
    desk.act(id, "street", "claim")
    desk.act(id, "handler", "claim")
    view = view_of(desk, stored(desk))
    assert (mine(view, "street"), mine(view, "handler"), mine(view, "handler2")) == ([id], sorted([id, other]), [other])
    desk.act(id, "handler", "do_a")
    view = view_of(desk, stored(desk))
    assert (mine(view, "street"), mine(view, "handler")) == ([id], [other])
    desk.act(id, "street", "do_b")
    view = view_of(desk, stored(desk))
    assert (mine(view, "street"), mine(view, "duty")) == ([], [id])
    assert stands(desk.state_of(id)) == ["close"]


def test_a_case_of_which_somebody_holds_two_branches_is_listed_once(stored: Make) -> None:
    desk = CaseDesk(make_engine([offices(roles={"lead": "streets.chaoyang", "street": "streets.chaoyang"})]))
    id = parted(desk)
    view = view_of(desk, stored(desk))
    assert mine(view, "street") == [id]
    assert mine(view, "dispatcher") == []
    for who in WHO:
        mine(view, who)
