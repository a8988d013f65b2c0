"""Hears what is reported, and folds what is the same: merges by the ordinary action, suggests, and sees outbreaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from quanyu.engines.cases.alike.near import Bounds, Candidate, bounds_of, candidates
from quanyu.engines.cases.alike.outbreak import Outbreaks
from quanyu.engines.cases.alike.spots import OUTBREAK, PAIR, SPOT, UNLIKE, AlikeStore, Spot, spot_of
from quanyu.engines.cases.opening import MERGE_DEPTH_MAX
from quanyu.engines.cases.state import CaseState, state_of
from quanyu.engines.cases.store import CaseStore
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.kernel.journal import Change, Command, Effects, Instant, Record, Table
from quanyu.kernel.likeness import HOUR_US
from quanyu.kernel.parameter import Parameters
from quanyu.kernel.view import EVERYTHING

ACTOR: Final = "engine:cases.alike"
PEOPLE: Final = frozenset({"citizen", "counter", "console", "phone", "open311", "simulation"})
"""Channels through which people report; what rules find is folded by the rule's own key."""

LATE_US: Final = 24 * HOUR_US
"""A report that is heard of later than this (a new reader on an old home) is noted, but nothing is done about it."""

SUGGESTED_MAX: Final = 3
SAID: Final = {"zh": "报告人确认为同一件", "en": "the reporter says that it is the same"}


class Standing(NamedTuple):
    """The open case that answers for a report: its own or the one it was merged into."""

    serial: int
    case: CaseState


class AlikeReader:
    """Keeps the spots of open reports; its commands and rows move with its cursor, so nothing is folded twice."""

    name: Final = "cases.alike"
    wants: Final = frozenset({"case.opened", "case.acted"})
    tables: Final[tuple[Table, ...]] = (SPOT, UNLIKE, PAIR, OUTBREAK)

    def __init__(
        self, store: AlikeStore, cases: CaseStore, parameters: Parameters, *, zone: str, jurisdiction: str
    ) -> None:
        self._store, self._cases = store, cases
        self._parameters, self._zone, self._jurisdiction = parameters, zone, jurisdiction

    def renew(self, parameters: Parameters) -> None:
        """Compare by what the city released from the next report on."""
        self._parameters = parameters

    def read(self, records: Sequence[Record], now: Instant) -> Effects:
        """Note new reports and answer them; forget what has ended; remember what was judged to be two."""
        bounds = bounds_of(self._parameters, now, self._zone, self._jurisdiction)
        if bounds is None:
            return Effects()
        batch = _Batch(self._store, self._cases, bounds, now)
        for record in records:
            assert record.body is not None, f"record {record.seq} is kept for ever and has no body"
            if record.kind == "case.opened":
                batch.opened(record, record.body)
            else:
                batch.acted(record, record.body)
        return Effects(batch.commands, tuple(batch.changes.values()))


class _Batch:
    """One batch of records: what it has decided already counts for what comes after."""

    def __init__(self, store: AlikeStore, cases: CaseStore, bounds: Bounds, now: Instant) -> None:
        self._store, self._cases, self._bounds, self._now = store, cases, bounds, now
        self.commands: list[Command] = []
        self.changes: dict[tuple[Any, ...], Change] = {}
        self._fresh: dict[int, Spot] = {}
        self._leads: dict[int, int] = {}
        self._outbreaks = Outbreaks(store, bounds)

    def opened(self, record: Record, body: dict[str, Any]) -> None:
        """Answer a report of people: fold it, suggest it, or only note where it lies."""
        head = body["head"]
        if body.get("historical") or head["channel"] not in PEOPLE:
            return
        serial = serial_of(record.subject)
        spot = spot_of(serial, body["opened_at"], head, body.get("simulated", False))
        if self._now - spot.at <= LATE_US:
            self._answer(record, spot, body.get("same_as"), frozenset(body.get("unlike", ())))
            self.commands += self._outbreaks.joined(spot, self._fresh.values(), record)
            for member, root in self._outbreaks.marks():
                self._put(OUTBREAK, (member, root), 1)
        self._fresh[serial] = spot
        self._put(SPOT, tuple(spot), 3)

    def _answer(self, record: Record, spot: Spot, same_as: int | None, unlike: frozenset[int]) -> None:
        """Fold or suggest; what the reporter said of it counts more than any likeness."""
        said = None if same_as is None else self._standing(same_as)
        if said is not None:
            self._fold(record, spot, said, SAID)
            return
        bounds = self._bounds
        found = candidates(self._store, spot, bounds.weights, self._fresh.values(), bounds.suggest)
        offered = 0
        leads = set[int]()
        for each in found:
            standing = self._standing(each.spot.serial)
            if standing is None:
                self._forget(each.spot)
                continue
            if standing.serial in leads or standing.serial == spot.serial:
                continue
            leads.add(standing.serial)
            if standing.serial not in unlike and self._folds(spot, each, standing):
                self._fold(record, spot, standing, each.likeness.why)
                return
            if offered < SUGGESTED_MAX:
                offered += 1
                doc = msgspec.json.encode(each.likeness.why)
                self._put(PAIR, (spot.serial, standing.serial, round(each.likeness.score, 3), doc), 2)

    def _fold(self, record: Record, spot: Spot, standing: Standing, why: Mapping[str, str]) -> None:
        self._leads[spot.serial] = standing.serial
        fields = {"into": id_of(standing.serial)}
        body = {"action": "merge", "fields": fields, "note": f"{why['zh']} / {why['en']}"}
        self.commands.append(Command("case.act", id_of(spot.serial), body, provenance="derived", cause=record.seq))

    def _folds(self, spot: Spot, each: Candidate, standing: Standing) -> bool:
        """Whether a report is so alike that it is folded at once, and its case is nobody else's yet."""
        case = standing.case
        return (
            each.likeness.score >= self._bounds.fold
            and case.state == "open"
            and case.objection is None
            and case.district == spot.district
        )

    def _standing(self, serial: int) -> Standing | None:
        """Return the open case behind a report; None when it has closed."""
        for _ in range(MERGE_DEPTH_MAX):
            serial = self._leads.get(serial, serial)
            stored = self._cases.find(serial, EVERYTHING)
            if stored is None:
                return None
            case = state_of(stored.doc)
            if case.merged_into is None:
                return Standing(serial, case) if case.state != "closed" else None
            serial = case.merged_into
        return None

    def acted(self, record: Record, body: dict[str, Any]) -> None:
        """Hear what people decided: a split or "not the same" is remembered, a merge or an end clears suggestions."""
        serial, action = serial_of(record.subject), body["action"]
        other = body.get("other")
        if action in ("split", "unlike") and other is not None:
            self._put(UNLIKE, (serial, other), 2)
            self._put(UNLIKE, (other, serial), 2)
        if action == "unlike" and other is not None:
            for pair in ((serial, other), (other, serial)):
                self._gone(PAIR, pair)
        elif action == "merge" or "outcome" in body:
            for one, two, *_ in self._store.pairs_of(serial):
                self._gone(PAIR, (one, two))
        if "outcome" in body:
            for spot in self._store.spots_of(serial):
                self._forget(spot)
            if serial in self._fresh:
                self._forget(self._fresh[serial])

    def _forget(self, spot: Spot) -> None:
        self._fresh.pop(spot.serial, None)
        self._gone(SPOT, (spot.cell, spot.at, spot.serial))

    def _put(self, table: Table, row: tuple[Any, ...], keys: int) -> None:
        key = row[:keys]
        self.changes[table.name, *key] = Change(table.name, key, row)

    def _gone(self, table: Table, key: tuple[Any, ...]) -> None:
        self.changes[table.name, *key] = Change(table.name, key, None)
