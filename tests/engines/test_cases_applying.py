"""Applications: saved answer by answer, handed in whole, withdrawn or forgotten; the fold says the same as the state."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.engines.cases.papers import Papers, form_document, form_of
from quanyu.kernel.errors import Conflict, Denied, Invalid, QuanyuError
from quanyu.kernel.flow import Arrow, Gateway, granted, refused, step
from quanyu.kernel.form import Forms
from tests.engines.applicants import ANSWERS, FILE, SHOP, PermitDesk, permit
from tests.engines.casework import DAY
from tests.kernel.forms_text import ADULT, CHILD, ELEMENTS, book
from tests.kernel.forms_text import SHOP as FORM

ASKED = ("firm_name", "firm_credit_code", "person_id", "premises_area_m2", "sells", "opens_on", "health")


def faults_of(error: QuanyuError, part: str = "faults") -> Any:
    return error.details[part]


def test_what_the_city_holds_is_not_asked_and_recorded_with_register_and_day() -> None:
    desk = PermitDesk()
    id = desk.apply(f"citizen:{SHOP}")
    desk.do(id, "save", fields=ANSWERS, files=[FILE])
    made = desk.do(id, "fill", f"citizen:{SHOP}")
    said = desk.said(made)
    held = {line["element"]: line for line in said["held"]}
    assert held["firm.name"]["value"] == "老王面馆"
    assert (held["firm.name"]["register"], held["firm.name"]["as_of"]) == ("firms", "2026-02-28")
    assert "value" not in held["person.id"]
    assert ADULT not in msgspec.json.encode([each.body for each in desk.records]).decode()
    assert [(each["name"], each["holds"]) for each in said["compared"]] == [("small_shop", True)]
    reading = next(each for each in made if each.kind == "personal.read")
    assert reading.subject == SHOP
    assert desk.said([reading])["form"] == "open_shop"
    assert "person.id" in desk.said([reading])["elements"]
    assert desk.state_of(id).token.step == "decide"  # type: ignore[union-attr]
    assert desk.state_of(id).overall.runs


def test_a_stranger_is_asked_everything_and_all_faults_are_named_at_once() -> None:
    desk = PermitDesk()
    id = desk.apply()
    desk.do(id, "save", fields={"premises_area_m2": 35, "person_id": CHILD})
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "fill")
    assert refusal.value.code == "case.form_incomplete"
    assert set(faults_of(refusal.value)) == set(ASKED) - {"premises_area_m2", "person_id"}
    assert faults_of(refusal.value, "failed")[0]["en"] == "The applicant is at least 18 years old"
    assert desk.state_of(id).token.step == "fill"  # type: ignore[union-attr]
    rest = ANSWERS | {"firm_name": "老王面馆", "firm_credit_code": "91350100M000100Y43"}
    desk.do(id, "save", fields=rest)
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "fill")
    assert refusal.value.code == "case.not_eligible"
    desk.do(id, "save", fields={"person_id": ADULT})
    desk.do(id, "fill")
    assert desk.state_of(id).doer("fill") == f"citizen:{id.rpartition(':')[2]}"


def test_wrong_answers_are_refused_together_and_change_nothing() -> None:
    desk = PermitDesk()
    id = desk.apply()
    before = desk.state_of(id)
    with pytest.raises(Invalid) as refusal:
        desk.do(
            id, "save", fields={"person_id": "123", "opens_on": "morgen", "premises_area_m2": "40", "colour": "red"}
        )
    assert refusal.value.code == "case.answers"
    assert set(faults_of(refusal.value)) == {"person_id", "opens_on", "colour"}
    assert desk.state_of(id) == before
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "save")
    assert refusal.value.code == "case.answers"


def test_a_million_fields_are_refused_before_any_is_read() -> None:
    desk = PermitDesk()
    id = desk.apply()
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "save", fields={f"q{number}": "x" for number in range(1_000_000)})
    assert refusal.value.code == "case.body"


def test_two_people_at_one_draft_one_wins_and_the_other_is_told() -> None:
    desk = PermitDesk()
    id = desk.apply()
    seen = desk.version_of(id)
    desk.do(id, "save", "person:clerk", expects=seen, fields={"premises_area_m2": "35"})
    with pytest.raises(Conflict) as refusal:
        desk.do(id, "save", expects=seen, fields={"premises_area_m2": "53"})
    assert refusal.value.code == "case.stale"
    assert refusal.value.details["changed_by"] == "person:clerk"
    assert desk.state_of(id).answers == {"premises_area_m2": 35}


def test_the_counter_goes_on_where_the_citizen_stopped_under_the_same_clock() -> None:
    desk = PermitDesk()
    online, counter = desk.apply(), desk.apply("person:clerk", subjects=[SHOP], document="营业执照正本")
    assert desk.state_of(counter).subjects == {SHOP: "document"}
    for id in (online, counter):
        desk.do(id, "save", "person:clerk", fields=ANSWERS)
    desk.do(online, "prove_subject", "person:clerk", fields={"subject": SHOP, "document": "营业执照正本"})
    for id in (online, counter):
        desk.do(id, "fill", "person:clerk")
    clocks = [desk.state_of(id).overall for id in (online, counter)]
    assert clocks[0] == clocks[1]
    assert desk.state_of(online).token.role == desk.state_of(counter).token.role  # type: ignore[union-attr]


def test_nobody_names_a_subject_unproven() -> None:
    desk = PermitDesk()
    for actor, body, code in (
        ("citizen:report", {"subjects": [SHOP]}, "case.subject_unproven"),
        ("citizen:person:1", {"subjects": [SHOP]}, "case.subject_unproven"),
        ("person:clerk", {"subjects": [SHOP]}, "case.document_missing"),
        ("person:clerk", {"subjects": ["shop 1"], "document": "x"}, "case.subject"),
    ):
        with pytest.raises(QuanyuError) as refusal:
            desk.apply(actor, **body)
        assert refusal.value.code == code
    assert desk.state_of(desk.apply(f"citizen:{SHOP}")).subjects == {SHOP: "signed_in"}
    both = desk.apply(f"citizen:{SHOP}&person:1")
    assert desk.state_of(both).subjects == {SHOP: "signed_in", "person:1": "signed_in"}
    for subject in ("person:2", "firm:other", "shop 1"):
        with pytest.raises(QuanyuError):
            desk.do(both, "prove_subject", "person:clerk", fields={"subject": subject, "document": "x"})


def test_another_subject_and_another_code_reach_nothing() -> None:
    desk = PermitDesk()
    id, other = desk.apply(f"citizen:{SHOP}"), desk.apply()
    for actor in ("citizen:firm:other", f"citizen:{other.rpartition(':')[2]}", "person:duty"):
        for action, fields in (("save", {"note": "x"}), ("withdraw", {}), ("fill", {})):
            with pytest.raises(Denied) as refusal:
                desk.do(id, action, actor, fields=fields)
            assert refusal.value.code == "case.role_missing"


def test_what_is_held_and_wrong_goes_on_with_the_applicants_word() -> None:
    desk = PermitDesk()
    id = desk.apply(f"citizen:{SHOP}")
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "contradict", fields={"name": "sells", "right": False})
    assert refusal.value.code == "case.not_held"
    desk.do(id, "contradict", fields={"name": "firm_name", "right": False})
    desk.do(id, "save", fields=ANSWERS | {"firm_name": "老王面馆（新）"})
    assert desk.state_of(id).contradicted == ("firm_name",)
    said = desk.said(desk.do(id, "fill"))
    assert "firm.name" not in {line["element"] for line in said["held"]}
    assert desk.state_of(id).answers["firm_name"] == "老王面馆（新）"
    again = desk.apply(f"citizen:{SHOP}")
    desk.do(again, "contradict", fields={"name": "firm_name", "right": False})
    desk.do(again, "contradict", fields={"name": "firm_name", "right": True})
    assert desk.state_of(again).contradicted == ()


def test_a_draft_that_is_withdrawn_or_lapses_is_forgotten() -> None:
    desk = PermitDesk()
    gone, late, kept = desk.apply(), desk.apply(), desk.apply(f"citizen:{SHOP}")
    for id in (gone, late):
        desk.do(id, "save", fields={"person_id": ADULT})
    desk.do(kept, "save", fields=ANSWERS)
    desk.do(kept, "fill")
    erased = desk.do(gone, "withdraw")[1]
    assert (erased.kind, erased.subject) == ("person.erased", f"reporter:{gone}")
    desk.at += 5 * DAY
    desk.wake()
    assert [desk.state_of(id).outcome.word for id in (gone, late)] == ["withdrawn", "lapsed"]  # type: ignore[union-attr]
    assert [desk.state_of(id).answers for id in (gone, late)] == [{}, {}]
    assert {each.subject for each in desk.records if each.kind == "person.erased"} == {
        f"reporter:{gone}",
        f"reporter:{late}",
    }
    assert desk.state_of(kept).state == "open"
    assert desk.state_of(kept).late is False
    with pytest.raises(Conflict):
        desk.do(gone, "reopen", "person:duty", note="again")


def test_what_is_decided_is_not_withdrawn() -> None:
    desk = PermitDesk()
    id = desk.apply(f"citizen:{SHOP}")
    desk.do(id, "save", fields=ANSWERS)
    desk.do(id, "fill")
    desk.do(id, "decide", "person:chief")
    with pytest.raises(Conflict):
        desk.do(id, "withdraw")
    again = desk.apply(f"citizen:{SHOP}")
    desk.do(again, "save", fields=ANSWERS)
    desk.do(again, "fill")
    desk.do(again, "withdraw", note="不开了")
    state = desk.state_of(again)
    assert (state.state, state.outcome.word, state.outcome.note) == ("closed", "withdrawn", "不开了")  # type: ignore[union-attr]
    assert state.answers


def test_choices_read_plain_answers_and_comparisons_and_never_what_is_personal() -> None:
    made = permit(
        steps=[
            step("fill", by="applicant", form="open_shop"),
            step("look", by="chief"),
            step("deliver", by="clerk", outcome=[granted, refused]),
        ],
        nodes=[Gateway("enough", "exclusive")],
        arrows=[
            Arrow("", "fill"),
            Arrow("fill", "enough"),
            Arrow("enough", "deliver", "small_shop and premises_area_m2 < 40 and firm_name == '老王面馆'"),
            Arrow("enough", "look"),
            Arrow("look", "deliver"),
            Arrow("deliver", ""),
        ],
        until="look",
    )
    desk = PermitDesk(made)
    small, large = desk.apply(f"citizen:{SHOP}"), desk.apply(f"citizen:{SHOP}")
    desk.do(small, "save", fields=ANSWERS)
    desk.do(large, "save", fields=ANSWERS | {"premises_area_m2": "500"})
    for id in (small, large):
        desk.do(id, "fill")
    assert [desk.state_of(id).token.step for id in (small, large)] == ["deliver", "look"]  # type: ignore[union-attr]
    assert desk.state_of(small).data == {"firm_name": "老王面馆", "premises_area_m2": 35, "small_shop": True}
    assert "person_id" not in desk.state_of(small).data


def test_a_correction_is_handed_in_like_the_form_that_it_mends() -> None:
    made = permit(
        steps=[
            step("fill", by="applicant", form="open_shop"),
            step("review", by="clerk"),
            step("mend", by="applicant"),
            step("decide", by="chief", outcome=[granted, refused]),
        ],
        until=None,
    )
    desk = PermitDesk(made)
    id = desk.apply(f"citizen:{SHOP}")
    desk.do(id, "save", fields=ANSWERS)
    desk.do(id, "fill")
    with pytest.raises(Conflict):
        desk.do(id, "save", fields={"premises_area_m2": "60"})
    desk.do(id, "review", "person:clerk")
    desk.do(id, "save", fields={"premises_area_m2": ""})
    with pytest.raises(Invalid) as refusal:
        desk.do(id, "mend")
    assert refusal.value.code == "case.form_incomplete"
    desk.do(id, "save", fields={"premises_area_m2": "60"})
    said = desk.said(desk.do(id, "mend", files=[FILE]))
    assert said["form"]["id"] == "open_shop"
    assert [each["holds"] for each in said["compared"]] == [False]
    assert desk.folded(id) == desk.state_of(id)


def test_a_form_that_changed_is_finished_on_the_version_it_began_on() -> None:
    desk = PermitDesk()
    id = desk.apply(f"citizen:{SHOP}")
    desk.do(id, "save", fields={"premises_area_m2": "35"})
    changed = book(ELEMENTS + FORM.replace('name = "opens_on"', 'name = "begins_on"'))
    desk.cases.office.papers = Papers(changed, desk._held, desk._open)
    desk.do(id, "save", fields={"opens_on": "2026-05-01", "sells": ["hot"], "health": ["c" * 64]})
    desk.do(id, "fill")
    later = desk.apply(f"citizen:{SHOP}")
    with pytest.raises(Invalid):
        desk.do(later, "save", fields={"opens_on": "2026-05-01"})
    versions = {desk.state_of(each).forms["fill"] for each in (id, later)}
    assert len(versions) == 2
    assert sum(each.kind == "form.defined" for each in desk.records) == 2


def test_a_form_comes_back_from_its_document() -> None:
    blank = book().get("open_shop")
    back = form_of(msgspec.json.decode(msgspec.json.encode(form_document(blank))))
    assert back.version == blank.version
    assert back.items == blank.items


def test_a_flow_whose_form_nobody_declares_opens_no_case() -> None:
    desk = PermitDesk(forms=Forms())
    with pytest.raises(Invalid) as refusal:
        desk.apply()
    assert refusal.value.code == "case.form_unknown"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.sampled_from([
            {"premises_area_m2": "35"}, {"premises_area_m2": ""}, {"person_id": ADULT}, {"person_id": "1"},
            {"sells": ["raw", "hot"]}, {"raw_room": True}, {"firm_name": "某某"}, ANSWERS, {"nobody": 1},
        ])),
        st.tuples(st.just("contradict"), st.sampled_from([
            {"name": "firm_name", "right": False}, {"name": "firm_name", "right": True}, {"name": "health", "right": False},
        ])),
        st.tuples(st.sampled_from(["fill", "withdraw", "decide", "deliver", "comment", "pause"]), st.just({})),
        st.tuples(st.just("wait"), st.just({})),
    ),
    max_size=12,
)  # fmt: skip


@given(STEPS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_applicants_do_the_fold_is_the_state(steps: list[tuple[str, dict[str, object]]], known: bool) -> None:
    desk = PermitDesk()
    id = desk.apply(f"citizen:{SHOP}" if known else "citizen:report")
    for action, fields in steps:
        if action == "wait":
            desk.at += 2 * DAY
            desk.wake()
            continue
        who = {"decide": "person:chief", "deliver": "person:clerk"}.get(action, "")
        if action == "deliver":
            fields = {"outcome": "granted"}
        before = desk.state_of(id)
        try:
            desk.do(id, action, who, fields=fields, note="说明")
        except QuanyuError:
            assert desk.state_of(id) == before
    state = desk.state_of(id)
    assert desk.folded(id) == state
    assert desk.replayed().rows.keys() == desk.state.rows.keys()
    assert not (state.state == "closed" and state.outcome is None)
