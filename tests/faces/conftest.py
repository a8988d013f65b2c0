"""One city for a module of read tests, a fresh one where a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.city import Knock, knocking


@pytest.fixture
def knock(tmp_path: Path) -> Iterator[Knock]:
    with knocking(tmp_path / "home") as found:
        yield found


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knock]:
    with knocking(tmp_path_factory.mktemp("home")) as found:
        yield found
