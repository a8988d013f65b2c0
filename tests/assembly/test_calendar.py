"""A calendar edit is kept, survives a restart, and moves the due dates of open cases, one record each."""

from __future__ import annotations

from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.calendar import days_left, edit_calendar
from quanyu.assembly.clock import SimulatedClock
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command
from quanyu.kernel.time import parse_instant
from quanyu.kernel.view import EVERYTHING, CaseQuery
from tests.hubs import MORNING

OPEN = {
    "flow": "grid_case", "text": "路灯不亮", "severity": "yellow", "channel": "counter", "class": "c0203",
    "place": {"lon": 116.4, "lat": 39.9, "district": "110101", "grid": None, "address": "东城区"},
}  # fmt: skip


def test_edit_moves_due_dates_and_survives(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    hub.clock.jump(MORNING)
    hub.start()
    case = hub.commit_blocking([Command("case.open", "", dict(OPEN))], "system:test").outcomes[0].subject
    before = hub.views.cases.find(case, EVERYTHING)
    assert before is not None
    done = edit_calendar(hub, {"2026-03-03": False}, "test notice", "system:test")
    after = hub.views.cases.find(case, EVERYTHING)
    assert after is not None
    assert done["changed"] == 1
    assert after["due_at"] == before["due_at"] + 24 * 3_600_000_000
    assert [r.kind for r in hub.journal_read(0, 1000, {"case.due_changed"})] == ["case.due_changed"]
    assert days_left(hub) > 365
    assert hub.health()["warnings"] == []
    hub.clock.jump(MORNING + 640 * 86_400_000_000)
    assert "ends on 2027-12-31, in 29 days" in hub.health()["warnings"][0]
    for days, source in (({"2026-13-01": True}, "notice"), ({"2026-03-04": True}, " ")):
        with pytest.raises(Invalid):
            edit_calendar(hub, days, source, "system:test")
    hub.close()
    again = open_hub(tmp_path, Options(demo=True))
    assert again.calendar == hub.calendar
    again.close()


def test_a_clock_beyond_the_calendar_is_on_its_keepers_list_until_the_year_is_entered(tmp_path: Path) -> None:
    hub = open_hub(tmp_path, Options(demo=True))
    assert isinstance(hub.clock, SimulatedClock)
    last = hub.calendar.last_day.isoformat()
    hub.clock.jump(parse_instant(f"{last}T10:00:00+08:00"))
    hub.start()
    case = hub.commit_blocking([Command("case.open", "", dict(OPEN))], "system:test").outcomes[0].subject
    found = hub.views.cases.find(case, EVERYTHING)
    assert found is not None
    assert (found["clock"], found["latest_certain_day"]) == ("unknown", last)
    assert hub.views.cases.query(CaseQuery(list="calendar"), EVERYTHING).items[0]["id"] == case
    assert any(
        f"1 open cases have a clock whose due date lies beyond {last}" in each for each in hub.health()["warnings"]
    )
    hub.close()
    hub = open_hub(tmp_path, Options(demo=True))
    hub.start()
    year = int(last[:4]) + 1
    edit_calendar(hub, {f"{year}-12-31": True}, "test notice", "system:test")
    assert hub.views.cases.count(CaseQuery(list="calendar"), EVERYTHING) == 0
    after = hub.views.cases.find(case, EVERYTHING)
    assert after is not None
    assert after["due_at"] is not None
    assert not [each for each in hub.health()["warnings"] if "beyond" in each]
    hub.close()
