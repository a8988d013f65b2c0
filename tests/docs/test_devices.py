"""The devices file and the table of factors that the guide shows can be read, and mean what the guide says."""

from __future__ import annotations

from datetime import date

from quanyu.assembly.devices import load_factors, load_plan
from quanyu.assembly.packs import load_packs
from quanyu.kernel.device import parse_devices
from tests.docs.pages import ROOT, blocks

EXAMPLES = ROOT / "docs" / "examples"


def test_the_example_has_one_of_everything() -> None:
    messages = [message for pack in load_packs() for message in pack.messages]
    plan = load_plan(EXAMPLES / "devices.toml", messages)
    (broker,) = plan.brokers
    assert [topic.message.payload for topic in broker.topics] == ["json", "number", "json"]
    assert broker.topics[2].message.name == "air_station"
    factors = load_factors(plan, EXAMPLES)
    found = factors.find("a21005", date(2026, 1, 1))
    assert found is not None
    assert (found.attribute, found.scale, found.status) == ("co", 1000, "unverified")
    assert factors.unverified == 6


def test_what_the_guide_writes_in_toml_is_a_devices_file() -> None:
    shown = [block for block in blocks(ROOT / "docs" / "guides" / "devices.md") if block.language == "toml"]
    assert [len(parse_devices(block.text, "guide").brokers) for block in shown] == [1]
