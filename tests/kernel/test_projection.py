"""Which members are picked or omitted (NGSI-LD 4.21)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.projection import Projection, parse_projection

CITY = resolve({"temp": "http://example.com/temperature"}, lambda _: None)


def test_projections() -> None:
    assert parse_projection("temperature", CORE) == Projection(("temperature",))
    assert parse_projection("id, temperature|humidity", CORE) == Projection(("id", "temperature", "humidity"))
    assert parse_projection(["id", "a,b"], CORE) == Projection(("id", "a", "b"))
    assert parse_projection("a,a,b", CORE) == Projection(("a", "b"))
    assert parse_projection("temp", CITY) == parse_projection("http://example.com/temperature", CORE)
    nested = parse_projection("id,locatedAt{id,name,isInCountry{id|temp}},name", CITY)
    assert nested.names == ("id", "locatedAt", "name")
    assert nested.plain == ("id", "name")
    assert nested.hops == 2
    inner = nested.of("locatedAt")
    assert inner is not None
    assert inner.names == ("id", "name", "isInCountry")
    assert inner.of("isInCountry") == Projection(("id", "http://example.com/temperature"))
    assert nested.of("name") is None
    assert nested.text(CITY) == "id,locatedAt{id,name,isInCountry{id,temp}},name"
    assert parse_projection("a{b},a{c},a", CORE) == parse_projection("a{b,c}", CORE)


@pytest.mark.parametrize(
    "text",
    [
        *("", "id;name", "id,locatedAt{name", "id,locatedAt{{name}", "id,,name", "id,locatedAt{,name}", "name}"),
        *("id,locatedAt{}", "name||id", "name,", ",name", "a{b}c", "a{b},", "1a", "a b", "a.b", "a[b]"),
    ],
)
def test_what_is_no_projection_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_projection(text, CORE, where="omit")
    assert (caught.value.code, caught.value.where) == ("projection.syntax", "omit")


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        parse_projection([], CORE)
    assert (caught.value.code, caught.value.where) == ("projection.syntax", "pick")


@pytest.mark.parametrize("text", ["a," * 1_000 + "a", ["a"] * 1_001, "a{" * 33 + "a" + "}" * 33, "a" * 65_537])
def test_projections_that_cost_too_much_are_refused(text: str | list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_projection(text, CORE)
    assert (caught.value.code, caught.value.where) == ("projection.complex", "pick")


projections = st.recursive(
    st.lists(st.sampled_from(["a", "b", "id"]), min_size=1, max_size=3).map(",".join),
    lambda part: st.tuples(st.sampled_from(["a", "b"]), part, part).map(
        lambda three: f"{three[0]}{{{three[1]}}},{three[2]}"
    ),
    max_leaves=5,
)


@given(projections)
def test_what_is_written_reads_as_the_same_projection(text: str) -> None:
    found = parse_projection(text, CORE)
    assert parse_projection(found.text(CORE), CORE) == found
