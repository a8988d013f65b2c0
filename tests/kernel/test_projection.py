"""Which members are picked or omitted (NGSI-LD 4.21)."""

import pytest

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.projection import levels, parse_projection, projection

CITY = resolve({"temp": "http://example.com/temperature"}, lambda _: None)


def test_projections() -> None:
    assert parse_projection("temperature", CORE) == ("temperature",)
    assert parse_projection("id,temperature|humidity", CORE) == ("id", "temperature", "humidity")
    assert parse_projection(["id", "a,b"], CORE) == ("id", "a", "b")
    assert parse_projection("temp", CITY) == ("http://example.com/temperature",)
    nested = parse_projection("id,locatedAt{id,name,isInCountry{id|temp}},name", CITY)
    assert levels(nested) == 2
    assert projection(nested) == {
        "id": None,
        "locatedAt": {"id": None, "name": None, "isInCountry": {"id": None, "http://example.com/temperature": None}},
        "name": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", "id;name", "id,locatedAt{name", "id,locatedAt{{name}", "id,,name", "id,locatedAt{,name}", "name}"),
        *("id,locatedAt{}", "name||id", "name,", ",name", "a{b}c", "a{b},", "a b", "a[b]", "a" * 65_537),
        *("a," * 600 + "a", "a," * 2_000_000 + "a", "a{" * 11 + "a" + "}" * 11, "{" * 60_000, [], ["a", 5], [["a"]]),
        *(None, 5, {"a": "b"}),
    ],
)
def test_what_is_no_projection_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_projection(text, CORE, "omit")
