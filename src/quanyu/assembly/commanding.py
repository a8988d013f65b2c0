"""Incidents and the city's mode put together: tables of the packs, what engines see of one another, composed commands.

A declaration, a graver level, an activated plan and an order each go in one commit with the cases that they open beside
the incident, so that no task and no report is lost between two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from quanyu.engines.access.gate import Gate
from quanyu.engines.cases.engine import CasesEngine
from quanyu.engines.cases.rows import get_case, get_opening
from quanyu.engines.cases.tables import serial_of
from quanyu.engines.cases.timing import recount_commands
from quanyu.engines.cases.views import CasesView
from quanyu.engines.incidents.deciding import Ground, Standing
from quanyu.engines.incidents.engine import IncidentsEngine
from quanyu.engines.incidents.view import IncidentsView
from quanyu.engines.modes.engine import ALL, MODE, ModesEngine, modes_of, shown
from quanyu.engines.warnings.engine import WarningsEngine
from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.grading import Threshold, read_thresholds
from quanyu.kernel.journal import Command, Instant, State
from quanyu.kernel.mode import Effects, Mode, channels_under, grants_under, read_effects, stands
from quanyu.kernel.pack import Pack
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.plan import PlanBook, read_book
from quanyu.kernel.remembered import Remembered
from quanyu.kernel.view import EVERYTHING, Grant

if TYPE_CHECKING:
    from quanyu.adapters.sqlite.store import SqliteStore
    from quanyu.assembly.hub import Hub

REPORT_FLOW: Final = "incident_report"
TASK_FLOW: Final = "incident_task"
LESSON_FLOW: Final = "incident_lesson"
TITLE_MAX: Final = 80


def book_of(packs: Iterable[Pack]) -> PlanBook:
    """Return kinds and plans of all packs, with what the city put into their tables."""
    names = ("incident_kinds", "incident_plans", "incident_tasks")
    kinds, plans, tasks = ([row for pack in packs for row in pack.tables.get(name, ())] for name in names)
    return read_book(kinds, plans, tasks)


def thresholds_of(packs: Iterable[Pack]) -> tuple[Threshold, ...]:
    """Return from which figures on classes of incidents are of which level."""
    tables = ((pack.id, pack.tables.get("incident_levels", ())) for pack in packs)
    return tuple(row for id, rows in tables for row in read_thresholds(rows, f"{id}/tables/incident_levels.csv"))


def chain_of(packs: Iterable[Pack]) -> dict[int, str]:
    """Return how far up a report goes, by level."""
    return {int(row["level"]): row["reports_to"] for pack in packs for row in pack.tables.get("incident_chain", ())}


def effects_of(packs: Iterable[Pack]) -> Effects:
    """Return what an emergency changes besides limits."""
    roles, channels = (
        [row for pack in packs for row in pack.tables.get(name, ())] for name in ("mode_roles", "mode_channels")
    )
    return read_effects(roles, channels)


def standing_in(state: Callable[[], State]) -> Callable[[str], Standing | None]:
    """Return what tells the engine of incidents about cases, as the writer sees them."""

    def standing(id: str) -> Standing | None:
        try:
            serial = serial_of(id)
        except Invalid:
            return None
        found = get_case(state(), serial)
        if found is None:
            return None
        case = found[1]
        return Standing(get_opening(state(), serial).kind, case.state == "open", case.opened_at)

    return standing


class Emergency:
    """The city's mode as each part sees it: `inside` the writer, `outside` what is durable."""

    def __init__(self, effects: Effects, now: Callable[[], Instant]) -> None:
        self.effects = effects
        self._now = now
        self.inside: Callable[[], Sequence[Mode]] = tuple
        self.outside: Callable[[], Sequence[Mode]] = tuple

    def widen_inside(self, grants: Sequence[Grant]) -> Sequence[Grant]:
        """Return grants with what roles gain, as the writer sees it."""
        modes = self.inside()
        # Asked for every command: while no mode is known, the clock is not read.
        return grants_under(grants, modes, self.effects, self._now()) if modes else grants

    def widen_outside(self, grants: Sequence[Grant]) -> Sequence[Grant]:
        """Return grants with what roles gain, as faces see it."""
        return grants_under(grants, self.outside(), self.effects, self._now())

    def suspended(self, district: str | None) -> Collection[str]:
        """Return the actions that an emergency takes away in a district now, as faces see it."""
        return self.effects.loses if stands(self.outside(), self._now(), district) else ()

    def document(self) -> dict[str, Any]:
        """Return the mode as faces show it: what is proposed, what stands, and what it changes."""
        at, modes = self._now(), self.outside()
        standing = [mode for mode in modes if mode.set_at is not None and mode.until > at]
        return {
            "mode": "emergency" if standing else "normal",
            "areas": sorted({mode.area for mode in standing}),
            "modes": shown(modes, at),
            "gains": {role: list(words) for role, words in self.effects.gains.items()} if standing else {},
            "suspended": sorted(self.effects.loses) if standing else [],
            "channels": [name for name, _ in channels_under(self.effects, modes, at, None)],
        }

    def channels(self, district: str | None) -> list[str]:
        """Return the channels in the order that holds for a place now."""
        return [name for name, _ in channels_under(self.effects, self.outside(), self._now(), district)]

    def places(self, at: Instant, districts: Collection[str]) -> dict[str, int]:
        """Return the channels' places for a warning, as the writer sees the mode.

        One district in an emergency puts the whole warning first; without districts, a city-wide mode alone does.
        """
        modes = self.inside()
        met = next((each for each in districts if stands(modes, at, each)), None)
        return dict(channels_under(self.effects, modes, at, met))


def wire_emergency(emergency: Emergency, state: State, engines: Iterable[Any], gate: Gate) -> None:
    """Let whoever decides go by the mode that the writer sees."""
    emergency.inside = lambda: modes_of(state.get(MODE, ALL))
    gate.widen = emergency.widen_inside
    for engine in engines:
        if isinstance(engine, CasesEngine):
            engine.office.modes = emergency.inside
            engine.office.suspended = emergency.effects.loses
        elif isinstance(engine, WarningsEngine):
            engine.places = emergency.places


def recounts(cases: CasesView, parameters: Callable[[], Parameters]) -> Callable[[str], Iterator[Command]]:
    """Return what counts running clocks again whose parameter has an emergency value and reaches what runs."""

    def commands(reason: str) -> Iterator[Command]:
        names = {row.id for row in parameters() if row.emergency is not None and row.applies == "pending"}
        for name in sorted(names):
            yield from recount_commands(cases.open_cases(), reason, parameter=name)

    return commands


class Incidents:
    """Composes commands about incidents; `view` answers about them."""

    def __init__(self, view: IncidentsView, ground: Ground, chain: Mapping[int, str], cases: CasesView) -> None:
        self.view = view
        self._ground, self._chain, self._cases = ground, chain, cases

    def declaration(self, id: str, kind: str, source: str | None, why: str) -> list[Command]:
        """Return the commands that declare an incident and open the reports and the inquiry that its kind asks for."""
        commands = [Command("incident.declare", id, {"kind": kind, "source": source, "why": why})]
        found = self._ground.book.kinds.get(kind)
        before = self.view.get(id)
        if found is None or before is not None:
            return commands
        title = {"zh": found.zh, "en": found.en}
        if found.report:
            reaches = self._chain.get(4, "") if found.report == REPORT_FLOW else ""
            commands.append(self._beside(id, found.report, title, "首次报告", "First report", reaches))
        if found.inquiry:
            commands.append(self._beside(id, found.inquiry, title, "事故调查", "Inquiry"))
        return commands

    def levelling(self, id: str, body: Mapping[str, Any]) -> list[Command]:
        """Return the commands that put a level in force; a graver one whose report goes further up opens that report."""
        commands = [Command("incident.level", id, dict(body))]
        incident = self.view.get(id)
        level = body.get("level")
        kind = None if incident is None else self._ground.book.kinds.get(incident.kind)
        if incident is None or kind is None or kind.report != REPORT_FLOW or not isinstance(level, int):
            return commands
        before = self._chain.get(incident.level or 4)
        if (reaches := self._chain.get(level)) and reaches != before and level < (incident.level or 4):
            title = {"zh": kind.zh, "en": kind.en}
            commands.append(self._beside(id, REPORT_FLOW, title, "等级提升续报", "Report of a graver level", reaches))
        return commands

    def activation(self, id: str, plan: str) -> list[Command]:
        """Return the commands that put a plan to work: one task for each unit, all at once."""
        found = self._ground.book.find(plan)
        orders = [
            self.order(id, task.unit, {"zh": task.zh, "en": task.en}, f"{task.basis} ({task.plan})")
            for task in (found.tasks if found is not None else ())
        ]
        return [Command("incident.activate", id, {"plan": plan}), *orders]

    def order(self, id: str, unit: str, title: Mapping[str, str], text: str = "") -> Command:
        """Return the command that gives a unit an order: a case in its list, to be acknowledged and carried out."""
        words = {language: str(title.get(language) or title["zh"])[:TITLE_MAX] for language in ("zh", "en")}
        return self._open(id, TASK_FLOW, words, text or words["zh"], units={"unit": unit})

    def lesson(self, id: str, unit: str, text: str) -> Command:
        """Return the command that opens what a unit has to mend after an incident."""
        short = text.strip()[:TITLE_MAX]
        return self._open(id, LESSON_FLOW, {"zh": short, "en": short}, text, units={"owner": unit})

    def _beside(self, id: str, flow: str, kind: Mapping[str, str], zh: str, en: str, reaches: str = "") -> Command:
        title = {"zh": f"{kind['zh']}:{zh}", "en": f"{kind['en']}: {en}"}
        return self._open(id, flow, title, title["zh"], **({"class": reaches} if reaches else {}))

    def _open(self, id: str, flow: str, title: Mapping[str, str], text: str, **more: Any) -> Command:
        body = {
            "flow": flow,
            "title": dict(title),
            "text": text,
            "severity": "orange",
            "asset": id,
            "asset_type": "Case",
            "channel": "incident",
            **more,
        }
        case = self._cases.brief(id, EVERYTHING)
        if case is None:
            raise Missing(
                f"Case {id[:80]} does not exist.",
                code="incident.case_unknown",
                where="id",
                remedy="Look it up with GET /api/v1/cases.",
            )
        found = self._cases.listed(id, EVERYTHING) or {}
        if found.get("place"):
            body["place"] = {name: value for name, value in found["place"].items() if value is not None}
        provenance = str(found.get("provenance") or "reported")
        return Command(
            "case.open", "", body, provenance=provenance if provenance.startswith("simulated") else "reported"
        )


def join_incidents(hub: Hub, store: SqliteStore, packs: Iterable[Pack]) -> IncidentsEngine:
    """Give a hub its view of incidents and of the city's mode, and their engine its view of cases; return the engine."""
    engine = next(engine for engine in hub.engines if isinstance(engine, IncidentsEngine))
    cases = hub.views.cases
    assert isinstance(cases, CasesView)
    engine.ground.standing = standing_in(lambda: hub.writer.state)
    latest = hub.latest([kind.name for kind in ModesEngine.kinds])
    modes = Remembered[Sequence[Mode]](lambda: latest.seq, 1)
    hub.emergency.outside = lambda: modes.get(ALL, lambda: modes_of(store.fetch_shared(MODE, ALL))) or ()
    hub.access.widen = hub.emergency.widen_outside
    cases.suspended = hub.emergency.suspended
    view = IncidentsView(store, cases, hub.views.history, engine.ground, hub.clock.now)
    hub.incidents = Incidents(view, engine.ground, chain_of(packs), cases)
    return engine
