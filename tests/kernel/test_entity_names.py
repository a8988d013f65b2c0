"""Ids are absolute URIs that can be seen; names are words of any script, or IRIs."""

import pytest

from quanyu.kernel.entity import ID_MAX, check_id, check_name
from quanyu.kernel.errors import Invalid


@pytest.mark.parametrize(
    "id",
    ["urn:ngsi-ld:Vehicle:A1", "urn:ngsi-ld:Ciudad:París", "https://x/y?z=1#f", "urn:ngsi-ld:北京", "a:b", "urn:x:O'B"],
)
def test_an_absolute_uri_is_an_id(id: str) -> None:
    assert check_id(id) == id


INVISIBLE = [
    0x202E,
    0x200B,
    0xFEFF,
    0x2028,
    0xA0,
    0xFE0F,
    0xE0100,
    0xFDD0,
    0xFFFE,
    0x115F,
    0x3164,
    0xFFA0,
    0x2800,
    0x1FFFE,
]


@pytest.mark.parametrize(
    "id",
    ["one", "1:2", ":x", "a:", "", "urn:a\n", "urn:a b", "urn:<a>", 'urn:"a"', "urn:" + "a" * ID_MAX, 5, None]
    + [f"urn:ngsi-ld:Vehicle:A{chr(point)}B" for point in INVISIBLE],
)
def test_what_is_no_absolute_uri_is_no_id(id: object) -> None:
    with pytest.raises(Invalid) as fault:
        check_id(id, "a.object")
    assert (fault.value.code, fault.value.where) == ("entity.id", "a.object")


@pytest.mark.parametrize("name", ["speed", "pm2_5", "výška_1", "速度", "schema:name", "https://uri.example/a-b"])
def test_a_word_or_an_iri_is_a_name(name: str) -> None:
    assert check_name(name, name) == name


@pytest.mark.parametrize(
    "name", ["", "9lives", "_a", "a b", "a-b", "a.b", "a'b", "½", "a\n", "a" * 129, "x:" + "y" * ID_MAX]
)
def test_what_is_neither_word_nor_iri_is_no_name(name: str) -> None:
    with pytest.raises(Invalid) as fault:
        check_name(name, "here")
    assert (fault.value.code, fault.value.where) == ("entity.name", "here")
