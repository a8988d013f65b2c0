"""The problem bank: what cannot be solved now, suspended with a written reason and a day to look at it again.

No clock runs there, so the review date keeps a case from being forgotten: a timer reminds at its beginning.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from quanyu.engines.cases.option import NOTE, NOTE_FREE, Option, common_option, desks, workable
from quanyu.engines.cases.state import REMINDER, Banked, CaseState
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import OF_MATTERS, Field, Flow
from quanyu.kernel.time import day_of, midnight

if TYPE_CHECKING:
    from quanyu.engines.cases.acting import Deed
    from quanyu.kernel.journal import Body

REVIEW: Final = Field("review", "date", True, "复核日期", "Review date")


def suspend_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer to put an open case into the bank."""
    return common_option("suspend", desks("dispatcher", "chief"), [REVIEW, NOTE]) if workable(state) else None


def postpone_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer to keep a case in the bank until another day."""
    return common_option("postpone", desks("dispatcher", "chief"), [REVIEW, NOTE]) if _banked(state) else None


def strike_option(flow: Flow, state: CaseState) -> Option | None:
    """Offer the chief to close a case from the bank, with a word that something makes true."""
    if not _banked(state):
        return None
    words = tuple(each.word for each in OF_MATTERS)
    fields = [
        Field("outcome", "choice", True, "办理结果", "Outcome", words),
        Field("date", "date", False, "计划日期", "Planned date"),
        Field("who", "unit", False, "责任单位", "Who it belongs to"),
        NOTE_FREE,
    ]
    return replace(common_option("strike_off", desks("chief"), fields), outcomes=words)


def _banked(state: CaseState) -> bool:
    return state.state == "suspended"


def review(deed: Deed) -> Body:
    """Resolve the review date into the instant of the reminder; it must lie after today."""
    day = date.fromisoformat(deed.fields["review"])
    zone = deed.office.calendar.zone
    if day <= day_of(deed.at, zone):
        raise Invalid(
            f"Review date {day} is not after today.",
            code="case.review_date",
            where="body.fields.review",
            remedy="Name a later day on which somebody looks at the case again.",
        )
    return {"bank": {"review": day.isoformat(), "remind_at": midnight(day, zone)}}


def put_in(state: CaseState, body: dict[str, Any], at: int) -> CaseState:
    """Fold a suspension in: who put the case there, why, and until when. Records before 0.2 name no review date."""
    said, person = body.get("bank"), body["person"]
    if said is None:
        return state
    kept = Banked(person.get("unit"), person["id"], body.get("note", ""), at, said["review"], said["remind_at"])
    return replace(state, bank=kept, fired=_unreminded(state))


def put_off(state: CaseState, body: dict[str, Any], at: int) -> CaseState:
    """Fold a later review date in; since when it lies in the bank stays."""
    said, person = body["bank"], body["person"]
    since = state.bank.since if state.bank is not None else at
    kept = Banked(person.get("unit"), person["id"], body.get("note", ""), since, said["review"], said["remind_at"])
    return replace(state, bank=kept, fired=_unreminded(state))


def taken_out(state: CaseState) -> CaseState:
    """Fold the way out of the bank in."""
    return replace(state, bank=None, fired=_unreminded(state))


def _unreminded(state: CaseState) -> tuple[str, ...]:
    return tuple(name for name in state.fired if name != REMINDER)
