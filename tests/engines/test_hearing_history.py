"""What the history's reader keeps of a record is what the record tells, only sorted by where it will stand."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quanyu.engines.history.alike import ALIKE_MIN, hear_all
from quanyu.engines.history.columns import Rows, Words
from quanyu.engines.history.engine import RECENT_RECORDS, HistoryReader
from quanyu.engines.history.telling import hear, numbers_of, told
from quanyu.kernel.entity import UNTOLD
from quanyu.kernel.journal import Record

VALUES = st.one_of(st.floats(), st.integers(-(2**60), 2**60), st.text(max_size=3), st.booleans(), st.none())
TIMES = st.sampled_from(["2026-03-02T08:00:00Z", "2026-03-02T08:00:00.25Z", 1_772_438_400_000_000, None])


@st.composite
def instances(draw: st.DrawFn) -> dict[str, Any]:
    """An instance with and without unit, time, dataset and what else may stand in one."""
    made: dict[str, Any] = {"type": draw(st.sampled_from(["Property", "GeoProperty"])), "value": draw(VALUES)}
    for name, values in (
        ("unitCode", st.sampled_from(["GQ", ""])),
        ("observedAt", TIMES),
        ("datasetId", st.just("urn:d:1")),
        ("quality", st.just({"type": "Property", "value": 1})),
    ):
        if draw(st.booleans()):
            made[name] = draw(values)
    return made


ATTRIBUTES = st.dictionaries(
    st.sampled_from(["pm25", "name", "location", "scope"]),
    st.one_of(instances(), st.lists(instances(), min_size=1, max_size=3)),
    max_size=4,
)


@given(ATTRIBUTES, st.sampled_from(["entity.created", "entity.merged"]))
def test_what_is_heard_is_what_is_told(attributes: dict[str, Any], kind: str) -> None:
    body: dict[str, Any] = {"document": attributes} if kind == "entity.created" else {"patch": attributes, "added": []}
    record = Record(7, 11, "person:a", kind, 1, "urn:a:1", body, None, "measured:scada")
    heard, tells = hear(record), told(record)
    assert heard.untimed == any(each.observed_at is None for each in tells)
    timed = {each.offset: each for each in tells if each.observed_at is not None}
    rows = numbers_of([(record, heard)], Words())
    assert sorted([*rows.offset.tolist(), *(each.offset for each in heard.tells)]) == sorted(timed)
    assert all(timed[each.offset] == each for each in heard.tells)
    for place, offset in enumerate(rows.offset.tolist()):
        each = timed[offset]
        assert each.content.keys() <= {"type", "value", "unitCode"}
        assert (each.attribute, each.dataset) == (rows.words.names[rows.attribute[place]], "")
        assert (each.observed_at, float(each.content["value"])) == (rows.observed_at[place], rows.value[place])
        assert rows.words.names[rows.unit[place]] == (each.content.get("unitCode") or "")
        assert rows.words.names[rows.source[place]] == "scada"


NUMBERS = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": st.one_of(st.floats(-100, 100), st.integers(-(2**54), 2**54), st.booleans()),
     "observedAt": st.sampled_from(["2026-03-02T08:00:00Z", "2026-03-02T08:00:00.25Z"])},
    optional={"unitCode": st.sampled_from(["GQ", "P1"])},
)  # fmt: skip


def rows_of(rows: Rows) -> list[tuple[Any, ...]]:
    """What stands in the columns, its words spelled out."""
    names = rows.words.names
    spelled = [
        [names[code] for code in column]
        for column in (rows.entity, rows.attribute, rows.unit, rows.quality, rows.source)
    ]
    plain = [column.tolist() for column in (rows.offset, rows.observed_at, rows.at, rows.seq, rows.value)]
    return list(zip(*spelled, *plain, strict=True))


@given(
    ATTRIBUTES,
    st.dictionaries(st.sampled_from(["no2", "pm10"]), st.lists(NUMBERS, min_size=1, max_size=3), max_size=2),
    st.dictionaries(st.integers(0, 11), ATTRIBUTES, max_size=2),
    st.integers(0, 12),
)
def test_many_are_heard_as_each_is(
    same: dict[str, Any], numbers: dict[str, list[Any]], others: dict[int, Any], after: int
) -> None:
    records = []
    for seq in range(ALIKE_MIN + 4):
        measured = {name: each[seq % len(each)] for name, each in numbers.items()}
        document = {"id": f"urn:a:{seq}", "type": "A", **measured, **others.get(seq, same)}
        provenance = "measured:scada" if seq % 5 else "reported"
        body = {"document": document, "n": seq}
        records.append(Record(seq, 11 + seq, "person:a", "entity.created", 1, f"urn:a:{seq}", body, None, provenance))
    deleted = Record(99, 99, "person:a", "entity.deleted", 1, "urn:a:1", {"n": 1, "type": "A"}, None, "reported")
    records.append(deleted)
    pairs, rows = hear_all(records, after, Words())
    expected = [(record, hear(record)) for record in records]
    assert [(record, [*each.tells], each.untimed, each.describes) for record, each in pairs] == [
        (record, [*each.tells], each.untimed, each.describes)
        for record, each in expected
        if each.tells or each.describes
    ]
    assert rows_of(rows) == rows_of(numbers_of([pair for pair in expected if pair[0].seq > after], Words()))


class Nothing:
    """A store that holds nothing yet."""

    def last_seq(self) -> int:
        return 0

    def rows(self, table: Any) -> list[Any]:
        return []


def test_what_no_store_has_yet_is_remembered_however_much_is_measured_meanwhile() -> None:
    nothing: Any = Nothing()
    reader = HistoryReader(nothing, nothing)
    created = {"document": {"id": "urn:a:1", "type": "A"}, "n": 1, UNTOLD: True}
    made = Record(1, 11, "person:a", "entity.created", 1, "urn:a:1", created, None, "reported")
    patch = {"no2": {"type": "Property", "value": 1.5, "observedAt": "2026-03-02T08:00:00Z"}}
    body = {"n": 1, "type": "A", "patch": patch, "added": []}
    records = [made]
    records += [
        Record(seq, 11, "person:a", "entity.merged", 1, "urn:a:1", body, None, "reported")
        for seq in range(2, 2 * RECENT_RECORDS + 1_000)
    ]
    for start in range(0, len(records), 500):
        effects = reader.read(records[start : start + 500], 11)
        assert effects.delta == ()
    assert any((1, 1) in side.described.get("urn:a:1", ()) for side in reader.told_ahead())
