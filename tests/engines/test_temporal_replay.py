"""Whatever is told, amended, struck, forgotten, lost and merged, in whatever order: evolutions equal a plain list."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quanyu.adapters.lake.compact import Request, compaction
from quanyu.kernel.entity import Observation
from quanyu.kernel.ngsi.context import CORE
from quanyu.kernel.ngsi.q import parse_q
from quanyu.kernel.temporal import Method, TemporalQuery, instance_of, parse_period
from quanyu.kernel.time import format_instant
from quanyu.kernel.view import EVERYTHING
from tests.engines.chronicle import Chronicle
from tests.engines.past import MINUTE_US, MORNING

CARS = [f"urn:ngsi-ld:Vehicle:{number}" for number in range(3)]
NAMES = ["speed", "fuel"]
DATASETS = ["", "urn:x:d"]
Key = tuple[str, str, str, int]

car, name, dataset = st.sampled_from(CARS), st.sampled_from(NAMES), st.sampled_from(DATASETS)
minute = st.integers(0, 12).map(lambda each: MORNING + each * MINUTE_US)
value = st.one_of(st.integers(0, 5), st.sampled_from(["a", "b"]))
instance = st.tuples(name, dataset, minute, value)
step = st.one_of(
    st.tuples(st.just("observe"), st.lists(st.tuples(car, name, minute, value), min_size=1, max_size=70)),
    st.tuples(st.just("add"), st.tuples(car, st.lists(instance, min_size=1, max_size=8))),
    st.tuples(st.just("merge"), st.tuples(car, name, minute, value)),
    st.tuples(st.just("amend"), st.tuples(st.integers(0, 10**6), minute, value)),
    st.tuples(st.just("strike"), st.integers(0, 10**6)),
    st.tuples(st.just("forget"), st.tuples(car, st.sampled_from([*NAMES, ""]), st.sampled_from([*DATASETS, "*"]))),
    st.tuples(st.just("feed"), st.integers(1, 4)),
    st.tuples(st.just("flush"), st.none()),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("compact"), st.tuples(st.booleans(), st.integers(1, 8))),
)


class Plain:
    """Instances in a dict. Numbers in columns and other instances of one key stand side by side; the later is shown."""

    def __init__(self) -> None:
        self.count = 0
        self.held: dict[tuple[bool, Key], tuple[int, Any]] = {}

    def put(self, key: Key, value: Any, *, plain: bool) -> None:
        self.count += 1
        self.held[plain, key] = (self.count, value)

    def standing(self) -> dict[Key, tuple[int, bool, Any]]:
        shown: dict[Key, tuple[int, bool, Any]] = {}
        for (plain, key), (count, value) in self.held.items():
            if key not in shown or shown[key][0] < count:
                shown[key] = (count, plain, value)
        return shown

    def remove(self, key: Key) -> None:
        del self.held[self.standing()[key][1], key]


class City:
    """A history and the plain list beside it."""

    def __init__(self, home: Path) -> None:
        self.past = Chronicle(home / "lake", {"rows_held_max": 100})
        self.plain = Plain()
        for id in CARS:
            self.past.standing.documents[id] = {"id": id, "type": "Vehicle"}

    def observe(self, rows: list[tuple[str, str, int, Any]]) -> None:
        # Numbers come before texts in the order of a batch.
        for id, name, at, value in sorted(rows, key=lambda row: isinstance(row[3], str)):
            self.plain.put((id, name, "", at), value, plain=not isinstance(value, str))
        self.past.observe([Observation(*row) for row in rows])

    def add(self, told: tuple[str, list[tuple[str, str, int, Any]]]) -> None:
        id, instances = told
        attributes: dict[str, list[dict[str, Any]]] = {}
        for name, dataset, at, value in instances:
            each = {"type": "Property", "value": value, "observedAt": format_instant(at)}
            attributes.setdefault(name, []).append(each | ({"datasetId": dataset} if dataset else {}))
        for number in (False, True):  # what is no plain number is told by an earlier record
            for name, dataset, at, value in sorted(instances, key=lambda each: list(attributes).index(each[0])):
                plain = not dataset and not isinstance(value, str)
                if plain == number:
                    self.plain.put((id, name, dataset, at), value, plain=plain)
        self.past.tell("history.add", id, {"attributes": attributes, "stands": True})

    def merge(self, told: tuple[str, str, int, Any]) -> None:
        id, name, at, value = told
        patch = {name: {"type": "Property", "value": value, "observedAt": format_instant(at)}}
        self.plain.put((id, name, "", at), value, plain=not isinstance(value, str))
        self.past.write("entity.merged", id, {"n": 1, "type": "Vehicle", "patch": patch})

    def _choose(self, choice: int) -> tuple[Key, tuple[int, int], dict[str, Any]] | None:
        shown = [
            ((id, name, each.get("datasetId", ""), each["observedAt"]), each)
            for id in CARS
            for document in self._found(id)
            for name in NAMES
            for each in document.get(name, [])
        ]
        if not shown:
            return None
        key, each = shown[choice % len(shown)]
        pair = instance_of(each["instanceId"])
        assert pair is not None
        return key, pair, each

    def _found(self, id: str, query: TemporalQuery | None = None) -> list[dict[str, Any]]:
        found = self.past.view.find(id, query or TemporalQuery(), EVERYTHING)
        return [dict(document) for document in found.items] if found else []

    def amend(self, how: tuple[int, int, Any]) -> None:
        chosen = self._choose(how[0])
        if chosen is None:
            return
        (id, name, dataset, at), pair, _ = chosen
        known = self.past.view.instance(id, name, pair, EVERYTHING)
        assert known is not None
        assert known["observedAt"] == at
        amended = {"type": "Property", "value": how[2], "observedAt": format_instant(how[1])}
        amended |= {"datasetId": dataset} if dataset else {}
        body = {"id": list(pair), "attribute": name, "instance": amended, "created": known["createdAt"]}
        self.past.tell("history.amend", id, body)
        self.plain.remove((id, name, dataset, at))
        self.plain.put((id, name, dataset, how[1]), how[2], plain=False)

    def strike(self, choice: int) -> None:
        chosen = self._choose(choice)
        if chosen is not None:
            self.past.tell("history.strike", chosen[0][0], {"instances": [list(chosen[1])], "reason": "wrong"})
            self.plain.remove(chosen[0])

    def forget(self, what: tuple[str, str, str]) -> None:
        id, name, dataset = what
        self.past.tell("history.forget", id, {"attribute": name, "dataset": dataset, "stands": True})
        for plain, key in list(self.plain.held):
            if key[0] == id and (not name or (key[1] == name and dataset in ("*", key[2]))):
                del self.plain.held[plain, key]

    def feed(self, batch: int) -> None:
        self.past.feed(batch)

    def flush(self, _: None) -> None:
        self.past.flush()

    def cut(self, _: None) -> None:
        self.past.again()

    def compact(self, how: tuple[bool, int]) -> None:
        if not (self.past.store.table / "_delta_log").exists():
            return
        everything, steps = how
        reader = self.past.reader
        work = compaction(
            self.past.store.table, Request(tuple(reader.hidden), everything, 0, tuple(reader.forgotten_rows()))
        )
        for _ in range(steps):
            with suppress(StopIteration):
                next(work)
        work.close()
        self.past.store.refresh()

    def expected(self, id: str, name: str, start: int, end: int) -> list[tuple[int, str, Any]]:
        return sorted(
            (key[3], key[2], value)
            for key, (_, _, value) in self.plain.standing().items()
            if key[:2] == (id, name) and start <= key[3] < end
        )

    def check(self) -> None:
        spans = [(0, 2**60), (MORNING + 3 * MINUTE_US, MORNING + 9 * MINUTE_US)]
        for start, end in spans:
            query = TemporalQuery(timed=True, start=start, end=end)
            found = self.past.view.query(query, EVERYTHING)
            wanted = [id for id in CARS if any(self.expected(id, name, start, end) for name in NAMES)]
            assert [each["id"] for each in found.items] == wanted
            for id in CARS:
                (document,) = self._found(id, query) or [{}]
                for name in NAMES:
                    shown = [
                        (each["observedAt"], each.get("datasetId", ""), each["value"])
                        for each in document.get(name, [])
                    ]
                    assert sorted(shown) == self.expected(id, name, start, end)
                self.check_aggregates(id, start, end)
        fast = [
            id for id in CARS
            if any(value.__class__ is int and value > 3 for _, _, value in self.expected(id, "speed", *spans[0]))
        ]  # fmt: skip
        asked = TemporalQuery(timed=True, start=0, q=parse_q("speed>3", CORE))
        assert [each["id"] for each in self.past.view.query(asked, EVERYTHING).items] == fast

    def check_aggregates(self, id: str, start: int, end: int) -> None:
        methods: tuple[Method, ...] = ("totalCount", "sum")
        query = TemporalQuery(
            timed=True, start=start, end=end, values_only=True, methods=methods, period=parse_period("PT5M")
        )
        (document,) = self._found(id, query) or [{}]
        for name in NAMES:
            told = document.get(name, [])
            cells: dict[tuple[str, int], list[Any]] = {}
            for at, dataset, value in self.expected(id, name, start, end):
                origin = start if start else min(key[3] for key in self.plain.standing() if key[0] == id)
                cells.setdefault((dataset, (at - origin) // (5 * MINUTE_US)), []).append(value)
            counted: dict[tuple[str, int], list[Any]] = {}
            for each in told if isinstance(told, list) else [told]:
                origin = start if start else 0
                for method in methods:
                    for value, begin, _ in each.get(method, []):
                        counted.setdefault((each.get("datasetId", ""), begin), []).append(value)
            if start:
                assert counted == {
                    (dataset, start + number * 5 * MINUTE_US): [len(values), *_sums(values)]
                    for (dataset, number), values in cells.items()
                }
            else:
                assert sum(values[0] for values in counted.values()) == sum(map(len, cells.values()))


def _sums(values: list[Any]) -> list[Any]:
    numbers = [value for value in values if not isinstance(value, str)]
    return [pytest.approx(sum(numbers))] if numbers else []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=3, max_size=14))
def test_evolutions_equal_a_plain_list(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        city = City(Path(home))
        for word, argument in steps:
            act: Callable[[Any], None] = getattr(city, word)
            act(argument)
        city.check()
        city.past.feed()
        city.past.flush()
        city.check()
        city.past.again()
        city.check()
        city.past.store.close()


PAIRS = st.lists(st.tuples(car, minute, st.integers(-3, 3)), min_size=1, max_size=12)
TERMS = st.sampled_from(
    ["speed==1", "speed!=1", "speed>0", "speed<=-1", "speed==-1..1", "speed!=-2..2", "speed==2,3", "!speed", "speed",
     'speed=="1"', "speed>1;speed<-1", "speed==0|speed>2", "!speed|speed==1;speed<1"]
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PAIRS, TERMS, st.booleans())
def test_extremes_tell_as_much_as_all_values(rows: list[tuple[str, int, int]], text: str, flushed: bool) -> None:
    with tempfile.TemporaryDirectory() as home:
        city = City(Path(home))
        city.observe([(id, "fuel", MORNING, 0) for id in CARS] + [(id, "speed", at, value) for id, at, value in rows])
        if flushed:
            city.feed(9)
            city.flush(None)
        q = parse_q(text, CORE)
        expected = []
        for id in CARS:
            values = [value for _, _, value in city.expected(id, "speed", 0, 2**60)]
            document: dict[str, Any] = {"id": id, "type": "Vehicle", "fuel": [{"type": "Property", "value": 0}]}
            if values:
                document["speed"] = [{"type": "Property", "value": value} for value in values]
            if q.matches(document):
                expected.append(id)
        found = city.past.view.query(TemporalQuery(timed=True, start=0, q=q), EVERYTHING)
        assert [each["id"] for each in found.items] == expected
        city.past.store.close()
