"""Throws texts at every reader of the query languages.

Whatever comes in, a reader either refuses it with an error of the tree or gives something that writes, reads again as
equal, and judges documents without failing.
"""

from __future__ import annotations

from typing import Any, Final

from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.ngsi.context import CORE, resolve
from quanyu.kernel.ngsi.geo import parse_geo
from quanyu.kernel.ngsi.order import parse_order
from quanyu.kernel.ngsi.pattern import compile_pattern
from quanyu.kernel.ngsi.projection import parse_projection, projection
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.ngsi.scope import parse_scope_q
from quanyu.kernel.ngsi.selection import parse_types

CITY: Final = resolve({"a": "http://example.com/a", "ex": "http://example.com/", "nil": None}, lambda _: None)

FRAGMENTS: Final = [
    *("a", "b.c", "observedAt", "owner{", "Person:", "}", "[en]", "[*]", "[x.y]", "ex:a", "nil", "!", "京"),
    *("==", "!=", ">", ">=", "<", "<=", "~=", "!~=", "..", ",", ";", "|", "(", ")", " "),
    *('"x"', '"\\u0041"', '"', "1", "-1.5e3", "true", "false", "urn:x", "2020-01-01", "08:00:00Z"),
    *("2020-01-01T00:00:00Z", "2020-02-31T00:00:00Z", "^", "$", ".*", "[a-z]", "[^", "{2,3}", "(a|b)+", "\\d", "\\"),
    *("/", "/#", "/+", "near;maxDistance==", "near;minDistance==", "within", "equals", "disjoint", "overlaps"),
    *("[", "]", "[[[0,0],[1,0],[1,1],[0,0]]]", "[0,0]", "1e999", "desc", "dist-asc", ";asc"),
]

INSTANCE: Final[dict[str, Any]] = {
    "type": "Property",
    "value": ["x", 1, True, {"x": {"y": "2020-01-01T00:00:00Z"}}],
    "observedAt": 5,
    "c": {"type": "Relationship", "object": "urn:x"},
}
DOCUMENT: Final[dict[str, Any]] = {
    "id": "urn:x",
    "type": ["Person", "Thing"],
    "a": [INSTANCE, {"type": "LanguageProperty", "languageMap": {"en": ["x"], "fr": "y"}}],
    "http://example.com/a": {"type": "VocabProperty", "vocab": ["a", "http://example.com/a"]},
    "b": INSTANCE,
    "owner": {"type": "Relationship", "object": ["urn:x", "urn:y"]},
    "location": {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}},
}


def ask(text: str) -> None:
    """Read a text as each language in turn; raises whatever is no error of the tree with a code of its own."""
    for reader in (_query, _types, _scope, _order, _projection, _geo, _pattern):
        try:
            reader(text)
        except QuanyuError as fault:
            if fault.code.count(".") != 1:
                raise ValueError(fault.code) from fault


def _query(text: str) -> None:
    for context in (CORE, CITY):
        query = parse_q(text, context, ["a"] if context is CITY else [])
        written = query.text(context)
        assert parse_q(written, context, ["a"] if context is CITY else []) == query, written
        assert isinstance(query.matches(DOCUMENT, {"urn:x": DOCUMENT}.get), bool)
        assert isinstance(query.required(), tuple)


def _types(text: str) -> None:
    types = parse_types(text, CORE)
    assert parse_types(types.text(CORE), CORE) == types
    types.matches("Person")
    types.any_of()


def _scope(text: str) -> None:
    asked = parse_scope_q(text)
    assert parse_scope_q(asked.text()) == asked
    asked.matches(["/a", "b/c"])


def _order(text: str) -> None:
    parse_order(text, CORE, order_from="[0,0]", collation="und").sorted([DOCUMENT, {"id": "urn:y"}])


def _projection(text: str) -> None:
    projection(parse_projection(text, CORE))


def _geo(text: str) -> None:
    relation, _, coordinates = text.partition("[")
    for kind in ("Point", "LineString", "Polygon", "MultiPolygon"):
        query = parse_geo(relation, kind, "[" + coordinates, None, CORE)
        query.matches(DOCUMENT)
        query.box()


def _pattern(text: str) -> None:
    compile_pattern(text)("axb 2020-01-01T00:00:00Z" * 4)


def ask_bytes(data: bytes) -> None:
    """Take bytes for fragments of the languages, with now and then a character as it comes."""
    ask("".join(FRAGMENTS[each] if each < len(FRAGMENTS) else chr(each) for each in data))
