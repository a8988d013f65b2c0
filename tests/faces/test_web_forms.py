"""Reading forms, as properties: whatever is typed, nothing breaks, nothing is invented, and seals hold."""

from __future__ import annotations

import math
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly.packs import load_city, load_packs
from quanyu.engines.cases.bodies import OpenBody, read_body
from quanyu.faces.web.following import note_of_joining, plain_note
from quanyu.faces.web.my import spelled
from quanyu.faces.web.report import opening
from quanyu.faces.web.report_form import LENGTHS, STEP_OF, Report, clean, faults_of, read_point, read_report
from quanyu.faces.web.seal import Seal
from quanyu.kernel.errors import Unavailable
from quanyu.kernel.intake import find_intake
from quanyu.kernel.pace import Pace
from quanyu.kernel.public import masked_text

CITY = load_city("beijing")
FOUND = find_intake(load_packs())
assert FOUND is not None
INTAKE = FOUND
CODES = [choice.code for group in INTAKE.groups for choice in group.choices]
TYPED = st.text(max_size=300)
FIELDS = st.dictionaries(st.sampled_from([*STEP_OF, "lon", "lat", "key", "go"]), TYPED, max_size=12)
DISTRICTS = [district["code"] for district in CITY.districts]
GOOD = {"district": DISTRICTS[0], "address": "东大街 12 号", "text": "路灯不亮"}


@settings(max_examples=50)
@given(FIELDS)
def test_any_form_can_be_read_and_judged(fields: dict[str, str]) -> None:
    report = read_report(fields, (), CITY)
    for fault in faults_of(report, CITY, INTAKE):
        assert fault.field in {*STEP_OF, "form"}
    assert report.placed == (report.lon is not None)


@given(FIELDS)
def test_what_passes_can_be_opened(fields: dict[str, str]) -> None:
    report = read_report(fields | GOOD, ("a" * 64,), CITY)
    if not faults_of(report, CITY, INTAKE):
        body = read_body("case.open", opening(INTAKE, report, "A" * 12), OpenBody)
        assert body.channel == "citizen"
        assert body.text == report.text


@given(st.text(max_size=3000))
def test_cleaning_is_done_once_and_leaves_no_controls(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not [letter for letter in once if ord(letter) < 32 and letter not in "\n\t"]


@given(TYPED, TYPED)
def test_a_point_is_within_the_city_or_nowhere(lon: str, lat: str) -> None:
    point = read_point(lon, lat, CITY)
    assert point is None or (CITY.box[0] <= point[0] <= CITY.box[2] and CITY.box[1] <= point[1] <= CITY.box[3])


@pytest.mark.parametrize(("lon", "lat"), [("nan", "39.9"), ("inf", "39.9"), ("121.4", "31.2"), ("116.4", "")])
def test_a_point_elsewhere_is_no_point(lon: str, lat: str) -> None:
    assert read_point(lon, lat, CITY) is None


@given(st.floats(CITY.box[0], CITY.box[2]), st.floats(CITY.box[1], CITY.box[3]))
def test_a_point_survives_the_way_through_the_form(lon: float, lat: float) -> None:
    point = read_point(str(lon), str(lat), CITY)
    assert point is not None
    assert read_point(str(point[0]), str(point[1]), CITY) == point
    assert math.isclose(point[0], lon, abs_tol=1e-6)


@given(st.sampled_from(sorted(LENGTHS)), st.integers(1, 50))
def test_too_long_is_said_of_the_field(name: str, more: int) -> None:
    report = read_report(GOOD | {name: "1" * (LENGTHS[name] + more)}, (), CITY)
    assert f"fault.long_{name}" in [fault.key for fault in faults_of(report, CITY, INTAKE)]


def test_a_report_without_words_takes_its_title_from_category_or_photo() -> None:
    photo_only = opening(INTAKE, Report(district=DISTRICTS[0], photos=("a" * 64,)), "A" * 12)
    assert photo_only["title"]["en"] == "A matter shown in a photo"
    named = opening(INTAKE, Report(district=DISTRICTS[0], category=CODES[0], photos=("a" * 64,)), "A" * 12)
    assert named["title"]["zh"] == INTAKE.groups[0].choices[0].title["zh"]


@given(st.text(alphabet=string.printable, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_a_seal_opens_what_it_signed_for_that_purpose_only(text: str, purpose: str, other: str) -> None:
    seal = Seal(b"k" * 32)
    signed = seal.sign(purpose, text)
    assert seal.open(purpose, signed) == text
    assert Seal(b"l" * 32).open(purpose, signed) is None
    assert seal.open(purpose, signed[:-1]) is None
    if other != purpose:
        assert seal.open(other, signed) is None


@given(st.text(max_size=500))
def test_a_seal_opens_nothing_made_up(text: str) -> None:
    seal = Seal(b"k" * 32)
    assert seal.open("form", text) is None
    assert seal.open_until("form", text, 0) is None


def test_a_signature_with_an_end_ends() -> None:
    seal = Seal(b"k" * 32)
    signed = seal.sign_until("form", "a.b", 5_000_000)
    assert seal.open_until("form", signed, 4_999_999) == "a.b"
    assert seal.open_until("form", signed, 5_000_000) is None


@given(st.text(alphabet="0123456789 -", min_size=7, max_size=40))
def test_no_long_number_is_shown_to_strangers(text: str) -> None:
    assert not re.search(r"[0-9]{7}", masked_text(f"请打 {text} 找我"))
    assert "1234" not in masked_text("138 0000 1234")


@pytest.mark.parametrize("typed", ["20260302-17", " 20260302 - 17", "２０２６０３０２－１７", "20260302–17"])
def test_a_number_is_understood_however_it_is_typed(typed: str) -> None:
    assert spelled(typed) == "20260302-17"


def test_a_comment_is_never_a_note_of_the_face() -> None:
    forged = note_of_joining("20260302-17")
    assert plain_note(forged) != forged
    assert plain_note("路灯") == "路灯"


@given(st.integers(1, 20), st.integers(1, 60))
def test_a_pace_lets_a_burst_through_and_then_one_at_a_time(burst: int, every_s: int) -> None:
    now = [1_000_000_000]
    pace = Pace(lambda: now[0], burst, every_s)
    for _ in range(burst):
        pace.check("a")
    with pytest.raises(Unavailable) as refused:
        pace.check("a")
    pace.check("b")
    assert 0 < int(str(refused.value.details["retry_after_s"])) <= every_s + 1
    now[0] += every_s * 1_000_000
    pace.check("a", take=False)
    pace.check("a")
    with pytest.raises(Unavailable):
        pace.check("a", take=False)
