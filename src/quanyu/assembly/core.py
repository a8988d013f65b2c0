"""The hub's own records: checkpoints, erasures, simulation steps, calendar edits, reader cursors, idempotency."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from quanyu.kernel.errors import Conflict, Invalid
from quanyu.kernel.journal import Body, Command, Desk, Fact, Kind, Record, State, Table

CURSOR = Table("reader", ("name TEXT", "seq INTEGER", "failures TEXT"), canonical=False)
IDEMPOTENCY = Table(
    "idempotency", ("actor TEXT", "key TEXT", "digest BLOB", "receipt BLOB", "at INTEGER"), keys=2, canonical=False
)
PERSON_KEY = Table("person_key", ("person TEXT", "key BLOB"), canonical=False)
PERSONAL = Table("personal", ("reference TEXT", "person TEXT", "sealed BLOB"), canonical=False)
FOLDED = Table("folded", ("engine TEXT", "seq INTEGER"), canonical=False)
"""Up to which record the rows of an engine whose tables lag are written; no row: up to the last."""
SETTING = Table("setting", ("name TEXT", "value BLOB"))

KINDS = (
    Kind("journal.checkpointed"),
    Kind("person.erased"),
    Kind("personal.read"),
    Kind("simulation.ticked", life="telemetry"),
    Kind("calendar.edited"),
    Kind("pack.loaded"),
    Kind("record.quarantined"),
)


class CoreEngine:
    """Decides the hub's own commands. `setting` rows hold the last tick, the calendar edits and the loaded packs."""

    name = "core"
    commands = frozenset(
        {
            "journal.checkpoint",
            "person.erase",
            "personal.read",
            "simulation.tick",
            "calendar.edit",
            "pack.load",
            "record.quarantine",
        }
    )
    kinds = KINDS
    tables = (CURSOR, FOLDED, IDEMPOTENCY, PERSON_KEY, PERSONAL, SETTING)

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge one of the hub's own commands."""
        body = command.body
        if command.kind == "person.erase":
            if not command.subject:
                raise Invalid("Erasure names no person.", code="person.unnamed", where="subject")
            return [Fact("person.erased", command.subject, {"reason": str(body.get("reason", ""))})]
        if command.kind == "simulation.tick":
            row = desk.state.get(SETTING, "simulation")
            last = msgspec.msgpack.decode(row[1])["number"] if row else -1
            if body["number"] != last + 1:
                raise Conflict(
                    f"Simulation step {body['number']} does not follow step {last}.",
                    code="simulation.order",
                    where="body.number",
                    remedy="One process steps a simulated home; stop the other.",
                )
            return [Fact("simulation.ticked", "simulation", body)]
        if command.kind == "calendar.edit":
            _check_days(body)
        kind = {
            "journal.checkpoint": "journal.checkpointed",
            "personal.read": "personal.read",
            "calendar.edit": "calendar.edited",
            "pack.load": "pack.loaded",
            "record.quarantine": "record.quarantined",
        }[command.kind]
        return [Fact(kind, command.subject, body)]

    def evolve(self, record: Record, state: State) -> None:
        """Keep the last step, the packs in force and the calendar's edits as settings; forget the key of the erased."""
        body = record.body or {}
        if record.kind == "person.erased":
            # What comes of the person later is sealed under a new key, not under one that is destroyed.
            state.delete(PERSON_KEY, record.subject)
        if record.kind == "simulation.ticked":
            state.put(SETTING, ("simulation", msgspec.msgpack.encode(body)))
        elif record.kind == "pack.loaded":
            state.put(SETTING, (f"pack:{record.subject}", msgspec.msgpack.encode(body)))
        elif record.kind == "calendar.edited":
            row = state.get(SETTING, "calendar")
            days = msgspec.msgpack.decode(row[1]) if row else {}
            state.put(SETTING, ("calendar", msgspec.msgpack.encode({**days, **body["days"]}, order="sorted")))


class _DayEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    works: bool
    source: str


def _check_days(body: Body) -> None:
    """Refuse an edit that could not be laid over the calendar when the home is opened next."""
    try:
        days = msgspec.convert(body.get("days"), dict[str, _DayEdit])
        for day in days:
            date.fromisoformat(day)
    except (msgspec.ValidationError, ValueError) as error:
        raise _no_days(str(error)) from error
    if not days:
        raise _no_days("no day is named")


def _no_days(why: str) -> Invalid:
    return Invalid(
        f"The calendar edit cannot be read: {why}.",
        code="calendar.day",
        where="days",
        remedy="Write a date like 2026-03-05 with `works` and `source` for each day.",
    )
