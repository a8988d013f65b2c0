"""Cases in a fresh store of each adapter, and a small city of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quanyu.engines.cases.views import CasesView
from tests.engines.casework import DAY, MORNING, REVIEW, CaseDesk
from tests.ports.casebook import Make, shelf, view_of


@pytest.fixture(params=["sqlite"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Put the rows of a desk into a fresh store of each adapter; asking again puts the newest rows in."""
    with shelf(tmp_path) as make:
        yield make


@pytest.fixture
def city(stored: Make) -> tuple[CaseDesk, CasesView, dict[str, str]]:
    """One case at each place that a list shows."""
    desk = CaseDesk()
    named = {
        "new": desk.open(
            text="建国路88号井盖缺失", place={"district": "110105", "grid": "G1", "lon": 116.5, "lat": 39.9}
        ),
        "inspect": desk.to_inspect(text="东四工地夜间施工噪声扰民"),
        "returned": desk.to_inspect(text="垃圾堆放"),
        "waiting": desk.to_inspect(text="无主线杆", place={"district": "110116", "address": "怀柔区雁栖大街1号"}),
        "checked": desk.to_close(text="油烟"),
        "closed": desk.closed(text="道路破损"),
        "found": desk.find() or "",
        "history": desk.find(**{"as": "history", "from": MORNING - 40 * DAY, "to": MORNING - DAY}) or "",
        "citizen": desk.open("citizen:new", flow="answer", text="停水", code="ABCD2345"),
    }
    desk.act(named["returned"], "handler", "return", note="应由街道处置")
    desk.act(named["waiting"], "chief", "suspend", note="产权不明", fields=REVIEW)
    return desk, view_of(desk, stored(desk)), named
