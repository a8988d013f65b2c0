"""What devices say: topics with named parts, payloads in three forms, times in four, and columns of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quanyu.kernel.device import (
    Field,
    Gathering,
    Message,
    Pattern,
    Row,
    Template,
    checked_id,
    documents,
    pick,
    reader_of,
)
from quanyu.kernel.errors import Invalid
from quanyu.kernel.time import parse_instant

ARRIVAL = parse_instant("2026-03-02T08:00:00+08:00")
AIR = Message(
    "Air", fields={"pm25": Field("pm25", "GQ"), "d.0.t": Field("temperature", "CEL", 0.1), "state": Field("state")}
)
ID = "urn:ngsi-ld:Air:1"


def rows(message: Message, payload: str) -> list[tuple[Any, ...]]:
    read = reader_of(message, "Asia/Shanghai")
    return [row[1:] for document in documents(message, payload.encode()) for row in read(ID, document, ARRIVAL)]


def code(message: Message, payload: str) -> str | None:
    with pytest.raises(Invalid) as caught:
        rows(message, payload)
    return caught.value.code


@pytest.mark.parametrize(
    ("pattern", "heard", "topic", "found"),
    [
        ("city/+district/air/+station", "city/+/air/+", "city/110105/air/7", {"district": "110105", "station": "7"}),
        ("city/+district/air/+station", "city/+/air/+", "city/110105/air/7/raw", None),
        ("city/+/air/+station", "city/+/air/+", "city/x/noise/7", None),
        ("a/#rest", "a/#", "a/b/c", {"rest": "b/c"}),
        ("a/#", "a/#", "a", {}),
        ("a/b", "a/b", "a/b", {}),
        ("+a/+b", "+/+", "/x", {"a": "", "b": "x"}),
    ],
)
def test_a_pattern_hears_topics_and_names_their_parts(
    pattern: str, heard: str, topic: str, found: dict[str, str] | None
) -> None:
    assert Pattern(pattern).filter == heard
    assert Pattern(pattern).match(topic) == found


@pytest.mark.parametrize("pattern", ["", "$SYS/#", "a/#/b", "a+/b", "a/+9", "+x/+x", "a\0", "x" * 1100])
def test_a_pattern_that_cannot_be_heard_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        Pattern(pattern)
    assert caught.value.code == "devices.topic"


LEVEL = st.text(st.characters(codec="utf-8", exclude_characters="/+#\0"), max_size=6)


@given(st.lists(LEVEL, min_size=1, max_size=5), st.data())
def test_a_pattern_made_of_a_topic_hears_it(levels: list[str], data: st.DataObject) -> None:
    topic = "/".join(levels)
    if not topic or topic.startswith("$"):
        topic = "t/" + topic
    given_levels = topic.split("/")
    named = [data.draw(st.booleans()) for _ in given_levels]
    pattern = Pattern("/".join(f"+n{n}" if named[n] else level for n, level in enumerate(given_levels)))
    assert pattern.match(topic) == {f"n{n}": level for n, level in enumerate(given_levels) if named[n]}


def test_an_object_becomes_rows_in_the_units_declared() -> None:
    found = rows(AIR, '{"pm25": 35, "d": [{"t": 215}], "state": "ok", "else": 1}')
    assert found == [
        ("pm25", ARRIVAL, 35.0, "GQ"),
        ("state", ARRIVAL, "ok", None),
        ("temperature", ARRIVAL, pytest.approx(21.5), "CEL"),
    ]
    assert rows(AIR, '[{"pm25": "35.5"}, {"pm25": true, "state": null}]') == [
        ("pm25", ARRIVAL, 35.5, "GQ"),
        ("pm25", ARRIVAL, 1.0, "GQ"),
    ]
    assert rows(
        Message("Air", fields=AIR.fields, missing=(-9999, "NA")), '{"pm25": -9999, "state": "NA", "d": [{"t": 1}]}'
    ) == [("temperature", ARRIVAL, pytest.approx(0.1), "CEL")]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("{", "device.json"),
        ("\xff", "device.json"),
        ("[1]", "device.json"),
        ("7", "device.json"),
        ("[" * 2000, "device.json"),
        ("{}", "device.empty"),
        ('{"pm25": ""}', "device.empty"),
        ('{"pm25": "wet"}', "device.value"),
        ('{"pm25": "1_0"}', "device.value"),
        ('{"pm25": {}}', "device.value"),
        ('{"pm25": 1' + "0" * 400 + "}", "device.value"),
        ('{"pm25": 1, "d": [{"t": []}]}', "device.value"),
    ],
)
def test_a_message_is_taken_whole_or_not_at_all(payload: str, expected: str) -> None:
    assert code(AIR, payload) == expected


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (None, '"2026-03-02T08:00:00+08:00"'),
        ("s", "1772409600"),
        ("s", '"1772409600"'),
        ("ms", "1772409600000"),
        ("us", "1772409600000000"),
        ("%Y%m%d%H%M%S", '"20260302080000"'),
        ("%d.%m.%Y %H:%M %z", '"02.03.2026 00:00 +0000"'),
    ],
)
def test_times_in_the_declared_form(form: str | None, written: str) -> None:
    message = Message("Air", fields={"v": Field("v")}, time="ts", format=form)
    assert rows(message, f'{{"v": 1, "ts": {written}}}') == [("v", ARRIVAL, 1.0, None)]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (None, "1772409600"),
        (None, '"yesterday"'),
        ("s", "1772409600000"),
        ("ms", "{}"),
        ("s", "-5"),
        ("%Y", '"x"'),
        ("s", "null"),
    ],
)
def test_a_time_in_another_form_is_refused(form: str | None, written: str) -> None:
    message = Message("Air", fields={"v": Field("v")}, time="ts", format=form)
    assert code(message, f'{{"v": 1, "ts": {written}}}') == "device.time"


def test_a_bare_number() -> None:
    level = Message("Well", "number", value=Field("level", "CMT", 100))
    assert rows(level, " 1.5\n") == [("level", ARRIVAL, 150.0, "CMT")]
    assert [code(level, payload) for payload in ('"wet"', "null", "", "{}", "[1]")] == [
        "device.value", "device.value", "device.json", "device.value", "device.value",
    ]  # fmt: skip


def test_an_entity_as_the_standard_writes_it() -> None:
    message = Message("Air", "ngsi-ld")
    at = "2026-03-02T07:00:00+08:00"
    found = rows(
        message,
        '{"id": "urn:ngsi-ld:Air:1", "type": "Air", "pm25": {"type": "Property", "value": 35, "unitCode": "GQ",'
        f' "observedAt": "{at}"}}, "state": {{"value": "ok"}}, "level": 4}}',
    )
    assert found == [
        ("pm25", parse_instant(at), 35.0, "GQ"),
        ("state", ARRIVAL, "ok", None),
        ("level", ARRIVAL, 4.0, None),
    ]
    assert code(message, '{"location": {"type": "GeoProperty", "value": {}}}') == "device.value"
    assert code(message, '{"a b": 1}') == "device.value"
    assert code(message, '{"id": "urn:ngsi-ld:Air:1"}') == "device.empty"
    assert code(message, '{"a": {"value": 1, "observedAt": 5}}') == "device.time"


def test_templates_are_filled_from_topic_and_payload() -> None:
    template = Template("urn:ngsi-ld:Air:{district}-{payload.dev.id}", ["district"])
    assert template.fill({"district": "1"}, {"dev": {"id": 7}}) == "urn:ngsi-ld:Air:1-7"
    with pytest.raises(Invalid) as caught:
        template.fill({"district": "1"}, {"dev": {}})
    assert caught.value.code == "device.template"
    for text in ("{town}", "{", "}a{district}"):
        with pytest.raises(Invalid):
            Template(text, ["district"])
    assert pick([{"a": [1, 2]}], ("0", "a", "1")) == 2
    assert pick({"a": 1}, ("a", "b")) is None
    for wrong in ("urn:ngsi-ld:Air:a b", "x", "urn:ngsi-ld:Air:" + "x" * 400):
        with pytest.raises(Invalid) as caught:
            checked_id(wrong)
        assert caught.value.code == "device.entity"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["urn:ngsi-ld:A:1", "urn:ngsi-ld:A:2"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 2**50),
        st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["on", "off"]),
        st.sampled_from([None, "GQ", "GP"]),
    ),
    max_size=30,
)


@given(ROWS)
def test_gathering_loses_nothing_and_mixes_no_units(given_rows: list[Row]) -> None:
    gathering = Gathering()
    gathering.take(given_rows)
    assert len(gathering) == len(given_rows)
    found = []
    for batch in gathering.batches():
        # Iterating a batch gives texts without units: the unit is the attribute's in that batch.
        found += [(o.entity, o.attribute, o.observed_at, o.value, batch.units.get(o.attribute)) for o in batch]
    assert sorted(found, key=repr) == sorted(given_rows, key=repr)
