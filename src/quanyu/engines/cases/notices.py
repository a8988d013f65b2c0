"""Notices and their receipts: a step tells a city's receivers, and the case cannot end before each has answered.

Telling is at least once: a notice is a record, so a webhook that wants `case.told` delivers it after any restart; one
that stays unanswered is told again under the same key, and the unit in charge is told of that. A receipt is the answer
to the delivery, or an action of the receiver's people; the first counts and the others change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from quanyu.engines.cases.bodies import ActBody, ReceiptBody, read_body
from quanyu.engines.cases.office import Office
from quanyu.engines.cases.option import Need, Option
from quanyu.engines.cases.rows import get_case, get_opening
from quanyu.engines.cases.state import CaseState, ClockState, Notice, Opening
from quanyu.engines.cases.tables import id_of, number_of, serial_of
from quanyu.kernel.errors import Conflict, Denied
from quanyu.kernel.flow import Flow
from quanyu.kernel.journal import Body, Command, Desk, Fact, Instant, State
from quanyu.kernel.receiver import Receiver

NOTICE: Final = "notice."
"""Clocks of notices are called `notice.<event>.<receiver>`."""

TRIES_MAX: Final = 10
"""A receiver is told so often; then the notice stays open and somebody must bring its receipt."""

_MACHINES: Final = ("engine:", "system:")


class Telling:
    """Whom a step tells, and the facts that say so; made where an opening (`head`), an action or a timer is decided."""

    def __init__(
        self,
        office: Office,
        state: State,
        serial: int,
        flow: Flow,
        moves: Mapping[str, Any] | None = None,
        head: Opening | None = None,
    ) -> None:
        self._head = head
        self._office = office
        # What the case will hold once the decision that tells is folded in.
        self._data = (moves or {}).get("data", {})
        self._state = state
        self._serial = serial
        self._flow = flow

    def after(self, case: CaseState, steps: Iterable[str], at: Instant) -> Iterator[Fact]:
        """Yield the notices of the steps that were done or passed, in their order; history is told to nobody."""
        events = [event for name in steps if (event := self._flow.get_step(name).tells)]
        if not case.historical:
            yield from self.of(events, case, at)

    def of(self, events: Iterable[str], case: CaseState, at: Instant) -> Iterator[Fact]:
        """Yield the notices of events; raises Conflict (case.receivers_missing) where a city lists nobody."""
        for event in events:
            receivers = self._office.receivers.get(event, ())
            if not receivers:
                raise Conflict(
                    f"Nobody in this city is listed to hear of {event}.",
                    code="case.receivers_missing",
                    where=f"flow {self._flow.name}",
                    remedy="Put the receivers into the city's receivers.csv.",
                    event=event,
                )
            for receiver in receivers:
                yield self._notice(case, receiver, at)

    def again(self, case: CaseState, clock: str, at: Instant) -> Iterator[Fact]:
        """Yield a notice that was not answered in time once more, under its old key."""
        notice = next((each for each in case.outstanding if clock_name(each) == clock), None)
        if notice is None or notice.tries >= TRIES_MAX:
            return
        receivers = self._office.receivers.get(notice.event, ())
        receiver = next((each for each in receivers if each.id == notice.receiver), None)
        if receiver is not None:
            yield self._fact(case, receiver, replace(notice, told_at=at, tries=notice.tries + 1), at)

    def _notice(self, case: CaseState, receiver: Receiver, at: Instant) -> Fact:
        rounds = [each.round for each in case.notices if (each.event, each.receiver) == (receiver.event, receiver.id)]
        notice = Notice(
            event=receiver.event,
            receiver=receiver.id,
            zh=receiver.zh,
            en=receiver.en,
            told_at=at,
            round=max(rounds, default=0) + 1,
            unit=receiver.unit or None,
            webhook=receiver.webhook or None,
        )
        return self._fact(case, receiver, notice, at)

    def _fact(self, case: CaseState, receiver: Receiver, notice: Notice, at: Instant) -> Fact:
        head = self._head or get_opening(self._state, self._serial)
        clock = self._office.keeper.start(
            clock_name(notice), receiver.within, at, amber=self._flow.amber, red=self._flow.red
        )
        body = {
            "event": notice.event,
            "receiver": notice.receiver,
            "key": f"{number_of(self._serial)}:{notice.event}:{notice.receiver}:{notice.round}",
            "case": {"number": number_of(self._serial), "kind": head.kind, "flow": head.flow, "class": head.category,
                     "title": head.title, "asset": head.asset},
            "data": {**case.data, **self._data},
            "notice": msgspec.to_builtins(notice),
            "clocks": [msgspec.to_builtins(clock)],
        }  # fmt: skip
        if case.simulated:
            body["simulated"] = True
        return Fact("case.told", id_of(self._serial), body, "simulated" if case.simulated else "derived")


def clock_name(notice: Notice) -> str:
    """Return the name of the clock that a notice's receipt stops."""
    return f"{NOTICE}{notice.event}.{notice.receiver}"


def decide_receipt(office: Office, command: Command, desk: Desk) -> Iterator[Fact]:
    """Take what became of a delivery: its answer is the receipt, its end as a dead letter is noted.

    What another webhook brings, or what is answered already, is nobody's fault and changes nothing.
    """
    if not desk.actor.startswith(_MACHINES):
        raise Denied(
            f"Actor {desk.actor} brings no receipts of deliveries.",
            code="case.machine_only",
            where=command.kind,
            remedy="People of the receiver acknowledge with the action acknowledge.",
        )
    body = read_body(command.kind, command.body, ReceiptBody)
    found = get_case(desk.state, serial_of(command.subject))
    if found is None:
        return
    for notice in found[1].outstanding:
        if (notice.event, notice.receiver, notice.round) != (body.event, body.receiver, body.round):
            continue
        if notice.webhook == body.webhook and (body.error is None or body.error != notice.error):
            fact: Body = {"event": body.event, "receiver": body.receiver, "by": f"webhook:{body.webhook}"}
            yield Fact("case.receipt", command.subject, fact | ({"error": body.error} if body.error else {}), "derived")


def narrowed(option: Option, case: CaseState, body: ActBody) -> Option:
    """Let a receipt be given by the people of that receiver, or by a chief who holds it on paper."""
    if option.action != "acknowledge":
        return option
    units = {each.unit for each in case.outstanding if each.receiver == body.fields.get("receiver") and each.unit}
    return replace(option, by=(*(Need("handler", unit) for unit in sorted(units)), Need("chief")))


def check_receipts(case: CaseState) -> None:
    """Refuse to end a case while a receiver that was told has not answered."""
    missing = case.outstanding
    if missing:
        names = ", ".join(each.en for each in missing)
        raise Conflict(
            f"Case cannot end: {len(missing)} of {len(case.notices)} receivers have not answered ({names}).",
            code="case.receipts_missing",
            where="body.fields.outcome",
            remedy="Wait for their receipts, or let their people acknowledge.",
            receivers=[each.receiver for each in missing],
        )


# -- fold -------------------------------------------------------------------------------------------------------------


def told(state: CaseState, body: Body) -> CaseState:
    """Fold a notice in: told again, it takes the place of what was told before."""
    notice = msgspec.convert(body["notice"], Notice)
    kept = tuple(each for each in state.notices if (each.event, each.receiver) != (notice.event, notice.receiver))
    clocks = msgspec.convert(body["clocks"], tuple[ClockState, ...])
    names = {clock.name for clock in clocks}
    return replace(
        state,
        notices=(*kept, notice),
        clocks=(*(each for each in state.clocks if each.name not in names), *clocks),
        fired=tuple(name for name in state.fired if name.rpartition(".")[0] not in names),
    )


def received(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold a receipt in, or the reason why a delivery was given up; a receipt stops the notice's clock."""
    error, event = body.get("error"), body.get("event")
    notices, gone = [], set[str]()
    for each in state.notices:
        meant = each.receiver == body["receiver"] and event in (None, each.event) and each.receipt_at is None
        if meant and error:
            notices.append(replace(each, error=error))
        elif meant:
            gone.add(clock_name(each))
            notices.append(replace(each, receipt_at=at, by=body["by"], error=None))
        else:
            notices.append(each)
    return replace(
        state,
        notices=tuple(notices),
        clocks=tuple(clock for clock in state.clocks if clock.name not in gone),
        fired=tuple(name for name in state.fired if name.rpartition(".")[0] not in gone),
    )


def acknowledged(state: CaseState, body: Body, at: Instant) -> CaseState:
    """Fold the receipt that a person gave."""
    return received(state, {"receiver": body["fields"]["receiver"], "by": body["person"]["id"]}, at)


def notice_documents(notices: Sequence[Notice], clocks: Mapping[str, ClockState]) -> Iterator[dict[str, Any]]:
    """Show notices as faces do: who was told, how often, until when, and the receipt."""
    for each in notices:
        clock = clocks.get(clock_name(each))
        yield {
            "event": each.event,
            "receiver": each.receiver,
            "title": {"zh": each.zh, "en": each.en},
            "unit": each.unit,
            "webhook": each.webhook,
            "told_at": each.told_at,
            "tries": each.tries,
            "due_at": clock.due if clock else None,
            "receipt_at": each.receipt_at,
            "by": each.by,
            "error": each.error,
        }
