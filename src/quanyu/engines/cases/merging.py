"""One matter told twice: merged into the case that leads, split again, judged to be two; asked together at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from quanyu.engines.cases.rows import get_case
from quanyu.engines.cases.tables import id_of, serial_of
from quanyu.kernel.errors import Conflict, Missing
from quanyu.kernel.journal import Body, Fact, Instant

if TYPE_CHECKING:
    from quanyu.engines.cases.acting import Deed


def merge(deed: Deed) -> Body:
    """Resolve into which case this one goes; raises Conflict (case.merge_target) where it cannot."""
    into = serial_of(deed.fields["into"])
    found = get_case(deed.desk.state, into)
    if found is None:
        raise _unknown(deed.fields["into"], "into")
    target = found[1]
    faults = {
        "it is the same case": into == deed.serial,
        "that case is merged itself": target.merged_into is not None,
        "that case is closed": target.state == "closed",
        "one of them is historical": target.historical != deed.case.historical,
    }
    for fault, stands in faults.items():
        if stands:
            raise Conflict(
                f"Case {id_of(deed.serial)} cannot be merged into {id_of(into)}: {fault}.",
                code="case.merge_target",
                where="body.fields.into",
                remedy="Choose an open case that stands by itself.",
            )
    return {"into": into}


def split(deed: Deed) -> Body:
    """Say which case gives this one back."""
    return {"other": deed.case.merged_into}


def unlike(deed: Deed) -> Body:
    """Say which case this one is not the same as; nothing moves, but it is not suggested again."""
    other = serial_of(deed.fields["other"])
    if get_case(deed.desk.state, other) is None:
        raise _unknown(deed.fields["other"], "other")
    return {"other": other}


def other_side(deed: Deed, effects: Body) -> Iterator[Fact]:
    """Say on the other case, too, that it took this one in or gave it back."""
    if "into" in effects:
        yield _told(deed, effects["into"], "merged")
    elif deed.case.merged_into is not None and "other" in effects:
        yield _told(deed, deed.case.merged_into, "separated")


def ended(deed: Deed, effects: Body) -> Iterator[Fact]:
    """Ask the reporters of the cases that were merged into one that ends: each is answered, not only the first."""
    if "outcome" not in effects or deed.flow.confirm is None or deed.case.historical:
        return
    for serial in deed.case.merged:
        found = get_case(deed.desk.state, serial)
        assert found is not None, f"case {serial} was merged and does not exist"
        if found[1].asks_reporter and found[1].confirmed != "yes":
            fact = _told(deed, serial, "ended")
            yield Fact(fact.kind, fact.subject, fact.body | {"confirm_by": _lapse(deed)})


def _lapse(deed: Deed) -> Instant | None:
    assert deed.flow.confirm is not None, "only a flow that asks has an answer that lapses"
    return deed.office.lapse(deed.at, deed.flow.confirm)


def _told(deed: Deed, other: int, action: str) -> Fact:
    body: Body = {"action": action, "person": deed.person, "other": deed.serial}
    # What is said in a case that erases is sealed there, and told to no other.
    if deed.body.note and deed.flow.keeps is None:
        body["note"] = deed.body.note
    if deed.case.historical:
        body["historical"] = True
    return Fact("case.acted", id_of(other), body)


def _unknown(id: str, field: str) -> Missing:
    return Missing(
        f"Case {id} does not exist.",
        code="case.unknown",
        where=f"body.fields.{field}",
        remedy="Look the case up by its number.",
    )
