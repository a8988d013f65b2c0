"""What is remembered of entities finds whom a change concerns as reading them would, whatever came before."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.context.fold import applied
from quanyu.engines.context.overlay import laid
from quanyu.engines.notify.change import change_of
from quanyu.engines.notify.hearing import Hearing
from quanyu.engines.notify.index import Index
from quanyu.engines.notify.memory import Memory, types_of
from quanyu.engines.notify.watch import watch_of
from quanyu.kernel.entity import Document
from quanyu.kernel.journal import Record

ID, OTHER = "urn:x:1", "urn:x:2"
NAMES = ("a", "b", "c")
numbers = st.sampled_from([0, 5, 9.5, "m"])
instances = st.builds(
    lambda value, dataset: {"type": "Property", "value": value, **({"datasetId": dataset} if dataset else {})},
    numbers, st.sampled_from([None, None, "urn:d:1"]),
)  # fmt: skip
attributes = st.one_of(
    instances,
    st.just({"type": "Relationship", "object": OTHER}),
    st.lists(instances, min_size=2, max_size=2, unique_by=lambda each: each.get("datasetId")),
)
steps = st.one_of(
    st.tuples(st.just("merge"), st.dictionaries(st.sampled_from(NAMES), st.none() | attributes, min_size=1)),
    st.tuples(st.just("replace"), st.dictionaries(st.sampled_from(NAMES), attributes)),
    st.tuples(st.just("observe"), st.tuples(st.sampled_from(NAMES), st.integers(1, 5), numbers)),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("import"), st.tuples(st.sampled_from(NAMES), st.integers(1, 5), numbers)),
    st.tuples(st.just("look"), st.none()),
)
QUERIES = ("a>4", "a==5", "b<7", 'b=="m"', "c", "a>4;b<7")


class Store:
    """One entity under the rules of the store: what is written, and what was observed last over it."""

    def __init__(self) -> None:
        self.document: Document | None = None
        self.last: dict[str, tuple[int, Any]] = {}
        self.asked = 0

    def find(self, id: str) -> Document | None:
        self.asked += 1
        return self.now()

    def now(self) -> Document | None:
        if self.document is None:
            return None
        found = dict(self.document)
        for name, (at, value) in self.last.items():
            found[name] = laid(found.get(name), value, at, None, None)
        return found

    def do(self, verb: str, what: Any) -> tuple[str, dict[str, Any]] | None:
        """Change the entity; return kind and body of the record that says so."""
        if verb == "replace" or self.document is None:
            made = self.document is None
            self.document, self.last = {"id": ID, "type": "A", **(what if verb == "replace" else {})}, {}
            return ("entity.created" if made else "entity.replaced"), {"document": self.document}
        if verb == "merge":
            self.document = applied(self.document, what)
            self.last = {name: each for name, each in self.last.items() if name not in what}
            return "entity.merged", {"type": "A", "patch": what, "added": []}
        if verb == "delete":
            self.document, self.last = None, {}
            return "entity.deleted", {"type": "A"}
        if verb in ("observe", "import"):
            name, at, value = what
            if name not in self.last or self.last[name][0] <= at:
                self.last[name] = (at, value)
            return "observed", {"rows": [[ID, name, at, value, None]], "as": "live" if verb == "observe" else "history"}
        return None


def index_of() -> Index:
    index = Index()
    for query in QUERIES:
        index.put(watch_of(query, {"entities": [{"type": "A"}], "q": {"text": query, "names": {}}}, 0))
    return index


@given(st.lists(steps, max_size=12))
def test_who_is_found_by_what_is_remembered_is_who_would_be_found_by_reading(done: list[Any]) -> None:
    index, store = index_of(), Store()
    memory = Memory(store.find, index.gated)
    for seq, (verb, what) in enumerate(done, start=1):
        told = store.do(verb, what)
        if told is None:
            memory.part(ID)
            continue
        kind, body = told
        record = Record(seq, seq, "person:a", kind, 1, ID, body, None, "reported")
        standing = store.now()
        if kind != "observed":
            change = change_of(record)
            memory.take(change)
            part, names = memory.standing(change), change.touched
        elif verb == "import":
            memory.forget()
            continue
        else:
            patch = Hearing([record], index.wants).patches(record)[ID]
            part, names = memory.observe(ID, patch), frozenset(patch)
        assert (part is None) == (standing is None)
        if part is None or standing is None:
            continue
        assert types_of(part) == ("A",)
        found = {watch.id for watch in index.candidates(ID, ("A",), names, lambda: part)}  # noqa: B023
        wanted = {watch.id for watch in index.candidates(ID, ("A",), names, lambda: standing)}  # noqa: B023
        holding = {each for each in wanted if index.watches[each].holds(standing, lambda id: None)}
        assert holding <= found
        if verb != "observe":
            assert found == wanted


def test_what_concerns_nobody_is_read_once() -> None:
    index, store = index_of(), Store()
    memory = Memory(store.find, index.gated)
    store.do("replace", {"a": {"type": "Property", "value": 1}})
    for at in range(1, 50):
        assert memory.observe(ID, {"a": (at, 2, None)}) == {"type": "A", "a": store.document and memory.part(ID)["a"]}  # type: ignore[index]
    assert store.asked == 1


def test_written_instances_named_one_by_one_are_read_again() -> None:
    index, store = index_of(), Store()
    memory = Memory(store.find, index.gated)
    store.do("replace", {"a": {"type": "Property", "value": 1}})
    memory.part(ID)
    told = store.do("merge", {"a": {"type": "Property", "value": 7}})
    assert told is not None
    memory.take(change_of(Record(2, 2, "p", told[0], 1, ID, told[1], None, "reported")), in_full=False)
    part = memory.part(ID)
    assert part is not None
    assert part["a"]["value"] == 7
    assert store.asked == 2
