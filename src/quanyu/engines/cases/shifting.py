"""Handing a shift over: the log of what happened in it is kept as it was, and whoever takes over accepts it.

The log is put together by `shift_log` from the journal and comes with the command; here it is judged and kept. A shift
begins where the one before it ended, so that nothing falls between two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from quanyu.engines.cases.bodies import AcceptBody, HandOverBody, read_body
from quanyu.engines.cases.office import Office, person_document
from quanyu.engines.cases.option import Asker
from quanyu.engines.cases.state import encode
from quanyu.engines.cases.tables import SHIFT, SHIFT_DESK
from quanyu.kernel.errors import Conflict, Denied, Invalid, Missing
from quanyu.kernel.journal import Body, Command, Desk, Fact, Record, State
from quanyu.kernel.view import Grant

OFFICERS: Final = ("duty", "chief", "dispatcher")
"""Roles that stand watch at a desk."""


def shift_id(desk: str, number: int) -> str:
    """Return the id of a desk's shift: shift:<desk>:<number>."""
    return f"shift:{desk}:{number}"


def decide_hand_over(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Keep the log of a shift; the one before must have been accepted, and this one must begin where it ended."""
    body = read_body(command.kind, command.body, HandOverBody)
    asker = office.asker(desk, None)
    grant = _watch(asker, body.desk)
    if office.units is not None and body.desk not in office.units:
        raise Invalid(
            f"Desk {body.desk!r} is no unit of this city.",
            code="shift.desk",
            where="body.desk",
            remedy="Name the unit at which you are on duty.",
        )
    number, upto = last_of(desk.state, body.desk)
    if number:
        row = desk.state.get(SHIFT, shift_id(body.desk, number))
        assert row is not None, f"desk {body.desk} counts {number} shifts and lacks the last"
        if row[4] is None:
            raise Conflict(
                f"Shift {number} of {body.desk} was handed over and nobody has accepted it.",
                code="shift.unaccepted",
                where="body.desk",
                remedy="Accept it first, with remarks where something is missing.",
            )
    if not (number == 0 or body.after == upto) or not body.after <= body.upto < desk.seq:
        raise Conflict(
            f"Log covers records {body.after + 1} to {body.upto}, but the shift begins after {upto}.",
            code="shift.gap",
            where="body.after",
            remedy="Draw the log up again.",
        )
    said: dict[str, Any] = {
        "desk": body.desk,
        "number": number + 1,
        "after": body.after,
        "upto": body.upto,
        "from_at": body.from_at,
        "to_at": desk.at,
        "person": person_document(asker, grant),
        "to": body.to,
        "notes": body.notes,
        "log": body.log,
    }
    yield Fact("shift.handed_over", shift_id(body.desk, number + 1), said)


def decide_accept(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Take a shift over: once, by somebody else than who handed it over, and by the person named where one was."""
    body = read_body(command.kind, command.body, AcceptBody)
    row = desk.state.get(SHIFT, command.subject)
    if row is None:
        raise Missing(
            f"Shift {command.subject[:80]} does not exist.",
            code="shift.unknown",
            where="subject",
            remedy="List the shifts with GET /api/v1/shifts.",
        )
    kept = msgspec.msgpack.decode(row[3])
    asker = office.asker(desk, None)
    grant = _watch(asker, kept["desk"])
    if kept["person"]["id"] == asker.id:
        raise Denied(
            f"Actor {asker.id} handed this shift over and cannot accept it.",
            code="shift.same_person",
            where=command.subject,
            remedy="Whoever takes over accepts it.",
        )
    if kept["to"] is not None and kept["to"] != asker.id and grant.role != "chief":
        raise Denied(
            f"Shift was handed over to {kept['to']}, not to {asker.id}.",
            code="shift.not_receiver",
            where=command.subject,
            remedy="The person named, or a chief, accepts it.",
        )
    if row[4] is not None:
        first = msgspec.msgpack.decode(row[4])
        raise Conflict(
            f"Shift was accepted by {first['person']['id']} already.",
            code="shift.accepted",
            where=command.subject,
            remedy="Nothing is left to do.",
        )
    yield Fact("shift.accepted", command.subject, {"person": person_document(asker, grant), "remarks": body.remarks})


def _watch(asker: Asker, desk: str) -> Grant:
    """Return the grant under which somebody stands watch at a desk; Denied (shift.role_missing) when there is none."""
    for grant in asker.grants:
        if grant.role in OFFICERS and grant.unit in (None, desk):
            return grant
    raise Denied(
        f"Actor {asker.id} is not on duty at {desk}.",
        code="shift.role_missing",
        where="body.desk",
        remedy=f"One of these roles at this desk may: {', '.join(OFFICERS)}.",
        needs=[{"role": role, "unit": desk} for role in OFFICERS],
    )


def last_of(state: State, desk: str) -> tuple[int, int]:
    """Return number and last record of a desk's latest shift; zeros before the first."""
    row = state.get(SHIFT_DESK, desk)
    return (0, 0) if row is None else (row[1], row[2])


def evolve_shift(record: Record, body: Body, state: State) -> None:
    """Fold a hand-over or its acceptance into its row; the log itself is never written again."""
    if record.kind == "shift.handed_over":
        state.put(SHIFT, (record.subject, body["desk"], body["number"], encode(body), None, record.seq))
        state.put(SHIFT_DESK, (body["desk"], body["number"], body["upto"]))
        return
    row = state.get(SHIFT, record.subject)
    assert row is not None, f"record {record.seq} accepts {record.subject}, which was never handed over"
    state.put(SHIFT, (*row[:4], encode(body | {"at": record.at}), row[5]))
