"""The official calendar in force: the packaged one and the edits that the journal keeps; an edit moves due dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from quanyu.assembly.core import SETTING
from quanyu.assembly.hub import Hub
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.timing import recount_commands
from quanyu.engines.cases.views import CasesView
from quanyu.kernel.errors import Invalid
from quanyu.kernel.journal import Command, Store
from quanyu.kernel.time import OfficialCalendar, moment
from quanyu.kernel.view import EVERYTHING, CaseQuery

WARN_DAYS = 60


def edited(calendar: OfficialCalendar, store: Store) -> OfficialCalendar:
    """Return the packaged calendar with the edits of this home laid over it."""
    row = store.fetch(SETTING, "calendar")
    if row is None:
        return calendar
    return _with(calendar, msgspec.msgpack.decode(row[1]))


def _with(calendar: OfficialCalendar, edits: Mapping[str, Mapping[str, Any]]) -> OfficialCalendar:
    days = {date.fromisoformat(day): bool(edit["works"]) for day, edit in edits.items()}
    last = max(days)
    source = next(iter(edits.values()))["source"]
    return calendar.with_days(days, source=source, last_day=last if last > calendar.last_day else None)


def edit_calendar(hub: Hub, days: Mapping[str, bool], source: str, actor: str) -> dict[str, int]:
    """Make days working days (True) or days off, and count the clocks of open cases again; one record for each that moved.

    Raises Invalid for a day that is not a date, or when the source (the notice that says so) is missing.
    """
    if not source.strip():
        raise Invalid("The calendar edit names no source.", code="calendar.source", where="source",
                      remedy="Name the notice that orders it.")  # fmt: skip
    try:
        edits = {date.fromisoformat(day).isoformat(): {"works": works, "source": source} for day, works in days.items()}
    except ValueError as error:
        raise Invalid(
            f"A day is not a date: {error}.", code="calendar.day", where="days", remedy="Write 2026-03-05."
        ) from error
    calendar = _with(hub.calendar, edits)
    hub.commit_blocking([Command("calendar.edit", "calendar", {"days": edits})], actor)
    hub.calendar = calendar
    engines = [engine for engine in hub.engines if isinstance(engine, CasesEngine)]
    view = hub.views.cases
    assert isinstance(view, CasesView)
    for engine in engines:
        hub.errand(lambda engine=engine: engine.renew(calendar=calendar))  # type: ignore[misc]
    commands = list(recount_commands(view.open_cases(), source))
    outcomes = hub.commit_blocking(commands, "system:calendar", atomic=False).outcomes
    return {"days": len(edits), "changed": sum(len(each.seqs) for each in outcomes)}


def days_left(hub: Hub) -> int:
    """Return how many days the calendar still knows; below WARN_DAYS `readyz` warns."""
    return (hub.calendar.last_day - moment(hub.clock.now(), hub.city.zone).date()).days


def warnings_of(hub: Hub) -> list[str]:
    """Return what `readyz` says when the calendar's end is near or clocks run beyond it; empty while all is known."""
    found = []
    left, last = days_left(hub), hub.calendar.last_day.isoformat()
    if left < WARN_DAYS:
        found.append(f"the official calendar ends on {last}, in {left} days: enter the next year (quanyu calendar)")
    waiting = hub.views.cases.count(CaseQuery(list="calendar"), EVERYTHING)
    if waiting:
        found.append(
            f"{waiting} open cases have a clock whose due date lies beyond {last}: see the board's list of the calendar"
        )
    return found
