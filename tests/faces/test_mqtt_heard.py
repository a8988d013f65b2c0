"""Which entity a message is about: by its topic, by what it says itself, and what a new one begins with."""

from __future__ import annotations

from typing import Any

import pytest

from quanyu.faces.mqtt import heard
from quanyu.faces.mqtt.heard import Ear
from quanyu.kernel.device import parse_devices
from quanyu.kernel.errors import Invalid

DEVICES = """
[mqtt.a]
broker = "mqtt://b"
[[mqtt.a.topic]]
topic = "air/+district/+station"
type = "Air"
fields = { v = { attribute = "v" } }
[[mqtt.a.topic]]
topic = "gateway/+gateway"
type = "Air"
entity = "urn:ngsi-ld:Air:{gateway}-{payload.dev}"
fields = { v = { attribute = "v" } }
create = { gateway = "{gateway}", model = "{payload.model}" }
[[mqtt.a.topic]]
topic = "entities/#"
type = "Well"
payload = "ngsi-ld"
create = {}
[[mqtt.a.topic]]
topic = "fixed"
type = "Well"
entity = "urn:ngsi-ld:Well:fixed"
time = "at"
fields = { v = { attribute = "v" } }
create = { name = "The fixed one", model = "{payload.model}" }
"""


@pytest.fixture
def ear() -> Ear:
    return Ear(parse_devices(DEVICES, "devices.toml").brokers[0].topics, "Asia/Shanghai")


def entities(ear: Ear, topic: str, payload: str) -> tuple[list[str], dict[str, Any]]:
    reading = ear.read((topic, payload.encode(), 1))
    plain = {
        id_: {name: each["value"] for name, each in document.items() if isinstance(each, dict)}
        | {"type": document["type"]}
        for id_, document in reading.births.items()
    }
    return [row[0].removeprefix("urn:ngsi-ld:") for row in reading.rows], plain


def code(ear: Ear, topic: str, payload: str) -> str | None:
    with pytest.raises(Invalid) as caught:
        ear.read((topic, payload.encode(), 1))
    return caught.value.code


def test_the_topic_says_it(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "PLACES_MAX", 2)
    for station in "abcab":
        assert entities(ear, f"air/110105/{station}", '{"v": 1}') == ([f"Air:110105:{station}"], {})
    assert entities(ear, "air/110105/x", '[{"v": 1}, {"v": 2}]')[0] == ["Air:110105:x"] * 2


def test_the_message_says_it(ear: Ear) -> None:
    found, born = entities(ear, "gateway/g1", '[{"dev": 7, "v": 1, "model": "m"}, {"dev": "8", "v": 2, "model": "n"}]')
    assert found == ["Air:g1-7", "Air:g1-8"]
    assert born["urn:ngsi-ld:Air:g1-8"] == {"name": "g1", "gateway": "g1", "model": "n", "type": "Air"}
    assert code(ear, "gateway/g1", '{"v": 1, "model": "m"}') == "device.template"
    assert code(ear, "gateway/g1", '{"dev": "a b", "v": 1, "model": "m"}') == "device.entity"
    assert code(ear, "gateway/g1", '[{"dev": 7, "v": 1, "model": "m"}, {"dev": 8, "model": "n"}]') == "device.empty"


def test_an_entity_brings_its_id(ear: Ear) -> None:
    found, born = entities(ear, "entities/x/y", '{"id": "urn:ngsi-ld:Well:1", "type": "Well", "level": 4}')
    assert (found, born) == (["Well:1"], {"urn:ngsi-ld:Well:1": {"name": "1", "type": "Well"}})
    assert code(ear, "entities/x", '{"level": 4}') == "device.entity"
    assert code(ear, "entities/x", '{"id": "1", "level": 4}') == "device.entity"


def test_what_a_new_entity_begins_with_may_come_from_the_message(ear: Ear) -> None:
    sent = '{"v": 1, "model": "m", "at": "2026-03-02T08:00:00Z"}'
    found, born = entities(ear, "fixed", sent)
    assert found == ["Well:fixed"]
    assert born == {"urn:ngsi-ld:Well:fixed": {"name": "The fixed one", "model": "m", "type": "Well"}}


def test_a_topic_that_nobody_declared_and_which_have_their_time(ear: Ear) -> None:
    assert code(ear, "elsewhere", "1") == "device.topic"
    assert [ear.timed(topic) for topic in ("fixed", "entities/x", "air/1/2", "elsewhere")] == [True, True, False, True]
