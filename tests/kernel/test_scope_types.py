"""Scopes (NGSI-LD 4.19) and entity types (4.17) as they are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types

PARK = "/Madrid/Gardens/ParqueNorte"
UNIT = "/CompanyA/OrganizationB/UnitC"

SCOPES = [
    (PARK, PARK, True),
    (PARK, [UNIT, PARK], True),
    (PARK, UNIT, False),
    ("/Madrid", PARK, False),
    ("/Madrid/Gardens/ParqueNorte/Parterre1", PARK, False),
    ("Madrid/Gardens/ParqueNorte", PARK, True),
    (PARK, "Madrid/Gardens/ParqueNorte", True),
    ("/Madrid/+/ParqueNorte", PARK, True),
    ("/Madrid/+/ParqueNorte", "/Madrid/Sights/ParqueNorte", True),
    ("/Madrid/+", PARK, False),
    ("/+", "/Madrid", True),
    ("/Madrid/Gardens/#", "/Madrid/Gardens", True),
    ("/Madrid/Gardens/#", "/Madrid/Gardens/ParqueNorte/Parterre1", True),
    ("/Madrid/Gardens/#", "/Madrid/GardensWest", False),
    ("/Madrid/+/#", PARK, True),
    ("/Madrid/+/#", "/Madrid", False),
    ("/#", PARK, True),
    ("/#", [], False),
    ("/#", None, False),
    (f"{PARK},{UNIT}", UNIT, True),
    (f"{PARK}|{UNIT}", UNIT, True),
    (f"{PARK};{UNIT}", [PARK, UNIT], True),
    (f"{PARK};{UNIT}", PARK, False),
    (f"({PARK};{UNIT})|/CompanyB", ["/CompanyB"], True),
    (f"({PARK};/CompanyA/#),CompanyB", [PARK, UNIT], True),
    (f"(/a|/b);{PARK}", ["/b", PARK], True),
    (f"(/a|/b);{PARK}", ["/c", PARK], False),
    ("/北京/东城区/#", "/北京/东城区/景山", True),
]


@pytest.mark.parametrize(("text", "scopes", "meant"), SCOPES)
def test_scopes(text: str, scopes: str | list[str] | None, meant: bool) -> None:
    asked = parse_scope_q(text)
    assert asked.matches(scopes) is meant
    assert parse_scope_q(asked.text()) == asked
    assert hash(parse_scope_q(asked.text())) == hash(asked)


@pytest.mark.parametrize(
    "text", ["", "/", "//a", "/a//b", "/a/", "/#/a", "/a#", "/a+", "/a/#/", "(/a", "/a)", "/a,", ";/a"]
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_scope_q(text)
    assert (caught.value.code, caught.value.where) == ("scope_q.syntax", "scopeQ")


@pytest.mark.parametrize("text", ["/a" * 33, "/a," * 1_000 + "/a", "(" * 33 + "/a" + ")" * 33, "/" + "a" * 65_536])
def test_scopes_that_cost_too_much_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_scope_q(text)
    assert (caught.value.code, caught.value.where) == ("scope_q.complex", "scopeQ")


CITY = resolve({"Haus": "http://example.com/House", "ex": "http://example.com/"}, lambda _: None)
HOUSE = "http://example.com/House"

TYPES: list[tuple[str, str | list[str], bool, tuple[str, ...] | None]] = [
    ("Building", "Building", True, ("Building",)),
    ("Building", ["Home", "Building"], True, ("Building",)),
    ("Building", "Buildings", False, ("Building",)),
    ("Building|Haus", HOUSE, True, ("Building", HOUSE)),
    ("Building,ex:House", HOUSE, True, ("Building", HOUSE)),
    ("http://example.com/House", [HOUSE], True, (HOUSE,)),
    ("(Home;Vehicle)", ["Vehicle", "Home"], True, ("Home",)),
    ("(Home;Vehicle)", "Home", False, ("Home",)),
    ("(Home;Vehicle)|Motorhome", "Motorhome", True, ("Home", "Motorhome")),
    ("(Home;Vehicle),Motorhome", ["Vehicle"], False, ("Home", "Motorhome")),
    ("Home;(A|B)", ["B", "Home"], True, ("Home",)),
    ("(A|B);Home", ["B", "Home"], True, ("Home",)),
    ("A|A", "A", True, ("A",)),
    ("*", "Anything", True, None),
    ("A|*", "B", True, None),
    ("A;*", "B", False, ("A",)),
]


@pytest.mark.parametrize(("text", "types", "selected", "start"), TYPES)
def test_types(text: str, types: str | list[str], selected: bool, start: tuple[str, ...] | None) -> None:
    asked = parse_types(text, CITY)
    assert asked.matches(types) is selected
    assert asked.any_of() == start
    assert parse_types(asked.text(CITY), CITY) == asked
    assert hash(parse_types(asked.text(CITY), CITY)) == hash(asked)


def test_types_are_written_in_the_words_of_a_context() -> None:
    asked = parse_types("(Haus;A),B", CITY)
    assert asked.text(CITY) == "(Haus;A)|B"
    assert asked.text(CORE) == f"({HOUSE};A)|B"
    assert asked.names() == {HOUSE, "A", "B"}


@pytest.mark.parametrize("text", ["", " ", "A,", ",A", "A||B", "(A", "A)", "()", "A B", "A;"])
def test_what_is_no_selection_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_types(text, CORE)
    assert (caught.value.code, caught.value.where) == ("types.syntax", "type")


@pytest.mark.parametrize("text", ["A," * 1_000 + "A", "(" * 33 + "A" + ")" * 33, "A" * 65_537])
def test_selections_that_cost_too_much_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_types(text, CORE)
    assert (caught.value.code, caught.value.where) == ("types.complex", "type")


expressions = st.recursive(
    st.sampled_from(["A", "B", "C", "*"]),
    lambda part: st.one_of(
        st.lists(part, min_size=2, max_size=3).map(lambda parts: "(" + ";".join(parts) + ")"),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
    ),
    max_leaves=6,
)


@given(expressions, st.lists(st.sampled_from("ABC"), min_size=1, unique=True))
def test_what_is_selected_has_a_type_to_start_from(text: str, types: list[str]) -> None:
    asked = parse_types(text, CORE)
    assert parse_types(asked.text(CORE), CORE) == asked
    start = asked.any_of()
    if asked.matches(types) and start is not None:
        assert not set(start).isdisjoint(types)
