"""Identifiers of electronic licences: what is made can be read, and no single slip goes unnoticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.identifier import make_licence_id, mod_37_36, parse_licence_id

ISSUER = "11100000MB03271699"
TYPE = "11100000MB03271699001"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
words = st.text(LETTERS, min_size=21, max_size=21)
serials = st.text(LETTERS, min_size=1, max_size=20)


def test_the_check_of_the_confirmed_vector() -> None:
    assert mod_37_36("A12425GABC1234002") == "M"


@given(words, serials, st.integers(0, 999))
def test_what_is_made_can_be_read(kind: str, serial: str, version: int) -> None:
    made = make_licence_id(kind, ISSUER, serial, f"{version:03}")
    assert parse_licence_id(str(made)) == made


@given(words, serials, st.data())
def test_one_wrong_character_is_noticed(kind: str, serial: str, data: st.DataObject) -> None:
    text = str(make_licence_id(kind, ISSUER, serial))
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(LETTERS + "."))
    if other == text[place]:
        return
    with pytest.raises(Invalid) as refused:
        parse_licence_id(text[:place] + other + text[place + 1 :])
    assert refused.value.code.startswith("identifier.")


GOOD = str(make_licence_id(TYPE, ISSUER, "000000001"))


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 1, "root"),
        ("1.2.156.3006.2" + GOOD[14:], 12, "root"),
        (GOOD[:-2], 16, "4 parts"),
        (GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1"), len(GOOD), "check character"),
        (GOOD.replace(f".{TYPE}.", f".{TYPE[:-1]}."), 16, "type has 20 characters"),
        (GOOD.replace(".000000001.", ".00000000a."), 65, "serial has 'a'"),
        (GOOD.replace(".000000001.", ".."), 57, "serial has 0 characters"),
        (GOOD.replace(".001.", ".0A1."), 68, "version has 'A'"),
    ],
)
def test_a_fault_names_its_position(text: str, position: int, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        parse_licence_id(text)
    assert refused.value.code == "identifier.licence"
    assert refused.value.details["position"] == position


def test_an_issuer_that_is_no_credit_code_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        make_licence_id(TYPE, "11100000MB03271690", "1")
    assert refused.value.code == "identifier.credit_code"
