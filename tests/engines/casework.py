"""An office at work for tests of cases: the flow of SEMANTICS §8, its people, and a desk in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from quanyu import cities
from quanyu.engines.cases import fold
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.rows import get_case, get_timer
from quanyu.engines.cases.state import CaseState
from quanyu.engines.cases.tables import ROW, id_of, serial_of
from quanyu.kernel.flow import (
    Flow,
    dispute,
    extension,
    fixed,
    flow,
    measurement,
    no_action,
    not_ours,
    parameter,
    pause,
    photo,
    planned,
    return_once,
    same_person,
    step,
)
from quanyu.kernel.journal import Command, Record
from quanyu.kernel.parameter import Parameters, parse_parameters
from quanyu.kernel.time import OfficialCalendar, hours, minutes, parse_calendar, working_days
from quanyu.kernel.view import Grant
from tests.desk import MemoryDesk

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MORNING = 1_772_409_600_000_000
"""2026-03-02 08:00 +08:00, a Monday."""

PHOTO = {"sha256": "a" * 64, "type": "image/jpeg", "name": "before.jpg"}
PHOTOS = [PHOTO, {"sha256": "b" * 64, "type": "image/jpeg"}]
CALENDAR: OfficialCalendar = parse_calendar(
    (Path(str(cities.__file__)).parent / "calendar_cn.csv").read_text(encoding="utf-8"), last_day=date(2026, 12, 31)
)
REVIEW = {"review": "2026-04-01"}
"""A review date of the problem bank."""
UNITS = frozenset({"ecology.enforcement", "ecology.supervision", "ecology.director", "streets.chaoyang", "centre"})
PEOPLE = {
    "person:duty": [Grant("duty", "centre")],
    "person:dispatcher": [Grant("dispatcher", "centre")],
    "person:handler": [Grant("handler", "ecology.enforcement")],
    "person:handler2": [Grant("handler", "ecology.enforcement")],
    "person:street": [Grant("handler", "streets.chaoyang")],
    "person:checker": [Grant("check", "ecology.supervision")],
    "person:chief": [Grant("chief", "centre")],
    "person:clerk": [Grant("clerk", "centre")],
    "person:auditor": [Grant("auditor")],
    "person:both": [Grant("handler", "ecology.enforcement"), Grant("supervisor", "ecology.supervision")],
    "person:far": [Grant("dispatcher", "centre", "110116"), Grant("duty", "centre", "110116")],
}


def inspect_source(**changes: Any) -> Flow:
    """The flow of SEMANTICS §8, with a question to the reporter."""
    given: dict[str, Any] = {"overall": working_days(5), "escalate": "ecology.director", "confirm": hours(24)}
    given["roles"] = {"lead": "ecology.enforcement", "check": "ecology.supervision"}
    given |= changes
    return flow(
        "inspect_source",
        case="alarm",
        zh="排查污染源",
        en="Inspect the source",
        steps=[
            step("accept", by="duty", within=minutes(30), may=[dispute]),
            step("dispatch", by="dispatcher", within=hours(1), to="lead"),
            step(
                "inspect",
                by="lead",
                within=parameter("inspect_limit"),
                evidence=[photo(2), measurement("pm25")],
                may=[return_once, pause("weather")],
            ),
            step("check", by="check", within=working_days(2), unless=same_person("inspect")),
            step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
        ],
        **given,
    )


def plain_flow() -> Flow:
    """A flow without evidence or limits in working days: somebody answers, somebody closes."""
    return flow(
        "answer",
        case="consultation",
        steps=[
            step("accept", by="clerk", outcome=[fixed, no_action]),
            step("close", by="duty", outcome=[fixed, planned, not_ours, no_action]),
        ],
        overall=hours(24),
        confirm=hours(24),
    )


def repair_flow() -> Flow:
    """One piece of work whose holder may ask the chief for more time."""
    return flow(
        "repair",
        case="repair",
        steps=[
            step(
                "repair", by="clerk", within=working_days(3), extend=extension(working_days(2)), may=[pause("weather")]
            ),
            step("close", by="duty", outcome=[fixed, no_action]),
        ],
        overall=working_days(5),
    )


def limits(value: str = "3 working days", applies: str = "start") -> Parameters:
    row = {
        "id": "inspect_limit",
        "value": value,
        "valid_from": "2020-01-01",
        "jurisdiction": "CN",
        "source": "test",
        "status": "simulated",
        "zh": "排查时限",
        "en": "Inspection limit",
        "applies": applies,
    }
    return parse_parameters({"parameter": [row]}, pack="test")


def make_engine(
    flows: Iterable[Flow] | None = None,
    calendar: OfficialCalendar = CALENDAR,
    parameters: Parameters | None = None,
    leads: Mapping[str, str] | None = None,
    territory: Mapping[str, str] | None = None,
) -> CasesEngine:
    return CasesEngine(
        [inspect_source(), plain_flow()] if flows is None else flows,
        limits() if parameters is None else parameters,
        calendar,
        lambda actor: PEOPLE.get(actor, []),
        UNITS,
        leads=leads,
        territory=territory,
    )


class CaseDesk(MemoryDesk):
    """A desk with words for what people do; acts are sent at the version that the actor saw last."""

    def __init__(self, engine: CasesEngine | None = None, at: int = MORNING) -> None:
        self.cases = engine or make_engine()
        super().__init__(self.cases, at)
        self.actor = "system:test"

    def open(self, actor: str = "person:duty", /, **body: Any) -> str:
        given = {"flow": "inspect_source", "text": "工地扬尘", "place": {"district": "110105"}} | body
        records = self.run(Command("case.open", "", given), actor)
        return records[-1].subject

    def act(self, id: str, actor: str, action: str, expects: int | None = None, **body: Any) -> list[Record]:
        return self.run(Command("case.act", id, {"action": action} | body, expects=expects), f"person:{actor}")

    def find(self, key: str = "rule:heavy|asset:1", actor: str = "engine:rules", /, **body: Any) -> str | None:
        given = {
            "rule": "heavy",
            "rule_title": {"zh": "重度扬尘", "en": "Heavy particles"},
            "severity": "orange",
            "flow": "inspect_source",
            "asset": "urn:ngsi-ld:AirQualityObserved:dongsi",
            "asset_type": "AirQualityObserved",
            "attribute": "pm25",
            "from": self.at - HOUR,
            "to": None,
            "value": 180.0,
            "limit": 75.0,
            "unit": "GQ",
            "why": {"zh": "超过两倍", "en": "Twice the limit"},
            "count": 1,
            "place": {"lon": 116.417, "lat": 39.929},
            "as": "live",
            "parameters": [],
        } | body
        records = self.run(Command("case.find", key, given), actor)
        return records[-1].subject if records else None

    def state_of(self, id: str) -> CaseState:
        found = get_case(self.state, serial_of(id))
        assert found is not None
        return found[1]

    def version_of(self, id: str) -> int:
        found = get_case(self.state, serial_of(id))
        assert found is not None
        return found[0]

    def timers(self) -> list[tuple[int, str, str]]:
        """Pending timers as (instant, case, name), earliest first."""
        cases = [row[0] for (table, _), row in self.state.rows.items() if table == ROW.name]
        timers = [(timer, serial) for serial in cases if (timer := get_timer(self.state, serial)) is not None]
        return [
            (due, id_of(serial), name) for (due, name), serial in sorted(timers, key=lambda each: (each[0][0], each[1]))
        ]

    def wake(self) -> list[str]:
        """Fire what is due until nothing is; return the names in order."""
        fired = []
        while due := [timer for timer in self.timers() if timer[0] <= self.at]:
            for at, id, name in due:
                self.run(Command("case.timer", id, {"name": name, "due": at}, "derived"), "engine:cases")
                fired.append(name)
        return fired

    def to_inspect(self, actor: str = "person:duty", /, **body: Any) -> str:
        """Open a case and walk it to the step where the lead unit inspects."""
        id = self.open(actor, **body)
        self.act(id, "duty", "accept")
        self.act(id, "dispatcher", "dispatch")
        return id

    def to_close(self, actor: str = "person:duty", /, **body: Any) -> str:
        id = self.to_inspect(actor, **body)
        self.act(id, "handler", "inspect", files=PHOTOS, fields={"pm25": 35.0})
        self.act(id, "checker", "check", fields={"passed": True})
        return id

    def closed(self, actor: str = "person:duty", /, **body: Any) -> str:
        id = self.to_close(actor, **body)
        self.act(id, "duty", "close", fields={"outcome": "fixed"})
        return id

    def folded(self, id: str) -> CaseState | None:
        """The case folded again from its records alone."""
        return fold.folded(record for record in self.records if record.subject == id)
