"""The index finds every watch that a change concerns; changes are read from records as they were decided."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.notify.change import Change, change_of, laid, observed_in
from quanyu.engines.notify.watch import Index, Watch, watch_of
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
    found = {watch.id for watch in index.candidates(change.entity, change.types or (), change.touched)}
    expected = {watch.id for watch in index.watches.values() if concerned(watch, change)}
    # A deletion that does not say what stood fires for watched attributes that nobody can know of.
    blind = change.deleted and change.before is None
    missed = {each for each in expected - found if not (blind and index.watches[each].watched)}
    assert not missed
    for name in change.changed:
        if any(watch.watched is None or name in watch.watched for watch in index.watches.values()):
            assert index.wants(name)


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
