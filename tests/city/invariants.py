"""What holds in a city at every instant, read from its journal and its views by code that shares none with them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from quanyu.assembly.chain import Chain
from quanyu.assembly.core import PERSON_KEY, PERSONAL
from quanyu.assembly.keeping import check_hub
from quanyu.engines.access.view import Actor
from quanyu.engines.cases.tables import ROW, id_of
from quanyu.kernel.entity import batch_of
from quanyu.kernel.errors import Denied
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Head, Record
from quanyu.kernel.time import CalendarDays, WallLimit
from quanyu.kernel.view import EVERYTHING, CaseQuery, Filter, Grant, Query
from tests.city.living import LivingCity

PAGE = 500
LISTS = (
    "open", "mine", "returned", "approvals", "waiting", "overdue", "unanswered", "bank", "calendar", "closed", "all",
)  # fmt: skip
DAY_US = 86_400_000_000


class Watch:
    """Follows a city: every new record is looked at once, every case that it touched is looked at again."""

    def __init__(self, city: LivingCity) -> None:
        self.city = city
        self.chain = Chain(Head())
        self.observed = 0
        self.records_of: Counter[str] = Counter()
        self.recomputed = 0
        self.timers_checked = 0
        self._unjudged: list[Record] = []
        city.before_pruning = self.note

    def look(self) -> None:
        """Assert everything about what came since the last look."""
        self.note()
        records, self._unjudged = self._unjudged, []
        self._observations()
        touched = {record.subject for record in records if record.kind.startswith("case.")}
        for case in sorted(touched):
            self._case(case)
        self._timers()
        self._provenance(records)
        self._indicators(records)
        self._strangers()
        self._erased()

    def rebuild(self) -> None:
        """Assert that the whole home checks: chain, state against journal, cursors, lake."""
        report = check_hub(self.city.hub)
        assert report.sound, report.faults
        assert report.quarantined == 0
        health = self.city.hub.health()["readers"]
        assert all(reader["fault"] is None and reader["lag"] == 0 for reader in health.values()), health

    def note(self) -> None:
        """Verify the chain from where it was verified last, and count what came: what was acknowledged stays as it was."""
        found: list[Record] = []
        while batch := self.city.hub.store.read(self.chain.seq, PAGE):
            for stored in batch:
                wrong = self.chain.fault(stored)
                assert wrong is None, wrong
                found.append(self.city.hub.upcast(stored))
        assert self.chain.whole
        assert self.chain.seq == self.city.hub.last_seq
        for record in found:
            self.records_of[record.subject] += record.kind.startswith("case.")
            if record.kind == "observed":
                assert record.body is not None, f"observation {record.seq} was pruned before anybody could count it"
                self.observed += len(batch_of(record.body).value)
        self._unjudged += found

    def _observations(self) -> None:
        rows = self.city.hub.history.statistics().rows
        assert rows == self.observed, f"the journal took {self.observed} observations, the history holds {rows}"

    def _case(self, id: str) -> None:
        case = self.city.hub.views.cases.find(id, EVERYTHING)
        assert case is not None, f"case {id} has records and is not there"
        entries = case["actions"]
        assert len(entries) == self.records_of[id], f"case {id}: {len(entries)} entries, {self.records_of[id]} records"
        moving = sum(entry["action"] != "timer" for entry in entries)
        assert 1 <= case["version"] <= moving, f"case {id}: version {case['version']} after {moving} actions"
        assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
        order = [step["name"] for step in case["steps"]]
        front = 0
        for entry in entries:
            if entry["action"] in order:
                place = order.index(entry["action"])
                # A flow with arrows has no one order of its steps.
                drawn = any(flow.arrows for flow in self._flows(case))
                assert place <= front or case["outcome"] or drawn, f"case {id}: {entry['action']} before {order[front]}"
                front = place + 1
        self._clock(id, case)

    def _flows(self, case: dict[str, Any]) -> list[Flow]:
        return [flow for pack in self.city.hub.packs for flow in pack.flows if flow.name == case["flow"]]

    def _clock(self, id: str, case: dict[str, Any]) -> None:
        overall = next(clock for clock in case["clocks"] if clock["name"] == "overall")
        begins = next((each.begins for each in self._flows(case) if each.begins), None)
        waiting = begins is not None and overall["due"] is None and overall["stopped"] == overall["start"]
        if case["state"] == "open" and waiting:
            others = [clock for clock in case["clocks"] if clock["name"] != "overall" and clock["stopped"] is None]
            assert others, f"case {id} waits for {begins} and no clock runs"
            assert case["step"] is not None, f"case {id} is open and stands nowhere"
        elif case["state"] == "open":
            known = overall["due"] is not None or overall["light"] == "paused" or overall["certain"] is not None
            assert known, f"case {id} is open without a clock: {overall}"
            until = next((each.until for each in self._flows(case) if each.until), None)
            over = any(each["name"] == until and each["state"] == "done" for each in case["steps"])
            assert overall["stopped"] is None or over, f"case {id} is open and its clock is stopped"
            assert case["step"] is not None, f"case {id} is open and stands nowhere"
        elif case["state"] == "closed" and case["merged_into"] is None:
            assert overall["stopped"] is not None, f"case {id} is closed and its clock runs"
            assert case["outcome"], f"case {id} is closed without an outcome"

    def _timers(self) -> None:
        """Every open case whose next instant lies ahead has its timer, and none of a past instant is left."""
        hub = self.city.hub
        now = hub.clock.now()
        timers = {id_of(row[0]): row[4] for row in hub.store.rows(ROW) if row[4] is not None}
        late = [case for case, at in timers.items() if at <= now]
        assert late == [], f"timers did not fire: {late[:3]}"
        for case in self._open():
            overall = () if case["clock"] == "stopped" else (case["amber_at"], case["red_at"], case["due_at"])
            ahead = [at for at in (*overall, case["step_due_at"]) if at and at > now]
            if ahead and case["clock"] != "paused" and not case["historical"]:
                assert case["id"] in timers, f"case {case['id']} waits for {min(ahead)} and has no timer"
                assert timers[case["id"]] <= min(ahead)
                self.timers_checked += 1

    def _open(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.city.hub.views.cases.query(CaseQuery(list="open", limit=PAGE, after=after), EVERYTHING)
            found += page.items
            after = page.after
            if after is None:
                return found

    def _provenance(self, records: list[Record]) -> None:
        for record in records:
            # What a flow or form says is declared by its pack, whoever uses it first.
            if record.actor.startswith("simulation:") and not record.kind.endswith(".defined"):
                assert record.provenance.startswith("simulated"), f"{record.seq} {record.kind} does not say simulated"
            if record.kind == "indicator.computed":
                assert (record.body or {})["simulated"], f"{record.seq} does not say simulated"

    def _indicators(self, records: list[Record]) -> None:
        """Fold the case measures of this instant once more, in plain Python over the facts."""
        hub = self.city.hub
        last = max((r.seq for r in records if r.kind.startswith(("case.", "observed"))), default=0)
        declared = {each.name: each for pack in hub.packs for each in pack.indicators}
        for record in records:
            if record.kind != "indicator.computed" or record.seq < last or record.at != hub.clock.now():
                continue
            body = record.body or {}
            pins = {pin["id"].rpartition(".")[2]: pin["value"] for pin in body["parameters"]}
            values = {each["name"]: each for each in body["measures"]}
            for measure in declared[record.subject].measures:
                if measure.over != "cases" or measure.fold not in ("count", "share"):
                    continue
                hits = [_hit(measure, row, pins, record.at) for row in self._facts(measure, record.at)]
                kept = [hit for hit in hits if hit is not None]
                value = float(len(kept)) if measure.fold == "count" else sum(kept) / len(kept) if kept else None
                found = values[measure.name]
                assert found["count"] == len(kept), f"{record.subject} {measure.name} at {record.seq}"
                assert found["value"] == value, f"{record.subject} {measure.name} at {record.seq}"
                self.recomputed += 1

    def _facts(self, measure: Any, at: int) -> list[dict[str, Any]]:
        length = _length(measure.window)
        data = "data_" in f"{measure.where} {measure.value}"
        rows = self.city.hub.views.cases.facts(at - length, at + 1, data)
        return [
            row | {"start": at - length, "end": at}
            for row in rows
            if not row["historical"] and not row.get("merged_into")
        ]

    def _strangers(self) -> None:
        hub = self.city.hub
        views = hub.views
        stranger = Actor("person:stranger", "", ())
        for action in ("view:cases", "view:entities", "view:history", "view:indicators", "view:people"):
            try:
                scope = hub.access.scope(stranger, action)
            except Denied:
                continue
            raise AssertionError(f"a stranger may {action}: {scope}")
        nobody = Filter(actor="person:stranger", units=frozenset(), places=frozenset(), types=frozenset())
        assert [views.cases.count(CaseQuery(list=name), nobody) for name in LISTS] == [0] * len(LISTS)
        assert views.entities.count(Query(), nobody) == 0
        for unit in self.city.chance.sample([each["id"] for each in hub.city.units], 2):
            self._unit(unit)

    def _unit(self, unit: str) -> None:
        """Whoever works for a unit sees the cases that this unit had to do with, all of them and no other."""
        hub = self.city.hub
        handler = Actor(f"person:{unit}", "", (Grant("handler", unit),))
        scope = hub.access.scope(handler, "view:cases")
        assert scope.units == frozenset({unit})
        roles = {flow.name: set(flow.roles.values()) for pack in hub.packs for flow in pack.flows}
        seen: set[str] = set()
        after = None
        while True:
            page = hub.views.cases.query(CaseQuery(list="all", limit=PAGE, after=after), scope)
            for case in page.items:
                whole = hub.views.cases.find(case["id"], EVERYTHING)
                # Once dispatched, the units that the flow names for it have to do with it before their turn comes.
                named = unit in roles[case["flow"]] and case["lead_unit"] is not None
                assert named or f'"{unit}"'.encode() in msgspec.json.encode(whole), f"{unit} sees {case['id']}"
                seen.add(case["id"])
            after = page.after
            if after is None:
                break
        assert hub.views.cases.count(CaseQuery(list="all"), scope) == len(seen)
        held = {case["id"] for case in self._open() if case["unit"] == unit}
        assert held <= seen, f"{unit} does not see {sorted(held - seen)[:3]}, which it holds"

    def _erased(self) -> None:
        store = self.city.hub.store
        left = {row[0] for row in store.rows(PERSON_KEY)} | {row[1] for row in store.rows(PERSONAL)}
        assert not left & self.city.erased


def _length(window: object) -> int:
    if isinstance(window, WallLimit):
        return window.length_us
    assert isinstance(window, CalendarDays)
    return window.count * DAY_US


class _Row(dict[str, Any]):
    """A flat row; a field of a step that no flow of the case counts is unknown."""

    def __missing__(self, name: str) -> None:
        if not name.startswith("data_"):
            raise KeyError(name)


def _hit(measure: Any, row: dict[str, Any], pins: dict[str, Any], at: int) -> float | None:
    """Return what a row counts in a measure: None when it is left out."""
    known = pins | row
    if measure.fold == "count" and not (measure.where is None or _true(measure.where, known)):
        return None
    if measure.fold == "count":
        return 1.0
    if measure.value is None:
        return float(_true(measure.where, known))
    value = _value(measure.value, known) if measure.where is None or _true(measure.where, known) else None
    return None if value is None else float(value)


def _true(text: str, row: dict[str, Any]) -> bool:
    return bool(_value(text, row))


def _value(text: str, row: dict[str, Any]) -> Any:
    try:
        return eval(text, {"__builtins__": {}}, _Row(row))  # a pack's own expression, folded by Python itself
    except TypeError:
        return None
