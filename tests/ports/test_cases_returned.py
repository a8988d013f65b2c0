"""AT7: what was returned is in the list of whoever returned it and of whoever has it again, until it is dealt with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.cases.actions import available
from quanyu.engines.cases.tables import serial_of
from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.engines.branching import desk_of, offices
from tests.engines.casework import DAY, PHOTOS, REVIEW, CaseDesk
from tests.ports.casebook import ids, scope, shelf, view_of

OFFICERS = {
    "duty": "duty", "dispatcher": "dispatcher", "supervisor": "checker", "chief": "chief", "clerk": "clerk",
}  # fmt: skip
CREWS = {"ecology.enforcement": "handler", "streets.chaoyang": "street", "ecology.supervision": "checker"}
FIELDS: dict[str, dict[str, Any]] = {
    "inspect": {"pm25": 30.0},
    "close": {"outcome": "no_action"},
    "strike_off": {"outcome": "no_action"},
    "pause": {"ground": "weather"},
    "suspend": REVIEW,
    "postpone": REVIEW,
}
LEFT_OUT = frozenset({"comment", "claim", "assign", "merge", "confirm"})


def who_of(role: str, unit: str | None) -> str:
    return CREWS.get(unit or "", "") or OFFICERS.get(role, "chief")


def take(desk: CaseDesk, id: str, pick: int, passes: bool) -> tuple[str, str] | None:
    """Take one of the actions that a case offers; return it with who did it."""
    case = desk.state_of(id)
    flow = desk.cases.office.pinned_flow(desk.state, case.flow_hash)
    options = [each for each in available(flow, case) if each.action not in LEFT_OUT]
    # Returns are what this is about: they are taken whenever they come up first or second.
    option = options[pick % min(len(options), 3)] if pick % 2 else options[pick % len(options)]
    unit = "streets.chaoyang" if pick % 3 else "ecology.enforcement"
    fields = {
        "dispatch": {"unit": unit},
        "check": {"passed": passes},
        "arbitrate": {"decision": "moved", "unit": unit} if pick % 2 else {"decision": "stands"},
    }.get(option.action, FIELDS.get(option.action, {}))
    need = option.by[0]
    who = who_of(need.role, need.unit)
    try:
        desk.act(id, who, option.action, note="理由", fields=fields, files=PHOTOS if option.action == "inspect" else [])
    except QuanyuError:
        return None
    return option.action, who


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()), min_size=10, max_size=40))
def test_both_sides_of_a_return_always_see_it(walk: list[tuple[int, int, bool]]) -> None:
    desk = CaseDesk()
    opened = [desk.to_inspect(), desk.to_inspect(), desk.open()]
    sent: dict[str, tuple[str, str, str]] = {}
    """By case: who sent it back, who has it again, and the step that deals with it."""
    with tempfile.TemporaryDirectory() as folder, shelf(Path(folder)) as make:
        for which, pick, passes in walk:
            id = opened[which]
            did = take(desk, id, pick, passes)
            token = desk.state_of(id).token
            if did is not None:
                action, who = did
                if action == sent.get(id, ("", "", ""))[2] or desk.state_of(id).state == "closed":
                    sent.pop(id, None)
                if token is not None and (action == "return" or (action == "check" and token.step == "inspect")):
                    sent[id] = (who, who_of(token.role, token.unit), token.step)
                elif action == "arbitrate" and id in sent and token is not None:
                    sent[id] = (sent[id][0], who_of(token.role, token.unit), sent[id][2])
            desk.at += DAY // 8
            view = view_of(desk, make(desk))
            for case, (returner, receiver, step) in sent.items():
                if desk.state_of(case).state != "open":
                    continue
                for person in (returner, receiver):
                    assert case in ids(view, scope(person), list="returned"), (person, step)
                    assert view.count(CaseQuery(list="returned"), scope(person)) >= 1
            listed = set(ids(view, EVERYTHING, list="open", limit=1000))
            assert {serial_of(id) for id in listed} == {
                serial_of(id) for id in opened if desk.state_of(id).state == "open"
            }


def test_two_branches_that_were_sent_back_are_in_the_lists_of_both_sides_until_each_is_dealt_with() -> None:
    desk = desk_of(offices())
    id = desk.open(flow="f")
    desk.act(id, "dispatcher", "send_a")
    desk.act(id, "dispatcher", "send_b")
    desk.act(id, "handler", "return", note="not ours")
    desk.act(id, "street", "return", note="wrong street")
    with tempfile.TemporaryDirectory() as folder, shelf(Path(folder)) as make:

        def seen() -> set[str]:
            view = view_of(desk, make(desk))
            return {who for who in ("handler", "street", "dispatcher", "checker")
                    if id in ids(view, scope(who), list="returned")}  # fmt: skip

        assert seen() == {"handler", "street", "dispatcher"}
        desk.act(id, "dispatcher", "send_b")
        assert seen() == {"handler", "dispatcher"}
        assert (desk.state_of(id).returned_until, desk.state_of(id).sent_back) == ("send_a", ())
        desk.act(id, "dispatcher", "send_a")
        assert seen() == set()
    assert desk.folded(id) == desk.state_of(id)
    assert desk.state.rows == desk.replayed().rows
