"""A form is what it needs minus what is held; what is hidden or wrong does not count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.form import ANSWERS_MAX, Compiled, check_answer, compile_form, write_answer
from tests.kernel.forms_text import ADULT, CHILD, ELEMENTS, FIRM, SHOP, TODAY, held, shop

FULL: dict[str, Any] = {
    "premises_area_m2": "40",
    "sells": ["hot", "drinks"],
    "opens_on": "2026-05-01",
    "health": "a" * 64,
}


def made(answers: dict[str, Any] | None = None, known: Any = FIRM, **more: Any) -> Compiled:
    return compile_form(shop(), answers or {}, known, today=TODAY, **{"language": "en", **more})


def names(compiled: Compiled) -> list[str]:
    return [page.name for page in compiled.pages]


def test_nobody_is_asked_what_a_register_holds() -> None:
    compiled = made(FULL)
    assert [each.name for each in compiled.prefilled] == ["firm_name", "firm_credit_code", "person_id"]
    assert names(compiled) == ["premises_area_m2", "sells", "note", "opens_on", "health"]
    assert compiled.prefilled[0].held.register == "firms"
    assert compiled.prefilled[0].held.as_of == "2026-02-28"
    assert compiled.complete
    assert compiled.values["premises_area_m2"] == 40
    assert compiled.purpose == "Decide on a food licence"


def test_what_no_register_holds_of_this_subject_is_asked() -> None:
    compiled = made({}, {})
    assert names(compiled)[:3] == ["firm_name", "firm_credit_code", "person_id"]
    assert compiled.missing[:3] == ("firm_name", "firm_credit_code", "person_id")
    assert compiled.next == "firm_name"


def test_what_a_register_wrongly_holds_is_asked() -> None:
    wrong = {**FIRM, "firm.credit_code": held("firm.credit_code", "91350100M000100Y44")}
    assert "firm_credit_code" in names(made(FULL, wrong))


def test_an_answer_to_what_is_held_does_not_count() -> None:
    assert made({**FULL, "firm_name": "Another"}).values["firm_name"] == "老王面馆"


def test_a_held_value_that_is_disputed_is_asked_and_keeps_what_the_register_says() -> None:
    compiled = made({**FULL, "firm_name": "新老王面馆"}, disputed={"firm_name"})
    assert compiled.values["firm_name"] == "新老王面馆"
    assert compiled.disputed["firm_name"].value == "老王面馆"
    assert compiled.complete


def test_a_held_document_is_shared_instead_of_uploaded() -> None:
    known = {**FIRM, "firm.health_certificate": held("firm.health_certificate", "LICENCE-1")}
    compiled = made({**FULL, "health": ""}, known)
    assert "health" not in names(compiled)
    assert compiled.values["health"] == "LICENCE-1"
    assert compiled.complete


def test_a_document_that_may_not_be_uploaded_comes_from_its_register_or_is_missing() -> None:
    text = (ELEMENTS + SHOP).replace("files_max = 3", "upload = false")
    compiled = compile_form(shop(text), FULL, FIRM, today=TODAY)
    assert compiled.missing == ("health",)
    assert not compiled.pages[-1].upload


def test_an_earlier_answer_opens_and_hides_later_questions() -> None:
    raw = {**FULL, "sells": ["raw"], "raw_room": "yes", "raw_room_m2": "6"}
    assert names(made(raw))[2:4] == ["raw_room", "raw_room_m2"]
    assert made(raw).values["raw_room_m2"] == 6
    changed = made({**raw, "sells": ["hot"]})
    assert not {"raw_room", "raw_room_m2"} & {*names(changed), *changed.values}
    assert made({**raw, "raw_room": "perhaps"}).values.keys().isdisjoint({"raw_room", "raw_room_m2"})


def test_a_failed_condition_says_which_one() -> None:
    child = made(FULL, {**FIRM, "person.id": held("person.id", CHILD, "residents")})
    assert [each.words.en for each in child.failed] == ["The applicant is at least 18 years old"]
    assert not child.complete
    assert made({}, {}).eligible[0].holds is None
    assert not made({}, {}).failed


def test_comparisons_say_what_they_read() -> None:
    [small] = made(FULL).compared
    assert (small.name, small.holds, small.reads) == ("small_shop", True, ("premises_area_m2", "sells_raw"))
    assert made({**FULL, "sells": ["raw"]}).compared[0].holds is False
    assert made({}).compared[0].holds is None


def test_what_rests_on_registers_is_never_the_applicant_s_own_word() -> None:
    text = (ELEMENTS + SHOP).replace(
        "premises_area_m2 <= 50 and not sells_raw", "firm_name == '老王面馆' and premises_area_m2 <= 50"
    )
    strict = shop(text.replace('name = "small_shop"', 'name = "small_shop"\nheld = true'))
    said = {**FULL, "firm_name": "老王面馆"}
    for blank, known, disputed, holds in (
        (strict, FIRM, set(), True),
        (strict, {}, set(), False),
        (strict, FIRM, {"firm_name"}, False),
        (strict, FIRM, {"person_id"}, False),
        (shop(text), {}, set(), True),
    ):
        [small] = compile_form(blank, said, known, today=TODAY, disputed=disputed).compared
        assert small.holds is holds


def test_faults_stand_at_their_question_with_what_was_typed() -> None:
    compiled = made({**FULL, "premises_area_m2": "forty", "opens_on": ""})
    assert compiled.faults["premises_area_m2"].code == "form.number"
    assert compiled.pages[0].given == "forty"
    assert compiled.faults["opens_on"].code == "form.missing"
    assert not compiled.complete
    assert compiled.next == "premises_area_m2"


def test_progress_counts_pages_and_an_open_question_is_passed_when_it_is_left() -> None:
    assert made({}).progress == (0, 5)
    first = {"premises_area_m2": "40", "sells": ["hot"]}
    assert (made(first).next, made({**first, "note": ""}).next) == ("note", "opens_on")
    assert made({**FULL, "note": ""}).progress == (5, 5)


def test_large_type_asks_in_plain_words_and_what_may_be_left_open_last() -> None:
    large = made({}, large=True)
    assert large.pages[0].title == "How big is the shop (square metres)?"
    assert names(large)[-1] == "note"
    assert {*names(large)} == {*names(made({}))}


def test_a_page_speaks_the_language_asked_for() -> None:
    assert made({}, language="zh").pages[0].title == "经营场所面积"
    assert made(FULL, language="zh").pages[1].shown == "热食、饮品"


def test_more_answers_than_any_form_has_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        made({str(number): "1" for number in range(ANSWERS_MAX + 1)})
    assert refused.value.code == "form.answers_many"


def test_one_answer_is_checked_alone() -> None:
    assert check_answer(shop(), "premises_area_m2", "1,200.5") == 1200.5
    assert check_answer(shop(), "note", "  ") is None
    with pytest.raises(Invalid) as unknown:
        check_answer(shop(), "colour", "red")
    assert unknown.value.code == "form.question"
    with pytest.raises(Invalid) as wrong:
        check_answer(shop(), "person_id", ADULT[:-1] + "1")
    assert (wrong.value.code, wrong.value.details["zh"]) == (
        "identifier.citizen",
        "公民身份号码有误：请检查第 18 位。",
    )
    assert ADULT[6:14] not in wrong.value.message


def test_the_version_changes_with_what_an_applicant_would_notice() -> None:
    assert shop().version == shop().version
    assert shop().version != shop((ELEMENTS + SHOP).replace("Planned opening day", "Opening day")).version
    assert shop().version != shop((ELEMENTS + SHOP).replace("most = 100000", "most = 10000")).version


GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "premises_area_m2": st.one_of(st.integers(-5, 200_000), st.text(max_size=5)),
        "sells": st.lists(st.sampled_from(["hot", "raw", "drinks", "stones"]), max_size=4),
        "raw_room": st.sampled_from(["yes", "no", "", "perhaps", True, False]),
        "raw_room_m2": st.one_of(st.floats(-1, 1e16), st.just("6")),
        "note": st.text(max_size=210),
        "opens_on": st.sampled_from(["2026-05-01", "2026年5月1日", "2026-02-30", ""]),
        "health": st.sampled_from(["a" * 64, ["a" * 64, "b" * 64], "photo.jpg", [1], {}]),
        "firm_name": st.text(max_size=5),
        "colour": st.text(max_size=5),
    },
)
KNOWN = st.sets(st.sampled_from(sorted(FIRM))).map(lambda kept: {id: FIRM[id] for id in kept})


@settings(max_examples=200, deadline=None)
@given(GIVEN, KNOWN, st.booleans())
def test_laws_of_compiling(answers: dict[str, Any], known: Any, large: bool) -> None:
    blank = shop()
    compiled = compile_form(blank, answers, known, today=TODAY, large=large)
    asked = {page.name for page in compiled.pages}
    # Nothing held is asked, and nothing asked is held.
    assert not {blank.by_name[name].element for name in asked} & known.keys()
    # What counts was asked or fetched, and never while it stands under a fault.
    assert compiled.values.keys() <= asked | {each.name for each in compiled.prefilled}
    assert not compiled.values.keys() & {page.name for page in compiled.pages if page.fault}
    # Values read back from how a form field shows them, and the form stays as it is.
    back = {name: write_answer(value) for name, value in compiled.values.items()}
    again = compile_form(blank, back, known, today=TODAY, large=large)
    assert again.values == compiled.values
    assert [page.name for page in again.pages] == [page.name for page in compiled.pages]
    # Hidden answers change nothing.
    seen = {name: value for name, value in answers.items() if name in asked}
    assert compile_form(blank, seen, known, today=TODAY, large=large).values == compiled.values
    assert compiled.complete == (not compiled.faults and not compiled.failed)
    assert (compiled.next is None) or compiled.next in asked


@settings(max_examples=100, deadline=None)
@given(GIVEN)
def test_every_visible_question_is_reached_by_answering_the_next(answers: dict[str, Any]) -> None:
    """Walk from page to page as an applicant does: nothing that is shown is left out, and the walk ends."""
    blank = shop()
    given_so_far: dict[str, Any] = {}
    sane: dict[str, Any] = {**FULL, "raw_room": True, "raw_room_m2": 6, "note": ""}
    visited: list[str] = []
    while (page := compile_form(blank, given_so_far, FIRM, today=TODAY).next) is not None:
        assert page not in visited
        visited.append(page)
        value = answers.get(page)
        try:
            usable = value is not None and check_answer(blank, page, value) is not None
        except Invalid:
            usable = False
        given_so_far[page] = value if usable else sane[page]
    end = compile_form(blank, given_so_far, FIRM, today=TODAY)
    assert visited == [each.name for each in end.pages]
    assert end.complete
