"""Answers: what people type becomes one value, or a fault in words that they understand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.form import Choice, Fault, point_of, read_answer, shown, write_answer
from quanyu.kernel.form.answers import Asked
from tests.kernel.forms_text import ADULT

CHOICES = (Choice("gas", "燃气", "Gas"), Choice("oil", "燃油", "Oil"))
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("asked", "typed", "kept"),
    [
        (Asked("text"), "  two\r\nlines ", "two\nlines"),
        (Asked("number", least=0, most=2000), "１，２００", 1200),
        (Asked("number"), "35.50", 35.5),
        (Asked("number"), 7.0, 7),
        (Asked("date"), "2026年3月1日", "2026-03-01"),
        (Asked("date"), "2026/3/1", "2026-03-01"),
        (Asked("yes_no"), "是", True),
        (Asked("yes_no"), "no", False),
        (Asked("choice", choices=CHOICES), "oil", "oil"),
        (Asked("choices", choices=CHOICES), ["oil", "gas", "oil"], ("gas", "oil")),
        (Asked("choices", choices=CHOICES), "gas", ("gas",)),
        (Asked("identifier", check="credit_code"), " 91350100m000100y43", "91350100M000100Y43"),
        (Asked("identifier", check="citizen_id"), ADULT.lower(), ADULT),
        (Asked("text", check="telephone"), "010-8888 6666", "010-8888 6666"),
        (Asked("identifier", check="mod_37_36"), "A12425GABC1234002M", "A12425GABC1234002M"),
        (Asked("place"), "天安门广场", "天安门广场"),
        (Asked("place"), {"text": "广场", "lon": 116.397, "lat": 39.9}, "广场 @ 116.397000,39.900000"),
        (Asked("file", files_max=2), [DIGEST, DIGEST], (DIGEST,)),
        (Asked("number"), "", None),
        (Asked("choices", choices=CHOICES), [], None),
    ],
)
def test_what_people_type_becomes_one_value(asked: Asked, typed: object, kept: object) -> None:
    assert read_answer(asked, typed) == kept


@pytest.mark.parametrize(
    ("asked", "typed", "code"),
    [
        (Asked("text", length_max=3), "four", "form.length"),
        (Asked("text"), "x" * 10_000_000, "form.length"),
        (Asked("text"), "bell\a", "form.signs"),
        (Asked("text"), "\ud800", "form.signs"),
        (Asked("text"), 5, "form.answer"),
        (Asked("identifier"), 5, "form.answer"),
        (Asked("number"), "1,5", "form.number"),
        (Asked("number"), "1e9", "form.number"),
        (Asked("number"), True, "form.number"),
        (Asked("number"), 10**400, "form.range"),
        (Asked("number"), float("nan"), "form.range"),
        (Asked("number", least=1), "0", "form.range"),
        (Asked("number", most=1), "2", "form.range"),
        (Asked("date"), "2026-02-30", "form.date"),
        (Asked("date"), "0026-02-03", "form.date"),
        (Asked("date"), 20260203, "form.date"),
        (Asked("yes_no"), "perhaps", "form.yes_no"),
        (Asked("choice", choices=CHOICES), "coal", "form.choice"),
        (Asked("choices", choices=CHOICES), ["gas"] * 5, "form.choice"),
        (Asked("choices", choices=CHOICES), [{}], "form.choice"),
        (Asked("identifier", check="credit_code"), "91350100M000100Y44", "identifier.credit_code"),
        (Asked("identifier", check="citizen_id"), ADULT[:17] + "1", "identifier.citizen"),
        (Asked("text", check="telephone"), "no number", "form.telephone"),
        (Asked("place"), {"text": "x", "lon": 1}, "form.answer"),
        (Asked("place"), "x @ 200,10", "form.place"),
        (Asked("file"), "photo.jpg", "form.attachment"),
        (Asked("file"), [DIGEST, "1" * 64], "form.attachments_many"),
        (Asked("file"), [1] * 1_000_000, "form.attachments_many"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_two_languages(asked: Asked, typed: object, code: str) -> None:
    fault = read_answer(asked, typed)
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert fault.words.zh != fault.words.en


def test_a_refused_citizen_number_is_never_repeated() -> None:
    fault = read_answer(Asked("identifier", check="citizen_id"), ADULT[:17] + "1")
    assert isinstance(fault, Fault)
    assert ADULT[6:14] not in fault.en + fault.zh


@pytest.mark.parametrize(
    ("value", "language", "words"),
    [
        (True, "zh", "是"),
        (False, "en", "No"),
        (("gas", "oil"), "zh", "燃气、燃油"),
        ("gas", "en", "Gas"),
        (35.5, "en", "35.5"),
    ],
)
def test_values_are_shown_in_words(value: Any, language: str, words: str) -> None:
    assert shown(value, CHOICES, language) == words


def test_a_place_keeps_its_words_and_its_point() -> None:
    assert point_of("广场 @ 116.397000,39.900000") == ("广场", (116.397, 39.9))
    assert point_of("广场") == ("广场", None)


ASKED = st.sampled_from(
    [
        Asked("text"), Asked("number"), Asked("date"), Asked("yes_no"), Asked("choice", choices=CHOICES),
        Asked("choices", choices=CHOICES), Asked("identifier"), Asked("identifier", check="credit_code"),
        Asked("text", check="telephone"), Asked("place"), Asked("file", files_max=3),
    ]
)  # fmt: skip
GIVEN = st.one_of(
    st.text(max_size=40),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates().map(str),
    st.lists(st.sampled_from(["gas", "oil", DIGEST]), max_size=3),
    st.fixed_dictionaries({"text": st.text(max_size=9), "lon": st.floats(-180, 180), "lat": st.floats(-90, 90)}),
    st.sampled_from(["yes", "oil", "1,234.5", "91350100M000100Y43", "010-88886666", DIGEST]),
)


@settings(max_examples=500, deadline=None)
@given(ASKED, GIVEN)
def test_answers_come_back_from_the_form_as_they_were_kept(asked: Asked, typed: object) -> None:
    value = read_answer(asked, typed)
    if value is not None and not isinstance(value, Fault):
        assert read_answer(asked, write_answer(value)) == value
        assert read_answer(asked, value) == value
