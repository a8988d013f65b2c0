"""Words that the console chooses by a code of the hub: a new code must have its word in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quanyu.assembly import open_hub

I18N = Path(__file__).parents[2] / "console" / "src" / "i18n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    hub = open_hub(tmp_path_factory.mktemp("home"))
    yield hub
    hub.close()


@pytest.fixture(params=["zh", "en"])
def words(request: pytest.FixtureRequest) -> Any:
    return msgspec.json.decode((I18N / f"{request.param}.json").read_bytes())


def test_every_reader_on_the_page_of_operations_has_a_name(hub: Any, words: Any) -> None:
    assert len(hub.runners) > 10
    assert [name for name in hub.runners if f"reader.{name}" not in words] == []


def test_whoever_does_a_step_of_a_flow_has_a_name(hub: Any, words: Any) -> None:
    found = {
        (flow.name, step.by)
        for pack in hub.packs
        for flow in pack.flows
        for step in flow.steps
        if step.by and not flow.roles.get(step.by)
    }
    assert len(found) > 10
    assert sorted(each for each in found if each[1] not in hub.access.roles and f"role.{each[1]}" not in words) == []
