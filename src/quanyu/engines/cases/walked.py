"""How a case went: the stretch that each of its branches spent at each step, and what led from one to the next.

Read from the records of the case alone, so that cases of yesterday's flow are read as they went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from quanyu.kernel.journal import Body, Instant, Record

NO_WORDS: Final = frozenset({"refused", "no_action", "not_ours"})
"""Outcomes that say no; a withdrawal says it of the applicant's own will and counts as a drop-out."""


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """One stay of a branch at a step; `ended` is None while it lasts or where the case ended without it being done.

    `before` are the stretches, by their place, that had to end first; `no` says what was said against the matter here.
    """

    step: str
    began: Instant
    ended: Instant | None = None
    before: tuple[int, ...] = ()
    no: str | None = None


class Walk(msgspec.Struct, frozen=True, gc=False):
    """The stretches of one case in the order in which they began, and its end."""

    case: str
    opened_at: Instant
    stretches: tuple[Stretch, ...]
    closed_at: Instant | None = None
    outcome: str | None = None


class _Trace:
    """Stretches while records are read: by token, and those that ended at a join which still waits."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.at: dict[int, int] = {}
        self.joining: list[int] = []

    def begin(self, tokens: Sequence[Sequence[Any]], before: tuple[int, ...], at: Instant) -> bool:
        new = [token for token in tokens if token[0] not in self.at]
        for token in new:
            self.at[token[0]] = len(self.stretches)
            self.stretches.append(Stretch(token[1], at, before=before))
        return bool(new)

    def end(self, token: int | None, at: Instant, no: str | None) -> tuple[int, ...]:
        place = self.at.pop(token, None) if token is not None else None
        if place is None:
            return ()
        self.stretches[place] = msgspec.structs.replace(self.stretches[place], ended=at, no=no)
        return (place,)


def walk_of(case: str, records: Sequence[Record]) -> Walk:
    """Return how a case went; `records` are all of its records, from the opening on."""
    trace = _Trace()
    opened = _body(records[0])
    trace.begin(opened["tokens"], (), opened["opened_at"])
    closed_at: Instant | None = None
    outcome: str | None = None
    for record in records[1:]:
        body = _body(record)
        at: Instant = body.get("at", record.at)
        if "left" in body:
            ended = trace.end(body["left"], at, _said_no(body))
            before = (*ended, *trace.joining)
            if trace.begin(body.get("tokens", ()), before if _joins_done(body) else ended, at):
                trace.joining = [] if _joins_done(body) else trace.joining
            elif ended and "outcome" not in body:
                trace.joining.extend(ended)
        elif body.get("tokens"):
            trace.begin(body["tokens"], (), at)
        if "outcome" in body:
            closed_at, outcome = at, body["outcome"]["word"]
        elif closed_at is not None and body.get("tokens"):
            closed_at = outcome = None
    return Walk(case, opened["opened_at"], tuple(trace.stretches), closed_at, outcome)


def _body(record: Record) -> Body:
    assert record.body is not None, f"record {record.seq} is kept for ever and has no body"
    return record.body


def _joins_done(body: Mapping[str, Any]) -> bool:
    """Whether a join let its branches go on: its arrivals are gone from what the record keeps."""
    return "joins" in body and not body["joins"]


def _said_no(body: Mapping[str, Any]) -> str | None:
    if body.get("failed"):
        return "failed"
    if (word := body.get("outcome", {}).get("word")) in NO_WORDS:
        return str(word)
    return next((name for name, value in body.get("fields", {}).items() if value is False), None)
