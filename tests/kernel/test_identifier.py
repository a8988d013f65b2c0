"""Identifiers: the vectors of rules.md B1, and the promise that a wrong character is found at its place."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.identifier import (
    CitizenId,
    CreditCode,
    Divisions,
    check_mod_37_36,
    make_citizen_id,
    make_component_code,
    make_credit_code,
    make_warning_id,
    mod_37_36,
    packaged_divisions,
    parse_citizen_id,
    parse_component_code,
    parse_credit_code,
    parse_division_code,
    parse_event_code,
    parse_grid_code,
    parse_warning_id,
)
from quanyu.kernel.identifier.checks import credit_check
from quanyu.kernel.time import parse_instant

CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGITS = "0123456789"
DIGITS_LETTERS = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture(scope="session")
def divisions() -> Divisions:
    return packaged_divisions()


@pytest.mark.parametrize(
    "text",
    [
        "91110000600037341L",
        "914403001922038216",
        "91330100799655058B",
        "11100000MB03271699",
        "91350100M000100Y43",
    ],
)
def test_known_credit_codes_are_valid(text: str) -> None:
    code = parse_credit_code(text)
    assert str(code) == text
    assert code.caveats == ()


def test_a_credit_code_has_named_parts() -> None:
    code = parse_credit_code("914403001922038216")
    assert code == CreditCode("9", "1", "440300", "192203821", "6")


def test_a_failed_inner_check_is_a_caveat_at_position_17() -> None:
    first_17 = "91350100M000100Y5"  # GB 11714 gives 4
    (caveat,) = parse_credit_code(first_17 + credit_check(first_17)).caveats
    assert (caveat.position, caveat.expected) == (17, "4")
    assert "GB 11714" in caveat.message


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("91110000600037341", 18, "17 characters"),
        ("91110000600037341L0", 19, "19 characters"),
        ("9111000060003734IL", 17, "'I'"),
        ("9111000O600037341L", 8, "'O'"),
        ("91110000600037341l", 18, "'l'"),
        ("91110000600037341M", 18, "expected 'L'"),
        ("", 1, "0 characters"),
    ],
)
def test_a_wrong_credit_code_names_the_position(text: str, position: int, why: str) -> None:
    with pytest.raises(Invalid, match=f"position {position}") as fault:
        parse_credit_code(text)
    assert why in fault.value.message
    assert fault.value.code == "identifier.credit_code"
    assert fault.value.details["position"] == position


credit_codes = st.builds(
    make_credit_code,
    st.sampled_from("159ANY"),
    st.sampled_from("1239"),
    st.text(DIGITS, min_size=6, max_size=6),
    st.text(CREDIT, min_size=8, max_size=8),
)


@given(credit_codes)
def test_made_credit_codes_are_valid(code: CreditCode) -> None:
    assert parse_credit_code(str(code)) == code
    assert code.caveats == ()


@given(credit_codes, st.integers(0, 17), st.sampled_from(DIGITS_LETTERS))
def test_any_wrong_character_of_a_credit_code_is_found(code: CreditCode, place: int, character: str) -> None:
    text = str(code)
    assume(text[place] != character)
    with pytest.raises(Invalid):
        parse_credit_code(text[:place] + character + text[place + 1 :])


def test_making_a_credit_code_refuses_foreign_characters() -> None:
    with pytest.raises(Invalid) as fault:
        make_credit_code("9", "1", "440300", "19220O82")
    assert fault.value.details["position"] == 14
    with pytest.raises(Invalid):
        make_credit_code("9", "1", "4403", "19220382")


def test_the_known_citizen_number(divisions: Divisions) -> None:
    citizen = parse_citizen_id("11010519491231002X", divisions=divisions)
    assert str(citizen) == "11010519491231002X"
    assert (citizen.division, citizen.birth, citizen.male) == ("110105", date(1949, 12, 31), False)
    assert (citizen.holder, citizen.caveats) == ("resident", ())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("1101051949123100", 17),
        ("11010519491231002x", 18),
        ("110105194912310021", 18),
        ("11010519491331002X", 11),
        ("11010519490230002X", 13),
        ("11010500001231002X", 7),
        ("11010519491231X02X", 15),
    ],
)
def test_a_wrong_citizen_number_names_the_position_and_hides_the_person(text: str, position: int) -> None:
    with pytest.raises(Invalid) as fault:
        parse_citizen_id(text)
    assert fault.value.details["position"] == position
    assert text not in fault.value.message
    assert "1949" not in fault.value.message.replace("1949-02", "")


def test_repr_of_a_citizen_number_hides_the_person() -> None:
    citizen = parse_citizen_id("11010519491231002X")
    assert "002" not in repr(citizen)
    assert "1949" not in repr(citizen)


def test_a_birth_after_the_day_of_reading_is_refused() -> None:
    text = str(make_citizen_id("110105", date(2030, 1, 1), 1))
    assert parse_citizen_id(text).male
    with pytest.raises(Invalid, match="in the future"):
        parse_citizen_id(text, on=date(2026, 1, 1))


def test_the_division_of_a_citizen_number_must_exist(divisions: Divisions) -> None:
    for division in ("110199", "010105", "990105"):
        text = str(make_citizen_id(division, date(1990, 1, 1), 1))
        with pytest.raises(Invalid) as fault:
            parse_citizen_id(text, divisions=divisions)
        assert fault.value.details["position"] == 1


def test_a_division_of_another_time_is_a_caveat(divisions: Divisions) -> None:
    text = str(make_citizen_id("110112", date(1980, 5, 1), 12))  # Tongzhou became a district in 1997
    (caveat,) = parse_citizen_id(text, divisions=divisions).caveats
    assert caveat.expected == "1997-"


def test_residence_permits_share_the_scheme(divisions: Divisions) -> None:
    text = str(make_citizen_id("830000", date(1990, 5, 1), 11))
    assert parse_citizen_id(text, divisions=divisions).holder == "hk_macao_taiwan"


citizens = st.builds(
    make_citizen_id, st.text(DIGITS, min_size=6, max_size=6), st.dates(min_value=date(1, 1, 1)), st.integers(0, 999)
)


@given(citizens, st.integers(0, 17), st.sampled_from(DIGITS_LETTERS))
def test_any_wrong_character_of_a_citizen_number_is_found(citizen: CitizenId, place: int, character: str) -> None:
    text = str(citizen)
    assert parse_citizen_id(text) == citizen
    assume(text[place] != character)
    with pytest.raises(Invalid):
        parse_citizen_id(text[:place] + character + text[place + 1 :])


def test_mod_37_36_vector() -> None:
    assert mod_37_36("A12425GABC1234002") == "M"
    assert check_mod_37_36("A12425GABC1234002M") == "A12425GABC1234002"


@pytest.mark.parametrize(("text", "position"), [("A12425GABC1234002N", 18), ("A-2M", 2), ("M", 2), ("", 1), ("a1M", 1)])
def test_mod_37_36_names_the_position(text: str, position: int) -> None:
    with pytest.raises(Invalid) as fault:
        check_mod_37_36(text)
    assert (fault.value.code, fault.value.details["position"]) == ("identifier.mod_37_36", position)


@given(st.text(DIGITS_LETTERS, min_size=1, max_size=40), st.data())
def test_mod_37_36_finds_any_wrong_character(body: str, data: st.DataObject) -> None:
    text = body + mod_37_36(body)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from(DIGITS_LETTERS.replace(text[place], "")))
    with pytest.raises(Invalid):
        check_mod_37_36(text[:place] + character + text[place + 1 :])


@pytest.mark.parametrize(
    ("text", "level", "chain"),
    [
        ("100000", "nation", ("100000",)),
        ("110000", "province", ("110000",)),
        ("330100", "prefecture", ("330100", "330000")),
        ("110105", "county", ("110105", "110100", "110000")),
    ],
)
def test_division_levels(text: str, level: str, chain: tuple[str, ...]) -> None:
    code = parse_division_code(text)
    assert (str(code), code.level) == (text, level)
    assert code.chain()[: len(chain)] == chain


@pytest.mark.parametrize(("text", "position"), [("11010", 6), ("1101055", 7), ("11O105", 3), ("010105", 1)])
def test_a_wrong_division_names_the_position(text: str, position: int) -> None:
    with pytest.raises(Invalid) as fault:
        parse_division_code(text)
    assert fault.value.details["position"] == position


def test_divisions_have_names_in_time(divisions: Divisions) -> None:
    suzhou = parse_division_code("320508")
    assert divisions.get_name(suzhou, 2026).name == "姑苏区"
    assert divisions.find_name(suzhou, 2000) is None
    assert divisions.get_name(parse_division_code("110105"), 1949).province == "北京市"
    with pytest.raises(Missing, match="not in force in 2011") as fault:
        divisions.get_name(parse_division_code("110103"), 2011)
    assert "崇文区 -2010" in str(fault.value.remedy)
    with pytest.raises(Missing, match="does not exist"):
        divisions.get_name(parse_division_code("110199"), 2026)


def test_in_a_year_of_change_the_newer_name_counts() -> None:
    class Table:
        def info(self, number: str) -> list[tuple[str, dict[str, str]]]:
            return [(number[:2], {"province": "省"}), (number[2:], {"county": "[1982-2001]某县,[2001-]某市"})]

    divisions = Divisions(Table())
    assert [divisions.get_name(parse_division_code("999981"), year).name for year in (1990, 2001)] == ["某县", "某市"]


def test_city_codes_have_named_parts() -> None:
    component = parse_component_code("3205080101000001")
    assert (component.division, component.major, component.minor, component.serial) == ("320508", "01", "01", "000001")
    assert make_component_code("320508", "01", "01", 1) == component
    event = parse_event_code("1101050203")
    assert (event.division, event.major, event.minor) == ("110105", "02", "03")
    grid = parse_grid_code("110105001002003")
    assert (grid.street, grid.community, grid.grid) == ("001", "002", "003")
    assert [str(each) for each in (component, event, grid)] == ["3205080101000001", "1101050203", "110105001002003"]


def test_wrong_city_codes_name_the_position() -> None:
    with pytest.raises(Invalid, match="position 16"):
        parse_component_code("320508010100000")
    with pytest.raises(Invalid, match="sub-class has 'A'"):
        parse_event_code("11010502A3")
    with pytest.raises(Invalid, match="position 16"):
        parse_grid_code("1101050010020031")
    with pytest.raises(Invalid):
        make_component_code("320508", "01", "01", 1_000_000)


def test_a_warning_id_carries_beijing_time() -> None:
    text = "11000041600000_20260301080000_0"
    warning = parse_warning_id(text)
    assert len(text) == 31
    assert warning.issued == parse_instant("2026-03-01T00:00:00Z")
    assert (warning.division, warning.industry, warning.unit, warning.extension) == ("110000", "416", "000", "00")
    assert str(make_warning_id("110000", "416", warning.issued + 999_999)) == text


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("11000041600000-20260301080000_0", 15),
        ("11000041600000_20261301080000_0", 20),
        ("11000041600000_20260230080000_0", 22),
        ("11000041600000_20260301240000_0", 24),
        ("11000041600000_20260301086000_0", 26),
        ("11000041600000_20260301080060_0", 28),
        ("11000041600000_20260301080000_10", 32),
        ("1100004160000_20260301080000_0", 31),
        ("11000041600000_20260301080000_a", 31),
    ],
)
def test_a_wrong_warning_id_names_the_position(text: str, position: int) -> None:
    with pytest.raises(Invalid) as fault:
        parse_warning_id(text)
    assert fault.value.details["position"] == position


@given(st.integers(0, 200_000_000_000), st.integers(0, 9))
def test_made_warning_ids_read_back(second: int, sequence: int) -> None:
    made = make_warning_id("110000", "416", second * 1_000_000, sequence=sequence)
    assert parse_warning_id(str(made)) == made
