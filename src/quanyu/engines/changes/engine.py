"""The engine of changes: decides proposals, replays and releases, and folds them into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from quanyu.engines.changes import deciding
from quanyu.engines.changes.deciding import Checks
from quanyu.engines.changes.store import (
    LATEST,
    TABLES,
    Change,
    Release,
    Replay,
    Standing,
    find_change,
    find_release,
    number_of,
    put_change,
    put_release,
)
from quanyu.kernel.journal import Body, Command, Desk, Fact, Kind, Record, State

Decision = Callable[[Checks, Command, Desk], Fact]

DECISIONS: Final[Mapping[str, Decision]] = {
    "change.propose": deciding.propose,
    "change.edit": deciding.edit,
    "change.note_replay": deciding.note_replay,
    "change.release": deciding.release,
    "change.roll_back": deciding.roll_back,
    "change.reject": deciding.reject,
    "change.withdraw": deciding.withdraw,
}


class ChangesEngine:
    """Owns changes and releases. `checks` judge a definition of each kind; assembly hands them in."""

    name: Final = "changes"
    commands: Final = tuple(DECISIONS)
    kinds: Final = tuple(
        Kind(f"change.{word}")
        for word in ("proposed", "edited", "replayed", "released", "rolled_back", "rejected", "withdrawn")
    )
    tables: Final = TABLES

    def __init__(self, checks: Checks | None = None) -> None:
        self.checks: Checks = checks or {}

    def decide(self, command: Command, desk: Desk) -> Iterable[Fact]:
        """Judge a command about a change; refusals have codes that begin with change., rule., flow. or parameter."""
        return [DECISIONS[command.kind](self.checks, command, desk)]

    def evolve(self, record: Record, state: State) -> None:
        """Fold a record into the change, and a release into the numbered versions of its line."""
        body = record.body
        assert body is not None, f"record {record.seq} of kind {record.kind} is kept for ever and has no body"
        if record.kind == "change.proposed":
            _proposed(record, body, state)
            return
        change = find_change(state, number_of(record.subject))
        assert change is not None, f"record {record.seq} is about {record.subject}, which was never proposed"
        put_change(state, _EVOLUTIONS[record.kind](change, record, body, state))


def _proposed(record: Record, body: Body, state: State) -> None:
    change = Change(
        number=number_of(record.subject),
        kind=body["kind"],
        name=body["name"],
        line=body["line"],
        definition=body["definition"],
        before=body["before"],
        drawing=body["drawing"],
        why=body["why"],
        base=body["base"],
        proposed_at=record.at,
        authors=(record.actor,),
    )
    state.put(LATEST, ("change", "", change.number))
    put_change(state, change)


def _edited(change: Change, record: Record, body: Body, state: State) -> Change:
    authors = change.authors if record.actor in change.authors else (*change.authors, record.actor)
    return msgspec.structs.replace(
        change,
        definition=body["definition"],
        before=body["before"],
        drawing=body["drawing"],
        why=body["why"],
        base=body["base"],
        line=body["line"],
        revision=body["revision"],
        edited_at=record.at,
        authors=authors,
    )


def _replayed(change: Change, record: Record, body: Body, state: State) -> Change:
    replay = Replay(body["revision"], record.at, body["asked_by"], body["outcome"])
    return msgspec.structs.replace(change, replay=replay)


def _released(change: Change, record: Record, body: Body, state: State) -> Change:
    before = find_release(state, change.kind, change.line, body["base"])
    if before is not None and before.change:
        _move(state, before.change, "superseded", change.number)
    release = Release(record.at, change.number, body["definition"], record.actor, drawing=body["drawing"])
    put_release(state, change.kind, change.line, body["release"], record.seq, release)
    return msgspec.structs.replace(
        change,
        state="released",
        definition=body["definition"],
        before=body["before"],
        release=body["release"],
        replaced=body["base"],
        in_force_from=record.at,
        decided_by=record.actor,
        decided_at=record.at,
        reason=body["reason"],
    )


def _rolled_back(change: Change, record: Record, body: Body, state: State) -> Change:
    if body["restores"]:
        _move(state, body["restores"], "released", None)
    retires = change.release if change.kind == "parameter" else None
    release = Release(record.at, body["restores"], body["definition"], record.actor, retires, body["drawing"])
    put_release(state, change.kind, change.line, body["release"], record.seq, release)
    return msgspec.structs.replace(
        change,
        state="rolled_back",
        rolled_back_by=record.actor,
        rolled_back_at=record.at,
        reason=body["reason"],
    )


def _decided(change: Change, record: Record, body: Body, state: State) -> Change:
    word = "rejected" if record.kind == "change.rejected" else "withdrawn"
    return msgspec.structs.replace(
        change, state=word, decided_by=record.actor, decided_at=record.at, reason=body["reason"]
    )


def _move(rows: State, number: int, standing: Standing, superseded_by: int | None) -> None:
    other = find_change(rows, number)
    assert other is not None, f"change {number} was released and never proposed"
    put_change(rows, msgspec.structs.replace(other, state=standing, superseded_by=superseded_by))


_EVOLUTIONS: Final[Mapping[str, Callable[[Change, Record, Body, State], Change]]] = {
    "change.edited": _edited,
    "change.replayed": _replayed,
    "change.released": _released,
    "change.rolled_back": _rolled_back,
    "change.rejected": _decided,
    "change.withdrawn": _decided,
}
