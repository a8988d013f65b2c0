"""Whose cases they are: applications, offers and benefits, found by the person or firm, and by nobody else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.cases import fold
from quanyu.engines.cases.owning import REGISTER, forgotten, reaches, turn_of, what_of
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import SUBJECT, id_of
from quanyu.kernel.errors import Denied, Invalid, Missing, QuanyuError
from quanyu.kernel.flow import Boundary, Field, Flow, Gateway, declined, flow, granted, no_action, step
from quanyu.kernel.journal import Command
from quanyu.kernel.time import working_days
from tests.engines.applicants import ANSWERS, FILE, SHOP, PermitDesk, permit
from tests.engines.casework import DAY

OTHER, SOMEBODY = "firm:91110000600037341L", "person:wang"
ASKED = {SHOP: "urn:ngsi-ld:Firm:91350100M000100Y43", OTHER: "urn:ngsi-ld:Firm:91110000600037341L"}


def offered() -> Flow:
    """An office looks, the firm answers, the office gives."""
    return flow(
        "offered",
        case="offer",
        private=True,
        roles={"machine": ""},
        steps=[
            step("look", by="clerk", fields=[Field("fits", "yes_no", True, "符合", "Met")]),
            step("drop", by="clerk", outcome=[no_action], ends=True),
            step("answer", by="applicant", fields=[Field("taken", "yes_no", True, "接受", "Taken")],
                 boundary=[Boundary("silent", working_days(3), to="drop")]),
            step("remember", by="machine", kind="receive", outcome=[declined], ends=True),
            step("give", by="clerk", outcome=[granted, no_action], ends=True),
        ],
        nodes=[Gateway("met", "exclusive"), Gateway("said", "exclusive")],
        arrows=[("", "look"), ("look", "met"), ("met", "answer", "fits"), ("met", "drop"), ("answer", "said"),
                ("said", "give", "taken"), ("said", "remember"), ("drop", ""), ("remember", ""), ("give", "")],
        overall=working_days(20),
    )  # fmt: skip


def given_away() -> Flow:
    """An office gives without asking, or does not."""
    return flow(
        "given_away",
        case="offer",
        private=True,
        steps=[step("give", by="clerk", outcome=[granted, no_action])],
        overall=working_days(20),
    )


class Office(PermitDesk):
    """The permit desk with offers to firms beside it."""

    def __init__(self, made: Flow | None = None) -> None:
        super().__init__(made)
        self.cases.office.take([made or permit(), offered(), given_away()])

    def offer(self, flow: str = "offered", subject: str = SHOP, key: str = "") -> str:
        found = self.find(f"rule:{flow}|{subject}{key}", flow=flow, asset=ASKED[subject], **{"from": self.at})
        assert found is not None
        return found

    def own(self, subject: str) -> list[str]:
        """What the subject finds, oldest first."""
        rows = sorted(row for (table, _), row in self.state.rows.items() if table == SUBJECT.name)
        return [id_of(serial) for named, serial in rows if named == subject]


def test_an_application_is_its_subjects_until_its_draft_is_forgotten() -> None:
    desk = Office()
    nobodys, both = desk.apply(), desk.apply(f"citizen:{SHOP}&{SOMEBODY}")
    assert desk.own(SHOP) == desk.own(SOMEBODY) == [both]
    desk.do(nobodys, "prove_subject", "person:clerk", fields={"subject": OTHER, "document": "营业执照正本"})
    assert desk.own(OTHER) == [nobodys]
    desk.do(nobodys, "withdraw")
    assert desk.own(OTHER) == []
    late = desk.apply(f"citizen:{OTHER}")
    desk.do(both, "save", fields=ANSWERS, files=[FILE])
    desk.do(both, "fill")
    desk.at += 10 * DAY
    desk.wake()
    assert forgotten(desk.state_of(late))
    assert desk.own(OTHER) == []
    desk.do(both, "withdraw", note="不开了")
    assert desk.own(SHOP) == [both]


def test_an_offer_is_shown_when_the_firm_is_asked_and_stays_whatever_it_says() -> None:
    desk = Office()
    unfit, taken, silent = (desk.offer(key=str(place)) for place in range(3))
    assert desk.own(SHOP) == []
    desk.act(unfit, "clerk", "look", fields={"fits": False})
    for id in (taken, silent):
        desk.act(id, "clerk", "look", fields={"fits": True})
    assert desk.own(SHOP) == [taken, silent]
    desk.do(taken, "answer", f"citizen:{SHOP}", fields={"taken": True})
    desk.act(taken, "clerk", "give", fields={"outcome": "granted"}, note="已兑现")
    desk.at += 10 * DAY
    desk.wake()
    assert desk.state_of(silent).token.step == "drop"  # type: ignore[union-attr]
    assert desk.own(SHOP) == [taken, silent]
    assert desk.own(OTHER) == []
    with pytest.raises(Denied):
        desk.do(desk.offer(key="again"), "answer", f"citizen:{OTHER}", fields={"taken": True})


def test_a_benefit_is_shown_when_it_was_given() -> None:
    desk = Office()
    given, refused = desk.offer("given_away", SHOP), desk.offer("given_away", OTHER)
    assert desk.own(SHOP) == []
    desk.act(given, "clerk", "give", fields={"outcome": "granted"}, note="已兑现")
    desk.act(refused, "clerk", "give", fields={"outcome": "no_action"}, note="不符合条件")
    assert (desk.own(SHOP), desk.own(OTHER)) == ([given], [])


def test_what_is_waited_for_from_the_subject_is_said_with_its_day() -> None:
    made = permit(
        steps=[
            step("fill", by="applicant", form="open_shop", within=working_days(5), zh="填写", en="Fill in"),
            step("review", by="clerk"),
            step("mend", by="applicant", zh="补正", en="Correct"),
            step("decide", by="chief", outcome=[granted, no_action]),
        ],
        until=None,
    )
    desk = Office(made)
    draft, offer = desk.apply(f"citizen:{SHOP}"), desk.offer()

    def turn(id: str) -> tuple[str, str, bool] | None:
        case = desk.state_of(id)
        found = turn_of(desk.cases.office.pinned_flow(desk.state, case.flow_hash), case)
        return None if found is None else (found["kind"], found["step"], found["until"] is not None)

    assert turn(draft) == ("draft", "fill", True)
    assert turn(offer) is None
    desk.act(offer, "clerk", "look", fields={"fits": True})
    assert turn(offer) == ("answer", "answer", True)
    desk.do(draft, "save", fields=ANSWERS, files=[FILE])
    desk.do(draft, "fill")
    assert turn(draft) is None
    desk.do(draft, "review", "person:clerk")
    assert turn(draft) == ("correct", "mend", False)
    heads = {each.subject: fold.opened(each.body or {})[0] for each in desk.records if each.kind == "case.opened"}
    assert [what_of(heads[id], desk.cases.office.get_flow(heads[id].flow)[1]) for id in (draft, offer)] == [
        "application",
        "offer",
    ]


def test_an_erased_subject_is_parted_from_its_cases_by_the_hub_alone() -> None:
    desk = Office()
    id = desk.apply(f"citizen:{SHOP}&{SOMEBODY}")
    command = Command("case.disown", id, {"subject": SOMEBODY})
    for actor in ("person:chief", "citizen:report", f"citizen:{SOMEBODY}"):
        with pytest.raises(Denied) as refusal:
            desk.run(command, actor)
        assert refusal.value.code == "case.disown_denied"
    with pytest.raises(Missing) as unknown:
        desk.run(Command("case.disown", "urn:ngsi-ld:Case:20260301-99", {"subject": SHOP}), "engine:erasure")
    assert unknown.value.code == "case.unknown"
    with pytest.raises(Invalid):
        desk.run(Command("case.disown", id, {}), "engine:erasure")
    desk.run(command, "engine:erasure")
    assert (desk.own(SOMEBODY), desk.own(SHOP)) == ([], [id])
    assert desk.run(command, "engine:erasure") == []
    with pytest.raises(Denied):
        desk.do(id, "withdraw", f"citizen:{SOMEBODY}")
    assert desk.folded(id) == desk.state_of(id)


def told(desk: Office, id: str) -> set[str]:
    """Whose a case is, read off its records alone."""
    state: CaseState | None = None
    ever = False
    for record in (each for each in desk.records if each.subject == id and each.body is not None):
        body = record.body or {}
        state = fold.opened(body)[1] if state is None else fold.changed(state, record, body)
        ever = ever or reaches(state)
    assert state is not None
    if forgotten(state):
        return set()
    return {subject for subject, proof in state.subjects.items() if ever or proof != REGISTER}


DEEDS = st.sampled_from([
    "apply", "apply_both", "apply_unnamed", "offer", "give", "look", "drop", "take", "decline", "granted", "save", "fill",
    "withdraw", "prove", "disown", "wait",
])  # fmt: skip


def do(desk: Office, deed: str, ids: list[str], place: int) -> None:
    """Do something, sensible or not: what is refused changes nothing."""
    subject = (SHOP, OTHER)[place % 2]
    id = ids[place % len(ids)] if ids else ""
    own = f"citizen:{id.rpartition(':')[2]}"
    match deed:
        case "apply" | "apply_both" | "apply_unnamed":
            named = {"apply": f"citizen:{subject}", "apply_both": f"citizen:{subject}&{SOMEBODY}"}
            ids.append(desk.apply(named.get(deed, "citizen:report")))
        case "offer" | "give":
            ids.append(desk.offer("offered" if deed == "offer" else "given_away", subject, str(len(ids))))
        case "look" | "drop":
            desk.act(id, "clerk", "look", fields={"fits": deed == "look"})
        case "take" | "decline":
            desk.do(id, "answer", f"citizen:{subject}", fields={"taken": deed == "take"})
        case "granted":
            desk.act(id, "clerk", "give", fields={"outcome": ("granted", "no_action")[place % 2]}, note="办理")
        case "save":
            desk.do(id, "save", own, fields=ANSWERS, files=[FILE])
        case "prove":
            desk.do(id, "prove_subject", "person:clerk", fields={"subject": subject, "document": "营业执照正本"})
        case "disown":
            desk.run(Command("case.disown", id, {"subject": subject}), "engine:erasure")
        case "wait":
            desk.at += 4 * DAY
            desk.wake()
        case _:
            desk.do(id, deed, own)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DEEDS, st.integers(0, 7)), max_size=14))
def test_rows_say_what_the_records_say_and_a_replay_makes_the_same(deeds: list[tuple[str, int]]) -> None:
    desk, ids = Office(), list[str]()
    for deed, place in deeds:
        with suppress(QuanyuError):
            do(desk, deed, ids, place)
    for subject in (SHOP, OTHER, SOMEBODY):
        assert desk.own(subject) == sorted((id for id in ids if subject in told(desk, id)), key=ids.index)
    rows = {key: row for key, row in desk.state.rows.items() if key[0] == SUBJECT.name}
    assert rows == {key: row for key, row in desk.replayed().rows.items() if key[0] == SUBJECT.name}
