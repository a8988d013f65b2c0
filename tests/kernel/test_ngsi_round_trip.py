"""Laws of the forms: what is written reads back, and whatever is sent ends in the stored form or in a plain refusal."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.kernel.errors import QuanyuError
from quanyu.kernel.ngsi.members import INFERRED, KINDS, NULL, RESERVED
from quanyu.kernel.ngsi.reading import decode, read_attribute_fragment, read_entity, read_fragment
from quanyu.kernel.ngsi.reading_temporal import read_evolution_fragment
from quanyu.kernel.ngsi.writing import Shape, write_entity
from tests.kernel.ngsi_words import CITY, CORE

TEXTS = st.text(max_size=12).filter(lambda text: text != NULL)
KEYS = st.sampled_from(["a", "street", "type", "value", "object", "observedAt", "unitCode", "coordinates", "json"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
KEPT = VALUES.filter(lambda value: value is not None and not (isinstance(value, int) and abs(value) >= 2**63))
URIS = st.integers(0, 9).map(lambda n: f"urn:ngsi-ld:Thing:{n}")
POINTS = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(lambda at: {"type": "Point", "coordinates": list(at)})
NAMES = st.sampled_from(["speed", "výška_1", "速度", "https://city.example/pm25", "https://else.example/x#y"])
WORDS = st.sampled_from(["monument", "https://city.example/monument", "museum"])
LANGUAGES = st.dictionaries(
    st.sampled_from(["en", "fr", "zh-CN", "@none"]), TEXTS | st.lists(TEXTS, max_size=2), min_size=1, max_size=3
)
BY_KIND: dict[str, st.SearchStrategy[Any]] = {
    "Property": KEPT,
    "GeoProperty": POINTS,
    "Relationship": URIS | st.lists(URIS, min_size=1, max_size=3),
    "LanguageProperty": LANGUAGES,
    "VocabProperty": WORDS | st.lists(WORDS, min_size=1, max_size=2),
    "JsonProperty": st.dictionaries(KEYS, VALUES, max_size=2) | st.lists(VALUES, max_size=2),
    "ListProperty": st.lists(KEPT, max_size=3),
    "ListRelationship": st.lists(URIS.map(lambda id: {"object": id}), max_size=3),
}
INSTANTS = st.sampled_from(["2020-09-09T16:40:00Z", "2020-09-09T16:40:00.5Z"])
METADATA: dict[str, st.SearchStrategy[Any]] = {"observedAt": INSTANTS, "expiresAt": INSTANTS}


@st.composite
def instances(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    """Draw a stored instance with some metadata and sub-attributes."""
    kind = draw(st.sampled_from(list(KINDS)))
    made: dict[str, Any] = {"type": kind, KINDS[kind]: draw(BY_KIND[kind])}
    for member in draw(st.sets(st.sampled_from(list(METADATA)))):
        made[member] = draw(METADATA[member])
    if kind in ("Property", "ListProperty") and draw(st.booleans()):
        made["unitCode"] = "CEL"
    if kind in ("Relationship", "ListRelationship") and draw(st.booleans()):
        made["objectType"] = draw(NAMES)
    if depth < 2:
        for name in draw(st.sets(NAMES, max_size=2)):
            made[name] = draw(attributes(depth + 1))
    return made


@st.composite
def attributes(draw: st.DrawFn, depth: int = 0) -> Any:
    """Draw a stored attribute: an instance, or several of different datasets."""
    several = draw(st.lists(instances(depth), min_size=1, max_size=3 if depth == 0 else 1))
    if len(several) == 1:
        return several[0]
    return [each | ({"datasetId": f"urn:x:{place}"} if place else {}) for place, each in enumerate(several)]


ENTITIES = st.fixed_dictionaries(
    {"id": URIS, "type": NAMES | st.lists(NAMES, min_size=2, max_size=3, unique=True)},
    optional={"scope": st.sampled_from(["/a/b", ["/a", "b"]]), "expiresAt": INSTANTS, "location": POINTS.map(
        lambda point: {"type": "GeoProperty", "value": point})},
).flatmap(lambda head: st.dictionaries(NAMES, attributes(), max_size=3).map(lambda made: head | made))  # fmt: skip


@given(ENTITIES, st.sampled_from([CORE, CITY]), st.sampled_from(["normalized", "concise"]))
def test_what_is_written_reads_back(entity: dict[str, Any], context: Any, form: Any) -> None:
    before = copy.deepcopy(entity)
    written = write_entity(entity, context, Shape(format=form, sys=True))
    body = msgspec.json.encode(written)
    assert read_entity(decode(body), context) == entity == before


@given(ENTITIES, st.sampled_from([CORE, CITY]))
def test_simplified_tells_values_and_nothing_else(entity: dict[str, Any], context: Any) -> None:
    bare = {name: _bare(attribute) if _is_attribute(attribute) else attribute for name, attribute in entity.items()}
    shape = Shape(format="simplified")
    assert write_entity(entity, context, shape) == write_entity(bare, context, shape)


def _is_attribute(attribute: Any) -> bool:
    return isinstance(attribute, dict) or (isinstance(attribute, list) and isinstance(attribute[0], dict))


def _bare(attribute: Any) -> Any:
    if isinstance(attribute, list):
        return [_bare(each) for each in attribute]
    return {name: item for name, item in attribute.items() if name in ("type", "datasetId", *INFERRED)}


GARBAGE = st.recursive(
    SCALARS | st.just(NULL) | URIS | st.sampled_from([*KINDS, "Point", "@none", "2020-09-09T16:40:00Z", "/a"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "type", "speed", "@type", "a:b", "", *sorted(RESERVED)]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


def tried(read: Callable[[], Any]) -> tuple[Any, QuanyuError | None]:
    """Return what was read, or the refusal; anything else that is raised is a fault of ours."""
    try:
        return read(), None
    except QuanyuError as refusal:
        return None, refusal


@settings(max_examples=400)
@given(GARBAGE, st.sampled_from([CORE, CITY]), st.booleans())
def test_whatever_is_sent_is_refused_or_kept_for_good(sent: Any, context: Any, simplified: bool) -> None:
    document = {"id": "urn:x:1", "type": "Car", "probe": sent} | (sent if isinstance(sent, dict) else {})
    before = copy.deepcopy(document)
    read, refusal = tried(lambda: read_entity(document, context, simplified=simplified))
    if refusal is not None:
        assert refusal.code.partition(".")[0] in ("entity", "attribute", "geo")
        assert refusal.where is not None
    else:
        written = write_entity(read, context, Shape(sys=True))
        assert read_entity(written, context) == read
        assert read_entity(write_entity(read, context, Shape(format="concise", sys=True)), context) == read
    assert document == before


@settings(max_examples=300)
@given(GARBAGE, st.booleans())
def test_whatever_is_sent_as_a_fragment_raises_nothing_but_a_refusal(sent: Any, merge: bool) -> None:
    standing = {"probe": {"type": "LanguageProperty", "languageMap": {"en": "x"}}}
    for read in (
        lambda: read_fragment({"probe": sent}, CITY, merge=merge),
        lambda: read_fragment({"probe": sent}, CITY, merge=merge, simplified=True, standing=standing, lang="en"),
        lambda: read_fragment(sent, CITY, merge=merge),
        lambda: read_attribute_fragment("probe", sent, CITY),
        lambda: read_evolution_fragment({"probe": sent, "scope": sent}, CITY),
    ):
        made, refusal = tried(read)
        assert isinstance(made, dict | tuple) if refusal is None else refusal.where is not None


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_decoded_or_refused(body: bytes) -> None:
    _, refusal = tried(lambda: decode(body))
    assert refusal is None or refusal.code == "body.json"
