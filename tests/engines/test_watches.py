"""The index finds every watch that a change concerns; changes are read from records as they were decided."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.notify.change import Change, change_of, laid, observed_in
from quanyu.engines.notify.index import Index
from quanyu.engines.notify.watch import Watch, watch_of
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Record
from quanyu.kernel.ngsi.subscription import TRIGGERS

NAMES = ("a", "b", "c")
TYPES = ("A", "B", "C")
IDS = ("urn:x:1", "urn:x:2", "urn:y:1")
names = st.frozensets(st.sampled_from(NAMES))
selectors = st.fixed_dictionaries(
    {"type": st.sampled_from(["A", "B", "A;B", "(A|C)", "*", "A,B"])},
    optional={"id": st.sampled_from(IDS), "idPattern": st.sampled_from(["^urn:x", "1$"])},
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "entities": st.lists(selectors, min_size=1, max_size=3),
        "watchedAttributes": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
        "notificationTrigger": st.lists(st.sampled_from(TRIGGERS), min_size=1, max_size=3),
    },
)
changes = st.builds(
    Change,
    seq=st.just(5), at=st.just(7), entity=st.sampled_from(IDS),
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True).map(tuple),
    created=st.booleans(), deleted=st.booleans(), made=names, changed=names, gone=names,
)  # fmt: skip


def concerned(watch: Watch, change: Change) -> bool:
    return watch.selects(change.entity, change.types or ()) and watch.fires(change)


@given(st.lists(documents, max_size=8), st.lists(st.integers(0, 7), max_size=4), changes)
def test_the_index_finds_all_that_a_change_concerns(held: list[Any], removed: list[int], change: Change) -> None:
    index = Index()
    for number, document in enumerate(held):
        index.put(watch_of(str(number), document, 0))
    for number in removed:
        index.remove(str(number))
    candidates = index.candidates(change.entity, change.types or (), change.touched, lambda: None)
    found = {watch.id for watch in candidates}
    expected = {watch.id for watch in index.watches.values() if concerned(watch, change)}
    # A deletion that does not say what stood fires for watched attributes that nobody can know of.
    blind = change.deleted and change.before is None
    missed = {each for each in expected - found if not (blind and index.watches[each].watched)}
    assert not missed
    for name in change.changed:
        if any(watch.watched is None or name in watch.watched for watch in index.watches.values()):
            assert index.wants(name)


VALUES = st.sampled_from([0, 1, 2, 2.5, -1, True, "1", "a", "b", "2026-03-01T00:00:00Z", [1, 5], None])
QUERIES = st.sampled_from(
    ["a>1", "a>=1", "a<2", "a<=2", "a==1..2", "a==1", 'a=="a","b"', "a", "!a", "a!=1", "a>1;b<2", "a>1|a<0", 'a~="x"',
     'a>"a"', "a==2026-03-01T00:00:00Z", "a.observedAt>2026-01-01T00:00:00Z", "a==true", "b{c}>1", "a[x]>1"]
)  # fmt: skip
ATTRIBUTES = st.one_of(
    VALUES.filter(lambda value: value is not None).map(lambda value: {"type": "Property", "value": value}),
    st.lists(VALUES, min_size=2, max_size=3).map(
        lambda values: [
            {"type": "Property", "value": value or 0, "datasetId": f"urn:d:{place}"}
            for place, value in enumerate(values)
        ]
    ),
    st.just({"type": "VocabProperty", "vocab": "a"}),
    st.just({"type": "Relationship", "object": "urn:x:1"}),
)


@given(
    st.lists(QUERIES, min_size=1, max_size=8),
    st.lists(st.integers(0, 7), max_size=3),
    st.fixed_dictionaries({}, optional={"a": ATTRIBUTES, "b": ATTRIBUTES}),
)
def test_gates_let_all_pass_whose_query_holds(
    queries: list[str], removed: list[int], attributes: dict[str, Any]
) -> None:
    document = {"id": "urn:x:1", "type": "A", **attributes}
    index = Index()
    for number, text in enumerate(queries):
        index.put(watch_of(str(number), {"entities": [{"type": "A"}], "q": {"text": text, "names": {}}}, 0))
    for number in removed:
        index.remove(str(number))
    found = {watch.id for watch in index.candidates("urn:x:1", ("A",), frozenset("a"), lambda: document)}
    holding = {id for id, watch in index.watches.items() if watch.holds(document, lambda id: None)}
    assert holding <= found


steps = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 5), documents, st.none() | QUERIES),
    st.tuples(st.just("remove"), st.integers(0, 5)),
)
asked = st.tuples(changes, st.fixed_dictionaries({}, optional={"a": ATTRIBUTES, "b": ATTRIBUTES}))


@given(st.lists(steps, max_size=10), st.lists(asked, min_size=1, max_size=4))
def test_whoever_comes_or_goes_the_index_finds_all_that_would_say_so_themselves(
    done: list[Any], told: list[Any]
) -> None:
    index = Index()
    for verb, number, *rest in done:
        if verb == "put":
            document, query = rest
            q = {} if query is None else {"q": {"text": query, "names": {}}}
            index.put(watch_of(str(number), {**document, **q}, 0))
        else:
            index.remove(str(number))
        for change, attributes in told:
            entity = {"id": change.entity, "type": list(change.types), **attributes}
            found = index.candidates(change.entity, change.types, change.touched, lambda: entity)  # noqa: B023
            assert len({watch.id for watch in found}) == len(found)
            assert {index.watches[watch.id] for watch in found} == set(found)
            blind = change.deleted and change.before is None
            for watch in index.watches.values():
                if concerned(watch, change) and watch.holds(entity, lambda id: None):
                    assert watch in found or (blind and watch.watched)


def test_of_many_thresholds_only_those_in_reach_are_asked() -> None:
    index = Index()
    for bound in range(100):
        for sign in (">", "<"):
            query = {"text": f"a{sign}{bound}", "names": {}}
            index.put(watch_of(f"{sign}{bound}", {"entities": [{"type": "A"}], "q": query}, 0))
    document = {"id": "urn:x:1", "type": "A", "a": {"type": "Property", "value": 3.5}}
    found = index.candidates("urn:x:1", ("A",), frozenset("a"), lambda: document)
    assert len(found) == 4 + 96
    assert index.candidates("urn:x:1", ("A",), frozenset("a"), lambda: {"id": "urn:x:1", "type": "A"}) == []


def record(kind: str, body: dict[str, Any]) -> Record:
    return Record(9, 7, "person:a", kind, 1, "urn:x:1", body, None, "reported")


def test_a_replacement_is_told_apart_only_when_the_record_says_what_stood() -> None:
    document = {"id": "urn:x:1", "type": "A", "a": 1, "b": 2}
    blind = change_of(record("entity.replaced", {"document": document, "gone": ["c"]}))
    assert (blind.made, blind.changed, blind.gone) == (frozenset("ab"), frozenset("ab"), frozenset("c"))
    known = change_of(record("entity.replaced", {"document": document, "gone": ["c"], "before": {"a": 0, "c": 3}}))
    assert (known.made, known.changed, known.gone) == (frozenset("b"), frozenset("a"), frozenset("c"))


def test_an_instance_that_goes_is_a_change_and_an_end() -> None:
    left = {"type": "Property", "value": 1}
    body = {"type": "A", "patch": {"a": left}, "added": [], "datasets": {"a": ["urn:d:1"]}}
    gone = change_of(record("entity.merged", body))
    assert (gone.changed, gone.gone) == (frozenset(), frozenset("a"))
    both = change_of(record("entity.merged", {**body, "datasets": {"a": ["urn:d:1", None]}}))
    assert (both.changed, both.gone) == (frozenset("a"), frozenset("a"))
    scope = change_of(record("entity.merged", {"type": "A", "patch": {}, "added": [], "head": {"scope": "/x"}}))
    assert (scope.changed, scope.patch) == (frozenset({"scope"}), {"scope": "/x"})


@pytest.mark.parametrize("size", [3, 100])
def test_observations_are_read_from_rows_and_columns(size: int) -> None:
    rows = [Observation("urn:x:1", "load", number, float(number), "KWT") for number in range(size)]
    body = {**body_of(observations([*rows, Observation("urn:x:1", "word", 1, "text")])), "as": "live"}
    found = list(observed_in(record("observed", body), lambda name: name == "load"))
    assert found == [("urn:x:1", "load", number, float(number), "KWT") for number in range(size)]
    assert list(observed_in(record("observed", body), lambda name: False)) == []
    assert list(observed_in(record("observed", {**body, "as": "history"}), lambda name: True)) == []


def test_an_observed_value_is_laid_over_unless_a_newer_one_stands() -> None:
    def stood(at: Any) -> dict[str, Any]:
        other = {"type": "Property", "value": 2, "datasetId": "urn:d:1"}
        return {"load": [{"type": "Property", "value": 1, "observedAt": at}, other]}

    patch = {"load": (10, 5.0, "KWT", 20)}
    assert laid(stood(15), patch, 0)["load"][0] == {
        "type": "Property",
        "value": 5.0,
        "observedAt": 10,
        "unitCode": "KWT",
    }
    assert laid(stood(25), patch, 0) == stood(25)
    assert laid(stood("1970-01-01T00:00:00.00003Z"), patch, 0) == stood("1970-01-01T00:00:00.00003Z")
    assert laid({}, patch, 0)["load"]["value"] == 5.0
